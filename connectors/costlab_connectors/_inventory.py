"""What the inventories have in common: the record of a resource, what could not be looked at, one run's snapshot."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from costlab.interfaces.connector import Column, Dataset, FileFormat, Snapshot
from costlab.interfaces.datasets import COVERAGE
from costlab.period import Month

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from costlab.interfaces.connector import Landing, SourceFile

COLUMNS: Final = (
    Column("provider", required=True),
    Column("resource_id", required=True),
    Column("resource_kind", required=True),
    Column("native_type"),
    Column("name"),
    Column("sub_account_id"),
    Column("region_id"),
    Column("zone"),
    Column("state"),
    Column("shape"),
    Column("size_gib", "DOUBLE"),
    Column("attached_to"),
    Column("created_at", "TIMESTAMP"),
    Column("tags", "OBJECT"),
    Column("properties", "OBJECT"),
    Column("observed_at", "TIMESTAMP", required=True),
)
EVERYWHERE: Final = "global"
"""The region of what is looked at in all regions at once."""
_SHOWN: Final = 4


class Seen(StrEnum):
    """How far a kind of resource was looked at in one account and region."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    """All resources, but some of their properties are not known."""
    DENIED = "denied"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource as its cloud describes it; what is not known is None."""

    resource_id: str
    resource_kind: str
    native_type: str
    name: str | None = None
    sub_account_id: str | None = None
    region_id: str | None = None
    zone: str | None = None
    state: str | None = None
    shape: str | None = None
    size_gib: float | None = None
    attached_to: str | None = None
    created_at: datetime | None = None
    tags: Mapping[str, str] | None = None
    properties: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was looked at: so that "none" can be told from "not looked"."""

    kind: str
    """The kind of resource; "*" when an account could not be entered at all."""
    sub_account_id: str
    region_id: str
    seen: Seen
    resources: int = 0
    missing: tuple[str, ...] = ()
    """Permissions that were refused."""
    reason: str = ""


def records(provider: str, rows: Iterable[Resource | Coverage], now: datetime) -> Iterator[dict[str, object]]:
    """Yield the landing records of resources and of what was looked at."""
    for row in rows:
        found = _covered(row) if isinstance(row, Coverage) else row
        yield {
            "provider": provider,
            "resource_id": found.resource_id,
            "resource_kind": found.resource_kind,
            "native_type": found.native_type or None,
            "name": found.name or None,
            "sub_account_id": found.sub_account_id or None,
            "region_id": found.region_id or None,
            "zone": found.zone or None,
            "state": found.state or None,
            "shape": found.shape or None,
            "size_gib": found.size_gib,
            "attached_to": found.attached_to or None,
            "created_at": found.created_at,
            "tags": dict(sorted(found.tags.items())) if found.tags else None,
            "properties": {k: v for k, v in sorted(found.properties.items()) if v not in (None, "")},
            "observed_at": now,
        }


def _covered(row: Coverage) -> Resource:
    told = {"resources": row.resources, "missing": sorted(row.missing) or None, "reason": row.reason}
    return Resource(
        resource_id=f"{row.sub_account_id}/{row.region_id}/{row.kind}",
        resource_kind=COVERAGE,
        native_type="",
        name=row.kind,
        sub_account_id=row.sub_account_id,
        region_id=row.region_id,
        state=row.seen.value,
        properties=told,
    )


def snapshot(
    landing: Landing, connector: str, source: str, file: SourceFile | None, warnings: Iterable[str] = ()
) -> Snapshot:
    """Return the snapshot of one run; a later run always supersedes an earlier one. No file: nothing to load."""
    instant = f"{landing.now:%Y%m%dT%H%M%S%f}"
    return Snapshot(
        source=source,
        connector=connector,
        dataset=Dataset.INVENTORY,
        period=Month.of(landing.now),
        snapshot_id=instant,
        order=instant,
        files=(file,) if file else (),
        format=FileFormat.JSONL,
        staging="inventory",
        columns=COLUMNS,
        warnings=tuple(warnings),
    )


def is_past(landing: Landing, period: Month | None) -> bool:
    """Return whether another month than the current one is asked for: an inventory only shows what is there now."""
    return period is not None and period != Month.of(landing.now)


def warnings_of(coverage: Iterable[Coverage]) -> list[str]:
    """Return one line per permission or fault, with what could not be looked at because of it."""
    lost: dict[tuple[str, str], set[str]] = {}
    for row in coverage:
        if row.seen is Seen.COMPLETE:
            continue
        for what in row.missing or (row.reason,):
            place = f"{row.kind} in {row.sub_account_id} {row.region_id}"
            lost.setdefault((row.seen.value, what), set()).add(place)
    return [f"{_SAID[seen]} {_listed(places)}: {what}" for (seen, what), places in sorted(lost.items())]


_SAID: Final = {
    Seen.PARTIAL.value: "not all is known of",
    Seen.DENIED.value: "not assessed, permission missing:",
    Seen.FAILED.value: "not assessed, the service failed:",
}


def _listed(places: set[str]) -> str:
    names = sorted(places)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def summary(resources: Iterable[Resource]) -> str:
    """Return how many of each kind there are, in one line."""
    counts = Counter(resource.resource_kind for resource in resources)
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "no resources"


def utc(instant: datetime | str | None) -> datetime | None:
    """Return an instant as naive UTC; text is ISO 8601, and what is no instant is None."""
    if isinstance(instant, str):
        try:
            instant = datetime.fromisoformat(instant)
        except ValueError:
            return None
    if instant is None or instant.tzinfo is None:
        return instant
    return instant.astimezone(UTC).replace(tzinfo=None)


def listed(text: str) -> list[str]:
    """Return the parts of ``a, b,c``."""
    return [part.strip() for part in text.split(",") if part.strip()]
