"""How well the commitments one owns are used: utilisation, coverage, effective savings rate.

Definitions (FinOps Foundation, effective savings rate playbook):

- utilisation = used commitment / (used + unused commitment), at effective cost;
- coverage = list cost covered / eligible list cost;
- effective savings rate (ESR) = 1 - effective cost / list cost, of the eligible usage, unused commitment included.

A ratio whose denominator is 0 is None, not 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from costlab.money import ZERO, exact

if TYPE_CHECKING:
    from decimal import Decimal

    from costlab.interfaces.analyzer import Context


@dataclass(frozen=True, slots=True)
class CommitmentUse:
    """One commitment over the window; amounts in BillingCurrency, summed over the window's days."""

    commitment_id: str
    name: str
    type: str
    category: str
    """Usage (a reservation of capacity or machines) or Spend (an amount per hour)."""
    provider: str
    billing_account_id: str
    currency: str
    first_day: date
    last_day: date
    used_cost: Decimal
    unused_cost: Decimal
    covered_list_cost: Decimal

    @property
    def hours(self) -> int:
        """The hours of the days looked at."""
        return ((self.last_day - self.first_day).days + 1) * 24

    @property
    def utilization(self) -> Decimal | None:
        """Used / purchased, 0..1."""
        return _ratio(self.used_cost, self.used_cost + self.unused_cost)

    @property
    def effective_savings_rate(self) -> Decimal | None:
        """1 - what it cost / what it covered would have cost at list price; negative when it costs more."""
        rate = _ratio(self.used_cost + self.unused_cost, self.covered_list_cost)
        return None if rate is None else 1 - rate

    @property
    def hourly_unused_cost(self) -> Decimal:
        """The unused part per hour."""
        return exact(self.unused_cost / self.hours)


@dataclass(frozen=True, slots=True)
class CommitmentTotal:
    """All commitments of one currency together over the window."""

    currency: str
    used_cost: Decimal
    unused_cost: Decimal
    covered_list_cost: Decimal
    eligible_list_cost: Decimal
    eligible_effective_cost: Decimal

    @property
    def utilization(self) -> Decimal | None:
        """Used / purchased, 0..1."""
        return _ratio(self.used_cost, self.used_cost + self.unused_cost)

    @property
    def coverage(self) -> Decimal | None:
        """Covered / eligible at list price, 0..1."""
        return _ratio(self.covered_list_cost, self.eligible_list_cost)

    @property
    def effective_savings_rate(self) -> Decimal | None:
        """1 - (effective cost of eligible usage + unused commitment) / its list cost."""
        rate = _ratio(self.eligible_effective_cost + self.unused_cost, self.eligible_list_cost)
        return None if rate is None else 1 - rate


def _ratio(part: Decimal, whole: Decimal) -> Decimal | None:
    return exact(part / whole) if whole else None


_WINDOWS = """
ends as (
    select x_source, min(ChargeDate) as oldest, max(ChargeDate) as newest
    from marts.daily_costs
    where ChargeDate < $now
    group by x_source
),
windows as (
    select
        x_source,
        cast(
            case
                when newest = last_day(newest) then date_trunc('month', newest)
                when oldest <= date_trunc('month', newest) - to_months(1)
                    then date_trunc('month', newest) - to_months(1)
                else oldest
            end as date
        ) as first_day,
        cast(
            case
                when newest < last_day(newest) and oldest <= date_trunc('month', newest) - to_months(1)
                    then date_trunc('month', newest) - to_days(1)
                else newest
            end as date
        ) as last_day
    from ends
)
"""

_EACH = f"""
with {_WINDOWS}
select
    c.CommitmentDiscountId as commitment_id,
    max(coalesce(c.CommitmentDiscountName, '')) as name,
    max(coalesce(c.CommitmentDiscountType, '')) as type,
    max(coalesce(c.CommitmentDiscountCategory, '')) as category,
    max(coalesce(c.ServiceProviderName, '')) as provider,
    max(coalesce(c.BillingAccountId, '')) as billing_account_id,
    c.BillingCurrency as currency,
    min(c.ChargeDate) as first_day,
    max(w.last_day) as last_day,
    sum(coalesce(c.x_used_cost, 0)) as used_cost,
    sum(coalesce(c.x_unused_cost, 0)) as unused_cost,
    sum(coalesce(c.x_covered_list_cost, 0)) as covered_list_cost
from marts.commitments c
join windows w on w.x_source = c.x_source
where c.ChargeDate >= w.first_day and c.ChargeDate <= w.last_day
group by c.CommitmentDiscountId, c.BillingCurrency
having sum(coalesce(c.x_used_cost, 0)) + sum(coalesce(c.x_unused_cost, 0)) <> 0
order by c.CommitmentDiscountId, c.BillingCurrency
"""

_ELIGIBLE = f"""
with {_WINDOWS}
select
    h.BillingCurrency as currency,
    sum(h.ListCost) as listed,
    sum(h.EffectiveCost) as effective,
    sum(coalesce(h.x_covered_list_cost, 0)) as covered
from marts.commitment_hours h
join windows w on w.x_source = h.x_source
where h.ChargePeriodStart >= w.first_day and h.ChargePeriodStart < w.last_day + to_days(1)
group by h.BillingCurrency
"""


def commitment_uses(context: Context) -> list[CommitmentUse]:
    """Return one record per commitment and currency over the last whole month of each source's bill.

    A whole month, because an unused reservation is charged in one lump on the first day; a bill that holds none is
    taken as a whole.
    """
    rows = context.db.rows(_EACH, {"now": context.now})
    return [CommitmentUse(**row) for row in rows]


def commitment_totals(context: Context) -> list[CommitmentTotal]:
    """Return one record per currency with commitments or eligible usage in the last whole month."""
    uses = commitment_uses(context)
    eligible: dict[str, dict[str, Any]] = {
        row["currency"]: row for row in context.db.rows(_ELIGIBLE, {"now": context.now})
    }
    totals: list[CommitmentTotal] = []
    for currency in sorted({use.currency for use in uses} | set(eligible)):
        own = [use for use in uses if use.currency == currency]
        row = eligible.get(currency, {"listed": ZERO, "effective": ZERO, "covered": ZERO})
        totals.append(
            CommitmentTotal(
                currency=currency,
                used_cost=sum((use.used_cost for use in own), ZERO),
                unused_cost=sum((use.unused_cost for use in own), ZERO),
                covered_list_cost=row["covered"],
                eligible_list_cost=row["listed"],
                eligible_effective_cost=row["effective"],
            )
        )
    return totals


def expiries(context: Context) -> dict[str, datetime]:
    """Return per commitment the end of its term, where that lies after the bill seen so far."""
    rows = context.db.rows(
        """
        select ContractCommitmentId as id, max(ContractCommitmentPeriodEnd) as ends
        from focus.contract_commitments
        group by ContractCommitmentId
        """
    )
    return {row["id"]: row["ends"] for row in rows if row["ends"] and row["ends"] > context.now + timedelta(days=1)}
