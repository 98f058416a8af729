"""Azure Advisor through the real SDK pipeline: pages, waiting, refusals, and what its types become."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import costlab.ingest.load
from costlab.errors import ConfigError, SourceError
from costlab.ingest import ingest
from costlab_connectors import _azure_rest
from tests.connectors.azure_api import SUBSCRIPTION, FakeCredential, azure_error
from tests.connectors.served import Asked, Reply, Service, rows, serving

NOW = datetime(2026, 5, 4, 6)
MACHINE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/web"
DISK = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/disks/old"


def advisor(number: int, problem: str, field: str, resource: str, **more: str) -> dict[str, Any]:
    return {
        "id": f"{resource}/providers/Microsoft.Advisor/recommendations/{number}",
        "type": "Microsoft.Advisor/recommendations",
        "name": str(number),
        "properties": {
            "category": "Cost",
            "impact": "High",
            "impactedField": field,
            "impactedValue": "x",
            "lastUpdated": "2026-05-03T06:31:53.7832971Z",
            "recommendationTypeId": "00000000-0000-0000-0000-000000000001",
            "shortDescription": {"problem": problem, "solution": problem},
            "extendedProperties": {"savingsCurrency": "EUR", **more},
            "resourceMetadata": {"resourceId": resource},
        },
    }


RIGHT_SIZE = "Right-size or shutdown underutilized virtual machines"
ITEMS = [
    advisor(
        1, RIGHT_SIZE, "Microsoft.Compute/virtualMachines", MACHINE, annualSavingsAmount="1000",
        currentSku="Standard_D4s_v5", targetSku="Standard_D2s_v5", recommendationType="SkuChange",
        regionId="westeurope",
    ),
    advisor(
        2, RIGHT_SIZE, "Microsoft.Compute/virtualMachines", MACHINE + "2", annualSavingsAmount="120.12",
        recommendationType="Shutdown",
    ),
    advisor(3, "You have disks that are not attached to a VM", "Microsoft.Compute/disks", DISK, savingsAmount="9.5"),
    advisor(
        4, "Consider virtual machine reserved instance to save over your on-demand costs",
        "Microsoft.Subscriptions/subscriptions", f"/subscriptions/{SUBSCRIPTION}", annualSavingsAmount="4451",
        reservedResourceType="VirtualMachines", term="P3Y", displaySKU="Standard_D4s_v5", qty="2", lookbackPeriod="30",
        region="westeurope",
    ),
    advisor(5, "Turn the lights off", "Microsoft.Lights/lamps", MACHINE + "3"),
]  # fmt: skip


class Arm:
    """Azure Resource Manager: two subscriptions; Advisor answers in two pages."""

    def __init__(self) -> None:
        self.url = ""
        self.replies: list[Reply] = []

    def __call__(self, asked: Asked) -> Reply:
        if self.replies:
            return self.replies.pop(0)
        if asked.path == "/subscriptions":
            found = [{"subscriptionId": name, "state": "Enabled"} for name in (SUBSCRIPTION, "other")]
            return Reply({"value": found})
        if "other" in asked.path:
            return Reply({"value": []})
        if "$skipToken" in asked.query:
            return Reply({"value": ITEMS[2:]})
        return Reply({"value": ITEMS[:2], "nextLink": f"{self.url}{asked.path}?$skipToken=2"})


@pytest.fixture
def arm() -> Arm:
    return Arm()


@pytest.fixture
def service(arm: Arm, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setattr(_azure_rest, "credential", FakeCredential)
    monkeypatch.setattr(costlab.ingest.load, "utc_now", lambda: NOW)
    with serving(arm) as running:
        arm.url = running.url
        yield running


def load(workspace: Path, service: Service, uri: str = f"azure://{SUBSCRIPTION}") -> Any:
    return ingest(workspace, "azure-recommendations", uri, options={"endpoint": service.url})


def test_recommendations_become_costlabs_kinds(tmp_path: Path, service: Service) -> None:
    report = load(tmp_path, service)
    assert rows(tmp_path, "kind, action, resource_id, monthly_saving, currency, term_months, provider") == [
        ("commitment", "purchase", None, Decimal("370.916666666667"), "EUR", 36, "Microsoft"),
        ("other", "Turn the lights off", MACHINE + "3", None, "EUR", None, "Microsoft"),
        ("rightsize", "resize", MACHINE, Decimal("83.333333333333"), "EUR", None, "Microsoft"),
        ("waste", "delete", DISK, Decimal("9.5"), "EUR", None, "Microsoft"),
        ("waste", "shut down", MACHINE + "2", Decimal("10.01"), "EUR", None, "Microsoft"),
    ]
    assert ("Standard_D4s_v5", "Standard_D2s_v5", SUBSCRIPTION, "westeurope") in rows(
        tmp_path, "from_shape, to_shape, sub_account_id, region_id"
    )
    (warning,) = report.warnings
    assert "recommendation type Turn the lights off is not known, kept as other" in warning


def test_savings_are_at_list_price_and_a_purchase_has_its_instrument(tmp_path: Path, service: Service) -> None:
    load(tmp_path, service)
    details = {row[0]: json.loads(row[1]) for row in rows(tmp_path, "kind, detail")}
    assert {detail["saving_basis"] for detail in details.values()} == {"list price"}
    assert (details["commitment"]["instrument"], details["commitment"]["quantity"]) == ("azure-reservation", "2")


def test_only_costs_are_asked_for_with_a_token(tmp_path: Path, service: Service) -> None:
    load(tmp_path, service)
    first = service.asked[0]
    assert first.query == {"api-version": "2025-01-01", "$filter": "Category eq 'Cost'"}
    assert first.headers["authorization"] == "Bearer made-up"


def test_without_a_subscription_all_that_can_be_seen_are_asked(tmp_path: Path, service: Service) -> None:
    load(tmp_path, service, "azure://")
    assert [asked.path.split("/")[2] for asked in service.asked[1:]] == [SUBSCRIPTION, SUBSCRIPTION, "other"]


def test_throttling_waits_as_long_as_told_then_goes_on(
    tmp_path: Path, service: Service, arm: Arm, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("costlab_connectors._azure_rest.time.sleep", waited.append)
    headers = {
        "x-ms-ratelimit-microsoft.costmanagement-qpu-retry-after": "7",
        "x-ms-ratelimit-microsoft.costmanagement-entity-retry-after": "19",
        "Retry-After": "3",
    }
    arm.replies = [Reply({"error": {"code": "429"}}, 429, headers), Reply({}, 503)]
    load(tmp_path, service)
    assert waited == [19.0, 2.0]
    assert len(rows(tmp_path, "native_id")) == 5


def test_throttling_that_does_not_end_is_said(
    tmp_path: Path, service: Service, arm: Arm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("costlab_connectors._azure_rest.time.sleep", lambda _: None)
    arm.replies = [azure_error("TooManyRequests", 429)] * 6
    with pytest.raises(SourceError, match=r"Azure limits Microsoft\.Advisor/recommendations/read"):
        load(tmp_path, service)


def test_a_wait_of_an_hour_is_not_waited(tmp_path: Path, service: Service, arm: Arm) -> None:
    arm.replies = [Reply({"error": {"code": "429"}}, 429, {"Retry-After": "3600"})]
    with pytest.raises(SourceError, match="Azure limits"):
        load(tmp_path, service)


@pytest.mark.parametrize(
    ("status", "code", "error", "message"),
    [
        (403, "AuthorizationFailed", ConfigError, "Azure denies Microsoft.Advisor/recommendations/read"),
        (401, "InvalidAuthenticationToken", ConfigError, "does not accept the credentials"),
        (404, "SubscriptionNotFound", SourceError, r"does not know the scope \(SubscriptionNotFound\)"),
        (400, "BadRequest", SourceError, "Azure refuses .*: 400 BadRequest"),
    ],
)
def test_refusals_say_what_to_do(
    tmp_path: Path, service: Service, arm: Arm, status: int, code: str, error: type[Exception], message: str
) -> None:
    arm.replies = [azure_error(code, status)]
    with pytest.raises(error, match=message) as refused:
        load(tmp_path, service)
    assert "made-up" not in str(refused.value)


def test_no_recommendations_is_an_answer(tmp_path: Path, service: Service) -> None:
    load(tmp_path, service)
    load(tmp_path, service, "azure://other")
    assert rows(tmp_path, "native_id") == []


def test_a_token_is_never_sent_without_https(tmp_path: Path, service: Service) -> None:
    with pytest.raises(ConfigError, match="is not https"):
        ingest(tmp_path, "azure-recommendations", "azure://x", options={"endpoint": "http://management.example"})


def test_a_next_page_on_another_host_is_not_followed(tmp_path: Path, service: Service, arm: Arm) -> None:
    arm.replies = [Reply({"value": [], "nextLink": "https://evil.example/next"})]
    with pytest.raises(SourceError, match="on another host"):
        load(tmp_path, service)


def test_credentials_that_see_no_subscription_say_so(tmp_path: Path, service: Service, arm: Arm) -> None:
    arm.replies = [Reply({"value": []})]
    with pytest.raises(ConfigError, match="see no Azure subscription"):
        load(tmp_path, service, "azure://")


@pytest.mark.parametrize("page", [b"<html>Sign in</html>", b"[]", b"3"])
def test_a_page_of_a_proxy_is_not_an_answer(tmp_path: Path, service: Service, arm: Arm, page: bytes) -> None:
    arm.replies = [Reply(page)]
    with pytest.raises(SourceError, match="is not Azure"):
        load(tmp_path, service)
