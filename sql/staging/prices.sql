-- staging.prices: one row per offer of a price list, as the vendor publishes it
-- grain: none
-- An offer without provider, unit or price goes to quarantine: a missing price is not a free one.
select
    provider,
    service_code,
    sku_id,
    region_id,
    zone,
    resource_kind,
    shape,
    family,
    vcpu,
    memory_gib,
    gpu_count,
    arch,
    os,
    license,
    tenancy,
    attributes,
    instrument,
    cast(term_months as integer) as term_months,
    payment,
    upfront,
    unit,
    price,
    upper(currency) as currency,
    coalesce(tier_from, 0) as tier_from,
    tier_to,
    valid_from,
    valid_to,
    observed_at,
    confidence,
    $source as x_source,
    $snapshot_id as x_snapshot_id,
    case
        when x_unreadable is not null then 'quarantine: ' || x_unreadable
        when provider is null then 'quarantine: provider is empty'
        when unit is null then 'quarantine: unit is empty'
        when price is null then 'quarantine: price is empty'
        when price < 0 or coalesce(upfront, 0) < 0 then 'quarantine: price is negative'
        when instrument is null then 'quarantine: instrument is empty'
        when currency is null then 'quarantine: currency is empty'
        else 'load'
    end as x_fate,
    cast(0 as smallint) as x_part
from raw
