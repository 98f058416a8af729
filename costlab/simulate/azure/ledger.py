"""The ledger of truth: what the charges mean, added up exactly, whatever they are rendered as."""

# ruff: noqa: E501 - tables of data and SQL read best with one entry on a line

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from costlab.money import plain
from costlab.simulate.azure import prices
from costlab.simulate.azure.layout import FROM, literal

if TYPE_CHECKING:
    from pathlib import Path

    from costlab.simulate.azure.charges import Biller, Hours
    from costlab.simulate.azure.layout import Period
    from costlab.simulate.truth import UnusedCommitment
    from costlab.warehouse.connection import Connection

_GRAIN: Final = "BillingMonth, ServiceCode, ServiceName, SubAccountId, ChargeDate, ChargeCategory, ChargeClass, InvoiceId, BillingCurrency"
_COSTS: Final[tuple[str, ...]] = ("BilledCost", "EffectiveCost", "ContractedCost", "ListCost")


class Ledger:
    """Collects costs, usage and commitment hours while the bill is made; :meth:`write` stores them.

    ``costs`` counts each charge once, as the exports taken together do: purchases of commitments have EffectiveCost 0,
    what commitments cover BilledCost 0. ``lines`` counts rows of the pair of exports as they are delivered.
    """

    def __init__(self, con: Connection, currency: str) -> None:
        self.con = con
        self.currency = currency
        for name in ("costs", "lines", "hours", "usage"):
            con.execute(f"drop table if exists ledger_{name}")
        money = ", ".join(f"{name} decimal(38, 12)" for name in _COSTS)
        con.execute(f"""create table ledger_costs (BillingMonth varchar, ServiceCode varchar, ServiceName varchar,
            SubAccountId varchar, ChargeDate date, ChargeCategory varchar, ChargeClass varchar, InvoiceId varchar,
            BillingCurrency varchar, {money}, line_items bigint)""")
        con.execute(
            "create table ledger_lines (BillingMonth varchar, export varchar, line_type varchar, rows bigint, source_cost decimal(38, 12))"
        )
        con.execute(
            'create table ledger_hours (com integer, "hour" bigint, committed bigint, unused bigint, fx bigint)'
        )
        con.execute('create table ledger_usage ("hour" bigint, acc integer, item integer, quantity bigint)')

    def add(self, period: Period) -> None:
        """Add the charges in ``facts``."""
        month = literal(str(period.month))
        invoice = f"nullif(case f.invoice when 1 then {literal(period.marketplace_invoice)} else {literal(period.invoice)} end, '')"
        self.con.execute(f"""insert into ledger_costs
            select {month}, i.code, i.service, s.id, on_day(f.day), k.category,
                case k.charge_type when 'Refund' then 'Correction' end, {invoice}, '{self.currency}',
                money(sum(f.billed)), money(sum(f.effective)), money(sum(f.contracted)), money(sum(f.listed)), count(*)
            {FROM} group by all""")
        for export, column, cost in (("actual", "in_actual", "billed"), ("amortized", "in_amortized", "effective")):
            self.con.execute(f"""insert into ledger_lines
                select {month}, '{export}', k.charge_type || coalesce(' ' || k.model, ''), count(*),
                money(sum(f.{cost})) {FROM} where k.{column} group by all""")

    def add_hours(self, biller: Biller, done: Hours) -> None:
        """Add what each commitment did in each hour, and the usage they were applied to."""
        for index, commitment in enumerate(biller.company.commitments):
            at = np.flatnonzero(done.committed[index])
            if len(at):
                fx = biller.fx_of(commitment, int(done.hours[0]))
                self._insert("hours", {
                    "com": np.full(len(at), index, dtype=np.int32), "hour": done.hours[at],
                    "committed": commitment.amount(done.committed[index, at]),
                    "unused": commitment.amount(done.unused[index, at]), "fx": np.full(len(at), fx),
                })  # fmt: skip
        self._insert("usage", self._usage(biller, done))

    def _usage(self, biller: Biller, done: Hours) -> dict[str, np.ndarray]:
        """Return machines per hour, subscription and item: what the allocation of commitments starts from."""
        item, acc = biller.machine_item[done.machines], biller.machine_acc[done.machines]
        keys, inverse = np.unique(np.stack([acc, item]), axis=1, return_inverse=True)
        sums = np.zeros((keys.shape[1], len(done.hours)), dtype=np.int64)
        np.add.at(sums, inverse.reshape(-1), done.demand)
        pool, hour = np.nonzero(sums)
        return {"hour": done.hours[hour], "acc": keys[0][pool].astype(np.int32),
                "item": keys[1][pool].astype(np.int32), "quantity": sums[pool, hour]}  # fmt: skip

    def _insert(self, table: str, columns: dict[str, np.ndarray]) -> None:
        self.con.register("incoming", pa.table(columns))
        self.con.execute(f"insert into ledger_{table} select * from incoming")
        self.con.unregister("incoming")

    def write(self, folder: Path) -> None:
        """Write ``costs, lines, invoices, commitments, commitment_hours, resources`` and the files for rating."""
        folder.mkdir(parents=True, exist_ok=True)
        costs = ", ".join(f"sum({c})::decimal(38, 12) as {c}" for c in _COSTS)
        for name, sql in {
            "costs": f"select {_GRAIN}, {costs}, sum(line_items)::bigint as line_items from ledger_costs group by all order by all",
            "lines": """select BillingMonth, export, line_type, sum(rows)::bigint as rows, sum(source_cost)::decimal(38, 12) as source_cost
                from ledger_lines group by all order by all""",
            "invoices": """select BillingMonth, InvoiceId, BillingCurrency, sum(BilledCost)::decimal(38, 12) as BilledCost
                from ledger_costs group by all order by all""",
            **_COMMITMENTS,
            **_RATING,
        }.items():
            self.con.execute(f"copy ({sql}) to '{folder / name}.parquet' (format parquet, compression zstd)")

    def unused_lately(self, hours: int) -> list[UnusedCommitment]:
        """Return what each commitment lost in the last ``hours``, the biggest loss first."""
        rows = self.con.execute(f"""select c.id, money(sum(h.unused * h.fx)), money(sum(h.committed * h.fx))
            from ledger_hours as h join commitments as c using (com)
            where h."hour" >= (select max("hour") from ledger_hours) - {hours - 1} group by 1
            having sum(h.unused) > 0 order by 2 desc, 1""").fetchall()
        return [{"commitment_id": i, "unused": plain(lost), "committed": plain(all_)} for i, lost, all_ in rows]

    def billed(self, month: str) -> int:
        """Return what the vendor's own invoice of a month bills so far, as money."""
        rows = self.con.execute(f"""select coalesce(sum(BilledCost) * {prices.MONEY}, 0)::hugeint from ledger_costs
            where BillingMonth = '{month}' and ServiceName <> 'Azure Marketplace'""").fetchall()
        return int(rows[0][0])

    def totals(self) -> dict[str, dict[str, str]]:
        """Return the four costs and the rows of each export per billing month, as decimal strings."""
        rows = self.con.execute("""select BillingMonth, sum(BilledCost), sum(EffectiveCost), sum(ContractedCost), sum(ListCost),
            sum(line_items)::bigint from ledger_costs group by 1 order by 1""").fetchall()
        found: dict[str, dict[str, str]] = {
            row[0]: dict(zip((*_COSTS, "charges"), (str(v) for v in row[1:]), strict=True)) for row in rows
        }
        for month, export, count in self.con.execute(
            "select BillingMonth, export, sum(rows)::bigint from ledger_lines group by 1, 2 order by 1, 2"
        ).fetchall():
            found[month][f"{export}_rows"] = str(count)
        return found


_COMMITMENTS: Final = {
    "commitments": """select c.id as CommitmentDiscountId, c.name, case when c.is_plan then 'azure-sp' else 'azure-reservation' end as instrument,
        s.id as SubAccountId, c.shared, c.upfront, c.years, c.region as region, c.shape as shape,
        c."group" as flexibility_group, c.ratio, c.count, at_hour(c.start) as start, at_hour(c.stop) as stop,
        fourth(c.hourly) as hourly from commitments as c join subscriptions as s on s.acc = c.owner order by c.com""",
    "commitment_hours": """select c.id as CommitmentDiscountId, at_hour(h."hour") as "hour", money(h.committed * h.fx) as committed,
        money((h.committed - h.unused) * h.fx) as used, money(h.unused * h.fx) as unused,
        pricing(h.committed) as committed_pricing, pricing(h.committed - h.unused) as used_pricing,
        pricing(h.unused) as unused_pricing
        from ledger_hours as h join commitments as c using (com) order by c.com, h."hour" """,
    "resources": """select r.id as ResourceId, r.name, r.resource_kind, s.id as SubAccountId, s.name as SubAccountName, r.region,
        r.zone, r.shape, at_hour(r.start) as start, at_hour(r.stop) as stop, r.tags
        from resources as r join subscriptions as s on s.acc = r.owner order by r.res""",
}  # fmt: skip
_POOL: Final = "regexp_replace({}.shape, '^(GP_Gen5)_[0-9]+$', '\\1')"
"""Databases are counted in virtual cores, whatever their size."""
_RATING: Final = {
    "usage": f"""select at_hour(u."hour") as "hour", 'Microsoft' as provider, s.id as account_id, i.region, {_POOL.format("i")} as pool,
        fourth(sum(u.quantity)) as quantity, fourth(any_value(i.list_price)) as list_price
        from ledger_usage as u join items as i using (item) join subscriptions as s using (acc)
        where i.flex is not null group by all order by all""",
    "rates": f"""select distinct case when c.is_plan then 'azure-sp' else 'azure-reservation' end as instrument, {_POOL.format("i")} as pool, i.region,
        fourth(case when c.is_plan then i.plan_price else i.ratio * c.unit_price end) as price
        from commitments as c join items as i on i.flex is not null and i.service <> 'Azure Reservations'
            and case when c.is_plan then i.plan_price is not null else i.flex = c."group" and i.region = c.region end
        order by all""",
    "rate_commitments": f"""select c.id, 'Microsoft' as provider, case when c.is_plan then 'azure-sp' else 'azure-reservation' end as instrument,
        s.id as owner_account_id, c.region as region, null::varchar as zone, {_POOL.format("c")} as family_or_pool,
        case when c.is_plan then fourth(c.hourly) else c.count::decimal(28, 4) end as amount, at_hour(c.start) as "from",
        at_hour(c.stop) as "to", case when c.shared then 'all' else 'none' end as sharing, null::varchar as "group"
        from commitments as c join subscriptions as s on s.acc = c.owner order by c.com""",
}  # fmt: skip
