"""Anomalies: incidents with what they cost, when, why, and which parts the change is made of."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import streamlit as st

from costlab.money import ZERO
from costlab.ui import charts, parts
from costlab.ui.findings import EVER, DayScope, Item, load_incident_days, load_incidents, open_incidents
from costlab.ui.format import day, exact_money, markdown, money, plain_text, ratio, scope_text
from costlab.ui.session import ask
from costlab.ui.state import Choice, Text

if TYPE_CHECKING:
    from costlab.ui.session import Bound, Source

ICON = ":material/notifications:"
SHOWN = 500
DAYS = {"30": "Open or ended in 30 days", "90": "Open or ended in 90 days", "all": "All incidents"}
COLUMNS = (
    ("impact", "Impact", "money", 105),
    ("where", "Where", "text", 290),
    ("kind", "Kind", "text", 80),
    ("start", "Start", "day", 105),
    ("until", "End", "text", 105),
    ("severity", "Severity", "text", 90),
    ("status", "Status", "text", 100),
    ("cause", "Main cause", "text", 260),
)


def main() -> None:
    """Draw the page."""
    with parts.page("Anomalies") as frame:
        where = frame.source
        currencies = parts.currency_param(where)
        bound = parts.bound(
            "anomalies",
            [Choice("days", tuple(DAYS), "90"), Choice("currency", currencies), Text("incident", r"[\w.:-]*")],
        )
        with frame.controls:
            parts.currency_control(bound, currencies)
            st.selectbox(
                "Which",
                list(DAYS),
                key=bound.key("days"),
                format_func=lambda days: DAYS[days],
                width=240,
                label_visibility="collapsed",
            )
        with frame.line:
            parts.context_line(["EffectiveCost against what was expected", bound["currency"], parts.as_of(where)])
        reach = EVER if bound["days"] == "all" else int(bound["days"])
        items = list(ask(where, load_incidents, bound["currency"], reach))
        figures(items, bound["currency"])
        body(bound, where, items, bound["currency"])
        bound.commit()


def figures(items: list[Item], currency: str) -> None:
    """Draw how many there are and what they cost."""
    still = open_incidents(items)
    above = sum((item["impact"] for item in items if item["impact"] > 0), ZERO)
    below = sum((item["impact"] for item in items if item["impact"] < 0), ZERO)
    with parts.cards():
        parts.card("Incidents", f"{len(items):,}", delta=f"{len(still)} open", note="One cause is one incident.")
        parts.card("Above expectation", money(above, currency), note=f"Exact: {exact_money(above, currency)}.")
        parts.card("Below expectation", money(below, currency), note=f"Exact: {exact_money(below, currency)}.")
        projected = sum((item["projected_30d"] or ZERO for item in still), ZERO)
        parts.card(
            "Open ones, next 30 days",
            money(projected, currency, sign=True),
            note="What the open incidents would add in 30 days if they go on.",
        )


def body(bound: Bound, where: Source, items: list[Item], currency: str) -> None:
    """Draw the list and, below it, the chosen incident; the largest when none is chosen."""
    if not items:
        parts.nothing_here("Nothing unusual", f"No incident: {DAYS[bound['days']].lower()}. Try a longer time above.")
        return
    items, names = items[:SHOWN], where.facts.account_names
    places = {item["id"]: place for place, item in enumerate(items)}
    if bound["incident"] and bound["incident"] not in places:
        st.warning("The incident in the link is not in this list. Try a longer time above.", icon=":material/link_off:")
    rows = [
        {
            **item,
            "until": day(item["end"]) if item["end"] else "open",
            "where": scope_text(item["scope"], names),
            "cause": scope_text(item["causes"][0]["scope"], names) if item["causes"] else "",
        }
        for item in items
    ]
    columns = [parts.Column(field, name, kind, width) for field, name, kind, width in COLUMNS]
    with parts.panel("Incidents, largest impact first", f"Impact in {currency}: actual minus expected. Choose a row."):
        key = f"incidents:{currency}:{bound['days']}"
        place = parts.table(rows, columns, currency, key=key, rows=8, select=True, chosen=places.get(bound["incident"]))
    bound.put("incident", items[place]["id"] if place is not None else "")
    detail(where, items[place or 0], currency)


def detail(where: Source, item: Item, currency: str) -> None:
    """Draw one incident: cost against expectation, causes, parts."""
    names = where.facts.account_names
    with parts.panel(markdown(scope_text(item["scope"], names)), sentence(item, currency)):
        bands = ask(where, load_incident_days, currency, DayScope.of(item))
        parts.chart(
            charts.incident(bands, currency),
            key=f"incident:{item['id']}",
            alt="Cost per day; the days of the incident are marked, with what was expected on them",
        )
        st.caption("Dots: the days of the incident. Dashed, with its range: what was expected, as a mean per day.")
        left, right = st.columns([3, 2])
        with left:
            causes(item, names, currency)
        with right:
            changed_parts(item, currency)


def sentence(item: Item, currency: str) -> str:
    """Say what happened in one line."""
    span = (
        f"from {day(item['start'])} to {day(item['end'])}" if item["end"] else f"since {day(item['start'])}, still open"
    )
    usual = f"{money(item['lower'], currency)} to {money(item['upper'], currency)}"
    text = (
        f"{plain_text(item['kind'])} {plain_text(item['direction'])} {span}: {money(item['actual'], currency)} "
        f"instead of {money(item['expected'], currency)} ({usual} would have been usual). "
        f"Seen with the data of {day(item['detected_on'])}, confidence {ratio(item['confidence'])}"
        f"{'' if item['is_settled'] else ', not settled: late data may still change it'}."
    )
    return markdown(text[:1].upper() + text[1:])


def causes(item: Item, names: dict[str, str], currency: str) -> None:
    """Draw the causes: disjoint, largest first."""
    st.markdown("**Causes**")
    found = item["causes"]
    if not found:
        st.caption("No narrower cause holds most of the deviation.")
        return
    rows = [
        {
            "where": scope_text(cause["scope"], names),
            "impact": Decimal(str(cause["impact"])),
            "share": cause["share"],
            "kind": plain_text(cause["kind"]),
        }
        for cause in found
    ]
    columns = [
        parts.Column("impact", f"Impact, {currency}", "money", 120),
        parts.Column("share", "Share", "share", 120),
        parts.Column("where", "Where"),
        parts.Column("kind", "Kind", width=80),
    ]
    parts.table(rows, columns, currency, key=f"causes:{item['id']}", rows=8)


def changed_parts(item: Item, currency: str) -> None:
    """Draw the parts the impact is made of; they add up to it."""
    st.markdown("**What the impact is made of**")
    found = {name: Decimal(str(amount)) for name, amount in (item["parts"] or {}).items()}
    ordered = sorted(found.items(), key=lambda part: -abs(part[1]))
    rows: list[dict[str, Any]] = [{"name": name, "amount": amount} for name, amount in ordered if amount]
    if not rows:
        st.caption("Not split.")
        return
    columns = [parts.Column("amount", currency, "money", 120), parts.Column("name", "Part")]
    parts.table(rows, columns, currency, key=f"parts:{item['id']}", rows=8)


main()
