"""What people may run with ``costlab query``: one SELECT over the published tables, no files, no settings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from costlab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from costlab.warehouse.connection import Connection, Error

TABLE_FUNCTIONS = frozenset({"unnest", "range", "generate_series", "duckdb_tables", "duckdb_columns", "duckdb_views"})
"""The table functions a query may use; all others read files, settings or text that is SQL again."""
_ALLOWED = (
    "One SELECT (also WITH, VALUES, DESCRIBE, SHOW TABLES, SUMMARIZE) over focus.*, marts.*, metrics.*, findings.*"
)


def check_query(con: Connection, sql: str) -> None:
    """Refuse everything but one reading statement over tables, judged by DuckDB's own parser.

    Raises
    ------
    UsageError
        If the text is not SQL, is more than one statement, writes, or reaches for files.
    """
    tree = json.loads(con.execute("select cast(json_serialize_sql(?) as varchar)", [sql]).fetchall()[0][0])
    if tree["error"]:
        message = tree["error_message"]
        if tree["error_type"] == "parser":
            raise UsageError(f"the query cannot be parsed: {message.splitlines()[0]}")
        raise UsageError("the query is not a SELECT", hint=_ALLOWED)
    if len(tree["statements"]) != 1:
        raise UsageError(f"the query is {len(tree['statements'])} statements", hint=_ALLOWED)
    for node in _nodes(tree):
        _check_node(node)


def _check_node(node: dict[str, Any]) -> None:
    if node.get("type") == "TABLE_FUNCTION":
        name = str(node["function"]["function_name"]).lower()
        if name not in TABLE_FUNCTIONS:
            raise UsageError(f"table function {name!r} is not allowed in a query", hint=_ALLOWED)
    if node.get("type") == "BASE_TABLE" and not node.get("schema_name"):
        name = str(node.get("table_name", ""))
        if "/" in name or name.endswith((".parquet", ".csv", ".json", ".gz", ".db", ".duckdb")):
            raise UsageError("files cannot be read in a query", hint=_ALLOWED)


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _nodes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _nodes(inner)


def explained(error: Error) -> UsageError:
    """Return a DuckDB error as a short message with its suggestion, without paths and without the SQL echoed."""
    lines = str(error).split("\n\nLINE ")[0].splitlines()
    message = lines[0].split(": ", 1)[-1]
    if "file system operations are disabled" in message or "Permission Error" in lines[0]:
        return UsageError("files cannot be read in a query", hint=_ALLOWED)
    hint = " ".join(line.strip() for line in lines[1:] if line.strip())
    return UsageError(message, hint=hint)
