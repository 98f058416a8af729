"""Databases nobody connects to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costlab.analyzers._base import MetricCheck
from costlab.analyzers.bill import local_id
from costlab.analyzers.propose import GONE, Advice, command_for, group_of, quoted, usage_evidence
from costlab.interfaces.finding import Action, Basis, Effort, Level, Remedy

if TYPE_CHECKING:
    from decimal import Decimal

    from costlab.analyzers.bill import Line, Resource
    from costlab.analyzers.usage import Usage


class IdleDatabase(MetricCheck):
    """Idle database.

    Fires when in 14 days no sample of ``connections`` was above 0.
    Saving: instance hours, storage and provisioned IOPS; the final snapshot is charged on its used blocks.
    Cannot see: a standby, a read replica kept for a failover, or a monthly job.
    Source: AWS Compute Optimizer, idle RDS instances (no connections, 14 days).
    """

    id = "waste_idle_database"
    needs = frozenset({"connections"})
    condition = "x_instance_type <> ''"

    def concerns(self, resource: Resource) -> bool:
        """Return whether it is a database machine and not a cache."""
        return resource.service_category == "Databases" and resource.instance_type.startswith(("db.", "dc", "ra3"))

    def advise(self, resource: Resource, usage: dict[str, Usage]) -> Advice | None:
        """Return the advice to delete it with a final snapshot, or None when it is used."""
        connections = usage["connections"]
        if connections.peak > 0:
            return None
        name = quoted(local_id(resource.resource_id))
        return Advice(
            check=self.id,
            kind=self.kind,
            title="Delete the idle database, keeping a final snapshot",
            why=f"In {connections.days} days nobody connected to it.",
            action=Action("delete", resource.instance_type, "snapshot"),
            remedy=Remedy(
                command=command_for(
                    resource,
                    aws=f"aws rds delete-db-instance --db-instance-identifier {name} "
                    f"--final-db-snapshot-identifier {quoted(local_id(resource.resource_id) + '-final')}",
                    azure=f"az resource delete --ids {quoted(resource.resource_id)}",
                    google=f"gcloud sql instances delete {name}",
                ),
                terraform="remove the aws_db_instance resource (skip_final_snapshot = false)",
                rollback="aws rds restore-db-instance-from-db-snapshot with the final snapshot",
            ),
            risk={"availability": Level.MEDIUM, "data": Level.LOW},
            effort=Effort.LOW,
            basis=Basis.MEASURED,
            confidence=0.9 * connections.coverage,
            evidence=(usage_evidence(connections, statistic="peak", unit="connections"),),
            reversible=True,
            exclusive_group=group_of(resource),
        )

    def kept(self, resource: Resource, line: Line, *, usage: dict[str, Usage]) -> Decimal | None:
        """Return 0 for everything charged on the database, backups excepted."""
        return None if "Backup" in line.usage_type or "Snapshot" in line.usage_type else GONE


CHECK = IdleDatabase()
