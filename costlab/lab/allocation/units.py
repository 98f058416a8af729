"""``costlab unit-cost``: allocated cost per order, per customer, per whatever the business counts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from costlab.analyzers.allocation.showback import UNALLOCATED
from costlab.analyzers.allocation.unit import Quantities, Trend, Unit, trend, unit
from costlab.errors import UsageError
from costlab.lab.allocation.showback import Asked, showback
from costlab.lab.cost import CURRENCY, PERIOD
from costlab.lab.window import Window
from costlab.money import ZERO
from costlab.period import Month

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from costlab.lab.allocation.metric_file import Metrics, Reading
    from costlab.lab.allocation.rules import Dimension
    from costlab.warehouse.relations import Database

AMOUNTS = ("cost", "matched_cost", "quantity", "unit_cost", "marginal_cost", "cost_change", "volume_effect",
           "cost_effect")  # fmt: skip
_NAMED_DAYS = 5
_EXTENT = "select min(ChargeDate), max(ChargeDate) from marts.daily_costs"


class UnitGrain(StrEnum):
    """How a window is cut for unit costs."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    TOTAL = "total"


@dataclass(slots=True)
class Units:
    """The items, the cost of the window per currency, and what has to be said."""

    columns: list[str]
    items: list[dict[str, Any]]
    totals: dict[str, dict[str, Any]]
    warnings: list[str]


Costs = dict[tuple[str, str], dict[date, "Decimal"]]
"""Cost per day by currency and value; the value is "" where there is no dimension."""


def ask(db: Database, asked: Asked, metrics: Metrics, grain: UnitGrain, window: Window, *, by: str | None) -> Units:
    """Return one item per metric, period, value of the dimension ``by`` (None: all cost) and currency.

    Raises
    ------
    UsageError
        If the metrics have no such dimension, or are monthly and asked for by day or week.
    """
    if by is not None and by.lower() not in metrics.dimensions:
        there = ", ".join(metrics.dimensions) or "none"
        raise UsageError(f"{metrics.file} has no column {by!r}", hint=f"Its dimensions: {there}")
    periods = _periods(db, window, grain)
    costs = _costs(db, asked, window, grain, has_dimension=by is not None)
    found = _quantities(metrics, asked.dimension if by else None, grain)
    items: list[dict[str, Any]] = []
    missing: defaultdict[str, set[date]] = defaultdict(set)
    for metric, quantities in sorted(found.items()):
        for currency, value in _keys(costs, quantities):
            series = _series(costs.get((currency, value), {}), quantities[value], periods)
            for period, now, moved in series:
                head: dict[str, Any] = {"metric": metric, **({PERIOD: period} if period else {})}
                head |= {by: value or UNALLOCATED} if by else {}
                items.append({**head, CURRENCY: currency, **_fields(now, moved)})
                missing[metric] |= set(now.missing) if now.quantity is not None else set()
    items.sort(key=lambda i: (i["metric"], i.get(PERIOD, ""), -i["cost"], str(i.get(by or "")), i[CURRENCY]))
    totals = {currency: {"cost": amount} for currency, amount in _totals(costs, window).items()}
    columns = ["metric", *([PERIOD] if grain is not UnitGrain.TOTAL else []), *([by] if by else []), CURRENCY]
    columns += [*AMOUNTS, "missing_days", "reason"]
    if len(totals) <= 1:
        columns.remove(CURRENCY)
        for item in items:
            del item[CURRENCY]
    return Units(columns, items, totals, [*_said(missing), *_uncounted(found, costs, window)])


def _costs(db: Database, asked: Asked, window: Window, grain: UnitGrain, *, has_dimension: bool) -> Costs:
    first = _earlier(window, grain).start
    found, _ = showback(db, asked, Window(first, window.end))
    costs: Costs = {}
    for (day, currency, value), cell in found.cells.items():
        days = costs.setdefault((currency, value if has_dimension else ""), {})
        days[day] = days.get(day, ZERO) + cell.total
    return costs


def _quantities(metrics: Metrics, dimension: Dimension | None, grain: UnitGrain) -> dict[str, dict[str, Quantities]]:
    days: dict[tuple[str, str], dict[date, Decimal]] = {}
    months: dict[tuple[str, str], dict[Month, Decimal]] = {}
    for reading in metrics.readings:
        at = (reading.metric, _value(reading, dimension))
        days.setdefault(at, {})
        months.setdefault(at, {})
        if isinstance(reading.at, Month):
            if grain in {UnitGrain.DAY, UnitGrain.WEEK}:
                raise UsageError(
                    f"metric {reading.metric!r} is given per month and cannot be cut by {grain}", hint="--grain month"
                )
            months[at][reading.at] = months[at].get(reading.at, ZERO) + reading.quantity
        else:
            days[at][reading.at] = days[at].get(reading.at, ZERO) + reading.quantity
    found: dict[str, dict[str, Quantities]] = {}
    for (metric, value), by_day in days.items():
        found.setdefault(metric, {})[value] = Quantities(by_day, months[metric, value])
    return found


def _value(reading: Reading, dimension: Dimension | None) -> str:
    if dimension is None:
        return ""
    return dimension.named(reading.values[dimension.name.lower()]) or UNALLOCATED


def _keys(costs: Costs, quantities: Mapping[str, Quantities]) -> list[tuple[str, str]]:
    """Return the currencies and values that a metric has quantities for; without any cost, in the only currency."""
    currencies = {currency for currency, _ in costs}
    only = currencies if len(currencies) == 1 else set[str]()
    known = {value for _, value in costs}
    found = {key for key in costs if key[1] in quantities}
    return sorted(found | {(currency, value) for currency in only for value in quantities if value not in known})


def _series(
    costs: Mapping[date, Decimal], quantities: Quantities, periods: list[tuple[str, list[date]]]
) -> list[tuple[str, Unit, Trend]]:
    """Return every period but the first, which is only there to compare with."""
    units = [unit(costs, quantities, days) for _, days in periods]
    return [
        (name, now, trend(before if before.has_cost else None, now))
        for (name, _), before, now in zip(periods[1:], units, units[1:], strict=False)
    ]


def _fields(now: Unit, moved: Trend) -> dict[str, Any]:
    values = (now.cost, now.matched, now.quantity, now.average, moved.marginal, moved.change, moved.volume_effect,
              moved.cost_effect)  # fmt: skip
    reasons = [text for text in (now.reason, moved.reason) if text]
    return {
        **dict(zip(AMOUNTS, values, strict=True)),
        "missing_days": len(now.missing),
        "reason": "; ".join(reasons) or None,
    }


def _totals(costs: Costs, window: Window) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for (currency, _), days in costs.items():
        inside = [amount for day, amount in days.items() if window.start <= day < window.end]
        if inside:
            found[currency] = found.get(currency, ZERO) + sum(inside, ZERO)
    return dict(sorted(found.items()))


def _said(missing: Mapping[str, set[date]]) -> list[str]:
    found: list[str] = []
    for metric, days in sorted(missing.items()):
        if days:
            named = ", ".join(day.isoformat() for day in sorted(days)[:_NAMED_DAYS])
            more = f" and {len(days) - _NAMED_DAYS} more" if len(days) > _NAMED_DAYS else ""
            found.append(f"{metric}: no quantity on {named}{more}; the cost of these days is left out of its unit cost")
    return found


def _uncounted(found: Mapping[str, Mapping[str, Quantities]], costs: Costs, window: Window) -> list[str]:
    """Say which values with cost a metric has no quantity for at all."""
    spent: defaultdict[str, dict[str, Decimal]] = defaultdict(dict)
    for (currency, value), days in costs.items():
        spent[currency][value] = sum((days[day] for day in days if window.start <= day < window.end), ZERO)
    said: list[str] = []
    for metric, quantities in sorted(found.items()):
        for currency, sums in sorted(spent.items()):
            others = {value: amount for value, amount in sorted(sums.items()) if amount and value not in quantities}
            if others:
                total = sum(others.values(), ZERO)
                said.append(f"{metric}: no quantity at all for {', '.join(others)} ({total:,.2f} {currency})")
    return said


def _periods(db: Database, window: Window, grain: UnitGrain) -> list[tuple[str, list[date]]]:
    """Return the days of each period in the window, and of the whole one before them in front.

    Days before the first charge and after the last are left out: their cost is not known, and not zero.
    """
    first, last = db.result(_EXTENT).rows[0]
    if first is None:
        return [("", [])]
    periods: dict[str, list[date]] = {}
    for day in _days(window):
        if first <= day <= last:
            periods.setdefault(_label(day, grain), []).append(day)
    return [("", [day for day in _days(_earlier(window, grain)) if first <= day <= last]), *periods.items()]


def _earlier(window: Window, grain: UnitGrain) -> Window:
    match grain:
        case UnitGrain.TOTAL:
            return window.before()
        case UnitGrain.MONTH:
            first = Month.of(window.start)
            return Window(first.plus(-1).first_day, first.first_day)
        case UnitGrain.WEEK:
            monday = window.start - timedelta(days=window.start.weekday())
            return Window(monday - timedelta(days=7), monday)
        case UnitGrain.DAY:
            return Window(window.start - timedelta(days=1), window.start)


def _days(window: Window) -> list[date]:
    return [window.start + timedelta(days=offset) for offset in range(window.days)]


def _label(day: date, grain: UnitGrain) -> str:
    match grain:
        case UnitGrain.DAY:
            return day.isoformat()
        case UnitGrain.WEEK:
            year, week, _ = day.isocalendar()
            return f"{year}-W{week:02d}"
        case UnitGrain.MONTH:
            return str(Month.of(day))
        case UnitGrain.TOTAL:
            return ""
