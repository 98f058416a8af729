"""Which files make up each delivery of Azure's cost exports: read from manifests, wherever they lie.

A run of an export writes its parts and a ``manifest.json`` in a folder of its own, usually
``<root>/<export>/<YYYYMMDD-YYYYMMDD>/<YYYYMMDDhhmm>/<run id>/``; Microsoft documents other orders too, so only the
manifest's content counts: kind, dates, submitted time, parts with their bytes and rows (Microsoft, "Tutorial: create
and manage exported data", read 2026-11).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, cast

from costlab.errors import SourceError
from costlab.interfaces.connector import FileFormat, SourceFile
from costlab.period import Month

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from costlab.interfaces.connector import StoredObject, Transport

    Record = Mapping[str, Any]

_MANIFEST: Final = "manifest.json"
_FOLDER = re.compile(r"/(?P<month>\d{6})\d{2}-\d{8}/(?:(?P<run>\d{12})/)?")
_SCOPE = re.compile(r"(?P<scope>.*?)/providers/microsoft\.costmanagement/exports/.*", re.IGNORECASE)
_AGAIN: Final = "Copy the export's folder again, or wait for its next run"


class Kind(StrEnum):
    """The exports that connectors read; others (reservations) are left alone."""

    ACTUAL = "ActualCost"
    AMORTIZED = "AmortizedCost"
    FOCUS = "FocusCost"
    PRICES = "PriceSheet"


CHARGES: Final = (Kind.ACTUAL, Kind.AMORTIZED, Kind.FOCUS)

_KINDS: Final = {kind.lower(): kind for kind in Kind}


@dataclass(frozen=True, slots=True)
class Run:
    """One delivery of one export: what it covers, and its files."""

    kind: Kind | None
    """None: the manifest cannot be read."""
    period: Month | None
    """None: it covers several months, or does not say which."""
    submitted: str
    """When, in a form that sorts; "" when the manifest does not say."""
    run_id: str
    files: tuple[SourceFile, ...] = ()
    """Empty: the export had no rows."""
    rows: int | None = None
    scope: str = ""
    """What the export is of: a billing account, a subscription; in lower case."""
    export: str = ""
    """Its name, in lower case."""
    part: str = ""
    """Which days it covers, where that is less than the month."""
    fault: str = ""
    hint: str = ""

    @property
    def format(self) -> FileFormat:
        """The format of the files, by their names; the reader looks into each."""
        parquet = bool(self.files) and self.files[0].stored.uri.lower().endswith(".parquet")
        return FileFormat.PARQUET if parquet else FileFormat.CSV


def newest_runs(transport: Transport, uri: str, *, kinds: Collection[Kind]) -> list[Run] | None:
    """Return the newest run of each export of these kinds and billing period, oldest period first.

    A manifest that cannot be used is a run with a ``fault``, unless a newer one of its month can. None: there is no
    manifest of an export at or below ``uri``.

    Raises
    ------
    SourceError
        If there is no export of these kinds, if they are of several scopes, or a broken manifest tells no month.
    """
    root = transport.join(uri)
    named = [o for o in transport.list(uri) if o.uri.lower().endswith(_MANIFEST)]
    found = [run for item in named if (run := _run(transport, item, root)) is not None]
    if not found:
        return None
    runs = [run for run in found if isinstance(run, Run) and (run.kind is None or run.kind in kinds)]
    if not runs:
        wanted = ", ".join(kinds)
        there = ", ".join(sorted({str(run.kind) if isinstance(run, Run) else run for run in found}))
        raise SourceError(
            f"{uri} holds 0 exports of type {wanted} (there are: {there})",
            hint="Give --from the folder of the cost export, or name another connector",
        )
    _refuse_several(uri, runs)
    return _newest(runs)


def folder_month(uri: str) -> Month | None:
    """Return the month of the ``YYYYMMDD-YYYYMMDD`` folder a file lies in, None when it lies in none."""
    match = _FOLDER.search(uri)
    return _month(match["month"]) if match else None


def _month(digits: str) -> Month | None:
    year, month = int(digits[:4]), int(digits[4:6])
    return Month(year, month) if 1 <= month <= 12 else None


def _run(transport: Transport, item: StoredObject, root: str) -> Run | str | None:
    """Return the run a manifest describes, the type of an export nobody reads, or None when it is of no export."""
    folder = _FOLDER.search(item.uri)
    unread = Run(None, folder_month(item.uri), (folder and folder["run"]) or "", "")
    try:
        record = _read(transport, item.uri)
    except SourceError as error:
        if unread.period is None:
            raise
        return _faulty(unread, error)
    if not {"runInfo", "blobs"} & record.keys():
        return None
    config, info = _part(record, "exportConfig"), _part(record, "runInfo")
    kind = _KINDS.get(str(config.get("type", "")).lower())
    if kind is None:
        return str(config.get("type") or "no type")
    scope = _SCOPE.fullmatch(str(config.get("resourceId", "")))
    run = Run(
        kind,
        unread.period,
        _instant(info.get("submittedTime")) or unread.submitted,
        str(info.get("runId") or item.uri.rpartition("/")[0].rpartition("/")[2]),
        scope=scope["scope"].lower() if scope else "",
        export=str(config.get("exportName") or config.get("resourceId") or "").lower(),
    )
    try:
        period, part = _covered(info, config, item.uri)
        files, rows = _files(transport, record, item.uri, root)
    except SourceError as error:
        return _faulty(run, error)
    return replace(run, period=period, files=files, rows=rows, part=part)


def _faulty(run: Run, error: SourceError) -> Run:
    return replace(run, fault=error.message, hint=error.hint)


def _read(transport: Transport, uri: str) -> Record:
    with transport.open(uri) as handle:
        content = handle.read()
    try:
        record = json.loads(content.decode("utf-8-sig"))
    except ValueError as error:
        raise SourceError(f"{uri} is not JSON: {error}", hint=_AGAIN) from None
    if not isinstance(record, dict):
        raise SourceError(f"{uri} is not a manifest: its JSON is not an object", hint=_AGAIN)
    return cast("Record", record)


def _part(record: Record, key: str) -> Record:
    value = record.get(key)
    return cast("Record", value) if isinstance(value, dict) else {}


def _instant(text: object) -> str:
    """Return a time in UTC in a form that sorts; "" when it cannot be read."""
    try:
        instant = datetime.fromisoformat(str(text))
    except ValueError:
        return ""
    return f"{instant.astimezone(UTC) if instant.tzinfo else instant:%Y%m%d%H%M%S%f}"


def _covered(info: Record, config: Record, uri: str) -> tuple[Month | None, str]:
    """Return the month a run is of, and its days where they are not the whole month or the month to date."""
    try:
        start, end = (date.fromisoformat(str(info[key])[:10]) for key in ("startDate", "endDate"))
    except (KeyError, ValueError):
        return folder_month(uri), ""
    month = Month.of(start)
    if end > month.plus(1).first_day:
        return None, ""
    is_custom = str(config.get("timeFrame", "")).lower() in {"custom", "weektodate", "thelast7days"}
    is_whole = start.day == 1 and end >= month.plus(1).first_day - timedelta(days=1)
    return month, f"{start} to {end}" if is_custom and not is_whole else ""


def _files(transport: Transport, record: Record, uri: str, root: str) -> tuple[tuple[SourceFile, ...], int | None]:
    """Return the files with rows, and how many rows the manifest promises over all of them."""
    blobs = _blobs(record, uri)
    told = _count(record, "blobCount", uri)
    if told is not None and told != len(blobs):
        raise SourceError(f"{uri} promises {told} blobs and names {len(blobs)}", hint=_AGAIN)
    files: list[SourceFile] = []
    for blob in blobs:
        rows = _count(blob, "dataRowCount", uri)
        if rows != 0:
            stored = _resolved(transport, str(blob["blobName"]), uri, root)
            files.append(SourceFile(stored, rows, _count(blob, "byteCount", uri)))
    if len({file.stored.uri for file in files}) < len(files):
        raise SourceError(f"{uri} names a file twice", hint=_AGAIN)
    total = _count(record, "dataRowCount", uri)
    counted = [file.rows for file in files]
    by_file = sum(rows for rows in counted if rows is not None) if None not in counted else None
    if None not in (total, by_file) and total != by_file:
        raise SourceError(f"{uri} promises {total} rows, its blobs {by_file}", hint=_AGAIN)
    return tuple(files), by_file if total is None else total


def _blobs(record: Record, uri: str) -> list[Record]:
    blobs: object = record.get("blobs")
    if blobs is None and record.get("dataRowCount") == 0:
        return []
    if not isinstance(blobs, list) or not all(isinstance(b, dict) and b.get("blobName") for b in blobs):
        raise SourceError(f"{uri} does not list its blobs", hint=_AGAIN)
    return cast("list[Record]", blobs)


def _count(record: Record, key: str, uri: str) -> int | None:
    value = record.get(key)
    if value is None:
        return None
    try:
        return int(value)
    except (TypeError, ValueError):
        raise SourceError(f"{uri}: {key} is {value!r}, not a number", hint=_AGAIN) from None


def _resolved(transport: Transport, name: str, uri: str, root: str) -> StoredObject:
    """Return the blob by its longest tail that exists below the manifest's folder or one above it, up to ``root``."""
    found = [o for base in _bases(uri, root) if (o := transport.resolve(base, name)) is not None]
    if not found:
        raise SourceError(f"{uri} names {name}, which is not there", hint=_AGAIN)
    return max(found, key=lambda o: _common_tail(o.uri, name))


def _bases(uri: str, root: str) -> Iterator[str]:
    folder = uri.rpartition("/")[0]
    yield folder
    while folder.startswith(root.rstrip("/") + "/"):
        folder = folder.rpartition("/")[0]
        yield folder


def _common_tail(uri: str, name: str) -> int:
    pairs = zip(reversed(uri.split("/")), reversed(name.split("/")), strict=False)
    return next((number for number, (a, b) in enumerate(pairs) if a != b), len(name.split("/")))


def _refuse_several(uri: str, runs: Sequence[Run]) -> None:
    """Refuse exports that would replace or repeat each other: of several scopes, or of who knows which."""
    scopes = {run.scope for run in runs if run.scope}
    unscoped = {(run.kind, run.export) for run in runs if run.kind and not run.scope}
    kinds = [kind for kind, _ in unscoped]
    told = sorted(scopes) if len(scopes) > 1 else sorted(export for _, export in unscoped)
    if len(scopes) > 1 or len(set(kinds)) < len(kinds):
        raise SourceError(
            f"{uri} holds {len(told)} exports of unlike scope: {', '.join(told)}",
            hint="Give --from the folder of one of them, each with its own --name",
        )


def _newest(runs: Iterable[Run]) -> list[Run]:
    """Return the newest run of each kind and month; what covers the month goes before what covers a part."""
    best: dict[tuple[Kind | None, Month | None], Run] = {}
    for run in sorted(runs, key=lambda run: (not run.part, run.submitted, run.run_id)):
        best[run.kind, run.period] = run
    for (kind, period), run in best.items():
        if period is None and any(k is kind and p is not None for k, p in best):
            fault = f"run {run.run_id} covers several months, others single ones: which counts is not told"
            best[kind, period] = replace(run, fault=fault, hint="Remove it, or give --from its folder")
    read = [run for run in best.values() if run.kind is not None]
    unread = [run for run in best.values() if run.kind is None and not _is_outdated(run, read)]
    return sorted([*read, *unread], key=lambda run: str(run.period or ""))


def _is_outdated(unread: Run, read: Iterable[Run]) -> bool:
    """Whether every kind of export of its month has a readable manifest of a later run (to the minute)."""
    times = [run.submitted[:12] for run in read if run.period == unread.period]
    return bool(times) and bool(unread.submitted) and min(times) > unread.submitted
