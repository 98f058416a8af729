"""How much is used: hours of machines, daily quantities of everything else. No prices here."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from costlab.period import Month
from costlab.simulate import prices
from costlab.simulate.estate import HOURS_PER_DAY, Estate, Fleet, Schedule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from costlab.simulate.planted import Effect

    Ints = NDArray[np.int64]

FULL_HOUR = prices.QUANTITY
BLOCK = 1024 * prices.QUANTITY
"""Requests come in blocks of a power of two: a double carries even billions of them to twelve decimals."""
MONTHLY_UNITS = ("GB-Mo", "IOPS-Mo", "Metrics", "1/Month", "1 GB/Month", "gibibyte month")
"""What is priced by the month: a day is charged as its share of that month's days."""
_WEEKEND = 5
_DESIRED, _FRACTION, _NIGHTS, _METERS = 11, 12, 13, 14  # random streams


class MachineHours:
    """Running time of the instances, for any range of days, the same whatever the range asked for."""

    def __init__(self, estate: Estate) -> None:
        owners = [estate.resources[i.resource] for i in estate.instances]
        count = len(owners)
        self.start = np.array([r.start for r in owners], dtype=np.int64)
        self.stop = np.array([r.stop for r in owners], dtype=np.int64)
        kinds = list(Schedule)
        self.schedule = np.array([kinds.index(i.schedule) for i in estate.instances], dtype=np.int8)
        self.fleet = np.array([i.fleet for i in estate.instances], dtype=np.int64)
        self.rank = np.array([i.rank for i in estate.instances], dtype=np.int64)
        self.weekday = estate.start.weekday()
        self.desired = np.zeros((max(len(estate.fleets), 1), estate.hours), dtype=np.int32)
        for number, fleet in enumerate(estate.fleets):
            rng = np.random.default_rng([estate.seed, _DESIRED, number])
            self.desired[number] = fleet_demand(fleet, self.weekday, estate.hours, rng)
        self.first_hour = np.random.default_rng([estate.seed, _FRACTION]).integers(500, FULL_HOUR, count)
        self.nights = np.random.default_rng([estate.seed, _NIGHTS]).integers(
            3 * FULL_HOUR, 6 * FULL_HOUR, (count, 7), dtype=np.int64
        )

    def between(self, first_day: int, last_day: int) -> tuple[Ints, Ints]:
        """Return (instances that run at all, their 1e-4 hours per hour of ``[first_day, last_day)``)."""
        hours = np.arange(first_day * HOURS_PER_DAY, last_day * HOURS_PER_DAY, dtype=np.int64)
        alive = np.flatnonzero((self.start < hours[-1] + 1) & (self.stop > hours[0]))
        need = np.zeros((len(alive), len(hours)), dtype=np.int64)
        kind = self.schedule[alive]
        for code, schedule in enumerate(Schedule):
            at = np.flatnonzero(kind == code)
            if len(at):
                need[at] = self._running(schedule, alive[at], hours)
        need *= (hours >= self.start[alive, None]) & (hours < self.stop[alive, None])
        launched = np.flatnonzero((self.start[alive] >= hours[0]) & (self.start[alive] <= hours[-1]))
        at_hour = self.start[alive[launched]] - hours[0]
        need[launched, at_hour] = np.minimum(need[launched, at_hour], self.first_hour[alive[launched]])
        runs = np.flatnonzero(need.any(axis=1))
        return alive[runs], need[runs]

    def _running(self, schedule: Schedule, rows: Ints, hours: Ints) -> Ints:
        weekday = (hours // HOURS_PER_DAY + self.weekday) % 7
        hour = hours % HOURS_PER_DAY
        match schedule:
            case Schedule.ALWAYS:
                return np.full((len(rows), len(hours)), FULL_HOUR, dtype=np.int64)
            case Schedule.OFFICE:
                open_hours = _office(weekday, hour)
                return np.broadcast_to((open_hours * FULL_HOUR).astype(np.int64), (len(rows), len(hours)))
            case Schedule.BATCH:
                length = self.nights[rows][:, weekday]
                ran: Ints = np.clip(length - (hour - 1) * FULL_HOUR, 0, FULL_HOUR) * (hour >= 1)
                return ran
            case Schedule.WEB:
                wanted = self.desired[self.fleet[rows]][:, hours]
                running = self.rank[rows, None] < wanted
                before = self.desired[self.fleet[rows]][:, np.maximum(hours - 1, 0)]
                scaled_out = running & (self.rank[rows, None] >= before)
                return np.where(scaled_out, self.first_hour[rows, None], running * FULL_HOUR).astype(np.int64)


def _office(weekday: Ints, hour: Ints) -> NDArray[np.bool_]:
    return (weekday < _WEEKEND) & (hour >= 7) & (hour < 19)


class MeterHours:
    """Running time of databases, caches and ML instances that are billed by the hour; see :class:`MachineHours`."""

    def __init__(self, estate: Estate, meters: Sequence[int]) -> None:
        chosen = [estate.meters[number] for number in meters]
        self.weekday = estate.start.weekday()
        self.quantity = np.array([round(m.per_day / HOURS_PER_DAY * FULL_HOUR) for m in chosen], dtype=np.int64)
        self.start = np.array([m.start_day for m in chosen], dtype=np.int64) * HOURS_PER_DAY
        self.stop = np.array([m.stop_day for m in chosen], dtype=np.int64) * HOURS_PER_DAY
        self.office = np.array([m.schedule is Schedule.OFFICE for m in chosen], dtype=np.bool_)

    def between(self, first_day: int, last_day: int) -> tuple[Ints, Ints]:
        """Return (meters that run at all, their 1e-4 hours per hour of ``[first_day, last_day)``)."""
        hours = np.arange(first_day * HOURS_PER_DAY, last_day * HOURS_PER_DAY, dtype=np.int64)
        runs = (hours >= self.start[:, None]) & (hours < self.stop[:, None])
        runs &= _office((hours // HOURS_PER_DAY + self.weekday) % 7, hours % HOURS_PER_DAY) | ~self.office[:, None]
        need = runs * self.quantity[:, None]
        alive = np.flatnonzero(need.any(axis=1))
        return alive, need[alive]


def fleet_demand(fleet: Fleet, weekday_of_first_day: int, hours: int, rng: np.random.Generator) -> NDArray[np.int32]:
    """Return the machines a fleet wants in each hour: a daily and weekly wave with a little noise."""
    hour = np.arange(hours)
    day = (hour // HOURS_PER_DAY + weekday_of_first_day) % 7
    wave = 0.5 - 0.5 * np.cos((hour % HOURS_PER_DAY - 3) / HOURS_PER_DAY * 2 * np.pi)
    wave = wave * np.where(day >= _WEEKEND, 0.55, 1.0)
    wanted = fleet.low + (fleet.high - fleet.low) * wave + rng.normal(0, 0.25, hours)
    return np.clip(np.rint(wanted), fleet.low, None).astype(np.int32)


def daily_quantities(estate: Estate, effects: Sequence[Effect]) -> tuple[Ints, Ints]:
    """Return (quantities, quantities without the planted effects): meters x days, 1e-4 units."""
    days = np.arange(estate.days)
    weekend = (days + estate.start.weekday()) % 7 >= _WEEKEND
    month_days = np.array([Month.of(estate.start + timedelta(days=d)).days for d in range(estate.days)])
    expected = np.zeros((len(estate.meters), estate.days))
    for number, meter in enumerate(estate.meters):
        lives = (days >= meter.start_day) & (days < meter.stop_day)
        amount = meter.per_day * (1 + meter.growth) ** days * np.where(weekend, meter.weekend, 1.0)
        if estate.skus[meter.sku].unit in MONTHLY_UNITS:
            amount = amount * 30 / month_days
        if meter.noise:
            rng = np.random.default_rng([estate.seed, _METERS, number])
            amount *= np.exp(rng.normal(0, meter.noise, estate.days))
        expected[number] = amount * lives
    actual = expected.copy()
    for effect in effects:
        rows = np.asarray(effect.meters, dtype=np.int64)[:, None]
        at = np.arange(effect.start, min(effect.stop, estate.days))
        if effect.base:
            actual[rows, at] *= effect.factor + effect.slope * (at - effect.start)
        else:
            expected[rows, at] = 0.0
    unit = np.array([BLOCK if m.whole else 1 for m in estate.meters], dtype=np.int64)[:, None]

    def rounded(amounts: NDArray[np.float64]) -> Ints:
        return np.rint(amounts * FULL_HOUR / unit).astype(np.int64) * unit

    return rounded(actual), rounded(expected)
