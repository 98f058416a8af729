"""Azure machines that are shut down and still paid for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costlab.analyzers._base import StockCheck
from costlab.analyzers.propose import GONE, Advice, group_of, quoted
from costlab.analyzers.stock import INVENTORY
from costlab.interfaces.finding import Action, Basis, Effort, Level, Remedy

if TYPE_CHECKING:
    from decimal import Decimal

    from costlab.analyzers.bill import Line, Resource
    from costlab.analyzers.stock import Item


class AllocatedInstance(StockCheck):
    """Stopped machine that is not deallocated.

    Fires when an inventory of the last 14 days shows an Azure machine ``stopped``: shut down from inside, its hardware
    still reserved and charged like a running one.
    Saving: the machine's hourly charges; disks and addresses stay.
    Cannot see: how long it has been stopped, and that its dynamic address is lost by deallocating it.
    Source: Microsoft FinOps toolkit, stopped virtual machines; Azure, states and billing status of virtual machines.
    """

    id = "waste_allocated_instance"
    needs = frozenset({INVENTORY})
    stocked = "instance"
    pattern = ""
    condition = "x_instance_type <> '' and lower(ServiceProviderName) like 'microsoft%'"

    def observed(self, resource: Resource, item: Item) -> Advice | None:
        """Return the advice to deallocate it when it is only shut down."""
        if item.state != "stopped":
            return None
        return Advice(
            check=self.id,
            kind=self.kind,
            title="Deallocate the stopped machine",
            why=f"On {item.observed_at:%Y-%m-%d} it was shut down and not deallocated, which costs as if it ran.",
            action=Action("stop", resource.instance_type, "deallocated"),
            remedy=Remedy(
                command=f"az vm deallocate --ids {quoted(resource.resource_id)}",
                terraform="",
                rollback=f"az vm start --ids {quoted(resource.resource_id)}",
            ),
            risk={"availability": Level.LOW},
            effort=Effort.VERY_LOW,
            basis=Basis.MEASURED,
            confidence=0.8,
            evidence=(item.evidence("power state", item.state),),
            reversible=True,
            exclusive_group=group_of(resource),
        )

    def kept(self, resource: Resource, line: Line) -> Decimal | None:
        """Return 0 for the machine's own charges."""
        del resource
        return GONE if line.instance_type else None


CHECK = AllocatedInstance()
