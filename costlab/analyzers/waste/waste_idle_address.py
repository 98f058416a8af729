"""Public addresses that point at nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costlab.analyzers._base import BillCheck
from costlab.analyzers.bill import local_id
from costlab.analyzers.propose import Advice, command_for, group_of, quoted
from costlab.interfaces.finding import Action, Basis, Effort, Level, Remedy

if TYPE_CHECKING:
    from costlab.analyzers.bill import Resource


class IdleAddress(BillCheck):
    """Unused public address.

    Fires when an address is billed as idle: AWS ``IdleAddress`` usage types, Google's charge for static addresses
    that are not in use.
    Saving: the address's hourly charge.
    Cannot see: that a partner has the address on an allow-list.
    Source: AWS VPC pricing (public IPv4, idle address); Google Cloud network pricing (unused static address).
    """

    id = "waste_idle_address"
    pattern = r"IdleAddress$|Static Ip Charge"

    def advise(self, resource: Resource) -> Advice | None:
        """Return the advice to release it; the charge itself is the evidence."""
        name = quoted(local_id(resource.resource_id))
        return Advice(
            check=self.id,
            kind=self.kind,
            title="Release the unused public address",
            why="It is billed as an address that nothing uses.",
            action=Action("release", "idle address", ""),
            remedy=Remedy(
                command=command_for(
                    resource,
                    aws=f"aws ec2 release-address --allocation-id {name}",
                    azure=f"az network public-ip delete --ids {quoted(resource.resource_id)}",
                    google=f"gcloud compute addresses delete {name}",
                ),
                terraform="remove the aws_eip resource",
                rollback="a released address can seldom be had again; a new one is aws ec2 allocate-address",
            ),
            risk={"availability": Level.LOW},
            effort=Effort.VERY_LOW,
            basis=Basis.INFERRED,
            confidence=0.95,
            reversible=False,
            exclusive_group=group_of(resource),
        )


CHECK = IdleAddress()
