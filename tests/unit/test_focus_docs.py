"""``docs/focus.md`` says what the code does."""

from __future__ import annotations

from pathlib import Path

from costlab.focus.conformance import PAID_IS_USED
from costlab.focus.conformance import RULES as CONFORMANCE
from costlab.focus.profiles import RULES as FILLED

TEXT = (Path(__file__).parents[2] / "docs" / "focus.md").read_text(encoding="utf-8")


def rows_with(cells: int) -> set[str]:
    return {line for line in TEXT.splitlines() if line.startswith("| ") and line.count(" |") == cells}


def test_every_column_that_an_export_fills_is_documented_and_no_other() -> None:
    assert rows_with(2) == {"| column | |"} | {f"| {name} | {rule.reason} |" for name, rule in FILLED.items()}


def test_every_conformance_rule_is_documented_and_no_other() -> None:
    rules = {f"| {rule.id} | {rule.weight} | {rule.says} |" for rule in (*CONFORMANCE, PAID_IS_USED)}
    assert rows_with(3) == {"| rule | | |"} | rules
