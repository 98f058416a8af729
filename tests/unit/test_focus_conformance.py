"""Rules of money and of the specification that a bill itself may break: each one fires, and a sound bill fires none."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from costlab.focus.columns import COLUMN_TYPES
from costlab.focus.conformance import PAID_IS_USED, RULES, Breach, Weight, breaches
from costlab.warehouse.connection import connect
from costlab.warehouse.relations import Database
from tests.support import Row, create_table, focus_row, focus_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

COVERED: Row = {
    "CommitmentDiscountId": "ri-1",
    "CommitmentDiscountCategory": "Usage",
    "CommitmentDiscountType": "Reserved Instance",
    "CommitmentDiscountStatus": "Used",
    "CommitmentDiscountQuantity": 1,
    "CommitmentDiscountUnit": "Hours",
    "PricingCategory": "Committed",
    "BilledCost": 0,
    "EffectiveCost": "0.6",
    "ContractedCost": 1,
    "ListCost": 1,
}
UNUSED: Row = COVERED | {
    "CommitmentDiscountStatus": "Unused",
    "ConsumedQuantity": None,
    "ConsumedUnit": None,
    "ContractedCost": 0,
    "ListCost": 0,
    "EffectiveCost": "0.4",
}
FEE: Row = COVERED | {
    "ChargeCategory": "Purchase",
    "ChargeFrequency": "Recurring",
    "PricingCategory": "Standard",
    "CommitmentDiscountStatus": None,
    "ConsumedQuantity": None,
    "ConsumedUnit": None,
    "BilledCost": 1,
    "EffectiveCost": 0,
}
TAX: Row = {
    "ChargeCategory": "Tax",
    "PricingCategory": None,
    "PricingQuantity": None,
    "PricingUnit": None,
    "ConsumedQuantity": None,
    "ConsumedUnit": None,
}
SOUND: list[Row] = [
    {},
    {"ListCost": 2, "ListUnitPrice": 2, "ContractedUnitPrice": 1, "Tags": '{"a": "b"}'},
    {"BilledCost": 0},
    TAX,
    COVERED,
    UNUSED,
    FEE,
    {"ChargeCategory": "Credit", "BilledCost": -3, "ConsumedQuantity": None, "ConsumedUnit": None},
    {"ChargeClass": "Correction", "BilledCost": -3, "ListUnitPrice": 1},
    {"CapacityReservationId": "cr-1", "CapacityReservationStatus": "Used"},
]

BREAKS: dict[str, Row] = {
    "BilledCost-filled": {"BilledCost": None, "EffectiveCost": 1, "ContractedCost": 1, "ListCost": 1},
    "EffectiveCost-filled": {"EffectiveCost": None},
    "ContractedCost-filled": {"ContractedCost": None, "EffectiveCost": 0, "BilledCost": 0},
    "ListCost-filled": {"ListCost": None, "EffectiveCost": 0, "BilledCost": 0},
    "BillingAccountId-filled": {"BillingAccountId": None},
    "ChargeCategory-filled": {"ChargeCategory": None, "ConsumedQuantity": None, "ConsumedUnit": None},
    "ServiceName-filled": {"ServiceName": None},
    "ServiceProviderName-filled": {"ServiceProviderName": None},
    "CapacityReservationStatus-listed": {"CapacityReservationId": "c", "CapacityReservationStatus": "Idle"},
    "ChargeCategory-listed": {"ChargeCategory": "usage", "ConsumedQuantity": None, "ConsumedUnit": None},
    "ChargeClass-listed": {"ChargeClass": "Fix"},
    "ChargeFrequency-listed": {"ChargeFrequency": "Usage-based"},
    "CommitmentDiscountCategory-listed": COVERED | {"CommitmentDiscountCategory": "Both"},
    "CommitmentDiscountStatus-listed": COVERED | {"CommitmentDiscountStatus": "Active"},
    "PricingCategory-listed": {"PricingCategory": "On-Demand"},
    "BillingCurrency-code": {"BillingCurrency": "usd"},
    "ChargePeriod-order": {"ChargePeriodEnd": "2026-03-01T00:00:00"},
    "BillingPeriod-order": {"BillingPeriodEnd": "2026-02-01T00:00:00"},
    "BillingPeriod-month": {"BillingPeriodEnd": "2026-03-31T00:00:00"},
    "Tags-object": {"Tags": '["a"]'},
    "CommitmentDiscountStatus-usage": TAX | {"CommitmentDiscountStatus": "Unused", "BilledCost": 0},
    "CommitmentDiscountId-status": COVERED | {"CommitmentDiscountStatus": None},
    "CommitmentDiscountCategory-id": COVERED | {"CommitmentDiscountType": None},
    "CommitmentDiscountUnit-quantity": COVERED | {"CommitmentDiscountUnit": None},
    "EffectiveCost-purchase": FEE | {"EffectiveCost": 1},
    "BilledCost-used": COVERED | {"BilledCost": 1},
    "BilledCost-unused": UNUSED | {"BilledCost": 1},
    "ConsumedQuantity-unused": UNUSED | {"ConsumedQuantity": 1, "ConsumedUnit": "Hours"},
    "PricingCategory-committed": FEE | {"PricingCategory": "Committed"},
    "CapacityReservationStatus-id": {"CapacityReservationStatus": "Used"},
    "CapacityReservationId-status": {"CapacityReservationId": "cr-1"},
    "Tax-unpriced": TAX | {"SkuId": "s"},
    "ConsumedQuantity-usage": {"ChargeCategory": "Credit"},
    "ConsumedUnit-quantity": {"ConsumedUnit": None},
    "PricingUnit-quantity": {"PricingUnit": None},
    "ListUnitPrice-sign": {"ListUnitPrice": -1, "ListCost": -1, "BilledCost": 0},
    "ContractedUnitPrice-sign": {"ContractedUnitPrice": -1, "ContractedCost": -1, "BilledCost": 0},
    "ListCost-product": {"ListUnitPrice": 2, "PricingQuantity": 3, "ListCost": 5},
    "ContractedCost-product": {"ContractedUnitPrice": 2, "PricingQuantity": 3, "ContractedCost": 5, "ListCost": 5},
    "ChargeFrequency-purchase": FEE | {"ChargeFrequency": "Usage-Based"},
    "Region-name": {"RegionId": None},
    "ListCost-known": {"ListCost": 0},
    "ContractedCost-known": {"ContractedCost": 0},
    "ListCost-highest": {"ListCost": 1, "ContractedCost": 2, "EffectiveCost": 1},
    "EffectiveCost-lowest": {"ListCost": 2, "ContractedCost": 1, "EffectiveCost": 2},
    "EffectiveCost-known": {"EffectiveCost": 0},
    "PricingQuantity-known": {"PricingQuantity": 0},
}  # fmt: skip


def found(rows: Sequence[Row], where: str = "true") -> list[Breach]:
    con = connect()
    try:
        con.execute("create schema focus")
        create_table(con, "focus.costs", COLUMN_TYPES, list(rows))
        return breaches(Database(con), where)
    finally:
        con.close()


def ids(*rows: Row) -> list[str]:
    return [breach.rule.id for breach in found(focus_rows(list(rows)))]


def test_a_sound_bill_breaks_no_rule() -> None:
    assert ids(*SOUND) == []


def test_every_rule_has_a_case() -> None:
    assert BREAKS.keys() == {rule.id for rule in RULES}
    assert len(BREAKS) == len(RULES)


@pytest.mark.parametrize("rule", BREAKS)
def test_a_breach_is_found_and_no_other(rule: str) -> None:
    # a fee with an effective cost, or usage without, also shows in the commitment's sums
    found_ids = [name for name in ids(*SOUND, BREAKS[rule]) if name != PAID_IS_USED.id]
    assert found_ids == [rule]


def test_a_breach_says_where_how_often_and_what_it_costs() -> None:
    breach, *rest = found(focus_rows([{"RegionId": None}, {"RegionId": None, "BilledCost": 4}, {}]))
    assert not rest
    assert (breach.source, breach.billing_period_start, breach.currency) == ("aws", datetime(2026, 3, 1), "USD")
    assert (breach.charges, breach.effective_cost) == (2, Decimal(5))
    assert str(breach) == "aws 2026-03: 2 charges: a region's name without its id"


def test_sources_periods_and_currencies_are_told_apart() -> None:
    bad: Row = {"RegionId": None}
    rows: list[Row] = [
        bad,
        bad | {"x_source": "b"},
        bad | {"ChargePeriodStart": "2026-04-01"},
        bad | {"BillingCurrency": "EUR"},
    ]
    assert len(found(focus_rows(rows))) == 4
    assert len(found(focus_rows(rows), "x_source = 'b'")) == 1


def test_what_the_specification_forbids_comes_first() -> None:
    rows: list[Row] = [{"RegionId": None}, {"RegionId": None}, {"ChargeClass": "Fix"}]
    assert [b.rule.weight for b in found(focus_rows(rows))] == [Weight.BROKEN, Weight.ODD]


@pytest.mark.parametrize(
    ("rows", "broken"),
    [
        ([FEE, COVERED, UNUSED], False),
        ([FEE, COVERED], True),  # a part of what was paid is nowhere
        ([FEE, COVERED, UNUSED, UNUSED | {"x_amortized_upfront": "0.4"}], False),
        ([FEE, COVERED, UNUSED, UNUSED | {"x_amortized_upfront": "0.1"}], True),
        ([FEE, COVERED, UNUSED, UNUSED], False),  # an upfront part that nobody tells
        ([COVERED, UNUSED], False),  # the fees are on another bill
        ([row | {"ServiceProviderName": "Microsoft"} for row in (FEE, COVERED)], False),  # a twelfth of a year, ahead
    ],
)
def test_what_is_paid_for_a_commitment_is_used_or_unused(rows: list[Row], broken: bool) -> None:
    assert (PAID_IS_USED.id in ids(*rows, {"ChargePeriodStart": "2026-03-31T23:00"})) is broken


def test_the_fees_of_a_month_that_is_not_over_are_not_yet_used() -> None:
    assert PAID_IS_USED.id not in ids(FEE, COVERED, {"ChargePeriodStart": "2026-03-20T23:00"})


# The worked examples of the FOCUS 1.2 specification, "Commitment discount scenarios": one USD per hour for a year.
HOUR: Row = {"CommitmentDiscountId": "c", "CommitmentDiscountCategory": "Spend", "CommitmentDiscountType": "Plan"}
HOURLY = HOUR | {"CommitmentDiscountUnit": "USD", "ListCost": 2, "ContractedCost": 2, "BilledCost": 0}


def hour_used(amount: str) -> Row:
    return HOURLY | {
        "CommitmentDiscountStatus": "Used",
        "PricingCategory": "Committed",
        "EffectiveCost": amount,
        "CommitmentDiscountQuantity": amount,
    }


def hour_unused(amount: str) -> Row:
    return hour_used(amount) | {
        "CommitmentDiscountStatus": "Unused",
        "ConsumedQuantity": None,
        "ConsumedUnit": None,
        "ListCost": 0,
        "ContractedCost": 0,
    }


def purchase(amount: str, **given: Any) -> Row:
    return HOURLY | {
        "ChargeCategory": "Purchase",
        "ChargeFrequency": "Recurring",
        "ConsumedQuantity": None,
        "ConsumedUnit": None,
        "BilledCost": amount,
        "EffectiveCost": 0,
        "CommitmentDiscountQuantity": amount,
        "ListCost": amount,
        "ContractedCost": amount,
        **given,
    }


ALL_UPFRONT = purchase("8760", ChargeFrequency="One-Time", ChargePeriodEnd="2027-03-01")
PARTIAL_UPFRONT = purchase("4380", ChargeFrequency="One-Time", ChargePeriodEnd="2027-03-01")


@pytest.mark.parametrize(
    ("bill", "billed", "effective"),
    [
        ([ALL_UPFRONT, hour_used("1")], "8760", "1"),
        ([ALL_UPFRONT, hour_unused("1")], "8760", "1"),
        ([purchase("1"), hour_used("1")], "1", "1"),
        ([purchase("1"), hour_unused("1")], "1", "1"),
        ([purchase("1"), hour_used("0.75"), hour_unused("0.25")], "1", "1"),
        ([purchase("1"), hour_used("1"), {"BilledCost": "0.5"}], "1.5", "1.5"),
        ([PARTIAL_UPFRONT, purchase("0.5"), hour_used("1")], "4380.5", "1"),
    ],
)
def test_the_specifications_own_scenarios_break_no_rule(bill: list[Row], billed: str, effective: str) -> None:
    assert ids(*bill) == []
    rows = [focus_row(**row) for row in bill]
    assert sum(row["BilledCost"] for row in rows) == Decimal(billed)
    assert sum(row["EffectiveCost"] for row in rows) == Decimal(effective)
