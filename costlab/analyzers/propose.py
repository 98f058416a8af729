"""From a resource's charges to a recommendation: amounts per hour, what a commitment absorbs, evidence."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from costlab.analyzers import bill
from costlab.interfaces.finding import Basis, Claim, Effort, Evidence, Kind, Level, Recommendation, Remedy
from costlab.money import ZERO, exact

if TYPE_CHECKING:
    from collections.abc import Callable

    from costlab.analyzers.bill import Line, Resource
    from costlab.analyzers.usage import Usage
    from costlab.interfaces.finding import Action

GONE = ZERO


@dataclass(frozen=True, slots=True)
class Advice:
    """What a check says about a resource; :func:`propose` adds the money."""

    check: str
    kind: Kind
    title: str
    why: str
    action: Action
    remedy: Remedy
    risk: dict[str, Level]
    effort: Effort
    basis: Basis
    confidence: float
    evidence: tuple[Evidence, ...] = ()
    needs_restart: bool = False
    reversible: bool = False
    exclusive_group: str = ""
    low_ratio: Decimal = Decimal("0.8")
    high_ratio: Decimal = Decimal(1)


def propose(resource: Resource, advice: Advice, *, kept: Callable[[Line], Decimal | None]) -> Recommendation:
    """Return the recommendation with its hourly amounts.

    ``kept`` gives for each charge of the resource the share that remains (None: the charge is not touched).
    The net saving counts only what no commitment covers; the rest is named in ``absorbed_by``.
    """
    touched = [(line, ratio) for line in resource.lines if (ratio := kept(line)) is not None]
    claims = _claims(resource, touched)
    covered = sorted({line.commitment_id or "a commitment" for line, _ in touched if line.is_covered})
    why = advice.why
    if covered:
        why += f" {', '.join(covered)} pays for a part of it, which is not saved while the commitment lasts."
    return Recommendation(
        check=advice.check,
        kind=advice.kind,
        title=advice.title,
        why=why,
        provider=resource.provider,
        billing_account_id=resource.billing_account_id,
        sub_account_id=resource.sub_account_id,
        region_id=resource.region_id,
        service_name=resource.service_name,
        resource_id=resource.resource_id,
        resource_name=resource.resource_name,
        currency=resource.currency,
        action=advice.action,
        hourly_cost=resource.hourly(sum((line.effective for line, _ in touched), ZERO)),
        hourly_saving_list=sum((exact(c.hourly_list * (1 - c.kept_ratio)) for c in claims), ZERO),
        hourly_saving=sum((exact(c.hourly_on_demand * (1 - c.kept_ratio)) for c in claims), ZERO),
        claims=claims,
        evidence=(*advice.evidence, _charged(resource, touched)),
        remedy=advice.remedy,
        confidence=round(advice.confidence, 3),
        risk=advice.risk,
        effort=advice.effort,
        needs_restart=advice.needs_restart,
        reversible=advice.reversible,
        basis=advice.basis,
        low_ratio=advice.low_ratio,
        high_ratio=advice.high_ratio,
        exclusive_group=advice.exclusive_group,
        absorbed_by=", ".join(covered),
    )


def _claims(resource: Resource, touched: list[tuple[Line, Decimal]]) -> tuple[Claim, ...]:
    sums: dict[tuple[str, Decimal], tuple[Decimal, Decimal]] = {}
    for line, ratio in touched:
        on_demand, listed = sums.get((line.usage_type, ratio), (ZERO, ZERO))
        own = ZERO if line.is_covered else line.effective
        sums[line.usage_type, ratio] = (on_demand + own, listed + line.listed)
    return tuple(
        Claim(
            resource_id=resource.resource_id,
            usage_type=usage_type,
            hourly_on_demand=resource.hourly(on_demand),
            hourly_list=resource.hourly(listed),
            kept_ratio=ratio,
        )
        for (usage_type, ratio), (on_demand, listed) in sorted(sums.items())
    )


def _charged(resource: Resource, touched: list[tuple[Line, Decimal]]) -> Evidence:
    total = sum((line.effective for line, _ in touched), ZERO)
    return bill_evidence(resource, "EffectiveCost", total, resource.currency)


def usage_evidence(usage: Usage, *, statistic: str, unit: str) -> Evidence:
    """Return a metric's value as evidence; ``statistic`` is a field of :class:`Usage`."""
    value = round(float(getattr(usage, statistic)), 4)
    return Evidence(f"{usage.metric} {statistic}", value, unit, usage.first, usage.last, "metrics.utilization")


def bill_evidence(resource: Resource, metric: str, value: float | Decimal | str, unit: str) -> Evidence:
    """Return a figure read from the bill over the resource's window as evidence."""
    shown = round(value, 6) if isinstance(value, float) else value
    return Evidence(metric, shown, unit, resource.start, resource.end, bill.SOURCE)


def quoted(text: str) -> str:
    """Return untrusted text (ids come from the bill) as one word of a shell command."""
    return shlex.quote(text.replace("\x00", ""))


def group_of(resource: Resource) -> str:
    """Return the exclusive group of everything that changes or removes the resource itself."""
    return f"{resource.provider}/{resource.sub_account_id}/{resource.resource_id}"


def command_for(resource: Resource, *, aws: str, azure: str = "", google: str = "") -> str:
    """Return the command in the tongue of the resource's cloud; a comment where none is known."""
    provider = resource.provider.lower()
    if "amazon" in provider or "aws" in provider:
        return aws
    if "microsoft" in provider or "azure" in provider:
        return azure or "# no command is known for this cloud; use its console"
    if "google" in provider or "gcp" in provider:
        return google or "# no command is known for this cloud; use its console"
    return "# no command is known for this cloud; use its console"
