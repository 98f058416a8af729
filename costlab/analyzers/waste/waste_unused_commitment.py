"""Commitments that are paid for and not used."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from costlab.analyzers.commitments import CommitmentUse, commitment_uses
from costlab.analyzers.propose import quoted
from costlab.interfaces.analyzer import Assessment
from costlab.interfaces.finding import (
    Action,
    Basis,
    Claim,
    Effort,
    Evidence,
    Kind,
    Level,
    Recommendation,
    Remedy,
)
from costlab.money import ZERO
from costlab.period import midnight

if TYPE_CHECKING:
    from costlab.interfaces.analyzer import Context

MIN_UNUSED = Decimal("0.05")
_LOOK_UP = {
    "rds": "aws rds describe-reserved-db-instances --reserved-db-instance-id",
    "elasticache": "aws elasticache describe-reserved-cache-nodes --reserved-cache-node-id",
}
"""How AWS shows a reservation that cannot be given back, by its service."""


class UnusedCommitment:
    """Unused commitment.

    Fires when more than 5 % of a commitment went unused in the last whole month.
    Saving: for a reservation, what the unused part costs (it can be exchanged, returned or sold on); the low figure
    is 0 because nobody may want it. A spend commitment (savings plan), AWS reservations of anything but EC2 (databases,
    caches) and Google's committed use discounts cannot be given back: they save 0 and say so.
    Cannot see: whether a reservation's contract excludes resale, and usage elsewhere that could be moved onto it.
    Source: AWS EC2 user guide, Reserved Instance Marketplace (of EC2 only); Azure reservations, exchange and refund
    rules; Google Cloud, "Committed use discounts": commitments cannot be cancelled.
    """

    id = "waste_unused_commitment"
    kind = Kind.WASTE
    needs: frozenset[str] = frozenset()

    def assess(self, context: Context) -> Assessment:
        """Return one item per commitment with a notable unused part."""
        return Assessment(
            [
                self._item(use)
                for use in commitment_uses(context)
                if use.utilization is not None and 1 - use.utilization > MIN_UNUSED
            ]
        )

    def _item(self, use: CommitmentUse) -> Recommendation:
        unused, stays = use.hourly_unused_cost, not _can_go(use)
        utilization = use.utilization or ZERO
        start, end = midnight(use.first_day), midnight(use.last_day)
        return Recommendation(
            check=self.id,
            kind=self.kind,
            title=_title(use, stays=stays),
            why=f"Only {utilization:.0%} of it was used."
            + (" It cannot be given back: move eligible usage onto it, and let it expire." if stays else ""),
            provider=use.provider,
            billing_account_id=use.billing_account_id,
            sub_account_id="",
            region_id="",
            service_name=use.type,
            resource_id=use.commitment_id,
            resource_name=use.name,
            currency=use.currency,
            action=Action("use" if stays else "return", use.type, ""),
            hourly_cost=unused,
            hourly_saving_list=ZERO if stays else unused,
            hourly_saving=ZERO if stays else unused,
            claims=(Claim(use.commitment_id, "unused", unused, unused, Decimal(1) if stays else ZERO),),
            evidence=(
                Evidence("utilization", utilization, "ratio", start, end, "marts.commitments"),
                Evidence("unused cost", use.unused_cost, use.currency, start, end, "marts.commitments"),
            ),
            remedy=_remedy(use),
            confidence=0.5,
            risk={"lock-in": Level.MEDIUM},
            effort=Effort.MEDIUM,
            needs_restart=False,
            reversible=False,
            basis=Basis.MEASURED,
            low_ratio=ZERO,
            absorbed_by=use.commitment_id if stays else "",
        )


def _can_go(use: CommitmentUse) -> bool:
    """Return whether it can be exchanged, returned or sold on."""
    return use.category != "Spend" and not _is_google(use) and _aws_service(use) in {"", "ec2"}


def _aws_service(use: CommitmentUse) -> str:
    """Return the service that an ARN names, ``rds`` of ``arn:aws:rds:...``; empty where the id is none."""
    arn, _, rest = use.commitment_id.partition(":")
    return rest.split(":")[1] if arn == "arn" and ":" in rest else ""


def _is_google(use: CommitmentUse) -> bool:
    return "google" in use.provider.lower()


def _is_azure(use: CommitmentUse) -> bool:
    return any(name in use.provider.lower() for name in ("microsoft", "azure"))


def _title(use: CommitmentUse, *, stays: bool) -> str:
    if not stays:
        return "Exchange or sell the idle reservation"
    name = "committed use discount" if _is_google(use) else "savings plan" if use.category == "Spend" else "reservation"
    return f"Use the idle part of the {name}"


def _remedy(use: CommitmentUse) -> Remedy:
    service = _aws_service(use)
    name = quoted(use.commitment_id.rsplit(":" if service in _LOOK_UP else "/", 1)[-1])
    if _is_google(use):
        return Remedy("gcloud compute commitments list" if use.category == "Usage" else "")
    if use.category == "Spend" and _is_azure(use):
        return Remedy("az billing-benefits savings-plan list")
    if use.category == "Spend":
        return Remedy("aws ce get-savings-plans-utilization-details --time-period Start=FROM,End=TO", "", "")
    if service not in {"", "ec2"}:
        return Remedy(f"{_LOOK_UP[service]} {name}" if service in _LOOK_UP else "")
    if _is_azure(use):
        return Remedy(f"az reservations reservation show --reservation-order-id ORDER --reservation-id {name}")
    return Remedy(
        f"aws ec2 describe-reserved-instances --reserved-instances-ids {name}  # then: "
        "aws ec2 create-reserved-instances-listing",
        rollback="aws ec2 cancel-reserved-instances-listing while it is unsold",
    )


CHECK = UnusedCommitment()
