"""io1 storage against gp3: both sides priced per GB and per provisioned IOPS."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from costlab.analyzers.storage.storage_gp2_volume import gigabytes
from costlab.money import ZERO

if TYPE_CHECKING:
    from costlab.analyzers.bill import Resource

WORTH_IT = Decimal("0.95")


@dataclass(frozen=True, slots=True)
class Provisioned:
    """Size and IOPS of a volume, and what it costs per month as it is and as gp3 (list price)."""

    size_gb: Decimal
    iops: int
    month_now: Decimal
    month_gp3: Decimal

    @property
    def ratio(self) -> Decimal:
        """The price as gp3 / the price now."""
        return (self.month_gp3 / self.month_now).quantize(Decimal("0.000001")) if self.month_now else Decimal(1)


def measured(resource: Resource, size_type: str, iops_type: str) -> tuple[Decimal, int]:
    """Return (GB, IOPS) provisioned, from the quantities billed under the two usage types (as suffixes)."""
    size = sum((gigabytes(resource, x) for x in resource.lines if x.usage_type.endswith(size_type)), ZERO)
    iops = sum((gigabytes(resource, x) for x in resource.lines if x.usage_type.endswith(iops_type)), ZERO)
    return size, round(iops)
