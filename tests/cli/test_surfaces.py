"""One number, every surface: ledger, command line, SQL, export, report and notebook agree with ``==``."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import costlab
from costlab.lab import Lab
from costlab.lab.reporting import build_report
from costlab.warehouse.connection import connect
from tests.cli.conftest import Demo, environment

pytestmark = pytest.mark.slow

Cells = dict[tuple[str, ...], Decimal]
METRICS = ("BilledCost", "EffectiveCost")
ALL_DAYS = ("--from", "2000-01-01", "--to", "2100-01-01")
BY = "BillingPeriodStart,BillingCurrency,ServiceName,SubAccountId"
CLOUDS = ("aws", "azure", "gcp")


def command(demo: Demo, *arguments: str) -> Any:
    words = [sys.executable, "-m", "costlab", "-q", "--workspace", str(demo.workspace), *arguments]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=environment())
    return json.loads(done.stdout) if "json" in arguments else done.stdout


def cells(rows: Iterable[tuple[Any, ...]]) -> Cells:
    found = {(str(month)[:7], *keys): Decimal(amount) for month, *keys, amount in rows}
    return {key: amount for key, amount in found.items() if amount}


def by_currency(ledger: Cells) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for (_, currency, *_), amount in ledger.items():
        found[currency] = found.get(currency, Decimal(0)) + amount
    return found


def told(totals: dict[str, Any], metric: str) -> dict[str, Decimal]:
    assert totals[metric] is None, "amounts of two currencies were added"
    return {currency: Decimal(sums[metric]) for currency, sums in totals["by_currency"].items()}


@pytest.fixture(scope="module", params=METRICS)
def metric(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def ledger(demo: Demo, metric: str) -> Cells:
    """What the simulated company was charged on each cloud, from the simulator's own books."""
    con = connect()
    found: Cells = {}
    for cloud in CLOUDS:
        path = str(demo.workspace / "native" / cloud / "ledger" / "costs.parquet")
        keys = "BillingMonth, BillingCurrency, ServiceName, SubAccountId"
        sql = f"select {keys}, sum({metric}) from read_parquet(?) group by {keys}"
        own = cells(con.execute(sql, [path]).fetchall())
        assert len(own) > 20
        assert not set(own) & set(found)
        found |= own
    con.close()
    assert set(by_currency(found)) == {"USD", "EUR"}
    return found


def test_the_command_line_equals_the_ledger(demo: Demo, metric: str, ledger: Cells) -> None:
    answer = command(demo, "cost", "--by", BY, "--metric", metric, *ALL_DAYS, "--format", "json")
    names = (*BY.split(","), metric)
    assert cells(tuple(item[name] for name in names) for item in answer["items"]) == ledger
    assert told(answer["totals"], metric) == by_currency(ledger)


@pytest.mark.parametrize("table", ["focus.costs", "marts.daily_costs", "marts.daily_skus"])
def test_sql_equals_the_ledger(demo: Demo, metric: str, ledger: Cells, table: str) -> None:
    sql = f"select {BY}, sum({metric}) as amount from {table} group by {BY}"
    items = command(demo, "query", sql, "--format", "json")["items"]
    assert cells(tuple(item.values()) for item in items) == ledger


def test_csv_equals_json(demo: Demo, metric: str, ledger: Cells) -> None:
    text = command(demo, "cost", "--by", BY, "--metric", metric, *ALL_DAYS, "--format", "csv")
    rows = [tuple(value or None for value in row) for row in list(csv.reader(text.splitlines()))[1:]]
    assert cells(rows) == ledger


@pytest.mark.parametrize("version", ["1.0", "1.2", "1.3", "1.4"])
def test_the_exported_file_equals_the_ledger(
    demo: Demo, metric: str, ledger: Cells, version: str, tmp_path: Path
) -> None:
    target = tmp_path / "focus.parquet"
    command(demo, "export", "focus", "--version", version, "-o", str(target))
    con = connect()
    sql = f"select {BY}, sum(cast({metric} as decimal(38, 12))) from read_parquet(?) group by all"
    rows = con.execute(sql, [str(target)]).fetchall()
    con.close()
    assert cells(rows) == ledger


def test_the_notebook_equals_the_ledger(demo: Demo, metric: str, ledger: Cells) -> None:
    with costlab.open(demo.workspace) as lab:
        frame = lab.cost(BY.split(","), metric=metric, start="2000-01-01", end="2100-01-01")
        by_sql = lab.sql(f"select {BY}, sum({metric}) as amount from focus.costs group by {BY}")
    for rows in (frame, by_sql):
        values = rows.astype(object).where(rows.notna(), None)
        assert cells(values.itertuples(index=False, name=None)) == ledger


def test_the_report_equals_the_command_line(demo: Demo, metric: str) -> None:
    with costlab.open(demo.workspace) as lab:
        document = build_report(lab, "monthly")
        now = told(lab.ask_cost(metric=metric).totals, metric)
        earlier = lab.window().before()
        before = told(lab.ask_cost(metric=metric, start=earlier.start, end=earlier.end).totals, metric)
        table = document.sections[0].table
    assert table is not None
    rows = {item["currency"]: item for item in table.items if item["metric"] == metric}
    assert set(rows) == {"USD", "EUR"}
    for currency, row in rows.items():
        total, was = now[currency], before[currency]
        assert (row["now"], row["before"], row["change"]) == (total, was, total - was)
        if metric == "EffectiveCost":
            listed = [item["now"] for item in document.data.items if item["BillingCurrency"] == currency]
            assert sum(listed) == total


def test_the_parts_of_a_change_add_up_to_it(demo: Demo, metric: str) -> None:
    from costlab.analyzers.decompose import PARTS

    with costlab.open(demo.workspace) as lab:
        answer = lab.ask_explain(["ServiceName", "SubAccountId"])
        total = told(lab.ask_cost(metric="EffectiveCost").totals, "EffectiveCost")
    sums = answer.totals["by_currency"]
    assert {currency: amounts["after"] for currency, amounts in sums.items()} == total
    for item in [*answer.items, *sums.values()]:
        assert sum(item[part] for part in PARTS) == item["change"] == item["after"] - item["before"]


def test_every_grain_and_day_adds_up_to_the_same_total(demo: Demo, metric: str, ledger: Cells) -> None:
    with costlab.open(demo.workspace) as lab:
        for grain in ("day", "month", "total"):
            answer = lab.ask_cost(metric=metric, grain=grain, start="2000-01-01", end="2100-01-01")
            assert told(answer.totals, metric) == by_currency(ledger)


def test_findings_published_are_those_computed_again(demo: Demo) -> None:
    with costlab.open(demo.workspace) as lab:
        published, again = lab.ask_recommend(), computed(lab)
    assert published.payload()["items"] == again


def computed(lab: Lab) -> list[Any]:
    from costlab.answer import jsonable
    from costlab.lab.findings import memory_of, plan_now

    return [jsonable(item) for item in plan_now(lab.db, None, (), memory_of(lab.db)).items]


def test_the_dashboard_equals_the_command_line(demo: Demo, metric: str, ledger: Cells) -> None:
    from costlab.ui.facts import load_facts
    from costlab.ui.overview import load_bill

    with costlab.open(demo.workspace) as lab:
        facts = load_facts(lab)
        for month in facts.months:
            for currency in ("USD", "EUR"):
                bill = load_bill(lab, facts, month, currency)
                total = bill.effective if metric == "EffectiveCost" else bill.billed
                charged = lab.ask_cost(metric=metric, start=bill.window.start, end=bill.window.end)
                assert total.now == told(charged.totals, metric)[currency]
