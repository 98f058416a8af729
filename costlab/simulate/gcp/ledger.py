"""The ledger of truth: what the lines mean, added up exactly, whatever they are rendered as."""

# ruff: noqa: E501 - tables of data and SQL read best with one entry on a line

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from costlab.money import plain
from costlab.simulate import prices as units
from costlab.simulate.gcp import prices
from costlab.simulate.gcp.rows import Kind
from costlab.simulate.gcp.store import JOINS

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal
    from pathlib import Path

    from costlab.period import Month
    from costlab.simulate.gcp.bill import Biller
    from costlab.simulate.gcp.machines import Spent
    from costlab.simulate.truth import UnusedCommitment
    from costlab.warehouse.connection import Connection

_FEE: Final = f"f.kind in ({Kind.RESOURCE_FEE:d}, {Kind.FLEXIBLE_FEE:d})"
_CLOSING: Final = f"f.kind in ({Kind.TAX:d}, {Kind.ADJUSTMENT:d}, {Kind.ROUNDING:d})"
_NET: Final = "(f.cost + f.cud + f.flex + f.sud + f.discount + f.offset)"
_GIVEN: Final = "(f.promotion + f.free)"
_GRAIN: Final = "BillingMonth, ServiceCode, ServiceName, SubAccountId, ChargeDate, ChargeCategory, ChargeClass, InvoiceId, BillingCurrency"
_COSTS: Final = ("BilledCost", "EffectiveCost", "ContractedCost", "ListCost")
LINE_TYPE: Final = f"case f.kind when {Kind.TAX:d} then 'tax' when {Kind.ADJUSTMENT:d} then 'adjustment' when {Kind.ROUNDING:d} then 'rounding_error' else 'regular' end"


_SWITCH: Final = '(select at_hour("hour") from switch)'
_RATING: Final = {
    "usage": """select at_hour(u."hour") as "hour", 'gcp' as provider, p.id as account_id, s.region, s.pool,
        sum(u.q)::bigint / 10000.0::double as quantity, per_unit(s.list_rate) as list_price
        from ledger_usage as u join skus as s on s.sku = u.sku join projects as p on p.acc = u.acc group by all order by all""",
    "rates": """select c.id as "commitment", c.instrument, s.pool, s.region,
        per_unit(case when s.pool like '%-cpu' then c.core_rate else c.memory_rate end) as price
        from commitments as c join skus as s on s.region = c.region and s.series = c.series and s.pool is not null
        where not c.is_flexible
        union all
        select c.id, i.instrument, s.pool, s.region, per_unit(s.list_rate * c.keep // 100)
        from commitments as c, skus as s, (values ('gcp-flex-cud'), ('gcp-flex-cud-credit')) as i (instrument)
        where c.is_flexible and s.pool is not null
        order by all""",
    "rate_commitments": f"""select c.id, 'gcp' as provider, c.instrument, p.id as owner_account_id, c.region, null::varchar as zone,
        c.series || x.suffix as family_or_pool, x.amount::double as amount, at_hour(c.start) as "from", at_hour(c.stop) as "to",
        case when c.shared then 'all' else 'none' end as sharing, null::varchar as "group"
        from commitments as c join projects as p on p.acc = c.owner, lateral (values ('-cpu', c.cores), ('-ram', c.memory)) as x (suffix, amount)
        where not c.is_flexible
        union all
        select c.id, 'gcp', x.instrument, p.id, null, null, null, per_unit(x.amount), x.start, x.stop, 'all', null
        from commitments as c join projects as p on p.acc = c.owner, lateral (values
            ('gcp-flex-cud-credit', c.covers, at_hour(c.start), least(at_hour(c.stop), {_SWITCH})),
            ('gcp-flex-cud', c.hourly, greatest(at_hour(c.start), {_SWITCH}), at_hour(c.stop))) as x (instrument, amount, start, stop)
        where c.is_flexible and x.start < x.stop
        order by all""",
}  # fmt: skip
"""A resource-based commitment is two there, of vCPU and of memory; a flexible one is another instrument, stated at
on-demand prices, before the company's account moved to the newer model."""


class Ledger:
    """Collects costs and commitment hours while the bill is made; :meth:`write` stores them.

    A fee is a Purchase that costs nothing by itself; what of it the company pays is an effective cost of the
    commitment's own. Promotions and the free tier are credits beside the usage, other credits reduce its cost.
    """

    def __init__(self, con: Connection, currency: str) -> None:
        self.con, self.currency = con, currency
        for name in ("costs", "lines", "commitments", "usage", "days"):
            con.execute(f"drop table if exists ledger_{name}")
        costs = ", ".join(f"{name} decimal(38, 12)" for name in _COSTS)
        con.execute(f"""create table ledger_costs (BillingMonth varchar, ServiceCode varchar, ServiceName varchar,
            SubAccountId varchar, ChargeDate date, ChargeCategory varchar, ChargeClass varchar, InvoiceId varchar,
            BillingCurrency varchar, {costs}, line_items bigint)""")
        con.execute(
            "create table ledger_lines (BillingMonth varchar, line_type varchar, rows bigint, source_cost decimal(38, 12))"
        )
        con.execute("""create table ledger_commitments (com integer, "hour" bigint, committed bigint, used bigint,
            listed bigint, cores bigint, memory bigint)""")
        con.execute('create table ledger_usage ("hour" bigint, acc integer, sku integer, q bigint)')
        con.execute("create table ledger_days (res integer, sku integer, day date, effective decimal(38, 12))")

    def add(self, month: Month) -> None:
        """Add the lines in ``facts``."""
        common = f"""'{month}' as BillingMonth, s.service_id as ServiceCode, s.service as ServiceName,
            p.id as SubAccountId, at_hour(f.h0)::date as ChargeDate"""
        klass = "case when n.mode <> 'MANUAL_ADJUSTMENT' then 'Correction' end"
        category = f"case when {_FEE} then 'Purchase' when f.kind = {Kind.TAX:d} then 'Tax' when {_CLOSING} then 'Adjustment' else 'Usage' end"
        self.con.execute(f"""insert into ledger_costs
            select {common}, {category} as ChargeCategory, {klass} as ChargeClass, null as InvoiceId, '{self.currency}',
                exact(sum({_NET})), exact(sum(case when {_FEE} then 0 else {_NET} end)),
                exact(sum(f.at_default)), exact(sum(f.at_list)), count(*)
            from {JOINS} group by all
            union all
            select {common}, 'Usage', {klass}, null, '{self.currency}', 0, exact(sum({_NET})), 0, 0, 0
            from {JOINS} where {_FEE} and {_NET} <> 0 group by all
            union all
            select {common}, 'Credit', {klass}, null, '{self.currency}', exact(sum({_GIVEN})), exact(sum({_GIVEN})), exact(sum({_GIVEN})), exact(sum({_GIVEN})), 0
            from {JOINS} where {_GIVEN} <> 0 group by all""")
        self.con.execute(f"""insert into ledger_lines
            select '{month}', {LINE_TYPE}, count(*), exact(sum({_NET} + {_GIVEN})) from {JOINS} group by all""")
        self.con.execute("""insert into ledger_usage select f.h0, f.acc, f.sku, sum(f.q)
            from facts as f join skus as s on s.sku = f.sku where s.pool is not null group by all""")
        self.con.execute(f"""insert into ledger_days select f.res, f.sku, at_hour(f.h0)::date, exact(sum({_NET}))
            from facts as f join watched as w on w.res = f.res where f.kind = {Kind.USAGE:d} group by all""")

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
        """Write all tables as Parquet.

        ``costs, lines, commitments, commitment_hours, resources, invoices``, and what ``costlab rate`` takes:
        ``usage, rates, rate_commitments``.
        """
        folder.mkdir(parents=True, exist_ok=True)
        costs = ", ".join(f"sum({c})::decimal(38, 12) as {c}" for c in _COSTS)
        queries = {
            "costs": f"select {_GRAIN}, {costs}, sum(line_items)::bigint as line_items from ledger_costs group by {_GRAIN} order by all",
            "lines": """select BillingMonth, line_type, sum(rows)::bigint as rows, sum(source_cost)::decimal(38, 12) as source_cost
                from ledger_lines group by 1, 2 order by 1, 2""",
            "invoices": """select BillingMonth, InvoiceId, sum(BilledCost)::decimal(38, 12) as BilledCost
                from ledger_costs group by 1, 2 order by 1, 2""",
            **_RATING,
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

    def unused_lately(self, hours: int) -> list[UnusedCommitment]:
        """Return what each commitment lost in the last ``hours``, the biggest loss first."""
        rows = self.con.execute("""select c.id, exact(sum(committed - used)), exact(sum(committed))
            from ledger_commitments as h join commitments as c on c.com = h.com
            where h."hour" >= (select max("hour") from ledger_commitments) - ? group by 1
            having sum(committed - used) > 0 order by 2 desc, 1""", [hours - 1]).fetchall()  # fmt: skip
        return [{"commitment_id": i, "unused": plain(unused), "committed": plain(all_)} for i, unused, all_ in rows]

    def watched(self) -> dict[tuple[int, int, date], Decimal]:
        """Return the effective cost of each watched resource, item and UTC day, before promotions and the free tier."""
        rows = self.con.execute("select res, sku, day, sum(effective) from ledger_days group by 1, 2, 3").fetchall()
        return {(res, sku, day): amount for res, sku, day, amount in rows}

    def totals(self) -> dict[str, dict[str, str]]:
        """Return the four costs and the number of lines of the bill per invoice month, as decimal strings."""
        rows = self.con.execute("""select BillingMonth, sum(BilledCost), sum(EffectiveCost), sum(ContractedCost), sum(ListCost),
            (select sum(rows)::bigint from ledger_lines as l where l.BillingMonth = c.BillingMonth)
            from ledger_costs as c group by 1 order by 1""").fetchall()
        names = (*_COSTS, "line_items")
        return {row[0]: dict(zip(names, (str(v) for v in row[1:]), strict=True)) for row in rows}
