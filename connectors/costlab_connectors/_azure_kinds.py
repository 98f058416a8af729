"""Azure inventory: from rows of Resource Graph to resources. One small function per type of resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from costlab_connectors._inventory import Resource, utc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Row = Mapping[str, Any]

_GIB: Final = 2**30


def _get(row: Any, path: str) -> Any:
    """Return what is at ``a.b.c`` (a number takes an item of a list); None where the path ends early."""
    for key in path.split("."):
        if isinstance(row, list):
            row = row[int(key)] if key.isdigit() and int(key) < len(row) else None
        else:
            row = row.get(key) if isinstance(row, dict) else None
    return row


def _low(value: Any) -> str | None:
    return value.lower() if isinstance(value, str) else None


def _ids(items: Any, path: str = "id") -> list[str]:
    return [found for item in items or () if (found := _low(_get(item, path)))]


def _machine(row: Row) -> dict[str, Any]:
    power = _get(row, "properties.extended.instanceView.powerState.code") or ""
    return {
        "state": power.removeprefix("PowerState/") or _get(row, "properties.provisioningState"),
        "shape": _get(row, "properties.hardwareProfile.vmSize"),
        "attached_to": _low(_get(row, "properties.virtualMachineScaleSet.id")),
        "properties": {
            "os": _get(row, "properties.storageProfile.osDisk.osType"),
            "license": _get(row, "properties.licenseType"),
            "lifecycle": _low(_get(row, "properties.priority")) or "regular",
            "image": _get(row, "properties.storageProfile.imageReference.offer"),
            "os_disk": _low(_get(row, "properties.storageProfile.osDisk.managedDisk.id")),
            "volumes": _ids(_get(row, "properties.storageProfile.dataDisks"), "managedDisk.id"),
            "network_interfaces": len(_get(row, "properties.networkProfile.networkInterfaces") or ()),
        },
    }


def _scale_set(row: Row) -> dict[str, Any]:
    return {
        "state": _get(row, "properties.provisioningState"),
        "shape": _get(row, "sku.name"),
        "properties": {
            "desired": _get(row, "sku.capacity"),
            "orchestration": _get(row, "properties.orchestrationMode"),
            "lifecycle": _low(_get(row, "properties.virtualMachineProfile.priority")) or "regular",
            "license": _get(row, "properties.virtualMachineProfile.licenseType"),
        },
    }


def _disk(row: Row) -> dict[str, Any]:
    return {
        "state": _get(row, "properties.diskState"),
        "shape": _get(row, "sku.name"),
        "size_gib": _float(_get(row, "properties.diskSizeGB")),
        "attached_to": _low(row.get("managedBy")),
        "properties": {
            "tier": _get(row, "properties.tier"),
            "iops": _get(row, "properties.diskIOPSReadWrite"),
            "throughput": _get(row, "properties.diskMBpsReadWrite"),
            "os": _get(row, "properties.osType"),
            "attachment_changed_at": utc(_get(row, "properties.LastOwnershipUpdateTime")),
        },
    }


def _snapshot(row: Row) -> dict[str, Any]:
    return {
        "state": _get(row, "properties.diskState"),
        "shape": _get(row, "sku.name"),
        "size_gib": _float(_get(row, "properties.diskSizeGB")),
        "attached_to": _low(_get(row, "properties.creationData.sourceResourceId")),
        "properties": {"incremental": _get(row, "properties.incremental")},
    }


def _image(row: Row) -> dict[str, Any]:
    disks = [_get(row, "properties.storageProfile.osDisk"), *(_get(row, "properties.storageProfile.dataDisks") or ())]
    return {
        "state": _get(row, "properties.provisioningState"),
        "attached_to": _low(_get(row, "properties.sourceVirtualMachine.id")),
        "properties": {"snapshots": _ids(disks, "snapshot.id")},
    }


def _address(row: Row) -> dict[str, Any]:
    used_by = _get(row, "properties.ipConfiguration.id") or _get(row, "properties.natGateway.id")
    return {
        "state": "associated" if used_by else "unassociated",
        "shape": _get(row, "sku.name"),
        "attached_to": _low(used_by),
        "properties": {
            "public_ip": _get(row, "properties.ipAddress"),
            "allocation": _get(row, "properties.publicIPAllocationMethod"),
        },
    }


def _load_balancer(row: Row) -> dict[str, Any]:
    pools = _get(row, "properties.backendAddressPools") or ()
    return {
        "state": _get(row, "properties.provisioningState"),
        "shape": _get(row, "sku.name") or _get(row, "properties.sku.name"),
        "properties": {"targets": sum(_pool_size(pool) for pool in pools), "pools": len(pools)},
    }


def _pool_size(pool: Any) -> int:
    """Return how many machines or addresses a pool sends to; the lists say the same in several ways."""
    names = ("backendIPConfigurations", "loadBalancerBackendAddresses", "backendAddresses")
    return max(len(_get(pool, f"properties.{name}") or ()) for name in names)


def _nat_gateway(row: Row) -> dict[str, Any]:
    subnets = _ids(_get(row, "properties.subnets"))
    return {
        "state": _get(row, "properties.provisioningState"),
        "shape": _get(row, "sku.name"),
        "attached_to": subnets[0] if subnets else None,
        "properties": {"subnets": subnets, "public_ips": _ids(_get(row, "properties.publicIpAddresses"))},
    }


def _sql_database(row: Row) -> dict[str, Any]:
    size = _get(row, "properties.maxSizeBytes")
    return {
        "state": _get(row, "properties.status"),
        "shape": _get(row, "properties.currentServiceObjectiveName") or _get(row, "sku.name"),
        "size_gib": size / _GIB if isinstance(size, int) else None,
        "attached_to": _low(_get(row, "properties.elasticPoolId")),
        "properties": {
            "engine": "sqlserver",
            "tier": _get(row, "sku.tier"),
            "capacity": _get(row, "sku.capacity"),
            "license": _get(row, "properties.licenseType"),
            "multi_az": _get(row, "properties.zoneRedundant"),
            "auto_pause_minutes": _get(row, "properties.autoPauseDelay"),
        },
    }


def _flexible_server(row: Row) -> dict[str, Any]:
    return {
        "state": _get(row, "properties.state"),
        "shape": _get(row, "sku.name"),
        "size_gib": _float(_get(row, "properties.storage.storageSizeGB")),
        "zone": _get(row, "properties.availabilityZone"),
        "properties": {
            "engine": "postgres" if "postgresql" in row["type"] else "mysql",
            "engine_version": _get(row, "properties.version"),
            "tier": _get(row, "sku.tier"),
            "iops": _get(row, "properties.storage.iops"),
            "multi_az": (_get(row, "properties.highAvailability.mode") or "Disabled") != "Disabled",
            "backup_days": _get(row, "properties.backup.backupRetentionDays"),
        },
    }


def _cosmos(row: Row) -> dict[str, Any]:
    return {
        "state": _get(row, "properties.provisioningState"),
        "shape": _get(row, "properties.capabilities.0.name") or "Provisioned",
        "properties": {
            "engine": row.get("kind"),
            "regions": [_get(place, "locationName") for place in _get(row, "properties.locations") or ()],
            "free_tier": _get(row, "properties.enableFreeTier"),
            "multi_write": _get(row, "properties.enableMultipleWriteLocations"),
        },
    }


def _cache(row: Row) -> dict[str, Any]:
    sku = "properties.sku"
    shape = f"{_get(row, f'{sku}.name')} {_get(row, f'{sku}.family')}{_get(row, f'{sku}.capacity')}"
    return {
        "state": _get(row, "properties.provisioningState"),
        "shape": shape,
        "properties": {"engine": "redis", "engine_version": _get(row, "properties.redisVersion")},
    }


def _storage(row: Row) -> dict[str, Any]:
    return {
        "state": _get(row, "properties.statusOfPrimary"),
        "shape": _get(row, "sku.name"),
        "properties": {"access_tier": _get(row, "properties.accessTier"), "kind": row.get("kind")},
    }


def _site(row: Row) -> dict[str, Any]:
    return {
        "state": _get(row, "properties.state"),
        "shape": _get(row, "properties.sku"),
        "attached_to": _low(_get(row, "properties.serverFarmId")),
        "properties": {"kind": row.get("kind"), "runtime": _get(row, "properties.siteConfig.linuxFxVersion")},
    }


def _plan(row: Row) -> dict[str, Any]:
    return {
        "state": _get(row, "properties.status"),
        "shape": _get(row, "sku.name"),
        "properties": {
            "sites": _get(row, "properties.numberOfSites"),
            "workers": _get(row, "sku.capacity"),
            "tier": _get(row, "sku.tier"),
        },
    }


def _cluster(row: Row) -> dict[str, Any]:
    pools = _get(row, "properties.agentPoolProfiles") or ()
    return {
        "state": _get(row, "properties.powerState.code"),
        "shape": "aks",
        "properties": {
            "version": _get(row, "properties.kubernetesVersion"),
            "tier": _get(row, "sku.tier"),
            "nodes": sum(_get(pool, "count") or 0 for pool in pools),
            "node_shapes": sorted({str(_get(pool, "vmSize")) for pool in pools}),
            "node_group": _get(row, "properties.nodeResourceGroup"),
        },
    }


TYPES: Final[Mapping[str, tuple[str, Callable[[Row], dict[str, Any]]]]] = {
    "microsoft.cache/redis": ("cache", _cache),
    "microsoft.compute/disks": ("disk", _disk),
    "microsoft.compute/images": ("image", _image),
    "microsoft.compute/snapshots": ("snapshot", _snapshot),
    "microsoft.compute/virtualmachines": ("instance", _machine),
    "microsoft.compute/virtualmachinescalesets": ("autoscaling-group", _scale_set),
    "microsoft.containerservice/managedclusters": ("cluster", _cluster),
    "microsoft.dbformysql/flexibleservers": ("database", _flexible_server),
    "microsoft.dbforpostgresql/flexibleservers": ("database", _flexible_server),
    "microsoft.documentdb/databaseaccounts": ("database", _cosmos),
    "microsoft.network/applicationgateways": ("load-balancer", _load_balancer),
    "microsoft.network/loadbalancers": ("load-balancer", _load_balancer),
    "microsoft.network/natgateways": ("nat-gateway", _nat_gateway),
    "microsoft.network/publicipaddresses": ("address", _address),
    "microsoft.sql/servers/databases": ("database", _sql_database),
    "microsoft.storage/storageaccounts": ("bucket", _storage),
    "microsoft.web/serverfarms": ("app-plan", _plan),
    "microsoft.web/sites": ("function", _site),
}
"""Type -> kind and what to read from a row."""


def resource(row: Row) -> Resource | None:
    """Return the resource of a row; None for the system's own database and sites that are no functions."""
    kind, read = TYPES[row["type"]]
    is_site = kind == "function" and "functionapp" not in (row.get("kind") or "")
    if is_site or row["id"].lower().endswith("/databases/master"):
        return None
    zones = row.get("zones") or ()
    created = _get(row, "properties.timeCreated") or _get(row, "properties.creationDate")
    known: dict[str, Any] = {"zone": str(zones[0]) if zones else None, "created_at": utc(created)}
    return Resource(
        row["id"].lower(),
        kind,
        row["type"],
        name=row.get("name"),
        sub_account_id=_low(row.get("subscriptionId")),
        region_id=_low(row.get("location")),
        tags=row.get("tags"),
        **{**known, **read(row)},
    )


def _float(number: Any) -> float | None:
    return None if number is None else float(number)
