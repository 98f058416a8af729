"""Caches nobody connects to."""

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


class IdleCache(MetricCheck):
    """Idle cache.

    Fires when in 14 days no sample of ``connections`` was above 0.
    Saving: the node hours.
    Cannot see: a standby, or a monthly job.
    Source: AWS Compute Optimizer, idle ElastiCache clusters (no new connections, 14 days).
    """

    id = "waste_idle_cache"
    needs = frozenset({"connections"})
    condition = "x_instance_type <> ''"

    def concerns(self, resource: Resource) -> bool:
        """Return whether it is a cache node."""
        return resource.service_category == "Databases" and resource.instance_type.startswith("cache.")

    def advise(self, resource: Resource, usage: dict[str, Usage]) -> Advice | None:
        """Return the advice to delete it or None when it is used."""
        connections = usage["connections"]
        if connections.peak > 0:
            return None
        name = quoted(local_id(resource.resource_id))
        return Advice(
            check=self.id,
            kind=self.kind,
            title="Delete the idle cache",
            why=f"In {connections.days} days nobody connected to it.",
            action=Action("delete", resource.instance_type, ""),
            remedy=Remedy(
                command=command_for(
                    resource,
                    aws=f"aws elasticache delete-cache-cluster --cache-cluster-id {name}",
                    azure=f"az redis delete --ids {quoted(resource.resource_id)}",
                    google=f"gcloud redis instances delete {name}",
                ),
                terraform="remove the aws_elasticache_cluster or aws_elasticache_replication_group resource",
                rollback="create it again from its Terraform; a cache fills itself",
            ),
            risk={"availability": Level.MEDIUM, "data": Level.MEDIUM},
            effort=Effort.LOW,
            basis=Basis.MEASURED,
            confidence=0.9 * connections.coverage,
            evidence=(usage_evidence(connections, statistic="peak", unit="connections"),),
            reversible=True,
            exclusive_group=group_of(resource),
        )

    def kept(self, resource: Resource, line: Line, *, usage: dict[str, Usage]) -> Decimal | None:
        """Return 0 for the nodes; backups stay."""
        return None if "Backup" in line.usage_type or "Snapshot" in line.usage_type else GONE


CHECK = IdleCache()
