"""What becomes of a charge of Azure's exports, by the rules of Microsoft's conversion to FOCUS."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from costlab.focus.columns import COLUMN_TYPES
from costlab_connectors.azure_export import COLUMNS
from tests.connectors.azure_support import PLAN, RESERVATION, USAGE
from tests.connectors.support import Row, staged

_NAMES = {"benefitId": "BenefitId", "benefitName": "BenefitName", "BillingCurrencyCode": "BillingCurrency"}
CHARGE: Row = {_NAMES.get(name, name): value or None for name, value in USAGE.items()} | {
    "is_mca": False,
    "x_label": "",
}
RESERVED: Row = {"PricingModel": "Reservation", "BenefitId": RESERVATION}
PLANNED: Row = {"PricingModel": "SavingsPlan", "BenefitId": PLAN}
UNUSED: Row = RESERVED | {"ChargeType": "UnusedReservation"}


def one(**given: Any) -> Row:
    rows = staged("azure_export", COLUMNS, CHARGE | given)
    assert len(rows) == 1
    return rows[0]


def test_staging_gives_the_columns_of_focus_costs_in_order() -> None:
    assert list(one()) == [*COLUMN_TYPES, "x_fate", "x_part", "x_source_cost"]


def test_usage_on_demand() -> None:
    row = one()
    assert row["x_fate"] == "load"
    assert [row[c] for c in ("BilledCost", "EffectiveCost", "ContractedCost", "ListCost")] == [
        Decimal("4.8"),
        Decimal("4.8"),
        Decimal("4.8"),
        Decimal(6),
    ]
    assert (row["ContractedUnitPrice"], row["ListUnitPrice"]) == (Decimal("0.2"), Decimal("0.25"))
    assert (row["PricingQuantity"], row["PricingUnit"]) == (24, "Hours")
    assert (row["ConsumedQuantity"], row["ConsumedUnit"]) == (24, "Hours")
    assert (row["PricingCategory"], row["ChargeFrequency"]) == ("Standard", "Usage-Based")
    assert (row["ServiceName"], row["ServiceCategory"]) == ("Virtual Machines", "Compute")
    assert (row["RegionId"], row["RegionName"]) == ("uksouth", "UK South")
    assert (row["ResourceName"], row["ResourceType"]) == ("web-1", "microsoft.compute/virtualmachines")
    assert (row["x_instance_type"], row["x_family"]) == ("Standard_D4s_v5", "Dsv5")
    assert row["CommitmentDiscountId"] is None


@pytest.mark.parametrize(
    ("given", "billed", "effective", "category", "kind", "status", "pricing"),
    [
        ({}, 4.8, 4.8, "Usage", None, None, "Standard"),
        ({"PricingModel": "Spot"}, 4.8, 4.8, "Usage", None, None, "Dynamic"),
        (RESERVED, 0, 4.8, "Usage", None, "Used", "Committed"),
        (PLANNED, 0, 4.8, "Usage", None, "Used", "Committed"),
        (PLANNED | {"PricingModel": "Savings Plan"}, 0, 4.8, "Usage", None, "Used", "Committed"),
        (UNUSED, 0, 4.8, "Usage", None, "Unused", "Committed"),
        (PLANNED | {"ChargeType": "UnusedSavingsPlan"}, 0, 4.8, "Usage", None, "Unused", "Committed"),
        (RESERVED | {"ChargeType": "Purchase"}, 4.8, 0, "Purchase", None, None, "Standard"),
        (PLANNED | {"ChargeType": "Refund"}, 4.8, 0, "Purchase", "Correction", None, "Standard"),
        ({"ChargeType": "Purchase"}, 4.8, 4.8, "Purchase", None, None, "Standard"),
        ({"ChargeType": "Refund"}, 4.8, 4.8, "Purchase", "Correction", None, "Standard"),
        ({"ChargeType": "Credit"}, 4.8, 4.8, "Credit", None, None, None),
        ({"ChargeType": "Tax"}, 4.8, 4.8, "Tax", None, None, None),
        ({"ChargeType": "RoundingAdjustment"}, 4.8, 4.8, "Adjustment", None, None, None),
        ({"ChargeType": "unusedreservation", "BenefitId": RESERVATION}, 0, 4.8, "Usage", None, "Unused", "Committed"),
    ],
)
def test_charge_types(
    given: Row, billed: float, effective: float, category: str, kind: str, status: str, pricing: str
) -> None:
    row = one(**given)
    assert (row["BilledCost"], row["EffectiveCost"]) == (Decimal(str(billed)), Decimal(str(effective)))
    assert (row["ChargeCategory"], row["ChargeClass"]) == (category, kind)
    assert (row["CommitmentDiscountStatus"], row["PricingCategory"]) == (status, pricing)
    assert row["x_fate"] == "load"


def test_a_charge_without_a_product_is_described_by_its_kind() -> None:
    found = one(ChargeType="RoundingAdjustment", ProductName=None, MeterName=None)
    assert found["ChargeDescription"] == "RoundingAdjustment"


def test_a_charge_type_nobody_knows_is_an_adjustment_and_said() -> None:
    row = one(ChargeType="Surprise")
    assert (row["ChargeCategory"], row["BilledCost"], row["EffectiveCost"]) == (
        "Adjustment",
        Decimal("4.8"),
        Decimal("4.8"),
    )
    assert row["x_fate"] == "load: charge type Surprise is not known, taken as Adjustment"
    assert row["x_line_item_type"] == "Surprise"


@pytest.mark.parametrize(
    ("benefit", "category", "kind"),
    [
        (RESERVATION, "Usage", "Reservation"),
        (RESERVATION.lower(), "Usage", "Reservation"),
        (PLAN, "Spend", "Savings Plan"),
        (PLAN.upper(), "Spend", "Savings Plan"),
    ],
)
def test_the_benefit_tells_what_a_commitment_is(benefit: str, category: str, kind: str) -> None:
    row = one(PricingModel="Reservation", BenefitId=benefit, BenefitName="mine")
    assert (row["CommitmentDiscountCategory"], row["CommitmentDiscountType"]) == (category, kind)
    assert (row["CommitmentDiscountId"], row["CommitmentDiscountName"]) == (benefit, "mine")


def test_without_benefit_the_reservation_is_the_commitment() -> None:
    row = one(PricingModel=None, ReservationId="r-1", ReservationName="mine")
    assert (row["CommitmentDiscountId"], row["CommitmentDiscountName"]) == ("r-1", "mine")
    assert (row["CommitmentDiscountType"], row["CommitmentDiscountStatus"]) == ("Reservation", "Used")


def test_a_flexible_reservation_is_measured_in_normalised_hours() -> None:
    row = one(**RESERVED, AdditionalInfo='"RINormalizationRatio": "4"')
    assert (row["CommitmentDiscountQuantity"], row["CommitmentDiscountUnit"]) == (96, "Normalized Hours")
    row = one(**PLANNED)
    assert (row["CommitmentDiscountQuantity"], row["CommitmentDiscountUnit"]) == (Decimal("4.8"), "USD")


def test_a_block_of_units_has_the_price() -> None:
    row = one(UnitOfMeasure="100 Hours", Quantity="50", UnitPrice="8", PayGPrice="9", CostInBillingCurrency="4")
    assert (row["ContractedCost"], row["ListCost"]) == (4, Decimal("4.5"))
    assert (row["PricingQuantity"], row["PricingUnit"]) == (Decimal("0.5"), "Hours")
    assert (row["ConsumedQuantity"], row["ConsumedUnit"]) == (50, "Hours")
    assert json.loads(row["SkuPriceDetails"])["x_PricingBlockSize"] == 100


def test_a_quantity_that_counts_blocks_already_is_not_divided_again() -> None:
    row = one(UnitOfMeasure="10K", Quantity="0.0004", UnitPrice="0.1", PayGPrice="0.2", CostInBillingCurrency="0.00004")
    assert (row["ContractedCost"], row["ListCost"]) == (Decimal("0.00004"), Decimal("0.00008"))
    assert (row["PricingQuantity"], row["ConsumedQuantity"]) == (Decimal("0.0004"), 4)


def test_a_unit_nobody_knows_is_taken_as_it_is() -> None:
    row = one(UnitOfMeasure="7 Bananas")
    assert (row["PricingUnit"], row["PricingQuantity"], row["ContractedCost"]) == ("7 Bananas", 24, Decimal("4.8"))


def test_without_a_price_the_cost_is_the_price_and_free_stays_free() -> None:
    row = one(UnitPrice=None, PayGPrice="0")
    assert (row["ContractedCost"], row["ListCost"]) == (Decimal("4.8"), Decimal("4.8"))
    assert (row["ContractedUnitPrice"], row["ListUnitPrice"]) == (None, None)
    row = one(UnitPrice="0", PayGPrice="0", CostInBillingCurrency="0")
    assert [row[c] for c in ("ContractedCost", "ListCost", "ContractedUnitPrice", "ListUnitPrice")] == [0, 0, 0, 0]


def test_what_is_unused_has_no_other_price_and_nothing_consumed() -> None:
    row = one(**UNUSED, UnitPrice="0", PayGPrice="0")
    assert (row["ContractedCost"], row["ListCost"], row["ConsumedQuantity"]) == (0, 0, None)
    assert row["PricingQuantity"] == 24


def test_a_tax_has_neither_sku_nor_price() -> None:
    row = one(ChargeType="Tax", Frequency="OneTime")
    unpriced = ("SkuId", "SkuPriceId", "SkuPriceDetails", "PricingUnit", "PricingQuantity", "ListUnitPrice")
    assert {row[c] for c in unpriced} == {None}
    assert row["ChargeFrequency"] == "One-Time"


def test_a_customer_agreement_has_two_currencies_and_a_profile() -> None:
    row = one(
        is_mca=True,
        BillingProfileId="profile",
        BillingProfileName="Profile",
        BillingCurrency="EUR",
        PricingCurrency="USD",
        ExchangeRatePricingToBilling="0.9",
        CostInPricingCurrency="5.333333333333",
        PaygCostInBillingCurrency="5.4",
        InvoiceId="G1",
        PartNumber=None,
        ProductId="DZH1",
    )
    assert (row["BillingAccountId"], row["BillingAccountName"]) == ("profile", "Profile")
    assert row["BillingAccountType"] == "Billing Profile"
    assert (row["BillingCurrency"], row["PricingCurrency"]) == ("EUR", "USD")
    assert (row["ListCost"], row["ListUnitPrice"]) == (Decimal("5.4"), Decimal("0.225"))
    assert (row["ContractedCost"], row["ContractedUnitPrice"]) == (Decimal("4.32"), Decimal("0.18"))
    assert row["PricingCurrencyContractedUnitPrice"] == Decimal("0.2")
    assert row["PricingCurrencyEffectiveCost"] == Decimal("5.333333333333")
    assert (row["x_data_status"], row["SkuId"]) == ("final", "DZH1")
    assert one()["BillingAccountId"] == "8611537"


@pytest.mark.parametrize("date", ["09/21/2026", "9/21/2026", "2026-09-21", "2026-09-21T00:00:00Z", "09/21/2026 00:00"])
def test_days_end_a_day_later(date: str) -> None:
    row = one(Date=date)
    assert row["x_fate"] == "load"
    assert (row["ChargePeriodStart"], row["ChargePeriodEnd"]) == (datetime(2026, 9, 21), datetime(2026, 9, 22))
    assert (row["BillingPeriodStart"], row["BillingPeriodEnd"]) == (datetime(2026, 9, 1), datetime(2026, 10, 1))


def test_a_billing_period_that_is_not_told_is_the_month() -> None:
    row = one(BillingPeriodStartDate=None, BillingPeriodEndDate=None)
    assert (row["BillingPeriodStart"], row["BillingPeriodEnd"]) == (datetime(2026, 9, 1), datetime(2026, 10, 1))


@pytest.mark.parametrize("column", ["Date", "BillingPeriodStartDate", "BillingPeriodEndDate"])
@pytest.mark.parametrize("date", ["21/09/2026", "tomorrow"])
def test_a_day_that_is_none_goes_to_quarantine(column: str, date: str) -> None:
    assert one(**{column: date})["x_fate"] == f"quarantine: {column}: '{date}' is not a day"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ('"team": "a","env": "b"', {"team": "a", "env": "b"}),
        ('{"team":"a"}', {"team": "a"}),
        ('"Env": "a","env": "b"', {"Env": "a", "env": "b"}),
        ('"env": "a","env": "b","x": "c"', {"env": "a", "x": "c"}),
        ("free text", {"x_unparsed": "free text"}),
    ],
)
def test_tags_are_an_object_without_equal_keys(given: str, expected: Row) -> None:
    pairs = json.loads(one(Tags=given)["Tags"], object_pairs_hook=list)
    assert dict(pairs) == expected
    assert len(pairs) == len(expected)


def test_large_amounts_are_exact_where_the_price_is_what_was_paid() -> None:
    row = one(Quantity="10085.2036", UnitPrice="0.2208", PayGPrice="0.2208", ExchangeRatePricingToBilling="9.6321",
              CostInBillingCurrency="21448.885062699648")  # fmt: skip
    assert row["ContractedCost"] == row["ListCost"] == row["EffectiveCost"] == Decimal("21448.885062699648")


@pytest.mark.parametrize("given", [None, "{}"])
def test_no_tags_are_null(given: str | None) -> None:
    assert one(Tags=given)["Tags"] is None


@pytest.mark.parametrize(
    ("given", "category"),
    [
        ({"MeterCategory": "Storage", "ResourceId": "/x/providers/Microsoft.Compute/disks/d"}, "Storage"),
        ({"MeterCategory": "Bandwidth"}, "Networking"),
        ({"ConsumedService": "MICROSOFT.KEYVAULT", "ResourceId": None}, "Security"),
        ({"ConsumedService": "Microsoft.New", "MeterCategory": "New", "ResourceId": None}, "Other"),
    ],
)
def test_services_are_found_without_case_and_what_a_commitment_cannot_pay_is_no_compute(
    given: Row, category: str
) -> None:
    assert one(**given)["ServiceCategory"] == category


def test_a_vendor_of_the_marketplace_is_the_publisher() -> None:
    row = one(PublisherType="Marketplace", PublisherName="Vendor")
    assert (row["PublisherName"], row["InvoiceIssuerName"], row["HostProviderName"]) == ("Vendor", "Microsoft", None)


@pytest.mark.parametrize(
    ("label", "given", "fate", "cash"),
    [
        ("actual", {}, "drop: actual", "4.8"),
        ("actual", RESERVED, "drop: actual", "4.8"),
        ("actual", RESERVED | {"ChargeType": "Purchase"}, "load", "4.8"),
        ("actual", PLANNED | {"ChargeType": "Refund"}, "load", "4.8"),
        ("actual", {"ChargeType": "Purchase"}, "drop: actual", "4.8"),
        ("actual", {"ChargeType": "Purchase", "PricingModel": None}, "drop: actual", "4.8"),
        ("amortized", {}, "load", None),
        ("amortized", UNUSED, "load", None),
        ("amortized", RESERVED | {"ChargeType": "Purchase"}, "drop: amortized purchase", None),
        ("", {}, "load", "4.8"),
        ("", RESERVED, "load", "0"),
    ],
)
def test_of_a_pair_every_charge_is_taken_once(label: str, given: Row, fate: str, cash: str | None) -> None:
    row = one(x_label=label, **given)
    assert row["x_fate"] == fate
    assert row["x_source_cost"] == (Decimal(cash) if cash else None)
