"""Writes line items as a legacy AWS Cost and Usage Report: gzipped CSV with ``category/Name`` headers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from costlab.simulate.cur_columns import CUR_COLUMNS, JOINS, CurColumn
from costlab.simulate.rendering import BUCKET, PREFIX, Period, filled, stamp

if TYPE_CHECKING:
    from pathlib import Path

    from costlab.warehouse.connection import Connection

REPORT: Final = "legacy-cur"
CATEGORIES: Final = {
    "identity": "identity",
    "bill": "bill",
    "line_item": "lineItem",
    "product": "product",
    "pricing": "pricing",
    "reservation": "reservation",
    "savings_plan": "savingsPlan",
    "split_line_item": "splitLineItem",
}
_LOWER: Final = {"publicOnDemandCost", "publicOnDemandRate", "unit", "term", "currency"}
_ONLY_NEW: Final = {"bill_payer_account_name", "line_item_usage_account_name", "cost_category", "discount", "product",
                    "resource_tags", "discount_bundled_discount", "discount_total_discount"}  # fmt: skip
TAG_KEYS: Final = ("aws:createdBy", "Name", "app", "env", "team")
_PRODUCT: Final = ("vcpu", "memory", "operating_system", "tenancy")


def legacy_name(name: str) -> str:
    """Return how the legacy report heads a CUR 2.0 column.

    >>> legacy_name("line_item_unblended_cost"), legacy_name("savings_plan_savings_plan_a_r_n")
    ('lineItem/UnblendedCost', 'savingsPlan/SavingsPlanARN')
    >>> legacy_name("pricing_public_on_demand_cost"), legacy_name("product_region_code")
    ('pricing/publicOnDemandCost', 'product/regionCode')
    """
    prefix = next(p for p in sorted(CATEGORIES, key=len, reverse=True) if name.startswith(p + "_"))
    words = name.removeprefix(prefix + "_").replace("a_r_n", "ARN").split("_")
    pascal = "".join(word[:1].upper() + word[1:] for word in words)
    camel = pascal[:1].lower() + pascal[1:]
    return f"{CATEGORIES[prefix]}/{camel if prefix == 'product' or camel in _LOWER else pascal}"


def legacy_columns(*, with_net: bool, first_month: bool) -> list[tuple[str, str, str]]:
    """Return (header, type, SQL); the first month lacks product attributes, as column sets vary by month."""
    kept = [c for c in CUR_COLUMNS if c.name not in _ONLY_NEW and (with_net or not c.net)]
    columns = [(legacy_name(c.name), c.type, _text_sql(c)) for c in kept]
    columns.append(("product/ProductName", "text", "s.service"))
    if not first_month:
        columns += [(legacy_name(f"product_{key}"), "text", f"s.product['{key}']") for key in _PRODUCT]
    for key in TAG_KEYS:
        header = f"resourceTags/{key}" if key.startswith("aws:") else f"resourceTags/user:{key}"
        columns.append((header, "text", f"case when f.res >= 0 then r.tags['{key}'] end"))
    order = [*CATEGORIES.values(), "resourceTags"]
    return sorted(columns, key=lambda column: (order.index(column[0].split("/")[0]), column[0]))


def _text_sql(column: CurColumn) -> str:
    if column.type == "number":
        return f"cast({column.sql} as decimal(38, 12))"
    return f"strftime({column.sql}, '%Y-%m-%dT%H:%M:%SZ')" if column.type == "instant" else column.sql


@dataclass(slots=True)
class Legacy:
    """A legacy report in create-new-version mode: every delivery has its own assembly folder."""

    root: Path
    with_net: bool
    first_month: str
    keys: list[str] = field(default_factory=list)

    def write(self, con: Connection, period: Period, part: int) -> None:
        """Write the line items in ``facts`` as one part of the period."""
        folder = self._folder(period) / period.execution
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{REPORT}-{part}.csv.gz"
        select = ",\n".join(f'{filled(sql, period, exact=True)} as "{name}"' for name, _, sql in self._columns(period))
        con.execute(f"copy (select {select} from {JOINS}) to '{path}' (format csv, header true, compression gzip)")
        self.keys.append(f"{PREFIX}/{path.relative_to(self.root).as_posix()}")

    def finish(self, period: Period) -> None:
        """Write the manifest beside the assembly and, as the live one, in the period's folder."""
        types = {"text": "OptionalString", "number": "OptionalBigDecimal", "instant": "DateTime"}
        manifest = {
            "assemblyId": period.execution,
            "account": period.payer_id,
            "columns": [
                {"category": name.split("/", 1)[0], "name": name.split("/", 1)[1], "type": types[kind]}
                for name, kind, _ in self._columns(period)
            ],
            "charset": "UTF-8",
            "compression": "GZIP",
            "contentType": "text/csv",
            "reportId": f"{REPORT}-simulated",
            "reportName": REPORT,
            "billingPeriod": {"start": stamp(period.month.start), "end": stamp(period.month.end)},
            "bucket": BUCKET,
            "reportKeys": self.keys,
            "additionalArtifactKeys": [],
        }
        text = json.dumps(manifest, indent=1) + "\n"
        for folder in (self._folder(period), self._folder(period) / period.execution):
            (folder / f"{REPORT}-Manifest.json").write_text(text)
        self.keys = []

    def _columns(self, period: Period) -> list[tuple[str, str, str]]:
        return legacy_columns(with_net=self.with_net, first_month=str(period.month) == self.first_month)

    def _folder(self, period: Period) -> Path:
        return self.root / REPORT / f"{period.month.start:%Y%m%d}-{period.month.end:%Y%m%d}"
