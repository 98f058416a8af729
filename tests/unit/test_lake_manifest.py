"""Manifests hold exactly what was written; anything else is refused with the place and the value."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from costlab.errors import SourceError
from costlab.lake import Lake, LakeFile, Manifest, Origin, Revision, writing
from costlab.lake.manifest import History, Superseded, load_history, load_manifest
from tests.lake_support import load

WHEN = datetime(2026, 4, 3, 1, 2, 3, 456789)
WHOLE = Revision(
    dataset="focus",
    source="aws",
    connector="aws-cur",
    period="2026-03",
    revision="r1",
    snapshot_id="2026-04-03T00:00:00Z",
    order="2",
    loaded_at=WHEN,
    files=(LakeFile("lake/x.parquet", 10, "00ff", 3),),
    quarantine=(LakeFile("lake/quarantine.parquet", 5, "11ff", 1),),
    rows_received=4,
    rows_loaded=3,
    rows_quarantined=1,
    rows_dropped={"SavingsPlanNegation": 2},
    billed_cost_received={"USD": Decimal("-0.000000000001"), "EUR": Decimal("12345678901234567890.123456789012")},
    origin=(Origin("/in/ü 1.csv", 9, "9-1"),),
    drift=(("new",), ("old", "older")),
    warnings=("late",),
    is_first=False,
)


def test_manifest_and_history_read_back_exactly() -> None:
    manifest = Manifest(7, WHEN, (WHOLE,), "history-00000007.json")
    assert load_manifest(manifest.dumps(), where="here") == manifest
    history = History((Superseded(WHOLE, WHEN),))
    assert load_history(history.dumps(), where="here") == history
    assert load_history(History().dumps(), where="here") == History()


def test_a_revision_takes_one_line() -> None:
    text = Manifest(7, WHEN, (WHOLE, WHOLE)).dumps()
    assert sum('"aws-cur"' in line for line in text.splitlines()) == 2


def change(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    *parents, last = path.split(".")

    def apply(record: dict[str, Any]) -> None:
        at: Any = record
        for part in parents:
            at = at[int(part)] if part.isdigit() else at[part]
        at[last] = value

    return apply


def drop(record: dict[str, Any]) -> None:
    del record["revisions"][0]["rows_loaded"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (change("revisions.0.colour", "red"), r"revisions\[0\]: unknown colour \(a newer costlab"),
        (drop, r"revisions\[0\]: rows_loaded missing"),
        (change("revisions.0.rows_loaded", "3"), r"rows_loaded: '3' is not a whole number"),
        (change("revisions.0.rows_loaded", True), r"rows_loaded: True is not a whole number"),
        (change("revisions.0.files.0.bytes", 1.5), r"files\[0\]\.bytes: 1\.5 is not a whole number"),
        (change("revisions.0.billed_cost_received.USD", "NaN"), r"USD: 'NaN' is not an amount"),
        (change("revisions.0.billed_cost_received.USD", 1.1), r"USD: 1\.1 is not a text"),
        (change("revisions.0.loaded_at", "yesterday"), r"'yesterday' is not an instant"),
        (change("revisions.0.drift", [[]]), r"drift: 1 items instead of 2"),
        (change("revisions", {}), r"revisions: {} is not a list"),
        (change("seq", None), r"seq: None is not a whole number"),
    ],
)
def test_a_manifest_that_is_not_exact_is_refused(damage: Callable[[dict[str, Any]], None], message: str) -> None:
    record = json.loads(Manifest(7, WHEN, (WHOLE,)).dumps())
    damage(record)
    with pytest.raises(SourceError, match=f"00000007.json is damaged: .*{message}"):
        load_manifest(json.dumps(record), where="00000007.json")


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"schema": "costlab/manifest/1"}'])
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(SourceError, match="here is damaged"):
        load_manifest(text, where="here")


def test_another_schema_asks_for_another_costlab() -> None:
    with pytest.raises(SourceError, match="'costlab/manifest/9'") as caught:
        load_manifest('{"schema": "costlab/manifest/9", "anything": 1}', where="here")
    assert "Update costlab" in caught.value.hint


@pytest.mark.parametrize(("name", "content"), [("CURRENT", b"x"), ("00000001.json", b"\xff"), ("CURRENT", b"\xff")])
def test_a_damaged_file_in_the_workspace_is_a_clear_error(tmp_path: Path, name: str, content: bytes) -> None:
    with writing(tmp_path) as writer:
        writer.publish([load(writer, "2026-03", "march")])
    (tmp_path / "lake/manifests" / name).write_bytes(content)
    with pytest.raises(SourceError, match="is damaged"):
        Lake(tmp_path).current()


def test_a_missing_manifest_is_a_clear_error(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        writer.publish([load(writer, "2026-03", "march")])
    Lake(tmp_path).path_of(1).unlink()
    with pytest.raises(SourceError, match=r"00000001\.json is missing"):
        Lake(tmp_path).current()
