"""Azure's retail prices: pages of JSON from the public API, or saved ones.

One item is one meter in one region at one tier. Windows machines share the shape's name with Linux ones and are told
by the product's name; a reservation's price is for its whole term; a savings plan's rates hang on the item they lower.

Source: Microsoft Learn, "Azure Retail Prices REST API overview", read 2026-11.
"""

from __future__ import annotations

import itertools
import json
import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, ClassVar, Final
from urllib.parse import parse_qs, quote, urlsplit

from costlab.errors import SourceError
from costlab.interfaces.connector import Dataset
from costlab.money import exact
from costlab_connectors._json_stream import entries
from costlab_connectors._price_files import HOURS_PER_YEAR, files_at, offer, opened, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from costlab.interfaces.connector import Landing, Snapshot
    from costlab.period import Month
    from costlab_connectors._price_files import Offer

_VERSION: Final = "api-version=2023-01-01-preview"
"""The first version that tells savings plans."""
_ITEMS: Final = ("Items",)
_NEXT: Final = ("NextPageLink",)
_YEARS: Final = {"1 Year": 1, "3 Years": 3, "5 Years": 5}
_MACHINES: Final = "Virtual Machines"
_SHAPE: Final = re.compile(r"(Standard|Basic)_\w+")
"""Other names (``Dsv3-Type1``) are dedicated hosts."""
_SIZE: Final = re.compile(r"^[A-Z][a-z]+_([A-Z]+)[0-9-]+([a-z]*)(_[A-Z0-9]+)?(_v[0-9]+)?$")
_WINDOWS: Final = " Windows"
_OTHER_SERVICE: Final = ("CloudServices", "Cloud Services")
_LOW_PRIORITY: Final = "Low Priority"
_SPOT: Final = "Spot"
_NUMBER: Final = re.compile(r"(?P<many>\d+)(?P<size>[KM]?)\s*/?\s*(?P<what>.*)")
_SIZES: Final = {"": 1, "K": 1_000, "M": 1_000_000}
_SAFE: Final = "%/:=&?~#+!$,;'()*@[]"
"""What stays as it is in an address: a filter may be written with spaces."""

Item = dict[str, Any]


class AzurePrices:
    """The connector ``azure-prices``: retail prices of any service; of machines also spot and commitments."""

    name: ClassVar[str] = "azure-prices"
    dataset: ClassVar[Dataset] = Dataset.PRICES
    schemes: ClassVar[tuple[str, ...]] = ("https", "http")
    permissions: ClassVar[tuple[str, ...]] = ()
    options: ClassVar[Mapping[str, str]] = {}

    def pull(self, landing: Landing, uri: str, *, source: str, period: Month | None = None) -> Iterable[Snapshot]:
        """Yield one snapshot of all offers of the API's pages or of saved ones (``*.json``, ``*.json.gz``).

        Raises
        ------
        SourceError
            If a page is missing, cut, or not of retail prices.
        """
        del period  # prices are about now
        yield snapshot(landing, source, self.name, _offers(landing, _items(landing, uri)))


def _items(landing: Landing, uri: str) -> Iterator[Item]:
    if "://" in uri:
        yield from _pages(landing, _address(uri))
        return
    for path in files_at(uri, "*.json", "*.json.gz"):
        landing.tell(f"reading {path}")
        yield from (entry for found, entry in _page(path) if found == _ITEMS)


def _pages(landing: Landing, first: str) -> Iterator[Item]:
    host, seen, link = urlsplit(first).hostname, set[str](), first
    while link:
        if urlsplit(link).hostname != host or link in seen:
            raise SourceError("the next page of the price list leads elsewhere", hint="Fetch it again, then repeat")
        seen.add(link)
        landing.tell(f"reading page {len(seen)} of {link.partition('?')[0]}")
        following = ""
        for path, entry in _page(link):
            if path == _ITEMS:
                yield entry
            else:
                following = entry or ""
        link = following


def _page(uri: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    with opened(uri) as raw:
        yield from entries(raw, {_ITEMS, _NEXT})


def _address(uri: str) -> str:
    """Return the address of the first page, with the API's version where none is named."""
    if "api-version" not in parse_qs(urlsplit(uri).query):
        uri = f"{uri}{'&' if '?' in uri else '?'}{_VERSION}"
    return quote(uri, safe=_SAFE)


def _offers(landing: Landing, items: Iterable[Item]) -> Iterator[Offer]:
    """Yield the offers; the tiers of a meter follow each other, one ends where the next begins."""
    for _, group in itertools.groupby(filter(_counts, items), _meter):
        tiers = sorted(group, key=lambda item: _tier(item["tierMinimumUnits"]))
        starts = [*(_tier(item["tierMinimumUnits"]) for item in tiers[1:]), None]
        for item, end in zip(tiers, starts, strict=True):
            yield from _of_item(landing, item, end)


def _counts(item: Item) -> bool:
    """Whether an item is a price of its own: no repetition for another meter region, no price for tests."""
    try:
        named = f"{item['skuName']} {item['meterName']}"
        return (
            item["type"] in {"Consumption", "Reservation"}
            and item["isPrimaryMeterRegion"] is True
            and _LOW_PRIORITY not in named
        )
    except (KeyError, TypeError):
        raise SourceError("an item is not of Azure's retail prices", hint="Save the API's pages as they are") from None


def _meter(item: Item) -> tuple[Any, ...]:
    return tuple(item.get(name) for name in ("meterId", "skuId", "armRegionName", "type", "reservationTerm"))


def _tier(text: str) -> Decimal:
    try:
        return Decimal(text)
    except (InvalidOperation, TypeError):
        raise SourceError(f"{text!r} is not where a tier of a price begins") from None


def _of_item(landing: Landing, item: Item, tier_to: Decimal | None) -> Iterator[Offer]:
    common = {
        **_about(item), "unit": _unit(item["unitOfMeasure"]), "currency": item["currencyCode"],
        "valid_from": item["effectiveStartDate"], "tier_from": item["tierMinimumUnits"],
        "tier_to": None if tier_to is None else str(tier_to), "valid_to": _ended(landing, item),
    }  # fmt: skip
    if item["type"] == "Reservation":
        years = _YEARS.get(item.get("reservationTerm", ""))
        if years:
            price = exact(_tier(item["retailPrice"]) / (HOURS_PER_YEAR * years))
            yield offer(landing, **common | _commitment("azure-reservation", years, str(price)) | {"unit": "hour"})
        return
    is_spot = common["resource_kind"] == "instance" and _SPOT in f"{item['skuName']} {item['meterName']}".split()
    yield offer(landing, **common, price=item["retailPrice"], instrument="spot" if is_spot else "ondemand")
    for plan in item.get("savingsPlan") or ():
        if years := _YEARS.get(plan["term"]):
            yield offer(landing, **common | _commitment("azure-sp", years, plan["retailPrice"]))


def _ended(landing: Landing, item: Item) -> str | None:
    """Return when a price ended; the API names ends that are to come, too."""
    end = item.get("effectiveEndDate")
    return end if end and end[:19] <= landing.now.isoformat() else None


def _commitment(instrument: str, years: int, price: str) -> Offer:
    return {"instrument": instrument, "term_months": 12 * years, "price": price}


def _about(item: Item) -> Offer:
    shape = item.get("armSkuName") or None
    common = {
        "provider": "azure", "service_code": item["serviceName"], "region_id": item["armRegionName"] or None,
        "sku_id": item["meterId"],
        "attributes": json.dumps({name: item.get(name) for name in ("productName", "skuName", "meterName", "skuId")}),
    }  # fmt: skip
    if not _is_machine(item):
        kind = str(item["serviceFamily"]).lower().replace(" ", "-") or "other"
        return {**common, "resource_kind": kind, "shape": shape}
    return {
        **common, "resource_kind": "instance", "shape": shape, "family": _family(str(shape)), "license": "none",
        "tenancy": "shared", "os": "Windows" if item["productName"].endswith(_WINDOWS) else "Linux",
    }  # fmt: skip


def _is_machine(item: Item) -> bool:
    return (
        item["serviceName"] == _MACHINES
        and _SHAPE.fullmatch(item.get("armSkuName") or "") is not None
        and not item["productName"].endswith(_OTHER_SERVICE)
    )


def _family(shape: str) -> str:
    """Return a shape's family as the default prices call it: ``Ds_v5`` of ``Standard_D4s_v5``."""
    return _SIZE.sub(r"\1\2\3\4", shape)


def _unit(text: str) -> str:
    """Return what a price is for: ``hour`` of ``1 Hour``, ``GB-month`` of ``1 GB/Month``, ``10000`` of ``10K``."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        return text
    many = int(found["many"]) * _SIZES[found["size"]]
    what = "-".join({"Hour": "hour", "Month": "month"}.get(word, word) for word in found["what"].split("/"))
    return what if many == 1 and what else f"{many} {what}".strip()


CONNECTOR = AzurePrices()
