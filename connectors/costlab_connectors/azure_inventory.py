"""What Azure subscriptions hold, read from Resource Graph: machines, disks, addresses, databases and more.

``azure://`` is every subscription the credentials see, ``azure://SUBSCRIPTION,SUBSCRIPTION`` only those. Reading is
free of charge.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, ClassVar, Final

from costlab.errors import ConfigError
from costlab.interfaces.connector import Dataset
from costlab_connectors._azure_graph import Graph
from costlab_connectors._azure_kinds import TYPES, resource
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

PERMISSIONS: Final = (
    "Microsoft.Cache/redis/read",
    "Microsoft.Compute/disks/read",
    "Microsoft.Compute/images/read",
    "Microsoft.Compute/snapshots/read",
    "Microsoft.Compute/virtualMachineScaleSets/read",
    "Microsoft.Compute/virtualMachines/read",
    "Microsoft.ContainerService/managedClusters/read",
    "Microsoft.DBforMySQL/flexibleServers/read",
    "Microsoft.DBforPostgreSQL/flexibleServers/read",
    "Microsoft.DocumentDB/databaseAccounts/read",
    "Microsoft.Network/applicationGateways/read",
    "Microsoft.Network/loadBalancers/read",
    "Microsoft.Network/natGateways/read",
    "Microsoft.Network/publicIPAddresses/read",
    "Microsoft.ResourceGraph/resources/read",
    "Microsoft.Resources/subscriptions/read",
    "Microsoft.Sql/servers/databases/read",
    "Microsoft.Storage/storageAccounts/read",
    "Microsoft.Web/serverfarms/read",
    "Microsoft.Web/sites/read",
)
"""What a run needs, and no more. Resource Graph leaves out, without a word, what may not be read."""
_SUBSCRIPTIONS: Final = """resourcecontainers
| where type =~ 'microsoft.resources/subscriptions'
| project id, subscriptionId, name
| order by id asc"""
_RESOURCES: Final = """resources
| where type in~ ({types})
| project id, name, type = tolower(type), kind, location, subscriptionId, sku, tags, zones, managedBy, properties
| order by id asc"""
_VISIBLE: Final = "Microsoft.Resources/subscriptions/read"


class AzureInventory:
    """The connector ``azure-inventory``: what is there now, one snapshot of the current month per run."""

    name: ClassVar[str] = "azure-inventory"
    dataset: ClassVar[Dataset] = Dataset.INVENTORY
    schemes: ClassVar[tuple[str, ...]] = ("azure",)
    permissions: ClassVar[tuple[str, ...]] = PERMISSIONS
    options: ClassVar[Mapping[str, str]] = {
        "endpoint": "URL of Azure Resource Manager, for the clouds of governments or a proxy",
    }

    def pull(self, landing: Landing, uri: str, *, source: str, period: Month | None = None) -> Iterator[Snapshot]:
        """Yield the snapshot of this run.

        Raises
        ------
        ConfigError
            If there are no valid credentials, or they see no subscription.
        SourceError
            If Resource Graph does not answer.
        """
        if is_past(landing, period):
            yield snapshot(landing, self.name, source, None)
            return
        graph = Graph(landing.option("endpoint"))
        wanted = [name.lower() for name in listed(uri.partition("://")[2].strip("/"))]
        visible = _visible(graph, wanted)
        landing.tell(f"{source}: {len(visible)} subscriptions")
        found = _resources(graph, visible)
        coverage = _coverage(found, visible, [name for name in wanted if name not in visible])
        file = landing.write("resources", records("azure", [*found, *coverage], landing.now))
        landing.tell(f"{source}: {summary(found)}")
        yield snapshot(landing, self.name, source, file, warnings_of(coverage))


def _visible(graph: Graph, wanted: list[str]) -> list[str]:
    """Return the ids of the subscriptions that can be seen, only wanted ones if any are."""
    seen = [str(row["subscriptionId"]).lower() for row in graph.rows(_SUBSCRIPTIONS, [])]
    found = [name for name in seen if name in wanted or not wanted]
    if not found:
        what = f"none of {', '.join(wanted)}" if wanted else "no subscription"
        raise ConfigError(
            f"{what} can be seen: {_VISIBLE} is missing",
            hint="Give the principal the role in docs/permissions.md (or Reader) on the subscriptions",
        )
    return found


def _resources(graph: Graph, subscriptions: list[str]) -> list[Resource]:
    query = _RESOURCES.format(types=", ".join(f"'{name}'" for name in sorted(TYPES)))
    # Resource Graph takes so many subscriptions in one question
    chunks = [subscriptions[start : start + 1000] for start in range(0, len(subscriptions), 1000)]
    rows = (row for chunk in chunks for row in graph.rows(query, chunk))
    return [found for row in rows if (found := resource(row)) is not None]


def _coverage(found: list[Resource], visible: list[str], hidden: list[str]) -> list[Coverage]:
    counts = Counter((r.sub_account_id, r.resource_kind) for r in found)
    kinds = sorted({kind for kind, _ in TYPES.values()})
    seen = [Coverage(k, s, EVERYWHERE, Seen.COMPLETE, counts[s, k]) for s in visible for k in kinds]
    return [*seen, *(Coverage("*", name, EVERYWHERE, Seen.DENIED, missing=(_VISIBLE,)) for name in hidden)]


CONNECTOR = AzureInventory()
