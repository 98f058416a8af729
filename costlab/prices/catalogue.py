"""Look a price up: an offer with its date and source, or the reason why there is none. Never 0 for a missing one."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from costlab.interfaces.analyzer import Relations

ON_DEMAND: Final = "ondemand"


@dataclass(frozen=True, slots=True)
class Offer:
    """What one unit costs: ``price`` per ``unit`` in ``currency``; of a commitment, without its ``upfront`` part."""

    provider: str
    region_id: str
    shape: str
    instrument: str
    term_months: int | None
    payment: str
    os: str
    unit: str
    price: Decimal
    upfront: Decimal | None
    currency: str
    valid_from: datetime
    confidence: str
    x_source: str


@dataclass(frozen=True, slots=True)
class Missing:
    """No price, and why."""

    reason: str


_COLUMNS: Final = ", ".join(field.name for field in fields(Offer))
_FIND: Final = f"""
select {_COLUMNS} from prices.offers
where provider = $provider and region_id = $region and shape is not null and resource_kind = 'instance'
    and instrument = $instrument and term_months is not distinct from $term and payment = $payment and os = $os
    and tenancy = 'shared' and currency = $currency
order by confidence = 'contract' desc, zone is null, price
"""
"""All shapes of a region at once: planning the query takes as long as reading them."""
_KNOWN: Final = (
    ("provider = $provider and region_id = $region and shape = $shape", "{shape} in {region} has prices, but not this"),
    ("provider = $provider and shape = $shape", "{shape} has no price in {region}, but in other regions"),
    ("provider = $provider and region_id = $region", "{shape} is not a known shape in {region}"),
    ("provider = $provider", "{region} is not a region with prices"),
)


class Catalogue:
    """The prices of a workspace: contract prices before price files before those that come with costlab."""

    def __init__(self, db: Relations) -> None:
        self._db = db
        self._read: dict[tuple[Any, ...], dict[str, Offer]] = {}

    def price(
        self,
        provider: str,
        region: str,
        shape: str,
        *,
        instrument: str = ON_DEMAND,
        term_months: int | None = None,
        payment: str = "none",
        os: str = "Linux",
        currency: str = "USD",
    ) -> Offer | Missing:
        """Return the price of an instance of a shape per hour, or why there is none.

        ``provider`` is ``aws``, ``azure`` or ``gcp``; ``instrument`` is ``ondemand``, ``spot`` or a commitment's
        (``ec2-sp``, ``compute-sp``, ``regional-ri``, ``azure-reservation``, ``azure-sp``, ``gcp-resource-cud``,
        ``gcp-flex-cud``) with its ``term_months``.
        """
        found = self._offers({
            "provider": provider, "region": region, "instrument": instrument, "term": term_months, "payment": payment,
            "os": os, "currency": currency,
        }).get(shape)  # fmt: skip
        return found or self._missing({"provider": provider, "region": region, "shape": shape}, instrument)

    def _offers(self, wanted: dict[str, Any]) -> dict[str, Offer]:
        """Return shape -> the offer that counts, read once per region and way to buy."""
        key = tuple(wanted.values())
        if key not in self._read:
            rows = self._db.rows(_FIND, wanted)
            self._read[key] = {row["shape"]: Offer(**row) for row in reversed(rows)}  # of a shape the first row counts
        return self._read[key]

    def _missing(self, key: dict[str, Any], instrument: str) -> Missing:
        for condition, text in _KNOWN:
            wanted = {name: value for name, value in key.items() if f"${name}" in condition}
            if self._db.rows(f"select 1 as x from prices.offers where {condition} limit 1", wanted):
                return Missing(f"no {instrument} price: {text.format(**key)}")
        return Missing(f"no {instrument} price: {key['provider']!r} is not a provider with prices")
