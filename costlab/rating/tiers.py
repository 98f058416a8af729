"""From a quantity to a line of a bill: tiers, free tiers, minimum durations, rounding, and how long a month is.

Rules as AWS, Azure and Google state them on their price pages (read 2026-11): a price holds marginally for the part of
a quantity within its tier, and a quantity exactly on a boundary belongs to the lower tier; a line of a bill is rounded
half-up to cents, then the lines are added up. Everything is ``Decimal``; nothing else is rounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal, localcontext
from enum import StrEnum
from typing import TYPE_CHECKING

from costlab.errors import UsageError
from costlab.money import CENT, ZERO

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from costlab.period import Month

_PRECISION = 60


@dataclass(frozen=True, slots=True)
class Tier:
    """A price per unit for the part of a quantity above the tier before and up to ``upto`` (None: no end)."""

    upto: Decimal | None
    price: Decimal


class MonthLength(StrEnum):
    """How many hours a month of a price counts."""

    AVERAGE = "730"
    """A twelfth of a year: what cost estimates and recommendations use."""
    LONGEST = "744"
    """31 days."""
    ACTUAL = "actual"
    """The calendar month's own hours: what storage is billed by."""


def tiered(quantity: Decimal, tiers: Sequence[Tier]) -> Decimal:
    """Return the cost of a quantity: each tier's price for the part of it that lies in the tier.

    Raises
    ------
    UsageError
        If the quantity is negative, the tiers do not rise, or it lies above the last one.

    >>> tiers = [Tier(Decimal(10), Decimal(2)), Tier(None, Decimal(1))]
    >>> tiered(Decimal(10), tiers), tiered(Decimal(12), tiers)
    (Decimal('20'), Decimal('22'))
    """
    if quantity < 0:
        raise UsageError(f"a quantity of {quantity} has no cost", hint="Quantities are 0 or more")
    total, below = ZERO, ZERO
    with localcontext() as context:
        context.prec = _PRECISION
        for tier in tiers:
            if tier.upto is not None and tier.upto <= below:
                raise UsageError(f"the tier up to {tier.upto} does not rise", hint="Sort tiers by where they end")
            top = quantity if tier.upto is None else min(quantity, tier.upto)
            total += max(ZERO, top - below) * tier.price
            below = max(below, top)
            if below >= quantity:
                return total
    raise UsageError(f"no tier holds a quantity of {quantity}", hint="The last tier needs no end")


def billable(quantity: Decimal, allowance: Decimal, *, free_tier: bool) -> Decimal:
    """Return what is charged of a quantity with a free allowance; the allowance counts with ``free_tier`` only.

    Free tiers are per account, not per design: comparisons leave them out.
    """
    return max(ZERO, quantity - allowance) if free_tier else quantity


def rounded_up(quantity: Decimal, step: Decimal) -> Decimal:
    """Return the quantity in whole steps, as durations and requests are metered.

    >>> rounded_up(Decimal("0.1201"), Decimal("0.001")), rounded_up(Decimal(513), Decimal(512))
    (Decimal('0.121'), Decimal('1024'))
    """
    return (quantity / step).to_integral_value(rounding=ROUND_CEILING) * step


def billed_duration(seconds: Decimal, *, minimum: Decimal, step: Decimal = Decimal(1)) -> Decimal:
    """Return the seconds that are charged: whole steps, and at least the minimum of what ran at all.

    >>> billed_duration(Decimal("12.3"), minimum=Decimal(60)), billed_duration(Decimal("61.2"), minimum=Decimal(60))
    (Decimal('60'), Decimal('62'))
    """
    return max(rounded_up(seconds, step), minimum) if seconds else ZERO


def hours_of(length: MonthLength, month: Month | None = None) -> int:
    """Return the hours of a month.

    Raises
    ------
    UsageError
        If the actual length is asked for without a month.
    """
    if length is not MonthLength.ACTUAL:
        return int(length.value)
    if month is None:
        raise UsageError("the actual length of which month?", hint="Name the month, or count 730 hours")
    return int((month.end - month.start).total_seconds()) // 3600


def unit_months(unit_hours: Decimal, hours: int) -> Decimal:
    """Return unit-months (GB-months of storage) of unit-hours in a month of so many hours."""
    with localcontext() as context:
        context.prec = _PRECISION
        return unit_hours / hours


def line(amount: Decimal, *, places: Decimal = CENT) -> Decimal:
    """Return a line of a bill: the amount rounded half-up to cents, or to ``places``."""
    with localcontext() as context:
        context.prec = _PRECISION
        return amount.quantize(places, rounding=ROUND_HALF_UP)


def total(amounts: Iterable[Decimal], *, places: Decimal = CENT) -> Decimal:
    """Return the sum of lines: each rounded first, then added up."""
    return sum((line(amount, places=places) for amount in amounts), ZERO)
