"""The SELECT that turns ``focus.costs`` into a conformant FOCUS data set of one version.

Only text is made here; the warehouse runs it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from costlab.focus.columns import Kind
from costlab.focus.profiles import UNIT_PRICE_TYPE, UNIT_PRICES, profile
from costlab.focus.values import SERVICE_SUBCATEGORIES

if TYPE_CHECKING:
    from costlab.focus.columns import FocusColumn
    from costlab.period import Month


class Form(StrEnum):
    """How values are written: with Parquet's types, or as text."""

    PARQUET = "parquet"
    CSV = "csv"


def export_sql(version: str, *, form: Form = Form.PARQUET, period: Month | None = None) -> str:
    """Return one SELECT over ``focus.costs``: one row per charge, the columns of the version in its order.

    Parameters
    ----------
    period
        Only charges of this billing period.

    Raises
    ------
    UnknownValue
        If the version cannot be exported.
    """
    columns = ",\n    ".join(f"{_value(column, sql, form)} as {column.name}" for column, sql in profile(version))
    where = f"where date_trunc('month', BillingPeriodStart) = date '{period.first_day}'" if period else ""
    steps = _STEPS.format(
        where=where,
        category=_category(),
        subcategory=_subcategory(),
        contracted_price=_unit_price("ContractedUnitPrice", "contracted_cost"),
        list_price=_unit_price("ListUnitPrice", "list_cost"),
    )
    return f"with {steps}\nselect\n    {columns}\nfrom charges"


def _value(column: FocusColumn, sql: str, form: Form) -> str:
    if column.kind is Kind.INSTANT:
        if form is Form.CSV:
            return f"strftime({sql}, '%Y-%m-%dT%H:%M:%SZ')"
        return f"({sql}) at time zone 'UTC'"
    if column.kind is Kind.DECIMAL:
        kind = UNIT_PRICE_TYPE if column.name in UNIT_PRICES else Kind.DECIMAL.duckdb
        typed = f"cast({sql} as {kind})"
        return f"rtrim(rtrim(cast({typed} as varchar), '0'), '.')" if form is Form.CSV else typed
    return f"cast({sql} as varchar)"


def _category() -> str:
    names = ", ".join(f"'{name}'" for name in SERVICE_SUBCATEGORIES)
    return f"case when ServiceCategory in ({names}) then ServiceCategory else 'Other' end"


def _subcategory() -> str:
    pairs = ", ".join(
        f"('{category}', '{name}')" for category, names in SERVICE_SUBCATEGORIES.items() for name in names
    )
    return (
        f"case when ({_category()}, ServiceSubcategory) in ({pairs}) then ServiceSubcategory "
        f"else 'Other (' || {_category()} || ')' end"
    )


def _unit_price(price: str, cost: str) -> str:
    """Return the price as delivered if it agrees with cost and quantity, else cost / quantity."""
    exact = f"cast({price} as {UNIT_PRICE_TYPE})"
    near = f"abs(cast({price} as double) * pricing_quantity - {cost}) <= 1e-9 * greatest(abs({cost}), 1)"
    return f"""case
            when ChargeCategory = 'Tax' then null
            when ChargeClass = 'Correction' then {exact}
            when {price} is not null and (pricing_quantity is null or {near}) then {exact}
            when not is_priced then null
            when pricing_quantity = 0 then coalesce({exact}, 0)
            else cast(cast({cost} as double) / cast(pricing_quantity as double) as {UNIT_PRICE_TYPE})
        end"""


_STEPS = """
-- one row per charge: what later rules need
received as (
    select
        *,
        coalesce(ServiceName, x_service_code, ServiceProviderName, ProviderName, 'Unknown') as service_name,
        {category} as own_category,
        {subcategory} as own_subcategory,
        ChargeCategory in ('Usage', 'Purchase') and coalesce(ChargeClass, '') <> 'Correction' as is_priced,
        ChargeCategory = 'Purchase' and CommitmentDiscountId is not null as is_commitment_purchase,
        x_split_parent_resource_id is not null as is_split,
        -- what the charge cost, where the provider names no price
        case when ChargeCategory = 'Purchase' then BilledCost else coalesce(EffectiveCost, BilledCost) end as own_cost
    from focus.costs
    {where}
),

-- one row per service: the specification allows it one category
services as (
    select
        service_name,
        max_by(own_category, (row_count, own_category, own_subcategory)) as service_category,
        max_by(own_subcategory, (row_count, own_category, own_subcategory)) as service_subcategory
    from (
        select service_name, own_category, own_subcategory, count(*) as row_count
        from received
        group by service_name, own_category, own_subcategory
    )
    group by service_name
),

-- one row per charge with both costs
costed as (
    select
        received.*,
        services.service_category,
        services.service_subcategory,
        coalesce(ContractedCost, own_cost) as contracted_cost,
        coalesce(ListCost, ContractedCost, own_cost) as list_cost
    from received
    left join services on services.service_name = received.service_name
),

-- one row per charge with the quantity it is priced by
measured as (
    select
        *,
        case
            when ChargeCategory = 'Tax' then null
            when is_priced and PricingQuantity is null then 1
            when is_priced and PricingQuantity = 0 and (list_cost <> 0 or contracted_cost <> 0) then 1
            else PricingQuantity
        end as pricing_quantity,
        coalesce(PricingUnit, ConsumedUnit, 'Units') as pricing_unit,
        case
            when ChargeCategory = 'Tax' then null
            when is_priced then coalesce(SkuId, SkuPriceId, x_usage_type, SkuMeter, service_name)
            else SkuId
        end as sku_id
    from costed
),

-- one row per charge with unit prices that agree with cost and quantity
charges as (
    select
        *,
        case
            when ChargeCategory <> 'Usage' or coalesce(CommitmentDiscountStatus, '') = 'Unused' then null
            else coalesce(ConsumedQuantity, pricing_quantity)
        end as consumed_quantity,
        case
            when CommitmentDiscountId is null or not is_priced then null
            when CommitmentDiscountQuantity is not null then CommitmentDiscountQuantity
            when CommitmentDiscountCategory = 'Spend' then own_cost
            else coalesce(ConsumedQuantity, pricing_quantity)
        end as commitment_quantity,
        {contracted_price} as contracted_unit_price,
        {list_price} as list_unit_price
    from measured
)"""
