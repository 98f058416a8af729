"""How a charge of ``focus.costs`` is written in a FOCUS version: which columns, filled by which rule.

``focus.costs`` keeps what the provider delivered, gaps included. An export must obey the specification, so a column
that may not be empty is filled here, and a column that must be empty is emptied. Amounts of BilledCost and
EffectiveCost are never changed. Every rule stands in :data:`RULES` with its reason; a column without one is copied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from costlab.errors import UnknownValue
from costlab.focus.columns import VERSIONS, columns_of

if TYPE_CHECKING:
    from costlab.focus.columns import FocusColumn

UNIT_PRICE_TYPE = "DECIMAL(38,16)"
"""Unit prices have more digits than costs: a price per byte times its quantity must give the cost."""

UNIT_PRICES = frozenset(
    {
        "ContractedUnitPrice",
        "ListUnitPrice",
        "PricingCurrencyContractedUnitPrice",
        "PricingCurrencyListUnitPrice",
    }
)


@dataclass(frozen=True, slots=True)
class Rule:
    """The SQL expression of a column over the relation ``charges``, and why it is not a copy."""

    sql: str
    reason: str


def _only_with(key: str, expression: str) -> str:
    return f"case when {key} is not null then {expression} end"


_PRICED = "is_priced"
_ISSUER = """
case
    when BilledCost <> 0 and InvoiceIssuerName = PublisherName then ProviderName
    when ProviderName = 'AWS' and InvoiceIssuerName like 'Amazon Web Services%' then ProviderName
    when ProviderName = 'Microsoft' and InvoiceIssuerName like 'Microsoft%' then ProviderName
    when ProviderName in ('Google Cloud', 'GCP') and InvoiceIssuerName like 'Google%' then ProviderName
    when ProviderName in ('Oracle', 'OCI') and InvoiceIssuerName like 'Oracle%' then ProviderName
    else coalesce(InvoiceIssuerName, ProviderName)
end
"""
_TIMES = "Years|Months|Days|Hours|Minutes|Seconds"
_WORD = "[A-Za-z][A-Za-z0-9]*"
_COUNT = rf"{_WORD}(?: {_WORD})*"
_UNIT = (
    rf"{_COUNT}(?:-(?:{_TIMES}))?|{_COUNT}/(?:Year|Month|Day|Hour|Minute|Second)"
    rf"|[0-9]+ {_COUNT}|{_COUNT}/[0-9]+ (?:{_TIMES})"
)
"""The specification's unit format: Hours, GB-Months, API Requests, GB/Hour, 1000 Requests, Units/3 Months."""
_ABBREVIATIONS = (("Mo(?:nth)?", "Months"), ("H(?:ou)?rs?", "Hours"), ("Sec(?:ond)?s?", "Seconds"), ("Day", "Days"))


def _unit(unit: str) -> str:
    """Return SQL for a unit in the specification's format: Hrs is Hours, Lambda-GB-Second is Lambda GB-Seconds."""
    spelt = unit
    for short, time in _ABBREVIATIONS:
        spelt = f"regexp_replace({spelt}, '(^|[^A-Za-z]){short}$', '\\1{time}')"
    words = f"trim(regexp_replace({spelt}, '(?:^[0-9]+|[^A-Za-z0-9])+[0-9]*', ' ', 'g'))"
    timed = f"regexp_replace({words}, ' ({_TIMES})$', '-\\1')"
    return (
        f"case when {unit} = 'Hrs' then 'Hours' when regexp_full_match({unit}, '{_UNIT}') then {unit}"
        f" else coalesce(nullif({timed}, ''), 'Units') end"
    )


_SAME_CURRENCY = "coalesce(PricingCurrency, BillingCurrency) = BillingCurrency"

RULES: dict[str, Rule] = {
    "AllocatedMethodId": Rule(
        "coalesce(AllocatedMethodId, case when is_split then 'split-cost-allocation' end)",
        "rows that split an instance's cost among containers are allocations",
    ),
    "AllocatedResourceId": Rule(
        "coalesce(AllocatedResourceId, case when is_split then ResourceId end)",
        "the container a part of the instance is allocated to",
    ),
    "AllocatedResourceName": Rule(
        "coalesce(AllocatedResourceName, case when is_split then ResourceName end)", "likewise"
    ),
    "AllocatedTags": Rule("coalesce(AllocatedTags, case when is_split then Tags end)", "likewise"),
    "BillingAccountName": Rule("coalesce(BillingAccountName, BillingAccountId)", "may not be empty"),
    "BillingAccountType": Rule("coalesce(BillingAccountType, 'Billing Account')", "may not be empty"),
    "BillingPeriodEnd": Rule(
        "coalesce(BillingPeriodEnd, BillingPeriodStart + interval 1 month)", "may not be empty; periods are months"
    ),
    "CapacityReservationStatus": Rule(
        _only_with("CapacityReservationId", "CapacityReservationStatus"), "only with a reservation"
    ),
    "ChargeFrequency": Rule(
        "case when ChargeCategory = 'Purchase' and coalesce(ChargeFrequency, 'Usage-Based') = 'Usage-Based'"
        " then 'One-Time' else coalesce(ChargeFrequency, case when ChargeCategory = 'Usage' then 'Usage-Based'"
        " else 'One-Time' end) end",
        "may not be empty; a purchase is not usage-based",
    ),
    "CommitmentDiscountCategory": Rule(
        _only_with(
            "CommitmentDiscountId",
            "coalesce(CommitmentDiscountCategory,"
            " case when CommitmentDiscountUnit = BillingCurrency then 'Spend' else 'Usage' end)",
        ),
        "only with a commitment, then not empty; a unit that is a currency means Spend",
    ),
    "CommitmentDiscountName": Rule(
        _only_with("CommitmentDiscountId", "CommitmentDiscountName"), "only with a commitment"
    ),
    "CommitmentDiscountQuantity": Rule("commitment_quantity", "not empty for a commitment's usage and purchase"),
    "CommitmentDiscountStatus": Rule(
        "case when CommitmentDiscountId is not null and ChargeCategory = 'Usage'"
        " then coalesce(CommitmentDiscountStatus, 'Used') end",
        "for usage under a commitment and nothing else",
    ),
    "CommitmentDiscountType": Rule(
        _only_with("CommitmentDiscountId", "coalesce(CommitmentDiscountType, 'Commitment Discount')"),
        "only with a commitment, then not empty",
    ),
    "CommitmentDiscountUnit": Rule(
        _only_with(
            "commitment_quantity",
            _unit(
                "coalesce(CommitmentDiscountUnit, case when CommitmentDiscountCategory = 'Spend' then BillingCurrency"
                " end, ConsumedUnit, pricing_unit)"
            ),
        ),
        "not empty where there is a quantity",
    ),
    "ConsumedQuantity": Rule("consumed_quantity", "for usage that was used, and nothing else"),
    "ConsumedUnit": Rule(
        _only_with("consumed_quantity", _unit("coalesce(ConsumedUnit, pricing_unit)")),
        "with a quantity and nothing else",
    ),
    "ContractApplied": Rule(
        "coalesce(ContractApplied, case when CommitmentDiscountId is not null and CommitmentDiscountStatus is not null"
        " then to_json({Elements: [{ContractId: CommitmentDiscountId, ContractCommitmentId: CommitmentDiscountId,"
        " ContractCommitmentAppliedCost: EffectiveCost}]}) end)",
        "the commitment that covered the charge, as in focus.contract_commitments",
    ),
    "ContractedCost": Rule("contracted_cost", "may not be empty: without a contracted price, what the charge cost"),
    "ContractedUnitPrice": Rule("contracted_unit_price", "price times quantity is the cost; empty for tax"),
    "HostProviderName": Rule("HostProviderName", "empty when unknown"),
    "InvoiceId": Rule(
        "coalesce(InvoiceId, 'provisional-' || BillingAccountId || '-' || strftime(BillingPeriodStart, '%Y-%m'))",
        "not empty: a charge that is not invoiced yet has a provisional invoice per account and period",
    ),
    "InvoiceIssuerName": Rule(
        _ISSUER,
        "the provider's name for its own company and for a seller on its bill: another issuer means BilledCost 0",
    ),
    "ListCost": Rule("list_cost", "may not be empty: without a list price, the contracted cost"),
    "ListUnitPrice": Rule("list_unit_price", "price times quantity is the cost; empty for tax"),
    "PricingCategory": Rule(
        "case when ChargeCategory = 'Tax' then null"
        " when is_commitment_purchase and PricingCategory = 'Committed' then 'Standard'"
        f" when {_PRICED} then coalesce(PricingCategory, 'Other') else PricingCategory end",
        "empty for tax, not empty for usage and purchases; a purchase of a commitment is not itself Committed",
    ),
    "PricingCurrency": Rule("coalesce(PricingCurrency, BillingCurrency)", "may not be empty"),
    "PricingCurrencyContractedUnitPrice": Rule(
        f"coalesce(PricingCurrencyContractedUnitPrice, case when {_SAME_CURRENCY} then contracted_unit_price end)",
        "the same in the same currency",
    ),
    "PricingCurrencyEffectiveCost": Rule(
        f"coalesce(PricingCurrencyEffectiveCost, case when {_SAME_CURRENCY} then EffectiveCost end)",
        "the same in the same currency",
    ),
    "PricingCurrencyListUnitPrice": Rule(
        f"coalesce(PricingCurrencyListUnitPrice, case when {_SAME_CURRENCY} then list_unit_price end)",
        "the same in the same currency",
    ),
    "PricingQuantity": Rule("pricing_quantity", "empty for tax; 1 where a priced charge has none"),
    "PricingUnit": Rule(_only_with("pricing_quantity", _unit("pricing_unit")), "with a quantity and nothing else"),
    "ProviderName": Rule("coalesce(ProviderName, ServiceProviderName)", "may not be empty"),
    "PublisherName": Rule("coalesce(PublisherName, ServiceProviderName, ProviderName)", "may not be empty"),
    "RegionName": Rule(_only_with("RegionId", "coalesce(RegionName, RegionId)"), "with a region and nothing else"),
    "ResourceId": Rule(
        "case when is_split then x_split_parent_resource_id else ResourceId end",
        "of an allocation, the instance that is split (1.3 and later)",
    ),
    "ResourceType": Rule(_only_with("ResourceId", "coalesce(ResourceType, 'Resource')"), "with a resource"),
    "ServiceCategory": Rule("service_category", "one category per service: its most frequent one"),
    "ServiceName": Rule("service_name", "may not be empty"),
    "ServiceProviderName": Rule("coalesce(ServiceProviderName, ProviderName)", "may not be empty"),
    "ServiceSubcategory": Rule("service_subcategory", "may not be empty; one per service"),
    "SkuId": Rule("sku_id", "empty for tax, not empty for usage and purchases"),
    "SkuMeter": Rule(_only_with("sku_id", "coalesce(SkuMeter, x_usage_type, sku_id)"), "with a SKU"),
    "SkuPriceDetails": Rule(
        _only_with("sku_id", "case when json_valid(SkuPriceDetails) then SkuPriceDetails end"), "with a SKU price"
    ),
    "SkuPriceId": Rule(_only_with("sku_id", "coalesce(SkuPriceId, sku_id)"), "with a SKU"),
    "SubAccountName": Rule(
        _only_with("SubAccountId", "coalesce(SubAccountName, SubAccountId)"), "with a sub account and nothing else"
    ),
    "SubAccountType": Rule(
        _only_with("SubAccountId", "coalesce(SubAccountType, 'Sub Account')"), "with a sub account and nothing else"
    ),
}


def profile(version: str) -> list[tuple[FocusColumn, str]]:
    """Return the columns of a FOCUS version with the SQL expression of each over the relation ``charges``.

    Raises
    ------
    UnknownValue
        If the version cannot be exported.
    """
    if version not in VERSIONS:
        raise UnknownValue("FOCUS version", version, VERSIONS)
    return [(column, _expression(column.name, version)) for column in columns_of(version)]


def _expression(name: str, version: str) -> str:
    allocates = any(c.name == "AllocatedResourceId" for c in columns_of(version))
    if name not in RULES or (name == "ResourceId" and not allocates):
        return name
    return RULES[name].sql
