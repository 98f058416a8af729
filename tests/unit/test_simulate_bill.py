"""The simulated bill equals the ledger of truth, to the last digit."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from costlab.simulate import Simulation, simulate
from costlab.warehouse.connection import connect

if TYPE_CHECKING:
    from costlab.warehouse.connection import Connection


@pytest.fixture(scope="module")
def simulation(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    return simulate(tmp_path_factory.mktemp("sim"), seed=11, end=date(2026, 3, 12), months=2)


@pytest.fixture(scope="module")
def con(simulation: Simulation) -> Connection:
    db = connect()
    db.execute(f"create view cur as select * from read_parquet('{simulation.cur2}/*/data/*/*.parquet')")
    for name in ("costs", "lines", "commitments", "commitment_hours", "invoices"):
        db.execute(f"create view {name} as from '{simulation.ledger}/{name}.parquet'")
    return db


def test_cash_per_invoice_equals_the_ledger(con: Connection) -> None:
    rows = con.execute("""
        select c.v, i.BilledCost from
        (select strftime(bill_billing_period_start_date, '%Y-%m') as m, bill_invoice_id as id,
            sum(line_item_net_unblended_cost::decimal(38, 12)) as v from cur group by 1, 2) as c
        full join invoices as i on i.BillingMonth = c.m and i.InvoiceId = c.id""").fetchall()
    assert len(rows) == 3
    assert all(cash == truth for cash, truth in rows)


def test_gross_with_discount_rows_equals_net(con: Connection) -> None:
    rows = con.execute("""select sum(line_item_unblended_cost::decimal(38, 12)),
        sum(line_item_net_unblended_cost::decimal(38, 12)) from cur""").fetchall()
    assert rows[0][0] == rows[0][1]


def test_covered_usage_and_negation_cancel_in_every_hour(con: Connection) -> None:
    rows = con.execute("""select savings_plan_savings_plan_a_r_n, line_item_usage_start_date,
        sum(line_item_unblended_cost::decimal(38, 12)) as left_over, count(*) as n from cur
        where line_item_line_item_type in ('SavingsPlanCoveredUsage', 'SavingsPlanNegation')
        group by 1, 2""").fetchall()
    assert len(rows) > 1000
    assert all(row[2] == 0 for row in rows)
