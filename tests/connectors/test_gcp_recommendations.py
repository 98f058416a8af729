"""Google's Recommender through google-auth: locations, pages, money in units and nanos, refusals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials

import costlab.ingest.load
from costlab.errors import ConfigError, SourceError, UsageError
from costlab.ingest import ingest
from costlab_connectors import _gcp_rest
from tests.connectors.served import Asked, Reply, Service, rows, serving

NOW = datetime(2026, 5, 4, 6)
MACHINE = "//compute.googleapis.com/projects/shop/zones/europe-west1-b/instances/web-1"
OLD_DISK = "//compute.googleapis.com/projects/shop/zones/europe-west1-b/disks/old"


def advice(recommender: str, subtype: str, units: str, nanos: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "name": f"projects/42/locations/europe-west1-b/recommenders/{recommender}/recommendations/{subtype.lower()}",
        "description": "Save cost.",
        "recommenderSubtype": subtype,
        "lastRefreshTime": "2026-05-03T06:41:17Z",
        "primaryImpact": {
            "category": "COST",
            "costProjection": {
                "cost": {"currencyCode": "EUR", "units": units, "nanos": nanos}, "duration": "2592000s",
            },
        },
        "stateInfo": {"state": "ACTIVE"},
        "etag": '"x"',
        **more,
    }  # fmt: skip


def operations(*given: dict[str, Any]) -> dict[str, Any]:
    return {"operationGroups": [{"operations": list(given)}]}


RESIZE = advice(
    "google.compute.instance.MachineTypeRecommender", "CHANGE_MACHINE_TYPE", "-73", -268972762, priority="P4",
    content=operations(
        {"action": "test", "path": "/machineType", "resource": MACHINE,
         "valueMatcher": {"matchesPattern": ".*zones/europe-west1-b/machineTypes/n1-standard-4"}},
        {"action": "replace", "path": "/machineType", "resource": MACHINE,
         "value": "zones/europe-west1-b/machineTypes/custom-2-5120"},
    ),
)  # fmt: skip
IDLE_DISK = advice(
    "google.compute.disk.IdleResourceRecommender", "SNAPSHOT_AND_DELETE_DISK", "-7", -200000000,
    content=operations(
        {"action": "add", "path": "/", "resource": "$snapshot"},
        {"action": "remove", "path": "/", "resource": OLD_DISK},
    ),
)  # fmt: skip
COMMITMENT = advice(
    "google.compute.commitment.UsageCommitmentRecommender", "INCREASE_COMMITMENT", "-100",
    content=operations({"action": "add", "path": "/", "value": {"plan": "TWELVE_MONTH", "term": "ONE_YEAR"}}),
)  # fmt: skip
NEW = advice("google.lights.Recommender", "TURN_OFF", "-1", targetResources=[MACHINE])


class Recommender:
    """A zone, its region and global; machine types come in two pages."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.found: dict[str, list[dict[str, Any]]] = {
            "google.compute.instance.MachineTypeRecommender": [RESIZE],
            "google.compute.disk.IdleResourceRecommender": [IDLE_DISK],
            "google.compute.commitment.UsageCommitmentRecommender": [COMMITMENT],
            "google.lights.Recommender": [NEW],
        }

    def __call__(self, asked: Asked) -> Reply:
        if self.replies:
            return self.replies.pop(0)
        if asked.path.endswith("/locations"):
            names = ("europe-west1-b", "europe-west1", "global")
            return Reply({"locations": [{"name": f"projects/shop/locations/{n}", "locationId": n} for n in names]})
        assert asked.query["filter"] == "stateInfo.state=ACTIVE"
        location, recommender = asked.path.split("/")[5], asked.path.split("/")[7]
        if location == "europe-west1" and ".disk." in recommender:
            return Reply({})
        found = self.found.get(recommender, [])
        if "pageToken" in asked.query:
            return Reply({"recommendations": found})
        return Reply({"recommendations": [], "nextPageToken": "2"} if found else {})


@pytest.fixture
def recommender() -> Recommender:
    return Recommender()


@pytest.fixture
def service(recommender: Recommender, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setattr(_gcp_rest, "credentials", lambda _: AnonymousCredentials())  # type: ignore[no-untyped-call]
    monkeypatch.setattr(costlab.ingest.load, "utc_now", lambda: NOW)
    with serving(recommender) as running:
        yield running


def load(workspace: Path, service: Service, uri: str = "gcp://shop", **options: str) -> Any:
    return ingest(workspace, "gcp-recommendations", uri, options={"endpoint": service.url, **options})


def test_recommendations_with_the_saving_of_a_month_of_730_hours(tmp_path: Path, service: Service) -> None:
    load(tmp_path, service)
    assert rows(tmp_path, "kind, action, resource_id, monthly_saving, currency, region_id, sub_account_id") == [
        ("commitment", "purchase", None, Decimal("101.388888888889"), "EUR", "europe-west1", "shop"),
        ("rightsize", "resize", MACHINE, Decimal("74.286597383694"), "EUR", "europe-west1", "shop"),
        ("waste", "delete", OLD_DISK, Decimal("7.3"), "EUR", "europe-west1", "shop"),
    ]
    assert ("n1-standard-4", "custom-2-5120", None) in rows(tmp_path, "from_shape, to_shape, term_months")
    assert (12,) in rows(tmp_path, "term_months")
    details = {row[0]: json.loads(row[1]) for row in rows(tmp_path, "kind, detail")}
    assert details["commitment"]["instrument"] == "gcp-resource-cud"


def test_each_location_is_asked_for_what_it_can_have(tmp_path: Path, service: Service) -> None:
    load(tmp_path, service)
    asked = {tuple(a.path.split("/")[i] for i in (5, 7)) for a in service.asked[1:]}
    assert ("europe-west1-b", "google.compute.instance.MachineTypeRecommender") in asked
    assert ("europe-west1", "google.compute.instance.MachineTypeRecommender") not in asked
    assert ("global", "google.compute.image.IdleResourceRecommender") in asked
    assert len(asked) == 4 + 5 + 2


def test_other_recommenders_are_kept_as_other_and_reported(tmp_path: Path, service: Service) -> None:
    report = load(tmp_path, service, locations="europe-west1-b", recommenders="google.lights.Recommender")
    assert ("other", "turn off", MACHINE) in rows(tmp_path, "kind, action, resource_id")
    assert "google.lights.Recommender TURN_OFF is not known" in report.warnings[0]
    assert not [asked for asked in service.asked if asked.path.endswith("/locations")]


def test_a_billing_account_is_asked_for_commitments_only(tmp_path: Path, service: Service) -> None:
    load(tmp_path, service, "gcp://billingAccounts/012345-6789AB-CDEF01", locations="global,europe-west1")
    assert [asked.path.split("/")[7].split(".")[-1] for asked in service.asked] == [
        "SpendBasedCommitmentRecommender",
        "UsageCommitmentRecommender",
        "UsageCommitmentRecommender",
    ]


@pytest.mark.parametrize(
    ("status", "body", "error", "message"),
    [
        (403, {"error": {"status": "PERMISSION_DENIED"}}, ConfigError, "Google denies recommender.locations.list"),
        (
            403,
            {"error": {"details": [{"reason": "SERVICE_DISABLED"}]}},
            ConfigError,
            "the API 127.0.0.1 is not enabled",
        ),
        (401, {}, ConfigError, "does not accept the credentials"),
        (404, {}, SourceError, "does not know what --from names"),
        (400, {}, SourceError, "Google refuses recommender.locations.list: 400"),
    ],
)
def test_refusals_say_what_to_do(
    tmp_path: Path,
    service: Service,
    recommender: Recommender,
    status: int,
    body: Any,
    error: type[Exception],
    message: str,
) -> None:
    recommender.replies = [Reply(body, status)]
    with pytest.raises(error, match=message):
        load(tmp_path, service)


def test_a_missing_permission_of_one_recommender_is_named(
    tmp_path: Path, service: Service, recommender: Recommender
) -> None:
    recommender.replies = [Reply({"error": {"status": "PERMISSION_DENIED"}}, 403)]
    with pytest.raises(ConfigError, match=r"denies recommender\.computeInstanceMachineTypeRecommendations\.list"):
        load(tmp_path, service, locations="europe-west1-b")


def test_throttling_waits_then_goes_on_and_does_not_wait_for_ever(
    tmp_path: Path, service: Service, recommender: Recommender, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("costlab_connectors._gcp_rest.time.sleep", waited.append)
    recommender.replies = [Reply({}, 429, {"Retry-After": "9"}), Reply({}, 503)]
    load(tmp_path, service)
    assert waited == [9.0, 2.0]
    recommender.replies = [Reply({}, 429)] * 6
    with pytest.raises(SourceError, match=r"Google limits recommender.locations.list"):
        load(tmp_path, service)
    assert len(rows(tmp_path, "native_id")) == 3


def test_without_a_project_nothing_is_asked(tmp_path: Path, service: Service) -> None:
    with pytest.raises(UsageError, match="names no project"):
        load(tmp_path, service, "gcp://")
    assert service.asked == []


def test_without_credentials_the_login_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "not-there.json"))
    with pytest.raises(ConfigError, match="no Google credentials") as refused:
        ingest(tmp_path, "gcp-recommendations", "gcp://shop")
    assert "gcloud auth application-default login" in refused.value.hint


@pytest.mark.parametrize("page", [b"<html>Sign in</html>", b"[]", b"3"])
def test_a_page_of_a_proxy_is_not_an_answer(
    tmp_path: Path, service: Service, recommender: Recommender, page: bytes
) -> None:
    recommender.replies = [Reply(page)]
    with pytest.raises(SourceError, match="is not Google"):
        load(tmp_path, service)
