"""The simulated bill equals the ledger of truth, to the last digit (invariants I1 to I8)."""

# ruff: noqa: E501 - SQL reads best unbroken

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from costlab.errors import UnknownValue, UsageError
from costlab.simulate import Simulation, simulate
from costlab.simulate.months import rounded, support_fee
from costlab.simulate.prices import MONEY
from costlab.warehouse.connection import connect

if TYPE_CHECKING:
    from pathlib import Path

    from costlab.warehouse.connection import Connection

EXACT = (
    "line_item_unblended_cost",
    "line_item_net_unblended_cost",
    "savings_plan_total_commitment_to_date",
    "savings_plan_used_commitment",
    "savings_plan_savings_plan_effective_cost",
)


@pytest.fixture(scope="module")
def simulation(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    """Two months, the second to date: with commitments of every kind and payment."""
    return simulate(tmp_path_factory.mktemp("sim"), seed=11, end=date(2026, 3, 12), months=2)


@pytest.fixture(scope="module")
def con(simulation: Simulation) -> Connection:
    db = connect()
    money = ", ".join(f"{name}::decimal(38, 12) as {name}" for name in EXACT)
    db.execute(
        f"create view cur as select * replace ({money}) from read_parquet('{simulation.cur2}/*/data/*/*.parquet')"
    )
    for name in ("costs", "lines", "commitments", "commitment_hours", "invoices"):
        db.execute(f"create view {name} as from '{simulation.ledger}/{name}.parquet'")
    return db


def one(con: Connection, sql: str) -> tuple[Any, ...]:
    rows = con.execute(sql).fetchall()
    assert len(rows) == 1
    return tuple(rows[0])


def test_cash_per_invoice_equals_the_ledger(con: Connection) -> None:
    rows = con.execute("""
        select c.v, i.BilledCost from
        (select strftime(bill_billing_period_start_date, '%Y-%m') as m, bill_invoice_id as id,
            sum(line_item_net_unblended_cost) as v from cur group by 1, 2) as c
        full join invoices as i on i.BillingMonth = c.m and i.InvoiceId = c.id""").fetchall()
    assert len(rows) == 3
    assert all(cash == truth for cash, truth in rows)


def test_gross_with_discount_rows_equals_net(con: Connection) -> None:
    gross, net = one(con, "select sum(line_item_unblended_cost), sum(line_item_net_unblended_cost) from cur")
    assert gross == net


def test_covered_usage_and_negation_cancel_in_every_hour(con: Connection) -> None:
    rows = con.execute("""select savings_plan_savings_plan_a_r_n, line_item_usage_start_date,
        sum(line_item_unblended_cost) as gross, sum(line_item_net_unblended_cost) as net from cur
        where line_item_line_item_type in ('SavingsPlanCoveredUsage', 'SavingsPlanNegation')
        group by 1, 2""").fetchall()
    assert len(rows) > 1000
    assert all(row[2] == 0 and row[3] == 0 for row in rows)


def test_negations_are_coarser_than_covered_usage(con: Connection) -> None:
    covered, negated = one(con, """select count(*) filter (where line_item_line_item_type = 'SavingsPlanCoveredUsage'),
        count(*) filter (where line_item_line_item_type = 'SavingsPlanNegation') from cur""")  # fmt: skip
    assert 0 < negated < covered


def test_a_plan_hour_says_what_it_committed_and_what_was_used(con: Connection) -> None:
    rows = con.execute("""
        select f.total, f.used, h.committed, h.used, coalesce(u.effective, 0) from
        (select savings_plan_savings_plan_a_r_n as id, line_item_usage_start_date as at,
            savings_plan_total_commitment_to_date as total, savings_plan_used_commitment as used
            from cur where line_item_line_item_type = 'SavingsPlanRecurringFee') as f
        join commitment_hours as h on h.CommitmentDiscountId = f.id and h."hour" = f.at
        left join (select savings_plan_savings_plan_a_r_n as id, line_item_usage_start_date as at,
            sum(savings_plan_savings_plan_effective_cost) as effective from cur
            where line_item_line_item_type = 'SavingsPlanCoveredUsage' group by 1, 2) as u
            on u.id = f.id and u.at = f.at""").fetchall()
    assert len(rows) > 2000
    assert all(total == committed and used == truth == effective for total, used, committed, truth, effective in rows)


def test_used_and_unused_are_the_commitment_in_every_hour(con: Connection) -> None:
    wrong, hours = one(con, """select count(*) filter (where used + unused <> committed or used < 0 or unused < 0
        or used_net + unused_net <> committed_net), count(*) from commitment_hours""")  # fmt: skip
    assert wrong == 0
    assert hours > 4000


def test_some_commitments_are_unused_and_some_fully_used(con: Connection) -> None:
    rows = con.execute("""select sum(unused) as lost from commitment_hours group by CommitmentDiscountId""").fetchall()
    assert any(row[0] == 0 for row in rows)
    assert any(row[0] > 0 for row in rows)


def test_reservations_used_and_unused_add_up_to_the_month(con: Connection) -> None:
    rows = con.execute("""
        select f.unused + coalesce(u.effective, 0), t.committed, t.unused, f.unused from
        (select reservation_reservation_a_r_n as id, bill_billing_period_start_date as m,
            (reservation_unused_amortized_upfront_fee_for_billing_period::decimal(38, 12)
            + reservation_unused_recurring_fee::decimal(38, 12)) as unused
            from cur where line_item_line_item_type = 'RIFee') as f
        left join (select reservation_reservation_a_r_n as id, bill_billing_period_start_date as m,
            sum(reservation_effective_cost::decimal(38, 12)) as effective from cur
            where line_item_line_item_type = 'DiscountedUsage' group by 1, 2) as u on u.id = f.id and u.m = f.m
        join (select CommitmentDiscountId as id, date_trunc('month', "hour") as m, sum(committed) as committed,
            sum(unused) as unused from commitment_hours group by 1, 2) as t on t.id = f.id and t.m = f.m""").fetchall()
    assert len(rows) >= 6
    assert all(total == committed and lost == said for total, committed, lost, said in rows)


def test_effective_differs_from_billed_by_what_was_paid_ahead(con: Connection) -> None:
    """I2: in a closed month Effective - Billed = amortised upfront - upfront cash."""
    february = "from costs where BillingMonth = '2026-02'"
    billed, effective = one(con, f"select sum(BilledCost), sum(EffectiveCost) {february}")
    share = "case c.payment when 'No Upfront' then 0 when 'Partial Upfront' then 0.5 else 1 end"
    (amortised,) = one(con, f"""select sum(h.committed * {share}::decimal(2, 1)) from commitment_hours as h
        join commitments as c on c.CommitmentDiscountId = h.CommitmentDiscountId
        where h."hour" < '2026-03-01'""")  # fmt: skip
    (cash,) = one(con, """select sum(upfront) from commitments where start >= '2026-02-01' and start < '2026-03-01'""")
    assert effective - billed == amortised - cash
    assert amortised > 0
    assert cash > 0


def test_covered_usage_costs_less_than_on_demand(con: Connection) -> None:
    (worse,) = one(con, """select count(*) from cur where line_item_line_item_type = 'SavingsPlanCoveredUsage'
        and savings_plan_savings_plan_effective_cost >= line_item_net_unblended_cost""")  # fmt: skip
    assert worse == 0


def test_unit_price_times_quantity_is_the_cost(con: Connection) -> None:
    wrong, rows = one(con, """select count(*) filter (where abs(line_item_unblended_rate * line_item_usage_amount
        - line_item_unblended_cost::double) > 1e-9), count(*) from cur
        where line_item_line_item_type in ('Usage', 'SavingsPlanCoveredUsage')""")  # fmt: skip
    assert wrong == 0
    assert rows > 10_000


def test_pods_split_their_node_exactly(con: Connection) -> None:
    rows = con.execute("""
        select s.gross, p.gross, s.net, p.net from
        (select split_line_item_parent_resource_id as id, line_item_usage_start_date as at,
            sum(split_line_item_split_cost::decimal(38, 12)) + sum(split_line_item_unused_cost::decimal(38, 12)) as gross,
            sum(split_line_item_net_split_cost::decimal(38, 12))
            + sum(split_line_item_net_unused_cost::decimal(38, 12)) as net
            from cur where split_line_item_parent_resource_id is not null group by 1, 2) as s
        left join (select line_item_resource_id as id, line_item_usage_start_date as at,
            sum(case line_item_line_item_type when 'Usage' then line_item_unblended_cost
                when 'DiscountedUsage' then reservation_effective_cost::decimal(38, 12)
                else savings_plan_savings_plan_effective_cost end) as gross,
            sum(case line_item_line_item_type when 'Usage' then line_item_net_unblended_cost
                when 'DiscountedUsage' then reservation_net_effective_cost::decimal(38, 12)
                else savings_plan_net_savings_plan_effective_cost::decimal(38, 12) end) as net
            from cur where line_item_usage_type like '%BoxUsage%'
            and line_item_line_item_type in ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage')
            group by 1, 2) as p on p.id = s.id and p.at = s.at""").fetchall()
    assert len(rows) > 1500
    assert all(split == parent and split_net == parent_net for split, parent, split_net, parent_net in rows)


def test_every_line_item_is_counted_in_the_ledger(con: Connection) -> None:
    rows = con.execute("""select c.n, l.rows, c.cash, l.source_cost from
        (select strftime(bill_billing_period_start_date, '%Y-%m') as m, line_item_line_item_type as t, count(*) as n,
            sum(line_item_net_unblended_cost) as cash from cur group by 1, 2) as c
        full join lines as l on l.BillingMonth = c.m and l.line_type = c.t""").fetchall()
    assert len(rows) >= 18
    assert all(n == truth and cash == source for n, truth, cash, source in rows)


def test_the_bill_holds_every_kind_of_line_item(tmp_path: Path) -> None:
    out = simulate(tmp_path, seed=3, end=date(2026, 4, 1), months=3)
    found = {
        row[0] for row in connect().execute(f"select distinct line_type from '{out.ledger}/lines.parquet'").fetchall()
    }
    assert found == {
        "Usage", "DiscountedUsage", "RIFee", "Fee", "SavingsPlanCoveredUsage", "SavingsPlanNegation",
        "SavingsPlanRecurringFee", "SavingsPlanUpfrontFee", "EdpDiscount", "Credit", "Refund", "Tax",
    }  # fmt: skip


def test_an_open_month_has_no_invoice_and_no_tax(con: Connection) -> None:
    (invoices, taxes) = one(con, """select count(*) filter (where bill_invoice_id <> ''),
        count(*) filter (where line_item_line_item_type = 'Tax') from cur
        where bill_billing_period_start_date = '2026-03-01'""")  # fmt: skip
    assert (invoices, taxes) == (0, 0)


def test_without_a_discount_programme_there_are_no_net_columns(tmp_path: Path) -> None:
    out = simulate(tmp_path, seed=11, end=date(2026, 2, 1), months=1, discount_percent=0)
    con = connect()
    con.execute(f"create view cur as select * from read_parquet('{out.cur2}/*/data/*/*.parquet')")
    columns = [row[0] for row in con.execute("describe cur").fetchall()]
    assert not [c for c in columns if "_net_" in c]
    (cash, truth) = one(con, f"""select (select sum(line_item_unblended_cost::decimal(38, 12)) from cur),
        (select sum(BilledCost) from '{out.ledger}/costs.parquet')""")  # fmt: skip
    assert cash == truth


def test_the_same_seed_gives_the_same_economics(tmp_path: Path, simulation: Simulation) -> None:
    again = simulate(tmp_path, seed=11, end=date(2026, 3, 12), months=2, renderings=())
    other = simulate(tmp_path / "other", seed=12, end=date(2026, 3, 12), months=2, renderings=())
    assert again.summary == simulation.summary
    assert other.summary["totals"] != simulation.summary["totals"]
    for name in ("costs", "commitment_hours", "planted"):
        files = [next(x.ledger.glob(f"{name}.*")).read_bytes() for x in (simulation, again)]
        assert files[0] == files[1]


def test_a_double_carries_every_amount_of_the_bill(con: Connection, simulation: Simulation) -> None:
    (cash,) = one(con, f"""select sum(line_item_net_unblended_cost::decimal(38, 12))
        from read_parquet('{simulation.cur2}/*/data/*/*.parquet')""")  # fmt: skip
    (truth,) = one(con, "select sum(BilledCost) from costs")
    assert cash == truth
    assert isinstance(cash, Decimal)


def test_support_is_priced_by_slices() -> None:
    assert support_fee(500 * MONEY) == 100 * MONEY
    assert support_fee(10_000 * MONEY) == 1000 * MONEY
    assert support_fee(90_000 * MONEY) == (1000 + 4900 + 500) * MONEY


def test_amounts_are_rounded_half_up() -> None:
    assert rounded(1_005 * MONEY // 1000) == 101 * MONEY // 100
    assert rounded(2_000_500 * MONEY // 1000) == 2001 * MONEY


@pytest.mark.parametrize(("options", "error"), [
    ({"scale": "smal"}, UnknownValue), ({"renderings": ("cur3",)}, UnknownValue), ({"months": 0}, UsageError),
])  # fmt: skip
def test_wrong_options_are_refused(tmp_path: Path, options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        simulate(tmp_path, end=date(2026, 2, 1), **options)
