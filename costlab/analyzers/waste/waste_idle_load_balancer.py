"""Load balancers that balance nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from costlab.analyzers._base import HoursWithoutTraffic, StockCheck
from costlab.analyzers.propose import Advice, bill_evidence, command_for, group_of, quoted
from costlab.interfaces.finding import Action, Basis, Effort, Level, Remedy

if TYPE_CHECKING:
    from costlab.analyzers.bill import Resource
    from costlab.analyzers.stock import Item
    from costlab.interfaces.finding import Evidence

_OBSERVED = 0.95


_AZURE = r"LB Rules|^Standard Fixed Cost$|^(Small|Medium|Large) Gateway"


class IdleLoadBalancer(StockCheck, HoursWithoutTraffic):
    """Idle load balancer.

    Fires when a load balancer's hours are billed but in 14 days it used less than 0.001 capacity units (or GB) an hour;
    measured where an inventory of the last 14 days shows that it has no targets. On Azure, whose bill does not tell,
    when the inventory shows a load balancer or application gateway without backends.
    Saving: the hourly charge and the public addresses' share that is billed on it.
    Cannot see: a standby that is meant to be idle until a failover.
    Source: AWS Trusted Advisor, idle load balancers; AWS Elastic Load Balancing pricing (LCU); Microsoft FinOps
    toolkit, load balancers and application gateways without backends.
    """

    id = "waste_idle_load_balancer"
    stocked = "load-balancer"
    hours = rf"LoadBalancerUsage$|{_AZURE}"
    pattern = hours
    traffic = r"LCUUsage$|DataProcessing-Bytes$|IdleProvisionedLBCapacity"
    limit_per_hour = 0.001

    def advise(self, resource: Resource) -> Advice | None:
        """Return the advice when AWS's hourly charge stands alone; Azure's bill does not tell."""
        return None if _is_azure(resource) else HoursWithoutTraffic.advise(self, resource)

    def observed(self, resource: Resource, item: Item) -> Advice | None:
        """Return the advice, measured when there are no targets."""
        is_empty = item.properties.get("targets") == 0
        advice = self.idle(resource, 0.0) if is_empty and _is_azure(resource) else self.advise(resource)
        if advice is None or not is_empty:
            return advice
        why = f"On {item.observed_at:%Y-%m-%d} it had no targets to send anything to."
        evidence = (*advice.evidence, item.evidence("targets", 0))
        return replace(advice, why=why, basis=Basis.MEASURED, confidence=_OBSERVED, evidence=evidence)

    def idle(self, resource: Resource, through: float) -> Advice:
        """Return the advice to delete it."""
        name = quoted(resource.resource_id)
        return Advice(
            check=self.id,
            kind=self.kind,
            title="Delete the idle load balancer",
            why="Its hours are billed, but in 14 days next to nothing was balanced.",
            action=Action("delete", "idle load balancer", ""),
            remedy=Remedy(
                command=command_for(
                    resource,
                    aws=f"aws elbv2 delete-load-balancer --load-balancer-arn {name}",
                    azure=f"az resource delete --ids {name}",
                ),
                terraform="remove the aws_lb resource and its listeners",
                rollback="create it again from its Terraform or a description saved before; its DNS name changes",
            ),
            risk={"availability": Level.MEDIUM},
            effort=Effort.LOW,
            basis=Basis.INFERRED,
            confidence=0.8,
            evidence=() if _is_azure(resource) else (_capacity(resource, through),),
            reversible=False,
            exclusive_group=group_of(resource),
        )


def _capacity(resource: Resource, through: float) -> Evidence:
    return bill_evidence(resource, "capacity units in the window", through, "LCU-hours or GB")


def _is_azure(resource: Resource) -> bool:
    return any(re.search(_AZURE, line.usage_type) for line in resource.lines)


CHECK = IdleLoadBalancer()
