"""Google Cloud inventory: from assets to resources. One small function per type of asset."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from costlab_connectors._inventory import Resource, utc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Data = Mapping[str, Any]

PROJECT: Final = "cloudresourcemanager.googleapis.com/Project"
_COMPUTE: Final = "//compute.googleapis.com/"


def _last(link: Any) -> str | None:
    return link.rsplit("/", 1)[-1] if isinstance(link, str) else None


def _link(value: Any) -> str | None:
    """Return a link of Compute Engine's as the name of the asset it leads to."""
    if not isinstance(value, str):
        return None
    return _COMPUTE + value[value.index("projects/") :] if "projects/" in value else value


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _instance(data: Data) -> dict[str, Any]:
    schedule = data.get("scheduling", {})
    is_spot = schedule.get("provisioningModel") == "SPOT" or schedule.get("preemptible")
    return {
        "state": data.get("status"),
        "shape": _last(data.get("machineType")),
        "properties": {
            "lifecycle": "spot" if is_spot else "standard",
            "volumes": [_link(disk["source"]) for disk in data.get("disks", ()) if "source" in disk],
            "network_interfaces": len(data.get("networkInterfaces", ())),
            "accelerators": [f"{a.get('acceleratorCount')} {_last(a.get('acceleratorType'))}"
                             for a in data.get("guestAccelerators", ())],
            "deletion_protection": data.get("deletionProtection"),
            "stopped_at": utc(data.get("lastStopTimestamp")),
        },
    }  # fmt: skip


def _disk(data: Data) -> dict[str, Any]:
    users = [_link(user) for user in data.get("users", ())]
    return {
        "state": data.get("status"),
        "shape": _last(data.get("type")),
        "size_gib": _number(data.get("sizeGb")),
        "attached_to": users[0] if users else None,
        "properties": {
            "attachments": users,
            "iops": data.get("provisionedIops"),
            "throughput": data.get("provisionedThroughput"),
            "attached_at": utc(data.get("lastAttachTimestamp")),
            "detached_at": utc(data.get("lastDetachTimestamp")),
        },
    }


def _snapshot(data: Data) -> dict[str, Any]:
    return {
        "state": data.get("status"),
        "shape": data.get("snapshotType", "STANDARD"),
        "size_gib": _number(data.get("diskSizeGb")),
        "attached_to": _link(data.get("sourceDisk")),
        "properties": {
            "stored_bytes": data.get("storageBytes"),
            "automatic": data.get("autoCreated"),
            "source_disk_id": data.get("sourceDiskId"),
        },
    }


def _image(data: Data) -> dict[str, Any]:
    return {
        "state": data.get("status"),
        "size_gib": _number(data.get("diskSizeGb")),
        "attached_to": _link(data.get("sourceDisk")),
        "properties": {
            "family": data.get("family"),
            "snapshots": [_link(data["sourceSnapshot"])] if data.get("sourceSnapshot") else [],
            "deprecated": data.get("deprecated", {}).get("state"),
        },
    }


def _address(data: Data) -> dict[str, Any]:
    users = [_link(user) for user in data.get("users", ())]
    return {
        "state": data.get("status"),
        "shape": data.get("addressType", "EXTERNAL"),
        "attached_to": users[0] if users else None,
        "properties": {"public_ip": data.get("address"), "purpose": data.get("purpose")},
    }


def _forwarding_rule(data: Data) -> dict[str, Any]:
    return {
        "shape": data.get("loadBalancingScheme"),
        "attached_to": _link(data.get("backendService") or data.get("target")),
        "properties": {"ip": data.get("IPAddress"), "ports": data.get("portRange"), "protocol": data.get("IPProtocol")},
    }


def _router(data: Data) -> dict[str, Any] | None:
    nats = data.get("nats", ())
    if not nats:
        return None
    return {
        "attached_to": _link(data.get("network")),
        "properties": {
            "nats": [nat.get("name") for nat in nats],
            "public_ips": sum(len(nat.get("natIps", ())) for nat in nats),
        },
    }


def _sql(data: Data) -> dict[str, Any]:
    settings = data.get("settings", {})
    never = settings.get("activationPolicy") == "NEVER"
    return {
        "state": "STOPPED" if never else data.get("state"),
        "shape": settings.get("tier"),
        "size_gib": _number(settings.get("dataDiskSizeGb")),
        "attached_to": data.get("masterInstanceName"),
        "created_at": utc(data.get("createTime")),
        "zone": data.get("gceZone"),
        "tags": settings.get("userLabels"),
        "properties": {
            "engine_version": data.get("databaseVersion"),
            "edition": settings.get("edition"),
            "multi_az": settings.get("availabilityType") == "REGIONAL",
            "storage_type": settings.get("dataDiskType"),
            "deletion_protection": settings.get("deletionProtectionEnabled"),
        },
    }


def _bucket(data: Data) -> dict[str, Any]:
    return {
        "shape": data.get("storageClass"),
        "created_at": utc(data.get("timeCreated")),
        "properties": {
            "versioning": "Enabled" if data.get("versioning", {}).get("enabled") else "Disabled",
            "lifecycle_rules": len(data.get("lifecycle", {}).get("rule", ())),
            "location_type": data.get("locationType"),
        },
    }


def _function(data: Data) -> dict[str, Any]:
    service, build = data.get("serviceConfig", {}), data.get("buildConfig", {})
    return {
        "state": data.get("state") or data.get("status"),
        "properties": {
            "memory": service.get("availableMemory") or data.get("availableMemoryMb"),
            "runtime": build.get("runtime") or data.get("runtime"),
            "minimum": service.get("minInstanceCount") or data.get("minInstances"),
        },
    }


def _run(data: Data) -> dict[str, Any]:
    template = data.get("spec", {}).get("template", {})
    notes = template.get("metadata", {}).get("annotations", {})
    containers = template.get("spec", {}).get("containers", [{}])
    meta = data.get("metadata", {})
    return {
        "created_at": utc(meta.get("creationTimestamp")),
        "tags": meta.get("labels"),
        "properties": {
            "minimum": notes.get("autoscaling.knative.dev/minScale"),
            "cpu_always": notes.get("run.googleapis.com/cpu-throttling") == "false",
            "limits": containers[0].get("resources", {}).get("limits"),
        },
    }


def _cluster(data: Data) -> dict[str, Any]:
    return {
        "state": data.get("status"),
        "shape": "gke",
        "created_at": utc(data.get("createTime")),
        "tags": data.get("resourceLabels"),
        "properties": {
            "version": data.get("currentMasterVersion"),
            "nodes": data.get("currentNodeCount"),
            "autopilot": data.get("autopilot", {}).get("enabled", False),
            "node_shapes": sorted({p.get("config", {}).get("machineType", "") for p in data.get("nodePools", ())}),
        },
    }


TYPES: Final[Mapping[str, tuple[str, Callable[[Data], dict[str, Any] | None]]]] = {
    "cloudfunctions.googleapis.com/CloudFunction": ("function", _function),
    "cloudfunctions.googleapis.com/Function": ("function", _function),
    "compute.googleapis.com/Address": ("address", _address),
    "compute.googleapis.com/Disk": ("disk", _disk),
    "compute.googleapis.com/ForwardingRule": ("load-balancer", _forwarding_rule),
    "compute.googleapis.com/GlobalAddress": ("address", _address),
    "compute.googleapis.com/GlobalForwardingRule": ("load-balancer", _forwarding_rule),
    "compute.googleapis.com/Image": ("image", _image),
    "compute.googleapis.com/Instance": ("instance", _instance),
    "compute.googleapis.com/RegionDisk": ("disk", _disk),
    "compute.googleapis.com/Router": ("nat-gateway", _router),
    "compute.googleapis.com/Snapshot": ("snapshot", _snapshot),
    "container.googleapis.com/Cluster": ("cluster", _cluster),
    "run.googleapis.com/Service": ("service", _run),
    "sqladmin.googleapis.com/Instance": ("database", _sql),
    "storage.googleapis.com/Bucket": ("bucket", _bucket),
}
"""Type of asset -> kind and what to read from its data."""


class Found:
    """The resources of assets that are taken one by one; the assets themselves are large and not kept."""

    def __init__(self) -> None:
        self.projects: dict[str, str] = {}
        """Number -> id."""
        self._resources: dict[str, Resource] = {}

    def take(self, asset: Mapping[str, Any]) -> None:
        """Take an asset."""
        if asset["assetType"] == PROJECT:
            data = asset.get("resource", {}).get("data", {})
            self.projects[str(data.get("projectNumber"))] = str(data.get("projectId"))
        elif (resource := _resource(asset)) is not None:
            self._resources[asset["name"]] = resource

    def resources(self) -> list[Resource]:
        """Return them all; what they point at is named as the bill names it, where it is among them."""
        ids = {name: resource.resource_id for name, resource in self._resources.items()}
        return [_resolved(resource, ids, self.projects) for resource in self._resources.values()]


def _resolved(resource: Resource, ids: Mapping[str, str], projects: Mapping[str, str]) -> Resource:
    account = resource.sub_account_id or ""
    links = {
        name: [ids.get(link, link) for link in resource.properties[name]]
        for name in ("attachments", "snapshots", "volumes")
        if name in resource.properties
    }
    return replace(
        resource,
        attached_to=ids.get(resource.attached_to or "", resource.attached_to),
        sub_account_id=projects.get(account, account),
        properties={**resource.properties, **links},
    )


def _resource(asset: Mapping[str, Any]) -> Resource | None:
    native = str(asset["assetType"])
    kind, read = TYPES[native]
    body = asset.get("resource", {})
    data = body.get("data", {})
    told = read(data)
    if told is None:
        return None
    number = next((a.partition("/")[2] for a in asset.get("ancestors", ()) if a.startswith("projects/")), "")
    region, zone = _place(str(body.get("location") or "global").lower())
    known: dict[str, Any] = {"zone": zone, "created_at": utc(data.get("creationTimestamp")), "tags": data.get("labels")}
    return Resource(
        _billed_id(asset["name"], native, number, data),
        kind,
        native,
        name=_last(asset["name"]),
        sub_account_id=number,
        region_id=region,
        **{**known, **told},
    )


def _place(location: str) -> tuple[str, str | None]:
    """Return region and zone: a zone is a region, a dash and one letter."""
    head, _, tail = location.rpartition("-")
    return (head, location) if len(tail) == 1 and head else (location, None)


def _billed_id(name: str, native: str, number: str, data: Data) -> str:
    """Return the asset's name as the detailed billing export writes it: projects and machines by number."""
    if native == "storage.googleapis.com/Bucket":
        return f"//storage.googleapis.com/projects/{number}/buckets/{_last(name)}"
    parts = name.split("/")
    if "projects" in parts and number:
        parts[parts.index("projects") + 1] = number
    if native.startswith("compute.") and data.get("id"):
        parts[-1] = str(data["id"])
    return "/".join(parts)
