"""Files of Google's billing export, from the file to the lake: all notations alike, late rows, older exports."""

from __future__ import annotations

import csv
import gzip
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from costlab.errors import UsageError
from costlab.ingest import ingest
from costlab.lake import Action, Lake
from costlab.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from costlab.ingest import IngestReport

Row = dict[str, Any]

LINE: Row = {
    "billing_account_id": "0A0A0A-0B0B0B-0C0C0C",
    "service": {"id": "6F81-5844-456A", "description": "Compute Engine"},
    "sku": {"id": "CORE", "description": "N2 Instance Core running in Iowa"},
    "usage_start_time": "2026-03-05 01:00:00 UTC",
    "usage_end_time": "2026-03-05 02:00:00 UTC",
    "project": {"id": "shop", "name": "Shop", "labels": [{"key": "cost-center", "value": "7"}]},
    "labels": [{"key": "team", "value": "a"}],
    "system_labels": [{"key": "compute.googleapis.com/machine_spec", "value": "n2-standard-4"}],
    "tags": [{"key": "env", "value": "prod", "inherited": True, "namespace": "organizations/1"}],
    "location": {"location": "us-central1", "region": "us-central1", "zone": "us-central1-a", "country": "US"},
    "resource": {"name": "vm-1", "global_name": "//compute.googleapis.com/projects/1/zones/z/instances/2"},
    "cost": 0.1,
    "currency": "USD",
    "usage": {"amount": 3600.0, "unit": "seconds", "amount_in_pricing_units": 1.0, "pricing_unit": "hour"},
    "credits": [
        {"name": "Sustained use", "full_name": None, "id": "s", "type": "SUSTAINED_USAGE_DISCOUNT", "amount": -0.01},
        {"name": "Trial", "full_name": "Free trial", "id": "t", "type": "PROMOTION", "amount": -0.000002},
    ],
    "invoice": {"month": "202603", "publisher_type": "GOOGLE"},
    "cost_type": "regular",
    "export_time": "2026-03-06 07:00:00 UTC",
    "cost_at_list": 0.12,
    "price": {"list_price": 0.12, "effective_price": 0.1, "pricing_unit_quantity": 1.0},
}
SHOWN = """
    BilledCost, EffectiveCost, ContractedCost, ListCost, ListUnitPrice, BillingCurrency, BillingPeriodStart,
    ChargePeriodStart, ChargeCategory, ResourceId, SkuId, Tags, x_instance_type, AvailabilityZone, PricingQuantity,
    ServiceName, SubAccountId, x_extra
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "ws").mkdir()
    return tmp_path / "ws"


def write_lines(path: Path, rows: Sequence[Row]) -> Path:
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def write_parquet(path: Path, rows: Sequence[Row]) -> Path:
    """Write what BigQuery exports: STRUCT and LIST columns, FLOAT64 costs, TIMESTAMP with UTC."""
    lines = write_lines(path.with_suffix(".scratch"), rows)
    instants = ("usage_start_time", "usage_end_time", "export_time")
    casts = ", ".join(f"cast(replace({name}, ' UTC', '+00') as timestamptz) as {name}" for name in instants)
    con = connect()
    try:
        con.execute(
            f"copy (select * replace ({casts}) from read_json('{lines}', format='newline_delimited', "
            f"sample_size=-1)) to '{path}' (format parquet)"
        )
    finally:
        con.close()
    lines.unlink()
    return path


def write_csv(path: Path, rows: Sequence[Row], *, flat: str = "") -> Path:
    """Write nested columns as JSON text, or flattened with ``flat`` between column and field."""
    table = [_flat(row, flat) if flat else row for row in rows]
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, list(table[0]))
        writer.writeheader()
        for row in table:
            writer.writerow({k: json.dumps(v) if isinstance(v, dict | list) else v for k, v in row.items()})
    return path


def _flat(row: Row, by: str) -> Row:
    flat: Row = {}
    for name, value in row.items():
        flat |= {f"{name}{by}{k}": v for k, v in value.items()} if isinstance(value, dict) else {name: value}
    return flat


def load(workspace: Path, path: Path, *, source: str = "gcp") -> IngestReport:
    return ingest(workspace, "gcp-billing-export", str(path), source=source)


def loaded(workspace: Path, columns: str = SHOWN, *, source: str = "gcp") -> list[Row]:
    revisions = [r for r in Lake(workspace).current().revisions if r.source == source]
    files = [str(workspace / file.path) for r in revisions for file in r.files]
    con = connect()
    try:
        con.execute(f"select {columns} from read_parquet({files}, hive_partitioning=false, union_by_name=true)")
        names = [column[0] for column in con.description or []]
        return sorted((dict(zip(names, row, strict=True)) for row in con.fetchall()), key=str)
    finally:
        con.close()


def actions(report: IngestReport) -> list[tuple[str, str]]:
    return [(p.period, p.action.value) for p in report.periods]


def test_all_notations_of_an_export_load_alike(workspace: Path, tmp_path: Path) -> None:
    rows = [LINE, LINE | {"credits": [], "cost": 12345.678901234567, "labels": []}, LINE | {"cost": -0.25}]
    files = {
        "parquet": write_parquet(tmp_path / "a.parquet", rows),
        "jsonl": write_lines(tmp_path / "a.jsonl", rows),
        "jsonl-gz": write_lines(tmp_path / "a.json.gz", rows),
        "csv": write_csv(tmp_path / "a.csv", rows),
        "dotted": write_csv(tmp_path / "dotted.csv", rows, flat="."),
        "flat": write_csv(tmp_path / "flat.csv", rows, flat="_"),
    }
    for source, path in files.items():
        report = load(workspace, path, source=source)
        assert (source, report.exit_code, report.warnings) == (source, 0, [])
        (item,) = [p.item() for p in report.periods]
        assert (item["rows_received"], item["rows_loaded"], item["rows_quarantined"]) == (3, 3, 0)
        expected = Decimal("12345.678901234567") + Decimal("-0.15") - 2 * Decimal("0.010002")
        assert item["billed_cost_received"] == item["billed_cost_loaded"] == item["effective_cost_loaded"] == expected
        assert loaded(workspace, source=source) == loaded(workspace, source="parquet")
    first = loaded(workspace, source="parquet")
    assert {row["x_extra"] for row in first} == {None}
    assert {row["ResourceId"] for row in first} == {LINE["resource"]["global_name"]}
    assert {row["x_instance_type"] for row in first} == {"n2-standard-4"}
    assert json.loads(first[0]["Tags"])["cost-center"] == "7"


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl"])
def test_two_invoice_months_and_two_currencies_are_kept_apart(workspace: Path, tmp_path: Path, suffix: str) -> None:
    april = LINE | {"invoice": {"month": "202604"}}
    euro = LINE | {"currency": "EUR", "cost": 7.0, "credits": []}
    write = write_parquet if suffix == ".parquet" else write_lines
    report = load(workspace, write(tmp_path / f"a{suffix}", [LINE, april, euro, LINE]))
    assert actions(report) == [("2026-03", "loaded"), ("2026-04", "loaded")]
    march, later = [p.item() for p in report.periods]
    assert march["billed_cost_received"] == march["billed_cost_loaded"] == {"USD": Decimal("0.179996"), "EUR": 7}
    assert (march["rows_received"], march["rows_loaded"], later["rows_received"]) == (3, 3, 1)


def test_identical_lines_are_all_kept(workspace: Path, tmp_path: Path) -> None:
    load(workspace, write_lines(tmp_path / "a.jsonl", [LINE] * 3))
    assert len(loaded(workspace)) == 6


def at(when: str, **given: Any) -> Row:
    return LINE | {"export_time": when} | given


def test_a_month_that_gains_rows_later_is_replaced_and_the_older_export_ignored(
    workspace: Path, tmp_path: Path
) -> None:
    old = [at("2026-03-06 07:00:00 UTC"), at("2026-03-09 07:00:00 UTC")]
    late = [*old, at("2026-04-03 07:00:00 UTC", cost=0.5)]
    april = at("2026-04-03 07:00:00 UTC", invoice={"month": "202604"})
    first, second = write_lines(tmp_path / "1.jsonl", old), write_lines(tmp_path / "2.jsonl", [*late, april])
    assert actions(load(workspace, first)) == [("2026-03", "loaded")]
    assert actions(load(workspace, second)) == [("2026-03", "replaced"), ("2026-04", "loaded")]
    live = loaded(workspace)
    assert len(live) == 8
    assert actions(load(workspace, first)) == [("2026-03", "ignored-older")]
    assert loaded(workspace) == live
    revision = Lake(workspace).current().find("focus", "gcp", "2026-03")
    assert revision is not None
    assert revision.order == "2026-04-03 07:00:00"


def test_a_file_that_holds_a_part_of_a_month_never_replaces_it(workspace: Path, tmp_path: Path) -> None:
    old = [at("2026-03-06 07:00:00 UTC"), at("2026-03-09 07:00:00 UTC"), at("2026-03-09 07:00:00 UTC", cost=2.5)]
    late = at("2026-04-03 07:00:00 UTC", cost=0.5)
    load(workspace, write_lines(tmp_path / "1.jsonl", old))
    before = Lake(workspace).current()
    said = ""
    for name, rows in {"newest day only": [late], "a day lacks": [*old[:1], late], "same end": old[1:]}.items():
        report = load(workspace, write_parquet(tmp_path / f"{name}.parquet", rows))
        assert (name, actions(report)) == (name, [("2026-03", "rejected")])
        assert report.periods[0].hint.startswith("Give all files of the month")
        assert report.exit_code == 3
        assert Lake(workspace).current() == before
        said = report.periods[0].error
    expected = "of the 3 rows written up to 2026-03-09 07:00:00 only 2 are there (2.579996 of 2.669994 USD)"
    assert expected in said
    both = tmp_path / "all"
    both.mkdir()
    write_lines(both / "1.jsonl", old)
    write_lines(both / "2.jsonl", [late])
    assert actions(load(workspace, both)) == [("2026-03", "replaced")]


def test_other_months_of_a_file_load_where_one_is_a_part(workspace: Path, tmp_path: Path) -> None:
    april = at("2026-04-03 07:00:00 UTC", invoice={"month": "202604"})
    load(workspace, write_lines(tmp_path / "1.jsonl", [LINE, LINE]))
    report = load(workspace, write_lines(tmp_path / "2.jsonl", [at("2026-04-03 07:00:00 UTC"), april]))
    assert actions(report) == [("2026-03", "rejected"), ("2026-04", "loaded")]


def test_fewer_rows_of_the_same_cost_are_the_whole_month(workspace: Path, tmp_path: Path) -> None:
    detailed = [at("2026-03-09 07:00:00 UTC", cost=cost, credits=[]) for cost in (1.5, 2.5, 0.0)]
    standard = [at("2026-03-09 07:00:00 UTC", cost=4.0, credits=[])]
    load(workspace, write_lines(tmp_path / "1.jsonl", detailed))
    assert actions(load(workspace, write_lines(tmp_path / "2.jsonl", standard))) == [("2026-03", "replaced")]


def test_fewer_rows_are_taken_when_the_user_says_so(workspace: Path, tmp_path: Path) -> None:
    load(workspace, write_lines(tmp_path / "1.jsonl", [LINE, LINE]))
    path = str(write_lines(tmp_path / "2.jsonl", [LINE]))
    with pytest.raises(UsageError, match="accept_fewer is 'ja'"):
        ingest(workspace, "gcp-billing-export", path, source="gcp", options={"accept_fewer": "ja"})
    report = ingest(workspace, "gcp-billing-export", path, source="gcp", options={"accept_fewer": "yes"})
    assert actions(report) == [("2026-03", "replaced")]


def test_the_same_rows_again_change_nothing(workspace: Path, tmp_path: Path) -> None:
    rows = [LINE, at("2026-03-09 07:00:00 UTC")]
    load(workspace, write_lines(tmp_path / "1.jsonl", rows))
    before = Lake(workspace).current()
    assert actions(load(workspace, tmp_path / "1.jsonl")) == [("2026-03", "unchanged")]
    assert actions(load(workspace, write_lines(tmp_path / "2.jsonl", rows[::-1]))) == [("2026-03", "unchanged")]
    assert Lake(workspace).current() == before


def test_an_export_with_later_rows_elsewhere_leaves_a_month_as_it_is(workspace: Path, tmp_path: Path) -> None:
    april = at("2026-04-03 07:00:00 UTC", invoice={"month": "202604"})
    load(workspace, write_lines(tmp_path / "1.jsonl", [LINE]))
    report = load(workspace, write_lines(tmp_path / "2.jsonl", [LINE, april]))
    assert actions(report) == [("2026-03", "unchanged"), ("2026-04", "loaded")]


def test_without_export_times_the_last_export_wins(workspace: Path, tmp_path: Path) -> None:
    bare = {name: value for name, value in LINE.items() if name != "export_time"}
    load(workspace, write_lines(tmp_path / "1.jsonl", [bare, bare]))
    assert actions(load(workspace, write_lines(tmp_path / "2.jsonl", [bare]))) == [("2026-03", "replaced")]


def test_a_month_of_corrections_may_have_a_negative_total(workspace: Path, tmp_path: Path) -> None:
    wrong = LINE | {"credits": [], "cost": 1.5}
    undone = wrong | {"cost": -4.0, "cost_type": "adjustment", "adjustment_info": {"type": "USAGE_CORRECTION"}}
    report = load(workspace, write_parquet(tmp_path / "a.parquet", [wrong, undone]))
    (item,) = [p.item() for p in report.periods]
    assert item["billed_cost_received"] == item["billed_cost_loaded"] == Decimal("-2.5")
    assert {row["ChargeCategory"] for row in loaded(workspace)} == {"Usage", "Adjustment"}


def test_what_is_not_known_is_loaded_and_told(workspace: Path, tmp_path: Path) -> None:
    odd = LINE | {"credits": [{"type": "NEW", "amount": -0.5}]}
    surcharge = LINE | {"cost_type": "surcharge", "credits": []}
    report = load(workspace, write_parquet(tmp_path / "a.parquet", [LINE, odd, surcharge]))
    assert report.warnings == [
        "2026-03: 1 rows: cost type surcharge is not known, taken as Adjustment",
        "2026-03: 1 rows: credit type NEW is not known, taken as a discount",
    ]
    (item,) = [p.item() for p in report.periods]
    assert item["billed_cost_received"] == item["billed_cost_loaded"] == Decimal("-0.210002")


def test_new_columns_and_new_fields_are_kept_and_told(workspace: Path, tmp_path: Path) -> None:
    row = LINE | {"carbon": 3, "project": LINE["project"] | {"folder": "f1"}}
    report = load(workspace, write_parquet(tmp_path / "a.parquet", [row]))
    assert report.warnings == ["2026-03: columns that are not known, kept in x_extra: carbon, project.folder"]
    assert json.loads(loaded(workspace)[0]["x_extra"]) == {"carbon": 3, "project.folder": "f1"}


@pytest.mark.parametrize("column", ["cost", "currency", "invoice", "usage_end_time"])
def test_a_file_without_a_mandatory_column_is_rejected(workspace: Path, tmp_path: Path, column: str) -> None:
    short = {name: value for name, value in LINE.items() if name != column}
    report = load(workspace, write_lines(tmp_path / "a.jsonl", [short]))
    assert [p.action for p in report.periods] == [Action.REJECTED]
    assert Lake(workspace).current().revisions == ()


def test_a_column_without_a_mandatory_field_is_rejected(workspace: Path, tmp_path: Path) -> None:
    short = LINE | {"invoice": {"publisher_type": "GOOGLE"}}
    report = load(workspace, write_parquet(tmp_path / "a.parquet", [short]))
    assert [p.action for p in report.periods] == [Action.REJECTED]
    assert "invoice_month" in report.periods[0].error


def test_unreadable_lines_are_put_aside_with_the_reason(workspace: Path, tmp_path: Path) -> None:
    bad = [LINE | {"cost": "ten"}, LINE | {"credits": {}}, LINE | {"labels": "none"}]
    report = load(workspace, write_lines(tmp_path / "a.jsonl", [LINE, *bad]))
    (item,) = [p.item() for p in report.periods]
    assert (item["rows_received"], item["rows_loaded"], item["rows_quarantined"]) == (4, 1, 3)
    revision = Lake(workspace).current().revisions[0]
    con = connect()
    rows = con.execute(
        "select x_reason from read_parquet($1) order by 1", [str(workspace / revision.quarantine[0].path)]
    ).fetchall()
    con.close()
    assert [reason for (reason,) in rows] == [
        "cost: 'ten' is not a number",
        "credits: '{}' is not a list of records",
        "labels: 'none' is not a list of records",
    ]
