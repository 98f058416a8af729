"""Oracle's cost reports, from the file to the lake: overage, corrections, several files a day, unreadable rows."""

from __future__ import annotations

import csv
import gzip
import io
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from costlab.focus.columns import COLUMN_TYPES
from costlab.focus.conformance import Weight, breaches
from costlab.focus.values import SERVICE_SUBCATEGORIES
from costlab.ingest import ingest
from costlab.lake import Lake
from costlab.paths import shipped
from costlab.warehouse.builder import build
from costlab.warehouse.connection import connect
from costlab.warehouse.relations import Database
from costlab_connectors.oci_cost_report import COLUMNS
from tests.connectors.support import staged
from tests.connectors.test_gcp_ingest import actions, loaded

if TYPE_CHECKING:
    from pathlib import Path

    from costlab.ingest import IngestReport

Row = dict[str, Any]
LINE: Row = {
    "lineItem/referenceNo": "V2.r-1",
    "lineItem/tenantId": "ocid1.tenancy.oc1..t",
    "lineItem/intervalUsageStart": "2026-03-05T01:00Z",
    "lineItem/intervalUsageEnd": "2026-03-05T02:00Z",
    "product/service": "COMPUTE",
    "product/resource": "PIC_COMPUTE_STANDARD_E4_FLEX",
    "product/compartmentId": "ocid1.compartment.oc1..c",
    "product/compartmentName": "shop",
    "product/region": "eu-frankfurt-1",
    "product/availabilityDomain": "fKyn:EU-FRANKFURT-1-AD-1",
    "product/resourceId": "ocid1.instance.oc1.eu-frankfurt-1.i",
    "usage/billedQuantity": "4",
    "usage/billedQuantityOverage": "0",
    "cost/subscriptionId": "7001",
    "cost/productSku": "B93113",
    "product/Description": "Compute - Standard - E4 - OCPU",
    "cost/unitPrice": "0.025",
    "cost/unitPriceOverage": "0.025",
    "cost/myCost": "0.1",
    "cost/myCostOverage": "0",
    "cost/currencyCode": "USD",
    "cost/billingUnitReadable": "ONE HOUR",
    "cost/skuUnitDescription": "OCPU Hours",
    "cost/overageFlag": "N",
    "cost/attributedCost": "0.1",
    "usage/attributedUsage": "4",
    "lineItem/isCorrection": "false",
    "lineItem/backreferenceNo": "",
    "tags/Oracle-Tags.CreatedBy": "ann",
    "tags/team": "a",
}


def line(**given: str) -> Row:
    """Return a line; names are the last part of a column's."""
    names = {name.rpartition("/")[2]: name for name in LINE}
    return LINE | {names[name]: value for name, value in given.items()}


def write(folder: Path, name: str, *rows: Row, start: str = "", plain: bool = False) -> Path:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    content = (start + text.getvalue()).encode()
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if plain else gzip.compress(content))
    return path


def load(workspace: Path, place: Path) -> IngestReport:
    return ingest(workspace, "oci-cost-report", str(place), source="oci")


def rows(workspace: Path, columns: str = "*") -> list[Row]:
    return loaded(workspace, columns, source="oci")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "ws").mkdir()
    return tmp_path / "ws"


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    return tmp_path / "bucket" / "reports" / "cost-csv"


def test_staging_gives_the_columns_of_focus_costs_in_order() -> None:
    (row,) = staged("oci_cost_report", COLUMNS, {"usage_start": "2026-03-05 01:00:00", "cost": "1", "service": "X"})
    assert list(row) == [*COLUMN_TYPES, "x_fate", "x_part", "x_source_cost", "x_order"]


def test_a_line_becomes_a_charge_and_the_sums_are_those_of_the_file(workspace: Path, reports: Path) -> None:
    write(reports, "0001000000000001.csv.gz", LINE, line(myCost="0.000000000003", billedQuantity="", unitPrice=""))
    report = load(workspace, reports)
    assert (report.exit_code, report.warnings, actions(report)) == (0, [], [("2026-03", "loaded")])
    (item,) = [period.item() for period in report.periods]
    assert (item["rows_received"], item["rows_loaded"], item["rows_quarantined"]) == (2, 2, 0)
    assert item["billed_cost_received"] == item["billed_cost_loaded"] == Decimal("0.100000000003")
    row = next(row for row in rows(workspace) if row["PricingQuantity"])
    assert {name: row[name] for name in ("BilledCost", "EffectiveCost", "ContractedCost", "ListCost")} == dict.fromkeys(
        ("BilledCost", "EffectiveCost", "ContractedCost", "ListCost"), Decimal("0.1")
    )
    assert (row["ContractedUnitPrice"], row["ListUnitPrice"]) == (Decimal("0.025"), Decimal("0.025"))
    assert (row["PricingUnit"], row["ConsumedUnit"]) == ("OCPU Hours", "ONE HOUR")
    assert (row["ServiceName"], row["ServiceCategory"], row["ServiceSubcategory"], row["x_service_code"]) == (
        "Compute",
        "Compute",
        "Virtual Machines",
        "COMPUTE",
    )
    assert (row["BillingAccountId"], row["SubAccountId"], row["SubAccountName"]) == (
        "7001",
        "ocid1.compartment.oc1..c",
        "shop",
    )
    assert (row["RegionName"], row["AvailabilityZone"]) == ("Germany Central (Frankfurt)", "fKyn:EU-FRANKFURT-1-AD-1")
    assert (row["ResourceId"], row["ResourceType"]) == ("ocid1.instance.oc1.eu-frankfurt-1.i", "instance")
    assert (row["SkuId"], row["x_operation"]) == ("B93113", "PIC_COMPUTE_STANDARD_E4_FLEX")
    assert json.loads(row["Tags"]) == {"Oracle-Tags.CreatedBy": "ann", "team": "a"}
    assert str(row["ChargePeriodStart"]) == "2026-03-05 01:00:00"
    assert str(row["BillingPeriodEnd"]) == "2026-04-01 00:00:00"
    assert (row["x_line_item_type"], row["x_extra"]) == ("Usage", None)


def test_overage_is_part_of_the_cost_and_never_added(workspace: Path, reports: Path) -> None:
    over = line(
        myCost="0.11", myCostOverage="0.06", billedQuantityOverage="2", unitPriceOverage="0.03", overageFlag="Y"
    )
    write(reports, "0001000000000001.csv.gz", over, line(unitPriceOverage="0.03"))
    load(workspace, reports)
    plain, mixed = sorted(rows(workspace), key=lambda row: row["BilledCost"])
    assert mixed["BilledCost"] == mixed["EffectiveCost"] == mixed["ContractedCost"] == Decimal("0.11")
    assert mixed["ContractedUnitPrice"] is None  # two prices make up the cost
    assert (mixed["ListCost"], mixed["ListUnitPrice"]) == (Decimal("0.12"), Decimal("0.03"))
    assert mixed["x_line_item_type"] == "Overage"
    assert json.loads(mixed["x_extra"]) == {
        "reference_no": "V2.r-1",
        "quantity_overage": "2.000000000000",
        "cost_overage": "0.060000000000",
    }
    # without overage the price beyond the commitment is the list price
    assert (plain["ContractedUnitPrice"], plain["ListUnitPrice"]) == (Decimal("0.025"), Decimal("0.03"))
    assert plain["ListCost"] == Decimal("0.12")
    for row in (plain, mixed):
        assert row["ListCost"] >= row["ContractedCost"] >= row["EffectiveCost"]
        assert abs(row["ListUnitPrice"] * row["PricingQuantity"] - row["ListCost"]) <= Decimal("0.000001")


def test_a_free_allowance_has_no_price_that_does_not_give_its_cost(workspace: Path, reports: Path) -> None:
    write(reports, "0001000000000001.csv.gz", line(myCost="0"))
    load(workspace, reports)
    (row,) = rows(workspace)
    assert (row["BilledCost"], row["ContractedUnitPrice"], row["ListUnitPrice"]) == (Decimal(0), None, None)


def test_a_correction_in_a_later_file_restates_the_month_of_the_usage(workspace: Path, reports: Path) -> None:
    write(reports, "0001000000000001.csv.gz", LINE)
    write(reports, "0001000000000002.csv.gz", line(intervalUsageStart="2026-04-01T00:00Z"))
    assert actions(load(workspace, reports)) == [("2026-03", "loaded"), ("2026-04", "loaded")]
    undo = line(myCost="-0.1", billedQuantity="-4", isCorrection="true", backreferenceNo="V2.r-1", referenceNo="V2.r-9")
    write(reports, "0001000000000003.csv.gz", undo)
    report = load(workspace, reports)
    assert actions(report) == [("2026-03", "replaced"), ("2026-04", "unchanged")]
    corrected = next(row for row in rows(workspace) if row["ChargeClass"])
    assert (corrected["ChargeClass"], corrected["BilledCost"], corrected["x_line_item_type"]) == (
        "Correction",
        Decimal("-0.1"),
        "Correction",
    )
    assert json.loads(corrected["x_extra"])["back_reference_no"] == "V2.r-1"
    march, april = Lake(workspace).current().revisions
    assert (march.order, april.order) == ("0001000000000003", "0001000000000002")
    assert march.billed_cost_loaded == {"USD": Decimal(0)}


def test_several_files_a_day_make_up_the_month_and_one_alone_does_not_replace_it(
    workspace: Path, reports: Path
) -> None:
    for number in range(1, 5):
        write(reports, f"000100000000000{number}.csv.gz", line(myCost=f"0.{number}"))
    split = write(reports, "0001000000000005-00002.csv.gz", LINE, LINE)
    write(reports, "0001000000000005-00001.csv.gz", LINE)
    report = load(workspace, reports)
    assert report.periods[0].item()["rows_loaded"] == 7
    assert report.periods[0].item()["billed_cost_loaded"] == Decimal("1.3")
    before = Lake(workspace).current()
    assert before.revisions[0].order == "0001000000000005-00002"
    alone = load(workspace, split)
    assert actions(alone) == [("2026-03", "rejected")]
    assert "of the 7 rows written up to 0001000000000005-00002 only 2 are there" in alone.periods[0].error
    assert actions(load(workspace, write(reports.parent, "0001000000000006.csv.gz", LINE))) == [("2026-03", "rejected")]
    assert Lake(workspace).current() == before
    assert actions(load(workspace, reports)) == [("2026-03", "unchanged")]


def test_usage_reports_beside_are_left_alone(workspace: Path, reports: Path) -> None:
    write(reports, "0001000000000001.csv.gz", LINE)
    usage = {name: LINE[name] for name in ("lineItem/referenceNo", "product/service", "product/resource")}
    write(reports.parent / "usage-csv", "0001000000000001.csv.gz", usage)
    assert actions(load(workspace, reports.parent.parent)) == [("2026-03", "loaded")]
    assert actions(load(workspace, reports.parent / "usage-csv")) == [("", "rejected")]


def test_files_with_other_tags_and_older_columns_are_read_together(workspace: Path, reports: Path) -> None:
    older = {k: v for k, v in LINE.items() if not k.startswith("tags/") and k != "cost/skuUnitDescription"}
    renamed = {("lineItem/TenantId" if k == "lineItem/tenantId" else k): v for k, v in older.items()}
    write(reports, "0001000000000001.csv.gz", LINE)
    write(reports, "0001000000000002.csv.gz", renamed | {"tags/env": "prod"})
    write(reports, "0001000000000003.csv.gz", older | {"cost/discount": "0.1"})
    report = load(workspace, reports)
    assert report.warnings == ["2026-03: columns that are not known, kept in x_extra: cost/discount"]
    tags = [json.loads(row["Tags"] or "{}") for row in rows(workspace)]
    assert sorted(tags, key=str) == [{"env": "prod"}, {"team": "a", "Oracle-Tags.CreatedBy": "ann"}, {}]
    assert {row["PricingUnit"] for row in rows(workspace)} == {"OCPU Hours", "ONE HOUR"}


def test_a_byte_order_mark_and_plain_files_are_read(workspace: Path, reports: Path) -> None:
    write(reports, "0001000000000001.csv", LINE, start="\ufeff", plain=True)
    assert actions(load(workspace, reports)) == [("2026-03", "loaded")]
    assert rows(workspace)[0]["BilledCost"] == Decimal("0.1")


def test_currencies_are_kept_apart(workspace: Path, reports: Path) -> None:
    write(reports, "0001000000000001.csv.gz", LINE, line(currencyCode="eur", myCost="7"))
    (item,) = [period.item() for period in load(workspace, reports).periods]
    assert item["billed_cost_received"] == item["billed_cost_loaded"] == {"USD": Decimal("0.1"), "EUR": Decimal(7)}


def test_unreadable_lines_are_put_aside_with_the_reason(workspace: Path, reports: Path) -> None:
    bad = [line(myCost="ten"), line(myCost=""), line(currencyCode=""), line(intervalUsageStart="yesterday")]
    write(reports, "0001000000000001.csv.gz", LINE, *bad)
    report = load(workspace, reports)
    (item,) = [period.item() for period in report.periods]
    assert (item["rows_received"], item["rows_loaded"], item["rows_quarantined"]) == (5, 1, 4)
    assert report.exit_code == 5
    (revision,) = Lake(workspace).current().revisions
    con = connect()
    found = con.execute(
        "select x_reason from read_parquet($1) order by 1", [str(workspace / revision.quarantine[0].path)]
    ).fetchall()
    con.close()
    assert [reason for (reason,) in found] == [
        "cost is empty",
        "cost: 'ten' is not a number",
        "currency is empty",
        "usage_start: 'yesterday' is not an instant",
    ]


def test_lines_without_subscription_or_compartment_belong_to_the_tenancy(workspace: Path, reports: Path) -> None:
    write(
        reports, "0001000000000001.csv.gz", line(subscriptionId="", compartmentId="", compartmentName="", service="Foo")
    )
    load(workspace, reports)
    (row,) = rows(workspace)
    assert (row["BillingAccountId"], row["BillingAccountType"]) == ("ocid1.tenancy.oc1..t", "Tenancy")
    assert (row["SubAccountId"], row["SubAccountType"]) == ("ocid1.tenancy.oc1..t", "Tenancy")
    assert (row["ServiceName"], row["ServiceCategory"], row["ServiceSubcategory"]) == ("Foo", "Other", "Other (Other)")


def test_the_seed_has_each_service_once_in_a_category_of_the_specification() -> None:
    with (shipped("sql") / "seeds" / "oci_services.csv").open(encoding="utf-8", newline="") as handle:
        services = list(csv.DictReader(handle))
    assert len({s["service_key"] for s in services}) == len(services)
    for service in services:
        assert service["service_subcategory"] in SERVICE_SUBCATEGORIES[service["service_category"]], service


def test_charges_break_nothing_the_specification_forbids(workspace: Path, reports: Path) -> None:
    beyond = {"myCostOverage": "0.06", "billedQuantityOverage": "2", "unitPriceOverage": "0.03", "overageFlag": "Y"}
    undo = line(myCost="-0.1", billedQuantity="-4", isCorrection="true", backreferenceNo="V2.r-1")
    write(reports, "0001000000000001.csv.gz", LINE, line(myCost="0.11", **beyond), line(myCost="0"), undo)
    load(workspace, reports)
    build(workspace, Lake(workspace).live(), workspace / "catalogue.duckdb")
    with Database.open(workspace / "catalogue.duckdb", workspace) as db:
        assert [str(b) for b in breaches(db) if b.rule.weight is Weight.BROKEN] == []
