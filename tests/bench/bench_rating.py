"""Rating 500 pools over a year: CPU, memory, and a linear program for scale.

One fleet, 100 families of five sizes (20 machines each on average), 100 regional reservations, 100 EC2 Instance plans
and one Compute plan. The peer, where scipy is installed, solves the cheapest cover of some of these hours with HiGHS:
a bound on what any order could cost, and what a general solver takes.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import Any

from tests.bench.measure import Row, fresh

TITLE = "Rating"
POOLS, HOURS = 500, 8760

_FLEET = """
import json, sys, time, collections
import numpy as np, pandas as pd
from costlab.rating import allocate, bill
from costlab.rating.demand import demand_of
from costlab.rating.order import order_of
from costlab.rating.terms import Rates, commitments_of

pools, hours = int(argv[0]), int(argv[1])
rng = np.random.default_rng(7)
sizes = {"medium": 2, "large": 4, "xlarge": 8, "2xlarge": 16, "4xlarge": 32}
families = [f"m{i}" for i in range(pools // len(sizes))]
names = [f"{f}.{s}" for f in families for s in sizes]
price = np.array([0.02 * n * (1 + i / 500) for i, _ in enumerate(families) for n in sizes.values()]).round(6)
level = rng.normal(20, 8, (pools, 1)) + rng.normal(0, 4, (pools, hours))
quantity = np.maximum(0, level).round()
stamps = np.datetime64("2025-01-01T00", "ns") + np.arange(hours) * np.timedelta64(1, "h")
usage = pd.DataFrame({
    "hour": np.tile(stamps, pools), "provider": "aws", "account_id": "111122223333", "region": "us-east-1",
    "pool": pd.Categorical.from_codes(np.repeat(np.arange(pools), hours), names),
    "quantity": quantity.ravel(), "list_price": np.repeat(price, hours),
})
for column in ("provider", "account_id", "region"):
    usage[column] = usage[column].astype("category")
owned = [(f"ri-{f}", "regional-ri", f"{f}.large", 120) for f in families]
owned += [(f"sp-{f}", "ec2-sp", f, 5.0) for f in families] + [("csp", "compute-sp", "", float(pools))]
commitments = pd.DataFrame(owned, columns=["id", "instrument", "family_or_pool", "amount"])
commitments["provider"], commitments["region"], commitments["owner_account_id"] = "aws", "us-east-1", "111122223333"
rates = pd.DataFrame([
    (instrument, name, "", round(p * share(i), 6))
    for instrument, share in {"regional-ri": lambda i: 0.6, "ec2-sp": lambda i: 0.62,
                              "compute-sp": lambda i: 0.7 + i % 97 / 1000}.items()
    for i, (name, p) in enumerate(zip(names, price))
], columns=["instrument", "pool", "region", "price"])
"""

_ALLOCATE = """
demand = demand_of(usage)
order = order_of(demand.series, commitments_of(commitments), Rates.of(rates))
(_, cells), = [block for block in demand.blocks()]
best = 1e9
for _ in range(3):
    left, budget = cells.copy(), np.array(order.capacity)[:, None] * np.ones((1, hours))
    start = time.process_time()
    collections.deque(allocate(left, budget, order.steps), maxlen=0)
    best = min(best, time.process_time() - start)
print(json.dumps({"cpu": best, "steps": len(order.steps)}))
"""

_BILL = """
start, wall = time.process_time(), time.perf_counter()
found = bill(usage, commitments, rates)
totals = found.totals
items = found.items(["pool", "commitment"])
print(json.dumps({"cpu": time.process_time() - start, "wall": time.perf_counter() - wall, "items": len(items),
                  "cost": str(totals["cost"]), "list_cost": str(totals["list_cost"])}))
"""

_IDLE = "print(json.dumps({}))"

_SOLVER = """
from scipy.optimize import linprog
from scipy.sparse import coo_matrix

found = bill(usage, commitments, rates)
at = {(r.instrument, r.pool): r.price for r in rates.itertuples()}
rows, columns, values, limits, cost = [], [], [], [], []
budgets = {}
demand = quantity.ravel()
for p, name in enumerate(names):
    family, units = name.split(".")[0], sizes[name.split(".")[1]]
    for h in range(hours):
        cell = len(limits); limits.append(demand[p * hours + h])
        for key, take in ((("ri", family, h), units), (("sp", family, h), at["ec2-sp", name]),
                          (("csp", "", h), at["compute-sp", name])):
            column = len(cost); cost.append(-price[p])
            budget = budgets.setdefault(key, [])
            budget.append((column, take)); rows.append(cell); columns.append(column); values.append(1.0)
for key, uses in budgets.items():
    row = len(limits); limits.append({"ri": 480.0, "sp": 5.0, "csp": float(pools)}[key[0]])
    for column, take in uses:
        rows.append(row); columns.append(column); values.append(take)
matrix = coo_matrix((values, (rows, columns)), shape=(len(limits), len(cost))).tocsr()
start = time.process_time()
solved = linprog(cost, A_ub=matrix, b_ub=limits, method="highs")
took = time.process_time() - start
best = float(found.totals["list_cost"]) + solved.fun + float(found.totals["committed_cost"])
start = time.process_time(); bill(usage, commitments, rates).totals; mine = time.process_time() - start
print(json.dumps({"solver_cpu": took, "rating_cpu": mine, "variables": len(cost), "bill": float(found.totals["cost"]),
                  "cheapest": best}))
"""


def _measured(code: str, pools: int, hours: int) -> tuple[dict[str, Any], float]:
    usage = fresh(_FLEET + code, str(pools), str(hours))
    return json.loads(usage.output.strip().splitlines()[-1]), usage.peak_mb


def run() -> list[Row]:
    """Return the rows of the benchmark page."""
    arrays, _ = _measured(_ALLOCATE, POOLS, HOURS)
    runs = [_measured(_BILL, POOLS, HOURS) for _ in range(3)]
    whole, peak = sorted(runs, key=lambda run: float(run[0]["cpu"]))[1]
    whole["cpu_of_three_processes"] = sorted(run[0]["cpu"] for run in runs)
    _, idle = _measured(_IDLE, POOLS, HOURS)
    return [
        Row(f"allocate, {POOLS} pools x {HOURS} h, {arrays['steps']} steps: CPU", f"{arrays['cpu']:.3f} s", "< 0.5 s",
            arrays["cpu"] < 0.5, arrays),
        Row("the same from a table to a bill by pool and commitment: CPU / peak memory (the table alone)",
            f"{whole['cpu']:.2f} s / {peak:.0f} MB ({idle:.0f} MB)", "< 0.5 s, < 1,000 MB",
            whole["cpu"] < 0.5 and peak < 1000, whole),
        *(_against_a_solver() if find_spec("scipy") else []),
    ]  # fmt: skip


def _against_a_solver() -> list[Row]:
    found, _ = _measured(_SOLVER, 50, 168)
    above = found["bill"] / found["cheapest"] - 1
    return [
        Row("50 pools x 168 h: rating / HiGHS on the cheapest cover, CPU",
            f"{found['rating_cpu']:.3f} s / {found['solver_cpu']:.1f} s", "-", None, found),
        Row("the same: what the cloud's order costs above the cheapest cover", f"{100 * above:.2f} %", ">= 0",
            above >= 0),
    ]  # fmt: skip
