"""FOCUS files of all kinds, from the file to the lake: nothing lost, nothing changed, the odd put aside."""

from __future__ import annotations

import gzip
import json
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from costlab.errors import SourceError
from costlab.ingest import ingest
from costlab.lake import Action, Lake
from costlab.period import Month
from costlab.warehouse.catalogue import publish_lake
from costlab.warehouse.connection import connect
from costlab.warehouse.export import export_focus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from costlab.ingest import IngestReport

Row = dict[str, Any]

CHARGE: Row = {
    "BilledCost": "1.10",
    "BillingAccountId": "0012",
    "BillingCurrency": "USD",
    "BillingPeriodEnd": "2026-04-01T00:00:00Z",
    "BillingPeriodStart": "2026-03-01T00:00:00Z",
    "ChargeCategory": "Usage",
    "ChargePeriodEnd": "2026-03-05T02:00:00Z",
    "ChargePeriodStart": "2026-03-05T01:00:00Z",
    "ContractedCost": "1.20",
    "EffectiveCost": "1.15",
    "ListCost": "1.30",
    "ProviderName": "AWS",
    "ServiceName": "EC2",
    "SubAccountId": "000000000007",
}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "ws").mkdir()
    return tmp_path / "ws"


def csv_of(rows: Sequence[Row], *, quote: str = '"') -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [
        ",".join(f"{quote}{str(row.get(c, '')).replace(quote, quote * 2)}{quote}" for c in columns) for row in rows
    ]
    return "\n".join([",".join(columns), *lines]) + "\n"


def load(workspace: Path, path: Path, *, source: str = "bill") -> IngestReport:
    return ingest(workspace, "focus", str(path), source=source)


def loaded(workspace: Path, columns: str = "*", *, source: str = "bill") -> list[Row]:
    revisions = [r for r in Lake(workspace).current().revisions if r.source == source]
    files = [str(workspace / file.path) for r in revisions for file in r.files]
    con = connect()
    try:
        table = f"read_parquet({files}, hive_partitioning=false, union_by_name=true)"
        con.execute(f"select {columns} from {table} order by ChargePeriodStart, BillingPeriodStart")
        names = [column[0] for column in con.description or []]
        return [dict(zip(names, row, strict=True)) for row in con.fetchall()]
    finally:
        con.close()


def outcome(report: IngestReport) -> list[tuple[str, str, int, int]]:
    return [
        (p.period, p.action.value, p.revision.rows_loaded, p.revision.rows_quarantined)
        for p in report.periods
        if p.revision is not None
    ]


def test_a_csv_file_is_loaded_exactly(workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "bill.csv").write_text(csv_of([CHARGE]), encoding="utf-8")
    assert outcome(load(workspace, tmp_path / "bill.csv")) == [("2026-03", "loaded", 1, 0)]
    (row,) = loaded(workspace)
    assert (row["BilledCost"], row["EffectiveCost"]) == (Decimal("1.10"), Decimal("1.15"))
    assert (row["ContractedCost"], row["ListCost"]) == (Decimal("1.20"), Decimal("1.30"))
    assert row["ChargePeriodStart"] == datetime(2026, 3, 5, 1)
    assert (row["BillingAccountId"], row["SubAccountId"]) == ("0012", "000000000007")
    assert row["ServiceProviderName"] == "AWS"


def test_gzip_byte_order_mark_and_windows_line_ends_make_no_difference(workspace: Path, tmp_path: Path) -> None:
    text = "\ufeff" + csv_of([CHARGE, CHARGE]).replace("\n", "\r\n")
    (tmp_path / "bill.csv.gz").write_bytes(gzip.compress(text.encode()))
    assert outcome(load(workspace, tmp_path / "bill.csv.gz")) == [("2026-03", "loaded", 2, 0)]
    assert sum(row["BilledCost"] for row in loaded(workspace)) == Decimal("2.20")


def test_every_spelling_of_null_is_null(workspace: Path, tmp_path: Path) -> None:
    empty = ("ContractedCost", "ResourceId", "Tags", "ChargeClass")
    given = [CHARGE | dict.fromkeys(empty, null) for null in ("NULL", "null", "", "\\N")]
    (tmp_path / "bill.csv").write_text(csv_of(given, quote=""), encoding="utf-8")
    assert outcome(load(workspace, tmp_path / "bill.csv")) == [("2026-03", "loaded", 4, 0)]
    assert {row[name] for row in loaded(workspace) for name in empty} == {None}


INSTANTS = (
    "2026-03-05 01:00:00", "2026-03-05T01:00:00Z", "2026-03-05T01:00Z", "2026-03-05T03:00:00+02:00",
    "2026-03-05 01:00:00+00", "2026-03-05T01:00:00.000Z", "2026-03-05 01:00:00 UTC",
)  # fmt: skip


def test_instants_are_utc_unless_they_say_otherwise(workspace: Path, tmp_path: Path) -> None:
    given = [CHARGE | {"ChargePeriodStart": instant} for instant in INSTANTS]
    (tmp_path / "bill.csv").write_text(csv_of(given), encoding="utf-8")
    assert outcome(load(workspace, tmp_path / "bill.csv")) == [("2026-03", "loaded", len(INSTANTS), 0)]
    assert {row["ChargePeriodStart"] for row in loaded(workspace)} == {datetime(2026, 3, 5, 1)}


@pytest.mark.parametrize("compress", [False, True])
def test_json_lines_keep_tags_as_an_object(workspace: Path, tmp_path: Path, compress: bool) -> None:
    given = CHARGE | {"BilledCost": 0.1, "Tags": {"team": "a", "urgent": True}, "ResourceId": None}
    other = CHARGE | {"Tags": None, "x_new": [1, 2]}
    text = f"{json.dumps(given)}\n{json.dumps(other)}\n"
    path = tmp_path / ("bill.jsonl.gz" if compress else "bill.jsonl")
    path.write_bytes(gzip.compress(text.encode()) if compress else text.encode())
    assert outcome(load(workspace, path)) == [("2026-03", "loaded", 2, 0)]
    rows = sorted(loaded(workspace), key=lambda row: row["BilledCost"])
    assert [row["BilledCost"] for row in rows] == [Decimal("0.1"), Decimal("1.10")]
    assert json.loads(rows[0]["Tags"]) == {"team": "a", "urgent": True}
    assert json.loads(rows[1]["x_extra"]) == {"x_new": "[1,2]"} or json.loads(rows[1]["x_extra"]) == {"x_new": [1, 2]}


def test_parquet_with_true_types_and_maps(workspace: Path, tmp_path: Path) -> None:
    con = connect()
    typed = "cast('{}' as timestamptz)"
    con.execute(
        "copy (select cast(1.1 as double) as BilledCost, cast(1.15 as decimal(20, 4)) as EffectiveCost, "
        "cast(2 as bigint) as ListCost, 'USD' as BillingCurrency, 'Usage' as ChargeCategory, "
        f"date '2026-03-01' as BillingPeriodStart, {typed.format('2026-03-05 01:00:00+00')} as ChargePeriodStart, "
        "timestamp '2026-03-05 02:00:00' as ChargePeriodEnd, map {'team': 'a', 'env': NULL} as Tags, "
        "{'InstanceType': 'm5.large', 'CoreCount': 2} as SkuPriceDetails, 12 as billing_account_id) "
        f"to '{tmp_path}/bill.parquet' (format parquet)"
    )
    con.close()
    assert outcome(load(workspace, tmp_path / "bill.parquet")) == [("2026-03", "loaded", 1, 0)]
    (row,) = loaded(workspace)
    assert [row[c] for c in ("BilledCost", "EffectiveCost", "ListCost")] == [Decimal("1.1"), Decimal("1.15"), 2]
    assert row["ChargePeriodStart"] == datetime(2026, 3, 5, 1)
    assert json.loads(row["Tags"]) == {"team": "a", "env": None}
    assert (row["x_instance_type"], row["x_family"], row["BillingAccountId"]) == ("m5.large", "m5", "12")


def test_aws_and_microsoft_columns_become_costlabs_own(workspace: Path, tmp_path: Path) -> None:
    aws = CHARGE | {"x_ServiceCode": "AmazonEC2", "x_UsageType": "BoxUsage:m5.large", "x_Operation": "RunInstances"}
    azure = CHARGE | {
        "x_SkuMeterName": "D4s v5",
        "x_SkuMeterCategory": "Virtual Machines",
        "x_BillingExchangeRate": "1",
    }
    (tmp_path / "1.csv").write_text(csv_of([aws]), encoding="utf-8")
    (tmp_path / "2.csv").write_text(csv_of([azure]), encoding="utf-8")
    load(workspace, tmp_path / "*.csv")
    rows = {row["x_usage_type"]: row for row in loaded(workspace)}
    assert rows["BoxUsage:m5.large"]["x_instance_type"] == "m5.large"
    assert rows["BoxUsage:m5.large"]["x_operation"] == "RunInstances"
    assert rows["D4s v5"]["x_service_code"] == "Virtual Machines"
    assert json.loads(rows["D4s v5"]["x_extra"]) == {"x_BillingExchangeRate": "1"}


def test_unreadable_rows_are_put_aside_and_the_rest_is_loaded(workspace: Path, tmp_path: Path) -> None:
    bad = [
        CHARGE | {"BilledCost": "ten"},
        CHARGE | {"ChargePeriodStart": "2026-13-45"},
        CHARGE | {"BillingCurrency": ""},
    ]
    (tmp_path / "bill.csv").write_text(csv_of([CHARGE, *bad]), encoding="utf-8")
    report = load(workspace, tmp_path / "bill.csv")
    assert sum(item[2] for item in outcome(report)) == 1
    assert sum(item[3] for item in outcome(report)) == 3


@pytest.mark.parametrize("month", ["2026-03", "2026-04"])
def test_an_unreadable_value_of_a_column_that_decides_nothing_puts_its_row_aside(
    workspace: Path, tmp_path: Path, month: str
) -> None:
    april = CHARGE | {"BillingPeriodStart": "2026-04-01", "BillingPeriodEnd": "2026-05-01"}
    rows = [CHARGE, CHARGE, april, april]
    (tmp_path / "bill.csv").write_text(
        csv_of([row | {"ListUnitPrice": "2.5"} for row in rows[:-1]]
               + [(CHARGE if month == "2026-03" else april) | {"ListUnitPrice": "dear"}]), encoding="utf-8"
    )  # fmt: skip
    columns = f"read_csv('{tmp_path}/bill.csv', all_varchar=true)"
    connect().execute(f"copy (select * from {columns}) to '{tmp_path}/bill.parquet' (format parquet)")
    report = load(workspace, tmp_path / "bill.parquet")
    assert report.exit_code == 5
    assert sum(item[2] for item in outcome(report)) == 3
    assert [item[0] for item in outcome(report) if item[3] == 1] == [month]
    assert {row["ListUnitPrice"] for row in loaded(workspace)} == {Decimal("2.5")}


def test_a_month_without_a_readable_row_is_rejected_when_that_is_found_out(workspace: Path, tmp_path: Path) -> None:
    april = {"BillingPeriodStart": "2026-04-01", "BillingPeriodEnd": "2026-05-01", "ListUnitPrice": "dear"}
    (tmp_path / "bill.csv").write_text(csv_of([CHARGE | {"ListUnitPrice": "2.5"}, CHARGE | april]), encoding="utf-8")
    columns = f"read_csv('{tmp_path}/bill.csv', all_varchar=true)"
    connect().execute(f"copy (select * from {columns}) to '{tmp_path}/bill.parquet' (format parquet)")
    report = load(workspace, tmp_path / "bill.parquet")
    assert [p.action for p in report.periods] == [Action.LOADED, Action.REJECTED]
    assert "none of the rows of 2026-04 can be read" in report.periods[1].error


@pytest.mark.parametrize("column", ["BilledCost", "ChargePeriodStart"])
def test_a_file_without_a_mandatory_column_is_rejected(workspace: Path, tmp_path: Path, column: str) -> None:
    (tmp_path / "bill.csv").write_text(csv_of([{k: v for k, v in CHARGE.items() if k != column}]), encoding="utf-8")
    report = load(workspace, tmp_path / "bill.csv")
    assert [p.action for p in report.periods] == [Action.REJECTED]
    assert column in report.periods[0].error
    assert Lake(workspace).current().revisions == ()


def test_the_same_name_replaces_per_billing_period_whether_file_or_folder(workspace: Path, tmp_path: Path) -> None:
    april = CHARGE | {"BillingPeriodStart": "2026-04-01", "BillingPeriodEnd": "2026-05-01"}
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "march.csv").write_text(csv_of([CHARGE, CHARGE]), encoding="utf-8")
    (folder / "april.csv").write_text(csv_of([april]), encoding="utf-8")
    assert outcome(load(workspace, folder)) == [("2026-03", "loaded", 2, 0), ("2026-04", "loaded", 1, 0)]
    assert [item[1] for item in outcome(load(workspace, folder))] == ["unchanged", "unchanged"]
    (tmp_path / "march.csv").write_text(csv_of([CHARGE]), encoding="utf-8")
    assert outcome(load(workspace, tmp_path / "march.csv")) == [("2026-03", "replaced", 1, 0)]
    assert len(loaded(workspace)) == 2


def two_months(path: Path) -> Path:
    april = CHARGE | {"BillingPeriodStart": "2026-04-01", "BillingPeriodEnd": "2026-05-01"}
    path.write_text(csv_of([CHARGE, CHARGE, april]), encoding="utf-8")
    return path


def test_a_month_that_was_not_asked_for_is_loaded_when_it_is(workspace: Path, tmp_path: Path) -> None:
    path = two_months(tmp_path / "bill.csv")
    first = ingest(workspace, "focus", str(path), source="bill", period=Month(2026, 3))
    assert outcome(first) == [("2026-03", "loaded", 2, 0)]
    assert outcome(load(workspace, path)) == [("2026-03", "unchanged", 2, 0), ("2026-04", "loaded", 1, 0)]
    assert [item[1] for item in outcome(load(workspace, path))] == ["unchanged", "unchanged"]


def test_a_month_that_is_not_there_is_an_error(workspace: Path, tmp_path: Path) -> None:
    path = two_months(tmp_path / "bill.csv")
    with pytest.raises(SourceError, match="nothing of 2026-05 is there"):
        ingest(workspace, "focus", str(path), source="bill", period=Month(2026, 5))
    assert Lake(workspace).current().seq == 0


def test_live_files_that_were_lost_are_loaded_again_from_the_same_delivery(workspace: Path, tmp_path: Path) -> None:
    path = two_months(tmp_path / "bill.csv")
    load(workspace, path)
    before = loaded(workspace)
    lost = Lake(workspace).current().find("focus", "bill", "2026-03")
    assert lost is not None
    (workspace / lost.files[0].path).unlink()
    assert [item[:2] for item in outcome(load(workspace, path))] == [("2026-03", "replaced"), ("2026-04", "unchanged")]
    assert loaded(workspace) == before


def test_an_aws_data_export_is_read_through_its_manifest(workspace: Path, tmp_path: Path) -> None:
    export = tmp_path / "bucket" / "exports" / "focus"
    data = export / "data" / "BILLING_PERIOD=2026-03"
    data.mkdir(parents=True)
    (data / "focus-00001.csv.gz").write_bytes(gzip.compress(csv_of([CHARGE]).encode()))
    (data / "focus-00002.csv.gz").write_bytes(gzip.compress(csv_of([CHARGE, CHARGE]).encode()))  # of an older delivery
    metadata = export / "metadata" / "BILLING_PERIOD=2026-03"
    metadata.mkdir(parents=True)
    named = "s3://bucket/exports/focus/data/BILLING_PERIOD=2026-03/focus-00001.csv.gz"
    (metadata / "focus-Manifest.json").write_text(
        json.dumps({"executionId": "e1", "dataFiles": [named]}), encoding="utf-8"
    )
    for uri in (tmp_path / "bucket", export, export / "data", metadata / "focus-Manifest.json"):
        report = load(workspace, uri)
        assert [(p.period, p.connector, p.snapshot_id) for p in report.periods] == [("2026-03", "focus", "e1")]
    assert len(loaded(workspace)) == 1


def test_a_manifest_that_names_a_missing_file_is_rejected(workspace: Path, tmp_path: Path) -> None:
    metadata = tmp_path / "export" / "metadata" / "BILLING_PERIOD=2026-03"
    metadata.mkdir(parents=True)
    (metadata / "f-Manifest.json").write_text('{"dataFiles": ["s3://b/export/data/1.csv.gz"]}', encoding="utf-8")
    report = load(workspace, tmp_path / "export")
    assert [(p.period, p.action) for p in report.periods] == [("2026-03", Action.REJECTED)]
    assert "1.csv.gz" in report.periods[0].error


def test_a_report_of_another_kind_beside_it_is_left_alone(workspace: Path, tmp_path: Path) -> None:
    for name, column in (("cur", "line_item_usage_type"), ("focus", "BilledCost")):
        data = tmp_path / name / "data" / "BILLING_PERIOD=2026-03"
        metadata = tmp_path / name / "metadata" / "BILLING_PERIOD=2026-03"
        data.mkdir(parents=True)
        metadata.mkdir(parents=True)
        (data / "1.csv").write_text(csv_of([CHARGE]), encoding="utf-8")
        manifest = {"columns": [{"name": column}], "dataFiles": [f"s3://b/{name}/data/BILLING_PERIOD=2026-03/1.csv"]}
        (metadata / f"{name}-Manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert outcome(load(workspace, tmp_path)) == [("2026-03", "loaded", 1, 0)]


def test_what_is_exported_loads_again_with_equal_rows_and_sums(workspace: Path, tmp_path: Path) -> None:
    rows = [
        CHARGE | {"Tags": '{"team": "a"}', "ResourceId": "i-1", "ListUnitPrice": "1.30", "PricingQuantity": "1"},
        CHARGE | {"BilledCost": "-5", "EffectiveCost": "-5", "ChargeCategory": "Credit", "ListCost": "0"},
        CHARGE | {"BillingPeriodStart": "2026-04-01", "BillingPeriodEnd": "2026-05-01", "ListCost": "0.000000000001"},
    ]
    (tmp_path / "bill.csv").write_text(csv_of(rows), encoding="utf-8")
    load(workspace, tmp_path / "bill.csv")
    publish_lake(Lake(workspace))
    for version in ("1.2", "1.4"):
        for ending in (".parquet", ".csv.gz"):
            target = tmp_path / f"again{ending}"
            source = f"again-{version.replace('.', '-')}{ending.split('.')[1]}"
            assert export_focus(workspace, version, target) == len(rows)
            load(workspace, target, source=source)
            assert _comparable(workspace, source) == _comparable(workspace, "bill")


SAME = """
    BillingPeriodStart, BillingPeriodEnd, ChargePeriodStart, ChargePeriodEnd, BilledCost, EffectiveCost, ListCost,
    ContractedCost, BillingAccountId, SubAccountId, ResourceId, ServiceName, ServiceProviderName, ChargeCategory,
    ChargeClass, InvoiceId, cast(cast(Tags as json) as varchar) as Tags
"""


def _comparable(workspace: Path, source: str) -> list[Row]:
    return sorted(loaded(workspace, SAME, source=source), key=str)


@pytest.mark.shared
def test_the_public_sample_is_loaded_to_the_last_digit(workspace: Path, shared_data: Path) -> None:
    report = load(workspace, shared_data / "focus" / "focus_sample_1000.csv")
    assert outcome(report) == [("2024-09", "loaded", 999, 0), ("2024-10", "loaded", 1, 0)]
    rows = loaded(workspace)
    sums = {
        name: sum(row[name] or 0 for row in rows)
        for name in ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")
    }
    assert sums == {
        "BilledCost": Decimal("20.52022672899"),
        "EffectiveCost": Decimal("14.97651418586"),
        "ListCost": Decimal("20.39090575119"),
        "ContractedCost": Decimal("14.97626039326"),
    }
    assert sum(row["ContractedCost"] is None for row in rows) == 7
    assert sum(row["Tags"] is not None for row in rows) == 711
    assert {row["ChargeFrequency"] for row in rows} == {"Usage-Based", "One-Time"}
    assert {row["AvailabilityZone"] for row in rows if row["ProviderName"] == "Microsoft"} == {None}
    assert sum(row["CommitmentDiscountStatus"] == "Used" for row in rows) == 4
    assert {row["x_extra"] for row in rows} == {None}
    assert {len(row["SubAccountId"] or "") > 0 for row in rows if row["ProviderName"] == "AWS"} == {True}


@pytest.mark.shared
def test_the_public_sample_survives_an_export(workspace: Path, shared_data: Path, tmp_path: Path) -> None:
    load(workspace, shared_data / "focus" / "focus_sample_1000.csv")
    publish_lake(Lake(workspace))
    assert export_focus(workspace, "1.2", tmp_path / "out.parquet") == 1000
    load(workspace, tmp_path / "out.parquet", source="again")
    same = "BilledCost, EffectiveCost, ListCost, BillingPeriodStart, ChargePeriodStart, ResourceId, SubAccountId"
    before, after = (sorted(loaded(workspace, same, source=s), key=str) for s in ("bill", "again"))
    assert before == after
