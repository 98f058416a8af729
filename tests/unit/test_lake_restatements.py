"""What changed between the revisions of a period, as the manifest adds them up."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from costlab.lake import Lake, restatements, writing
from tests.lake_support import load

DAYS = [datetime(2026, 4, day) for day in (1, 2, 5)]
BILLED = [{"USD": Decimal("100.10")}, {"USD": Decimal("99.90"), "EUR": Decimal(5)}, {"USD": Decimal("99.90")}]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    with writing(tmp_path) as writer:
        for day, billed in zip(DAYS, BILLED, strict=True):
            one = load(writer, "2026-03", str(day), loaded_at=day)
            other = load(writer, "2026-03", str(day), loaded_at=day, source="gcp")
            one = replace(one, rows_loaded=day.day, billed_cost_loaded=billed, effective_cost_loaded=billed)
            writer.publish([one, other, load(writer, f"2026-0{day.day}", "once")])
    return Lake(tmp_path)


def test_each_pair_says_by_how_much_rows_and_costs_changed(lake: Lake) -> None:
    first, second = restatements(lake, source="aws")
    assert (first.rows_change, second.rows_change) == (1, 3)
    assert first.billed_change == {"EUR": Decimal(5), "USD": Decimal("-0.20")}
    assert second.effective_change == {"EUR": Decimal(-5), "USD": Decimal(0)}
    assert second.older == first.newer
    assert [second.older.files[0].path, second.newer.files[0].path] == [
        r.files[0].path for r in lake.revisions() if r.key == ("focus", "aws", "2026-03")
    ][1:]


def test_pairs_can_be_chosen_by_source_time_and_dataset(lake: Lake) -> None:
    assert [pair.newer.source for pair in restatements(lake)] == ["aws", "aws", "gcp", "gcp"]
    assert [pair.loaded_at for pair in restatements(lake, source="gcp", since=DAYS[2])] == [DAYS[2]]
    assert restatements(lake, dataset="metrics") == []
