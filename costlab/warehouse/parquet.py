"""Typed SQL over explicit lists of Parquet files, whatever columns older files lack."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from costlab.warehouse.connection import Connection


def literal(text: str) -> str:
    """Return ``text`` as a SQL string literal; for places where DuckDB takes no parameter (views, COPY)."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return ``name`` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def file_list(paths: Iterable[str]) -> str:
    """Return a ``read_parquet`` call on exactly these files."""
    listed = ", ".join(literal(path) for path in paths)
    # the lake's folders look like hive partitions; their values are columns of the files already
    return f"read_parquet([{listed}], hive_partitioning=false)"


def empty_select(types: Mapping[str, str]) -> str:
    """Return a SELECT with these columns and no rows."""
    columns = ", ".join(f"cast(null as {kind}) as {identifier(name)}" for name, kind in types.items())
    return f"select {columns} where false"


def typed_select(con: Connection, groups: Sequence[tuple[Sequence[str], str]], types: Mapping[str, str]) -> str:
    """Return a SELECT of the columns ``types`` over groups of files.

    Parameters
    ----------
    groups
        (files written together, condition on their rows or "") pairs.
    types
        Column names and DuckDB types. A column that the files of a group lack is a typed NULL, so files
        written before a column existed stay readable.
    """
    filled = [(paths, condition) for paths, condition in groups if paths]
    if not filled:
        return empty_select(types)
    present = _columns_of(con, [paths[0] for paths, _ in filled])
    merged: dict[tuple[frozenset[str], str], list[str]] = {}
    for paths, condition in filled:
        merged.setdefault((present[paths[0]], condition), []).extend(paths)
    return " union all ".join(
        _select(types, columns, paths, condition) for (columns, condition), paths in merged.items()
    )


def _select(types: Mapping[str, str], present: frozenset[str], paths: Sequence[str], condition: str) -> str:
    columns = ", ".join(
        identifier(name) if name in present else f"cast(null as {kind}) as {identifier(name)}"
        for name, kind in types.items()
    )
    where = f" where {condition}" if condition else ""
    return f"select {columns} from {file_list(paths)}{where}"


def _columns_of(con: Connection, paths: Sequence[str]) -> dict[str, frozenset[str]]:
    listed = ", ".join(literal(path) for path in paths)
    rows = con.execute(f"select file_name, name from parquet_schema([{listed}])").fetchall()
    found: dict[str, set[str]] = {}
    for file_name, name in rows:
        found.setdefault(str(file_name), set()).add(str(name))
    # DuckDB answers with the path it found below the workspace
    return {path: frozenset(next(names for file, names in found.items() if file.endswith(path))) for path in paths}
