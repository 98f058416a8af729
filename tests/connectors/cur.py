"""Cost and usage reports written by hand: a few line items as CUR 2.0 or legacy files with their manifest."""

from __future__ import annotations

import csv
import gzip
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from costlab.period import Month
from costlab.warehouse.connection import connect
from costlab.warehouse.parquet import identifier, literal

Row = dict[str, Any]

DEFAULTS: Row = {
    "bill_billing_entity": "AWS",
    "bill_billing_period_start_date": "2026-03-01T00:00:00Z",
    "bill_billing_period_end_date": "2026-04-01T00:00:00Z",
    "bill_invoice_id": "INV-1",
    "bill_payer_account_id": "000000000042",
    "line_item_currency_code": "USD",
    "line_item_line_item_description": "an hour of a machine",
    "line_item_line_item_type": "Usage",
    "line_item_operation": "RunInstances",
    "line_item_product_code": "AmazonEC2",
    "line_item_resource_id": "i-1",
    "line_item_unblended_cost": "1.5",
    "line_item_usage_account_id": "000000000007",
    "line_item_usage_amount": "1",
    "line_item_usage_start_date": "2026-03-02T10:00:00Z",
    "line_item_usage_end_date": "2026-03-02T11:00:00Z",
    "line_item_usage_type": "USE1-BoxUsage:m5.large",
    "pricing_public_on_demand_cost": "1.5",
    "pricing_unit": "Hrs",
    "product_region_code": "us-east-1",
}


def line(**given: Any) -> Row:
    """Return a line item: an on-demand hour of 1.50 USD, but for what is given."""
    return {**DEFAULTS, **given}


def csv_text(rows: list[Row], *, names: dict[str, str] | None = None, end: str = "\n") -> str:
    """Return the rows as CSV; ``names`` spells columns differently."""
    columns = list(dict.fromkeys(name for row in rows for name in row)) or list(DEFAULTS)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=end)
    writer.writerow([(names or {}).get(name, name) for name in columns])
    writer.writerows([["" if row.get(name) is None else row[name] for name in columns] for row in rows])
    return out.getvalue()


def write_csv(path: Path, rows: list[Row], *, zipped: bool = True, **options: Any) -> Path:
    """Write the rows as CSV or CSV.gz."""
    return write_bytes(path, csv_text(rows, **options).encode(), zipped=zipped)


def write_bytes(path: Path, content: bytes, *, zipped: bool = True) -> Path:
    """Write bytes, gzipped or not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if zipped else content)
    return path


def write_parquet(path: Path, rows: list[Row], types: dict[str, str] | None = None) -> Path:
    """Write the rows as Parquet; columns are text unless ``types`` says otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = list(dict.fromkeys(name for row in rows for name in row)) or list(DEFAULTS)
    kinds = {name: (types or {}).get(name, "VARCHAR") for name in columns}
    con = connect()
    declared = ", ".join(f"{identifier(name)} {kind}" for name, kind in kinds.items())
    con.execute(f"create table t ({declared})")
    for row in rows:
        marks = ", ".join(f"cast(? as {kind})" for kind in kinds.values())
        con.execute(f"insert into t values ({marks})", [row.get(name) for name in columns])
    con.execute(f"copy t to {literal(str(path))} (format parquet)")
    con.close()
    return path


@dataclass
class Export:
    """A CUR 2.0 export below ``root``; ``files`` are what the next manifest names."""

    root: Path
    name: str = "cur"
    files: list[str] = field(default_factory=list[str])

    def data(self, month: str = "2026-03", number: int = 1, *, run: str = "", ending: str = "csv.gz") -> Path:
        """Return where a data file belongs and have the manifest name it."""
        folder = Path(self.name) / "data" / f"BILLING_PERIOD={month}" / run
        relative = folder / f"{self.name}-{number:05d}.{ending}"
        self.files.append(relative.as_posix())
        return self.root / relative

    def manifest(self, month: str = "2026-03", *, run: str = "", **fields: Any) -> Path:
        """Write the manifest of a period, or of one execution of it; fields are added to it or replace others."""
        folder = self.root / self.name / "metadata" / f"BILLING_PERIOD={month}" / run
        folder.mkdir(parents=True, exist_ok=True)
        record = {"dataFiles": [f"s3://bucket/exports/{file}" for file in self.files], "executionId": run or None}
        path = folder / f"{self.name}-Manifest.json"
        path.write_text(json.dumps({**record, **fields}))
        self.files = []
        return path

    def month(self, rows: list[Row], month: str = "2026-03", *, run: str = "", **fields: Any) -> None:
        """Write one gzipped file of rows and its manifest; the rows' billing period is the month's."""
        start, end = Month.parse(month).start, Month.parse(month).end
        period = {
            "bill_billing_period_start_date": f"{start:%Y-%m-%d}",
            "bill_billing_period_end_date": f"{end:%Y-%m-%d}",
        }
        write_csv(self.data(month, run=run), [{**row, **period} for row in rows])
        self.manifest(month, run=run, **fields)
