"""Showback on the rollup that 100 million charges leave (see ``bench_explorer``): 38 teams, three shared costs.

A fresh process asks for a month and for 310 days by month; the totals are compared with the explorer's by ``==``.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from costlab.warehouse.catalogue import build
from tests.bench import bench_explorer
from tests.bench.measure import Row, fresh

TITLE = "Allocation on the rollup of 100 million charges"
TEAMS, ACCOUNTS_EACH = 38, 5
GOAL_MONTH, GOAL_ALL = 1.0, 5.0
_SHARED = """
[[dimensions.shared]]
name = "support"
where = "ServiceName = 'Service 3'"
split = "proportional"
[[dimensions.shared]]
name = "licences"
where = "ServiceName = 'Service 9' and PricingCategory = 'Dynamic'"
split = "even"
[[dimensions.shared]]
name = "platform"
from = "team 3"
split = "proportional"
by = "ListCost"
"""
_CHILD = """
import json, resource, time
from datetime import date
from pathlib import Path
from costlab.lab import cost
from costlab.lab.allocation.rules import read_rules
from costlab.lab.allocation.showback import Asked, ask
from costlab.lab.window import Window
from costlab.warehouse.relations import Database

def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime

rules, seen = read_rules(argv[2]), {}
with Database.open(Path(argv[0]), Path(argv[1])) as db:
    for name, grain, start, end in json.loads(argv[3]):
        window = Window(date.fromisoformat(start), date.fromisoformat(end))
        asked = Asked(rules, rules.dimensions[0], "EffectiveCost", cost.Grain(grain))
        wall, used = time.perf_counter(), cpu()
        found = ask(db, asked, window)
        seen[name] = [time.perf_counter() - wall, cpu() - used, len(found.items), found.table]
        bill = cost.ask(db, cost.question((), "EffectiveCost", None, None), window).totals["USD"]
        assert found.totals["USD"]["total"] == bill
print(json.dumps(seen))
"""


def rules() -> str:
    """Return the rules: teams by lists of accounts, then shared costs."""
    text = '[[dimensions]]\nname = "team"\n'
    for team in range(TEAMS):
        first = team * ACCOUNTS_EACH
        accounts = ", ".join(f"'{number * 7919:012d}'" for number in range(first, first + ACCOUNTS_EACH))
        text += f'[[dimensions.rules]]\nvalue = "team {team}"\nwhere = "SubAccountId in ({accounts})"\n'
    return text + _SHARED


def run() -> list[Row]:
    """Build the rollup, allocate in a fresh process, return one row per window."""
    asked = [["month", "total", "2025-10-01", "2025-11-01"], ["310 days", "month", "2025-01-01", "2025-11-07"]]
    with tempfile.TemporaryDirectory(prefix="costlab-bench-") as folder:
        workspace = Path(folder)
        target = workspace / "allocate.duckdb"
        build(workspace, [], target)
        bench_explorer.fill(target)
        usage = fresh(_CHILD, str(target), str(workspace), rules(), json.dumps(asked))
    seen: dict[str, list[Any]] = json.loads(usage.output.strip().splitlines()[-1])
    rows = [
        _row("a month and the one before", seen["month"], GOAL_MONTH),
        _row("310 days by month", seen["310 days"], GOAL_ALL),
    ]
    return [*rows, Row("peak memory of the process", f"{usage.peak_mb:.0f} MB", "-", None)]


def _row(what: str, figures: list[Any], goal: float) -> Row:
    wall, cpu, items, table = figures
    claim = f"{what}: {TEAMS} teams, 3 shared costs, {bench_explorer.ROWS:,} rollup rows"
    return Row(claim, f"{cpu:.2f} s CPU, {wall:.2f} s wall, {items} items", f"< {goal} s CPU", cpu < goal,
               {"table": table})  # fmt: skip


if __name__ == "__main__":
    for row in run():
        print(row.claim, row.figure, row.goal, row.met)
