"""AWS Budgets: cost budgets of an account and when they alert. Free to read. API of 2016-10-20, read 2026-11."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Final

from costlab.interfaces.connector import Dataset
from costlab_connectors import _aws_billing as aws
from costlab_connectors._advice import number
from costlab_connectors._budgets import ACTUAL, FORECAST, Budget, Threshold, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from costlab.interfaces.connector import Landing, Snapshot
    from costlab.period import Month

_CADENCES: Final = {"DAILY": "daily", "MONTHLY": "monthly", "QUARTERLY": "quarterly", "ANNUALLY": "annual"}
_COLUMNS: Final = {"LinkedAccount": "SubAccountId", "Service": "ServiceName", "Region": "RegionId"}
_DIMENSIONS: Final = {"LINKED_ACCOUNT": "SubAccountId", "SERVICE": "ServiceName", "REGION": "RegionId"}


class AwsBudgets:
    """The connector ``aws-budgets``: the cost budgets of the account behind the credentials."""

    name: ClassVar[str] = "aws-budgets"
    dataset: ClassVar[Dataset] = Dataset.BUDGETS
    schemes: ClassVar[tuple[str, ...]] = ("aws",)
    permissions: ClassVar[tuple[str, ...]] = ("budgets:ViewBudget",)
    options: ClassVar[Mapping[str, str]] = aws.OPTIONS

    def pull(self, landing: Landing, uri: str, *, source: str, period: Month | None = None) -> Iterable[Snapshot]:
        """Yield one snapshot of all cost budgets; budgets of usage and of commitments are counted and left out.

        Raises
        ------
        ConfigError
            If credentials are missing or lack ``budgets:ViewBudget``.
        SourceError
            If the service does not answer.
        """
        del uri, period  # budgets are about now
        yield snapshot(landing, source, self.name, "AWS", _found(landing, aws.payer(landing)))


def _found(landing: Landing, payer: aws.Payer) -> Iterator[Budget]:
    service, account = payer.client("budgets"), payer.id
    others = 0
    for item in _pages(service.describe_budgets, "Budgets", AccountId=account):
        if item.get("BudgetType") != "COST":
            others += 1
            continue
        yield _budget(account, item, _thresholds(service, account, item))
    if others:
        landing.tell(f"{others} budgets of usage or commitments are left out: they have no amount of money")


def _pages(ask: Any, items: str, **given: Any) -> Iterator[dict[str, Any]]:
    token: str | None = ""
    while token is not None:
        with aws.explained("budgets:ViewBudget"):
            page = ask(**given, **({"NextToken": token} if token else {}))
        yield from page.get(items, ())
        token = page.get("NextToken") or None


def _budget(account: str, item: Mapping[str, Any], thresholds: tuple[Threshold, ...]) -> Budget:
    limit: Mapping[str, Any] = item.get("BudgetLimit") or {}
    return Budget(
        provider="AWS",
        budget_id=f"{account}/{item['BudgetName']}",
        name=str(item["BudgetName"]),
        billing_account_id=account,
        scope=_scope(item),
        amount=number(limit.get("Amount")),
        currency=limit.get("Unit"),
        cadence=_CADENCES.get(str(item.get("TimeUnit")), "custom"),
        thresholds=thresholds,
    )


def _scope(item: Mapping[str, Any]) -> dict[str, object]:
    """Return the budget's filter: older budgets have CostFilters, newer ones an expression."""
    old: Mapping[str, Any] = item.get("CostFilters") or {}
    expression: Mapping[str, Any] = item.get("FilterExpression") or {}
    dimension: Mapping[str, Any] = expression.get("Dimensions") or {}
    if set(expression) == {"Dimensions"} and dimension.get("Key") in _DIMENSIONS and not dimension.get("MatchOptions"):
        return {_DIMENSIONS[dimension["Key"]]: list(dimension.get("Values", ()))}
    scope: dict[str, object] = {_COLUMNS[name]: list(values) for name, values in old.items() if name in _COLUMNS}
    rest = {name: list(values) for name, values in old.items() if name not in _COLUMNS}
    if rest or expression:
        scope["x_filter"] = expression or rest
    return scope


def _thresholds(service: Any, account: str, item: Mapping[str, Any]) -> tuple[Threshold, ...]:
    amount = number((item.get("BudgetLimit") or {}).get("Amount"))
    told = _pages(
        service.describe_notifications_for_budget, "Notifications", AccountId=account, BudgetName=item["BudgetName"]
    )
    return tuple(threshold for n in told if (threshold := _threshold(n, amount)) is not None)


def _threshold(notification: Mapping[str, Any], amount: Decimal | None) -> Threshold | None:
    value = Decimal(str(notification["Threshold"]))
    basis = FORECAST if notification.get("NotificationType") == "FORECASTED" else ACTUAL
    if notification.get("ThresholdType", "PERCENTAGE") == "PERCENTAGE":
        return Threshold(value / 100, basis)
    return Threshold(value / amount, basis) if amount else None


CONNECTOR = AwsBudgets()
