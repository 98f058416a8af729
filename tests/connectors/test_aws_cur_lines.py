"""What each type of line item of an AWS bill becomes in FOCUS."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from costlab.ingest import ingest
from costlab.lake import Lake
from costlab.warehouse.connection import connect
from tests.connectors.cur import Export, Row, line

RI = "arn:aws:ec2:us-east-1:000000000042:reserved-instances/ri-1"
SP = "arn:aws:savingsplans::000000000042:savingsplan/sp-1"
ZERO = Decimal(0)


@pytest.fixture
def charges(tmp_path: Path) -> Any:
    """Load line items and return the charges they became, those of fees as purchase before unused."""

    def load(*rows: Row) -> list[Row]:
        export = Export(tmp_path / "bucket")
        export.month(list(rows))
        report = ingest(tmp_path / "ws", "aws-cur", str(export.root), source="aws")
        assert report.exit_code == 0, (report.warnings, [p.error for p in report.rejected])
        (revision,) = Lake(tmp_path / "ws").current().revisions
        files = [str(tmp_path / "ws" / f.path) for f in revision.files]
        con = connect()
        con.execute(
            f"select * from read_parquet({files}) order by ChargeCategory, CommitmentDiscountStatus nulls first"
        )
        names = [column[0] for column in con.description or []]
        return [dict(zip(names, row, strict=True)) for row in con.fetchall()]

    return load


def test_usage_costs_its_net_amount(charges: Any) -> None:
    (row,) = charges(line(line_item_net_unblended_cost="1.2", line_item_net_unblended_rate="1.2"))
    assert row["BilledCost"] == row["EffectiveCost"] == row["ContractedCost"] == Decimal("1.2")
    assert row["ListCost"] == Decimal("1.5")
    assert (row["ChargeCategory"], row["PricingCategory"], row["ChargeFrequency"]) == (
        "Usage",
        "Standard",
        "Usage-Based",
    )
    assert row["CommitmentDiscountStatus"] is None
    assert (row["x_instance_type"], row["x_family"]) == ("m5.large", "m5")
    assert (row["RegionName"], row["ServiceCategory"]) == ("US East (N. Virginia)", "Compute")


def test_spot_usage_is_dynamic(charges: Any) -> None:
    (row,) = charges(line(line_item_usage_type="USE1-SpotUsage:m5.large"))
    assert row["PricingCategory"] == "Dynamic"


def test_usage_covered_by_a_reservation_is_effective_at_its_rate_and_not_billed(charges: Any) -> None:
    (row,) = charges(
        line(
            line_item_line_item_type="DiscountedUsage",
            line_item_unblended_cost="0",
            line_item_usage_account_id="000000000099",
            line_item_normalized_usage_amount="4",
            reservation_reservation_a_r_n=RI,
            savings_plan_savings_plan_a_r_n="",
            reservation_effective_cost="0.9",
        )
    )
    assert (row["BilledCost"], row["EffectiveCost"], row["ListCost"]) == (ZERO, Decimal("0.9"), Decimal("1.5"))
    assert (row["PricingCategory"], row["CommitmentDiscountStatus"]) == ("Committed", "Used")
    assert (row["CommitmentDiscountId"], row["CommitmentDiscountCategory"]) == (RI, "Usage")
    assert (row["CommitmentDiscountQuantity"], row["CommitmentDiscountUnit"]) == (4, "Normalized Hours")
    assert row["SubAccountId"] == "000000000099"


def test_a_reservation_fee_is_a_purchase_and_what_was_not_used(charges: Any) -> None:
    purchase, unused = charges(
        line(
            line_item_line_item_type="RIFee",
            line_item_unblended_cost="700",
            reservation_reservation_a_r_n=RI,
            reservation_unused_recurring_fee="30",
            reservation_unused_amortized_upfront_fee_for_billing_period="5",
            reservation_unused_normalized_unit_quantity="12",
        )
    )
    assert (purchase["ChargeCategory"], unused["ChargeCategory"]) == ("Purchase", "Usage")
    assert (purchase["BilledCost"], purchase["EffectiveCost"]) == (Decimal(700), ZERO)
    assert (unused["BilledCost"], unused["EffectiveCost"]) == (ZERO, Decimal(35))
    assert (purchase["PricingCategory"], purchase["CommitmentDiscountStatus"]) == ("Standard", None)
    assert (unused["CommitmentDiscountStatus"], unused["ConsumedQuantity"]) == ("Unused", None)
    assert (unused["CommitmentDiscountQuantity"], unused["ResourceId"]) == (12, RI)
    assert unused["x_amortized_upfront"] == Decimal(5)


def test_a_savings_plan_bills_its_fee_and_is_effective_where_it_is_used(charges: Any) -> None:
    plan = {"savings_plan_savings_plan_a_r_n": SP, "reservation_reservation_a_r_n": ""}
    rows = charges(
        line(
            line_item_line_item_type="SavingsPlanCoveredUsage",
            savings_plan_savings_plan_effective_cost="1.1",
            line_item_unblended_cost="1.5",
            **plan,
        ),
        line(line_item_line_item_type="SavingsPlanNegation", line_item_unblended_cost="-1.5", **plan),
        line(
            line_item_line_item_type="SavingsPlanRecurringFee",
            line_item_unblended_cost="2",
            savings_plan_total_commitment_to_date="2",
            savings_plan_used_commitment="1.1",
            **plan,
        ),
    )
    assert len(rows) == 3
    assert sum(row["BilledCost"] for row in rows) == sum(row["EffectiveCost"] for row in rows) == 2
    (purchase,) = [row for row in rows if row["ChargeCategory"] == "Purchase"]
    (used,) = [row for row in rows if row["CommitmentDiscountStatus"] == "Used"]
    (unused,) = [row for row in rows if row["CommitmentDiscountStatus"] == "Unused"]
    assert (used["BilledCost"], used["EffectiveCost"], unused["EffectiveCost"]) == (
        ZERO,
        Decimal("1.1"),
        Decimal("0.9"),
    )
    assert purchase["CommitmentDiscountCategory"] == "Spend"


@pytest.mark.parametrize(
    ("kind", "where"),
    [
        ("Fee", {"reservation_reservation_a_r_n": RI}),
        ("SavingsPlanUpfrontFee", {"savings_plan_savings_plan_a_r_n": SP}),
    ],
)
def test_the_upfront_price_of_a_commitment_is_billed_once_and_never_effective(
    charges: Any, kind: str, where: dict[str, str]
) -> None:
    (row,) = charges(line(line_item_line_item_type=kind, line_item_unblended_cost="500", **where))
    assert (row["BilledCost"], row["EffectiveCost"]) == (Decimal(500), ZERO)
    assert (row["ChargeCategory"], row["ChargeFrequency"]) == ("Purchase", "One-Time")


def test_a_months_support_fee_recurs_and_is_effective(charges: Any) -> None:
    month = {"line_item_usage_start_date": "2026-03-01", "line_item_usage_end_date": "2026-04-01"}
    (row,) = charges(line(line_item_line_item_type="Fee", line_item_product_code="AWSSupportBusiness", **month))
    assert (row["ChargeCategory"], row["ChargeFrequency"], row["EffectiveCost"]) == (
        "Purchase",
        "Recurring",
        Decimal("1.5"),
    )


def test_tax_has_no_price(charges: Any) -> None:
    (row,) = charges(line(line_item_line_item_type="Tax", line_item_resource_id=None))
    assert row["ChargeCategory"] == "Tax"
    priced = ("SkuId", "SkuPriceId", "PricingQuantity", "PricingUnit", "ListUnitPrice", "PricingCategory", "ResourceId")
    assert [row[name] for name in priced] == [None] * len(priced)


def test_credits_reduce_what_is_billed_and_effective(charges: Any) -> None:
    (row,) = charges(line(line_item_line_item_type="Credit", line_item_unblended_cost="-3"))
    assert (row["ChargeCategory"], row["BilledCost"], row["EffectiveCost"]) == ("Credit", Decimal(-3), Decimal(-3))


def test_a_refund_corrects_what_it_refunds(charges: Any) -> None:
    usage = line(line_item_line_item_type="Refund", line_item_unblended_cost="-3")
    upfront = line(
        line_item_line_item_type="Refund",
        line_item_unblended_cost="-500",
        line_item_line_item_description="Refund for one-time fee for Savings Plan ID: sp-1",
        savings_plan_savings_plan_a_r_n=SP,
    )
    rows = charges(usage, upfront)
    assert {row["ChargeClass"] for row in rows} == {"Correction"}
    told = {row["ChargeCategory"]: (row["BilledCost"], row["EffectiveCost"]) for row in rows}
    assert told == {"Usage": (Decimal(-3), Decimal(-3)), "Purchase": (Decimal(-500), ZERO)}


def test_what_a_seller_sells_names_the_seller_as_publisher(charges: Any) -> None:
    (row,) = charges(
        line(
            bill_billing_entity="AWS Marketplace",
            line_item_legal_entity="Seller Ltd",
            line_item_product_code="8xyz",
            product_product_name="A database",
        )
    )
    assert (row["PublisherName"], row["ServiceName"]) == ("Seller Ltd", "A database")
    assert row["ProviderName"] == row["InvoiceIssuerName"] == "AWS"


def test_split_costs_are_shown_and_cost_nothing(charges: Any) -> None:
    parent, pod = charges(
        line(line_item_resource_id="i-parent"),
        line(
            line_item_resource_id="pod",
            line_item_unblended_cost="0",
            pricing_public_on_demand_cost="0.7",
            split_line_item_parent_resource_id="i-parent",
            split_line_item_split_cost="0.6",
            split_line_item_unused_cost="0.1",
        ),
    )
    pod, parent = (pod, parent) if pod["ResourceId"] == "pod" else (parent, pod)
    assert [pod[name] for name in ("BilledCost", "EffectiveCost", "ContractedCost", "ListCost")] == [ZERO] * 4
    assert (pod["x_split_parent_resource_id"], pod["x_split_cost"], pod["x_split_unused_cost"]) == (
        "i-parent",
        Decimal("0.6"),
        Decimal("0.1"),
    )


def test_a_month_without_an_invoice_is_estimated(charges: Any) -> None:
    estimated, final = charges(line(bill_invoice_id=""), line())
    assert {estimated["x_data_status"], final["x_data_status"]} == {"estimated", "final"}


def test_a_region_is_told_by_the_zone_when_nothing_else_tells(charges: Any) -> None:
    (row,) = charges(line(product_region_code=None, line_item_availability_zone="eu-west-1b"))
    assert (row["RegionId"], row["RegionName"]) == ("eu-west-1", "EU (Ireland)")


def test_a_service_that_is_not_known_keeps_its_code(charges: Any) -> None:
    (row,) = charges(line(line_item_product_code="AmazonBrandNew"))
    assert (row["ServiceName"], row["ServiceCategory"], row["ServiceSubcategory"]) == (
        "AmazonBrandNew",
        "Other",
        "Other (Other)",
    )


def test_vendor_tags_keep_their_prefix(charges: Any) -> None:
    (row,) = charges(line(resource_tags='{"user_team": "user_a", "aws_created_by": "aws_x"}'))
    assert row["Tags"] == '{"team":"user_a","aws:created_by":"aws_x"}'
