"""Load balancers that balance nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costlab.analyzers._base import HoursWithoutTraffic
from costlab.analyzers.propose import Advice, bill_evidence, group_of, quoted
from costlab.interfaces.finding import Action, Basis, Effort, Level, Remedy

if TYPE_CHECKING:
    from costlab.analyzers.bill import Resource


class IdleLoadBalancer(HoursWithoutTraffic):
    """Idle load balancer.

    Fires when a load balancer's hours are billed but in 14 days it used less than 0.001 capacity units (or GB) an hour.
    Saving: the hourly charge and the public addresses' share that is billed on it.
    Cannot see: a standby that is meant to be idle until a failover.
    Source: AWS Trusted Advisor, idle load balancers; AWS Elastic Load Balancing pricing (LCU).
    """

    id = "waste_idle_load_balancer"
    pattern = r"LoadBalancerUsage$"
    hours = pattern
    traffic = r"LCUUsage$|DataProcessing-Bytes$|IdleProvisionedLBCapacity"
    limit_per_hour = 0.001

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
                command=f"aws elbv2 delete-load-balancer --load-balancer-arn {name}",
                terraform="remove the aws_lb resource and its listeners",
                rollback="create it again from its Terraform or a description saved before; its DNS name changes",
            ),
            risk={"availability": Level.MEDIUM},
            effort=Effort.LOW,
            basis=Basis.INFERRED,
            confidence=0.8,
            evidence=(bill_evidence(resource, "capacity units in the window", through, "LCU-hours or GB"),),
            reversible=False,
            exclusive_group=group_of(resource),
        )


CHECK = IdleLoadBalancer()
