"""Conditions as the explorer, the command line and the URL write them, made from values of a bill."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from costlab.lab.where import TAGS, parse_condition
from costlab.warehouse.parquet import literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def condition(column: str, values: Sequence[str | None]) -> str:
    """Return the SQL expression that the column has one of the values; None is null.

    >>> condition("ServiceName", ["a", "b"]), condition("Tags.cost-center", [None])
    ("ServiceName in ('a', 'b')", 'Tags."cost-center" is null')
    """
    name = _column(column)
    texts = [value for value in values if value is not None]
    parts = [f"{name} is null"] if len(texts) < len(values) else []
    if len(texts) == 1:
        parts.insert(0, f"{name} = {literal(texts[0])}")
    elif texts:
        parts.insert(0, f"{name} in ({', '.join(literal(text) for text in texts)})")
    return parts[0] if len(parts) == 1 else f"({' or '.join(parts)})" if parts else "false"


def all_of(*parts: str | None) -> str | None:
    """Return the conjunction of the conditions that are there; None when none is."""
    given = [part for part in parts if part]
    return " and ".join(given) if given else None


def scope_condition(scope: Mapping[str, str | Sequence[str] | None]) -> str | None:
    """Return the condition of an incident's scope; None for everything."""
    return all_of(
        *(
            condition(column, [value] if value is None or isinstance(value, str) else list(value))
            for column, value in scope.items()
        )
    )


def filter_text(column: str, value: str | None) -> str:
    """Return a filter as it stands in the URL: ``Column:value``, ``Column`` alone for null."""
    return column if value is None else f"{column}:{value}"


def read_filter(text: str, columns: Sequence[str]) -> tuple[str, str | None] | None:
    """Return column and value of :func:`filter_text`; None when the column is not one of ``columns``."""
    column, colon, value = text.partition(":")
    known = {name.lower(): name for name in columns}
    if column.lower() not in known:
        return None
    return known[column.lower()], value if colon else None


def filters_condition(filters: Sequence[tuple[str, str | None]]) -> str | None:
    """Return the condition of several filters: values of one column are alternatives."""
    by_column: dict[str, list[str | None]] = {}
    for column, value in filters:
        by_column.setdefault(column, []).append(value)
    return all_of(*(condition(column, values) for column, values in by_column.items()))


def as_command(
    by: Sequence[str], metric: str, grain: str, start: date, end: date, where: str | None, workspace: str
) -> str:
    """Return the command line that prints the same numbers."""
    words = ["costlab", "--workspace", workspace, "cost", "--by", ",".join(by) or "BillingCurrency", "--metric", metric]
    words += ["--grain", grain] if grain != "total" else []
    words += ["--from", start.isoformat(), "--to", end.isoformat()]
    words += ["--where", where] if where else []
    return shlex.join(words)


def as_sql(by: Sequence[str], metric: str, grain: str, start: date, end: date, where: str | None) -> str:
    """Return the SQL over ``focus.costs`` that gives the same numbers, for ``costlab query``.

    Raises
    ------
    UsageError
        If ``where`` is not a condition over columns of ``focus.costs``.
    """
    groups = [(_sql_column(name), name) for name in dict.fromkeys([*by, "BillingCurrency"])]
    if grain != "total":
        pattern = "%Y-%m-%d" if grain == "day" else "%Y-%m"
        groups.insert(0, (f"strftime(ChargePeriodStart, '{pattern}')", "period"))
    listed = "".join(f"    {sql} as {_quoted(name)},\n" for sql, name in groups)
    extra = f"\n    and ({parse_condition(where).sql(_tag)})" if where else ""
    order = "period, " if grain != "total" else ""
    return (
        f"select\n{listed}    sum({metric}) as {metric}\nfrom focus.costs\n"
        f"where\n    ChargePeriodStart >= '{start}'\n    and ChargePeriodStart < '{end}'{extra}\n"
        f"group by {', '.join(sql for sql, _ in groups)}\norder by {order}{metric} desc nulls last"
    )


def _column(name: str) -> str:
    if not name.startswith(f"{TAGS}."):
        return name
    key = name.removeprefix(f"{TAGS}.")
    return f"{TAGS}.{key}" if _PLAIN_KEY.fullmatch(key) else f"{TAGS}.{_quoted(key)}"


def _sql_column(name: str) -> str:
    return _tag(name.removeprefix(f"{TAGS}.")) if name.startswith(f"{TAGS}.") else name


def _tag(key: str) -> str:
    return f"tag(Tags, {literal(key)})"


def _quoted(name: str) -> str:
    return name if _PLAIN_KEY.fullmatch(name) else '"' + name.replace('"', '""') + '"'
