"""One simulation run: month by month, chunk by chunk, from usage to renderings and ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from costlab.period import Month, midnight
from costlab.simulate.charges import FINAL, Biller
from costlab.simulate.ledger import Ledger
from costlab.simulate.months import Tally, month_charges
from costlab.simulate.rendering import Period
from costlab.simulate.store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from costlab.simulate.company import Company
    from costlab.simulate.facts import Facts
    from costlab.simulate.rendering import Rendering

ROWS_PER_CHUNK = 400_000


@dataclass(frozen=True, slots=True)
class Delivery:
    """A billing period as the vendor delivers it at some point: to date, closed, or restated afterwards."""

    month: Month
    name: str
    delivered_at: datetime
    through: date
    """First day whose usage is not yet in it."""
    stage: int
    """Line items of later stages are not yet in it."""

    @property
    def is_closed(self) -> bool:
        """Whether invoices are issued."""
        return self.stage > 0

    @property
    def execution(self) -> str:
        """The vendor's id of the delivery: its time and a random-looking tail."""
        tail = sha256(f"{self.month}/{self.name}".encode()).hexdigest()
        return f"{self.delivered_at:%Y-%m-%dT%H:%M:%S.000Z}-{tail[:8]}-{tail[8:12]}-{tail[12:16]}"


def final_delivery(month: Month, end: date) -> Delivery:
    """Return the delivery of a month as it stands at ``end``: restated if it is over, else to date."""
    closed = month.plus(1).first_day <= end
    at = month.end + timedelta(days=12, hours=4) if closed else midnight(end) + timedelta(hours=6)
    name, stage = ("final", FINAL) if closed else ("to-date", 0)
    return Delivery(month, name, at, min(month.plus(1).first_day, end), stage)


def history(month: Month) -> list[Delivery]:
    """Return the deliveries of a closed month: on its 20th, when closed, and restated twelve days after."""
    end = month.plus(1).first_day
    twentieth = month.first_day + timedelta(days=19)
    return [
        Delivery(month, "to-date", midnight(twentieth) + timedelta(hours=6), twentieth, 0),
        Delivery(month, "closed", month.end + timedelta(days=3, hours=5), end, 1),
        Delivery(month, "restated", month.end + timedelta(days=12, hours=4), end, FINAL),
    ]


def months_between(start: date, end: date) -> list[Month]:
    """Return the months of ``[start, end)``; ``start`` is the first of a month."""
    months = [Month.of(start)]
    while months[-1].plus(1).first_day < end:
        months.append(months[-1].plus(1))
    return months


def chunks(company: Company, first: int, last: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of the days ``[first, last)`` of about :data:`ROWS_PER_CHUNK` line items, three where it can."""
    estate = company.estate
    per_day = 30 * len(estate.instances) * 7 // max(estate.days, 7) + 30 * estate.standing + 2 * len(estate.meters)
    step = max(1, min(ROWS_PER_CHUNK // max(per_day, 1), -(-(last - first) // 3)))
    for day in range(first, last, step):
        yield day, min(day + step, last)


class Run:
    """Bills a company: the session, the ledger, and deliveries of any period at any stage."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.biller = Biller(company)
        self.con = open_store(self.biller)
        self.ledger = Ledger(self.con)

    def deliver(self, delivery: Delivery, renderings: Sequence[Rendering], ledger: Ledger) -> Period:
        """Make the line items of one delivery; renderings and ledger take them as they come."""
        origin = self.company.estate.start
        period = self._period(delivery)
        tally = Tally(delivery.stage)
        number = (delivery.month.year - origin.year) * 12 + delivery.month.month - origin.month
        line, part = 0, 0
        first, last = (delivery.month.first_day - origin).days, (delivery.through - origin).days
        for day, next_day in chunks(self.company, first, last):
            facts, hours = self.biller.days(day, next_day)
            tally.add_hours(hours)
            tally.add_charges(facts, self.biller)
            ledger.add_hours(self.biller, hours)
            part += 1
            self._take(facts, line, delivery, period, part, renderings, ledger)
            line += len(facts)
        fees = month_charges(self.biller, delivery.month, number, tally)
        self._take(fees, line, delivery, period, part + 1, renderings, ledger)
        for rendering in renderings:
            rendering.finish(period)
        return period

    def _period(self, delivery: Delivery) -> Period:
        payer, month = self.company.estate.accounts[0], delivery.month
        number = 1_730_000_000 + self.company.estate.seed % 1000 * 10_000 + (month.year * 12 + month.month) % 5000
        invoice, marketplace = (str(number), f"{number}7") if delivery.is_closed else ("", "")
        return Period(month, payer.id, payer.name, invoice, marketplace, delivery.execution)

    def _take(
        self,
        facts: Facts,
        first_line: int,
        delivery: Delivery,
        period: Period,
        part: int,
        renderings: Sequence[Rendering],
        ledger: Ledger,
    ) -> None:
        table = facts.table(first_line, stage=delivery.stage)
        self.con.register("facts", table)
        ledger.add(period)
        for rendering in renderings:
            rendering.write(self.con, period, part)
        self.con.unregister("facts")
