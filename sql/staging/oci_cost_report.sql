-- staging.oci_cost_report: one row per line of Oracle Cloud Infrastructure's cost reports
-- grain: none (identical lines are legal)
-- source: raw, seeds.oci_services, seeds.oci_regions
-- What each line becomes: docs/sources.md. Quantity, price and cost of a line include its overage (Oracle's Cost Report
-- Schema, read 2026-11), so the overage is never added. Corrections are lines of their own and count as they are.
with
-- one row per line: what kind of line it is, and when it belongs to which month
lines as (
    select
        raw.*,
        date_trunc('month', raw.usage_start) as period_start,
        lower(raw.is_correction) in ('true', 'y', 'yes', '1') or raw.back_reference_no is not null as corrects,
        lower(raw.overage_flag) in ('true', 'y', 'yes', '1') or coalesce(raw.cost_overage, 0) <> 0 as has_overage,
        upper(regexp_replace(raw.service, '[^A-Za-z0-9]', '', 'g')) as service_key,
        -- a price that does not give the cost (a tier, a free allowance, overage at another price) is not told
        case
            when abs(cast(raw.unit_price as double) * cast(raw.quantity as double) - cast(raw.cost as double)) <= 0.000001
                then raw.unit_price
        end as contracted_price,
        -- what is paid beyond the commitment, where that is more: the only other price in the report
        case
            when
                raw.unit_price_overage > raw.unit_price
                and abs(cast(raw.unit_price_overage as double) * cast(raw.quantity as double))
                >= abs(cast(raw.cost as double))
                then raw.unit_price_overage
        end as overage_price
    from raw
),

-- one row per line with the names of its service and region
named as (
    select
        lines.*,
        coalesce(services.service_name, lines.service) as service_name,
        services.service_category,
        services.service_subcategory,
        coalesce(regions.region_name, lines.region) as region_name
    from lines
    -- at most one row each
    left join seeds.oci_services as services on lines.service_key = services.service_key
    left join seeds.oci_regions as regions on lines.region = regions.region_id
)

select
    cast(null as varchar) as AllocatedMethodDetails,
    cast(null as varchar) as AllocatedMethodId,
    cast(null as varchar) as AllocatedResourceId,
    cast(null as varchar) as AllocatedResourceName,
    cast(null as varchar) as AllocatedTags,
    availability_domain as AvailabilityZone,
    cost as BilledCost,
    coalesce(subscription_id, tenant_id) as BillingAccountId,
    cast(null as varchar) as BillingAccountName,
    case when subscription_id is not null then 'Subscription' else 'Tenancy' end as BillingAccountType,
    upper(currency) as BillingCurrency,
    period_start + interval '1' month as BillingPeriodEnd,
    period_start as BillingPeriodStart,
    cast(null as varchar) as CapacityReservationId,
    cast(null as varchar) as CapacityReservationStatus,
    'Usage' as ChargeCategory,
    case when corrects then 'Correction' end as ChargeClass,
    coalesce(description, sku, service) as ChargeDescription,
    'Usage-Based' as ChargeFrequency,
    usage_end as ChargePeriodEnd,
    usage_start as ChargePeriodStart,
    cast(null as varchar) as CommitmentDiscountCategory,
    cast(null as varchar) as CommitmentDiscountId,
    cast(null as varchar) as CommitmentDiscountName,
    cast(null as decimal(38, 12)) as CommitmentDiscountQuantity,
    cast(null as varchar) as CommitmentDiscountStatus,
    cast(null as varchar) as CommitmentDiscountType,
    cast(null as varchar) as CommitmentDiscountUnit,
    cast(null as varchar) as CommitmentProgramEligibilityDetails,
    quantity as ConsumedQuantity,
    case when quantity is not null then coalesce(metered_unit, unit) end as ConsumedUnit,
    cast(null as varchar) as ContractApplied,
    cost as ContractedCost,
    contracted_price as ContractedUnitPrice,
    cost as EffectiveCost,
    'Oracle' as HostProviderName,
    cast(null as varchar) as InvoiceDetailId,
    cast(null as varchar) as InvoiceId,
    'Oracle' as InvoiceIssuerName,
    coalesce(cast(cast(overage_price as double) * cast(quantity as double) as decimal(38, 12)), cost) as ListCost,
    coalesce(overage_price, contracted_price) as ListUnitPrice,
    'Standard' as PricingCategory,
    upper(currency) as PricingCurrency,
    contracted_price as PricingCurrencyContractedUnitPrice,
    cost as PricingCurrencyEffectiveCost,
    coalesce(overage_price, contracted_price) as PricingCurrencyListUnitPrice,
    quantity as PricingQuantity,
    case when quantity is not null then coalesce(unit, metered_unit) end as PricingUnit,
    'Oracle' as ProviderName,
    'Oracle' as PublisherName,
    region as RegionId,
    region_name as RegionName,
    resource_id as ResourceId,
    cast(null as varchar) as ResourceName,
    nullif(regexp_extract(resource_id, '^ocid1[.]([a-z0-9]+)[.]', 1), '') as ResourceType,
    coalesce(service_category, 'Other') as ServiceCategory,
    service_name as ServiceName,
    'Oracle' as ServiceProviderName,
    coalesce(service_subcategory, 'Other (Other)') as ServiceSubcategory,
    sku as SkuId,
    description as SkuMeter,
    cast(null as varchar) as SkuPriceDetails,
    sku as SkuPriceId,
    coalesce(compartment_id, tenant_id) as SubAccountId,
    compartment_name as SubAccountName,
    case when compartment_id is not null then 'Compartment' when tenant_id is not null then 'Tenancy' end as SubAccountType,
    tags as Tags,
    $source as x_source,
    $snapshot_id as x_snapshot_id,
    cast(null as varchar) as x_data_status,
    case when corrects then 'Correction' when has_overage then 'Overage' else 'Usage' end as x_line_item_type,
    service as x_service_code,
    coalesce(description, resource) as x_usage_type,
    resource as x_operation,
    cast(null as varchar) as x_instance_type,
    cast(null as varchar) as x_family,
    cast(null as decimal(38, 12)) as x_amortized_upfront,
    cast(null as varchar) as x_split_parent_resource_id,
    cast(null as decimal(38, 12)) as x_split_cost,
    cast(null as decimal(38, 12)) as x_split_unused_cost,
    case
        when corrects or has_overage
            then
                cast(
                    json_merge_patch(
                        coalesce(x_extra, '{}'),
                        '{'
                        || regexp_replace(
                            coalesce('"reference_no":' || to_json(reference_no) || ',', '')
                            || coalesce('"back_reference_no":' || to_json(back_reference_no) || ',', '')
                            || coalesce('"quantity_overage":' || to_json(cast(quantity_overage as varchar)) || ',', '')
                            || coalesce('"cost_overage":' || to_json(cast(cost_overage as varchar)) || ',', ''),
                            ',$',
                            ''
                        )
                        || '}'
                    ) as varchar
                )
        else x_extra
    end as x_extra,
    case
        when x_unreadable is not null then 'quarantine: ' || x_unreadable
        when usage_start is null then 'quarantine: usage_start is empty'
        when usage_end is null then 'quarantine: usage_end is empty'
        when cost is null then 'quarantine: cost is empty'
        when currency is null then 'quarantine: currency is empty'
        else 'load'
    end as x_fate,
    cast(0 as smallint) as x_part,
    cost as x_source_cost,
    nullif(x_label, '') as x_order
from named
