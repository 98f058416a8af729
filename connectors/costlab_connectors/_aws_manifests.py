"""Which files make up each billing period of an AWS export: read from the vendor's manifest, never by listing.

Three layouts, found by the manifest's place::

    <root>/metadata/BILLING_PERIOD=YYYY-MM/<export>-Manifest.json               Data Exports, overwrite
    <root>/metadata/BILLING_PERIOD=YYYY-MM/<execution>/<export>-Manifest.json   Data Exports, create new
    <root>/YYYYMMDD-YYYYMMDD/<report>-Manifest.json                             legacy report (the live one)
    <root>/YYYYMMDD-YYYYMMDD/<assemblyId>/<report>-Manifest.json                legacy report (a copy)
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from costlab.errors import SourceError
from costlab.interfaces.connector import FileFormat
from costlab.period import Month

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from costlab.interfaces.connector import StoredObject, Transport

_DATA_EXPORT = re.compile(r"(?P<root>.*?)/?metadata/BILLING_PERIOD=(?P<month>\d{4}-\d{2})(?:/(?P<run>[^/]+))?/[^/]+")
_LEGACY = re.compile(r"(?P<root>.*?)/?(?P<start>\d{8})-\d{8}(?:/(?P<run>[^/]+))?/[^/]+")
_DATA_FOLDER = re.compile(r"(?P<root>.+?)/data(?:/(?P<month>BILLING_PERIOD=[^/]+).*)?/?")
_TIME = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)[T_ ]?(\d\d)[:-]?(\d\d)[:-]?(\d\d)(?:\.(\d+))?")
_MANIFEST: Final = "-manifest.json"
_KEYS: Final = ("dataFiles", "reportKeys")
_RUN_IDS: Final = ("assemblyId", "executionId")
_RUN_TIMES: Final = ("executionTime", "executionDate", "submittedTime", "createdAt")
_DATA_ENDINGS: Final = (".parquet", ".csv", ".csv.gz", ".csv.zip", ".gz", ".zip")
_AGAIN: Final = "Copy the export again, manifest last, or wait for the next delivery"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery of one billing period (of all, when ``period`` is None): its files and its place in time."""

    period: Month | None
    snapshot_id: str
    order: str
    files: tuple[StoredObject, ...]
    warnings: tuple[str, ...] = ()
    fault: str = ""
    """Why the delivery cannot be used; then it has no files."""
    hint: str = ""

    @property
    def format(self) -> FileFormat:
        """The format of the first file, by its name; the reader looks into each."""
        is_parquet = bool(self.files) and self.files[0].uri.lower().endswith(".parquet")
        return FileFormat.PARQUET if is_parquet else FileFormat.CSV


@dataclass(frozen=True, slots=True)
class _Place:
    """A manifest and what its path says."""

    uri: str
    root: str
    month: Month | None
    run: str
    is_copy: bool


def has_manifest(transport: Transport, uri: str) -> bool:
    """Whether something below ``uri`` is named like a manifest, or beside it when it is the data half of an export."""
    return any(place.uri.lower().endswith(_MANIFEST) for place in _places(transport, uri))


def find_deliveries(
    transport: Transport, uri: str, *, wanted: Callable[[frozenset[str]], bool], period: Month | None = None
) -> Iterator[Delivery]:
    """Yield the newest delivery of each billing period below ``uri``, oldest period first.

    Parameters
    ----------
    uri
        A bucket's root, an export's folder, a period's folder, a manifest, or data files.
    wanted
        Given a manifest's column names in lower case, whether the export is of the kind that is looked for.

    Raises
    ------
    SourceError
        If nothing is there, or several exports are.
    """
    places = _places(transport, uri)
    if not places:
        yield _loose(transport, uri)
        return
    chosen = [p for p in _one_export(transport, places, wanted, uri) if period in (None, p.month)]
    for place in _newest(chosen):
        yield _delivery(transport, place, uri)


def _places(transport: Transport, uri: str) -> list[_Place]:
    is_file = transport.stat(uri) is not None and uri.lower().endswith(".json")
    found = [_place(o.uri) for o in transport.list(uri) if is_file or o.uri.lower().endswith(_MANIFEST)]
    if not found and (match := _DATA_FOLDER.fullmatch(uri.rstrip("/"))):  # the data half of an export
        beside = transport.join(match["root"], "metadata", *filter(None, [match["month"]]))
        try:
            found = [_place(o.uri) for o in transport.list(beside) if o.uri.lower().endswith(_MANIFEST)]
        except SourceError:
            return []
    return found


def _place(uri: str) -> _Place:
    if match := _DATA_EXPORT.fullmatch(uri):
        return _Place(uri, match["root"], Month.parse(match["month"]), match["run"] or "", is_copy=False)
    if match := _LEGACY.fullmatch(uri):
        month = Month.parse(f"{match['start'][:4]}-{match['start'][4:6]}")
        return _Place(uri, match["root"], month, match["run"] or "", is_copy=bool(match["run"]))
    return _Place(uri, uri.rpartition("/")[0], None, "", is_copy=False)


def _one_export(
    transport: Transport, places: Sequence[_Place], wanted: Callable[[frozenset[str]], bool], uri: str
) -> list[_Place]:
    """Return the manifests of the one export of the kind that is looked for."""
    roots: dict[str, list[_Place]] = defaultdict(list)
    for place in places:
        roots[place.root].append(place)
    kept = {root: group for root, group in roots.items() if wanted(_columns(transport, group))}
    if not kept:
        raise SourceError(
            f"{uri}: the exports there are of another kind: {', '.join(sorted(roots))}",
            hint="Name the connector that reads them, or another folder",
        )
    if len(kept) > 1:
        raise SourceError(
            f"{uri} holds {len(kept)} exports: {', '.join(sorted(kept))}",
            hint="Give --from one of these folders, each with its own --name",
        )
    return next(iter(kept.values()))


def _columns(transport: Transport, group: Sequence[_Place]) -> frozenset[str]:
    for place in reversed(group):
        try:
            record = _read(transport, place.uri)
        except SourceError:
            continue  # told when its own period is read
        return frozenset(str(c.get("name", "")).lower() for c in record.get("columns", ()) if isinstance(c, dict))
    return frozenset()


def _newest(places: Iterable[_Place]) -> list[_Place]:
    """Return one manifest per period: the live one, else the newest execution's; oldest period first."""
    by_month: dict[str, list[_Place]] = defaultdict(list)
    for place in places:
        by_month[str(place.month) if place.month else place.uri].append(place)
    return [max(by_month[month], key=lambda p: (not p.is_copy, _order(p.run), p.uri)) for month in sorted(by_month)]


def _order(text: str) -> str:
    """Return the instant a text starts with in a form that sorts, else the text itself."""
    if match := _TIME.match(text):
        return "".join(match.groups()[:6]) + "." + (match[7] or "").ljust(9, "0")
    return text


def _delivery(transport: Transport, place: _Place, uri: str) -> Delivery:
    try:
        record = _read(transport, place.uri)
        period = _period(record, place)
        files = _files(transport, record, place, uri)
    except SourceError as error:
        return Delivery(place.month, "", "", (), fault=error.message, hint=error.hint)
    run = next((str(record[key]) for key in _RUN_IDS if record.get(key)), place.run)
    is_legacy = bool(record.get("reportKeys"))
    order = "" if is_legacy or not place.run else _order(_run_time(record) or place.run)
    return Delivery(period, run or fingerprint(files), order, tuple(files))


def _run_time(record: Mapping[str, Any]) -> str:
    return next((str(record[key]) for key in _RUN_TIMES if record.get(key)), "")


def _read(transport: Transport, uri: str) -> Mapping[str, Any]:
    with transport.open(uri) as handle:
        content = handle.read()
    try:
        record = json.loads(content)
    except ValueError as error:
        raise SourceError(f"{uri} is not JSON: {error}", hint=_AGAIN) from None
    if not isinstance(record, dict):
        raise SourceError(f"{uri} is not a manifest: its JSON is not an object", hint=_AGAIN)
    return record


def _period(record: Mapping[str, Any], place: _Place) -> Month | None:
    billing = record.get("billingPeriod")
    start = str(billing.get("start", "")) if isinstance(billing, dict) else ""
    match = re.match(r"(\d{4})-?(0[1-9]|1[0-2])", start)
    told = Month(int(match[1]), int(match[2])) if match else None
    if told and place.month and told != place.month:
        raise SourceError(f"{place.uri} is of {told} but lies in the folder of {place.month}", hint=_AGAIN)
    return told or place.month


def _files(transport: Transport, record: Mapping[str, Any], place: _Place, uri: str) -> list[StoredObject]:
    keys = next((record[key] for key in _KEYS if isinstance(record.get(key), list)), None)
    if not keys:
        raise SourceError(f"{place.uri} names no data files ({' or '.join(_KEYS)})", hint=_AGAIN)
    files: list[StoredObject] = []
    for key in keys:
        # below the export's own folder; else below what was given, if data and manifests lie apart
        found = transport.resolve(place.root, str(key)) or transport.resolve(uri, str(key))
        if found is None:
            raise SourceError(f"{place.uri} names {key}, which is not there", hint=_AGAIN)
        files.append(found)
    if len({f.uri for f in files}) < len(files):
        raise SourceError(f"{place.uri} names a file twice", hint=_AGAIN)
    return files


def _loose(transport: Transport, uri: str) -> Delivery:
    files = [o for o in transport.list(uri) if o.uri.lower().endswith(_DATA_ENDINGS)]
    if not files:
        raise SourceError(
            f"{uri}: neither a manifest nor data files ({', '.join(_DATA_ENDINGS[:3])})",
            hint="Give --from the folder of the export, the manifest, or data files",
        )
    warning = f"{uri} has no manifest: all {len(files)} data files there are read, complete or not"
    return Delivery(None, fingerprint(files), "", tuple(files), warnings=(warning,))


def fingerprint(files: Iterable[StoredObject]) -> str:
    """Return an id that changes with the names, sizes or versions of the files."""
    digest = hashlib.sha256()
    for file in sorted(files, key=lambda f: f.uri):
        digest.update(f"{file.uri.rpartition('/')[2]}\0{file.bytes}\0{file.version}\n".encode())
    return digest.hexdigest()[:32]
