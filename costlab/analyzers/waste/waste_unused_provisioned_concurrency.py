"""Lambda concurrency kept warm and never called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costlab.analyzers._base import HoursWithoutTraffic
from costlab.analyzers.propose import Advice, bill_evidence, group_of, quoted
from costlab.interfaces.finding import Action, Basis, Effort, Level, Remedy

if TYPE_CHECKING:
    from costlab.analyzers.bill import Resource


class UnusedProvisionedConcurrency(HoursWithoutTraffic):
    """Unused provisioned Lambda concurrency.

    Fires when provisioned concurrency is billed but in 14 days no invocation ran on it.
    Saving: the provisioned concurrency.
    Cannot see: concurrency kept for a peak that comes less often than every 14 days.
    Source: AWS Lambda pricing, provisioned concurrency (GB-seconds configured and GB-seconds used).
    """

    id = "waste_unused_provisioned_concurrency"
    pattern = r"Lambda-Provisioned-Concurrency(-ARM)?$"
    hours = pattern
    traffic = r"Lambda-Provisioned-GB-Second(-ARM)?$"
    limit_per_hour = 0.0

    def idle(self, resource: Resource, through: float) -> Advice:
        """Return the advice to configure it."""
        name = quoted(resource.resource_id)
        return Advice(
            check=self.id,
            kind=self.kind,
            title="Remove the unused provisioned concurrency",
            why="Concurrency is kept warm, but in 14 days no invocation used it.",
            action=Action("configure", "provisioned concurrency", ""),
            remedy=Remedy(
                command=f"aws lambda list-provisioned-concurrency-configs --function-name {name} && "
                f"aws lambda delete-provisioned-concurrency-config --function-name {name} "
                "--qualifier ALIAS",
                terraform="remove the aws_lambda_provisioned_concurrency_config resource",
                rollback="aws lambda put-provisioned-concurrency-config with the count listed before",
            ),
            risk={"availability": Level.LOW},
            effort=Effort.VERY_LOW,
            basis=Basis.INFERRED,
            confidence=0.9,
            evidence=(bill_evidence(resource, "provisioned duration used in the window", through, "GB-seconds"),),
            reversible=True,
            exclusive_group=group_of(resource),
        )


CHECK = UnusedProvisionedConcurrency()
