"""AWS's own recommendations: Cost Optimization Hub, else Compute Optimizer and (paid) Cost Explorer."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from costlab.errors import ConfigError
from costlab.interfaces.connector import PAID_OPTIONS, Dataset
from costlab.money import plain
from costlab_connectors import _aws_billing as aws
from costlab_connectors import _aws_hub, _aws_optimizer, _aws_purchases
from costlab_connectors._advice import snapshot
from costlab_connectors._aws_paid import PRICE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from costlab.interfaces.connector import Landing, Snapshot
    from costlab.period import Month
    from costlab_connectors._advice import Advice


class AwsRecommendations:
    """The connector ``aws-recommendations``: what AWS recommends now, with its own figures."""

    name: ClassVar[str] = "aws-recommendations"
    dataset: ClassVar[Dataset] = Dataset.ADVICE
    schemes: ClassVar[tuple[str, ...]] = ("aws",)
    permissions: ClassVar[tuple[str, ...]] = (
        "cost-optimization-hub:GetPreferences",
        "cost-optimization-hub:GetRecommendation",
        "cost-optimization-hub:ListEnrollmentStatuses",
        "cost-optimization-hub:ListRecommendations",
        "compute-optimizer:GetEBSVolumeRecommendations",
        "compute-optimizer:GetEC2InstanceRecommendations",
        "compute-optimizer:GetEnrollmentStatus",
        "compute-optimizer:GetIdleRecommendations",
        "ec2:DescribeInstances",
        "ec2:DescribeVolumes",
        "ce:GetReservationPurchaseRecommendation",
        "ce:GetSavingsPlansPurchaseRecommendation",
    )
    options: ClassVar[Mapping[str, str]] = {
        **PAID_OPTIONS,
        **aws.OPTIONS,
        "regions": "regions of Compute Optimizer, with commas (default: us-east-1); the hub knows all",
    }

    def pull(self, landing: Landing, uri: str, *, source: str, period: Month | None = None) -> Iterable[Snapshot]:
        """Yield one snapshot of all recommendations.

        Raises
        ------
        ConfigError
            If neither service is turned on, a permission is missing, or the cap of paid requests is reached.
        SourceError
            If a service does not answer.
        """
        del uri, period  # recommendations are about now
        yield snapshot(landing, source, self.name, _found(landing))


def _found(landing: Landing) -> Iterator[Advice]:
    payer = aws.payer(landing)
    hub = _aws_hub.recommendations(payer)
    if hub is not None:
        landing.tell("Cost Optimization Hub: free, purchases included")
        return hub
    return _without_hub(landing, payer)


def _without_hub(landing: Landing, payer: aws.Payer) -> Iterator[Advice]:
    landing.tell("Cost Optimization Hub is not turned on; asking Compute Optimizer")
    regions = [name.strip() for name in landing.option("regions", aws.HOME).split(",") if name.strip()]
    machines = _aws_optimizer.recommendations(payer, regions)
    is_allowed = landing.option("allow_paid", "no") != "no"
    if machines is None and not is_allowed:
        raise ConfigError(
            "neither Cost Optimization Hub nor Compute Optimizer is turned on in this account",
            hint="Turn one on (both are free): `aws cost-optimization-hub update-enrollment-status --status Active`",
        )
    yield from machines or ()
    if is_allowed:
        yield from _aws_purchases.recommendations(landing, payer)
    else:
        count, price = len(_aws_purchases.REQUESTS), PRICE
        landing.tell(
            f"purchases are left out: {count} {price.what}s would cost {plain(count * price.usd)} USD; "
            "turn on Cost Optimization Hub (free), or set option allow_paid=yes"
        )


CONNECTOR = AwsRecommendations()
