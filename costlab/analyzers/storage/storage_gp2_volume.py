"""gp2 volumes that are cheaper as gp3 at equal performance."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from costlab.analyzers import prices
from costlab.analyzers._base import BillCheck
from costlab.analyzers.propose import Advice, bill_evidence, group_of, quoted
from costlab.interfaces.finding import Action, Basis, Effort, Kind, Level, Remedy
from costlab.period import Month

if TYPE_CHECKING:
    from costlab.analyzers.bill import Line, Resource

_SMALL_GB = 170
_WORTH_IT = Decimal("0.98")


def gigabytes(resource: Resource, line: Line) -> Decimal:
    """Return the provisioned size: GB-months of the window over the share of a month it makes up."""
    month_hours = Month.of((resource.end - timedelta(days=1)).date()).days * 24
    return (line.quantity * month_hours / resource.hours).quantize(Decimal("0.1"))


def gp2_performance(size_gb: Decimal) -> tuple[int, int]:
    """Return (IOPS, MB/s) a gp2 volume can reach: 3 IOPS per GB, bursts to 3000; 128 MB/s to 170 GB, then 250."""
    iops = min(16000, max(3000, int(size_gb * 3)))
    return iops, 128 if size_gb <= _SMALL_GB else 250


def gp3_month(size_gb: Decimal, iops: int, mbps: int) -> Decimal:
    """Return the list price per month of a gp3 volume with at least that performance."""
    extra_iops = max(0, iops - prices.GP3_FREE_IOPS)
    # 128 MB/s is what a small gp2 reaches in a burst only; gp3's 125 all the time is taken as equal.
    extra_mbps = 0 if mbps <= 128 else mbps - prices.GP3_FREE_MBPS
    return size_gb * prices.GP3_GB_MONTH + extra_iops * prices.GP3_IOPS_MONTH + extra_mbps * prices.GP3_MBPS_MONTH


class Gp2Volume(BillCheck):
    """gp2 volume cheaper as gp3.

    Fires when a gp3 volume of the same size and at least the same IOPS and throughput costs at least 2 % less. gp2
    gives 3 IOPS per GB (bursts of 3000) and 250 MB/s above 170 GB; gp3 gives 3000 IOPS and 125 MB/s and charges for
    more. So very small volumes save 20 %, those of 171 to 250 GB nothing, larger ones up to 15 %.
    Saving: the bill's own gp2 charge x (1 - gp3 price / gp2 price at equal performance).
    Cannot see: what the volume really needs; where that is less, gp3 saves the whole 20 %.
    Source: AWS EBS pricing and user guide (gp2, gp3), us-east-1, 2026-11.
    """

    id = "storage_gp2_volume"
    kind = Kind.STORAGE
    pattern = r"EBS:VolumeUsage\.gp2$"

    def advise(self, resource: Resource) -> Advice | None:
        """Return the advice to convert, or None when gp3 would not be cheaper."""
        size = sum((gigabytes(resource, line) for line in resource.lines if self._is_gp2(line)), Decimal(0))
        if size <= 0 or self._ratio(size) > _WORTH_IT:
            return None
        iops, mbps = gp2_performance(size)
        name = quoted(resource.resource_id)
        settings = f"--iops {iops} --throughput {max(125, mbps if mbps > 128 else 125)}"
        return Advice(
            check=self.id,
            kind=self.kind,
            title="Convert the gp2 volume to gp3",
            why=f"{size} GB of gp3 with the same performance cost {1 - self._ratio(size):.1%} less.",
            action=Action("convert", "gp2", "gp3"),
            remedy=Remedy(
                command=f"aws ec2 modify-volume --volume-id {name} --volume-type gp3 {settings}",
                terraform=f'type = "gp3", iops = {iops}, throughput = {max(125, mbps if mbps > 128 else 125)}',
                rollback=f"aws ec2 modify-volume --volume-id {name} --volume-type gp2  # after six hours",
            ),
            risk={"disk_iops": Level.LOW, "disk_throughput": Level.LOW},
            effort=Effort.VERY_LOW,
            basis=Basis.INFERRED,
            confidence=0.95,
            evidence=(
                bill_evidence(resource, "provisioned size", size, "GB"),
                bill_evidence(resource, "gp3 / gp2 price at equal performance", self._ratio(size), prices.SOURCE),
            ),
            reversible=True,
            exclusive_group=group_of(resource),
        )

    def kept(self, resource: Resource, line: Line) -> Decimal | None:
        """Return the gp3 price over the gp2 price."""
        return self._ratio(gigabytes(resource, line)) if self._is_gp2(line) else None

    @staticmethod
    def _is_gp2(line: Line) -> bool:
        return line.usage_type.endswith("EBS:VolumeUsage.gp2")

    @staticmethod
    def _ratio(size_gb: Decimal) -> Decimal:
        if size_gb <= 0:
            return Decimal(1)
        ratio = gp3_month(size_gb, *gp2_performance(size_gb)) / (size_gb * prices.GP2_GB_MONTH)
        return min(Decimal(1), ratio).quantize(Decimal("0.000001"))


CHECK = Gp2Volume()
