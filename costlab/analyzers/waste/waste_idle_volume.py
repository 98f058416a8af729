"""Volumes that nobody reads or writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costlab.analyzers._base import MetricCheck
from costlab.analyzers.propose import Advice, command_for, group_of, quoted, usage_evidence
from costlab.interfaces.finding import Action, Basis, Effort, Level, Remedy

if TYPE_CHECKING:
    from costlab.analyzers.bill import Resource
    from costlab.analyzers.usage import Usage

VOLUMES = r"EBS:Volume|PD Capacity|Hyperdisk|Disk"
PEAK_IOPS = 0.01


class IdleVolume(MetricCheck):
    """Idle volume.

    Fires when over 14 days no sample of ``disk_iops`` is above 0.01 (one operation in 100 seconds).
    Saving: capacity, provisioned IOPS and throughput; a snapshot kept in its place is charged on its used blocks.
    Cannot see: a volume that is read less often than every 14 days.
    Source: AWS Trusted Advisor, underutilised EBS volumes (less than one operation a day over 7 days), made a
    little wider for the heartbeat that attached file systems have, over a window twice as long.
    """

    id = "waste_idle_volume"
    needs = frozenset({"disk_iops"})
    pattern = VOLUMES

    def concerns(self, resource: Resource) -> bool:
        """Return whether it is a volume and not a machine with disk charges."""
        return not resource.instance_type

    def advise(self, resource: Resource, usage: dict[str, Usage]) -> Advice | None:
        """Return the advice to snapshot and delete it, or None when it is used."""
        iops = usage["disk_iops"]
        if iops.peak > PEAK_IOPS:
            return None
        name = quoted(resource.resource_id)
        return Advice(
            check=self.id,
            kind=self.kind,
            title="Snapshot and delete the idle volume",
            why=f"In {iops.days} days it never did more than {iops.peak:.3f} operations a second.",
            action=Action("delete", "idle volume", "snapshot"),
            remedy=Remedy(
                command=command_for(
                    resource,
                    aws=f"aws ec2 create-snapshot --volume-id {name} && aws ec2 delete-volume --volume-id {name}",
                    azure=f"az snapshot create --source {name} --name SNAPSHOT && az disk delete --ids {name}",
                    google=f"gcloud compute disks snapshot {name} && gcloud compute disks delete {name}",
                ),
                terraform="remove the aws_ebs_volume and aws_volume_attachment resources",
                rollback="aws ec2 create-volume --snapshot-id with the snapshot made before",
            ),
            risk={"availability": Level.MEDIUM, "disk_iops": Level.LOW},
            effort=Effort.LOW,
            basis=Basis.MEASURED,
            confidence=0.9 * iops.coverage,
            evidence=(usage_evidence(iops, statistic="peak", unit="operations/second"),),
            reversible=True,
            exclusive_group=group_of(resource),
        )


CHECK = IdleVolume()
