"""Utilisation, coverage and effective savings rate of the commitments one owns."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from costlab.analyzers.commitments import commitment_totals, commitment_uses
from costlab.money import ZERO
from tests.analyzers.support import world
from tests.support import Row

NOW = datetime(2026, 4, 1)


def used(effective: float, listed: float, **given: object) -> Row:
    return {
        "days": 31,
        "ResourceId": "i-1",
        "x_instance_type": "m5.large",
        "CommitmentDiscountId": "ri-1",
        "CommitmentDiscountType": "Reserved Instance",
        "CommitmentDiscountCategory": "Usage",
        "CommitmentDiscountStatus": "Used",
        "PricingCategory": "Committed",
        "BilledCost": 0,
        "EffectiveCost": effective,
        "ListCost": listed,
        **given,
    }


def unused(effective: float, **given: object) -> Row:
    return used(effective, 0, CommitmentDiscountStatus="Unused", ResourceId="ri-1", x_instance_type=None, **given)


ON_DEMAND: Row = {"days": 31, "ResourceId": "i-2", "x_instance_type": "m5.large", "BilledCost": 10}


def test_utilisation_is_used_over_purchased() -> None:
    (use,) = commitment_uses(world([used(6, 10), unused(2)], [], now=NOW))
    assert use.utilization == Decimal("0.75")
    assert use.unused_cost == Decimal(62)
    assert use.effective_savings_rate == Decimal("0.2")
    assert use.hourly_unused_cost == Decimal("0.083333333333")


def test_coverage_and_savings_rate_count_all_eligible_usage() -> None:
    (total,) = commitment_totals(world([used(6, 10), unused(2), ON_DEMAND], [], now=NOW))
    assert total.utilization == Decimal("0.75")
    assert total.coverage == Decimal("0.5")
    # (6 + 10 + 2) of 20 a day: the unused part eats half of the discount.
    assert total.effective_savings_rate == Decimal("0.1")


def test_a_lump_on_the_first_of_the_month_counts_for_the_month() -> None:
    lump = unused(74.4, days=None, ChargePeriodStart=datetime(2026, 3, 1), ChargePeriodEnd=datetime(2026, 4, 1))
    del lump["days"]
    (use,) = commitment_uses(world([lump, ON_DEMAND], [], now=NOW))
    assert (use.first_day, use.last_day) == (date(2026, 3, 1), date(2026, 3, 31))
    assert use.hourly_unused_cost == Decimal("0.1")


def test_in_the_middle_of_a_month_the_month_before_is_looked_at() -> None:
    costs = [used(6, 10, days=45), unused(2, days=45)]
    (use,) = commitment_uses(world(costs, [], now=datetime(2026, 3, 16)))
    assert (use.first_day, use.last_day) == (date(2026, 2, 1), date(2026, 2, 28))


def test_without_commitments_there_is_no_ratio_of_them() -> None:
    context = world([ON_DEMAND], [], now=NOW)
    assert commitment_uses(context) == []
    (total,) = commitment_totals(context)
    assert (total.utilization, total.coverage, total.unused_cost) == (None, ZERO, ZERO)
