"""FOCUS out: the columns of each version, filled and emptied as the specification demands, amounts untouched."""

from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from costlab.errors import DataError, UnknownValue, UsageError
from costlab.focus.columns import COLUMN_TYPES, FOCUS_COLUMNS, VERSIONS, columns_of
from costlab.focus.export import export_sql
from costlab.focus.profiles import RULES
from costlab.period import Month
from costlab.warehouse.catalogue import publish
from costlab.warehouse.connection import connect
from costlab.warehouse.export import export_focus
from tests.support import Row, create_table, focus_rows, write_revision

if TYPE_CHECKING:
    from pathlib import Path

COUNTS = {"1.0": 43, "1.2": 57, "1.3": 65, "1.4": 65}
SINCE_1_3 = {
    "ServiceProviderName", "HostProviderName", "AllocatedMethodId", "AllocatedMethodDetails", "AllocatedResourceId",
    "AllocatedResourceName", "AllocatedTags", "ContractApplied",
}  # fmt: skip


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "ws").mkdir()
    return tmp_path / "ws"


def published(workspace: Path, *rows: Row) -> Path:
    publish(workspace, 1, [write_revision(workspace, focus_rows(list(rows)))])
    return workspace


def read(path: Path) -> list[Row]:
    con = connect()
    try:
        con.execute(f"select * from '{path}'")
        names = [column[0] for column in con.description or []]
        return [dict(zip(names, row, strict=True)) for row in con.fetchall()]
    finally:
        con.close()


def exported(version: str, *rows: Row) -> list[Row]:
    con = connect()
    try:
        con.execute("create schema focus")
        create_table(con, "focus.costs", COLUMN_TYPES, focus_rows(list(rows)))
        con.execute(export_sql(version))
        names = [column[0] for column in con.description or []]
        return [dict(zip(names, row, strict=True)) for row in con.fetchall()]
    finally:
        con.close()


def one(version: str = "1.2", **given: Any) -> Row:
    rows = exported(version, given)
    assert len(rows) == 1
    return rows[0]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_version_has_its_columns_in_alphabetical_order(version: str) -> None:
    columns = list(one(version))
    assert columns == [column.name for column in columns_of(version)]
    assert columns == sorted(columns)
    assert len(columns) == COUNTS[version]


def test_columns_come_and_go_with_the_versions() -> None:
    names = {version: {column.name for column in columns_of(version)} for version in VERSIONS}
    assert names["1.3"] - names["1.2"] == SINCE_1_3
    assert names["1.2"] < names["1.3"]
    assert names["1.4"] - names["1.3"] == {"CommitmentProgramEligibilityDetails", "InvoiceDetailId"}
    assert names["1.3"] - names["1.4"] == {"ProviderName", "PublisherName"}


def test_every_rule_is_about_a_column() -> None:
    assert RULES.keys() <= {column.name for column in FOCUS_COLUMNS}
    assert all(rule.reason for rule in RULES.values())


def test_an_unknown_version_names_the_valid_ones() -> None:
    with pytest.raises(UnknownValue, match=r"FOCUS version '1\.1'") as error:
        export_sql("1.1")
    assert "1.0, 1.2, 1.3, 1.4" in error.value.hint


def test_parquet_has_true_types(workspace: Path) -> None:
    target = workspace / "out.parquet"
    assert (
        export_focus(published(workspace, {"BilledCost": "0.000000000001", "BillingAccountId": "0012"}), "1.2", target)
        == 1
    )
    row = read(target)[0]
    assert row["BilledCost"] == Decimal("0.000000000001")
    assert row["ChargePeriodStart"] == datetime(2026, 3, 1, tzinfo=UTC)
    assert row["BillingAccountId"] == "0012"


@pytest.mark.parametrize("ending", [".csv", ".csv.gz"])
def test_csv_is_plain_text_with_utc_instants_and_empty_nulls(workspace: Path, ending: str) -> None:
    target = workspace / f"out{ending}"
    tags = '{"team": "a, \\"b\\""}'
    export_focus(published(workspace, {"BilledCost": "10.50", "Tags": tags}), "1.2", target)
    content = target.read_bytes()
    text = (gzip.decompress(content) if ending == ".csv.gz" else content).decode()
    row = next(csv.DictReader(io.StringIO(text)))
    assert row["BilledCost"] == "10.5"
    assert row["PricingQuantity"] == "1"
    assert row["ChargePeriodEnd"] == "2026-03-01T01:00:00Z"
    assert row["CommitmentDiscountId"] == ""
    assert json.loads(row["Tags"]) == {"team": 'a, "b"'}


def test_billed_and_effective_cost_are_never_changed() -> None:
    rows = exported(
        "1.2",
        {"BilledCost": "-3.25", "EffectiveCost": "7", "ChargeCategory": "Credit", "PricingCategory": None},
        {"BilledCost": "100", "EffectiveCost": "0", "ChargeCategory": "Purchase", "CommitmentDiscountId": "sp-1"},
        {"BilledCost": "0", "EffectiveCost": "0.333333333333", "CommitmentDiscountId": "sp-1"},
    )  # fmt: skip
    assert sum(row["BilledCost"] for row in rows) == Decimal("96.75")
    assert sum(row["EffectiveCost"] for row in rows) == Decimal("7.333333333333")


EMPTY_TAX = (
    "SkuId", "SkuPriceId", "SkuMeter", "PricingQuantity", "PricingUnit", "ListUnitPrice", "ContractedUnitPrice",
    "PricingCategory", "ConsumedQuantity", "ConsumedUnit",
)  # fmt: skip


def test_tax_has_no_sku_and_no_price() -> None:
    row = one(ChargeCategory="Tax", SkuId="s", SkuPriceId="p", ListUnitPrice=1, SkuMeter="m")
    assert {name: row[name] for name in EMPTY_TAX} == dict.fromkeys(EMPTY_TAX)
    assert row["ChargeFrequency"] == "Usage-Based"  # as delivered


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"BillingAccountName": None}, {"BillingAccountName": "payer"}),
        ({"BillingAccountType": None}, {"BillingAccountType": "Billing Account"}),
        ({"SubAccountName": None}, {"SubAccountName": "111111111111"}),
        ({"SubAccountType": None}, {"SubAccountType": "Sub Account"}),
        ({"SubAccountId": None, "SubAccountType": "Account"}, {"SubAccountName": None, "SubAccountType": None}),
        ({"RegionName": None}, {"RegionName": "us-east-1"}),
        ({"RegionId": None}, {"RegionName": None}),
        ({"ResourceId": "i-1"}, {"ResourceType": "Resource"}),
        ({"ResourceType": "Instance"}, {"ResourceType": None}),
        ({"PricingCurrency": None}, {"PricingCurrency": "USD", "PricingCurrencyEffectiveCost": Decimal(1)}),
        ({"PricingCurrency": "EUR"}, {"PricingCurrency": "EUR", "PricingCurrencyEffectiveCost": None}),
        ({"ServiceSubcategory": None}, {"ServiceCategory": "Compute", "ServiceSubcategory": "Other (Compute)"}),
        ({"ServiceCategory": "Magic"}, {"ServiceCategory": "Other", "ServiceSubcategory": "Other (Other)"}),
        ({"ServiceSubcategory": "Caching"}, {"ServiceCategory": "Compute", "ServiceSubcategory": "Other (Compute)"}),
        ({"ServiceName": None}, {"ServiceName": "AmazonEC2"}),
        ({"PricingCategory": None}, {"PricingCategory": "Other"}),
        ({"InvoiceId": "E1"}, {"InvoiceId": "E1"}),
        ({"InvoiceId": None}, {"InvoiceId": "provisional-payer-2026-03"}),
        ({"InvoiceIssuerName": "Amazon Web Services EMEA SARL"}, {"InvoiceIssuerName": "AWS"}),
        ({"InvoiceIssuerName": "A Reseller Ltd"}, {"InvoiceIssuerName": "A Reseller Ltd"}),
        ({"InvoiceIssuerName": "Seller", "PublisherName": "Seller"}, {"InvoiceIssuerName": "AWS"}),
        ({"InvoiceIssuerName": "S", "PublisherName": "S", "BilledCost": 0}, {"InvoiceIssuerName": "S"}),
        ({"ChargeCategory": "Purchase"}, {"ChargeFrequency": "One-Time", "ConsumedQuantity": None}),
        ({"ChargeCategory": "Purchase", "ChargeFrequency": "Recurring"}, {"ChargeFrequency": "Recurring"}),
        ({"PricingUnit": "GB-Mo", "ConsumedUnit": "Hrs"}, {"PricingUnit": "GB-Months", "ConsumedUnit": "Hours"}),
        ({"PricingUnit": "Lambda-GB-Second"}, {"PricingUnit": "Lambda GB-Seconds"}),
        ({"x_usage_type": "Box"}, {"SkuId": "Box", "SkuPriceId": "Box", "SkuMeter": "Box"}),
        ({"SkuPriceDetails": "not json", "SkuId": "s"}, {"SkuPriceDetails": None}),
        ({"CapacityReservationStatus": "Used"}, {"CapacityReservationStatus": None}),
    ],
)  # fmt: skip
def test_columns_are_filled_and_emptied_as_the_specification_demands(given: Row, expected: Row) -> None:
    row = one(**given)
    assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("given", "quantity", "listed", "contracted"),
    [
        ({"ListUnitPrice": 2, "ListCost": 2}, 1, 2, 1),
        # a price that contradicts cost and quantity
        ({"ListUnitPrice": 5, "ListCost": 2, "PricingQuantity": 4}, 4, "0.5", "0.25"),
        # no price known
        ({"ListCost": None, "ContractedCost": None, "PricingQuantity": 4}, 4, "0.25", "0.25"),
        # no quantity, or none that costs something
        ({"PricingQuantity": None}, 1, 1, 1),
        ({"PricingQuantity": 0}, 1, 1, 1),
        ({"PricingQuantity": 0, "BilledCost": 0}, 0, 0, 0),
        ({"PricingQuantity": 0, "BilledCost": 0, "ListUnitPrice": 3}, 0, 3, 0),
        # corrections may disagree
        ({"ListUnitPrice": 5, "PricingQuantity": 4, "ChargeClass": "Correction"}, 4, 5, None),
    ],
)
def test_unit_prices_agree_with_cost_and_quantity(
    given: Row, quantity: int, listed: str, contracted: str | None
) -> None:
    row = one(**given)
    assert row["PricingQuantity"] == quantity
    assert row["ListUnitPrice"] == Decimal(listed)
    assert row["ContractedUnitPrice"] == (None if contracted is None else Decimal(contracted))


def test_a_tiny_price_times_a_huge_quantity_is_the_cost() -> None:
    row = one(BilledCost="100", PricingQuantity="300000000")
    assert abs(row["ListUnitPrice"] * row["PricingQuantity"] - row["ListCost"]) < Decimal("1e-7")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"BilledCost": "5", "ContractedCost": None, "ListCost": None}, (5, 5)),
        ({"BilledCost": "0", "EffectiveCost": "3", "ContractedCost": None, "ListCost": None}, (3, 3)),
        ({"BilledCost": "5", "ContractedCost": "4", "ListCost": None}, (4, 4)),
        ({"BilledCost": "5", "EffectiveCost": "0", "ChargeCategory": "Purchase", "ContractedCost": None}, (5, 5)),
        ({"BilledCost": "5", "ContractedCost": "0", "ListCost": "0"}, (0, 0)),
    ],
)
def test_a_missing_cost_is_what_the_charge_cost(given: Row, expected: tuple[int, int]) -> None:
    row = one(**given)
    assert (row["ContractedCost"], row["ListCost"]) == expected


def test_a_service_has_one_category() -> None:
    rows = exported(
        "1.2",
        {"ServiceName": "EC2"}, {"ServiceName": "EC2"},
        {"ServiceName": "EC2", "ServiceCategory": "Storage", "ServiceSubcategory": "Block Storage"},
    )  # fmt: skip
    assert {(row["ServiceCategory"], row["ServiceSubcategory"]) for row in rows} == {("Compute", "Virtual Machines")}


COMMITMENT: Row = {
    "CommitmentDiscountId": "sp-1",
    "CommitmentDiscountType": "Savings Plan",
    "CommitmentDiscountCategory": "Spend",
    "CommitmentDiscountStatus": "Used",
    "PricingCategory": "Committed",
    "BilledCost": "0",
    "EffectiveCost": "0.75",
}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"CommitmentDiscountQuantity": Decimal("0.75"), "CommitmentDiscountUnit": "USD"}),
        ({"CommitmentDiscountStatus": None}, {"CommitmentDiscountStatus": "Used"}),
        ({"CommitmentDiscountStatus": "Unused"}, {"ConsumedQuantity": None, "ConsumedUnit": None}),
        (
            {"CommitmentDiscountCategory": None, "CommitmentDiscountUnit": "USD"},
            {"CommitmentDiscountCategory": "Spend"},
        ),
        (
            {"CommitmentDiscountQuantity": 4, "CommitmentDiscountUnit": "Normalized Hours"},
            {"CommitmentDiscountQuantity": 4, "CommitmentDiscountUnit": "Normalized Hours"},
        ),
        (
            {"ChargeCategory": "Purchase", "BilledCost": "9", "EffectiveCost": "0"},
            {"CommitmentDiscountStatus": None, "PricingCategory": "Standard", "CommitmentDiscountQuantity": 9},
        ),
        (
            {"ChargeCategory": "Tax"},
            {"CommitmentDiscountStatus": None, "CommitmentDiscountQuantity": None, "CommitmentDiscountUnit": None},
        ),
        (
            {"CommitmentDiscountId": None},
            {
                "CommitmentDiscountType": None,
                "CommitmentDiscountCategory": None,
                "CommitmentDiscountStatus": None,
                "CommitmentDiscountQuantity": None,
            },
        ),
    ],
)  # fmt: skip
def test_commitment_columns_hold_together(given: Row, expected: Row) -> None:
    row = one(**(COMMITMENT | given))
    assert {name: row[name] for name in expected} == expected


def test_covered_usage_names_the_contract_it_used() -> None:
    row = one("1.3", **COMMITMENT)
    assert json.loads(row["ContractApplied"]) == {
        "Elements": [
            {"ContractId": "sp-1", "ContractCommitmentId": "sp-1", "ContractCommitmentAppliedCost": Decimal("0.75")}
        ]
    }
    assert one("1.3")["ContractApplied"] is None


def test_a_split_instance_is_an_allocation_from_1_3_on() -> None:
    given = {"ResourceId": "pod-1", "x_split_parent_resource_id": "i-1", "Tags": '{"a":"b"}'}
    row = one("1.3", **given)
    assert (row["ResourceId"], row["AllocatedResourceId"], row["AllocatedTags"]) == ("i-1", "pod-1", '{"a":"b"}')
    assert row["AllocatedMethodId"]
    assert one("1.2", **given)["ResourceId"] == "pod-1"
    assert one("1.3", ResourceId="i-2")["AllocatedMethodId"] is None


def test_older_versions_get_the_provider_names_of_newer_ones() -> None:
    given = {"ProviderName": None, "PublisherName": None, "ServiceProviderName": "Vercel", "HostProviderName": "AWS"}
    row = one("1.0", **given)
    assert (row["ProviderName"], row["PublisherName"]) == ("Vercel", "Vercel")
    newest = one("1.4", **given)
    assert (newest["ServiceProviderName"], newest["HostProviderName"]) == ("Vercel", "AWS")


def test_a_period_exports_its_own_charges_only(workspace: Path) -> None:
    march = write_revision(workspace, focus_rows([{}, {}]))
    april = write_revision(workspace, focus_rows([{"ChargePeriodStart": "2026-04-02"}]), period="2026-04")
    publish(workspace, 1, [march, april])
    assert export_focus(workspace, "1.2", workspace / "a.parquet", period=Month(2026, 4)) == 1
    assert export_focus(workspace, "1.2", workspace / "a.parquet") == 3


def test_a_failed_export_leaves_the_old_file_and_nothing_else(workspace: Path) -> None:
    published(workspace, {})
    target = workspace / "out" / "a.parquet"
    target.parent.mkdir()
    target.write_text("old", encoding="utf-8")
    with pytest.raises(DataError, match="no charges in billing period 2020-01"):
        export_focus(workspace, "1.2", target, period=Month(2020, 1))
    assert target.read_text(encoding="utf-8") == "old"
    assert list(target.parent.iterdir()) == [target]


def test_what_cannot_be_written_is_said_first(workspace: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot write 'a\.xlsx'"):
        export_focus(workspace, "1.2", workspace / "a.xlsx")
    with pytest.raises(DataError, match="nothing is loaded"):
        export_focus(workspace, "1.2", workspace / "a.csv")
    published(workspace, {})
    with pytest.raises(UsageError, match="no such folder"):
        export_focus(workspace, "1.2", workspace / "nowhere" / "a.csv")
