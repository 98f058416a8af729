"""Billing tables in BigQuery, month by month: what is new is found with one cheap query, only changed months are read.

The tables only grow, and late rows of a month come in later partitions. So the newest rows of a month are always among
the partitions of the last days: their greatest export time tells whether the month has changed since it was loaded.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Final

from costlab.errors import SchemaDrift, SourceError, UsageError
from costlab.period import Month
from costlab_connectors._bigquery import Query, Service, parse_place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from costlab.interfaces.connector import Landing, Snapshot, SourceFile
    from costlab_connectors._bigquery import Field, Parameter, Place, Table

_BEGINNING: Final = Month(2010, 1).start
_MARGIN: Final = timedelta(days=7)
"""Rows of an invoice month are loaded from its first day on; a week more costs little."""
_LOOKBACK_DAYS: Final = "35"
_LONGEST: Final = 36
"""Months back from now in which loaded ones are looked for; a look at the whole table is right, too, only dearer."""
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,299}")
_TEXT: Final = frozenset({"STRING"})
_NESTED: Final = frozenset({"RECORD", "STRUCT", "JSON", "BYTES"})


@dataclass(frozen=True, slots=True)
class Export:
    """A kind of billing table."""

    prefixes: tuple[str, ...]
    """How tables of this kind are called, the best first."""
    month: str
    """SQL for the billing month as ``202603``."""
    order: str
    """The column that tells when rows were exported."""
    snapshot: Snapshot
    """What all snapshots of this kind have in common."""


@dataclass(frozen=True, slots=True)
class _Month:
    """What a table holds of a month, as far as it was looked at."""

    month: Month
    newest: str
    rows: int
    first: datetime | None
    last: datetime | None
    is_whole: bool
    """Whether all of its rows were looked at."""

    def is_in(self, file: SourceFile) -> bool:
        """Whether a file holds as many rows as were counted; more may have come since."""
        return (file.rows or 0) >= self.rows


def pull(
    landing: Landing, uri: str, exports: Sequence[Export], *, source: str, period: Month | None
) -> Iterator[Snapshot]:
    """Yield a snapshot of each month of a billing table; without files where the live one is what the table holds.

    Raises
    ------
    UsageError
        If the URI or an option cannot be understood.
    ConfigError
        If credentials are wrong, a permission is missing or the run would read more than it may.
    SourceError
        If there is no billing table, it lacks a column, or BigQuery does not answer.
    """
    place = parse_place(uri)
    service = Service(landing, place)
    table, export = _find(service, place, exports)
    look = _Look(landing, table, export, source)
    found, warnings = look.months(service, period)
    changed = [month for month in found if not look.is_live(month)]
    queries = {month.month: look.pull_query(month) for month in changed}
    if changed:
        service.announce(table, list(queries.values()), f"reading {len(changed)} month(s)")
    for month in found:
        snapshot = replace(export.snapshot, source=source, period=month.month, snapshot_id=look.id_of(month))
        if month.month in queries:
            file = landing.write(f"{table.place} {month.month}", service.rows(table, queries[month.month]))
            yield replace(snapshot, files=(file,), warnings=warnings) if month.is_in(file) else _cut(snapshot, month)
        else:
            yield replace(snapshot, snapshot_id=landing.live(source, month.month))


def _cut(snapshot: Snapshot, month: _Month) -> Snapshot:
    fault = f"{month.month}: BigQuery counted {month.rows} rows and delivered fewer"
    return replace(snapshot, fault=fault, hint="Run it again; the loaded month stays")


def _find(service: Service, place: Place, exports: Sequence[Export]) -> tuple[Table, Export]:
    """Return the billing table and its kind; a table of another name is told by its columns."""
    if not place.table:
        names = service.tables(place)
        for export in exports:
            for prefix in export.prefixes:
                if found := [name for name in names if name.startswith(prefix)]:
                    return _checked(service, replace(place, table=_only(place, found)), (export,))
        wanted = ", ".join(f"{prefix}*" for export in exports for prefix in export.prefixes)
        raise SourceError(f"{place}: no billing table there", hint=f"Expected one of {wanted}; or name the table")
    named = [export for export in exports if place.table.startswith(export.prefixes)]
    return _checked(service, place, named or exports)


def _only(place: Place, found: Sequence[str]) -> str:
    if len(found) > 1:
        raise SourceError(
            f"{place}: tables of several billing accounts: {', '.join(found[:5])}",
            hint="Name one table per source: bigquery://PROJECT/DATASET/TABLE",
        )
    return found[0]


def _checked(service: Service, place: Place, exports: Sequence[Export]) -> tuple[Table, Export]:
    table = service.table(place)
    there = {name for name, _ in _columns(table.fields)}
    missing = [_missing(export, there) for export in exports]
    for export, lacking in zip(exports, missing, strict=True):
        if not lacking:
            return table, export
    raise SchemaDrift(str(place), missing[0], hint="Check that this is the billing export; nothing was read or spent")


def _missing(export: Export, there: set[str]) -> list[str]:
    """Return the mandatory columns that a table lacks."""
    known = {name.lower() for name in there}
    wanted = [(c.name, *c.aliases) for c in export.snapshot.columns if c.required]
    lacking = [names[0] for names in wanted if not known & {name.lower() for name in names}]
    return lacking if export.order.lower() in known else [*lacking, export.order]


def _columns(fields: Iterable[Field]) -> Iterator[tuple[str, str]]:
    """Yield name and SQL of each column as text; fields of a record are columns: ``service.id`` is ``service_id``."""
    for field in fields:
        if field.type in {"RECORD", "STRUCT"} and not field.is_list:
            for inner in field.fields:
                yield f"{field.name}_{inner.name}", _as_text(inner, f"`{field.name}`.`{inner.name}`")
        else:
            yield field.name, _as_text(field, f"`{field.name}`")


def _as_text(field: Field, path: str) -> str:
    if field.is_list or field.type in _NESTED:
        return f"TO_JSON_STRING({path})"
    return path if field.type in _TEXT else f"CAST({path} AS STRING)"


def _is_safe(field: Field) -> bool:
    return bool(_NAME.fullmatch(field.name)) and all(_is_safe(inner) for inner in field.fields)


class _Look:
    """Which months of a table a source has, and which are new."""

    def __init__(self, landing: Landing, table: Table, export: Export, source: str) -> None:
        self._landing, self._table, self._export, self._source = landing, table, export, source
        self._tag = hashlib.sha256(str(table.place).encode()).hexdigest()[:8]
        self._days = _days(landing.option("lookback_days", _LOOKBACK_DAYS))

    def months(self, service: Service, period: Month | None) -> tuple[list[_Month], tuple[str, ...]]:
        """Return the months that have rows among the partitions looked at, oldest first, and what to warn of."""
        since = self._since(period)
        query = self._look_query(since, period)
        service.announce(self._table, [query], "looking for new rows")
        rows = list(service.rows(self._table, query))
        if not rows and since == _BEGINNING:
            raise SourceError(f"{self._table.place} holds no rows", hint="A new export fills within a day or two")
        found = [self._month(row, since) for row in rows if _is_month(row["billing_month"])]
        odd = sum(int(row["number"] or 0) for row in rows if not _is_month(row["billing_month"]))
        unsafe = [field.name for field in self._table.fields if not _is_safe(field)]
        warnings = [f"{odd} rows without an invoice month were not read"] if odd else []
        if unsafe:
            warnings.append(f"columns with unusual names were not read: {', '.join(map(ascii, unsafe))}")
        return sorted(found, key=lambda month: month.month), tuple(warnings)

    def id_of(self, month: _Month) -> str:
        """Return what changes when the month gains rows."""
        return f"{self._stem(month)}{month.rows}"

    def is_live(self, month: _Month) -> bool:
        """Whether the month is loaded as it is; of one looked at in part the newest rows tell alone."""
        live = self._landing.live(self._source, month.month)
        return live == self.id_of(month) or (not month.is_whole and live.startswith(self._stem(month)))

    def pull_query(self, month: _Month) -> Query:
        """Return the query for all rows of a month, by name and as text."""
        columns = {
            name: sql for name, sql in _columns(f for f in self._table.fields if _is_safe(f)) if self._is_read(name)
        }
        listed = ", ".join(f"{sql} AS `{name}`" for name, sql in columns.items())
        first = month.first if month.is_whole and month.first else month.month.start - _MARGIN
        return self._query(listed, {"since": first, "until": month.last}, month.month)

    def _stem(self, month: _Month) -> str:
        return f"bq-{self._tag}-{re.sub('[^0-9]', '', month.newest)}-"

    def _is_read(self, name: str) -> bool:
        """Whether a column is known, or new; those understood and left aside cost nothing."""
        names = {s.lower() for c in self._export.snapshot.columns for s in (c.name, *c.aliases)}
        ignored = any(fnmatch(name.lower(), pattern.lower()) for pattern in self._export.snapshot.ignore)
        return name.lower() in names or not ignored

    def _since(self, period: Month | None) -> datetime:
        """Return the first partition to look at: all of a table of which nothing is loaded."""
        if not self._table.is_by_load_day:
            return _BEGINNING
        if period is not None:
            return period.start
        now = Month.of(self._landing.now.date())
        loaded = [month for i in range(_LONGEST) if self._is_loaded(month := now.plus(-i))]
        if not loaded:
            return _BEGINNING
        # a month that was rejected while later ones loaded is looked at again
        gaps = [month for i in range(1, _LONGEST) if (month := loaded[-1].plus(i)) < loaded[0] and month not in loaded]
        self._landing.tell(f"{self._table.place}: months before {loaded[-1]} are read with --period only")
        past = Month.of((self._landing.now - timedelta(days=self._days)).date())
        return min(loaded[0], past, *gaps).start

    def _is_loaded(self, month: Month) -> bool:
        return self._landing.live(self._source, month).startswith(f"bq-{self._tag}-")

    def _look_query(self, since: datetime, period: Month | None) -> Query:
        split = self._table.partition
        ends = [f"CAST({end}({_quoted(split)}) AS STRING)" if split else "NULL" for end in ("MIN", "MAX")]
        listed = (
            f"{self._export.month} AS billing_month, CAST(MAX(`{self._export.order}`) AS STRING) AS newest, "
            f"CAST(COUNT(*) AS STRING) AS number, {ends[0]} AS first_partition, {ends[1]} AS last_partition"
        )
        query = self._query(listed, {"since": max(since - _MARGIN, _BEGINNING)}, period)
        return replace(query, sql=f"{query.sql} GROUP BY billing_month ORDER BY billing_month")

    def _query(self, listed: str, bounds: dict[str, datetime | None], month: Month | None) -> Query:
        """Return a query over a table's partitions between the bounds; a table in one piece has none."""
        table = self._table
        conditions: list[str] = []
        parameters: dict[str, Parameter] = {}
        for name, operator in (("since", ">="), ("until", "<=")):
            if table.partition and (instant := bounds.get(name)):
                conditions.append(f"{_quoted(table.partition)} {operator} @{name}")
                given = instant.date() if table.partition_type == "DATE" else instant
                parameters[name] = (table.partition_type, given)
        if month is not None:
            conditions.append(f"{self._export.month} = @month")
            parameters["month"] = ("STRING", f"{month.year:04}{month.month:02}")
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return Query(f"SELECT {listed} FROM `{table.place}`{where}", parameters)

    def _month(self, row: dict[str, str | None], since: datetime) -> _Month:
        code = row["billing_month"] or ""
        month = Month.parse(f"{code[:4]}-{code[4:]}")
        first, last = (_instant(row[name]) for name in ("first_partition", "last_partition"))
        return _Month(month, row["newest"] or "", int(row["number"] or 0), first, last, since <= month.start)


def _days(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", text):
        raise UsageError(f"option lookback_days: {text!r} is not a number of days", hint="35 looks at five weeks")
    return int(text)


def _is_month(code: str | None) -> bool:
    return bool(re.fullmatch(r"[0-9]{4}(0[1-9]|1[0-2])", code or ""))


def _quoted(column: str) -> str:
    return column if column == "_PARTITIONTIME" else f"`{column}`"


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=None) if text else None
