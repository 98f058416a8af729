"""What a pool's name says: family, size and whether reservations of one size cover another.

A pool is a SKU or an instance type, with attributes after or before colons where they matter:
``m5.xlarge``, ``m5.xlarge:windows``, ``db.r5.large:postgresql:multi-az``, ``USE1-Multi-AZUsage:db.r5.large``,
``Standard_D4s_v5``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

FACTORS: Final = {"nano": 0.25, "micro": 0.5, "small": 1.0, "medium": 2.0, "large": 4.0, "xlarge": 8.0}
"""Normalisation factors; ``<n>xlarge`` is 8 n (AWS EC2 User Guide, reserved instances, read 2026-11)."""
METAL: Final = {
    "a1": 4, "c5": 24, "c5d": 24, "c5n": 18, "c6g": 16, "c6gd": 16, "c6gn": 16, "c6i": 32, "c6id": 32, "c6in": 32,
    "c7g": 16, "c7gd": 16, "i3": 16, "i3en": 24, "i4i": 32, "m5": 24, "m5d": 24, "m5dn": 24, "m5n": 24, "m5zn": 12,
    "m6g": 16, "m6gd": 16, "m6i": 32, "m6id": 32, "m6idn": 32, "m6in": 32, "m7g": 16, "m7gd": 16, "r5": 24, "r5b": 24,
    "r5d": 24, "r5dn": 24, "r5n": 24, "r6g": 16, "r6gd": 16, "r6i": 32, "r6id": 32, "r7g": 16, "r7gd": 16, "x2gd": 16,
    "x2idn": 32, "x2iedn": 32, "x2iezn": 12, "z1d": 12,
}  # fmt: skip
"""``metal`` counts as the largest virtual size of its family: n of that ``<n>xlarge`` (public instance lists)."""
_RIGID_FAMILIES: Final = re.compile(r"(g4ad|g4dn|g5|g5g|g6|g6e|inf1|inf2|p\d+\w*|hpc\w*|u-.*)")
"""Families whose reservations are not size-flexible (AWS EC2 User Guide)."""
_RIGID_ATTRIBUTES: Final = re.compile(
    r"windows|sql.?server|sql.?(std|web|ent)|rhel|red.?hat|sles|suse|dedicated|host|license.?included"
)
"""Platforms, tenancies and engines with a licence in the price: exact size only (AWS EC2 and RDS User Guides)."""
_REDSHIFT: Final = frozenset({"dc1", "dc2", "ds1", "ds2", "ra3"})
"""Families of Redshift nodes, whose types are named like machines."""
_SIZE: Final = re.compile(r"(?:metal-)?(\d+)x(?:large|l)")
_TYPE: Final = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_DEFAULTS: Final = re.compile(
    r"(?:[a-z0-9]+-)?(?:box|instance|node|heavy|db)usage|linux(?:/unix)?|shared|default|single-az|esinstance"
)
_AZURE: Final = re.compile(
    r"(?:(?:standard|basic)_)?(?P<series>[a-z]+)(?P<size>\d+)(?:-\d+)?(?P<features>[a-z]*)(?P<version>_v\d+)?"
)
_AZURE_OLD_D: Final = {1: 1, 2: 2, 3: 4, 4: 8, 5: 16, 11: 1, 12: 2, 13: 4, 14: 8, 15: 10}
"""Sizes of the D, DS, Dv2 and DSv2 series are numbered, not counted in cores (instance size flexibility table)."""
_AZURE_BURSTABLE: Final = {
    "b1ls": ("bs", 1), "b1s": ("bs", 2), "b2s": ("bs", 8), "b1ms": ("bs-memory", 1), "b2ms": ("bs-memory", 4),
    "b4ms": ("bs-memory", 8), "b8ms": ("bs-memory", 16), "b12ms": ("bs-memory", 24), "b16ms": ("bs-memory", 32),
    "b20ms": ("bs-memory", 40),
}  # fmt: skip
_HIGH_MEMORY_D: Final = 11


@dataclass(frozen=True, slots=True)
class Shape:
    """How reservations see a pool."""

    name: str
    """The pool in one spelling: equal names are the same pool."""
    family: str
    """``m5`` of ``m5.xlarge``: what an EC2 Instance savings plan is locked to."""
    group: str
    """Pools of one group cover each other by ``units``; empty: exact pool only."""
    units: float
    """Normalised units of one unit of the pool; 1 where the group is empty."""

    @property
    def is_family(self) -> bool:
        """Whether it is a whole family, whose reservation counts normalised units."""
        return bool(self.group) and self.name.lower() == self.group

    @property
    def service(self) -> str:
        """The managed service of an AWS instance type: ``db`` of ``db.r5.large``; empty of machines and requests."""
        prefix, dot, _ = self.family.partition(".")
        return prefix if dot else "redshift" if self.family in _REDSHIFT else ""

    @property
    def is_instance(self) -> bool:
        """Whether it is an AWS instance type rather than a request, a capacity unit or a family."""
        return "." in self.name.partition(":")[0]


@cache
def shape_of(provider: str, pool: str) -> Shape:
    """Return the shape of a pool of ``aws``, ``azure`` or ``gcp``."""
    if provider == "azure":
        return _azure(pool)
    return _aws(pool) if provider == "aws" else Shape(pool, pool, "", 1.0)


def _aws(pool: str) -> Shape:
    parts = [part.strip().lower() for part in pool.split(":")]
    kind = next((part for part in parts if _TYPE.fullmatch(part)), "")
    rest = sorted(part for part in parts if part != kind and not _DEFAULTS.fullmatch(part))
    nodes = max((_nodes(part) for part in rest), default=1)
    attributes = [part for part in rest if _nodes(part) == 1]
    family, _, size = kind.rpartition(".")
    name = ":".join([kind, *attributes, *([f"x{nodes}"] if nodes > 1 else [])]) if kind else pool
    units = factor(family, size)
    rigid = _RIGID_FAMILIES.fullmatch(family) or any(_RIGID_ATTRIBUTES.search(part) for part in attributes)
    if not kind:  # a family: its reservation counts normalised units
        return Shape(pool, pool.lower(), "" if _RIGID_FAMILIES.fullmatch(pool.lower()) else pool.lower(), 1.0)
    if units is None or rigid:
        return Shape(name, family, "", 1.0)
    return Shape(name, family, ":".join([family, *attributes]), units * nodes)


def _nodes(attribute: str) -> int:
    """Return the instances an RDS deployment counts for: Multi-AZ 2, Multi-AZ cluster 3 (RDS User Guide)."""
    squeezed = attribute.replace("-", "").replace("_", "")
    if "multiaz" not in squeezed:
        return 1
    return 3 if "cluster" in squeezed else 2


def factor(family: str, size: str) -> float | None:
    """Return the normalisation factor of a size, or None where there is none.

    >>> factor("m5", "large"), factor("m5", "12xlarge"), factor("m5", "metal"), factor("c7i", "metal-24xl")
    (4.0, 96.0, 192.0, 192.0)
    >>> factor("r5.large", "search")
    """
    found = _SIZE.fullmatch(size)
    if found:
        return 8.0 * int(found[1])
    if size == "metal":
        return 8.0 * METAL[family] if family in METAL else None
    return FACTORS.get(size)


def _azure(pool: str) -> Shape:
    name = pool.strip().lower().replace(" ", "_")
    short = name.removeprefix("standard_")
    if short in _AZURE_BURSTABLE:
        group, ratio = _AZURE_BURSTABLE[short]
        return Shape(short, group, group, float(ratio))
    found = _AZURE.fullmatch(name)
    if not found:
        return Shape(name, name, "", 1.0)
    series, size, version = found["series"], int(found["size"]), found["version"] or ""
    group = f"{series}{found['features']}{version}"
    units = size
    if series in {"d", "ds"} and version in {"", "_v2"} and not found["features"]:
        group += "-memory" if size >= _HIGH_MEMORY_D else ""
        units = _AZURE_OLD_D.get(size, size)
    return Shape(short, group, group, float(units))
