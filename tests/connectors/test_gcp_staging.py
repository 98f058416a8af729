"""What a line of Google's billing export becomes: credits by their kind, commitments of both models, corrections."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from costlab.focus.columns import COLUMN_TYPES
from costlab_connectors.gcp_billing_export import COLUMNS
from tests.connectors.support import Row, staged

LINE: Row = {
    "billing_account_id": "0A0A0A-0B0B0B-0C0C0C",
    "invoice_month": "202603",
    "cost_type": "regular",
    "service_id": "6F81-5844-456A",
    "service_description": "Compute Engine",
    "sku_id": "CORE",
    "sku_description": "N2 Instance Core running in Iowa",
    "usage_start_time": "2026-03-05 01:00:00",
    "usage_end_time": "2026-03-05 02:00:00",
    "project_id": "shop",
    "project_name": "Shop",
    "location_region": "us-central1",
    "cost": "0.4",
    "cost_at_list": "0.5",
    "currency": "USD",
    "usage_amount": 36000,
    "usage_unit": "seconds",
    "usage_amount_in_pricing_units": 10,
    "usage_pricing_unit": "hour",
    "price_list_price": "0.05",
    "price_effective_price": "0.04",
    "export_time": "2026-03-06 07:00:00",
}
RESOURCE_FEE: Row = {"sku_id": "FEE", "sku_description": "Commitment v1: N2 Cpu in Americas for 1 Year"}
SPEND_FEE: Row = {
    "sku_id": "FEE",
    "sku_description": "Commitment - dollar based v1: GCE for 1 year",
    "subscription_instance_id": "subscriptions/7",
    "cost_at_list": None,
    "consumption_model_description": "Default",
}
OF_USAGE = [{"key": "goog-originating-sku-id", "value": "CORE"}]
REDUCTIONS = (
    "SUSTAINED_USAGE_DISCOUNT",
    "DISCOUNT",
    "FEE_UTILIZATION_OFFSET",
    "SUBSCRIPTION_BENEFIT",
    "RESELLER_MARGIN",
)
COSTS = ("BilledCost", "EffectiveCost", "ContractedCost", "ListCost")


def credit(kind: str | None, amount: str, **more: str) -> Row:
    whole = dict.fromkeys(("id", "full_name", "name"))
    return {"type": kind, **whole, "amount": amount, **more}


def parts(*given_credits: Row, **given: Any) -> list[Row]:
    """Return the charges of one line, with what holds for all of them checked: nothing lost, nothing added."""
    line = LINE | {"credits": list(given_credits)} | given
    rows = sorted(staged("gcp_billing_export", COLUMNS, line), key=lambda row: row["x_part"])
    received = Decimal(str(line["cost"])) + sum(Decimal(c["amount"]) for c in given_credits)
    assert rows[0]["x_source_cost"] == received
    assert sum(row["BilledCost"] for row in rows) == sum(row["EffectiveCost"] for row in rows) == received
    assert rows[0]["x_part"] == 0
    assert {row["x_source_cost"] for row in rows[1:]} <= {None}
    for row in rows:
        for price, cost in (("ListUnitPrice", "ListCost"), ("ContractedUnitPrice", "ContractedCost")):
            if row[price] is not None:
                assert abs(row[price] * row["PricingQuantity"] - row[cost]) <= Decimal("0.000001")
    return rows


def one(*given_credits: Row, **given: Any) -> Row:
    rows = parts(*given_credits, **given)
    assert len(rows) == 1
    return rows[0]


def costs(row: Row) -> list[Decimal]:
    return [row[name].normalize() for name in COSTS]


def amounts(*texts: str) -> list[Decimal]:
    return [Decimal(text) for text in texts]


def test_staging_gives_the_columns_of_focus_costs_in_order() -> None:
    assert list(one()) == [*COLUMN_TYPES, "x_fate", "x_part", "x_source_cost", "x_order"]


def test_usage_without_credits() -> None:
    row = one()
    assert costs(row) == amounts("0.4", "0.4", "0.4", "0.5")
    assert (row["ChargeCategory"], row["PricingCategory"], row["CommitmentDiscountStatus"]) == (
        "Usage",
        "Standard",
        None,
    )
    assert (row["ListUnitPrice"], row["ContractedUnitPrice"]) == (Decimal("0.05"), Decimal("0.04"))
    assert (row["SubAccountId"], row["RegionName"], row["ServiceCategory"]) == ("shop", "Iowa", "Compute")
    assert str(row["BillingPeriodStart"]) == "2026-03-01 00:00:00"
    assert str(row["BillingPeriodEnd"]) == "2026-04-01 00:00:00"


@pytest.mark.parametrize("kind", REDUCTIONS)
def test_discounts_reduce_billed_and_effective_cost(kind: str) -> None:
    row = parts(credit(kind, "-0.1"))[0]
    assert row["BilledCost"] == Decimal("0.3")
    assert row["ContractedCost"] == Decimal("0.4")
    assert row["x_fate"] == "load"


@pytest.mark.parametrize("kind", ["SUSTAINED_USAGE_DISCOUNT", "DISCOUNT", "SUBSCRIPTION_BENEFIT", "RESELLER_MARGIN"])
def test_list_is_no_less_than_contracted_and_contracted_no_less_than_effective(kind: str) -> None:
    row = one(credit(kind, "-0.1"))
    assert row["ListCost"] >= row["ContractedCost"] >= row["EffectiveCost"]


@pytest.mark.parametrize(("kind", "part"), [("PROMOTION", 1), ("FREE_TIER", 2)])
def test_promotions_and_the_free_tier_are_credits_of_their_own(kind: str, part: int) -> None:
    usage, granted = parts(credit(kind, "-0.4", full_name="Free trial credit"), credit("DISCOUNT", "-0.1"))
    assert costs(usage) == amounts("0.3", "0.3", "0.4", "0.5")
    assert costs(granted) == amounts("-0.4", "-0.4", "-0.4", "-0.4")
    assert (granted["x_part"], granted["ChargeCategory"], granted["x_line_item_type"]) == (part, "Credit", kind)
    assert granted["ChargeDescription"] == "Free trial credit"
    assert (granted["PricingCategory"], granted["SkuId"], granted["PricingQuantity"]) == (None, None, None)
    assert granted["SubAccountId"] == usage["SubAccountId"]


def test_two_promotions_and_a_free_tier_on_one_line() -> None:
    rows = parts(credit("PROMOTION", "-0.1"), credit("PROMOTION", "-0.2"), credit("FREE_TIER", "-0.05"))
    assert [row["BilledCost"] for row in rows] == amounts("0.4", "-0.3", "-0.05")


def test_credits_larger_than_the_cost_stay_negative() -> None:
    assert one(credit("DISCOUNT", "-1"))["EffectiveCost"] == Decimal("-0.6")


@pytest.mark.parametrize("kind", ["NEW_DISCOUNT", "CREDIT_TYPE_UNSPECIFIED", None])
def test_an_unknown_credit_counts_as_a_discount_and_is_reported(kind: str | None) -> None:
    row = one(credit(kind, "-0.1"))
    assert row["BilledCost"] == Decimal("0.3")
    assert row["x_fate"] == f"load: credit type {kind or '(none)'} is not known, taken as a discount"


def test_an_unreadable_credit_puts_the_line_aside() -> None:
    (row,) = staged("gcp_billing_export", COLUMNS, LINE | {"credits": [credit("DISCOUNT", "much")]})
    assert row["x_fate"] == "quarantine: credits: an amount is not a number"


def test_tax() -> None:
    row = one(cost_type="tax", cost_at_list=None, sku_description="Tax", service_description="Invoice")
    assert (row["ChargeCategory"], row["SkuId"], row["PricingQuantity"], row["PricingCategory"]) == ("Tax", *[None] * 3)
    assert costs(row) == amounts("0.4", "0.4", "0.4", "0.4")


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"adjustment_info_type": "USAGE_CORRECTION", "adjustment_info_mode": "PARTIAL_CORRECTION"}, "Correction"),
        ({"adjustment_info_type": "PRICE_CORRECTION"}, "Correction"),
        ({"adjustment_info_mode": "COMPLETE_NEGATION"}, "Correction"),
        ({"adjustment_info_type": "GOODWILL", "adjustment_info_mode": "MANUAL_ADJUSTMENT"}, None),
        ({"adjustment_info_type": "SLA_VIOLATION"}, None),
    ],
)
def test_adjustments_say_whether_they_correct(columns: Row, expected: str | None) -> None:
    row = one(
        cost_type="adjustment", cost="-0.4", adjustment_info_description="Wrong rate", cost_at_list=None, **columns
    )
    assert (row["ChargeCategory"], row["ChargeClass"]) == ("Adjustment", expected)
    assert row["BilledCost"] == Decimal("-0.4")
    assert row["ChargeDescription"] == "Wrong rate"


def test_a_negated_line_of_usage_is_a_correction_of_usage() -> None:
    row = one(cost="-0.4", cost_at_list="-0.5", adjustment_info_mode="COMPLETE_NEGATION")
    assert (row["ChargeCategory"], row["ChargeClass"]) == ("Usage", "Correction")
    assert costs(row) == amounts("-0.4", "-0.4", "-0.4", "-0.5")


def test_rounding_errors_are_adjustments() -> None:
    row = one(cost_type="rounding_error", cost="0.000001")
    assert (row["ChargeCategory"], row["x_fate"]) == ("Adjustment", "load")


def test_an_unknown_cost_type_is_an_adjustment_and_reported() -> None:
    row = one(cost_type="surcharge")
    assert (row["ChargeCategory"], row["BilledCost"]) == ("Adjustment", Decimal("0.4"))
    assert row["x_fate"] == "load: cost type surcharge is not known, taken as Adjustment"


@pytest.mark.parametrize(
    ("kind", "category", "name"),
    [
        ("COMMITTED_USAGE_DISCOUNT", "Usage", "Resource-based CUD"),
        ("COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE", "Spend", "Spend-based CUD"),
    ],
)
def test_usage_that_a_commitment_pays_by_a_credit(kind: str, category: str, name: str) -> None:
    row = one(credit(kind, "-0.4", id="c-1", full_name="Committed use discount"))
    assert costs(row) == amounts("0", "0", "0.4", "0.5")
    assert (row["PricingCategory"], row["CommitmentDiscountStatus"]) == ("Committed", "Used")
    assert (row["CommitmentDiscountId"], row["CommitmentDiscountName"]) == ("c-1", "Committed use discount")
    assert (row["CommitmentDiscountCategory"], row["CommitmentDiscountType"]) == (category, name)


def test_usage_that_a_commitment_pays_in_part_is_split() -> None:
    rest, covered = parts(credit("COMMITTED_USAGE_DISCOUNT", "-0.1"), credit("SUSTAINED_USAGE_DISCOUNT", "-0.06"))
    assert costs(rest) == amounts("0.24", "0.24", "0.3", "0.375")
    assert costs(covered) == amounts("0", "0", "0.1", "0.125")
    assert (rest["PricingCategory"], rest["CommitmentDiscountStatus"]) == ("Standard", None)
    assert (covered["PricingCategory"], covered["CommitmentDiscountStatus"]) == ("Committed", "Used")
    assert (rest["PricingQuantity"], covered["PricingQuantity"]) == (Decimal("7.5"), Decimal("2.5"))
    assert (rest["ConsumedQuantity"], covered["ConsumedQuantity"]) == (Decimal(27000), Decimal(9000))


def test_usage_at_a_commitments_price() -> None:
    row = one(
        cost="0.288",
        cost_at_effective_price_default="0.4",
        consumption_model_id="m-1",
        consumption_model_description="Compute Flexible CUDs 1 Year",
        subscription_instance_id="subscriptions/7",
    )
    assert costs(row) == amounts("0.288", "0.288", "0.4", "0.5")
    assert (row["PricingCategory"], row["CommitmentDiscountStatus"]) == ("Committed", "Used")
    assert (row["CommitmentDiscountId"], row["CommitmentDiscountCategory"]) == ("subscriptions/7", "Spend")
    assert (row["CommitmentDiscountQuantity"], row["CommitmentDiscountUnit"]) == (Decimal("0.288"), "USD")


def test_the_standard_export_names_the_consumption_model_only() -> None:
    row = one(consumption_model_id="m-1", consumption_model_description="Compute Flexible CUDs 1 Year")
    assert (row["CommitmentDiscountId"], row["CommitmentDiscountStatus"]) == ("m-1", "Used")


def test_the_fee_of_a_used_commitment_is_offset_to_nothing() -> None:
    row = one(credit("FEE_UTILIZATION_OFFSET", "-0.4"), labels=OF_USAGE, **SPEND_FEE)
    assert costs(row) == amounts("0", "0", "0.4", "0.4")
    assert (row["ChargeCategory"], row["CommitmentDiscountId"]) == ("Purchase", "subscriptions/7")
    assert (row["CommitmentDiscountStatus"], row["PricingCategory"]) == (None, "Standard")
    assert row["CommitmentDiscountQuantity"] == Decimal("0.4")


@pytest.mark.parametrize(
    ("labels", "offsets", "status"),
    [
        ([], [], "Unused"),
        (OF_USAGE, [], "Used"),
        (OF_USAGE, [credit("FEE_UTILIZATION_OFFSET", "-0.1")], "Unused"),
    ],
)
def test_what_of_a_fee_is_left_is_the_commitments_cost(labels: list[Row], offsets: list[Row], status: str) -> None:
    purchase, share = parts(*offsets, labels=labels, **SPEND_FEE)
    net = Decimal("0.4") + sum(Decimal(c["amount"]) for c in offsets)
    assert (purchase["ChargeCategory"], purchase["BilledCost"], purchase["EffectiveCost"]) == ("Purchase", net, 0)
    assert (share["ChargeCategory"], share["BilledCost"], share["EffectiveCost"]) == ("Usage", 0, net)
    assert (share["CommitmentDiscountId"], share["CommitmentDiscountStatus"]) == ("subscriptions/7", status)
    assert (share["ListCost"], share["ContractedCost"], share["ConsumedQuantity"]) == (0, 0, None)


def test_used_and_unused_cost_of_a_commitment_is_what_was_committed() -> None:
    # 0.3 an hour are committed; usage takes 0.2 of it
    lines = [
        SPEND_FEE | {"cost": "0.1", "credits": []},
        SPEND_FEE | {"cost": "0.2", "credits": [credit("FEE_UTILIZATION_OFFSET", "-0.2")], "labels": OF_USAGE},
        {
            "cost": "0.2",
            "subscription_instance_id": "subscriptions/7",
            "consumption_model_description": "Compute Flexible CUDs 1 Year",
        },
    ]
    rows = staged("gcp_billing_export", COLUMNS, *[LINE | line for line in lines])
    used, unused = (
        sum(row["EffectiveCost"] for row in rows if row["CommitmentDiscountStatus"] == status)
        for status in ("Used", "Unused")
    )
    assert (used, unused) == (Decimal("0.2"), Decimal("0.1"))
    assert {row["CommitmentDiscountId"] for row in rows} == {"subscriptions/7"}


def test_a_resource_commitment_that_nothing_used_is_unused() -> None:
    purchase, share = parts(**RESOURCE_FEE)
    assert (purchase["CommitmentDiscountId"], purchase["CommitmentDiscountType"]) == ("FEE", "Resource-based CUD")
    assert (purchase["x_family"], purchase["CommitmentDiscountQuantity"]) == ("n2", Decimal(10))
    assert (share["EffectiveCost"], share["CommitmentDiscountStatus"]) == (Decimal("0.4"), "Unused")
    assert (share["CommitmentDiscountId"], share["CommitmentDiscountQuantity"]) == ("FEE", Decimal(10))


def commitment(**usage: Any) -> list[Row]:
    """Return the charges of a fee for 10 hours of a day, and of an hour of usage of which a credit pays a half."""
    fee = LINE | RESOURCE_FEE | {"usage_start_time": "2026-03-05 00:00:00", "usage_end_time": "2026-03-06 00:00:00"}
    paid = {"cost": "0.4", "usage_amount_in_pricing_units": 8, "credits": [credit("COMMITTED_USAGE_DISCOUNT", "-0.2")]}
    return staged("gcp_billing_export", COLUMNS, fee, LINE | paid | usage)


def of_fee(rows: list[Row]) -> list[tuple[str | None, Decimal, Decimal | None]]:
    return sorted(
        (row["CommitmentDiscountStatus"], row["EffectiveCost"].normalize(), row["CommitmentDiscountQuantity"])
        for row in rows
        if row["ChargeDescription"] == RESOURCE_FEE["sku_description"] and row["x_part"]
    )


def test_a_resource_commitment_is_used_as_far_as_credits_of_its_series_and_region_say() -> None:
    rows = commitment()
    assert of_fee(rows) == [("Unused", Decimal("0.24"), Decimal(6)), ("Used", Decimal("0.16"), None)]
    (covered,) = (row for row in rows if row["CommitmentDiscountStatus"] == "Used" and row["ListCost"])
    assert (covered["CommitmentDiscountId"], covered["CommitmentDiscountQuantity"]) == ("FEE", Decimal(4))
    assert covered["CommitmentDiscountName"] == RESOURCE_FEE["sku_description"]
    assert {row["CommitmentDiscountId"] for row in rows if row["x_part"]} == {"FEE"}


def test_a_resource_commitment_used_up_has_no_unused_part() -> None:
    rows = commitment(usage_amount_in_pricing_units=20)
    assert of_fee(rows) == [("Used", Decimal("0.4"), None)]


@pytest.mark.parametrize(
    "other",
    [
        {"sku_description": "N2 Instance Ram running in Iowa"},
        {"sku_description": "N2D AMD Instance Core running in Iowa"},
        {"location_region": "europe-west1"},
        {"usage_start_time": "2026-03-06 01:00:00", "usage_end_time": "2026-03-06 02:00:00"},
    ],
)
def test_other_series_regions_and_days_do_not_use_a_resource_commitment(other: Row) -> None:
    assert of_fee(commitment(**other)) == [("Unused", Decimal("0.4"), Decimal(10))]


def test_how_much_of_a_resource_commitment_was_used_is_not_guessed() -> None:
    rows = commitment(sku_description="Memory-optimized Instance Core running in Iowa")
    (share,) = (row for row in rows if row["x_part"] and row["SkuId"] == "FEE")
    assert (share["EffectiveCost"], share["CommitmentDiscountStatus"]) == (Decimal("0.4"), None)
    assert share["CommitmentDiscountId"] is None


def test_usage_of_one_of_two_resource_commitments_keeps_the_id_of_its_credit() -> None:
    fees = [LINE | RESOURCE_FEE, LINE | RESOURCE_FEE | {"sku_id": "FEE3"}]
    paid = LINE | {"credits": [credit("COMMITTED_USAGE_DISCOUNT", "-0.4", id="Committed Usage Discount: CPU")]}
    rows = staged("gcp_billing_export", COLUMNS, *fees, paid)
    (covered,) = (row for row in rows if row["SkuId"] == "CORE")
    assert covered["CommitmentDiscountId"] == "Committed Usage Discount: CPU"
    used = [row["EffectiveCost"] for row in rows if row["x_part"] and row["CommitmentDiscountStatus"] == "Used"]
    assert used == amounts("0.2", "0.2")


def test_spot_machines_are_priced_dynamically() -> None:
    assert one(sku_description="Spot Preemptible N2 Instance Core running in Iowa")["PricingCategory"] == "Dynamic"


@pytest.mark.parametrize(
    ("sku", "category"),
    [
        ("Storage PD Capacity", "Storage"),
        ("Network Internet Egress from Americas to Americas", "Networking"),
        ("N2 Instance Ram running in Iowa", "Compute"),
    ],
)
def test_disks_and_traffic_of_compute_engine_are_no_compute(sku: str, category: str) -> None:
    assert one(sku_description=sku)["ServiceCategory"] == category


@pytest.mark.parametrize(
    ("machine", "family"), [("n2-standard-4", "n2"), ("custom-2-2048", "n1"), ("n2d-custom-2-4096", "n2d")]
)
def test_machine_types_come_from_system_labels(machine: str, family: str) -> None:
    row = one(system_labels=[{"key": "compute.googleapis.com/machine_spec", "value": machine}])
    assert (row["x_instance_type"], row["x_family"]) == (machine, family)
    assert json.loads(row["SkuPriceDetails"]) == {"InstanceType": machine}


def test_labels_win_over_tags_and_those_over_the_projects_labels() -> None:
    row = one(
        labels=[{"key": "team", "value": 'a "b"'}, {"key": "flag", "value": ""}],
        tags=[{"key": "team", "value": "t"}, {"key": "env", "value": "prod"}],
        project_labels=[{"key": "env", "value": "p"}, {"key": "cost-center", "value": "7"}],
        system_labels=[{"key": "compute.googleapis.com/cores", "value": "4"}],
    )
    expected = {
        "team": 'a "b"',
        "flag": True,
        "env": "prod",
        "cost-center": "7",
        "gcp:compute.googleapis.com/cores": "4",
    }
    assert json.loads(row["Tags"]) == expected
    assert row["Tags"].count('"team"') == 1


def test_no_labels_are_no_tags() -> None:
    assert one(labels=[])["Tags"] is None


def test_a_price_that_does_not_give_the_cost_is_not_told() -> None:
    row = one(price_list_price="0.06")
    assert row["ListUnitPrice"] is None
    assert row["ContractedUnitPrice"] == Decimal("0.04")


def test_a_seller_is_the_publisher() -> None:
    row = one(seller_name="Vendor Inc.")
    assert (row["PublisherName"], row["InvoiceIssuerName"]) == ("Vendor Inc.", "Google Cloud")


@pytest.mark.parametrize(("end", "frequency"), [("2026-04-01 07:00:00", "Recurring"), ("2026-03-06", "Usage-Based")])
def test_what_is_charged_for_a_month_is_a_fee_that_recurs(end: str, frequency: str) -> None:
    support = {"service_description": "Support", "usage_start_time": "2026-03-01 08:00:00", "usage_end_time": end}
    (row,) = staged("gcp_billing_export", COLUMNS, LINE | support)
    assert (row["ChargeCategory"], row["ChargeFrequency"]) == ("Usage", frequency)


@pytest.mark.parametrize("month", ["2026", "202613", None])
def test_a_line_without_an_invoice_month_goes_to_quarantine(month: str | None) -> None:
    (row,) = staged("gcp_billing_export", COLUMNS, LINE | {"invoice_month": month})
    assert row["x_fate"] == "quarantine: invoice.month is not a month"


def test_usage_at_the_border_of_a_month_belongs_to_the_invoice_that_says_so() -> None:
    # 23:30 on 31 March in Los Angeles
    row = one(usage_start_time="2026-04-01 06:30:00", usage_end_time="2026-04-01 07:00:00")
    assert str(row["BillingPeriodStart"]) == "2026-03-01 00:00:00"
    assert str(row["ChargePeriodStart"]) == "2026-04-01 06:30:00"
