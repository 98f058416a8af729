"""What the past lets expect of many daily series, robustly and causally: the value for a day uses earlier days only.

Several hypotheses compete, and a day is odd only if every one of them finds it odd:

- *fast level* x weekday factor: median of the last 7 days without their weekday pattern;
- *slow level* x weekday factor: the same over 21 days;
- *recurrence*: the fast level plus what was odd one or two weeks ago, on the same day of the month, on the same
  business day or on the last day of the previous month, give or take 30 % of it.

The scale is relative to the level: max(1.4826 MAD, q95 / 1.96, 3 %) of the residuals of the last 70 days; q95 / 1.96
is the standard deviation if residuals are normal and grows with heavy tails.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Flags = npt.NDArray[np.bool_]

FAST_DAYS = 7
SLOW_DAYS = 21
LEVEL_DAYS = 14
SCALE_DAYS = 70
FACTOR_WEEKS = 8
MIN_SCALE = 0.03
GRACE_DAYS = 21
"""A series is judged when it is this old."""
REBIRTH_DAYS = 28
"""After this many days without any cost a series counts as new again."""
ODD = 4.0
"""Residuals above this many scales are odd (99.99 % of a normal distribution lies below)."""
NOTABLE = 2.0
"""Residuals above this many scales are remembered in case they recur."""
NOISY = 0.25
RECORD = 1.5
"""A series with a relative scale above ``NOISY`` is odd upwards only beyond 1.5 x the maximum of its last 70 days."""
_TOLERANCE = 0.3
_NO_DAY = -1
_QUIET = 0.05
_INTERMITTENT_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Calendar:
    """For each day its weekday and the earlier days at which something may have recurred (-1: none)."""

    weekday: Ints
    recurrences: Ints
    """Shape (days, hypotheses)."""


def calendar(days: Sequence[date]) -> Calendar:
    """Return the calendar of consecutive days."""
    index = {day: i for i, day in enumerate(days)}
    months: dict[tuple[int, int], list[date]] = {}
    for day in days:
        months.setdefault((day.year, day.month), []).append(day)
    rows: list[list[int]] = []
    for i, day in enumerate(days):
        found = [i - 7, i - 14]
        for back in (1, 2):
            number = day.year * 12 + day.month - 1 - back
            earlier = months.get((number // 12, number % 12 + 1), [])
            found.append(next((index[d] for d in earlier if d.day == day.day), _NO_DAY))
            found.append(_same_business_day(day, months[day.year, day.month], earlier, index))
            found.append(_same_from_end(day, earlier, index))
        rows.append([max(place, _NO_DAY) for place in found])
    weekdays = np.array([day.weekday() for day in days], dtype=np.int64)
    return Calendar(weekdays, np.array(rows, dtype=np.int64))


def _same_business_day(day: date, month: list[date], earlier: list[date], index: dict[date, int]) -> int:
    """Return the place of the n-th business day of the month before, for the n-th business day."""
    mine = [d for d in month if d.weekday() < 5]
    theirs = [d for d in earlier if d.weekday() < 5]
    if day not in mine or not earlier or earlier[0].day != 1 or month[0].day != 1:
        return _NO_DAY
    place = mine.index(day)
    return index[theirs[place]] if place < len(theirs) else _NO_DAY


def _same_from_end(day: date, earlier: list[date], index: dict[date, int]) -> int:
    """Return the place of the last day of the month before, for the last day of a month."""
    is_last = _month_length(day) == day.day
    if not is_last or not earlier or _month_length(earlier[-1]) != earlier[-1].day:
        return _NO_DAY
    return index[earlier[-1]]


def _month_length(day: date) -> int:
    following = day.replace(year=day.year + day.month // 12, month=day.month % 12 + 1, day=1)
    return following.toordinal() - day.replace(day=1).toordinal()


@dataclass(frozen=True, slots=True)
class Profile:
    """What was expected of each series on each day; all arrays have shape (series, days)."""

    expected: Floats
    """Of the hypothesis that comes nearest to the value."""
    base: Floats
    """Fast level x weekday."""
    scale: Floats
    """One standard deviation, robustly, in the series' own unit."""
    score: Floats
    """Residual in scales, signed; 0 where the series is too young to be judged."""
    is_new: Flags
    """The first day with cost after ``REBIRTH_DAYS`` without, not at the start of the data."""
    age: Ints
    """Days since the series began (or began again); -1 before."""
    is_intermittent: Flags
    ramp: Floats
    """t-value of a steady rise (positive) over the last weeks; see :func:`ramp_score`."""

    def rows(self, start: int, stop: int) -> Profile:
        """Return the profile of the series [start, stop)."""
        return Profile(**{name: getattr(self, name)[start:stop] for name in self.__slots__})


def profile(values: Floats, days: Calendar) -> Profile:
    """Return the profile of daily series, shape (series, days), non-negative on the whole."""
    walk = _Walk(values, days)
    for day in range(values.shape[1]):
        walk.step(day)
    return walk.result()


class _Walk:
    """The state of all series while the days go by."""

    def __init__(self, values: Floats, days: Calendar) -> None:
        count, length = values.shape
        self.y, self.days = values, days
        self.factors = np.ones((count, 7))
        self.ratio = np.full((count, length), np.nan)
        self.odd = np.zeros((count, length))
        self.relative = np.full((count, length), np.nan)
        self.born = np.full(count, _NO_DAY, dtype=np.int64)
        self.last_cost = np.full(count, _NO_DAY, dtype=np.int64)
        self.sigma = np.full(count, MIN_SCALE)
        shape = (count, length)
        self.expected, self.base, self.scale, self.score, self.ramp = (np.zeros(shape) for _ in range(5))
        self.is_new, self.is_intermittent = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
        self.age = np.full(shape, -1, dtype=np.int64)

    def result(self) -> Profile:
        return Profile(
            self.expected, self.base, self.scale, self.score, self.is_new, self.age, self.is_intermittent, self.ramp
        )

    def step(self, day: int) -> None:
        y = self.y[:, day]
        self._births(day, y)
        self._learn_factor(day)
        if day < FAST_DAYS:
            return
        fast, slow, flat = self._levels(day)
        weekday = self.factors[:, self.days.weekday[day]]
        base, other = fast * weekday, slow * weekday
        level = np.maximum(np.maximum(base, other), 0.05 * self.y[:, max(0, day - 28) : day].mean(axis=1))
        level = np.maximum(level, 1e-6)
        scale = self.sigma * level
        young = self.age[:, day] < min(GRACE_DAYS, max(day, 1))
        # Between the two levels is on the way from one to the other: not odd.
        nearest = np.clip(y, np.minimum(base, other), np.maximum(base, other))
        plain = y - nearest
        self.odd[:, day] = np.where(np.abs(plain) > NOTABLE * scale, y - base, 0.0)
        expected, residual = self._recur(day, base, nearest, plain)
        # Upwards in logs: doubling counts like halving, so that skewed noise does not look like news.
        excess = np.log1p(np.maximum(residual, 0.0) / level) + np.minimum(residual, 0.0) / level
        record = RECORD * self.y[:, max(0, day - SCALE_DAYS) : day].max(axis=1)
        usual = (self.sigma > NOISY) & (y <= record) & (residual > 0)
        score = np.where(young | usual | (day < GRACE_DAYS), 0.0, excess / self.sigma)
        self.relative[:, day] = np.where(young, np.nan, np.clip(residual / level, -ODD * self.sigma, ODD * self.sigma))
        self.expected[:, day], self.base[:, day], self.scale[:, day] = expected, base, scale
        self.score[:, day] = score
        self._intermittent(day, y)
        self.ramp[:, day] = np.where(young | self.is_intermittent[:, day], 0.0, ramp_score(flat, self.sigma))
        self._learn_scale(day)

    def _births(self, day: int, y: Floats) -> None:
        has_cost = y > 1e-9
        reborn = has_cost & ((self.last_cost == _NO_DAY) | (day - self.last_cost > REBIRTH_DAYS))
        self.is_new[:, day] = reborn & (day >= REBIRTH_DAYS)
        # What is there on the first days of the data is older than the data.
        self.born = np.where(reborn, 0 if day < FAST_DAYS else day, self.born)
        self.last_cost = np.where(has_cost, day, self.last_cost)
        self.age[:, day] = np.where(self.born == _NO_DAY, -1, day - self.born)

    def _learn_factor(self, day: int) -> None:
        """Add the newest day whose centred week is complete to its weekday's factor."""
        centre = day - 4
        if centre < 3:
            return
        mean = self.y[:, centre - 3 : centre + 4].mean(axis=1)
        alive = (mean > 1e-9) & (self.age[:, centre] >= 3)
        self.ratio[:, centre] = np.where(alive, self.y[:, centre] / np.where(alive, mean, 1.0), np.nan)
        places = list(range(centre, -1, -7))[:FACTOR_WEEKS]
        if len(places) >= 3:
            self.factors[:, self.days.weekday[centre]] = _median_or_one(self.ratio[:, places])

    def _levels(self, day: int) -> tuple[Floats, Floats, Floats]:
        span = range(max(0, day - 28), day)
        weekdays = self.days.weekday[list(span)]
        factors = self.factors[:, weekdays]
        window = self.y[:, span.start : span.stop] / np.maximum(factors, _QUIET)
        fast, slow = np.median(window[:, -FAST_DAYS:], axis=1), np.median(window[:, -SLOW_DAYS:], axis=1)
        # Where a weekday is always quiet its zeros say nothing about the level.
        quiet = (self.factors < 0.2).any(axis=1) & (self.factors >= 0.2).any(axis=1)
        if quiet.any():
            part = np.where(factors[quiet] < 0.2, np.nan, window[quiet])
            fast[quiet] = np.nanmedian(part[:, -FAST_DAYS:], axis=1)
            slow[quiet] = np.nanmedian(part[:, -SLOW_DAYS:], axis=1)
        today = self.y[:, day : day + 1] / np.maximum(self.factors[:, [self.days.weekday[day]]], _QUIET)
        return fast, slow, np.hstack([window[:, 1:], today]) if len(span) == 28 else window[:, :0]

    def _recur(self, day: int, base: Floats, nearest: Floats, plain: Floats) -> tuple[Floats, Floats]:
        expected, residual = nearest.copy(), plain.copy()
        for place in set(self.days.recurrences[day]) - {_NO_DAY}:
            fee = self.odd[:, place]
            off = self.y[:, day] - base - fee
            off = np.sign(off) * np.maximum(0.0, np.abs(off) - _TOLERANCE * np.abs(fee))
            # A hypothesis may excuse a day; it may not turn a rise into a fall.
            better = (fee != 0) & (np.abs(off) < np.abs(residual)) & (off * plain >= 0)
            expected = np.where(better, base + fee, expected)
            residual = np.where(better, off, residual)
        return expected, residual

    def _learn_scale(self, day: int) -> None:
        # Every third day is enough for a window of 70 and saves two thirds of the medians.
        if day % 3 or day < GRACE_DAYS:
            return
        window = np.abs(self.relative[:, max(0, day - SCALE_DAYS) : day + 1])
        filled = np.where(np.isnan(window), 0.0, window)
        known = (~np.isnan(window)).sum(axis=1)
        ordered = np.sort(filled, axis=1)
        missing = window.shape[1] - known

        def quantile(q: float) -> Floats:
            places = np.clip(missing + np.ceil(q * known).astype(np.int64) - 1, 0, window.shape[1] - 1)
            return cast("Floats", np.take_along_axis(ordered, places[:, None], axis=1)[:, 0])

        sigma = np.maximum(np.maximum(1.4826 * quantile(0.5), quantile(0.95) / 1.96), MIN_SCALE)
        self.sigma = np.where(known >= 10, sigma, np.maximum(self.sigma, MIN_SCALE))

    def _intermittent(self, day: int, y: Floats) -> None:
        past = self.y[:, max(0, day - 56) : day]
        rows = is_intermittent(past, self.days.weekday[max(0, day - 56) : day]) & (self.age[:, day] >= GRACE_DAYS)
        self.is_intermittent[:, day] = rows
        self.score[rows, day] = 0.0
        self.expected[rows, day] = y[rows]
        longer = self.y[:, max(0, day - 2 * SCALE_DAYS) : day]
        for row in np.flatnonzero(rows & (y > RECORD * longer.max(axis=1))):
            self._judge_intermittent(day, int(row), longer[row])

    def _judge_intermittent(self, day: int, row: int, past: Floats) -> None:
        """Compare a day of record cost in logs with the earlier days that had cost."""
        costs = past[past > 1e-9]
        if len(costs) < 5:
            return
        middle = float(np.median(costs))
        spread = max(1.4826 * float(np.median(np.abs(np.log(costs / middle)))), 0.25)
        self.expected[row, day], self.scale[row, day] = middle, spread * middle
        self.score[row, day] = float(np.log(self.y[row, day] / middle)) / spread


def is_intermittent(past: Floats, weekdays: Ints) -> Flags:
    """Return which series rest on a quarter of the days or more without a weekly pattern that explains it.

    A day is at rest with less than 5 % of the mean; a weekday is always at rest when 85 % of its days are.
    """
    rest = past < _QUIET * past.mean(axis=1, keepdims=True)
    share = np.stack([rest[:, weekdays == day].mean(axis=1) for day in sorted(set(weekdays.tolist()))], axis=1)
    works = share < 0.85
    count = works.sum(axis=1)
    mixed = np.where(works, share, 0.0).sum(axis=1) / np.maximum(count, 1)
    return cast("Flags", np.where(count == 0, past.max(axis=1) > 1e-9, mixed > _INTERMITTENT_SHARE))


def _median_or_one(ratios: Floats) -> Floats:
    """Return the median of the known values per row; 1 where fewer than three are known."""
    known = ~np.isnan(ratios)
    result = np.ones(len(ratios))
    rows = known.sum(axis=1) >= 3
    if rows.any():
        result[rows] = np.nanmedian(ratios[rows], axis=1)
    return result


def ramp_score(flat: Floats, sigma: Floats) -> Floats:
    """Return how sure a steady rise is: the largest t-value of a straight line through the last 14, 21 or 28 days.

    ``flat`` is the deseasonalised window, 28 days with today last (or no columns: score 0). A step is no ramp: each
    half of the window must rise by at least a fifth of the whole. ``sigma`` is the relative scale per series.
    """
    count, length = flat.shape
    best = np.zeros(count)
    if length < 28:
        return best
    now = np.median(flat[:, -5:], axis=1)
    before = np.min([np.median(flat[:, at : at + 5], axis=1) for at in (0, 7, 14)], axis=0)
    # A cheap look first: most series do not rise at all.
    rows = np.flatnonzero(np.all(flat > 1e-9, axis=1) & (now > 1.1 * before))
    best[rows] = _ramps(np.log(flat[rows]), sigma[rows])
    return best


def _ramps(logs: Floats, sigma: Floats) -> Floats:
    best = np.zeros(len(logs))
    # Running medians of five: a fee on one or two days is no ramp. The last two days use what there is.
    padded = np.hstack([logs[:, :1], logs[:, :1], logs, logs[:, -1:], logs[:, -1:]])
    logs = np.median(np.lib.stride_tricks.sliding_window_view(padded, 5, axis=1), axis=2)
    for days in (14, 21, 28):
        window = logs[:, -days:]
        rise = _slope(window) * (days - 1)
        halves = [_slope(part) * (days / 2 - 1) for part in (window[:, : days // 2], window[:, -(days // 2) :])]
        steady = (halves[0] > 0.2 * rise) & (halves[1] > 0.2 * rise)
        error = sigma * np.sqrt(12 / (days * (days**2 - 1))) * (days - 1)
        best = np.maximum(best, np.where(steady & (rise > np.log(1.15)), rise / error, 0.0))
    return best


def _slope(window: Floats) -> Floats:
    x = np.arange(window.shape[1]) - (window.shape[1] - 1) / 2
    return cast("Floats", window @ x / (x @ x))


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a series was like before an incident: frozen, so that the incident cannot become its own normal."""

    level: float
    factors: Floats
    sigma: float

    def expected(self, weekday: int) -> float:
        """Return the amount expected on a weekday."""
        return self.level * float(self.factors[weekday])

    def scale(self, weekday: int) -> float:
        """Return one standard deviation on a weekday."""
        return self.sigma * max(self.expected(weekday), 0.2 * self.level)


def baseline(values: Floats, weekdays: Ints) -> Baseline:
    """Return the baseline of one series from its days before an incident (up to eight weeks of them)."""
    past, names = values[-56:], weekdays[-56:]
    if len(past) < FAST_DAYS or not (past > 1e-9).any():
        return Baseline(0.0, np.ones(7), MIN_SCALE)
    if is_intermittent(past[None], names)[0]:
        return Baseline(float(past.mean()), np.ones(7), 1.0)
    factors = np.ones(7)
    if len(past) >= 3 * 7:
        weekly = np.array([np.median(past[names == day]) for day in range(7)])
        if weekly.mean() > 0:
            factors = weekly / weekly.mean()
    flat = past / np.maximum(factors[names], _QUIET)
    recent = flat[-LEVEL_DAYS:][factors[names[-LEVEL_DAYS:]] >= _QUIET]
    level = float(np.median(recent)) if len(recent) else 0.0
    off = np.abs(flat / level - 1.0) if level > 0 else np.zeros(1)
    return Baseline(level, factors, min(max(1.4826 * float(np.median(off)), MIN_SCALE), 1.0))
