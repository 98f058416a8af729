"""Transit gateway attachments without traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costlab.analyzers._base import HoursWithoutTraffic
from costlab.analyzers.bill import local_id
from costlab.analyzers.propose import Advice, bill_evidence, group_of, quoted
from costlab.interfaces.finding import Action, Basis, Effort, Level, Remedy

if TYPE_CHECKING:
    from costlab.analyzers.bill import Resource


class IdleTransitAttachment(HoursWithoutTraffic):
    """Idle transit gateway attachment.

    Fires when an attachment's hours are billed but in 14 days less than 0.0002 GB an hour (5 MB a day) went through it.
    Saving: the hourly charge and the remaining data charge.
    Cannot see: data that is billed to the sending side's attachment only.
    Source: AWS Transit Gateway pricing.
    """

    id = "waste_idle_transit_attachment"
    pattern = r"TransitGateway-Hours$"
    hours = pattern
    traffic = r"TransitGateway-Bytes$"
    limit_per_hour = 0.0002

    def idle(self, resource: Resource, through: float) -> Advice:
        """Return the advice to delete it."""
        name = quoted(local_id(resource.resource_id))
        return Advice(
            check=self.id,
            kind=self.kind,
            title="Delete the idle transit gateway attachment",
            why="Its hours are billed, but in 14 days next to no data went through it.",
            action=Action("delete", "idle attachment", ""),
            remedy=Remedy(
                command=f"aws ec2 delete-transit-gateway-vpc-attachment --transit-gateway-attachment-id {name}",
                terraform="remove the aws_ec2_transit_gateway_vpc_attachment resource",
                rollback="aws ec2 create-transit-gateway-vpc-attachment with the same subnets, then restore the routes",
            ),
            risk={"availability": Level.MEDIUM},
            effort=Effort.MEDIUM,
            basis=Basis.INFERRED,
            confidence=0.6,
            evidence=(bill_evidence(resource, "data carried in the window", through, "GB"),),
            reversible=True,
            exclusive_group=group_of(resource),
        )


CHECK = IdleTransitAttachment()
