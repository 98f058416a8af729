"""Tiny bills written by hand: give the columns that matter, get whole FOCUS rows, revisions and catalogues."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from costlab.focus.columns import COLUMN_TYPES
from costlab.interfaces.datasets import INVENTORY_TYPES, METRIC_TYPES
from costlab.lake import KnownRevision, LakeFile, Manifest, Revision, writing
from costlab.period import Month, midnight, utc_now
from costlab.warehouse.builder import BuildReport
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


def create_table(con: Connection, name: str, types: Mapping[str, str], rows: list[Row]) -> None:
    """Create a table with these columns and rows; values that a row does not name are NULL."""
    columns = ", ".join(f'"{column}" {kind}' for column, kind in types.items())
    con.execute(f"create or replace table {name} ({columns})")
    if rows:
        marks = ", ".join("?" for _ in types)
        con.executemany(f"insert into {name} values ({marks})", [[row.get(column) for column in types] for row in rows])


def write_revision(
    workspace: Path, rows: list[Row], *, revision: str = "r1", period: str = "2026-03", is_first: bool = True
) -> KnownRevision:
    """Write whole FOCUS rows of one source and month as a revision's file, beside the lake's manifests."""
    source = rows[0]["x_source"] if rows else "aws"
    relative = f"lake/focus/source={source}/billing_period={period}/{revision}/part-0.parquet"
    write_parquet(workspace / relative, COLUMN_TYPES, rows)
    file = LakeFile(relative, (workspace / relative).stat().st_size, "", len(rows))
    return KnownRevision(focus_revision(rows, source, period, revision, file), is_first=is_first)


def focus_revision(rows: list[Row], source: str, period: str, revision: str, file: LakeFile) -> Revision:
    """Return the record of a revision that holds exactly these rows."""
    billed, effective = (_sums(rows, measure) for measure in ("BilledCost", "EffectiveCost"))
    return Revision(
        "focus", source, "focus", period, revision, "snapshot-1", "", midnight(date(2026, 4, 1)),
        files=(file,),
        rows_received=len(rows),
        rows_loaded=len(rows),
        billed_cost_received=billed,
        billed_cost_loaded=billed,
        effective_cost_loaded=effective,
    )  # fmt: skip


def write_metrics(workspace: Path, rows: list[Row], *, revision: str = "m1", period: str = "2026-03") -> KnownRevision:
    """Write metric samples as a revision's file, beside the lake's manifests."""
    whole = [{"provider": "aws", "x_source": "metrics", **row, "ts": _instant(row["ts"])} for row in rows]
    relative = f"lake/metrics/source=metrics/billing_period={period}/{revision}/part-0.parquet"
    write_parquet(workspace / relative, METRIC_TYPES, whole)
    file = LakeFile(relative, (workspace / relative).stat().st_size, "", len(rows))
    record = Revision(
        "metrics", "metrics", "metrics-file", period, revision, revision, "", midnight(date(2026, 4, 1)), files=(file,)
    )
    return KnownRevision(record, is_first=True)


def write_inventory(workspace: Path, rows: list[Row], *, period: str) -> KnownRevision:
    """Write observed resources as a revision's file, beside the lake's manifests."""
    common = {"provider": "aws", "resource_kind": "disk", "x_source": "stock"}
    whole = [{**common, **row, "observed_at": _instant(row["observed_at"])} for row in rows]
    relative = f"lake/inventory/source=stock/billing_period={period}/i1/part-0.parquet"
    write_parquet(workspace / relative, INVENTORY_TYPES, whole)
    file = LakeFile(relative, (workspace / relative).stat().st_size, "", len(rows))
    loaded = midnight(date(2026, 4, 1))
    record = Revision("inventory", "stock", "aws-inventory", period, "i1", "i1", "", loaded, files=(file,))
    return KnownRevision(record, is_first=True)


def load_rows(workspace: Path, rows: list[Row]) -> Manifest:
    """Publish whole FOCUS rows through the lake, one new revision per source and billing period."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        month = str(Month.of(row["BillingPeriodStart"].date()))
        groups.setdefault((row["x_source"], month), []).append(row)
    with writing(workspace) as writer:
        revisions: list[Revision] = []
        for (source, month), group in groups.items():
            revision, folder = writer.stage("focus", source, month, "testtest")
            write_parquet(folder / "part-0.parquet", COLUMN_TYPES, group)
            file = writer.file(folder / "part-0.parquet", len(group))
            record = focus_revision(group, source, month, revision, file)
            revisions.append(replace(record, loaded_at=utc_now()))
        return writer.publish(revisions)


def _sums(rows: list[Row], measure: str) -> dict[str, Decimal]:
    totals: dict[str, Decimal] = {}
    for row in rows:
        totals[row["BillingCurrency"]] = totals.get(row["BillingCurrency"], Decimal(0)) + row[measure]
    return totals


def write_parquet(path: Path, types: Mapping[str, str], rows: list[Row]) -> None:
    """Write rows as a Parquet file with these columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    con = connect()
    try:
        create_table(con, "rows_to_write", types, rows)
        con.execute(f"copy rows_to_write to '{path}' (format parquet)")
    finally:
        con.close()


def catalogue(workspace: Path, *known: KnownRevision, name: str = "catalogue.duckdb", **options: Any) -> Database:
    """Build a catalogue of these revisions beside the workspace's lake and open it."""
    return built(workspace, *known, name=name, **options)[0]


def built(
    workspace: Path, *known: KnownRevision, name: str = "catalogue.duckdb", **options: Any
) -> tuple[Database, BuildReport]:
    """Build a catalogue and return it opened, with the report."""
    target = workspace / "built" / name
    report = build(workspace, known, target, **options)
    return Database.open(target, workspace), report
