-- staging.budgets: one row per budget of a cloud
-- grain: none
-- A row without an id says that a look found none: the budgets there were before are no longer.
select
    provider,
    budget_id,
    name,
    billing_account_id,
    scope,
    amount,
    currency,
    cadence,
    thresholds,
    observed_at,
    $source as x_source,
    $snapshot_id as x_snapshot_id,
    case
        when x_unreadable is not null then 'quarantine: ' || x_unreadable
        when budget_id is null then 'drop: there are no budgets'
        else 'load'
    end as x_fate,
    cast(0 as smallint) as x_part
from raw
