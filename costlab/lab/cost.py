"""The explorer: cost by any column, over any days, at any grain, and the same total whatever the route."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from costlab.errors import UnknownValue, UsageError
from costlab.focus.columns import COSTS
from costlab.lab.route import Route, quoted, route
from costlab.lab.where import TAGS, Condition, canonical_column, parse_condition
from costlab.warehouse.connection import Error
from costlab.warehouse.guard import explained

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costlab.lab.window import Window
    from costlab.warehouse.relations import Database

CURRENCY = "BillingCurrency"
PERIOD = "period"


class Grain(StrEnum):
    """How a window is cut."""

    DAY = "day"
    MONTH = "month"
    TOTAL = "total"


_PERIOD_SQL = {Grain.DAY: "strftime({day}, '%Y-%m-%d')", Grain.MONTH: "strftime({day}, '%Y-%m')"}


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: group by ``by``, sum ``metric``, per ``grain``, where ``condition`` holds."""

    by: tuple[str, ...]
    metric: str
    grain: Grain
    condition: Condition | None = None

    @property
    def tag_keys(self) -> frozenset[str]:
        """The tag keys that are read."""
        keys = frozenset(name.removeprefix(f"{TAGS}.") for name in self.by if name.startswith(f"{TAGS}."))
        return keys | (self.condition.tag_keys if self.condition else frozenset())

    @property
    def columns(self) -> frozenset[str]:
        """The columns that are read besides tags, the day and the metric."""
        plain = frozenset(name for name in self.by if not name.startswith(f"{TAGS}."))
        return plain | {CURRENCY} | (self.condition.columns if self.condition else frozenset())


@dataclass(frozen=True, slots=True)
class Costs:
    """The groups in order: by period, then largest first; and which table they come from."""

    columns: list[str]
    items: list[dict[str, Any]]
    totals: dict[str, Decimal]
    """Per currency."""
    table: str


def question(by: str | Sequence[str], metric: str, grain: str | None, where: str | None) -> Question:
    """Return the checked question; names are taken without regard to case.

    Raises
    ------
    UsageError
        If a column, metric or grain is unknown (naming the nearest), or ``where`` is not an expression.
    """
    names = by.split(",") if isinstance(by, str) else by
    columns = tuple(dict.fromkeys(_column(name.strip()) for name in names if name.strip()))
    known = {name.lower(): name for name in COSTS}
    if metric.lower() not in known:
        raise UnknownValue("metric", metric, COSTS)
    if known[metric.lower()] in columns:
        raise UsageError(f"cannot group by the metric {metric!r} itself")
    if grain is not None and grain not in set(Grain):
        raise UnknownValue("grain", grain, Grain)
    condition = parse_condition(where) if where else None
    return Question(columns, known[metric.lower()], Grain(grain or Grain.TOTAL), condition)


def ask(db: Database, asked: Question, window: Window) -> Costs:
    """Return one item per group and currency in the window (days by ChargePeriodStart).

    Raises
    ------
    UsageError
        If the condition is not boolean, or compares what cannot be compared.
    """
    way = route(db, asked.columns, asked.tag_keys, asked.metric)
    if asked.condition:
        _check_boolean(db, asked.condition, way)
    sql, names = _sql(asked, way)
    try:
        rows = db.result(sql, {"start": window.start, "end": window.end}).rows
    except Error as error:
        raise explained(error) from None
    items = [dict(zip(names, row, strict=True)) for row in rows]
    totals: dict[str, Decimal] = {}
    for item in items:
        currency = item[CURRENCY]
        totals[currency] = totals.get(currency, Decimal(0)) + (item[asked.metric] or Decimal(0))
    if len(totals) <= 1 and CURRENCY not in asked.by:
        names.remove(CURRENCY)
        for item in items:
            del item[CURRENCY]
    return Costs(names, items, totals, way.table)


def _sql(asked: Question, way: Route) -> tuple[str, list[str]]:
    groups = {name: _group_sql(name, way) for name in asked.by}
    if CURRENCY not in groups:
        groups[CURRENCY] = CURRENCY
    if asked.grain is not Grain.TOTAL:
        groups = {PERIOD: _PERIOD_SQL[asked.grain].format(day=way.day), **groups}
    conditions = [f"{way.day} >= $start", f"{way.day} < $end"]
    if way.condition:
        conditions.append(way.condition)
    if asked.condition:
        conditions.append(f"({asked.condition.sql(way.tag_sql)})")
    listed = ",\n    ".join(f"{sql} as {quoted(name)}" for name, sql in groups.items())
    order = [f"{PERIOD}"] if PERIOD in groups else []
    order += [f"{quoted(asked.metric)} desc nulls last", *(quoted(name) for name in groups if name != PERIOD)]
    sql = (
        f"select\n    {listed},\n    sum(costs.{asked.metric}) as {quoted(asked.metric)}\n"
        f"from {way.table} as costs\nwhere {' and '.join(conditions)}\n"
        f"group by {', '.join(groups.values())}\norder by {', '.join(order)}"
    )
    return sql, [*groups, asked.metric]


def _group_sql(name: str, way: Route) -> str:
    if name.startswith(f"{TAGS}."):
        return way.tag_sql(name.removeprefix(f"{TAGS}."))
    return quoted(name)


def _check_boolean(db: Database, condition: Condition, way: Route) -> None:
    text = condition.sql(way.tag_sql)
    try:
        described = db.result(f"describe select ({text}) as x from {way.table}").rows
    except Error as error:
        raise explained(error) from None
    if described[0][1] != "BOOLEAN":
        raise UsageError(f"--where gives {described[0][1]}, not true or false", hint="Compare it: ... = 'value'")


def _column(name: str) -> str:
    head, dot, key = name.partition(".")
    if dot and head.lower() == TAGS.lower() and key:
        return f"{TAGS}.{key}"
    return canonical_column(name)
