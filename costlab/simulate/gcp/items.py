"""Priced items of Google Cloud as the bill names them."""

# ruff: noqa: E501 - tables of data read best with one entry on a line

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from costlab.simulate.estate import Sku
from costlab.simulate.gcp import prices
from costlab.simulate.prices import rate

COMPUTE: Final = "Compute Engine"
SERVICES: Final = {  # service: its id; Compute Engine's, BigQuery's and Cloud Storage's are Google's, others invented
    COMPUTE: "6F81-5844-456A",
    "BigQuery": "24E6-581D-38E5",
    "Cloud Storage": "95FF-2EF5-5EA1",
    "Cloud SQL": "9662-B51E-5089",
    "Networking": "E505-1604-58F8",
    "Kubernetes Engine": "CCD8-9BF1-090E",
    "Cloud Run": "152E-C115-5142",
    "Cloud Run Functions": "29E7-DA93-CA13",
    "Cloud Pub/Sub": "A1E8-BE35-7EBC",
    "Cloud Logging": "5490-F7B7-8DF6",
    "BigQuery Reservation API": "16B8-3DDA-9F10",
    "Lamplight Observe": "7A3C-22F0-9B1E",
    "Support": "2062-016F-44A2",
    "Invoice": "D7C1-50F3-80AB",
}
SELLER: Final = "Lamplight Ltd"
_SERIES_NAME: Final = {
    "n1": "N1 Predefined Instance",
    "n2": "N2 Instance",
    "n2d": "N2D AMD Instance",
    "e2": "E2 Instance",
    "c3": "C3 Instance",
}

UNITS: Final = {  # pricing unit: (usage unit, usage units per pricing unit)
    "hour": ("seconds", 3600),
    "gibibyte hour": ("byte-seconds", 3600 * 2**30),
    "gibibyte month": ("byte-seconds", 30 * 86_400 * 2**30),
    "gibibyte": ("bytes", 2**30),
    "tebibyte": ("bytes", 2**40),
    "gibibyte second": ("byte-seconds", 2**30),
    "second": ("seconds", 1),
    "count": ("requests", 1),
    "dollar": ("dollars", 1),
}


@dataclass(frozen=True, slots=True)
class _Item:
    service: str
    name: str
    unit: str


_ITEMS: Final = {
    "nvidia-l4": _Item(COMPUTE, "Nvidia L4 GPU running in {place}", "hour"),
    "pd-standard": _Item(COMPUTE, "Storage PD Capacity in {place}", "gibibyte month"),
    "pd-balanced": _Item(COMPUTE, "Balanced PD Capacity in {place}", "gibibyte month"),
    "pd-ssd": _Item(COMPUTE, "SSD backed PD Capacity in {place}", "gibibyte month"),
    "snapshot": _Item(COMPUTE, "Storage PD Snapshot in {place}", "gibibyte month"),
    "ip-used": _Item(COMPUTE, "External IP Charge on a Standard VM in {place}", "hour"),
    "ip-idle": _Item(COMPUTE, "Static Ip Charge in {place}", "hour"),
    "lb-rule": _Item("Networking", "Cloud Load Balancer Forwarding Rule Minimum in {place}", "hour"),
    "lb-data": _Item("Networking", "Regional External Application Load Balancer Data Processing in {place}", "gibibyte"),
    "nat-hour": _Item("Networking", "Networking Cloud Nat Gateway Uptime in {place}", "hour"),
    "nat-data": _Item("Networking", "Networking Cloud Nat Data Processing in {place}", "gibibyte"),
    "egress": _Item(COMPUTE, "Network Internet Data Transfer Out from {place} to Americas", "gibibyte"),
    "interzone": _Item(COMPUTE, "Network Inter Zone Data Transfer Out in {place}", "gibibyte"),
    "ingress": _Item(COMPUTE, "Network Internet Data Transfer In to {place}", "gibibyte"),
    "sql-core": _Item("Cloud SQL", "Cloud SQL for PostgreSQL: Zonal - vCPU in {place}", "hour"),
    "sql-ram": _Item("Cloud SQL", "Cloud SQL for PostgreSQL: Zonal - RAM in {place}", "gibibyte hour"),
    "sql-ssd": _Item("Cloud SQL", "Cloud SQL for PostgreSQL: Zonal - Standard storage in {place}", "gibibyte month"),
    "gcs-standard": _Item("Cloud Storage", "Standard Storage {place}", "gibibyte month"),
    "gcs-nearline": _Item("Cloud Storage", "Nearline Storage {place}", "gibibyte month"),
    "gcs-coldline": _Item("Cloud Storage", "Coldline Storage {place}", "gibibyte month"),
    "gcs-class-a": _Item("Cloud Storage", "Regional Standard Class A Operations", "count"),
    "gcs-class-b": _Item("Cloud Storage", "Regional Standard Class B Operations", "count"),
    "bq-analysis": _Item("BigQuery", "Analysis ({region})", "tebibyte"),
    "bq-storage": _Item("BigQuery", "Active Logical Storage ({region})", "gibibyte month"),
    "bq-slots": _Item("BigQuery Reservation API", "BigQuery Standard Edition for {place} ({region})", "hour"),
    "gke-cluster": _Item("Kubernetes Engine", "Regional Kubernetes Clusters", "hour"),
    "run-cpu": _Item("Cloud Run", "Services CPU (Request-based billing) in {region}", "second"),
    "run-memory": _Item("Cloud Run", "Services Memory (Request-based billing) in {region}", "gibibyte second"),
    "run-requests": _Item("Cloud Run", "Requests", "count"),
    "functions-calls": _Item("Cloud Run Functions", "Cloud Run Functions Invocations", "count"),
    "functions-memory": _Item("Cloud Run Functions", "Cloud Run Functions Memory in {region}", "gibibyte second"),
    "pubsub": _Item("Cloud Pub/Sub", "Message Delivery Basic", "tebibyte"),
    "logging": _Item("Cloud Logging", "Log Storage cost", "gibibyte"),
    "search-marketplace": _Item("Lamplight Observe", "Lamplight Observe, per monitored host and hour", "hour"),
}  # fmt: skip


def other(what: str, region: str) -> Sku:
    """Return a priced item that is not a machine's, by its short name."""
    item = _ITEMS[what]
    name = item.name.format(place=prices.PLACES[region], region=region)
    seller = SELLER if item.service == "Lamplight Observe" else ""
    return _sku(item.service, name, item.unit, prices.other_rate(what, region), region, family=what, seller=seller)


def machine(series: str, region: str, *, spot: bool = False) -> tuple[Sku, Sku]:
    """Return the vCPU and the memory item of a machine series."""
    rates = prices.spot_rates(series, region) if spot else prices.series_rates(series, region)
    name = ("Spot Preemptible " if spot else "") + _SERIES_NAME[series]
    place = prices.PLACES[region]
    core = _sku(COMPUTE, f"{name} Core running in {place}", "hour", rates[0], region, family="core", series=series)
    memory = _sku(
        COMPUTE, f"{name} Ram running in {place}", "gibibyte hour", rates[1], region, family="ram", series=series
    )
    return core, memory


def resource_fee(series: str, region: str, years: int) -> tuple[Sku, Sku]:
    """Return the vCPU and the memory item under which a resource-based commitment is billed."""
    rates = prices.committed_rates(series, region, years)
    where = f"in {prices.CONTINENTS[region]} for {years} Year{'s' if years > 1 else ''}"
    name = {"n1": "", "n2d": "N2D AMD "}.get(series, f"{series.upper()} ")
    return (
        _sku(COMPUTE, f"Commitment v1: {name}Cpu {where}", "hour", rates[0], region, family="fee", series=series),
        _sku(COMPUTE, f"Commitment v1: {name}Ram {where}", "gibibyte hour", rates[1], region, family="fee", series=series),
    )  # fmt: skip


def flexible_fee(years: int, *, multiprice: bool) -> Sku:
    """Return the item under which a flexible commitment is billed, in the older or the newer model."""
    name = f"Commitment - dollar based v1: GCE for {years} year{'s' if years > 1 else ''}"
    if multiprice:
        return _sku(COMPUTE, f"{name} (multi-price)", "hour", rate("1"), "", family="fee")
    return _sku(COMPUTE, name, "hour", rate("1") * (100 - prices.FLEXIBLE_CUD[years]) // 100, "", family="fee")


def single(service: str, name: str) -> Sku:
    """Return an item that is an amount, not a price: support, tax, rounding."""
    return _sku(service, name, "", 0, "", family="single")


def sku_id(sku: Sku) -> str:
    """Return an id that looks like Google's: three groups of four hexadecimal digits."""
    text = sha256(f"{sku.code}|{sku.usage_type}|{sku.region}".encode()).hexdigest().upper()
    return f"{text[:4]}-{text[4:8]}-{text[8:12]}"


def _sku(
    service: str, name: str, unit: str, rate: int, region: str, *, family: str, series: str = "", seller: str = ""
) -> Sku:
    usage_unit = UNITS[unit][0] if unit else ""
    return Sku(SERVICES[service], service, name, usage_unit, unit, rate, region, family, series, name, seller)
