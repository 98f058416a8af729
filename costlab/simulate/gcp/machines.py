"""Lines of machines: every hour of their vCPUs and memory, with commitments and sustained use.

Resource-based commitments cover machines in the order of the estate (prioritised attribution), flexible ones and
sustained use go by project and item (:mod:`costlab.simulate.gcp.discounts`) and within these by that order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from costlab.simulate import prices as units
from costlab.simulate.estate import HOURS_PER_DAY
from costlab.simulate.gcp import items, prices
from costlab.simulate.gcp.commitments import TENTH
from costlab.simulate.gcp.discounts import spend, split, sustained, take
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
        self.shares = Shares.of(self)

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
        hours = np.arange(first, min(last, self.calendar.hours), dtype=np.int64)
        rows, need = self.need(first, first + len(hours))
        used = need[:, None, :] * self.units[rows][:, :, None]  # machines x (vCPU, GiB) x hours
        wanted = np.where(self.spot[rows][:, None, None], 0, used)
        resource = self._resource(rows, wanted, hours, spent)
        listed = (wanted - resource) * self.rate[rows][:, :, None] // 100
        flexible = self._flexible(rows, listed, hours, spent)
        rest = listed - sum(flexible.values())
        off = self._sustained(rows, rest, last - first)
        for at in range(0, max(len(rows), 1), BLOCK):
            part = slice(at, at + BLOCK)
            out = Rows()
            for component in (CORE, MEMORY):
                paid = {number: money[part, component] for number, money in flexible.items()}
                lines = _Lines(rows[part], hours, component, used[part, component], resource[part, component])
                self._lines(out, lines, paid, off[part, component])
            yield out

    def _resource(self, rows: Ints, wanted: Ints, hours: Ints, spent: Spent) -> Ints:
        taken = np.zeros_like(wanted)
        for number, owned in enumerate(self.company.commitments):
            if owned.is_flexible:
                continue
            place, projects = (owned.series, owned.region), self.project[rows].tolist()
            at = [i for i, row in enumerate(rows) if self.pool[row] == place and owned.covers_project(projects[i])]
            for component, count in ((CORE, owned.cores), (MEMORY, owned.memory)):
                budget = owned.active(hours) * count * units.QUANTITY
                got = take(wanted[at, component] - taken[at, component], budget)
                taken[at, component] += got
                spent.quantity[number, component] += got.sum(axis=0)
                spent.listed[number, component] += (got * self.rate[rows[at], component][:, None] // 100).sum(axis=0)
        return taken

    def _flexible(self, rows: Ints, listed: Ints, hours: Ints, spent: Spent) -> dict[int, Ints]:
        """Return what flexible commitments pay at list price, the ones with the higher discount first."""
        members = self.shares.members(rows)
        left = listed.reshape(len(rows) * 2, len(hours)).copy()
        wanted = np.array([left[at].sum(axis=0) for at in members]).reshape(len(members), len(hours))
        taken: dict[int, Ints] = {}
        flexible = [number for number, owned in enumerate(self.company.commitments) if owned.is_flexible]
        for number in sorted(flexible, key=lambda n: self.company.commitments[n].keep):
            owned = self.company.commitments[number]
            paid = spend(wanted, self.shares.items, owned.active(hours) * units.money(units.QUANTITY, owned.covers))
            wanted -= paid
            got = np.zeros_like(left)
            for at, amount in zip(members, paid, strict=True):
                got[at] = take(left[at], amount)
            left -= got
            taken[number] = got.reshape(listed.shape)
            self._note(number, paid, spent)
        return taken

    def _note(self, number: int, paid: Ints, spent: Spent) -> None:
        for share, money in zip(self.shares.all, paid, strict=True):
            if money.any():
                spent.quantity[number, share.component] += _quantity(money, share.rate)
                spent.listed[number, share.component] += money
                spent.by_item[number, share.project, share.sku] = money

    def _sustained(self, rows: Ints, rest: Ints, month_hours: int) -> Ints:
        """Return the sustained use discount of each machine, component and hour as money."""
        flat = rest.reshape(len(rows) * 2, rest.shape[2])
        off = np.zeros_like(flat)
        for share, at in zip(self.shares.all, self.shares.members(rows), strict=True):
            if share.series in prices.SUSTAINED and len(at):
                whole = sustained(flat[at].sum(axis=0), prices.SUSTAINED[share.series], month_hours)
                off[at] = split(whole, flat[at])
        return off.reshape(rest.shape)

    def _lines(self, out: Rows, lines: _Lines, paid: dict[int, Ints], off: Ints) -> None:
        """Add a line per machine and hour, and of the newer model one for each commitment that pays a part of it.

        Where a commitment pays a part only, its quantity is what it pays at list price, to 1e-4 units.
        """
        rate = self.rate[lines.rows, lines.component][:, None]
        new = lines.hours >= self.calendar.switch
        own, cost = lines.used.copy(), lines.used * rate // 100
        before = np.zeros_like(own)
        for number, money in paid.items():
            at_price = money * new
            after = before + at_price
            covered = _quantity(after, rate) - _quantity(before, rate)
            self._at_price(out, lines, number, covered, at_price)
            own, cost, before = own - covered, cost - at_price, after
        credited = sum((money * ~new for money in paid.values()), np.zeros_like(cost))
        machine, hour = np.nonzero(own | cost)
        row = lines.rows[machine]
        price, amount = self.rate[row, lines.component], cost[machine, hour]
        out.add(
            len(row), **self._where(row, lines.hours[hour], lines.component), q=own[machine, hour], price=price,
            default_price=price, cost=amount, at_default=amount, at_list=amount,
            cud=-(lines.resource[machine, hour] * price // 100), flex=-credited[machine, hour], sud=-off[machine, hour],
        )  # fmt: skip

    def _at_price(self, out: Rows, lines: _Lines, number: int, covered: Ints, money: Ints) -> None:
        owned: Cud = self.company.commitments[number]
        machine, hour = np.nonzero(money)
        row = lines.rows[machine]
        rate, full = self.rate[row, lines.component], money[machine, hour]
        out.add(
            len(row), **self._where(row, lines.hours[hour], lines.component), q=covered[machine, hour],
            price=rate * owned.keep // 100, default_price=rate, cost=full * owned.keep // 100, at_default=full,
            at_list=full, com=number, model=Model.FLEXIBLE_3Y if owned.years == 3 else Model.FLEXIBLE_1Y,
        )  # fmt: skip

    def _where(self, row: Ints, hour: Ints, component: int) -> dict[str, Ints | int]:
        late = (row % 17 == 3) & (hour // HOURS_PER_DAY % 11 == 5)
        delay = 3 * HOUR + (row * 37 + hour // 4 * 53) % (18 * HOUR) + late * (5 * HOURS_PER_DAY * HOUR)
        return {
            "kind": Kind.USAGE, "sku": self.sku[row, component], "res": self.resource[row], "acc": self.project[row],
            "h0": hour, "h1": hour + 1, "exported": (hour + 1) * HOUR + delay,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Lines:
    """One component of some machines over a month: machines x hours."""

    rows: Ints
    hours: Ints
    component: int
    used: Ints
    resource: Ints
    """What resource-based commitments cover of it."""


def _quantity(money: Ints, rate: Ints | int) -> Ints:
    """Return the quantity that money pays at a list rate, rounded."""
    return (200 * money // rate + 1) // 2


@dataclass(frozen=True, slots=True)
class Share:
    """What one project uses of one item."""

    project: int
    sku: int
    component: int
    series: str
    rate: int


@dataclass(frozen=True, slots=True)
class Shares:
    """All shares, and the order in which flexible commitments pay items."""

    all: list[Share]
    items: list[list[int]]
    """Places of the shares of each item, the item with the lowest price first."""
    of_machine: Ints
    """Per machine and component the place of its share; -1 of spot machines."""

    @classmethod
    def of(cls, machines: Machines) -> Shares:
        """Return the shares of the machines."""
        places: dict[Share, int] = {}
        names: dict[int, tuple[int, str, str]] = {}
        found = np.full(machines.sku.shape, -1, dtype=np.int64)
        for row in np.flatnonzero(~machines.spot).tolist():
            series, region = machines.pool[row]
            for component, kind in ((CORE, "cpu"), (MEMORY, "ram")):
                sku, rate = int(machines.sku[row, component]), int(machines.rate[row, component])
                share = Share(int(machines.project[row]), sku, component, series, rate)
                found[row, component] = places.setdefault(share, len(places))
                names[sku] = (rate, f"{series}-{kind}", region)
        items = [[p for s, p in places.items() if s.sku == sku] for sku in sorted(names, key=lambda n: names[n])]
        return cls(list(places), items, found)

    def members(self, rows: Ints) -> list[Ints]:
        """Return per share its places among the components of some machines (machine x 2 + component)."""
        flat = self.of_machine[rows].reshape(-1)
        return [np.flatnonzero(flat == place) for place in range(len(self.all))]
