"""AWS's own recommendations through the real SDK: the hub, Compute Optimizer where it is off, paid purchases."""

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
from costlab.ingest.paid import spent
from costlab.lake import Lake
from costlab.period import Month
from tests.connectors.aws_advice import DATABASE, Aws
from tests.connectors.served import Service, aws_error, serving
from tests.connectors.served import rows as advice

NOW = datetime(2026, 5, 4, 6)


@pytest.fixture
def aws() -> Aws:
    return Aws()


@pytest.fixture
def service(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-example")
    monkeypatch.setattr("botocore.retries.standard.time.sleep", lambda _: None, raising=False)
    monkeypatch.setattr(costlab.ingest.load, "utc_now", lambda: NOW)
    with serving(aws) as running:
        yield running


def load(workspace: Path, service: Service, told: list[str] | None = None, **options: str) -> Any:
    options = {"endpoint": service.url, **options}
    report = (told if told is not None else []).append
    return ingest(workspace, "aws-recommendations", "aws://", options=options, progress=report)


def test_the_hub_tells_all_kinds_with_ids_as_the_bill_has_them(tmp_path: Path, service: Service) -> None:
    load(tmp_path, service)
    assert advice(tmp_path, "native_id, kind, action, resource_id, monthly_saving, currency, tool") == [
        ("rec-1", "rightsize", "resize", "i-0abc", Decimal("12.34"), "USD", "cost-optimization-hub"),
        ("rec-2", "storage", "upgrade", "vol-0aaa", Decimal("0.1"), "USD", "cost-optimization-hub"),
        ("rec-3", "waste", "stop", DATABASE, Decimal("12.34"), "USD", "cost-optimization-hub"),
        ("rec-4", "commitment", "purchase", None, Decimal(100), "USD", "cost-optimization-hub"),
        ("rec-5", "other", "Teleport", "i-0def", Decimal("12.34"), "USD", "cost-optimization-hub"),
    ]
    where = "from_shape, to_shape, provider, sub_account_id, region_id, observed_at"
    assert ("m5.xlarge", "m5.large", "AWS", "111122223333", "eu-west-1", NOW) in advice(tmp_path, where)
    details = {row[0]: json.loads(row[1]) for row in advice(tmp_path, "native_id, detail")}
    assert details["rec-1"]["saving_basis"] == "after discounts"
    assert details["rec-1"]["lookback_days"] == 14


def test_a_purchase_has_its_terms(tmp_path: Path, service: Service) -> None:
    load(tmp_path, service)
    rows = advice(tmp_path, "hourly_commitment, term_months, payment, to_shape, kind")
    assert (Decimal("0.25"), 12, "NoUpfront", "ComputeSavingsPlans", "commitment") in rows


def test_a_type_that_is_not_known_is_kept_and_reported(tmp_path: Path, service: Service) -> None:
    (warning,) = load(tmp_path, service).warnings
    assert "1 rows: recommendation type Teleport Ec2Instance is not known, kept as other" in warning


def test_the_hub_costs_nothing(tmp_path: Path, service: Service) -> None:
    load(tmp_path, service, allow_paid="yes")
    assert spent(tmp_path, Month.of(NOW.date())) == {}
    assert not {name for name in service.operations() if "Purchase" in name}


def test_when_nothing_is_recommended_any_more_nothing_stays(tmp_path: Path, service: Service, aws: Aws) -> None:
    load(tmp_path, service)
    aws.pages = {"": []}
    (period,) = load(tmp_path, service).periods
    assert (period.item()["rows_loaded"], period.item()["rows_dropped"]) == (0, {"nothing is recommended": 1})
    assert advice(tmp_path, "native_id") == []


def test_without_the_hub_compute_optimizer_is_asked_and_purchases_are_left_out(
    tmp_path: Path, service: Service, aws: Aws
) -> None:
    aws.hub = False
    told: list[str] = []
    load(tmp_path, service, told)
    assert advice(tmp_path, "resource_id, kind, action, from_shape, to_shape, monthly_saving, region_id, tool") == [
        ("i-0big", "rightsize", "resize", "m5.2xlarge", "m5.large", Decimal("150.5"), "us-east-1", "compute-optimizer"),
        ("i-0idle", "waste", "delete", None, None, Decimal("70.08"), "us-east-1", "compute-optimizer"),
        ("vol-0gp2", "storage", "upgrade", "gp2", "gp3", Decimal(2), "us-east-1", "compute-optimizer"),
    ]
    basis = {row[0]: json.loads(row[1])["saving_basis"] for row in advice(tmp_path, "resource_id, detail")}
    assert basis == {"i-0big": "after discounts", "i-0idle": "list price", "vol-0gp2": "list price"}
    assert any("9 Cost Explorer requests would cost 0.09 USD" in line for line in told)


def test_purchases_are_paid_for_once_a_week_with_consent(
    tmp_path: Path, service: Service, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.hub = False
    told: list[str] = []
    load(tmp_path, service, told, allow_paid="yes")
    monkeypatch.setattr(costlab.ingest.load, "utc_now", lambda: datetime(2026, 5, 10, 23))
    load(tmp_path, service, allow_paid="yes")
    assert any("9 Cost Explorer request(s) at 0.01 USD = 0.09 USD" in line for line in told)
    assert spent(tmp_path, Month.of(NOW.date())) == {"aws-recommendations": Decimal("0.09")}
    bought = [
        row for row in advice(tmp_path, "kind, to_shape, hourly_commitment, monthly_saving") if row[0][:3] == "com"
    ]
    assert bought == [
        ("commitment", "2 x db.r5.large", None, Decimal("55.5")),
        ("commitment", "COMPUTE_SP", Decimal("1.234"), Decimal("321.000000001")),
    ]


def test_when_neither_is_turned_on_that_is_said(tmp_path: Path, service: Service, aws: Aws) -> None:
    aws.hub = aws.optimizer = False
    with pytest.raises(ConfigError, match="neither Cost Optimization Hub nor Compute Optimizer") as refused:
        load(tmp_path, service)
    assert "update-enrollment-status" in refused.value.hint


@pytest.mark.parametrize(
    ("operation", "permission", "hub"),
    [
        ("ListEnrollmentStatuses", "cost-optimization-hub:ListEnrollmentStatuses", True),
        ("ListRecommendations", "cost-optimization-hub:ListRecommendations", True),
        ("GetRecommendation", "cost-optimization-hub:GetRecommendation", True),
        ("GetEC2InstanceRecommendations", "compute-optimizer:GetEC2InstanceRecommendations", False),
        ("GetEnrollmentStatus", "compute-optimizer:GetEnrollmentStatus", False),
    ],
)
def test_a_missing_permission_is_named(
    tmp_path: Path, service: Service, aws: Aws, operation: str, permission: str, hub: bool
) -> None:
    aws.hub = hub
    aws.failures = {operation: aws_error("AccessDeniedException")}
    with pytest.raises(ConfigError, match=f"AWS denies {permission}"):
        load(tmp_path, service)
    assert Lake(tmp_path).current().seq == 0


def test_a_region_that_is_not_opted_in_says_how(tmp_path: Path, service: Service, aws: Aws) -> None:
    aws.hub = False
    aws.failures = {"GetIdleRecommendations": aws_error("OptInRequiredException")}
    with pytest.raises(ConfigError, match="Compute Optimizer is not turned on"):
        load(tmp_path, service)


def test_throttling_leaves_what_was_there(tmp_path: Path, service: Service, aws: Aws) -> None:
    load(tmp_path, service)
    aws.failures = {"ListRecommendations": aws_error("ThrottlingException")}
    with pytest.raises(SourceError, match="AWS limits cost-optimization-hub:ListRecommendations"):
        load(tmp_path, service)
    assert len(advice(tmp_path, "native_id")) == 5


def test_expired_credentials_are_a_matter_of_logging_in(tmp_path: Path, service: Service, aws: Aws) -> None:
    aws.failures = {"ListEnrollmentStatuses": aws_error("ExpiredTokenException")}
    with pytest.raises(ConfigError, match="does not accept the credentials") as refused:
        load(tmp_path, service)
    assert "aws sso login" in refused.value.hint


def test_an_option_that_is_not_known_is_refused(tmp_path: Path, service: Service) -> None:
    with pytest.raises(Exception, match="unknown option 'alow_paid'"):
        load(tmp_path, service, alow_paid="yes")
