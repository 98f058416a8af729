"""Price relations that a saving needs and a bill does not show, each with source and date.

Only ratios are used: the bill's own charge is multiplied by them, so regional prices and private discounts stay in.
All figures are AWS list prices for us-east-1 in USD, AWS pricing pages, as known in 2026-11.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

SOURCE = "AWS list prices, us-east-1, 2026-11"

GP2_GB_MONTH = Decimal("0.10")
GP3_GB_MONTH = Decimal("0.08")
GP3_IOPS_MONTH = Decimal("0.005")
GP3_MBPS_MONTH = Decimal("0.04")
GP3_FREE_IOPS = 3000
GP3_FREE_MBPS = 125
GP3_MAX_IOPS = 16000
IO1_GB_MONTH = Decimal("0.125")
IO1_IOPS_MONTH = Decimal("0.065")
RDS_GP3_GB_MONTH = Decimal("0.115")
RDS_GP3_IOPS_MONTH = Decimal("0.02")
RDS_IO1_GB_MONTH = Decimal("0.125")
RDS_IO1_IOPS_MONTH = Decimal("0.10")


@dataclass(frozen=True, slots=True)
class Successor:
    """The family that replaces a previous generation: same sizes, same architecture."""

    family: str
    price_ratio: Decimal
    """Price of a size of it / price of the same size of the old family (Linux, on demand)."""


SUCCESSORS: dict[str, Successor] = {
    "m1": Successor("m6i", Decimal("0.549")),  # m1.xlarge 0.350 -> m6i.xlarge 0.192
    "m3": Successor("m6i", Decimal("0.722")),  # m3.xlarge 0.266 -> m6i.xlarge 0.192
    "m4": Successor("m6i", Decimal("0.960")),  # m4.xlarge 0.200 -> m6i.xlarge 0.192
    "c3": Successor("c6i", Decimal("0.810")),  # c3.xlarge 0.210 -> c6i.xlarge 0.170
    "c4": Successor("c6i", Decimal("0.854")),  # c4.xlarge 0.199 -> c6i.xlarge 0.170
    "r3": Successor("r6i", Decimal("0.757")),  # r3.xlarge 0.333 -> r6i.xlarge 0.252
    "r4": Successor("r6i", Decimal("0.947")),  # r4.xlarge 0.266 -> r6i.xlarge 0.252
    "t2": Successor("t3", Decimal("0.897")),  # t2.large 0.0928 -> t3.large 0.0832
    "i2": Successor("i3", Decimal("0.366")),  # i2.xlarge 0.853 -> i3.xlarge 0.312
}
"""Families the vendor calls previous generation, with the newest family of the same sizes and architecture."""

SIZE_FACTORS: dict[str, Decimal] = {
    "nano": Decimal("0.25"),
    "micro": Decimal("0.5"),
    "small": Decimal(1),
    "medium": Decimal(2),
    "large": Decimal(4),
    "xlarge": Decimal(8),
    **{f"{n}xlarge": Decimal(8 * n) for n in (2, 3, 4, 6, 8, 9, 10, 12, 16, 18, 24, 32, 48, 56, 112)},
}
"""Normalisation factors: within a family vCPU, memory and list price go with them (AWS, EC2 user guide)."""

FAMILY_SIZES: dict[str, tuple[str, ...]] = {
    "c4": ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge"),
    "c5": ("large", "xlarge", "2xlarge", "4xlarge", "9xlarge", "12xlarge", "18xlarge", "24xlarge"),
    "m4": ("large", "xlarge", "2xlarge", "4xlarge", "10xlarge", "16xlarge"),
    "r4": ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "16xlarge"),
    "t2": ("nano", "micro", "small", "medium", "large", "xlarge", "2xlarge"),
    "t3": ("nano", "micro", "small", "medium", "large", "xlarge", "2xlarge"),
    "t3a": ("nano", "micro", "small", "medium", "large", "xlarge", "2xlarge"),
    "t4g": ("nano", "micro", "small", "medium", "large", "xlarge", "2xlarge"),
}
"""Sizes of families that differ from :data:`USUAL_SIZES`."""

USUAL_SIZES = ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge")
BURSTABLE_FAMILIES = frozenset({"t2", "t3", "t3a", "t4g"})


def split_type(instance_type: str) -> tuple[str, str]:
    """Return (family, size) of ``m5.xlarge``, or of ``db.m5.xlarge`` without the prefix; ("", "") if it has none."""
    bare = instance_type.removeprefix("db.").removeprefix("cache.")
    family, dot, size = bare.partition(".")
    return (family, size) if dot else ("", "")
