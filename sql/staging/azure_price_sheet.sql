-- staging.azure_price_sheet: one row per price of a price sheet; a meter of two machines (D2 v3/D2s v3) is two offers
-- grain: none
-- source: raw, seeds.azure_regions
-- Sheets name meters, not machines: those of Virtual Machines are called as the machine's size without "Standard_" and
-- with blanks for underscores (as meterName and armSkuName of Azure's retail prices show), their region as in
-- seeds.azure_regions. What has no such name is an offer of its meter. Microsoft Learn, price sheet schemas of EA and
-- MCA, version 2023-05-01, read 2026-11.
with
read_rows as (
    select
        raw.*,
        try_cast(
            regexp_replace(EffectiveStartDate, '^([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})([ T].*)?$', '\3-\1-\2') as timestamptz
        ) as x_start,
        case lower(replace(coalesce(PriceType, 'Consumption'), ' ', ''))
            when 'consumption' then 'ondemand'
            when 'reservedinstance' then 'azure-reservation'
            when 'reservation' then 'azure-reservation'
            when 'savingsplan' then 'azure-sp'
        end as x_instrument,
        case
            when Term in ('P1Y', '1 Year', '12') then 12
            when Term in ('P3Y', '3 Years', '36') then 36
            when Term in ('P5Y', '5 Years', '60') then 60
        end as x_term,
        coalesce(TierMinimumUnits, 0) as x_tier,
        -- how many of what: 100 Hours, 1 GB/Month, 10K, 1/Month
        cast(nullif(regexp_extract(UnitOfMeasure, '^([0-9]+)[KM]? ?/? ?.*$', 1), '') as decimal(38, 12)) as x_many,
        regexp_extract(UnitOfMeasure, '^[0-9]+([KM]?) ?/? ?.*$', 1) as x_thousands,
        trim(regexp_extract(UnitOfMeasure, '^[0-9]+[KM]? ?/? ?(.*)$', 1)) as x_what,
        MeterCategory = 'Virtual Machines'
        and not contains(lower(coalesce(MeterSubCategory, '')), 'dedicated host')
        and not contains(replace(coalesce(MeterSubCategory, ''), ' ', ''), 'CloudServices') as x_may_be_machine,
        -- a sheet may hold a row twice
        row_number() over (
            partition by
                MeterId, SkuId, ProductId, PartNumber, OfferId, ProductOrderName, PriceType, Term, TierMinimumUnits,
                EffectiveStartDate, Currency, CurrencyCode, UnitPrice
            order by MeterName
        ) as x_copy
    from raw
),
tiers as (
    select
        *,
        lead(x_tier) over (
            partition by
                MeterId, SkuId, ProductId, PartNumber, OfferId, ProductOrderName, PriceType, Term, EffectiveStartDate,
                Currency, CurrencyCode, x_copy
            order by x_tier
        ) as x_tier_to
    from read_rows
),
-- D2 v3/D2s v3, L4s Spot, DS4 v2 Low Priority
names as (
    select
        tiers.*,
        parts.x_number,
        trim(regexp_replace(split_part(MeterName, '/', parts.x_number), ' (Spot|Low Priority)$', '')) as x_size
    from tiers
    join (select 1 as x_number union all select 2 as x_number) as parts
        on parts.x_number = 1 or (tiers.x_may_be_machine and contains(tiers.MeterName, '/'))
),
known as (
    select
        names.*,
        seed.region_id as x_region,
        coalesce(
            x_may_be_machine
            and regexp_matches(
                x_size, '^[A-Z]+[0-9]+(-[0-9]+)?[a-z]*(-[0-9]+)?( (v[0-9]+|[A-Z0-9]+|Promo|cc|xl|flex|noIB))*$'
            ),
            false
        ) as x_is_machine,
        case when contains(coalesce(MeterSubCategory, ''), 'Basic') then 'Basic_' else 'Standard_' end
        || replace(x_size, ' ', '_') as x_shape,
        case x_what when 'Hour' then 'hour' when 'Hours' then 'hour' when 'Month' then 'month' when 'Months' then 'month'
            else replace(x_what, '/Month', '-month')
        end as x_unit,
        case x_thousands when 'K' then x_many * 1000 when 'M' then x_many * 1000000 else x_many end as x_count,
        x_thousands = '' and x_what <> '' as x_is_divided
    from names
    left join seeds.azure_regions as seed on seed.original_value = lower(trim(MeterRegion))
)
select
    'azure' as provider,
    MeterCategory as service_code,
    MeterId as sku_id,
    x_region as region_id,
    cast(null as varchar) as zone,
    case when x_is_machine then 'instance' else coalesce(lower(replace(ServiceFamily, ' ', '-')), 'other') end as resource_kind,
    case when x_is_machine then x_shape end as shape,
    case
        when x_is_machine
            then regexp_replace(x_shape, '^[A-Z][a-z]+_([A-Z]+)[0-9-]+([a-z]*)(_[A-Z0-9]+)?(_v[0-9]+)?$', '\1\2\3\4')
    end as family,
    cast(null as double) as vcpu,
    cast(null as double) as memory_gib,
    cast(null as double) as gpu_count,
    cast(null as varchar) as arch,
    case
        when not x_is_machine then null
        when contains(coalesce(MeterSubCategory, '') || ' ' || coalesce(Product, ''), 'Windows') then 'Windows'
        else 'Linux'
    end as os,
    case when x_is_machine then 'none' end as license,
    case when x_is_machine then 'shared' end as tenancy,
    json_object(
        'productName', Product, 'meterName', MeterName, 'meterSubCategory', MeterSubCategory, 'meterRegion', MeterRegion,
        'skuId', SkuId, 'partNumber', PartNumber, 'unitOfMeasure', UnitOfMeasure, 'marketPrice', MarketPrice,
        'effectiveEndDate', EffectiveEndDate, 'reason', 'price sheet of the agreement'
    ) as attributes,
    case when x_instrument = 'ondemand' and x_is_machine and MeterName like '% Spot' then 'spot' else x_instrument end
        as instrument,
    case when x_instrument <> 'ondemand' then x_term end as term_months,
    'none' as payment,
    cast(null as decimal(38, 12)) as upfront,
    case
        when x_instrument = 'azure-reservation' then 'hour'
        when x_count is null then UnitOfMeasure
        when x_is_divided or x_count = 1 then x_unit
        else trim(cast(cast(x_count as bigint) as varchar) || ' ' || x_unit)
    end as unit,
    -- of a reservation the price of its whole term
    case
        when x_instrument = 'azure-reservation'
            then cast(UnitPrice / cast(8760 * x_term / 12 as decimal(10, 0)) as decimal(38, 12))
        when x_is_divided then cast(UnitPrice / x_many as decimal(38, 12))
        else UnitPrice
    end as price,
    upper(coalesce(Currency, CurrencyCode)) as currency,
    x_tier as tier_from,
    x_tier_to as tier_to,
    cast(x_start as timestamp) as valid_from,
    cast(null as timestamp) as valid_to,
    cast(x_start as timestamp) as observed_at,
    'contract' as confidence,
    $source as x_source,
    $snapshot_id as x_snapshot_id,
    case
        when x_unreadable is not null then 'quarantine: ' || x_unreadable
        when x_start is null
            then 'quarantine: EffectiveStartDate: ''' || left(coalesce(EffectiveStartDate, ''), 80) || ''' is not a day'
        when x_instrument is null then 'drop: price type ' || left(PriceType, 40)
        when OfferId = 'MS-AZR-0148P' or regexp_matches(lower(coalesce(ProductOrderName, '')), 'dev ?/? ?test')
            then 'drop: price for tests'
        when x_may_be_machine and MeterName like '% Low Priority' then 'drop: low priority'
        when x_copy > 1 then 'drop: repeated row'
        when UnitOfMeasure is null then 'quarantine: UnitOfMeasure is empty'
        when UnitPrice < 0 then 'quarantine: price is negative'
        when coalesce(Currency, CurrencyCode) is null then 'quarantine: currency is empty'
        when x_instrument <> 'ondemand' and x_term is null
            then 'quarantine: Term: ''' || left(coalesce(Term, ''), 40) || ''' is not a term'
        else 'load'
    end as x_fate,
    cast(x_number - 1 as smallint) as x_part,
    nullif(x_label, '') as x_order
from known
