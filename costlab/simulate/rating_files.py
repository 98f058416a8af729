"""What ``costlab rate`` reads, of the simulated company: usage, commitments and committed prices.

Usage is what the commitments were applied to: on-demand Linux machines, and databases, caches and ML instances in
their reach, by hour, account, pool and zone.
"""

# ruff: noqa: E501 - tables of data and SQL read best with one entry on a line

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from costlab.simulate.pools import list_rate

if TYPE_CHECKING:
    from pathlib import Path

    from costlab.simulate.charges import Biller, CommitmentHours
    from costlab.simulate.commitments import Commitment, Usage
    from costlab.warehouse.connection import Connection


class RatingFiles:
    """Collects the usage of the whole span; :meth:`write` stores the three tables."""

    def __init__(self, con: Connection) -> None:
        self.con = con
        self.pools: dict[Usage, int] = {}
        con.execute("drop table if exists ledger_usage")
        con.execute('create table ledger_usage ("hour" bigint, pool integer, quantity bigint)')

    def add(self, done: CommitmentHours) -> None:
        """Add the usage of some hours."""
        places = np.array([self.pools.setdefault(pool, len(self.pools)) for pool in done.pools], dtype=np.int32)
        pool, hour = np.nonzero(done.demand)
        self.con.register("incoming", pa.table(
            {"hour": done.hours[hour], "pool": places[pool], "quantity": done.demand[pool, hour]}
        ))  # fmt: skip
        self.con.execute("insert into ledger_usage select * from incoming")
        self.con.unregister("incoming")

    def write(self, folder: Path, biller: Biller) -> None:
        """Write ``usage``, ``rate_commitments`` and ``rates`` as Parquet."""
        self.con.register("pools", self._pools(biller))
        self.con.register("committed_prices", _committed_prices(biller.company.commitments, list(self.pools)))
        queries = {
            "usage": """select at_hour(u."hour") as "hour", 'aws' as provider, p.account_id, p.region, p.name as pool,
                per_unit_exact(u.quantity * 1000000)::decimal(18, 4) as quantity, per_unit_exact(p.rate) as list_price, p.zone
                from ledger_usage as u join pools as p using (pool) order by 1, 3, 4, 5, 8""",
            "rate_commitments": """select c.id, 'aws' as provider, c.instrument, a.id as owner_account_id, c.region, c.zone,
                coalesce(c.pool, c.family) as family_or_pool,
                case when c.is_plan then per_unit_exact(c.hourly) else c.count end as amount, at_hour(c.start) as "from",
                at_hour(c.stop) as "to", c.sharing, c."group"::varchar as "group"
                from commitments as c join accounts as a on a.acc = c.owner order by c.com""",
            "rates": """select c.instrument, p.pool, p.region, per_unit_exact(p.rate) as price, c.id as commitment
                from committed_prices as p join commitments as c using (com) order by c.com, 2, 3""",
        }  # fmt: skip
        for name, sql in queries.items():
            self.con.execute(f"copy ({sql}) to '{folder / name}.parquet' (format parquet, compression zstd)")
        for name in ("pools", "committed_prices"):
            self.con.unregister(name)

    def _pools(self, biller: Biller) -> Any:
        accounts = biller.company.estate.accounts
        rows = [
            {
                "pool": place, "account_id": accounts[pool.account].id, "region": pool.region, "zone": pool.zone,
                "name": pool.pool, "rate": list_rate(pool.pool, pool.region),
            }
            for pool, place in self.pools.items()
        ]  # fmt: skip
        return pa.Table.from_pylist(rows, schema=_POOLS)


_POOLS = pa.schema(
    {"pool": pa.int32(), "account_id": pa.string(), "region": pa.string(), "zone": pa.string(), "name": pa.string(),
     "rate": pa.int64()}
)  # fmt: skip
_PRICES = pa.schema({"com": pa.int32(), "pool": pa.string(), "region": pa.string(), "rate": pa.int64()})


def _committed_prices(commitments: list[Commitment], pools: list[Usage]) -> Any:
    """Return the price of each commitment per unit and hour: plans of all they cover, reservations of their own."""
    kinds = sorted({(used.pool, used.region) for used in pools})
    rows: list[dict[str, Any]] = []
    for com, owned in enumerate(commitments):
        rated = ((pool, region, owned.plan_rate(pool, region)) for pool, region in kinds)
        own = [(owned.pool, owned.region, owned.hourly // max(owned.count, 1))]
        rows += [
            {"com": com, "pool": pool, "region": region, "rate": rate}
            for pool, region, rate in (rated if owned.is_plan else own)
            if rate is not None
        ]
    return pa.Table.from_pylist(rows, schema=_PRICES)
