"""A model that loses, doubles or invents cost is found, to the last digit."""

from __future__ import annotations

from pathlib import Path

import pytest

from costlab.errors import ModelError
from costlab.paths import shipped
from costlab.warehouse.audits import audit
from costlab.warehouse.models import load_models
from tests.support import Row, catalogue, focus_rows, write_revision

MIXED: list[Row] = [
    {"BilledCost": "0.1", "Tags": '{"team": "web", "env": "prod"}', "ResourceId": "i-1"},
    {"BilledCost": "0.2", "Tags": '{"team": "web"}', "SubAccountId": None, "RegionId": None, "ResourceId": "i-1"},
    {"BilledCost": "0.2", "SubAccountId": None, "RegionId": None, "ChargeClass": "Correction"},
    {"BilledCost": "-0.05", "ChargeCategory": "Credit", "PricingCategory": None},
    {"BilledCost": "7", "BillingCurrency": "EUR"},
    {
        "BilledCost": 0,
        "EffectiveCost": "0.6",
        "CommitmentDiscountId": "sp-1",
        "CommitmentDiscountStatus": "Used",
        "PricingCategory": "Committed",
    },
]


def plant(workspace: Path, body: str, *, name: str = "daily_costs", materialized: str = "table") -> None:
    folder = workspace / "sql" / "marts"
    folder.mkdir(parents=True)
    header = f"-- marts.{name}: planted\n-- grain: x_source, BillingPeriodStart, BillingCurrency, ServiceName\n"
    header += f"-- materialized: {materialized}\n-- complete: BilledCost, EffectiveCost\n"
    (folder / f"{name}.sql").write_text(header + body, encoding="utf-8")


GROUPED = (
    "select x_source, BillingPeriodStart, BillingCurrency, ServiceName,"
    " sum(BilledCost) as BilledCost, sum(EffectiveCost) as EffectiveCost from focus.costs {where}"
    " group by x_source, BillingPeriodStart, BillingCurrency, ServiceName"
)


def failures(workspace: Path) -> list[str]:
    models = load_models(shipped("sql"), workspace / "sql")
    with catalogue(workspace, write_revision(workspace, focus_rows(MIXED))) as db:
        return [str(failure) for failure in audit(db, models)]


def test_shipped_models_hold_on_a_mixed_bill(tmp_path: Path) -> None:
    assert failures(tmp_path) == []


def test_a_model_that_loses_rows_is_found_with_both_amounts(tmp_path: Path) -> None:
    plant(tmp_path, GROUPED.format(where="where ChargeCategory <> 'Credit'"), name="planted")
    found = failures(tmp_path)
    assert len(found) == 2
    assert "BilledCost in USD is 0.500000000000, the bill says 0.450000000000" in found[0]


def test_a_whole_currency_that_is_lost_is_found(tmp_path: Path) -> None:
    plant(tmp_path, GROUPED.format(where="where BillingCurrency = 'USD'"), name="planted")
    assert any("BilledCost in EUR is None, the bill says 7" in failure for failure in failures(tmp_path))


def test_a_grain_that_is_not_unique_is_found_also_with_nulls(tmp_path: Path) -> None:
    body = "select x_source, BillingPeriodStart, BillingCurrency, cast(null as varchar) as ServiceName,"
    plant(tmp_path, f"{body} BilledCost, EffectiveCost from focus.costs", name="planted")
    found = failures(tmp_path)
    assert len(found) == 1
    assert "marts.planted: grain is unique" in found[0]


def test_a_missing_key_is_found(tmp_path: Path) -> None:
    body = GROUPED.format(where="").replace("select x_source", "select nullif(x_source, 'aws') as x_source", 1)
    plant(tmp_path, body, name="planted")
    assert any("x_source is NULL in 2 rows" in failure for failure in failures(tmp_path))


def test_a_model_per_revision_that_loses_cost_stops_the_build(tmp_path: Path) -> None:
    plant(tmp_path, GROUPED.format(where="where ChargeCategory <> 'Credit'"), materialized="per_revision")
    with pytest.raises(ModelError, match="the bill says"):
        catalogue(tmp_path, write_revision(tmp_path, focus_rows(MIXED)))
