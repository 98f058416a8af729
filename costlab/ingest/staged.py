"""Run a staging model over a snapshot's files and count what becomes of every row.

Parquet of one known period is read twice: once to write the rows that are loaded, once, narrowly, to count the fates.
CSV and JSON, and files whose periods are found in the rows, are staged once into one file per outcome. The rows
received are counted independently of the staging model where the format tells them (Parquet footers), and must agree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from costlab.errors import ModelError, SourceError
from costlab.focus.columns import COLUMN_TYPES
from costlab.ingest.headers import first_line, layouts
from costlab.ingest.raw import Raw, raw_select
from costlab.interfaces.connector import Dataset, FileFormat
from costlab.paths import shipped
from costlab.warehouse.builder import METRIC_TYPES
from costlab.warehouse.connection import Connection, Error, connect
from costlab.warehouse.marts import prepare
from costlab.warehouse.parquet import file_list, identifier, literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from costlab.interfaces.connector import Snapshot

_WRITE = "(format parquet, compression zstd)"


@dataclass(slots=True)
class Counts:
    """Rows and cash over all fates; costs by currency."""

    received: int = 0
    loaded: int = 0
    split: int = 0
    dropped: dict[str, int] = field(default_factory=dict[str, int])
    quarantined: dict[str, int] = field(default_factory=dict[str, int])
    cash_received: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    cash_quarantined: dict[str, Decimal] = field(default_factory=dict[str, Decimal])


class Staging:
    """One snapshot being staged; a context manager around its private database."""

    def __init__(self, snapshot: Snapshot, paths: Sequence[Path], scratch: Path) -> None:
        self.snapshot, self.paths, self.scratch = snapshot, list(paths), scratch
        self.types = dict(COLUMN_TYPES) if snapshot.dataset is Dataset.FOCUS else dict(METRIC_TYPES)
        self.con: Connection = connect()
        self.raw: Raw
        self.single_pass = snapshot.format is not FileFormat.PARQUET or snapshot.period is None

    def __enter__(self) -> Self:
        self._run("set temp_directory=" + literal(str(self.scratch / "spill")))
        prepare(self.con, ())
        _load_seeds(self.con)
        groups = layouts(self.con, self.paths, self.snapshot.format)
        self.raw = raw_select(self.snapshot, groups)
        self._run(f"create temp view raw as {self.raw.sql}")
        return self

    def __exit__(self, *_: object) -> None:
        self.con.close()

    @cached_property
    def model(self) -> str:
        """The staging SELECT with the snapshot's own values."""
        path = shipped("sql") / "staging" / f"{self.snapshot.staging}.sql"
        text = path.read_text(encoding="utf-8")
        named = {"$source": self.snapshot.source, "$snapshot_id": self.snapshot.snapshot_id}
        for name, value in named.items():
            text = text.replace(name, literal(value))
        return text

    @cached_property
    def rows(self) -> str:
        """A relation with every staged row and its fate: the model, or what the single pass wrote."""
        if not self.single_pass:
            return f"({self.model})"
        target = self.scratch / "staged"
        self._run(
            f"copy (select *, x_fate = 'load' as x_load from ({self.model})) to {literal(str(target))} "
            "(format parquet, compression zstd, partition_by (x_load))"
        )
        files = [str(path) for path in sorted(target.rglob("*.parquet"))]
        return file_list(files) if files else f"({self.model})"

    def write_loaded(self, target: Path, condition: str = "true") -> None:
        """Write the rows to load (of those that meet ``condition``) as one Parquet file."""
        kept = [f"cast({identifier(n)} as {kind}) as {identifier(n)}" for n, kind in self.types.items()]
        kept += self._bookkeeping()
        self._copy(f"select {', '.join(kept)} from {self.rows} where x_fate = 'load' and {condition}", target)

    def write_quarantined(self, target: Path, condition: str = "true") -> None:
        """Write the rows that could not be read, with their reason."""
        reason = "substr(x_fate, length('quarantine: ') + 1) as x_reason"
        broken = "select reason as x_reason, line as x_line from broken_lines" if self.broken_lines else ""
        unread = f"x_fate like 'quarantine:%' and {condition}"
        rows = f"select {reason}, * exclude (x_fate, x_part) from {self.rows} where {unread}"
        self._copy(f"{rows} union all by name {broken}" if broken else rows, target)

    @cached_property
    def broken_lines(self) -> int:
        """Lines that are not rows of the file's own columns (CSV); 0 after a clean parse."""
        _ = self.rows
        if self.snapshot.format is not FileFormat.CSV:
            return 0
        self._run(
            "create or replace temp table broken_lines as select any_value(error_message) as reason, "
            "any_value(csv_line) as line from reject_errors group by scan_id, file_id, line"
        )
        return int(self._query("select count(*) from broken_lines")[0][0])

    def counts(self, condition: str = "true") -> Counts:
        """Return what became of the rows; broken lines count as received and quarantined."""
        costs = self.snapshot.dataset is Dataset.FOCUS
        currency, cash = ("BillingCurrency", "sum(x_source_cost)") if costs else ("null", "null")
        counts = Counts()
        for fate, code, firsts, rows, amount in self._query(
            f"select x_fate, {currency}, count(*) filter (where x_part = 0), count(*), {cash} "
            f"from {self.rows} where {condition} group by x_fate, {currency}"
        ):
            _add(counts, str(fate), str(code or ""), int(firsts), int(rows), amount)
        self._check_received(counts, condition)
        if self.broken_lines and condition == "true":
            counts.received += self.broken_lines
            counts.quarantined["line is not a row of this file's columns"] = self.broken_lines
        return counts

    def periods(self) -> list[str]:
        """Return the months the rows to load belong to, as ``YYYY-MM``."""
        found = self._query(
            f"select distinct strftime({self.period_column}, '%Y-%m') from {self.rows} where x_fate = 'load' order by 1"
        )
        return [str(month) for (month,) in found]

    @property
    def period_column(self) -> str:
        """The column that tells a row's period."""
        return "BillingPeriodStart" if self.snapshot.dataset is Dataset.FOCUS else "ts"

    def digest(self, condition: str) -> str:
        """Return a fingerprint of the rows to load that does not depend on their order or the snapshot's id."""
        columns = ", ".join(identifier(n) for n in self.types if n not in {"x_snapshot_id", "x_extra"})
        ((count, mixed, total),) = self._query(
            f"select count(*), bit_xor(hash({columns})), sum(cast(hash({columns}) as hugeint)) "
            f"from {self.rows} where x_fate = 'load' and {condition}"
        )
        return f"{count}-{mixed or 0:x}-{int(total or 0):x}"

    def loaded_sums(self, target: Path) -> tuple[int, int, dict[str, Decimal], dict[str, Decimal]]:
        """Return rows, second halves of split rows, BilledCost and EffectiveCost of a written file, by currency."""
        if self.snapshot.dataset is not Dataset.FOCUS:
            ((rows,),) = self._query(f"select count(*) from {file_list([str(target)])}")
            return int(rows), 0, {}, {}
        found = self._query(
            f"select BillingCurrency, count(*), sum(x_part), sum(BilledCost), sum(EffectiveCost) "
            f"from {file_list([str(target)])} group by BillingCurrency order by BillingCurrency"
        )
        rows, split = sum(int(r[1]) for r in found), sum(int(r[2]) for r in found)
        return rows, split, {str(r[0]): r[3] for r in found}, {str(r[0]): r[4] for r in found}

    def _check_received(self, counts: Counts, condition: str) -> None:
        promised = self.snapshot.rows
        if condition == "true" and self.snapshot.format is FileFormat.PARQUET:
            listed = ", ".join(literal(str(path)) for path in self.paths)
            ((there,),) = self._query(f"select sum(num_rows) from parquet_file_metadata([{listed}])")
            if int(there or 0) != counts.received:
                raise ModelError(
                    f"staging model {self.snapshot.staging} lost rows: {there} in the files, {counts.received} staged"
                )
        if promised is not None and condition == "true" and promised != counts.received + self.broken_lines:
            raise SourceError(
                f"the manifest promises {promised} rows, the files hold {counts.received + self.broken_lines}",
                hint="The delivery is not complete; wait for the next one or copy it again",
            )

    def _bookkeeping(self) -> list[str]:
        return ["x_part", "x_source_cost"] if self.snapshot.dataset is Dataset.FOCUS else []

    def _copy(self, select: str, target: Path) -> None:
        self._run(f"copy ({select}) to {literal(str(target))} {_WRITE}")

    def _run(self, sql: str) -> None:
        self._query(sql)

    def _query(self, sql: str) -> list[tuple[Any, ...]]:
        try:
            return self.con.execute(sql).fetchall()
        except Error as error:
            raise explained(error, self.snapshot) from None


def explained(error: Error, snapshot: Snapshot) -> SourceError:
    """Return DuckDB's complaint about a file as an error for the user."""
    return SourceError(
        f"{snapshot.source}: {first_line(error)}",
        hint="Copy the file again; if it is broken at its source, wait for the next delivery",
    )


def _add(counts: Counts, fate: str, currency: str, firsts: int, rows: int, cash: object) -> None:
    counts.received += firsts
    kind, _, reason = fate.partition(": ")
    amount = cash if isinstance(cash, Decimal) else Decimal(0)
    if amount:
        counts.cash_received[currency] = counts.cash_received.get(currency, Decimal(0)) + amount
    if kind == "load":
        counts.loaded += rows
        counts.split += rows - firsts
    elif kind == "drop":
        counts.dropped[reason] = counts.dropped.get(reason, 0) + firsts
    else:
        counts.quarantined[reason] = counts.quarantined.get(reason, 0) + firsts
        counts.cash_quarantined[currency] = counts.cash_quarantined.get(currency, Decimal(0)) + amount


def _load_seeds(con: Connection) -> None:
    """Create ``seeds.<name>`` from every ``sql/seeds/<name>.csv``: small tables of facts, all text."""
    con.execute("create schema if not exists seeds")
    for path in sorted((shipped("sql") / "seeds").glob("*.csv")):
        con.execute(
            f"create table seeds.{identifier(path.stem)} as "
            f"select * from read_csv({literal(str(path))}, header=true, all_varchar=true)"
        )
