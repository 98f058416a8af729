"""Somebody's own SQL: run it, and give the rows names that are unique and values that can be written out."""

from __future__ import annotations

import math
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costlab.warehouse.relations import Database


def run(
    db: Database, sql: str, params: Sequence[Any] | dict[str, Any] | None
) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the column names and one dictionary per row of one SELECT.

    Raises
    ------
    UsageError
        If it is not one SELECT over tables, or fails.
    """
    result = db.query(sql, params)
    names = unique(result.columns)
    return names, [{name: plain_value(value) for name, value in zip(names, row, strict=True)} for row in result.rows]


def unique(names: Sequence[str]) -> list[str]:
    """Return the names, numbered where one comes again (``a``, ``a_1``)."""
    taken: set[str] = set()
    found: list[str] = []
    for name in names:
        candidate, number = name, 0
        while candidate in taken:
            number += 1
            candidate = f"{name}_{number}"
        taken.add(candidate)
        found.append(candidate)
    return found


def plain_value(value: Any) -> Any:
    """Return a value of DuckDB as one that JSON can carry: naive UTC instants, no NaN, no bytes."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case datetime():
            return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        case bytes() | bytearray():
            return bytes(value).hex()
        case time() | timedelta() | UUID():
            return str(value)
        case dict():
            return {str(key): plain_value(inner) for key, inner in value.items()}
        case list() | tuple():
            return [plain_value(inner) for inner in value]
        case _:
            return value
