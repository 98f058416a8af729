"""Data health: what is loaded, how fresh it is, what was set aside or changed, and that it equals the bill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from costlab.money import ZERO
from costlab.ui import parts
from costlab.ui.format import exact_number, plain_text
from costlab.ui.health import (
    Health,
    Loaded,
    load_chain,
    load_health,
    load_quarantine,
    load_restatements,
    load_sources,
)
from costlab.ui.session import Source, ask
from costlab.ui.state import Choice

if TYPE_CHECKING:
    from costlab.answer import Answer

ICON = ":material/verified_user:"
VIEWS = {
    "sources": "Sources",
    "periods": "Periods",
    "quarantine": "Quarantine",
    "restatements": "Restatements",
    "columns": "Columns",
    "reconciliation": "Full reconciliation",
}


def main() -> None:
    """Draw the page."""
    with parts.page("Data health") as frame:
        where = frame.source
        bound = parts.bound("health", [Choice("view", tuple(VIEWS))])
        health = ask(where, load_health)
        sources = ask(where, load_sources)
        with frame.line:
            parts.context_line([parts.as_of(where), f"Published sequence {where.generation.seq}"])
        figures(health, sources)
        st.segmented_control(
            "View",
            list(VIEWS),
            key=bound.key("view"),
            format_func=lambda name: VIEWS[name],
            required=True,
            label_visibility="collapsed",
        )
        bound.commit()
        {
            "sources": lambda: show_sources(sources),
            "periods": lambda: show_periods(health),
            "quarantine": lambda: show_quarantine(where),
            "restatements": lambda: show_restatements(where),
            "columns": lambda: show_columns(health),
            "reconciliation": lambda: show_chain(where),
        }[bound["view"]]()


def figures(health: Health, sources: Answer) -> None:
    """Draw the figures that say at a glance whether all is well."""
    received = sum(period.received for period in health.periods)
    problems = [item for item in sources.items if item["status"] != "ok"]
    with parts.cards():
        parts.card(
            "Reconciliation",
            "Does not add up" if health.broken else "Equal to the bill",
            delta=f"{len(health.broken)} of {len(health.periods)} periods differ"
            if health.broken
            else f"{len(health.periods)} periods",
            note="Rows and amounts received = loaded + dropped by kind + quarantined, for every period.",
        )
        parts.card("Rows received", f"{received:,}", note="Over all live deliveries of costs.")
        parts.card(
            "Quarantined",
            f"{health.quarantined:,}",
            delta="rows set aside" if health.quarantined else "nothing set aside",
            note="Rows that could not be read. They are kept with a reason, counted, and not in any number.",
        )
        parts.card(
            "Sources",
            f"{len(sources.items):,}",
            delta=f"{len(problems)} with problems" if problems else "all complete",
            note="What is configured or loaded.",
        )


def show_sources(sources: Answer) -> None:
    """Draw one row per source."""
    parts.warnings(sources.warnings)
    rows = [
        {
            **item,
            "source": plain_text(item["source"]),
            "months": f"{plain_text(item['first_period'])} to {plain_text(item['last_period'])}",
            "gaps": ", ".join(item["gaps"]) or "none",
            "problems": plain_text("; ".join(item["problems"]), nothing="none"),
        }
        for item in sources.items
    ]
    columns = [
        parts.Column("source", "Source"),
        parts.Column("connector", "Connector"),
        parts.Column("status", "Status"),
        parts.Column("months", "Months"),
        parts.Column("gaps", "Gaps"),
        parts.Column("last_charge", "Newest data (UTC)", "instant"),
        parts.Column("loaded_at", "Loaded (UTC)", "instant"),
        parts.Column("rows_loaded", "Rows", "number"),
        parts.Column("rows_quarantined", "Quarantined", "number"),
        parts.Column("problems", "Problems"),
    ]
    with parts.panel("Sources", "Freshness, gaps and problems of everything configured or loaded"):
        parts.table(rows, columns, None, key="sources", rows=15)
        parts.download(lambda: sources, "costlab-sources")


def show_periods(health: Health) -> None:
    """Draw one row per billing period: where every row and amount received went."""
    rows = [period_row(period, currency) for period in health.periods for currency in period.billed_received or ("",)]
    columns = [
        parts.Column("source", "Source"),
        parts.Column("period", "Month"),
        parts.Column("status", "Status"),
        parts.Column("received", "Rows received", "number"),
        parts.Column("loaded", "Loaded", "number"),
        parts.Column("dropped", "Dropped by kind"),
        parts.Column("quarantined", "Quarantined", "number"),
        parts.Column("currency", "Currency"),
        parts.Column("billed_received", "Billed, received", "exact"),
        parts.Column("billed_loaded", "Billed, loaded", "exact"),
        parts.Column("difference", "Difference", "exact"),
    ]
    with parts.panel("Billing periods", "Counted while loading; amounts are exact"):
        parts.table(rows, columns, None, key="periods", rows=20)


def period_row(period: Loaded, currency: str) -> dict[str, Any]:
    """Return the row of a period in one currency."""
    amounts = (period.billed_received, period.billed_loaded, period.difference)
    received, loaded, difference = (exact_number(a.get(currency, ZERO)) for a in amounts)
    return {
        "source": plain_text(period.source),
        "period": period.period,
        "status": "reconciled" if period.is_reconciled else "does not reconcile",
        "received": period.received,
        "loaded": period.loaded,
        "dropped": ", ".join(f"{plain_text(kind)} {rows:,}" for kind, rows in period.dropped.items()) or "none",
        "quarantined": period.quarantined,
        "currency": plain_text(currency),
        "billed_received": received,
        "billed_loaded": loaded,
        "difference": difference,
    }


def show_quarantine(where: Source) -> None:
    """Draw the reasons for which rows are set aside."""
    answer = ask(where, load_quarantine)
    with parts.panel("Quarantine", "Rows that could not be read, by reason; they are in no number"):
        if not answer.items:
            st.caption("Nothing is set aside.")
            return
        columns = [
            parts.Column("source", "Source"),
            parts.Column("billing_period", "Month"),
            parts.Column("reason", "Reason"),
            parts.Column("rows", "Rows", "number"),
            parts.Column("cost", "Cost", "money"),
        ]
        parts.table(answer.items[:1000], columns, None, key="quarantine", rows=20)
        parts.download(lambda: answer, "costlab-quarantine")


def show_restatements(where: Source) -> None:
    """Draw what the vendor changed after the fact."""
    answer = ask(where, load_restatements)
    parts.warnings(answer.warnings)
    with parts.panel("Restatements", "What changed between two deliveries of the same month, by service and account"):
        if not answer.items:
            st.caption("No month has been delivered twice with different content.")
            return
        rows = [
            {
                **item,
                "ServiceName": plain_text(item["ServiceName"]),
                "account": plain_text(where.facts.account(item["SubAccountId"])),
            }
            for item in answer.items[:1000]
        ]
        columns = [
            parts.Column("source", "Source"),
            parts.Column("billing_period", "Month"),
            parts.Column("loaded_at", "Loaded (UTC)", "instant"),
            parts.Column("ServiceName", "Service"),
            parts.Column("account", "Account"),
            parts.Column("BillingCurrency", "Currency"),
            parts.Column("billed_cost_change", "Billed change", "money"),
            parts.Column("effective_cost_change", "Effective change", "money"),
        ]
        parts.table(rows, columns, answer.currency, key="restatements", rows=20)
        parts.download(lambda: answer, "costlab-restatements")


def show_columns(health: Health) -> None:
    """Draw columns that came or went: nothing is lost, what is unknown is kept aside."""
    rows = [
        {
            "source": plain_text(period.source),
            "period": period.period,
            "new": plain_text(", ".join(period.new_columns), nothing="none"),
            "missing": plain_text(", ".join(period.missing_columns), nothing="none"),
        }
        for period in health.periods
        if period.new_columns or period.missing_columns
    ]
    with parts.panel(
        "Columns", "Columns the connector does not know (kept in x_extra), and optional ones not delivered"
    ):
        if not rows:
            st.caption("Every delivery has the columns that were expected.")
            return
        columns = [
            parts.Column("source", "Source", width=120),
            parts.Column("period", "Month", width=90),
            parts.Column("new", "Unknown"),
            parts.Column("missing", "Not delivered"),
        ]
        parts.table(rows, columns, None, key="columns", rows=20)


def show_chain(where: Source) -> None:
    """Read everything again and compare each link of the chain, when asked to."""
    with parts.panel(
        "Full reconciliation", "From the files received to the tables behind this dashboard, link by link"
    ):
        st.caption("Reads every file of the lake again and checks its content; on a large bill this takes a while.")
        if not st.button("Run it now", type="primary", icon=":material/rule:"):
            return
        with st.spinner("Reading every file again"):
            answer = ask(where, load_chain)
        broken = [item for item in answer.items if item["problems"]]
        if broken:
            st.error(f"{len(broken)} of {len(answer.items)} deliveries do not reconcile.", icon=":material/error:")
        else:
            st.success(f"All {len(answer.items)} deliveries reconcile, link by link.", icon=":material/verified:")
        rows = [{**item, "problems": plain_text("; ".join(item["problems"]), nothing="none")} for item in answer.items]
        columns = [
            parts.Column("source", "Source"),
            parts.Column("billing_period", "Month"),
            parts.Column("status", "Status"),
            parts.Column("rows_received", "Rows received", "number"),
            parts.Column("rows_loaded", "Rows loaded", "number"),
            parts.Column("rows_in_files", "Rows in files", "number"),
            parts.Column("problems", "Problems"),
        ]
        parts.table(rows, columns, None, key="chain", rows=20)
        parts.download(lambda: answer, "costlab-reconciliation")


main()
