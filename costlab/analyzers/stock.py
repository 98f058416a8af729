"""What inventories say about the resources of a bill, read from ``inventory.resources`` and ``inventory.coverage``.

An observation is of one instant: it tells what is attached to what then, not for how long. Older ones than the bill's
window are not used.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from costlab.analyzers.bill import WINDOW_DAYS, local_id
from costlab.interfaces.finding import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from costlab.analyzers.bill import Resource
    from costlab.interfaces.analyzer import Context

SOURCE = "inventory.resources"
INVENTORY = "inventory"
"""What a check ``needs`` that the bill alone cannot answer."""
_EVERYWHERE = "global"
_ITEMS = """
select resource_id, state, attached_to, created_at, tags, properties, observed_at
from inventory.resources
where resource_kind = $kind and observed_at >= $since
order by resource_id, observed_at
"""
_COVERED = """
select distinct sub_account_id, region_id
from inventory.coverage
where resource_kind = $kind and state in ('complete', 'partial') and observed_at >= $since
"""


@dataclass(frozen=True, slots=True)
class Item:
    """One resource as it was observed."""

    resource_id: str
    state: str
    attached_to: str
    """"" when it is attached to nothing."""
    created_at: datetime | None
    tags: Mapping[str, str]
    properties: Mapping[str, Any]
    observed_at: datetime

    def evidence(self, metric: str, value: str | int) -> Evidence:
        """Return what was observed as evidence."""
        return Evidence(metric, value, "observed", self.observed_at, self.observed_at + timedelta(seconds=1), SOURCE)


class Stock:
    """The resources of one kind, looked up by resource: by its id, else by the last part of its name."""

    def __init__(self, items: list[Item], covered: set[tuple[str, str]]) -> None:
        self._by_id = {_key(item.resource_id): item for item in items}
        self._by_local: dict[str, list[Item]] = {}
        for item in self._by_id.values():
            self._by_local.setdefault(_key(local_id(item.resource_id)), []).append(item)
        self._covered = covered

    def __iter__(self) -> Iterator[Item]:
        return iter(self._by_id.values())

    def of(self, resource: Resource) -> Item | None:
        """Return what is known of a resource of the bill, or None when it is not there or its name is ambiguous."""
        return self.named(resource.resource_id)

    def named(self, resource_id: str) -> Item | None:
        """Return what is known of a resource id, likewise."""
        exact = self._by_id.get(_key(resource_id))
        if exact is not None:
            return exact
        near = self._by_local.get(_key(local_id(resource_id)), [])
        return near[0] if len(near) == 1 else None

    def covers(self, resource: Resource) -> bool:
        """Whether all of this kind in the resource's account and region were looked at: what is not there is gone."""
        account = resource.sub_account_id.lower()
        return bool(self._covered & {(account, resource.region_id), (account, _EVERYWHERE)})


def load_stock(context: Context, kind: str) -> Stock:
    """Return what the newest inventories show of a kind, no older than the bill's window."""
    asked = {"kind": kind, "since": context.now - timedelta(days=WINDOW_DAYS)}
    covered = {(str(row["sub_account_id"]).lower(), str(row["region_id"])) for row in context.db.rows(_COVERED, asked)}
    return Stock([_item(row) for row in context.db.rows(_ITEMS, asked)], covered)


def _item(row: dict[str, Any]) -> Item:
    return Item(
        resource_id=row["resource_id"],
        state=row["state"] or "",
        attached_to=row["attached_to"] or "",
        created_at=row["created_at"],
        tags=json.loads(row["tags"] or "{}"),
        properties=json.loads(row["properties"] or "{}"),
        observed_at=row["observed_at"],
    )


def _key(resource_id: str) -> str:
    """Return an id for comparing: bills write Azure's in any case."""
    return resource_id.lower() if resource_id[:15].lower() == "/subscriptions/" else resource_id
