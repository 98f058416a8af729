"""The page about checks is what the checks say of themselves."""

from __future__ import annotations

from costlab.analyzers.registry import checks, documentation
from tests.conftest import ROOT


def test_the_page_is_up_to_date() -> None:
    page = (ROOT / "docs" / "checks.md").read_text()
    assert page == documentation(), "run: python -m costlab.analyzers.registry > docs/checks.md"


def test_every_check_has_a_section_with_its_four_points() -> None:
    for section in documentation().split("\n## ")[1:]:
        for point in ("**Fires when**", "**Saving:**", "**Cannot see:**", "**Source:**"):
            assert point in section, (section.partition("\n")[0], point)
    assert documentation().count("\n## ") == len(checks())
