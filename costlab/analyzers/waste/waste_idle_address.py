"""Public addresses that point at nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from costlab.analyzers._base import StockCheck
from costlab.analyzers.bill import local_id
from costlab.analyzers.propose import Advice, command_for, group_of, quoted
from costlab.interfaces.finding import Action, Basis, Effort, Level, Remedy

if TYPE_CHECKING:
    from costlab.analyzers.bill import Resource
    from costlab.analyzers.stock import Item

_OBSERVED = 0.98


_IDLE = r"IdleAddress$|Static Ip Charge"


class IdleAddress(StockCheck):
    """Unused public address.

    Fires when an address is billed as idle (AWS ``IdleAddress`` usage types, Google's charge for static addresses that
    are not in use), or an inventory of the last 14 days shows it belonging to nothing, as on Azure, where both cost the
    same. An address that the inventory shows in use stays, also one of a stopped machine, which AWS bills as idle.
    Saving: the address's hourly charge.
    Cannot see: that a partner has the address on an allow-list.
    Source: AWS VPC pricing (public IPv4, idle address); Google Cloud network pricing (unused static address); Azure
    Resource Graph, public addresses without ``ipConfiguration``.
    """

    id = "waste_idle_address"
    stocked = "address"
    pattern = rf"{_IDLE}|Static Public IP$"

    def advise(self, resource: Resource) -> Advice | None:
        """Return the advice to release it; the charge itself is the evidence."""
        if not any(re.search(_IDLE, line.usage_type) for line in resource.lines):
            return None
        return self._advice(resource, "It is billed as an address that nothing uses.")

    def observed(self, resource: Resource, item: Item) -> Advice | None:
        """Return the advice to release it when it belongs to nothing."""
        if item.attached_to or item.state.lower() in {"associated", "in_use", "reserving"}:
            return None
        why = f"On {item.observed_at:%Y-%m-%d} it belonged to nothing."
        evidence = (item.evidence("attached_to", item.state or "nothing"),)
        return replace(self._advice(resource, why), basis=Basis.MEASURED, confidence=_OBSERVED, evidence=evidence)

    def _advice(self, resource: Resource, why: str) -> Advice:
        name = quoted(local_id(resource.resource_id))
        return Advice(
            check=self.id,
            kind=self.kind,
            title="Release the unused public address",
            why=why,
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
