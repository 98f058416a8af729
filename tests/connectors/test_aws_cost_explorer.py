"""Cost Explorer through the real SDK: what is asked, what it costs, and what becomes of the answers."""

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
from costlab.ingest.paid import spent
from costlab.lake import Action, Lake
from costlab.period import Month
from tests.connectors.served import IDENTITY, Asked, Reply, Service, aws_error, checked, rows, serving

NOW = datetime(2026, 5, 4, 6)
EC2 = "Amazon Elastic Compute Cloud - Compute"


def group(service: str, account: str, unblended: str, amortized: str, **more: str) -> dict[str, Any]:
    metrics = {"UnblendedCost": unblended, "AmortizedCost": amortized, **more}
    return {"Keys": [service, account], "Metrics": {n: {"Amount": a, "Unit": "USD"} for n, a in metrics.items()}}


def day(start: str, *groups: dict[str, Any], estimated: bool = False) -> dict[str, Any]:
    end = f"{start[:8]}{int(start[8:]) + 1:02d}"
    return {"TimePeriod": {"Start": start, "End": end}, "Total": {}, "Groups": list(groups), "Estimated": estimated}


def page(*days: dict[str, Any], **more: Any) -> Reply:
    names = [{"Value": "000000000042", "Attributes": {"description": "dev"}}]
    body = {"ResultsByTime": list(days), "DimensionValueAttributes": names, "GroupDefinitions": [], **more}
    return Reply(checked("GetCostAndUsage", body), headers={"Content-Type": "application/x-amz-json-1.1"})


def kind(asked: Asked) -> str:
    wanted = asked.json["Filter"]
    return "Usage" if "Not" in wanted else wanted["Dimensions"]["Values"][0]


class Explorer:
    """Answers one day per month: of usage, purchases, tax, credits and refunds."""

    def __init__(self) -> None:
        self.estimated = {"2026-05"}
        self.usage = "10.10"
        self.failure: Reply | None = None
        self.busy = 0
        """How often it is busy before it answers."""
        self.pages = False

    def __call__(self, asked: Asked) -> Reply:
        if asked.operation == "GetCallerIdentity":
            return Reply(IDENTITY, headers={"Content-Type": "text/xml"})
        if self.failure:
            return self.failure
        if self.busy:
            self.busy -= 1
            return aws_error("ThrottlingException")
        month = asked.json["TimePeriod"]["Start"][:7]
        return self._of(asked, f"{month}-03", month in self.estimated)

    def _of(self, asked: Asked, start: str, estimated: bool) -> Reply:
        account = "000000000042"
        more = self.pages and kind(asked) == "Usage" and "NextPageToken" not in asked.json
        groups = {
            "Usage": group(EC2, account, self.usage, "12.123456789012"),
            "Fee": group("Savings Plans for AWS Compute usage", account, "24.00", "1.5"),
            "Tax": group("Tax", account, "1.23", "1.23"),
            "Bundled Discount": group(EC2, account, "-0.5000000001", "-0.5", NetAmortizedCost="-0.4"),
            "Refund": group("Amazon Simple Storage Service", account, "-0.01", "-0.01"),
        }
        if "NextPageToken" in asked.json:
            return page(day(start, group("EC2 - Other", account, "0.1", "0.2"), estimated=estimated))
        token = {"NextPageToken": "page-2"} if more else {}
        return page(day(start, groups[kind(asked)], estimated=estimated), **token)


@pytest.fixture
def explorer() -> Explorer:
    return Explorer()


@pytest.fixture
def service(explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-example")
    monkeypatch.setattr("botocore.retries.standard.time.sleep", lambda _: None, raising=False)
    at(monkeypatch, NOW)
    with serving(explorer) as running:
        yield running


def at(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setattr(costlab.ingest.load, "utc_now", lambda: now)


def load(workspace: Path, service: Service, *, told: list[str] | None = None, period: str = "", **options: str) -> Any:
    given = {"endpoint": service.url, "months": "1", "allow_paid": "yes", **options}
    return ingest(
        workspace,
        "aws-cost-explorer",
        "aws://",
        options={name: value for name, value in given.items() if value},
        period=Month.parse(period) if period else None,
        progress=(told if told is not None else []).append,
    )


def cost_requests(service: Service) -> list[Asked]:
    return [asked for asked in service.asked if asked.operation == "GetCostAndUsage"]


def test_without_consent_nothing_is_asked_of_cost_explorer(tmp_path: Path, service: Service) -> None:
    with pytest.raises(ConfigError, match=r"5 Cost Explorer request\(s\) at 0.01 USD = 0.05 USD") as refused:
        load(tmp_path, service, allow_paid="")
    assert refused.value.exit_code == 4
    assert cost_requests(service) == []
    assert Lake(tmp_path).current().seq == 0


def test_charges_become_focus_rows_whose_sum_is_the_bill(tmp_path: Path, service: Service) -> None:
    report = load(tmp_path, service)
    (period,) = report.periods
    assert (period.action, period.period) == (Action.LOADED, "2026-05")
    assert period.item()["billed_cost_loaded"] == period.item()["billed_cost_received"] == Decimal("34.8199999999")
    assert rows(tmp_path, "ChargeCategory, ChargeClass, BilledCost, EffectiveCost, ServiceName, ServiceCategory") == [
        ("Credit", None, Decimal("-0.5000000001"), Decimal("-0.4"), "Amazon Elastic Compute Cloud", "Compute"),
        ("Purchase", None, Decimal(24), Decimal("1.5"), "Savings Plans for AWS Compute usage", "Compute"),
        ("Tax", None, Decimal("1.23"), Decimal("1.23"), "Tax", "Other"),
        ("Usage", "Correction", Decimal("-0.01"), Decimal("-0.01"), "Amazon Simple Storage Service", "Storage"),
        ("Usage", None, Decimal("10.1"), Decimal("12.123456789012"), "Amazon Elastic Compute Cloud", "Compute"),
    ]
    start, end = datetime(2026, 5, 3), datetime(2026, 5, 4)
    assert rows(
        tmp_path,
        "distinct SubAccountId, SubAccountName, BillingAccountId, BillingCurrency, ChargePeriodStart, ChargePeriodEnd, "
        "BillingPeriodStart, BillingPeriodEnd, x_data_status, ListCost, ContractedCost",
    ) == [
        (
            "000000000042", "dev", "111122223333", "USD", start, end,
            datetime(2026, 5, 1), datetime(2026, 6, 1), "estimated", None, None,
        )
    ]  # fmt: skip


def test_every_charge_is_asked_for_in_exactly_one_request(tmp_path: Path, service: Service) -> None:
    load(tmp_path, service)
    asked = [request.json["Filter"] for request in cost_requests(service)]
    named = [name for wanted in asked[1:] for name in wanted["Dimensions"]["Values"]]
    assert sorted(named) == asked[0]["Not"]["Dimensions"]["Values"]
    assert len(set(named)) == len(named)
    assert {request.json["TimePeriod"]["End"] for request in cost_requests(service)} == {"2026-05-05"}


def test_pages_are_followed_and_each_costs(tmp_path: Path, service: Service, explorer: Explorer) -> None:
    explorer.pages = True
    load(tmp_path, service)
    assert len(cost_requests(service)) == 6
    assert spent(tmp_path, Month.parse("2026-05")) == {"aws-cost-explorer": Decimal("0.06")}
    assert rows(tmp_path, "count(*), sum(BilledCost)") == [(6, Decimal("34.9199999999"))]


def test_the_same_day_again_asks_nothing_and_changes_nothing(
    tmp_path: Path, service: Service, explorer: Explorer
) -> None:
    explorer.pages = True
    load(tmp_path, service)
    report = load(tmp_path, service, allow_paid="")
    assert [period.action for period in report.periods] == [Action.UNCHANGED]
    assert len(cost_requests(service)) == 6


def test_a_closed_month_is_never_asked_again_an_open_one_every_day(
    tmp_path: Path, service: Service, explorer: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    load(tmp_path, service, months="2")
    at(monkeypatch, datetime(2026, 5, 5, 6))
    explorer.usage = "11.10"
    report = load(tmp_path, service, months="2", told=told)
    assert [(p.period, p.action) for p in report.periods] == [
        ("2026-04", Action.UNCHANGED),
        ("2026-05", Action.REPLACED),
    ]
    assert len(cost_requests(service)) == 15
    assert any("5 Cost Explorer request(s) at 0.01 USD = 0.05 USD" in line for line in told)
    assert rows(tmp_path, "sum(BilledCost)") == [(Decimal("70.6399999998"),)]


def test_the_cap_refuses_before_anything_is_asked(tmp_path: Path, service: Service) -> None:
    with pytest.raises(ConfigError, match=r"15 Cost Explorer .* would pass the cap of 0\.1 USD"):
        load(tmp_path, service, months="3", monthly_cap_usd="0.10")
    assert cost_requests(service) == []


def test_a_missing_permission_is_named(tmp_path: Path, service: Service, explorer: Explorer) -> None:
    explorer.failure = aws_error("AccessDeniedException", message="User is not authorized")
    with pytest.raises(ConfigError, match="AWS denies ce:GetCostAndUsage") as refused:
        load(tmp_path, service)
    assert "ce:GetCostAndUsage" in refused.value.hint
    assert "secret-example" not in str(refused.value)
    assert len(cost_requests(service)) == 1


def test_each_try_of_a_busy_service_is_booked_and_waited_for(
    tmp_path: Path, service: Service, explorer: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("costlab_connectors._aws_paid.time.sleep", waited.append)
    explorer.busy = 2
    load(tmp_path, service)
    assert waited == [1.0, 4.0]
    assert len(cost_requests(service)) == 7
    assert spent(tmp_path, Month.parse("2026-05")) == {"aws-cost-explorer": Decimal("0.07")}


def test_throttling_that_does_not_end_is_said(
    tmp_path: Path, service: Service, explorer: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("costlab_connectors._aws_paid.time.sleep", lambda _: None)
    explorer.failure = aws_error("LimitExceededException")
    with pytest.raises(SourceError, match=r"AWS limits ce:GetCostAndUsage \(LimitExceededException\)"):
        load(tmp_path, service)
    assert len(cost_requests(service)) == 4
    assert spent(tmp_path, Month.parse("2026-05")) == {"aws-cost-explorer": Decimal("0.04")}


def test_a_busy_service_never_passes_the_cap(
    tmp_path: Path, service: Service, explorer: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("costlab_connectors._aws_paid.time.sleep", lambda _: None)
    explorer.busy = 3
    with pytest.raises(ConfigError, match=r"one more Cost Explorer request at 0.01 USD would pass the cap of 0\.05"):
        load(tmp_path, service, monthly_cap_usd="0.05")
    assert len(cost_requests(service)) == 5


def test_a_month_without_charges_is_nothing_to_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(asked: Asked) -> Reply:
        identity = Reply(IDENTITY, headers={"Content-Type": "text/xml"})
        return identity if asked.operation == "GetCallerIdentity" else page()

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-example")
    at(monkeypatch, NOW)
    with serving(nothing) as service:
        assert load(tmp_path, service).periods == []


@pytest.mark.parametrize("months", ["0", "15", "all"])
def test_a_number_of_months_that_cannot_be_is_refused(tmp_path: Path, service: Service, months: str) -> None:
    with pytest.raises(ConfigError, match="option months"):
        load(tmp_path, service, months=months)


def test_a_month_to_come_is_refused(tmp_path: Path, service: Service) -> None:
    with pytest.raises(SourceError, match="2026-06 has not begun"):
        load(tmp_path, service, period="2026-06")


def test_a_month_that_is_not_kept_any_more_is_refused_before_it_is_paid_for(tmp_path: Path, service: Service) -> None:
    with pytest.raises(SourceError, match="Cost Explorer keeps 14 months by day, not 2025-03"):
        load(tmp_path, service, period="2025-03")
    assert cost_requests(service) == []
    load(tmp_path, service, period="2025-04")
