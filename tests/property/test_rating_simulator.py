"""Rating simulated usage gives what the ledgers of truth say, commitment by commitment and hour by hour.

The simulators apply commitments in code of their own, in whole numbers; the two know nothing of each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from costlab.period import Month
from costlab.rating import Bill, Instrument, bill
from costlab.rating.fixed import Fixed
from costlab.simulate import simulate
from costlab.simulate.azure import simulate_azure
from costlab.simulate.bill import Run, final_delivery
from costlab.simulate.company import build
from costlab.simulate.gcp import simulate_gcp
from costlab.warehouse.connection import connect

END = date(2026, 3, 12)


@dataclass(frozen=True)
class Cloud:
    """A simulator, and the columns of its ledger in the currency of its price list."""

    simulate: Callable[[Path], Path]
    holds: str
    """The instruments that its company owns."""
    columns: str = "committed, used, unused"
    step: Decimal = Decimal(0)
    """What a plan that runs out may lose in an hour because the simulator covers usage in steps (USD)."""


def aws(folder: Path) -> Path:
    return simulate(folder, seed=11, end=END, months=2, discount_percent=0).ledger


def aws_with_groups(folder: Path) -> Path:
    """Every second commitment with its owner and a group only, plans with a group before all others."""
    company = build(11, date(2026, 2, 1), END, discount_percent=0)
    busy = tuple(company.estate.account(name) for name in ("data-prod", "ml-prod"))
    company.commitments = [
        replace(owned, sharing="group" if place % 2 else "all", group=busy)
        for place, owned in enumerate(company.commitments)
    ]
    run = Run(company)
    for month in (Month(2026, 2), Month(2026, 3)):
        run.deliver(final_delivery(month, END), [], run.ledger)
    run.ledger.write(folder, run.biller)
    return folder


def azure(folder: Path) -> Path:
    return simulate_azure(folder, seed=11, end=END, months=2).ledger


def gcp(folder: Path) -> Path:
    return simulate_gcp(folder, seed=11, end=date(2026, 2, 12), months=2).ledger  # in both models


AWS = "zonal-ri regional-ri rds-ri elasticache-ri opensearch-ri redshift-ri ec2-sp compute-sp sagemaker-sp database-sp"
CLOUDS = {
    "aws": Cloud(aws, AWS),
    "aws-groups": Cloud(aws_with_groups, AWS, step=2 * Decimal("0.0001") * Decimal("0.8")),  # of the largest machine
    "azure": Cloud(azure, "azure-reservation azure-sp", columns="committed_pricing, used_pricing, unused_pricing"),
    "gcp": Cloud(gcp, "gcp-resource-cud gcp-flex-cud gcp-flex-cud-credit"),
}


@dataclass(frozen=True)
class Case:
    """The bill that rating makes, and what the ledger says: (id, hour, committed, used, unused) in money."""

    cloud: Cloud
    found: Bill
    truth: list[tuple[str, datetime, Decimal, Decimal, Decimal]]

    @property
    def step(self) -> Decimal:
        return self.cloud.step


@pytest.fixture(scope="module", params=CLOUDS)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    cloud = CLOUDS[request.param]
    ledger = cloud.simulate(tmp_path_factory.mktemp(str(request.param)))
    con = connect()

    def table(name: str) -> Any:
        return con.execute(f"select * from '{ledger}/{name}.parquet'").df()

    found = bill(table("usage"), table("rate_commitments"), table("rates"))
    truth = con.execute(
        f"""select CommitmentDiscountId, "hour", {cloud.columns} from '{ledger}/commitment_hours.parquet'"""
    ).fetchall()
    con.close()
    return Case(cloud, found, truth)


def test_every_commitment_uses_and_loses_in_every_hour_what_the_ledger_says(case: Case) -> None:
    items = {(i["covered_by"], i["hour"]): i for i in case.found.items(["hour", "commitment"])}
    assert len(case.truth) > 1000
    assert {key for key in items if key[0]} == {(name, hour) for name, hour, *_ in case.truth}
    plans = {use.commitment.id for use in case.found.uses if use.commitment.instrument.is_plan}
    for name, hour, committed, used, unused in case.truth:
        item = items[name, hour]
        lost = unused - item["cost_unused"]
        assert item["cost"] == committed
        assert 0 <= lost <= case.step if name in plans else lost == 0
        assert item["cost"] - item["cost_unused"] == used + lost


def test_every_instrument_of_the_company_covers_usage(case: Case) -> None:
    used = {use.commitment.instrument.value for use in case.found.uses if use.used.total()}
    assert used == set(case.cloud.holds.split())


def test_the_totals_of_the_commitments_are_the_ledger_s(case: Case) -> None:
    totals = case.found.totals
    lost = sum(unused for *_, unused in case.truth) - totals["unused_cost"]
    assert 0 <= lost <= case.step * len(case.truth)
    assert totals["committed_cost"] == sum(committed for _, _, committed, _, _ in case.truth)
    assert totals["committed_cost"] - totals["unused_cost"] == lost + sum(used for _, _, _, used, _ in case.truth)
    assert 0 < totals["unused_cost"] < totals["committed_cost"]


def test_what_stays_on_demand_is_what_the_aws_bill_charges(tmp_path: Path) -> None:
    simulated = simulate(tmp_path, seed=11, end=END, months=1, discount_percent=0)
    con = connect()
    tables = [con.execute(f"select * from '{simulated.ledger}/{name}.parquet'").df()
              for name in ("usage", "rate_commitments", "rates")]  # fmt: skip
    found = bill(*tables).totals
    ((billed, hours),) = con.execute(
        f"""select sum(line_item_unblended_cost::decimal(38, 12)), count(distinct line_item_usage_start_date)
        from read_parquet('{simulated.cur2}/*/data/*/*.parquet')
        where line_item_line_item_type = 'Usage' and split_line_item_parent_resource_id is null
            and regexp_matches(
                line_item_usage_type, '(Box|Node|Instance|Multi-AZ)Usage:|(Host|Notebk|ESInstance|Node):')
            -- what no commitment can reach is billed by the day
            and line_item_usage_end_date = line_item_usage_start_date + interval '1' hour"""
    ).fetchall()
    con.close()
    # a bill counts 1e-4 hours: the last usage that an exhausted commitment covers is rounded up to that
    steps = sum(Instrument(kind).is_plan for kind in AWS.split()) * hours * Decimal("0.0001") * Decimal("0.8")
    assert 0 <= found["on_demand_cost"] - billed < steps
    assert billed > 1000


def test_what_stays_on_demand_is_what_the_azure_bill_charges(tmp_path: Path) -> None:
    made = simulate_azure(tmp_path, seed=11, end=END, months=2)
    con = connect()
    tables = [con.execute(f"select * from '{made.ledger}/{name}.parquet'").df()
              for name in ("usage", "rate_commitments", "rates")]  # fmt: skip
    found = bill(*tables).totals
    exported = [str(path) for path in made.export.rglob("*daily-actual/**/*.csv.gz")]
    ((billed,),) = con.execute(
        """select sum(costInPricingCurrency::decimal(38, 12)) from read_csv($1, all_varchar = true)
        where chargeType = 'Usage' and pricingModel = 'OnDemand' and (meterSubCategory like '% - Compute Gen5'
            or meterCategory = 'Virtual Machines' and meterSubCategory like '% Series')""",
        [exported],
    ).fetchall()
    con.close()
    # as on AWS; the dearest machine that a savings plan covers last costs less than 1 USD an hour
    steps = sum(kind == Instrument.AZURE_SP for kind in tables[1]["instrument"]) * tables[0]["hour"].nunique()
    assert 0 <= found["on_demand_cost"] - billed < steps * Decimal("0.0001")
    assert billed > 10_000


def test_what_stays_on_demand_is_what_google_s_bill_charges_after_sustained_use(tmp_path: Path) -> None:
    """Invoice months are those of Los Angeles, eight hours behind UTC in winter; rating takes months as given."""
    made = simulate_gcp(tmp_path, seed=11, end=date(2026, 3, 1), months=2)
    con = connect()
    usage, owned, rates = (con.execute(f"select * from '{made.ledger}/{name}.parquet'").df()
                           for name in ("usage", "rate_commitments", "rates"))  # fmt: skip
    usage["hour"] -= timedelta(hours=8)
    owned[["from", "to"]] -= timedelta(hours=8)
    found = bill(usage, owned, rates)
    ((lines, cost, committed, sustained),) = con.execute(
        f"""with lines as (
            select cost::decimal(38, 12) as cost, credits from '{made.detailed}/*.parquet'
            where regexp_matches(sku.description, '^[A-Z0-9]+ .*Instance (Core|Ram) running')
                and sku.description not like 'Spot%' and consumption_model.description = 'Default'),
        given as (select unnest(credits, recursive := true) from lines)
        select (select count(*) from lines), (select sum(cost) from lines),
            sum(amount::decimal(38, 12)) filter (type like 'COMMITTED_USAGE_DISCOUNT%'),
            sum(amount::decimal(38, 12)) filter (type = 'SUSTAINED_USAGE_DISCOUNT')
        from given"""
    ).fetchall()
    con.close()
    rest = [(run.quantity, found.series[run.row].list_price) for run in found.runs if run.commitment < 0]
    at_list = sum((Fixed.of(quantity * price).total() for quantity, price in rest), Decimal(0))
    assert at_list == cost + committed
    # A discount counts 1e-9 USD, as Google's FOCUS table does. What a flexible commitment pays of a project counts
    # 1e-7 USD, and the rest of one project is not discounted as another's is: by 40 percent more at most.
    assert abs(found.totals["on_demand_cost"] - (cost + committed + sustained)) < lines * Decimal("1e-10")
    assert at_list > 5000
    assert sustained < -at_list / 10


def test_every_instrument_that_the_clouds_sell_is_held_by_a_simulated_company() -> None:
    held = {Instrument(kind) for cloud in CLOUDS.values() for kind in cloud.holds.split()}
    assert held == set(Instrument)
