"""What Google Cloud projects hold, read from Cloud Asset Inventory: machines, disks, addresses, databases and more.

``gcp://organizations/123``, ``gcp://folders/456`` or ``gcp://projects/a,b``. Reading is free of charge.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, ClassVar, Final

from costlab.errors import ConfigError, UsageError
from costlab.interfaces.connector import Dataset
from costlab_connectors._gcp_kinds import PROJECT, TYPES, Found
from costlab_connectors._gcp_rest import OPTIONS, Denied, Google, connect
from costlab_connectors._inventory import (
    EVERYWHERE,
    Coverage,
    Seen,
    is_past,
    listed,
    records,
    snapshot,
    summary,
    warnings_of,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from costlab.interfaces.connector import Landing, Snapshot
    from costlab.period import Month
    from costlab_connectors._inventory import Resource

PERMISSION: Final = "cloudasset.assets.listResource"
PERMISSIONS: Final = (PERMISSION, "serviceusage.services.use")
"""What a run needs, and no more: to list what is below the scope, and to count the requests on a project."""
_ADDRESS: Final = "https://cloudasset.googleapis.com"
_SCOPE: Final = re.compile(r"(organizations|folders)/[0-9]+|projects/[a-z0-9:.-]+")


class GcpInventory:
    """The connector ``gcp-inventory``: what is there now, one snapshot of the current month per run."""

    name: ClassVar[str] = "gcp-inventory"
    dataset: ClassVar[Dataset] = Dataset.INVENTORY
    schemes: ClassVar[tuple[str, ...]] = ("gcp",)
    permissions: ClassVar[tuple[str, ...]] = PERMISSIONS
    options: ClassVar[Mapping[str, str]] = OPTIONS

    def pull(self, landing: Landing, uri: str, *, source: str, period: Month | None = None) -> Iterator[Snapshot]:
        """Yield the snapshot of this run.

        Raises
        ------
        UsageError
            If the URI names no scope.
        ConfigError
            If there are no valid credentials, or none of the scopes may be listed.
        SourceError
            If the service does not answer.
        """
        scopes = _scopes(uri)
        if is_past(landing, period):
            yield snapshot(landing, self.name, source, None)
            return
        taken, hidden = _taken(connect(landing, _ADDRESS), scopes)
        found = taken.resources()
        coverage = _coverage(found, set(taken.projects.values()), hidden)
        file = landing.write("resources", records("gcp", [*found, *coverage], landing.now))
        landing.tell(f"{source}: {summary(found)}")
        yield snapshot(landing, self.name, source, file, warnings_of(coverage))


def _scopes(uri: str) -> list[str]:
    """Return ``projects/a, projects/b`` of ``gcp://projects/a,b``."""
    kind, _, names = uri.partition("://")[2].strip("/").partition("/")
    scopes = [f"{kind}/{name}" for name in listed(names)]
    wrong = [scope for scope in scopes if not _SCOPE.fullmatch(scope)] or ([] if scopes else [uri])
    if wrong:
        raise UsageError(
            f"{wrong[0]!r} is no scope of Google Cloud",
            hint="Use gcp://organizations/NUMBER, gcp://folders/NUMBER or gcp://projects/ID,ID",
        )
    return scopes


def _taken(client: Google, scopes: list[str]) -> tuple[Found, list[str]]:
    """Return what all scopes show, and the scopes that may not be listed."""
    found, hidden, types = Found(), list[str](), [PROJECT, *TYPES]
    for scope in scopes:
        try:
            for asset in client.items(
                f"/v1/{scope}/assets", "assets", PERMISSION, contentType="RESOURCE", pageSize="1000", assetTypes=types
            ):
                found.take(asset)
        except Denied:
            hidden.append(scope)
    if len(hidden) == len(scopes):
        raise ConfigError(
            f"Google denies {PERMISSION} on {', '.join(hidden)}",
            hint="Grant the role in docs/permissions.md (or roles/cloudasset.viewer) there",
        )
    return found, hidden


def _coverage(found: list[Resource], projects: set[str], hidden: list[str]) -> list[Coverage]:
    """Return what was looked at, per project that is there: Cloud Asset Inventory shows all kinds or none."""
    counts = Counter((r.sub_account_id or "", r.resource_kind) for r in found)
    kinds = sorted({kind for kind, _ in TYPES.values()})
    there = sorted(projects | {project for project, _ in counts})
    seen = [Coverage(k, p, EVERYWHERE, Seen.COMPLETE, counts[p, k]) for p in there for k in kinds]
    return [*seen, *(Coverage("*", scope, EVERYWHERE, Seen.DENIED, missing=(PERMISSION,)) for scope in hidden)]


CONNECTOR = GcpInventory()
