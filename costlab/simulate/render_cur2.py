"""Writes line items as an AWS CUR 2.0 export: Parquet parts and a manifest per billing period."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from costlab.simulate.cur_columns import CUR_COLUMNS, JOINS

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from costlab.simulate.bill import Period
    from costlab.warehouse.connection import Connection

BUCKET: Final = "quillfish-billing"
PREFIX: Final = "exports"
EXPORT: Final = "cur2"
_PARQUET_TYPES: Final = {"text": "string", "number": "double", "instant": "timestamp(3)"}
_MAPS: Final = {"map": "map<string,string>", "number_map": "map<string,double>"}


def filled(sql: str, period: Period) -> str:
    """Return a column's SQL with the rendering's functions and the period's values in place."""
    text = {
        "$marketplace_invoice": _literal(period.marketplace_invoice),
        "$invoice": _literal(period.invoice),
        "$period_start": f"timestamp '{period.month.start}'",
        "$period_end": f"timestamp '{period.month.end}'",
        "$payer_id": _literal(period.payer_id),
        "$payer_name": _literal(period.payer_name),
        "$month": _literal(str(period.month)),
        "$at(": "at_hour(",
        "$usd(": "usd(",
        "$rate(": "per_unit(",
        "$quantity(": "units(",
    }
    for mark, value in text.items():
        sql = sql.replace(mark, value)
    return sql


def stamp(instant: datetime) -> str:
    """Return an instant as AWS manifests write it: ``20260101T000000.000Z``."""
    return f"{instant:%Y%m%dT%H%M%S}.000Z"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@dataclass(slots=True)
class Cur2:
    """An export in overwrite mode, or with ``execution`` in create-new mode (a folder per delivery)."""

    root: Path
    with_net: bool
    execution: str = ""
    files: list[str] = field(default_factory=list)

    def columns(self) -> list[tuple[str, str, str]]:
        """Return (name, type, SQL) of the columns delivered."""
        return [(c.name, c.type, c.sql) for c in CUR_COLUMNS if self.with_net or not c.net]

    def write(self, con: Connection, period: Period, part: int) -> None:
        """Write the line items in ``facts`` as one part of the period."""
        folder = self._folder("data", period)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{EXPORT}-{part:05d}.snappy.parquet"
        select = ",\n".join(f'{filled(sql, period)} as "{name}"' for name, _, sql in self.columns())
        con.execute(f"copy (select {select} from {JOINS}) to '{path}' (format parquet, compression snappy)")
        self.files.append(path.relative_to(self.root).as_posix())

    def finish(self, period: Period) -> None:
        """Write the manifest, after all parts, as AWS does."""
        folder = self._folder("metadata", period)
        folder.mkdir(parents=True, exist_ok=True)
        types = _PARQUET_TYPES | _MAPS
        manifest = {
            "account": period.payer_id,
            "exportName": EXPORT,
            "exportArn": f"arn:aws:bcm-data-exports:us-east-1:{period.payer_id}:export/{EXPORT}-simulated",
            "executionId": self.execution or None,
            "contentType": "Parquet",
            "compression": "Parquet",
            "bucket": BUCKET,
            "billingPeriod": {"start": stamp(period.month.start), "end": stamp(period.month.end)},
            "columns": [{"name": name, "type": types[kind]} for name, kind, _ in self.columns()],
            "dataFiles": [f"s3://{BUCKET}/{PREFIX}/{file}" for file in self.files],
            "additionalOutputFiles": [],
        }  # fmt: skip
        (folder / f"{EXPORT}-Manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
        self.files = []

    def _folder(self, kind: str, period: Period) -> Path:
        folder = self.root / EXPORT / kind / f"BILLING_PERIOD={period.month}"
        return folder / self.execution if self.execution else folder
