"""Cost per business unit: joined day by day, never against a quantity that is not there.

Only the cost of days (or whole months) that have a quantity is divided by it; the others are counted and said. The
change from the period before is split in a volume effect, at the old unit cost, and a cost effect, which is the rest:
they add up exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING

from costlab.money import ZERO, exact
from costlab.period import Month

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

NO_QUANTITY = "no quantity for these days"
ZERO_QUANTITY = "the quantity is 0"
NO_COST = "no cost is allocated to it"
NOT_COMPARED = "nothing to compare with in the period before"
SAME_QUANTITY = "no marginal cost: the quantity did not change"
_PRECISION = 60


@dataclass(frozen=True, slots=True)
class Quantities:
    """A metric's quantities for one value: by day, and by month where a number stands for a whole month."""

    days: Mapping[date, Decimal]
    months: Mapping[Month, Decimal]


@dataclass(frozen=True, slots=True)
class Unit:
    """A period's cost, the part of it that has a quantity, that quantity, and the days that have none."""

    cost: Decimal
    matched: Decimal
    quantity: Decimal | None
    missing: tuple[date, ...]
    has_cost: bool = True

    @property
    def average(self) -> Decimal | None:
        """The cost per unit, at twelve decimal places; None where :attr:`reason` says why."""
        if not self.quantity or not self.has_cost:
            return None
        return _divided(self.matched, self.quantity)

    @property
    def reason(self) -> str | None:
        """Why there is no cost per unit."""
        if self.quantity is None:
            return NO_QUANTITY
        if not self.quantity:
            return ZERO_QUANTITY
        return None if self.has_cost else NO_COST


@dataclass(frozen=True, slots=True)
class Trend:
    """The change of the matched cost from the period before, and what made it; None where ``reason`` says why."""

    change: Decimal | None = None
    volume_effect: Decimal | None = None
    cost_effect: Decimal | None = None
    marginal: Decimal | None = None
    reason: str | None = None


def unit(costs: Mapping[date, Decimal], quantities: Quantities, days: Sequence[date]) -> Unit:
    """Return the unit cost of a period of these days.

    A quantity of a month counts only if all its days are among them: half a month's cost is not divided by a whole
    month's quantity.
    """
    inside, asked = set(days), {Month.of(day) for day in days}
    whole = {month for month in asked if month in quantities.months and _days_of(month, inside) == month.days}
    found = [day for day in days if day in quantities.days or Month.of(day) in whole]
    counted = [quantities.days[day] for day in days if day in quantities.days]
    counted += [quantities.months[month] for month in sorted(whole)]
    known = set(found)
    return Unit(
        cost=sum((costs.get(day, ZERO) for day in days), ZERO),
        matched=sum((costs.get(day, ZERO) for day in found), ZERO),
        quantity=sum(counted, ZERO) if counted else None,
        missing=tuple(day for day in days if day not in known),
        has_cost=any(day in costs for day in days),
    )


def trend(before: Unit | None, now: Unit) -> Trend:
    """Return the change of the matched cost and its parts.

    ``volume_effect = before.matched / before.quantity x (quantity - before.quantity)`` at twelve decimal places,
    ``cost_effect`` the rest of the change; ``marginal`` is the change per unit more.
    """
    if now.average is None or before is None or before.average is None:
        return Trend(reason=NOT_COMPARED if now.average is not None else None)
    assert before.quantity is not None
    assert now.quantity is not None
    change, more = now.matched - before.matched, now.quantity - before.quantity
    with localcontext() as context:
        context.prec = _PRECISION
        volume = exact(before.matched * more / before.quantity)
    marginal = _divided(change, more) if more else None
    return Trend(change, volume, change - volume, marginal, None if more else SAME_QUANTITY)


def _days_of(month: Month, days: set[date]) -> int:
    return sum(1 for day in days if Month.of(day) == month)


def _divided(amount: Decimal, by: Decimal) -> Decimal:
    with localcontext() as context:
        context.prec = _PRECISION
        return exact(amount / by)
