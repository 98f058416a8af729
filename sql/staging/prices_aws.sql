-- staging.prices_aws: one row per price of AWS's offer files, and per rate of its savings plan files
-- grain: none
-- Plain instances are tenancy Shared (Dedicated and Host are offers of their own), no licence, nothing installed, capacity
-- Used, market option OnDemand: any other mix is another price. What a reservation costs upfront is a row of its own (unit
-- Quantity), which goes into the row of its hours.
with
upfronts as (
    select
        sku as upfront_sku,
        offer_term as upfront_term,
        max(case when vendor_unit = 'Quantity' then PricePerUnit end) as upfront_price,
        bool_or(vendor_unit is distinct from 'Quantity') as has_hours
    from raw
    where term_type = 'Reserved'
    group by sku, offer_term
    having bool_or(vendor_unit = 'Quantity')
),
named as (
    select
        raw.*,
        upfront_price,
        has_hours,
        coalesce(product_family, '') in ('Compute Instance', 'Compute Instance (bare metal)')
        or term_type = 'SavingsPlan' as is_instance,
        case when term_type = 'SavingsPlan' then nullif(split_part(usage_type, ':', 2), '') else instance_type end as shape,
        case when lease_length in ('1yr', '1 yr') then 12 when lease_length in ('3yr', '3 yr') then 36 end as term_months,
        case purchase_option
            when 'No Upfront' then 'none' when 'Partial Upfront' then 'partial' when 'All Upfront' then 'all'
        end as payment_of_term,
        -- EC2 user guide, "AMI billing information fields"
        case
            when term_type <> 'SavingsPlan' then operating_system
            when operation = 'RunInstances' then 'Linux'
            when operation = 'RunInstances:0002' then 'Windows'
            when operation = 'RunInstances:0010' then 'RHEL'
        end as os,
        case product_family
            when 'ComputeSavingsPlans' then 'compute-sp' when 'EC2InstanceSavingsPlans' then 'ec2-sp'
            when 'SageMakerSavingsPlans' then 'sagemaker-sp' when 'DatabaseSavingsPlans' then 'database-sp'
        end as plan,
        term_type = 'Reserved' and vendor_unit = 'Quantity' as is_upfront
    from raw
    left join upfronts on term_type = 'Reserved' and sku = upfront_sku and offer_term = upfront_term
),
known as (
    select
        *,
        coalesce(term_type = 'SavingsPlan' or (
            installed = 'NA'
            and capacity_status = 'Used'
            and license_model = 'No License required'
            and coalesce(market_option, 'OnDemand') = 'OnDemand'
            and vendor_tenancy in ('Shared', 'Dedicated', 'Host')
            and coalesce(operating_system, 'NA') <> 'NA'
        ), false) as is_plain,
        split_part(regexp_replace(shape, '^(db|cache)[.]', ''), '.', 1) as family
    from named
)
select
    'aws' as provider,
    service_code,
    case when not is_instance then sku end as sku_id,
    region_code as region_id,
    cast(null as varchar) as zone,
    case
        when is_instance then 'instance'
        else coalesce(lower(replace(product_family, ' ', '-')), 'other')
    end as resource_kind,
    shape,
    family,
    case when is_instance then try_cast(vcpus as double) end as vcpu,
    case when is_instance then try_cast(replace(replace(memory, ' GiB', ''), ',', '') as double) end as memory_gib,
    case when is_instance then try_cast(gpus as double) end as gpu_count,
    case
        when not is_instance or term_type = 'SavingsPlan' then null
        when contains(physical_processor, 'Graviton') then 'arm64'
        else 'x86_64'
    end as arch,
    case when is_instance then os end as os,
    case when is_instance then 'none' end as license,
    case
        when not is_instance then null
        when term_type = 'SavingsPlan' then 'shared'
        else lower(vendor_tenancy)
    end as tenancy,
    case
        when term_type = 'SavingsPlan' then json_object('sku', sku, 'usage_type', usage_type)
        when is_instance then json_object('usage_type', usage_type, 'operation', operation, 'sku', sku)
        else json_object('usage_type', usage_type, 'operation', operation, 'sku', sku, 'engine', database_engine)
    end as attributes,
    case
        when term_type = 'OnDemand' then 'ondemand'
        when term_type = 'SavingsPlan' then plan
        when offering_class = 'convertible' then 'convertible-ri'
        else 'regional-ri'
    end as instrument,
    case when term_type <> 'OnDemand' then term_months end as term_months,
    case when term_type = 'OnDemand' then 'none' else payment_of_term end as payment,
    upfront_price as upfront,
    case
        when term_type <> 'OnDemand' or vendor_unit in ('Hrs', 'hrs', 'Hours') then 'hour'
        when vendor_unit = 'GB-Mo' then 'GB-month'
        else vendor_unit
    end as unit,
    case when is_upfront then 0 else PricePerUnit end as price,
    upper(vendor_currency) as currency,
    case when term_type = 'OnDemand' then coalesce(StartingRange, 0) else 0 end as tier_from,
    case when term_type = 'OnDemand' then EndingRange end as tier_to,
    EffectiveDate as valid_from,
    cast(null as timestamp) as valid_to,
    cast(x_label as timestamp) as observed_at,
    'high' as confidence,
    $source as x_source,
    $snapshot_id as x_snapshot_id,
    case
        when x_unreadable is not null then 'quarantine: ' || x_unreadable
        when coalesce(term_type, '') not in ('OnDemand', 'Reserved', 'SavingsPlan') then 'drop: other terms'
        when is_instance and not is_plain then 'drop: no plain instance'
        when term_type = 'Reserved' and coalesce(offering_class, '') not in ('', 'standard', 'convertible')
            then 'drop: other offering class'
        when is_upfront and has_hours then 'drop: upfront part of a reservation'
        when term_type = 'SavingsPlan'
            and (shape is null or os is null or plan is null or term_months is null or payment_of_term is null)
            then 'drop: rate of another thing'
        when term_type = 'OnDemand' and PricePerUnit is null then 'drop: no price'
        when vendor_unit is null then 'quarantine: unit is empty'
        when PricePerUnit is null then 'quarantine: price is empty'
        when PricePerUnit < 0 or coalesce(upfront_price, 0) < 0 then 'quarantine: price is negative'
        when vendor_currency is null then 'quarantine: currency is empty'
        else 'load'
    end as x_fate,
    cast(0 as smallint) as x_part
from known
