"""Overview: the bill of a month, what moved, what can be saved and what just happened."""

from __future__ import annotations

import streamlit as st

from costlab.money import ZERO
from costlab.period import Month
from costlab.ui import charts, parts
from costlab.ui.findings import Item, PlanView, load_incidents, load_plan, open_incidents, subject
from costlab.ui.format import money, plain_text, ratio, scope_text, span
from costlab.ui.health import load_health
from costlab.ui.overview import Bill, Commitments, load_bill, load_commitments
from costlab.ui.session import Source, ask
from costlab.ui.state import Choice, MonthOf

ICON = ":material/dashboard:"
TOP = 6


def main() -> None:
    """Draw the page."""
    with parts.page("Overview") as frame:
        facts = frame.source.facts
        currencies = parts.currency_param(frame.source)
        bound = parts.bound(
            "overview", [MonthOf("month", facts.months, facts.default_month), Choice("currency", currencies)]
        )
        with frame.controls:
            parts.currency_control(bound, currencies)
            st.selectbox(
                "Month",
                facts.months,
                key=bound.key("month"),
                format_func=lambda month: f"{Month.parse(month).first_day:%B %Y}",
                width=180,
                label_visibility="collapsed",
            )
        bound.commit()
        show(frame, bound["month"], bound["currency"])


def show(frame: parts.Frame, month: str, currency: str) -> None:
    """Draw everything below the controls."""
    where = frame.source
    bill = ask(where, load_bill, month, currency)
    plan = ask(where, load_plan, currency)
    incidents = open_incidents(ask(where, load_incidents, currency))
    owned = ask(where, load_commitments, bill.window, currency)
    with frame.line:
        trust(where)
        parts.context_line([span(bill.window), currency, parts.as_of(where)])
    parts.warnings(bill.warnings)
    figures(bill, plan, incidents, owned, currency)
    left, right = st.columns([2, 1])
    with left, parts.panel("Cost per day by service", f"EffectiveCost in {currency}, by day of use (UTC)"):
        spec = charts.stacked(bill.points, bill.services, where.facts.services, currency, metric="EffectiveCost")
        parts.chart(spec, key="daily", alt="Effective cost per day, stacked by service")
    with right, parts.panel("Top movers", moved_note(bill)):
        movers(bill, currency)
    left, right = st.columns(2)
    with left, parts.panel("Top recommendations", "Net saving per month, after commitments and overlaps"):
        recommendations(plan, currency)
    with right, parts.panel("Open incidents", "Cost beyond what was expected, so far"):
        incident_list(incidents, where.facts.account_names, currency)
    commitments(owned, currency)


def trust(where: Source) -> None:
    """Say whether the numbers are those of the bill."""
    health = ask(where, load_health)
    if health.broken:
        st.badge("Does not reconcile", icon=":material/error:", color="red", help="See Data health.")
    else:
        st.badge(
            "Reconciled to the bill",
            icon=":material/verified:",
            color="green",
            help="Every row and amount received is loaded, dropped by name or quarantined. See Data health.",
        )
    if health.quarantined:
        st.badge(f"{health.quarantined:,} rows quarantined", icon=":material/warning:", color="orange")


def figures(bill: Bill, plan: PlanView, incidents: list[Item], owned: Commitments, currency: str) -> None:
    """Draw the row of figures."""
    compared = f"vs {span(bill.compared)}" if bill.compared else None
    with parts.cards():
        parts.money_card(
            "Effective cost",
            bill.effective,
            currency,
            compared=compared,
            note="Amortised: what use cost, with commitments spread over their term.",
        )
        parts.money_card(
            "Billed cost", bill.billed, currency, compared=compared, note="Cash: what the invoice of these days holds."
        )
        parts.card(
            "Saving planned",
            f"{money(plan.saving, currency)} / month",
            delta=f"{money(plan.saving_list, currency)} at list prices" if plan.saving_list else None,
            note="The joint net saving of all recommendations: their sum, after commitments and overlaps.",
        )
        impact = sum((item["impact"] for item in incidents), start=ZERO)
        parts.card(
            "Open incidents",
            str(len(incidents)),
            delta=f"{money(impact, currency, sign=True)} so far" if incidents else "nothing unusual",
            note="Incidents without an end, and their impact: actual minus expected cost.",
        )
        parts.card(
            "Commitments used",
            ratio(owned.utilization),
            delta=f"{ratio(owned.coverage)} of demand covered" if owned.coverage is not None else None,
            note="Used share of what reservations and savings plans cost; coverage at list price of eligible demand.",
        )


def moved_note(bill: Bill) -> str:
    """Say what the movers are compared with."""
    if bill.compared is None:
        return "No data for the month before"
    return f"Change against {span(bill.compared)}"


def movers(bill: Bill, currency: str) -> None:
    """Draw what rose and fell most."""
    if bill.movers:
        spec = charts.movers(bill.movers[: TOP + 2], currency, ink=parts.ink())
        parts.chart(spec, key="movers", alt="Services whose cost changed most")
    else:
        st.caption("Nothing to compare with, or nothing changed.")


def recommendations(plan: PlanView, currency: str) -> None:
    """Draw the largest savings."""
    items = [item for item in plan.items if item["monthly_saving"] > 0][:TOP]
    if not items:
        st.caption("Nothing to save was found. See Recommendations for what was not assessed.")
        return
    rows = [{**item, "what": plain_text(item["title"]), "subject": plain_text(subject(item))} for item in items]
    columns = [
        parts.Column("monthly_saving", f"{currency} / month", "money", width=100),
        parts.Column("what", "Recommendation", width=235),
        parts.Column("subject", "Resource"),
    ]
    parts.table(rows, columns, currency, key="top-recommendations", rows=TOP)
    st.page_link(
        "pages/30_recommendations.py", label=f"All {len(plan.items)} recommendations", icon=":material/arrow_forward:"
    )


def incident_list(incidents: list[Item], names: dict[str, str], currency: str) -> None:
    """Draw the open incidents with their main cause."""
    if not incidents:
        st.caption("Nothing is open. Closed incidents are on the Anomalies page.")
    rows = [
        {
            **item,
            "scope": scope_text(item["scope"], names),
            "cause": scope_text(item["causes"][0]["scope"], names) if item["causes"] else "",
        }
        for item in incidents[:TOP]
    ]
    columns = [
        parts.Column("impact", f"Impact, {currency}", "money", width=100),
        parts.Column("start", "Since", "day", width=100),
        parts.Column("scope", "Where"),
        parts.Column("cause", "Main cause"),
    ]
    if rows:
        parts.table(rows, columns, currency, key="open-incidents", rows=TOP)
    st.page_link("pages/40_anomalies.py", label="All incidents", icon=":material/arrow_forward:")


def commitments(owned: Commitments, currency: str) -> None:
    """Draw the reservations and savings plans, most wasted first."""
    with parts.panel("Commitments", f"Reservations and savings plans in these days, EffectiveCost in {currency}"):
        if not owned.items:
            st.caption("None was in use in these days.")
            return
        rows = [
            {
                "what": plain_text(item.name or item.id),
                "type": plain_text(item.type),
                "used": item.used,
                "unused": item.unused,
                "utilization": item.utilization,
            }
            for item in owned.items
        ]
        columns = [
            parts.Column("what", "Commitment"),
            parts.Column("type", "Type"),
            parts.Column("used", "Used", "money", width=120),
            parts.Column("unused", "Unused", "money", width=120),
            parts.Column("utilization", "Utilisation", "share", width=160),
        ]
        parts.table(rows, columns, currency, key="commitments", rows=6)


main()
