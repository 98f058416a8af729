"""The Google Cloud inventory: the real session against Cloud Asset Inventory's own shapes, served on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from costlab.errors import ConfigError, SourceError, UsageError
from costlab.ingest import IngestReport, ingest
from costlab_connectors import _gcp_rest
from costlab_connectors._gcp_kinds import PROJECT, TYPES
from tests.connectors.inventory_support import coverage, resources
from tests.connectors.served import Asked, Reply, Service, serving

NUMBER, ID = "345678901234", "quill-shop"
LINKS = f"https://www.googleapis.com/compute/v1/projects/{ID}"
BILLED = f"//compute.googleapis.com/projects/{NUMBER}"


@dataclass
class Cloud:
    """Assets per scope; ``faults`` are answers to give first, ``denied`` scopes that may not be listed."""

    assets: dict[str, list[dict[str, Any]]] = field(default_factory=dict[str, list[dict[str, Any]]])
    denied: set[str] = field(default_factory=set[str])
    page: int = 1000
    faults: list[Reply] = field(default_factory=list[Reply])
    service: Service = field(default_factory=lambda: Service(""))

    def answer(self, asked: Asked) -> Reply:
        assert asked.headers["authorization"] == "Bearer not-a-secret"
        assert asked.query["contentType"] == "RESOURCE"
        if self.faults:
            return self.faults.pop(0)
        scope = asked.path.removeprefix("/v1/").removesuffix("/assets")
        if scope in self.denied:
            return refusal(403, "PERMISSION_DENIED")
        wanted = parse_qs(urlsplit(asked.target).query)["assetTypes"]
        found = [asset for asset in self.assets.get(scope, []) if asset["assetType"] in wanted]
        start = int(asked.query.get("pageToken", "0"))
        body: dict[str, Any] = {"readTime": "2026-05-04T06:00:00Z"}
        if found:
            body["assets"] = found[start : start + self.page]
        if start + self.page < len(found):
            body["nextPageToken"] = str(start + self.page)
        return Reply(body)


def refusal(code: int, status: str, reason: str = "", **headers: str) -> Reply:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}] if reason else []
    error = {"code": code, "message": "someone@example.com may not", "status": status, "details": details}
    return Reply({"error": error}, code, headers)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    from google.oauth2.credentials import Credentials

    credentials: Any = Credentials  # google-auth is not typed
    monkeypatch.setattr(_gcp_rest, "credentials", lambda _: credentials("not-a-secret"))
    world = Cloud()
    with serving(world.answer) as service:
        world.service = service
        yield world


def pull(workspace: Path, cloud: Cloud, uri: str = f"gcp://projects/{ID}") -> IngestReport:
    return ingest(workspace, "gcp-inventory", uri, options={"endpoint": cloud.service.url})


def asset(native: str, tail: str, data: dict[str, Any], location: str = "us-central1-a") -> dict[str, Any]:
    service = "cloudsql" if native.startswith("sqladmin") else native.partition(".")[0]
    return {
        "name": f"//{service}.googleapis.com/{tail}",
        "assetType": native,
        "resource": {
            "version": "v1",
            "parent": f"//cloudresourcemanager.googleapis.com/projects/{NUMBER}",
            "data": data,
            "location": location,
        },
        "ancestors": [f"projects/{NUMBER}", "organizations/111"],
        "updateTime": "2026-05-01T00:00:00Z",
    }


def compute(native: str, path: str, number: str, location: str = "us-central1-a", **data: Any) -> dict[str, Any]:
    return asset(f"compute.googleapis.com/{native}", f"projects/{ID}/{path}", {"id": number, **data}, location)


def project() -> dict[str, Any]:
    name = f"//cloudresourcemanager.googleapis.com/projects/{NUMBER}"
    data = {"projectId": ID, "projectNumber": NUMBER}
    found = asset(PROJECT, "", data, "global")
    return {**found, "name": name}


def test_a_machine_and_its_disks_have_the_ids_of_the_billing_export(tmp_path: Path, cloud: Cloud) -> None:
    zone = "zones/us-central1-a"
    machine = compute(
        "Instance",
        f"{zone}/instances/web-1",
        "7001",
        status="TERMINATED",
        machineType=f"{LINKS}/{zone}/machineTypes/n2-standard-8",
        creationTimestamp="2026-02-03T04:05:06.789-08:00",
        labels={"team": "shop"},
        scheduling={"provisioningModel": "SPOT"},
        disks=[{"source": f"{LINKS}/{zone}/disks/boot"}],
        networkInterfaces=[{}],
        deletionProtection=False,
    )
    kind = f"{LINKS}/{zone}/diskTypes/pd-ssd"
    users = [f"{LINKS}/{zone}/instances/web-1"]
    boot = compute("Disk", f"{zone}/disks/boot", "8001", status="READY", sizeGb="50", type=kind, users=users)
    spare = compute("Disk", f"{zone}/disks/spare", "8002", status="READY", sizeGb="500", type=kind)
    gone, there = f"{LINKS}/{zone}/disks/gone", f"{LINKS}/{zone}/disks/spare"
    old = compute("Snapshot", "global/snapshots/old", "9001", "us", diskSizeGb="500", sourceDisk=gone)
    kept = compute("Snapshot", "global/snapshots/kept", "9002", "us", diskSizeGb="500", sourceDisk=there)
    cloud.assets = {f"projects/{ID}": [project(), machine, boot, spare, old, kept]}
    assert pull(tmp_path, cloud).warnings == []
    found = resources(tmp_path)
    assert found[f"{BILLED}/{zone}/instances/7001"] == {
        "provider": "gcp",
        "resource_kind": "instance",
        "native_type": "compute.googleapis.com/Instance",
        "name": "web-1",
        "sub_account_id": ID,
        "region_id": "us-central1",
        "zone": "us-central1-a",
        "state": "TERMINATED",
        "shape": "n2-standard-8",
        "size_gib": None,
        "attached_to": None,
        "created_at": datetime(2026, 2, 3, 12, 5, 6, 789000),
        "tags": {"team": "shop"},
        "properties": {
            "accelerators": [],
            "deletion_protection": False,
            "lifecycle": "spot",
            "network_interfaces": 1,
            "volumes": [f"{BILLED}/{zone}/disks/8001"],
        },
    }
    disks = {r["name"]: (r["shape"], r["size_gib"], r["attached_to"]) for r in found.values()}
    assert disks["boot"] == ("pd-ssd", 50.0, f"{BILLED}/{zone}/instances/7001")
    assert disks["spare"] == ("pd-ssd", 500.0, None)
    assert disks["kept"][2] == f"{BILLED}/{zone}/disks/8002"
    assert disks["old"][2] == f"//compute.googleapis.com/projects/{ID}/{zone}/disks/gone"


def test_other_kinds_with_their_configuration(tmp_path: Path, cloud: Cloud) -> None:
    region = "regions/us-central1"
    sql = {
        "state": "RUNNABLE",
        "databaseVersion": "POSTGRES_15",
        "gceZone": "us-central1-c",
        "createTime": "2026-01-02T03:04:05Z",
        "settings": {"tier": "db-custom-4-16384", "dataDiskSizeGb": "250", "availabilityType": "REGIONAL",
                     "activationPolicy": "ALWAYS", "userLabels": {"team": "orders"}},
    }  # fmt: skip
    bucket = {"storageClass": "STANDARD", "timeCreated": "2026-01-02T03:04:05Z", "lifecycle": {"rule": [{}]}}
    run = {"metadata": {"annotations": {}}, "spec": {"template": {"metadata": {"annotations": {
        "autoscaling.knative.dev/minScale": "2", "run.googleapis.com/cpu-throttling": "false"}}}}}  # fmt: skip
    cluster = {"status": "RUNNING", "currentMasterVersion": "1.31.5", "currentNodeCount": 6,
               "nodePools": [{"config": {"machineType": "e2-standard-4"}}]}  # fmt: skip
    cloud.assets = {
        "folders/42": [
            compute(
                "Address", f"{region}/addresses/idle", "1", "us-central1", status="RESERVED", address="203.0.113.9"
            ),
            compute("Router", f"{region}/routers/plain", "2", "us-central1"),
            compute("Router", f"{region}/routers/out", "3", "us-central1", nats=[{"name": "n"}]),
            asset("sqladmin.googleapis.com/Instance", f"projects/{ID}/instances/main", sql, "us-central1"),
            asset("storage.googleapis.com/Bucket", "quill-lake", bucket, "us"),
            asset(
                "run.googleapis.com/Service", f"projects/{ID}/locations/us-central1/services/api", run, "us-central1"
            ),
            asset("container.googleapis.com/Cluster", f"projects/{ID}/zones/us-central1-a/clusters/k", cluster),
            asset("pubsub.googleapis.com/Topic", f"projects/{ID}/topics/t", {}),
        ]
    }
    pull(tmp_path, cloud, "gcp://folders/42")
    found = resources(tmp_path)
    assert {r["name"] for r in found.values()} == {"idle", "out", "main", "quill-lake", "api", "k"}
    named = {r["name"]: r for r in found.values()}
    assert (named["idle"]["state"], named["idle"]["attached_to"]) == ("RESERVED", None)
    database = found[f"//cloudsql.googleapis.com/projects/{NUMBER}/instances/main"]
    assert (database["shape"], database["size_gib"], database["zone"]) == ("db-custom-4-16384", 250.0, "us-central1-c")
    assert (database["tags"], database["properties"]["multi_az"]) == ({"team": "orders"}, True)
    assert found[f"//storage.googleapis.com/projects/{NUMBER}/buckets/quill-lake"]["properties"]["lifecycle_rules"] == 1
    assert (named["api"]["properties"]["minimum"], named["api"]["properties"]["cpu_always"]) == ("2", True)
    assert (named["k"]["properties"]["nodes"], named["k"]["properties"]["node_shapes"]) == (6, ["e2-standard-4"])
    assert named["out"]["sub_account_id"] == NUMBER, "the project itself was not among the assets"


def test_every_page_of_every_scope_is_read(tmp_path: Path, cloud: Cloud) -> None:
    cloud.page = 3
    cloud.assets = {
        f"projects/{name}": [compute("Disk", f"zones/z/disks/{name}{n}", f"{start + n}") for n in range(4)]
        for name, start in (("a", 100), ("b", 200))
    }
    pull(tmp_path, cloud, "gcp://projects/a,b")
    assert len(resources(tmp_path)) == 8
    asked = [(a.path, a.query.get("pageToken")) for a in cloud.service.asked]
    assert asked == [(f"/v1/projects/{name}/assets", token) for name in "ab" for token in (None, "3")]


def test_a_scope_that_is_denied_does_not_lose_the_others(tmp_path: Path, cloud: Cloud) -> None:
    cloud.assets = {f"projects/{ID}": [project()]}
    cloud.denied = {"projects/other"}
    report = pull(tmp_path, cloud, f"gcp://projects/{ID},other")
    assert report.warnings == [
        "not assessed, permission missing: * in projects/other global: cloudasset.assets.listResource"
    ]
    assert coverage(tmp_path)["disk", "global"] == ("complete", 0, None)
    cloud.denied |= {f"projects/{ID}"}
    with pytest.raises(ConfigError, match=r"Google denies cloudasset.assets.listResource on projects/quill-shop$"):
        pull(tmp_path, cloud)


def test_throttling_waits_as_long_as_the_service_says(
    tmp_path: Path, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("costlab_connectors._gcp_rest.time.sleep", waited.append)
    slow = refusal(429, "RESOURCE_EXHAUSTED", **{"Retry-After": "9"})
    cloud.faults = [slow, refusal(503, "UNAVAILABLE"), refusal(503, "UNAVAILABLE")]
    cloud.assets = {f"projects/{ID}": [project()]}
    pull(tmp_path, cloud)
    assert waited == [9.0, 2.0, 4.0]
    cloud.faults = [slow] * 6
    with pytest.raises(SourceError, match=r"Google limits cloudasset.assets.listResource"):
        pull(tmp_path, cloud)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (refusal(403, "PERMISSION_DENIED", "SERVICE_DISABLED"), "the API 127.0.0.1 is not enabled"),
        (refusal(401, "UNAUTHENTICATED"), "Google does not accept the credentials"),
    ],
)
def test_what_is_wrong_with_the_configuration_is_said(tmp_path: Path, cloud: Cloud, fault: Reply, says: str) -> None:
    cloud.faults = [fault] * 3
    with pytest.raises(ConfigError, match=says) as caught:
        pull(tmp_path, cloud)
    assert "example.com" not in f"{caught.value} {caught.value.hint}"


def test_a_scope_that_cannot_be_is_refused_before_anything_is_asked(tmp_path: Path, cloud: Cloud) -> None:
    for uri in ("gcp://", "gcp://organizations/acme", "gcp://buckets/x", "gcp://projects/A B"):
        with pytest.raises(UsageError, match="is no scope of Google Cloud"):
            pull(tmp_path, cloud, uri)
    assert cloud.service.asked == []


def test_a_service_that_is_not_there_is_an_error_of_the_source(tmp_path: Path, cloud: Cloud) -> None:
    cloud.service.url = "http://127.0.0.1:9"
    with pytest.raises(SourceError, match=r"Google does not answer cloudasset.assets.listResource"):
        pull(tmp_path, cloud)


def test_an_empty_project_is_an_inventory_too(tmp_path: Path, cloud: Cloud) -> None:
    cloud.assets = {f"projects/{ID}": [project()]}
    pull(tmp_path, cloud)
    assert resources(tmp_path) == {}
    assert len(coverage(tmp_path)) == len({kind for kind, _ in TYPES.values()})
