"""Writes charges as Azure's FOCUS export: dataset 1.2 as Parquet, or 1.0r2 as CSV.

Column names and their order: schemas of the FinOps toolkit @04d370f3 (MIT); what fills them: Microsoft, "Convert Cost
Management data to FOCUS", read 2026-11.
"""

# ruff: noqa: E501 - tables of SQL read best with one column on a line

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from costlab.simulate.azure.layout import FROM, Export, Period, filled
from costlab.simulate.azure.render_cost import INFO, RESOURCE_ID

if TYPE_CHECKING:
    from pathlib import Path

    from costlab.warehouse.connection import Connection

_SOLD: Final = "k.category in ('Usage', 'Purchase')"
_COMMITTED: Final = "k.model in ('Reservation', 'SavingsPlan') and f.com >= 0"
_USED: Final = "k.is_usage and f.q is not null and i.unit is not null"
_PRICED: Final = f"{_SOLD} and k.charge_type <> 'Refund'"
_MONEY: Final[dict[str, str]] = {
    "BilledCost": "money(f.billed)",
    "EffectiveCost": "money(f.effective)",
    "ContractedCost": "money(f.contracted)",
    "ListCost": "money(f.listed)",
    "ContractedUnitPrice": f"case when {_PRICED} then money(f.price * f.fx * 10000) end",
    "ListUnitPrice": f"case when {_PRICED} then money(case when k.is_fully_priced then f.list_price else f.price end * f.fx * 10000) end",
    "ConsumedQuantity": f"case when {_USED} then fourth(f.q * i.block) end",
    "PricingQuantity": f"case when {_SOLD} and i.unit is not null then fourth(f.q) end",
    "CommitmentDiscountQuantity": f"""case when not ({_COMMITTED}) or k.is_fee and not c.is_plan then null
        when c.is_plan then case when k.is_fee then money(f.billed) else money(f.effective) end
        else fourth(f.q * i.ratio) end""",
    "x_BilledCostInUsd": "pricing(f.usd_cash)",
    "x_EffectiveCostInUsd": "case when k.is_fee then 0 else pricing(f.usd) end",
    "x_ContractedCostInUsd": "pricing(f.q * f.price)",
    "x_ListCostInUsd": "pricing(f.q * f.list_price)",
    "x_BilledUnitPrice": "case when k.is_covered then 0 else money(f.price * f.fx * 10000) end",
    "x_EffectiveUnitPrice": "case when f.q <> 0 and not k.is_fee then cast(abs(money(f.effective) / fourth(f.q)) as decimal(18, 10)) end",
    "x_BillingExchangeRate": "fourth(f.fx)",
    "x_PricingBlockSize": "case when i.unit is not null then i.block end",
}
_DAYS: Final[dict[str, str]] = {
    "BillingPeriodStart": "$first",
    "BillingPeriodEnd": "$next",
    "ChargePeriodStart": "on_day(f.day)",
    "ChargePeriodEnd": "on_day(f.day) + 1",
    "x_BillingExchangeRateDate": "$first",
    "x_ServicePeriodStart": "on_day(f.day)",
    "x_ServicePeriodEnd": "on_day(f.day) + 1",
}
_TEXTS: Final[dict[str, str]] = {
    "BillingAccountId": "$profile",
    "BillingAccountName": "'Quillfish EU'",
    "BillingAccountType": "$profile_type",
    "BillingCurrency": "$currency",
    "ChargeCategory": "k.category",
    "ChargeClass": "case when k.charge_type = 'Refund' then 'Correction' end",
    "ChargeDescription": "i.product",
    "ChargeFrequency": "case coalesce(k.frequency, c.frequency) when 'Recurring' then 'Recurring' when 'OneTime' then 'One-Time' else 'Usage-Based' end",
    "CommitmentDiscountCategory": "case when c.is_plan then 'Spend' when c.com is not null then 'Usage' end",
    "CommitmentDiscountId": "c.id",
    "CommitmentDiscountName": "c.name",
    "CommitmentDiscountStatus": "case when k.is_unused then 'Unused' when k.is_covered then 'Used' end",
    "CommitmentDiscountType": "case when c.is_plan then 'Savings Plan' when c.com is not null then 'Reservation' end",
    "CommitmentDiscountUnit": f"""case when not ({_COMMITTED}) then null when c.is_plan then $currency when k.is_fee then null
        when i.cpus is not null then 'Normalized Hours' else 'Hours' end""",
    "ConsumedUnit": f"case when {_USED} then i.focus_unit end",
    "InvoiceId": "$invoice",
    "x_InvoiceId": "$invoice",
    "InvoiceIssuerName": "'Microsoft'",
    "PricingCategory": f"""case when not ({_SOLD}) then null when k.is_covered or k.is_unused then 'Committed'
        when k.model = 'Spot' then 'Dynamic' else 'Standard' end""",
    "PricingCurrency": "$pricing_currency",
    "x_PricingCurrency": "$pricing_currency",
    "PricingUnit": f"case when {_SOLD} then i.focus_unit end",
    "ProviderName": "'Microsoft'",
    "PublisherName": "coalesce(i.seller, 'Microsoft')",
    "RegionId": "i.region",
    "RegionName": "i.region_name",
    "ResourceId": RESOURCE_ID,
    "ResourceName": "coalesce(r.name, case when i.consumed in ('Microsoft.Capacity', 'Microsoft.BillingBenefits') then c.name end)",
    "ResourceType": "r.resource_type",
    "x_ResourceType": "r.resource_type",
    "ServiceCategory": "i.category",
    "ServiceName": "i.service",
    "ServiceSubcategory": "i.subcategory",
    "SkuId": f"case when {_SOLD} then i.product_id end",
    "SkuMeter": f"case when {_SOLD} then i.meter end",
    "SkuPriceDetails": f"case when {_SOLD} and i.unit is not null then {INFO} end",
    "x_SkuDetails": INFO,
    "SkuPriceId": f"case when {_SOLD} then i.part end",
    "SubAccountId": "s.id",
    "SubAccountName": "s.name",
    "SubAccountType": "case when s.id is not null then 'Subscription' end",
    "Tags": "r.tags",
    "x_AmortizationClass": "case when k.is_fee then 'Principal' when k.is_covered or k.is_unused then 'Amortized Charge' end",
    "x_BillingAccountId": "$account",
    "x_BillingAccountName": "'Quillfish Holding'",
    "x_BillingProfileId": "$profile",
    "x_BillingProfileName": "'Quillfish EU'",
    "x_InvoiceSectionId": "'XQ2A-PRJ-PGB'",
    "x_InvoiceSectionName": "'Cloud'",
    "x_PricingSubcategory": "case when k.model = 'Spot' then 'Spot' when k.is_covered then 'Committed ' || case when c.is_plan then 'Spend' else 'Usage' end when k.is_usage then 'Standard' end",
    "x_PricingUnitDescription": "i.unit",
    "x_PublisherCategory": "case when i.seller is null then 'Cloud Provider' else 'Vendor' end",
    "x_ResourceGroupName": "r.resource_group",
    "x_SkuDescription": "i.product",
    "x_SkuIsCreditEligible": "case when i.seller is null then 'true' else 'false' end",
    "x_SkuMeterCategory": "i.code",
    "x_SkuMeterId": "i.meter_id",
    "x_SkuMeterName": "i.meter",
    "x_SkuMeterSubcategory": "i.sub",
    "x_SkuOrderId": "c.order_id",
    "x_SkuOrderName": "c.product",
    "x_SkuPartNumber": "i.part",
    "x_SkuRegion": "i.meter_region",
    "x_SkuServiceFamily": "i.family",
    "x_SkuTerm": "c.term",
}
_R2: Final = """BilledCost BillingAccountId BillingAccountName BillingAccountType BillingCurrency BillingPeriodEnd
    BillingPeriodStart ChargeCategory ChargeClass ChargeDescription ChargeFrequency ChargePeriodEnd ChargePeriodStart
    CommitmentDiscountCategory CommitmentDiscountId CommitmentDiscountName CommitmentDiscountStatus
    CommitmentDiscountType ConsumedQuantity ConsumedUnit ContractedCost ContractedUnitPrice EffectiveCost
    InvoiceIssuerName ListCost ListUnitPrice PricingCategory PricingQuantity PricingUnit ProviderName PublisherName
    RegionId RegionName ResourceId ResourceName ResourceType ServiceCategory ServiceName SkuId SkuPriceId SubAccountId
    SubAccountName SubAccountType Tags x_AccountId x_AccountName x_AccountOwnerId x_BilledCostInUsd x_BilledUnitPrice
    x_BillingAccountId x_BillingAccountName x_BillingExchangeRate x_BillingExchangeRateDate x_BillingProfileId
    x_BillingProfileName x_ContractedCostInUsd x_CostAllocationRuleName x_CostCenter x_CustomerId x_CustomerName
    x_EffectiveCostInUsd x_EffectiveUnitPrice x_InvoiceId x_InvoiceIssuerId x_InvoiceSectionId x_InvoiceSectionName
    x_ListCostInUsd x_PartnerCreditApplied x_PartnerCreditRate x_PricingBlockSize x_PricingCurrency x_PricingSubcategory
    x_PricingUnitDescription x_PublisherCategory x_PublisherId x_ResellerId x_ResellerName x_ResourceGroupName
    x_ResourceType x_ServicePeriodEnd x_ServicePeriodStart x_SkuDescription x_SkuDetails x_SkuIsCreditEligible
    x_SkuMeterCategory x_SkuMeterId x_SkuMeterName x_SkuMeterSubcategory x_SkuOfferId x_SkuOrderId x_SkuOrderName
    x_SkuPartNumber x_SkuRegion x_SkuServiceFamily x_SkuTerm x_SkuTier"""
_NEW: Final = """BilledCost BillingAccountId BillingAccountName BillingAccountType BillingCurrency BillingPeriodEnd
    BillingPeriodStart CapacityReservationId CapacityReservationStatus ChargeCategory ChargeClass ChargeDescription
    ChargeFrequency ChargePeriodEnd ChargePeriodStart CommitmentDiscountCategory CommitmentDiscountId
    CommitmentDiscountName CommitmentDiscountQuantity CommitmentDiscountStatus CommitmentDiscountType
    CommitmentDiscountUnit ConsumedQuantity ConsumedUnit ContractedCost ContractedUnitPrice EffectiveCost InvoiceId
    InvoiceIssuerName ListCost ListUnitPrice PricingCategory PricingCurrency PricingQuantity PricingUnit ProviderName
    PublisherName RegionId RegionName ResourceId ResourceName ResourceType ServiceCategory ServiceName
    ServiceSubcategory SkuId SkuMeter SkuPriceDetails SkuPriceId SubAccountId SubAccountName SubAccountType Tags
    x_AccountId x_AccountName x_AccountOwnerId x_AmortizationClass x_BilledCostInUsd x_BilledUnitPrice
    x_BillingAccountId x_BillingAccountName x_BillingExchangeRate x_BillingExchangeRateDate x_BillingProfileId
    x_BillingProfileName x_ContractedCostInUsd x_CostAllocationRuleName x_CostCenter x_CustomerId x_CustomerName
    x_EffectiveCostInUsd x_EffectiveUnitPrice x_InvoiceIssuerId x_InvoiceSectionId x_InvoiceSectionName x_ListCostInUsd
    x_PartnerCreditApplied x_PartnerCreditRate x_PricingBlockSize x_PricingSubcategory x_PricingUnitDescription
    x_PublisherCategory x_PublisherId x_ResellerId x_ResellerName x_ResourceGroupName x_ResourceType x_ServiceModel
    x_ServicePeriodEnd x_ServicePeriodStart x_SkuDescription x_SkuIsCreditEligible x_SkuMeterCategory x_SkuMeterId
    x_SkuMeterSubcategory x_SkuOfferId x_SkuOrderId x_SkuOrderName x_SkuPartNumber x_SkuPlanName x_SkuRegion
    x_SkuServiceFamily x_SkuTerm x_SkuTier"""
NAMES: Final = {"1.2": tuple(_NEW.split()), "1.0r2": tuple(_R2.split())}


class Focus:
    """A FOCUS export; dataset version 1.2 is written as Parquet, 1.0r2 as gzipped CSV."""

    def __init__(self, container: Path, version: str, scope: str, *, agreement: str, currency: str) -> None:
        self.is_csv = version == "1.0r2"
        extension = "csv.gz" if self.is_csv else "snappy.parquet"
        self.export = Export(container, f"daily-focus-{version}", "FocusCost", scope, extension, version)
        self.marks = {
            "$currency": f"'{currency}'",
            "$pricing_currency": "'USD'" if agreement == "mca" else f"'{currency}'",
            "$profile_type": "'Billing Profile'" if agreement == "mca" else "'Billing Account'",
        }
        self.names = NAMES[version]

    def write(self, con: Connection, period: Period) -> None:
        """Write the charges in ``facts`` as one part of the period."""
        columns = ", ".join(f'{self._sql(name, period)} as "{name}"' for name in self.names)
        query = f"select {columns} {FROM} order by f.line"
        self.export.write(con, period, query)

    def finish(self, period: Period) -> None:
        """Write the manifest."""
        self.export.finish(period)

    def _sql(self, name: str, period: Period) -> str:
        text = _MONEY.get(name) or _DAYS.get(name) or _TEXTS.get(name) or "cast(null as varchar)"
        for mark, value in self.marks.items():
            text = text.replace(mark, value)
        text = filled(text, period)
        if name in _DAYS:
            return f"strftime({text}, '%Y-%m-%dT00:00:00Z')" if self.is_csv else f"cast({text} as timestamp)"
        return f"cast({text} as decimal(38, 12))" if name in _MONEY else text
