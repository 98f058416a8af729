"""Reservations and savings plans for compute, applied hour by hour in the order Azure applies them.

Order (Microsoft, "How a reservation discount is applied" and "How saving plan discount is applied", read 2026-11):
reservations before savings plans; of each the one scoped to a single subscription before the shared one. A reservation
covers any size of its flexibility group in its region by the ratios, first come, first served: here the older
reservation goes first, and usage counts by size, then in the order the machines were made. A savings plan covers the
usage with the greatest discount first, ties by the lower committed price.

Budgets are per clock hour; what is not used is lost. Integers throughout: reservation budgets count 1e-4 ratio units,
savings plan budgets pricing money (1e-8).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from costlab.simulate.azure.prices import QUANTITY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from costlab.simulate.azure.estate import Item

    Ints = NDArray[np.int64]

TERM_HOURS = {1: 8760, 3: 26_280}
"""Hours of a term; a payment in advance is amortised evenly over them."""


@dataclass(frozen=True, slots=True)
class Commitment:
    """A reservation of ``count`` units of an item, or a savings plan of ``hourly`` per hour.

    ``start`` and ``stop`` are hours from the start of the simulation; ``start`` may be negative.
    """

    id: str
    name: str
    owner: int
    """The subscription that pays, and whose usage it covers unless ``shared``."""
    shared: bool
    years: int
    upfront: bool
    start: int
    item: Item | None = None
    """Reservations: what is reserved; None is a savings plan."""
    count: int = 0
    unit_price: int = 0
    """Reservations: price of a ratio unit and hour."""
    hourly: int = 0
    """Savings plans: price units per hour."""
    returned: int | None = None
    """The hour in which it was given back."""

    @property
    def stop(self) -> int:
        """The first hour it is no longer in force."""
        return self.start + TERM_HOURS[self.years] if self.returned is None else self.returned

    @property
    def is_plan(self) -> bool:
        """Whether it is a savings plan."""
        return self.item is None

    @property
    def price(self) -> int:
        """What an hour of all of it costs, in price units."""
        return self.hourly if self.item is None else self.unit_price * self.item.ratio * self.count

    @property
    def budget(self) -> int:
        """What one clock hour of it covers, in the units of the module's docstring."""
        return self.hourly * QUANTITY if self.item is None else self.item.ratio * self.count * QUANTITY

    def active(self, hours: Ints) -> NDArray[np.bool_]:
        """Return in which of the hours it is in force."""
        return (hours >= self.start) & (hours < self.stop)

    def amount(self, budget: Ints) -> Ints:
        """Return the pricing money of budget units."""
        return budget if self.item is None else budget * self.unit_price


@dataclass(frozen=True, slots=True)
class Step:
    """A commitment meets rows of one item: one step of the order."""

    commitment: int
    rows: Ints
    weight: int
    """Budget units per quantity unit."""


@dataclass(frozen=True, slots=True)
class Cover:
    """What one step covers: rows x hours of quantity and pricing money."""

    commitment: int
    rows: Ints
    quantity: Ints
    amount: Ints


def covers(commitment: Commitment, account: int, item: Item) -> bool:
    """Whether a commitment may cover an item used in a subscription."""
    if not commitment.shared and account != commitment.owner:
        return False
    if commitment.item is None:
        return item.plan_price is not None
    return bool(item.group) and (item.group, item.region) == (commitment.item.group, commitment.item.region)


def steps(usages: Sequence[tuple[int, Item]], commitments: Sequence[Commitment]) -> list[Step]:
    """Return the steps of one hour in the order they are taken; ``usages`` are (subscription, item) of each row."""
    pools: dict[tuple[int, Item], list[int]] = {}
    for row, usage in enumerate(usages):
        pools.setdefault(usage, []).append(row)
    ranked: list[tuple[tuple[object, ...], Step]] = []
    for index, commitment in enumerate(commitments):
        found: dict[Item, list[int]] = {}
        for (account, item), rows in pools.items():
            if covers(commitment, account, item):
                found.setdefault(item, []).extend(rows)
        for item, rows in found.items():
            at = np.sort(np.asarray(rows, dtype=np.int64))
            ranked.append(_ranked(index, commitment, item, at))
    return [step for _, step in sorted(ranked, key=lambda pair: pair[0])]


def _ranked(index: int, commitment: Commitment, item: Item, rows: Ints) -> tuple[tuple[object, ...], Step]:
    scope = (commitment.is_plan, commitment.shared)
    name = (item.instance_type, item.region, item.service)
    if commitment.item is not None:
        return (*scope, commitment.start, index, item.ratio, *name), Step(index, rows, item.ratio)
    rate = item.plan_price or 0
    return (*scope, Fraction(rate, item.list_price), rate, index, *name), Step(index, rows, rate)


def apply(
    need: Ints, hours: Ints, commitments: Sequence[Commitment], order: Sequence[Step]
) -> tuple[list[Cover], Ints]:
    """Cover usage; ``need`` (rows x hours, quantities) is left holding what stays on demand.

    Returns the covers and the unused budget per commitment and hour (0 where it is not in force). A reservation
    covers whole 1e-4 units (a remainder below that stays unused); a savings plan that runs out covers the last usage
    with all that is left of it, its quantity rounded up to 1e-4.
    """
    budget = np.zeros((len(commitments), len(hours)), dtype=np.int64)
    for index, commitment in enumerate(commitments):
        budget[index] = commitment.budget * commitment.active(hours)
    found = [_cover(need, budget[s.commitment], s, commitments[s.commitment]) for s in order]
    return [cover for cover in found if cover is not None], budget


def _cover(need: Ints, left: Ints, step: Step, commitment: Commitment) -> Cover | None:
    """Take one step: reduce ``need`` and ``left`` in place."""
    if not left.any():
        return None
    upto = np.minimum(np.cumsum(need[step.rows] * step.weight, axis=0), left)
    used = np.diff(upto, axis=0, prepend=0)
    if commitment.is_plan:
        quantity = -(-used // step.weight)
    else:
        quantity = used // step.weight
        used = quantity * step.weight
    if not quantity.any():
        return None
    left -= used.sum(axis=0)
    need[step.rows] -= quantity
    return Cover(step.commitment, step.rows, quantity, commitment.amount(used))
