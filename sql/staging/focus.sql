-- staging.focus: one row per charge of a FOCUS 1.0 to 1.4 file, as received
-- grain: none
-- It is the provider's bill: amounts are never changed, not even where they break the specification's rules; those
-- are counted by costlab.focus.conformance. Mended is only what is certain: the case of listed values, provider names
-- of older and newer versions, a price in the place of a zone, the notation of tags.
with
-- one row per charge, names of listed values as the specification writes them
charges as (
    select
        *,
        case lower(ChargeCategory)
            when 'usage' then 'Usage'
            when 'purchase' then 'Purchase'
            when 'tax' then 'Tax'
            when 'credit' then 'Credit'
            when 'adjustment' then 'Adjustment'
            else ChargeCategory
        end as charge_category,
        case lower(ChargeClass) when 'correction' then 'Correction' else ChargeClass end as charge_class,
        case lower(ChargeFrequency)
            when 'usage-based' then 'Usage-Based'
            when 'one-time' then 'One-Time'
            when 'recurring' then 'Recurring'
            else ChargeFrequency
        end as charge_frequency,
        case lower(PricingCategory)
            when 'standard' then 'Standard'
            when 'dynamic' then 'Dynamic'
            when 'committed' then 'Committed'
            when 'other' then 'Other'
            else PricingCategory
        end as pricing_category,
        case lower(CommitmentDiscountStatus)
            when 'used' then 'Used'
            when 'unused' then 'Unused'
            else CommitmentDiscountStatus
        end as commitment_status,
        case lower(CommitmentDiscountCategory)
            when 'spend' then 'Spend'
            when 'usage' then 'Usage'
            else CommitmentDiscountCategory
        end as commitment_category,
        case lower(CapacityReservationStatus)
            when 'used' then 'Used'
            when 'unused' then 'Unused'
            else CapacityReservationStatus
        end as capacity_status,
        -- costlab's own exports give charges that are not invoiced yet a provisional invoice
        case
            when InvoiceId = 'provisional-' || BillingAccountId || '-' || left(cast(BillingPeriodStart as varchar), 7)
                then null
            else InvoiceId
        end as invoice_id,
        -- notations that are not JSON: "a": "b" of Microsoft's older exports, {'a': 'b'} of Python, {a=b} of Athena
        case
            when Tags is null or json_valid(Tags) then Tags
            when json_valid('{' || Tags || '}') then '{' || Tags || '}'
            when json_valid(regexp_replace(replace(Tags, '''', '"'), ': *None *([,}])', ': null\1', 'g'))
                then regexp_replace(replace(Tags, '''', '"'), ': *None *([,}])', ': null\1', 'g')
            when regexp_matches(Tags, '^[{][^={},"]+=[^={},"]*(, [^={},"]+=[^={},"]*)*[}]$')
                then regexp_replace(replace(replace(Tags, '=', '":"'), ', ', '","'), '^[{](.*)[}]$', '{"\1"}')
            else '{"x_unparsed":' || cast(to_json(Tags) as varchar) || '}'
        end as tag_object,
        case when json_valid(SkuPriceDetails) then SkuPriceDetails end as price_details,
        case when json_valid(x_sku_details) then x_sku_details end as sku_details,
        -- the first of meter and usage type that ends in an instance type:
        -- BoxUsage:m5.large, db.r5.large, r5.large.search, n2-standard-4, e2-micro, Standard_D4s_v5
        regexp_extract(
            coalesce(SkuMeter, '') || '|' || coalesce(x_usage_type, ''),
            '(?:^|[:|])('
            || '(?:[a-z]+[.])?[a-z][a-z0-9-]*[.](?:nano|micro|small|medium|[0-9]*x?large|[0-9]*xl|metal[a-z0-9-]*)'
            || '(?:[.][a-z]+)?'
            || '|[a-z][0-9]+[a-z]?-[a-z]+[a-z0-9-]*'
            || '|(?:Standard|Basic)_[A-Z][A-Za-z0-9_-]*'
            || ')(?:[|]|$)',
            1
        ) as machine_in_text
    from raw
),

-- one row per charge with its instance type
machines as (
    select
        *,
        coalesce(
            x_instance_type,
            json_extract_string(price_details, '$.InstanceType'),
            -- the meter of a database says db.r5.2xl for db.r5.2xlarge
            regexp_replace(nullif(machine_in_text, ''), '[.]([0-9]*)xl$', '.\1xlarge'),
            -- Microsoft's meter says D4s v5 for Standard_D4s_v5
            case
                when
                    ServiceName like 'Virtual Machine%'
                    and regexp_matches(SkuMeter, '^[A-Z]+[0-9]+[a-z0-9-]*( [A-Z]+[0-9]+)?( v[0-9]+)?$')
                    then 'Standard_' || replace(SkuMeter, ' ', '_')
            end,
            json_extract_string(sku_details, '$.ServiceType')
        ) as machine
    from charges
)

select
    AllocatedMethodDetails,
    AllocatedMethodId,
    AllocatedResourceId,
    AllocatedResourceName,
    AllocatedTags,
    -- Microsoft's exports of 2024 have the unit price here; its zones are whole numbers from 1
    case
        when AvailabilityZone = '0' or regexp_matches(AvailabilityZone, '^[0-9]*[.][0-9]+$') then null
        else AvailabilityZone
    end as AvailabilityZone,
    BilledCost,
    BillingAccountId,
    BillingAccountName,
    BillingAccountType,
    upper(BillingCurrency) as BillingCurrency,
    BillingPeriodEnd,
    BillingPeriodStart,
    CapacityReservationId,
    capacity_status as CapacityReservationStatus,
    charge_category as ChargeCategory,
    charge_class as ChargeClass,
    ChargeDescription,
    charge_frequency as ChargeFrequency,
    ChargePeriodEnd,
    ChargePeriodStart,
    commitment_category as CommitmentDiscountCategory,
    CommitmentDiscountId,
    CommitmentDiscountName,
    CommitmentDiscountQuantity,
    commitment_status as CommitmentDiscountStatus,
    CommitmentDiscountType,
    CommitmentDiscountUnit,
    CommitmentProgramEligibilityDetails,
    ConsumedQuantity,
    ConsumedUnit,
    ContractApplied,
    ContractedCost,
    ContractedUnitPrice,
    EffectiveCost,
    HostProviderName,
    InvoiceDetailId,
    invoice_id as InvoiceId,
    InvoiceIssuerName,
    ListCost,
    ListUnitPrice,
    pricing_category as PricingCategory,
    PricingCurrency,
    PricingCurrencyContractedUnitPrice,
    PricingCurrencyEffectiveCost,
    PricingCurrencyListUnitPrice,
    PricingQuantity,
    PricingUnit,
    coalesce(ProviderName, ServiceProviderName) as ProviderName,
    coalesce(PublisherName, ServiceProviderName, ProviderName) as PublisherName,
    RegionId,
    RegionName,
    ResourceId,
    ResourceName,
    ResourceType,
    ServiceCategory,
    ServiceName,
    coalesce(ServiceProviderName, ProviderName) as ServiceProviderName,
    ServiceSubcategory,
    SkuId,
    SkuMeter,
    SkuPriceDetails,
    SkuPriceId,
    SubAccountId,
    SubAccountName,
    SubAccountType,
    case when json_type(tag_object) = 'OBJECT' and tag_object <> '{}' then tag_object end as Tags,
    $source as x_source,
    $snapshot_id as x_snapshot_id,
    -- an invoice number is there once the invoice is issued
    coalesce(x_data_status, case when invoice_id is not null then 'final' end) as x_data_status,
    coalesce(x_line_item_type, charge_category) as x_line_item_type,
    x_service_code,
    coalesce(x_usage_type, SkuMeter) as x_usage_type,
    x_operation,
    machine as x_instance_type,
    -- m5.large: m5; db.r5.large: db.r5; n2-standard-4: n2; Standard_D4s_v5: Dsv5;
    -- db-custom-4-16384: db-custom; GP_Gen5_4: GP_Gen5
    coalesce(
        x_family,
        case
            when regexp_matches(machine, '^(Standard|Basic)_')
                then
                    replace(
                        regexp_replace(machine, '^(?:Standard|Basic)_([A-Z]+)[0-9]+(?:-[0-9]+)?', '\1'), '_', ''
                    )
            when machine like '%.%' then regexp_replace(machine, '[.][a-z0-9-]+(?:[.]search)?$', '')
            when machine like '%-%' then regexp_extract(machine, '^(?:db-[a-z]+|[a-z0-9]+)')
            when machine like '%\_Gen%' escape '\' then regexp_extract(machine, '^[A-Z]+_Gen[0-9]+')
        end,
        json_extract_string(price_details, '$.InstanceSeries')
    ) as x_family,
    x_amortized_upfront,
    cast(null as varchar) as x_split_parent_resource_id,
    cast(null as decimal(38, 12)) as x_split_cost,
    cast(null as decimal(38, 12)) as x_split_unused_cost,
    x_extra,
    case
        when x_unreadable is not null then 'quarantine: ' || x_unreadable
        when BilledCost is null then 'quarantine: BilledCost is empty'
        when BillingCurrency is null then 'quarantine: BillingCurrency is empty'
        when BillingPeriodStart is null then 'quarantine: BillingPeriodStart is empty'
        when ChargePeriodStart is null then 'quarantine: ChargePeriodStart is empty'
        when ChargePeriodEnd is null then 'quarantine: ChargePeriodEnd is empty'
        else 'load'
    end as x_fate,
    cast(0 as smallint) as x_part,
    BilledCost as x_source_cost
from machines
