"""io1 volumes that are cheaper as gp3 at equal performance."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from costlab.analyzers import prices
from costlab.analyzers._base import BillCheck
from costlab.analyzers.propose import Advice, bill_evidence, group_of, quoted
from costlab.analyzers.storage._provisioned import WORTH_IT, Provisioned, measured
from costlab.analyzers.storage.storage_gp2_volume import gp3_month
from costlab.interfaces.finding import Action, Basis, Effort, Kind, Level, Remedy

if TYPE_CHECKING:
    from decimal import Decimal

    from costlab.analyzers.bill import Line, Resource

_MBPS_PER_IOPS = 0.25
_IO1_MAX_MBPS = 500


class Io1Volume(BillCheck):
    """io1 volume cheaper as gp3.

    Fires when a gp3 volume with the same size, IOPS and throughput costs at least 5 % less; up to gp3's 16,000 IOPS.
    io1 reaches 0.25 MB/s per IOPS up to 500 MB/s.
    Saving: the bill's own io1 charges x (1 - gp3 price / io1 price).
    Cannot see: a need for io1's steadier latency. io2 has a higher durability and is left alone.
    Source: AWS EBS pricing and user guide (io1, gp3), us-east-1, 2026-11.
    """

    id = "storage_io1_volume"
    kind = Kind.STORAGE
    pattern = r"EBS:Volume(Usage|P-IOPS)\.piops$"

    def advise(self, resource: Resource) -> Advice | None:
        """Return the advice to convert, or None when gp3 cannot serve or would not be cheaper."""
        volume = self._volume(resource)
        if volume.iops > prices.GP3_MAX_IOPS or volume.ratio > WORTH_IT:
            return None
        name = quoted(resource.resource_id)
        iops = max(prices.GP3_FREE_IOPS, volume.iops)
        mbps = max(prices.GP3_FREE_MBPS, self._mbps(volume.iops))
        return Advice(
            check=self.id,
            kind=self.kind,
            title="Convert the io1 volume to gp3",
            why=f"gp3 with {iops} IOPS and {mbps} MB/s costs {1 - volume.ratio:.1%} less.",
            action=Action("convert", "io1", "gp3"),
            remedy=Remedy(
                command=f"aws ec2 modify-volume --volume-id {name} --volume-type gp3 --iops {iops} --throughput {mbps}",
                terraform=f'type = "gp3", iops = {iops}, throughput = {mbps}',
                rollback=f"aws ec2 modify-volume --volume-id {name} --volume-type io1 --iops {volume.iops}"
                "  # after six hours",
            ),
            risk={"disk_iops": Level.LOW, "disk_latency": Level.MEDIUM},
            effort=Effort.VERY_LOW,
            basis=Basis.INFERRED,
            confidence=0.85,
            evidence=(
                bill_evidence(resource, "provisioned size", volume.size_gb, "GB"),
                bill_evidence(resource, "provisioned IOPS", volume.iops, "operations/second"),
                bill_evidence(resource, "gp3 / io1 price at equal performance", volume.ratio, prices.SOURCE),
            ),
            reversible=True,
            exclusive_group=group_of(resource),
        )

    def kept(self, resource: Resource, line: Line) -> Decimal | None:
        """Return the gp3 price over the io1 price, for size and IOPS charges alike."""
        return self._volume(resource).ratio if re.search(self.pattern, line.usage_type) else None

    @staticmethod
    def _mbps(iops: int) -> int:
        return min(_IO1_MAX_MBPS, int(iops * _MBPS_PER_IOPS))

    def _volume(self, resource: Resource) -> Provisioned:
        size, iops = measured(resource, "EBS:VolumeUsage.piops", "EBS:VolumeP-IOPS.piops")
        now = size * prices.IO1_GB_MONTH + iops * prices.IO1_IOPS_MONTH
        return Provisioned(size, iops, now, gp3_month(size, iops, self._mbps(iops)))


CHECK = Io1Volume()
