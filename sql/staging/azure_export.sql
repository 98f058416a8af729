-- staging.azure_export: one row per charge of Azure's actual and amortized cost exports, those of a pair joined
-- grain: none (identical charges are legal)
-- source: raw, seeds.azure_pricing_units, seeds.azure_regions, seeds.azure_services
-- x_label is the export a row of a pair came with, actual or amortized; empty where an export stands alone. A pair's
-- rows are the amortized ones and, of the actual ones, what bought or gave back a commitment; what the actual export
-- bills is the cash that the loaded rows are compared with. Microsoft, "Convert Cost Management data to FOCUS" and
-- "Understand usage details fields", read 2026-11; FOCUS 1.3.
with
charge_types as (
    select
        cast(t.charge_type as varchar) as charge_type,
        cast(t.category as varchar) as category,
        cast(t.class as varchar) as class
    from (
        values
        ('usage', 'Usage', null),
        ('unusedreservation', 'Usage', null),
        ('unusedsavingsplan', 'Usage', null),
        ('purchase', 'Purchase', null),
        ('refund', 'Purchase', 'Correction'),
        ('credit', 'Credit', null),
        ('tax', 'Tax', null),
        ('roundingadjustment', 'Adjustment', null),
        ('adjustment', 'Adjustment', null)
    ) as t (charge_type, category, class)
),

-- one row per charge: texts in one spelling, days as days
charge as (
    select
        raw.*,
        raw.CostInBillingCurrency as x_cash,
        coalesce(lower(replace(raw.ChargeType, ' ', '')), '') as x_type,
        -- never NULL: what is decided by it is decided for every row
        case
            when lower(replace(raw.ChargeType, ' ', '')) = 'unusedsavingsplan' then 'savingsplan'
            when lower(replace(raw.ChargeType, ' ', '')) = 'unusedreservation' then 'reservation'
            when raw.PricingModel is not null then lower(replace(raw.PricingModel, ' ', ''))
            when contains(lower(raw.BenefitId), '/microsoft.billingbenefits/') then 'savingsplan'
            when raw.BenefitId is not null or raw.ReservationId is not null then 'reservation'
            else ''
        end as x_model,
        seeds.day_in(raw.Date) as x_day,
        seeds.day_in(raw.BillingPeriodStartDate) as x_period_first_day,
        seeds.day_in(raw.BillingPeriodEndDate) as x_period_last_day,
        coalesce(raw.BenefitId, raw.ReservationId) as x_commitment_id,
        lower(trim(raw.UnitOfMeasure)) as x_unit_of_measure,
        lower(coalesce(raw.ConsumedService, '')) as x_service,
        seeds.parts_in(raw.ResourceId) as x_parts,
        lower(raw.ResourceLocation) as x_location,
        coalesce(raw.ExchangeRatePricingToBilling, 1) as x_rate,
        case
            when raw.AdditionalInfo is null or json_valid(raw.AdditionalInfo) then raw.AdditionalInfo
            when json_valid('{' || raw.AdditionalInfo || '}') then '{' || raw.AdditionalInfo || '}'
        end as x_info,
        case
            when raw.Tags is null or json_valid(raw.Tags) then raw.Tags
            when json_valid('{' || raw.Tags || '}') then '{' || raw.Tags || '}'
            else '{"x_unparsed":' || cast(to_json(raw.Tags) as varchar) || '}'
        end as x_tags
    from raw
),

-- one row per charge with its kind of resource: microsoft.sql/servers/databases
typed as (
    select
        charge.*,
        seeds.kind_in(x_parts) as x_resource_type,
        -- none of what is no object
        json_keys(x_tags) as x_keys
    from charge
),

-- one row per charge with its kind, unit, service and place
known as (
    select
        typed.*,
        charge_types.category as x_known_category,
        coalesce(charge_types.category, 'Adjustment') as x_category,
        charge_types.class as x_class,
        typed.x_type in ('unusedreservation', 'unusedsavingsplan') as x_is_unused,
        typed.x_model in ('reservation', 'savingsplan') as x_is_committed,
        typed.x_model in ('reservation', 'savingsplan') and typed.x_type in ('purchase', 'refund') as x_is_fee,
        coalesce(cast(units.block_size as double), 1) as x_block,
        coalesce(units.unit, typed.UnitOfMeasure) as x_unit,
        exact.service_name as x_exact_name,
        exact.service_category as x_exact_category,
        exact.service_subcategory as x_exact_subcategory,
        service.service_name as x_service_name,
        service.service_category as x_service_category,
        service.service_subcategory as x_service_subcategory,
        coalesce(regions.region_id, replace(typed.x_location, ' ', '')) as x_region_id,
        coalesce(regions.region_name, typed.ResourceLocation) as x_region_name,
        case
            when typed.x_commitment_id is null then null
            when contains(lower(typed.x_commitment_id), '/microsoft.capacity/') then 'Reservation'
            when contains(lower(typed.x_commitment_id), '/microsoft.billingbenefits/') then 'Savings Plan'
            when typed.x_model = 'savingsplan' then 'Savings Plan'
            else 'Reservation'
        end as x_commitment_type,
        -- Standard_D4s_v5 of the machine; Microsoft's meter says D4s v5 for it
        coalesce(
            regexp_extract(json_extract_string(typed.x_info, '$.ServiceType'), '^((?:Standard|Basic)_[A-Z].*)$', 1),
            case
                when
                    typed.MeterCategory like 'Virtual Machine%'
                    and regexp_matches(typed.MeterName, '^[A-Z]+[0-9]+[a-z0-9-]*( [A-Z]+[0-9]+)?( v[0-9]+)?( Spot| Low Priority)?$')
                    then 'Standard_' || replace(regexp_replace(typed.MeterName, '( Spot| Low Priority)$', ''), ' ', '_')
            end
        ) as x_found_machine,
        try_cast(json_extract_string(typed.x_info, '$.RINormalizationRatio') as decimal(38, 12)) as x_ratio
    from typed
    -- at most one row each
    left join charge_types on typed.x_type = charge_types.charge_type
    left join seeds.azure_pricing_units as units on typed.x_unit_of_measure = units.unit_of_measure
    left join seeds.azure_services as exact
        on typed.x_service = coalesce(exact.consumed_service, '')
        and typed.x_resource_type = exact.resource_type
    left join seeds.azure_services as service
        on typed.x_service = service.consumed_service
        and service.resource_type is null
    left join seeds.azure_regions as regions on typed.x_location = regions.original_value
),

-- one row per charge with its quantity in blocks of its unit, for which UnitPrice is the price
measured as (
    select
        known.*,
        nullif(x_found_machine, '') as x_machine,
        -- Microsoft documents Quantity in units; in exports at hand "10K" with Quantity 0.0004 are 4 calls. What was
        -- paid tells: read in units such a row would have a contracted price below a ten-thousandth of its cost
        coalesce(
            x_block > 1
            and abs(cast(UnitPrice as double) * cast(Quantity as double) * cast(x_rate as double)) / x_block
            < 0.9 * abs(cast(x_cash as double)),
            false
        ) as x_counts_blocks,
        x_is_committed and not x_is_fee as x_is_covered
    from known
),

-- one row per charge with its four costs
priced as (
    select
        measured.*,
        case
            when x_block = 1 or x_counts_blocks then Quantity
            else cast(cast(Quantity as double) / x_block as decimal(38, 12))
        end as x_blocks,
        case
            when x_counts_blocks then cast(cast(Quantity as double) * x_block as decimal(38, 12))
            else Quantity
        end as x_units,
        case when x_is_covered then 0 else x_cash end as x_billed,
        case when x_is_fee then 0 else x_cash end as x_effective,
        -- sold at a price: not taxes, credits, adjustments, nor what is given back
        x_category in ('Usage', 'Purchase') and x_class is null as x_is_priced,
        nullif(
            cast(
                cast(UnitPrice as double) * cast(x_rate as double) * cast(Quantity as double)
                / case when x_counts_blocks then 1 else x_block end as decimal(38, 12)
            ),
            0
        ) as x_contracted_product,
        nullif(
            coalesce(
                PaygCostInBillingCurrency,
                cast(
                    cast(PayGPrice as double) * cast(x_rate as double) * cast(Quantity as double)
                    / case when x_counts_blocks then 1 else x_block end as decimal(38, 12)
                )
            ),
            0
        ) as x_list_product
    from measured
),

-- one row per charge: where Azure gives no price, what was paid is the price
costed as (
    select
        priced.*,
        case
            when not x_is_priced then x_cash
            when x_is_unused then coalesce(x_contracted_product, 0)
            -- the product of doubles has fifteen digits; where it is what was paid, what was paid has them all
            when cast(abs(x_contracted_product - x_cash) as double) <= 1e-12 * cast(abs(x_cash) as double) then x_cash
            else coalesce(x_contracted_product, x_cash)
        end as x_contracted,
        case
            when not x_is_priced then x_cash
            when x_is_unused then coalesce(x_list_product, 0)
            when cast(abs(x_list_product - x_cash) as double) <= 1e-12 * cast(abs(x_cash) as double) then x_cash
            else coalesce(x_list_product, x_contracted_product, x_cash)
        end as x_list,
        case
            when x_label = 'actual' and not x_is_fee then 'actual'
            when x_label = 'amortized' and x_is_fee then 'amortized purchase'
        end as x_surplus
    from priced
)

select
    cast(null as varchar) as AllocatedMethodDetails,
    cast(null as varchar) as AllocatedMethodId,
    cast(null as varchar) as AllocatedResourceId,
    cast(null as varchar) as AllocatedResourceName,
    cast(null as varchar) as AllocatedTags,
    AvailabilityZone,
    x_billed as BilledCost,
    case when is_mca then coalesce(BillingProfileId, BillingAccountId, CustomerTenantId) else BillingAccountId end
        as BillingAccountId,
    case when is_mca then coalesce(BillingProfileName, BillingAccountName, CustomerName) else BillingAccountName end
        as BillingAccountName,
    cast(case when is_mca then 'Billing Profile' else 'Billing Account' end as enum('Billing Account', 'Billing Profile')) as BillingAccountType,
    upper(BillingCurrency) as BillingCurrency,
    cast(
        coalesce(x_period_last_day + interval '1' day, date_trunc('month', coalesce(x_period_first_day, x_day)) + interval '1' month)
        as timestamp
    ) as BillingPeriodEnd,
    cast(coalesce(x_period_first_day, date_trunc('month', x_day)) as timestamp) as BillingPeriodStart,
    cast(null as varchar) as CapacityReservationId,
    cast(null as varchar) as CapacityReservationStatus,
    -- a listed value is written much faster than a text
    cast(x_category as enum('Adjustment', 'Credit', 'Purchase', 'Tax', 'Usage')) as ChargeCategory,
    x_class as ChargeClass,
    coalesce(ProductName, MeterName, ChargeType) as ChargeDescription,
    cast(
        case
            when lower(Frequency) = 'recurring' then 'Recurring'
            when lower(Frequency) = 'onetime' then 'One-Time'
            when lower(Frequency) = 'usagebased' and x_category <> 'Purchase' then 'Usage-Based'
            when x_category = 'Usage' then 'Usage-Based'
            else 'One-Time'
        end
        as enum('One-Time', 'Recurring', 'Usage-Based')
    ) as ChargeFrequency,
    cast(x_day + interval '1' day as timestamp) as ChargePeriodEnd,
    cast(x_day as timestamp) as ChargePeriodStart,
    case x_commitment_type when 'Reservation' then 'Usage' when 'Savings Plan' then 'Spend' end
        as CommitmentDiscountCategory,
    x_commitment_id as CommitmentDiscountId,
    case when x_commitment_id is not null then coalesce(BenefitName, ReservationName) end as CommitmentDiscountName,
    case
        when x_commitment_id is null or not x_is_committed then null
        when x_commitment_type = 'Savings Plan' then case when x_is_fee then x_billed else x_effective end
        when x_is_fee then null
        else cast(cast(x_units as double) * cast(coalesce(x_ratio, 1) as double) as decimal(38, 12))
    end as CommitmentDiscountQuantity,
    case
        when x_is_unused then 'Unused'
        when x_is_covered and x_category = 'Usage' then 'Used'
    end as CommitmentDiscountStatus,
    x_commitment_type as CommitmentDiscountType,
    case
        when x_commitment_id is null or not x_is_committed then null
        when x_commitment_type = 'Savings Plan' then upper(BillingCurrency)
        when x_is_fee or x_units is null then null
        when x_ratio is not null then 'Normalized Hours'
        else x_unit
    end as CommitmentDiscountUnit,
    cast(null as varchar) as CommitmentProgramEligibilityDetails,
    case when x_category = 'Usage' and not x_is_unused and x_unit is not null then x_units end as ConsumedQuantity,
    case when x_category = 'Usage' and not x_is_unused and x_units is not null then x_unit end as ConsumedUnit,
    cast(null as varchar) as ContractApplied,
    x_contracted as ContractedCost,
    case
        when x_is_priced and (x_contracted_product is not null or x_contracted = 0)
            then cast(cast(UnitPrice as double) * cast(x_rate as double) as decimal(38, 12))
    end as ContractedUnitPrice,
    x_effective as EffectiveCost,
    cast(case when coalesce(lower(PublisherType), '') <> 'marketplace' then 'Microsoft' end as enum('Microsoft')) as HostProviderName,
    cast(null as varchar) as InvoiceDetailId,
    InvoiceId,
    coalesce(PartnerName, 'Microsoft') as InvoiceIssuerName,
    x_list as ListCost,
    case
        when x_is_priced and (PayGPrice <> 0 or x_list = 0)
            then cast(cast(PayGPrice as double) * cast(x_rate as double) as decimal(38, 12))
    end as ListUnitPrice,
    cast(
        case
            when x_category not in ('Usage', 'Purchase') then null
            when x_is_covered then 'Committed'
            when x_model = 'spot' then 'Dynamic'
            -- also of a commitment's purchase: FOCUS means by Committed what a commitment pays for
            else 'Standard'
        end
        as enum('Committed', 'Dynamic', 'Standard')
    ) as PricingCategory,
    coalesce(PricingCurrency, upper(BillingCurrency)) as PricingCurrency,
    case when x_is_priced and (x_contracted_product is not null or x_contracted = 0) then UnitPrice end
        as PricingCurrencyContractedUnitPrice,
    case when x_is_fee then 0 else coalesce(CostInPricingCurrency, x_effective) end as PricingCurrencyEffectiveCost,
    case when x_is_priced and (PayGPrice <> 0 or x_list = 0) then PayGPrice end as PricingCurrencyListUnitPrice,
    case when x_category in ('Usage', 'Purchase') and x_unit is not null then x_blocks end as PricingQuantity,
    case when x_category in ('Usage', 'Purchase') and x_blocks is not null then x_unit end as PricingUnit,
    'Microsoft' as ProviderName,
    case
        when lower(PublisherType) = 'marketplace' then coalesce(PublisherName, 'Azure Marketplace')
        else 'Microsoft'
    end as PublisherName,
    x_region_id as RegionId,
    x_region_name as RegionName,
    ResourceId,
    coalesce(ResourceName, nullif(regexp_extract(ResourceId, '[^/]+$'), '')) as ResourceName,
    coalesce(nullif(x_resource_type, ''), lower(ConsumedService)) as ResourceType,
    cast(
        case
            -- Microsoft's table files disks and traffic of machines under Compute; a commitment does not pay for them
            when x_service = 'microsoft.compute' and MeterCategory = 'Storage' then 'Storage'
            when x_service = 'microsoft.compute' and MeterCategory in ('Bandwidth', 'Virtual Network') then 'Networking'
            else coalesce(x_exact_category, x_service_category, 'Other')
        end
        as seeds.service_category
    ) as ServiceCategory,
    coalesce(x_exact_name, x_service_name, MeterCategory, ConsumedService, PublisherName, 'Azure') as ServiceName,
    'Microsoft' as ServiceProviderName,
    cast(
        case
            when x_service = 'microsoft.compute' and MeterCategory = 'Storage' then 'Block Storage'
            when x_service = 'microsoft.compute' and MeterCategory in ('Bandwidth', 'Virtual Network')
                then 'Network Infrastructure'
            else coalesce(x_exact_subcategory, x_service_subcategory, 'Other (Other)')
        end
        as seeds.service_subcategory
    ) as ServiceSubcategory,
    case when x_category in ('Usage', 'Purchase') then coalesce(ProductId, MeterId) end as SkuId,
    case when x_category in ('Usage', 'Purchase') then MeterName end as SkuMeter,
    case
        when x_category not in ('Usage', 'Purchase') then null
        when x_machine is not null
            then '{"InstanceType":' || cast(to_json(x_machine) as varchar) || ',"x_PricingBlockSize":' || cast(cast(x_block as bigint) as varchar) || '}'
        else '{"x_PricingBlockSize":' || cast(cast(x_block as bigint) as varchar) || '}'
    end as SkuPriceDetails,
    case when x_category in ('Usage', 'Purchase') then coalesce(PartNumber, MeterId, ProductId) end as SkuPriceId,
    SubscriptionId as SubAccountId,
    SubscriptionName as SubAccountName,
    cast(case when SubscriptionId is not null then 'Subscription' end as enum('Subscription')) as SubAccountType,
    case
        when x_keys is null or length(x_keys) = 0 then null
        -- of equal keys the first counts
        when length(x_keys) > 1 and length(list_distinct(x_keys)) < length(x_keys)
            then '{' || array_to_string(
                list_transform(
                    list_distinct(x_keys), lambda k: to_json(k) || ':' || json_extract(x_tags, '$.' || to_json(k))
                ),
                ','
            ) || '}'
        else x_tags
    end as Tags,
    $source as x_source,
    $snapshot_id as x_snapshot_id,
    cast(case when InvoiceId is not null then 'final' when is_mca then 'estimated' end as enum('estimated', 'final')) as x_data_status,
    ChargeType as x_line_item_type,
    MeterCategory as x_service_code,
    MeterName as x_usage_type,
    MeterSubCategory as x_operation,
    x_machine as x_instance_type,
    -- Standard_D4s_v5: Dsv5
    replace(regexp_replace(x_machine, '^(?:Standard|Basic)_([A-Z]+)[0-9]+(?:-[0-9]+)?', '\1'), '_', '') as x_family,
    cast(null as decimal(38, 12)) as x_amortized_upfront,
    cast(null as varchar) as x_split_parent_resource_id,
    cast(null as decimal(38, 12)) as x_split_cost,
    cast(null as decimal(38, 12)) as x_split_unused_cost,
    x_extra,
    case
        when x_unreadable is not null then 'quarantine: ' || x_unreadable
        when x_day is null then 'quarantine: Date: ''' || left(Date, 80) || ''' is not a day'
        when BillingPeriodStartDate is not null and x_period_first_day is null
            then 'quarantine: BillingPeriodStartDate: ''' || left(BillingPeriodStartDate, 80) || ''' is not a day'
        when BillingPeriodEndDate is not null and x_period_last_day is null
            then 'quarantine: BillingPeriodEndDate: ''' || left(BillingPeriodEndDate, 80) || ''' is not a day'
        when x_surplus is not null then 'drop: ' || x_surplus
        when x_known_category is null then 'load: charge type ' || ChargeType || ' is not known, taken as Adjustment'
        else 'load'
    end as x_fate,
    cast(0 as smallint) as x_part,
    -- of a pair the actual export tells what was paid
    case when x_label = 'amortized' then null when x_label = 'actual' then x_cash else x_billed end as x_source_cost
from costed
