"""Writes line items as an AWS Data Export of FOCUS 1.2: Parquet, or gzipped CSV."""

# ruff: noqa: E501 - tables of SQL read best with one column on a line

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from costlab.simulate.cur_columns import DESCRIPTION, JOINS, MACHINE, RI_ROWS, of
from costlab.simulate.facts import Line
from costlab.simulate.ledger import CATEGORY
from costlab.simulate.render_cur2 import Export, Mode
from costlab.simulate.rendering import Period, filled

if TYPE_CHECKING:
    from pathlib import Path

    from costlab.warehouse.connection import Connection

FOCUS_EXPORT: Final = "focus-1-2"
_DROPPED: Final = of(Line.NEGATION, Line.EDP, Line.SPLIT)
_FEES: Final = of(Line.RI_FEE, Line.PLAN_FEE)
_COVERED: Final = of(Line.DISCOUNTED_USAGE, Line.COVERED_USAGE)
_PLAIN: Final = of(Line.USAGE)
_PLAN: Final = of(Line.COVERED_USAGE, Line.PLAN_FEE, Line.PLAN_UPFRONT)
_WHOLE: Final = of(Line.TAX, Line.CREDIT, Line.REFUND)
_UNUSED: Final = "f.half = 1"
_USAGE: Final = f"(f.half = 0 and ({_PLAIN} or {_COVERED}))"
_COMMITMENT: Final = "c.com is not null"
_EXACT: Final = "c.instrument in ('zonal-ri', 'opensearch-ri', 'redshift-ri')"
_COMMITTED_QUANTITY: Final = f"""case when c.com is null then null
    when c.is_plan then $usd(case when {_UNUSED} then f.commit - f.used when {_COVERED} then f.eff when {_FEES} then f.commit end)
    else (case when {_UNUSED} then $quantity(f.unused_q) / 4 when {_COVERED} then coalesce(s.factor, 1) * $quantity(f.q)
          when {_FEES} then c.units * (f.h1 - f.h0) end) / case when {_EXACT} then c.units / c.count else 1 end end"""
_PRICED_QUANTITY: Final = f"""case when {of(Line.TAX, Line.CREDIT)} then null
    when {_UNUSED} then case when c.is_plan then 1 else $quantity(f.unused_q) / 4 / (c.units / c.count) end else $quantity(f.q) end"""

FOCUS_SQL: Final[tuple[tuple[str, str, str], ...]] = (
    ("AvailabilityZone", "text", f"case when {MACHINE} then r.zone end"),
    ("BilledCost", "number", f"$usd(case when {_UNUSED} then 0 else f.billed end)"),
    ("BillingAccountId", "text", "$payer_id"),
    ("BillingAccountName", "text", "$payer_name"),
    ("BillingAccountType", "text", "'Management Account'"),
    ("BillingCurrency", "text", "'USD'"),
    ("BillingPeriodEnd", "instant", "$period_end"),
    ("BillingPeriodStart", "instant", "$period_start"),
    ("CapacityReservationId", "text", "cast(null as varchar)"),
    ("CapacityReservationStatus", "text", "cast(null as varchar)"),
    ("ChargeCategory", "text", f"case when {_UNUSED} then 'Usage' else {CATEGORY} end"),
    ("ChargeClass", "text", f"case when {of(Line.REFUND)} then 'Correction' end"),
    ("ChargeDescription", "text", DESCRIPTION),
    ("ChargeFrequency", "text", f"case when {_FEES} then 'Recurring' when {of(Line.FEE)} and c.com is null then 'Recurring' when {of(Line.FEE, Line.PLAN_UPFRONT)} or {_WHOLE} then 'One-Time' else 'Usage-Based' end"),
    ("ChargePeriodEnd", "instant", "$at(f.h1)"),
    ("ChargePeriodStart", "instant", "$at(f.h0)"),
    ("CommitmentDiscountCategory", "text", f"case when {_COMMITMENT} then case when c.is_plan then 'Spend' else 'Usage' end end"),
    ("CommitmentDiscountId", "text", "c.id"),
    ("CommitmentDiscountName", "text", "cast(null as varchar)"),
    ("CommitmentDiscountQuantity", "number", _COMMITTED_QUANTITY),
    ("CommitmentDiscountStatus", "text", f"case when {_UNUSED} then 'Unused' when {_COVERED} then 'Used' end"),
    ("CommitmentDiscountType", "text", f"case when c.is_plan then 'Savings Plan' when {_COMMITMENT} then 'Reserved Instance' end"),
    ("CommitmentDiscountUnit", "text", f"case when c.is_plan then 'USD' when {_EXACT} then 'Hours' when {_COMMITMENT} then 'Normalized Hours' end"),
    ("ConsumedQuantity", "number", f"case when {_USAGE} then $quantity(f.q) end"),
    ("ConsumedUnit", "text", f"case when {_USAGE} then s.unit end"),
    ("ContractedCost", "number", f"$usd(case when {_UNUSED} then 0 else f.contracted end)"),
    ("ContractedUnitPrice", "number", f"case when {_USAGE} and f.q > 0 then $usd(f.contracted) / $quantity(f.q) end"),
    ("EffectiveCost", "number", f"$usd(case when {_UNUSED} then f.commit_net - f.used_net else f.effective end)"),
    ("InvoiceId", "text", "nullif(case when f.invoice = 1 then $marketplace_invoice else $invoice end, '')"),
    ("InvoiceIssuerName", "text", "coalesce(s.seller, 'Amazon Web Services, Inc.')"),
    ("ListCost", "number", f"$usd(case when {_UNUSED} then 0 else f.listed end)"),
    ("ListUnitPrice", "number", f"case when {_USAGE} then $rate(s.list_rate) end"),
    ("PricingCategory", "text", f"case when {_UNUSED} or {_COVERED} then 'Committed' when s.usage_type like '%SpotUsage%' then 'Dynamic' when {of(Line.TAX, Line.CREDIT)} then null else 'Standard' end"),
    ("PricingCurrency", "text", "'USD'"),
    ("PricingCurrencyContractedUnitPrice", "number", f"case when {_USAGE} and f.q > 0 then $usd(f.contracted) / $quantity(f.q) end"),
    ("PricingCurrencyEffectiveCost", "number", f"$usd(case when {_UNUSED} then f.commit_net - f.used_net else f.effective end)"),
    ("PricingCurrencyListUnitPrice", "number", f"case when {_USAGE} then $rate(s.list_rate) end"),
    ("PricingQuantity", "number", _PRICED_QUANTITY),
    ("PricingUnit", "text", f"case when {of(Line.TAX, Line.CREDIT)} then null else coalesce(s.unit, 'Quantity') end"),
    ("ProviderName", "text", "'AWS'"),
    ("PublisherName", "text", "coalesce(s.seller, 'AWS')"),
    ("RegionId", "text", "s.region"),
    ("RegionName", "text", "s.region_name"),
    ("ResourceId", "text", f"case when {_COVERED} or {_PLAIN} then r.id else c.id end"),
    ("ResourceName", "text", "r.tags['Name']"),
    ("ResourceType", "text", "r.resource_kind"),
    ("ServiceCategory", "text", "s.category"),
    ("ServiceName", "text", "s.service"),
    ("ServiceSubcategory", "text", "s.subcategory"),
    ("SkuId", "text", f"case when not {of(Line.TAX)} then s.sku_id end"),
    ("SkuMeter", "text", "s.usage_type"),
    ("SkuPriceDetails", "map", f"case when s.instance_type is not null and not {of(Line.TAX)} then map {{'InstanceType': s.instance_type, 'InstanceSeries': s.family}} end"),
    ("SkuPriceId", "text", f"case when {_USAGE} or {RI_ROWS} then s.rate_code end"),
    ("SubAccountId", "text", "a.id"),
    ("SubAccountName", "text", "a.name"),
    ("SubAccountType", "text", "'Account'"),
    ("Tags", "map", "case when f.res >= 0 then r.tags end"),
    ("x_CostCategories", "map", "cast(null as map(varchar, varchar))"),
    ("x_Discounts", "number_map", "case when f.unb <> f.net and f.half = 0 then map {'enterprise_discount': $usd(f.net - f.unb)} end"),
    ("x_Operation", "text", "s.operation"),
    ("x_ServiceCode", "text", "s.code"),
    ("x_UsageType", "text", "s.usage_type"),
)  # fmt: skip

HALVES: Final = f"""(select *, 0 as half from facts as f where not {_DROPPED}
    union all select *, 1 as half from facts as f where {_FEES} and f.commit > f.used) as f"""
"""Fee rows of commitments are two FOCUS rows: the purchase, and what was not used of it, if anything."""

_TYPES: Final = {
    "text": "string",
    "number": "double",
    "instant": "timestamp(3)",
    "map": "map<string,string>",
    "number_map": "map<string,double>",
}


class Focus:
    """FOCUS 1.2 with the vendor's five ``x_`` columns; ``csv`` writes gzipped CSV with maps as JSON."""

    def __init__(self, root: Path, *, csv: bool = False) -> None:
        self.export = Export(root, FOCUS_EXPORT, Mode.OVERWRITE)
        self.csv = csv

    def write(self, con: Connection, period: Period, part: int) -> None:
        """Write the line items in ``facts`` as one part of the period."""
        columns = [f'{self._sql(kind, sql, period)} as "{name}"' for name, kind, sql in FOCUS_SQL]
        source = JOINS.replace("facts as f", HALVES, 1)
        query = f"select {', '.join(columns)} from {source}"
        if self.csv:
            path = self.export.part(period, part, "csv.gz")
            con.execute(f"copy ({query}) to '{path}' (format csv, header true, compression gzip)")
        else:
            path = self.export.part(period, part, "snappy.parquet")
            con.execute(f"copy ({query}) to '{path}' (format parquet, compression snappy)")

    def finish(self, period: Period) -> None:
        """Write the manifest."""
        columns = [(name, _TYPES[kind]) for name, kind, _ in FOCUS_SQL]
        self.export.manifest(period, columns, "text/csv" if self.csv else "Parquet")

    def _sql(self, kind: str, sql: str, period: Period) -> str:
        text = filled(sql, period, exact=self.csv)
        if not self.csv or kind == "text":
            return text
        if kind == "number":
            return f"cast({text} as decimal(38, 12))"
        return f"strftime({text}, '%Y-%m-%dT%H:%M:%SZ')" if kind == "instant" else f"cast(to_json({text}) as varchar)"
