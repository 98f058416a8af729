"""The simulated Azure bill is a real one in form, and equals the ledger of truth (invariants I1 to I7)."""

# ruff: noqa: E501 - SQL reads best unbroken

from __future__ import annotations

import csv
import gzip
import json
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from costlab.errors import UnknownValue, UsageError
from costlab.simulate.azure import AzureSimulation, simulate_azure
from costlab.simulate.azure.prices import FX, exchange_rate
from costlab.simulate.azure.render_cost import EA, MCA
from costlab.simulate.azure.render_focus import NAMES
from costlab.warehouse.connection import connect

if TYPE_CHECKING:
    from pathlib import Path

    from costlab.warehouse.connection import Connection

MONEY = ("costInBillingCurrency", "costInPricingCurrency", "paygCostInBillingCurrency", "exchangeRatePricingToBilling",
         "quantity", "unitPrice", "PayGPrice")  # fmt: skip
COMMITMENTS = "pricingModel in ('Reservation', 'SavingsPlan')"


@pytest.fixture(scope="module")
def simulation(tmp_path_factory: pytest.TempPathFactory) -> AzureSimulation:
    """Three months, the last to date: with all kinds of charges."""
    return simulate_azure(tmp_path_factory.mktemp("sim"), seed=11, end=date(2026, 4, 12), months=3, scale="tiny",
                          renderings=("actual", "amortized", "focus", "focus-r2"))  # fmt: skip


@pytest.fixture(scope="module")
def con(simulation: AzureSimulation) -> Connection:
    db = connect()
    casts = ", ".join(f"{name}::decimal(38, 12) as {name}" for name in MONEY)
    for kind in ("actual", "amortized"):
        db.execute(
            f"create table {kind} as select * replace ({casts}), strptime(date, '%m/%d/%Y')::date as day, "
            f"strftime(strptime(billingPeriodStartDate, '%m/%d/%Y'), '%Y-%m') as month from "
            f"read_csv('{simulation.export}/billing/daily-{kind}/*/*/*/*.csv.gz', all_varchar = true)"
        )
    db.execute(f"create view focus as select * from read_parquet('{simulation.focus}/billing/*/*/*/*/*.parquet')")
    for path in simulation.ledger.glob("*.parquet"):
        db.execute(f"create view {path.stem} as from '{path}'")
    return db


def one(con: Connection, sql: str) -> tuple[Any, ...]:
    rows = con.execute(sql).fetchall()
    assert len(rows) == 1
    return tuple(rows[0])


def test_cash_per_invoice_equals_the_ledger(con: Connection) -> None:
    rows = con.execute("""select a.cash, i.BilledCost from
        (select month, invoiceId as id, sum(costInBillingCurrency) as cash from actual group by 1, 2) as a
        full join invoices as i on i.BillingMonth = a.month and i.InvoiceId is not distinct from a.id""").fetchall()
    assert len(rows) == 5
    assert all(cash == truth for cash, truth in rows)


def test_the_vendors_invoice_is_whole_cents(con: Connection) -> None:
    rows = con.execute("select BilledCost from invoices where InvoiceId like '%1'").fetchall()
    assert len(rows) == 2
    assert all(cash == cash.quantize(Decimal("0.01")) for (cash,) in rows)


def test_effective_is_billed_with_payments_replaced_by_what_they_bought(con: Connection) -> None:
    """I2: Effective - Billed = committed hours at the price and rate they were paid at - payments."""
    rows = con.execute("""select c.difference, h.committed - p.paid from
        (select BillingMonth as month, sum(EffectiveCost) - sum(BilledCost) as difference from costs group by 1) as c
        join (select strftime("hour", '%Y-%m') as month, sum(committed) as committed from commitment_hours group by 1) as h using (month)
        join (select month, sum(costInBillingCurrency) as paid from actual
            where pricingModel in ('Reservation', 'SavingsPlan') and chargeType in ('Purchase', 'Refund') group by 1) as p using (month)""").fetchall()
    assert len(rows) == 3
    assert all(difference == expected for difference, expected in rows)


def test_used_and_unused_are_the_commitment(con: Connection) -> None:
    """I3, per commitment and day."""
    rows = con.execute("""select a.cost, h.committed from
        (select benefitId as id, day, sum(costInBillingCurrency) as cost from amortized where benefitId is not null group by 1, 2) as a
        full join (select CommitmentDiscountId as id, "hour"::date as day, sum(committed) as committed from commitment_hours group by 1, 2) as h
        using (id, day)""").fetchall()
    assert len(rows) > 400
    assert all(cost == committed for cost, committed in rows)
    wrong, never, always = one(con, """select count(*) filter (where used < 0 or unused < 0 or used + unused <> committed),
        count(distinct CommitmentDiscountId) filter (where used = 0), count(distinct CommitmentDiscountId) filter (where unused = 0)
        from commitment_hours""")  # fmt: skip
    assert wrong == 0
    assert never > 0
    assert always > 0


def test_covered_usage_is_free_in_the_actual_export_and_the_same_rows_in_both(con: Connection) -> None:
    rows = con.execute(f"""select a.quantity, b.quantity, a.costInBillingCurrency from
        (from actual where chargeType = 'Usage' and {COMMITMENTS}) as a
        full join (from amortized where chargeType = 'Usage' and {COMMITMENTS}) as b using (ResourceId, meterId, benefitId, day)""").fetchall()
    assert len(rows) > 300
    assert all(actual == amortized and cost == 0 for actual, amortized, cost in rows)


def test_purchases_are_only_in_the_actual_export_and_unused_only_in_the_amortized_one(con: Connection) -> None:
    for export, absent in (
        ("amortized", f"chargeType in ('Purchase', 'Refund') and {COMMITMENTS}"),
        ("actual", "chargeType like 'Unused%'"),
    ):
        assert one(con, f"select count(*) from {export} where {absent}") == (0,)


def test_list_is_at_least_contracted_is_at_least_effective(con: Connection) -> None:
    """I4, for usage; what was not used has neither a list nor a contracted price."""
    wrong, rows, cheaper = one(con, """select count(*) filter (where not (ListCost >= ContractedCost and ContractedCost >= EffectiveCost)),
        count(*), count(*) filter (where ListCost > ContractedCost)
        from focus where ChargeCategory = 'Usage' and CommitmentDiscountStatus is distinct from 'Unused'""")  # fmt: skip
    assert wrong == 0
    assert rows > 10_000
    assert cheaper > 1000


def test_unit_price_times_quantity_times_rate_is_the_cost(con: Connection) -> None:
    """I5, exactly: in the pricing currency and in the billing currency; only rounding is of no price."""
    wrong, rows = one(con, """select count(*) filter (where costInPricingCurrency * exchangeRatePricingToBilling <> costInBillingCurrency
            or quantity * unitPrice <> costInPricingCurrency), count(*)
        from amortized where pricingModel in ('OnDemand', 'Spot')""")  # fmt: skip
    assert wrong == 0
    assert rows > 10_000
    assert one(con, """select count(*) from amortized where chargeType <> 'RoundingAdjustment'
        and costInPricingCurrency * exchangeRatePricingToBilling <> costInBillingCurrency""") == (0,)  # fmt: skip


def test_every_row_of_the_exports_is_counted_in_the_ledger(con: Connection) -> None:
    rows = con.execute("""select e.n, l.rows, e.cash, l.source_cost from
        (select month, 'actual' as export, concat_ws(' ', chargeType, pricingModel) as kind, count(*) as n, sum(costInBillingCurrency) as cash from actual group by all
        union all select month, 'amortized', concat_ws(' ', chargeType, pricingModel), count(*), sum(costInBillingCurrency) from amortized group by all) as e
        full join lines as l on l.BillingMonth = e.month and l.export = e.export and l.line_type = e.kind""").fetchall()
    assert len(rows) > 45
    assert all(n == truth and cash == source for n, truth, cash, source in rows)


def test_the_pair_holds_every_kind_of_charge(con: Connection) -> None:
    found = {row[0] for row in con.execute("select distinct line_type from lines").fetchall()}
    assert found == {
        "Usage OnDemand", "Usage Spot", "Usage Reservation", "Usage SavingsPlan", "UnusedReservation Reservation",
        "UnusedSavingsPlan SavingsPlan", "Purchase Reservation", "Purchase SavingsPlan", "Purchase OnDemand",
        "Refund Reservation", "Refund OnDemand", "Credit", "RoundingAdjustment",
    }  # fmt: skip
    publishers = con.execute(
        "select distinct publisherType, frequency from actual where chargeType = 'Purchase'"
    ).fetchall()
    assert set(publishers) == {("Azure", "Recurring"), ("Azure", "OneTime"), ("Marketplace", "Recurring")}


def test_every_month_has_its_exchange_rate_and_payments_in_advance_keep_theirs(con: Connection) -> None:
    rows = con.execute("""select month, count(distinct exchangeRatePricingToBilling) from amortized
        where benefitId is null group by 1""").fetchall()
    assert len(rows) == 3
    assert all(rates == 1 for _, rates in rows)
    (rates,) = one(con, "select count(distinct exchangeRatePricingToBilling) from amortized where benefitId is null")
    assert rates == 3
    upfront = con.execute("""select count(distinct a.exchangeRatePricingToBilling) from amortized as a
        join commitments as c on c.CommitmentDiscountId = a.benefitId where c.upfront group by c.CommitmentDiscountId""").fetchall()
    assert upfront
    assert {rates for (rates,) in upfront} == {1}


def test_an_open_month_has_no_invoice_no_credit_and_no_rounding(con: Connection) -> None:
    assert one(con, """select count(invoiceId), count(*) filter (where chargeType in ('Credit', 'RoundingAdjustment'))
        from actual where month = '2026-04'""") == (0, 0)  # fmt: skip


def test_ids_drift_in_case_and_tags_have_keys_that_differ_only_in_case(con: Connection) -> None:
    drifting, capitals = one(con, """select count(distinct lower(ResourceId)) filter (where ResourceId = lower(ResourceId)),
        count(distinct resourceGroupName) filter (where resourceGroupName like 'RG-%') from amortized where ResourceId like '/subscriptions/%'""")  # fmt: skip
    assert drifting > 3
    assert capitals > 2
    tags = [
        json.loads(row[0])
        for row in con.execute("select distinct tags from amortized where tags is not null").fetchall()
    ]
    assert any({"env", "Env"} <= found.keys() for found in tags)


def test_free_usage_is_on_the_bill(con: Connection) -> None:
    (free,) = one(con, "select count(*) from amortized where chargeType = 'Usage' and unitPrice = 0 and quantity > 0")
    assert free > 500


def rows_in(path: Path) -> int:
    if path.name.endswith(".parquet"):
        return int(connect().execute(f"select count(*) from '{path}'").fetchall()[0][0])
    with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
        return sum(1 for _ in csv.reader(text)) - 1


def test_manifests_count_the_rows_and_bytes_of_their_parts(simulation: AzureSimulation) -> None:
    checked = 0
    for root in (simulation.export, simulation.focus, simulation.focus_r2):
        for path in sorted(root.rglob("manifest.json")):
            manifest = json.loads(path.read_text())
            assert manifest["dataRowCount"] == sum(blob["dataRowCount"] for blob in manifest["blobs"])
            assert manifest["blobCount"] == len(manifest["blobs"]) > 1
            assert {path.parent / "manifest.json", *(root / blob["blobName"] for blob in manifest["blobs"])} == set(
                path.parent.iterdir()
            )
            for blob in manifest["blobs"]:
                assert blob["dataRowCount"] == rows_in(root / blob["blobName"])
                assert blob["byteCount"] == (root / blob["blobName"]).stat().st_size
                checked += 1
    assert checked > 40


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_a_seed_is_reproducible_byte_for_byte(tmp_path: Path) -> None:
    made = [
        simulate_azure(tmp_path / str(n), seed=seed, end=date(2026, 2, 8), months=1, scale="tiny",
                       renderings=("actual", "amortized", "focus", "focus-r2"))
        for n, seed in enumerate((3, 3, 4))
    ]  # fmt: skip
    assert files(made[0].folder) == files(made[1].folder)
    assert made[0].summary["totals"] != made[2].summary["totals"]


@pytest.mark.shared
def test_the_columns_are_azures(shared_data: Path) -> None:
    folder = shared_data / "azure"
    ea = next(csv.reader((folder / "EA_ActualCost_Small.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert [name for name, _ in EA] == ea
    for version, names in NAMES.items():
        schema = json.loads((folder / "export_schemas" / f"focuscost_{version}.json").read_text())
        assert list(names) == [m["source"]["name"] for m in schema["translator"]["mappings"]]
    c360 = json.loads((folder / "export_schemas" / "actualcost_c360-2025-04.json").read_text())
    assert [name for name, _ in EA][:50] == [m["source"]["name"] for m in c360["translator"]["mappings"]]
    assert len({name.lower() for name, _ in MCA}) == len(MCA)


def test_under_an_enterprise_agreement_prices_are_in_the_billing_currency(tmp_path: Path) -> None:
    made = simulate_azure(
        tmp_path, seed=3, end=date(2026, 2, 1), months=1, scale="tiny", agreement="ea", currency="GBP"
    )
    assert (made.summary["billing_currency"], made.summary["pricing_currency"]) == ("GBP", "GBP")
    con = connect()
    (wrong, other, invoices) = one(con, f"""select count(*) filter (where Quantity::decimal(38, 12) * UnitPrice::decimal(38, 12) <> Cost::decimal(38, 12)),
        count(*) filter (where BillingCurrency <> 'GBP'), (select count(InvoiceId) from '{made.ledger}/costs.parquet')
        from read_csv('{made.export}/billing/daily-actual/*/*/*/*.csv.gz', all_varchar = true) where PricingModel = 'OnDemand'""")  # fmt: skip
    assert (wrong, other, invoices) == (0, 0, 0)


def test_rows_ask_for_about_that_many(tmp_path: Path) -> None:
    made = simulate_azure(tmp_path, end=date(2026, 2, 1), months=1, rows=50_000, renderings=())
    (rows,) = one(connect(), f"select sum(rows) from '{made.ledger}/lines.parquet' where export = 'amortized'")
    assert made.summary["size"] == 1
    assert 40_000 < rows < 60_000


def test_a_dollar_is_a_dollar() -> None:
    from costlab.period import Month

    assert exchange_rate(Month(2026, 1), "USD") == FX
    assert exchange_rate(Month(2026, 1), "EUR") != exchange_rate(Month(2026, 2), "EUR")


@pytest.mark.parametrize(("options", "error"), [
    ({"scale": "smal"}, UnknownValue), ({"renderings": ("amortised",)}, UnknownValue), ({"agreement": "csp"}, UnknownValue),
    ({"currency": "XYZ"}, UnknownValue), ({"months": 0}, UsageError),
])  # fmt: skip
def test_wrong_options_are_refused(tmp_path: Path, options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        simulate_azure(tmp_path, end=date(2026, 2, 1), **options)
