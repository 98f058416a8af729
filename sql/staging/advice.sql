-- staging.advice: one row per recommendation of a cloud's own tool
-- grain: none
-- A row without an id says that a look found nothing: what was recommended before is no longer.
select
    provider,
    native_id,
    tool,
    coalesce(kind, 'other') as kind,
    action,
    resource_id,
    sub_account_id,
    region_id,
    from_shape,
    to_shape,
    monthly_saving,
    currency,
    cast(term_months as integer) as term_months,
    payment,
    hourly_commitment,
    detail,
    observed_at,
    $source as x_source,
    $snapshot_id as x_snapshot_id,
    case
        when x_unreadable is not null then 'quarantine: ' || x_unreadable
        when native_id is null then 'drop: nothing is recommended'
        when kind is null
            then 'load: recommendation type ' || coalesce(native_type, 'without a name') || ' is not known, kept as other'
        else 'load'
    end as x_fate,
    cast(0 as smallint) as x_part
from raw
