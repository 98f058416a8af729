"""The plan beside the clouds' own recommendations: both sides read from the tables, compared by a pure function."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from costlab.analyzers.advice import Compared, Proposal, ResourceFact, compare, totals
from costlab.interfaces.finding import Kind
from costlab.lab.findings import Found
from costlab.lab.window import DATA_END

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from costlab.warehouse.relations import Database

COLUMNS = [
    "verdict", "kind", "provider", "sub_account_id", "region_id", "resource_id", "currency", "ours_action",
    "ours_saving", "ours_saving_list", "theirs_action", "theirs_saving", "theirs_basis", "theirs_tool", "difference",
    "reason", "ours_id", "theirs_id",
]  # fmt: skip
_FACTS = """
with advised as (
    select distinct resource_id, sub_account_id, lower(regexp_extract(resource_id, '[^/:]+$')) as tail
    from advice.recommendations
    where resource_id is not null
),
billed as materialized (
    select
        SubAccountId,
        lower(ResourceId) as id,
        lower(regexp_extract(ResourceId, '[^/:]+$')) as tail,
        lower(max(ResourceName)) as name,
        sum(ListCost) as list_cost,
        sum(ListCost) filter (where CommitmentDiscountId is not null) as covered_cost
    from marts.resource_days
    where ChargeDate >= ? - interval '14' day and ChargeCategory = 'Usage'
    group by SubAccountId, lower(ResourceId), lower(regexp_extract(ResourceId, '[^/:]+$'))
),
-- by id, by the id's last part, by name: each join has equal keys, an "or" would compare all with all
found as (
    select advised.resource_id, billed.id, billed.tail, billed.list_cost, billed.covered_cost
    from advised inner join billed on billed.id = lower(advised.resource_id)
    union
    select advised.resource_id, billed.id, billed.tail, billed.list_cost, billed.covered_cost
    from advised inner join billed on billed.SubAccountId = advised.sub_account_id and billed.tail = advised.tail
    union
    select advised.resource_id, billed.id, billed.tail, billed.list_cost, billed.covered_cost
    from advised inner join billed on billed.SubAccountId = advised.sub_account_id and billed.name = advised.tail
),
measured as (
    select distinct lower(regexp_extract(resource_id, '[^/:]+$')) as tail
    from (select distinct resource_id from metrics.utilization)
)
select
    advised.resource_id,
    count(found.id) > 0 as is_billed,
    sum(found.list_cost) as list_cost,
    sum(found.covered_cost) as covered_cost,
    bool_or(measured.tail is not null) as has_metrics
from advised
left join found on found.resource_id = advised.resource_id
left join measured on measured.tail = coalesce(found.tail, advised.tail)
group by advised.resource_id
"""
NOT_LOADED = "no recommendations of a cloud are loaded: `costlab ingest aws-recommendations --from aws://`, for example"


def compared(
    db: Database, plan: Iterable[Mapping[str, Any]], plan_totals: Mapping[str, Any], kinds: Sequence[str]
) -> Found:
    """Return one item per proposal of either side; see :mod:`costlab.analyzers.advice`."""
    theirs = [proposal for proposal in _theirs(db) if not kinds or proposal.kind in kinds]
    not_assessed: Mapping[str, str] = plan_totals.get("not_assessed", {})
    lines = compare(_ours(plan), theirs, facts=_facts(db), not_assessed=not_assessed)
    currencies = {line.either.currency for line in lines}
    currency = next(iter(currencies)) if len(currencies) == 1 else None
    return Found(COLUMNS, [_item(line) for line in lines], {"by_currency": totals(lines)}, currency)


def _ours(items: Iterable[Mapping[str, Any]]) -> list[Proposal]:
    """Return the items that the plan carries out: of an exclusive group the one that saves most."""
    chosen: dict[str, Mapping[str, Any]] = {}
    for item in items:
        group = item.get("exclusive_group") or item["id"]
        if group not in chosen or item["monthly_saving"] > chosen[group]["monthly_saving"]:
            chosen[group] = item
    return [_own(item) for item in chosen.values()]


def _own(item: Mapping[str, Any]) -> Proposal:
    action: Mapping[str, Any] = item.get("action") or {}
    purchase: Mapping[str, Any] = item.get("purchase") or {}
    committed = purchase.get("hourly_commitment")
    return Proposal(
        id=item["id"],
        tool="costlab",
        provider=item["provider"] or "",
        kind=item["kind"],
        verb=action.get("verb") or "",
        target=purchase.get("instrument") or action.get("to") or "",
        resource_id="" if purchase else item["resource_id"] or "",
        sub_account_id=item.get("sub_account_id") or "",
        region_id=item.get("region_id") or "",
        currency=item["currency"],
        saving=item["monthly_saving"],
        saving_list=item["monthly_saving_list"],
        absorbed_by=item.get("absorbed_by") or "",
        hourly_commitment=None if committed is None else Decimal(str(committed)),
        name=item.get("resource_name") or "",
    )


def _theirs(db: Database) -> list[Proposal]:
    rows = db.rows("select * from advice.recommendations order by tool, native_id")
    return [_other(row, json.loads(row["detail"] or "{}")) for row in rows]


def _other(row: Mapping[str, Any], detail: Mapping[str, Any]) -> Proposal:
    is_purchase = row["kind"] == Kind.COMMITMENT and not row["resource_id"]
    return Proposal(
        id=row["native_id"],
        tool=row["tool"],
        provider=row["provider"] or "",
        kind=row["kind"],
        verb=row["action"] or "",
        target=(is_purchase and detail.get("instrument")) or row["to_shape"] or "",
        resource_id=row["resource_id"] or "",
        sub_account_id=row["sub_account_id"] or "",
        region_id=row["region_id"] or "",
        currency=row["currency"] or "",
        saving=row["monthly_saving"],
        basis=detail.get("saving_basis") or "",
        lookback_days=str(detail.get("lookback_days") or ""),
        hourly_commitment=row["hourly_commitment"],
    )


def _facts(db: Database) -> dict[str, ResourceFact]:
    end = db.result(DATA_END).rows[0][0]
    rows = db.rows(_FACTS, [end]) if end is not None else []
    return {row["resource_id"]: _fact(row) for row in rows}


def _fact(row: Mapping[str, Any]) -> ResourceFact:
    share = (row["covered_cost"] or Decimal(0)) / row["list_cost"] if row["list_cost"] else None
    return ResourceFact(row["is_billed"], share, row["has_metrics"])


def _item(line: Compared) -> dict[str, Any]:
    own, other, either = line.ours, line.theirs, line.either
    return {
        "verdict": line.verdict.value,
        "kind": either.kind,
        "provider": either.provider,
        "sub_account_id": either.sub_account_id or None,
        "region_id": either.region_id or None,
        "resource_id": either.resource_id or None,
        "currency": either.currency or None,
        "ours_action": _action(own),
        "ours_saving": own.saving if own else None,
        "ours_saving_list": own.saving_list if own else None,
        "theirs_action": _action(other),
        "theirs_saving": other.saving if other else None,
        "theirs_basis": (other.basis or None) if other else None,
        "theirs_tool": other.tool if other else None,
        "difference": line.difference,
        "reason": line.reason or None,
        "ours_id": own.id if own else None,
        "theirs_id": other.id if other else None,
    }


def _action(proposal: Proposal | None) -> str | None:
    return None if proposal is None else f"{proposal.verb} {proposal.target}".strip() or None
