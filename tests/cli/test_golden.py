"""What people see, word for word: both streams and the exit code. ``GOLDEN_UPDATE=1 pytest`` writes them anew."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest

from tests.cli.conftest import Done, Run

FOLDER = Path(__file__).resolve().parents[1] / "golden" / "cli"
CASES = {
    "cost": "cost",
    "cost_json": "cost --by ServiceName,Tags.team --grain month --from 2026-01-01 --to 2026-03-01 --format json",
    "cost_csv": "cost --by SubAccountId,SubAccountName --metric BilledCost --format csv",
    "cost_md": "cost --by SubAccountName --format md",
    "cost_empty": "cost --from 2030-01-01 --to 2030-02-01",
    "cost_unknown_column": "cost --by Servce",
    "cost_where": "cost --where \"Tags.team = 'a' and BilledCost > 20\" --by SubAccountId",
    "cost_where_query": 'cost --where "1 = (select 1)"',
    "explain": "explain --by ServiceName",
    "allocate": "allocate --by team",
    "allocate_json": "allocate --by SubAccountId --from 2026-02-01 --to 2026-03-01 --format json",
    "allocate_unknown": "allocate --by taem",
    "allocate_hygiene": "allocate --hygiene",
    "unit_cost_no_file": "unit-cost",
    "query": 'query "select ServiceName, sum(EffectiveCost) as cost from marts.daily_costs group by 1 order by 1"',
    "query_write": 'query "drop table focus.costs"',
    "anomalies_json": "anomalies --format json",
    "reconcile": "reconcile",
    "restatements": "restatements",
    "ingest_nowhere": "ingest focus --from /nowhere/bill.csv --name other",
}


def written(command: str, done: Done, workspace: Path) -> str:
    text = f"$ costlab {command}\n[{done.code}]\n--- standard output\n{done.out}--- standard error\n{done.err}"
    text = text.replace(str(workspace), "WORKSPACE")
    return re.sub(r'("(?:generated_at|as_of)": ")[^"]+', r"\1NOW", text)


@pytest.mark.parametrize("name", CASES)
def test_people_see(run: Run, bill_workspace: Path, name: str) -> None:
    found = written(CASES[name], run("--workspace", bill_workspace, *shlex.split(CASES[name])), bill_workspace)
    path = FOLDER / f"{name}.txt"
    if os.environ.get("GOLDEN_UPDATE"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(found)
    assert found == path.read_text()


def test_no_case_is_left_over() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(CASES)
