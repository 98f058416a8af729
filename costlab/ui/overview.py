"""What the overview page shows, asked from the Lab."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from costlab.lab.window import Window
from costlab.money import ZERO
from costlab.period import Month
from costlab.ui.explorer import currency_condition
from costlab.ui.series import Point, folded, groups

if TYPE_CHECKING:
    from decimal import Decimal

    from costlab.lab import Lab
    from costlab.ui.facts import Facts

EFFECTIVE, BILLED = "EffectiveCost", "BilledCost"
SERVICE = "ServiceName"
SERIES = 8
_COVERAGE = """
select
    sum(x_covered_list_cost) as covered,
    sum(x_covered_list_cost + x_uncovered_list_cost) as eligible
from marts.commitment_hours
where ChargePeriodStart >= $start and ChargePeriodStart < $end and BillingCurrency = $currency
"""
_COMMITMENTS = """
select
    CommitmentDiscountId as id,
    max(CommitmentDiscountType) as type,
    max(CommitmentDiscountName) as name,
    max(ServiceProviderName) as provider,
    sum(x_used_cost) as used,
    sum(x_unused_cost) as unused
from marts.commitments
where ChargeDate >= $start and ChargeDate < $end and BillingCurrency = $currency
group by CommitmentDiscountId
having sum(x_used_cost) + sum(x_unused_cost) > 0
order by sum(x_unused_cost) desc, sum(x_used_cost) desc, CommitmentDiscountId
limit 100
"""


@dataclass(frozen=True, slots=True)
class Change:
    """An amount now and before; ``before`` is None where there is nothing to compare with."""

    now: Decimal
    before: Decimal | None

    @property
    def difference(self) -> Decimal | None:
        """The change, where it can be told."""
        return None if self.before is None else self.now - self.before


@dataclass(frozen=True, slots=True)
class Mover:
    """A service whose cost changed."""

    name: str | None
    change: Change


@dataclass(frozen=True, slots=True)
class Commitment:
    """A reservation or savings plan in a window: what of it was used and what was paid for nothing."""

    id: str
    type: str | None
    name: str | None
    provider: str | None
    used: Decimal
    unused: Decimal

    @property
    def utilization(self) -> float:
        """The used share of what it cost."""
        return float(self.used / (self.used + self.unused))


@dataclass(frozen=True, slots=True)
class Commitments:
    """All commitments in a window. ``coverage``: covered share of eligible demand at list price, None without any."""

    coverage: float | None
    items: tuple[Commitment, ...]

    @property
    def used(self) -> Decimal:
        """What was used of all."""
        return sum((item.used for item in self.items), ZERO)

    @property
    def unused(self) -> Decimal:
        """What was paid for nothing."""
        return sum((item.unused for item in self.items), ZERO)

    @property
    def utilization(self) -> float | None:
        """The used share over all; None without commitments."""
        total = self.used + self.unused
        return float(self.used / total) if total else None


@dataclass(frozen=True, slots=True)
class Bill:
    """The bill of a month in one currency, with the same days of the month before."""

    window: Window
    compared: Window | None
    effective: Change
    billed: Change
    points: tuple[Point, ...]
    """EffectiveCost by day and service."""
    services: tuple[str, ...]
    movers: tuple[Mover, ...]
    status: str
    warnings: tuple[str, ...]


def month_window(month: str, facts: Facts) -> Window:
    """Return the days of a month that have data: up to the last charge in the newest month."""
    chosen = Month.parse(month)
    end = chosen.plus(1).first_day
    if facts.end_day is not None and chosen.first_day <= facts.end_day < end:
        end = facts.end_day + timedelta(days=1)
    return Window(chosen.first_day, end)


def compared_window(window: Window, facts: Facts) -> Window | None:
    """Return the month before, or as many of its days as the window has; None where it has no data.

    Half a month is never compared with a whole one.
    """
    before = Month.of(window.start).plus(-1)
    if str(before) not in facts.months:
        return None
    is_whole = window.end == Month.of(window.start).plus(1).first_day
    last = before.plus(1).first_day
    return Window(before.first_day, last if is_whole else min(last, _day_of(before, window.days)))


def load_bill(lab: Lab, facts: Facts, month: str, currency: str) -> Bill:
    """Return the bill; its totals are those of :meth:`Lab.ask_cost` over the same days."""
    window = month_window(month, facts)
    compared = compared_window(window, facts)
    only = currency_condition(facts, currency)
    daily = lab.ask_cost([SERVICE], metric=EFFECTIVE, grain="day", start=window.start, end=window.end, where=only)
    billed = lab.ask_cost([SERVICE], metric=BILLED, start=window.start, end=window.end, where=only)
    now = groups(daily.items, [SERVICE], EFFECTIVE)
    points, names = folded(daily.items, [SERVICE], EFFECTIVE, [g for g in now if g.amount > 0][:SERIES])
    before: dict[str | None, Decimal] = {}
    billed_before: Decimal | None = None
    if compared:
        past = lab.ask_cost([SERVICE], metric=EFFECTIVE, start=compared.start, end=compared.end, where=only)
        before = {item[SERVICE]: item[EFFECTIVE] or ZERO for item in past.items}
        past_billed = lab.ask_cost((), metric=BILLED, start=compared.start, end=compared.end, where=only)
        billed_before = past_billed.totals[BILLED] or ZERO
    total_before = sum(before.values(), ZERO) if compared else None
    return Bill(
        window,
        compared,
        Change(daily.totals[EFFECTIVE] or ZERO, total_before),
        Change(billed.totals[BILLED] or ZERO, billed_before),
        tuple(points),
        tuple(names),
        tuple(_movers({group.key[0]: group.amount for group in now}, before)) if compared else (),
        daily.data_status,
        tuple(daily.warnings),
    )


def load_commitments(lab: Lab, facts: Facts, window: Window, currency: str) -> Commitments:  # noqa: ARG001
    """Return coverage and utilisation in the window; commitments with the most waste first."""
    asked: dict[str, Any] = {"start": window.start, "end": window.end, "currency": currency}
    eligible = lab.db.rows(_COVERAGE, asked)[0]
    coverage = float(eligible["covered"] / eligible["eligible"]) if eligible["eligible"] else None
    return Commitments(coverage, tuple(Commitment(**row) for row in lab.db.rows(_COMMITMENTS, asked)))


def _movers(now: dict[str | None, Decimal], before: dict[str | None, Decimal]) -> list[Mover]:
    found = [Mover(name, Change(now.get(name, ZERO), before.get(name, ZERO))) for name in now.keys() | before.keys()]
    moved = [mover for mover in found if mover.change.difference]
    return sorted(moved, key=lambda m: (-abs(m.change.difference or ZERO), m.name or ""))


def _day_of(month: Month, days: int) -> date:
    return month.first_day + timedelta(days=days)
