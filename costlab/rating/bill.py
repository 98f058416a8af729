"""A bill: what covers what, what each commitment did, and exact sums of both at any grain."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from costlab.errors import UnknownValue
from costlab.money import ZERO, exact
from costlab.rating.fixed import Fixed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from decimal import Decimal

    from numpy.typing import NDArray
    from pandas import DataFrame

    from costlab.rating.demand import Demand
    from costlab.rating.order import Order
    from costlab.rating.terms import Commitment

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

GRAINS: Final = {"hour": "hour", "pool": "pool", "account": "account_id", "commitment": "covered_by"}
"""What a bill can be grouped by, and the column that names the group."""
NO_LIST_PRICE: Final = "no list price"
NO_COMMITTED_PRICE: Final = "no committed price"
Item = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """Line items of one series and one commitment, or of none (-1): one per hour, each hour once."""

    row: int
    commitment: int
    hour: Ints
    """Hours of the span, ascending."""
    quantity: Floats
    price: float | Floats
    """USD per unit, of all hours or of each; NaN where it is not known."""

    @property
    def cost(self) -> Fixed:
        """The cost of each line item; 0 where there is no price."""
        return Fixed.of(self.quantity * self.price if self.is_priced else np.zeros(len(self.quantity)))

    @cached_property
    def total_cost(self) -> Decimal:
        """The exact sum of :attr:`cost`."""
        return self.cost.total()

    @cached_property
    def total_quantity(self) -> Decimal:
        """The exact sum of the quantities, each rounded once."""
        return Fixed.of(self.quantity).total()

    @property
    def is_priced(self) -> bool:
        """Whether the price is known."""
        return not bool(np.isnan(self.price).any())


@dataclass(frozen=True, slots=True)
class Use:
    """What one commitment did: per hour of the span its amount, used part (own units) and charge (None: no price)."""

    commitment: Commitment
    amount: Fixed
    used: Fixed
    charge: Fixed | None


class Bill:
    """What usage costs with its commitments; amounts are exact to twelve decimals per line item.

    ``cost = committed_cost + on_demand_cost`` and ``committed_cost = used part + unused_cost`` hold with ``==``.
    """

    def __init__(self, demand: Demand, order: Order, runs: Sequence[Run], uses: Sequence[Use]) -> None:
        self.series, self.first, self.hours = demand.series, demand.first, demand.hours
        self.order, self.runs, self.uses = order, runs, uses

    @cached_property
    def _unused_cost(self) -> list[Decimal]:
        """Per commitment: the charge less what covered usage took of it, exactly; 0 without a price."""
        left = [ZERO if use.charge is None else use.charge.total() for use in self.uses]
        for run in self.runs:
            if run.commitment >= 0 and self.uses[run.commitment].charge is not None:
                left[run.commitment] -= run.total_cost
        return left

    @cached_property
    def _unused_cost_by_hour(self) -> list[Fixed]:
        """The same per commitment and hour."""
        spent = [Fixed.zeros(self.hours) for _ in self.uses]
        for run in self.runs:
            if run.commitment >= 0:
                spent[run.commitment].add(run.hour, run.cost)
        return [
            Fixed.zeros(self.hours) if use.charge is None else use.charge.minus(part)
            for use, part in zip(self.uses, spent, strict=True)
        ]

    @cached_property
    def totals(self) -> dict[str, Any]:
        """``cost, list_cost, committed_cost, on_demand_cost, unused_cost``, and what has no price.

        ``commitments`` has what each commitment did; ``share_without_committed_price`` the share of the list cost in
        an instrument's reach for which there is no committed price.
        """
        on_demand = sum((run.total_cost for run in self.runs if run.commitment < 0), ZERO)
        committed = sum((use.charge.total() for use in self.uses if use.charge is not None), ZERO)
        names = ("covered_by", "used", "unused", "cost_unused")
        return {
            "cost": committed + on_demand,
            "list_cost": sum(self._listed, ZERO),
            "committed_cost": committed,
            "on_demand_cost": on_demand,
            "unused_cost": sum(self._unused_cost, ZERO),
            "unpriced": self.unpriced,
            "share_without_committed_price": self._shares(),
            "commitments": [{name: item[name] for name in names} for item in self._of_commitments(["commitment"])],
        }

    @cached_property
    def unpriced(self) -> Item:
        """What has no price and is not in the cost: ``quantity`` of usage, its ``pools``, and ``commitments`` by id."""
        runs = [run for run in self.runs if not run.is_priced]
        return {
            "quantity": sum((run.total_quantity for run in runs), ZERO),
            "pools": sorted({self.series[run.row].pool for run in runs}),
            "commitments": sorted({use.commitment.id for use in self.uses if use.charge is None}),
        }

    @property
    def is_complete(self) -> bool:
        """Whether everything has a price."""
        return not self.unpriced["pools"] and not self.unpriced["commitments"]

    @cached_property
    def _listed(self) -> list[Decimal]:
        """Per series: its list cost, 0 where there is no list price."""
        listed = [ZERO] * len(self.series)
        for run in self.runs:
            price = self.series[run.row].list_price
            if isinstance(run.price, float) and run.price == price:
                listed[run.row] += run.total_cost
            elif price == price:
                listed[run.row] += Fixed.of(run.quantity * price).total()
        return listed

    def _shares(self) -> dict[str, Decimal]:
        shares: dict[str, Decimal] = {}
        for instrument, rows in self.order.eligible.items():
            whole = sum((self._listed[row] for row in rows), ZERO)
            if whole:
                priced = sum((self._listed[row] for row in self.order.priced[instrument]), ZERO)
                shares[instrument.value] = exact(1 - priced / whole)
        return shares

    def items(self, by: Sequence[str] = ("pool", "account", "commitment")) -> list[Item]:
        """Return one item per group: ``hour, pool, account_id, covered_by`` as asked for, ``quantity, cost``.

        ``covered_by`` is the id of a commitment, or None of what none covers. Grouped by hour or commitment there is
        also what commitments lost, so that the costs add up to the total: in the group's own item, or (where pools or
        accounts are told apart) in items without pool and account. Grouped by commitment these hold ``used, unused``
        in the commitment's units. An amount without a price is None, with a ``reason``.

        Raises
        ------
        UnknownValue
            If there is no such grain.
        """
        for name in by:
            if name not in GRAINS:
                raise UnknownValue("grain", name, GRAINS)
        chosen = [name for name in GRAINS if name in by]
        found = {_key(item, chosen): item for item in self._of_usage(chosen)}
        if {"hour", "commitment"} & set(chosen):
            for item in self._of_commitments(chosen):
                key = _key(item, chosen)
                found[key] = _merged(found[key], item) if key in found else item
        return [found[key] for key in sorted(found, key=_sortable)]

    def frame(self, by: Sequence[str] = ("pool", "account", "commitment")) -> DataFrame:
        """Return :meth:`items` as a DataFrame; amounts stay ``Decimal``."""
        import pandas as pd

        return pd.DataFrame(self.items(by))

    def _of_usage(self, chosen: Sequence[str]) -> list[Item]:
        groups: dict[tuple[str | None, ...], list[Run]] = defaultdict(list)
        for run in self.runs:
            groups[tuple(self._label(run, name) for name in chosen if name != "hour")].append(run)
        columns = [GRAINS[name] for name in chosen if name != "hour"]
        items: list[Item] = []
        for labels, runs in groups.items():
            group = dict(zip(columns, labels, strict=True))
            items += self._each_hour(group, runs) if "hour" in chosen else [_all_hours(group, runs)]
        return items

    def _label(self, run: Run, name: str) -> str | None:
        if name == "commitment":
            return self.uses[run.commitment].commitment.id if run.commitment >= 0 else None
        return self.series[run.row].pool if name == "pool" else self.series[run.row].account

    def _each_hour(self, group: Item, runs: Sequence[Run]) -> list[Item]:
        quantity, cost, unpriced = (Fixed.zeros(self.hours) for _ in range(3))
        seen = np.zeros(self.hours, dtype=bool)
        for run in runs:
            seen[run.hour] = True
            amount = Fixed.of(run.quantity)
            quantity.add(run.hour, amount)
            cost.add(run.hour, run.cost)
            if not run.is_priced:
                unpriced.add(run.hour, amount)
        at = np.flatnonzero(seen)
        measures = zip(*(each.at(at).decimals() for each in (quantity, cost, unpriced)), strict=True)
        return [
            {"hour": self._instant(hour)} | group | _amounts(*amounts)
            for hour, amounts in zip(at.tolist(), measures, strict=True)
        ]

    def _instant(self, hour: int) -> datetime:
        instant: datetime = np.datetime64(self.first + hour, "h").astype("datetime64[us]").item()
        return instant

    def _of_commitments(self, chosen: Sequence[str]) -> list[Item]:
        """Return what commitments did, per hour or over all hours, each or all together; pools and accounts None."""
        each, hourly = "commitment" in chosen, "hour" in chosen
        groups: dict[str, list[int]] = defaultdict(list)
        for place, use in enumerate(self.uses):
            groups[use.commitment.id if each else ""].append(place)
        blank: Item = {GRAINS[name]: None for name in chosen}
        items: list[Item] = []
        for name, places in groups.items():
            group = blank | ({"covered_by": name} if each else {})
            items += self._uses(group, places, each=each, hourly=hourly)
        return items

    def _uses(self, group: Item, places: Sequence[int], *, each: bool, hourly: bool) -> Iterable[Item]:
        lacks = each and any(self.uses[place].charge is None for place in places)
        for hour, (amount, used, cost) in enumerate(self._used_by_hour(places) if hourly else [self._used(places)]):
            if hourly and not amount:
                continue  # not in force
            lost = None if lacks else cost
            item = _amounts(ZERO, lost, ZERO) | {"cost_unused": lost, "reason": NO_COMMITTED_PRICE if lacks else None}
            item |= {"used": used, "unused": amount - used} if each else {}
            yield group | ({"hour": self._instant(hour)} if hourly else {}) | item

    def _used(self, places: Sequence[int]) -> tuple[Decimal, Decimal, Decimal]:
        """Return amount, used part and cost of the unused part of some commitments together."""
        uses = [self.uses[place] for place in places]
        amount, used = (sum((part.total() for part in parts), ZERO)
                        for parts in ([use.amount for use in uses], [use.used for use in uses]))  # fmt: skip
        return amount, used, sum((self._unused_cost[place] for place in places), ZERO)

    def _used_by_hour(self, places: Sequence[int]) -> Iterable[tuple[Decimal, Decimal, Decimal]]:
        """Yield the same of each hour of the span."""
        sums = [Fixed.zeros(self.hours) for _ in range(3)]
        at = np.arange(self.hours)
        for place in places:
            use = self.uses[place]
            for total, part in zip(sums, (use.amount, use.used, self._unused_cost_by_hour[place]), strict=True):
                total.add(at, part)
        return zip(*(total.decimals() for total in sums), strict=True)


def _all_hours(group: Item, runs: Sequence[Run]) -> Item:
    quantities = [run.total_quantity for run in runs]
    cost = sum((run.total_cost for run in runs), ZERO)
    unpriced = (quantity for quantity, run in zip(quantities, runs, strict=True) if not run.is_priced)
    return group | _amounts(sum(quantities, ZERO), cost, sum(unpriced, ZERO))


def _amounts(quantity: Decimal, cost: Decimal | None, unpriced: Decimal) -> Item:
    nothing = bool(unpriced) and unpriced == quantity
    return {
        "quantity": quantity, "cost": None if nothing else cost, "used": None, "unused": None, "cost_unused": None,
        "unpriced_quantity": unpriced, "reason": NO_LIST_PRICE if unpriced else None,
    }  # fmt: skip


def _merged(usage: Item, commitment: Item) -> Item:
    costs = [cost for cost in (usage["cost"], commitment["cost"]) if cost is not None]
    reasons = [reason for reason in (usage["reason"], commitment["reason"]) if reason]
    return usage | {
        "cost": sum(costs, ZERO) if costs else None,
        "used": commitment["used"],
        "unused": commitment["unused"],
        "cost_unused": commitment["cost_unused"],
        "reason": "; ".join(reasons) or None,
    }


def _key(item: Item, chosen: Sequence[str]) -> tuple[Any, ...]:
    return tuple(item[GRAINS[name]] for name in chosen)


def _sortable(key: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple((part is None, "" if part is None else str(part)) for part in key)
