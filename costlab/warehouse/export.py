"""Write the result of a query to a file that appears only when it is whole."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from costlab.errors import DataError, UsageError
from costlab.focus.export import Form, export_sql
from costlab.warehouse.catalogue import current
from costlab.warehouse.connection import connect
from costlab.warehouse.parquet import literal

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from costlab.period import Month
    from costlab.warehouse.connection import Connection

_ROWS_PER_GROUP = 122_880
_OPTIONS = {
    Form.PARQUET: f"format parquet, compression zstd, row_group_size {_ROWS_PER_GROUP}",
    Form.CSV: "format csv, header true, delimiter ',', quote '\"', escape '\"', nullstr ''",
}


def export_focus(workspace: Path, version: str, target: Path, *, period: Month | None = None) -> int:
    """Write the charges of the published catalogue as a FOCUS file and return their number.

    The file's ending says the form: ``.parquet``, ``.csv`` or ``.csv.gz``. An existing file is replaced, but only when
    the new one is whole.

    Raises
    ------
    UsageError
        If the ending is another, or the folder does not exist.
    UnknownValue
        If the version cannot be exported.
    DataError
        If nothing is published, or the billing period has no charges.
    """
    form = _form(target)
    generation = current(workspace)
    if generation is None:
        raise DataError(f"nothing is loaded in {workspace}", hint="Run `costlab ingest` or `costlab demo`")
    sql = export_sql(version, form=form, period=period)
    con = connect(search_path=workspace)
    try:
        con.execute(f"attach {literal(str(generation.path))} as published (read_only)")
        con.execute("use published")
        with _replaced(target) as temporary:
            rows = _copy(con, sql, temporary, form)
            if not rows:
                raise DataError(
                    f"no charges in billing period {period}" if period else "no charges", hint="See `costlab sources`"
                )
    finally:
        con.close()
    return rows


def _form(target: Path) -> Form:
    name = target.name.lower()
    if name.endswith(".parquet"):
        return Form.PARQUET
    if name.endswith((".csv", ".csv.gz")):
        return Form.CSV
    raise UsageError(f"cannot write {target.name!r}", hint="End the name in .parquet, .csv or .csv.gz")


def _copy(con: Connection, sql: str, target: Path, form: Form) -> int:
    gzip = ", compression gzip" if form is Form.CSV and ".csv.gz" in target.name.lower() else ""
    result = con.execute(f"copy ({sql}) to {literal(str(target))} ({_OPTIONS[form]}{gzip})")
    return int(result.fetchall()[0][0])


@contextlib.contextmanager
def _replaced(target: Path) -> Generator[Path]:
    """Yield a name beside the target; what is there afterwards takes the target's place at once."""
    if not target.parent.is_dir():
        raise UsageError(f"no such folder: {target.parent}", hint="Make it first")
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
