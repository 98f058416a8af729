"""One consistent plan out of all recommendations: what saves what when everything in it is done.

- Of the items of one exclusive group one is carried out; the others stay in the list and save 0.
- Claims on the same charge multiply: 40 % off what is left after 50 % off is 30 % of the original, not 40 %.
- They apply in the order delete, schedule, resize, move storage, spot, commitments; so an item's saving is what it adds
  after those before it.
- ``monthly_saving`` is net of the commitments that already pay for charges; an item that they absorb saves 0 and
  names them.

A month is 730 hours, rounded half-up to cents once per item; the total is the sum of the items.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from costlab.analyzers.registry import checks
from costlab.interfaces.finding import Kind
from costlab.money import ZERO, cents, exact, monthly

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date

    from costlab.interfaces.analyzer import Context
    from costlab.interfaces.finding import Recommendation

_ORDER = {kind: place for place, kind in enumerate(Kind)}
_MOST_COMBINATIONS = 4096
Charge = tuple[str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class PlannedItem:
    """A recommendation with its place in the plan."""

    id: str
    proposal: Recommendation
    rank: int
    is_chosen: bool
    """False when another item of its exclusive group is carried out instead."""
    monthly_cost: Decimal
    monthly_saving: Decimal
    """Net, added to what the items before it save."""
    monthly_saving_alone: Decimal
    """Net, if only this were done."""
    monthly_saving_list: Decimal
    """At list price, if only this were done."""
    first_seen: date | None = None
    status: str = "open"

    @property
    def why(self) -> str:
        """The check's reason, and that another item of the group is the better one."""
        note = "" if self.is_chosen else " Another proposal for the same resource saves more; do one of them."
        return self.proposal.why + note

    def to_item(self) -> dict[str, Any]:
        """Return the JSON item that ``costlab recommend`` prints."""
        p = self.proposal
        return {
            "id": self.id,
            "rank": self.rank,
            "kind": p.kind.value,
            "check": p.check,
            "title": p.title,
            "why": self.why,
            "provider": p.provider,
            "billing_account_id": p.billing_account_id or None,
            "sub_account_id": p.sub_account_id or None,
            "region_id": p.region_id or None,
            "service_name": p.service_name,
            "resource_id": p.resource_id,
            "resource_name": p.resource_name or None,
            "action": {"verb": p.action.verb, "from": p.action.before or None, "to": p.action.after or None},
            "monthly_cost": self.monthly_cost,
            "monthly_saving": self.monthly_saving,
            "monthly_saving_alone": self.monthly_saving_alone,
            "monthly_saving_list": self.monthly_saving_list,
            "monthly_saving_low": cents(self.monthly_saving * p.low_ratio),
            "monthly_saving_high": cents(self.monthly_saving * p.high_ratio),
            "one_time_cost": p.one_time_cost,
            "currency": p.currency,
            "confidence": p.confidence,
            "risk": {dimension: level.value for dimension, level in sorted(p.risk.items())},
            "effort": p.effort.value,
            "needs_restart": p.needs_restart,
            "reversible": p.reversible,
            "basis": p.basis.value,
            "evidence": [
                {"metric": e.metric, "value": e.value, "unit": e.unit, "from": e.start, "to": e.end, "source": e.source}
                for e in p.evidence
            ],
            "remedy": {
                "command": p.remedy.command,
                "terraform": p.remedy.terraform,
                "rollback": p.remedy.rollback,
            },
            "exclusive_group": p.exclusive_group or None,
            "absorbed_by": p.absorbed_by or None,
            "first_seen": self.first_seen,
            "status": self.status,
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """The ranked items and what could not be looked at (kind -> reason)."""

    items: tuple[PlannedItem, ...]
    not_assessed: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def currency(self) -> str | None:
        """The one currency of the items; None when there is none or more than one."""
        found = {item.proposal.currency for item in self.items}
        return next(iter(found)) if len(found) == 1 else None

    def totals(self) -> dict[str, Any]:
        """Return the JSON totals. Amounts of two currencies are never added: then they are per currency."""
        sums: dict[str, dict[str, Decimal]] = {}
        for item in self.items:
            own = sums.setdefault(item.proposal.currency, {"monthly_saving": ZERO, "monthly_saving_list": ZERO})
            own["monthly_saving"] += item.monthly_saving
            if item.is_chosen:
                own["monthly_saving_list"] += item.monthly_saving_list
        extra: dict[str, Any] = {"not_assessed": self.not_assessed}
        if len(sums) > 1:
            return {"monthly_saving": None, "monthly_saving_list": None, "by_currency": sums, **extra}
        zero = {"monthly_saving": Decimal("0.00"), "monthly_saving_list": Decimal("0.00")}
        return {**next(iter(sums.values()), zero), **extra}


@dataclass(frozen=True, slots=True)
class Memory:
    """What is known of an item from earlier nights: when it was first seen, and what people decided."""

    first_seen: date
    status: str = "open"


def recommend(
    context: Context,
    *,
    kinds: Collection[str] = (),
    min_saving: Decimal | None = None,
    memory: Mapping[str, Memory] | None = None,
) -> Plan:
    """Run every check of ``kinds`` (all when empty) and return the plan; see :func:`build_plan`."""
    proposals: list[Recommendation] = []
    reasons: defaultdict[str, list[str]] = defaultdict(list)
    for check in checks():
        if kinds and check.kind not in kinds:
            continue
        assessment = check.assess(context)
        proposals.extend(assessment.items)
        if assessment.not_assessed:
            reasons[check.kind.value].append(f"{check.id}: {assessment.not_assessed}")
    not_assessed = {kind: "; ".join(texts) for kind, texts in sorted(reasons.items())}
    seen = {identity(p): Memory(context.now.date()) for p in proposals} | dict(memory or {})
    return build_plan(proposals, min_saving=min_saving, memory=seen, not_assessed=not_assessed)


def build_plan(
    proposals: Iterable[Recommendation],
    *,
    min_saving: Decimal | None = None,
    memory: Mapping[str, Memory] | None = None,
    not_assessed: Mapping[str, str] | None = None,
) -> Plan:
    """Return the plan of all proposals, ranked by net saving; the order they come in does not matter.

    ``min_saving`` hides items that save less per month, after netting. The same proposal twice counts once.
    """
    unique = {identity(p): p for p in sorted(proposals, key=_sort_key, reverse=True)}
    ordered = sorted(unique.values(), key=_sort_key)
    chosen = _choose(ordered)
    saving = _waterfall([p for p in ordered if identity(p) in chosen])
    rows = [
        (identity(p), p, identity(p) in chosen, monthly(saving.get(identity(p), ZERO)), monthly(p.hourly_saving))
        for p in ordered
    ]
    rows.sort(key=lambda row: (-row[3], -row[4], row[0]))
    known = memory or {}
    items = [
        PlannedItem(
            id=key,
            proposal=p,
            rank=rank,
            is_chosen=is_chosen,
            monthly_cost=monthly(p.hourly_cost),
            monthly_saving=net,
            monthly_saving_alone=alone,
            monthly_saving_list=monthly(p.hourly_saving_list),
            first_seen=known[key].first_seen if key in known else None,
            status=known[key].status if key in known else "open",
        )
        for rank, (key, p, is_chosen, net, alone) in enumerate(rows, start=1)
        if min_saving is None or net >= min_saving
    ]
    return Plan(tuple(items), dict(not_assessed or {}))


def identity(proposal: Recommendation) -> str:
    """Return an id that stays the same from night to night: check, provider, account, resource; no amounts."""
    parts = (
        proposal.check,
        proposal.provider,
        proposal.billing_account_id,
        proposal.sub_account_id,
        proposal.resource_id,
        proposal.currency,
    )
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def _sort_key(proposal: Recommendation) -> tuple[int, int, Decimal, str]:
    is_deletion = bool(proposal.claims) and all(claim.kept_ratio == 0 for claim in proposal.claims)
    return (_ORDER[proposal.kind], 0 if is_deletion else 1, -proposal.hourly_saving, identity(proposal))


def _charges(proposal: Recommendation) -> list[tuple[Charge, Decimal, Decimal]]:
    head = (proposal.provider, proposal.sub_account_id, proposal.currency)
    return [
        ((*head, claim.resource_id, claim.usage_type), claim.hourly_on_demand, claim.kept_ratio)
        for claim in proposal.claims
    ]


def _waterfall(ordered: Sequence[Recommendation]) -> dict[str, Decimal]:
    """Return what each proposal saves per hour after those before it."""
    left: dict[Charge, Decimal] = {}
    for proposal in ordered:
        for charge, amount, _ in _charges(proposal):
            left[charge] = max(left.get(charge, ZERO), amount)
    saved: dict[str, Decimal] = {}
    for proposal in ordered:
        total = ZERO
        for charge, _, kept in _charges(proposal):
            after = exact(left[charge] * kept)
            total += left[charge] - after
            left[charge] = after
        saved[identity(proposal)] = total
    return saved


def _choose(ordered: Sequence[Recommendation]) -> set[str]:
    """Return the ids to carry out: all without a group, and of each group the one with which the whole saves most."""
    chosen = {identity(p) for p in ordered if not p.exclusive_group}
    for part in _parts(ordered):
        groups: defaultdict[str, list[Recommendation]] = defaultdict(list)
        for proposal in part:
            if proposal.exclusive_group:
                groups[proposal.exclusive_group].append(proposal)
        free = [p for p in part if not p.exclusive_group]
        chosen |= _best_options(free, [groups[name] for name in sorted(groups)])
    return chosen


def _best_options(free: list[Recommendation], groups: list[list[Recommendation]]) -> set[str]:
    def total(options: Sequence[Recommendation]) -> Decimal:
        return sum(_waterfall(sorted([*free, *options], key=_sort_key)).values(), ZERO)

    # The first of a group in plan order wins ties, so an idle machine is stopped and not made smaller.
    count = 1
    for options in groups:
        count *= len(options)
    if count <= _MOST_COMBINATIONS:
        best = max(itertools.product(*groups), key=total, default=())
    else:
        best = tuple(max(options, key=lambda p: p.hourly_saving) for options in groups)
    return {identity(p) for p in best}


def _parts(ordered: Sequence[Recommendation]) -> list[list[Recommendation]]:
    """Return the proposals in parts that share no charge and no group, so that each is solved alone."""
    parent = list(range(len(ordered)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    owner: dict[Any, int] = {}
    for i, proposal in enumerate(ordered):
        keys: list[Any] = [charge for charge, _, _ in _charges(proposal)]
        if proposal.exclusive_group:
            keys.append(proposal.exclusive_group)
        for key in keys:
            parent[root(i)] = root(owner.setdefault(key, i))
    parts: defaultdict[int, list[Recommendation]] = defaultdict(list)
    for i, proposal in enumerate(ordered):
        parts[root(i)].append(proposal)
    return list(parts.values())
