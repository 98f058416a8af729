"""Purchases that AWS Cost Explorer recommends: savings plans and reservations. Each answer is a paid request.

They are computed from a lookback of 30 days, each type as if it were the only one; so they must never be added up.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from costlab_connectors._advice import Advice, number
from costlab_connectors._aws_paid import PRICE, ask, explorer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from costlab.interfaces.connector import Landing
    from costlab_connectors._aws_billing import Payer

TOOL: Final = "cost-explorer"
_COMMON: Final = {"TermInYears": "ONE_YEAR", "PaymentOption": "NO_UPFRONT", "LookbackPeriodInDays": "THIRTY_DAYS"}
_PLANS: Final = {
    "COMPUTE_SP": "compute-sp",
    "EC2_INSTANCE_SP": "ec2-sp",
    "SAGEMAKER_SP": "sagemaker-sp",
    "DATABASE_SP": "database-sp",
}
_RESERVED: Final = {
    "Amazon Elastic Compute Cloud - Compute": "regional-ri",
    "Amazon Relational Database Service": "rds-ri",
    "Amazon ElastiCache": "elasticache-ri",
    "Amazon Redshift": "redshift-ri",
    "Amazon OpenSearch Service": "opensearch-ri",
}
REQUESTS: Final = (
    *(("savings_plans", {"SavingsPlansType": plan, **_COMMON}) for plan in _PLANS),
    *(("reservation", {"Service": service, **_COMMON}) for service in _RESERVED),
)


def recommendations(landing: Landing, payer: Payer) -> Iterator[Advice]:
    """Return the recommended purchases; what was asked in the same calendar week is not asked again.

    Raises
    ------
    ConfigError
        If paid requests are not allowed, the cap is reached, or a permission is missing.
    """
    year, week, _ = landing.now.isocalendar()
    keys = [f"{kind} {payer.id} {year}-W{week} {json.dumps(asked, sort_keys=True)}" for kind, asked in REQUESTS]
    landing.announce(sum(landing.kept(key) is None for key in keys), PRICE)
    service = explorer(payer)
    for key, (kind, asked) in zip(keys, REQUESTS, strict=True):
        answer = _answer(landing, service, key, kind, asked)
        yield from _plans(answer, asked) if kind == "savings_plans" else _reservations(answer, asked)


def _answer(landing: Landing, service: Any, key: str, kind: str, asked: dict[str, str]) -> dict[str, Any]:
    kept: dict[str, Any] | None = landing.kept(key)
    if kept is None:
        kept = ask(landing, key, service, f"get_{kind}_purchase_recommendation", asked)
        landing.keep(key, kept)
    return kept


def _plans(answer: Mapping[str, Any], asked: Mapping[str, str]) -> Iterator[Advice]:
    found = answer.get("SavingsPlansPurchaseRecommendation", {})
    for item in found.get("SavingsPlansPurchaseRecommendationDetails", ()):
        plan = item.get("SavingsPlansDetails", {})
        native = asked["SavingsPlansType"]
        yield _purchase(
            item,
            native_id=str(item.get("RecommendationDetailId") or f"{native}/{plan.get('OfferingId')}"),
            native_type=native,
            instrument=_PLANS[native],
            to_shape=" ".join(part for part in (native, plan.get("InstanceFamily")) if part),
            region_id=plan.get("Region") or None,
            hourly_commitment=number(item.get("HourlyCommitmentToPurchase")),
            utilization=item.get("EstimatedAverageUtilization"),
        )


def _reservations(answer: Mapping[str, Any], asked: Mapping[str, str]) -> Iterator[Advice]:
    for found in answer.get("Recommendations", ()):
        for number_, item in enumerate(found.get("RecommendationDetails", ()), start=1):
            machine: Mapping[str, Any] = next(iter((item.get("InstanceDetails") or {}).values()), {})
            shape = machine.get("InstanceType") or machine.get("NodeType") or asked["Service"]
            yield _purchase(
                item,
                native_id=f"{asked['Service']}/{machine.get('Region', '')}/{shape}/{number_}",
                native_type=f"reservation of {asked['Service']}",
                instrument=_RESERVED[asked["Service"]],
                to_shape=f"{item.get('RecommendedNumberOfInstancesToPurchase')} x {shape}",
                region_id=machine.get("Region") or None,
                hourly_commitment=None,
                utilization=item.get("AverageUtilization"),
            )


def _purchase(
    item: Mapping[str, Any], *, utilization: str | None, native_type: str, instrument: str, **given: Any
) -> Advice:
    return Advice(
        provider="AWS",
        tool=TOOL,
        kind="commitment",
        native_type=native_type,
        action="purchase",
        sub_account_id=item.get("AccountId") or None,
        monthly_saving=number(item.get("EstimatedMonthlySavingsAmount")),
        currency=item.get("CurrencyCode"),
        term_months=12,
        payment="NoUpfront",
        detail={
            "native_type": native_type,
            "saving_basis": "what commitments leave uncovered, at on-demand rates",
            "lookback_days": 30,
            "utilization_percent": utilization,
            "upfront": item.get("UpfrontCost"),
            "instrument": instrument,
        },
        **given,
    )
