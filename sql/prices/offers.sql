-- prices.offers: one row per thing, way to buy it and price tier: the price that counts
-- grain: provider, service_code, resource_kind, region_id, zone, shape, x_sku, os, license, tenancy, instrument, term_months, payment, unit, tier_from, currency
-- materialized: view
-- A price of one's own (prices.discounts) beats a contract's price sheet, that a percentage off the list, and that the
-- list: a vendor's price file before the prices that come with costlab; then the newest counts. list_price is what the
-- list says of the same thing.
with
-- what lists know of a meter of Azure: its price sheets do not name machines and sizes
meters as (
    select distinct sku_id, region_id, service_code, resource_kind, shape, family, os, license, tenancy
    from prices.history
    where provider = 'azure' and confidence <> 'contract' and shape is not null and valid_to is null
),
every_offer as (
    select
        provider, service_code, sku_id, region_id, zone, resource_kind, shape, family, vcpu, memory_gib, gpu_count, arch,
        os, license, tenancy, attributes, instrument, term_months, payment, upfront, unit, price, currency, tier_from,
        tier_to, valid_from, observed_at, confidence, x_source,
        1 as x_rank
    from prices.history
    where valid_to is null and confidence is distinct from 'contract'
    union all
    select
        sheet.provider,
        coalesce(meters.service_code, sheet.service_code) as service_code,
        sheet.sku_id, sheet.region_id, sheet.zone,
        coalesce(meters.resource_kind, sheet.resource_kind) as resource_kind,
        coalesce(meters.shape, sheet.shape) as shape,
        coalesce(meters.family, sheet.family) as family,
        sheet.vcpu, sheet.memory_gib, sheet.gpu_count, sheet.arch,
        coalesce(meters.os, sheet.os) as os,
        coalesce(meters.license, sheet.license) as license,
        coalesce(meters.tenancy, sheet.tenancy) as tenancy,
        sheet.attributes, sheet.instrument, sheet.term_months, sheet.payment, sheet.upfront, sheet.unit, sheet.price,
        sheet.currency, sheet.tier_from, sheet.tier_to, sheet.valid_from, sheet.observed_at, sheet.confidence,
        sheet.x_source,
        3 as x_rank
    from prices.history as sheet
    left join meters
        on sheet.shape is null
        and sheet.provider = 'azure'
        and sheet.sku_id = meters.sku_id
        and sheet.region_id = meters.region_id
    where sheet.valid_to is null and sheet.confidence = 'contract'
    union all
    select
        provider, service_code, sku_id, region_id, zone, resource_kind, shape, family, vcpu, memory_gib, gpu_count, arch,
        os, license, tenancy, attributes, instrument, term_months, payment, upfront, unit, price, currency, tier_from,
        tier_to, valid_from, observed_at, confidence, x_source,
        0 as x_rank
    from prices.default_offers
),
keyed as (
    select
        *,
        case when resource_kind = 'instance' then null else sku_id end as x_sku,
        x_rank < 2 as x_is_list
    from every_offer
),
ranked as (
    select
        *,
        row_number() over (
            partition by
                provider, service_code, resource_kind, region_id, zone, shape, x_sku, os, license, tenancy, instrument,
                term_months, payment, unit, tier_from, currency, x_is_list
            order by x_rank desc, valid_from desc, observed_at desc, x_source, price
        ) as x_place
    from keyed
),
-- each discount, and none
agreements as (
    select
        name, provider, rate, price, unit, currency, services_, except_services_, regions_, families_, shapes_, skus_,
        os_, instruments_, reason
    from prices.discounts
    union all
    select
        null as name, null as provider, null as rate, null as price, null as unit, null as currency, null as services_,
        null as except_services_, null as regions_, null as families_, null as shapes_, null as skus_, null as os_,
        null as instruments_, null as reason
),
-- the list's and the sheet's price of each thing, and what discounts make of the list's
every_price as (
    select
        best.provider, best.service_code, best.sku_id, best.region_id, best.zone, best.resource_kind, best.shape,
        best.family, best.vcpu, best.memory_gib, best.gpu_count, best.arch, best.os, best.license, best.tenancy,
        case
            when agreed.name is null then best.attributes
            else
                left(agreed.reason, length(agreed.reason) - 1)
                || ', "list_source": "' || coalesce(best.x_source, '') || '", "list_confidence": "' || coalesce(best.confidence, '') || '"}'
        end as attributes,
        best.instrument, best.term_months, best.payment,
        case when agreed.name is null then best.upfront else cast(best.upfront * agreed.rate as decimal(38, 12)) end
            as upfront,
        best.unit,
        case
            when agreed.name is null then best.price
            else coalesce(agreed.price, cast(best.price * agreed.rate as decimal(38, 12)))
        end as price,
        best.currency, best.tier_from, best.tier_to, best.valid_from, best.observed_at,
        case when agreed.name is null then best.confidence else 'contract' end as confidence,
        coalesce(agreed.name, best.x_source) as x_source,
        case when agreed.name is null then best.x_rank when agreed.price is null then 2 else 4 end as x_rank,
        best.x_sku
    from ranked as best
    join agreements as agreed
        on agreed.name is null
        or (
            best.x_is_list
            and best.provider = agreed.provider
            and (agreed.services_ is null or contains(agreed.services_, '|' || best.service_code || '|'))
            and (agreed.except_services_ is null or not contains(agreed.except_services_, '|' || best.service_code || '|'))
            and (agreed.regions_ is null or contains(agreed.regions_, '|' || best.region_id || '|'))
            and (agreed.families_ is null or contains(agreed.families_, '|' || best.family || '|'))
            and (agreed.shapes_ is null or contains(agreed.shapes_, '|' || best.shape || '|'))
            and (agreed.skus_ is null or contains(agreed.skus_, '|' || best.sku_id || '|'))
            and (agreed.os_ is null or contains(agreed.os_, '|' || best.os || '|'))
            and (agreed.instruments_ is null or contains(agreed.instruments_, '|' || best.instrument || '|'))
            and (agreed.price is null or (agreed.unit = best.unit and agreed.currency = best.currency))
        )
    where best.x_place = 1
),
counting as (
    select
        *,
        row_number() over (
            partition by
                provider, service_code, resource_kind, region_id, zone, shape, x_sku, os, license, tenancy, instrument,
                term_months, payment, unit, tier_from, currency
            order by x_rank desc, price, x_source
        ) as x_final,
        -- in the same order, so that rows are sorted once
        max(case when x_rank < 2 then price end) over (
            partition by
                provider, service_code, resource_kind, region_id, zone, shape, x_sku, os, license, tenancy, instrument,
                term_months, payment, unit, tier_from, currency
            order by x_rank desc, price, x_source
            rows between unbounded preceding and unbounded following
        ) as list_price
    from every_price
)
select
    provider, service_code, sku_id, region_id, zone, resource_kind, shape, family, vcpu, memory_gib, gpu_count, arch, os,
    license, tenancy, attributes, instrument, term_months, payment, upfront, unit, price, currency, tier_from, tier_to,
    valid_from, observed_at, confidence, x_source, x_sku, list_price
from counting
where x_final = 1
