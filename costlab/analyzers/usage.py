"""How much of each resource was used in the window before the analysis, read from ``metrics.utilization``.

A gap is a gap: hours without samples lower the coverage and are never counted as zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from costlab.analyzers.bill import WINDOW_DAYS, local_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from costlab.analyzers.bill import Resource
    from costlab.interfaces.analyzer import Context

SOURCE = "metrics.utilization"
MIN_HOURS = 30
"""Fewer hours with samples are not judged (AWS Compute Optimizer asks for 30 h in 14 days)."""

_SQL = """
select
    lower(provider) as provider,
    resource_id,
    count(*) as samples,
    count(distinct date_trunc('hour', ts)) as hours,
    count(distinct date_trunc('day', ts)) as days,
    min(ts) as first_ts,
    max(ts) as last_ts,
    avg(avg) as mean,
    min(avg) as low,
    max(greatest(avg, coalesce(max, avg))) as peak,
    quantile_cont(greatest(avg, coalesce(max, avg)), 0.995) as p995,
    sum(avg) as total,
    count(max) = count(*) as has_maximum
from metrics.utilization
where metric = $metric and ts >= $start and ts < $now and avg is not null and not isnan(avg)
group by 1, 2
order by 1, 2
"""


@dataclass(frozen=True, slots=True)
class Usage:
    """One metric of one resource over the window; values in the metric's unit."""

    metric: str
    samples: int
    hours: int
    """Distinct clock hours with samples."""
    days: int
    first: datetime
    last: datetime
    mean: float
    low: float
    peak: float
    p995: float
    """99.5th percentile of each interval's maximum, or average where no maximum was kept."""
    total: float
    has_maximum: bool
    """Whether every sample came with its interval's maximum."""

    @property
    def coverage(self) -> float:
        """The share of the window's days that have samples, 0..1; some sources sample every few hours only."""
        return min(1.0, self.days / WINDOW_DAYS)

    @property
    def is_enough(self) -> bool:
        """Whether there are enough samples to judge by."""
        return self.hours >= MIN_HOURS

    @property
    def daily_total(self) -> float:
        """The sum of the samples per day with samples (bytes a day for ``network_bytes``)."""
        return self.total / self.days


class UsageTable:
    """One metric of all resources, looked up by resource: by its id, in any case, else by the last part of its name."""

    def __init__(self, metric: str, rows: Iterable[tuple[str, str, Usage]]) -> None:
        self.metric = metric
        self._by_id: dict[str, Usage] = {}
        self._by_lower: dict[str, list[Usage]] = {}
        self._by_local: dict[str, list[Usage]] = {}
        for _, resource_id, usage in rows:
            self._by_id[resource_id] = usage
            self._by_lower.setdefault(resource_id.lower(), []).append(usage)
            self._by_local.setdefault(local_id(resource_id), []).append(usage)

    def __bool__(self) -> bool:
        return bool(self._by_id)

    def of(self, resource: Resource) -> Usage | None:
        """Return the resource's usage, or None when it has no samples or its name is ambiguous."""
        exact = self._by_id.get(resource.resource_id)
        if exact is not None:
            return exact
        alike = self._by_lower.get(resource.resource_id.lower(), [])
        near = alike or self._by_local.get(local_id(resource.resource_id), [])
        return near[0] if len(near) == 1 else None


def load_usage(context: Context, metric: str, *, days: int = WINDOW_DAYS) -> UsageTable:
    """Return ``metric`` over the last ``days`` before ``context.now``, or before its last sample if that is earlier."""
    newest = context.db.rows(
        "select max(ts) as newest from metrics.utilization where metric = $metric and ts < $now",
        {"metric": metric, "now": context.now},
    )[0]["newest"]
    if newest is None:
        return UsageTable(metric, [])
    start = newest - timedelta(days=days)
    rows = context.db.rows(_SQL, {"metric": metric, "start": start, "now": context.now})
    return UsageTable(metric, [(row["provider"], row["resource_id"], _usage(metric, row)) for row in rows])


def _usage(metric: str, row: dict[str, object]) -> Usage:
    values = {name: value for name, value in row.items() if name in Usage.__slots__}
    return Usage(metric=metric, first=row["first_ts"], last=row["last_ts"], **values)  # type: ignore[arg-type]
