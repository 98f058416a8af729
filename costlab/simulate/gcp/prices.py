"""List prices of the simulated company on Google Cloud, as dated constants.

USD, public list prices of 2026-01 from the vendor's price pages, from general knowledge, rounded to six decimals;
good enough for a simulation, not a price catalogue. Units are those of :mod:`costlab.simulate.prices`: a *rate*
counts 1e-10 USD per unit, a *quantity* 1e-4 units, *money* 1e-12 USD.

Machine rates have at most six decimals and machine hours are counted in tenths, so that even a whole-percent
discount of an amount needs no more than nine decimals: Google's FOCUS table is NUMERIC, which holds nine, and the
other exports are FLOAT64, whose shortest text gives such an amount back exactly.
"""

from __future__ import annotations

from typing import Final

from costlab.simulate.prices import rate

REGIONS: Final = ("us-central1", "us-east4", "europe-west1", "asia-southeast1")
PLACES: Final = {
    "us-central1": "Iowa",
    "us-east4": "Northern Virginia",
    "europe-west1": "Belgium",
    "asia-southeast1": "Singapore",
}
CONTINENTS: Final = {
    "us-central1": "Americas",
    "us-east4": "Northern Virginia",
    "europe-west1": "EMEA",
    "asia-southeast1": "APAC",
}
"""How commitment fees name where they apply."""

SERIES: Final = {  # series: (rates of a vCPU hour by region, rates of a GiB hour by region)
    "n1": (("0.031611", "0.035604", "0.034773", "0.038999"), ("0.004237", "0.004771", "0.004661", "0.005226")),
    "n2": (("0.031611", "0.035604", "0.034773", "0.038999"), ("0.004237", "0.004771", "0.004661", "0.005226")),
    "n2d": (("0.027502", "0.030972", "0.030253", "0.033929"), ("0.003686", "0.004151", "0.004055", "0.004547")),
    "e2": (("0.021812", "0.024566", "0.023993", "0.026909"), ("0.002924", "0.003292", "0.003216", "0.003606")),
    "c3": (("0.03398", "0.038266", "0.037388", "0.041919"), ("0.004555", "0.00513", "0.005012", "0.005619")),
}
SPOT_PERCENT: Final = {"n1": 30, "n2": 35, "n2d": 35, "e2": 40, "c3": 40}
"""What a spot machine costs, in percent of the list price."""

SUSTAINED: Final = {"n1": (0, 2000, 4000, 6000), "n2": (0, 1322, 2670, 4000), "n2d": (0, 1322, 2670, 4000)}
"""Sustained use discount on each quarter of the month, in hundredths of a percent; the other series have none.

Source: Compute Engine documentation, "Sustained use discounts" (N2: 86.78, 73.3 and 60 % of the base rate)."""

RESOURCE_CUD: Final = {1: 37, 3: 55}
"""Discount of a resource-based commitment by its years, in percent."""
FLEXIBLE_CUD: Final = {1: 28, 3: 46}
"""Discount of a flexible commitment by its years, in percent."""

GPU: Final = {"nvidia-l4": ("0.560004", "0.630664", "0.616424", "0.689764")}

OTHER: Final = {  # what: rates by region; one rate where it is the same everywhere
    "pd-standard": ("0.04", "0.044", "0.04", "0.044"),
    "pd-balanced": ("0.1", "0.11", "0.1", "0.11"),
    "pd-ssd": ("0.17", "0.187", "0.17", "0.187"),
    "snapshot": ("0.05", "0.055", "0.05", "0.055"),
    "ip-used": ("0.005",),
    "ip-idle": ("0.01",),
    "lb-rule": ("0.025",),
    "lb-data": ("0.008", "0.008", "0.008", "0.011"),
    "nat-hour": ("0.0014",),
    "nat-data": ("0.045",),
    "egress": ("0.12",),
    "interzone": ("0.01",),
    "ingress": ("0",),
    "sql-core": ("0.0413", "0.0465", "0.0454", "0.051"),
    "sql-ram": ("0.007", "0.0079", "0.0077", "0.0086"),
    "sql-ssd": ("0.17", "0.19", "0.187", "0.204"),
    "gcs-standard": ("0.02", "0.023", "0.02", "0.02"),
    "gcs-nearline": ("0.01", "0.013", "0.01", "0.01"),
    "gcs-coldline": ("0.004", "0.006", "0.004", "0.005"),
    "gcs-class-a": ("0.000005",),
    "gcs-class-b": ("0.0000004",),
    "bq-analysis": ("6.25", "6.25", "6.25", "8.13"),
    "bq-storage": ("0.02", "0.023", "0.02", "0.023"),
    "bq-slots": ("0.04", "0.044", "0.044", "0.054"),
    "gke-cluster": ("0.1",),
    "run-cpu": ("0.000024",),
    "run-memory": ("0.0000025",),
    "run-requests": ("0.0000004",),
    "functions-calls": ("0.0000004",),
    "functions-memory": ("0.0000025",),
    "pubsub": ("40",),
    "logging": ("0.5",),
    "search-marketplace": ("0.035",),
}

CONTRACT: Final = {"egress": 8}
"""Percent the company's contract takes off the list price itself."""
SPEND_DISCOUNT: Final = {"Cloud SQL": 3}
"""Percent the contract gives back as a credit of type DISCOUNT, by service."""
SUPPORT_PERCENT: Final = 3
SUPPORT_MINIMUM: Final = 100
TAX_PERCENT: Final = 4

SHAPES: Final = {  # machine type: (series, vCPUs, GiB); sizes whose memory is whole GiB
    "n1-standard-4": ("n1", 4, 15),
    "n1-standard-8": ("n1", 8, 30),
    "n2-standard-2": ("n2", 2, 8),
    "n2-standard-4": ("n2", 4, 16),
    "n2-standard-8": ("n2", 8, 32),
    "n2-standard-16": ("n2", 16, 64),
    "n2-highmem-4": ("n2", 4, 32),
    "n2-highmem-8": ("n2", 8, 64),
    "n2d-standard-2": ("n2d", 2, 8),
    "n2d-standard-4": ("n2d", 4, 16),
    "n2d-standard-8": ("n2d", 8, 32),
    "e2-standard-2": ("e2", 2, 8),
    "e2-standard-4": ("e2", 4, 16),
    "e2-standard-8": ("e2", 8, 32),
    "e2-highcpu-8": ("e2", 8, 8),
    "c3-standard-4": ("c3", 4, 16),
    "c3-standard-8": ("c3", 8, 32),
}


def series_rates(series: str, region: str) -> tuple[int, int]:
    """Return the list rates of a vCPU hour and a GiB hour of a machine series."""
    cores, memory = SERIES[series]
    at = REGIONS.index(region)
    return rate(cores[at]), rate(memory[at])


def spot_rates(series: str, region: str) -> tuple[int, int]:
    """Return the rates of a spot machine, rounded down to 1e-6 USD as price lists are."""
    core, memory = series_rates(series, region)
    percent = SPOT_PERCENT[series]
    return core * percent // 100 // 10_000 * 10_000, memory * percent // 100 // 10_000 * 10_000


def committed_rates(series: str, region: str, years: int) -> tuple[int, int]:
    """Return the rates of a resource-based commitment, rounded down to 1e-6 USD."""
    core, memory = series_rates(series, region)
    percent = 100 - RESOURCE_CUD[years]
    return core * percent // 100 // 10_000 * 10_000, memory * percent // 100 // 10_000 * 10_000


def other_rate(what: str, region: str) -> int:
    """Return the list rate of anything that is not a machine."""
    rates = (GPU | OTHER)[what]
    return rate(rates[0] if len(rates) == 1 else rates[REGIONS.index(region)])


def machine_rate(shape: str, region: str) -> int:
    """Return the list rate of an hour of a machine type."""
    series, cores, memory = SHAPES[shape]
    core_rate, memory_rate = series_rates(series, region)
    return core_rate * cores + memory_rate * memory
