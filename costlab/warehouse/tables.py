"""Tables that people hand over as files: CSV or Parquet, typed strictly, read whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costlab.errors import SourceError, UsageError
from costlab.warehouse.connection import Error, connect
from costlab.warehouse.parquet import identifier, literal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from pandas import DataFrame

    from costlab.warehouse.connection import Connection

_READERS = {
    ".csv": "read_csv({}, header=true, all_varchar=true, delim=',', quote='\"')",
    ".parquet": "read_parquet({})",
}
_STORED = {"TIMESTAMP": ("TIMESTAMP",), "DOUBLE": ("DOUBLE", "FLOAT", "DECIMAL", "BIGINT", "INTEGER"), "VARCHAR": ()}
_CATEGORIES = 30_000
"""Distinct texts above which a column is not worth a dictionary."""
_EXAMPLES = {"TIMESTAMP": "times as 2026-01-31T00:00:00Z", "DOUBLE": "plain numbers, for example 0.096"}


def read_table(path: Path, types: Mapping[str, str], *, optional: Collection[str] = ()) -> DataFrame:
    """Return the columns ``types`` of a file; instants in UTC, texts as categories, optional ones where present.

    Raises
    ------
    UsageError
        If there is no such file, it is neither CSV nor Parquet, a column is missing, or a value is not of its type.
    SourceError
        If the file cannot be read.
    """
    ending = path.suffix.lower()
    if not path.is_file():
        raise UsageError(f"there is no file {path}", hint="Give the path of a CSV or Parquet file")
    if ending not in _READERS:
        raise UsageError(f"{path.name} is neither CSV nor Parquet", hint="Name it .csv or .parquet")
    source = _READERS[ending].format(literal(str(path)))
    con = connect()
    try:
        described = con.execute(f"describe select * from {source}").fetchall()
        present = {row[0].lower(): (str(row[0]), str(row[1])) for row in described}
        wanted = {name: kind for name, kind in types.items() if name in present or name not in optional}
        _check_columns(path, [name for name in wanted if name not in present], types, optional)
        loaded = ", ".join(f"{_loaded(*present[name], kind)} as {identifier(name)}" for name, kind in wanted.items())
        con.execute(f"create temp table given as select {loaded} from {source}")
        for name, kind in wanted.items():
            _check_values(con, path, name, kind)
        return con.execute(f"select {', '.join(_column(con, *item) for item in wanted.items())} from given").df()
    except Error as error:
        raise SourceError(f"{path.name} cannot be read: {str(error).splitlines()[0]}",
                          hint="Write it anew as CSV or Parquet") from None  # fmt: skip
    finally:
        con.close()


def _check_columns(path: Path, missing: list[str], types: Mapping[str, str], optional: Collection[str]) -> None:
    if missing:
        valid = ", ".join(f"[{name}]" if name in optional else name for name in types)
        raise UsageError(f"{path.name} lacks the column {', '.join(missing)}", hint=f"Valid columns: {valid}")


def _loaded(name: str, stored: str, kind: str) -> str:
    """Return a column as stored where its type is one already, else as trimmed text."""
    if stored.startswith(_STORED[kind]):
        return identifier(name)
    return f"nullif(trim(cast({identifier(name)} as varchar)), '')"


def _cast(name: str, kind: str) -> str:
    if kind == "TIMESTAMP":
        # with an offset or without: through TIMESTAMPTZ, or the offset would be dropped in silence
        return f"cast(try_cast({identifier(name)} as timestamptz) at time zone 'UTC' as timestamp)"
    return f"try_cast({identifier(name)} as {kind})"


def _check_values(con: Connection, path: Path, name: str, kind: str) -> None:
    column = identifier(name)
    bad = con.execute(
        f"select {column} from given where {column} is not null and {_cast(name, kind)} is null limit 1"
    ).fetchall()
    if bad:
        raise UsageError(f"{path.name}, column {name}: cannot read {bad[0][0]!r}", hint=f"Write {_EXAMPLES[kind]}")


def _column(con: Connection, name: str, kind: str) -> str:
    """Return a column's expression; texts become categories, few of which stand in millions of rows."""
    column = identifier(name)
    if kind != "VARCHAR":
        return f"{_cast(name, kind)} as {column}"
    distinct = f"select distinct {column} from given where {column} is not null"
    count = con.execute(f"select count(*) from ({distinct})").fetchall()[0][0]
    if not 0 < count < _CATEGORIES:
        return column
    con.execute(f"create type {identifier('of ' + name)} as enum ({distinct} order by 1)")
    return f"cast({column} as {identifier('of ' + name)}) as {column}"
