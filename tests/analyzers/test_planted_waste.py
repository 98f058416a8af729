"""The checks find what the simulator planted, at its price, and nothing that was not planted."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from costlab.cli._demo import make_demo
from costlab.lab.facade import Lab

if TYPE_CHECKING:
    from pathlib import Path

CHECKS = {
    "unattached_volume": "waste_unattached_volume",
    "idle_volume": "waste_idle_volume",
    "idle_instance": "waste_idle_instance",
    "idle_database": "waste_idle_database",
    "idle_load_balancer": "waste_idle_load_balancer",
    "idle_nat_gateway": "waste_idle_nat_gateway",
    "unused_address": "waste_idle_address",
    "old_snapshot": "waste_old_snapshot",
    "incomplete_multipart": "waste_incomplete_multipart",
    "gp2_volume": "storage_gp2_volume",
    "overprovisioned_io1": "storage_io1_volume",
    "oversized": "rightsize_instance",
    "previous_generation": "rightsize_previous_generation",
}
DEPENDS_ON_USE = {"overprovisioned_io1"}
"""Its saving depends on how much headroom is kept, not on prices alone."""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Any], list[Any]]:
    """Return (planted waste, recommendations) of a small company."""
    folder: Path = tmp_path_factory.mktemp("company") / "demo"
    settings = make_demo(folder, months=5, seed=7, scale="tiny", progress=lambda _: None, end=date(2026, 10, 20))
    planted = json.loads((folder / "native" / "ledger" / "planted.json").read_text())["waste"]
    with Lab.open(settings) as lab:
        items = lab.ask_recommend().payload()["items"]
    return planted, list(items)


def test_all_planted_waste_is_found_by_its_check(found: tuple[list[Any], list[Any]]) -> None:
    planted, items = found
    seen = {(item["resource_id"], item["check"]) for item in items}
    assert len(planted) > 20
    assert [w["name"] for w in planted if (w["resource_id"], CHECKS[w["kind"]]) not in seen] == []


def test_its_saving_at_list_price_is_the_planted_one(found: tuple[list[Any], list[Any]]) -> None:
    planted, items = found
    listed = {(item["resource_id"], item["check"]): Decimal(item["monthly_saving_list"]) for item in items}
    for waste in planted:
        if waste["kind"] not in DEPENDS_ON_USE:
            got = listed[waste["resource_id"], CHECKS[waste["kind"]]]
            assert float(got) == pytest.approx(float(waste["saving_list"]), rel=0.03, abs=0.02), waste["name"]


def test_nothing_is_found_that_was_not_planted(found: tuple[list[Any], list[Any]]) -> None:
    planted, items = found
    ours = {waste["resource_id"] for waste in planted}
    assert [i["check"] for i in items if i["resource_id"] not in ours and i["check"] != "waste_unused_commitment"] == []
