"""The inner loop: budgets meet demand in a given order, all hours at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Step:
    """A commitment meets some rows of equal rank: one step of the order of application."""

    budget: int
    """Row of the budget matrix."""
    rows: tuple[int, ...]
    """Rows of the demand matrix, served one after the other, or together with ``proportional``."""
    price: float
    """Budget that one unit of demand takes."""
    proportional: bool = False
    """Whether rows that want more than is left share it in proportion to what they want."""


@dataclass(frozen=True, slots=True)
class Cover:
    """What a step covers of one row: per hour the quantity and the budget it took. Valid until the next one."""

    budget: int
    row: int
    price: float
    """Budget per unit."""
    quantity: Floats
    taken: Floats


def allocate(demand: Floats, budget: Floats, steps: Sequence[Step]) -> Iterator[Cover]:
    """Yield what each step covers; ``demand`` and ``budget`` are left holding what stays.

    Parameters
    ----------
    demand
        Units per row and hour (rows x hours, float64, C order); reduced in place to what no budget covers.
    budget
        Per commitment and hour (commitments x hours), in the commitment's own units; reduced to what is unused.
        Hours are independent: nothing is carried over.
    steps
        In the order of application, the same in every hour.

    Notes
    -----
    Whoever needs the leftovers only runs it to the end: ``deque(allocate(...), maxlen=0)``. Cost per step and row is
    six passes over one row of hours, which stays in the processor's cache.
    """
    wanted, quantity, taken = (np.empty(demand.shape[1]) for _ in range(3))
    for step in steps:
        left = budget[step.budget]
        if not left.any():
            continue
        if step.proportional and len(step.rows) > 1:
            yield from _shared(demand, left, step)
            continue
        for row in step.rows:
            need = demand[row]
            np.multiply(need, step.price, out=wanted)
            np.minimum(wanted, left, out=taken)
            np.multiply(left, 1 / step.price, out=quantity)
            np.minimum(need, quantity, out=quantity)
            need -= quantity
            left -= taken
            yield Cover(step.budget, row, step.price, quantity, taken)


def _shared(demand: Floats, left: Floats, step: Step) -> Iterator[Cover]:
    rows = list(step.rows)
    total = demand[rows].sum(axis=0)
    share = np.minimum(1.0, np.divide(left / step.price, total, out=np.zeros_like(total), where=total > 0))
    given = np.minimum(left, total * step.price)
    for row in rows:
        quantity = demand[row] * share
        demand[row] -= quantity
        yield Cover(step.budget, row, step.price, quantity, quantity * step.price)
    left -= given
