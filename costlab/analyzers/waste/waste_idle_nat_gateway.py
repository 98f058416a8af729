"""NAT gateways through which nothing passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costlab.analyzers._base import HoursWithoutTraffic
from costlab.analyzers.bill import local_id
from costlab.analyzers.propose import Advice, bill_evidence, group_of, quoted
from costlab.interfaces.finding import Action, Basis, Effort, Level, Remedy

if TYPE_CHECKING:
    from costlab.analyzers.bill import Resource


class IdleNatGateway(HoursWithoutTraffic):
    """Idle NAT gateway.

    Fires when a NAT gateway's hours are billed but in 14 days it processed less than 0.0002 GB an hour (5 MB a day).
    Saving: the hourly and the remaining data charge.
    Cannot see: a gateway of a standby zone that only carries traffic after a failure.
    Source: AWS Compute Optimizer idle resources (NatGateway); AWS VPC pricing.
    """

    id = "waste_idle_nat_gateway"
    pattern = r"NatGateway-Hours$|NatGateway-Prvd-Hours$"
    hours = pattern
    traffic = r"NatGateway-Bytes$|NatGateway-Prvd-Bytes$"
    limit_per_hour = 0.0002

    def idle(self, resource: Resource, through: float) -> Advice:
        """Return the advice to delete it."""
        name = quoted(local_id(resource.resource_id))
        return Advice(
            check=self.id,
            kind=self.kind,
            title="Delete the idle NAT gateway",
            why="Its hours are billed, but in 14 days next to no data went through it.",
            action=Action("delete", "idle NAT gateway", ""),
            remedy=Remedy(
                command=f"aws ec2 delete-nat-gateway --nat-gateway-id {name}",
                terraform="remove the aws_nat_gateway resource and the routes to it",
                rollback="aws ec2 create-nat-gateway with the same subnet and address, then restore the routes",
            ),
            risk={"availability": Level.MEDIUM},
            effort=Effort.LOW,
            basis=Basis.INFERRED,
            confidence=0.85,
            evidence=(bill_evidence(resource, "data processed in the window", through, "GB"),),
            reversible=True,
            exclusive_group=group_of(resource),
        )


CHECK = IdleNatGateway()
