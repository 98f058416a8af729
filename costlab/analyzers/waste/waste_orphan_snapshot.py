"""Snapshots whose disk is gone."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from costlab.analyzers.bill import local_id, resources
from costlab.analyzers.propose import GONE, Advice, command_for, group_of, propose, quoted
from costlab.analyzers.stock import INVENTORY, load_stock
from costlab.interfaces.analyzer import Assessment
from costlab.interfaces.finding import Action, Basis, Effort, Kind, Level, Remedy

if TYPE_CHECKING:
    from costlab.analyzers.bill import Resource
    from costlab.analyzers.stock import Item, Stock
    from costlab.interfaces.analyzer import Context

MIN_AGE = timedelta(days=30)
_EXPIRING = ("aws:backup:", "aws:dlm:")
SNAPSHOTS = r"SnapshotUsage|StorageSnapshot|PD Snapshot|Snapshots$"


class OrphanSnapshot:
    """Snapshot of a deleted disk.

    Fires when an inventory of the last 14 days shows a snapshot of 30 days or more, its disk is not there
    any more, and no machine image needs it. Only where all disks and images of its account and region were looked at;
    without an inventory it is not assessed. Snapshots that AWS Backup or a lifecycle policy made expire by themselves.
    Saving: at most the snapshot's charge; blocks that a newer snapshot shares with it stay, hence the wide range.
    Cannot see: that it is the last copy of data somebody still wants, and retention duties; a disk in another account.
    Source: hystax OptScale, obsolete snapshots (source volume gone; there after 3 days).
    """

    id = "waste_orphan_snapshot"
    kind = Kind.WASTE
    needs = frozenset({INVENTORY})

    def assess(self, context: Context) -> Assessment:
        """Return one item per snapshot of a disk that is gone."""
        subjects = resources(context, SNAPSHOTS)
        if not subjects:
            return Assessment()
        snapshots, disks, images = (load_stock(context, kind) for kind in ("snapshot", "disk", "image"))
        needed = {local_id(name) for image in images for name in image.properties.get("snapshots", ())}
        result, unknown = Assessment(), 0
        for resource in subjects:
            item = snapshots.of(resource)
            if item is None or not (disks.covers(resource) and images.covers(resource)):
                unknown += 1
            elif _is_orphan(item, disks, context) and local_id(item.resource_id) not in needed:
                result.items.append(propose(resource, self._advice(resource, item), kept=lambda _: GONE))
        if unknown:
            result.not_assessed = f"{unknown} of {len(subjects)} snapshots, their disks or images are in no inventory"
        return result

    def _advice(self, resource: Resource, item: Item) -> Advice:
        name = quoted(local_id(resource.resource_id))
        return Advice(
            check=self.id,
            kind=self.kind,
            title="Delete the snapshot of a disk that is gone",
            why=f"Its disk {local_id(item.attached_to)} was not there any more on {item.observed_at:%Y-%m-%d}.",
            action=Action("delete", "orphan snapshot", ""),
            remedy=Remedy(
                command=command_for(
                    resource,
                    aws=f"aws ec2 delete-snapshot --snapshot-id {name}",
                    azure=f"az snapshot delete --ids {quoted(resource.resource_id)}",
                    google=f"gcloud compute snapshots delete {name}",
                ),
                terraform="remove the aws_ebs_snapshot resource",
                rollback="none: a deleted snapshot is gone (unless a recycle-bin rule keeps it)",
            ),
            risk={"data": Level.MEDIUM},
            effort=Effort.VERY_LOW,
            basis=Basis.MEASURED,
            confidence=0.7,
            evidence=(item.evidence("source disk", item.attached_to),),
            reversible=False,
            low_ratio=Decimal("0.2"),
            exclusive_group=group_of(resource),
        )


def _is_orphan(item: Item, disks: Stock, context: Context) -> bool:
    if any(key.startswith(_EXPIRING) for key in item.tags):
        return False
    is_old = item.created_at is not None and context.now - item.created_at >= MIN_AGE
    return is_old and bool(item.attached_to) and disks.named(item.attached_to) is None


CHECK = OrphanSnapshot()
