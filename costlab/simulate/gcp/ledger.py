"""The ledger of truth: what the lines mean, added up exactly, whatever they are rendered as."""

# ruff: noqa: E501 - tables of data and SQL read best with one entry on a line

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from costlab.simulate import prices as units
from costlab.simulate.gcp import prices
from costlab.simulate.gcp.rows import Kind
from costlab.simulate.gcp.store import JOINS

if TYPE_CHECKING:
    from pathlib import Path

    from costlab.period import Month
    from costlab.simulate.gcp.bill import Biller
    from costlab.simulate.gcp.machines import Spent
    from costlab.warehouse.connection import Connection

_FEE: Final = f"f.kind in ({Kind.RESOURCE_FEE:d}, {Kind.FLEXIBLE_FEE:d})"
_CLOSING: Final = f"f.kind in ({Kind.TAX:d}, {Kind.ADJUSTMENT:d}, {Kind.ROUNDING:d})"
_NET: Final = "(f.cost + f.cud + f.flex + f.sud + f.discount + f.offset)"
_GIVEN: Final = "(f.promotion + f.free)"
_GRAIN: Final = (
    "BillingMonth, ServiceCode, ServiceName, SubAccountId, ChargeDate, ChargeCategory, ChargeClass, InvoiceId"
)
_COSTS: Final = ("BilledCost", "EffectiveCost", "ContractedCost", "ListCost")
LINE_TYPE: Final = f"case f.kind when {Kind.TAX:d} then 'tax' when {Kind.ADJUSTMENT:d} then 'adjustment' when {Kind.ROUNDING:d} then 'rounding_error' else 'regular' end"


class Ledger:
    """Collects costs and commitment hours while the bill is made; :meth:`write` stores them.

    A fee is a Purchase that costs nothing by itself; what of it the company pays is an effective cost of the
    commitment's own. Promotions and the free tier are credits beside the usage, other credits reduce its cost.
    """

    def __init__(self, con: Connection) -> None:
        self.con = con
        for name in ("costs", "lines", "commitments"):
            con.execute(f"drop table if exists ledger_{name}")
        costs = ", ".join(f"{name} decimal(38, 12)" for name in _COSTS)
        con.execute(f"""create table ledger_costs (BillingMonth varchar, ServiceCode varchar, ServiceName varchar,
            SubAccountId varchar, ChargeDate date, ChargeCategory varchar, ChargeClass varchar, InvoiceId varchar,
            {costs}, line_items bigint)""")
        con.execute(
            "create table ledger_lines (BillingMonth varchar, line_type varchar, rows bigint, source_cost decimal(38, 12))"
        )
        con.execute("""create table ledger_commitments (com integer, "hour" bigint, committed bigint, used bigint,
            listed bigint, cores bigint, memory bigint)""")

    def add(self, month: Month) -> None:
        """Add the lines in ``facts``."""
        common = f"""'{month}' as BillingMonth, s.service_id as ServiceCode, s.service as ServiceName,
            p.id as SubAccountId, at_hour(f.h0)::date as ChargeDate"""
        klass = "case when n.mode <> 'MANUAL_ADJUSTMENT' then 'Correction' end"
        category = f"case when {_FEE} then 'Purchase' when f.kind = {Kind.TAX:d} then 'Tax' when {_CLOSING} then 'Adjustment' else 'Usage' end"
        self.con.execute(f"""insert into ledger_costs
            select {common}, {category} as ChargeCategory, {klass} as ChargeClass, null as InvoiceId,
                exact(sum({_NET})), exact(sum(case when {_FEE} then 0 else {_NET} end)),
                exact(sum(f.at_default)), exact(sum(f.at_list)), count(*)
            from {JOINS} group by all
            union all
            select {common}, 'Usage', {klass}, null, 0, exact(sum({_NET})), 0, 0, 0
            from {JOINS} where {_FEE} and {_NET} <> 0 group by all
            union all
            select {common}, 'Credit', {klass}, null, exact(sum({_GIVEN})), exact(sum({_GIVEN})), exact(sum({_GIVEN})), exact(sum({_GIVEN})), 0
            from {JOINS} where {_GIVEN} <> 0 group by all""")
        self.con.execute(f"""insert into ledger_lines
            select '{month}', {LINE_TYPE}, count(*), exact(sum({_NET} + {_GIVEN})) from {JOINS} group by all""")

    def add_hours(self, biller: Biller, spent: Spent) -> None:
        """Add what each commitment did in each hour of a month."""
        hours = np.arange(spent.first, spent.first + spent.quantity.shape[2], dtype=np.int64)
        for index, owned in enumerate(biller.company.commitments):
            at = np.flatnonzero(owned.active(hours))
            cores, memory = spent.quantity[index, 0, at], spent.quantity[index, 1, at]
            listed = spent.listed[index][:, at].sum(axis=0)
            if owned.is_flexible:
                used = listed * owned.keep // 100
            else:
                core, gib = prices.committed_rates(owned.series, owned.region, owned.years)
                used = (cores * core + memory * gib) // 100
            rows = pa.table(
                {
                    "com": np.full(len(at), index, dtype=np.int32), "hour": hours[at],
                    "committed": np.full(len(at), owned.hourly * 100, dtype=np.int64), "used": used, "listed": listed,
                    "cores": cores, "memory": memory,
                }
            )  # fmt: skip
            self.con.register("incoming", rows)
            self.con.execute("insert into ledger_commitments select * from incoming")
            self.con.unregister("incoming")

    def write(self, folder: Path) -> None:
        """Write ``costs, lines, commitments, commitment_hours, resources, invoices`` as Parquet."""
        folder.mkdir(parents=True, exist_ok=True)
        costs = ", ".join(f"sum({c})::decimal(38, 12) as {c}" for c in _COSTS)
        queries = {
            "costs": f"select {_GRAIN}, {costs}, sum(line_items)::bigint as line_items from ledger_costs group by {_GRAIN} order by all",
            "lines": """select BillingMonth, line_type, sum(rows)::bigint as rows, sum(source_cost)::decimal(38, 12) as source_cost
                from ledger_lines group by 1, 2 order by 1, 2""",
            "invoices": """select BillingMonth, InvoiceId, sum(BilledCost)::decimal(38, 12) as BilledCost
                from ledger_costs group by 1, 2 order by 1, 2""",
            "commitments": f"""select c.id as CommitmentDiscountId, c.name, c.instrument, c.account as BillingAccountId,
                p.id as SubAccountId, c.years, c.region, c.series, c.cores, c.memory,
                case when c.is_flexible then exact(c.covers::hugeint * 100) end as covers,
                exact(c.hourly::hugeint * {units.MONEY // units.RATE}) as hourly, at_hour(c.start) as start, at_hour(c.stop) as stop
                from commitments as c join projects as p on p.acc = c.owner order by c.com""",
            "commitment_hours": """select c.id as CommitmentDiscountId, at_hour(h."hour") as "hour", exact(committed) as committed,
                exact(used) as used, exact(committed - used) as unused, exact(listed) as covered_list_cost,
                h.cores / 10000.0::double as cores, h.memory / 10000.0::double as memory
                from ledger_commitments as h join commitments as c on c.com = h.com order by c.com, h."hour" """,
            "resources": """select r.id as ResourceId, r.name, r.kind as resource_kind, p.id as SubAccountId, p.name as SubAccountName,
                r.region, r.zone, r.shape, at_hour(r.start) as start, at_hour(r.stop) as stop, r.labels
                from resources as r join projects as p on p.acc = r.owner order by r.res""",
        }  # fmt: skip
        for name, sql in queries.items():
            self.con.execute(f"copy ({sql}) to '{folder / name}.parquet' (format parquet, compression zstd)")

    def totals(self) -> dict[str, dict[str, str]]:
        """Return the four costs and the number of lines of the bill per invoice month, as decimal strings."""
        rows = self.con.execute("""select BillingMonth, sum(BilledCost), sum(EffectiveCost), sum(ContractedCost), sum(ListCost),
            (select sum(rows)::bigint from ledger_lines as l where l.BillingMonth = c.BillingMonth)
            from ledger_costs as c group by 1 order by 1""").fetchall()
        names = (*_COSTS, "line_items")
        return {row[0]: dict(zip(names, (str(v) for v in row[1:]), strict=True)) for row in rows}
