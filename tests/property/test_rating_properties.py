"""What must not change a bill does not change it."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from random import Random
from typing import Any

import pandas as pd
import pytest

from costlab.rating import Bill, Rates, allocate, bill, commitments_of, demand, demand_of, order_of
from tests.property.test_rating_brute_force import POOLS, estate

GRAINS = (["hour", "pool", "account", "commitment"], ["hour"], ["commitment"], ["pool", "account"])


def tables(cloud: str, seed: int) -> list[pd.DataFrame]:
    return [pd.DataFrame(rows) for rows in estate(cloud, seed)]


def everything(found: Bill) -> list[Any]:
    return [found.totals, *(found.items(by) for by in GRAINS)]


@pytest.mark.parametrize("cloud", POOLS)
def test_hours_taken_in_blocks_give_the_same_bill(cloud: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = tables(cloud, 1)
    whole = everything(bill(*given))
    monkeypatch.setattr(demand, "CELLS_PER_BLOCK", 7 * len(demand.demand_of(given[0]).series))
    assert everything(bill(*given)) == whole


@pytest.mark.parametrize("cloud", POOLS)
def test_the_order_of_usage_and_of_rates_does_not_matter(cloud: str) -> None:
    usage, commitments, rates = tables(cloud, 2)
    shuffled = usage.sample(frac=1, random_state=3), commitments, rates.sample(frac=1, random_state=4)
    assert everything(bill(*shuffled)) == everything(bill(usage, commitments, rates))


def test_a_quantity_split_over_rows_is_the_same_quantity() -> None:
    usage, commitments, rates = tables("aws", 3)
    halves = pd.concat([usage.assign(quantity=usage["quantity"] / 2)] * 2)
    assert everything(bill(halves, commitments, rates)) == everything(bill(usage, commitments, rates))


@pytest.mark.parametrize("cloud", POOLS)
def test_every_grain_adds_up_to_the_total_and_parts_to_the_whole_exactly(cloud: str) -> None:
    for seed in range(4, 9):
        found = bill(*tables(cloud, seed))
        totals = found.totals
        for by in GRAINS[:3]:
            assert sum((i["cost"] for i in found.items(by) if i["cost"] is not None), Decimal(0)) == totals["cost"]
        by_pool = sum((i["cost"] for i in found.items(["pool"]) if i["cost"] is not None), Decimal(0))
        assert by_pool == totals["cost"] - totals["unused_cost"]
        assert totals["cost"] == totals["committed_cost"] + totals["on_demand_cost"]


def test_more_usage_never_leaves_more_of_a_commitment_unused() -> None:
    usage, commitments, rates = tables("aws", 9)
    more = usage.assign(quantity=usage["quantity"] * 2)
    assert bill(more, commitments, rates).totals["unused_cost"] <= bill(usage, commitments, rates).totals["unused_cost"]


def test_account_ids_may_be_numbers_texts_or_missing() -> None:
    usage, commitments, rates = tables("aws", 10)
    random = Random(5)
    ids: list[Any] = [random.choice([42, "42", None]) for _ in range(len(usage))]
    found = bill(usage.assign(account_id=pd.Series(ids, dtype=object)), commitments, rates)
    assert {item["account_id"] for item in found.items(["account"])} == {"42", ""}


@pytest.mark.parametrize("cloud", POOLS)
def test_the_arrays_alone_give_the_same_cost_as_the_bill(cloud: str) -> None:
    """What an optimiser does: steps once, then only matrices."""
    import numpy as np

    usage, commitments, rates = tables(cloud, 11)
    usage = usage.dropna(subset="list_price")
    whole = demand_of(usage)
    owned = commitments_of(commitments)
    order = order_of(whole.series, owned, Rates.of(rates))
    ((_, cells),) = whole.blocks()
    hours = np.arange(whole.hours) + whole.first
    active = np.array([(hours >= one.start) & (hours < one.stop) for one in owned], dtype=np.float64)
    budget = active * np.array(order.capacity)[:, None]
    charge = sum((budget[i] * (price or 0)).sum() for i, price in enumerate(order.unit_cost))
    deque(allocate(cells, budget, order.steps), maxlen=0)
    prices = np.array([one.list_price for one in whole.series])
    cost = charge + (cells.sum(axis=1) * prices).sum()
    assert abs(cost - float(bill(usage, commitments, rates).totals["cost"])) < 1e-8
