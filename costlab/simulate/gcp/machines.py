"""Lines of machines: every hour of their vCPUs and memory, with commitments and sustained use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from costlab.simulate.estate import HOURS_PER_DAY
from costlab.simulate.gcp import items, prices
from costlab.simulate.gcp.commitments import TENTH, Budget, cover, take
from costlab.simulate.gcp.rows import Kind, Model, Rows
from costlab.simulate.usage import MachineHours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from costlab.period import Month
    from costlab.simulate.gcp.calendar import Calendar
    from costlab.simulate.gcp.commitments import Cud
    from costlab.simulate.gcp.company import Company

    Ints = NDArray[np.int64]

BLOCK: Final = 192
"""Machines whose lines are made at a time."""
HOUR: Final = 60
"""Minutes."""
CORE, MEMORY = 0, 1


@dataclass(slots=True)
class Spent:
    """What commitments did in the hours of a month: commitments x (vCPU, GiB) x hours.

    ``quantity`` counts 1e-4 units, ``listed`` is money at list price. ``by_item`` has, per commitment, project and
    item of usage, the money at list price in each hour: what fees are attributed by.
    """

    first: int
    quantity: Ints
    listed: Ints
    by_item: dict[tuple[int, int, int], Ints]


class Machines:
    """All machines, month by month; commitments pass from block to block."""

    def __init__(self, company: Company, calendar: Calendar) -> None:
        self.company, self.calendar = company, calendar
        estate = company.estate
        self.running = MachineHours(estate)
        owners = [estate.resources[i.resource] for i in estate.instances]
        shapes = [prices.SHAPES[r.shape] for r in owners]
        pairs = [
            items.machine(shape[0], owner.region, spot=machine.spot)
            for shape, owner, machine in zip(shapes, owners, estate.instances, strict=True)
        ]
        self.sku = np.array([[estate.sku(s) for s in pair] for pair in pairs], dtype=np.int64).reshape(-1, 2)
        self.rate = np.array([[s.list_rate for s in pair] for pair in pairs], dtype=np.int64).reshape(-1, 2)
        self.units = np.array([s[1:] for s in shapes], dtype=np.int64).reshape(-1, 2)
        self.resource = np.array([i.resource for i in estate.instances], dtype=np.int64)
        self.project = np.array([i.account for i in estate.instances], dtype=np.int64)
        self.spot = np.array([i.spot for i in estate.instances])
        self.pool = [(s[0], r.region) for s, r in zip(shapes, owners, strict=True)]
        self.sustained = np.array([prices.SUSTAINED.get(s[0], (0, 0, 0, 0)) for s in shapes], dtype=np.int64)

    def need(self, first: int, last: int) -> tuple[Ints, Ints]:
        """Return (machines that run, their running time in tenths of the hours ``[first, last)``, as 1e-4 hours)."""
        day = first // HOURS_PER_DAY
        rows, need = self.running.between(day, -(-last // HOURS_PER_DAY))
        need = need[:, first - day * HOURS_PER_DAY : last - day * HOURS_PER_DAY] // TENTH * TENTH
        some = np.flatnonzero(need.any(axis=1))
        return rows[some], need[some]

    def unspent(self, month: Month) -> Spent:
        """Return an account of a month's commitments with nothing used yet."""
        first, last = self.calendar.bounds(month)
        empty = np.zeros((len(self.company.commitments), 2, min(last, self.calendar.hours) - first), dtype=np.int64)
        return Spent(first, empty, empty.copy(), {})

    def month(self, month: Month, spent: Spent) -> Iterator[Rows]:
        """Yield the lines of a month, a block of machines at a time; what commitments do is added to ``spent``."""
        first, last = self.calendar.bounds(month)
        whole = last - first
        last = min(last, self.calendar.hours)
        budget = Budget.of(self.company.commitments, np.arange(first, last, dtype=np.int64))
        machines, need = self.need(first, last)
        for at in range(0, max(len(machines), 1), BLOCK):
            part = machines[at : at + BLOCK]
            yield self._block(part, need[at : at + BLOCK], budget, spent, whole)

    def _block(self, rows: Ints, need: Ints, budget: Budget, spent: Spent, month_hours: int) -> Rows:
        used = need[:, None, :] * self.units[rows][:, :, None]  # machines x (vCPU, GiB) x hours
        left = np.where(self.spot[rows][:, None, None], 0, used)
        resource = self._resource(rows, left, budget, spent)
        left = left - resource
        flexible = self._flexible(rows, left, budget, spent)
        for quantity in flexible.values():
            left = left - quantity
        out = Rows()
        for component in (CORE, MEMORY):
            parts = {com: quantity[:, component] for com, quantity in flexible.items()}
            discount = self._sustained(rows, left[:, component], component, month_hours)
            self._lines(out, rows, budget.hours, component, used[:, component], resource[:, component], parts, discount)
        return out

    def _resource(self, rows: Ints, wanted: Ints, budget: Budget, spent: Spent) -> Ints:
        taken = np.zeros_like(wanted)
        pools = [self.pool[r] for r in rows]
        for number, owned in enumerate(self.company.commitments):
            if owned.is_flexible:
                continue
            at = np.array([i for i, pool in enumerate(pools) if pool == (owned.series, owned.region)], dtype=np.int64)
            for component in (CORE, MEMORY):
                got = take(wanted[at, component] - taken[at, component], budget.left[number][component])
                taken[at, component] += got
                budget.left[number][component][:] -= got.sum(axis=0)
                spent.quantity[number, component] += got.sum(axis=0)
                spent.listed[number, component] += (got * self.rate[rows[at], component][:, None] // 100).sum(axis=0)
        return taken

    def _flexible(self, rows: Ints, wanted: Ints, budget: Budget, spent: Spent) -> dict[int, Ints]:
        """Return what flexible commitments pay, the ones with the higher discount first."""
        taken: dict[int, Ints] = {}
        left = wanted.copy()
        flexible = [n for n, c in enumerate(self.company.commitments) if c.is_flexible]
        count, hours = len(rows), wanted.shape[2]
        rates = self.rate[rows].reshape(-1)
        for number in sorted(flexible, key=lambda n: self.company.commitments[n].keep):
            flat = left.reshape(count * 2, hours)
            money = budget.left[number][0]
            got = cover(flat, rates, money)
            money[:] = np.maximum(money - (flat * rates[:, None] // 100).sum(axis=0), 0)
            taken[number] = got.reshape(count, 2, hours)
            left = left - taken[number]
            self._note(number, rows, taken[number], spent)
        return taken

    def _note(self, number: int, rows: Ints, got: Ints, spent: Spent) -> None:
        for component in (CORE, MEMORY):
            listed = got[:, component] * self.rate[rows, component][:, None] // 100
            spent.quantity[number, component] += got[:, component].sum(axis=0)
            spent.listed[number, component] += listed.sum(axis=0)
            keys = list(zip(self.project[rows].tolist(), self.sku[rows, component].tolist(), strict=True))
            for key in sorted(set(keys)):
                amount = listed[[i for i, k in enumerate(keys) if k == key]].sum(axis=0)
                if amount.any():
                    total = spent.by_item.setdefault((number, *key), np.zeros(listed.shape[1], dtype=np.int64))
                    total += amount

    def _sustained(self, rows: Ints, left: Ints, component: int, month_hours: int) -> Ints:
        """Return the credit of each hour as money: the more of the month's hours a machine ran, the higher."""
        before = np.cumsum(left, axis=1) - left
        full = self.units[rows, component][:, None] * (month_hours * TENTH * 10)
        quarter = np.minimum(4 * before // full, 3)
        percent = np.take_along_axis(self.sustained[rows], quarter, axis=1)
        credit: Ints = left * self.rate[rows, component][:, None] // 100 * percent // 100
        return credit

    def _lines(
        self, out: Rows, rows: Ints, hours: Ints, component: int, used: Ints, resource: Ints,
        flexible: dict[int, Ints], discount: Ints,
    ) -> None:  # fmt: skip
        new = hours >= self.calendar.switch
        as_price = {number: quantity * new for number, quantity in flexible.items()}
        as_credit = sum(quantity * ~new for quantity in flexible.values()) + np.zeros_like(used)
        own = used - sum(as_price.values())
        machine, hour = np.nonzero(own)
        row = rows[machine]
        rate = self.rate[row, component]
        quantity = own[machine, hour]
        cost = quantity * rate // 100
        out.add(
            len(row), **self._where(row, hours[hour], component), q=quantity, price=rate, default_price=rate, cost=cost,
            at_default=cost, at_list=cost, cud=-(resource[machine, hour] * rate // 100),
            flex=-(as_credit[machine, hour] * rate // 100), sud=-discount[machine, hour],
        )  # fmt: skip
        for number, amount in as_price.items():
            self._at_price(out, rows, hours, component, number, amount)

    def _at_price(self, out: Rows, rows: Ints, hours: Ints, component: int, number: int, covered: Ints) -> None:
        owned: Cud = self.company.commitments[number]
        machine, hour = np.nonzero(covered)
        row = rows[machine]
        rate = self.rate[row, component]
        price = rate * owned.keep // 100
        quantity = covered[machine, hour]
        full = quantity * rate // 100
        out.add(
            len(row), **self._where(row, hours[hour], component), q=quantity, price=price, default_price=rate,
            cost=quantity * price // 100, at_default=full, at_list=full, com=number,
            model=Model.FLEXIBLE_3Y if owned.years == 3 else Model.FLEXIBLE_1Y,
        )  # fmt: skip

    def _where(self, row: Ints, hour: Ints, component: int) -> dict[str, Ints | int]:
        late = (row % 17 == 3) & (hour // HOURS_PER_DAY % 11 == 5)
        delay = 3 * HOUR + (row * 37 + hour // 4 * 53) % (18 * HOUR) + late * (5 * HOURS_PER_DAY * HOUR)
        return {
            "kind": Kind.USAGE, "sku": self.sku[row, component], "res": self.resource[row], "acc": self.project[row],
            "h0": hour, "h1": hour + 1, "exported": (hour + 1) * HOUR + delay,
        }  # fmt: skip
