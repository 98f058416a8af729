"""Every connection speaks UTC, whatever the machine does, and downloads nothing."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from costlab.errors import ConfigError
from costlab.warehouse.connection import connect


def test_the_session_zone_is_utc_in_cursors_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    con = connect()
    try:
        day = "select cast(cast(timestamptz '2024-03-11 02:30:00Z' as date) as varchar)"
        assert con.execute(day).fetchall() == [("2024-03-11",)]
        assert con.cursor().execute(day).fetchall() == [("2024-03-11",)]
    finally:
        con.close()
        monkeypatch.undo()
        time.tzset()


def test_no_extension_is_ever_fetched() -> None:
    con = connect()
    try:
        names = ("autoinstall_known_extensions", "autoload_known_extensions")
        assert [con.execute("select current_setting(?)", [name]).fetchall() for name in names] == [
            [(False,)],
            [(False,)],
        ]
    finally:
        con.close()


def test_no_query_draws_a_progress_bar_into_the_data() -> None:
    con = connect()
    try:
        for handle in (con, con.cursor()):
            assert handle.execute("select current_setting('enable_progress_bar')").fetchall() == [(False,)]
    finally:
        con.close()


@pytest.mark.parametrize("name", ["a, b", "a*", "a[b]"])
def test_a_workspace_that_duckdb_would_misread_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="in its name"):
        connect(search_path=tmp_path / name)
