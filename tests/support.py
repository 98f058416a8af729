"""Tiny bills written by hand: give the columns that matter, get whole FOCUS rows, revisions and catalogues."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from costlab.focus.columns import COLUMN_TYPES
from costlab.period import Month
from costlab.warehouse.builder import METRIC_TYPES, BuildReport
from costlab.warehouse.catalogue import build
from costlab.warehouse.connection import Connection, connect
from costlab.warehouse.relations import Database

Row = dict[str, Any]

DEFAULTS: Row = {
    "BillingAccountId": "payer",
    "BillingAccountName": "Payer",
    "BillingAccountType": "Billing Account",
    "BillingCurrency": "USD",
    "ChargeCategory": "Usage",
    "ChargeDescription": "a charge",
    "ChargeFrequency": "Usage-Based",
    "ChargePeriodStart": "2026-03-01T00:00:00",
    "ConsumedQuantity": 1,
    "ConsumedUnit": "Hours",
    "BilledCost": 1,
    "InvoiceIssuerName": "AWS",
    "PricingCategory": "Standard",
    "PricingCurrency": "USD",
    "PricingQuantity": 1,
    "PricingUnit": "Hours",
    "ProviderName": "AWS",
    "PublisherName": "AWS",
    "HostProviderName": "AWS",
    "ServiceProviderName": "AWS",
    "RegionId": "us-east-1",
    "RegionName": "US East (N. Virginia)",
    "ServiceCategory": "Compute",
    "ServiceName": "Amazon Elastic Compute Cloud",
    "ServiceSubcategory": "Virtual Machines",
    "SubAccountId": "111111111111",
    "SubAccountName": "dev",
    "x_source": "aws",
    "x_snapshot_id": "snapshot-1",
    "x_data_status": "final",
    "x_line_item_type": "Usage",
    "x_service_code": "AmazonEC2",
}


def focus_row(**given: Any) -> Row:
    """Return a whole FOCUS row: one on-demand hour that costs 1 USD, but for what is given.

    Cost columns that are not given equal ``BilledCost``; the charge lasts an hour; the billing period is the month of
    ``ChargePeriodStart``. Instants may be text; numbers become ``Decimal``.
    """
    unknown = given.keys() - COLUMN_TYPES.keys()
    assert not unknown, f"not columns of focus.costs: {sorted(unknown)}"
    row: Row = {**dict.fromkeys(COLUMN_TYPES), **DEFAULTS, **given}
    for column in ("EffectiveCost", "ContractedCost", "ListCost"):
        if column not in given:
            row[column] = row["BilledCost"]
    start = row["ChargePeriodStart"] = _instant(row["ChargePeriodStart"])
    if "ChargePeriodEnd" not in given:
        row["ChargePeriodEnd"] = start + timedelta(hours=1)
    month = Month.of(start.date())
    for column, default in (("BillingPeriodStart", month.start), ("BillingPeriodEnd", month.end)):
        row[column] = row[column] or default
    return {column: _typed(row[column], kind) for column, kind in COLUMN_TYPES.items()}


def focus_rows(rows: list[Row]) -> list[Row]:
    """Return whole FOCUS rows for short ones; see :func:`focus_row`."""
    return [focus_row(**row) for row in rows]


def _instant(value: Any) -> Any:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def _typed(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind.startswith("DECIMAL"):
        return Decimal(str(value))
    return _instant(value) if kind == "TIMESTAMP" else value


def create_table(con: Connection, name: str, types: dict[str, str], rows: list[Row]) -> None:
    """Create a table with these columns and rows; values that a row does not name are NULL."""
    columns = ", ".join(f'"{column}" {kind}' for column, kind in types.items())
    con.execute(f"create or replace table {name} ({columns})")
    if rows:
        marks = ", ".join("?" for _ in types)
        con.executemany(f"insert into {name} values ({marks})", [[row.get(column) for column in types] for row in rows])


@dataclass(frozen=True)
class FakeFile:
    path: str


@dataclass(frozen=True)
class FakeRevision:
    """A revision as the warehouse sees it, for tests that need no lake."""

    files: tuple[FakeFile, ...]
    rows_loaded: int = 0
    dataset: str = "focus"
    source: str = "aws"
    connector: str = "focus"
    period: str = "2026-03"
    revision: str = "r1"
    snapshot_id: str = "snapshot-1"
    loaded_at: datetime = datetime(2026, 4, 1)
    quarantine: tuple[FakeFile, ...] = ()
    rows_split: int = 0
    rows_quarantined: int = 0
    rows_dropped: dict[str, int] = field(default_factory=dict[str, int])
    billed_cost_received: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    billed_cost_loaded: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    effective_cost_loaded: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    quarantined_cost: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    drift: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    warnings: tuple[str, ...] = ()

    @property
    def rows_received(self) -> int:
        return self.rows_loaded + self.rows_quarantined


@dataclass(frozen=True)
class FakeKnown:
    revision: FakeRevision
    is_first: bool = True


def write_revision(workspace: Path, rows: list[Row], *, revision: str = "r1", period: str = "2026-03") -> FakeKnown:
    """Write whole FOCUS rows of one source and month as a revision's Parquet file."""
    source = rows[0]["x_source"] if rows else "aws"
    return _written(workspace, "focus", source, period, revision, COLUMN_TYPES, rows)


def write_metrics(workspace: Path, rows: list[Row], *, revision: str = "m1", period: str = "2026-03") -> FakeKnown:
    """Write metric samples as a revision's Parquet file."""
    whole = [{"provider": "aws", "x_source": "metrics", **row, "ts": _instant(row["ts"])} for row in rows]
    return _written(workspace, "metrics", "metrics", period, revision, METRIC_TYPES, whole)


def _written(
    workspace: Path, dataset: str, source: str, period: str, revision: str, types: dict[str, str], rows: list[Row]
) -> FakeKnown:
    relative = f"lake/{dataset}/source={source}/billing_period={period}/{revision}/part-0.parquet"
    write_parquet(workspace / relative, types, rows)
    billed, effective = (
        _sums(rows if dataset == "focus" else [], measure) for measure in ("BilledCost", "EffectiveCost")
    )
    return FakeKnown(
        FakeRevision(
            files=(FakeFile(relative),),
            rows_loaded=len(rows),
            dataset=dataset,
            source=source,
            period=period,
            revision=revision,
            billed_cost_received=billed,
            billed_cost_loaded=billed,
            effective_cost_loaded=effective,
        )
    )


def _sums(rows: list[Row], measure: str) -> dict[str, Decimal]:
    totals: dict[str, Decimal] = {}
    for row in rows:
        totals[row["BillingCurrency"]] = totals.get(row["BillingCurrency"], Decimal(0)) + row[measure]
    return totals


def write_parquet(path: Path, types: dict[str, str], rows: list[Row]) -> None:
    """Write rows as a Parquet file with these columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    con = connect()
    try:
        create_table(con, "rows_to_write", types, rows)
        con.execute(f"copy rows_to_write to '{path}' (format parquet)")
    finally:
        con.close()


def catalogue(workspace: Path, *known: FakeKnown, name: str = "catalogue.duckdb", **options: Any) -> Database:
    """Build a catalogue of these revisions beside the workspace's lake and open it."""
    return built(workspace, *known, name=name, **options)[0]


def built(
    workspace: Path, *known: FakeKnown, name: str = "catalogue.duckdb", **options: Any
) -> tuple[Database, BuildReport]:
    """Build a catalogue and return it opened, with the report."""
    target = workspace / "built" / name
    report = build(workspace, known, target, **options)
    return Database.open(target, workspace), report
