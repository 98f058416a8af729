"""From odd days of many scopes to incidents: one per cause, opened, kept open and closed day by day.

Everything happens in the order of days and looks back only, so that the incidents of a shorter history are those of a
longer one as far as it goes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from costlab.analyzers.anomalies.cube import DIMENSIONS
from costlab.analyzers.anomalies.search import Finding, best_scope
from costlab.analyzers.scope import merged
from costlab.stats.robust import Baseline, Profile, baseline, calendar, profile

if TYPE_CHECKING:
    import numpy.typing as npt

    from costlab.analyzers.anomalies.cube import Cube, Level
    from costlab.interfaces.finding import Scope

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]

SCORE_LIMIT = 5.5
"""Scales a day must be off. Normal noise would need 5 for one false day a year in a thousand scopes; spend has heavier
tails."""
RAMP_LIMIT = 8.0
"""t-value of a steady rise; days are not independent, so it is far above the 4 that would do if they were."""
FLOOR_PER_DAY = 10.0
"""Less than this a day, in BillingCurrency, is not worth an alert."""
STAY_SCORE = 2.5
GAP_DAYS = 3
HOLD_DAYS = 35
"""So long an incident explains what is odd in its scope; later the windows know its level, and more is news."""
KEEP_DAYS = 90
"""A level that lasts so long is the new normal: the incident is over, though the cost is still high."""
RETURN_DAYS = 28
"""So long a return to the level before an incident is not news: the windows still hold the incident."""
EXPLAINED = 0.5
PART_LIMIT = 3.0
NEW_SPEND_DAYS = 3
COMMON = 3
RAMP_WINDOW = 35
_PLACES = ("SubAccountId", "ServiceName", "RegionId", "x_usage_type")


@dataclass(slots=True)
class Raw:
    """An incident while it is being followed; days are places in the cube."""

    scope: Scope
    direction: int
    start: int
    detected: int
    last: int
    baseline: Baseline
    leaves: Flags
    score: float
    trigger: str
    """day, ramp or new."""
    end: int | None = None
    returned: int | None = None
    """The day it was closed because the cost was normal again."""
    first_scope: Scope = field(default_factory=dict)
    is_settled: bool = True

    def is_over(self) -> bool:
        """Whether it was closed."""
        return self.end is not None


class Watch:
    """Follows all scopes of a cube through its days."""

    def __init__(self, cube: Cube, *, floor: float = FLOOR_PER_DAY) -> None:
        self.cube, self.floor = cube, floor
        self.calendar = calendar(cube.days)
        self.values: list[Floats] = [level.sums(cube.costs) for level in cube.levels]
        self.keep: list[Flags] = [values.max(axis=1) >= floor for values in self.values]
        # One walk for all scopes and leaves: the work per day is then in few, large arrays.
        kept = [values[keep] for values, keep in zip(self.values, self.keep, strict=True)]
        whole = profile(np.vstack([*kept, cube.costs]), self.calendar)
        ends = np.cumsum([len(rows) for rows in kept])
        self.profiles = [whole.rows(int(end - len(rows)), int(end)) for end, rows in zip(ends, kept, strict=True)]
        self.leaf = whole.rows(int(ends[-1]), len(whole.base))
        self.raw: list[Raw] = []

    def run(self) -> list[Raw]:
        """Return all incidents in the order in which they were detected."""
        for day in range(len(self.cube.days)):
            for incident in self.raw:
                if not incident.is_over():
                    self._follow(incident, day)
            for direction in (1, -1):
                self._raise(day, direction)
        return self.raw

    def _follow(self, incident: Raw, day: int) -> None:
        off, scale = self._off(incident, day)
        if off > max(STAY_SCORE * scale, 0.25 * self.floor):
            incident.last = day
        elif day - incident.last > GAP_DAYS:
            incident.end, incident.returned = incident.last, day
        if not incident.is_over() and day - incident.start >= KEEP_DAYS:
            incident.end = incident.last

    def _off(self, incident: Raw, day: int) -> tuple[float, float]:
        """Return by how much a day is off in the incident's direction, and the scale."""
        weekday = int(self.calendar.weekday[day])
        actual = float(self.cube.costs[incident.leaves, day].sum())
        off = incident.direction * (actual - incident.baseline.expected(weekday))
        return off, incident.baseline.scale(weekday)

    def _raise(self, day: int, direction: int) -> None:
        """Open an incident for what is odd on a day and not yet explained."""
        flags = self._flags(day, direction)
        if not flags:
            return
        daily = direction * (self.cube.costs[:, day] - self.leaf.expected[:, day])
        # What an intermittent leaf does in its usual way explains the sums it is part of.
        usual = self.leaf.is_intermittent[:, day] & (direction * self.leaf.score[:, day] <= PART_LIMIT)
        explained = self._explained(day, direction) | usual
        found: list[tuple[Finding, float, str]] = []
        while flags:
            anchor = max(flags, key=lambda f: (f.excess, -f.level))
            flags.remove(anchor)
            is_ramp = anchor.trigger == "ramp"
            residual = self._rise(day) if is_ramp else daily
            known = explained | self._recent(day) if is_ramp else explained
            if self._is_explained(anchor, residual, known):
                continue
            finding = self._locate(anchor, day, np.where(known, 0.0, residual))
            explained = explained | finding.leaves
            found.append((finding, anchor.score, anchor.trigger))
        for finding, score, trigger in self._common(self._join(found)):
            scope = self.cube.named(finding.scope, finding.leaves, day=day)
            whole = Finding(scope, self.cube.mask(scope), finding.excess)
            self._open(whole, day, direction, score, trigger)

    def _common(self, found: list[tuple[Finding, float, str]]) -> list[tuple[Finding, float, str]]:
        """Make one finding of three or more on a day: a holiday, an outage or a price change, not as many accidents."""
        if len(found) < COMMON:
            return found
        first = found[0][0].scope
        same = [c for c in first if all(c in f.scope and f.scope[c] == first[c] for f, _, _ in found)]
        scope: Scope = {column: first[column] for column in same}
        whole = Finding(scope, self.cube.mask(scope), sum(f.excess for f, _, _ in found))
        return [(whole, max(score for _, score, _ in found), found[0][2])]

    def _flags(self, day: int, direction: int) -> list[_Flag]:
        flags: list[_Flag] = []
        for number, (level, keep, p) in enumerate(zip(self.cube.levels, self.keep, self.profiles, strict=True)):
            rows = np.flatnonzero(keep)
            off = direction * (self.values[number][rows, day] - p.expected[:, day])
            odd = (direction * p.score[:, day] > SCORE_LIMIT) & (off > self.floor)
            flags.extend(
                _Flag(number, int(rows[i]), float(off[i]), abs(float(p.score[i, day])), "day", level)
                for i in np.flatnonzero(odd)
            )
            if direction > 0:
                flags.extend(self._new_spend(number, level, rows, p, day))
                flags.extend(self._ramps(number, level, rows, p, day))
        if direction < 0:
            flags = [f for f in flags if self._is_settled(f, day)]
        return flags

    def _new_spend(self, number: int, level: Level, rows: npt.NDArray[np.intp], p: Profile, day: int) -> list[_Flag]:
        if "x_usage_type" in level.columns or day < NEW_SPEND_DAYS:
            return []
        born = p.is_new[:, max(0, day - NEW_SPEND_DAYS + 1) : day + 1].any(axis=1)
        value = self.values[number][rows, day]
        return [
            _Flag(number, int(rows[i]), float(value[i]), SCORE_LIMIT, "new", level)
            for i in np.flatnonzero(born & (value > self.floor))
        ]

    def _ramps(self, number: int, level: Level, rows: npt.NDArray[np.intp], p: Profile, day: int) -> list[_Flag]:
        if day < 56:
            return []
        values = self.values[number][rows]
        now, then, earlier = (np.median(values[:, day - back - 6 : day - back + 1], axis=1) for back in (0, 28, 49))
        rise, before = now - then, then - earlier
        odd = (p.ramp[:, day] > RAMP_LIMIT) & (rise > self.floor) & (rise > 2 * before)
        return [
            _Flag(number, int(rows[i]), float(rise[i]), float(p.ramp[i, day]), "ramp", level)
            for i in np.flatnonzero(odd)
        ]

    def _is_settled(self, flag: _Flag, day: int) -> bool:
        leaves = flag.leaves
        cost = self.leaf.expected[leaves, day]
        late = cost[~self.cube.is_settled[leaves, day]].sum()
        return bool(late <= 0.1 * max(cost.sum(), 1e-9))

    def _explained(self, day: int, direction: int) -> Flags:
        """Return the leaves whose oddness on a day belongs to an incident that is known already."""
        found = np.zeros(len(self.cube.leaves), dtype=bool)
        for incident in self.raw:
            if incident.direction == direction:
                fresh = day - incident.detected <= HOLD_DAYS
                if fresh and (not incident.is_over() or day - incident.last <= GAP_DAYS):
                    found |= incident.leaves
            elif day - incident.last <= RETURN_DAYS and self._is_back(incident, day):
                found |= incident.leaves
        return found

    def _recent(self, day: int) -> Flags:
        """Return the leaves of rises that still lie in a ramp's window: what is left of a step is not a slope."""
        found = np.zeros(len(self.cube.leaves), dtype=bool)
        for incident in self.raw:
            if incident.direction > 0 and day - incident.last <= RAMP_WINDOW:
                found |= incident.leaves
        return found

    def _is_back(self, incident: Raw, day: int) -> bool:
        """Return whether the cost is near the level before the incident again (or on the way there)."""
        weekday = int(self.calendar.weekday[day])
        actual = float(self.cube.costs[incident.leaves, day].sum())
        beyond = -incident.direction * (actual - incident.baseline.expected(weekday))
        return beyond <= SCORE_LIMIT * incident.baseline.scale(weekday)

    def _is_explained(self, flag: _Flag, residual: Floats, explained: Flags) -> bool:
        """Return whether half of what is off in the scope lies in leaves of known incidents."""
        off = np.where(flag.leaves, np.maximum(residual, 0.0), 0.0)
        inside = float(off[explained].sum())
        return inside >= EXPLAINED * min(flag.excess, max(float(off.sum()), 1e-9))

    def _rise(self, day: int) -> Floats:
        """Return per leaf how much the last week's mean is above that of four weeks ago."""
        costs = self.cube.costs
        rise = np.median(costs[:, day - 6 : day + 1], axis=1) - np.median(costs[:, day - 34 : day - 27], axis=1)
        return np.asarray(rise)

    def _locate(self, anchor: _Flag, day: int, residual: Floats) -> Finding:
        expected, scale = self.leaf.expected[:, day], self.leaf.scale[:, day]
        if anchor.trigger == "ramp":
            expected = np.median(self.cube.costs[:, day - 34 : day - 27], axis=1)
        finding = best_scope(self.cube.levels, self._around(anchor), residual, expected, scale)
        if finding is None or finding.excess < min(self.floor, 0.2 * anchor.excess):
            return Finding(anchor.of.scope(anchor.row), anchor.leaves, anchor.excess)
        return finding

    def _around(self, anchor: _Flag) -> Flags:
        """Return where to look: a slope shows in the quietest leaf first, though its whole service may rise."""
        scope = anchor.of.scope(anchor.row)
        wide: Scope = {c: scope[c] for c in ("SubAccountId", "ServiceName") if c in scope}
        return self.cube.mask(wide) if anchor.trigger == "ramp" and len(wide) == 2 else anchor.leaves

    def _open(self, finding: Finding, day: int, direction: int, score: float, trigger: str) -> None:
        start = self._ramp_start(finding, day) if trigger == "ramp" else day
        neighbour = self._neighbour(finding, day, direction)
        if neighbour is not None:
            old = Finding(neighbour.scope, neighbour.leaves, 0.0)
            neighbour.scope = self._union(old, finding) or neighbour.scope
            neighbour.leaves = neighbour.leaves | finding.leaves
            neighbour.baseline = self._frozen(neighbour.leaves, neighbour.start)
            neighbour.last = day
            return
        for incident in self.raw:
            if not incident.is_over() and incident.direction == direction and (incident.leaves & finding.leaves).any():
                incident.end = min(incident.last, day - 1)
        settled = bool(self.cube.is_settled[finding.leaves, day].all())
        frozen = self._frozen(finding.leaves, start)
        self.raw.append(
            Raw(
                scope=finding.scope,
                direction=direction,
                start=start,
                detected=day,
                last=day,
                baseline=frozen,
                leaves=finding.leaves,
                score=score,
                trigger=trigger,
                first_scope=finding.scope,
                is_settled=settled,
            )
        )

    def _frozen(self, leaves: Flags, start: int) -> Baseline:
        series = self.cube.costs[leaves].sum(axis=0)
        return baseline(series[:start], self.calendar.weekday[:start])

    def _neighbour(self, finding: Finding, day: int, direction: int) -> Raw | None:
        """Return the incident of today or yesterday that is the same in another account or region: the same cause."""
        for incident in self.raw:
            same_way = incident.direction == direction and not incident.is_over()
            if same_way and 0 <= day - incident.detected <= 1:
                other = Finding(incident.scope, incident.leaves, 0.0)
                if self._union(other, finding) is not None:
                    return incident
        return None

    def _join(self, found: list[tuple[Finding, float, str]]) -> list[tuple[Finding, float, str]]:
        """Make one finding of those of a day that differ in account or region only."""
        joined: list[tuple[Finding, float, str]] = []
        for finding, score, trigger in found:
            for i, (other, other_score, other_trigger) in enumerate(joined):
                scope = self._union(other, finding)
                if scope is not None:
                    both = Finding(scope, other.leaves | finding.leaves, other.excess + finding.excess)
                    joined[i] = (both, max(score, other_score), other_trigger)
                    break
            else:
                joined.append((finding, score, trigger))
        return joined

    def _union(self, one: Finding, other: Finding) -> Scope | None:
        """Return the scope of both together when they are the same thing in another account or region, else None."""
        mine, yours = self._values(one), self._values(other)
        named = [column for column in _PLACES if column in one.scope or column in other.scope]
        different = [column for column in _PLACES if mine[column] != yours[column]]
        if different not in (["SubAccountId"], ["RegionId"]) or different[0] not in named:
            return None
        if len(mine["ServiceName"]) > 1:
            return None
        scope: Scope = {column: merged(sorted({*mine[column], *yours[column]})) for column in named}
        return scope if np.array_equal(self.cube.mask(scope), one.leaves | other.leaves) else None

    def _values(self, finding: Finding) -> dict[str, set[str]]:
        """Return the values that the leaves of a finding have per column."""
        leaves = [self.cube.leaves[i] for i in np.flatnonzero(finding.leaves)]
        return {c: {leaf[DIMENSIONS.index(c)] or "" for leaf in leaves} for c in _PLACES}

    def _ramp_start(self, finding: Finding, day: int) -> int:
        """Return the day since which the weekly mean has not been below its value now less the rise."""
        series = self.cube.costs[finding.leaves].sum(axis=0)
        low = series[day - 34 : day - 27].mean()
        high = series[day - 6 : day + 1].mean()
        for place in range(day - 27, day):
            if series[place - 6 : place + 1].mean() > low + 0.15 * (high - low):
                return max(place - 3, day - 28)
        return day


@dataclass(frozen=True, slots=True)
class _Flag:
    """A scope that is odd on a day."""

    level: int
    row: int
    excess: float
    score: float
    trigger: str
    of: Level

    @property
    def leaves(self) -> Flags:
        return np.equal(self.of.member, self.row)
