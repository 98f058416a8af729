"""The validator's report: the counts, and which rules failed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_TOTALS = re.compile(r"Total: (\d+) \| Pass: (\d+) \| Fail: (\d+) \| Skipped: (\d+)")
_FAILED = re.compile(r"❌ (\S+): FAIL +\((.*)")
_ALLOWLIST = Path(__file__).with_name("allowlist.txt")


@dataclass(frozen=True, slots=True)
class Report:
    """What the validator found; ``failed`` maps rule ids to its messages."""

    total: int
    passed: int
    skipped: int
    failed: dict[str, str]

    def __str__(self) -> str:
        return f"{self.total} rules: {self.passed} pass, {len(self.failed)} fail, {self.skipped} skipped"


def parse(text: str) -> Report:
    """Return the report in the validator's output.

    Raises
    ------
    ValueError
        If there is none, or its counts and its list of failures do not agree.
    """
    totals = _TOTALS.search(text)
    if totals is None:
        raise ValueError(f"the validator gave no report: {text[-2000:]}")
    total, passed, failures, skipped = (int(number) for number in totals.groups())
    failed = dict(_FAILED.findall(text))
    if len(failed) != failures:
        raise ValueError(f"the validator counts {failures} failures and lists {len(failed)}")
    return Report(total, passed, skipped, failed)


def allowlist() -> dict[str, str]:
    """Return the ids of rules that fail on every sound file, with the reason."""
    lines = _ALLOWLIST.read_text(encoding="utf-8").splitlines()
    pairs = (line.partition(" ") for line in lines if line and not line.startswith("#"))
    return {rule: reason for rule, _, reason in pairs}
