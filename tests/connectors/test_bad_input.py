"""Bills as they come: broken, odd, huge or hostile files lose nothing and load nothing twice."""

from __future__ import annotations

import gzip
import random
import subprocess
import sys
import zipfile
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from costlab.ingest import IngestReport, ingest
from costlab.interfaces.connector import Snapshot
from costlab.lake import Lake
from costlab.warehouse.connection import connect
from costlab_connectors.aws_cur import CONNECTOR
from tests.connectors.cur import Export, Row, csv_text, line, write_bytes, write_csv, write_parquet

ROOT = Path(__file__).resolve().parents[2]
COST = "line_item_unblended_cost"


@pytest.fixture
def export(tmp_path: Path) -> Export:
    return Export(tmp_path / "bucket")


def load(export: Export) -> IngestReport:
    return ingest(export.root.parent / "ws", "aws-cur", str(export.root), source="aws")


def only(report: IngestReport) -> dict[str, Any]:
    (period,) = report.periods
    return period.item()


def stored(export: Export, columns: str, what: str = "part-0") -> list[tuple[Any, ...]]:
    """Return columns of the files the live revision names."""
    workspace = export.root.parent / "ws"
    files: list[str] = []
    for revision in Lake(workspace).current().revisions:
        files += [str(workspace / f.path) for f in (*revision.files, *revision.quarantine) if what in f.path]
    return connect().execute(f"select {columns} from read_parquet({files})").fetchall()


def test_a_truncated_gzip_is_rejected(export: Export) -> None:
    noise = random.Random(1)
    rows = [line(line_item_resource_id=f"i-{noise.random()}") for _ in range(2000)]
    path = write_csv(export.data(), rows)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    export.manifest()
    report = load(export)
    assert only(report)["action"] == "rejected"
    assert report.exit_code == 3
    assert Lake(export.root.parent / "ws").current().seq == 0


def test_a_truncated_parquet_is_rejected(export: Export) -> None:
    path = write_parquet(export.data(ending="parquet"), [line()])
    path.write_bytes(path.read_bytes()[:-20])
    export.manifest()
    assert only(load(export))["action"] == "rejected"


@pytest.mark.parametrize("content", [b"", b"\n"])
def test_an_empty_file_is_rejected(export: Export, content: bytes) -> None:
    write_bytes(export.data(ending="csv"), content, zipped=False)
    export.manifest()
    report = load(export)
    assert report.exit_code == 3
    assert report.rejected[0].hint


def test_a_file_with_a_header_only_is_rejected(export: Export) -> None:
    write_csv(export.data(), [])
    export.manifest()
    assert "no rows" in load(export).rejected[0].error


def test_an_empty_chunk_beside_a_full_one_is_fine(export: Export) -> None:
    write_csv(export.data(number=1), [])
    write_csv(export.data(number=2), [line()])
    export.manifest()
    assert only(load(export))["rows_loaded"] == 1


def test_a_missing_mandatory_column_is_rejected_and_named(export: Export) -> None:
    rows = [{name: value for name, value in line().items() if name != COST}]
    write_csv(export.data(), rows)
    export.manifest()
    report = load(export)
    assert report.exit_code == 3
    assert COST in report.rejected[0].error


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(export: Export) -> None:
    text = "\ufeff" + csv_text([line(), line()], end="\r\n")
    write_bytes(export.data(), text.encode())
    export.manifest()
    item = only(load(export))
    assert (item["rows_loaded"], item["billed_cost_loaded"]) == (2, Decimal(3))
    assert stored(export, "distinct RegionId") == [("us-east-1",)]


def test_line_breaks_commas_and_quotes_inside_values_are_kept(export: Export) -> None:
    tags = '{"user_note": "first\\nsecond, \\"third\\""}'
    export.month([line(line_item_line_item_description='a\nb, "c"', resource_tags=tags)])
    load(export)
    assert stored(export, "ChargeDescription, Tags") == [('a\nb, "c"', '{"note":"first\\nsecond, \\"third\\""}')]


def test_text_null_is_null(export: Export) -> None:
    export.month([line(line_item_resource_id="NULL", line_item_usage_amount="NULL"), line()])
    load(export)
    assert sorted(stored(export, "ResourceId"), key=str) == [("i-1",), (None,)]


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        (COST, "abc", "line_item_unblended_cost: 'abc' is not a number"),
        (COST, "", "line_item_unblended_cost is empty"),
        ("line_item_usage_start_date", "yesterday", "line_item_usage_start_date: 'yesterday' is not an instant"),
        ("line_item_line_item_type", "", "line_item_line_item_type is empty"),
        ("resource_tags", "{broken", "resource_tags: '{broken' is not a JSON object"),
    ],
)
def test_an_unreadable_value_sends_its_row_to_quarantine(export: Export, column: str, value: str, reason: str) -> None:
    export.month([line(), line(**{column: value}), line()])
    report = load(export)
    item = only(report)
    assert (item["rows_received"], item["rows_loaded"], item["rows_quarantined"]) == (3, 2, 1)
    assert report.exit_code == 5
    assert stored(export, "x_reason", "quarantine") == [(reason,)]


def test_lines_that_are_no_rows_go_to_quarantine_with_their_text(export: Export) -> None:
    lines = csv_text([line(), line()]).splitlines()
    lines[2:2] = ["too,short", lines[1] + ",too long"]
    write_bytes(export.data(), ("\n".join(lines) + "\n").encode())
    export.manifest()
    report = load(export)
    item = only(report)
    assert (item["rows_received"], item["rows_loaded"], item["rows_quarantined"]) == (4, 2, 2)
    assert report.exit_code == 5
    assert ("too,short",) in stored(export, "x_line", "quarantine")


def test_an_unreadable_row_of_parquet_goes_to_quarantine(export: Export) -> None:
    write_parquet(export.data(ending="parquet"), [line(), line(**{COST: "abc"})])
    export.manifest()
    item = only(load(export))
    assert (item["rows_loaded"], item["rows_quarantined"]) == (1, 1)


def test_an_unknown_line_item_type_is_kept_with_its_cash_and_said(export: Export) -> None:
    export.month([line(), line(line_item_line_item_type="Surprise")])
    report = load(export)
    assert only(report)["billed_cost_loaded"] == Decimal(3)
    assert sorted(stored(export, "ChargeCategory, EffectiveCost")) == [
        ("Adjustment", Decimal("1.5")),
        ("Usage", Decimal("1.5")),
    ]
    assert any("Surprise" in text for text in report.warnings)


def test_leading_zeros_of_account_ids_are_kept(export: Export) -> None:
    export.month([line()])
    load(export)
    assert stored(export, "BillingAccountId, SubAccountId") == [("000000000042", "000000000007")]


def test_two_currencies_are_never_added(export: Export) -> None:
    export.month([line(), line(line_item_currency_code="CNY", line_item_unblended_cost="7")])
    item = only(load(export))
    assert item["billed_cost_loaded"] == item["billed_cost_received"] == {"CNY": Decimal(7), "USD": Decimal("1.5")}


def test_offsets_of_instants_are_honoured(export: Export) -> None:
    export.month([line(line_item_usage_start_date="2026-03-02T10:00:00+09:00")])
    load(export)
    assert str(stored(export, "ChargePeriodStart")[0][0]) == "2026-03-02 01:00:00"


def test_equal_rows_are_legal_and_all_kept(export: Export) -> None:
    export.month([line()] * 3)
    assert only(load(export))["rows_loaded"] == 3


def test_very_long_tags_are_kept(export: Export) -> None:
    value = "x" * 100_000
    export.month([line(resource_tags=f'{{"user_note": "{value}"}}')])
    load(export)
    assert stored(export, "length(Tags)") == [(100_000 + len('{"note":""}'),)]


@pytest.mark.parametrize("rows", [1, 3])
def test_another_number_of_rows_than_promised_is_rejected(
    export: Export, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshots = CONNECTOR.snapshots

    def promising(*args: Any, **options: Any) -> list[Snapshot]:
        return [replace(snapshot, rows=rows) for snapshot in snapshots(*args, **options)]

    monkeypatch.setattr(CONNECTOR, "snapshots", promising)
    export.month([line(), line()])
    report = load(export)
    assert report.exit_code == 3
    assert f"promises {rows} rows" in report.rejected[0].error


def test_new_columns_are_kept_and_reported(export: Export) -> None:
    export.month([line(brand_new="7"), line(brand_new=None)])
    report = load(export)
    assert sorted(stored(export, "x_extra"), key=str) == [('{"brand_new":"7"}',), (None,)]
    assert any("brand_new" in text for text in report.warnings)


def test_legacy_spellings_in_any_case_are_understood(export: Export) -> None:
    names = {
        "bill_payer_account_id": "bill/PayerAccountId",
        COST: "LINEITEM/UNBLENDEDCOST",
        "line_item_usage_account_id": "lineItem/UsageAccountId",
        "tag": "resourceTags/user:Name",
    }
    write_csv(export.data(), [line(tag='a "b"'), line(tag=None)], names=names)
    export.manifest()
    assert only(load(export))["billed_cost_loaded"] == Decimal(3)
    assert sorted(stored(export, "Tags, ResourceName"), key=str) == [('{"Name":"a \\"b\\""}', 'a "b"'), (None, None)]


def test_csv_and_parquet_with_different_columns_make_one_month(export: Export) -> None:
    write_csv(export.data(number=1), [line(line_item_net_unblended_cost="1")])
    write_parquet(export.data(number=2, ending="parquet"), [line()], {COST: "DOUBLE"})
    export.manifest()
    item = only(load(export))
    assert (item["rows_loaded"], item["billed_cost_loaded"]) == (2, Decimal("2.5"))


def test_binary_amounts_become_the_decimals_they_were(export: Export) -> None:
    amounts = ["0.1", "12345.678901", "98765432.1", "1e-10"]
    write_parquet(export.data(ending="parquet"), [line(**{COST: a}) for a in amounts], {COST: "DOUBLE"})
    export.manifest()
    load(export)
    assert sorted(cost for (cost,) in stored(export, "BilledCost")) == sorted(Decimal(a) for a in amounts)


def test_maps_and_their_entries_are_read(export: Export) -> None:
    tags, product = "map {'user_team': 'a', 'aws_created_by': 'u'}", "map {'instance_type': 'm5.large'}"
    path = export.data(ending="parquet")
    path.parent.mkdir(parents=True)
    columns = ", ".join(f"'{value}' as {name}" for name, value in line().items())
    connect().execute(f"copy (select {columns}, {tags} as resource_tags, {product} as product) to '{path}'")
    export.manifest()
    load(export)
    assert stored(export, "Tags, x_instance_type") == [('{"team":"a","aws:created_by":"u"}', "m5.large")]


def test_a_zipped_report_is_read(export: Export) -> None:
    path = export.data(ending="csv.zip")
    path.parent.mkdir(parents=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cur-1.csv", csv_text([line(), line()]))
    export.manifest()
    assert only(load(export))["rows_loaded"] == 2


def test_names_of_files_and_columns_are_never_run_as_sql_or_patterns(tmp_path: Path) -> None:
    folder = tmp_path / "o'clock'); drop table x; --"
    hostile = "x'); drop table raw; --\"]"
    write_csv(folder / "a[1].csv.gz", [line(**{hostile: "1"})])
    write_csv(folder / "a1.csv.gz", [line(), line()])
    report = ingest(tmp_path / "ws", "aws-cur", str(folder), source="aws")
    assert only(report)["rows_loaded"] == 3


def test_a_discount_row_that_holds_money_of_its_own_is_not_dropped(export: Export) -> None:
    rows: list[Row] = [
        line(line_item_net_unblended_cost="1.4"),
        line(line_item_line_item_type="EdpDiscount", line_item_unblended_cost="-0.1", line_item_net_unblended_cost="0"),
        line(line_item_line_item_type="EdpDiscount", line_item_unblended_cost="-9", line_item_net_unblended_cost="-9"),
    ]
    export.month(rows)
    item = only(load(export))
    assert item["rows_dropped"] == {"EdpDiscount": 1}
    assert item["billed_cost_received"] == item["billed_cost_loaded"] == Decimal("-7.6")


def test_discounts_are_credits_where_there_are_no_net_columns(export: Export) -> None:
    export.month([line(), line(line_item_line_item_type="EdpDiscount", line_item_unblended_cost="-0.1")])
    item = only(load(export))
    assert (item["rows_loaded"], item["billed_cost_loaded"]) == (2, Decimal("1.4"))


def test_an_export_that_does_not_add_up_is_said(export: Export) -> None:
    export.month([line(), line(line_item_line_item_type="SavingsPlanNegation", line_item_unblended_cost="-1")])
    report = load(export)
    assert report.exit_code == 5
    assert any("differ by -1 USD" in text for text in report.warnings)


def test_an_interrupted_load_leaves_what_was_live(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    export.month([line()])
    load(export)
    export.month([line(), line()])

    def interrupted(*_: object) -> None:
        raise RuntimeError("Query interrupted")

    monkeypatch.setattr("costlab.ingest.staged.Staging.write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load(export)
    assert Lake(export.root.parent / "ws").current().seq == 1
    assert stored(export, "count(*)") == [(1,)]
    folders = (export.root.parent / "ws/lake/focus/source=aws/billing_period=2026-03").iterdir()
    assert len(list(folders)) == 1


BOMB = """
import resource, sys
from pathlib import Path
from costlab.ingest import ingest
report = ingest(Path(sys.argv[1]), "aws-cur", sys.argv[2], source="aws")
print(report.periods[0].rows_loaded, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_a_file_that_unfolds_as_far_as_gzip_can_streams(export: Export) -> None:
    header, row, _ = csv_text([line(line_item_line_item_description="x" * 1_000_000)]).split("\n")
    path = export.data()
    path.parent.mkdir(parents=True)
    count = 400  # 400 MB of text in less than half of one
    with gzip.open(path, "wt") as stream:
        stream.write(header + "\n")
        for _ in range(count // 100):
            stream.write((row + "\n") * 100)
    export.manifest()
    assert len(row) * count > 900 * path.stat().st_size  # deflate ends at 1,032
    done = subprocess.run(
        [sys.executable, "-c", BOMB, str(export.root.parent / "ws"), str(export.root)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'connectors'}", "PATH": "/usr/bin:/bin"},
    )
    rows, peak_mb = map(int, done.stdout.split())
    assert rows == count
    assert peak_mb < 1500
