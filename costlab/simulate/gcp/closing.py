"""What closes an invoice month: support, tax, rounding, and corrections that come days later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from costlab.simulate import prices as units
from costlab.simulate.estate import HOURS_PER_DAY
from costlab.simulate.gcp import prices
from costlab.simulate.gcp.machines import HOUR
from costlab.simulate.gcp.rows import Kind, Rows

if TYPE_CHECKING:
    from costlab.period import Month
    from costlab.simulate.gcp.bill import Biller

CENT: Final = units.MONEY // 100
NOTES: Final = (  # adjustment_info: id, description, mode, type
    ("corr-0001", "Usage of Cloud SQL was counted twice", "PARTIAL_CORRECTION", "USAGE_CORRECTION"),
    ("good-0001", "Goodwill for the outage of the 9th", "MANUAL_ADJUSTMENT", "GOODWILL"),
    ("nega-0001", "Traffic of the 12th, taken back", "COMPLETE_NEGATION_WITH_REMONETIZATION", "USAGE_CORRECTION"),
    ("nega-0001", "Traffic of the 12th, counted again", "COMPLETE_NEGATION_WITH_REMONETIZATION", "USAGE_CORRECTION"),
)
CORRECTED, GOODWILL, NEGATED, AGAIN = range(len(NOTES))


def close_month(out: Rows, biller: Biller, month: Month, number: int, usage: int) -> None:
    """Add support, tax, rounding and corrections to a month whose usage cost ``usage``; some come days later."""
    first, last = biller.calendar.bounds(month)
    end = min(last, biller.calendar.hours)
    day = HOURS_PER_DAY * HOUR
    support = max(usage * prices.SUPPORT_PERCENT // 100 // CENT * CENT, prices.SUPPORT_MINIMUM * units.MONEY)
    tax = (usage + support) * prices.TAX_PERCENT // 100 // CENT * CENT
    closed = last * HOUR
    _single(out, Kind.SUPPORT, support, sku=biller.support, h0=first, h1=end, exported=closed + day)
    _single(out, Kind.TAX, tax, sku=biller.tax, h0=first, h1=end, exported=closed + 2 * day)
    _single(out, Kind.ROUNDING, -(usage % CENT) // 1000 * 1000, sku=biller.rounding, h0=end - 1, h1=end,
            exported=closed + 2 * day)  # fmt: skip
    sql = next(
        m for m in biller.company.estate.meters if biller.company.estate.skus[m.sku].product_family == "sql-core"
    )
    if number % 3 == 1:
        _single(out, Kind.ADJUSTMENT, -1875 * CENT, sku=sql.sku, res=sql.resource, acc=sql.account,
                h0=first + 80, h1=first + 81, note=CORRECTED, exported=closed + 7 * day)  # fmt: skip
    if number % 4 == 2:
        _single(out, Kind.ADJUSTMENT, -25 * units.MONEY, sku=sql.sku, acc=sql.account, h0=first + 200, h1=first + 201,
                note=GOODWILL, exported=closed + 4 * day)  # fmt: skip
    _negate(out, biller, first, closed + 6 * day)


def _negate(out: Rows, biller: Biller, first: int, exported: int) -> None:
    """Take a line of traffic back and count it again, a tenth lower."""
    estate = biller.company.estate
    index, meter = next((i, m) for i, m in enumerate(estate.meters) if estate.skus[m.sku].product_family == "egress")
    day = first // HOURS_PER_DAY + 11
    quantity = int(biller.quantities[index, min(day, estate.days - 1)])
    list_rate = estate.skus[meter.sku].list_rate
    price = list_rate * (100 - prices.CONTRACT["egress"]) // 100
    for sign, amount, note in ((-1, quantity, NEGATED), (1, quantity * 9 // 10, AGAIN)):
        cost, listed = (sign * amount * rate // 100 for rate in (price, list_rate))
        out.add(1, kind=Kind.USAGE, sku=meter.sku, res=meter.resource, acc=meter.account, h0=day * HOURS_PER_DAY,
                h1=day * HOURS_PER_DAY + HOURS_PER_DAY, exported=exported, q=sign * amount, price=price,
                default_price=price, cost=cost, at_default=cost, at_list=listed, note=note)  # fmt: skip


def _single(out: Rows, kind: Kind, amount: int, **columns: int) -> None:
    out.add(1, kind=kind, cost=amount, at_default=amount, at_list=amount, **columns)
