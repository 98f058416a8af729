"""AWS Cost Optimization Hub: all of AWS's recommendations, de-duplicated, free. API of 2022-07-26, read 2026-11."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from costlab_connectors import _aws_billing as aws
from costlab_connectors._advice import Advice, number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TOOL: Final = "cost-optimization-hub"
_STORAGE: Final = frozenset({"EbsVolume", "RdsDbInstanceStorage", "AuroraDbClusterStorage"})
_ACTIONS: Final = {
    "Rightsize": ("rightsize", "resize"),
    "Upgrade": ("rightsize", "upgrade"),
    "MigrateToGraviton": ("rightsize", "migrate"),
    "ScaleIn": ("rightsize", "resize"),
    "Stop": ("waste", "stop"),
    "Delete": ("waste", "delete"),
    "PurchaseSavingsPlans": ("commitment", "purchase"),
    "PurchaseReservedInstances": ("commitment", "purchase"),
}
_INSTRUMENTS: Final = {
    "ComputeSavingsPlans": "compute-sp",
    "Ec2InstanceSavingsPlans": "ec2-sp",
    "SageMakerSavingsPlans": "sagemaker-sp",
    "Ec2ReservedInstances": "regional-ri",
    "RdsReservedInstances": "rds-ri",
    "ElastiCacheReservedInstances": "elasticache-ri",
    "RedshiftReservedInstances": "redshift-ri",
    "OpenSearchReservedInstances": "opensearch-ri",
    "MemoryDbReservedInstances": "memorydb-ri",
    "DynamoDbReservedCapacity": "dynamodb-reserved",
}
_BASIS: Final = {"AfterDiscounts": "after discounts", "BeforeDiscounts": "list price"}
_TERMS: Final = {"OneYear": 12, "ThreeYears": 36, "1 Year": 12, "3 Years": 36, "ONE_YEAR": 12, "THREE_YEARS": 36}


def is_enrolled(hub: Any) -> bool:
    """Return whether the account has turned Cost Optimization Hub on."""
    with aws.explained("cost-optimization-hub:ListEnrollmentStatuses"):
        answer = hub.list_enrollment_statuses()
    return any(item.get("status") == "Active" for item in answer.get("items", ()))


def recommendations(payer: aws.Payer) -> Iterator[Advice] | None:
    """Return what the hub recommends; None when it is not turned on.

    Raises
    ------
    ConfigError
        If ``cost-optimization-hub:ListRecommendations`` (or another permission of the hub) is missing.
    """
    hub = payer.client("cost-optimization-hub")
    return _listed(hub) if is_enrolled(hub) else None


def _listed(hub: Any) -> Iterator[Advice]:
    with aws.explained("cost-optimization-hub:GetPreferences"):
        mode = str(hub.get_preferences().get("savingsEstimationMode", ""))
    token: str | None = ""
    while token is not None:
        with aws.explained("cost-optimization-hub:ListRecommendations"):
            page = hub.list_recommendations(maxResults=100, **({"nextToken": token} if token else {}))
        for item in page.get("items", ()):
            yield _advice(hub, item, _BASIS.get(mode, mode or None))
        token = page.get("nextToken") or None


def _advice(hub: Any, item: Mapping[str, Any], basis: str | None) -> Advice:
    action = str(item.get("actionType", ""))
    kind, verb = _ACTIONS.get(action, (None, action))
    native = str(item.get("recommendedResourceType") or item.get("currentResourceType") or "")
    if native in _STORAGE and kind == "rightsize":
        kind = "storage"
    purchase = _purchase(hub, item["recommendationId"]) if kind == "commitment" else {}
    return Advice(
        provider="AWS",
        native_id=str(item["recommendationId"]),
        tool=TOOL,
        kind=kind,
        native_type=f"{action} {native}".strip(),
        action=verb,
        resource_id=None if kind == "commitment" else resource_of(item.get("resourceId"), item.get("resourceArn")),
        sub_account_id=item.get("accountId"),
        region_id=item.get("region"),
        from_shape=None if kind == "commitment" else item.get("currentResourceSummary"),
        to_shape=item.get("recommendedResourceSummary") or native or None,
        monthly_saving=number(item.get("estimatedMonthlySavings")),
        currency=item.get("currencyCode"),
        term_months=_TERMS.get(str(purchase.get("term"))),
        payment=purchase.get("paymentOption"),
        hourly_commitment=number(purchase.get("hourlyCommitment")),
        detail={
            "native_type": f"{action} {native}".strip(),
            "saving_basis": basis,
            "lookback_days": item.get("recommendationLookbackPeriodInDays"),
            "effort": item.get("implementationEffort"),
            "needs_restart": item.get("restartNeeded"),
            "reversible": item.get("rollbackPossible"),
            "monthly_cost": item.get("estimatedMonthlyCost"),
            "source": item.get("source"),
            "purchase": purchase or None,
            "instrument": _INSTRUMENTS.get(native),
        },
    )


def _purchase(hub: Any, recommendation: str) -> dict[str, Any]:
    """Return the terms of a recommended commitment, which the list does not tell."""
    with aws.explained("cost-optimization-hub:GetRecommendation"):
        answer = hub.get_recommendation(recommendationId=recommendation)
    details = answer.get("recommendedResourceDetails") or {}
    return next((dict(found.get("configuration", {})) for found in details.values()), {})


def resource_of(resource: str | None, arn: str | None) -> str | None:
    """Return a resource's id as AWS's bill has it: the short id in EC2 (but for NAT gateways), else the ARN.

    >>> resource_of(None, "arn:aws:ec2:us-east-1:111122223333:instance/i-0abc")
    'i-0abc'
    >>> resource_of("db1", "arn:aws:rds:us-east-1:111122223333:db:db1")
    'arn:aws:rds:us-east-1:111122223333:db:db1'
    """
    if not arn:
        return resource
    service, tail = arn.split(":")[2], arn.rpartition(":")[2]
    kind, slash, name = tail.partition("/")
    return name if service == "ec2" and slash and kind in {"instance", "volume"} else arn
