"""Machines of a generation whose successor is cheaper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costlab.analyzers import prices
from costlab.analyzers._base import BillCheck
from costlab.analyzers.propose import Advice, bill_evidence, group_of, quoted
from costlab.interfaces.finding import Action, Basis, Effort, Kind, Level, Remedy

if TYPE_CHECKING:
    from decimal import Decimal

    from costlab.analyzers.bill import Line, Resource


class PreviousGeneration(BillCheck):
    """Previous-generation instance.

    Fires when an instance's family has a successor with the same architecture and the same size that is cheaper.
    Saving: the charge x (1 - list price of the successor / list price of the family).
    Cannot see: an image without the drivers (ENA, NVMe) that the successor needs, or instance-store data.
    Source: AWS EC2, previous generation instances and their upgrade paths; us-east-1 list prices, 2026-11.
    """

    id = "rightsize_previous_generation"
    kind = Kind.RIGHTSIZE
    pattern = r"(BoxUsage|DedicatedUsage|HeavyUsage):(" + "|".join(sorted(prices.SUCCESSORS)) + r")\."

    def advise(self, resource: Resource) -> Advice | None:
        """Return the advice to upgrade, or None when the successor lacks the size."""
        family, size = prices.split_type(resource.instance_type)
        successor = prices.SUCCESSORS.get(family)
        if successor is None or size not in prices.FAMILY_SIZES.get(successor.family, prices.USUAL_SIZES):
            return None
        target = f"{successor.family}.{size}"
        name = quoted(resource.resource_id)
        change = f"aws ec2 modify-instance-attribute --instance-id {name} --instance-type"
        return Advice(
            check=self.id,
            kind=self.kind,
            title="Move to the current generation",
            why=f"{target} is faster and costs {1 - successor.price_ratio:.1%} less than {resource.instance_type}.",
            action=Action("upgrade", resource.instance_type, target),
            remedy=Remedy(
                command=f"aws ec2 stop-instances --instance-ids {name} && aws ec2 wait instance-stopped "
                f"--instance-ids {name} && {change} {target} && aws ec2 start-instances --instance-ids {name}",
                terraform=f'instance_type = "{target}"',
                rollback=f"stop it, {change} {quoted(resource.instance_type)}, start it",
            ),
            risk={"compatibility": Level.MEDIUM, "cpu": Level.LOW, "memory": Level.LOW},
            effort=Effort.MEDIUM,
            basis=Basis.INFERRED,
            confidence=0.8,
            evidence=(bill_evidence(resource, "successor / present price", successor.price_ratio, prices.SOURCE),),
            needs_restart=True,
            reversible=True,
            exclusive_group=group_of(resource),
        )

    def kept(self, resource: Resource, line: Line) -> Decimal | None:
        """Return the successor's price over the family's."""
        successor = prices.SUCCESSORS.get(prices.split_type(line.instance_type)[0])
        return successor.price_ratio if successor else None


CHECK = PreviousGeneration()
