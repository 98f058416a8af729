-- staging.aws_cost_explorer: one row per day, service, account and kind of charges that Cost Explorer tells
-- grain: none
-- source: raw, seeds.aws_services
-- List and contracted costs are not told: NULL. Unused commitments are in the effective cost of purchases.
with
-- one row per service name; several codes may share one
services as (
    select
        service_name,
        min(service_code) as service_code,
        min(service_category) as service_category,
        min(service_subcategory) as service_subcategory
    from seeds.aws_services
    where service_name <> ''
    group by service_name
),

-- one row per charge; Cost Explorer splits EC2 in two
charges as (
    select
        raw.*,
        case when raw.charges = 'Refund' then 'Usage' else raw.charges end as category,
        coalesce(raw.net_amortized, raw.amortized, raw.unblended) as effective,
        services.service_name,
        services.service_code,
        services.service_category,
        services.service_subcategory
    from raw
    -- at most one row each
    left join services
        on services.service_name = case
            when raw.service in ('EC2 - Other', 'Amazon Elastic Compute Cloud - Compute')
                then 'Amazon Elastic Compute Cloud'
            else raw.service
        end
)

select
    cast(null as varchar) as AllocatedMethodDetails,
    cast(null as varchar) as AllocatedMethodId,
    cast(null as varchar) as AllocatedResourceId,
    cast(null as varchar) as AllocatedResourceName,
    cast(null as varchar) as AllocatedTags,
    cast(null as varchar) as AvailabilityZone,
    unblended as BilledCost,
    payer as BillingAccountId,
    cast(null as varchar) as BillingAccountName,
    'Management Account' as BillingAccountType,
    currency as BillingCurrency,
    period + interval '1' month as BillingPeriodEnd,
    period as BillingPeriodStart,
    cast(null as varchar) as CapacityReservationId,
    cast(null as varchar) as CapacityReservationStatus,
    category as ChargeCategory,
    case when charges = 'Refund' then 'Correction' end as ChargeClass,
    'Cost Explorer: ' || charges || ' of ' || coalesce(service, 'no service') as ChargeDescription,
    case when charges = 'Usage' then 'Usage-Based' when charges <> 'Purchase' then 'One-Time' end as ChargeFrequency,
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
    effective as EffectiveCost,
    'AWS' as HostProviderName,
    cast(null as varchar) as InvoiceDetailId,
    cast(null as varchar) as InvoiceId,
    'AWS' as InvoiceIssuerName,
    cast(null as decimal(38, 12)) as ListCost,
    cast(null as decimal(38, 12)) as ListUnitPrice,
    cast(null as varchar) as PricingCategory,
    currency as PricingCurrency,
    cast(null as decimal(38, 12)) as PricingCurrencyContractedUnitPrice,
    effective as PricingCurrencyEffectiveCost,
    cast(null as decimal(38, 12)) as PricingCurrencyListUnitPrice,
    cast(null as decimal(38, 12)) as PricingQuantity,
    cast(null as varchar) as PricingUnit,
    'AWS' as ProviderName,
    'AWS' as PublisherName,
    cast(null as varchar) as RegionId,
    cast(null as varchar) as RegionName,
    cast(null as varchar) as ResourceId,
    cast(null as varchar) as ResourceName,
    cast(null as varchar) as ResourceType,
    coalesce(service_category, 'Other') as ServiceCategory,
    coalesce(service_name, service, 'AWS') as ServiceName,
    'AWS' as ServiceProviderName,
    coalesce(service_subcategory, 'Other (Other)') as ServiceSubcategory,
    cast(null as varchar) as SkuId,
    cast(null as varchar) as SkuMeter,
    cast(null as varchar) as SkuPriceDetails,
    cast(null as varchar) as SkuPriceId,
    account as SubAccountId,
    account_name as SubAccountName,
    'Account' as SubAccountType,
    cast(null as varchar) as Tags,
    $source as x_source,
    $snapshot_id as x_snapshot_id,
    case when estimated = 'yes' then 'estimated' else 'final' end as x_data_status,
    charges as x_line_item_type,
    service_code as x_service_code,
    cast(null as varchar) as x_usage_type,
    cast(null as varchar) as x_operation,
    cast(null as varchar) as x_instance_type,
    cast(null as varchar) as x_family,
    cast(null as decimal(38, 12)) as x_amortized_upfront,
    cast(null as varchar) as x_split_parent_resource_id,
    cast(null as decimal(38, 12)) as x_split_cost,
    cast(null as decimal(38, 12)) as x_split_unused_cost,
    x_extra,
    case
        when x_unreadable is not null then 'quarantine: ' || x_unreadable
        else 'load'
    end as x_fate,
    cast(0 as smallint) as x_part,
    unblended as x_source_cost
from charges
