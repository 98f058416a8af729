"""Usage priced and commitments applied hour by hour: from three tables to a bill."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from costlab.rating.allocate import allocate
from costlab.rating.bill import Bill, Run, Use
from costlab.rating.demand import Demand, demand_of
from costlab.rating.fixed import Fixed
from costlab.rating.order import Order, order_of
from costlab.rating.sustained import sustained
from costlab.rating.terms import Commitment, Rates, commitments_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from pandas import DataFrame

    Floats = NDArray[np.float64]

LEAST = 5e-13
"""Quantities that round to nothing at twelve decimals are what doubles left over, not usage."""


def bill(usage: DataFrame, commitments: DataFrame | None = None, rates: DataFrame | None = None) -> Bill:
    """Return what the usage costs with the commitments applied as each cloud applies them.

    Parameters
    ----------
    usage
        ``hour, provider, account_id, region, pool, quantity, list_price[, zone]``: USD per unit and hour.
    commitments
        ``id, provider, instrument, owner_account_id, region, zone, family_or_pool, amount, from, to, sharing, group``.
    rates
        ``instrument, pool, region, price[, commitment]``: committed prices in USD per unit and hour.

    Raises
    ------
    UsageError
        If a table lacks a column, or a value cannot be.

    Notes
    -----
    A commitment is charged in every hour of its term that lies between the first and the last hour of the usage.
    The order of application is that of :mod:`costlab.rating.order`.
    """
    demand = demand_of(usage)
    owned = [] if commitments is None else commitments_of(commitments)
    prices = Rates({}) if rates is None else Rates.of(rates)
    return rate(demand, owned, prices)


def rate(demand: Demand, commitments: Sequence[Commitment], prices: Rates) -> Bill:
    """Return the bill of a demand; see :func:`bill`."""
    order = order_of(demand.series, commitments, prices)
    work = _Work(demand, commitments, order)
    for start, cells in demand.blocks():
        work.block(start, cells)
    return work.finished()


class _Work:
    """Collects the line items block by block."""

    def __init__(self, demand: Demand, commitments: Sequence[Commitment], order: Order) -> None:
        self.demand, self.commitments, self.order = demand, list(commitments), order
        self.runs: list[Run] = []
        self.used = np.zeros((len(self.commitments), demand.hours))

    def block(self, start: int, cells: Floats) -> None:
        """Apply the commitments to some hours."""
        budget = self.active(start, cells.shape[1]) * _column(self.order.capacity)
        for cover in allocate(cells, budget, self.order.steps):
            self.used[cover.budget, start : start + cells.shape[1]] += cover.taken
            price = (self.order.unit_cost[cover.budget] or 0.0) * cover.price
            self._add(cover.row, cover.budget, start, cover.quantity, price)
        for row, rest in enumerate(cells):
            self._add(row, -1, start, rest, self.demand.series[row].list_price)

    def _add(self, row: int, commitment: int, start: int, quantity: Floats, price: float) -> None:
        at = np.flatnonzero(quantity > LEAST)
        if len(at):
            used = quantity.copy() if len(at) == len(quantity) else quantity[at]
            self.runs.append(Run(row, commitment, at + start if start else at, used, price))

    def active(self, start: int, size: int) -> NDArray[np.bool_]:
        """Return per commitment in which hours of a block it is in force."""
        hours = np.arange(start, start + size) + self.demand.first
        begin = np.array([c.start for c in self.commitments], dtype=np.int64).reshape(-1, 1)
        end = np.array([c.stop for c in self.commitments], dtype=np.int64).reshape(-1, 1)
        return (hours >= begin) & (hours < end)

    def finished(self) -> Bill:
        """Return the bill of all blocks."""
        active = self.active(0, self.demand.hours)
        uses = [
            self._use(index, commitment, active[index].astype(np.float64))
            for index, commitment in enumerate(self.commitments)
        ]
        return Bill(self.demand, self.order, sustained(self.runs, self.demand), uses)

    def _use(self, index: int, commitment: Commitment, active: Floats) -> Use:
        capacity, price = self.order.capacity[index], self.order.unit_cost[index]
        own_units = commitment.amount / capacity if capacity else 1.0
        charge = None if price is None else Fixed.of(active * (capacity * price))
        return Use(commitment, Fixed.of(active * commitment.amount), Fixed.of(self.used[index] * own_units), charge)


def _column(values: Sequence[float]) -> Floats:
    return np.array(values, dtype=np.float64).reshape(-1, 1)
