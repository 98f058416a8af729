"""AWS Compute Optimizer: right-sizing and idle resources, free, region by region. API of 2019-11-01, read 2026-11."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from costlab_connectors import _aws_billing as aws
from costlab_connectors._advice import Advice, number
from costlab_connectors._aws_hub import resource_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

TOOL: Final = "compute-optimizer"
_OPT_IN: Final = "OptInRequiredException"


def recommendations(payer: aws.Payer, regions: Sequence[str]) -> Iterator[Advice] | None:
    """Return what Compute Optimizer recommends in these regions; None when the account has not opted in.

    Raises
    ------
    ConfigError
        If a permission such as ``compute-optimizer:GetEC2InstanceRecommendations`` is missing.
    """
    clients = [(region, payer.client("compute-optimizer", region)) for region in regions]
    with aws.explained("compute-optimizer:GetEnrollmentStatus"):
        if not any(client.get_enrollment_status().get("status") == "Active" for _, client in clients):
            return None
    return (advice for region, client in clients for advice in _of_region(client, region))


def _of_region(client: Any, region: str) -> Iterator[Advice]:
    idle: set[str] = set()
    for item in _pages(client.get_idle_recommendations, "GetIdleRecommendations", "idleRecommendations"):
        advice = _idle(item, region)
        idle.add(advice.resource_id or "")
        yield advice
    over = [{"name": "Finding", "values": ["Overprovisioned"]}]
    ec2 = _pages(
        client.get_ec2_instance_recommendations, "GetEC2InstanceRecommendations", "instanceRecommendations", over
    )
    for item in ec2:
        advice = _instance(item, region)
        if advice.resource_id not in idle:  # the same machine, told once
            yield advice
    wrong = [{"name": "Finding", "values": ["NotOptimized"]}]
    ebs = _pages(client.get_ebs_volume_recommendations, "GetEBSVolumeRecommendations", "volumeRecommendations", wrong)
    for item in ebs:
        advice = _volume(item, region)
        if advice.resource_id not in idle:
            yield advice


def _pages(
    ask: Callable[..., dict[str, Any]], operation: str, items: str, filters: list[dict[str, Any]] | None = None
) -> Iterator[dict[str, Any]]:
    token: str | None = ""
    while token is not None:
        more: dict[str, Any] = {"filters": filters} if filters else {}
        with aws.explained(f"compute-optimizer:{operation}"):
            page = ask(**more, **({"nextToken": token} if token else {}))
        yield from page.get(items, ())
        token = page.get("nextToken") or None


def _saving(option: Mapping[str, Any]) -> dict[str, Any]:
    """Return saving, currency and basis: after discounts where Compute Optimizer knows them, else at list price."""
    after = option.get("savingsOpportunityAfterDiscounts") or {}
    chosen = after or option.get("savingsOpportunity") or {}
    amount = chosen.get("estimatedMonthlySavings") or {}
    return {
        "monthly_saving": number(amount.get("value")),
        "currency": amount.get("currency"),
        "basis": ("after discounts" if after else "list price") if chosen else None,
    }


def _made(item: Mapping[str, Any], region: str, option: Mapping[str, Any], **given: Any) -> Advice:
    saving = _saving(option)
    arn = str(item.get("instanceArn") or item.get("volumeArn") or item.get("resourceArn"))
    finding = str(item.get("finding", ""))
    return Advice(
        provider="AWS",
        native_id=f"{TOOL}/{arn}",
        tool=TOOL,
        resource_id=resource_of(item.get("resourceId"), arn),
        sub_account_id=item.get("accountId"),
        region_id=region,
        monthly_saving=saving["monthly_saving"],
        currency=saving["currency"],
        detail={
            "native_type": given["native_type"],
            "saving_basis": saving["basis"],
            "lookback_days": number(item.get("lookBackPeriodInDays")),
            "finding": finding,
            "reasons": item.get("findingReasonCodes"),
            "performance_risk": option.get("performanceRisk"),
        },
        **given,
    )


def _idle(item: Mapping[str, Any], region: str) -> Advice:
    native = f"{item.get('finding', 'Idle')} {item.get('resourceType', '')}".strip()
    return _made(item, region, item, kind="waste", native_type=native, action="delete")


def _first(options: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    return min(options, key=lambda option: option.get("rank", 0), default={})


def _instance(item: Mapping[str, Any], region: str) -> Advice:
    option = _first(item.get("recommendationOptions", ()))
    return _made(
        item,
        region,
        option,
        kind="rightsize",
        native_type=f"{item.get('finding', '')} EC2Instance".strip(),
        action="resize",
        from_shape=item.get("currentInstanceType"),
        to_shape=option.get("instanceType"),
    )


def _volume(item: Mapping[str, Any], region: str) -> Advice:
    option = _first(item.get("volumeRecommendationOptions", ()))
    return _made(
        item,
        region,
        option,
        kind="storage",
        native_type=f"{item.get('finding', '')} EBSVolume".strip(),
        action="upgrade",
        from_shape=_disk(item.get("currentConfiguration")),
        to_shape=_disk(option.get("configuration")),
    )


def _disk(configuration: Mapping[str, Any] | None) -> str | None:
    return str(configuration["volumeType"]) if configuration and configuration.get("volumeType") else None
