"""Which permissions a configured source needs at the least, and whose are known to be missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from costlab.discover import connector, connector_names
from costlab.lake.stores import location_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costlab.settings import Source
    from costlab.warehouse.relations import Database

STORES: Final[Mapping[str, tuple[str, ...]]] = {
    "s3": ("s3:GetObject", "s3:ListBucket"),
    "gs": ("storage.objects.get", "storage.objects.list"),
    "az": ("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",),
}
"""What reading delivered files takes, by object store."""
_REFUSED: Final = """
select x_source, unnest(from_json(missing, '["varchar"]')) as permission
from inventory.coverage where missing is not null
"""


def needed(source: Source) -> tuple[str, ...]:
    """Return the permissions a source needs, sorted; () where none are needed or known."""
    location = location_of(source.uri)
    if location is not None:
        return STORES[location.scheme]
    if source.connector not in connector_names():
        return ()
    found = connector(source.connector)
    pulls = source.uri.partition("://")[0].lower() in getattr(found, "schemes", ())
    return tuple(sorted(getattr(found, "permissions", ()))) if pulls else ()


def refused(db: Database) -> dict[str, list[str]]:
    """Return source -> permissions that its last load found missing."""
    found: dict[str, set[str]] = {}
    for name, permission in db.result(_REFUSED).rows:
        found.setdefault(str(name), set()).add(str(permission))
    return {name: sorted(permissions) for name, permissions in found.items()}
