"""The kinds of commitment, in the order in which each cloud applies them.

Sources: AWS Savings Plans User Guide, "Understanding how Savings Plans apply to your AWS usage" (reservations, then
EC2 Instance plans, then Compute plans); Microsoft Learn, "How an Azure savings plan discount is applied" (reservations
first); Google Cloud, committed use discounts (resource-based before flexible); all read 2026-11.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from costlab.errors import UnknownValue

PROVIDERS: Final = {
    "aws": "aws", "amazon web services": "aws", "azure": "azure", "microsoft": "azure", "microsoft azure": "azure",
    "gcp": "gcp", "google": "gcp", "google cloud": "gcp", "google cloud platform": "gcp",
}  # fmt: skip
"""Names of the clouds, as FOCUS and people write them."""


def provider_of(name: str) -> str:
    """Return ``aws``, ``azure`` or ``gcp``.

    Raises
    ------
    UnknownValue
        If no such cloud is known.
    """
    found = PROVIDERS.get(name.strip().lower())
    if found is None:
        raise UnknownValue("provider", name, PROVIDERS)
    return found


class Instrument(StrEnum):
    """A kind of commitment; members stand in the order of application within their cloud."""

    ZONAL_RI = "zonal-ri"
    REGIONAL_RI = "regional-ri"
    RDS_RI = "rds-ri"
    ELASTICACHE_RI = "elasticache-ri"
    OPENSEARCH_RI = "opensearch-ri"
    REDSHIFT_RI = "redshift-ri"
    EC2_SP = "ec2-sp"
    COMPUTE_SP = "compute-sp"
    SAGEMAKER_SP = "sagemaker-sp"
    DATABASE_SP = "database-sp"
    AZURE_RESERVATION = "azure-reservation"
    AZURE_SP = "azure-sp"
    GCP_RESOURCE_CUD = "gcp-resource-cud"
    GCP_FLEX_CUD = "gcp-flex-cud"
    """Spend-based commitment stated at discounted prices (the model of every account since 2026-01-21)."""
    GCP_FLEX_CUD_CREDIT = "gcp-flex-cud-credit"
    """Spend-based commitment stated at on-demand prices: a fee is charged and a credit given for what is covered."""

    @property
    def provider(self) -> str:
        """The cloud that sells it: ``aws``, ``azure`` or ``gcp``."""
        return self.value.partition("-")[0] if self.value.startswith(("azure", "gcp")) else "aws"

    @property
    def is_plan(self) -> bool:
        """Whether it commits to an amount of money per hour rather than to units of a pool."""
        return self in PLANS

    @property
    def is_flexible(self) -> bool:
        """Whether it covers other sizes of its family by their ratios."""
        return self in _SIZE_FLEXIBLE


PLANS: Final = frozenset(
    {
        Instrument.EC2_SP, Instrument.COMPUTE_SP, Instrument.SAGEMAKER_SP, Instrument.DATABASE_SP,
        Instrument.AZURE_SP, Instrument.GCP_FLEX_CUD, Instrument.GCP_FLEX_CUD_CREDIT,
    }
)  # fmt: skip
_SIZE_FLEXIBLE: Final = frozenset(
    {Instrument.REGIONAL_RI, Instrument.RDS_RI, Instrument.ELASTICACHE_RI, Instrument.AZURE_RESERVATION}
)
