"""Whatever the bill and whatever the rules: the total is the bill's, per currency, to the last digit."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costlab.focus.columns import COLUMN_TYPES
from costlab.lab.allocation.rules import read_rules
from costlab.lab.allocation.showback import Asked, ask
from costlab.lab.window import Window
from costlab.warehouse.connection import connect
from costlab.warehouse.marts import TAG_MACRO
from costlab.warehouse.relations import Database
from tests.support import create_table, focus_rows

TEAM = "[tags]\nteam = ['owner']\n[[dimensions]]\nname = 'team'\n[[dimensions.rules]]\ntake = 'Tags.team'\n"
WINDOW = Window(date(2026, 2, 1), date(2026, 4, 1))
MONEY = st.decimals(min_value=-(10**9), max_value=10**9, places=12, allow_nan=False, allow_infinity=False)
TAGS = st.dictionaries(st.sampled_from(["team", "Team", "owner"]), st.text(max_size=3))
CHARGE = st.fixed_dictionaries(
    {
        "BilledCost": MONEY,
        "EffectiveCost": MONEY,
        "ChargePeriodStart": st.sampled_from(["2026-02-28T23:00:00", "2026-03-01T00:00:00", "2026-03-31T23:00:00"]),
        "BillingCurrency": st.sampled_from(["USD", "EUR"]),
        "SubAccountId": st.sampled_from(["1", "2", "9", None]),
        "ServiceName": st.sampled_from(["EC2", "AWS Support"]),
        "ResourceId": st.sampled_from(["i-1", None]),
        "x_split_parent_resource_id": st.sampled_from(["i-1", None]),
        "x_split_cost": st.none() | st.decimals(0, 10**6, places=12, allow_nan=False),
        "Tags": st.none()
        | st.dictionaries(st.sampled_from(["team", "Team", "owner"]), st.text(max_size=3)).map(json.dumps),
    }
)
SPLITS = st.sampled_from(
    ["split = 'even'", "split = 'proportional'", "split = 'proportional'\nby = 'BilledCost'",
     "split = 'fixed'\nshares = { a = 33.3, b = 66.7 }", "split = 'even'\nover = ['a', 'x']"]
)  # fmt: skip
PICKS = st.sampled_from(
    [
        "where = \"ServiceName like '%Support%'\"",
        "where = \"SubAccountId = '9'\"",
        "from = '(unallocated)'",
        "from = 'a'",
    ]
)


def charges_only(rows: list[dict[str, Any]]) -> Database:
    """Return a database of these charges in which no rollup answers."""
    con = connect()
    for schema in ("focus", "marts", "settings"):
        con.execute(f"create schema {schema}")
    con.execute(TAG_MACRO)
    con.execute(
        "create table settings.models (name varchar, grain varchar, complete varchar, complete_per varchar, rows int)"
    )
    con.execute("create table settings.tag_keys (x_tag_key varchar)")
    create_table(con, "focus.costs", COLUMN_TYPES, focus_rows(rows))
    con.execute(
        "create view marts.daily_costs as select cast(ChargePeriodStart as date) as ChargeDate from focus.costs"
    )
    return Database(con)


@given(st.lists(CHARGE, min_size=1, max_size=10), st.lists(st.tuples(PICKS, SPLITS), max_size=3))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_total_is_the_bills(charges: list[dict[str, Any]], steps: list[tuple[str, str]]) -> None:
    shared = [f"[[dimensions.shared]]\nname = 's{i}'\n{pick}\n{split}\n" for i, (pick, split) in enumerate(steps)]
    rules = read_rules(TEAM + "".join(shared))
    with charges_only(charges) as db:
        for metric in ("EffectiveCost", "BilledCost"):
            wanted: defaultdict[str, Decimal] = defaultdict(Decimal)
            for charge in charges:
                wanted[charge["BillingCurrency"]] += charge[metric]
            found = ask(db, Asked(rules, rules.dimensions[0], metric), WINDOW)
            for currency, total in wanted.items():
                sums = found.totals.get(currency, {"total": 0, "direct": 0, "shared": 0, "shared_by": {}})
                assert sums["total"] == total
                assert sums["direct"] + sums["shared"] == total
                assert sum(sums["shared_by"].values()) == sums["shared"]
