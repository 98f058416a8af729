"""allocation.toml: what it may say, and messages that name the line and the nearest key."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costlab.errors import ConfigError, UsageError
from costlab.lab.allocation.rules import Rules, load_rules, read_rules
from costlab.settings import Settings, load_settings

RULES = """\
[tags]
team = ["owner"]

[[dimensions]]
name = "team"
default = "nobody"
aliases = { FinOps = ["fin ops", "money"] }

[[dimensions.rules]]
take = "Tags.team"

[[dimensions.rules]]
value = "Platform"
where = "SubAccountId = '1'"

[[dimensions.shared]]
name = "hub"
from = "platform"
split = "fixed"
shares = { money = 33.3, web = 33.3, "fin ops" = 33.4 }

[[dimensions]]
name = "product"

[[dimensions.rules]]
take = "servicename"
"""


def test_rules_are_read_in_order_and_values_spelled_one_way() -> None:
    rules = read_rules(RULES)
    team, product = rules.dimensions
    assert rules.tags == {"team": ("owner",)}
    assert [(rule.value, rule.take) for rule in team.rules] == [(None, "Tags.team"), ("Platform", None)]
    assert team.shared[0].step.source == "Platform"
    assert team.shared[0].step.shares == {"FinOps": Decimal("66.7"), "web": Decimal("33.3")}
    assert product.rules[0].take == "ServiceName"
    assert [team.named(text) for text in (" MONEY ", "Web", "PLATFORM", None, " ")] == [
        "FinOps", "web", "Platform", "nobody", "nobody",
    ]  # fmt: skip
    assert product.named(None) is None
    assert product.named("(Unallocated)") is None


def with_rule(text: str) -> str:
    return f'[[dimensions]]\nname = "team"\n[[dimensions.rules]]\n{text}\n'


def with_shared(text: str) -> str:
    return with_rule('take = "Tags.team"') + f'[[dimensions.shared]]\nname = "hub"\n{text}\n'


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[dimension]\n", "allocation.toml:1: unknown key 'dimension'", "Did you mean 'dimensions'?"),
        ("[dimensions]\nname = 'x'\n", "'dimensions' must be a list of tables", "[[dimensions]]"),
        ("[[dimensions]]\n", "allocation.toml:1: 'name' is missing", ""),
        ("[[dimensions]]\nname = 'total'\n", ":2: 'total' cannot be the name of a dimension", "taken"),
        ("[[dimensions]]\nname = 'x'\n", "dimension 'x' has no rules", "[[dimensions.rules]]"),
        (with_rule("tak = 'x'"), ":4: unknown key 'tak' in [[dimensions.rules]]", "Did you mean 'take'?"),
        (with_rule("take = 'x'\nvalue = 'y'"), ":3: a rule needs either 'value' or 'take'", "Tags.team"),
        (with_rule("value = 'y'"), "the rule for 'y' needs 'where'", "default"),
        (with_rule("take = 'Servicename2'"), ":4: unknown column 'Servicename2'", "'ServiceName'"),
        (with_rule("take = 3"), ":4: 'take' must be a text", ""),
        (with_rule("value = 'y'\nwhere = 'ServcieName = 1'"), ":5: unknown column 'ServcieName'", "'ServiceName'"),
        (with_rule("value = 'y'\nwhere = '1 = (select 1)'"), ":5: 'where' cannot contain a query", ""),
        (with_rule("value = 'y'\nwhere = \"read_text('/etc/passwd') = ''\""), "'where' cannot use the function", ""),
        (with_rule("value = 'y'\nwhere = 'true) or (true'"), ":5: 'where' is not one boolean expression", ""),
        (with_shared("split = 'even'"), ":5: shared cost 'hub' needs either 'where' or 'from'", "(unallocated)"),
        (with_shared("from = 'x'"), "'split' is missing", ""),
        (with_shared("from = 'x'").replace('"hub"', '"Total"'), ":6: 'Total' cannot be the name of a shared cost", ""),
        (with_shared("from = 'x'\nsplit = 'evn'"), ":8: unknown split 'evn'", "even, fixed, proportional"),
        (with_shared("from = 'x'\nsplit = 'fixed'"), "the shares add up to 0 and not to 100", ""),
        (with_shared("from = 'x'\nsplit = 'fixed'\nshares = { a = 50, b = 49.9 }"), "add up to 99.9", ""),
        (with_shared("from = 'x'\nsplit = 'fixed'\nshares = { a = -1, b = 101 }"), "and not to 100", "percentages"),
        (with_shared("from = 'x'\nsplit = 'fixed'\nshares = { a = nan }"), "the share of 'a' is not a number", ""),
        (with_shared("from = 'x'\nsplit = 'even'\nshares = { a = 100 }"), ":9: 'shares' has no meaning", ""),
        (with_shared("from = 'x'\nsplit = 'even'\nover = 'a'"), ":9: 'over' must be a list of texts", ""),
        (with_shared("from = 'x'\nsplit = 'proportional'\nby = 'Cost'"), ":9: unknown measure 'Cost'", "ListCost"),
        (with_shared("from = 'x'\nsplit = 'proportional'\nby = 'ConsumedQuantity'"), "needs 'of'", "one unit"),
        (with_shared("from='x'\nsplit='even'\n[[dimensions.shared]]\nname='hub'\nfrom='y'\nsplit='even'"),
         ":10: two shared costs are called 'hub'", ""),
        (with_rule("take = 'Tags.a'") * 2, ":6: two dimensions are called 'team'", ""),
        (with_rule("take = 'Tags.a'").replace("team\"", "team\"\naliases = { a = ['x'], b = ['X'] }"),
         "is an alias of two values", ""),
        ("name = \n", "allocation.toml is not TOML", "quotes"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line_and_the_nearest_key(text: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_rules(text)
    assert message in caught.value.message
    assert hint in caught.value.hint


@given(st.text(max_size=60))
def test_no_condition_whatever_it_says_is_anything_but_a_condition(text: str) -> None:
    try:
        rules = read_rules(with_rule("value = 'y'\nwhere = '''" + text.replace("'''", "") + " '''"))
    except ConfigError:
        return
    assert rules.dimensions[0].rules[0].condition is not None


def test_rules_come_from_the_option_then_the_setting_then_the_workspace(tmp_path: Path) -> None:
    other = RULES.replace('"team"', '"squad"', 1)
    (tmp_path / "allocation.toml").write_text(RULES)
    (tmp_path / "other.toml").write_text(other)
    (tmp_path / "given.toml").write_text(RULES.replace('"team"', '"crew"', 1))
    (tmp_path / "costlab.toml").write_text("[allocation]\nrules = 'other.toml'\n")

    def name(environ: dict[str, str], option: str | None = None) -> str:
        return load_rules(load_settings(tmp_path, environ=environ), option).dimensions[0].name

    assert load_rules(Settings(tmp_path)).dimensions[0].name == "team"
    assert name({}) == "squad"
    assert name({"COSTLAB_ALLOCATION_RULES": "allocation.toml"}) == "team"
    assert name({}, str(tmp_path / "given.toml")) == "crew"


def test_a_file_that_is_missing_is_an_error_only_when_somebody_named_it(tmp_path: Path) -> None:
    assert load_rules(Settings(tmp_path)) == Rules()
    with pytest.raises(ConfigError, match="there is no file 'mine"):
        load_rules(Settings(tmp_path, allocation_rules="mine.toml"))
    with pytest.raises(UsageError, match="there is no file 'x"):
        load_rules(Settings(tmp_path), "x.toml")
    (tmp_path / "allocation.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_rules(Settings(tmp_path))


def test_a_column_or_a_tag_key_is_a_dimension_by_itself() -> None:
    rules = read_rules(RULES)
    assert rules.dimension(None, ()).name == "team"
    assert rules.dimension("PRODUCT", ()).name == "product"
    assert rules.dimension("subaccountid", ()).name == "SubAccountId"
    assert rules.dimension("env", ("env",)).rules[0].take == "Tags.env"
    assert rules.dimension("tags.cost-center", ()).name == "Tags.cost-center"
    assert Rules().dimension(None, ("app",)).name == "Tags.app"
    with pytest.raises(UsageError) as caught:
        rules.dimension("nope", ("env",))
    assert "Valid: Tags.<key>, a column of focus.costs, env, product, team" in caught.value.hint
