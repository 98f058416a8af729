"""docs/allocation.md: its rules and its metrics are read as they stand, and its commands work."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from costlab.lab.allocation.metric_file import read_metrics
from tests.cli.conftest import Demo, environment
from tests.cli.test_allocate import MARCH, a_lab, got, tags

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "allocation.md").read_text()


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", TEXT, re.DOTALL)


BILL: list[dict[str, Any]] = [
    {"BilledCost": 60, "Tags": tags(Team="Frontend"), "x_usage_type": "DataTransfer", "ConsumedUnit": "GB"},
    {"BilledCost": 40, "SubAccountName": "data-prod"},
    {"BilledCost": 10, "ServiceName": "AWS Support"},
    {"BilledCost": 8, "SubAccountName": "data-prod", "CommitmentDiscountStatus": "Unused"},
    {"BilledCost": 5, "SubAccountName": "network", "ServiceName": "Transit Gateway"},
    {"BilledCost": 16, "SubAccountName": "platform-prod"},
    {"BilledCost": 1},
]


def test_the_example_of_the_documentation_allocates_everything(tmp_path: Path) -> None:
    (tmp_path / "business_metrics.csv").write_text(blocks("csv")[0])
    with a_lab(tmp_path, BILL, blocks("toml")[0]) as lab:
        answer = lab.ask_allocate(**MARCH)
        units = {(item["metric"], item["team"]): item for item in lab.ask_unit_cost("team", **MARCH).items}
    assert set(got(answer)) == {"web", "data", "platform", "(unallocated)"}
    assert answer.totals["total"] == 140
    assert answer.totals["unallocated"] == 0
    assert answer.totals["shared_by"]["Support"] == 10
    assert sum(got(answer).values()) == 140
    assert got(answer)["platform"] == 0
    assert units["orders", "web"]["quantity"] == 1841
    assert units["orders", "data"]["unit_cost"] == (got(answer)["data"] / 622).quantize(Decimal("1e-12"))


def test_every_block_of_metrics_is_read(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text(blocks("csv")[0])
    assert [reading.metric for reading in read_metrics(path).readings] == ["orders", "orders", "customers"]


@pytest.mark.slow
def test_the_commands_and_the_python_of_the_documentation_work_on_the_demo(demo: Demo) -> None:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    assert len(lines) >= 5
    for line in lines:
        words = [sys.executable, "-m", "costlab", "--workspace", str(demo.workspace), *shlex.split(line)[1:]]
        done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment())
        assert done.returncode == 0, (line, done.stderr)
        assert done.stdout
    code = [sys.executable, "-c", blocks("python")[0]]
    subprocess.run(code, check=True, cwd=demo.folder, env=environment())
