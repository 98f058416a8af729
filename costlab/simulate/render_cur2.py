"""Writes line items as an AWS CUR 2.0 export: Parquet parts and a manifest per billing period."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from costlab.simulate.cur_columns import CUR_COLUMNS, JOINS
from costlab.simulate.rendering import BUCKET, PREFIX, Period, filled, stamp

if TYPE_CHECKING:
    from pathlib import Path

    from costlab.warehouse.connection import Connection

CUR2_EXPORT: Final = "cur2"
_TYPES: Final = {
    "text": "string",
    "number": "double",
    "instant": "timestamp(3)",
    "map": "map<string,string>",
    "number_map": "map<string,double>",
}


class Mode(StrEnum):
    """How a new delivery of a period meets the one before."""

    OVERWRITE = "overwrite"
    CREATE_NEW = "create-new"
    """A folder per delivery, in data and metadata alike."""


@dataclass(slots=True)
class Export:
    """The files of one AWS data export and the manifests that list them."""

    root: Path
    name: str
    mode: Mode = Mode.OVERWRITE
    files: list[str] = field(default_factory=list)

    def part(self, period: Period, number: int, suffix: str) -> Path:
        """Return the path of a part, remembered for the manifest; its folder exists."""
        folder = self._folder("data", period)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}-{number:05d}.{suffix}"
        self.files.append(path.relative_to(self.root).as_posix())
        return path

    def manifest(self, period: Period, columns: list[tuple[str, str]], content_type: str) -> None:
        """Write the manifest, after all parts, as AWS does; ``columns`` are (name, type) pairs."""
        folder = self._folder("metadata", period)
        folder.mkdir(parents=True, exist_ok=True)
        manifest = {
            "account": period.payer_id,
            "exportName": self.name,
            "exportArn": f"arn:aws:bcm-data-exports:us-east-1:{period.payer_id}:export/{self.name}-simulated",
            "executionId": period.execution,
            "contentType": content_type,
            "compression": "Parquet" if content_type == "Parquet" else "GZIP",
            "bucket": BUCKET,
            "billingPeriod": {"start": stamp(period.month.start), "end": stamp(period.month.end)},
            "columns": [{"name": name, "type": kind} for name, kind in columns],
            "dataFiles": [f"s3://{BUCKET}/{PREFIX}/{file}" for file in self.files],
            "additionalOutputFiles": [],
        }
        (folder / f"{self.name}-Manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
        self.files = []

    def _folder(self, kind: str, period: Period) -> Path:
        folder = self.root / self.name / kind / f"BILLING_PERIOD={period.month}"
        return folder / period.execution if self.mode is Mode.CREATE_NEW else folder


class Cur2:
    """CUR 2.0: the fixed schema with maps; net columns only ``with_net``."""

    def __init__(self, root: Path, *, with_net: bool, mode: Mode = Mode.OVERWRITE) -> None:
        self.export = Export(root, CUR2_EXPORT, mode)
        self.columns = [c for c in CUR_COLUMNS if with_net or not c.net]

    def write(self, con: Connection, period: Period, part: int) -> None:
        """Write the line items in ``facts`` as one part of the period."""
        path = self.export.part(period, part, "snappy.parquet")
        select = ",\n".join(f'{filled(c.sql, period)} as "{c.name}"' for c in self.columns)
        con.execute(f"copy (select {select} from {JOINS}) to '{path}' (format parquet, compression snappy)")

    def finish(self, period: Period) -> None:
        """Write the manifest."""
        self.export.manifest(period, [(c.name, _TYPES[c.type]) for c in self.columns], "Parquet")
