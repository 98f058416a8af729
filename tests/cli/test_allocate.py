"""``costlab allocate``: whose cost it is, from the bill to the last digit."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from costlab.answer import Answer
from costlab.errors import ConfigError
from costlab.lab import Lab
from costlab.lab.publishing import publish_workspace
from costlab.settings import Settings
from tests.cli.conftest import Run
from tests.support import catalogue, focus_row, load_rows, write_revision

D = Decimal
TEAM = '[[dimensions]]\nname = "team"\n[[dimensions.rules]]\ntake = "Tags.team"\n'
HUB = '[[dimensions.shared]]\nname = "hub"\n'


def tags(**keys: str) -> str:
    return json.dumps(keys)


def workspace(folder: Path, rows: list[dict[str, Any]], rules: str = TEAM) -> Path:
    load_rows(folder, [focus_row(**row) for row in rows])
    (folder / "allocation.toml").write_text(rules)
    assert publish_workspace(Settings(folder)) is not None
    return folder


@contextmanager
def a_lab(folder: Path, rows: list[dict[str, Any]], rules: str = TEAM) -> Generator[Lab]:
    """Give a Lab on a catalogue of these rows, without the analyzers that a publish runs."""
    (folder / "allocation.toml").write_text(rules)
    months: dict[str, list[dict[str, Any]]] = {}
    for row in (focus_row(**short) for short in rows):
        months.setdefault(f"{row['BillingPeriodStart']:%Y-%m}", []).append(row)
    known = [write_revision(folder, group, period=month) for month, group in months.items()]
    with Lab(Settings(folder), catalogue(folder, *known), 1, as_of=None, resources=ExitStack()) as lab:
        yield lab


def got(answer: Answer, dimension: str = "team") -> dict[str, Decimal]:
    return {item[dimension]: item["total"] for item in answer.items}


MARCH = {"start": "2026-03-01", "end": "2026-04-01"}
BILL: list[dict[str, Any]] = [
    {"BilledCost": 60, "Tags": tags(team="web")},
    {"BilledCost": 30, "Tags": tags(Team=" Data "), "ServiceName": "Amazon S3"},
    {"BilledCost": 10, "Tags": tags(owner="web")},
    {"BilledCost": 12, "ServiceName": "AWS Support", "Tags": tags(team="data")},
    {"BilledCost": 5},
    {"BilledCost": "-3", "ChargeCategory": "Credit"},
    {"BilledCost": 8, "Tags": tags(team="web"), "ChargePeriodStart": "2026-02-27T05:00:00"},
    {"BilledCost": 2, "Tags": tags(team="old"), "ChargePeriodStart": "2026-02-01T05:00:00"},
]
RULES = "[tags]\nteam = ['owner']\n" + TEAM + HUB + "where = \"ServiceName = 'AWS Support'\"\nsplit = 'proportional'\n"


@pytest.fixture(scope="session")
def allocated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return workspace(tmp_path_factory.mktemp("allocated"), BILL, RULES)


def test_every_value_has_direct_and_shared_cost_a_share_and_its_change(run: Run, allocated: Path) -> None:
    answer = run("--workspace", allocated, "allocate", "--from", "2026-03-01", "--to", "2026-04-01", "--format", "json")
    assert answer.code == 0
    assert answer.json["items"] == [
        {"team": "web", "direct": "70", "shared": "8.4", "shared_by": {"hub": "8.4"}, "total": "78.4",
         "share": 0.687719, "before": "8", "change": "70.4"},
        {"team": "data", "direct": "30", "shared": "3.6", "shared_by": {"hub": "3.6"}, "total": "33.6",
         "share": 0.294737, "before": "0", "change": "33.6"},
        {"team": "(unallocated)", "direct": "2", "shared": "0", "shared_by": {}, "total": "2",
         "share": 0.017544, "before": "0", "change": "2"},
        {"team": "old", "direct": "0", "shared": "0", "shared_by": {}, "total": "0", "share": 0.0, "before": "2",
         "change": "-2"},
    ]  # fmt: skip
    assert answer.json["schema"] == "costlab/allocate/1"
    assert answer.json["currency"] == "USD"
    assert answer.json["totals"] == {
        "dimension": "team", "metric": "EffectiveCost", "total": "114", "direct": "102", "shared": "12",
        "unallocated": "2", "shared_by": {"hub": "12"}, "from": "2026-03-01", "to": "2026-04-01",
    }  # fmt: skip
    assert "1.8 % of EffectiveCost (USD) has no team: see costlab allocate --hygiene" in answer.err


def test_a_spreadsheet_has_a_column_for_each_shared_cost(run: Run, allocated: Path) -> None:
    done = run("--workspace", allocated, "allocate", "--from", "2026-03-01", "--to", "2026-04-01", "--format", "csv")
    header, first, *_ = done.out.splitlines()
    assert header == "team,direct,shared,hub,total,share,before,change"
    assert first == "web,70,8.4,8.4,78.4,0.687719,8,70.4"


def test_days_and_months_add_up_to_the_window(allocated: Path) -> None:
    with Lab.open(Settings(allocated)) as lab:
        whole = lab.ask_allocate(start="2026-02-01", end="2026-04-01")
        for grain in ("day", "month"):
            parts = lab.ask_allocate(grain=grain, start="2026-02-01", end="2026-04-01")
            assert parts.columns == ["period", "team", "direct", "shared", "shared_by", "total", "share"]
            assert parts.totals == whole.totals
            sums: dict[str, Decimal] = {}
            for item in parts.items:
                sums[item["team"]] = sums.get(item["team"], D(0)) + item["total"]
            assert sums == got(whole)


def test_what_is_not_there_before_is_not_compared(run: Run, allocated: Path) -> None:
    answer = run("--workspace", allocated, "allocate", "--from", "2026-02-01", "--to", "2026-03-01", "--format", "json")
    assert {(item["before"], item["change"]) for item in answer.json["items"]} == {(None, None)}
    assert "no data for the whole of 2026-01-01 to 2026-01-31" in answer.err


def table_read(lab: Lab, caplog: pytest.LogCaptureFixture, by: str | None = None) -> str:
    with caplog.at_level("INFO", "costlab.lab.allocation.query"):
        caplog.clear()
        lab.ask_allocate(by, **MARCH)
    return caplog.messages[0]


def test_the_smallest_table_answers_and_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with a_lab(tmp_path, [{"BilledCost": 2, "Tags": tags(team="web")}, {"BilledCost": 1}]) as lab:
        account = table_read(lab, caplog, "SubAccountId")
        assert account == "allocating EffectiveCost by SubAccountId from marts.daily_accounts"
        assert table_read(lab, caplog).endswith("by team from marts.daily_tags")
        assert got(lab.ask_allocate(**MARCH)) == {"web": 2, "(unallocated)": 1}
        assert table_read(lab, caplog, "Tags.other").endswith("from focus.costs")


def test_a_tag_in_two_spellings_is_read_from_the_charges(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [{"BilledCost": 2, "Tags": tags(team="web")}, {"BilledCost": 1, "Tags": tags(Team="WEB")}]
    with a_lab(tmp_path, rows) as lab:
        assert table_read(lab, caplog).endswith("from focus.costs")
        assert got(lab.ask_allocate(**MARCH)) == {"web": 3}


def test_currencies_are_split_apart_and_never_added(tmp_path: Path) -> None:
    rows = [
        {"BilledCost": 10, "Tags": tags(team="web")},
        {"BilledCost": 7, "ServiceName": "AWS Support"},
        {"BilledCost": 5, "Tags": tags(team="data"), "BillingCurrency": "EUR"},
        {"BilledCost": 3, "ServiceName": "AWS Support", "BillingCurrency": "EUR"},
    ]
    with a_lab(tmp_path, rows, RULES) as lab:
        answer = lab.ask_allocate(**MARCH)
    assert [(i["team"], i["BillingCurrency"], i["total"]) for i in answer.items] == [
        ("web", "USD", 17), ("data", "EUR", 8),
    ]  # fmt: skip
    assert answer.currency is None
    assert {c: sums["total"] for c, sums in answer.totals["by_currency"].items()} == {"USD": 17, "EUR": 8}
    assert "several currencies (EUR, USD) are never added" in answer.warnings


def test_a_split_can_go_by_a_quantity_of_one_unit(tmp_path: Path) -> None:
    rows = [
        {"BilledCost": 90, "SubAccountId": "9"},
        {"BilledCost": 1, "Tags": tags(team="web"), "ServiceName": "VPC", "ConsumedQuantity": 2, "ConsumedUnit": "GB"},
        {"BilledCost": 5, "Tags": tags(team="data"), "ServiceName": "VPC", "ConsumedQuantity": 1, "ConsumedUnit": "GB"},
        {"BilledCost": 5, "Tags": tags(team="data"), "ConsumedQuantity": 50, "ConsumedUnit": "Hours"},
    ]
    rules = TEAM + HUB + "where = \"SubAccountId = '9'\"\nsplit = 'proportional'\nby = 'ConsumedQuantity'\n"
    with a_lab(tmp_path, rows, rules + "of = \"ServiceName = 'VPC'\"\n") as lab:
        assert got(lab.ask_allocate(**MARCH)) == {"web": 61, "data": 40}
        (tmp_path / "allocation.toml").write_text(rules + 'of = "BilledCost > 0"\n')
        with pytest.raises(ConfigError, match="measures quantities in GB, Hours"):
            lab.ask_allocate(**MARCH)


def test_a_split_can_go_by_another_cost_than_the_one_shown(tmp_path: Path) -> None:
    rows = [
        {"BilledCost": 8, "SubAccountId": "9"},
        {"BilledCost": 1, "ListCost": 3, "Tags": tags(team="web")},
        {"BilledCost": 1, "ListCost": 1, "Tags": tags(team="data")},
    ]
    rules = TEAM + HUB + "where = \"SubAccountId = '9'\"\nsplit = 'proportional'\nby = 'ListCost'\n"
    with a_lab(tmp_path, rows, rules) as lab:
        assert got(lab.ask_allocate(**MARCH)) == {"web": 7, "data": 3}


def pod(team: str | None, cost: str | int, **given: Any) -> dict[str, Any]:
    return {
        "BilledCost": 0, "ResourceId": f"pod/{team}", "x_split_parent_resource_id": "i-1", "x_split_cost": cost,
        "Tags": tags(team=team) if team else None, **given,
    }  # fmt: skip


NODE: dict[str, Any] = {"BilledCost": 12, "EffectiveCost": 6, "ResourceId": "i-1", "Tags": tags(team="platform")}


def test_a_clusters_cost_goes_to_the_owners_of_its_pods_and_the_rest_stays(tmp_path: Path) -> None:
    rows = [NODE, pod("web", 3), pod("data", 1), pod(None, 1), {"BilledCost": 1, "ResourceId": "i-1"}]
    with a_lab(tmp_path, rows) as lab:
        assert got(lab.ask_allocate(**MARCH)) == {"web": 3, "data": 1, "platform": 2, "(unallocated)": 1}
        # of another metric the share the vendor gives of what the machine costs there: 3 of 7, of 13
        billed = got(lab.ask_allocate(metric="BilledCost", **MARCH))
        assert sum(billed.values()) == 13
        assert billed["web"] == D("5.571428571429")


def test_pods_never_take_more_than_their_machine_costs(tmp_path: Path) -> None:
    with a_lab(tmp_path, [NODE, pod("web", 9), pod("data", 3)]) as lab:
        found = got(lab.ask_allocate(**MARCH))
    assert found == {"web": D("4.5"), "data": D("1.5"), "platform": 0}


def test_of_a_shared_cluster_only_what_no_pod_took_is_split(tmp_path: Path) -> None:
    rules = TEAM + HUB + "where = \"ResourceId = 'i-1'\"\nsplit = 'even'\n"
    with a_lab(tmp_path, [NODE, pod("web", 3), pod("data", 1), pod(None, 1)], rules) as lab:
        answer = lab.ask_allocate(**MARCH)
    assert got(answer) == {"web": 4, "data": 2}
    assert answer.totals["shared_by"] == {"hub": 2}


def test_allocated_tags_of_focus_come_before_the_tags(tmp_path: Path) -> None:
    pod_of_focus = {"BilledCost": 4, "Tags": tags(team="platform"), "AllocatedTags": tags(Team="web")}
    rows: list[dict[str, Any]] = [pod_of_focus, {"BilledCost": 1}]
    with a_lab(tmp_path, rows) as lab:
        assert got(lab.ask_allocate(**MARCH)) == {"web": 4, "(unallocated)": 1}


@pytest.mark.parametrize(
    ("where", "message"),
    [("ServiceName", "gives VARCHAR, not true or false"), ("regexp_matches(ServiceName, '(')", "missing )")],
)
def test_a_condition_that_cannot_be_computed_names_its_rule(tmp_path: Path, where: str, message: str) -> None:
    rules = TEAM.replace("take", f'where = "{where}"\ntake')
    with a_lab(tmp_path, BILL, rules) as lab, pytest.raises(ConfigError) as caught:
        lab.ask_allocate(**MARCH)
    assert message in caught.value.message
    assert "allocation.toml" in caught.value.message


def test_text_of_a_rule_stays_text(tmp_path: Path) -> None:
    evil = "x'); drop table focus.costs; --"
    rules = TEAM.replace("Tags.team", f"Tags.{evil}") + f'[[dimensions.rules]]\nvalue = "{evil}"\nwhere = "true"\n'
    with a_lab(tmp_path, [{"BilledCost": 1, "Tags": tags(**{evil: "{0}"})}, {"BilledCost": 2}], rules) as lab:
        assert got(lab.ask_allocate(**MARCH)) == {"{0}": 1, evil: 2}


def test_without_rules_the_first_tag_key_is_the_dimension(run: Run, bill_workspace: Path) -> None:
    answer = run("--workspace", bill_workspace, "allocate", "--format", "json")
    assert answer.json["totals"]["dimension"] == "Tags.team"
    assert {item["Tags.team"] for item in answer.json["items"]} == {"a", "(unallocated)"}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("--by", "nope"), 2), (("--metric", "Cost"), 2), (("--grain", "year"), 2), (("--rules", "no.toml"), 2)],
)
def test_what_cannot_be_asked_is_explained(run: Run, allocated: Path, arguments: tuple[str, str], code: int) -> None:
    done = run("--workspace", allocated, "allocate", *arguments)
    assert (done.code, done.out) == (code, "")
    assert "Hint: " in done.err


def test_the_doctor_reads_the_rules(run: Run, tmp_path: Path) -> None:
    def said() -> dict[str, str]:
        items = run("--workspace", tmp_path, "doctor", "--format", "json").json["items"]
        return next(({k: i[k] for k in ("status", "detail")} for i in items if i["check"] == "allocation rules"), {})

    assert said() == {}
    (tmp_path / "allocation.toml").write_text(RULES)
    assert said() == {"status": "ok", "detail": "allocation.toml: team"}
    (tmp_path / "allocation.toml").write_text(RULES.replace("split", "splt"))
    assert said()["status"] == "config"
    assert "allocation.toml:10: unknown key 'splt'" in said()["detail"]


def test_days_without_charges_are_empty_and_said(run: Run, allocated: Path) -> None:
    answer = run("--workspace", allocated, "allocate", "--from", "2031-01-01", "--to", "2031-02-01", "--format", "json")
    assert (answer.json["items"], answer.json["data_status"]) == ([], "empty")
