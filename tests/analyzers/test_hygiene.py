"""Who probably owns what nobody tagged, how sure that is, and what tags cover."""

from __future__ import annotations

import doctest
from decimal import Decimal
from typing import Any

import pytest

from costlab.analyzers.allocation import hygiene
from costlab.analyzers.allocation.hygiene import Guess, Open, Resource, coverage, name_prefix, untagged
from costlab.lab.allocation.query import folded, keys_of

D = Decimal


def resource(number: int, owner: str | None = None, **given: Any) -> Resource:
    fields: dict[str, Any] = {
        "account": "1", "service": "EC2", "currency": "USD", "id": f"i-{number:08x}", "name": None, "creator": None,
        "owner": owner, "cost": D(1), **given,
    }  # fmt: skip
    return Resource(**fields)


def guess(*resources: Resource) -> Guess | None:
    found = untagged([*resources, resource(99, name="shop-9", creator="ann", cost=D(7))])
    assert [one.cost for one in found] == [D(7)]
    return found[0].guess


def test_the_documented_examples_hold() -> None:
    assert doctest.testmod(hygiene).failed == 0


def test_the_owner_is_the_commonest_of_the_account() -> None:
    assert guess(resource(1, "web"), resource(2, "web"), resource(3, "data")) == Guess("web", 0.6667, "account", 3)


def test_the_creator_counts_more_when_it_is_surer() -> None:
    made = [resource(n, "ml", creator="ann") for n in (1, 2)]
    assert guess(*made, *(resource(n, "web") for n in range(3, 9))) == Guess("ml", 1.0, "creator", 2)


def test_names_that_differ_by_their_number_belong_together() -> None:
    named = [resource(n, "shop", name=f"shop-{n}", account="2") for n in (1, 2)]
    assert guess(*named, resource(5, "web")) == Guess("shop", 1.0, "name", 2)


def test_one_neighbour_is_weaker_than_two_that_disagree() -> None:
    found = guess(resource(1, "ml", creator="ann", account="2"), resource(2, "web"), resource(3, "data"))
    assert found == Guess("data", 0.5, "account", 2)


def test_an_azure_resource_group_is_a_place() -> None:
    path = "/subscriptions/s/resourceGroups/{}/providers/x/y/{}"
    found = untagged(
        [
            *(resource(n, "shop", id=path.format("RG-Shop", f"vm{n}x")) for n in (1, 2)),
            *(resource(n, "web", id=path.format("other", f"n{n}a")) for n in (3, 4)),
            resource(5, None, id=path.format("rg-shop", "qq")),
        ]
    )
    assert found[0].guess == Guess("shop", 1.0, "resource group", 2)


def test_what_is_not_a_resource_is_guessed_by_its_account_and_nothing_is_lost() -> None:
    fee: dict[str, Any] = {"id": None, "cost": D(9)}
    found = untagged([resource(1, "web"), resource(2, **fee), resource(3, cost=D(2)), resource(4, account="2", **fee)])
    assert found == [
        Open("1", "EC2", "USD", Guess("web", 1.0, "account", 1), D(11), 1),
        Open("2", "EC2", "USD", None, D(9), 0),
    ]


@pytest.mark.parametrize(
    ("name", "prefix"), [("orders-12", "orders"), ("Web_3", "web"), ("db", None), ("i-0123456789", None), ("1", None)]
)
def test_a_names_prefix(name: str, prefix: str | None) -> None:
    assert name_prefix(resource(1, name=name)) == prefix


def test_a_key_in_two_spellings_covers_its_cost_once() -> None:
    sets = [(frozenset({"team", "Team"}), D(5)), (frozenset({"Team"}), D(2)), (frozenset({"env"}), D(1)),
            (frozenset({"Environment"}), D(3)), (frozenset[str](), D(9))]  # fmt: skip
    team, environment, env = coverage(sets, folded)
    assert (team.key, team.cost, team.spellings) == ("Team", D(7), {"Team": D(7), "team": D(5)})
    assert (environment.key, environment.also, env.also) == ("Environment", ("env",), ("Environment",))


def test_keys_are_one_whatever_their_case_and_separators() -> None:
    assert folded("Cost-Center") == folded("cost_center") == folded("cost.Center") == folded("COSTCENTER")
    assert folded("aws:team") != folded("team")


@pytest.mark.parametrize(("text", "keys"), [('{"a": "1"}', ["a"]), ("[1]", []), ("nonsense", [])])
def test_tags_that_are_no_object_have_no_keys(text: str, keys: list[str]) -> None:
    assert keys_of(text) == keys
