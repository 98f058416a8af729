"""Writes charges as the actual or the amortized cost export of an Enterprise or a Microsoft Customer Agreement.

Column names: exports of dataset version 2021-10-01 of a Customer Agreement, and the Enterprise Agreement's sample of
the FinOps toolkit @04d370f3 (MIT); Microsoft, "Understand usage details fields", read 2026-11.
"""

# ruff: noqa: E501 - tables of SQL read best with one column on a line

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from costlab.simulate.azure.layout import FROM, Export, Period, filled

if TYPE_CHECKING:
    from pathlib import Path

    from costlab.warehouse.connection import Connection

RESOURCE_ID: Final = """case
    when r.drifts and extract(day from on_day(f.day)) % 7 = 3 then lower(r.id)
    when f.res >= 0 then r.id
    when i.consumed in ('Microsoft.Capacity', 'Microsoft.BillingBenefits') then c.id
    end"""
INFO: Final = """case when i.shape is not null and not k.is_fee then
    '{' || concat_ws(',', '"ServiceType":"' || i.shape || '"', '"VMName":"' || r.name || '"', '"VCPUs":' || i.cpus,
        case when k.model = 'Reservation' and i.cpus is not null then '"RINormalizationRatio":"' || i.ratio || '"' end) || '}' end"""
_TAGS: Final = "r.tags"
_TERM: Final = "c.term::varchar"
_IS_RESERVATION: Final = "c.com is not null and not c.is_plan"
_DATE: Final = "strftime(on_day(f.day), '%m/%d/%Y')"
_BY_OTHERS: Final = "i.seller is not null"

MCA: Final[tuple[tuple[str, str], ...]] = (
    ("invoiceId", "$invoice"),
    ("previousInvoiceId", "case when k.charge_type = 'Refund' and f.com < 0 then 'G0' || strftime($first - interval 1 month, '%y%m') || '0001' end"),
    ("billingAccountId", "$account"),
    ("billingAccountName", "'Quillfish Holding'"),
    ("billingProfileId", "$profile"),
    ("billingProfileName", "'Quillfish EU'"),
    ("invoiceSectionId", "'XQ2A-PRJ-PGB'"),
    ("invoiceSectionName", "'Cloud'"),
    ("resellerName", "cast(null as varchar)"),
    ("resellerMpnId", "cast(null as varchar)"),
    ("costCenter", "cast(null as varchar)"),
    ("billingPeriodEndDate", "strftime($next - interval 1 day, '%m/%d/%Y')"),
    ("billingPeriodStartDate", "strftime($first, '%m/%d/%Y')"),
    ("servicePeriodEndDate", _DATE),
    ("servicePeriodStartDate", _DATE),
    ("date", _DATE),
    ("serviceFamily", "i.family"),
    ("productOrderId", "c.order_id"),
    ("productOrderName", "c.product"),
    ("consumedService", "i.consumed"),
    ("meterId", "i.meter_id"),
    ("meterName", "i.meter"),
    ("meterCategory", "i.code"),
    ("meterSubCategory", "i.sub"),
    ("meterRegion", "i.meter_region"),
    ("ProductId", "i.product_id"),
    ("ProductName", "i.product"),
    ("SubscriptionId", "s.id"),
    ("subscriptionName", "s.name"),
    ("publisherType", f"case when {_BY_OTHERS} then 'Marketplace' else 'Azure' end"),
    ("publisherId", "cast(null as varchar)"),
    ("publisherName", f"case when {_BY_OTHERS} then i.seller when i.code is not null or k.charge_type = 'Credit' then 'Microsoft' end"),
    ("resourceGroupName", "r.resource_group"),
    ("ResourceId", RESOURCE_ID),
    ("resourceLocation", "i.region_name"),
    ("location", "i.region_name"),
    ("effectivePrice", "case when f.q <> 0 then cast(abs($usd / fourth(f.q)) as decimal(18, 10)) else 0 end"),
    ("quantity", "fourth(f.q)"),
    ("unitOfMeasure", "i.unit"),
    ("chargeType", "k.charge_type"),
    ("billingCurrency", "$currency"),
    ("pricingCurrency", "'USD'"),
    ("costInBillingCurrency", "$cost"),
    ("costInPricingCurrency", "$usd"),
    ("costInUsd", "$usd"),
    ("paygCostInBillingCurrency", "case when k.is_fully_priced then money(f.listed) else 0 end"),
    ("paygCostInUsd", "case when k.is_fully_priced then pricing(f.q * f.list_price) else 0 end"),
    ("exchangeRatePricingToBilling", "fourth(f.fx)"),
    ("exchangeRateDate", "strftime($first, '%m/%d/%Y')"),
    ("isAzureCreditEligible", f"case when {_BY_OTHERS} then 'False' else 'True' end"),
    ("serviceInfo1", "cast(null as varchar)"),
    ("serviceInfo2", "cast(null as varchar)"),
    ("additionalInfo", INFO),
    ("tags", _TAGS),
    ("PayGPrice", "fourth(f.list_price)"),
    ("frequency", "coalesce(k.frequency, c.frequency)"),
    ("term", _TERM),
    ("reservationId", f"case when {_IS_RESERVATION} then regexp_extract(c.id, '[^/]+$') end"),
    ("reservationName", f"case when {_IS_RESERVATION} then c.name end"),
    ("pricingModel", "k.model"),
    ("unitPrice", "fourth(f.price)"),
    ("costAllocationRuleName", "cast(null as varchar)"),
    ("benefitId", "c.id"),
    ("benefitName", "c.name"),
    ("provider", "'Azure'"),
)  # fmt: skip

_OF_MCA: Final = dict(MCA)
_EA_NAMES: Final = [
    "BillingAccountId",
    "BillingAccountName",
    "BillingPeriodStartDate",
    "BillingPeriodEndDate",
    "BillingProfileId",
    "BillingProfileName",
    "AccountOwnerId",
    "AccountName",
    "SubscriptionId",
    "SubscriptionName",
    "Date",
    "Product",
    "PartNumber",
    "MeterId",
    "ServiceFamily",
    "MeterCategory",
    "MeterSubCategory",
    "MeterRegion",
    "MeterName",
    "Quantity",
    "EffectivePrice",
    "Cost",
    "UnitPrice",
    "BillingCurrency",
    "ResourceLocation",
    "AvailabilityZone",
    "ConsumedService",
    "ResourceId",
    "ResourceName",
    "ServiceInfo1",
    "ServiceInfo2",
    "AdditionalInfo",
    "Tags",
    "InvoiceSectionId",
    "InvoiceSection",
    "CostCenter",
    "UnitOfMeasure",
    "ResourceGroup",
    "ReservationId",
    "ReservationName",
    "ProductOrderId",
    "ProductOrderName",
    "OfferId",
    "IsAzureCreditEligible",
    "Term",
    "PublisherName",
    "PlanName",
    "ChargeType",
    "Frequency",
    "PublisherType",
    "PayGPrice",
    "PricingModel",
    "CostAllocationRuleName",
    "benefitId",
    "benefitName",
]
_EA_OWN: Final = {
    "BillingProfileId": "$account",
    "BillingProfileName": "'Quillfish Holding'",
    "AccountOwnerId": "'azure@quillfish.example'",
    "AccountName": "'Quillfish'",
    "Product": "i.product",
    "PartNumber": "i.part",
    "Cost": "$cost",
    "AvailabilityZone": "r.zone",
    "ResourceName": "r.name",
    "ResourceLocation": "i.region",
    "InvoiceSection": "'Cloud'",
    "ResourceGroup": "r.resource_group",
    "OfferId": "'MS-AZR-0017P'",
    "PlanName": "cast(null as varchar)",
    # without the braces of an object
    "Tags": f"{_TAGS}[2:-2]",
}
_LOWER_MCA: Final = {name.lower(): sql for name, sql in _OF_MCA.items()}
EA: Final = tuple((name, _EA_OWN.get(name) or _LOWER_MCA[name.lower()]) for name in _EA_NAMES)


class Cost:
    """One export of the pair; ``kind`` is ActualCost or AmortizedCost."""

    def __init__(self, container: Path, kind: str, scope: str, *, agreement: str, currency: str) -> None:
        short = "actual" if kind == "ActualCost" else "amortized"
        self.export = Export(container, f"daily-{short}", kind, scope, "csv.gz")
        self.actual = kind == "ActualCost"
        self.columns = MCA if agreement == "mca" else EA
        self.currency = currency

    def write(self, con: Connection, period: Period) -> None:
        """Write the charges in ``facts`` as one part of the period."""
        cost, usd = ("f.billed", "f.usd_cash") if self.actual else ("f.effective", "f.usd")
        marks = {"$cost": f"money({cost})", "$usd": f"pricing({usd})", "$currency": f"'{self.currency}'"}
        columns = []
        for name, sql in self.columns:
            text = filled(sql, period)
            for mark, value in marks.items():
                text = text.replace(mark, value)
            columns.append(f'{text} as "{name}"')
        where = "k.in_actual" if self.actual else "k.in_amortized"
        query = f"select {', '.join(columns)} {FROM} where {where} order by f.line"
        self.export.write(con, period, query)

    def finish(self, period: Period) -> None:
        """Write the manifest."""
        self.export.finish(period)
