"""Which sizes a machine can shrink to, and what they cost relative to it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from costlab.analyzers import prices

if TYPE_CHECKING:
    from costlab.interfaces.analyzer import Context

_OBSERVED = """
select
    ServiceName as service,
    coalesce(RegionId, '') as region,
    x_usage_type as usage_type,
    x_instance_type as instance_type,
    sum(ListCost) as listed,
    sum(PricingQuantity) as quantity
from marts.resource_days
where x_instance_type is not null and x_last_end > $now - to_days(35) and x_first_start < $now
    and ChargeCategory = 'Usage' and PricingCategory in ('Standard', 'Committed')
    and PricingQuantity > 0 and ListCost > 0
group by 1, 2, 3, 4
"""
Key = tuple[str, str, str]
_AZURE = re.compile(r"(?P<head>Standard_(?:[DE](?=.*_v[3-9])|F(?=.*_v2)))(?P<cores>\d+)(?P<tail>[a-z]*_v\d)")
"""Series whose names count cores: older ones number their sizes."""
_AZURE_CORES = (2, 4, 8, 16, 32, 48, 64)
"""Sizes that the general, memory and compute series of version 3 and later have (F: of version 2)."""


@dataclass(frozen=True, slots=True)
class Target:
    """A machine type to move to."""

    instance_type: str
    capacity_ratio: Decimal
    """vCPU and memory of it / those of the present type."""
    price_ratio: Decimal
    price_source: str


class PriceBook:
    """List prices per hour seen in the bill, by service, region and usage type with the machine type left out."""

    def __init__(self, context: Context) -> None:
        sums: dict[tuple[Key, str], tuple[Decimal, Decimal]] = {}
        for row in context.db.rows(_OBSERVED, {"now": context.now}):
            stem = row["usage_type"].replace(row["instance_type"], "{}") if row["usage_type"] else ""
            key = ((row["service"], row["region"], stem), row["instance_type"])
            listed, quantity = sums.get(key, (Decimal(0), Decimal(0)))
            sums[key] = (listed + row["listed"], quantity + row["quantity"])
        self._prices = {key: listed / quantity for key, (listed, quantity) in sums.items()}

    def ratio(self, key: Key, now: str, target: str) -> Decimal | None:
        """Return price of ``target`` / price of ``now`` where the bill shows both, else None."""
        before, after = self._prices.get((key, now)), self._prices.get((key, target))
        return (after / before).quantize(Decimal("0.000001")) if before and after else None


def smaller_types(instance_type: str, key: Key, book: PriceBook) -> list[Target]:
    """Return the smaller sizes of the family, smallest first; of a previous generation, those of its successor.

    The price ratio is the one the bill shows; where the target is not in the bill, that of the sizes (within a family
    the list price goes with the normalisation factor) times the successor's.
    """
    azure = _AZURE.fullmatch(instance_type)
    if azure:
        return _smaller_cores(azure, int(azure["cores"]))
    family, size = prices.split_type(instance_type)
    factor = prices.SIZE_FACTORS.get(size)
    if factor is None or family in prices.BURSTABLE_FAMILIES:
        return []
    prefix = instance_type[: len(instance_type) - len(f"{family}.{size}")]
    successor = prices.SUCCESSORS.get(family) if not prefix else None
    new_family = successor.family if successor else family
    targets: list[Target] = []
    for smaller in prices.FAMILY_SIZES.get(new_family, prices.USUAL_SIZES):
        capacity = prices.SIZE_FACTORS[smaller] / factor
        if capacity >= 1:
            break
        target = f"{prefix}{new_family}.{smaller}"
        observed = book.ratio(key, instance_type, target)
        computed = capacity * (successor.price_ratio if successor else 1)
        source = "list prices in the bill" if observed else "size ratio" + (f", {prices.SOURCE}" if successor else "")
        ratio = observed or computed.quantize(Decimal("0.000001"))
        if ratio < 1:
            targets.append(Target(target, capacity, ratio, source))
    return targets


def _smaller_cores(azure: re.Match[str], cores: int) -> list[Target]:
    """Return Azure's smaller sizes: within a series memory and list price go with the cores in the name."""
    ratios = [(size, (Decimal(size) / cores).quantize(Decimal("0.000001"))) for size in _AZURE_CORES if size < cores]
    return [Target(f"{azure['head']}{size}{azure['tail']}", ratio, ratio, "size ratio") for size, ratio in ratios]
