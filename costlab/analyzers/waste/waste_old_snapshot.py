"""Snapshots that have been paid for a long time."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from costlab.analyzers.bill import local_id, resources
from costlab.analyzers.propose import GONE, Advice, bill_evidence, command_for, group_of, propose, quoted
from costlab.analyzers.stock import load_stock
from costlab.interfaces.analyzer import Assessment
from costlab.interfaces.finding import Action, Basis, Effort, Kind, Level, Remedy

if TYPE_CHECKING:
    from costlab.analyzers.bill import Resource
    from costlab.interfaces.analyzer import Context

AGE_DAYS = 90
_OLD = timedelta(days=AGE_DAYS)
_SEEN = """
select ResourceId as resource_id, min(x_first_start) as first_seen
from marts.resource_days
where regexp_matches(coalesce(x_usage_type, ''), $pattern) and x_first_start < $now
group by 1
"""


class OldSnapshot:
    """Old snapshot.

    Fires when a snapshot has been billed for 90 days or longer, or an inventory shows that it is that old. With less
    than 90 days of bills those in no inventory are not assessed. One that an inventory's machine image needs stays.
    Saving: at most the snapshot's charge; blocks that a newer snapshot shares with it stay, hence the wide range.
    Cannot see: retention duties, and without an inventory whether an image uses the snapshot (deleting it then fails,
    with no harm).
    Source: AWS EBS pricing (snapshots are charged on the blocks that changed); age as in common clean-up policies.
    """

    id = "waste_old_snapshot"
    kind = Kind.WASTE
    needs: frozenset[str] = frozenset()
    pattern = r"SnapshotUsage$|StorageSnapshot|Storage PD Snapshot"

    def assess(self, context: Context) -> Assessment:
        """Return one item per snapshot that is old enough."""
        snapshots = resources(context, self.pattern)
        if not snapshots:
            return Assessment()
        first_bill = context.db.rows("select min(x_first_start) as first from marts.resource_days")[0]["first"]
        known = load_stock(context, "snapshot")
        images = load_stock(context, "image")
        needed = {local_id(name) for image in images for name in image.properties.get("snapshots", ())}
        seen = _first_seen(context, self.pattern)
        result = Assessment()
        for resource in snapshots:
            since = seen[resource.resource_id]
            item = known.of(resource)
            if item is not None and item.created_at is not None:
                since = min(since, item.created_at)
            elif context.now - first_bill < _OLD:
                result.not_assessed = f"the bill does not reach back {AGE_DAYS} days"
            if context.now - since >= _OLD and local_id(resource.resource_id) not in needed:
                advice = self._advice(resource, context.now - since, since)
                result.items.append(propose(resource, advice, kept=lambda _: GONE))
        return result

    def _advice(self, resource: Resource, age: timedelta, since: datetime) -> Advice:
        name = quoted(local_id(resource.resource_id))
        return Advice(
            check=self.id,
            kind=self.kind,
            title="Delete the old snapshot",
            why=f"It has been kept for {age.days} days.",
            action=Action("delete", "snapshot", ""),
            remedy=Remedy(
                command=command_for(
                    resource,
                    aws=f"aws ec2 delete-snapshot --snapshot-id {name}",
                    azure=f"az snapshot delete --ids {quoted(resource.resource_id)}",
                    google=f"gcloud compute snapshots delete {name}",
                ),
                terraform="remove the aws_ebs_snapshot resource, or shorten the lifecycle policy's retention",
                rollback="none: a deleted snapshot is gone (unless a recycle-bin rule keeps it)",
            ),
            risk={"data": Level.MEDIUM},
            effort=Effort.VERY_LOW,
            basis=Basis.INFERRED,
            confidence=0.6,
            evidence=(bill_evidence(resource, "kept since", str(since.date()), "day"),),
            reversible=False,
            low_ratio=Decimal("0.2"),
            exclusive_group=group_of(resource),
        )


def _first_seen(context: Context, pattern: str) -> dict[str, datetime]:
    """Return resource id -> start of its first charge."""
    rows = context.db.rows(_SEEN, {"pattern": pattern, "now": context.now})
    return {row["resource_id"]: row["first_seen"] for row in rows}


CHECK = OldSnapshot()
