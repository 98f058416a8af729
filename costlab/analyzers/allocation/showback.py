"""Shared costs split over the values of a dimension, step by step, so that the total never changes.

Amounts live on their day; what a split is proportional to is measured over the whole calendar month of that day.
So days add up to months, and any two windows that touch add up to the one they make, per value and to the last digit.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from costlab.money import ZERO, split
from costlab.period import Month

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from decimal import Decimal

UNALLOCATED = "(unallocated)"
"""The value of what no rule gives to anybody."""


class Split(StrEnum):
    """How a shared cost is divided."""

    EVEN = "even"
    FIXED = "fixed"
    PROPORTIONAL = "proportional"


@dataclass(frozen=True, slots=True)
class Step:
    """One shared cost: what it takes and how it gives it away.

    ``source``: it takes all that a value has so far; None: it takes the charges of its own pool. ``over``: only these
    values share in it; empty: all that have charges of their own in the month.
    """

    name: str
    split: Split
    source: str | None = None
    over: tuple[str, ...] = ()
    shares: Mapping[str, Decimal] = field(default_factory=dict[str, "Decimal"])
    """The percentages of a fixed split."""


@dataclass(frozen=True, slots=True)
class Charge:
    """Charges of one day that are treated alike: their value, or the step (by place) whose pool they are in.

    ``weights`` has one number per step: what these charges count for in its proportional split.
    """

    day: date
    currency: str
    value: str | None
    pool: int | None
    amount: Decimal
    weights: tuple[Decimal, ...]


@dataclass(slots=True)
class Cell:
    """What a value got on a day: directly, and by each step; a step that takes from it is negative."""

    direct: Decimal = ZERO
    shared: dict[int, Decimal] = field(default_factory=dict[int, "Decimal"])

    @property
    def total(self) -> Decimal:
        """All of it."""
        return self.direct + sum(self.shared.values(), ZERO)

    def add(self, step: int, amount: Decimal) -> None:
        """Add what a step gives."""
        self.shared[step] = self.shared.get(step, ZERO) + amount


Key = tuple["date", str, str]
"""Day, currency, value."""


@dataclass(slots=True)
class Showback:
    """The allocation: a cell per day, currency and value; and the steps (by currency) that found nobody to share."""

    cells: dict[Key, Cell]
    unsplit: dict[tuple[str, str], Decimal]


def allocate(charges: Iterable[Charge], steps: Sequence[Step], *, start: date, end: date) -> Showback:
    """Return the allocation of the days ``[start, end)``; its cells add up to those days' charges exactly.

    ``charges`` should cover the calendar months of these days, as proportions are measured over months. A pool that
    nobody shares in (no value with a positive weight) goes to ``(unallocated)``; a value that cannot give its cost away
    keeps it.
    """
    months: defaultdict[tuple[Month, str], list[Charge]] = defaultdict(list)
    for charge in charges:
        months[Month.of(charge.day), charge.currency].append(charge)
    found = Showback({}, {})
    for (_, currency), group in sorted(months.items()):
        _Ledger(currency, group, steps, found).run(start, end)
    return found


class _Ledger:
    """One currency in one month."""

    def __init__(self, currency: str, charges: Sequence[Charge], steps: Sequence[Step], found: Showback) -> None:
        self.currency, self.charges, self.steps, self.found = currency, charges, steps, found
        self.weights: list[defaultdict[str, Decimal]] = [defaultdict(lambda: ZERO) for _ in steps]
        own: dict[str, None] = {}
        for charge in charges:
            if charge.value is None:
                continue
            if charge.pool is None:
                own[charge.value] = None
            for place, weight in enumerate(charge.weights):
                self.weights[place][charge.value] += weight
        self.own = sorted(own)

    def run(self, start: date, end: date) -> None:
        days: dict[date, dict[str, Cell]] = {}
        pools: defaultdict[tuple[date, int], Decimal] = defaultdict(lambda: ZERO)
        for charge in self.charges:
            if not start <= charge.day < end:
                continue
            cells = days.setdefault(charge.day, {})
            if charge.pool is None:
                cells.setdefault(charge.value or UNALLOCATED, Cell()).direct += charge.amount
            else:
                pools[charge.day, charge.pool] += charge.amount
        for place, step in enumerate(self.steps):
            sharers = self.sharers(place, step)
            for day, cells in days.items():
                self.give(place, step, sharers, cells, pools[day, place])
        for day, cells in days.items():
            self.found.cells |= {(day, self.currency, value): cell for value, cell in cells.items()}

    def sharers(self, place: int, step: Step) -> dict[str, Decimal]:
        """Return who shares in a step and with which positive weight."""
        if step.split is Split.FIXED:
            return {value: share for value, share in step.shares.items() if share > 0}
        values = step.over or tuple(value for value in self.own if value not in {UNALLOCATED, step.source})
        if step.split is Split.EVEN:
            return dict.fromkeys(values, ZERO + 1)
        measured = self.weights[place]
        return {value: measured[value] for value in values if measured.get(value, ZERO) > 0}

    def give(
        self, place: int, step: Step, sharers: Mapping[str, Decimal], cells: dict[str, Cell], pool: Decimal
    ) -> None:
        amount = pool if step.source is None else cells[step.source].total if step.source in cells else ZERO
        if not amount:
            return
        if not sharers:
            at = (step.name, self.currency)
            self.found.unsplit[at] = self.found.unsplit.get(at, ZERO) + amount
            if step.source is None:
                cells.setdefault(UNALLOCATED, Cell()).add(place, amount)
            return
        if step.source is not None:
            cells[step.source].add(place, -amount)
        for value, share in zip(sharers, split(amount, list(sharers.values())), strict=True):
            cells.setdefault(value, Cell()).add(place, share)
