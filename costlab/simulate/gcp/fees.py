"""Lines of commitments' fees, and how Google tells what they were paid for.

A resource-based commitment's fee does not tell what it was used for. A flexible one's does: in the older model it is
cut up by project and by the item of usage it covered (``goog-originating-sku-id``), the unused rest without a label;
in the newer one it is charged whole and what was used is given back as ``FEE_UTILIZATION_OFFSET``.
Source: Cloud Billing documentation, "Spend-based CUDs data model updates", read 2026-11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from costlab.simulate import prices as units
from costlab.simulate.gcp import prices
from costlab.simulate.gcp.machines import CORE, HOUR, MEMORY
from costlab.simulate.gcp.rows import Kind, Rows

if TYPE_CHECKING:
    from costlab.period import Month
    from costlab.simulate.gcp.bill import Biller
    from costlab.simulate.gcp.machines import Spent


def add_fees(out: Rows, biller: Biller, month: Month, spent: Spent) -> None:
    """Add the fees of a month, by the day; ``spent`` tells what they were paid for."""
    for number, owned in enumerate(biller.company.commitments):
        for _, first, last in biller.calendar.day_parts(month):
            pieces = [(first, last)]
            if owned.is_flexible and first < biller.calendar.switch < last:
                pieces = [(first, biller.calendar.switch), (biller.calendar.switch, last)]
            for h0, h1 in pieces:
                start, stop = max(h0, owned.start), min(h1, owned.stop)
                if start < stop:
                    _fee(out, biller, number, start, stop, spent)


def _fee(out: Rows, biller: Biller, number: int, h0: int, h1: int, spent: Spent) -> None:
    owned = biller.company.commitments[number]
    at = slice(h0 - spent.first, h1 - spent.first)
    where = {"acc": owned.project, "com": number, "h0": h0, "h1": h1, "exported": (h1 + 9) * HOUR + number}
    if not owned.is_flexible:
        rates = prices.committed_rates(owned.series, owned.region, owned.years)
        for component, amount in ((CORE, owned.cores), (MEMORY, owned.memory)):
            quantity = amount * (h1 - h0) * units.QUANTITY
            _line(out, Kind.RESOURCE_FEE, quantity, rates[component], sku=biller.fees[number][component], **where)
        return
    used = int(spent.listed[number, :, at].sum()) * owned.keep // 100
    whole = owned.hourly * (h1 - h0) * 100
    if h0 >= biller.calendar.switch:
        _fee_line(out, biller, whole, offset=-used, sku=biller.fees[number][1], **where)
        return
    left = whole
    for (commitment, project, sku), listed in sorted(spent.by_item.items()):
        paid = int(listed[at].sum()) * owned.keep // 100
        if commitment == number and paid:
            _fee_line(out, biller, paid, sku=biller.fees[number][0], origin=sku, **{**where, "acc": project})
            left -= paid
    if left:
        _fee_line(out, biller, left, sku=biller.fees[number][0], **where)


def _fee_line(out: Rows, biller: Biller, cost: int, **columns: int) -> None:
    """Add a line of a flexible commitment's fee; its quantity is told where it is exact."""
    price = biller.company.estate.skus[columns["sku"]].list_rate
    out.add(1, kind=Kind.FLEXIBLE_FEE, q=cost * 100 // price, price=price, default_price=price, cost=cost,
            at_default=cost, at_list=cost, **columns)  # fmt: skip


def _line(out: Rows, kind: Kind, quantity: int, price: int, **columns: int) -> None:
    cost = quantity * price // 100
    out.add(
        1, kind=kind, q=quantity, price=price, default_price=price, cost=cost, at_default=cost, at_list=cost, **columns
    )
