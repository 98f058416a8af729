-- staging.inventory: one row per resource a cloud shows, or per kind of resource that was looked for (coverage)
-- grain: none
-- What has no id, kind or instant cannot be matched with a bill: it goes to quarantine.
select
    provider,
    resource_id,
    resource_kind,
    native_type,
    name,
    sub_account_id,
    region_id,
    zone,
    state,
    shape,
    size_gib,
    attached_to,
    created_at,
    tags,
    properties,
    observed_at,
    $source as x_source,
    $snapshot_id as x_snapshot_id,
    case
        when x_unreadable is not null then 'quarantine: ' || x_unreadable
        when provider is null then 'quarantine: provider is empty'
        when resource_id is null then 'quarantine: resource_id is empty'
        when resource_kind is null then 'quarantine: resource_kind is empty'
        when observed_at is null then 'quarantine: observed_at is empty'
        else 'load'
    end as x_fate,
    cast(0 as smallint) as x_part
from raw
