"""The clouds' own budgets: amount, scope in FOCUS's words, and when they alert."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials

import costlab.ingest.load
from costlab.errors import ConfigError, UsageError
from costlab.ingest import ingest
from costlab_connectors import _azure_rest, _gcp_rest
from tests.connectors.azure_api import SUBSCRIPTION, FakeCredential, azure_error
from tests.connectors.served import IDENTITY, Asked, Reply, aws_error, checked, rows, serving

NOW = datetime(2026, 5, 4, 6)
FIELDS = "name, billing_account_id, scope, amount, currency, cadence, thresholds"
Answer = Callable[[Asked], Reply]


@pytest.fixture(autouse=True)
def _signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-example")
    monkeypatch.setattr(_azure_rest, "credential", FakeCredential)
    monkeypatch.setattr(_gcp_rest, "credentials", lambda _: AnonymousCredentials())  # type: ignore[no-untyped-call]
    monkeypatch.setattr(costlab.ingest.load, "utc_now", lambda: NOW)


def load(workspace: Path, connector: str, uri: str, answer: Answer, told: list[str] | None = None) -> Any:
    with serving(answer) as service:
        report = (told if told is not None else []).append
        return ingest(workspace, connector, uri, options={"endpoint": service.url}, progress=report)


def found(workspace: Path) -> list[tuple[Any, ...]]:
    return [(*r[:2], json.loads(r[2]), *r[3:6], json.loads(r[6])) for r in rows(workspace, FIELDS)]


def aws_budget(name: str, **more: Any) -> dict[str, Any]:
    limit = {"Amount": "1000.50", "Unit": "USD"}
    return {"BudgetName": name, "BudgetType": "COST", "TimeUnit": "MONTHLY", "BudgetLimit": limit, **more}


AWS_BUDGETS = [
    aws_budget("all"),
    aws_budget(
        "shop", TimeUnit="QUARTERLY",
        CostFilters={"LinkedAccount": ["444455556666"], "TagKeyValue": ["user:team$shop"]},
    ),
    aws_budget("s3", FilterExpression={"Dimensions": {"Key": "SERVICE", "Values": ["Amazon Simple Storage Service"]}}),
    aws_budget("hours", BudgetType="USAGE", BudgetLimit={"Amount": "100", "Unit": "Hrs"}),
]  # fmt: skip
NOTIFICATIONS = [
    {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80.0},
    {"NotificationType": "FORECASTED", "ComparisonOperator": "GREATER_THAN", "Threshold": 500.25,
     "ThresholdType": "ABSOLUTE_VALUE"},
]  # fmt: skip


def aws(asked: Asked) -> Reply:
    if asked.operation == "GetCallerIdentity":
        return Reply(IDENTITY, headers={"Content-Type": "text/xml"})
    if asked.operation == "DescribeNotificationsForBudget":
        told = NOTIFICATIONS if asked.json["BudgetName"] == "all" else []
        return Reply(checked(asked.operation, {"Notifications": told}))
    if "NextToken" in asked.json:
        return Reply(checked(asked.operation, {"Budgets": AWS_BUDGETS[2:]}))
    return Reply(checked(asked.operation, {"Budgets": AWS_BUDGETS[:2], "NextToken": "2"}))


def test_aws_budgets(tmp_path: Path) -> None:
    told: list[str] = []
    load(tmp_path, "aws-budgets", "aws://", aws, told)
    amount, account = Decimal("1000.5"), "111122223333"
    thresholds = [{"ratio": "0.8", "basis": "actual"}, {"ratio": "0.5", "basis": "forecast"}]
    shop = {"SubAccountId": ["444455556666"], "x_filter": {"TagKeyValue": ["user:team$shop"]}}
    assert found(tmp_path) == [
        ("all", account, {}, amount, "USD", "monthly", thresholds),
        ("s3", account, {"ServiceName": ["Amazon Simple Storage Service"]}, amount, "USD", "monthly", []),
        ("shop", account, shop, amount, "USD", "quarterly", []),
    ]
    assert any("1 budgets of usage or commitments are left out" in line for line in told)


def test_a_missing_permission_of_aws_is_named(tmp_path: Path) -> None:
    def denied(asked: Asked) -> Reply:
        return aws(asked) if asked.operation == "GetCallerIdentity" else aws_error("AccessDeniedException")

    with pytest.raises(ConfigError, match="AWS denies budgets:ViewBudget"):
        load(tmp_path, "aws-budgets", "aws://", denied)


AZURE_BUDGET = {
    "id": f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Consumption/budgets/team",
    "name": "team",
    "properties": {
        "category": "Cost",
        "amount": 100.65,
        "timeGrain": "Monthly",
        "timePeriod": {"startDate": "2026-01-01T00:00:00Z"},
        "currentSpend": {"amount": 80.89, "unit": "EUR"},
        "filter": {"dimensions": {"name": "ServiceName", "operator": "In", "values": ["Storage"]}},
        "notifications": {
            "Actual_GreaterThan_80_Percent": {"enabled": True, "operator": "GreaterThan", "threshold": 80},
            "Forecast": {"enabled": True, "operator": "GreaterThan", "threshold": 100.5, "thresholdType": "Forecasted"},
            "Off": {"enabled": False, "operator": "GreaterThan", "threshold": 10},
        },
    },
}


def test_azure_budgets(tmp_path: Path) -> None:
    tags = {"and": [{"tags": {"name": "team", "operator": "In", "values": ["a"]}}]}
    other = {"name": "tags", "id": "/b", "properties": {"amount": 7, "timeGrain": "BillingAnnual", "filter": tags}}
    load(tmp_path, "azure-budgets", f"azure://{SUBSCRIPTION}", lambda _: Reply({"value": [AZURE_BUDGET, other]}))
    thresholds = [{"ratio": "0.8", "basis": "actual"}, {"ratio": "1.005", "basis": "forecast"}]
    scope = {"SubAccountId": [SUBSCRIPTION]}
    assert found(tmp_path) == [
        ("tags", None, {**scope, "x_filter": tags}, Decimal(7), None, "annual", []),
        ("team", None, {**scope, "ServiceName": ["Storage"]}, Decimal("100.65"), "EUR", "monthly", thresholds),
    ]


def test_azure_budgets_of_a_billing_account(tmp_path: Path) -> None:
    uri = "azure://providers/Microsoft.Billing/billingAccounts/8765"
    load(tmp_path, "azure-budgets", uri, lambda _: Reply({"value": [AZURE_BUDGET]}))
    assert [row[1:3] for row in found(tmp_path)] == [("8765", {"ServiceName": ["Storage"]})]


def test_a_missing_permission_of_azure_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Azure denies Microsoft\.Consumption/budgets/read"):
        load(tmp_path, "azure-budgets", "azure://x", lambda _: azure_error("AuthorizationFailed", 403))


GCP_BUDGETS = [
    {
        "name": "billingAccounts/012345-6789AB-CDEF01/budgets/1",
        "displayName": "shop",
        "budgetFilter": {
            "projects": ["projects/shop"],
            "calendarPeriod": "MONTH",
            "labels": {"team": {"values": ["a"]}},
        },
        "amount": {"specifiedAmount": {"currencyCode": "EUR", "units": "500", "nanos": 250000000}},
        "thresholdRules": [
            {"thresholdPercent": 0.5, "spendBasis": "CURRENT_SPEND"},
            {"thresholdPercent": 1.0, "spendBasis": "FORECASTED_SPEND"},
        ],
    },
    {
        "name": "billingAccounts/012345-6789AB-CDEF01/budgets/2",
        "displayName": "like last year",
        "budgetFilter": {"calendarPeriod": "YEAR"},
        "amount": {"lastPeriodAmount": {}},
    },
]


def test_gcp_budgets(tmp_path: Path) -> None:
    load(tmp_path, "gcp-budgets", "gcp://012345-6789AB-CDEF01", lambda _: Reply({"budgets": GCP_BUDGETS}))
    thresholds = [{"ratio": "0.5", "basis": "actual"}, {"ratio": "1", "basis": "forecast"}]
    scope = {"SubAccountId": ["shop"], "x_filter": {"labels": {"team": {"values": ["a"]}}}}
    account = "012345-6789AB-CDEF01"
    assert found(tmp_path) == [
        ("like last year", account, {}, None, None, "annual", []),
        ("shop", account, scope, Decimal("500.25"), "EUR", "monthly", thresholds),
    ]


def test_a_missing_permission_of_google_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Google denies billing\.budgets\.list"):
        load(tmp_path, "gcp-budgets", "gcp://x", lambda _: Reply({"error": {"status": "PERMISSION_DENIED"}}, 403))


def test_without_a_billing_account_nothing_is_asked(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="names no billing account"):
        load(tmp_path, "gcp-budgets", "gcp://", lambda _: Reply({}))


def test_when_the_last_budget_is_gone_none_is_left(tmp_path: Path) -> None:
    uri = f"azure://{SUBSCRIPTION}"
    load(tmp_path, "azure-budgets", uri, lambda _: Reply({"value": [AZURE_BUDGET]}))
    (period,) = load(tmp_path, "azure-budgets", uri, lambda _: Reply({"value": []})).periods
    assert period.item()["rows_dropped"] == {"there are no budgets": 1}
    assert found(tmp_path) == []
