"""Small published workspaces for the dashboard's tests: a quarter of daily charges with something to see."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from costlab.warehouse.catalogue import publish
from costlab.warehouse.findings import Findings
from costlab.warehouse.relations import Database
from tests.support import FakeKnown, Row, focus_row, write_revision

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


def publish_rows(
    workspace: Path, *batches: list[Row], seq: int = 1, findings_of: Callable[[Database], Findings] | None = None
) -> Path:
    """Publish a catalogue of these rows, a revision per source and month, and return the workspace."""
    known: list[FakeKnown] = []
    for batch in batches:
        by_month: dict[str, list[Row]] = {}
        for row in batch:
            by_month.setdefault(f"{row['BillingPeriodStart']:%Y-%m}", []).append(row)
        known += [
            write_revision(workspace, month_rows, period=month, revision=f"r{seq}")
            for month, month_rows in by_month.items()
        ]
    publish(workspace, seq, known, findings_of=findings_of)
    return workspace
