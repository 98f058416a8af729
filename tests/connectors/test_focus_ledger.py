"""One simulated AWS bill, delivered as a FOCUS export and as a Cost and Usage Report, is one and the same bill."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from costlab.focus.conformance import Weight, breaches
from costlab.ingest import ingest
from costlab.lake import Lake
from costlab.simulate import simulate
from costlab.warehouse.catalogue import open_current, publish_lake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from costlab.warehouse.relations import Database


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    folder = tmp_path_factory.mktemp("both")
    (folder / "ws").mkdir()
    exports = simulate(folder / "exports", end=date(2026, 3, 1), months=1, rows=8_000, renderings=("cur2", "focus"))
    ingest(folder / "ws", "aws-cur", str(exports.cur2), source="cur")
    ingest(folder / "ws", "focus", str(exports.focus), source="focus")
    publish_lake(Lake(folder / "ws"))
    with open_current(folder / "ws")[1] as db:
        yield db


@pytest.mark.parametrize(
    "by", ["SubAccountId", "ServiceName", "ChargeCategory", "CommitmentDiscountStatus", "RegionId"]
)
def test_billed_and_effective_cost_are_equal_to_the_last_digit(both: Database, by: str) -> None:
    sql = (
        f"select {by} as g, sum(BilledCost) as billed, sum(EffectiveCost) as effective from focus.costs "
        f"where x_source = $source group by {by} having sum(abs(BilledCost)) + sum(abs(EffectiveCost)) > 0 order by 1"
    )
    focus, cur = (both.rows(sql, {"source": source}) for source in ("focus", "cur"))
    assert focus == cur
    assert len(focus) > 1


def test_a_sound_export_breaks_nothing_the_specification_forbids(both: Database) -> None:
    broken = [str(b) for b in breaches(both, "x_source = 'focus'") if b.rule.weight is Weight.BROKEN]
    assert broken == []


def test_commitments_of_both_are_the_same(both: Database) -> None:
    sql = (
        "select CommitmentDiscountId, CommitmentDiscountStatus, sum(EffectiveCost) as effective from focus.costs "
        "where CommitmentDiscountId is not null and x_source = $source group by all "
        "having sum(EffectiveCost) <> 0 or CommitmentDiscountStatus is null order by all"
    )
    focus, cur = (both.rows(sql, {"source": source}) for source in ("focus", "cur"))
    assert focus == cur
    assert {row["CommitmentDiscountStatus"] for row in focus} == {"Used", "Unused", None}
