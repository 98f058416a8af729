"""What a table shows of an answer: some items have thirty fields, a terminal has room for eight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from costlab.report.text import amount, cell, is_number, visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from costlab.answer import Answer

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: its heading and the value it takes from an item."""

    heading: str
    value: Callable[[Item], Any]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table ready to be laid out: headings, rows of text, and which columns are numbers."""

    headings: list[str]
    rows: list[list[str]]
    numeric: list[bool]
    footer: list[str]


def grid(answer: Answer) -> Grid:
    """Return the table of an answer, as text safe for a terminal."""
    columns = _VIEWS[answer.name]() if answer.name in _VIEWS else _all(answer)
    values = [[column.value(item) for column in columns] for item in answer.items]
    exact = answer.name == "query"
    return Grid(
        headings=[visible(column.heading) for column in columns],
        rows=[[cell(value, exact=exact) for value in row] for row in values],
        numeric=[all(is_number(row[i]) or row[i] is None for row in values) for i in range(len(columns))],
        footer=_footer(answer),
    )


def _all(answer: Answer) -> list[Column]:
    return [_field(name) for name in answer.columns]


def _field(name: str, heading: str = "") -> Column:
    return Column(heading or name, lambda item: item.get(name))


def _scope(item: Item) -> str:
    scope: dict[str, Any] = item.get("scope") or {}
    return ", ".join(f"{key}={cell(value) or '(none)'}" for key, value in scope.items()) or "everything"


def _resource(item: Item) -> Any:
    return item.get("resource_name") or item.get("resource_id")


def _causes(item: Item) -> str:
    causes: list[Item] = item.get("causes") or []
    return "; ".join(f"{_scope(cause)} {amount(cause['impact'])}" for cause in causes[:2])


def _recommend() -> list[Column]:
    return [
        _field("monthly_saving", "saving/month"),
        _field("monthly_cost", "cost/month"),
        _field("kind"),
        _field("title"),
        Column("resource", _resource),
        _field("region_id", "region"),
        _field("confidence"),
        _field("effort"),
    ]


def _anomalies() -> list[Column]:
    return [
        _field("impact"),
        _field("kind"),
        _field("direction"),
        _field("start"),
        _field("end"),
        Column("scope", _scope),
        _field("severity"),
        Column("causes", _causes),
    ]


_VIEWS: dict[str, Callable[[], list[Column]]] = {"recommend": _recommend, "anomalies": _anomalies}


def _footer(answer: Answer) -> list[str]:
    unit = f" {answer.currency}" if answer.currency else ""
    lines: list[str] = []
    totals = answer.totals
    days = f"  ({totals['from']} to {totals['to']}, exclusive)" if "from" in totals and "to" in totals else ""
    for name, value in totals.items():
        if is_number(value):
            lines.append(f"total {name}: {cell(value)}{unit if not isinstance(value, int) else ''}{days}")
    for currency, amounts in totals.get("by_currency", {}).items():
        lines.extend(f"total {name}: {cell(value)} {currency}{days}" for name, value in amounts.items())
    return lines
