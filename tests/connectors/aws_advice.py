"""AWS's services that recommend, in the shapes that their SDK publishes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.connectors.served import IDENTITY, Asked, Reply, checked

JSON = {"Content-Type": "application/x-amz-json-1.1"}
VOLUME = "arn:aws:ec2:eu-west-1:111122223333:volume/vol-0aaa"
DATABASE = "arn:aws:rds:eu-west-1:111122223333:db:shop"


def hub_item(number: int, action: str, kind: str, **more: Any) -> dict[str, Any]:
    return {
        "recommendationId": f"rec-{number}",
        "accountId": "111122223333",
        "region": "eu-west-1",
        "currentResourceType": kind,
        "recommendedResourceType": kind,
        "estimatedMonthlySavings": 12.34,
        "estimatedSavingsPercentage": 50.0,
        "estimatedMonthlyCost": 24.68,
        "currencyCode": "USD",
        "implementationEffort": "Medium",
        "restartNeeded": True,
        "actionType": action,
        "rollbackPossible": True,
        "lastRefreshTimestamp": 1777600000.0,
        "recommendationLookbackPeriodInDays": 14,
        "source": "ComputeOptimizer",
        **more,
    }


HUB_PAGES = {
    "": [
        hub_item(
            1, "Rightsize", "Ec2Instance", resourceId="i-0abc", currentResourceSummary="m5.xlarge",
            recommendedResourceSummary="m5.large",
        ),
        hub_item(2, "Upgrade", "EbsVolume", resourceArn=VOLUME, estimatedMonthlySavings=0.1),
    ],
    "next": [
        hub_item(3, "Stop", "RdsDbInstance", resourceId="shop", resourceArn=DATABASE),
        hub_item(4, "PurchaseSavingsPlans", "ComputeSavingsPlans", estimatedMonthlySavings=100.0),
        hub_item(5, "Teleport", "Ec2Instance", resourceId="i-0def"),
    ],
}  # fmt: skip
PLAN = {"computeSavingsPlans": {"configuration": {
    "accountScope": "Payer", "term": "OneYear", "paymentOption": "NoUpfront", "hourlyCommitment": "0.250",
}}}  # fmt: skip


class Aws:
    """The services; ``failures`` answers an operation with an error."""

    def __init__(self) -> None:
        self.hub = self.optimizer = True
        self.pages: dict[str, list[dict[str, Any]]] = HUB_PAGES
        self.failures: dict[str, Reply] = {}

    def __call__(self, asked: Asked) -> Reply:
        if asked.operation in self.failures:
            return self.failures[asked.operation]
        if asked.operation == "GetCallerIdentity":
            return Reply(IDENTITY, headers={"Content-Type": "text/xml"})
        answers: dict[str, Callable[[Any], Any]] = {
            "ListEnrollmentStatuses": lambda _: {"items": [{"accountId": "1", "status": self._status(self.hub)}]},
            "GetPreferences": lambda _: {"savingsEstimationMode": "AfterDiscounts"},
            "ListRecommendations": self._recommendations,
            "GetRecommendation": lambda sent: {**sent, "recommendedResourceDetails": PLAN},
            "GetEnrollmentStatus": lambda _: {"status": self._status(self.optimizer)},
            "GetIdleRecommendations": lambda _: {"idleRecommendations": [IDLE]},
            "GetEC2InstanceRecommendations": lambda _: {"instanceRecommendations": [INSTANCE, IDLE_INSTANCE]},
            "GetEBSVolumeRecommendations": lambda _: {"volumeRecommendations": [DISK]},
            "GetSavingsPlansPurchaseRecommendation": savings_plans,
            "GetReservationPurchaseRecommendation": reservations,
        }
        return Reply(checked(asked.operation, answers[asked.operation](asked.json)), headers=JSON)

    @staticmethod
    def _status(on: bool) -> str:
        return "Active" if on else "Inactive"

    def _recommendations(self, sent: Any) -> Any:
        token = sent.get("nextToken", "")
        following = [name for name in self.pages if name > token]
        return {"items": self.pages[token], **({"nextToken": following[0]} if following else {})}


def money(value: float) -> dict[str, Any]:
    return {"savingsOpportunityPercentage": 10.0, "estimatedMonthlySavings": {"currency": "USD", "value": value}}


IDLE = {
    "resourceArn": "arn:aws:ec2:us-east-1:111122223333:instance/i-0idle", "resourceId": "i-0idle",
    "resourceType": "EC2Instance", "accountId": "111122223333", "finding": "Idle",
    "savingsOpportunity": money(70.08), "lookBackPeriodInDays": 14.0,
}  # fmt: skip
INSTANCE = {
    "instanceArn": "arn:aws:ec2:us-east-1:111122223333:instance/i-0big", "accountId": "111122223333",
    "currentInstanceType": "m5.2xlarge", "finding": "Overprovisioned", "findingReasonCodes": ["CPUOverprovisioned"],
    "recommendationOptions": [
        {"instanceType": "r5.large", "rank": 2, "savingsOpportunity": money(1.0)},
        {"instanceType": "m5.large", "rank": 1, "savingsOpportunity": money(210.24),
         "savingsOpportunityAfterDiscounts": money(150.5), "performanceRisk": 1.0},
    ],
}  # fmt: skip
IDLE_INSTANCE = {**INSTANCE, "instanceArn": IDLE["resourceArn"]}
DISK = {
    "volumeArn": "arn:aws:ec2:us-east-1:111122223333:volume/vol-0gp2", "accountId": "111122223333",
    "currentConfiguration": {"volumeType": "gp2", "volumeSize": 100}, "finding": "NotOptimized",
    "volumeRecommendationOptions": [
        {"configuration": {"volumeType": "gp3"}, "rank": 1, "savingsOpportunity": money(2.0)}
    ],
}  # fmt: skip


def savings_plans(sent: Any) -> Any:
    details = {
        "SavingsPlansDetails": {"OfferingId": "offer-1"},
        "HourlyCommitmentToPurchase": "1.234",
        "EstimatedMonthlySavingsAmount": "321.000000001",
        "EstimatedAverageUtilization": "99.5",
        "CurrencyCode": "USD",
        "UpfrontCost": "0",
    }
    found = [details] if sent["SavingsPlansType"] == "COMPUTE_SP" else []
    return {"SavingsPlansPurchaseRecommendation": {"SavingsPlansPurchaseRecommendationDetails": found}}


def reservations(sent: Any) -> Any:
    if sent["Service"] != "Amazon Relational Database Service":
        return {"Recommendations": []}
    details = {
        "InstanceDetails": {"RDSInstanceDetails": {"InstanceType": "db.r5.large", "Region": "us-east-1"}},
        "RecommendedNumberOfInstancesToPurchase": "2",
        "EstimatedMonthlySavingsAmount": "55.5",
        "CurrencyCode": "USD",
        "AverageUtilization": "100",
    }
    return {"Recommendations": [{"TermInYears": "ONE_YEAR", "RecommendationDetails": [details]}]}
