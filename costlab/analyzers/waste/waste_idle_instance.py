"""Instances that run and do nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costlab.analyzers._base import MetricCheck
from costlab.analyzers.propose import GONE, Advice, command_for, group_of, quoted, usage_evidence
from costlab.interfaces.finding import Action, Basis, Effort, Level, Remedy

if TYPE_CHECKING:
    from decimal import Decimal

    from costlab.analyzers.bill import Line, Resource
    from costlab.analyzers.usage import Usage

PEAK_CPU_PERCENT = 5.0
NETWORK_BYTES_PER_DAY = 5e6


class IdleInstance(MetricCheck):
    """Idle instance.

    Fires when over 14 days the highest CPU sample is below 5 % and network traffic is below 5 MB a day.
    ``network_bytes`` holds the bytes of each sample's interval. Without samples of both it is not assessed.
    Saving: the instance's hours; its volumes stay and are charged on.
    Cannot see: work that shows in neither CPU nor network, such as a licence server or a GPU job.
    Source: AWS Compute Optimizer, idle EC2 instances (peak CPU < 5 %, network I/O < 5 MB a day, 14 days).
    """

    id = "waste_idle_instance"
    needs = frozenset({"cpu_percent", "network_bytes"})
    condition = "x_instance_type <> ''"

    def concerns(self, resource: Resource) -> bool:
        """Return whether it is a machine of a compute service."""
        return resource.service_category == "Compute" and bool(resource.instance_type)

    def advise(self, resource: Resource, usage: dict[str, Usage]) -> Advice | None:
        """Return the advice to stop it, or None when it works."""
        cpu, network = usage["cpu_percent"], usage["network_bytes"]
        if cpu.peak >= PEAK_CPU_PERCENT or network.daily_total >= NETWORK_BYTES_PER_DAY:
            return None
        name = quoted(resource.resource_id)
        return Advice(
            check=self.id,
            kind=self.kind,
            title="Stop the idle instance",
            why=f"In {cpu.days} days its CPU never passed {cpu.peak:.1f} % and it moved "
            f"{network.daily_total / 1e6:.2f} MB a day.",
            action=Action("stop", resource.instance_type, ""),
            remedy=Remedy(
                command=command_for(
                    resource,
                    aws=f"aws ec2 stop-instances --instance-ids {name}",
                    azure=f"az vm deallocate --ids {name}",
                    google=f"gcloud compute instances stop {name}",
                ),
                terraform="remove the aws_instance resource, or set its count to 0",
                rollback=command_for(
                    resource,
                    aws=f"aws ec2 start-instances --instance-ids {name}",
                    azure=f"az vm start --ids {name}",
                    google=f"gcloud compute instances start {name}",
                ),
            ),
            risk={"availability": Level.MEDIUM, "cpu": Level.LOW, "network": Level.LOW},
            effort=Effort.VERY_LOW,
            basis=Basis.MEASURED,
            confidence=0.95 * min(cpu.coverage, network.coverage),
            evidence=(
                usage_evidence(cpu, statistic="peak", unit="percent"),
                usage_evidence(network, statistic="daily_total", unit="bytes/day"),
            ),
            needs_restart=True,
            reversible=True,
            exclusive_group=group_of(resource),
        )

    def kept(self, resource: Resource, line: Line, *, usage: dict[str, Usage]) -> Decimal | None:
        """Return 0 for the machine's own hours; data transfer is negligible by the rule."""
        return GONE if line.instance_type else None


CHECK = IdleInstance()
