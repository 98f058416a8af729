-- staging.azure_cost_query: one row per day, subscription, service and kind of charge that Cost Management tells
-- grain: none
-- source: raw, seeds.azure_services
-- List and contracted costs are not told: NULL.
with
-- one row per kind of charge
charge_types as (
    select
        cast(t.charge_type as varchar) as charge_type,
        cast(t.category as varchar) as category
    from (
        values
        ('usage', 'Usage'),
        ('unusedreservation', 'Usage'),
        ('unusedsavingsplan', 'Usage'),
        ('purchase', 'Purchase'),
        ('refund', 'Purchase'),
        ('credit', 'Credit'),
        ('tax', 'Tax'),
        ('roundingadjustment', 'Adjustment'),
        ('adjustment', 'Adjustment')
    ) as t (charge_type, category)
),

-- one row per service name; several resource types share one
services as (
    select
        lower(service_name) as name,
        min(service_category) as service_category,
        min(service_subcategory) as service_subcategory
    from seeds.azure_services
    where service_name <> ''
    group by lower(service_name)
),

charges as (
    select
        raw.*,
        charge_types.category,
        services.service_category,
        services.service_subcategory
    from raw
    -- at most one row each
    left join charge_types on charge_types.charge_type = coalesce(lower(replace(raw.charge_type, ' ', '')), 'usage')
    left join services
        on services.name = case when raw.service = 'Storage' then 'storage accounts' else lower(raw.service) end
)

select
    cast(null as varchar) as AllocatedMethodDetails,
    cast(null as varchar) as AllocatedMethodId,
    cast(null as varchar) as AllocatedResourceId,
    cast(null as varchar) as AllocatedResourceName,
    cast(null as varchar) as AllocatedTags,
    cast(null as varchar) as AvailabilityZone,
    actual as BilledCost,
    billing_account as BillingAccountId,
    cast(null as varchar) as BillingAccountName,
    cast(null as varchar) as BillingAccountType,
    currency as BillingCurrency,
    period + interval '1' month as BillingPeriodEnd,
    period as BillingPeriodStart,
    cast(null as varchar) as CapacityReservationId,
    cast(null as varchar) as CapacityReservationStatus,
    coalesce(category, 'Adjustment') as ChargeCategory,
    case when lower(charge_type) = 'refund' then 'Correction' end as ChargeClass,
    'Cost Management: ' || coalesce(charge_type, 'charges') || ' of ' || coalesce(service, 'no service') as ChargeDescription,
    case when category = 'Usage' then 'Usage-Based' when category <> 'Purchase' then 'One-Time' end as ChargeFrequency,
    day + interval '1' day as ChargePeriodEnd,
    day as ChargePeriodStart,
    cast(null as varchar) as CommitmentDiscountCategory,
    cast(null as varchar) as CommitmentDiscountId,
    cast(null as varchar) as CommitmentDiscountName,
    cast(null as decimal(38, 12)) as CommitmentDiscountQuantity,
    cast(null as varchar) as CommitmentDiscountStatus,
    cast(null as varchar) as CommitmentDiscountType,
    cast(null as varchar) as CommitmentDiscountUnit,
    cast(null as varchar) as CommitmentProgramEligibilityDetails,
    cast(null as decimal(38, 12)) as ConsumedQuantity,
    cast(null as varchar) as ConsumedUnit,
    cast(null as varchar) as ContractApplied,
    cast(null as decimal(38, 12)) as ContractedCost,
    cast(null as decimal(38, 12)) as ContractedUnitPrice,
    amortized as EffectiveCost,
    'Microsoft' as HostProviderName,
    cast(null as varchar) as InvoiceDetailId,
    cast(null as varchar) as InvoiceId,
    'Microsoft' as InvoiceIssuerName,
    cast(null as decimal(38, 12)) as ListCost,
    cast(null as decimal(38, 12)) as ListUnitPrice,
    cast(null as varchar) as PricingCategory,
    currency as PricingCurrency,
    cast(null as decimal(38, 12)) as PricingCurrencyContractedUnitPrice,
    amortized as PricingCurrencyEffectiveCost,
    cast(null as decimal(38, 12)) as PricingCurrencyListUnitPrice,
    cast(null as decimal(38, 12)) as PricingQuantity,
    cast(null as varchar) as PricingUnit,
    'Microsoft' as ProviderName,
    'Microsoft' as PublisherName,
    cast(null as varchar) as RegionId,
    cast(null as varchar) as RegionName,
    cast(null as varchar) as ResourceId,
    cast(null as varchar) as ResourceName,
    cast(null as varchar) as ResourceType,
    coalesce(service_category, 'Other') as ServiceCategory,
    coalesce(service, 'Azure') as ServiceName,
    'Microsoft' as ServiceProviderName,
    coalesce(service_subcategory, 'Other (Other)') as ServiceSubcategory,
    cast(null as varchar) as SkuId,
    cast(null as varchar) as SkuMeter,
    cast(null as varchar) as SkuPriceDetails,
    cast(null as varchar) as SkuPriceId,
    account as SubAccountId,
    cast(null as varchar) as SubAccountName,
    'Subscription' as SubAccountType,
    cast(null as varchar) as Tags,
    $source as x_source,
    $snapshot_id as x_snapshot_id,
    case when estimated = 'yes' then 'estimated' else 'final' end as x_data_status,
    coalesce(charge_type, 'Usage') as x_line_item_type,
    cast(null as varchar) as x_service_code,
    cast(null as varchar) as x_usage_type,
    cast(null as varchar) as x_operation,
    cast(null as varchar) as x_instance_type,
    cast(null as varchar) as x_family,
    cast(null as decimal(38, 12)) as x_amortized_upfront,
    cast(null as varchar) as x_split_parent_resource_id,
    cast(null as decimal(38, 12)) as x_split_cost,
    cast(null as decimal(38, 12)) as x_split_unused_cost,
    x_extra as x_extra,
    case
        when x_unreadable is not null then 'quarantine: ' || x_unreadable
        when category is null then 'load: charge type ' || charge_type || ' is not known, taken as Adjustment'
        else 'load'
    end as x_fate,
    cast(0 as smallint) as x_part,
    actual as x_source_cost
from charges
