"""Which files a billing period is read from: what the manifest says, and nothing that merely lies there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from costlab.errors import SourceError
from costlab.ingest import ingest
from costlab.interfaces.connector import Snapshot
from costlab.lake.transport import LocalTransport
from costlab_connectors.aws_cur import CONNECTOR
from tests.connectors.cur import Export, line, write_csv, write_parquet

OLD = "2026-03-05T06:00:00.000Z-aaaa"
NEW = "2026-03-06T06:00:00.000Z-bbbb"


def snapshots(where: Path, **options: Any) -> list[Snapshot]:
    return list(CONNECTOR.snapshots(LocalTransport(), str(where), source="aws", **options))


def names(snapshot: Snapshot) -> list[str]:
    return [Path(f.stored.uri).name for f in snapshot.files]


def load(workspace: Path, where: Path) -> list[dict[str, Any]]:
    return [period.item() for period in ingest(workspace, "aws-cur", str(where), source="aws").periods]


def test_a_month_that_shrank_from_five_chunks_to_three_is_read_without_the_stale_ones(tmp_path: Path) -> None:
    export = Export(tmp_path / "bucket")
    for number in range(1, 6):
        write_csv(export.data(number=number), [line()])
    export.manifest()
    workspace = tmp_path / "ws"
    assert load(workspace, export.root)[0]["rows_loaded"] == 5
    for number in range(1, 4):
        write_csv(export.data(number=number), [line(line_item_unblended_cost="2")])
    export.manifest()
    (item,) = load(workspace, export.root)
    assert (item["action"], item["rows_loaded"], str(item["billed_cost_loaded"])) == ("replaced", 3, "6.000000000000")


@pytest.mark.parametrize(
    "start", ["", "cur", "cur/metadata", "cur/metadata/BILLING_PERIOD=2026-03", "cur/data/BILLING_PERIOD=2026-03"]
)
def test_the_manifest_is_found_from_any_folder_of_the_export(tmp_path: Path, start: str) -> None:
    export = Export(tmp_path)
    export.month([line()])
    write_csv(tmp_path / "cur/data/BILLING_PERIOD=2026-03/stale.csv.gz", [line()])
    (snapshot,) = snapshots(tmp_path / start)
    assert names(snapshot) == ["cur-00001.csv.gz"]
    assert str(snapshot.period) == "2026-03"


def test_the_manifest_itself_can_be_named(tmp_path: Path) -> None:
    export = Export(tmp_path)
    export.month([line()])
    (snapshot,) = snapshots(next(tmp_path.rglob("*-Manifest.json")))
    assert names(snapshot) == ["cur-00001.csv.gz"]


def test_of_several_executions_the_newest_counts(tmp_path: Path) -> None:
    export = Export(tmp_path)
    export.month([line()], run=NEW)
    export.month([line(), line()], run=OLD)
    (snapshot,) = snapshots(tmp_path)
    assert (snapshot.snapshot_id, len(snapshot.files)) == (NEW, 1)


def test_a_delivery_older_than_the_live_one_is_ignored(tmp_path: Path) -> None:
    new, old = Export(tmp_path / "new"), Export(tmp_path / "old")
    new.month([line()], run=NEW)
    old.month([line(), line()], run=OLD)
    workspace = tmp_path / "ws"
    assert load(workspace, new.root)[0]["action"] == "loaded"
    (item,) = load(workspace, old.root)
    assert item["action"] == "ignored-older"
    assert load(workspace, new.root)[0]["action"] == "unchanged"


def test_three_deliveries_out_of_order_end_with_the_newest(tmp_path: Path) -> None:
    workspace = tmp_path / "ws"
    for day, rows in ((2, 2), (3, 3), (1, 1)):
        export = Export(tmp_path / str(day))
        export.month([line()] * rows, run=f"2026-03-0{day}T06:00:00.000Z-x")
        last = load(workspace, export.root)[0]
    assert last["action"] == "ignored-older"
    assert last["rows_loaded"] == 3


def test_the_same_files_copied_again_are_unchanged(tmp_path: Path) -> None:
    export = Export(tmp_path / "a")
    export.month([line()], run=NEW)
    workspace = tmp_path / "ws"
    load(workspace, export.root)
    copy = tmp_path / "b"
    shutil.copytree(export.root, copy, copy_function=shutil.copy)
    assert load(workspace, copy)[0]["action"] == "unchanged"


def legacy(root: Path, assembly: str, rows: int) -> None:
    period = root / "report" / "20260301-20260401"
    write_csv(period / assembly / "report-1.csv.gz", [line()] * rows)
    record = {
        "assemblyId": assembly,
        "reportKeys": [f"prefix/report/20260301-20260401/{assembly}/report-1.csv.gz"],
        "billingPeriod": {"start": "20260301T000000.000Z", "end": "20260401T000000.000Z"},
    }
    for place in (period, period / assembly):
        (place / "report-Manifest.json").write_text(json.dumps(record))


def test_the_manifest_in_the_legacy_periods_folder_is_the_live_one(tmp_path: Path) -> None:
    legacy(tmp_path, "zzzz", 5)
    legacy(tmp_path, "aaaa", 2)
    (snapshot,) = snapshots(tmp_path)
    assert snapshot.snapshot_id == "aaaa"
    assert load(tmp_path / "ws", tmp_path)[0]["rows_loaded"] == 2


def test_keys_are_found_below_an_exports_own_folder(tmp_path: Path) -> None:
    legacy(tmp_path, "aaaa", 2)
    (snapshot,) = snapshots(tmp_path / "report")
    assert names(snapshot) == ["report-1.csv.gz"]


def test_manifests_and_data_may_lie_apart(tmp_path: Path) -> None:
    write_csv(tmp_path / "cur" / "data" / "a.csv.gz", [line()])
    (tmp_path / "manifests").mkdir()
    record = {"dataFiles": ["s3://bucket/cur/data/a.csv.gz"], "billingPeriod": {"start": "20260301T000000.000Z"}}
    (tmp_path / "manifests" / "cur-Manifest.json").write_text(json.dumps(record))
    (snapshot,) = snapshots(tmp_path)
    assert (names(snapshot), str(snapshot.period)) == (["a.csv.gz"], "2026-03")


@pytest.mark.parametrize(
    "key", ["../../outside.csv.gz", "/etc/passwd", "s3://bucket/../x.csv.gz", "cur/data/missing.csv.gz"]
)
def test_a_manifest_that_names_what_is_not_there_or_outside_is_rejected(tmp_path: Path, key: str) -> None:
    export = Export(tmp_path / "bucket")
    write_csv(tmp_path / "outside.csv.gz", [line()])
    export.month([line()], month="2026-02")
    export.manifest(dataFiles=[key])
    report = ingest(tmp_path / "ws", "aws-cur", str(export.root))
    february, march = report.periods
    assert (february.action, march.action) == ("loaded", "rejected")
    assert report.exit_code == 3
    assert key in march.error
    assert march.hint


@pytest.mark.parametrize("content", ["{not json", "[]", "{}", '{"dataFiles": []}', '{"dataFiles": [3]}'])
def test_a_broken_manifest_rejects_its_own_period_only(tmp_path: Path, content: str) -> None:
    export = Export(tmp_path / "bucket")
    export.month([line()], month="2026-02")
    export.manifest().write_text(content)
    report = ingest(tmp_path / "ws", "aws-cur", str(export.root))
    assert [(p.period, str(p.action)) for p in report.periods] == [("2026-02", "loaded"), ("2026-03", "rejected")]


def test_a_rejected_delivery_leaves_the_live_one(tmp_path: Path) -> None:
    export = Export(tmp_path / "bucket")
    export.month([line()])
    workspace = tmp_path / "ws"
    load(workspace, export.root)
    export.manifest(dataFiles=["cur/data/BILLING_PERIOD=2026-03/gone.csv.gz"])
    assert load(workspace, export.root)[0]["action"] == "rejected"
    export.files = ["cur/data/BILLING_PERIOD=2026-03/cur-00001.csv.gz"]
    export.manifest()
    assert load(workspace, export.root)[0]["action"] == "unchanged"


def test_a_manifest_in_the_folder_of_another_month_is_rejected(tmp_path: Path) -> None:
    export = Export(tmp_path / "bucket")
    export.month([line()], billingPeriod={"start": "20260201T000000.000Z"})
    (item,) = load(tmp_path / "ws", export.root)
    assert item["action"] == "rejected"
    assert "2026-02" in item["error"]


def test_rows_of_another_month_than_the_manifest_says_are_refused(tmp_path: Path) -> None:
    export = Export(tmp_path / "bucket")
    write_csv(export.data(), [line(bill_billing_period_start_date="2026-02-01T00:00:00Z")])
    export.manifest()
    (item,) = load(tmp_path / "ws", export.root)
    assert item["action"] == "rejected"
    assert "2026-02" in item["error"]


def test_two_exports_in_one_folder_are_not_mixed(tmp_path: Path) -> None:
    for name in ("one", "two"):
        Export(tmp_path, name).month([line()])
    with pytest.raises(SourceError, match="holds 2 exports") as caught:
        snapshots(tmp_path)
    assert "--from" in caught.value.hint


def test_a_focus_export_beside_the_report_is_left_to_its_connector(tmp_path: Path) -> None:
    Export(tmp_path, "cur").month([line()], columns=[{"name": "line_item_unblended_cost"}])
    Export(tmp_path, "focus").month([line()], columns=[{"name": "BilledCost"}])
    (snapshot,) = snapshots(tmp_path)
    assert names(snapshot) == ["cur-00001.csv.gz"]


def test_files_without_a_manifest_are_read_with_a_warning(tmp_path: Path) -> None:
    write_csv(tmp_path / "files" / "a.csv.gz", [line()])
    write_parquet(tmp_path / "files" / "b.parquet", [line()])
    report = ingest(tmp_path / "ws", "aws-cur", str(tmp_path / "files"))
    assert report.periods[0].rows_loaded == 2
    assert any("no manifest" in text for text in report.warnings)


def test_a_folder_without_data_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="neither a manifest nor data files") as caught:
        snapshots(tmp_path)
    assert "--from" in caught.value.hint
