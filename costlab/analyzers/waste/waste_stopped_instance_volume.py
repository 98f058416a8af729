"""Volumes of machines that have been off for weeks."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from costlab.analyzers.bill import WINDOW_DAYS, local_id, resources
from costlab.analyzers.propose import GONE, Advice, command_for, group_of, propose, quoted
from costlab.analyzers.stock import INVENTORY, load_stock
from costlab.analyzers.waste.waste_idle_volume import VOLUMES
from costlab.interfaces.analyzer import Assessment
from costlab.interfaces.finding import Action, Basis, Effort, Kind, Level, Remedy

if TYPE_CHECKING:
    from decimal import Decimal

    from costlab.analyzers.bill import Line, Resource
    from costlab.analyzers.stock import Item
    from costlab.interfaces.analyzer import Context

OFF = frozenset({"stopped", "deallocated", "terminated", "suspended"})
"""Power states of a machine that does not run; Google calls a stopped one TERMINATED."""
_RAN = """
select distinct ResourceId as resource_id from marts.resource_days
where coalesce(x_instance_type, '') <> '' and x_last_end > $since and x_first_start < $now
"""


class StoppedInstanceVolume:
    """Volume of a stopped machine.

    Fires when an inventory of the last 14 days shows the volume attached to a machine that is off, and the bill has no
    charge for that machine in 14 days. A volume in no inventory is not assessed.
    Saving: capacity, provisioned IOPS and throughput; a snapshot kept in its place is charged on its used blocks.
    Cannot see: a machine that is meant to be started again, such as a standby.
    Source: Turbot Thrifty, volumes attached to stopped instances; Microsoft FinOps toolkit, long deallocated machines.
    """

    id = "waste_stopped_instance_volume"
    kind = Kind.WASTE
    needs = frozenset({INVENTORY})

    def assess(self, context: Context) -> Assessment:
        """Return one item per volume whose machine is off and was not charged in the window."""
        subjects = [resource for resource in resources(context, VOLUMES) if not resource.instance_type]
        if not subjects:
            return Assessment()
        disks, machines = load_stock(context, "disk"), load_stock(context, "instance")
        ran = _ran(context)
        result, unknown = Assessment(), 0
        for resource in subjects:
            disk = disks.of(resource)
            unknown += disk is None
            machine = machines.named(disk.attached_to) if disk is not None and disk.attached_to else None
            if machine is not None and machine.state.lower() in OFF and local_id(machine.resource_id) not in ran:
                result.items.append(propose(resource, self._advice(resource, machine), kept=_kept))
        if unknown:
            result.not_assessed = f"{unknown} of {len(subjects)} volumes are in no inventory"
        return result

    def _advice(self, resource: Resource, machine: Item) -> Advice:
        name = quoted(resource.resource_id)
        disk = quoted(local_id(resource.resource_id))
        return Advice(
            check=self.id,
            kind=self.kind,
            title="Snapshot and delete the volume of the stopped machine",
            why=f"Its machine {local_id(machine.resource_id)} is off and was not charged for {WINDOW_DAYS} days.",
            action=Action("delete", "volume of a stopped machine", "snapshot"),
            remedy=Remedy(
                command=command_for(
                    resource,
                    aws=f"aws ec2 create-snapshot --volume-id {name} && aws ec2 detach-volume --volume-id {name} "
                    f"&& aws ec2 delete-volume --volume-id {name}",
                    azure=f"az snapshot create --source {name} --name SNAPSHOT && az disk delete --ids {name}",
                    google=f"gcloud compute disks snapshot {disk} && gcloud compute disks delete {disk}",
                ),
                terraform="remove the machine and its volumes, or snapshot and remove the volume",
                rollback="make the volume of the snapshot again and attach it",
            ),
            risk={"availability": Level.MEDIUM},
            effort=Effort.LOW,
            basis=Basis.MEASURED,
            confidence=0.7,
            evidence=(machine.evidence("state of the machine", machine.state),),
            reversible=True,
            exclusive_group=group_of(resource),
        )


def _ran(context: Context) -> set[str]:
    """Return the last parts of the names of all machines that were charged in the window."""
    asked = {"since": context.now - timedelta(days=WINDOW_DAYS), "now": context.now}
    return {local_id(row["resource_id"]) for row in context.db.rows(_RAN, asked) if row["resource_id"]}


def _kept(line: Line) -> Decimal | None:
    return GONE if re.search(VOLUMES, line.usage_type) else None


CHECK = StoppedInstanceVolume()
