"""Prices: found with date and source or missing with a reason; contaminated ones are doubted."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from costlab.interfaces.datasets import OFFER_TYPES
from costlab.paths import shipped
from costlab.prices import Catalogue, Missing, Offer, doubts
from costlab.prices.check import size_of
from costlab.warehouse.builder import build
from costlab.warehouse.connection import connect
from costlab.warehouse.discounts import write_discounts
from costlab.warehouse.relations import Database
from tests.support import create_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costlab.interfaces.discount import Discount

ROOT = Path(__file__).resolve().parents[2]


class Shop:
    """Offers by hand over the catalogue's own view."""

    def __init__(
        self,
        loaded: list[dict[str, Any]],
        default: list[dict[str, Any]] | None = None,
        discounts: Sequence[Discount] = (),
    ) -> None:
        self.con = connect()
        self.con.execute("create schema prices")
        create_table(self.con, "prices.history", dict(OFFER_TYPES), [offer(**given) for given in loaded])
        create_table(self.con, "prices.default_offers", dict(OFFER_TYPES), [offer(**given) for given in default or []])
        write_discounts(self.con, discounts, date(2026, 6, 1))
        sql = (ROOT / "sql/prices/offers.sql").read_text()
        self.con.execute(f"create view prices.offers as {sql}")

    def rows(self, sql: str, params: Any = None) -> list[dict[str, Any]]:
        done = self.con.execute(sql, params)
        names = [column[0] for column in done.description or []]
        return [dict(zip(names, row, strict=True)) for row in done.fetchall()]

    def frame(self, sql: str, params: Any = None) -> Any:
        return self.con.execute(sql, params).df()


def offer(**given: Any) -> dict[str, Any]:
    usual = {
        "provider": "aws", "service_code": "AmazonEC2", "region_id": "us-east-1", "resource_kind": "instance",
        "shape": "m5.large", "family": "m5", "os": "Linux", "license": "none", "tenancy": "shared",
        "instrument": "ondemand", "payment": "none", "unit": "hour", "price": "0.096", "currency": "USD",
        "tier_from": "0", "valid_from": datetime(2026, 7, 1), "observed_at": datetime(2026, 7, 1), "confidence": "high",
        "x_source": "default",
    }  # fmt: skip
    row: dict[str, Any] = dict.fromkeys(OFFER_TYPES) | usual | given
    return row


@pytest.fixture(scope="module")
def default(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("empty")
    build(folder, [], folder / "catalogue.duckdb")
    with Database.open(folder / "catalogue.duckdb", folder) as db:
        yield db


@pytest.mark.parametrize(
    ("provider", "region", "shape", "price"),
    [
        ("aws", "us-east-1", "m5.large", "0.096"),  # tables that mix in dedicated hosts say 0.102
        ("aws", "us-east-1", "c6i.xlarge", "0.17"),
        ("aws", "us-east-1", "p5.48xlarge", "55.04"),
        ("azure", "eastus", "Standard_D4s_v5", "0.192"),
        ("azure", "eastus", "Standard_D2as_v5", "0.086"),  # the Windows price is 0.178
        ("gcp", "us-central1", "e2-standard-2", "0.06701142"),
        ("gcp", "us-central1", "n1-standard-1", "0.04749975"),
    ],
)
def test_anchors_on_which_independent_tables_agree(
    default: Database, provider: str, region: str, shape: str, price: str
) -> None:
    found = Catalogue(default).price(provider, region, shape)
    assert isinstance(found, Offer)
    assert found.price == Decimal(price)
    assert (found.currency, found.unit, found.x_source) == ("USD", "hour", "default")


def test_every_default_price_has_a_date_a_source_and_is_above_zero_unless_it_is_a_free_tier(default: Database) -> None:
    wrong = default.rows(
        "select * from prices.offers where valid_from is null or json_extract_string(attributes, '$.source') is null "
        "or confidence not in ('high', 'low') or price < 0 or (price = 0 and tier_to is null)"
    )
    assert wrong == []


def test_the_service_prices_are_those_of_the_list(default: Database) -> None:
    listed = connect().execute("select provider, sku, unit, price from read_csv($1, all_varchar = true) order by all",
                               [str(shipped("prices") / "services.csv")]).fetchall()  # fmt: skip
    shipped_ones = default.rows("select * from prices.default_offers where resource_kind <> 'instance'")
    assert sorted((o["provider"], o["sku_id"], o["unit"], o["price"]) for o in shipped_ones) == sorted(
        (provider, sku, unit, Decimal(price)) for provider, sku, unit, price in listed
    )


def test_the_default_catalogue_is_wide_and_small(default: Database) -> None:
    assert sum(path.stat().st_size for path in shipped("prices").iterdir()) < 3_000_000
    wide = default.rows(
        "select provider, count(distinct shape) as shapes, count(distinct region_id) as regions from prices.offers "
        "where resource_kind = 'instance' group by 1"
    )
    assert {row["provider"] for row in wide if row["shapes"] >= 60 and row["regions"] == 12} == {"aws", "azure", "gcp"}
    instruments = default.rows("select distinct provider, instrument, term_months from prices.offers")
    assert {(row["provider"], row["term_months"]) for row in instruments} >= {
        (cloud, term) for cloud in ("aws", "azure", "gcp") for term in (None, 12, 36)
    }


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("ibm", "us-east-1", "m5.large"), "no ondemand price: 'ibm' is not a provider with prices"),
        (("aws", "mars-1", "zz.large"), "no ondemand price: mars-1 is not a region with prices"),
        (("aws", "us-east-1", "zz.large"), "no ondemand price: zz.large is not a known shape in us-east-1"),
        (("aws", "mars-1", "m5.large"), "no ondemand price: m5.large has no price in mars-1, but in other regions"),
    ],
)
def test_a_price_that_is_missing_is_a_reason_never_zero(
    default: Database, arguments: tuple[str, str, str], reason: str
) -> None:
    assert Catalogue(default).price(*arguments) == Missing(reason)


def test_a_shape_with_prices_may_lack_the_one_asked_for(default: Database) -> None:
    found = Catalogue(default).price("aws", "us-east-1", "m5.large", os="Windows")
    assert found == Missing("no ondemand price: m5.large in us-east-1 has prices, but not this")


def test_a_contract_price_beats_a_price_file_which_beats_the_default() -> None:
    default: list[dict[str, Any]] = [{"price": "0.097", "valid_from": datetime(2026, 9, 1)}]
    file: dict[str, Any] = {"x_source": "aws-prices", "price": "0.096"}
    contract: dict[str, Any] = {"x_source": "edp", "price": "0.08", "confidence": "contract"}
    steps: list[tuple[list[dict[str, Any]], str]] = [([], "0.097"), ([file], "0.096"), ([file, contract], "0.08")]
    for loaded, price in steps:
        found = Catalogue(Shop(loaded, default)).price("aws", "us-east-1", "m5.large")
        assert isinstance(found, Offer)
        assert found.price == Decimal(price)


def test_the_newest_price_of_a_source_counts_and_history_stays() -> None:
    shop = Shop([
        {"x_source": "aws-prices", "price": "0.1", "valid_from": datetime(2025, 1, 1)},
        {"x_source": "aws-prices", "price": "0.096", "valid_from": datetime(2026, 1, 1)},
    ])  # fmt: skip
    found = Catalogue(shop).price("aws", "us-east-1", "m5.large")
    assert isinstance(found, Offer)
    assert found.price == Decimal("0.096")
    assert len(shop.rows("select * from prices.history")) == 2


def test_a_spot_price_of_a_zone_beats_the_default_of_the_region_however_cheap_that_is() -> None:
    spot = {"instrument": "spot", "x_source": "aws-spot-prices"}
    zones = [spot | {"zone": "use1-az1", "price": "0.05"}, spot | {"zone": "use1-az2", "price": "0.04"}]
    found = Catalogue(Shop(zones, [{"instrument": "spot", "price": "0.01"}])).price(
        "aws", "us-east-1", "m5.large", instrument="spot"
    )
    assert isinstance(found, Offer)
    assert (found.price, found.x_source) == (Decimal("0.04"), "aws-spot-prices")


def test_sources_that_differ_by_more_than_half_a_percent_are_doubted() -> None:
    for other, count in (("0.0964", 0), ("0.0966", 1)):
        found = doubts(Shop([{"x_source": "aws-prices", "price": other}], [{}]))
        assert [(d.rule, d.price, d.other) for d in found] == [
            ("sources-differ", Decimal(other), Decimal("0.096"))
        ] * count


@pytest.mark.parametrize(("spot", "doubted"), [("0.03", False), ("0.0077", False), ("0.0076", True), ("0.097", True)])
def test_a_discount_outside_0_to_92_percent_is_doubted(spot: str, *, doubted: bool) -> None:
    found = doubts(Shop([], [{}, {"instrument": "spot", "price": spot}]))
    assert [d.rule for d in found] == ["discount"] * doubted


@pytest.mark.parametrize(
    ("prices", "doubted"),
    [
        (
            {"large": "0.102", "xlarge": "0.192", "2xlarge": "0.384", "4xlarge": "0.768"},
            ["m5.large"],
        ),  # dedicated mixed in
        ({"large": "0.096", "xlarge": "0.192", "2xlarge": "0.384", "4xlarge": "0.768"}, []),
        ({"large": "0.188", "xlarge": "0.192", "2xlarge": "0.384", "4xlarge": "0.768"}, ["m5.large"]),  # Windows
        ({"xlarge": "1.006", "2xlarge": "1.212", "4xlarge": "1.624", "8xlarge": "2.448"}, []),  # a GPU each
    ],
)
def test_a_shape_out_of_line_with_its_family_is_doubted(prices: dict[str, str], doubted: list[str]) -> None:
    found = doubts(Shop([], [{"shape": f"m5.{size}", "price": price} for size, price in prices.items()]))
    assert [d.shape for d in found] == doubted


@pytest.mark.parametrize(
    ("provider", "shape", "size"),
    [
        ("aws", "m5.large", "4"), ("aws", "m5.12xlarge", "96"), ("aws", "t3.nano", "0.25"), ("aws", "m5.metal", None),
        ("azure", "Standard_D4s_v5", "4"), ("azure", "Basic", None), ("gcp", "n2-highmem-8", "8"),
        ("gcp", "e2-small", None),
    ],
)  # fmt: skip
def test_a_size_is_read_from_the_name_or_unknown(provider: str, shape: str, size: str | None) -> None:
    assert size_of(provider, shape) == (Decimal(size) if size else None)
