"""What the allocation page shows, asked from the Lab: who a month's cost belongs to, what has no owner, unit costs."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from costlab.lab.allocation.metric_file import load_metrics
from costlab.lab.allocation.rules import load_rules, rules_path
from costlab.lab.cost import CURRENCY
from costlab.money import ZERO
from costlab.ui.format import DASH
from costlab.ui.overview import Change
from costlab.ui.series import Point, folded, groups

if TYPE_CHECKING:
    from decimal import Decimal

    from costlab.answer import Answer
    from costlab.lab import Lab
    from costlab.lab.window import Window
    from costlab.settings import Settings
    from costlab.ui.facts import Facts

SERIES = 10
_WHOLE = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page is about. ``stamp`` says which state of the files with rules and metrics it was asked of."""

    by: str
    metric: str
    window: Window
    currency: str
    stamp: str


@dataclass(frozen=True, slots=True)
class Owned:
    """Whose cost it is: the rows of the table, the shared costs' names, the chart, and the sums."""

    total: Change
    direct: Decimal
    shared: Decimal
    unallocated: Decimal
    rules: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]
    """``value``, ``direct``, ``shared<place>``, ``total``, ``share``, ``before``, ``change``."""
    points: tuple[Point, ...]
    series: tuple[str, ...]
    status: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """Items of one currency with its totals."""

    items: tuple[dict[str, Any], ...]
    totals: dict[str, Any]
    status: str
    warnings: tuple[str, ...]


def stamp(settings: Settings) -> str:
    """Return what changes when the files with rules or business metrics change."""
    paths = (rules_path(settings), settings.workspace / settings.business_metrics)
    return "-".join(str(path.stat().st_mtime_ns) if path.is_file() else "" for path in paths)


def dimensions(settings: Settings, facts: Facts) -> tuple[str, ...]:
    """Return what cost can be given to: the dimensions of the rules, then tag keys that are none of them.

    Raises
    ------
    ConfigError
        If a rule is wrong.
    """
    named = [dimension.name for dimension in load_rules(settings).dimensions]
    return tuple(dict.fromkeys([*named, *(f"Tags.{key}" for key in facts.tag_keys), "SubAccountId"]))


def measured_by(settings: Settings, by: str) -> str | None:
    """Return the dimension if the business metrics have a column for it, else None: all cost.

    Raises
    ------
    SourceError
        If the file of metrics cannot be read.
    """
    return by if by.lower() in load_metrics(settings).dimensions else None


def per_unit(value: Decimal | None) -> str:
    """Return a cost per unit with four digits: it is often far below a cent.

    >>> from decimal import Decimal
    >>> per_unit(Decimal("0.000998123456")), per_unit(Decimal("1234.5")), per_unit(None)
    ('0.0009981', '1,234', '–')
    """
    return DASH if value is None else f"{value:,.4g}" if abs(value) < _WHOLE else f"{value:,.0f}"


def load_owned(lab: Lab, facts: Facts, asked: Asked) -> Owned:
    """Return the allocation; its totals are those of :meth:`Lab.ask_allocate` over the same days."""
    answer = exact_allocation(lab, facts, asked)
    daily = exact_allocation(lab, facts, asked, grain="day")
    name = answer.totals["dimension"]
    items, sums = _in(answer, asked.currency)
    days, _ = _in(daily, asked.currency)
    rules = tuple(sums.get("shared_by", {}))
    before = [item["before"] for item in items]
    total = Change(sums.get("total", ZERO), None if None in before or not items else sum(before, ZERO))
    shown = [group for group in groups(items, [name], "total") if group.amount > 0][:SERIES]
    points, series = folded([day for day in days if day["total"]], [name], "total", shown)
    return Owned(
        total,
        sums.get("direct", ZERO),
        sums.get("shared", ZERO),
        sums.get("unallocated", ZERO),
        rules,
        tuple(_row(item, name, rules) for item in items),
        tuple(points),
        tuple(series),
        answer.data_status,
        tuple(answer.warnings),
    )


def exact_allocation(lab: Lab, facts: Facts, asked: Asked, grain: str | None = None) -> Answer:  # noqa: ARG001
    """Return the answer as ``costlab allocate`` gives it: what a download holds."""
    window = asked.window
    return lab.ask_allocate(asked.by, metric=asked.metric, grain=grain, start=window.start, end=window.end)


def load_hygiene(lab: Lab, facts: Facts, asked: Asked) -> Found:  # noqa: ARG001
    """Return what has no owner, as :meth:`Lab.ask_hygiene` tells it."""
    window = asked.window
    answer = lab.ask_hygiene(asked.by, metric=asked.metric, start=window.start, end=window.end)
    return Found(*_in(answer, asked.currency), answer.data_status, tuple(answer.warnings))


def load_unit_costs(lab: Lab, facts: Facts, asked: Asked, by: str | None, grain: str) -> Found:  # noqa: ARG001
    """Return unit costs, as :meth:`Lab.ask_unit_cost` tells them."""
    window = asked.window
    answer = lab.ask_unit_cost(by, cost=asked.metric, grain=grain, start=window.start, end=window.end)
    return Found(*_in(answer, asked.currency), answer.data_status, tuple(answer.warnings))


def as_command(asked: Asked, workspace: str, *more: str) -> str:
    """Return the command line that prints the same numbers."""
    words = ["costlab", "--workspace", workspace, "allocate", "--by", asked.by, "--metric", asked.metric, "--from",
             asked.window.start.isoformat(), "--to", asked.window.end.isoformat(), *more]  # fmt: skip
    return shlex.join(words)


def _in(answer: Answer, currency: str) -> tuple[tuple[dict[str, Any], ...], dict[str, Any]]:
    """Return the items and totals of one currency."""
    if answer.currency is not None or "by_currency" not in answer.totals:
        is_it = answer.currency in {None, currency}
        return (tuple(answer.items), answer.totals) if is_it else ((), {})
    items = tuple(item for item in answer.items if item[CURRENCY] == currency)
    return items, answer.totals["by_currency"].get(currency, {})


def _row(item: dict[str, Any], name: str, rules: tuple[str, ...]) -> dict[str, Any]:
    shared = {f"shared{place}": item["shared_by"].get(rule, ZERO) for place, rule in enumerate(rules)}
    kept = {key: item[key] for key in ("direct", "total", "share", "before", "change")}
    return {"value": item[name], **kept, **shared}
