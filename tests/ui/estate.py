"""Small published workspaces for the dashboard's tests: a quarter of daily charges with something to see."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from costlab.focus.columns import COLUMN_TYPES
from costlab.ingest import ingest
from costlab.lake import Lake
from costlab.period import midnight
from costlab.warehouse.catalogue import publish_lake
from costlab.warehouse.findings import Findings
from tests.support import Row, focus_row

FIRST, DAYS = date(2026, 1, 1), 100
HOSTILE = "<script>alert(1)</script> *b* $x$ [l](javascript:alert(1)) :red[r] `c` {{v}}"
_SERVICES: tuple[tuple[str, str, float, str], ...] = (
    ("Amazon Elastic Compute Cloud", "Compute", 412.0, "aws"),
    ("Amazon Relational Database Service", "Databases", 190.5, "aws"),
    ("Amazon Simple Storage Service", "Storage", 96.25, "aws"),
    ("BigQuery", "Analytics", 84.0, "gcp"),
    ("Azure Virtual Machines", "Compute", 77.7, "azure"),
    ("Amazon CloudFront", "Networking", 41.0, "aws"),
    ("AWS Lambda", "Compute", 22.2, "aws"),
    ("Amazon CloudWatch", "Management and Governance", 18.9, "aws"),
    ("AWS Key Management Service", "Security", 4.1, "aws"),
    ("Azure Blob Storage", "Storage", 12.6, "azure"),
    ("AWS Support", "Other", 9.9, "aws"),
)
_ACCOUNTS = (("111111111111", "dev"), ("222222222222", "prod"))
_PROVIDERS = {"aws": "AWS", "gcp": "Google Cloud", "azure": "Microsoft"}


def rows(*, source: str = "aws", currency: str = "USD", hostile: bool = False, days: int = DAYS) -> list[Row]:
    """Return whole FOCUS rows: one per day, service and account, weekly rhythm, one spike, one commitment."""
    services = [s for s in _SERVICES if s[3] == source]
    if hostile:
        services = [(HOSTILE, "Other", 50.0, source), *services]
    found: list[Row] = []
    for offset in range(days):
        day = FIRST + timedelta(days=offset)
        for name, category, size, _ in services:
            found += [_charge(day, offset, name, category, size, account, source, currency) for account in _ACCOUNTS]
        if source == "aws":
            found += _committed(day, currency)
    return found


def _charge(
    day: date, offset: int, name: str, category: str, size: float, account: tuple[str, str], source: str, currency: str
) -> Row:
    share = 0.7 if account[1] == "prod" else 0.3
    wave = 1 + 0.12 * math.sin(offset / 7 * 2 * math.pi) + 0.002 * offset
    spike = 3.0 if name == "Amazon CloudFront" and date(2026, 3, 17) <= day <= date(2026, 3, 20) else 1.0
    amount = Decimal(str(round(size * share * wave * spike, 6))) + Decimal("0.000000000001")
    return focus_row(
        ChargePeriodStart=f"{day}T00:00:00",
        ChargePeriodEnd=midnight(day + timedelta(days=1)),
        ServiceName=name,
        ServiceCategory=category,
        ServiceProviderName=_PROVIDERS[source],
        BilledCost=amount,
        ListCost=amount * 2,
        SubAccountId=account[0],
        SubAccountName=account[1],
        BillingCurrency=currency,
        ResourceId=f"{source}/{name}/{account[1]}",
        Tags='{"team": "shop"}' if account[1] == "prod" else None,
        x_source=source,
        x_instance_type="m5.large" if category == "Compute" else None,
    )


def _committed(day: date, currency: str) -> list[Row]:
    def hours(status: str, amount: str) -> Row:
        return focus_row(
            ChargePeriodStart=f"{day}T00:00:00",
            ChargePeriodEnd=midnight(day + timedelta(days=1)),
            BillingCurrency=currency,
            BilledCost=0,
            EffectiveCost=amount,
            ListCost=Decimal(amount) * 2 if status == "Used" else 0,
            PricingCategory="Committed",
            CommitmentDiscountId="arn:aws:savingsplans::1:savingsplan/a",
            CommitmentDiscountType="Compute Savings Plan",
            CommitmentDiscountCategory="Spend",
            CommitmentDiscountName="compute-1y",
            CommitmentDiscountStatus=status,
            SubAccountId="222222222222",
            SubAccountName="prod",
            ResourceId=None,
        )

    return [hours("Used", "60"), hours("Unused", "6.5")]


def load(workspace: Path, batch: list[Row]) -> None:
    """Load rows of one source the way a FOCUS export comes in."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"DECIMAL(38,12)": pa.decimal128(38, 12), "TIMESTAMP": pa.timestamp("us")}
    names = [name for name in batch[0] if not name.startswith("x_")] + ["x_instance_type"]
    schema = pa.schema([(name, kinds.get(COLUMN_TYPES[name], pa.string())) for name in names])
    source = batch[0]["x_source"]
    path = workspace / f"{source}.parquet"
    pq.write_table(pa.Table.from_pylist([{name: row[name] for name in names} for row in batch], schema=schema), path)
    assert ingest(workspace, "focus", str(path), source=source).exit_code == 0


def publish_rows(workspace: Path, *batches: list[Row], findings: Findings | None = None) -> Path:
    """Load these rows, publish them with the findings given, and return the workspace."""
    workspace.mkdir(parents=True, exist_ok=True)
    for batch in batches:
        load(workspace, batch)
    publish_lake(Lake(workspace), findings_of=lambda _: findings or Findings())
    return workspace


def recommendation(number: int, **given: Any) -> dict[str, Any]:
    """Return an item of the plan as ``costlab recommend`` prints it."""
    return {
        "id": f"id{number}",
        "rank": number,
        "kind": "waste",
        "check": "waste_idle_instance",
        "title": "Stop the idle instance",
        "why": "Its CPU stayed below 2 % for 30 days.",
        "provider": "aws",
        "billing_account_id": "payer",
        "sub_account_id": "222222222222",
        "region_id": "us-east-1",
        "service_name": "Amazon Elastic Compute Cloud",
        "resource_id": f"i-{number:04d}",
        "resource_name": None,
        "action": {"verb": "stop", "from": "m5.large", "to": None},
        "monthly_cost": Decimal("80.00"),
        "monthly_saving": Decimal("70.08"),
        "monthly_saving_alone": Decimal("70.08"),
        "monthly_saving_list": Decimal("96.00"),
        "monthly_saving_low": Decimal("56.06"),
        "monthly_saving_high": Decimal("70.08"),
        "one_time_cost": Decimal(0),
        "currency": "USD",
        "confidence": 0.9,
        "risk": {"availability": "low"},
        "effort": "low",
        "needs_restart": False,
        "reversible": True,
        "basis": "measured",
        "evidence": [
            {
                "metric": "cpu_percent p99", "value": 1.5, "unit": "%", "from": datetime(2026, 3, 1),
                "to": datetime(2026, 4, 1), "source": "metrics.utilization",
            }
        ],
        "remedy": {
            "command": f"aws ec2 stop-instances --instance-ids i-{number:04d}", "terraform": "", "rollback": "",
        },
        "exclusive_group": None,
        "absorbed_by": None,
        "first_seen": date(2026, 3, 2),
        "status": "open",
        **given,
    }  # fmt: skip


def incident(number: int, **given: Any) -> dict[str, Any]:
    """Return an incident as ``costlab anomalies`` prints it."""
    return {
        "id": f"an{number}",
        "scope": {"ServiceName": "Amazon CloudFront"},
        "direction": "up",
        "kind": "spike",
        "start": date(2026, 3, 17),
        "end": date(2026, 3, 20),
        "detected_on": date(2026, 3, 17),
        "actual": Decimal("600.5"),
        "expected": Decimal("200.25"),
        "lower": Decimal(180),
        "upper": Decimal(220),
        "impact": Decimal("400.25"),
        "projected_30d": Decimal(0),
        "severity": "high",
        "confidence": 0.97,
        "status": "closed",
        "is_settled": True,
        "currency": "USD",
        "causes": [
            {"scope": {"SubAccountId": "222222222222"}, "impact": Decimal("300.25"), "share": 0.75, "kind": "quantity"}
        ],
        "parts": {"quantity": Decimal("400.25"), "price": Decimal(0)},
        **given,
    }


def findings(items: list[dict[str, Any]], incidents: list[dict[str, Any]]) -> Findings:
    """Return findings as a night leaves them, with the plan's totals."""
    net = sum((item["monthly_saving"] for item in items), Decimal(0))
    totals = {
        "monthly_saving": net,
        "monthly_saving_list": sum((item["monthly_saving_list"] for item in items), Decimal(0)),
        "not_assessed": {"rightsize": "rightsize_instance: no samples of memory_percent"},
    }
    run = {"name": "recommend", "started_at": datetime(2026, 4, 11), "seconds": 1.0, "items": len(items)}
    return Findings(items, incidents, [{**run, "totals": totals}])
