"""Which of the engine's instruments a commitment of a bill is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from costlab.errors import UnknownValue
from costlab.rating.instruments import Instrument, provider_of

if TYPE_CHECKING:
    from collections.abc import Iterable

_RESERVATIONS: Final = {
    "ec2|elastic compute": Instrument.REGIONAL_RI,
    "rds|relational": Instrument.RDS_RI,
    "elasticache": Instrument.ELASTICACHE_RI,
    r"opensearch|elasticsearch|\bes\b|amazones": Instrument.OPENSEARCH_RI,
    "redshift": Instrument.REDSHIFT_RI,
}
_PLANS: Final = {
    "ec2 ?sp|ec2 ?instance": Instrument.EC2_SP,
    "sagemaker|machine ?learning": Instrument.SAGEMAKER_SP,
    "database": Instrument.DATABASE_SP,
    "compute": Instrument.COMPUTE_SP,
}


def provider(name: str) -> str | None:
    """Return ``aws``, ``azure`` or ``gcp``, or None of a provider that the engine does not know."""
    try:
        return provider_of(name)
    except UnknownValue:
        return None


def instrument_of(cloud: str, kind: str, category: str, texts: Iterable[str]) -> Instrument | None:
    """Return the instrument, or None where nothing tells it.

    Parameters
    ----------
    kind, category
        CommitmentDiscountType and CommitmentDiscountCategory.
    texts
        What its charges are called: usage types, service codes, services; of its own charges before those it covers.
    """
    spend = category == "Spend" or (not category and bool(re.search("saving|spend", kind.lower())))
    match cloud:
        case "azure":
            return Instrument.AZURE_SP if spend else Instrument.AZURE_RESERVATION
        case "gcp":
            return Instrument.GCP_FLEX_CUD if spend else Instrument.GCP_RESOURCE_CUD
        case _:
            return _named(_PLANS if spend else _RESERVATIONS, [kind, *texts])


def _named(names: dict[str, Instrument], texts: list[str]) -> Instrument | None:
    for text in texts:
        for pattern, instrument in names.items():
            if re.search(pattern, text.lower()):
                return instrument
    return None
