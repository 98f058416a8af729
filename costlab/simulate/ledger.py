"""The ledger of truth: what the line items mean, added up exactly, whatever they are rendered as."""

# ruff: noqa: E501 - tables of data and SQL read best with one entry on a line

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from costlab.money import plain
from costlab.simulate import prices
from costlab.simulate.cur_columns import of
from costlab.simulate.estate import HOURS_PER_DAY
from costlab.simulate.facts import Line
from costlab.simulate.rating_files import RatingFiles

if TYPE_CHECKING:
    from pathlib import Path

    from costlab.simulate.charges import Biller, CommitmentHours
    from costlab.simulate.rendering import Period
    from costlab.simulate.truth import UnusedCommitment
    from costlab.warehouse.connection import Connection

_FEES: Final = of(Line.RI_FEE, Line.PLAN_FEE)
_PURCHASE: Final = of(Line.RI_FEE, Line.PLAN_FEE, Line.PLAN_UPFRONT, Line.FEE)
_DROPPED: Final = of(Line.NEGATION, Line.EDP)
CATEGORY: Final = f"""case when {_PURCHASE} then 'Purchase' when {of(Line.TAX)} then 'Tax'
    when {of(Line.CREDIT)} then 'Credit' else 'Usage' end"""
SERVICE: Final = f"case when {of(Line.SPLIT)} then 'Amazon Elastic Kubernetes Service' else s.service end"
SERVICE_CODE: Final = f"case when {of(Line.SPLIT)} then 'AmazonEKS' else s.code end"

_GRAIN: Final = (
    "BillingMonth, ServiceCode, ServiceName, SubAccountId, ChargeDate, ChargeCategory, ChargeClass, InvoiceId"
)
_SUMS: Final = f"""select kind, sku, acc, invoice, floor(h0 / {HOURS_PER_DAY})::bigint * {HOURS_PER_DAY} as h0, sum(billed) as billed,
    sum(effective) as effective, sum(contracted) as contracted, sum(listed) as listed, sum(net) as net,
    sum(commit_net - used_net) as unused, count(*) as rows from facts group by all"""
"""Line items of a kind, item, account and day: few, before they are given names."""
_SUMMED: Final = """sums as f join kinds as k on k.kind = f.kind left join skus as s on s.sku = f.sku
    join accounts as a on a.acc = f.acc"""
_COSTS: Final = """BilledCost decimal(38, 12), EffectiveCost decimal(38, 12), ContractedCost decimal(38, 12),
    ListCost decimal(38, 12)"""


class Ledger:
    """Collects costs, commitment hours and invoices while the bill is made; :meth:`write` stores them.

    Purchases of commitments have EffectiveCost 0; what a reservation or plan did not use is a Usage amount of its
    own with only an EffectiveCost. Negations and discount rows are no costs: the net amounts contain them.
    """

    def __init__(self, con: Connection) -> None:
        self.con = con
        self.rating = RatingFiles(con)
        for name in ("costs", "lines", "commitments"):
            con.execute(f"drop table if exists ledger_{name}")
        con.execute(f"""create table ledger_costs (BillingMonth varchar, ServiceCode varchar, ServiceName varchar,
            SubAccountId varchar, ChargeDate date, ChargeCategory varchar, ChargeClass varchar, InvoiceId varchar,
            {_COSTS}, line_items bigint)""")
        con.execute(
            "create table ledger_lines (BillingMonth varchar, line_type varchar, rows bigint, source_cost decimal(38, 12))"
        )
        con.execute("""create table ledger_commitments (com integer, "hour" bigint, committed bigint, used bigint,
            unused bigint, committed_net bigint, used_net bigint, unused_net bigint)""")

    def add(self, period: Period) -> None:
        """Add the line items in ``facts``."""
        invoice = f"case when f.invoice = 1 then '{period.marketplace_invoice}' else '{period.invoice}' end"
        common = f"""'{period.month}' as BillingMonth, {SERVICE_CODE} as ServiceCode, {SERVICE} as ServiceName,
            a.id as SubAccountId, at_hour(f.h0)::date as ChargeDate"""
        klass = f"case when {of(Line.REFUND)} then 'Correction' end"
        self.con.execute(f"create or replace temp table sums as {_SUMS}")
        self.con.execute(f"""insert into ledger_costs
            select {common}, {CATEGORY} as ChargeCategory, {klass} as ChargeClass, {invoice} as InvoiceId,
                exact(sum(f.billed)), exact(sum(f.effective)), exact(sum(f.contracted)), exact(sum(f.listed)), sum(f.rows)
            from {_SUMMED} where not {_DROPPED}
            group by all
            union all
            select {common}, 'Usage' as ChargeCategory, null as ChargeClass, {invoice} as InvoiceId,
                0, exact(sum(f.unused)), 0, 0, 0
            from {_SUMMED} where {_FEES}
            group by all""")  # fmt: skip
        self.con.execute(f"""insert into ledger_lines
            select '{period.month}', k.line_type, sum(f.rows), exact(sum(f.net)) from {_SUMMED} group by all""")

    def add_hours(self, biller: Biller, done: CommitmentHours) -> None:
        """Add what each commitment did in each hour."""
        import numpy as np
        import pyarrow as pa

        self.rating.add(done)
        com, hour = np.nonzero(done.committed)
        committed, used = done.committed[com, hour], done.used[com, hour]
        net = {
            name: np.concatenate([biller.commitment_net(c, amounts[c, hour[com == c]]) for c in range(len(amounts))])
            for name, amounts in (("committed", done.committed), ("used", done.used))
        }
        rows = pa.table(
            {
                "com": com.astype(np.int32), "hour": done.hours[hour], "committed": committed, "used": used,
                "unused": committed - used, "committed_net": net["committed"], "used_net": net["used"],
                "unused_net": net["committed"] - net["used"],
            }
        )  # fmt: skip
        self.con.register("incoming", rows)
        self.con.execute("insert into ledger_commitments select * from incoming")
        self.con.unregister("incoming")

    def write(self, folder: Path, biller: Biller) -> None:
        """Write ``costs, lines, commitments, commitment_hours, resources, invoices`` and the files for rating."""
        folder.mkdir(parents=True, exist_ok=True)
        self.rating.write(folder, biller)
        costs = ", ".join(
            f"sum({c})::decimal(38, 12) as {c}" for c in ("BilledCost", "EffectiveCost", "ContractedCost", "ListCost")
        )
        queries = {
            "costs": f"select {_GRAIN}, 'USD' as BillingCurrency, {costs}, sum(line_items)::bigint as line_items from ledger_costs group by {_GRAIN} order by all",
            "lines": """select BillingMonth, line_type, sum(rows)::bigint as rows, sum(source_cost)::decimal(38, 12) as source_cost
                from ledger_lines group by 1, 2 order by 1, 2""",
            "invoices": """select BillingMonth, InvoiceId, sum(BilledCost)::decimal(38, 12) as BilledCost
                from ledger_costs group by 1, 2 order by 1, 2""",
            "commitments": f"""select c.id as CommitmentDiscountId, c.instrument, a.id as BillingAccountId, c.payment, c.years,
                c.region, c.family, c.instance_type, c.zone, c.count, at_hour(c.start) as start, at_hour(c.stop) as stop,
                exact(c.hourly::hugeint * {prices.MONEY // prices.RATE}) as hourly, exact(c.upfront) as upfront
                from commitments as c join accounts as a on a.acc = c.owner order by c.com""",
            "commitment_hours": """select c.id as CommitmentDiscountId, at_hour(h."hour") as "hour", exact(committed) as committed,
                exact(used) as used, exact(unused) as unused, exact(committed_net) as committed_net,
                exact(used_net) as used_net, exact(unused_net) as unused_net
                from ledger_commitments as h join commitments as c on c.com = h.com order by c.com, h."hour" """,
            "resources": """select r.id as ResourceId, r.name, r.resource_kind, a.id as SubAccountId, a.name as SubAccountName,
                r.region, r.zone, r.shape, at_hour(r.start) as start, at_hour(r.stop) as stop, r.tags
                from resources as r join accounts as a on a.acc = r.owner order by r.res""",
        }  # fmt: skip
        for name, sql in queries.items():
            self.con.execute(f"copy ({sql}) to '{folder / name}.parquet' (format parquet, compression zstd)")

    def unused_lately(self, hours: int) -> list[UnusedCommitment]:
        """Return what each commitment lost in the last ``hours``, the biggest loss first."""
        rows = self.con.execute("""select c.id, exact(sum(unused_net)), exact(sum(committed_net))
            from ledger_commitments as h join commitments as c on c.com = h.com
            where h."hour" >= (select max("hour") from ledger_commitments) - ? group by 1
            having sum(unused_net) > 0 order by 2 desc, 1""", [hours - 1]).fetchall()  # fmt: skip
        return [{"commitment_id": i, "unused": plain(unused), "committed": plain(all_)} for i, unused, all_ in rows]

    def totals(self) -> dict[str, dict[str, str]]:
        """Return the four costs and the number of line items of the bill per billing month, as decimal strings."""
        rows = self.con.execute("""select BillingMonth, sum(BilledCost), sum(EffectiveCost), sum(ContractedCost), sum(ListCost),
            (select sum(rows)::bigint from ledger_lines as l where l.BillingMonth = c.BillingMonth)
            from ledger_costs as c group by 1 order by 1""").fetchall()
        names = ("BilledCost", "EffectiveCost", "ContractedCost", "ListCost", "line_items")
        return {row[0]: dict(zip(names, (str(v) for v in row[1:]), strict=True)) for row in rows}


def write_json(path: Path, content: object) -> None:
    """Write a JSON file with sorted keys."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
