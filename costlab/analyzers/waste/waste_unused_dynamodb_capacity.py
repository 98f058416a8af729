"""Provisioned table capacity that is never consumed."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from costlab.analyzers._base import MetricCheck
from costlab.analyzers.bill import local_id
from costlab.analyzers.propose import Advice, quoted, usage_evidence
from costlab.interfaces.finding import Action, Basis, Effort, Level, Remedy

if TYPE_CHECKING:
    from costlab.analyzers.bill import Line, Resource
    from costlab.analyzers.usage import Usage

HEADROOM = Decimal("1.2")
WORTH_IT = Decimal("0.7")
_METRICS = {"Read": "consumed_read_units", "Write": "consumed_write_units"}
_KIND = re.compile(r"(Read|Write)CapacityUnit-Hrs$")


class UnusedDynamodbCapacity(MetricCheck):
    """Unused DynamoDB capacity.

    Fires when the 99.5th percentile of ``consumed_read_units`` and ``consumed_write_units`` (units per second) plus
    20 % is below 70 % of the units provisioned on average.
    Saving: the units above that need, at least one unit of each being kept.
    Cannot see: throttling that hides demand, and bursts shorter than a sample.
    Source: AWS DynamoDB pricing (read and write capacity unit hours); headroom as for machines.
    """

    id = "waste_unused_dynamodb_capacity"
    needs = frozenset(_METRICS.values())
    pattern = r"(Read|Write)CapacityUnit-Hrs$"

    def advise(self, resource: Resource, usage: dict[str, Usage]) -> Advice | None:
        """Return the advice to lower the provisioned units, or None when they are needed."""
        needed = {
            side: self._needed(resource, line, usage)
            for line in resource.lines
            if (match := _KIND.search(line.usage_type)) and (side := match[1])
        }
        if not needed or min(ratio for _, ratio in needed.values()) >= WORTH_IT:
            return None
        name = quoted(local_id(resource.resource_id))
        settings = ",".join(f"{side}CapacityUnits={units}" for side, (units, _) in sorted(needed.items()))
        return Advice(
            check=self.id,
            kind=self.kind,
            title="Lower the provisioned capacity",
            why="Far fewer read and write units are consumed than are provisioned.",
            action=Action("configure", "provisioned units", settings),
            remedy=Remedy(
                command=f"aws dynamodb update-table --table-name {name} --provisioned-throughput {quoted(settings)}",
                terraform="lower read_capacity and write_capacity of the aws_dynamodb_table",
                rollback="raise the units again with the same command; lowering is limited to some times a day",
            ),
            risk={"throughput": Level.MEDIUM},
            effort=Effort.VERY_LOW,
            basis=Basis.MEASURED,
            confidence=0.85 * min(u.coverage for u in usage.values()),
            evidence=tuple(usage_evidence(u, statistic="p995", unit="units/second") for _, u in sorted(usage.items())),
            reversible=True,
        )

    def kept(self, resource: Resource, line: Line, *, usage: dict[str, Usage]) -> Decimal | None:
        """Return the needed share of the provisioned units."""
        if not _KIND.search(line.usage_type) or not line.quantity:
            return None
        ratio = self._needed(resource, line, usage)[1]
        return ratio if ratio < WORTH_IT else None

    @staticmethod
    def _needed(resource: Resource, line: Line, usage: dict[str, Usage]) -> tuple[int, Decimal]:
        match = _KIND.search(line.usage_type)
        assert match is not None
        provisioned = line.quantity / resource.hours
        peak = Decimal(usage[_METRICS[match[1]]].p995) * HEADROOM
        units = max(1, int(peak) + 1)
        ratio = min(Decimal(1), units / provisioned) if provisioned else Decimal(1)
        return (units if ratio < WORTH_IT else int(provisioned.to_integral_value())), ratio


CHECK = UnusedDynamodbCapacity()
