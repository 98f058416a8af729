"""What columns files have, read from the files themselves: Parquet schemas, CSV header lines, JSON keys."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

from costlab.errors import SourceError
from costlab.interfaces.connector import FileFormat
from costlab.warehouse.parquet import literal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from costlab.warehouse.connection import Connection

_GZIP = b"\x1f\x8b"
_HEAD = 1 << 20
_SAMPLE_LINES = 1000
_AGAIN = "Copy the file again; if it is broken at its source, wait for the next delivery"


@dataclass(frozen=True, slots=True)
class Layout:
    """How the rows of a file lie: its format, compression and columns with their types (CSV: all VARCHAR)."""

    format: FileFormat
    gzipped: bool
    columns: tuple[tuple[str, str], ...]
    delimiter: str = ","


def layouts(con: Connection, paths: Iterable[Path], kind: FileFormat) -> dict[Layout, list[Path]]:
    """Return the files grouped by layout.

    Raises
    ------
    SourceError
        If a file is empty, truncated or not of its format.
    """
    groups: dict[Layout, list[Path]] = {}
    for path in paths:
        groups.setdefault(_layout(con, path, kind), []).append(path)
    return groups


def _layout(con: Connection, path: Path, kind: FileFormat) -> Layout:
    if path.stat().st_size == 0:
        raise SourceError(f"{path} is empty", hint=_AGAIN)
    if kind is FileFormat.PARQUET:
        return Layout(kind, gzipped=False, columns=_parquet_columns(con, path))
    with path.open("rb") as stream:
        gzipped = stream.read(2) == _GZIP
    text = _head(path, gzipped=gzipped)
    if kind is FileFormat.JSONL:
        return Layout(kind, gzipped, tuple((name, "VARCHAR") for name in _json_keys(path, text)))
    delimiter, names = _csv_header(path, text)
    return Layout(kind, gzipped, tuple((name, "VARCHAR") for name in names), delimiter)


def _parquet_columns(con: Connection, path: Path) -> tuple[tuple[str, str], ...]:
    from costlab.warehouse.connection import Error

    try:
        rows = con.execute(f"describe select * from read_parquet([{literal(str(path))}], hive_partitioning=false)")
        return tuple((str(name), str(kind)) for name, kind, *_ in rows.fetchall())
    except Error as error:
        raise SourceError(f"{path} is not a whole Parquet file: {first_line(error)}", hint=_AGAIN) from None


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text."""
    return str(error).strip().split("\n", 1)[0][:300]


def _head(path: Path, *, gzipped: bool) -> str:
    with path.open("rb") as stream:
        opened = cast("BinaryIO", gzip.GzipFile(fileobj=stream)) if gzipped else stream
        try:
            raw = opened.read(_HEAD)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise SourceError(f"{path} is not a whole gzip file: {error}", hint=_AGAIN) from None
    if not raw.strip():
        raise SourceError(f"{path} is empty", hint=_AGAIN)
    return raw.decode("utf-8-sig", errors="replace")


def _csv_header(path: Path, text: str) -> tuple[str, list[str]]:
    line = text.split("\n", 1)[0]
    delimiter = max(",;\t|", key=line.count)
    names = next(csv.reader(io.StringIO(text), delimiter=delimiter), [])
    if not any(name.strip() for name in names):
        raise SourceError(f"{path} has no header line", hint=_AGAIN)
    return delimiter, _distinct([name.strip() for name in names])


def _distinct(names: list[str]) -> list[str]:
    """Return the names with repeats told apart: of two equal columns the first counts."""
    seen: dict[str, int] = {}
    out: list[str] = []
    for index, name in enumerate(names):
        key = name.lower()
        out.append(f"x_repeated_{index}_{name}" if key in seen or not name else name)
        seen[key] = index
    return out


def _json_keys(path: Path, text: str) -> list[str]:
    names: dict[str, None] = {}
    for line in text.splitlines()[:_SAMPLE_LINES]:
        try:
            row = json.loads(line)
        except ValueError:
            continue  # the last line of the sample may be cut; DuckDB reports a line that really is broken
        if isinstance(row, dict):
            names.update(dict.fromkeys(row))
    if not names:
        raise SourceError(f"{path} holds no JSON objects, one on a line", hint=_AGAIN)
    return list(names)
