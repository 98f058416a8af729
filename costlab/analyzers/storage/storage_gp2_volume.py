"""gp2 volumes that are cheaper as gp3 at equal performance."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from costlab.analyzers import prices
from costlab.analyzers.bill import resources
from costlab.analyzers.propose import Advice, bill_evidence, group_of, propose, quoted, usage_evidence
from costlab.analyzers.usage import load_usage
from costlab.interfaces.analyzer import Assessment
from costlab.interfaces.finding import Action, Basis, Effort, Kind, Level, Remedy
from costlab.period import Month

if TYPE_CHECKING:
    from costlab.analyzers.bill import Line, Resource
    from costlab.analyzers.usage import Usage
    from costlab.interfaces.analyzer import Context

_SMALL_GB = 170
_WORTH_IT = Decimal("0.98")
_FREE_MBPS = 128
_MB_PER_OPERATION = 0.262144
_HEADROOM = 1.2


def gigabytes(resource: Resource, line: Line) -> Decimal:
    """Return the provisioned size: GB-months of the window over the share of a month it makes up."""
    month_hours = Month.of((resource.end - timedelta(days=1)).date()).days * 24
    return (line.quantity * month_hours / resource.hours).quantize(Decimal("0.1"))


def gp2_performance(size_gb: Decimal) -> tuple[int, int]:
    """Return (IOPS, MB/s) a gp2 volume can reach: 3 IOPS per GB, bursts to 3000; 128 MB/s to 170 GB, then 250."""
    iops = min(16000, max(3000, int(size_gb * 3)))
    return iops, _FREE_MBPS if size_gb <= _SMALL_GB else 250


def gp3_month(size_gb: Decimal, iops: int, mbps: int) -> Decimal:
    """Return the list price per month of a gp3 volume with at least that performance."""
    extra_iops = max(0, iops - prices.GP3_FREE_IOPS)
    # 128 MB/s is what a small gp2 reaches in a burst only; gp3's 125 all the time is taken as equal.
    extra_mbps = 0 if mbps <= _FREE_MBPS else mbps - prices.GP3_FREE_MBPS
    return size_gb * prices.GP3_GB_MONTH + extra_iops * prices.GP3_IOPS_MONTH + extra_mbps * prices.GP3_MBPS_MONTH


def needed(size_gb: Decimal, iops: Usage | None) -> tuple[int, int]:
    """Return (IOPS, MB/s) the gp3 volume must have: what gp2 can reach, or less where the peak shows it is not used.

    An operation moves at most 256 KiB, so a volume that never does more than 500 a second never passes 125 MB/s.
    """
    reach, mbps = gp2_performance(size_gb)
    if iops is None or not iops.is_enough or not iops.has_maximum:
        return reach, mbps
    peak = iops.peak * _HEADROOM
    most = max(_FREE_MBPS, int(peak * _MB_PER_OPERATION) + 1)
    return min(reach, max(prices.GP3_FREE_IOPS, int(peak) + 1)), min(mbps, most)


class Gp2Volume:
    """gp2 volume cheaper as gp3.

    Fires when a gp3 volume of the same size with enough IOPS and throughput costs at least 2 % less. gp2 reaches 3 IOPS
    per GB (bursts of 3000) and 250 MB/s above 170 GB; gp3 gives 3000 IOPS and 125 MB/s and charges for more. Enough is
    what gp2 reaches, or the highest ``disk_iops`` of 14 days plus 20 % where that is known and less.
    Saving: the bill's own gp2 charge x (1 - gp3 price / gp2 price): 20 % where nothing must be added.
    Cannot see: without ``disk_iops`` what the volume really needs; volumes of 171 to 250 GB then save nothing.
    Source: AWS EBS pricing and user guide (gp2, gp3), us-east-1, 2026-11.
    """

    id = "storage_gp2_volume"
    kind = Kind.STORAGE
    needs: frozenset[str] = frozenset()
    pattern = r"EBS:VolumeUsage\.gp2$"

    def assess(self, context: Context) -> Assessment:
        """Return one item per volume that is cheaper as gp3."""
        iops = load_usage(context, "disk_iops")
        result = Assessment()
        for resource in resources(context, self.pattern):
            size = sum((gigabytes(resource, line) for line in resource.lines if _is_gp2(line)), Decimal(0))
            usage = iops.of(resource)
            must = needed(size, usage)
            ratio = _ratio(size, must)
            if ratio <= _WORTH_IT:
                advice = self._advice(resource, size, must, usage)
                result.items.append(propose(resource, advice, kept=partial(_kept, ratio)))
        return result

    def _advice(self, resource: Resource, size: Decimal, must: tuple[int, int], usage: Usage | None) -> Advice:
        iops, mbps = must[0], max(prices.GP3_FREE_MBPS, must[1] if must[1] > _FREE_MBPS else 0)
        ratio = _ratio(size, must)
        is_measured = must != gp2_performance(size) and usage is not None
        name = quoted(resource.resource_id)
        evidence = [
            bill_evidence(resource, "provisioned size", size, "GB"),
            bill_evidence(resource, "gp3 / gp2 price", ratio, prices.SOURCE),
        ]
        if is_measured and usage is not None:
            evidence.append(usage_evidence(usage, statistic="peak", unit="operations/second"))
        return Advice(
            check=self.id,
            kind=self.kind,
            title="Convert the gp2 volume to gp3",
            why=f"{size} GB of gp3 with {iops} IOPS and {mbps} MB/s cost {1 - ratio:.1%} less.",
            action=Action("convert", "gp2", "gp3"),
            remedy=Remedy(
                command=f"aws ec2 modify-volume --volume-id {name} --volume-type gp3 --iops {iops} --throughput {mbps}",
                terraform=f'type = "gp3", iops = {iops}, throughput = {mbps}',
                rollback=f"aws ec2 modify-volume --volume-id {name} --volume-type gp2  # after six hours",
            ),
            risk={"disk_iops": Level.LOW, "disk_throughput": Level.LOW},
            effort=Effort.VERY_LOW,
            basis=Basis.MEASURED if is_measured else Basis.INFERRED,
            confidence=0.95,
            evidence=tuple(evidence),
            reversible=True,
            exclusive_group=group_of(resource),
        )


def _kept(ratio: Decimal, line: Line) -> Decimal | None:
    return ratio if _is_gp2(line) else None


def _is_gp2(line: Line) -> bool:
    return line.usage_type.endswith("EBS:VolumeUsage.gp2")


def _ratio(size_gb: Decimal, must: tuple[int, int]) -> Decimal:
    if size_gb <= 0:
        return Decimal(1)
    ratio = gp3_month(size_gb, *must) / (size_gb * prices.GP2_GB_MONTH)
    return min(Decimal(1), ratio).quantize(Decimal("0.000001"))


CHECK = Gp2Volume()
