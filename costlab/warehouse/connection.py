"""The one place that opens DuckDB.

Only what is inside the wheel is used (json, parquet, icu); nothing is ever downloaded. The session zone is UTC.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import duckdb

from costlab.errors import ConfigError

Connection = duckdb.DuckDBPyConnection
Error = duckdb.Error
THREADS = 2
MEMORY_LIMIT = "1GB"


def connect(
    path: Path | None = None,
    *,
    read_only: bool = False,
    search_path: Path | None = None,
    memory_limit: str = MEMORY_LIMIT,
    threads: int = THREADS,
) -> Connection:
    """Return a connection to a database file, or to a private one in memory.

    Parameters
    ----------
    search_path
        The folder that relative file names in views are looked up in (the workspace).

    Raises
    ------
    ConfigError
        If DuckDB would take the name of that folder for a list or a pattern.
    """
    config: dict[str, Any] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "preserve_insertion_order": "false",
        "memory_limit": memory_limit,
        "threads": str(threads),
        "temp_directory": str(Path(tempfile.gettempdir()) / "costlab-spill"),
    }
    if search_path is not None:
        config["file_search_path"] = _plain_folder(search_path)
    con = duckdb.connect(str(path) if path else ":memory:", read_only=read_only, config=config)
    # not accepted as start-up configuration; global, so that cursors have it; not repeated, as readers lock it
    if con.execute("select current_setting('TimeZone')").fetchall() != [("UTC",)]:
        con.execute("set global TimeZone = 'UTC'")
    # a query of more than two seconds would draw it into the data on standard output; a second handle on a catalogue
    # cannot be changed any more, and has a progress bar in interactive sessions only
    drawn = "select current_setting('enable_progress_bar') and not current_setting('lock_configuration')"
    if con.execute(drawn).fetchall() == [(True,)]:
        con.execute("set enable_progress_bar = false")
    return con


def _plain_folder(folder: Path) -> str:
    path = str(folder.absolute())
    odd = sorted(set(path) & set(",*?[]"))
    if odd:
        raise ConfigError(f"the workspace {path!r} has {' '.join(odd)} in its name", hint="Rename or move the folder")
    return path
