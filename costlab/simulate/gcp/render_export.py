"""Writes lines as Cloud Billing's export tables look once BigQuery has exported them to files.

Columns and their types: Cloud Billing documentation, "Structure of Detailed data export", read 2026-11. Amounts are
FLOAT64 there; they are chosen so that the shortest text of the double is the amount itself.
"""

# ruff: noqa: E501 - tables of SQL read best with one column on a line

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from costlab.simulate.gcp.company import ACCOUNT
from costlab.simulate.gcp.rows import Kind
from costlab.simulate.gcp.store import JOINS

if TYPE_CHECKING:
    from pathlib import Path

    from costlab.period import Month
    from costlab.warehouse.connection import Connection

_NO_PAIRS: Final = "cast([] as struct(key varchar, value varchar)[])"
_MACHINE: Final = "s.kind in ('core', 'ram')"
_PRICED: Final = f"f.kind in ({Kind.USAGE:d}, {Kind.RESOURCE_FEE:d}, {Kind.FLEXIBLE_FEE:d})"
_FEE: Final = f"f.kind in ({Kind.RESOURCE_FEE:d}, {Kind.FLEXIBLE_FEE:d})"
_CREDITS: Final = (  # column, type, id, full name, name
    ("cud", "COMMITTED_USAGE_DISCOUNT", "case when s.kind = 'core' then 'Committed Usage Discount: CPU' else 'Committed Usage Discount: RAM' end",
     "cast(null as varchar)", "case when s.kind = 'core' then 'Committed Usage Discount: CPU' else 'Committed Usage Discount: RAM' end"),
    ("flex", "COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE", "'Committed Usage Discount: Dollar Based'", "'Spend-based committed use discount: Compute Flexible'", "'Committed Usage Discount: Dollar Based'"),
    ("sud", "SUSTAINED_USAGE_DISCOUNT", "'Sustained Usage Discount'", "cast(null as varchar)", "'Sustained Usage Discount'"),
    ("discount", "DISCOUNT", "'Spending based discount'", "'Contract 2025: 3% on Cloud SQL'", "'Spending based discount'"),
    ("promotion", "PROMOTION", "case when p.id = 'quill-sandbox' then 'PTA-77-0001' else 'BQ-START-0004' end", "case when p.id = 'quill-sandbox' then 'Free trial credit' else 'BigQuery starter credit' end",
     "case when p.id = 'quill-sandbox' then 'Free trial credit' else 'BigQuery starter credit' end"),
    ("free", "FREE_TIER", "'FREE_TIER'", "'Monthly free tier'", "'Free tier'"),
    ("offset", "FEE_UTILIZATION_OFFSET", "'Fee utilization offset'", "'Fee utilization offset: Compute Flexible CUDs'", "'Fee utilization offset'"),
)  # fmt: skip


def _credits() -> str:
    entries = ", ".join(
        f"{{'name': {name}, 'amount': usd(f.{column}), 'full_name': {full}, 'id': {ident}, 'type': '{kind}'}}"
        for column, kind, ident, full, name in _CREDITS
    )
    some = " + ".join(f"f.{column}" for column, *_ in _CREDITS)
    empty = "cast([] as struct(name varchar, amount double, full_name varchar, id varchar, type varchar)[])"
    return f"case when {some} = 0 then {empty} else list_filter([{entries}], lambda c: c.amount <> 0) end"


CREDITS_SQL: Final = _credits()
"""The credits of a line as a list."""
LABELS: Final = f"""case when f.origin >= 0 then [{{'key': 'goog-originating-service-id', 'value': o.service_id}},
    {{'key': 'goog-originating-sku-id', 'value': o.id}}] else coalesce(r.labels, {_NO_PAIRS}) end"""
PLACE: Final = "coalesce(r.region, s.region)"
COUNTRY: Final = f"case when {PLACE} like 'us-%' then 'US' when {PLACE} = 'europe-west1' then 'BE' when {PLACE} is not null then 'SG' end"
_COLUMNS: Final[tuple[tuple[str, str, str], ...]] = (  # name, which exports have it, SQL
    ("billing_account_id", "both", f"'{ACCOUNT}'"),
    ("service", "both", "{'id': s.service_id, 'description': s.service}"),
    ("sku", "both", "{'id': s.id, 'description': s.name}"),
    ("usage_start_time", "both", "$at(at_hour(f.h0))"),
    ("usage_end_time", "both", "$at(at_hour(f.h1))"),
    ("project", "both", "case when p.acc is not null then {'id': p.id, 'number': p.number, 'name': p.name, 'labels': p.labels, 'ancestry_numbers': p.ancestry, 'ancestors': p.ancestors} end"),
    ("labels", "both", LABELS),
    ("system_labels", "both", f"case when {_MACHINE} then r.system_labels else {_NO_PAIRS} end"),
    ("location", "both", f"{{'location': coalesce(r.zone, {PLACE}), 'country': {COUNTRY}, 'region': {PLACE}, 'zone': r.zone}}"),
    ("export_time", "both", "$at(at_minute(f.exported))"),
    ("cost", "both", "usd(f.cost)"),
    ("currency", "both", "'$currency'"),
    ("currency_conversion_rate", "both", "1.0::double"),
    ("usage", "both", f"{{'amount': case when {_PRICED} then units(f.q) * s.factor end, 'unit': s.usage_unit, 'amount_in_pricing_units': case when {_PRICED} then units(f.q) end, 'pricing_unit': s.unit}}"),
    ("credits", "both", CREDITS_SQL),
    ("invoice", "both", "{'month': '$month', 'publisher_type': case when s.seller is null then 'GOOGLE' else 'PARTNER' end}"),
    ("cost_type", "both", f"case f.kind when {Kind.TAX:d} then 'tax' when {Kind.ADJUSTMENT:d} then 'adjustment' when {Kind.ROUNDING:d} then 'rounding_error' else 'regular' end"),
    ("adjustment_info", "both", "case when n.note is not null then {'id': n.id, 'description': n.description, 'mode': n.mode, 'type': n.type} end"),
    ("tags", "both", "coalesce(p.tags, cast([] as struct(key varchar, value varchar, inherited boolean, namespace varchar)[]))"),
    ("cost_at_list", "both", "usd(f.at_list)"),
    ("transaction_type", "both", "case when s.seller is null then 'GOOGLE' else 'THIRD_PARTY_RESELLER' end"),
    ("seller_name", "both", "s.seller"),
    ("subscription", "both", f"case when c.is_flexible and ({_FEE} or f.model > 0) then {{'instance_id': c.id}} end"),
    ("resource", "detailed", f"case when {_FEE} and not c.is_flexible then {{'name': c.name, 'global_name': c.id}} when r.res is not null then {{'name': r.name, 'global_name': r.id}} end"),
    ("price", "detailed", f"case when {_PRICED} then {{'effective_price': per_unit(f.price), 'tier_start_amount': 0.0::double, 'unit': s.unit, 'pricing_unit_quantity': 1.0::double, 'list_price': per_unit(s.list_rate), 'effective_price_default': per_unit(f.default_price), 'list_price_consumption_model': per_unit(case when f.model > 0 then f.price else s.list_rate end)}} end"),
    ("cost_at_effective_price_default", "both", "usd(f.at_default)"),
    ("cost_at_list_consumption_model", "both", "usd(case when f.model > 0 then f.cost else f.at_list end)"),
    ("consumption_model", "both", f"case when {_PRICED} then {{'id': m.id, 'description': m.description}} end"),
)  # fmt: skip


class Export:
    """Shards of an export table; ``text`` writes gzipped JSON lines as ``bq extract`` does, else Parquet."""

    def __init__(self, root: Path, currency: str, *, detailed: bool, text: bool = False) -> None:
        self.root, self.currency, self.detailed, self.text = root, currency, detailed, text
        self.shard = 0

    def write(self, con: Connection, month: Month) -> None:
        """Write the lines in ``facts``, all of one invoice month, as the next shard."""
        self.root.mkdir(parents=True, exist_ok=True)
        instant = "strftime({}, '%Y-%m-%d %H:%M:%S UTC')" if self.text else "({})::timestamptz"
        columns = ", ".join(
            f'{self._sql(sql, month, instant)} as "{name}"'
            for name, which, sql in _COLUMNS
            if self.detailed or which == "both"
        )
        form = "format json, compression gzip" if self.text else "format parquet, compression snappy"
        path = self.root / f"{self.shard:012d}.{'json.gz' if self.text else 'parquet'}"
        con.execute(f"copy (select {columns} from {JOINS}) to '{path}' ({form})")
        self.shard += 1

    def _sql(self, sql: str, month: Month, instant: str) -> str:
        if sql.startswith("$at("):
            sql = instant.format(sql.removeprefix("$at(").removesuffix(")"))
        return sql.replace("$month", f"{month.year}{month.month:02d}").replace("$currency", self.currency)
