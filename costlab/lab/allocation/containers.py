"""The SQL of what containers take over from their machine: the vendor's split of its cost, never more than that.

Pods are rows that cost nothing and carry ``x_split_cost``. A pod that is somebody's, by its own tags or unlike its
machine, takes its part along; the same amounts come off the machine's largest charge of that hour. What is left of the
machine stays where it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from costlab.lab.allocation.rules import QUANTITIES
from costlab.money import MONEY_TYPE

if TYPE_CHECKING:
    from collections.abc import Sequence

GIVEN, TAKEN = "x_given", "x_taken"
_SAME = "BillingCurrency, x_start, x_from, x_host"
_SQL = """\
x_pods as (
    select
        cast(ChargePeriodStart as date) as x_day, ChargePeriodStart as x_start, x_source as x_from,
        x_split_parent_resource_id as x_host, x_split_cost as x_cost, {keys}, {value} as x_value, {bare} as x_bare
    from focus.costs
    where ChargePeriodStart >= $first and ChargePeriodStart < $last and x_split_cost > 0
),
x_machines as (select {same} from x_pods group by {same}),
x_charged as (
    select
        ChargePeriodStart as x_start, x_source as x_from, ResourceId as x_host, x_usage_type as x_used,
        x_operation as x_did, {keys}, {costs}, {value} as x_value, {pool} as x_pool
    from focus.costs
    where
        ChargePeriodStart >= $first and ChargePeriodStart < $last and x_split_parent_resource_id is null
        and ChargeCategory = 'Usage' and EffectiveCost > 0
),
x_hosts as (
    select
        *, {host_costs},
        row_number() over (machine order by x_cost_EffectiveCost desc, x_used, x_did) as x_place
    from x_charged
    inner join x_machines using ({same})
    window machine as (partition by {same})
),
x_owned as (
    select x_pods.*, {host_names}, sum(x_cost) over (partition by {same}) as x_split
    from x_pods
    inner join (select {same}, x_value as x_host_value, {host_names} from x_hosts where x_place = 1) as hosts
        using ({same})
    where x_value is not null and (x_value is distinct from x_bare or x_value is distinct from x_host_value)
),
x_given as (select *, cast(null as integer) as x_pool, {moves} from x_owned),
x_taken as (
    select cast(x_start as date) as x_day, x_hosts.*, {taken}
    from x_hosts
    inner join (select {same}, {moved} from x_given group by {same}) as moved using ({same})
    where x_place = 1
)"""


def moved_sql(*, keys: str, value: str, bare: str, pool: str, measures: Sequence[str]) -> str:
    """Return the CTEs ``x_given`` (the pods) and ``x_taken`` (the machines), with ``x_sum_<measure>`` each.

    Parameters
    ----------
    keys
        The columns that rules read.
    value, bare, pool
        The SQL of the value, of the value as it would be without tags, and of the pool.
    """
    costs = sorted({"EffectiveCost", *(name for name in measures if name not in QUANTITIES)})
    return _SQL.format(
        keys=keys,
        value=value,
        bare=bare,
        pool=pool,
        same=_SAME,
        costs=", ".join(f"{name} as x_cost_{name}" for name in costs),
        host_costs=", ".join(f"sum(x_cost_{name}) over machine as x_host_{name}" for name in costs),
        host_names=", ".join(f"x_host_{name}" for name in costs),
        moves=", ".join(f"{_move(name)} as x_sum_{name}" for name in measures),
        moved=", ".join(f"sum(x_sum_{name}) as x_moved_{name}" for name in measures),
        taken=", ".join(f"-x_moved_{name} as x_sum_{name}" for name in measures),
    )


def _move(name: str) -> str:
    """Return the SQL of what a pod takes in a measure: its share of what its machine costs there."""
    if name in QUANTITIES:
        return f"cast(null as {MONEY_TYPE})"
    share = "cast(x_cost as double) / greatest(x_split, x_host_EffectiveCost)"
    part = f"cast({share} * cast(x_host_{name} as double) as {MONEY_TYPE})"
    # the vendor's own figure wherever it can be taken as it is
    return f"case when x_split <= x_host_EffectiveCost then x_cost else {part} end" if name == "EffectiveCost" else part
