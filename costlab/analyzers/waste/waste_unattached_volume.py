"""Volumes that belong to no machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costlab.analyzers._base import MetricCheck
from costlab.analyzers.propose import Advice, command_for, group_of, quoted, usage_evidence
from costlab.analyzers.waste.waste_idle_volume import VOLUMES
from costlab.interfaces.finding import Action, Basis, Effort, Level, Remedy

if TYPE_CHECKING:
    from costlab.analyzers.bill import Resource
    from costlab.analyzers.usage import Usage


class UnattachedVolume(MetricCheck):
    """Unattached volume.

    Fires when the metric ``attached`` (0 or 1) was 0 in every sample of 14 days. The bill does not tell whether a
    volume is attached, so without that metric it is not assessed.
    Saving: capacity, provisioned IOPS and throughput; a snapshot kept in its place is charged on its used blocks.
    Cannot see: a volume kept on purpose, such as a cold spare.
    Source: AWS Compute Optimizer, unattached EBS volumes (there over 32 days).
    """

    id = "waste_unattached_volume"
    needs = frozenset({"attached"})
    pattern = VOLUMES

    def concerns(self, resource: Resource) -> bool:
        """Return whether it is a volume and not a machine with disk charges."""
        return not resource.instance_type

    def advise(self, resource: Resource, usage: dict[str, Usage]) -> Advice | None:
        """Return the advice to snapshot and delete it, or None when it was attached."""
        attached = usage["attached"]
        if attached.peak > 0:
            return None
        name = quoted(resource.resource_id)
        return Advice(
            check=self.id,
            kind=self.kind,
            title="Snapshot and delete the unattached volume",
            why=f"In {attached.days} days no machine had it attached.",
            action=Action("delete", "unattached volume", "snapshot"),
            remedy=Remedy(
                command=command_for(
                    resource,
                    aws=f"aws ec2 create-snapshot --volume-id {name} && aws ec2 delete-volume --volume-id {name}",
                    azure=f"az snapshot create --source {name} --name SNAPSHOT && az disk delete --ids {name}",
                    google=f"gcloud compute disks snapshot {name} && gcloud compute disks delete {name}",
                ),
                terraform="remove the aws_ebs_volume resource",
                rollback="aws ec2 create-volume --snapshot-id with the snapshot made before",
            ),
            risk={"availability": Level.LOW},
            effort=Effort.LOW,
            basis=Basis.MEASURED,
            confidence=0.95 * attached.coverage,
            evidence=(usage_evidence(attached, statistic="peak", unit="0 or 1"),),
            reversible=True,
            exclusive_group=group_of(resource),
        )


CHECK = UnattachedVolume()
