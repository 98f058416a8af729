"""Azure's commitments are applied in Azure's order, exactly, and the files for rating tell the same story."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costlab.simulate.azure import AzureSimulation, simulate_azure
from costlab.simulate.azure.commitments import Commitment, apply, steps
from costlab.simulate.azure.estate import Item, database_item, machine_item
from costlab.simulate.azure.months import payments, rounded
from costlab.simulate.azure.prices import MONEY, QUANTITY
from costlab.warehouse.connection import connect

if TYPE_CHECKING:
    from pathlib import Path

WEST, NORTH = "westeurope", "northeurope"
D2, D4, D8 = (machine_item(f"Standard_D{n}s_v5", WEST) for n in (2, 4, 8))
B2 = machine_item("Standard_B2ms", WEST)


def reservation(item: Item, count: int = 1, *, owner: int = 0, shared: bool = True, start: int = 0) -> Commitment:
    return Commitment("r", "r", owner, shared, 1, False, start, item, count, 700)


def plan(hourly: int, *, owner: int = 0, shared: bool = True) -> Commitment:
    return Commitment("p", "p", owner, shared, 1, False, 0, hourly=hourly)


def covered(usages: list[tuple[int, Item]], commitments: list[Commitment], run: int = QUANTITY) -> dict[Any, int]:
    """Return 1e-4 hours by (commitment, usage) of one hour in which all usages run."""
    need = np.full((len(usages), 1), run, dtype=np.int64)
    found, _ = apply(need, np.zeros(1, dtype=np.int64), commitments, steps(usages, commitments))
    return {
        (cover.commitment, int(row)): int(quantity)
        for cover in found
        for row, quantity in zip(cover.rows, cover.quantity[:, 0], strict=True)
        if quantity
    }


def test_a_reservation_covers_other_sizes_of_its_group_by_their_ratio() -> None:
    assert covered([(0, D8)], [reservation(D4)]) == {(0, 0): QUANTITY // 2}
    assert covered([(0, D2), (0, D2), (0, D2)], [reservation(D4)]) == {(0, 0): QUANTITY, (0, 1): QUANTITY}


def test_a_reservation_covers_neither_another_group_nor_another_region() -> None:
    elsewhere = machine_item("Standard_D4s_v5", NORTH)
    assert covered([(0, elsewhere), (0, machine_item("Standard_E4s_v5", WEST))], [reservation(D4)]) == {}


def test_a_reservation_of_one_subscription_leaves_the_others_alone() -> None:
    assert covered([(1, D4)], [reservation(D4, shared=False)]) == {}
    assert covered([(1, D4)], [reservation(D4)]) == {(0, 0): QUANTITY}


def test_what_one_subscription_owns_goes_before_what_is_shared_and_older_before_newer() -> None:
    owned = [reservation(D4, start=-9), reservation(D4, shared=False), reservation(D4, start=-10)]
    assert covered([(0, D4)], owned) == {(1, 0): QUANTITY}
    assert covered([(1, D4)], owned) == {(2, 0): QUANTITY}


def test_a_reservation_goes_before_a_savings_plan() -> None:
    assert covered([(0, D4), (0, D4)], [plan(10**6), reservation(D4)]) == {(1, 0): QUANTITY, (0, 1): QUANTITY}


def test_a_savings_plan_goes_to_the_greatest_discount_then_to_the_lower_price() -> None:
    # 24 percent on a burstable machine, 27 on the others
    assert covered([(0, B2), (0, D8), (0, D2)], [plan(D2.plan_price or 0)]) == {(0, 2): QUANTITY}
    both = (D2.plan_price or 0) + (D8.plan_price or 0)
    assert covered([(0, B2), (0, D8), (0, D2)], [plan(both)]) == {(0, 1): QUANTITY, (0, 2): QUANTITY}


def test_a_savings_plan_covers_no_database_and_no_spot_machine() -> None:
    assert (
        covered([(0, database_item(4, WEST)), (0, machine_item("Standard_D4s_v5", WEST, spot=True))], [plan(10**6)])
        == {}
    )


def test_payments_are_equal_however_long_the_month() -> None:
    monthly = payments(reservation(D4, start=24 * 30), date(2026, 1, 1))
    assert len(monthly) == 12
    assert monthly[:2] == [(30, 730), (58, 730)]  # on the 31st, or the last of a shorter month
    assert payments(Commitment("r", "r", 0, True, 3, True, 48, D4, 1, 700), date(2026, 1, 1)) == [(2, 26_280)]


def test_amounts_are_rounded_half_up_to_cents() -> None:
    assert rounded(1_005 * MONEY // 1000) == 101 * MONEY // 100
    assert rounded(-1_005 * MONEY // 1000) == -MONEY


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from([D2, D4, D8, B2])), min_size=1, max_size=8),
       st.lists(st.one_of(st.builds(plan, st.integers(1, 20_000), owner=st.integers(0, 2), shared=st.booleans()),
                          st.builds(reservation, st.sampled_from([D2, D4, B2]), st.integers(1, 3),
                                    owner=st.integers(0, 2), shared=st.booleans())), max_size=4),
       st.integers(1, QUANTITY))  # fmt: skip
def test_nothing_is_covered_twice_and_no_budget_is_exceeded(
    usages: list[tuple[int, Item]], commitments: list[Commitment], run: int
) -> None:
    need = np.full((len(usages), 2), run, dtype=np.int64)
    hours = np.arange(2, dtype=np.int64)
    found, left = apply(need, hours, commitments, steps(usages, commitments))
    assert (need >= 0).all()
    assert (left >= 0).all()
    taken = np.zeros_like(need)
    for cover in found:
        taken[cover.rows] += cover.quantity
    assert (taken + need == run).all()
    used = [sum(int(c.amount.sum()) for c in found if c.commitment == i) for i in range(len(commitments))]
    for index, commitment in enumerate(commitments):
        whole = commitment.amount(np.full(2, commitment.budget, dtype=np.int64))
        assert used[index] + int(commitment.amount(left[index]).sum()) == int(whole.sum())


@pytest.fixture(scope="module")
def simulation(tmp_path_factory: pytest.TempPathFactory) -> AzureSimulation:
    return simulate_azure(tmp_path_factory.mktemp("sim"), seed=5, end=date(2026, 2, 1), months=1, scale="tiny",
                          renderings=("amortized",))  # fmt: skip


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    found = connect().execute(f"select * from '{folder / name}.parquet'")
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def test_rating_the_usage_again_gives_what_stays_on_demand(simulation: AzureSimulation) -> None:
    """The rules once more, hour by hour in Decimal from the files alone, against the bill of the machines."""
    usage, rates = rows(simulation.ledger, "usage"), rows(simulation.ledger, "rates")
    price = {(r["instrument"], r["pool"], r["region"]): r["price"] for r in rates}
    owned = sorted(rows(simulation.ledger, "rate_commitments"),
                   key=lambda c: (c["instrument"], c["sharing"] == "all", c["from"]))  # fmt: skip
    hours = defaultdict(list)
    for row in usage:
        hours[row["hour"]].append(row | {"left": row["quantity"]})
    demand = Decimal(0)
    for hour, needs in hours.items():
        for commitment in owned:
            if commitment["from"] <= hour < commitment["to"]:
                _rate(commitment, needs, price)
        demand += sum((need["left"] * need["list_price"] for need in needs), Decimal(0))
    billed = (
        connect()
        .execute(f"""select sum(costInPricingCurrency::decimal(38, 12)) from
        read_csv('{simulation.export}/billing/*/*/*/*/*.csv.gz', all_varchar = true)
        where (meterCategory = 'Virtual Machines' or meterSubCategory like '% - Compute Gen5')
            and pricingModel = 'OnDemand' and chargeType = 'Usage'""")
        .fetchall()[0][0]
    )
    assert demand > 1000
    assert float(billed) == pytest.approx(float(demand), rel=1e-5)  # a plan's last usage is rounded to 1e-4 hours


def series(pool: str) -> str:
    return re.sub(r"(?<=_[A-Z])\d+", "", pool)


def _rate(commitment: dict[str, Any], needs: list[dict[str, Any]], price: dict[Any, Decimal]) -> None:
    """Take what one commitment covers off the needs of an hour."""
    instrument = commitment["instrument"]

    def rate(need: dict[str, Any]) -> Decimal | None:
        fits = commitment["sharing"] == "all" or need["account_id"] == commitment["owner_account_id"]
        if instrument == "azure-reservation":
            fits = fits and (series(need["pool"]), need["region"]) == (
                series(commitment["family_or_pool"]),
                commitment["region"],
            )
        return price.get((instrument, need["pool"], need["region"])) if fits else None

    budget = commitment["amount"]
    if instrument == "azure-reservation":
        budget = budget * price[instrument, commitment["family_or_pool"], commitment["region"]]
    for need in sorted(needs, key=lambda n: ((rate(n) or 0) / n["list_price"], rate(n) or 0)):
        each = rate(need)
        if each is not None:
            taken = min(need["left"], budget / each)
            need["left"] -= taken
            budget -= taken * each
