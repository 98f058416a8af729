"""Google Cloud machines: which shapes there are, and their prices from those of cores and memory.

A machine's price is vCPU * core + GiB * memory, per region and way to buy; shared-core machines are billed for part
of their vCPUs. What has GPUs or local disks in its name is left out: those are prices of their own.

Source: Compute Engine documentation, "General-purpose" and "Compute-optimized machine family", read 2026-11.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from costlab.money import exact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from costlab_connectors._price_files import Offer


@dataclass(frozen=True, slots=True)
class Shape:
    """A machine: its vCPUs as they are billed, and its memory."""

    name: str
    family: str
    billed_vcpu: Decimal
    memory_gib: Decimal
    vcpu: int


@dataclass(frozen=True, slots=True)
class Rate:
    """What a core or a GiB costs an hour (None: the unit is another), and the offer it came with."""

    hourly: Decimal | None
    currency: str
    about: Mapping[str, Any]


# family -> kind -> (GiB per vCPU, vCPUs)
_LADDERS: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "e2": {"standard": ("4", "2 4 8 16 32"), "highmem": ("8", "2 4 8 16"), "highcpu": ("1", "2 4 8 16 32")},
    "n1": {
        "standard": ("3.75", "1 2 4 8 16 32 64 96"), "highmem": ("6.5", "2 4 8 16 32 64 96"),
        "highcpu": ("0.9", "2 4 8 16 32 64 96"),
    },
    "n2": {
        "standard": ("4", "2 4 8 16 32 48 64 80 96 128"), "highmem": ("8", "2 4 8 16 32 48 64 80 96"),
        "highcpu": ("1", "2 4 8 16 32 48 64 80 96"),
    },
    "n2d": {
        "standard": ("4", "2 4 8 16 32 48 64 80 96 128 224"), "highmem": ("8", "2 4 8 16 32 48 64 80 96"),
        "highcpu": ("1", "2 4 8 16 32 48 64 80 96 128 224"),
    },
    "n4": {
        "standard": ("4", "2 4 8 16 32 48 64 80"), "highmem": ("8", "2 4 8 16 32 48 64 80"),
        "highcpu": ("2", "2 4 8 16 32 48 64 80"),
    },
    "c2": {"standard": ("4", "4 8 16 30 60")},
    "c2d": {
        "standard": ("4", "2 4 8 16 32 56 112"), "highmem": ("8", "2 4 8 16 32 56 112"),
        "highcpu": ("2", "2 4 8 16 32 56 112"),
    },
    "c3": {
        "standard": ("4", "4 8 22 44 88 176"), "highmem": ("8", "4 8 22 44 88 176"),
        "highcpu": ("2", "4 8 22 44 88 176"),
    },
    "c3d": {
        "standard": ("4", "4 8 16 30 60 90 180 360"), "highmem": ("8", "4 8 16 30 60 90 180 360"),
        "highcpu": ("2", "4 8 16"),
    },
    "c4": {
        "standard": ("3.75", "4 8 16 24 32 48 96 144 192 288"), "highmem": ("7.75", "4 8 16 24 32 48 96 144 192 288"),
        "highcpu": ("2", "2 4 8 16 24 32 48 96 144 192 288"),
    },
    "t2d": {"standard": ("4", "1 2 4 8 16 32 48 60")},
    "t2a": {"standard": ("4", "1 2 4 8 16 32 48")},
}  # fmt: skip
# name -> billed vCPU, GiB, vCPU: what is not in line with its ladder
_OTHERS: Final = {
    "e2-micro": ("0.25", "1", 2), "e2-small": ("0.5", "2", 2), "e2-medium": ("1", "4", 2),
    "n2-highmem-128": ("128", "864", 128), "c4-standard-2": ("2", "7", 2), "c4-highmem-2": ("2", "15", 2),
    "c3d-highcpu-30": ("30", "59", 30), "c3d-highcpu-60": ("60", "118", 60), "c3d-highcpu-90": ("90", "177", 90),
    "c3d-highcpu-180": ("180", "354", 180), "c3d-highcpu-360": ("360", "708", 360),
}  # fmt: skip
_ARM: Final = frozenset({"t2a"})
_CALLED: Final = {"": "n1", "N1 Predefined": "n1", "Compute optimized": "c2", "Compute-optimized": "c2"}
"""How SKUs call a family by another name than its own; a commitment that names none is for N1."""
_RUNNING: Final = re.compile(
    r"(?:Spot Preemptible |Preemptible )?(?P<family>[\w -]+?)(?: AMD| Arm)?(?: Instance)? "
    r"(?P<part>Core|Ram) running in .+"
)
_COMMITTED: Final = re.compile(
    r"Commitment(?: v\d)?: (?P<family>[\w -]*?)(?: ?AMD| ?Arm)?(?: Instance)? ?"
    r"(?P<part>Cpu|Core|Ram) in .+ for \d [Yy]ears?"
)


def shapes() -> Iterator[Shape]:
    """Yield all shapes whose price is that of cores and memory."""
    for family, ladder in _LADDERS.items():
        for kind, (ratio, sizes) in ladder.items():
            for size in sizes.split():
                yield Shape(f"{family}-{kind}-{size}", family, Decimal(size), Decimal(ratio) * int(size), int(size))
    for name, (billed, memory, vcpu) in _OTHERS.items():
        yield Shape(name, name.partition("-")[0], Decimal(billed), Decimal(memory), vcpu)


def part_of(description: str) -> tuple[str, str] | None:
    """Return the family a SKU's description names, and ``core`` or ``ram``; None for anything else.

    >>> part_of("N2D AMD Instance Ram running in Americas")
    ('n2d', 'ram')
    >>> part_of("E2 Custom Instance Core running in Americas") is None
    True
    """
    found = _RUNNING.fullmatch(description) or _COMMITTED.fullmatch(description)
    if found is None:
        return None
    family = _CALLED.get(found["family"], found["family"].lower())
    return (family, "ram" if found["part"] == "Ram" else "core") if family in _LADDERS else None


class Machines:
    """Prices of cores and memory as they come, and of machines when all are there."""

    def __init__(self) -> None:
        self._rates: dict[tuple[str, str, tuple[str, int | None], str], dict[str, Rate]] = defaultdict(dict)

    def take(self, description: str, region: str, usage: tuple[str, int | None], rate: Rate) -> None:
        """Keep the rate of a SKU if it is of a family's cores or memory."""
        part = part_of(description)
        if part is not None and rate.hourly is not None:
            self._rates[part[0], region, usage, rate.currency][part[1]] = rate

    def offers(self) -> Iterator[Offer]:
        """Yield the price of each shape wherever both of its parts have one."""
        known: dict[str, list[Shape]] = defaultdict(list)
        for shape in shapes():
            known[shape.family].append(shape)
        for (family, region, usage, currency), parts in self._rates.items():
            if len(parts) == 2:
                about = {"region_id": region, "instrument": usage[0], "term_months": usage[1], "currency": currency}
                yield from (_offer(shape, parts) | about for shape in known[family])


def _offer(shape: Shape, parts: Mapping[str, Rate]) -> Offer:
    core, ram = parts["core"], parts["ram"]
    price = shape.billed_vcpu * (core.hourly or 0) + shape.memory_gib * (ram.hourly or 0)
    return {
        "provider": "gcp", "service_code": core.about["service_code"], "resource_kind": "instance", "shape": shape.name,
        "family": shape.family, "vcpu": shape.vcpu, "memory_gib": str(shape.memory_gib),
        "arch": "arm64" if shape.family in _ARM else "x86_64", "os": "Linux", "license": "none", "tenancy": "shared",
        "unit": "hour", "price": str(exact(price)),
        "valid_from": max(core.about["valid_from"], ram.about["valid_from"]),
        "attributes": json.dumps({"core_sku": core.about["sku_id"], "ram_sku": ram.about["sku_id"]}),
    }  # fmt: skip
