"""``costlab allocate``: who a cost belongs to, directly and by shared-cost rules; the total is the bill's."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from costlab.analyzers.allocation.showback import UNALLOCATED, Cell, allocate
from costlab.errors import ConfigError
from costlab.lab.allocation.query import read
from costlab.lab.cost import CURRENCY, PERIOD, Grain
from costlab.lab.window import Window
from costlab.money import ZERO
from costlab.period import Month

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from costlab.analyzers.allocation.showback import Showback
    from costlab.lab.allocation.rules import Dimension, Rules
    from costlab.warehouse.relations import Database

DIRECT, SHARED, SHARED_BY, TOTAL, SHARE = "direct", "shared", "shared_by", "total", "share"
BEFORE, CHANGE = "before", "change"
_FIRST_DAY = "select min(ChargeDate) from marts.daily_costs"


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: the rules, the dimension, the metric and how the window is cut."""

    rules: Rules
    dimension: Dimension
    metric: str
    grain: Grain = Grain.TOTAL


@dataclass(slots=True)
class Allocated:
    """The items of the answer, its totals per currency, and what has to be said with them."""

    columns: list[str]
    items: list[dict[str, Any]]
    totals: dict[str, dict[str, Any]]
    warnings: list[str]
    table: str


def showback(db: Database, asked: Asked, window: Window) -> tuple[Showback, str]:
    """Return the cells per day, currency and value of a window, and the table that was read.

    Raises
    ------
    ConfigError
        If a rule cannot be computed, or a split would add quantities in different units.
    """
    if not window.days:
        return allocate([], [], start=window.start, end=window.end), ""
    whole = _whole_months(window)
    found = read(db, asked.rules, asked.dimension, asked.metric, first=whole.start, last=whole.end)
    for name, units in found.mixed_units.items():
        raise ConfigError(
            f"{asked.rules.file}: shared cost {name!r} measures quantities in {', '.join(units)}",
            hint="Narrow 'of' to charges in one unit",
        )
    steps = [one.step for one in asked.dimension.shared]
    return allocate(found.charges, steps, start=window.start, end=window.end), found.table


def ask(db: Database, asked: Asked, window: Window) -> Allocated:
    """Return one item per value (and period and currency), largest first; their totals add up to the bill exactly."""
    found, table = showback(db, asked, window)
    names = [one.step.name for one in asked.dimension.shared]
    cells = _summed(found, asked.grain)
    sums: defaultdict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    for (period, currency, _), cell in cells.items():
        sums[period, currency] += cell.total
    items = [_item(asked, key, cell, names, sums[key[:2]]) for key, cell in cells.items()]
    warnings = _warnings(found)
    if asked.grain is Grain.TOTAL:
        warnings += _compare(db, asked, window, items)
    items.sort(key=lambda item: (item.get(PERIOD, ""), -item[TOTAL], item[asked.dimension.name], item[CURRENCY]))
    totals = _totals(items, names, asked.dimension.name)
    warnings += _open(asked, totals)
    columns = [PERIOD] if asked.grain is not Grain.TOTAL else []
    columns += [asked.dimension.name, CURRENCY, DIRECT, SHARED, SHARED_BY, TOTAL, SHARE]
    columns += [BEFORE, CHANGE] if asked.grain is Grain.TOTAL else []
    if len(totals) <= 1:
        columns.remove(CURRENCY)
        for item in items:
            del item[CURRENCY]
    return Allocated(columns, items, totals, warnings, table)


def period_of(day: date, grain: Grain) -> str:
    """Return the period a day is in, as text; "" for the whole window."""
    return {Grain.DAY: day.isoformat(), Grain.MONTH: str(Month.of(day)), Grain.TOTAL: ""}[grain]


def _summed(found: Showback, grain: Grain) -> dict[tuple[str, str, str], Cell]:
    cells: dict[tuple[str, str, str], Cell] = {}
    for (day, currency, value), cell in found.cells.items():
        if value == UNALLOCATED and not cell.direct and not cell.shared:
            continue  # charges that cost nothing need no owner
        into = cells.setdefault((period_of(day, grain), currency, value), Cell())
        into.direct += cell.direct
        for step, amount in cell.shared.items():
            into.add(step, amount)
    return cells


def _item(asked: Asked, key: tuple[str, str, str], cell: Cell, names: list[str], total: Decimal) -> dict[str, Any]:
    period, currency, value = key
    item: dict[str, Any] = {PERIOD: period} if period else {}
    item |= {asked.dimension.name: value, CURRENCY: currency, DIRECT: cell.direct}
    item |= {SHARED: cell.total - cell.direct}
    item |= {SHARED_BY: {names[step]: amount for step, amount in sorted(cell.shared.items())}}
    return {**item, TOTAL: cell.total, SHARE: _ratio(cell.total, total)}


def _ratio(part: Decimal, whole: Decimal) -> float | None:
    return round(float(part / whole), 6) if whole else None


def _compare(db: Database, asked: Asked, window: Window, items: list[dict[str, Any]]) -> list[str]:
    """Fill in the period before; a value that is gone gets an item of its own. Return what cannot be compared."""
    earlier = window.before()
    first = db.result(_FIRST_DAY).rows[0][0]
    if first is None or not window.days or earlier.start < first:
        for item in items:
            item |= {BEFORE: None, CHANGE: None}
        return [f"there is no data for the whole of {earlier} to compare with"] if items else []
    name = asked.dimension.name
    past = _summed(showback(db, replace(asked, grain=Grain.TOTAL), earlier)[0], Grain.TOTAL)
    before = {(currency, value): cell.total for (_, currency, value), cell in past.items()}
    for item in items:
        was = before.pop((item[CURRENCY], item[name]), ZERO)
        item |= {BEFORE: was, CHANGE: item[TOTAL] - was}
    items += [
        {name: value, CURRENCY: currency, DIRECT: ZERO, SHARED: ZERO, SHARED_BY: {}, TOTAL: ZERO, SHARE: 0.0,
         BEFORE: was, CHANGE: -was}
        for (currency, value), was in before.items() if was
    ]  # fmt: skip
    return []


def _totals(items: list[dict[str, Any]], names: list[str], name: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for item in items:
        sums = found.setdefault(
            item[CURRENCY],
            {TOTAL: ZERO, DIRECT: ZERO, SHARED: ZERO, "unallocated": ZERO, SHARED_BY: dict.fromkeys(names, ZERO)},
        )
        for key in (TOTAL, DIRECT, SHARED):
            sums[key] += item[key]
        if item[name] == UNALLOCATED:
            sums["unallocated"] += item[TOTAL]
        for step, amount in item[SHARED_BY].items():
            sums[SHARED_BY][step] += amount
    return dict(sorted(found.items()))


def _open(asked: Asked, totals: dict[str, dict[str, Any]]) -> list[str]:
    """Say how much has no owner."""
    return [
        f"{float(sums['unallocated'] / sums[TOTAL]) * 100:.1f} % of {asked.metric} ({currency}) has no "
        f"{asked.dimension.name}: see costlab allocate --hygiene"
        for currency, sums in totals.items()
        if sums["unallocated"] and sums[TOTAL]
    ]


def _warnings(found: Showback) -> list[str]:
    return [
        f"shared cost {name!r} was not split in {currency}: nobody shares in it ({amount.normalize():f} {currency})"
        for (name, currency), amount in sorted(found.unsplit.items())
    ]


def _whole_months(window: Window) -> Window:
    last = Month.of(window.end)
    return Window(Month.of(window.start).first_day, window.end if window.end.day == 1 else last.plus(1).first_day)
