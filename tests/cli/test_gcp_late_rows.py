"""Rows of Google's export that arrive days later: the month is replaced, and what changed can be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.connectors.test_gcp_ingest import LINE, write_lines

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run


def test_rows_five_days_later_replace_the_month_and_are_shown_as_a_restatement(run: Run, tmp_path: Path) -> None:
    old = [LINE | {"credits": []}, LINE | {"credits": [], "cost": 2.0}]
    late = LINE | {"credits": [], "cost": 0.5, "export_time": "2026-03-11 07:00:00 UTC"}
    (tmp_path / "ws").mkdir()
    for number, rows in enumerate(([*old], [*old, late])):
        path = write_lines(tmp_path / f"{number}.jsonl", rows)
        given = ("--from", path, "--name", "gcp", "--workspace", tmp_path / "ws")
        assert run("ingest", "gcp-billing-export", *given).code == 0
    (item,) = run("restatements", "--workspace", tmp_path / "ws", "--format", "json").json["items"]
    assert (item["source"], item["billing_period"], item["ServiceName"]) == ("gcp", "2026-03", "Compute Engine")
    assert (item["billed_cost_before"], item["billed_cost_change"]) == ("2.1", "0.5")
    assert (item["rows_before"], item["rows_after"]) == (2, 3)
