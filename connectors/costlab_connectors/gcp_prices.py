"""Google Cloud's price catalogue: every SKU is an offer, and machines are put together from cores and memory.

``gcp://`` asks the Cloud Billing Catalog for all of Google's own services, ``gcp://Compute Engine,BigQuery`` for those;
anything else is saved JSON: ``{"skus": [...]}`` or a list, as the REST API spells it.

Source: Cloud Billing Catalog API reference, "PricingExpression", read 2026-11: a price is ``units + nanos * 1e-9`` per
usage unit; it is shown per ``displayQuantity`` of them; divided by ``baseUnitConversionFactor`` it is per base unit.
"""

from __future__ import annotations

import itertools
import json
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, ClassVar, Final

from costlab.errors import SourceError
from costlab.interfaces.connector import Dataset
from costlab_connectors._gcp_catalog import skus_of
from costlab_connectors._gcp_machines import Machines, Rate
from costlab_connectors._gcp_rest import OPTIONS, money
from costlab_connectors._json_stream import entries
from costlab_connectors._price_files import files_at, offer, opened, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from costlab.interfaces.connector import Landing, Snapshot
    from costlab.period import Month
    from costlab_connectors._price_files import Offer

_USAGE: Final[Mapping[str, tuple[str, int | None]]] = {
    "OnDemand": ("ondemand", None),
    "Preemptible": ("spot", None),
    "Commit1Yr": ("gcp-resource-cud", 12),
    "Commit3Yr": ("gcp-resource-cud", 36),
}
_UNITS: Final[Mapping[str, str]] = {
    "h": "hour", "s": "second", "mo": "month", "d": "day", "min": "minute", "GiBy": "GiB", "TiBy": "TiB", "MiBy": "MiB",
    "By": "byte", "GBy": "GB",
}  # fmt: skip

Sku = dict[str, Any]


class GcpPrices:
    """The connector ``gcp-prices``: list prices of SKUs, and of machines per hour."""

    name: ClassVar[str] = "gcp-prices"
    dataset: ClassVar[Dataset] = Dataset.PRICES
    schemes: ClassVar[tuple[str, ...]] = ("gcp",)
    permissions: ClassVar[tuple[str, ...]] = ("serviceusage.services.use",)
    options: ClassVar[Mapping[str, str]] = OPTIONS

    def pull(self, landing: Landing, uri: str, *, source: str, period: Month | None = None) -> Iterable[Snapshot]:
        """Yield one snapshot of all offers.

        Raises
        ------
        ConfigError
            If there are no credentials, or the API is not enabled.
        SourceError
            If the catalogue does not answer, or a file is missing, cut or not of SKUs.
        """
        del period  # prices are about now
        skus = skus_of(landing, uri) if uri.startswith("gcp://") else _saved(landing, uri)
        yield snapshot(landing, source, self.name, _offers(landing, skus))


def _saved(landing: Landing, uri: str) -> Iterator[Sku]:
    for path in files_at(uri, "*.json", "*.json.gz"):
        landing.tell(f"reading {path}")
        with opened(path) as raw:
            yield from (sku for _, sku in entries(raw, {(), ("skus",)}))


def _offers(landing: Landing, skus: Iterable[Sku]) -> Iterator[Offer]:
    machines = Machines()
    for sku in skus:
        try:
            found = list(_of_sku(landing, sku, machines))
        except (KeyError, TypeError, AttributeError, InvalidOperation):
            raise SourceError(
                "an entry is not a SKU of Google's price catalogue", hint="Save the API's pages as they are"
            ) from None
        yield from found
    yield from (offer(landing, **found) for found in machines.offers())


def _of_sku(landing: Landing, sku: Sku, machines: Machines) -> Iterator[Offer]:
    """Yield a SKU's prices, one per region and tier; the newest of its prices counts."""
    category: Mapping[str, str] = sku["category"]
    usage = _USAGE.get(category.get("usageType", ""))
    if usage is None or not sku.get("pricingInfo"):
        return
    newest: Mapping[str, Any] = sku["pricingInfo"][-1]
    expression: Mapping[str, Any] = newest["pricingExpression"]
    common = {
        "provider": "gcp", "service_code": category["serviceDisplayName"], "sku_id": sku["skuId"],
        "resource_kind": "-".join(dict.fromkeys(part.lower() for part in _kinds(category))), "instrument": usage[0],
        "term_months": usage[1], "valid_from": newest["effectiveTime"],
        "attributes": json.dumps({"description": sku["description"], "usage_unit": expression["usageUnit"]}),
    }  # fmt: skip
    rates: list[Mapping[str, Any]] = sorted(expression.get("tieredRates", ()), key=_start)
    ends: list[Mapping[str, Any] | None] = [*rates[1:], None]
    for region, (rate, following) in itertools.product(
        sku.get("serviceRegions") or [None], zip(rates, ends, strict=True)
    ):
        price = money(rate["unitPrice"]) or Decimal(0)  # what is 0 is left out of the JSON
        currency = rate["unitPrice"].get("currencyCode", "USD")
        if region and not _start(rate):
            machines.take(sku["description"], region, usage, Rate(_hourly(price, expression), currency, common))
        yield offer(
            landing, **common, region_id=region, currency=currency, **_shown(price, rate, following, expression)
        )


def _kinds(category: Mapping[str, str]) -> Iterator[str]:
    yield from (category.get(name, "") for name in ("resourceFamily", "resourceGroup") if category.get(name))


def _start(rate: Mapping[str, Any]) -> Decimal:
    return Decimal(str(rate.get("startUsageAmount", 0)))


def _shown(
    price: Decimal, rate: Mapping[str, Any], following: Mapping[str, Any] | None, expression: Mapping[str, Any]
) -> Offer:
    """Return price, unit and tier as Google shows them: per ``displayQuantity`` usage units (1 million requests)."""
    quantity = Decimal(str(expression.get("displayQuantity", 1))) or Decimal(1)
    unit = "-".join(_UNITS.get(part, part) for part in str(expression["usageUnit"]).split("."))
    return {
        "price": f"{price * quantity:f}",
        "unit": unit if quantity == 1 else f"{quantity.normalize():f} {unit}",
        "tier_from": f"{_start(rate) / quantity:f}",
        "tier_to": None if following is None else f"{_start(following) / quantity:f}",
    }


def _hourly(price: Decimal, expression: Mapping[str, Any]) -> Decimal | None:
    """Return the price per core-hour or GiB-hour, through the base unit; None for what is neither.

    >>> _hourly(Decimal("0.000001"), {"baseUnit": "s", "baseUnitConversionFactor": 1})
    Decimal('0.003600')
    """
    wanted = _HOURLY.get(expression.get("baseUnit", ""))
    factor = Decimal(str(expression.get("baseUnitConversionFactor", 0)))
    return price * wanted / factor if wanted and factor else None


_HOURLY: Final = {"s": 3600, "By.s": 3600 * 2**30}
"""Base unit -> how many of them are a core-hour, or a GiB-hour."""

CONNECTOR = GcpPrices()
