"""Synthetic estates with planted cost events, from a seed: what the anomaly detector is measured on.

Kinds of spend: steady compute with a weekly pattern, storage that grows, databases, noisy transfer, weekly and monthly
batch jobs, intermittent queries, a fee on the first of the month, a holiday dip. Amounts are USD a day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from costlab.analyzers.anomalies.cube import Cube

if TYPE_CHECKING:
    from costlab.analyzers.anomalies.cube import Flags, Floats
    from costlab.interfaces.finding import Scope

FIRST = date(2025, 1, 6)
DAYS = 365
QUIET_START = 70
"""No event before this day: every detector needs a past."""


@dataclass(frozen=True)
class Event:
    """A planted event; days are places, ``end`` is inclusive."""

    kind: str
    direction: int
    scope: Scope
    leaves: Flags
    start: int
    end: int
    excess: Floats
    """Signed amount added per day."""


@dataclass(frozen=True)
class Estate:
    """A cube and what was planted in it."""

    cube: Cube
    events: tuple[Event, ...]


_SERVICES = {
    "EC2": ("compute", 120.0, ("BoxUsage:m5.large", "BoxUsage:c5.xlarge", "EBS:VolumeUsage.gp3")),
    "S3": ("storage", 40.0, ("TimedStorage-ByteHrs", "Requests-Tier1")),
    "RDS": ("database", 70.0, ("InstanceUsage:db.r5.large", "RDS:GP3-Storage")),
    "Transfer": ("noisy", 25.0, ("DataTransfer-Out-Bytes", "DataTransfer-Regional-Bytes")),
    "Batch": ("weekly", 60.0, ("Fargate-vCPU-Hours",)),
    "Warehouse": ("monthly", 90.0, ("Compute-Hours",)),
    "Queries": ("intermittent", 30.0, ("DataScanned-TB",)),
    "Lambda": ("serverless", 15.0, ("Lambda-GB-Second", "Request")),
}
_ACCOUNTS = ("prod", "stage", "dev", "data", "shared", "sandbox")
_REGIONS = ("us-east-1", "eu-west-1", "ap-south-1")


def estate(seed: int, *, events: int = 12) -> Estate:
    """Return an estate of about 150 leaves over a year with ``events`` events."""
    rng = np.random.default_rng(seed)
    days = tuple(FIRST + timedelta(days=i) for i in range(DAYS))
    leaves, rows = [], []
    for account in _ACCOUNTS:
        size = float(np.exp(rng.normal(0, 0.7)))
        for service, (kind, mean, usage_types) in _SERVICES.items():
            if rng.random() < 0.25:
                continue
            for region in _REGIONS[: 1 + int(rng.integers(0, 3))]:
                share = rng.dirichlet(np.ones(len(usage_types)) * 3)
                together = _series(rng, kind, days)
                for usage_type, part in zip(usage_types, share, strict=True):
                    own = together * np.exp(rng.normal(0, 0.02, DAYS))
                    leaves.append(("AWS", account, service, region, usage_type))
                    rows.append(mean * size * part * own)
    costs = np.array(rows)
    cube = Cube("USD", days, tuple(leaves), costs, np.ones(costs.shape, dtype=bool))
    planted = _plant(rng, cube, events)
    return Estate(cube, tuple(planted))


def _series(rng: np.random.Generator, kind: str, days: tuple[date, ...]) -> Floats:
    t = np.arange(len(days))
    weekday = np.array([d.weekday() for d in days])
    growth = np.exp(t / 365 * rng.normal(0.1, 0.25))
    weekend = np.where(weekday >= 5, 1 - rng.uniform(0, 0.5), 1.0)
    holiday = np.where(np.array([d.month == 12 and d.day >= 23 for d in days]), rng.uniform(0.75, 1.0), 1.0)
    noise = {"compute": 0.05, "storage": 0.01, "database": 0.02, "noisy": 0.25, "serverless": 0.12}.get(kind, 0.05)
    slow = np.exp(np.cumsum(rng.normal(0, 0.004, len(days))))
    base = growth * np.exp(rng.normal(0, noise, len(days))) * slow
    first = np.array([d.day == 1 for d in days])
    match kind:
        case "compute" | "serverless" | "noisy":
            return np.asarray(base * weekend * holiday)
        case "database" if rng.random() < 0.4:
            return np.asarray(base + first * rng.uniform(2, 8))
        case "weekly":
            return np.asarray(base * np.where(weekday == rng.integers(0, 7), 1.0, rng.uniform(0.02, 0.3)))
        case "monthly":
            run = np.array([d.day in {1, 2} for d in days])
            return np.asarray(base * np.where(run, 1.0, rng.uniform(0.05, 0.2)))
        case "intermittent":
            return np.asarray(np.where(rng.random(len(days)) < 0.35, np.exp(rng.normal(0, 0.5, len(days))), 0.0))
        case _:
            return np.asarray(base)


_KINDS = ("spike", "spike", "burst", "burst", "shift", "shift", "shift", "leak", "leak", "drop", "new", "new")
_LEVELS = (
    ("SubAccountId", "ServiceName"),
    ("SubAccountId", "ServiceName"),
    ("SubAccountId", "ServiceName", "RegionId"),
    ("ServiceName", "RegionId"),
    ("SubAccountId", "ServiceName", "RegionId", "x_usage_type"),
    ("ServiceName",),
)


def _plant(rng: np.random.Generator, cube: Cube, count: int) -> list[Event]:
    slots = np.linspace(QUIET_START, DAYS - 45, count, dtype=int)
    kinds = [_KINDS[int(i)] for i in rng.permutation(max(count, len(_KINDS)))[:count] % len(_KINDS)]
    planted: list[Event] = []
    used = np.zeros(len(cube.leaves), dtype=bool)
    for slot, kind in zip(slots, kinds, strict=True):
        start = int(slot + rng.integers(0, 12))
        event = _new(rng, cube, start) if kind == "new" else _changed(rng, cube, kind, start, used)
        if event is not None:
            cube.costs[:, :] += np.where(event.leaves[:, None], _spread(event, cube), 0.0)
            used |= event.leaves
            planted.append(event)
    return planted


def _spread(event: Event, cube: Cube) -> Floats:
    """The event's excess by leaf: every leaf changes by the same factor."""
    total = cube.costs[event.leaves].sum(axis=0)
    share = np.divide(cube.costs, total, out=np.zeros_like(cube.costs), where=total > 1e-9)
    if event.kind == "new":
        share = np.where(event.leaves[:, None], 1.0 / event.leaves.sum(), 0.0) * np.ones(cube.costs.shape)
    return np.asarray(share * event.excess)


def _changed(rng: np.random.Generator, cube: Cube, kind: str, start: int, used: Flags) -> Event | None:
    for _ in range(200):
        columns = _LEVELS[int(rng.integers(0, len(_LEVELS)))]
        leaf = cube.leaves[int(rng.integers(0, len(cube.leaves)))]
        if _SERVICES[str(leaf[2])][0] in {"intermittent", "monthly", "weekly"} and rng.random() < 0.8:
            continue
        names = ("ServiceProviderName", "SubAccountId", "ServiceName", "RegionId", "x_usage_type")
        scope: Scope = {column: leaf[names.index(column)] for column in columns}
        leaves = cube.mask(scope)
        series = cube.costs[leaves].sum(axis=0)
        past = series[start - 28 : start]
        if past.mean() < 15 or (used & leaves).any():
            continue
        length = {"spike": 1, "burst": int(rng.integers(2, 6)), "shift": DAYS, "leak": 28, "drop": 10}[kind]
        end = min(start + length - 1, DAYS - 1)
        amount = max(float(rng.uniform(0.4, 2.0)) * past.mean(), 5 * past.std(), 12.0)
        excess = np.zeros(DAYS)
        if kind == "leak":
            ramp = np.minimum(np.arange(DAYS - start) / 28, 1.0)
            excess[start:] = ramp * max(amount, past.mean())
            end = min(start + 27, DAYS - 1)
        elif kind == "drop":
            excess[start : end + 1] = -min(0.95, max(0.5, 5 * past.std() / past.mean())) * series[start : end + 1]
        else:
            excess[start : end + 1] = amount
        return Event(kind, -1 if kind == "drop" else 1, scope, leaves, start, end, excess)
    return None


def _new(rng: np.random.Generator, cube: Cube, start: int) -> Event | None:
    """A leaf's service begins in an account: everything before is zeroed."""
    candidates = [i for i in range(len(cube.leaves)) if cube.costs[i].mean() > 12]
    leaf = cube.leaves[candidates[int(rng.integers(0, len(candidates)))]]
    scope: Scope = {"SubAccountId": leaf[1], "ServiceName": leaf[2]}
    leaves = cube.mask(scope)
    if _SERVICES[str(leaf[2])][0] in {"intermittent", "monthly", "weekly"}:
        return None
    cube.costs[leaves, :start] = 0.0
    excess = np.zeros(DAYS)
    return Event("new", 1, scope, leaves, start, DAYS - 1, excess)
