"""Machines that are larger than their peak needs."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from costlab.analyzers.bill import local_id, resources
from costlab.analyzers.propose import Advice, bill_evidence, command_for, group_of, propose, quoted, usage_evidence
from costlab.analyzers.rightsize._shapes import PriceBook, Target, smaller_types
from costlab.analyzers.usage import load_usage
from costlab.interfaces.analyzer import Assessment
from costlab.interfaces.finding import Action, Basis, Effort, Evidence, Kind, Level, Recommendation, Remedy

if TYPE_CHECKING:
    from costlab.analyzers.bill import Resource
    from costlab.analyzers.usage import Usage
    from costlab.interfaces.analyzer import Context

HEADROOM = Decimal("1.2")
_FULL = Decimal(100)
_TIGHT = Decimal("0.8")


@dataclass(frozen=True, slots=True)
class Need:
    """What share of its present capacity a machine needs, headroom included."""

    cpu: Usage
    memory: Usage | None

    @property
    def cpu_ratio(self) -> Decimal:
        """99.5th percentile of CPU + 20 %, as a share of the present vCPUs."""
        return Decimal(self.cpu.p995) * HEADROOM / _FULL

    @property
    def memory_ratio(self) -> Decimal:
        """Highest memory sample + 20 %, as a share of the present memory; 1 when memory is not known."""
        return Decimal(self.memory.peak) * HEADROOM / _FULL if self.memory else Decimal(1)

    def fits(self, target: Target) -> bool:
        """Return whether CPU and memory fit; unknown memory is never lowered."""
        return self.cpu_ratio <= target.capacity_ratio and self.memory_ratio <= target.capacity_ratio


class RightsizeInstance:
    """Oversized instance.

    Fires when a smaller size of the same family (of the successor, for a previous generation) holds the 99.5th
    percentile of CPU over 14 days plus 20 % and the highest memory sample plus 20 %. The smallest that fits is taken.
    Memory goes with size inside a family, so a machine without memory samples is never made smaller: it is counted as
    not assessed.
    Saving: the charge x (1 - price of the new type / price of the present one), with list prices the bill itself shows
    for both in the region, else the ratio of the sizes. Azure's sizes are the cores in the name (D and E series from
    version 3, F of version 2).
    Cannot see: network and disk limits of the smaller size, licences bound to it, bursts within a sample, and peaks
    that come less often than every 14 days. Burstable families are left alone: their credits need a simulation.
    Source: AWS Compute Optimizer, default preset (P99.5, 20 % CPU headroom, 20 % memory headroom, 14 days).
    """

    id = "rightsize_instance"
    kind = Kind.RIGHTSIZE
    needs = frozenset({"cpu_percent", "memory_percent"})

    def assess(self, context: Context) -> Assessment:
        """Return one item per machine for which a smaller size suffices."""
        machines = [r for r in resources(context, condition="x_instance_type <> ''") if r.instance_type]
        if not machines:
            return Assessment()
        cpu, memory = load_usage(context, "cpu_percent"), load_usage(context, "memory_percent")
        book = PriceBook(context)
        result, unknown = Assessment(), {"cpu_percent": 0, "memory_percent": 0}
        for machine in machines:
            own_cpu, own_memory = cpu.of(machine), memory.of(machine)
            if own_cpu is None or not own_cpu.is_enough:
                unknown["cpu_percent"] += 1
                continue
            if own_memory is None or not own_memory.is_enough:
                unknown["memory_percent"] += 1
            item = self._item(machine, Need(own_cpu, own_memory), book)
            if item is not None:
                result.items.append(item)
        absent = [f"{metric} for {n} of {len(machines)}" for metric, n in unknown.items() if n]
        if absent:
            result.not_assessed = f"no or too few samples of {', '.join(absent)} machines"
        return result

    def _item(self, machine: Resource, need: Need, book: PriceBook) -> Recommendation | None:
        main = max((x for x in machine.lines if x.instance_type), key=lambda x: (x.listed, x.usage_type))
        key = (machine.service_name, machine.region_id, main.usage_type.replace(machine.instance_type, "{}"))
        target = next((t for t in smaller_types(machine.instance_type, key, book) if need.fits(t)), None)
        if target is None:
            return None
        advice = self._advice(machine, need, target)
        return propose(machine, advice, kept=lambda line: target.price_ratio if line.instance_type else None)

    def _advice(self, machine: Resource, need: Need, target: Target) -> Advice:
        tightness = max(need.cpu_ratio, need.memory_ratio) / target.capacity_ratio
        coverage = min(need.cpu.coverage, need.memory.coverage if need.memory else 0.0)
        return Advice(
            check=self.id,
            kind=self.kind,
            title="Use a smaller machine",
            why=f"{target.instance_type} holds its 99.5th percentile of CPU and its highest memory use, each + 20 %.",
            action=Action("resize", machine.instance_type, target.instance_type),
            remedy=_remedy(machine, target),
            risk={
                "cpu": Level.MEDIUM if tightness > _TIGHT else Level.LOW,
                "memory": Level.MEDIUM if tightness > _TIGHT else Level.LOW,
                "network": Level.MEDIUM,
            },
            effort=Effort.MEDIUM,
            basis=Basis.MEASURED,
            confidence=0.9 * coverage,
            evidence=_evidence(machine, need, target),
            needs_restart=True,
            reversible=True,
            exclusive_group=group_of(machine),
        )


def _evidence(machine: Resource, need: Need, target: Target) -> tuple[Evidence, ...]:
    found = [usage_evidence(need.cpu, statistic="p995", unit="percent")]
    if need.memory:
        found.append(usage_evidence(need.memory, statistic="peak", unit="percent"))
    found.append(bill_evidence(machine, f"price ratio ({target.price_source})", target.price_ratio, "ratio"))
    return tuple(found)


def _remedy(machine: Resource, target: Target) -> Remedy:
    if machine.instance_type.startswith("db."):
        name = quoted(local_id(machine.resource_id))
        modify = f"aws rds modify-db-instance --db-instance-identifier {name} --apply-immediately --db-instance-class"
        return Remedy(
            f"{modify} {quoted(target.instance_type)}",
            f"instance_class = {target.instance_type!r}",
            f"{modify} {quoted(machine.instance_type)}",
        )
    name = quoted(machine.resource_id)

    def resize(to: str) -> str:
        return command_for(
            machine,
            aws=f"aws ec2 stop-instances --instance-ids {name} && aws ec2 wait instance-stopped --instance-ids {name} "
            f"&& aws ec2 modify-instance-attribute --instance-id {name} --instance-type {quoted(to)} "
            f"&& aws ec2 start-instances --instance-ids {name}",
            azure=f"az vm resize --ids {name} --size {quoted(to)}",
            google=f"gcloud compute instances set-machine-type {name} --machine-type {quoted(to)}",
        )

    return Remedy(
        resize(target.instance_type), f"instance_type = {target.instance_type!r}", resize(machine.instance_type)
    )


CHECK = RightsizeInstance()
