"""Which files make up each billing period of a Cost Management export: read from Microsoft's ``manifest.json``.

Every run has a folder of its own with a manifest that is written last. A month-to-date export delivers the whole month
again each day: of the runs of a month the one submitted last counts, and folders are never added up.

Source: Microsoft Cost Management, "Tutorial: Create and manage Cost Management exports", read 2026-11.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from costlab.errors import SourceError
from costlab.interfaces.connector import FileFormat, SourceFile
from costlab.period import Month

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from costlab.interfaces.connector import StoredObject, Transport

_MANIFEST: Final = "/manifest.json"
_AGAIN: Final = "Copy the run's folder again, or wait for the next run"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of an export for one billing period (for several, when ``period`` is None)."""

    export: str
    kind: str
    """``FocusCost``, ``ActualCost``, ``AmortizedCost``, ..."""
    period: Month | None
    run_id: str
    submitted: str
    files: tuple[SourceFile, ...]
    rows: int | None
    fault: str = ""

    @property
    def format(self) -> FileFormat:
        """The format of the files, by their names."""
        parquet = bool(self.files) and self.files[0].stored.uri.lower().endswith(".parquet")
        return FileFormat.PARQUET if parquet else FileFormat.CSV


def manifests(transport: Transport, uri: str) -> list[StoredObject]:
    """Return the manifests of runs at or below ``uri``; files of other tools with that name are left out."""
    named = [item for item in transport.list(uri) if item.uri.lower().endswith(_MANIFEST)]
    return [item for item in named if {"runInfo", "blobs"} & _read(transport, item.uri).keys()]


def newest_runs(transport: Transport, uri: str, *, kind: str) -> Iterator[Run]:
    """Yield the last submitted run of each billing period, oldest period first; empty months are left out.

    Parameters
    ----------
    kind
        The type of export that is looked for, for example ``FocusCost``.

    Raises
    ------
    SourceError
        If there is no export of that kind, or more than one.
    """
    base = uri if transport.stat(uri) is None else uri.rpartition("/")[0]
    runs = [_run(transport, base, item.uri) for item in manifests(transport, uri)]
    wanted = [run for run in runs if run.kind.lower() == kind.lower()]
    exports = sorted({run.export for run in wanted})
    if len(exports) != 1:
        kinds = ", ".join(sorted({run.kind or "unreadable" for run in runs}))
        raise SourceError(
            f"{uri} holds {len(exports)} exports of type {kind} (there are: {kinds})",
            hint="Give --from the folder of one export, each with its own --name",
        )
    by_period: dict[str, list[Run]] = defaultdict(list)
    for run in wanted:
        by_period[str(run.period or run.run_id)].append(run)
    for period in sorted(by_period):
        newest = max(by_period[period], key=lambda run: (run.submitted, run.run_id))
        if newest.files or newest.fault:
            yield newest


def _run(transport: Transport, base: str, uri: str) -> Run:
    record = _read(transport, uri)
    config, info = _part(record, "exportConfig"), _part(record, "runInfo")
    period = _period(info)
    fault = ""
    files: tuple[SourceFile, ...] = ()
    try:
        files = tuple(_file(transport, base, uri, blob) for blob in _blobs(record, uri))
    except SourceError as error:
        fault = error.message
    rows = record.get("dataRowCount")
    return Run(
        export=str(config.get("resourceId") or config.get("exportName") or ""),
        kind=str(config.get("type") or ""),
        period=period,
        run_id=str(info.get("runId") or uri.rpartition("/")[0].rpartition("/")[2]),
        submitted=_instant(info.get("submittedTime")),
        files=files,
        rows=rows if isinstance(rows, int) else None,
        fault=fault,
    )


def _read(transport: Transport, uri: str) -> dict[str, Any]:
    with transport.open(uri) as stream:
        content = stream.read()
    try:
        record = json.loads(content.decode("utf-8-sig"))
    except ValueError as error:
        raise SourceError(f"{uri} is not JSON: {error}", hint=_AGAIN) from None
    if not isinstance(record, dict):
        raise SourceError(f"{uri} is not a manifest: its JSON is not an object", hint=_AGAIN)
    return record


def _part(record: dict[str, Any], name: str) -> dict[str, Any]:
    part = record.get(name)
    return part if isinstance(part, dict) else {}


def _period(info: dict[str, Any]) -> Month | None:
    """Return the month of a run; None when it covers several, or does not say."""
    start, end = (_instant(info.get(name))[:7] for name in ("startDate", "endDate"))
    return Month.parse(start) if start and start == end else None


def _instant(value: object) -> str:
    """Return an instant in a form that sorts; empty when it is none."""
    try:
        return datetime.fromisoformat(str(value)).replace(tzinfo=None).isoformat(timespec="microseconds")
    except ValueError:
        return ""


def _blobs(record: dict[str, Any], uri: str) -> Sequence[dict[str, Any]]:
    blobs = record.get("blobs")
    if not isinstance(blobs, list) or not all(isinstance(b, dict) and b.get("blobName") for b in blobs):
        raise SourceError(f"{uri} does not list its blobs", hint=_AGAIN)
    return blobs


def _file(transport: Transport, base: str, uri: str, blob: dict[str, Any]) -> SourceFile:
    found = transport.resolve(base, str(blob["blobName"]))
    if found is None:
        raise SourceError(f"{uri} names {blob['blobName']}, which is not there", hint=_AGAIN)
    rows, size = blob.get("dataRowCount"), blob.get("byteCount")
    return SourceFile(found, rows if isinstance(rows, int) else None, size if isinstance(size, int) else None)
