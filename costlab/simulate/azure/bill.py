"""One simulation run: month by month, chunk by chunk, from usage to renderings and ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from costlab.period import Month, midnight
from costlab.simulate.azure.charges import FINAL, Biller
from costlab.simulate.azure.layout import Period
from costlab.simulate.azure.ledger import Ledger
from costlab.simulate.azure.months import month_charges, rounding
from costlab.simulate.azure.store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from costlab.simulate.azure.company import Company
    from costlab.simulate.azure.facts import Facts
    from costlab.warehouse.connection import Connection

ROWS_PER_CHUNK = 400_000
ACCOUNTS = {
    "mca": ("5e98e158-xxxx-xxxx-xxxx-simulated:2f6d8a31_2019-05-31", "QFEU-AB12-BG7-PGB"),
    "ea": ("10000001", "10000001"),
}
"""Invented ids of the billing account and profile per kind of agreement."""


class Rendering(Protocol):
    """Writes charges in a vendor's format."""

    def write(self, con: Connection, period: Period) -> None:
        """Write the charges in the relation ``facts`` as one part of the period."""
        ...

    def finish(self, period: Period) -> None:
        """Write what comes after the last part."""
        ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """A billing period as Azure delivers it at some point: to date, closed, or restated afterwards."""

    month: Month
    name: str
    delivered_at: datetime
    through: date
    """First day whose usage is not yet in it."""
    stage: int
    """Charges of later stages are not yet in it."""


def final_delivery(month: Month, end: date) -> Delivery:
    """Return the delivery of a month as it stands at ``end``: restated if it is over, else to date."""
    closed = month.plus(1).first_day <= end
    at = month.end + timedelta(days=8, hours=4, minutes=15) if closed else midnight(end) + timedelta(hours=6, minutes=2)
    name, stage = ("final", FINAL) if closed else ("to-date", 0)
    return Delivery(month, name, at, min(month.plus(1).first_day, end), stage)


def history(month: Month) -> list[Delivery]:
    """Return the deliveries of a closed month: on its 20th, when closed, and restated eight days after its end."""
    end = month.plus(1).first_day
    twentieth = month.first_day + timedelta(days=19)
    return [
        Delivery(month, "to-date", midnight(twentieth) + timedelta(hours=6, minutes=2), twentieth, 0),
        Delivery(month, "closed", month.end + timedelta(days=3, hours=5, minutes=31), end, 1),
        Delivery(month, "restated", month.end + timedelta(days=8, hours=4, minutes=15), end, FINAL),
    ]


def chunks(company: Company, first: int, last: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of the days ``[first, last)`` of about :data:`ROWS_PER_CHUNK` charges, three where it can."""
    estate = company.estate
    per_day = 2 * len(estate.instances) + len(estate.meters)
    step = max(1, min(ROWS_PER_CHUNK // max(per_day, 1), -(-(last - first) // 3)))
    for day in range(first, last, step):
        yield day, min(day + step, last)


class Run:
    """Bills a company: the session, the ledger, and deliveries of any period at any stage."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.biller = Biller(company)
        self.con = open_store(self.biller)
        self.ledger = Ledger(self.con, company.currency)

    def deliver(self, delivery: Delivery, renderings: Sequence[Rendering], ledger: Ledger) -> Period:
        """Make the charges of one delivery; renderings and ledger take them as they come."""
        origin = self.company.estate.start
        period = self._period(delivery)
        first, last = (delivery.month.first_day - origin).days, (delivery.through - origin).days
        line = 0
        for day, next_day in chunks(self.company, first, last):
            facts, hours = self.biller.days(day, next_day)
            ledger.add_hours(self.biller, hours)
            line = self._take(facts, line, delivery, period, renderings, ledger)
        number = (delivery.month.year - origin.year) * 12 + delivery.month.month - origin.month
        fees = month_charges(self.biller, number, first, last)
        line = self._take(fees, line, delivery, period, renderings, ledger)
        if delivery.stage:
            whole = rounding(self.biller, ledger.billed(str(delivery.month)), last - 1)
            self._take(whole, line, delivery, period, renderings, ledger)
        for rendering in renderings:
            rendering.finish(period)
        return period

    def _period(self, delivery: Delivery) -> Period:
        month, seed = delivery.month, self.company.estate.seed % 90 + 10
        account, profile = ACCOUNTS[self.company.agreement]
        has_number = delivery.stage > 0 and self.company.agreement == "mca"
        number = f"G0{seed}{month.year % 100:02d}{month.month:02d}" if has_number else ""
        return Period(month, account, profile, number and number + "1", number and number + "2", delivery.name,
                      delivery.delivered_at, delivery.through)  # fmt: skip

    def _take(
        self, facts: Facts, first_line: int, delivery: Delivery, period: Period, renderings: Sequence[Rendering],
        ledger: Ledger,
    ) -> int:  # fmt: skip
        """Hand charges on; return the number of the next one."""
        table = facts.table(first_line, stage=delivery.stage)
        if not len(table):
            return first_line
        self.con.register("facts", table)
        ledger.add(period)
        for rendering in renderings:
            rendering.write(self.con, period)
        self.con.unregister("facts")
        return first_line + len(table)
