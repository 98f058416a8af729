"""Interface endpoints nobody calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costlab.analyzers._base import HoursWithoutTraffic
from costlab.analyzers.bill import local_id
from costlab.analyzers.propose import Advice, bill_evidence, group_of, quoted
from costlab.interfaces.finding import Action, Basis, Effort, Level, Remedy

if TYPE_CHECKING:
    from costlab.analyzers.bill import Resource


class IdleVpcEndpoint(HoursWithoutTraffic):
    """Idle VPC endpoint.

    Fires when an interface endpoint's hours are billed but in 14 days it carried less than 0.0002 GB an hour (5 MB a
    day).
    Saving: the hourly charge in every zone and the remaining data charge.
    Cannot see: an endpoint kept for rare administration without a route to the internet.
    Source: AWS PrivateLink pricing.
    """

    id = "waste_idle_vpc_endpoint"
    pattern = r"VpcEndpoint-Hours$"
    hours = pattern
    traffic = r"VpcEndpoint-Bytes$"
    limit_per_hour = 0.0002

    def idle(self, resource: Resource, through: float) -> Advice:
        """Return the advice to delete it."""
        name = quoted(local_id(resource.resource_id))
        return Advice(
            check=self.id,
            kind=self.kind,
            title="Delete the idle VPC endpoint",
            why="Its hours are billed, but in 14 days next to no data went through it.",
            action=Action("delete", "idle endpoint", ""),
            remedy=Remedy(
                command=f"aws ec2 delete-vpc-endpoints --vpc-endpoint-ids {name}",
                terraform="remove the aws_vpc_endpoint resource",
                rollback="aws ec2 create-vpc-endpoint with the same service, subnets and policy",
            ),
            risk={"availability": Level.MEDIUM},
            effort=Effort.LOW,
            basis=Basis.INFERRED,
            confidence=0.8,
            evidence=(bill_evidence(resource, "data carried in the window", through, "GB"),),
            reversible=True,
            exclusive_group=group_of(resource),
        )


CHECK = IdleVpcEndpoint()
