"""Snapshots that have been paid for a long time."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from costlab.analyzers.bill import local_id, resources
from costlab.analyzers.propose import GONE, Advice, bill_evidence, command_for, propose, quoted
from costlab.interfaces.analyzer import Assessment
from costlab.interfaces.finding import Action, Basis, Effort, Kind, Level, Remedy

if TYPE_CHECKING:
    from costlab.analyzers.bill import Resource
    from costlab.interfaces.analyzer import Context

AGE_DAYS = 90
_SEEN = """
select ResourceId as resource_id, min(x_first_start) as first_seen
from marts.resource_days
where regexp_matches(coalesce(x_usage_type, ''), $pattern) and x_first_start < $now
group by 1
"""


class OldSnapshot:
    """Old snapshot.

    Fires when a snapshot has been billed for 90 days or longer. With less than 90 days of bills nothing can be that
    old, and it is not assessed.
    Saving: at most the snapshot's charge; blocks that a newer snapshot shares with it stay, hence the wide range.
    Cannot see: retention duties, and whether an image uses the snapshot (deleting it then fails, with no harm).
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
        if context.now - first_bill < timedelta(days=AGE_DAYS):
            return Assessment(not_assessed=f"the bill does not reach back {AGE_DAYS} days")
        seen = {
            row["resource_id"]: row["first_seen"]
            for row in context.db.rows(_SEEN, {"pattern": self.pattern, "now": context.now})
        }
        old = [r for r in snapshots if context.now - seen[r.resource_id] >= timedelta(days=AGE_DAYS)]
        return Assessment(
            [propose(r, self._advice(r, context.now - seen[r.resource_id], seen), kept=lambda _: GONE) for r in old]
        )

    def _advice(self, resource: Resource, age: timedelta, seen: dict[str, datetime]) -> Advice:
        name = quoted(local_id(resource.resource_id))
        return Advice(
            check=self.id,
            kind=self.kind,
            title="Delete the old snapshot",
            why=f"It has been billed for {age.days} days.",
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
            evidence=(bill_evidence(resource, "first billed", str(seen[resource.resource_id].date()), "day"),),
            reversible=False,
            low_ratio=Decimal("0.2"),
        )


CHECK = OldSnapshot()
