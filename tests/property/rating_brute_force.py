"""The rules of commitments once more, written hour by hour and pair by pair with fractions, to check the engine by.

Nothing of ``costlab.rating`` is used. Sizes are given as a table, not read from names. Each hour is billed alone:
the pair of commitment and usage that comes first by the cloud's rule is served, then the next, until none is left.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

Row = dict[str, Any]
ORDER = {
    "aws": ["zonal-ri", "regional-ri", "rds-ri", "elasticache-ri", "opensearch-ri", "redshift-ri", "ec2-sp",
            "compute-sp", "sagemaker-sp", "database-sp"],
    "azure": ["azure-reservation", "azure-sp"],
    "gcp": ["gcp-resource-cud", "gcp-flex-cud", "gcp-flex-cud-credit"],
}  # fmt: skip
FLEXIBLE = {"regional-ri", "rds-ri", "elasticache-ri", "azure-reservation"}
RESERVATIONS = {"zonal-ri", *FLEXIBLE, "opensearch-ri", "redshift-ri", "gcp-resource-cud"}

SIZES: dict[str, tuple[str, Fraction]] = {
    "m5.large": ("m5", Fraction(4)),
    "m5.xlarge": ("m5", Fraction(8)),
    "m5.4xlarge": ("m5", Fraction(32)),
    "c5.nano": ("c5", Fraction(1, 4)),
    "c5.large": ("c5", Fraction(4)),
    "db.r7g.large:postgresql": ("db.r7g:postgresql", Fraction(4)),
    "db.r7g.xlarge:postgresql": ("db.r7g:postgresql", Fraction(8)),
    "db.r7g.large:postgresql:multi-az-cluster": ("db.r7g:postgresql", Fraction(12)),
    "db.r5.large:mysql": ("db.r5:mysql", Fraction(4)),
    "db.r5.large:mysql:multi-az": ("db.r5:mysql", Fraction(8)),
    "cache.r6g.large": ("cache.r6g", Fraction(4)),
    "cache.r6g.xlarge": ("cache.r6g", Fraction(8)),
    "Standard_D2s_v5": ("dsv5", Fraction(2)),
    "Standard_D4s_v5": ("dsv5", Fraction(4)),
    "Standard_D16s_v5": ("dsv5", Fraction(16)),
    "Standard_E8s_v5": ("esv5", Fraction(8)),
}
"""Interchangeable group and units of a pool; a pool that is not here is for itself."""
FAMILY = {"m5.large": "m5", "m5.xlarge": "m5", "m5.4xlarge": "m5", "m5.large:windows": "m5", "c5.nano": "c5",
          "c5.large": "c5", "g5.xlarge": "g5", "g5.2xlarge": "g5"}  # fmt: skip


def exact(value: float) -> Fraction:
    return Fraction(repr(float(value)))


@dataclass
class Result:
    """Units and USD of what has a price per (hour, pool, account, covered_by).

    And per (commitment, hour) used, unused, unused cost.
    """

    lines: dict[tuple[Any, ...], tuple[Fraction, Fraction | None]]
    uses: dict[tuple[str, Any], tuple[Fraction, Fraction, Fraction | None]]


class BruteForce:
    """Bills usage, commitments and rates given as plain rows."""

    def __init__(self, usage: list[Row], commitments: list[Row], rates: list[Row], hours: list[Any]) -> None:
        self.usage, self.commitments, self.hours = usage, commitments, hours
        self.rates = {(r["instrument"], r["pool"], r["region"]): exact(r["price"]) for r in rates}

    def rate(self, instrument: str, pool: str, region: str) -> Fraction | None:
        return self.rates.get((instrument, pool, region), self.rates.get((instrument, pool, "")))

    def bill(self) -> Result:
        result = Result({}, {})
        for hour in self.hours:
            self.hour(hour, result)
        return result

    def hour(self, hour: Any, result: Result) -> None:
        here = [dict(u, left=exact(u["quantity"])) for u in self.usage if u["hour"] == hour]
        owned = [(place, c) for place, c in enumerate(self.commitments) if c["from"] <= hour < c["to"]]
        budgets = {place: self.budget(c) for place, c in owned}
        spent: dict[int, Fraction] = defaultdict(Fraction)
        taken: dict[int, Fraction] = defaultdict(Fraction)
        for provider, instruments in ORDER.items():
            for instrument in instruments:
                candidates = [(p, c) for p, c in owned if c["instrument"] == instrument]
                usage = [u for u in here if u["provider"] == provider]
                self.instrument(hour, candidates, usage, budgets, (result, spent, taken))
        for u in here:
            if u["left"]:
                price = None if u["list_price"] is None else exact(u["list_price"])
                self.add(result, (hour, u["pool"], u["account_id"], None), u["left"], price)
        for place, c in owned:
            charge = self.charge(c)
            whole = exact(c["amount"])
            used = taken[place]
            result.uses[c["id"], hour] = (used, whole - used, None if charge is None else charge - spent[place])

    def add(self, result: Result, key: tuple[Any, ...], quantity: Fraction, price: Fraction | None) -> None:
        units, cost = result.lines.get(key, (Fraction(0), None))
        if price is not None:
            cost = (cost or Fraction(0)) + quantity * price
        result.lines[key] = (units + quantity, cost)

    # what a commitment is worth in an hour

    def budget(self, c: Row) -> Fraction:
        return exact(c["amount"]) * (self.units(c, c["family_or_pool"]) if c["instrument"] in RESERVATIONS else 1)

    def units(self, c: Row, pool: str) -> Fraction:
        return SIZES[pool][1] if c["instrument"] in FLEXIBLE and pool in SIZES else Fraction(1)

    def charge(self, c: Row) -> Fraction | None:
        if c["instrument"] in RESERVATIONS:
            price = self.rate(c["instrument"], c["family_or_pool"], c["region"])
            return None if price is None else price * exact(c["amount"])
        if c["instrument"] == "gcp-flex-cud-credit":
            fee = self.rate(c["instrument"], "", c["region"])
            return None if fee is None else fee * exact(c["amount"])
        return exact(c["amount"])

    # who is served, and in which order

    def account_rank(self, c: Row, account: str) -> int | None:
        owner, group = account == c["owner_account_id"], account in c["group"].split(";")
        if c["sharing"] == "none":
            return 0 if owner else None
        if not c["instrument"].startswith(("azure", "gcp")):
            if owner:
                return 0
            if group:
                return 1
            return 2 if c["sharing"] == "all" else None
        return 0 if c["sharing"] == "all" or owner or group else None

    def matches(self, c: Row, u: Row) -> bool:
        target = c["family_or_pool"]
        if c["instrument"] == "zonal-ri":
            return bool((u["pool"], u["region"], u["zone"]) == (target, c["region"], c["zone"]))
        if c["instrument"] in FLEXIBLE and target in SIZES:
            return u["pool"] in SIZES and SIZES[u["pool"]][0] == SIZES[target][0] and u["region"] == c["region"]
        if c["instrument"] in RESERVATIONS:
            return bool((u["pool"], u["region"]) == (target, c["region"]))
        if c["instrument"] == "ec2-sp":
            return FAMILY.get(u["pool"]) == target and bool(u["region"] == c["region"])
        kind = u["pool"].split(".")[0] if "." in u["pool"] else "requests"
        if c["instrument"] == "compute-sp":
            return kind not in {"db", "cache", "ml", "dc2"} and not u["pool"].endswith(".search")
        if c["instrument"] == "sagemaker-sp":
            return bool(kind == "ml")
        if c["instrument"] == "database-sp":
            return kind in {"db", "cache", "requests"}
        return True

    def pair(self, place: int, c: Row, u: Row) -> tuple[Any, Fraction, Fraction] | None:
        """Return (rank of the pair, budget per unit, USD per unit) or None if the two do not meet."""
        rank = self.account_rank(c, u["account_id"])
        if rank is None or not self.matches(c, u):
            return None
        scope = {"none": 0, "group": 1, "all": 2}[c["sharing"]] if c["instrument"].startswith(("azure", "gcp")) else 0
        last = (u["region"], u["account_id"], u["zone"])
        if c["instrument"] in RESERVATIONS:
            price = self.rate(c["instrument"], c["family_or_pool"], c["region"])
            if price is None:
                return None
            units = self.units(c, u["pool"])
            usd = price / self.units(c, c["family_or_pool"]) * units
            return (scope, rank, units, u["pool"].lower(), place, *last), units, usd
        rate = self.rate(c["instrument"], u["pool"], u["region"])
        if rate is None or u["list_price"] is None:
            return None
        listed = exact(u["list_price"])
        if c["instrument"] == "azure-sp" and rate >= listed:
            return None
        key = (scope, rank, rate / listed, rate, place, u["pool"], *last)
        if c["instrument"] == "gcp-flex-cud-credit":
            fee = self.rate(c["instrument"], "", c["region"])
            return None if fee is None else (key, listed, listed * fee)
        return key, rate, rate

    def instrument(
        self, hour: Any, owned: list[tuple[int, Row]], usage: list[Row], budgets: dict[int, Fraction], books: Any
    ) -> None:
        pairs = []
        for place, c in owned:
            for u in usage:
                found = self.pair(place, c, u)
                if found:
                    pairs.append((found[0], place, c, u, found[1], found[2]))
        pairs.sort(key=lambda p: p[0])
        while pairs:
            key, place, c, u, per_unit, usd = pairs[0]
            shared = c["instrument"].startswith("gcp")  # projects of equal rank share in proportion
            batch = [p for p in pairs if p[0][:-2] == key[:-2]] if shared else pairs[:1]
            pairs = pairs[len(batch) :]
            wanted = sum((p[3]["left"] for p in batch), Fraction(0)) * per_unit
            share = min(Fraction(1), budgets[place] / wanted) if wanted else Fraction(0)
            for _, _, _, each, _, _ in batch:
                quantity = each["left"] * share
                self.serve(hour, (place, c, each), quantity, (per_unit, usd), budgets, books)

    def serve(
        self, hour: Any, who: tuple[int, Row, Row], quantity: Fraction, prices: tuple[Fraction, Fraction],
        budgets: dict[int, Fraction], books: Any,
    ) -> None:  # fmt: skip
        if not quantity:
            return
        (place, c, u), (per_unit, usd), (result, spent, taken) = who, prices, books
        u["left"] -= quantity
        budgets[place] -= quantity * per_unit
        spent[place] += quantity * usd
        own = self.units(c, c["family_or_pool"]) if c["instrument"] in RESERVATIONS else Fraction(1)
        taken[place] += quantity * per_unit / own
        self.add(result, (hour, u["pool"], u["account_id"], c["id"]), quantity, usd)
