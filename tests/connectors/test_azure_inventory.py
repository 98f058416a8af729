"""The Azure inventory: the real client against Resource Graph's own shapes, served on this machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from costlab.errors import ConfigError, SourceError
from costlab.ingest import IngestReport, ingest
from costlab_connectors import _azure_graph
from costlab_connectors._azure_kinds import TYPES
from costlab_connectors.azure_inventory import PERMISSIONS
from tests.connectors.inventory_support import coverage, resources
from tests.connectors.served import Asked, Reply, Service, serving

ONE, TWO = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"
GROUP = f"/subscriptions/{ONE}/resourceGroups/Shop/providers"


@dataclass
class Graph:
    """Resource Graph with some rows; ``faults`` are answers to give first."""

    rows: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    subscriptions: list[str] = field(default_factory=lambda: [ONE, TWO])
    page: int = 1000
    faults: list[Reply] = field(default_factory=list[Reply])
    headers: dict[str, str] = field(default_factory=dict[str, str])
    service: Service = field(default_factory=lambda: Service(""))

    def answer(self, asked: Asked) -> Reply:
        assert (asked.method, asked.path) == ("POST", "/providers/Microsoft.ResourceGraph/resources")
        assert asked.headers["authorization"] == "Bearer not-a-secret"
        if self.faults:
            return self.faults.pop(0)
        query, options = asked.json["query"], asked.json["options"]
        found = self._selected(query, asked.json.get("subscriptions"))
        start = int(options.get("$skipToken") or 0)
        data = found[start : start + min(self.page, options["$top"])]
        body: dict[str, Any] = {
            "totalRecords": len(found), "count": len(data), "data": data, "facets": [], "resultTruncated": "false",
        }  # fmt: skip
        if start + len(data) < len(found):
            body["$skipToken"] = str(start + len(data))
        return Reply(body, headers=self.headers)

    def _selected(self, query: str, subscriptions: list[str] | None) -> list[dict[str, Any]]:
        if query.startswith("resourcecontainers"):
            return [
                {"id": f"/subscriptions/{name}", "subscriptionId": name, "name": "a"} for name in self.subscriptions
            ]
        assert query.endswith("| order by id asc")
        return [row for row in self.rows if row["subscriptionId"] in (subscriptions or [])]


@dataclass(frozen=True)
class Token:
    token: str
    expires_on: int


class Credential:
    """What stands for the SDK's own chain."""

    def get_token(self, *_: str, **__: Any) -> Token:
        return Token("not-a-secret", 4_102_444_800)


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch) -> Iterator[Graph]:
    monkeypatch.setattr(_azure_graph, "credential", Credential)
    world = Graph()
    with serving(world.answer) as service:
        world.service = service
        yield world


def pull(workspace: Path, graph: Graph, uri: str = "azure://") -> IngestReport:
    return ingest(workspace, "azure-inventory", uri, options={"endpoint": graph.service.url})


def row(native: str, name: str, *, subscription: str = ONE, **more: Any) -> dict[str, Any]:
    return {
        "id": f"{GROUP}/{native}/{name}".replace(ONE, subscription),
        "name": name,
        "type": native.lower(),
        "location": "westeurope",
        "subscriptionId": subscription,
        "properties": {},
        **more,
    }


def test_a_machine_with_its_power_state(tmp_path: Path, graph: Graph) -> None:
    disk = f"{GROUP}/Microsoft.Compute/disks/Data-1"
    properties = {
        "timeCreated": "2026-02-03T04:05:06.789+00:00",
        "hardwareProfile": {"vmSize": "Standard_D4s_v5"},
        "licenseType": "Windows_Server",
        "storageProfile": {
            "osDisk": {"osType": "Windows", "managedDisk": {"id": f"{GROUP}/Microsoft.Compute/disks/OS"}},
            "dataDisks": [{"lun": 0, "managedDisk": {"id": disk}}],
        },
        "networkProfile": {"networkInterfaces": [{"id": "n"}]},
        "extended": {"instanceView": {"powerState": {"code": "PowerState/deallocated"}}},
    }
    graph.rows = [
        row("Microsoft.Compute/virtualMachines", "Web", tags={"team": "shop"}, zones=["2"], properties=properties)
    ]
    assert pull(tmp_path, graph).warnings == []
    assert resources(tmp_path) == {
        f"{GROUP}/Microsoft.Compute/virtualMachines/Web".lower(): {
            "provider": "azure",
            "resource_kind": "instance",
            "native_type": "microsoft.compute/virtualmachines",
            "name": "Web",
            "sub_account_id": ONE,
            "region_id": "westeurope",
            "zone": "2",
            "state": "deallocated",
            "shape": "Standard_D4s_v5",
            "size_gib": None,
            "attached_to": None,
            "created_at": datetime(2026, 2, 3, 4, 5, 6, 789000),
            "tags": {"team": "shop"},
            "properties": {
                "license": "Windows_Server",
                "lifecycle": "regular",
                "network_interfaces": 1,
                "os": "Windows",
                "os_disk": f"{GROUP}/Microsoft.Compute/disks/OS".lower(),
                "volumes": [disk.lower()],
            },
        }
    }


def test_what_is_attached_to_what(tmp_path: Path, graph: Graph) -> None:
    machine = f"{GROUP}/Microsoft.Compute/virtualMachines/Web"
    sku = {"name": "Premium_LRS"}
    used = {"diskState": "Attached", "diskSizeGB": 128, "diskIOPSReadWrite": 500}
    spare = {"diskState": "Unattached", "diskSizeGB": 64}
    source = {"creationData": {"sourceResourceId": f"{GROUP}/Microsoft.Compute/disks/Gone"}, "diskSizeGB": 64}
    ipconf = f"{GROUP}/Microsoft.Network/networkInterfaces/n/ipConfigurations/i"
    pools = [{"properties": {"backendIPConfigurations": [{"id": "1"}, {"id": "2"}]}}, {"properties": {}}]
    graph.rows = [
        row("Microsoft.Compute/disks", "used", sku=sku, managedBy=machine, properties=used),
        row("Microsoft.Compute/disks", "spare", sku=sku, properties=spare),
        row("Microsoft.Compute/snapshots", "old", sku={"name": "Standard_LRS"}, properties=source),
        row("Microsoft.Network/publicIPAddresses", "busy", properties={"ipConfiguration": {"id": ipconf}}),
        row("Microsoft.Network/publicIPAddresses", "idle", properties={"ipAddress": "203.0.113.9"}),
        row("Microsoft.Network/loadBalancers", "front", properties={"backendAddressPools": pools}),
        row("Microsoft.Network/applicationGateways", "empty", properties={"backendAddressPools": [{"properties": {}}]}),
    ]
    pull(tmp_path, graph)
    found = {r["name"]: (r["resource_kind"], r["state"], r["attached_to"]) for r in resources(tmp_path).values()}
    assert found["used"] == ("disk", "Attached", machine.lower())
    assert found["spare"] == ("disk", "Unattached", None)
    assert found["old"] == ("snapshot", None, f"{GROUP}/Microsoft.Compute/disks/Gone".lower())
    assert found["busy"] == ("address", "associated", ipconf.lower())
    assert found["idle"] == ("address", "unassociated", None)
    targets = {r["name"]: r["properties"].get("targets") for r in resources(tmp_path).values()}
    assert (targets["front"], targets["empty"]) == (2, 0)
    sizes = {r["name"]: (r["shape"], r["size_gib"]) for r in resources(tmp_path).values()}
    assert sizes["used"] == ("Premium_LRS", 128.0)


def test_databases_plans_and_clusters(tmp_path: Path, graph: Graph) -> None:
    server = "Microsoft.Sql/servers/main/databases"
    sku = {"name": "GP_Gen5", "tier": "GeneralPurpose", "capacity": 4}
    sql: dict[str, Any] = {"type": "microsoft.sql/servers/databases", "sku": sku}
    properties = {"status": "Online", "currentServiceObjectiveName": "GP_Gen5_4", "maxSizeBytes": 34359738368}
    flexible = {
        "state": "Ready",
        "version": "16",
        "storage": {"storageSizeGB": 256},
        "highAvailability": {"mode": "ZoneRedundant"},
        "availabilityZone": "1",
    }
    pools = [{"count": 3, "vmSize": "Standard_D4s_v5"}, {"count": 2, "vmSize": "Standard_D8s_v5"}]
    graph.rows = [
        row(server, "orders", **sql, properties=properties),
        row(server, "master", **sql, properties=properties),
        row("Microsoft.DBforPostgreSQL/flexibleServers", "pg", sku={"name": "Standard_D2ds_v4"}, properties=flexible),
        row("Microsoft.Web/sites", "jobs", kind="functionapp,linux", properties={"state": "Running"}),
        row("Microsoft.Web/sites", "website", kind="app", properties={"state": "Running"}),
        row("Microsoft.Web/serverFarms", "plan", sku={"name": "P1v3", "capacity": 2}, properties={"numberOfSites": 0}),
        row("Microsoft.ContainerService/managedClusters", "main", properties={"agentPoolProfiles": pools}),
    ]
    pull(tmp_path, graph)
    found = {r["name"]: r for r in resources(tmp_path).values()}
    assert set(found) == {"orders", "pg", "jobs", "plan", "main"}
    assert (found["orders"]["shape"], found["orders"]["size_gib"]) == ("GP_Gen5_4", 32.0)
    pg = found["pg"]
    assert (pg["size_gib"], pg["zone"], pg["properties"]["multi_az"]) == (256.0, "1", True)
    assert (found["plan"]["properties"]["sites"], found["plan"]["properties"]["workers"]) == (0, 2)
    assert found["main"]["properties"]["nodes"] == 5


def test_every_page_is_read_once(tmp_path: Path, graph: Graph) -> None:
    graph.rows = [row("Microsoft.Compute/disks", f"d{number:02d}") for number in range(7)]
    graph.page = 3
    pull(tmp_path, graph)
    assert [r["name"] for r in resources(tmp_path).values()] == [f"d{number:02d}" for number in range(7)]
    tokens = [asked.json["options"].get("$skipToken") for asked in graph.service.asked]
    assert tokens == [None, None, "3", "6"]


def test_only_the_subscriptions_named_are_read_and_hidden_ones_are_told(tmp_path: Path, graph: Graph) -> None:
    hidden = "00000000-0000-0000-0000-000000000009"
    graph.rows = [row("Microsoft.Compute/disks", "mine"), row("Microsoft.Compute/disks", "other", subscription=TWO)]
    report = pull(tmp_path, graph, f"azure://{ONE},{hidden}")
    assert [r["name"] for r in resources(tmp_path).values()] == ["mine"]
    assert report.warnings == [
        f"not assessed, permission missing: * in {hidden} global: Microsoft.Resources/subscriptions/read"
    ]
    assert coverage(tmp_path)["disk", "global"] == ("complete", 1, None)
    assert coverage(tmp_path)["instance", "global"] == ("complete", 0, None)


def test_throttling_waits_as_long_as_the_service_says(
    tmp_path: Path, graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(_azure_graph, "sleep", waited.append)
    slept: list[float] = []
    monkeypatch.setattr(
        "azure.core.pipeline.transport.RequestsTransport.sleep", lambda _, seconds: slept.append(seconds)
    )
    graph.faults = [Reply({"error": {"code": "RateLimiting"}}, 429, {"Retry-After": "7"})]
    graph.headers = {"x-ms-user-quota-remaining": "0", "x-ms-user-quota-resets-after": "00:00:04"}
    graph.rows = [row("Microsoft.Compute/disks", f"d{number}") for number in range(2)]
    graph.page = 1
    pull(tmp_path, graph)
    assert waited == [4.0, 4.0, 4.0]
    assert slept == [7]
    assert len(resources(tmp_path)) == 2


def test_a_refusal_names_the_permission(tmp_path: Path, graph: Graph) -> None:
    graph.faults = [Reply({"error": {"code": "AuthorizationFailed", "message": "secret"}}, 403)]
    with pytest.raises(ConfigError, match=r"Azure denies Microsoft.ResourceGraph/resources/read .AuthorizationFailed."):
        pull(tmp_path, graph)


def test_credentials_that_see_nothing_are_an_error_of_configuration(tmp_path: Path, graph: Graph) -> None:
    graph.subscriptions = []
    with pytest.raises(ConfigError, match="no subscription can be seen"):
        pull(tmp_path, graph)
    graph.faults = [Reply({"error": {"code": "InvalidAuthenticationToken"}}, 401)]
    with pytest.raises(ConfigError, match=r"does not accept the credentials .InvalidAuthenticationToken."):
        pull(tmp_path, graph)


def test_a_service_that_fails_is_an_error_of_the_source(tmp_path: Path, graph: Graph) -> None:
    graph.faults = [Reply({"error": {"code": "BadRequest"}}, 400)]
    with pytest.raises(SourceError, match=r"answers 400 .BadRequest."):
        pull(tmp_path, graph)


def test_an_empty_subscription_is_an_inventory_too(tmp_path: Path, graph: Graph) -> None:
    assert pull(tmp_path, graph).warnings == []
    assert resources(tmp_path) == {}
    assert len(coverage(tmp_path)) == len({kind for kind, _ in TYPES.values()})


def test_a_permission_is_named_for_every_type_that_is_read() -> None:
    named = {name.lower().removesuffix("/read") for name in PERMISSIONS}
    assert set(TYPES) == named - {"microsoft.resourcegraph/resources", "microsoft.resources/subscriptions"}


def test_the_package_that_few_need_is_named_where_it_is_missing(
    tmp_path: Path, graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "azure.mgmt.resourcegraph", None)
    with pytest.raises(ConfigError, match="needs a package that is not installed") as caught:
        pull(tmp_path, graph)
    assert caught.value.hint == "pip install 'costlab[inventory]'"
