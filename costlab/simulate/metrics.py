"""Utilisation samples that agree with the bill: machines, volumes, databases, load balancers, buckets.

A resource has samples only while it runs. Values carry two decimals; ``network_bytes`` and ``request_count`` count
per sample interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from costlab.period import midnight
from costlab.simulate.estate import HOURS_PER_DAY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from numpy.typing import NDArray

    from costlab.simulate.estate import Estate, Instance, Resource
    from costlab.simulate.planted import Waste
    from costlab.simulate.usage import MachineHours

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_SAMPLES: Final = 16  # random stream
MULTIPART_SHARE: Final = 0.54
"""Share of the staging bucket that is unfinished uploads."""
SCHEMA: Final = pa.schema(
    [
        ("provider", pa.string()), ("resource_id", pa.string()), ("metric", pa.string()), ("ts", pa.timestamp("us")),
        ("avg", pa.float64()), ("max", pa.float64()), ("shape", pa.string()), ("region", pa.string()),
    ]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sampled:
    """What is measured: a provider's estate, when its machines run, and what of it is wasted."""

    provider: str
    """As the provider's bill names it."""
    estate: Estate
    machines: MachineHours
    waste: Sequence[Waste]


@dataclass(frozen=True, slots=True)
class Series:
    """One metric of one resource; ``hours`` count from the start of the simulation."""

    resource: Resource
    metric: str
    hours: Ints
    mean: Floats
    peak: Floats


def sampling(size: int, hours: int) -> tuple[int, int]:
    """Return (hours between samples of machines, first hour): a big company keeps five weeks only."""
    if size <= 1:
        return 1, 0
    return (1 if size <= 10 else 4), max(0, hours - 35 * HOURS_PER_DAY)


def write_metrics(sampled: Sampled, path: Path, size: int) -> int:
    """Write the samples as one Parquet file, whole resources after each other; return the number of rows."""
    return write_series(all_series(sampled, size), path, sampled.provider, sampled.estate.start)


def write_series(series: Iterable[Series], path: Path, provider: str, start: date) -> int:
    """Write series of one provider, whose hours count from ``start``; return the number of rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    origin = np.datetime64(midnight(start), "us")
    rows = 0
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        batch: list[pa.RecordBatch] = []
        for one in series:
            batch.append(_batch(provider, one, origin))
            rows += len(one.hours)
            if len(batch) >= 200:
                writer.write_table(pa.Table.from_batches(batch))
                batch = []
        if batch:
            writer.write_table(pa.Table.from_batches(batch))
    return rows


def _batch(provider: str, series: Series, origin: np.datetime64) -> Any:
    count = len(series.hours)

    def same(text: str | None) -> Any:
        return pa.repeat(pa.scalar(text or None, pa.string()), count)

    columns = [
        same(provider), same(series.resource.id), same(series.metric),
        pa.array(origin + series.hours * np.timedelta64(timedelta(hours=1)), pa.timestamp("us")),
        np.round(series.mean, 2), np.round(np.maximum(series.mean, series.peak), 2),
        same(series.resource.shape), same(series.resource.region),
    ]  # fmt: skip
    return pa.RecordBatch.from_arrays([pa.array(c) if isinstance(c, np.ndarray) else c for c in columns], schema=SCHEMA)


def all_series(sampled: Sampled, size: int) -> Iterator[Series]:
    """Yield every series, resource by resource."""
    estate = sampled.estate
    step, first = sampling(size, estate.hours)
    running = running_hours(sampled.machines, estate.days, first)
    for number, instance in enumerate(estate.instances):
        hours = running.get(number)
        if hours is not None:
            yield from machine_series(estate.seed, number, instance, estate.resources[instance.resource], hours[::step])
    detached = {w.resource for w in sampled.waste if w.kind == "unattached_volume"}
    idle = {w.resource for w in sampled.waste if w.kind.startswith("idle")} | detached
    slow = np.arange(first, estate.hours, max(4, step), dtype=np.int64)
    for index, resource in enumerate(estate.resources):
        hours = slow[(slow >= resource.start) & (slow < resource.stop)]
        if len(hours):
            rng = np.random.default_rng([estate.seed, _SAMPLES, 1, index])
            yield from other_series(resource, hours, rng, idle=index in idle, attached=index not in detached)


def running_hours(machines: MachineHours, days: int, first: int) -> dict[int, Ints]:
    """Return the hours in which each instance ran, from ``first`` on."""
    found: dict[int, list[Ints]] = {}
    for day in range(first // HOURS_PER_DAY, days, 7):
        rows, need = machines.between(day, min(day + 7, days))
        for row, hours in zip(rows.tolist(), need, strict=True):
            found.setdefault(row, []).append(np.flatnonzero(hours) + day * HOURS_PER_DAY)
    return {row: np.concatenate(parts) for row, parts in found.items()}


def machine_series(seed: int, number: int, instance: Instance, resource: Resource, hours: Ints) -> Iterator[Series]:
    """Yield what a machine's monitor shows in the hours in which it ran."""
    rng = np.random.default_rng([seed, _SAMPLES, 0, number])
    load = instance.load
    wave = np.sin((hours % HOURS_PER_DAY - 9) / HOURS_PER_DAY * 2 * np.pi)
    mean = np.clip(load.cpu * (1 + 0.22 * wave) + rng.normal(0, 0.05 * load.cpu, len(hours)), 0.05, load.peak)
    peak = np.clip(mean * rng.uniform(1.1, 1.5, len(hours)), 0, load.peak)
    peak[rng.random(len(hours)) < 0.01] = load.peak
    yield Series(resource, "cpu_percent", hours, mean, peak)
    memory = np.clip(load.memory + rng.normal(0, 0.4, len(hours)), 0.5, 99)
    yield Series(resource, "memory_percent", hours, memory, np.clip(memory + rng.uniform(0, 0.8, len(hours)), 0, 99.5))
    traffic = np.where(load.cpu < 2, 40_000.0, mean * 2.1e7) * rng.uniform(0.8, 1.2, len(hours))
    yield Series(resource, "network_bytes", hours, np.rint(traffic), np.rint(traffic))


def other_series(
    resource: Resource, hours: Ints, rng: np.random.Generator, *, idle: bool, attached: bool
) -> Iterator[Series]:
    """Yield what the monitor of anything but a machine shows, if it has one."""
    count = len(hours)
    zero = np.zeros(count)

    def busy(level: float) -> Floats:
        return zero if idle else level * rng.uniform(0.5, 1.2, count)

    match resource.kind:
        case "volume":
            iops = busy(700.0 if resource.shape.startswith("io1") else 160.0)
            yield Series(resource, "disk_iops", hours, iops, iops * 1.6)
            yield Series(resource, "disk_bytes", hours, np.rint(iops * 24_000), np.rint(iops * 36_000))
            yield Series(resource, "attached", hours, zero + attached, zero + attached)
        case "database":
            yield Series(resource, "cpu_percent", hours, busy(34) + 1.5, busy(45) + 2.0)
            yield Series(resource, "memory_percent", hours, busy(48) + 15, busy(48) + 16)
            connections = np.rint(busy(40))
            yield Series(resource, "connections", hours, connections, connections)
        case "load_balancer":
            requests = np.rint(busy(380_000))
            yield Series(resource, "request_count", hours, requests, requests)
        case "bucket":
            share = MULTIPART_SHARE if resource.name == "quill-upload-staging" else 0.0
            stale = zero + 2600 * share * 1024**3
            yield Series(resource, "incomplete_multipart_bytes", hours, stale, stale)
        case _:
            return
