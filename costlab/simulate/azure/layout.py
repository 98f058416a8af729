"""How Cost Management lays an export out in a container: a folder per run, its parts, ``manifest.json``.

Source: Microsoft, "Tutorial: create and manage exported data", read 2026-11.
"""

# ruff: noqa: E501 - tables of data and SQL read best with one entry on a line

from __future__ import annotations

import gzip
import json
import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from costlab.simulate.azure.store import digest

if TYPE_CHECKING:
    from datetime import date, datetime
    from pathlib import Path

    from costlab.period import Month
    from costlab.warehouse.connection import Connection

_COMPRESSING: Final = ThreadPoolExecutor(max_workers=1)
FROM: Final = """from facts as f join kinds as k using (kind) left join items as i on i.item = f.item
    left join subscriptions as s on s.acc = f.acc left join resources as r on r.res = f.res
    left join commitments as c on c.com = f.com"""


@dataclass(frozen=True, slots=True)
class Period:
    """A billing period as it is delivered; without invoice numbers while it is open."""

    month: Month
    account: str
    profile: str
    invoice: str
    marketplace_invoice: str
    delivery: str
    delivered_at: datetime
    through: date
    """First day that is not in it."""

    def run_id(self, export: str) -> str:
        """Return the id of the run of an export that delivered it."""
        return str(UUID(bytes=digest(export, str(self.month), self.delivery)[:16], version=4))


@dataclass(slots=True)
class Export:
    """One export: writes charges of a period as parts, then the manifest."""

    container: Path
    name: str
    kind: str
    """ActualCost, AmortizedCost or FocusCost."""
    scope: str
    extension: str
    version: str = "2021-10-01"
    parts: list[tuple[Path, int, Future[None] | None]] = field(default_factory=list)
    """Paths, their rows, and what still compresses them."""

    def folder(self, period: Period) -> str:
        """Return the folder of the run that delivers a period, relative to the container."""
        days = f"{period.month.start:%Y%m%d}-{period.month.end - timedelta(days=1):%Y%m%d}"
        return f"billing/{self.name}/{days}/{period.delivered_at:%Y%m%d%H%M}/{period.run_id(self.name)}"

    def write(self, con: Connection, period: Period, query: str) -> None:
        """Write a query's rows as one more part; text is compressed while the next part is made."""
        path = self.container / self.folder(period) / f"part_{len(self.parts)}_0001.{self.extension}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".gz":
            plain = path.with_suffix("")
            rows = _copied(con, query, plain, "format csv, header true")
            self.parts.append((path, rows, _COMPRESSING.submit(_gzipped, plain, path)))
        else:
            self.parts.append((path, _copied(con, query, path, "format parquet, compression snappy"), None))

    def _blobs(self) -> list[dict[str, Any]]:
        blobs: list[dict[str, Any]] = []
        for path, rows, compressing in self.parts:
            if compressing:
                compressing.result()
            name = path.relative_to(self.container).as_posix()
            blobs.append({"blobName": name, "byteCount": path.stat().st_size, "dataRowCount": rows})
        return blobs

    def finish(self, period: Period) -> None:
        """Write the manifest."""
        last = period.month.end - timedelta(days=1)
        blobs = self._blobs()
        columnar = self.extension.endswith("parquet")
        manifest = {
            "manifestVersion": "2024-04-01",
            "byteCount": sum(blob["byteCount"] for blob in blobs),
            "blobCount": len(blobs),
            "dataRowCount": sum(blob["dataRowCount"] for blob in blobs),
            "exportConfig": {
                "exportName": self.name,
                "resourceId": f"{self.scope}/providers/Microsoft.CostManagement/exports/{self.name}",
                "dataVersion": self.version,
                "apiVersion": "2023-07-01-preview",
                "type": self.kind,
                "timeFrame": "MonthToDate" if period.delivery == "to-date" else "TheLastMonth",
                "granularity": "Daily",
            },
            "deliveryConfig": {
                "partitionData": True,
                "dataOverwriteBehavior": "CreateNewReport",
                "fileFormat": "Parquet" if columnar else "Csv",
                "compressionMode": "snappy" if columnar else "gzip",
            },
            "runInfo": {
                "executionType": "Scheduled",
                "submittedTime": f"{period.delivered_at:%Y-%m-%dT%H:%M:%S}.2345678Z",
                "runId": period.run_id(self.name),
                "startDate": f"{period.month.first_day}T00:00:00",
                "endDate": f"{last:%Y-%m-%d}T00:00:00",
            },
            "blobs": blobs,
        }
        path = self.container / self.folder(period) / "manifest.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        self.parts = []


def literal(text: str) -> str:
    """Return a text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def filled(sql: str, period: Period) -> str:
    """Return a column's SQL with the period's values in place."""
    month = period.month
    marks = {
        "$invoice": f"nullif(case f.invoice when 1 then {literal(period.marketplace_invoice)} else {literal(period.invoice)} end, '')",
        "$account": literal(period.account),
        "$profile": literal(period.profile),
        "$first": f"date '{month.first_day}'",
        "$next": f"date '{month.plus(1).first_day}'",
        "$delivery": literal(period.delivery),
    }
    for mark, value in marks.items():
        sql = sql.replace(mark, value)
    return sql


def _copied(con: Connection, query: str, path: Path, form: str) -> int:
    """Write a query's rows into a file and return how many they are."""
    (count,) = con.execute(f"copy ({query}) to '{path}' ({form})").fetchall()[0]
    return int(count)


def _gzipped(plain: Path, path: Path) -> None:
    """Replace a file by its compressed form, the same bytes every time."""
    with (
        plain.open("rb") as source,
        path.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=6, mtime=0) as target,
    ):
        shutil.copyfileobj(source, target, 1 << 20)
    plain.unlink()
