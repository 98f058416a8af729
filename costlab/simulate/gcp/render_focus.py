"""Writes lines as Google's own FOCUS table (``gcp_billing_export_focus_*``), exported by BigQuery to Parquet.

One row per line of the bill: credits are inside (``x_Credits``) and already taken off BilledCost and EffectiveCost,
a commitment's fee is a row like any other, and no row says which commitment paid it. Amounts are NUMERIC. There is no
ServiceCategory, ResourceType, InvoiceIssuerName or Tags; labels are in columns of their own.
Source: Cloud Billing documentation, "Structure of the FOCUS data export" (Preview), read 2026-11: names and types of
its 37 FOCUS and 18 ``x_`` columns.
"""

# ruff: noqa: E501 - tables of SQL read best with one column on a line

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from costlab.simulate.gcp.calendar import utc
from costlab.simulate.gcp.company import ACCOUNT
from costlab.simulate.gcp.render_export import CREDITS_SQL, LABELS, PLACE
from costlab.simulate.gcp.rows import CREDITS, Kind
from costlab.simulate.gcp.store import JOINS

if TYPE_CHECKING:
    from pathlib import Path

    from costlab.period import Month
    from costlab.warehouse.connection import Connection

_NET: Final = " + ".join(f"f.{name}" for name in ("cost", *CREDITS))
_PRICED: Final = f"f.kind in ({Kind.USAGE:d}, {Kind.RESOURCE_FEE:d}, {Kind.FLEXIBLE_FEE:d})"
_FEE: Final = f"f.kind in ({Kind.RESOURCE_FEE:d}, {Kind.FLEXIBLE_FEE:d})"
_USAGE: Final = f"f.kind = {Kind.USAGE:d}"


def _pairs(sql: str) -> str:
    return f"list_transform({sql}, lambda e: {{'Key': e.key, 'Value': e.value}})"


COLUMNS: Final[tuple[tuple[str, str], ...]] = (
    ("AvailabilityZone", "r.zone"),
    ("BilledCost", f"$usd({_NET})"),
    ("BillingAccountId", f"'{ACCOUNT}'"),
    ("BillingCurrency", "'$currency'"),
    ("BillingPeriodStart", "$period_start"),
    ("BillingPeriodEnd", "$period_end"),
    ("ChargeCategory", f"case when {_FEE} then 'Purchase' when f.kind = {Kind.TAX:d} then 'Tax' when f.kind in ({Kind.ADJUSTMENT:d}, {Kind.ROUNDING:d}) then 'Adjustment' else 'Usage' end"),
    ("ChargeClass", "case when n.mode <> 'MANUAL_ADJUSTMENT' then 'Correction' end"),
    ("ChargeDescription", "coalesce(n.description, s.name)"),
    ("ChargePeriodStart", "at_hour(f.h0)::timestamptz"),
    ("ChargePeriodEnd", "at_hour(f.h1)::timestamptz"),
    ("ConsumedQuantity", f"case when {_USAGE} then (quantity(f.q) * s.factor)::decimal(38, 9) end"),
    ("ConsumedUnit", f"case when {_USAGE} then s.usage_unit end"),
    ("ContractedCost", "$usd(f.at_default)"),
    ("ContractedUnitPrice", f"case when {_PRICED} then price(f.default_price) end"),
    ("ListCost", "$usd(f.at_list)"),
    ("ListUnitPrice", f"case when {_PRICED} then price(s.list_rate) end"),
    ("PricingCategory", f"case when s.name like 'Spot Preemptible%' then 'Dynamic' when f.model > 0 then 'Committed' when {_PRICED} then 'Standard' end"),
    ("PricingQuantity", f"case when {_PRICED} then quantity(f.q)::decimal(38, 9) end"),
    ("PricingUnit", "s.unit"),
    ("ProviderName", "'Google Cloud'"),
    ("PublisherName", "coalesce(s.seller, 'Google Cloud')"),
    ("RegionId", PLACE),
    ("RegionName", f"case {PLACE} when 'us-central1' then 'Iowa' when 'us-east4' then 'Northern Virginia' when 'europe-west1' then 'Belgium' when 'asia-southeast1' then 'Singapore' end"),
    ("ResourceId", f"case when {_FEE} then c.id else r.id end"),
    ("ResourceName", f"case when {_FEE} then c.name else r.name end"),
    ("ServiceName", "s.service"),
    ("SkuId", "s.id"),
    ("SkuPriceId", f"case when {_PRICED} then s.id || '/0' end"),
    ("SubAccountId", "p.id"),
    ("SubAccountName", "p.name"),
    ("EffectiveCost", f"$usd({_NET})"),
    ("PricingCurrency", "'$currency'"),
    ("PricingCurrencyContractedUnitPrice", f"case when {_PRICED} then price(f.default_price) end"),
    ("PricingCurrencyEffectiveCost", f"$usd({_NET})"),
    ("PricingCurrencyListUnitPrice", f"case when {_PRICED} then price(s.list_rate) end"),
    ("BillingAccountType", "'Billing Account'"),
    ("x_Credits", f"list_transform({CREDITS_SQL}, lambda e: {{'Name': e.name, 'Amount': e.amount::decimal(38, 9), 'FullName': e.full_name, 'Id': e.id, 'Type': e.type}})"),
    ("x_CostType", f"case f.kind when {Kind.TAX:d} then 'tax' when {Kind.ADJUSTMENT:d} then 'adjustment' when {Kind.ROUNDING:d} then 'rounding_error' else 'regular' end"),
    ("x_CurrencyConversionRate", "1.0::double"),
    ("x_ExportTime", "at_minute(f.exported)::timestamptz"),
    ("x_Labels", _pairs(LABELS)),
    ("x_Location", f"coalesce(r.zone, {PLACE})"),
    ("x_Project", "case when p.acc is not null then {'Id': p.id, 'Number': p.number, 'Name': p.name, 'AncestryNumbers': p.ancestry, 'Ancestors': list_transform(p.ancestors, lambda e: {'ResourceName': e.resource_name, 'DisplayName': e.display_name})} end"),
    ("x_ProjectLabels", _pairs("coalesce(p.labels, cast([] as struct(key varchar, value varchar)[]))")),
    ("x_ServiceId", "s.service_id"),
    ("x_SystemLabels", _pairs("case when s.kind in ('core', 'ram') then r.system_labels else cast([] as struct(key varchar, value varchar)[]) end")),
    ("x_Tags", "list_transform(coalesce(p.tags, cast([] as struct(key varchar, value varchar, inherited boolean, namespace varchar)[])), lambda e: {'Key': e.key, 'Value': e.value, 'x_Inherited': e.inherited, 'x_Namespace': e.namespace})"),
    ("x_SubscriptionInstanceId", f"case when c.is_flexible and ({_FEE} or f.model > 0) then c.id end"),
    ("x_PriceEffectivePriceDefault", f"case when {_PRICED} then price(f.default_price) end"),
    ("x_PriceListPriceConsumptionModel", f"case when {_PRICED} then price(case when f.model > 0 then f.price else s.list_rate end) end"),
    ("x_CostAtEffectivePriceDefault", "$usd(f.at_default)"),
    ("x_CostAtListConsumptionModel", "$usd(case when f.model > 0 then f.cost else f.at_list end)"),
    ("x_ConsumptionModelId", f"case when {_PRICED} then m.id end"),
    ("x_ConsumptionModelDescription", f"case when {_PRICED} then m.description end"),
)  # fmt: skip


class FocusTable:
    """Shards of the FOCUS table as Parquet."""

    def __init__(self, root: Path, currency: str) -> None:
        self.root, self.currency = root, currency
        self.shard = 0

    def write(self, con: Connection, month: Month) -> None:
        """Write the lines in ``facts``, all of one invoice month, as the next shard."""
        self.root.mkdir(parents=True, exist_ok=True)
        columns = ", ".join(f'{self._sql(sql, month)} as "{name}"' for name, sql in COLUMNS)
        path = self.root / f"{self.shard:012d}.parquet"
        con.execute(f"copy (select {columns} from {JOINS}) to '{path}' (format parquet, compression snappy)")
        self.shard += 1

    def _sql(self, sql: str, month: Month) -> str:
        marks = {
            "$period_start": f"timestamptz '{utc(month.start)}+00'",
            "$period_end": f"timestamptz '{utc(month.end)}+00'",
            "$currency": self.currency,
            "$usd(": "numeric_usd(",
        }
        for mark, value in marks.items():
            sql = sql.replace(mark, value)
        return sql
