"""Charges of some days: machines with their commitments, licences, daily meters, what commitments lost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from costlab.period import Month
from costlab.simulate.azure import prices
from costlab.simulate.azure.commitments import apply, steps
from costlab.simulate.azure.facts import Facts, Kind
from costlab.simulate.azure.fees import extra_items, fee_item
from costlab.simulate.estate import HOURS_PER_DAY
from costlab.simulate.facts import summed
from costlab.simulate.usage import MachineHours, daily_quantities

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from costlab.simulate.azure.commitments import Commitment, Cover
    from costlab.simulate.azure.company import Company

    Ints = NDArray[np.int64]

_SPOT = 15  # random stream
LATE = ("quillmodels", "func-ingest")
"""Resources whose usage of some days is reported late."""
FINAL = 2
"""The last stage of a charge: restated after the month was closed."""


@dataclass(frozen=True, slots=True)
class Hours:
    """What happened hour by hour. Budgets are commitments x hours; demand is machines x hours, before commitments."""

    hours: Ints
    committed: Ints
    unused: Ints
    """Budget units, see :mod:`costlab.simulate.azure.commitments`."""
    machines: Ints
    demand: Ints


class Biller:
    """Turns usage into charges, day range by day range, each the same whatever the ranges."""

    def __init__(self, company: Company) -> None:
        self.company = company
        estate = company.estate
        self.fee_item = [estate.sku(fee_item(c)) for c in company.commitments]
        self.extra = {what: estate.sku(item) for what, item in extra_items().items()}
        self.machines = MachineHours(estate)
        self.quantities, self.expected = daily_quantities(estate, company.effects)
        self.list_price = np.array([i.list_price for i in estate.items], dtype=np.int64)
        self.price = np.array([i.price for i in estate.items], dtype=np.int64)
        self.multiple = np.array([i.multiple for i in estate.items], dtype=np.int64)
        self.machine_res = np.array([i.resource for i in estate.instances], dtype=np.int64)
        self.machine_item = np.array([i.sku for i in estate.instances], dtype=np.int64)
        self.machine_acc = np.array([i.account for i in estate.instances], dtype=np.int64)
        self.is_spot = np.array([i.spot for i in estate.instances])
        self.meter_res = np.array([m.resource for m in estate.meters], dtype=np.int64)
        self.meter_item = np.array([m.sku for m in estate.meters], dtype=np.int64)
        self.meter_acc = np.array([m.account for m in estate.meters], dtype=np.int64)
        self.is_late = np.array([estate.resources[m.resource].name in LATE for m in estate.meters])
        numbers = [(estate.start + timedelta(days=d)).day for d in range(estate.days)]
        self.is_late_day = np.isin(numbers, (9, 10))

    def month(self, hour: int) -> Month:
        """Return the month an hour lies in."""
        return Month.of(self.company.estate.start + timedelta(days=hour // HOURS_PER_DAY))

    def fx(self, hour: int) -> int:
        """Return the exchange rate of the invoice that holds an hour; an Enterprise Agreement's prices need none."""
        return self.rate(self.month(hour))

    def rate(self, month: Month) -> int:
        """Return the exchange rate of a month's invoice."""
        ea = self.company.agreement == "ea"
        return prices.FX if ea else prices.exchange_rate(month, self.company.currency)

    def fx_of(self, commitment: Commitment, hour: int) -> int:
        """Return the rate at which an hour of a commitment was paid: when bought, or month by month."""
        return self.fx(commitment.start if commitment.upfront else hour)

    def days(self, first: int, last: int) -> tuple[Facts, Hours]:
        """Return the charges of the days ``[first, last)`` of one month, and what happened in their hours."""
        facts = Facts()
        rows, need = self.machines.between(first, last)
        need *= self.multiple[self.machine_item[rows]][:, None]
        hours = np.arange(first * HOURS_PER_DAY, last * HOURS_PER_DAY, dtype=np.int64)
        self._licences(facts, rows, need, first)
        spot = self.is_spot[rows]
        self._spot(facts, rows[spot], need[spot], first)
        rows, need = rows[~spot], need[~spot]
        demand = need.copy()
        commitments = self.company.commitments
        items = self.company.estate.items
        order = steps([(int(self.machine_acc[r]), items[int(self.machine_item[r])]) for r in rows], commitments)
        found, left = apply(need, hours, commitments, order)
        self._usage(facts, rows, need, first, Kind.USAGE)
        for cover in found:
            self._covered(facts, rows, cover, first)
        committed = np.array([c.budget * c.active(hours) for c in commitments], dtype=np.int64)
        self._unused(facts, left, first)
        self._meters(facts, first, last)
        return facts, Hours(hours, committed, left, rows, demand)

    def _daily(self, rows: Ints, values: Ints, first: int) -> tuple[Ints, Ints, Ints, Ints, Ints]:
        """Return (resource, item, subscription, day, sum) of machines' hourly values; scale sets are one resource."""
        days = values.reshape(len(rows), -1, HOURS_PER_DAY).sum(axis=2)
        row, day = np.nonzero(days)
        machine = rows[row]
        keys, sums = summed(
            (self.machine_res[machine], self.machine_item[machine], self.machine_acc[machine], day + first),
            days[row, day],
        )
        return keys[0], keys[1], keys[2], keys[3], sums[0]

    def _usage(self, facts: Facts, rows: Ints, need: Ints, first: int, kind: Kind, spot: Ints | None = None) -> None:
        res, item, acc, day, quantity = self._daily(rows, need, first)
        price = self.price[item] if spot is None else self.list_price[item] * spot[day] // 100
        self._charged(facts, kind, quantity, price, self.list_price[item], first, item=item, res=res, acc=acc, day=day)

    def _charged(
        self, facts: Facts, kind: Kind, quantity: Ints, price: Ints, list_price: Ints, first: int, **where: Ints
    ) -> None:
        """Add usage that costs what it is priced at."""
        fx = self.fx(first * HOURS_PER_DAY)
        usd = quantity * price
        facts.add(
            kind, len(quantity), q=quantity, price=price, list_price=list_price, fx=fx, usd=usd, usd_cash=usd,
            effective=usd * fx, billed=usd * fx, contracted=usd * fx, listed=quantity * list_price * fx, **where,
        )  # fmt: skip

    def _spot(self, facts: Facts, rows: Ints, need: Ints, first: int) -> None:
        """Add Spot usage: its price moves from day to day between 22 and 40 percent of on demand."""
        walk = np.random.default_rng([self.company.estate.seed, _SPOT]).integers(22, 41, self.company.estate.days)
        self._usage(facts, rows, need, first, Kind.SPOT, walk)

    def _licences(self, facts: Facts, rows: Ints, need: Ints, first: int) -> None:
        """Add the licence of each Windows machine, whatever covers the machine."""
        licensed = np.array([int(r) in self.company.windows for r in rows], dtype=bool)
        res, _, acc, day, quantity = self._daily(rows[licensed], need[licensed], first)
        by_resource = {int(self.machine_res[m]): i for m, i in self.company.windows.items()}
        item = np.array([by_resource[int(r)] for r in res], dtype=np.int64)
        self._charged(facts, Kind.USAGE, quantity, self.price[item], self.list_price[item], first, item=item, res=res,
                      acc=acc, day=day)  # fmt: skip

    def _covered(self, facts: Facts, rows: Ints, cover: Cover, first: int) -> None:
        commitment = self.company.commitments[cover.commitment]
        machines = rows[cover.rows]
        res, item, acc, day, quantity = self._daily(machines, cover.quantity, first)
        _, _, _, _, usd = self._daily(machines, cover.amount, first)
        fx = self.fx_of(commitment, first * HOURS_PER_DAY)
        price, list_price = self.price[item], self.list_price[item]
        facts.add(
            Kind.PLANNED if commitment.is_plan else Kind.RESERVED, len(res), item=item, res=res, acc=acc, day=day,
            com=cover.commitment, q=quantity, price=price, list_price=list_price, fx=fx, usd=usd, effective=usd * fx,
            contracted=quantity * price * fx, listed=quantity * list_price * fx,
        )  # fmt: skip

    def _unused(self, facts: Facts, left: Ints, first: int) -> None:
        """Add a charge per commitment and day for what nothing used."""
        for index, commitment in enumerate(self.company.commitments):
            days = left[index].reshape(-1, HOURS_PER_DAY).sum(axis=1)
            day = np.flatnonzero(days)
            usd = commitment.amount(days[day])
            fx = self.fx_of(commitment, first * HOURS_PER_DAY)
            size = 1 if commitment.item is None else commitment.item.ratio
            quantity = np.full(len(day), prices.QUANTITY) if commitment.is_plan else days[day] // size
            facts.add(
                Kind.UNUSED_PLAN if commitment.is_plan else Kind.UNUSED_RESERVATION, len(day), acc=commitment.owner,
                item=self.fee_item[index], com=index, day=day + first, q=quantity, fx=fx, usd=usd, effective=usd * fx,
            )  # fmt: skip

    def _meters(self, facts: Facts, first: int, last: int) -> None:
        row, day = np.nonzero(self.quantities[:, first:last])
        item = self.meter_item[row]
        day = day + first
        self._charged(
            facts, Kind.USAGE, self.quantities[row, day], self.price[item], self.list_price[item], first, item=item,
            res=self.meter_res[row], acc=self.meter_acc[row], day=day,
            stage=(self.is_late[row] & self.is_late_day[day]) * np.int64(FINAL),
        )  # fmt: skip
