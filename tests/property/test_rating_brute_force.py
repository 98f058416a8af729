"""The rating engine equals an independent brute force on thousands of random small estates, to 1e-9."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pandas as pd
import pytest

from costlab.rating import Instrument, bill
from tests.property.rating_brute_force import BruteForce, Result, Row

START = datetime(2026, 1, 1)
HOURS = 40
SEEDS = range(30)  # x 40 hours, each with usage and commitments of its own: 1,200 cases per cloud
ACCOUNTS = ("a", "b", "c")
POOLS = {
    "aws": ["m5.large", "m5.xlarge", "m5.4xlarge", "m5.large:windows", "c5.nano", "c5.large", "g5.xlarge",
            "g5.2xlarge", "db.r5.large:mysql", "db.r5.large:mysql:multi-az", "cache.r6g.large", "cache.r6g.xlarge",
            "db.r7g.large:postgresql", "db.r7g.xlarge:postgresql", "db.r7g.large:postgresql:multi-az-cluster",
            "r5.large.search", "dc2.large", "ml.m5.large", "ml.t3.medium", "WriteRequestUnits"],
    "azure": ["Standard_D2s_v5", "Standard_D4s_v5", "Standard_D16s_v5", "Standard_E8s_v5"],
    "gcp": ["e2-vcpu", "e2-ram", "c3-vcpu", "a2-gpu"],
}  # fmt: skip
INSTRUMENTS = {
    "aws": {"zonal-ri": ["m5.large", "c5.large", "g5.xlarge"],
            "regional-ri": ["m5.large", "m5.xlarge", "c5.large", "g5.xlarge", "m5.large:windows"],
            "rds-ri": ["db.r5.large:mysql", "db.r5.large:mysql:multi-az", "db.r7g.large:postgresql"],
            "elasticache-ri": ["cache.r6g.xlarge", "cache.r6g.large"], "opensearch-ri": ["r5.large.search"],
            "redshift-ri": ["dc2.large"],
            "ec2-sp": ["m5", "c5", "g5"], "compute-sp": [""], "sagemaker-sp": [""], "database-sp": [""]},
    "azure": {"azure-reservation": POOLS["azure"], "azure-sp": [""]},
    "gcp": {"gcp-resource-cud": POOLS["gcp"], "gcp-flex-cud": [""], "gcp-flex-cud-credit": [""]},
}  # fmt: skip
assert {kind for kinds in INSTRUMENTS.values() for kind in kinds} == set(Instrument)
REGIONS = ("r1", "r2")


def estate(cloud: str, seed: int) -> tuple[list[Row], list[Row], list[Row]]:
    """Return random usage, commitments and rates of one cloud; prices with ties, gaps, and rates above list."""
    random = Random(f"{cloud}/{seed}")
    prices: dict[tuple[str, str], float | None] = {
        (pool, region): random.choice([0.05, 0.1, 0.1, 0.2, 0.4, 1.0, 0.37, 0.096])
        for pool in POOLS[cloud] for region in REGIONS
    }  # fmt: skip
    rates = [
        {"instrument": instrument, "pool": pool, "region": region,
         "price": round((listed or 1) * random.choice([0.5, 0.6, 0.6, 0.75, 0.31, 1.05]), 6)}
        for instrument in INSTRUMENTS[cloud] for (pool, region), listed in prices.items() if random.random() < 0.85
    ]  # fmt: skip
    rates.append({"instrument": "gcp-flex-cud-credit", "pool": "", "region": "", "price": 0.54})
    for key in prices:
        if random.random() < 0.04:
            prices[key] = None
    usage = [
        {"hour": START + timedelta(hours=hour), "provider": cloud, "account_id": random.choice(ACCOUNTS),
         "region": region, "pool": pool, "zone": region + random.choice("xy"),
         "quantity": random.choice([0.25, 0.5, 1, 1, 2, 3, 7, 0.3333]), "list_price": prices[pool, region]}
        for hour in range(HOURS) for _ in range(random.randrange(1, 9))
        for pool, region in [random.choice(list(prices))]
    ]  # fmt: skip
    commitments = [commitment(cloud, random, place) for place in range(HOURS * 2)]
    return usage, commitments, rates


def commitment(cloud: str, random: Random, place: int) -> Row:
    instrument = random.choice(list(INSTRUMENTS[cloud]))
    plan = instrument.endswith("-sp") or "flex" in instrument
    region = random.choice(REGIONS) if not plan or instrument == "ec2-sp" else ""
    begin = random.randrange(-2, HOURS)
    amount = random.choice([0.05, 0.1, 0.25, 1, 3]) if plan else random.choice([0.5, 1, 1, 2, 5])
    return {
        "id": f"c{place}", "provider": cloud, "instrument": instrument, "owner_account_id": random.choice(ACCOUNTS),
        "region": region, "zone": region + "x" if instrument == "zonal-ri" else "",
        "family_or_pool": random.choice(INSTRUMENTS[cloud][instrument]), "amount": amount,
        "from": START + timedelta(hours=begin), "to": START + timedelta(hours=begin + random.randrange(1, 4)),
        "sharing": random.choice(["all", "all", "group", "none"]), "group": random.choice(["", "b", "b;c", "a;c"]),
    }  # fmt: skip


def assert_equal(found: Any, expected: Result) -> None:
    items = found.items(["hour", "pool", "account", "commitment"])
    lines = {(i["hour"], i["pool"], i["account_id"], i["covered_by"]): i for i in items if i["pool"] is not None}
    assert set(lines) == set(expected.lines)
    for key, (quantity, cost) in expected.lines.items():
        near(lines[key]["quantity"], quantity)
        assert (lines[key]["cost"] is None) == (cost is None), key
        near(lines[key]["cost"], cost)
    uses = {(i["covered_by"], i["hour"]): i for i in items if i["pool"] is None}
    assert set(uses) == set(expected.uses)
    for use, (used, unused, lost) in expected.uses.items():
        near(uses[use]["used"], used)
        near(uses[use]["unused"], unused)
        near(uses[use]["cost_unused"], lost)


def near(found: Decimal | None, expected: Any) -> None:
    assert (found is None) == (expected is None)
    if found is not None:
        assert abs(float(found) - float(expected)) < 1e-9, (found, float(expected))


@pytest.mark.parametrize("cloud", POOLS)
def test_a_thousand_random_hours_are_billed_as_the_rules_say(cloud: str) -> None:
    covered, by = 0, set[str]()
    for seed in SEEDS:
        usage, commitments, rates = estate(cloud, seed)
        found = bill(pd.DataFrame(usage), pd.DataFrame(commitments), pd.DataFrame(rates))
        span = [START + timedelta(hours=hour) for hour in range(HOURS)]
        expected = BruteForce(usage, commitments, rates, span).bill()
        assert_equal(found, expected)
        covered += sum(key[3] is not None for key in expected.lines)
        kinds = {owned["id"]: owned["instrument"] for owned in commitments}
        by |= {kinds[name] for (name, _), (used, _, _) in expected.uses.items() if used}
    assert covered > 1000  # the cases are about something
    assert by == set(INSTRUMENTS[cloud])  # and every instrument covers usage in some of them
