"""Every check: documented, with a case where it fires and one where it stays silent."""

from __future__ import annotations

import inspect
import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from costlab.analyzers.registry import checks, title
from costlab.interfaces.analyzer import Assessment, Check, Context
from costlab.interfaces.finding import Recommendation
from tests.analyzers.support import world

CASES = Path(__file__).parent / "cases"
CHECKS = checks()
SECTIONS = ("Fires when", "Saving", "Cannot see", "Source")


def _case(check: Check) -> dict[str, Any]:
    return json.loads((CASES / f"{check.id}.json").read_text())  # type: ignore[no-any-return]


def _assess(check: Check, half: str) -> tuple[Assessment, dict[str, Any]]:
    case = _case(check)
    return check.assess(_world(case[half], case["now"])), case[half]


def _world(half: dict[str, Any], now: str) -> Context:
    return world(half["costs"], half["metrics"], half.get("inventory", []), now=datetime.fromisoformat(now))


def _shown(item: Recommendation, wanted: dict[str, str]) -> dict[str, str]:
    amounts = ("hourly_cost", "hourly_saving", "hourly_saving_list")
    shown = {name: f"{getattr(item, name).normalize():f}" for name in amounts}
    shown |= {"resource_id": item.resource_id, "verb": item.action.verb, "absorbed_by": item.absorbed_by}
    shown["after"] = item.action.after
    return {name: shown[name] for name in wanted}


def _ids(check: Check) -> str:
    return check.id


def test_there_are_at_least_fifteen_waste_checks() -> None:
    assert len([c for c in CHECKS if c.id.startswith("waste_")]) >= 15


def test_checks_are_sorted_and_unique() -> None:
    ids = [c.id for c in CHECKS]
    assert ids == sorted(set(ids))


@pytest.mark.parametrize("check", CHECKS, ids=_ids)
def test_a_check_is_named_like_its_file_and_kind(check: Check) -> None:
    module = inspect.getmodule(check)
    assert module is not None
    assert module.__name__.rsplit(".", 1)[-1] == check.id
    assert check.id.startswith(f"{check.kind.value}_")


@pytest.mark.parametrize("check", CHECKS, ids=_ids)
def test_a_check_documents_rule_saving_blind_spots_and_source(check: Check) -> None:
    text = inspect.getdoc(type(check)) or ""
    assert title(check)
    assert [name for name in SECTIONS if f"{name}" not in text] == []


@pytest.mark.parametrize("check", CHECKS, ids=_ids)
def test_a_check_fires_with_the_right_amounts(check: Check) -> None:
    result, case = _assess(check, "fires")
    assert case["expect"], "a case where it fires expects something"
    got = sorted((_shown(i, w) for i, w in zip(_sorted(result), case["expect"], strict=True)), key=str)
    assert got == sorted(case["expect"], key=str)
    assert case["not_assessed"] in result.not_assessed


@pytest.mark.parametrize("check", CHECKS, ids=_ids)
def test_a_check_stays_silent(check: Check) -> None:
    result, case = _assess(check, "silent")
    assert case["costs"], "silence means something only when there is a bill"
    assert result.items == []
    assert case["not_assessed"] in result.not_assessed
    assert bool(case["not_assessed"]) == bool(result.not_assessed)


def test_an_empty_bill_gives_nothing_and_no_error() -> None:
    empty = world([], [], now=datetime(2026, 3, 20))
    assert [check.id for check in CHECKS if check.assess(empty).items] == []


@pytest.mark.parametrize("check", [c for c in CHECKS if c.needs], ids=_ids)
def test_without_metrics_and_inventory_a_check_is_not_assessed_and_says_why(check: Check) -> None:
    case = _case(check)
    result = check.assess(world(case["fires"]["costs"], [], now=datetime.fromisoformat(case["now"])))
    assert result.items == []
    assert any(metric in result.not_assessed for metric in check.needs)


@pytest.mark.parametrize("check", CHECKS, ids=_ids)
def test_a_finding_carries_evidence_remedy_and_risk(check: Check) -> None:
    for item in _assess(check, "fires")[0].items:
        assert item.check == check.id
        assert item.kind == check.kind
        assert item.evidence
        assert all(e.source and e.start < e.end for e in item.evidence)
        assert item.remedy.command
        assert item.risk
        assert 0 < item.confidence <= 1
        assert Decimal(0) <= item.hourly_saving <= item.hourly_cost


@pytest.mark.parametrize("check", CHECKS, ids=_ids)
def test_a_hostile_resource_id_cannot_leave_its_word_in_the_command(check: Check) -> None:
    case = _case(check)["fires"]
    bad = "x'; rm -rf ~ #"
    costs = [_renamed(row, bad) for row in case["costs"]]
    renamed = {
        name: [{**row, "resource_id": row["resource_id"] + bad} if "resource_id" in row else row for row in rows]
        for name, rows in case.items()
        if name in {"metrics", "inventory"}
    }
    for item in check.assess(_world({"costs": costs, **renamed}, _case(check)["now"])).items:
        assert "'; rm -rf" not in item.remedy.command.replace("'\"'\"'; rm -rf", "")


def _renamed(row: dict[str, Any], suffix: str) -> dict[str, Any]:
    names = [n for n in ("ResourceId", "CommitmentDiscountId") if n in row]
    return {**row, **{name: row[name] + suffix for name in names}}


def _sorted(result: Assessment) -> list[Recommendation]:
    return sorted(result.items, key=lambda item: item.resource_id)
