"""The questions about allocation as the Lab asks them: checked, answered, stamped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from costlab.errors import UnknownValue
from costlab.focus.columns import COSTS
from costlab.lab.allocation import hygiene, showback, units
from costlab.lab.allocation.metric_file import load_metrics
from costlab.lab.allocation.rules import load_rules
from costlab.lab.cost import CURRENCY, Grain
from costlab.lab.status import data_status

if TYPE_CHECKING:
    from datetime import date

    from costlab.answer import Answer
    from costlab.lab.view import View
    from costlab.lab.window import Window

SEVERAL = "several currencies ({}) are never added"


def ask_allocate(
    lab: View,
    by: str | None,
    *,
    metric: str,
    grain: str | None,
    start: date | str | None,
    end: date | str | None,
    rules: str | None,
) -> Answer:
    """Return the allocation; see :meth:`costlab.lab.Lab.ask_allocate`."""
    read = load_rules(lab.settings, rules)
    dimension = read.dimension(by, lab.settings.tag_keys)
    asked = showback.Asked(read, dimension, metric_of(metric), grain_of(grain))
    window = lab.window(start, end)
    found = showback.ask(lab.db, asked, window)
    status, warnings = data_status(lab.db, window, has_items=bool(found.items))
    return _answer(lab, "allocate", found, status, [*warnings, *found.warnings], window,
                   {"dimension": dimension.name, "metric": asked.metric})  # fmt: skip


def ask_hygiene(
    lab: View,
    by: str | None,
    *,
    metric: str,
    start: date | str | None,
    end: date | str | None,
    rules: str | None,
) -> Answer:
    """Return what has no owner; see :meth:`costlab.lab.Lab.ask_hygiene`."""
    read = load_rules(lab.settings, rules)
    dimension = read.dimension(by, lab.settings.tag_keys)
    asked, window = showback.Asked(read, dimension, metric_of(metric)), lab.window(start, end)
    found = hygiene.ask(lab.db, asked, window)
    status, warnings = data_status(lab.db, window, has_items=bool(found.totals))
    return _answer(lab, "hygiene", found, status, [*warnings, *found.warnings], window,
                   {"dimension": dimension.name, "metric": asked.metric})  # fmt: skip


def ask_unit_cost(
    lab: View,
    by: str | None,
    *,
    metric: str | None,
    cost: str,
    grain: str | None,
    start: date | str | None,
    end: date | str | None,
    rules: str | None,
) -> Answer:
    """Return unit costs; see :meth:`costlab.lab.Lab.ask_unit_cost`."""
    if grain is not None and grain not in set(units.UnitGrain):
        raise UnknownValue("grain", grain, units.UnitGrain)
    measured = load_metrics(lab.settings, metric)
    read = load_rules(lab.settings, rules)
    dimension = read.dimension(by or CURRENCY, lab.settings.tag_keys)
    asked, window = showback.Asked(read, dimension, metric_of(cost)), lab.window(start, end)
    name = dimension.name if by else None
    found = units.ask(lab.db, asked, measured, units.UnitGrain(grain or units.UnitGrain.TOTAL), window, by=name)
    status, warnings = data_status(lab.db, window, has_items=bool(found.totals))
    if not measured.readings:
        warnings.append(f"{measured.file} has no quantities")
    return _answer(lab, "unit-cost", found, status, [*warnings, *found.warnings], window,
                   {"metrics": measured.file, "cost_metric": asked.metric})  # fmt: skip


class _Found(Protocol):
    """What every answer about allocation is made of; ``totals`` are per currency."""

    columns: list[str]
    items: list[dict[str, Any]]
    totals: dict[str, dict[str, Any]]


def _answer(
    lab: View, name: str, found: _Found, status: str, warnings: list[str], window: Window, totals: dict[str, Any]
) -> Answer:
    currencies = list(found.totals)
    several = [SEVERAL.format(", ".join(currencies))] if len(currencies) > 1 else []
    sums = {"by_currency": found.totals} if several else next(iter(found.totals.values()), {})
    return lab.answer(
        name,
        found.columns,
        found.items,
        currency=currencies[0] if len(currencies) == 1 else None,
        data_status=status,
        totals={**totals, **sums, "from": window.start, "to": window.end},
        warnings=[*several, *warnings],
    )


def metric_of(name: str) -> str:
    """Return a cost column as FOCUS writes it; raises :class:`UnknownValue`."""
    known = {column.lower(): column for column in COSTS}
    if name.lower() not in known:
        raise UnknownValue("metric", name, COSTS)
    return known[name.lower()]


def grain_of(name: str | None) -> Grain:
    """Return a grain, the whole window by default; raises :class:`UnknownValue`."""
    if name is not None and name not in set(Grain):
        raise UnknownValue("grain", name, Grain)
    return Grain(name or Grain.TOTAL)
