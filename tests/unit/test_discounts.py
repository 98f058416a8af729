"""Negotiated discounts: what costlab.toml may say, when they hold, and what the catalogue makes of them."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from costlab.errors import ConfigError, UsageError
from costlab.interfaces.discount import Discount, discount_of
from costlab.lab.prices import ask_doubts, ask_prices, prices_of
from costlab.lab.publishing import publish_workspace
from costlab.prices import Catalogue, Offer
from costlab.settings import Settings, load_settings

EDP: dict[str, Any] = {"name": "EDP", "provider": "aws", "percent": 6}
TOML = """
[[discounts]]
name = "EDP"
provider = "aws"
percent = 6.5
except_services = ["AWSMarketplace"]
from = 2026-01-01
to = 2099-01-01

[[discounts]]
name = "private m6i"
provider = "aws"
price = 0.17
shapes = ["m6i.xlarge"]
regions = ["eu-west-1"]
os = ["Linux"]
"""


def settings(folder: Path, text: str) -> Settings:
    (folder / "costlab.toml").write_text(text)
    return load_settings(folder, environ={})


def test_discounts_are_read_with_exact_numbers(tmp_path: Path) -> None:
    edp, private = settings(tmp_path, TOML).discounts
    assert edp == Discount(
        "EDP", "aws", Decimal("6.5"), except_services=("AWSMarketplace",), start=date(2026, 1, 1), end=date(2099, 1, 1)
    )
    assert (private.price, private.shapes, private.instruments) == (Decimal("0.17"), ("m6i.xlarge",), ("ondemand",))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"percent": None}, "either a percent, or the price"),
        ({"price": "0.1"}, "either a percent, or the price"),
        ({"percent": None, "price": "0.1"}, "either a percent, or the price"),
        ({"percent": 0}, "percent is 0"),
        ({"percent": 101}, "percent is 101"),
        ({"percent": "six"}, "percent is 'six', not a number"),
        ({"percent": True}, "percent is True, not a number"),
        ({"percent": None, "price": -1, "skus": ["X"]}, "price is -1"),
        ({"provider": "oci"}, "unknown provider 'oci'"),
        ({"name": None}, "a discount needs 'name'"),
        ({"service": ["AmazonEC2"]}, "unknown key 'service'"),
        ({"services": "AmazonEC2"}, "services must be a list"),
        ({"regions": ["a|b"]}, "regions must be a list"),
        ({"from": "2026-01-01"}, "not a day"),
        ({"to": datetime(2026, 1, 1)}, "not a day"),
    ],
    ids=str,
)
def test_a_mistake_is_named(change: dict[str, Any], said: str) -> None:
    table = {key: value for key, value in (EDP | change).items() if value is not None}
    with pytest.raises(UsageError, match=said.replace("(", "[(]")):
        discount_of(table)


def test_a_mistake_in_the_file_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"costlab.toml:1: discount 'EDP': percent is 0") as caught:
        settings(tmp_path, "[[discounts]]\nname = 'EDP'\nprovider = 'aws'\npercent = 0\n")
    assert "more than 0" in caught.value.hint
    with pytest.raises(ConfigError, match="'discounts' must be a list of tables"):
        settings(tmp_path, "[discounts]\nname = 'EDP'\n")


def test_an_agreement_holds_from_its_first_day_to_before_its_end() -> None:
    agreed = discount_of(EDP | {"from": date(2026, 1, 1), "to": date(2027, 1, 1)})
    days = (date(2025, 12, 31), date(2026, 1, 1), date(2026, 12, 31), date(2027, 1, 1))
    assert [agreed.holds(day) for day in days] == [False, True, True, False]
    assert discount_of(EDP).holds(date(1999, 1, 1))


def test_a_contract_price_is_shown_beside_the_list_with_its_reason(tmp_path: Path) -> None:
    agreed = settings(tmp_path, TOML)
    with prices_of(agreed) as db:
        wanted = {"provider": "aws", "region_id": "eu-west-1", "shape": "m6i.xlarge", "os": "Linux"}
        answer = ask_prices(db, wanted, agreed.discounts)
        found = Catalogue(db).price("aws", "eu-west-1", "m6i.xlarge")
        plan = Catalogue(db).price("aws", "eu-west-1", "m6i.xlarge", instrument="compute-sp", term_months=12)
        reason = db.rows("select attributes from prices.offers where x_source = 'private m6i'")
        azure = db.rows("select count(*) as n from prices.offers where provider <> 'aws' and confidence = 'contract'")
    items = answer.items
    own = next(item for item in items if item["instrument"] == "ondemand")
    assert (own["price"], own["list_price"], own["confidence"], own["x_source"]) == (
        "0.17", "0.214", "contract", "private m6i",
    )  # fmt: skip
    assert isinstance(found, Offer)
    assert (found.price, found.confidence) == (Decimal("0.17"), "contract")
    (listed,) = [i for i in items if (i["instrument"], i["term_months"]) == ("compute-sp", 12)]
    assert isinstance(plan, Offer)
    assert (plan.x_source, plan.price) == ("EDP", Decimal(listed["list_price"]) * Decimal("0.935"))
    assert json.loads(reason[0]["attributes"]) == {
        "discount": "private m6i", "price": "0.17", "unit": "hour", "currency": "USD", "shapes": ["m6i.xlarge"],
        "regions": ["eu-west-1"], "os": ["Linux"], "instruments": ["ondemand"], "list_source": "default",
        "list_confidence": "low",
    }  # fmt: skip
    assert any(f"{len(items)} of {len(items)} prices rest on one source" in said for said in answer.warnings)
    assert azure == [{"n": 0}]


def test_a_discount_that_changes_no_price_is_told(tmp_path: Path) -> None:
    text = TOML + "[[discounts]]\nname = 'typo'\nprovider = 'aws'\npercent = 9\nshapes = ['m6i.huge']\n"
    with prices_of(settings(tmp_path, text)) as db:
        (warning,) = ask_doubts(db, load_settings(tmp_path, environ={}).discounts).warnings
    assert "'typo' changes no price" in warning


def test_a_new_agreement_is_published_without_new_data(tmp_path: Path) -> None:
    assert publish_workspace(settings(tmp_path, "")) is not None
    assert publish_workspace(settings(tmp_path, "")) is None
    with prices_of(settings(tmp_path, TOML)) as db:
        changed = ask_prices(db, {"provider": "aws"}, settings(tmp_path, TOML).discounts).warnings
    assert any("changed since" in said for said in changed)
    assert publish_workspace(settings(tmp_path, TOML)) is not None
    assert publish_workspace(settings(tmp_path, TOML)) is None
