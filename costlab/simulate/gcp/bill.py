"""Everything on an invoice month: machines, daily meters, and, of their own modules, fees and what closes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from costlab.simulate import prices as units
from costlab.simulate.estate import HOURS_PER_DAY
from costlab.simulate.gcp import items, prices
from costlab.simulate.gcp.calendar import Calendar
from costlab.simulate.gcp.closing import close_month
from costlab.simulate.gcp.company import PROJECTS
from costlab.simulate.gcp.fees import add_fees
from costlab.simulate.gcp.machines import HOUR, Machines, Spent
from costlab.simulate.gcp.rows import CREDITS, Kind, Rows
from costlab.simulate.gcp.services import DUPLICATED, FREE
from costlab.simulate.usage import BLOCK, daily_quantities

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from costlab.period import Month
    from costlab.simulate.gcp.company import Company

    Ints = NDArray[np.int64]

SANDBOX: Final = next(i for i, p in enumerate(PROJECTS) if p.id == "quill-sandbox")
PROMOTED: Final = next(i for i, p in enumerate(PROJECTS) if p.id == "quill-ml-prod")


class Biller:
    """Turns the company's usage into lines, month by month."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.calendar = Calendar(company.estate.start, company.estate.end)
        estate = company.estate
        self.machines = Machines(company, self.calendar)
        self.quantities, self.expected = daily_quantities(estate, company.effects)
        self.fees = [
            tuple(
                estate.sku(sku)
                for sku in (
                    (items.flexible_fee(c.years, multiprice=False), items.flexible_fee(c.years, multiprice=True))
                    if c.is_flexible
                    else items.resource_fee(c.series, c.region, c.years)
                )
            )
            for c in company.commitments
        ]
        """Per commitment: of flexible ones the item of the older and the newer model, else that of vCPU and memory."""
        self.support = estate.sku(items.single("Support", "Enhanced Support: percent of this month's usage"))
        self.tax = estate.sku(items.single("Invoice", "Tax"))
        self.rounding = estate.sku(items.single("Invoice", "Rounding error"))

    def month(self, month: Month) -> Iterator[tuple[Rows, Spent | None]]:
        """Yield all lines of an invoice month; the last block with what the commitments did in its hours."""
        net: dict[str, int] = {}
        number = self.calendar.months.index(month)
        spent = self.machines.unspent(month)
        for rows in self.machines.month(month, spent):
            self._promote(rows, number)
            _tally(net, self, rows)
            yield rows, None
        rest = Rows()
        self._meters(rest, month, number)
        add_fees(rest, self, month, spent)
        _tally(net, self, rest)
        if self.calendar.is_closed(month):
            close_month(rest, self, month, number, sum(net.values()))
        yield rest, spent

    def _promote(self, rows: Rows, number: int) -> None:
        """In its first month the sandbox is paid by a trial credit."""
        for count, block in rows.blocks:
            project = np.asarray(block["acc"])
            if number == 0 and (project == SANDBOX).any():
                block["promotion"] = np.where(project == SANDBOX, -_net(block, count), 0)

    def _meters(self, out: Rows, month: Month, number: int) -> None:
        estate = self.company.estate
        parts = list(self.calendar.day_parts(month))
        day = np.array([p[0] for p in parts], dtype=np.int64)
        first = np.array([p[1] for p in parts], dtype=np.int64)
        last = np.array([p[2] for p in parts], dtype=np.int64)
        for index, meter in enumerate(estate.meters):
            inside = day < estate.days
            unit = BLOCK if meter.whole else 1
            of_day = self.quantities[index, np.minimum(day, estate.days - 1)] * inside // unit
            # a day that two invoice months share is cut at the same hour by both
            ends = of_day * (last - day * HOURS_PER_DAY) // HOURS_PER_DAY
            starts = of_day * (first - day * HOURS_PER_DAY) // HOURS_PER_DAY
            self._metered(out, index, (ends - starts) * unit, first, last, number)

    def _metered(self, out: Rows, index: int, quantity: Ints, first: Ints, last: Ints, number: int) -> None:
        estate = self.company.estate
        meter = estate.meters[index]
        sku, owner = estate.skus[meter.sku], estate.resources[meter.resource]
        some = np.flatnonzero(quantity)
        quantity, first, last = quantity[some], first[some], last[some]
        if owner.name == DUPLICATED:  # two equal lines instead of one
            quantity = np.repeat(quantity // 2, 2)
            first, last = np.repeat(first, 2), np.repeat(last, 2)
        price = sku.list_rate * (100 - prices.CONTRACT.get(sku.product_family, 0)) // 100
        cost = quantity * price // 100
        late = (index % 13 == 4) & (last // HOURS_PER_DAY % 9 == 2)
        delay = 4 * HOUR + (index * 41 + last * 7) % (20 * HOUR) + late * (6 * HOURS_PER_DAY * HOUR)
        out.add(
            len(quantity), kind=Kind.USAGE, sku=meter.sku, res=meter.resource,
            acc=meter.account, h0=first, h1=last, exported=last * HOUR + delay, q=quantity, price=price,
            default_price=price, cost=cost, at_default=cost, at_list=quantity * sku.list_rate // 100,
            discount=-(cost * prices.SPEND_DISCOUNT.get(sku.service, 0) // 100),
            free=-_free(sku.product_family, quantity, price),
            promotion=-(cost // 2) if meter.account == PROMOTED and sku.service == "BigQuery" and number < 2 else 0,
        )  # fmt: skip


def _free(family: str, quantity: Ints, price: int) -> Ints | int:
    """Return what the free tier pays of each line of a month, until it is used up."""
    if family not in FREE:
        return 0
    allowed = FREE[family] * units.QUANTITY
    before = np.cumsum(quantity) - quantity
    given: Ints = np.clip(allowed - before, 0, quantity) * price // 100
    return given


def _net(block: dict[str, object], count: int) -> Ints:
    """Return what lines cost after their credits."""
    total = np.zeros(count, dtype=np.int64)
    for name in ("cost", *CREDITS):
        total = total + np.asarray(block.get(name, 0), dtype=np.int64)
    return total


def _tally(net: dict[str, int], biller: Biller, rows: Rows) -> None:
    """Add up what lines cost after credits, by service."""
    sku = rows.column("sku")
    amounts = sum((rows.column(name) for name in CREDITS), rows.column("cost"))
    for index in np.unique(sku):
        service = biller.company.estate.skus[index].service
        net[service] = net.get(service, 0) + int(amounts[sku == index].sum())
