"""Look into data files before they are read: what they are, and which columns they have.

File names and headers come from outside: they reach SQL only as literals and quoted identifiers, or not at all.
"""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
import zlib
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO, Final

from costlab.errors import SourceError
from costlab.interfaces.connector import FileFormat
from costlab.warehouse.connection import Error
from costlab.warehouse.parquet import literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from costlab.interfaces.connector import Snapshot, SourceFile, Transport
    from costlab.warehouse.connection import Connection

_GLOB_CHARACTERS: Final = frozenset("*?[]{}")
_DELIMITERS: Final = (",", ";", "\t", "|")
_HEADER_LIMIT: Final = 1 << 21
_SAMPLE_LINES: Final = 300
_BOM: Final = "\ufeff"
_AGAIN: Final = "Deliver or copy the file again, then run the same command"
csv.field_size_limit(_HEADER_LIMIT)  # the default refuses values of more than 128 kB


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A column as a file calls it, with DuckDB's type for it."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file on this machine, ready to be read."""

    path: str
    uri: str
    format: FileFormat
    columns: tuple[FileColumn, ...]
    gzip: bool = False
    delimiter: str = ","
    filled: frozenset[str] = frozenset()
    """CSV: columns that have a value in the first lines."""
    rows: int | None = None
    """Parquet: the rows its footer promises."""
    label: str = ""
    """What the connector says about it (``x_label``)."""


def open_files(con: Connection, snapshot: Snapshot, transport: Transport, scratch: Path) -> list[DataFile]:
    """Return the snapshot's files, fetched and looked into.

    Raises
    ------
    SourceError
        If one is empty, shorter or longer than the manifest says, or not what its name promises.
    """
    for file in snapshot.files:
        _check_size(file)
    with closing(transport.fetch([file.stored for file in snapshot.files], scratch)) as paths:
        return [
            replace(_open(con, snapshot, file, path, scratch, number), label=file.label)
            for number, (file, path) in enumerate(zip(snapshot.files, paths, strict=True))
        ]


def _check_size(file: SourceFile) -> None:
    uri = file.stored.uri
    if file.bytes is not None and file.bytes != file.stored.bytes:
        raise SourceError(f"{uri} has {file.stored.bytes} bytes, its manifest says {file.bytes}", hint=_AGAIN)
    if file.stored.bytes == 0:
        raise SourceError(f"{uri} is empty", hint=_AGAIN)


def _open(con: Connection, snapshot: Snapshot, file: SourceFile, path: Path, scratch: Path, number: int) -> DataFile:
    uri = file.stored.uri
    with path.open("rb") as handle:
        start = handle.read(4)
    if start.startswith(b"PK\x03\x04"):
        path, start = _rewrap_zip(path, scratch / f"unzipped-{number}.csv.gz"), b"\x1f\x8b"
    elif _GLOB_CHARACTERS & set(str(path)):  # DuckDB would take the name for a pattern
        link = scratch / f"linked-{number}"
        link.symlink_to(path.absolute())
        path = link
    if start == b"PAR1":
        return _parquet(con, path, uri)
    zipped = start.startswith(b"\x1f\x8b")
    if snapshot.format is FileFormat.JSONL or path.name.removesuffix(".gz").endswith((".jsonl", ".ndjson")):
        return DataFile(str(path), uri, FileFormat.JSONL, _json_columns(con, path, uri, zipped=zipped), gzip=zipped)
    return _csv(path, uri, nulls=snapshot.nulls, zipped=zipped)


def _parquet(con: Connection, path: Path, uri: str) -> DataFile:
    where = literal(str(path))
    try:
        found = con.execute(f"describe select * from read_parquet({where}, hive_partitioning=false)").fetchall()
        rows = con.execute(f"select sum(num_rows) from parquet_file_metadata({where})").fetchall()
    except Error as error:
        raise SourceError(f"{uri} is not readable Parquet: {first_line(error)}", hint=_AGAIN) from None
    columns = tuple(FileColumn(str(name), str(kind)) for name, kind, *_ in found)
    return DataFile(str(path), uri, FileFormat.PARQUET, columns, rows=int(rows[0][0]))


def _csv(path: Path, uri: str, *, nulls: Sequence[str], zipped: bool) -> DataFile:
    try:
        with path.open("rb") as raw:
            lines = _first_lines(raw, zipped=zipped)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise SourceError(f"{uri} cannot be read: {error}", hint=_AGAIN) from None
    header_line = lines[0].removeprefix(_BOM) if lines else ""
    if not header_line.strip():
        raise SourceError(f"{uri} has no header line", hint=_AGAIN)
    delimiter = max(_DELIMITERS, key=header_line.count)
    rows = csv.reader(lines, delimiter=delimiter)
    header = [name.strip() for name in next(rows)]
    header[0] = header[0].removeprefix(_BOM).strip('"')
    filled = {name for row in rows for name, value in zip(header, row, strict=False) if value not in nulls}
    columns = tuple(FileColumn(name, "VARCHAR") for name in header)
    return DataFile(str(path), uri, FileFormat.CSV, columns, zipped, delimiter, frozenset(filled))


def _first_lines(raw: BinaryIO, *, zipped: bool) -> list[str]:
    """Return the header and some lines; never more than a few megabytes, whatever the file unfolds to."""
    stream = gzip.GzipFile(fileobj=raw) if zipped else raw
    content = stream.read(_HEADER_LIMIT)
    text = content.decode("utf-8", errors="replace")
    lines = io.StringIO(text, newline="").readlines()
    if len(content) == _HEADER_LIMIT and len(lines) > 1:
        lines.pop()  # cut short
    return lines[: _SAMPLE_LINES + 1]


def _json_columns(con: Connection, path: Path, uri: str, *, zipped: bool) -> tuple[FileColumn, ...]:
    packing = "gzip" if zipped else "uncompressed"
    sql = (
        "select distinct name from (select unnest(json_keys(json)) as name "
        f"from read_ndjson_objects({literal(str(path))}, compression='{packing}')) as keys order by name"
    )
    try:
        return tuple(FileColumn(str(name), "VARCHAR") for (name,) in con.execute(sql).fetchall())
    except Error as error:
        raise SourceError(f"{uri} is not JSON lines: {first_line(error)}", hint=_AGAIN) from None


def _rewrap_zip(path: Path, target: Path) -> Path:
    """Return a gzip file with the bytes of a ZIP's one member, without inflating them: both hold a deflate stream."""
    with zipfile.ZipFile(path) as archive:
        members = [m for m in archive.infolist() if not m.is_dir()]
        if len(members) != 1 or members[0].compress_type != zipfile.ZIP_DEFLATED:
            raise SourceError(f"{path} does not hold exactly one compressed file", hint="Unpack it and name the file")
        member = members[0]
    with path.open("rb") as source, target.open("wb") as gz:
        source.seek(member.header_offset + 26)
        name_length, extra_length = (int.from_bytes(source.read(2), "little") for _ in range(2))
        source.seek(member.header_offset + 30 + name_length + extra_length)
        gz.write(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff")
        left = member.compress_size
        while left and (chunk := source.read(min(left, 1 << 20))):
            gz.write(chunk)
            left -= len(chunk)
        gz.write(member.CRC.to_bytes(4, "little") + (member.file_size % (1 << 32)).to_bytes(4, "little"))
    return target


def first_line(error: Exception) -> str:
    """Return the first line of an error's text without its class's prefix."""
    return str(error).strip().splitlines()[0].removeprefix("IO Error: ").removeprefix("Invalid Input Error: ")
