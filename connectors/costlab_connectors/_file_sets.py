"""Sets of data files without a vendor's manifest: one file, a folder or a glob, all in one format."""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from costlab.errors import SourceError
from costlab.interfaces.connector import FileFormat, SourceFile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from costlab.interfaces.connector import StoredObject, Transport

_SUFFIXES = {
    ".parquet": FileFormat.PARQUET,
    ".csv": FileFormat.CSV,
    ".csv.gz": FileFormat.CSV,
    ".jsonl": FileFormat.JSONL,
    ".jsonl.gz": FileFormat.JSONL,
    ".ndjson": FileFormat.JSONL,
    ".ndjson.gz": FileFormat.JSONL,
    ".json": FileFormat.JSONL,
    ".json.gz": FileFormat.JSONL,
}
_NOT_DATA = "manifest.json"
_OTHER_DATASETS = ("contractcommitment", "invoicedetail", "billingperiod")
"""FOCUS data sets that come beside costs and usage, by their names in file names."""
_NUMBER = re.compile(r"^(\d{8,}(?:[-_]\d+)?)\.csv(?:\.gz)?$")
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class FileSet:
    """Data files that belong together; ``snapshot_id`` changes when one of them does."""

    files: tuple[SourceFile, ...]
    format: FileFormat
    snapshot_id: str


def find_files(transport: Transport, uri: str, *, formats: Iterable[FileFormat]) -> FileSet:
    """Return the data files at ``uri``.

    Raises
    ------
    SourceError
        If there are none, or they are in several formats.
    """
    listed = transport.list(uri)
    known = {item.uri: _format_of(item.uri) for item in listed}
    if transport.stat(uri) is not None and known[listed[0].uri] is None:
        known[listed[0].uri] = _sniffed(transport, listed[0])
    data = [item for item in listed if known[item.uri] in set(formats)]
    data = [item for item in data if not _is_other_dataset(item)] or data
    if not data:
        names = ", ".join(sorted(_SUFFIXES))
        raise SourceError(f"{uri}: no data files", hint=f"Expected files that end in one of: {names}")
    found = sorted({kind for item in data if (kind := known[item.uri]) is not None})
    if len(found) > 1:
        raise SourceError(
            f"{uri}: files in several formats ({', '.join(found)})",
            hint="The same rows may be there twice: give a glob, for example 'folder/*.parquet'",
        )
    return FileSet(tuple(SourceFile(item) for item in data), found[0], _identity(data))


def numbered(file: SourceFile) -> SourceFile:
    """Return a file labelled with its number in Oracle's sequence of reports; "" when its name has none."""
    match = _NUMBER.search(file.stored.uri.rpartition("/")[2])
    return replace(file, label=match[1] if match else "")


def _format_of(uri: str) -> FileFormat | None:
    name = uri.rsplit("/", 1)[-1].lower()
    if name.endswith(_NOT_DATA):
        return None
    ends = [suffix for suffix in _SUFFIXES if name.endswith(suffix)]
    return _SUFFIXES[max(ends, key=len)] if ends else None


def _is_other_dataset(item: StoredObject) -> bool:
    name = item.uri.rsplit("/", 1)[-1].lower().replace("_", "").replace("-", "")
    return any(other in name for other in _OTHER_DATASETS)


def _sniffed(transport: Transport, item: StoredObject) -> FileFormat:
    """Return the format of a file whose name says nothing."""
    with transport.open(item.uri) as stream:
        head = stream.read(4096)
    if head.startswith(b"PAR1"):
        return FileFormat.PARQUET
    if head.startswith(_GZIP):
        with transport.open(item.uri) as stream, gzip.open(stream) as plain:
            head = plain.read(16)
    return FileFormat.JSONL if head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{") else FileFormat.CSV


def _identity(files: list[StoredObject]) -> str:
    digest = hashlib.sha256()
    for item in files:
        digest.update(f"{item.uri.rsplit('/', 1)[-1]}\n{item.bytes}\n{item.version}\n".encode())
    return f"files-{digest.hexdigest()[:16]}"
