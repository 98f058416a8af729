"""Microsoft's exports of FOCUS: a run per day, the last one counts, and its row count is held to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from costlab.errors import SourceError
from costlab.ingest import ingest
from costlab.interfaces.connector import FileFormat
from costlab.lake import Action
from costlab.lake.transport import LocalTransport
from costlab_connectors.focus import CONNECTOR
from tests.connectors.test_focus_ingest import CHARGE, csv_of

if TYPE_CHECKING:
    from pathlib import Path

    from costlab.interfaces.connector import Snapshot

MARCH = ("2026-03-01T00:00:00", "2026-03-31T00:00:00")


def run(
    container: Path,
    submitted: str,
    *,
    rows: int = 1,
    told: int | None = None,
    span: tuple[str, str] = MARCH,
    export: str = "focus",
    kind: str = "FocusCost",
) -> Path:
    """Write a run of an export as Cost Management does, and return its folder."""
    days = "-".join(day[:10].replace("-", "") for day in span)
    folder = f"root/{export}/{days}/{submitted[:16].translate({45: None, 58: None, 84: None})}/guid-{submitted[8:10]}"
    (container / folder).mkdir(parents=True)
    (container / folder / "part_0_0001.csv").write_text("\ufeff" + csv_of([CHARGE] * rows), encoding="utf-8")
    count = rows if told is None else told
    size = (container / folder / "part_0_0001.csv").stat().st_size
    blobs = [{"blobName": f"{folder}/part_0_0001.csv", "byteCount": size, "dataRowCount": count}]
    manifest: dict[str, Any] = {
        "exportConfig": {"exportName": export, "type": kind, "resourceId": f"/exports/{export}"},
        "runInfo": {
            "runId": f"guid-{submitted[8:10]}",
            "submittedTime": submitted,
            "startDate": span[0],
            "endDate": span[1],
        },
        "blobs": blobs if rows else [],
        "blobCount": len(blobs) if rows else 0,
        "dataRowCount": count,
    }
    (container / folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return container / folder


def snapshots(path: Path) -> list[Snapshot]:
    return list(CONNECTOR.snapshots(LocalTransport(), str(path), source="azure"))


def test_of_a_months_runs_the_last_submitted_counts(tmp_path: Path) -> None:
    run(tmp_path, "2026-03-20T04:00:00.0000000Z", rows=2)
    run(tmp_path, "2026-03-21T04:00:00.0000000Z", rows=3)
    run(tmp_path, "2026-03-19T04:00:00.0000000Z", rows=1)
    run(tmp_path, "2026-04-02T04:00:00Z", span=("2026-04-01T00:00:00", "2026-04-30T00:00:00"))
    found = snapshots(tmp_path)
    assert [(str(s.period), s.snapshot_id, s.rows) for s in found] == [
        ("2026-03", "guid-21", 3),
        ("2026-04", "guid-02", 1),
    ]
    assert found[0].order < found[1].order
    assert {s.format for s in found} == {FileFormat.CSV}


@pytest.mark.parametrize("depth", range(5))
def test_the_folder_given_may_be_the_container_or_any_below(tmp_path: Path, depth: int) -> None:
    folder = run(tmp_path, "2026-03-20T04:00:00Z")
    chain = [folder / "manifest.json", folder, *folder.parents][:5]
    (found,) = snapshots(chain[depth])
    assert [file.stored.uri for file in found.files] == [str(folder / "part_0_0001.csv")]


def test_a_run_over_several_months_is_sorted_by_its_rows(tmp_path: Path) -> None:
    run(tmp_path, "2026-05-01T04:00:00Z", span=("2026-01-01T00:00:00", "2026-03-31T00:00:00"))
    assert [s.period for s in snapshots(tmp_path)] == [None]


def test_an_empty_month_is_no_delivery(tmp_path: Path) -> None:
    run(tmp_path, "2026-03-20T04:00:00Z", rows=0)
    assert snapshots(tmp_path) == []


def test_other_kinds_of_exports_are_left_alone_and_two_of_one_kind_refused(tmp_path: Path) -> None:
    run(tmp_path, "2026-03-20T04:00:00Z")
    run(tmp_path, "2026-03-20T04:00:00Z", export="actual", kind="ActualCost")
    assert len(snapshots(tmp_path)) == 1
    with pytest.raises(SourceError, match="0 exports of type FocusCost \\(there are: ActualCost\\)"):
        snapshots(tmp_path / "root" / "actual")
    run(tmp_path, "2026-03-20T04:00:00Z", export="other")
    with pytest.raises(SourceError, match="holds 2 exports"):
        snapshots(tmp_path)


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_broken_manifest_is_said(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content, encoding="utf-8")
    with pytest.raises(SourceError, match=r"manifest\.json is not"):
        snapshots(tmp_path)


def test_a_run_is_loaded_and_a_later_one_replaces_it(tmp_path: Path) -> None:
    container, workspace = tmp_path / "container", tmp_path / "ws"
    workspace.mkdir()
    run(container, "2026-03-20T04:00:00Z", rows=2)
    assert _actions(workspace, container) == [("2026-03", Action.LOADED, 2)]
    assert _actions(workspace, container) == [("2026-03", Action.UNCHANGED, 2)]
    run(container, "2026-03-21T04:00:00Z", rows=3)
    assert _actions(workspace, container) == [("2026-03", Action.REPLACED, 3)]


def test_a_run_with_fewer_rows_than_it_tells_is_rejected(tmp_path: Path) -> None:
    container, workspace = tmp_path / "container", tmp_path / "ws"
    workspace.mkdir()
    run(container, "2026-03-20T04:00:00Z", rows=2, told=3)
    (period,) = ingest(workspace, "focus", str(container), source="azure").periods
    assert period.action is Action.REJECTED
    assert "3" in period.error


def test_a_run_whose_blob_is_missing_is_rejected(tmp_path: Path) -> None:
    container, workspace = tmp_path / "container", tmp_path / "ws"
    workspace.mkdir()
    (run(container, "2026-03-20T04:00:00Z") / "part_0_0001.csv").unlink()
    (period,) = ingest(workspace, "focus", str(container), source="azure").periods
    assert (period.period, period.action) == ("2026-03", Action.REJECTED)
    assert "part_0_0001.csv, which is not there" in period.error


def _actions(workspace: Path, container: Path) -> list[tuple[str, Action, int]]:
    report = ingest(workspace, "focus", str(container), source="azure")
    return [(p.period, p.action, p.revision.rows_loaded) for p in report.periods if p.revision is not None]
