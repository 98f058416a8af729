"""Cost Management's Query API through the real SDK pipeline: actual and amortized cost become one FOCUS month."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import costlab.ingest.load
from costlab.errors import ConfigError, SourceError
from costlab.ingest import ingest
from costlab.lake import Action
from costlab.period import Month
from costlab_connectors import _azure_rest
from tests.connectors.azure_api import SUBSCRIPTION, FakeCredential, azure_error
from tests.connectors.served import Asked, Reply, Service, rows, serving

NOW = datetime(2026, 5, 4, 6)
COLUMNS = [
    {"name": "Cost", "type": "Number"},
    {"name": "UsageDate", "type": "Number"},
    {"name": "SubscriptionId", "type": "String"},
    {"name": "ServiceName", "type": "String"},
    {"name": "ChargeType", "type": "String"},
    {"name": "Currency", "type": "String"},
]
ACTUAL = [
    [10.25, 20260501, SUBSCRIPTION, "Virtual Machines", "Usage", "EUR"],
    [0.000000123456, 20260502, SUBSCRIPTION, "Storage", "usage", "EUR"],
    [720, 20260502, SUBSCRIPTION, "Virtual Machines", "Purchase", "EUR"],
    [-3.5, 20260502, SUBSCRIPTION, "Virtual Machines", "Refund", "EUR"],
]
AMORTIZED = [
    [12.5, 20260501, SUBSCRIPTION, "Virtual Machines", "Usage", "EUR"],
    [0.000000123456, 20260502, SUBSCRIPTION, "Storage", "usage", "EUR"],
    [1.5, 20260502, SUBSCRIPTION, "Virtual Machines", "UnusedReservation", "EUR"],
    [0.25, 20260502, SUBSCRIPTION, "Lamps", "Glow", "EUR"],
]


class CostManagement:
    """Answers May in two pages for actual cost, in one for amortized; nothing for other months."""

    def __init__(self) -> None:
        self.url = ""
        self.replies: list[Reply] = []
        self.columns = COLUMNS

    def __call__(self, asked: Asked) -> Reply:
        if self.replies:
            return self.replies.pop(0)
        if not asked.json["timePeriod"]["from"].startswith("2026-05"):
            return self._page([])
        if asked.json["type"] == "AmortizedCost":
            return self._page(AMORTIZED)
        if "$skiptoken" in asked.query:
            return self._page(ACTUAL[2:])
        return self._page(ACTUAL[:2], f"{self.url}{asked.path}?api-version=2025-03-01&$skiptoken=AQ")

    def _page(self, found: list[list[Any]], link: str | None = None) -> Reply:
        return Reply({"id": "x", "name": "x", "properties": {"nextLink": link, "columns": self.columns, "rows": found}})


@pytest.fixture
def costs() -> CostManagement:
    return CostManagement()


@pytest.fixture
def service(costs: CostManagement, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setattr(_azure_rest, "credential", FakeCredential)
    monkeypatch.setattr(costlab.ingest.load, "utc_now", lambda: NOW)
    with serving(costs) as running:
        costs.url = running.url
        yield running


def load(
    workspace: Path, service: Service, uri: str = f"azure://{SUBSCRIPTION}", period: str = "", **options: str
) -> Any:
    month = Month.parse(period) if period else None
    return ingest(workspace, "azure-cost-query", uri, options={"endpoint": service.url, **options}, period=month)


def test_actual_is_billed_and_amortized_is_effective(tmp_path: Path, service: Service) -> None:
    report = load(tmp_path, service)
    (period,) = report.periods
    assert (period.period, period.action) == ("2026-05", Action.LOADED)
    assert period.item()["billed_cost_loaded"] == Decimal("726.750000123456")
    assert rows(
        tmp_path,
        "cast(ChargePeriodStart as date)::varchar, ServiceName, ChargeCategory, ChargeClass, BilledCost, EffectiveCost",
    ) == [
        ("2026-05-01", "Virtual Machines", "Usage", None, Decimal("10.25"), Decimal("12.5")),
        ("2026-05-02", "Lamps", "Adjustment", None, Decimal(0), Decimal("0.25")),
        ("2026-05-02", "Storage", "Usage", None, Decimal("0.000000123456"), Decimal("0.000000123456")),
        ("2026-05-02", "Virtual Machines", "Purchase", "Correction", Decimal("-3.5"), Decimal(0)),
        ("2026-05-02", "Virtual Machines", "Purchase", None, Decimal(720), Decimal(0)),
        ("2026-05-02", "Virtual Machines", "Usage", None, Decimal(0), Decimal("1.5")),
    ]
    assert rows(tmp_path, "distinct SubAccountId, BillingCurrency, ListCost, ProviderName, x_data_status") == [
        (SUBSCRIPTION, "EUR", None, "Microsoft", "estimated")
    ]
    assert ("Storage", "Storage") in rows(tmp_path, "ServiceName, ServiceCategory")
    assert report.warnings == ["2026-05: 1 rows: charge type Glow is not known, taken as Adjustment"]


def test_pages_are_posted_with_the_same_body(tmp_path: Path, service: Service) -> None:
    load(tmp_path, service, months="1")
    first, second, third = service.asked
    assert first.method == second.method == "POST"
    assert first.json == second.json
    assert first.json["timePeriod"] == {"from": "2026-05-01T00:00:00Z", "to": "2026-05-31T23:59:59Z"}
    assert third.json["type"] == "AmortizedCost"


def test_a_billing_scope_is_asked_as_azure_writes_it(tmp_path: Path, service: Service) -> None:
    load(tmp_path, service, "azure://providers/Microsoft.Billing/billingAccounts/8765", months="1")
    path = "/providers/Microsoft.Billing/billingAccounts/8765/providers/Microsoft.CostManagement/query"
    assert {asked.path for asked in service.asked} == {path}
    assert rows(tmp_path, "distinct BillingAccountId") == [("8765",)]


def test_the_same_answer_again_changes_nothing(tmp_path: Path, service: Service) -> None:
    load(tmp_path, service)
    assert [period.action for period in load(tmp_path, service).periods] == [Action.UNCHANGED]


def test_throttling_waits_for_the_longest_header(
    tmp_path: Path, service: Service, costs: CostManagement, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("costlab_connectors._azure_rest.time.sleep", waited.append)
    names = ("entity", "qpu", "tenant")
    headers = {
        f"x-ms-ratelimit-microsoft.costmanagement-{n}-retry-after": str(w)
        for n, w in zip(names, (5, 41, 1), strict=True)
    }
    costs.replies = [Reply({"error": {"code": "429"}}, 429, headers)]
    load(tmp_path, service, months="1")
    assert waited == [41.0]


def test_a_missing_permission_is_named(tmp_path: Path, service: Service, costs: CostManagement) -> None:
    costs.replies = [azure_error("RBACAccessDenied", 403)]
    with pytest.raises(ConfigError, match=r"Azure denies Microsoft\.CostManagement/query/action"):
        load(tmp_path, service)


def test_an_answer_of_another_shape_is_refused(tmp_path: Path, service: Service, costs: CostManagement) -> None:
    costs.columns = [{"name": "Price", "type": "Number"}, *COLUMNS[1:]]
    with pytest.raises(SourceError, match="Azure's answer has columns Price, UsageDate"):
        load(tmp_path, service)


@pytest.mark.parametrize("months", ["0", "14", "x"])
def test_a_number_of_months_that_cannot_be_is_refused(tmp_path: Path, service: Service, months: str) -> None:
    with pytest.raises(ConfigError, match="option months"):
        load(tmp_path, service, months=months)


def test_a_month_to_come_is_refused(tmp_path: Path, service: Service) -> None:
    with pytest.raises(SourceError, match="has not begun"):
        load(tmp_path, service, period="2026-06")
