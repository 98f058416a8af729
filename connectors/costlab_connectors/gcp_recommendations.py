"""Google Cloud's cost recommendations from the Recommender API. Free. REST v1, locations v1beta1, read 2026-11."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar, Final

from costlab.errors import UsageError
from costlab.interfaces.connector import Dataset
from costlab.money import exact
from costlab_connectors import _gcp_rest as rest
from costlab_connectors._advice import Advice, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from decimal import Decimal

    from costlab.interfaces.connector import Landing, Snapshot
    from costlab.period import Month

TOOL: Final = "gcp-recommender"
_ADDRESS: Final = "https://recommender.googleapis.com"
_MONTH: Final = 730 * 3600
"""Seconds of costlab's month."""
_ZONE: Final = re.compile(r"^[a-z]+-[a-z]+[0-9]+-[a-z]$")
_COMMITMENTS: Final = "google.compute.commitment.UsageCommitmentRecommender"
_SPEND: Final = "google.cloudbilling.commitment.SpendBasedCommitmentRecommender"
RECOMMENDERS: Final[Mapping[str, tuple[str, str]]] = {
    "google.compute.instance.MachineTypeRecommender": ("rightsize", "computeInstanceMachineTypeRecommendations"),
    "google.compute.instance.IdleResourceRecommender": ("waste", "computeInstanceIdleResourceRecommendations"),
    "google.compute.disk.IdleResourceRecommender": ("waste", "computeDiskIdleResourceRecommendations"),
    "google.compute.instanceGroupManager.MachineTypeRecommender": (
        "rightsize",
        "computeInstanceGroupManagerMachineTypeRecommendations",
    ),
    "google.compute.address.IdleResourceRecommender": ("waste", "computeAddressIdleResourceRecommendations"),
    "google.compute.image.IdleResourceRecommender": ("waste", "computeImageIdleResourceRecommendations"),
    "google.cloudsql.instance.IdleRecommender": ("waste", "cloudsqlIdleInstanceRecommendations"),
    "google.cloudsql.instance.OverprovisionedRecommender": (
        "rightsize",
        "cloudsqlOverprovisionedInstanceRecommendations",
    ),
    _COMMITMENTS: ("commitment", "usageCommitmentRecommendations"),
    _SPEND: ("commitment", "spendBasedCommitmentRecommendations"),
}
"""Recommender -> costlab's kind, and what its permission is about."""
_LOCATIONS: Final = "recommender.locations.list"
_DISKS: Final = "google.compute.disk.IdleResourceRecommender"
_ADDRESSES: Final = "google.compute.address.IdleResourceRecommender"
_IN_ZONES: Final = (
    "google.compute.instance.MachineTypeRecommender",
    "google.compute.instance.IdleResourceRecommender",
    "google.compute.instanceGroupManager.MachineTypeRecommender",
    _DISKS,
)
_IN_REGIONS: Final = (
    "google.cloudsql.instance.IdleRecommender",
    "google.cloudsql.instance.OverprovisionedRecommender",
    _ADDRESSES,
    _DISKS,
    _COMMITMENTS,
)
_GLOBAL: Final = (_ADDRESSES, "google.compute.image.IdleResourceRecommender")
_DEEDS: Final = {
    "CHANGE_MACHINE_TYPE": "resize",
    "STOP_VM": "stop",
    "DELETE_DISK": "delete",
    "SNAPSHOT_AND_DELETE_DISK": "delete",
    "DELETE_ADDRESS": "release",
    "DELETE_IMAGE": "delete",
}
_TERMS: Final = (("THREE_YEAR", 36), ("36_MONTH", 36), ("ONE_YEAR", 12), ("12_MONTH", 12))


class GcpRecommendations:
    """The connector ``gcp-recommendations``: what Google recommends now for projects or a billing account."""

    name: ClassVar[str] = "gcp-recommendations"
    dataset: ClassVar[Dataset] = Dataset.ADVICE
    schemes: ClassVar[tuple[str, ...]] = ("gcp",)
    permissions: ClassVar[tuple[str, ...]] = (
        _LOCATIONS,
        *(f"recommender.{about}.list" for _, about in RECOMMENDERS.values()),
    )
    options: ClassVar[Mapping[str, str]] = {
        **rest.OPTIONS,
        "locations": "zones and regions, with commas (default: all that have recommendations)",
        "recommenders": "recommenders to ask besides the known ones, with commas",
    }

    def pull(self, landing: Landing, uri: str, *, source: str, period: Month | None = None) -> Iterable[Snapshot]:
        """Yield one snapshot of ``gcp://PROJECT[,PROJECT]`` or ``gcp://billingAccounts/ID``.

        Raises
        ------
        UsageError
            If the URI names nothing.
        ConfigError
            If credentials are missing, lack a permission, or the API is not enabled.
        SourceError
            If Google does not answer or throttles for too long.
        """
        del period  # recommendations are about now
        named = [part.strip() for part in uri.partition("://")[2].strip("/").split(",") if part.strip()]
        if not named:
            raise UsageError(f"{uri} names no project", hint="--from gcp://my-project or gcp://billingAccounts/ID")
        google = rest.connect(landing, _ADDRESS)
        owners = [part if part.partition("/")[2] else f"projects/{part}" for part in named]
        yield snapshot(landing, source, self.name, (a for owner in owners for a in _found(google, owner)))


def _found(google: rest.Google, owner: str) -> Iterator[Advice]:
    for location in _locations(google, owner):
        for recommender in _recommenders(google.landing, owner, location):
            path = f"/v1/{owner}/locations/{location}/recommenders/{recommender}/recommendations"
            for item in google.items(
                path, "recommendations", _permission(recommender), filter="stateInfo.state=ACTIVE"
            ):
                yield _advice(owner, location, recommender, item)


def _permission(recommender: str) -> str:
    """Return what listing a recommender's recommendations needs."""
    about = RECOMMENDERS[recommender][1] if recommender in RECOMMENDERS else f"* of {recommender}"
    return f"recommender.{about}.list"


def _locations(google: rest.Google, owner: str) -> list[str]:
    named = _listed(google.landing.option("locations"))
    if named:
        return named
    found = google.items(f"/v1beta1/{owner}/locations", "locations", _LOCATIONS)
    return sorted(str(item.get("locationId") or item["name"].rpartition("/")[2]) for item in found)


def _recommenders(landing: Landing, owner: str, location: str) -> list[str]:
    if owner.startswith("billingAccounts/"):
        known: tuple[str, ...] = (_SPEND,) if location == "global" else (_COMMITMENTS,)
    else:
        known = _GLOBAL if location == "global" else _IN_ZONES if _ZONE.match(location) else _IN_REGIONS
    return [*known, *_listed(landing.option("recommenders"))]


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _advice(owner: str, location: str, recommender: str, item: Mapping[str, Any]) -> Advice:
    kind = RECOMMENDERS[recommender][0] if recommender in RECOMMENDERS else None
    subtype = str(item.get("recommenderSubtype", ""))
    projection: Mapping[str, Any] = (item.get("primaryImpact") or {}).get("costProjection") or {}
    operations = _operations(item)
    is_purchase = kind == "commitment"
    return Advice(
        provider="Google Cloud",
        native_id=str(item["name"]),
        tool=TOOL,
        kind=kind,
        native_type=f"{recommender} {subtype}".strip(),
        action="purchase" if is_purchase else _DEEDS.get(subtype, subtype.lower().replace("_", " ")),
        resource_id=None if is_purchase else _resource(item, operations),
        sub_account_id=owner.removeprefix("projects/") if owner.startswith("projects/") else None,
        region_id=location.rpartition("-")[0] if _ZONE.match(location) else location,
        from_shape=_machine(operations, "test"),
        to_shape=_machine(operations, "replace"),
        monthly_saving=_monthly(projection),
        currency=(projection.get("cost") or {}).get("currencyCode"),
        term_months=_term(item) if is_purchase else None,
        detail={
            "native_type": f"{recommender} {subtype}".strip(),
            "description": item.get("description"),
            "priority": item.get("priority"),
            "duration": projection.get("duration"),
            "instrument": _instrument(recommender) if is_purchase else None,
        },
    )


def _instrument(recommender: str) -> str:
    return "gcp-flex-cud" if recommender == _SPEND else "gcp-resource-cud"


def _operations(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    groups = (item.get("content") or {}).get("operationGroups") or ()
    return [operation for group in groups for operation in group.get("operations", ())]


def _resource(item: Mapping[str, Any], operations: Iterable[Mapping[str, Any]]) -> str | None:
    """Return the resource that is changed or removed; of a snapshot before it nothing is said."""
    changed = [o.get("resource") for o in operations if o.get("action") in {"remove", "replace"}]
    targets = [*changed, *(item.get("targetResources") or ())]
    return next((str(target) for target in targets if target), None)


def _machine(operations: Iterable[Mapping[str, Any]], action: str) -> str | None:
    for operation in operations:
        if operation.get("action") == action and operation.get("path") == "/machineType":
            value = operation.get("value") or (operation.get("valueMatcher") or {}).get("matchesPattern")
            return str(value).rpartition("/")[2] or None
    return None


def _monthly(projection: Mapping[str, Any]) -> Decimal | None:
    """Return what is saved in costlab's month of 730 hours; Google tells it for a span such as 30 days."""
    cost = rest.money(projection.get("cost"))
    seconds = str(projection.get("duration", "")).removesuffix("s")
    if cost is None or not seconds.isdigit() or seconds == "0":
        return None
    return exact(-cost * _MONTH / int(seconds))


def _term(item: Mapping[str, Any]) -> int | None:
    text = str(item).upper()
    return next((months for word, months in _TERMS if word in text), None)


CONNECTOR = GcpRecommendations()
