-- prices.offers: one row per thing, way to buy it and price tier: the price that counts
-- grain: provider, service_code, resource_kind, region_id, zone, shape, x_sku, os, license, tenancy, instrument, term_months, payment, unit, tier_from, currency
-- materialized: view
-- A contract price beats a vendor's price file, which beats the prices that come with costlab; then the newest counts.
with
every_offer as (
    select
        provider, service_code, sku_id, region_id, zone, resource_kind, shape, family, vcpu, memory_gib, gpu_count, arch,
        os, license, tenancy, attributes, instrument, term_months, payment, upfront, unit, price, currency, tier_from,
        tier_to, valid_from, valid_to, observed_at, confidence, x_source,
        case when confidence = 'contract' then 2 else 1 end as x_rank
    from prices.history
    where valid_to is null
    union all
    select
        provider, service_code, sku_id, region_id, zone, resource_kind, shape, family, vcpu, memory_gib, gpu_count, arch,
        os, license, tenancy, attributes, instrument, term_months, payment, upfront, unit, price, currency, tier_from,
        tier_to, valid_from, valid_to, observed_at, confidence, x_source,
        0 as x_rank
    from prices.default_offers
),
keyed as (
    select
        *,
        case when resource_kind = 'instance' then null else sku_id end as x_sku
    from every_offer
),
ranked as (
    select
        *,
        row_number() over (
            partition by
                provider, service_code, resource_kind, region_id, zone, shape, x_sku, os, license, tenancy, instrument,
                term_months, payment, unit, tier_from, currency
            order by x_rank desc, valid_from desc, observed_at desc, x_source, price
        ) as x_place
    from keyed
)
select
    provider, service_code, sku_id, region_id, zone, resource_kind, shape, family, vcpu, memory_gib, gpu_count, arch, os,
    license, tenancy, attributes, instrument, term_months, payment, upfront, unit, price, currency, tier_from, tier_to,
    valid_from, observed_at, confidence, x_source, x_sku
from ranked
where x_place = 1
