"""Run a staging model over a delivery and account for every row: loaded, dropped by kind, or quarantined with a reason.

Parquet is read twice: once whole for the rows that load, once for the few columns that decide and count. Text (CSV,
JSON lines) is read into a scratch file that keeps the rows with their fates, and again only to count what is dropped
of a pair of exports; what a model has to look at as a whole goes through such a file too. Values are trusted first;
when one turns out unreadable the files are staged again, value by value, and the rows concerned get a reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Self

from costlab.errors import ModelError, SourceError
from costlab.focus.columns import COLUMN_TYPES
from costlab.ingest.files import first_line
from costlab.ingest.growth import Known
from costlab.ingest.raw import Raw, build_raw
from costlab.ingest.seeds import create_seeds
from costlab.interfaces.connector import Dataset, FileFormat
from costlab.interfaces.datasets import INSTANTS, TYPES
from costlab.paths import shipped
from costlab.period import Month
from costlab.warehouse.connection import MEMORY_LIMIT, Error, connect
from costlab.warehouse.marts import prepare
from costlab.warehouse.parquet import file_list, identifier, literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from costlab.ingest.files import DataFile
    from costlab.interfaces.connector import Snapshot

_COPY: Final = "(format parquet, compression zstd)"
_TO_SORT: Final = "700MB"
"""Memory of loads that sort their rows: what does not fit is sorted on disk, which costs hardly any time more."""
_LOOKS_AT_ALL: Final = "as materialized ("
"""A staging model with such a step reads all rows before the first comes out: it is run once, not once per month."""
_DROPS: Final = "'drop: "
_AGAIN: Final = "Copy the file again; if it is broken at its source, wait for the next delivery"
_NOT_THE_DATA: Final = ("IO Error", "Out of Memory", "INTERRUPT", "Permission", "Internal")
_LITERAL = re.compile(r"^\s*('(?:[^']|'')*') as (\w+),?$", re.MULTILINE)
_BROKEN_LINES = """
create or replace temp table broken_lines as
select
    'line is not a row of this file: ' || min(split_part(error_message, chr(10), 1)) as x_reason,
    line as x_line_number,
    min(csv_line) as x_line
from reject_errors join reject_scans using (scan_id, file_id) group by file_path, line
"""
"""A model may scan a file more than once."""


@dataclass(frozen=True, slots=True)
class _Shape:
    """What the datasets differ in: their columns, and which say when and how much."""

    types: Mapping[str, str]
    instant: str
    costs: tuple[str, str, str]
    """Currency, billed and effective cost; "null" where there is none."""
    order: str = ""


_SORTED: Final = {
    Dataset.METRICS: " order by resource_id, metric, ts",
    Dataset.INVENTORY: " order by resource_kind, resource_id",
    Dataset.PRICES: " order by provider, region_id, service_code, shape, sku_id",
    Dataset.ADVICE: " order by tool, native_id",
    Dataset.BUDGETS: " order by budget_id",
}
_SHAPES: Final = {
    Dataset.FOCUS: _Shape(COLUMN_TYPES, "BillingPeriodStart", ("BillingCurrency", "BilledCost", "EffectiveCost")),
    **{
        dataset: _Shape(types, INSTANTS[dataset], ("null", "null", "null"), order=_SORTED[dataset])
        for dataset, types in TYPES.items()
    },
}


@dataclass(slots=True)
class Counts:
    """What became of the rows of one billing period; costs by currency. Rows that are split count once."""

    received: int = 0
    loaded: int = 0
    split: int = 0
    """Rows more than were received because some become two."""
    dropped: dict[str, int] = field(default_factory=dict[str, int])
    quarantined: int = 0
    cash_received: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    cash_quarantined: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    notes: dict[str, int] = field(default_factory=dict[str, int])
    """What the staging model remarks about rows that it loads, with their number."""
    order: str = ""
    """The greatest ``x_order`` of the rows, where the staging model has it."""

    def add(self, fate: str, part: int, currency: str | None, rows: int, cash: Decimal | None) -> None:
        """Count rows of one fate."""
        kind, _, reason = fate.partition(": ")
        if part:
            self.split += rows if kind == "load" else 0
            return
        self.received += rows
        _add(self.cash_received, currency, cash)
        if kind == "load":
            self.loaded += rows
            if reason:
                self.notes[reason] = self.notes.get(reason, 0) + rows
        elif kind == "drop":
            self.dropped[reason] = self.dropped.get(reason, 0) + rows
        else:
            self.quarantined += rows
            _add(self.cash_quarantined, currency, cash)

    @property
    def is_whole(self) -> bool:
        """Whether every row loads."""
        return self.received == self.loaded


def _add(costs: dict[str, Decimal], currency: str | None, cash: Decimal | None) -> None:
    if cash:
        costs[currency or ""] = costs.get(currency or "", Decimal(0)) + cash


class Staging:
    """One delivery under its staging model; a context manager around its private database."""

    def __init__(self, snapshot: Snapshot, scratch: Path) -> None:
        self.snapshot, self.scratch = snapshot, scratch
        self._shape = _SHAPES[snapshot.dataset]
        self.con = connect(memory_limit=_TO_SORT if self._shape.order else MEMORY_LIMIT)
        self.raw = Raw("", (), ())
        self.counts: dict[Month, Counts] = {}
        self._files: Sequence[DataFile] = ()
        self._checked = False
        self._rows = "staged"
        self._skips = False
        self._has_order = False
        self._broken = 0

    def __enter__(self) -> Self:
        self._query("set enable_progress_bar=false")  # it would be drawn on standard output, which carries data only
        self._query("set temp_directory=" + literal(str(self.scratch / "spill")))
        prepare(self.con, ())
        create_seeds(self.con)
        return self

    def __exit__(self, *_: object) -> None:
        self.con.close()

    def run(self, files: Sequence[DataFile]) -> None:
        """Stage the files and count what becomes of every row, by billing period.

        Raises
        ------
        SourceError
            If a file cannot be read, lacks a mandatory column, has another number of rows than promised, or rows of
            another billing period.
        """
        self._files = files
        try:
            self._stage(files, checked=False)
        except Error as error:
            self._stage_checked(error)
        self._compare(files)

    def _stage_checked(self, doubt: Error) -> None:
        """Stage the files value by value, if it is their values that are in doubt and they are not checked yet."""
        if self._checked or str(doubt).startswith(_NOT_THE_DATA):
            raise self._explained(doubt) from None
        try:
            self._stage(self._files, checked=True)
            self._count_broken_lines()
        except Error as error:
            raise self._explained(error) from None

    def _stage(self, files: Sequence[DataFile], *, checked: bool) -> None:
        self._checked = checked
        self.raw = build_raw(self.con, self.snapshot, files, checked=checked)
        self.con.execute(f"create or replace temp view raw as {self.raw.sql}")
        self.con.execute(f"create or replace temp view model as {self._model()}")
        self.con.execute(f"create or replace temp view staged as select {self._typed()} from model")
        self._rows, self._skips = "staged", False
        if any(file.format is not FileFormat.PARQUET for file in files) or _LOOKS_AT_ALL in self._model():
            whole = literal(str(self._whole))
            # of a pair half of the rows are dropped: a second look at the few columns that decide costs less than to
            # write all columns of those, and then the rest again; with checks it would report broken lines twice
            is_pair = len({file.label for file in files}) > 1
            self._skips = is_pair and _DROPS in self._model() and not checked and not self._has_order
            skipped = " where x_fate not like 'drop%'" if self._skips else ""
            self.con.execute(f"copy (select * from staged{skipped}) to {whole} {_COPY}")
            self._rows = f"read_parquet({whole})"
        self._count()

    @property
    def _whole(self) -> Path:
        """Where rows that can be read only once are kept with their fates."""
        return self.scratch / "staged.parquet"

    def _model(self) -> str:
        path = shipped("sql") / "staging" / f"{self.snapshot.staging}.sql"
        text = path.read_text(encoding="utf-8")
        # a view takes no parameters
        for name, value in (("$snapshot_id", self.snapshot.snapshot_id), ("$source", self.snapshot.source)):
            text = text.replace(name, literal(value))
        return text

    def _typed(self) -> str:
        """Return the select list of ``staged``: the dataset's columns in order with their types, then the fates.

        A column that is the same text in all rows becomes an enumeration of one value, which DuckDB writes to Parquet
        seven times faster than it finds out that a text never changes.
        """
        types = {str(name): str(kind) for name, kind, *_ in self.con.execute("describe model").fetchall()}
        texts = {name: text for text, name in _LITERAL.findall(self._model()) if types.get(name) == "VARCHAR"}
        items: list[str] = []
        for name, kind in self._shape.types.items():
            if name in texts:
                items.append(f"cast({texts[name]} as enum({texts[name]})) as {identifier(name)}")
            else:
                same = types[name] == kind or types[name].startswith("ENUM")
                items.append(identifier(name) if same else f"cast({identifier(name)} as {kind}) as {identifier(name)}")
        cost = "x_source_cost" if "x_source_cost" in types else "cast(null as decimal(38, 12)) as x_source_cost"
        self._has_order = "x_order" in types
        order = ["x_order"] if self._has_order else []
        return ", ".join([*items, "x_fate", "x_part", cost, *order])

    def _count(self) -> None:
        self.counts = {}
        rows = self._sums_of(self._rows)
        if self._skips:
            rows += self._sums_of("staged where x_fate like 'drop%'")
        known = sorted({Month.of(start) for start, fate, *_ in rows if start is not None and fate[:4] == "load"})
        for start, fate, part, code, number, cash, order in rows:
            counts = self.counts.setdefault(self._month(start, known, fate), Counts())
            counts.add(str(fate), int(part), code, int(number), cash)
            counts.order = max(counts.order, order or "")

    def _sums_of(self, rows: str) -> list[tuple[Any, ...]]:
        """Return month, fate, part, currency, number, cost and order of these rows, by the first four."""
        order = "cast(max(x_order) as varchar)" if self._has_order else "null"
        return self.con.execute(
            f"select date_trunc('month', {self._shape.instant}), x_fate, x_part, {self._shape.costs[0]}, count(*), "
            f"sum(x_source_cost), {order} from {rows} group by 1, 2, 3, 4"
        ).fetchall()

    def _month(self, start: date | None, known: Sequence[Month], fate: str) -> Month:
        """Return the billing period a row counts for: its own; the newest for one that does not load."""
        found = Month.of(start) if start is not None else None
        if self.snapshot.period is not None:
            if found not in (None, self.snapshot.period) and fate.startswith("load"):
                raise SourceError(
                    f"the delivery of {self.snapshot.period} holds rows of {found}",
                    hint="Its manifest or folder names another month than its rows; check the export",
                )
            return self.snapshot.period
        if found is not None and found in known:
            return found
        if not known:
            raise SourceError(
                f"{self.snapshot.source}: none of the rows can be loaded ({fate})",
                hint="Check that this is the right connector for these files",
            )
        return known[-1]

    def _count_broken_lines(self) -> None:
        """Count the lines that are no rows at all: too few or too many values, an open quote."""
        there = self.con.execute("select count(*) from duckdb_tables() where table_name = 'reject_errors'").fetchall()
        if not there[0][0]:
            return
        self.con.execute(_BROKEN_LINES)
        self._broken = int(self.con.execute("select count(*) from broken_lines").fetchall()[0][0])
        if self._broken:
            month = self.snapshot.period or max(self.counts, default=None)
            if month is None or not any(counts.received for counts in self.counts.values()):
                raise SourceError(
                    f"{self.snapshot.source}: none of {self._broken} lines is a row of this file's columns",
                    hint="Check that this is the right connector for these files",
                )
            counts = self.counts.setdefault(month, Counts())
            counts.received += self._broken
            counts.quarantined += self._broken

    def _compare(self, files: Sequence[DataFile]) -> None:
        """Compare the rows received with what the manifest and the files themselves promise."""
        received = sum(counts.received for counts in self.counts.values())
        promised = self.snapshot.rows
        if promised is None and all(file.rows is not None for file in self.snapshot.files):
            promised = sum(file.rows or 0 for file in self.snapshot.files)
        if promised is not None and promised != received:
            raise SourceError(
                f"the manifest promises {promised} rows, the files hold {received}",
                hint="The delivery is not complete; wait for the next one or copy it again",
            )
        if all(file.rows is not None for file in files) and sum(file.rows or 0 for file in files) != received:
            raise ModelError(f"staging model {self.snapshot.staging} loses or repeats rows")
        if not received:
            raise SourceError(f"{self.snapshot.source}: the files hold no rows", hint="Wait for the next delivery")

    def write(self, month: Month, folder: Path) -> tuple[Path, int]:
        """Write the month's rows that load as a new Parquet file in the folder; return it and its rows.

        Of Parquet only the columns that decide were read before: here a value of another may turn out unreadable.

        Raises
        ------
        SourceError
            If none of the month's rows can be read.
        """
        path = folder / "part-0.parquet"
        try:
            self._copy(month, path)
        except Error as doubt:
            self._stage_checked(doubt)
            try:
                self._copy(month, path)
            except Error as error:
                raise self._explained(error) from None
        counts = self.counts[month]
        return path, counts.loaded + counts.split

    def _copy(self, month: Month, path: Path) -> None:
        counts = self.counts.get(month)
        if counts is None:
            raise SourceError(f"{self.snapshot.source}: none of the rows of {month} can be read", hint=_AGAIN)
        is_whole = counts.is_whole or (self._skips and not counts.quarantined)
        if self._rows != "staged" and len(self.counts) == 1 and is_whole and not self._shape.order:
            self._whole.rename(path)
            self._rows = file_list([str(path)])
        else:
            columns = ", ".join(identifier(name) for name in self._shape.types)
            loads = f"x_fate like 'load%' and {self._within(month)}"
            self.con.execute(
                f"copy (select {columns} from {self._rows} where {loads}{self._shape.order}) "
                f"to {literal(str(path))} {_COPY}"
            )

    def write_quarantine(self, month: Month, folder: Path) -> Path | None:
        """Write the month's rows that cannot be loaded, each with its reason; None when there are none."""
        if not self.counts[month].quarantined:
            return None
        path = folder / "quarantine.parquet"
        within = self._within(month)
        if month == max(self.counts):  # rows without a readable period count for the newest
            others = " or ".join(self._within(other) for other in self.counts if other != month)
            within = f"coalesce(not ({others}), true)" if others else "true"
        order = "replace (cast(x_order as varchar) as x_order) " if self._has_order else ""
        select = (
            f"select substr(x_fate, length('quarantine: ') + 1) as x_reason, * exclude (x_fate, x_part) {order}"
            f"from {self._rows} where x_fate like 'quarantine%' and x_part = 0 and {within}"
        )
        if self._broken and month == max(self.counts):
            select += " union all by name select * from broken_lines"
        self._query(f"copy ({select}) to {literal(str(path))} {_COPY}")
        return path

    def sums(self, path: Path) -> tuple[int, dict[str, Decimal], dict[str, Decimal]]:
        """Return the rows, BilledCost and EffectiveCost of a written file, costs by currency."""
        currency, billed, effective = self._shape.costs
        found = self._query(
            f"select {currency}, count(*), sum({billed}), sum({effective}) from {file_list([str(path)])} "
            "group by 1 order by 1"
        )
        rows = sum(int(row[1]) for row in found)
        if self.snapshot.dataset is not Dataset.FOCUS:
            return rows, {}, {}
        return rows, {str(row[0]): row[2] for row in found}, {str(row[0]): row[3] for row in found}

    def known_by(self, month: Month, order: str) -> Known:
        """Return the month's readable rows that the vendor wrote up to ``order``."""
        currency = self._shape.costs[0]
        found = self._query(
            f"select {currency}, count(*) filter (where x_part = 0), sum(x_source_cost) from {self._rows} "
            f"where x_fate not like 'quarantine%' and {self._within(month)} "
            f"and coalesce(cast(x_order as varchar) <= {literal(order)}, true) group by 1"
        )
        costs: dict[str, Decimal] = {}
        for code, _, cash in found:
            _add(costs, code, cash)
        return Known(sum(int(rows) for _, rows, _ in found), costs)

    def digest(self, paths: Iterable[Path]) -> str:
        """Return what is equal for equal rows in any order, but for the delivery they came with."""
        columns = ", ".join(identifier(name) for name in self._shape.types if name != "x_snapshot_id")
        ((count, mixed, total),) = self._query(
            f"select count(*), bit_xor(hash({columns})), sum(cast(hash({columns}) as hugeint)) "
            f"from {file_list(str(path) for path in paths)}"
        )
        return f"{count}-{mixed or 0:x}-{int(total or 0):x}"

    def _within(self, month: Month) -> str:
        if self.snapshot.period is not None:
            return "true"
        column = self._shape.instant
        return f"({column} >= timestamp '{month.start}' and {column} < timestamp '{month.end}')"

    def _query(self, sql: str) -> list[tuple[Any, ...]]:
        try:
            return self.con.execute(sql).fetchall()
        except Error as error:
            raise self._explained(error) from None

    def _explained(self, error: Error) -> SourceError:
        """Return DuckDB's complaint about a file as an error for the user."""
        return SourceError(f"{self.snapshot.source}: {first_line(error)}", hint=_AGAIN)
