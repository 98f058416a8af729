"""Charges of a whole month: payments of commitments, refunds, the marketplace, support, credits, rounding."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from costlab.period import Month
from costlab.simulate.azure import prices
from costlab.simulate.azure.commitments import TERM_HOURS
from costlab.simulate.azure.facts import Facts, Kind
from costlab.simulate.estate import HOURS_PER_DAY

if TYPE_CHECKING:
    from datetime import date

    from costlab.simulate.azure.charges import Biller
    from costlab.simulate.azure.commitments import Commitment

CENT = prices.MONEY // 100
_HOURS_PER_PAYMENT = 730
"""A monthly payment is a twelfth of a year's 8760 hours, however long the month."""
_SUPPORT = prices.price("100")
_SELLER = prices.price("410")


def rounded(amount: int) -> int:
    """Return an amount rounded half-up to cents."""
    return (2 * amount + CENT) // (2 * CENT) * CENT


def month_charges(biller: Biller, number: int, first: int, last: int) -> Facts:
    """Return the charges of the days ``[first, last)`` that are no usage; ``number`` counts months from 0."""
    facts = Facts()
    for index, owned in enumerate(biller.company.commitments):
        _payments(facts, biller, index, owned, first, last)
    estate = biller.company.estate
    _single(facts, biller, Kind.PURCHASE, "support", _SUPPORT, acc=0, day=first)
    _single(facts, biller, Kind.PURCHASE, "market", _SELLER, acc=estate.account("quill-platform"), day=first + 2,
            invoice=1)  # fmt: skip
    if biller.company.agreement == "mca" and number < 4:
        _single(facts, biller, Kind.CREDIT, "credit", -prices.price("150"), day=last - 1, stage=1)
    if number % 3 == 1:
        _single(facts, biller, Kind.REFUND, "refund", -prices.price("35.2"), acc=estate.account("quill-prod"),
                day=first, stage=2)  # fmt: skip
    return facts


def rounding(biller: Biller, billed: int, day: int) -> Facts:
    """Return the charge that makes the vendor's invoice whole cents; on invoices of a Customer Agreement only."""
    facts = Facts()
    gap = rounded(billed) - billed
    if gap and biller.company.agreement == "mca":
        fx = biller.fx(day * HOURS_PER_DAY)
        usd = gap // fx  # to 1e-8; what is rounded is the invoice's own currency
        facts.add(Kind.ROUNDING, 1, item=biller.extra["rounding"], day=day, stage=1, fx=fx, usd=usd, usd_cash=usd,
                  effective=gap, billed=gap, contracted=gap, listed=gap)  # fmt: skip
    return facts


def payments(owned: Commitment, origin: date) -> list[tuple[int, int]]:
    """Return (day, pricing money of one of it) of every payment: all on its first day, or month by month."""
    start = origin + timedelta(days=owned.start // HOURS_PER_DAY)
    if owned.upfront:
        return [(owned.start // HOURS_PER_DAY, TERM_HOURS[owned.years])]
    months = [Month.of(start).plus(k) for k in range(12 * owned.years)]
    dates = [month.first_day.replace(day=min(start.day, month.days)) for month in months]
    return [((day - origin).days, _HOURS_PER_PAYMENT) for day in dates]


def _payments(facts: Facts, biller: Biller, index: int, owned: Commitment, first: int, last: int) -> None:
    for day, hours in payments(owned, biller.company.estate.start):
        if first <= day < last:
            _payment(facts, biller, index, owned, day, hours)
    if owned.returned is not None and first * HOURS_PER_DAY <= owned.returned < last * HOURS_PER_DAY:
        rest = TERM_HOURS[owned.years] - (owned.returned - owned.start)
        _payment(facts, biller, index, owned, owned.returned // HOURS_PER_DAY, -rest)


def _payment(facts: Facts, biller: Biller, index: int, owned: Commitment, day: int, hours: int) -> None:
    """Add a payment for so many hours of a commitment; a negative one gives money back at the rate it was paid at."""
    count = max(owned.count, 1)
    price = owned.price // count * abs(hours)
    quantity = count * prices.QUANTITY * (1 if hours > 0 else -1)
    fx = biller.fx(owned.start) if hours < 0 else biller.fx(day * HOURS_PER_DAY)
    usd = quantity * price
    kind = Kind.RETURN if hours < 0 else Kind.PLAN if owned.is_plan else Kind.RESERVATION
    facts.add(
        kind, 1, item=biller.fee_item[index], acc=owned.owner, com=index, day=day, q=quantity, price=price, fx=fx,
        usd_cash=usd, billed=usd * fx, contracted=usd * fx, listed=usd * fx,
    )  # fmt: skip


def _single(facts: Facts, biller: Biller, kind: Kind, what: str, price: int, *, day: int, **where: int) -> None:
    """Add one charge whose every cost is the amount itself."""
    fx = biller.fx(day * HOURS_PER_DAY)
    sign = 1 if price > 0 else -1
    usd = prices.QUANTITY * price
    facts.add(
        kind, 1, item=biller.extra[what], day=day, q=sign * prices.QUANTITY, price=abs(price), fx=fx, usd=usd,
        usd_cash=usd, effective=usd * fx, billed=usd * fx, contracted=usd * fx, listed=usd * fx, **where,
    )  # fmt: skip
