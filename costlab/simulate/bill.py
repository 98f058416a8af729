"""One simulation run: month by month, chunk by chunk, from usage to renderings and ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from costlab.period import Month
from costlab.simulate.charges import Biller
from costlab.simulate.ledger import Ledger
from costlab.simulate.months import Tally, month_charges
from costlab.simulate.store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date

    from costlab.simulate.company import Company
    from costlab.simulate.facts import Facts
    from costlab.warehouse.connection import Connection


@dataclass(frozen=True, slots=True)
class Period:
    """A billing period as it is delivered; without invoice ids while it is open."""

    month: Month
    payer_id: str
    payer_name: str
    invoice: str
    marketplace_invoice: str


class Rendering(Protocol):
    """Writes line items in a vendor's format."""

    def write(self, con: Connection, period: Period, part: int) -> None:
        """Write the line items in the table ``facts`` as one part of the period."""
        ...

    def finish(self, period: Period) -> None:
        """Write what comes after the last part."""
        ...


def months_between(start: date, end: date) -> list[Month]:
    """Return the months of ``[start, end)``; ``start`` is the first of a month."""
    months = [Month.of(start)]
    while months[-1].plus(1).first_day < end:
        months.append(months[-1].plus(1))
    return months


def chunks(company: Company, month: Month, rows_per_chunk: int) -> Iterator[tuple[int, int]]:
    """Yield day ranges of the month that hold about ``rows_per_chunk`` line items, at least three where it can."""
    estate = company.estate
    first = (month.first_day - estate.start).days
    last = min(first + month.days, estate.days)
    per_day = 30 * len(estate.instances) + 2 * len(estate.meters)
    step = max(1, min(rows_per_chunk // max(per_day, 1), -(-(last - first) // 3)))
    for day in range(first, last, step):
        yield day, min(day + step, last)


def run(
    company: Company,
    renderings: Sequence[Rendering],
    *,
    rows_per_chunk: int = 600_000,
    progress: Callable[[str], None] | None = None,
) -> tuple[Biller, Ledger]:
    """Make the whole bill and return what the ledger knows of it; renderings write as it goes."""
    biller = Biller(company)
    con = open_store(biller)
    ledger = Ledger(con)
    for number, month in enumerate(months_between(company.estate.start, company.estate.end)):
        closed = month.plus(1).first_day <= company.estate.end
        period = period_of(company, month, closed=closed)
        tally = Tally()
        line, part = 0, 0
        for first, last in chunks(company, month, rows_per_chunk):
            facts, hours = biller.days(first, last)
            tally.add_hours(hours)
            tally.add_charges(facts, biller)
            ledger.add_hours(biller, hours)
            part += 1
            line = _deliver(con, facts, line, ledger, renderings, period, part)
        fees = month_charges(biller, month, number, tally, closed=closed)
        _deliver(con, fees, line, ledger, renderings, period, part + 1)
        for rendering in renderings:
            rendering.finish(period)
        if progress:
            progress(f"{month} billed")
    return biller, ledger


def period_of(company: Company, month: Month, *, closed: bool) -> Period:
    """Return a billing period; its invoices are issued once it is closed."""
    payer = company.estate.accounts[0]
    number = 1_730_000_000 + company.estate.seed % 1000 * 10_000 + (month.year * 12 + month.month) % 5000
    return Period(month, payer.id, payer.name, str(number) if closed else "", f"{number}7" if closed else "")


def _deliver(
    con: Connection,
    facts: Facts,
    first_line: int,
    ledger: Ledger,
    renderings: Sequence[Rendering],
    period: Period,
    part: int,
) -> int:
    table = facts.table(first_line)
    con.register("facts", table)
    ledger.add(period)
    for rendering in renderings:
        rendering.write(con, period, part)
    con.unregister("facts")
    return first_line + len(facts)
