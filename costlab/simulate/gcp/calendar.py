"""Invoice months: calendar months in Los Angeles, counted in hours of UTC from the start of the simulation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from costlab.period import Month, midnight

if TYPE_CHECKING:
    from collections.abc import Iterator

LOS_ANGELES: Final = ZoneInfo("America/Los_Angeles")
_UTC: Final = ZoneInfo("UTC")
MULTIPRICE: Final = midnight(date(2026, 1, 21))
"""When Google moved every billing account to the newer model of spend-based commitments, in Los Angeles.

Source: Cloud Billing documentation, "Billing data and SKU updates for spend-based CUDs", read 2026-11."""


def utc(local: datetime) -> datetime:
    """Return an instant of Los Angeles as naive UTC."""
    return local.replace(tzinfo=LOS_ANGELES).astimezone(_UTC).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The simulated span ``[start, end)`` of UTC days; ``start`` is the first of a month.

    Usage begins at midnight in Los Angeles: what was used before is on an invoice before the simulation.
    """

    start: date
    end: date

    def hour(self, instant: datetime) -> int:
        """Return the hour of a naive UTC instant."""
        return int((instant - midnight(self.start)) / timedelta(hours=1))

    @property
    def months(self) -> list[Month]:
        """The invoice months in the span."""
        found = [Month.of(self.start)]
        while found[-1].plus(1).first_day < self.end:
            found.append(found[-1].plus(1))
        return found

    def bounds(self, month: Month) -> tuple[int, int]:
        """Return (first hour, first hour after) of an invoice month, as if the span had no end."""
        first = utc(midnight(month.first_day))
        return self.hour(first), self.hour(utc(midnight(month.plus(1).first_day)))

    def is_closed(self, month: Month) -> bool:
        """Whether the month is over at the end of the span."""
        return month.plus(1).first_day <= self.end

    @property
    def hours(self) -> int:
        """Hours simulated."""
        return (self.end - self.start).days * 24

    @property
    def switch(self) -> int:
        """The hour from which spend-based commitments are prices instead of credits; may lie outside the span."""
        return self.hour(utc(MULTIPRICE))

    def day_parts(self, month: Month) -> Iterator[tuple[int, int, int]]:
        """Yield (UTC day, first hour, first hour after) of each day of an invoice month that is in the span.

        The month's first and last UTC days are shared with its neighbours.
        """
        first, last = self.bounds(month)
        last = min(last, self.hours)
        for day in range(first // 24, -(-last // 24)):
            yield day, max(first, day * 24), min(last, day * 24 + 24)
