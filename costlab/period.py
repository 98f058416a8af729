"""Time: UTC, half-open intervals, calendar months.

Instants inside the engine are naive :class:`datetime.datetime` meaning UTC, like DuckDB's TIMESTAMP.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Self

from costlab.errors import UsageError

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


def utc_now() -> datetime:
    """Return the present instant as naive UTC. The one place that reads the clock."""
    return datetime.now(UTC).replace(tzinfo=None)


def iso(instant: datetime) -> str:
    """Return a naive UTC instant as ISO 8601 with ``Z``."""
    return instant.isoformat(timespec="seconds") + "Z"


def parse_day(text: str, *, what: str = "date") -> date:
    """Return the day written ``YYYY-MM-DD``.

    Raises
    ------
    UsageError
        If the text is not such a day.
    """
    try:
        if _DAY.fullmatch(text) is None:
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{what} {text!r} is not a day", hint="Write YYYY-MM-DD, for example 2026-03-01") from None


def midnight(day: date) -> datetime:
    """Return 00:00 UTC of ``day``."""
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - naive means UTC here


@dataclass(frozen=True, order=True, slots=True)
class Month:
    """A calendar month in UTC, written ``YYYY-MM``; ``start`` inclusive, ``end`` exclusive."""

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the month written ``YYYY-MM``; raises :class:`UsageError` otherwise."""
        match = _MONTH.fullmatch(text)
        if match is None:
            raise UsageError(f"period {text!r} is not a month", hint="Write YYYY-MM, for example 2026-03")
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, day: date) -> Self:
        """Return the month that holds ``day``."""
        return cls(day.year, day.month)

    def plus(self, months: int) -> Month:
        """Return the month ``months`` later (earlier when negative)."""
        index = self.year * 12 + self.month - 1 + months
        return Month(index // 12, index % 12 + 1)

    @property
    def first_day(self) -> date:
        """The first day."""
        return date(self.year, self.month, 1)

    @property
    def start(self) -> datetime:
        """00:00 UTC of the first day."""
        return midnight(self.first_day)

    @property
    def end(self) -> datetime:
        """00:00 UTC of the first day of the next month."""
        return self.plus(1).start

    @property
    def days(self) -> int:
        """The number of days."""
        return (self.end - self.start) // timedelta(days=1)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"
