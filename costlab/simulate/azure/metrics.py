"""Utilisation samples that agree with the bill: machines, scale sets, disks, databases, load balancers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from costlab.simulate.estate import HOURS_PER_DAY
from costlab.simulate.metrics import machine_series, other_series, running_hours, write_series

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from costlab.simulate.azure.charges import Biller
    from costlab.simulate.metrics import Series

_SAMPLES: Final = 16  # random stream
_MACHINES: Final = ("instance", "scale_set")


def sampling(size: int, hours: int) -> tuple[int, int]:
    """Return (hours between samples, first hour): a big company keeps five weeks, a tiny one every fourth hour."""
    if size <= 1:
        return (1 if size else 4), 0
    return (1 if size <= 10 else 4), max(0, hours - 35 * HOURS_PER_DAY)


def write_metrics(biller: Biller, path: Path, size: int) -> int:
    """Write the samples as one Parquet file; return the number of rows."""
    return write_series(all_series(biller, size), path, "Microsoft", biller.company.estate.start)


def all_series(biller: Biller, size: int) -> Iterator[Series]:
    """Yield every series, resource by resource; a scale set is watched as one."""
    estate = biller.company.estate
    step, first = sampling(size, estate.hours)
    running = running_hours(biller.machines, estate.days, first)
    seen: set[int] = set()
    for number, instance in enumerate(estate.instances):
        resource = estate.resources[instance.resource]
        hours = running.get(number)
        if hours is not None and resource.kind in _MACHINES and instance.resource not in seen:
            seen.add(instance.resource)
            yield from machine_series(estate.seed, number, instance, resource, hours[::step])
    detached = {w.resource for w in biller.company.waste if w.kind == "unattached_volume"}
    idle = {w.resource for w in biller.company.waste if w.kind.startswith("idle")} | detached
    slow = np.arange(first, estate.hours, max(4, step), dtype=np.int64)
    for index, resource in enumerate(estate.resources):
        hours = slow[(slow >= resource.start) & (slow < resource.stop)]
        if len(hours):
            rng = np.random.default_rng([estate.seed, _SAMPLES, 1, index])
            yield from other_series(resource, hours, rng, idle=index in idle, attached=index not in detached)
