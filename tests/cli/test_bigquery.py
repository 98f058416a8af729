"""What a user sees of reading from BigQuery: the price on standard error, the cap and its exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.connectors.bigquery_server import Served
from tests.connectors.test_gcp_bigquery import MARCH, SCHEMA, TABLE, URI

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run


def test_the_price_is_told_and_the_cap_ends_the_command_with_exit_4(run: Run, tmp_path: Path) -> None:
    with Served() as google:
        google.create(TABLE, SCHEMA)
        google.insert(TABLE, MARCH, loaded="2026-03-06")
        google.row_bytes = 10**9
        given = ("--from", URI, "--name", "gcp", "--workspace", tmp_path, "--option", f"endpoint={google.endpoint}")
        done = run("ingest", "gcp-billing-export", *given, "--option", "max_gb=1")
        assert done.code == 4
        assert "would read 3.000 GB, 0.0171 USD on demand; at most 1.000 GB may be read" in done.err
        assert "Raise the option max_gb" in done.err
        assert google.ran == []
        done = run("ingest", "gcp-billing-export", *given)
        assert done.code == 0
        assert "reading 1 month(s) reads 3.000 GB, 0.0171 USD on demand" in done.err
