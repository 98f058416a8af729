-- staging.gcp_billing_export: one row per line of a Cloud Billing export, more for promotions and for commitments in part
-- grain: none (identical lines are legal)
-- source: raw, seeds.gcp_services, seeds.gcp_regions
-- What each line becomes: docs/sources.md. Cloud Billing documentation, read 2026-11; FOCUS 1.3.
with
-- one row per item and time of a fee of resource-based commitments, or of usage that they paid by a credit, with its
-- units: the ones committed, or those the credits pay
resource_units as materialized (
    select
        raw.billing_account_id,
        raw.invoice_month,
        raw.currency,
        raw.location_region,
        raw.sku_id,
        raw.sku_description,
        raw.usage_start_time,
        raw.usage_end_time,
        sum(
            cast(raw.usage_amount_in_pricing_units as double)
            * case
                when raw.sku_description like 'Commitment v_: %' then 1.0
                else
                    least(
                        -cast(
                            reduce(
                                list_transform(
                                    list_filter(raw.credits, lambda c: c.type = 'COMMITTED_USAGE_DISCOUNT'),
                                    lambda c: try_cast(c.amount as decimal(38, 12))
                                ),
                                lambda total, amount: cast(total + amount as decimal(38, 12)),
                                cast(0 as decimal(38, 12))
                            ) as double
                        ) / nullif(cast(raw.cost as double), 0),
                        1.0
                    )
            end
        ) as x_units
    from raw
    where
        -- the credits of most other lines need not be looked at
        (raw.sku_description like '% Core%' or raw.sku_description like '% Cpu %' or raw.sku_description like '% Ram%')
        and (
            raw.sku_description like 'Commitment v_: %'
            or list_contains(list_transform(raw.credits, lambda c: c.type), 'COMMITTED_USAGE_DISCOUNT')
        )
    group by
        raw.billing_account_id,
        raw.invoice_month,
        raw.currency,
        raw.location_region,
        raw.sku_id,
        raw.sku_description,
        raw.usage_start_time,
        raw.usage_end_time
),

-- the same with what the names say, as Google writes them: Commitment v1: N2D AMD Cpu in Americas for 1 Year, N2D AMD
-- Instance Core running in Iowa, of N1 Commitment v1: Ram, Custom Instance Ram
resource_lines as materialized (
    select
        billing_account_id,
        invoice_month,
        currency,
        location_region,
        sku_id,
        sku_description,
        usage_start_time,
        usage_end_time,
        x_units,
        sku_description like 'Commitment v_: %' as x_is_fee,
        case
            when regexp_matches(sku_description, '^(Commitment v.: )?(N1|Custom|Cpu|Ram) ') then 'n1'
            when regexp_matches(sku_description, '^(Commitment v.: )?Compute optimized ') then 'c2'
            else
                nullif(lower(regexp_extract(sku_description, '^(?:Commitment v.: )?([A-Z][0-9]+[A-Z]*) ', 1)), '')
        end as x_series,
        case
            when regexp_matches(sku_description, ' (Core|Cpu)( |$)') then 'cpu'
            when regexp_matches(sku_description, ' Ram( |$)') then 'ram'
        end as x_what
    from resource_units
),

-- one row per series, region, kind of resource and time of a fee: the units committed
committed as (
    select
        billing_account_id,
        invoice_month,
        currency,
        location_region,
        x_series,
        x_what,
        usage_start_time,
        usage_end_time,
        sum(x_units) as x_committed
    from resource_lines
    where x_is_fee and x_series is not null and x_what is not null
    group by
        billing_account_id,
        invoice_month,
        currency,
        location_region,
        x_series,
        x_what,
        usage_start_time,
        usage_end_time
),

-- one row per series, region, kind of resource and time of usage: the units that commitments paid
covered as (
    select
        billing_account_id,
        invoice_month,
        currency,
        location_region,
        x_series,
        x_what,
        usage_start_time,
        sum(x_units) as x_covered
    from resource_lines
    where not x_is_fee
    group by
        billing_account_id,
        invoice_month,
        currency,
        location_region,
        x_series,
        x_what,
        usage_start_time
),

-- one row per row of committed: the share that was used, the same for all commitments of a series and region; none
-- where usage of an unknown series was paid there too
pool_use as (
    select
        committed.billing_account_id,
        committed.invoice_month,
        committed.currency,
        committed.location_region,
        committed.x_series,
        committed.x_what,
        committed.usage_start_time,
        committed.usage_end_time,
        least(coalesce(sum(covered.x_covered), 0) / nullif(any_value(committed.x_committed), 0), 1.0) as x_use
    from committed
    left join covered
        on
            committed.billing_account_id = covered.billing_account_id
            and committed.invoice_month = covered.invoice_month
            and committed.currency = covered.currency
            and committed.location_region = covered.location_region
            and committed.x_series = covered.x_series
            and committed.x_what = covered.x_what
            and committed.usage_start_time <= covered.usage_start_time
            and committed.usage_end_time > covered.usage_start_time
    where
        not exists (
            select 1
            from covered as unclear
            where
                committed.billing_account_id = unclear.billing_account_id
                and committed.invoice_month = unclear.invoice_month
                and committed.location_region = unclear.location_region
                and unclear.x_series is null
                and unclear.x_what is not null
        )
    group by
        committed.billing_account_id,
        committed.invoice_month,
        committed.currency,
        committed.location_region,
        committed.x_series,
        committed.x_what,
        committed.usage_start_time,
        committed.usage_end_time
),

-- one row per item and time of a fee
used as (
    select distinct
        fees.billing_account_id || '|' || fees.invoice_month || '|' || fees.currency || '|' || fees.location_region
        || '|' || fees.sku_id || '|' || cast(fees.usage_start_time as varchar)
        || '|' || cast(fees.usage_end_time as varchar) as x_key,
        pool_use.x_use
    from resource_lines as fees
    inner join pool_use
        on
            fees.billing_account_id = pool_use.billing_account_id
            and fees.invoice_month = pool_use.invoice_month
            and fees.currency = pool_use.currency
            and fees.location_region = pool_use.location_region
            and fees.x_series = pool_use.x_series
            and fees.x_what = pool_use.x_what
            and fees.usage_start_time = pool_use.usage_start_time
            and fees.usage_end_time = pool_use.usage_end_time
    where fees.x_is_fee
),

-- one row per series, region and kind of resource that has commitments of one item only
owners as (
    select
        billing_account_id,
        invoice_month,
        location_region,
        x_series,
        x_what,
        min(sku_id) as x_payer,
        min(sku_description) as x_payer_name
    from resource_lines
    where x_is_fee and x_series is not null and x_what is not null
    group by
        billing_account_id,
        invoice_month,
        location_region,
        x_series,
        x_what
    having min(sku_id) = max(sku_id)
),

-- one row per item of usage that such a commitment paid
payers as (
    select distinct
        usage.billing_account_id || '|' || usage.invoice_month || '|' || usage.location_region || '|' || usage.sku_id as x_key,
        owners.x_payer,
        owners.x_payer_name
    from resource_lines as usage
    inner join owners
        on
            usage.billing_account_id = owners.billing_account_id
            and usage.invoice_month = owners.invoice_month
            and usage.location_region = owners.location_region
            and usage.x_series = owners.x_series
            and usage.x_what = owners.x_what
    where not usage.x_is_fee
),

-- one row per line: the keys of its lists, and what one column says, which DuckDB computes once per value of a Parquet
-- file's dictionary as long as no second column is mixed in (and regexp_extract, but not regexp_matches)
listed as (
    select
        raw.*,
        list_transform(raw.credits, lambda c: coalesce(c.type, '(none)')) as x_credit_types,
        list_transform(raw.labels, lambda l: l.key) as x_label_keys,
        list_transform(raw.tags, lambda l: l.key) as x_tag_keys,
        regexp_replace(raw.invoice_month, '^([0-9]{4})-?([0-9]{2})$', '\1-\2-01') as x_first_day,
        lower(raw.sku_description) like 'commitment%' as x_is_commitment_sku,
        lower(raw.sku_description) like 'commitment v_: %' as x_is_resource_sku,
        lower(raw.sku_description) like '%preemptible%' as x_is_preemptible,
        regexp_extract(
            raw.sku_description, '(Storage PD|PD Capacity|PD IOPS|PD Throughput|Hyperdisk|Snapshot|Storage Image)'
        ) <> '' as x_is_storage_sku,
        regexp_extract(
            raw.sku_description, '(Egress|Ingress|Data Transfer|External IP|Static Ip|Load Balanc|Cloud NAT)'
        ) <> '' as x_is_network_sku,
        nullif(regexp_extract(raw.resource_global_name, '/([^/]+)/[^/]+$', 1), '') as x_resource_type
    from raw
),

-- one row per line: its labels as texts, in the order in which they count, and which credits it has; lists go no
-- further, as every join would copy them
labelled as (
    select
        listed.*,
        array_to_string(x_credit_types, '|') as x_credits,
        nullif(
            array_to_string(
                list_transform(
                    labels,
                    lambda l: to_json(l.key) || ':' || case when l.value <> '' then to_json(l.value) else 'true' end
                ),
                ','
            ),
            ''
        ) as x_labels_text,
        nullif(
            array_to_string(
                list_transform(
                    list_filter(tags, lambda l: not coalesce(list_contains(x_label_keys, l.key), false)),
                    lambda l: to_json(l.key) || ':' || case when l.value <> '' then to_json(l.value) else 'true' end
                ),
                ','
            ),
            ''
        ) as x_tags_text,
        nullif(
            array_to_string(
                list_transform(
                    list_filter(
                        project_labels,
                        lambda l: not coalesce(list_contains(x_label_keys, l.key), false)
                        and not coalesce(list_contains(x_tag_keys, l.key), false)
                    ),
                    lambda l: to_json(l.key) || ':' || case when l.value <> '' then to_json(l.value) else 'true' end
                ),
                ','
            ),
            ''
        ) as x_project_text,
        nullif(
            array_to_string(
                list_transform(
                    system_labels,
                    lambda l: to_json('gcp:' || l.key) || ':'
                    || case when l.value <> '' then to_json(l.value) else 'true' end
                ),
                ','
            ),
            ''
        ) as x_system_text,
        nullif(
            array_to_string(
                list_transform(
                    list_filter(system_labels, lambda l: l.key = 'compute.googleapis.com/machine_spec'),
                    lambda l: l.value
                ),
                ''
            ),
            ''
        ) as x_machine,
        -- a fee for what a commitment covered names the SKU; Cloud Billing documentation, "spend-based CUD data model"
        coalesce(list_contains(x_label_keys, 'goog-originating-sku-id'), false) as x_is_fee_of_usage
    from listed
),

-- one row per line, with its credits summed by what they mean; a sum is NULL when one of the amounts is no number
credited as (
    select
        labelled.*,
        coalesce(cost_type, 'regular') as x_type,
        try_cast(x_first_day as timestamp) as x_period_start,
        case
            when x_credits <> ''
                then
                    reduce(
                        list_transform(credits, lambda c: try_cast(c.amount as decimal(38, 12))),
                        lambda total, amount: cast(total + amount as decimal(38, 12)),
                        cast(0 as decimal(38, 12))
                    )
            else cast(0 as decimal(38, 12))
        end as x_credit,
        case
            when x_credits like '%PROMOTION%'
                then
                    reduce(
                        list_transform(
                            list_filter(credits, lambda c: c.type = 'PROMOTION'),
                            lambda c: try_cast(c.amount as decimal(38, 12))
                        ),
                        lambda total, amount: cast(total + amount as decimal(38, 12)),
                        cast(0 as decimal(38, 12))
                    )
            else cast(0 as decimal(38, 12))
        end as x_promotion,
        case
            when x_credits like '%FREE_TIER%'
                then
                    reduce(
                        list_transform(
                            list_filter(credits, lambda c: c.type = 'FREE_TIER'),
                            lambda c: try_cast(c.amount as decimal(38, 12))
                        ),
                        lambda total, amount: cast(total + amount as decimal(38, 12)),
                        cast(0 as decimal(38, 12))
                    )
            else cast(0 as decimal(38, 12))
        end as x_free_tier,
        case
            when x_credits like '%COMMITTED_USAGE_DISCOUNT%'
                then
                    reduce(
                        list_transform(
                            list_filter(
                                credits,
                                lambda c: c.type in ('COMMITTED_USAGE_DISCOUNT', 'COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE')
                            ),
                            lambda c: try_cast(c.amount as decimal(38, 12))
                        ),
                        lambda total, amount: cast(total + amount as decimal(38, 12)),
                        cast(0 as decimal(38, 12))
                    )
            else cast(0 as decimal(38, 12))
        end as x_committed_credit,
        case
            when
                x_credits not in (
                    '', 'SUSTAINED_USAGE_DISCOUNT', 'DISCOUNT', 'COMMITTED_USAGE_DISCOUNT',
                    'COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE', 'FEE_UTILIZATION_OFFSET', 'SUBSCRIPTION_BENEFIT',
                    'RESELLER_MARGIN', 'PROMOTION', 'FREE_TIER'
                )
                then
                    nullif(
                        array_to_string(
                            list_filter(
                                x_credit_types,
                                lambda c: c not in (
                                    'SUSTAINED_USAGE_DISCOUNT', 'DISCOUNT', 'COMMITTED_USAGE_DISCOUNT',
                                    'COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE', 'FEE_UTILIZATION_OFFSET',
                                    'SUBSCRIPTION_BENEFIT', 'RESELLER_MARGIN', 'PROMOTION', 'FREE_TIER'
                                )
                            ),
                            ', '
                        ),
                        ''
                    )
        end as x_unknown_credits,
        coalesce(
            x_credits like '%FEE_UTILIZATION_OFFSET%' and list_contains(x_credit_types, 'FEE_UTILIZATION_OFFSET'), false
        ) as x_has_offset,
        case when x_credits like '%COMMITTED_USAGE_DISCOUNT%' then seeds.commitment_in(credits) end as x_first,
        -- a line that both kinds pay counts for the resource-based one, which comes first
        coalesce(
            x_credits like '%COMMITTED_USAGE_DISCOUNT%'
            and list_contains(x_credit_types, 'COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE')
            and not list_contains(x_credit_types, 'COMMITTED_USAGE_DISCOUNT'),
            false
        ) as x_is_dollar_credit,
        case
            when x_credits like '%PROMOTION%'
                then
                    array_to_string(
                        list_transform(
                            list_filter(credits, lambda c: c.type = 'PROMOTION'),
                            lambda c: coalesce(c.full_name, c.name, c.id, c.type)
                        ),
                        ', '
                    )
        end as x_promotion_name,
        case
            when x_credits like '%FREE_TIER%'
                then
                    array_to_string(
                        list_transform(
                            list_filter(credits, lambda c: c.type = 'FREE_TIER'),
                            lambda c: coalesce(c.full_name, c.name, c.id, c.type)
                        ),
                        ', '
                    )
        end as x_free_tier_name,
        '{' || nullif(concat_ws(',', x_labels_text, x_tags_text, x_project_text, x_system_text), '') || '}' as x_tags,
        coalesce(
            adjustment_info_type in ('USAGE_CORRECTION', 'PRICE_CORRECTION', 'METADATA_CORRECTION')
            or adjustment_info_mode in (
                'PARTIAL_CORRECTION', 'COMPLETE_NEGATION', 'COMPLETE_NEGATION_WITH_REMONETIZATION'
            ),
            false
        ) as x_is_correction
    from labelled
),

-- one row per line: what kind of charge it is
classed as (
    select
        credited.*,
        case
            when x_type = 'tax' then 'Tax'
            when x_type <> 'regular' then 'Adjustment'
            when x_is_commitment_sku or x_has_offset then 'Purchase'
            else 'Usage'
        end as x_category,
        not coalesce(x_is_resource_sku and not x_has_offset, false) as x_is_spend,
        -- usage at a commitment's price, since 2025; the commitment pays all of it
        coalesce(
            subscription_instance_id is not null
            or lower(consumption_model_description) like '%cud%'
            or lower(consumption_model_description) like '%commit%'
            or lower(consumption_model_description) like '%savings plan%',
            false
        ) as x_is_committed_price,
        cost + x_credit - x_promotion - x_free_tier as x_net,
        -- of legacy commitments only the credit tells which it was
        nullif(split_part(coalesce(x_first.id, x_first.full_name, x_first.name, x_first.type), '|', 1), '') as x_credit_id,
        nullif(split_part(coalesce(x_first.full_name, x_first.name, x_first.id), '|', 1), '') as x_credit_name,
        -- usage at list price whose commitment is a credit: the share the credit pays
        case
            when x_committed_credit <> 0 and cost <> 0 and (x_committed_credit < 0) = (cost > 0)
                then least(-cast(x_committed_credit as double) / cast(cost as double), 1.0)
            else 0.0
        end as x_ratio
    from credited
),

-- one row per line: what is known of the resource-based commitment it is a fee of, or that paid it
judged as (
    select
        classed.*,
        used.x_use,
        payers.x_payer,
        payers.x_payer_name
    from classed
    -- at most one row each; most lines have no key and are not looked up
    left join used
        on
            used.x_key = case
                when classed.x_category = 'Purchase' and not classed.x_is_spend
                    then
                        classed.billing_account_id || '|' || classed.invoice_month || '|' || classed.currency
                        || '|' || classed.location_region || '|' || classed.sku_id
                        || '|' || cast(classed.usage_start_time as varchar)
                        || '|' || cast(classed.usage_end_time as varchar)
            end
    left join payers
        on
            payers.x_key = case
                when
                    classed.x_category = 'Usage'
                    and classed.x_committed_credit <> 0
                    and not classed.x_is_dollar_credit
                    then
                        classed.billing_account_id || '|' || classed.invoice_month || '|' || classed.location_region
                        || '|' || classed.sku_id
            end
),

-- one row per line: into which parts it falls
counted as (
    select
        judged.*,
        x_category = 'Usage' and (x_is_committed_price or x_ratio > 0.999999) as x_is_used,
        case
            when x_category = 'Usage' and not x_is_committed_price and x_ratio > 0 and x_ratio <= 0.999999 then x_ratio
        end as x_share,
        case when x_promotion <> 0 then 1 else 0 end
        + case when x_free_tier <> 0 then 2 else 0 end
        + case
            when x_category = 'Usage' and not x_is_committed_price and x_ratio > 0 and x_ratio <= 0.999999 then 4
            when x_category = 'Purchase' and x_net <> 0 and x_use > 0 and x_use < 1 then 8
            when x_category = 'Purchase' and x_net <> 0 then 4
            else 0
        end as x_parts
    from judged
),

-- which parts a line has: 0 the line, 1 promotions, 2 the free tier, 3 what a commitment pays of the line, or what of a
-- commitment the line pays, 4 what of that was not used, where both are known
parts as (
    select
        cast(p.parts as integer) as parts,
        cast(p.part as smallint) as part
    from (
        values
        (0, 0), (1, 0), (1, 1), (2, 0), (2, 2), (3, 0), (3, 1), (3, 2), (4, 0), (4, 3),
        (5, 0), (5, 1), (5, 3), (6, 0), (6, 2), (6, 3), (7, 0), (7, 1), (7, 2), (7, 3),
        (8, 0), (8, 3), (8, 4), (9, 0), (9, 1), (9, 3), (9, 4), (10, 0), (10, 2), (10, 3), (10, 4),
        (11, 0), (11, 1), (11, 2), (11, 3), (11, 4)
    ) as p (parts, part)
),

-- one row per charge
charge as (
    select
        counted.*,
        coalesce(parts.part, cast(0 as smallint)) as x_part,
        case
            when parts.part in (1, 2) then 'Credit'
            when parts.part in (3, 4) then 'Usage'
            else counted.x_category
        end as x_charge,
        -- the part of the line's quantity and list cost that is the charge's
        case
            when parts.part = 3 then counted.x_share
            when parts.part in (1, 2) then null
            else 1 - coalesce(counted.x_share, 0)
        end as x_weight,
        coalesce(counted.cost_at_list, counted.cost) as x_list,
        coalesce(counted.cost_at_effective_price_default, counted.cost) as x_contracted,
        coalesce(counted.location_region, counted.location_location) as x_region,
        case
            when counted.service_description <> 'Compute Engine' then null
            when counted.x_is_storage_sku then 'Storage'
            when counted.x_is_network_sku then 'Networking'
        end as x_sku_category,
        -- Commitment v1: N2 Cpu in Americas for 1 Year; of N1 the family is not named
        case
            when counted.x_category = 'Purchase' and counted.sku_description like 'Commitment v_: %'
                then
                    coalesce(
                        nullif(lower(regexp_extract(counted.sku_description, '^Commitment v.: ([A-Z][0-9]+[A-Z]*) ', 1)), ''),
                        case when regexp_matches(counted.sku_description, '^Commitment v.: (Cpu|Ram) ') then 'n1' end
                    )
            when counted.x_machine like 'custom-%' then 'n1'
            else nullif(regexp_extract(counted.x_machine, '^[a-z][a-z0-9]*'), '')
        end as x_machine_family
    from counted
    -- one row per part
    left join parts on counted.x_parts = parts.parts
),

-- one row per charge: amounts and commitment
priced as (
    select
        charge.*,
        case
            when x_part = 1 then x_promotion
            when x_part = 2 then x_free_tier
            when x_part in (3, 4) then 0
            else x_net
        end as x_billed,
        case
            when x_part = 1 then x_promotion
            when x_part = 2 then x_free_tier
            when x_part = 3 and x_parts >= 8 then cast(cast(x_net as double) * x_use as decimal(38, 12))
            when x_part = 4 then x_net - cast(cast(x_net as double) * x_use as decimal(38, 12))
            when x_part = 3 and x_category = 'Purchase' then x_net
            when x_part = 3 or x_category = 'Purchase' then 0
            else x_net
        end as x_effective,
        case
            when x_part = 3 and x_category = 'Usage' then 'Used'
            when x_part = 4 then 'Unused'
            when x_part = 3 and not x_is_spend and x_use > 0 then 'Used'
            when x_part = 3 and not x_is_spend and x_use = 0 then 'Unused'
            when x_part = 3 and not x_is_spend then null
            when x_part = 3 and x_is_fee_of_usage and not x_has_offset then 'Used'
            when x_part = 3 then 'Unused'
            when x_part = 0 and x_is_used then 'Used'
        end as x_status,
        x_part in (3, 4) and x_category = 'Purchase' as x_is_fee_share,
        x_charge in ('Usage', 'Purchase') and (x_part = 0 or x_category = 'Usage') as x_has_quantity,
        case
            when x_weight = 1 then x_list
            when x_part = 3 then cast(cast(x_list as double) * x_share as decimal(38, 12))
            else x_list - cast(cast(x_list as double) * x_share as decimal(38, 12))
        end as x_part_list,
        case
            when x_weight = 1 then x_contracted
            when x_part = 3 then cast(cast(x_contracted as double) * x_share as decimal(38, 12))
            else x_contracted - cast(cast(x_contracted as double) * x_share as decimal(38, 12))
        end as x_part_contracted,
        case
            when x_weight = 1 then usage_amount_in_pricing_units
            when x_part = 3 then cast(cast(usage_amount_in_pricing_units as double) * x_share as decimal(38, 12))
            else
                usage_amount_in_pricing_units
                - cast(cast(usage_amount_in_pricing_units as double) * x_share as decimal(38, 12))
        end as x_quantity,
        case
            when x_weight = 1 then usage_amount
            when x_part = 3 then cast(cast(usage_amount as double) * x_share as decimal(38, 12))
            else usage_amount - cast(cast(usage_amount as double) * x_share as decimal(38, 12))
        end as x_consumed,
        -- a price that does not give the cost (over a tier's border, in another currency) is not told
        case
            when abs(cast(price_list_price as double) * cast(usage_amount_in_pricing_units as double) - cast(x_list as double)) <= 0.000001
                then price_list_price
        end as x_list_price,
        case
            when
                abs(
                    cast(coalesce(price_effective_price_default, price_effective_price) as double)
                    * cast(usage_amount_in_pricing_units as double)
                    - cast(x_contracted as double)
                ) <= 0.000001
                then coalesce(price_effective_price_default, price_effective_price)
        end as x_contracted_price
    from charge
),

-- one row per charge: names, and the tags in the order in which they count
described as (
    select
        priced.*,
        case
            -- a fee of a resource-based commitment of which it is not known how much was used
            when priced.x_charge <> 'Purchase' and priced.x_status is null then null
            when priced.x_charge = 'Purchase' or priced.x_is_fee_share
                then coalesce(priced.subscription_instance_id, priced.sku_id)
            else
                coalesce(
                    priced.subscription_instance_id, priced.x_payer, priced.x_credit_id, priced.consumption_model_id
                )
        end as x_commitment_id,
        case
            when priced.x_charge = 'Purchase' or priced.x_is_fee_share then priced.x_is_spend
            when priced.x_is_committed_price then true
            else priced.x_is_dollar_credit
        end as x_is_spend_commitment,
        services.service_category as x_service_category,
        services.service_subcategory as x_service_subcategory,
        regions.region_name as x_region_name
    from priced
    -- at most one row each
    left join seeds.gcp_services as services on priced.service_description = services.service_description
    left join seeds.gcp_regions as regions on priced.x_region = regions.region_id
)

select
    cast(null as varchar) as AllocatedMethodDetails,
    cast(null as varchar) as AllocatedMethodId,
    cast(null as varchar) as AllocatedResourceId,
    cast(null as varchar) as AllocatedResourceName,
    cast(null as varchar) as AllocatedTags,
    location_zone as AvailabilityZone,
    x_billed as BilledCost,
    billing_account_id as BillingAccountId,
    cast(null as varchar) as BillingAccountName,
    'Billing Account' as BillingAccountType,
    upper(currency) as BillingCurrency,
    x_period_start + interval '1' month as BillingPeriodEnd,
    x_period_start as BillingPeriodStart,
    cast(null as varchar) as CapacityReservationId,
    cast(null as varchar) as CapacityReservationStatus,
    -- a listed value is written much faster than a text
    cast(x_charge as enum('Adjustment', 'Credit', 'Purchase', 'Tax', 'Usage')) as ChargeCategory,
    case when x_is_correction then 'Correction' end as ChargeClass,
    case
        when x_part = 1 then x_promotion_name
        when x_part = 2 then x_free_tier_name
        else coalesce(adjustment_info_description, sku_description)
    end as ChargeDescription,
    cast(
        case
            -- what is charged for a whole month is a fee (support, subscriptions): metered usage is charged by the hour or day
            when x_charge = 'Usage' and usage_end_time - usage_start_time < interval 27 days then 'Usage-Based'
            when x_charge in ('Usage', 'Purchase') then 'Recurring'
            else 'One-Time'
        end
        as enum('One-Time', 'Recurring', 'Usage-Based')
    ) as ChargeFrequency,
    usage_end_time as ChargePeriodEnd,
    usage_start_time as ChargePeriodStart,
    case when x_commitment_id is null then null when x_is_spend_commitment then 'Spend' else 'Usage' end as CommitmentDiscountCategory,
    x_commitment_id as CommitmentDiscountId,
    case
        when x_commitment_id is null then null
        when x_charge = 'Purchase' or x_is_fee_share then sku_description
        else coalesce(x_payer_name, x_credit_name, consumption_model_description)
    end as CommitmentDiscountName,
    case
        when x_commitment_id is null then null
        -- what was used of it is the quantity of the usage
        when x_is_fee_share and not x_is_spend_commitment and x_status = 'Used' then null
        when x_is_fee_share and not x_is_spend_commitment
            then cast(cast(usage_amount_in_pricing_units as double) * (1 - x_use) as decimal(38, 12))
        when not x_is_spend_commitment then x_quantity
        when x_charge = 'Purchase' then cost
        when x_is_fee_share or x_is_committed_price then x_effective
    end as CommitmentDiscountQuantity,
    case when x_commitment_id is not null then x_status end as CommitmentDiscountStatus,
    case
        when x_commitment_id is null then null
        when x_is_spend_commitment then 'Spend-based CUD'
        else 'Resource-based CUD'
    end as CommitmentDiscountType,
    case
        when x_commitment_id is null then null
        when not x_is_spend_commitment then usage_pricing_unit
        when x_charge = 'Purchase' or x_is_fee_share or x_is_committed_price then upper(currency)
    end as CommitmentDiscountUnit,
    cast(null as varchar) as CommitmentProgramEligibilityDetails,
    case when x_has_quantity and x_charge = 'Usage' then x_consumed end as ConsumedQuantity,
    case when x_has_quantity and x_charge = 'Usage' then usage_unit end as ConsumedUnit,
    cast(null as varchar) as ContractApplied,
    case when x_is_fee_share then 0 when x_has_quantity then x_part_contracted else x_billed end as ContractedCost,
    case when x_has_quantity then x_contracted_price end as ContractedUnitPrice,
    x_effective as EffectiveCost,
    cast(case when seller_name is null then 'Google Cloud' end as enum('Google Cloud')) as HostProviderName,
    cast(null as varchar) as InvoiceDetailId,
    cast(null as varchar) as InvoiceId,
    'Google Cloud' as InvoiceIssuerName,
    case when x_is_fee_share then 0 when x_has_quantity then x_part_list else x_billed end as ListCost,
    case when x_has_quantity then x_list_price end as ListUnitPrice,
    cast(
        case
            when x_charge not in ('Usage', 'Purchase') then null
            when x_charge = 'Purchase' then 'Standard'
            when x_status is not null or x_is_fee_share then 'Committed'
            when x_is_preemptible then 'Dynamic'
            when coalesce(consumption_model_description, 'Default') <> 'Default' then 'Other'
            else 'Standard'
        end
        as enum('Committed', 'Dynamic', 'Other', 'Standard')
    ) as PricingCategory,
    upper(currency) as PricingCurrency,
    case when x_has_quantity then x_contracted_price end as PricingCurrencyContractedUnitPrice,
    x_effective as PricingCurrencyEffectiveCost,
    case when x_has_quantity then x_list_price end as PricingCurrencyListUnitPrice,
    case when x_has_quantity then x_quantity end as PricingQuantity,
    case when x_has_quantity then usage_pricing_unit end as PricingUnit,
    'Google Cloud' as ProviderName,
    coalesce(seller_name, 'Google Cloud') as PublisherName,
    x_region as RegionId,
    coalesce(x_region_name, x_region) as RegionName,
    case
        when x_charge = 'Purchase' or x_is_fee_share then x_commitment_id
        else coalesce(resource_global_name, resource_name)
    end as ResourceId,
    case when x_charge <> 'Purchase' and not x_is_fee_share then resource_name end as ResourceName,
    x_resource_type as ResourceType,
    cast(coalesce(x_sku_category, x_service_category, 'Other') as seeds.service_category) as ServiceCategory,
    coalesce(service_description, 'Google Cloud') as ServiceName,
    'Google Cloud' as ServiceProviderName,
    cast(
        case
            when x_sku_category = 'Storage' then 'Block Storage'
            when x_sku_category = 'Networking' then 'Network Connectivity'
            else coalesce(x_service_subcategory, 'Other (Other)')
        end
        as seeds.service_subcategory
    ) as ServiceSubcategory,
    case when x_charge not in ('Tax', 'Credit') then sku_id end as SkuId,
    case when x_charge not in ('Tax', 'Credit') then sku_description end as SkuMeter,
    case when x_machine is not null then '{"InstanceType":' || cast(to_json(x_machine) as varchar) || '}' end as SkuPriceDetails,
    case when x_charge not in ('Tax', 'Credit') then sku_id end as SkuPriceId,
    project_id as SubAccountId,
    project_name as SubAccountName,
    cast(case when project_id is not null then 'Project' end as enum('Project')) as SubAccountType,
    x_tags as Tags,
    $source as x_source,
    $snapshot_id as x_snapshot_id,
    cast(null as varchar) as x_data_status,
    case when x_part = 1 then 'PROMOTION' when x_part = 2 then 'FREE_TIER' else x_type end as x_line_item_type,
    service_id as x_service_code,
    sku_description as x_usage_type,
    cast(null as varchar) as x_operation,
    x_machine as x_instance_type,
    x_machine_family as x_family,
    cast(null as decimal(38, 12)) as x_amortized_upfront,
    cast(null as varchar) as x_split_parent_resource_id,
    cast(null as decimal(38, 12)) as x_split_cost,
    cast(null as decimal(38, 12)) as x_split_unused_cost,
    x_extra,
    case
        when x_unreadable is not null then 'quarantine: ' || x_unreadable
        when cost is null then 'quarantine: cost is empty'
        when currency is null then 'quarantine: currency is empty'
        when x_period_start is null then 'quarantine: invoice.month is not a month'
        when usage_start_time is null or usage_end_time is null then 'quarantine: usage time is empty'
        when x_credit is null then 'quarantine: credits: an amount is not a number'
        when x_type not in ('regular', 'tax', 'adjustment', 'rounding_error') and x_unknown_credits is not null
            then
                'load: cost type ' || x_type || ' is not known, taken as Adjustment; nor credit type ' || x_unknown_credits
                || ', taken as a discount'
        when x_type not in ('regular', 'tax', 'adjustment', 'rounding_error')
            then 'load: cost type ' || x_type || ' is not known, taken as Adjustment'
        when x_unknown_credits is not null
            then 'load: credit type ' || x_unknown_credits || ' is not known, taken as a discount'
        else 'load'
    end as x_fate,
    x_part,
    case when x_part = 0 then cost + x_credit end as x_source_cost,
    export_time as x_order
from described
