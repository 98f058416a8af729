"""Volumes that belong to no machine."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from costlab.analyzers._base import MetricCheck
from costlab.analyzers.propose import Advice, command_for, group_of, propose, quoted, usage_evidence
from costlab.analyzers.stock import load_stock
from costlab.analyzers.usage import load_usage
from costlab.analyzers.waste.waste_idle_volume import VOLUMES
from costlab.interfaces.finding import Action, Basis, Effort, Level, Remedy

if TYPE_CHECKING:
    from costlab.analyzers.bill import Resource
    from costlab.analyzers.stock import Item
    from costlab.analyzers.usage import Usage
    from costlab.interfaces.analyzer import Assessment, Context
    from costlab.interfaces.finding import Evidence

_SETTLED = timedelta(days=1)


class UnattachedVolume(MetricCheck):
    """Unattached volume.

    Fires when an inventory of the last 14 days shows the volume attached to nothing, or, for a volume in no inventory,
    when the metric ``attached`` (0 or 1) was 0 in every sample of 14 days. A volume that the inventory shows attached,
    that was attached or created within a day of it, or in any sample, stays. The bill does not tell: without both it is
    not assessed.
    Saving: capacity, provisioned IOPS and throughput; a snapshot kept in its place is charged on its used blocks.
    Cannot see: a volume kept on purpose, such as a cold spare; on AWS, how long ago it was detached.
    Source: AWS Compute Optimizer, unattached EBS volumes (there over 32 days); Azure ``diskState`` Unattached.
    """

    id = "waste_unattached_volume"
    needs = frozenset({"attached"})
    pattern = VOLUMES

    def assess(self, context: Context) -> Assessment:
        """Return the items; the inventory decides on the volumes it shows, metrics on the others."""
        subjects = self.subjects(context)
        stock = load_stock(context, "disk")
        result = self.measured(context, [resource for resource in subjects if stock.of(resource) is None])
        samples = load_usage(context, "attached")
        for resource in subjects:
            item, usage = stock.of(resource), samples.of(resource)
            if item is not None and _is_spare(item) and (usage is None or usage.peak == 0):
                why = f"On {item.observed_at:%Y-%m-%d} it was attached to nothing."
                evidence = item.evidence("attached_to", item.state or "nothing")
                advice = self._advice(resource, why, evidence, 0.9)
                result.items.append(propose(resource, advice, kept=partial(self.kept, resource, usage={})))
        return result

    def concerns(self, resource: Resource) -> bool:
        """Return whether it is a volume and not a machine with disk charges."""
        return not resource.instance_type

    def advise(self, resource: Resource, usage: dict[str, Usage]) -> Advice | None:
        """Return the advice to snapshot and delete it, or None when it was attached."""
        attached = usage["attached"]
        if attached.peak > 0:
            return None
        why = f"In {attached.days} days no machine had it attached."
        evidence = usage_evidence(attached, statistic="peak", unit="0 or 1")
        return self._advice(resource, why, evidence, 0.95 * attached.coverage)

    def _advice(self, resource: Resource, why: str, evidence: Evidence, confidence: float) -> Advice:
        name = quoted(resource.resource_id)
        return Advice(
            check=self.id,
            kind=self.kind,
            title="Snapshot and delete the unattached volume",
            why=why,
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
            confidence=confidence,
            evidence=(evidence,),
            reversible=True,
            exclusive_group=group_of(resource),
        )


def _is_spare(item: Item) -> bool:
    """Whether it is attached to nothing, and was not only just created or let go."""
    if item.attached_to or item.state.lower() in {"attached", "in-use", "activesas", "reserved"}:
        return False
    told = [item.properties.get(name) for name in ("detached_at", "attachment_changed_at")]
    changes = [datetime.fromisoformat(text) for text in told if text]
    return all(item.observed_at - change >= _SETTLED for change in [*changes, item.created_at] if change)


CHECK = UnattachedVolume()
