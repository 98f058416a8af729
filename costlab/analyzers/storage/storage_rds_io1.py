"""Databases on io1 storage that are cheaper on gp3 at equal performance."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from costlab.analyzers import prices
from costlab.analyzers._base import BillCheck
from costlab.analyzers.bill import local_id
from costlab.analyzers.propose import Advice, bill_evidence, group_of, quoted
from costlab.analyzers.storage._provisioned import WORTH_IT, Provisioned, measured
from costlab.interfaces.finding import Action, Basis, Effort, Kind, Level, Remedy

if TYPE_CHECKING:
    from decimal import Decimal

    from costlab.analyzers.bill import Line, Resource

_LARGE_GB = 400
_SMALL_FREE_IOPS = 3000
_LARGE_FREE_IOPS = 12000
_MAX_IOPS = 64000


class RdsIo1(BillCheck):
    """RDS io1 storage cheaper as gp3.

    Fires when gp3 storage of the same size and IOPS costs at least 5 % less. RDS gp3 includes 3,000 IOPS below 400 GB
    and 12,000 from there on. RDS charges gp2 and gp3 storage at the same price per GB, so gp2 -> gp3 saves nothing
    there and is not proposed.
    Saving: the bill's own storage and IOPS charges x (1 - gp3 price / io1 price).
    Cannot see: a need for io1's steadier latency; engines whose gp3 limits differ.
    Source: AWS RDS pricing and user guide (io1, gp3, Single-AZ MySQL), us-east-1, 2026-11.
    """

    id = "storage_rds_io1"
    kind = Kind.STORAGE
    pattern = r"RDS:(Multi-AZ-)?PIOPS(-Storage)?$"

    def advise(self, resource: Resource) -> Advice | None:
        """Return the advice to convert, or None when gp3 cannot serve or would not be cheaper."""
        storage = self._storage(resource)
        extra = self._extra_iops(storage)
        if storage.iops > _MAX_IOPS or storage.ratio > WORTH_IT:
            return None
        name = quoted(local_id(resource.resource_id))
        # Below 400 GB RDS gp3 cannot have more than its 3,000 IOPS.
        if extra and storage.size_gb < _LARGE_GB:
            return None
        iops = f" --iops {storage.iops}" if extra else ""
        return Advice(
            check=self.id,
            kind=self.kind,
            title="Convert the database's io1 storage to gp3",
            why=f"gp3 with the same IOPS costs {1 - storage.ratio:.1%} less.",
            action=Action("convert", "io1", "gp3"),
            remedy=Remedy(
                command=f"aws rds modify-db-instance --db-instance-identifier {name} --storage-type gp3{iops} "
                "--apply-immediately",
                terraform='storage_type = "gp3"',
                rollback=f"aws rds modify-db-instance --db-instance-identifier {name} --storage-type io1 "
                f"--iops {storage.iops} --apply-immediately  # after six hours",
            ),
            risk={"disk_iops": Level.LOW, "disk_latency": Level.MEDIUM},
            effort=Effort.LOW,
            basis=Basis.INFERRED,
            confidence=0.8,
            evidence=(
                bill_evidence(resource, "provisioned size", storage.size_gb, "GB"),
                bill_evidence(resource, "provisioned IOPS", storage.iops, "operations/second"),
                bill_evidence(resource, "gp3 / io1 price at equal IOPS", storage.ratio, prices.SOURCE),
            ),
            reversible=True,
            exclusive_group=group_of(resource),
        )

    def kept(self, resource: Resource, line: Line) -> Decimal | None:
        """Return the gp3 price over the io1 price, for size and IOPS charges alike."""
        return self._storage(resource).ratio if re.search(self.pattern, line.usage_type) else None

    @staticmethod
    def _extra_iops(storage: Provisioned) -> int:
        return max(0, storage.iops - (_LARGE_FREE_IOPS if storage.size_gb >= _LARGE_GB else _SMALL_FREE_IOPS))

    def _storage(self, resource: Resource) -> Provisioned:
        size, iops = measured(resource, "PIOPS-Storage", ":PIOPS")
        if not iops:
            iops = measured(resource, "PIOPS-Storage", "Multi-AZ-PIOPS")[1]
        now = size * prices.RDS_IO1_GB_MONTH + iops * prices.RDS_IO1_IOPS_MONTH
        extra = self._extra_iops(Provisioned(size, iops, now, now))
        gp3 = size * prices.RDS_GP3_GB_MONTH + extra * prices.RDS_GP3_IOPS_MONTH
        return Provisioned(size, iops, now, gp3)


CHECK = RdsIo1()
