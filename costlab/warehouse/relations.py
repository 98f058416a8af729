"""Read access to a catalogue file for analyzers, the facade and people's own SQL."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

from costlab.errors import DataError
from costlab.warehouse.connection import Error, connect
from costlab.warehouse.guard import check_query, explained
from costlab.warehouse.parquet import literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pandas import DataFrame

    from costlab.warehouse.connection import Connection


_OPENING = Lock()
"""Handles on one file share its settings within a process: only the first may lock them."""


@dataclass(frozen=True, slots=True)
class Result:
    """The rows of a query as tuples, with names and DuckDB types of the columns."""

    columns: list[str]
    types: list[str]
    rows: list[tuple[Any, ...]]

    def dicts(self) -> list[dict[str, Any]]:
        """Return one dictionary per row; money as ``Decimal``, instants as naive UTC."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class Database:
    """A read-only catalogue; implements :class:`costlab.interfaces.analyzer.Relations`.

    The connection may read Parquet files below the workspace's lake and nothing else on this machine, and cannot be
    talked out of that. Each thread needs its own :meth:`cursor`.
    """

    def __init__(self, connection: Connection) -> None:
        self._con = connection

    @classmethod
    def open(cls, path: Path, workspace: Path) -> Self:
        """Return the catalogue in ``path`` whose views read files of ``workspace``.

        Raises
        ------
        DataError
            If the file cannot be opened, for example because a newer DuckDB wrote it.
        """
        try:
            with _OPENING:
                con = connect(path, read_only=True, search_path=workspace)
                _lock_down(con, path, workspace)
        except Error as error:
            reason = str(error).splitlines()[0]
            raise DataError(
                f"the catalogue {path.name} cannot be opened: {reason}",
                hint="Run `costlab ingest` to build it again; the loaded bills are not affected",
            ) from None
        return cls(con)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the file."""
        self._con.close()

    def cursor(self) -> Self:
        """Return another handle on the same data, for another thread."""
        return type(self)(self._con.cursor())

    def result(self, sql: str, params: Sequence[Any] | dict[str, Any] | None = None) -> Result:
        """Return rows, column names and types of a query."""
        cursor = self._con.execute(sql, params)
        description = cursor.description or []
        return Result(
            [column[0] for column in description], [str(column[1]) for column in description], cursor.fetchall()
        )

    def rows(self, sql: str, params: Sequence[Any] | dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return the rows of a query; money as ``Decimal``, instants as naive UTC."""
        return self.result(sql, params).dicts()

    def frame(self, sql: str, params: Sequence[Any] | dict[str, Any] | None = None) -> DataFrame:
        """Return the rows of a query as a DataFrame for numeric work; DECIMAL becomes float64."""
        return self._con.execute(sql, params).df()

    def query(self, sql: str, params: Sequence[Any] | dict[str, Any] | None = None) -> Result:
        """Return the result of somebody's own SQL.

        Raises
        ------
        UsageError
            If it is anything but one SELECT over tables, or fails; with DuckDB's suggestion.
        """
        check_query(self._con, sql)
        try:
            return self.result(sql, params)
        except Error as error:
            raise explained(error) from None


def _lock_down(con: Connection, path: Path, workspace: Path) -> None:
    locked = con.execute("select current_setting('lock_configuration')").fetchall()[0][0]
    if locked:
        return  # another handle of this process on the same file has done it
    # views name files relative to the workspace: DuckDB checks the name as written, then as found
    allowed = ["lake/", f"{workspace.absolute()}/lake/", f"{path.absolute().with_suffix('.marts')}/"]
    con.execute(f"set allowed_directories=[{', '.join(literal(folder) for folder in allowed)}]")
    con.execute("set python_enable_replacements=false")
    con.execute("set enable_external_access=false")
    con.execute("set lock_configuration=true")
