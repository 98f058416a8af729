"""From an incident as it was followed to what users see: exact amounts, causes and parts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from costlab.analyzers.anomalies.cube import DIMENSIONS, WATCHED
from costlab.analyzers.anomalies.incidents import SCORE_LIMIT
from costlab.analyzers.anomalies.search import best_scope
from costlab.analyzers.decompose import SkuLine, decompose, load_lines, scaled
from costlab.analyzers.scope import key
from costlab.interfaces.finding import Cause, Incident
from costlab.money import ZERO, cents, exact

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from costlab.analyzers.anomalies.cube import Cube
    from costlab.analyzers.anomalies.incidents import Raw, Watch
    from costlab.interfaces.analyzer import Context
    from costlab.interfaces.finding import Scope

    Flags = npt.NDArray[np.bool_]

REFERENCE_DAYS = 28
SHORT_DAYS = 7
MOST_CAUSES = 5
_ENDED = 0.05
_HIGH, _MEDIUM = Decimal(3000), Decimal(300)
Placed = tuple[tuple[str, ...], SkuLine]


@dataclass(frozen=True, slots=True)
class _Amounts:
    """What was charged in the incident's days and what was expected, by SKU and place."""

    actual: list[Placed]
    expected: list[Placed]

    def within(self, scope: Scope) -> _Amounts:
        return _Amounts(_inside(self.actual, scope), _inside(self.expected, scope))

    @property
    def impact(self) -> Decimal:
        return _sum(self.actual) - _sum(self.expected)

    def parts(self) -> dict[str, Decimal]:
        return decompose((line for _, line in self.expected), (line for _, line in self.actual))


def incident_of(context: Context, cube: Cube, watch: Watch, raw: Raw) -> Incident:
    """Return the incident with amounts in ``Decimal``; ``impact = actual - expected`` is the sum of its parts."""
    first, last = cube.days[raw.start], cube.days[raw.last]
    weekdays = [int(watch.calendar.weekday[day]) for day in range(raw.start, raw.last + 1)]
    expected = exact(_decimal(sum(raw.baseline.expected(weekday) for weekday in weekdays)))
    margin = exact(_decimal(SCORE_LIMIT * sum(raw.baseline.scale(weekday) for weekday in weekdays)))
    amounts = _amounts(context, cube, raw, expected)
    actual, impact = _sum(amounts.actual), amounts.impact
    monthly = _projected(impact, len(weekdays), is_open=raw.end is None)
    return Incident(
        id=_identity(cube, raw),
        scope=raw.scope,
        direction="up" if raw.direction > 0 else "down",
        kind=_kind(raw, actual, expected),
        start=first,
        end=None if raw.end is None else last,
        detected_on=cube.days[raw.detected],
        actual=actual,
        expected=expected,
        lower=max(ZERO, expected - margin),
        upper=expected + margin,
        impact=impact,
        projected_30d=monthly,
        severity="high" if abs(monthly) >= _HIGH else "medium" if abs(monthly) >= _MEDIUM else "low",
        confidence=round(raw.score / (raw.score + 1.0), 3),
        status="open" if raw.end is None else "resolved",
        is_settled=bool(cube.is_settled[raw.leaves, raw.last].all()),
        currency=cube.currency,
        causes=_causes(cube, raw, amounts),
        parts=amounts.parts(),
    )


def _decimal(value: float) -> Decimal:
    return Decimal(str(round(max(value, 0.0), 6)))


def _identity(cube: Cube, raw: Raw) -> str:
    text = "\x1f".join((key(raw.first_scope), str(raw.direction), str(cube.days[raw.start]), cube.currency))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _projected(impact: Decimal, days: int, *, is_open: bool) -> Decimal:
    """Return what it comes to in 30 days if it goes on; what it came to, when it is over."""
    return cents(impact / days * 30) if is_open else cents(impact)


def _kind(raw: Raw, actual: Decimal, expected: Decimal) -> str:
    days = raw.last - raw.start + 1
    if raw.direction < 0:
        gone = actual <= Decimal(str(_ENDED)) * expected
        return "ended" if gone and (raw.end is None or days > SHORT_DAYS) else "drop"
    if raw.trigger == "ramp":
        return "leak"
    if raw.trigger == "new" or expected == 0:
        return "new"
    return "shift" if days > SHORT_DAYS else "spike"


def _amounts(context: Context, cube: Cube, raw: Raw, expected: Decimal) -> _Amounts:
    first, end = cube.days[raw.start], cube.days[raw.last] + timedelta(days=1)
    actual = _usage(context, cube, raw.scope, first, end)
    before = _usage(context, cube, raw.scope, first - timedelta(days=REFERENCE_DAYS), first)
    places = {id(line): place for place, line in before}
    lines = [line for _, line in before]
    stretched = scaled(lines, expected)
    if len(stretched) != len(lines):
        return _Amounts(actual, [(("",) * len(DIMENSIONS), line) for line in stretched])
    return _Amounts(actual, [(places[id(old)], new) for old, new in zip(lines, stretched, strict=True)])


def _usage(context: Context, cube: Cube, scope: Scope, start: date, end: date) -> list[Placed]:
    placed = load_lines(context, start=start, end=end, currency=cube.currency, scope=scope, by=DIMENSIONS, only=WATCHED)
    return sorted(placed, key=lambda item: (item[0], item[1].group, item[1].sku))


def _sum(lines: Sequence[Placed]) -> Decimal:
    return sum((line.effective for _, line in lines), ZERO)


def _inside(lines: Sequence[Placed], scope: Scope) -> list[Placed]:
    wanted = {DIMENSIONS.index(column): value for column, value in scope.items()}

    def fits(place: tuple[str, ...]) -> bool:
        return all(place[i] in (v if isinstance(v, list) else [v or ""]) for i, v in wanted.items())

    return [(place, line) for place, line in lines if fits(place)]


def _causes(cube: Cube, raw: Raw, amounts: _Amounts) -> tuple[Cause, ...]:
    """Return disjoint narrow scopes that hold the deviation, the largest first."""
    actual = _by_leaf(cube, amounts.actual)
    expected = _by_leaf(cube, amounts.expected)
    residual = raw.direction * (actual - expected)
    within: Flags = raw.leaves.copy()
    total = abs(amounts.impact)
    causes: list[Cause] = []
    while len(causes) < MOST_CAUSES and total:
        found = best_scope(cube.levels, within, residual, expected, 0.1 * expected)
        if found is None or Decimal(str(found.excess)) < Decimal("0.1") * total:
            break
        within &= ~found.leaves
        scope: Scope = raw.scope | cube.named(found.scope, found.leaves, day=raw.last)
        own = amounts.within(scope)
        parts = own.parts()
        kind = max(parts, key=lambda name: raw.direction * parts[name])
        causes.append(Cause(scope, own.impact, round(float(own.impact / amounts.impact), 4), kind))
    return tuple(sorted(causes, key=lambda cause: (-abs(cause.impact), key(cause.scope))))


def _by_leaf(cube: Cube, lines: Sequence[Placed]) -> npt.NDArray[np.float64]:
    index = {tuple(value or "" for value in leaf): i for i, leaf in enumerate(cube.leaves)}
    amounts = np.zeros(len(cube.leaves))
    for place, line in lines:
        if place in index:
            amounts[index[place]] += float(line.effective)
    return amounts
