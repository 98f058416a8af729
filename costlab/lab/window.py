"""Which days a question is about when nobody says: the last full month that has data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from costlab.errors import UsageError
from costlab.period import Month, parse_day

if TYPE_CHECKING:
    from costlab.warehouse.relations import Database

_DAYS = "select min(ChargeDate), max(ChargeDate) from marts.daily_costs"
_MONTHS = "select distinct date_trunc('month', ChargeDate) as month from marts.daily_costs order by 1 desc"
_END = "coalesce(max(x_usage_end), max(x_charge_end))"
_REACH = f"select {_END} from marts.charge_reach where ChargeMonth = ?"
DATA_END = f"select {_END} from marts.charge_reach"
"""The instant up to which there is usage."""
DATA_END_BY_SOURCE = f"select x_source, {_END} from marts.charge_reach group by x_source"


@dataclass(frozen=True, slots=True)
class Window:
    """Days by ChargePeriodStart: ``start`` inclusive, ``end`` exclusive; empty when they are equal."""

    start: date
    end: date

    @property
    def days(self) -> int:
        """The number of days."""
        return (self.end - self.start).days

    @property
    def is_whole_months(self) -> bool:
        """Whether it starts and ends on the first of a month."""
        return self.start.day == 1 and self.end.day == 1

    def before(self) -> Window:
        """Return the window of the same length right before: whole months for whole months, else days."""
        if not self.is_whole_months:
            return Window(self.start - timedelta(days=self.days), self.start)
        months = (self.end.year - self.start.year) * 12 + self.end.month - self.start.month
        return Window(Month.of(self.start).plus(-months).first_day, self.start)

    def __str__(self) -> str:
        if self.days <= 1:
            return str(self.start) if self.days else "no days"
        return f"{self.start} to {self.end - timedelta(days=1)}"


def parse_window(db: Database, start: date | str | None, end: date | str | None, *, as_of: datetime) -> Window:
    """Return the window asked for.

    With neither end given it is :func:`last_full_month`; with one given, the other is where the data begins or ends.

    Raises
    ------
    UsageError
        If a day is malformed or the window ends before it starts.
    """
    first, last = _day(start, "--from"), _day(end, "--to")
    if first is None and last is None:
        month = last_full_month(db, as_of=as_of)
        return Window(month.first_day, month.plus(1).first_day)
    low, high = _extent(db)
    window = Window(first or low or last or date.min, last or _after(high) or first or date.max)
    if first and last and first >= last:
        raise UsageError(f"--from {first} is not before --to {last}", hint="--to is exclusive: the day after the last")
    return window if window.start <= window.end else Window(window.start, window.start)


def last_full_month(db: Database, *, as_of: datetime) -> Month:
    """Return the last calendar month that was over at ``as_of`` and whose days all have data.

    The newest month counts as incomplete when its usage stops before its end while the month before went to the end.
    Where no month is over, all count as such; without data it is the month before ``as_of``.
    """
    months = [Month.of(row[0]) for row in db.result(_MONTHS).rows]
    if not months:
        return Month.of(as_of.date()).plus(-1)
    over = [month for month in months if month.end <= as_of] or months
    if over[0] != months[0] or len(over) == 1 or _reaches_its_end(db, over[0]):
        return over[0]
    # a thin bill has no charges on its last days in any month; a bill still coming in differs from the month before
    return over[1] if _reaches_its_end(db, over[1]) else over[0]


def _reaches_its_end(db: Database, month: Month) -> bool:
    reach = db.result(_REACH, [month.start]).rows[0][0]
    return reach is not None and reach >= month.end


def _extent(db: Database) -> tuple[date | None, date | None]:
    low, high = db.result(_DAYS).rows[0]
    return low, high


def _after(day: date | None) -> date | None:
    return day + timedelta(days=1) if day else None


def _day(value: date | str | None, what: str) -> date | None:
    return parse_day(value, what=what) if isinstance(value, str) else value
