-- staging.metrics: one row per sample of a resource's metric, as received
-- grain: none
-- A sample without a resource, metric, time or finite average goes to quarantine: it would count as "no load".
select
    provider,
    resource_id,
    metric,
    ts,
    avg,
    max,
    shape,
    region,
    $source as x_source,
    $snapshot_id as x_snapshot_id,
    case
        when x_unreadable is not null then 'quarantine: ' || x_unreadable
        when provider is null then 'quarantine: provider is empty'
        when resource_id is null then 'quarantine: resource_id is empty'
        when metric is null then 'quarantine: metric is empty'
        when ts is null then 'quarantine: ts is empty'
        when avg is null then 'quarantine: avg is empty'
        when not (avg between -1e300 and 1e300) then 'quarantine: avg is not a finite number'
        when not (coalesce(max, 0) between -1e300 and 1e300) then 'quarantine: max is not a finite number'
        else 'load'
    end as x_fate,
    cast(0 as smallint) as x_part
from raw
