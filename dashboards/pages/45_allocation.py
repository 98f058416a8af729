"""Allocation: whose cost it is, with shared costs split by rules; what has no owner; cost per business unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from costlab.period import Month
from costlab.ui import charts, parts
from costlab.ui.allocation import (
    Asked,
    Owned,
    as_command,
    dimensions,
    exact_allocation,
    load_hygiene,
    load_owned,
    load_unit_costs,
    measured_by,
    per_unit,
    stamp,
)
from costlab.ui.explorer import METRICS
from costlab.ui.format import markdown, money, plain_text, ratio, span
from costlab.ui.overview import month_window
from costlab.ui.session import Source, ask, later
from costlab.ui.state import Choice, MonthOf

if TYPE_CHECKING:
    from costlab.ui.session import Bound

ICON = ":material/pie_chart:"
VIEWS = {"showback": "Showback", "hygiene": "Without an owner", "unit-cost": "Unit cost"}
GRAINS = ("day", "week", "month", "total")


def main() -> None:
    """Draw the page."""
    with parts.page("Allocation") as frame:
        where = frame.source
        facts, found = where.facts, dimensions(where.lab.settings, where.facts)
        bound = parts.bound(
            "allocation",
            [
                Choice("by", found),
                Choice("metric", METRICS),
                MonthOf("month", facts.months, facts.default_month),
                Choice("currency", parts.currency_param(where)),
                Choice("view", tuple(VIEWS)),
                Choice("grain", GRAINS, "total"),
            ],
        )
        controls(bound, where, found, frame)
        bound.commit()
        window = month_window(bound["month"], facts)
        asked = Asked(bound["by"], bound["metric"], window, bound["currency"], stamp(where.lab.settings))
        with frame.line:
            parts.context_line([asked.metric, asked.currency, span(window), parts.as_of(where)])
        match bound["view"]:
            case "hygiene":
                hygiene(where, asked)
            case "unit-cost":
                unit_costs(bound, where, asked)
            case _:
                showback(where, asked)


def controls(bound: Bound, where: Source, found: tuple[str, ...], frame: parts.Frame) -> None:
    """Draw dimension, metric, month and view."""
    with frame.controls:
        parts.currency_control(bound, parts.currency_param(where))
        st.selectbox(
            "Month",
            where.facts.months,
            key=bound.key("month"),
            format_func=lambda month: f"{Month.parse(month).first_day:%B %Y}",
            width=180,
            label_visibility="collapsed",
        )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.segmented_control(
            "View", tuple(VIEWS), key=bound.key("view"), format_func=lambda view: VIEWS[view], required=True
        )
        st.selectbox("By", found, key=bound.key("by"), format_func=plain_text, width=200)
        st.selectbox("Metric", METRICS, key=bound.key("metric"), width=180)


def showback(where: Source, asked: Asked) -> None:
    """Draw who the month's cost belongs to."""
    owned = ask(where, load_owned, asked)
    said(owned.status, owned.warnings)
    if not owned.rows:
        parts.nothing_here("No charges to allocate", f"There is none in {span(asked.window)}.")
        return
    figures(owned, asked)
    by = markdown(asked.by)
    if any(point.amount for point in owned.points):
        with parts.panel(
            f"Allocated cost per day by {by}", f"{asked.metric} in {asked.currency}, shared costs included"
        ):
            spec = charts.stacked(owned.points, owned.series, (), asked.currency, metric=asked.metric)
            parts.chart(spec, key="allocated", alt=f"Allocated cost per day, stacked by {by}")
    with parts.panel("Showback", "Direct cost and each shared cost; a column that takes from somebody is negative."):
        table(owned, asked)
        with st.container(horizontal=True, gap="small"):
            name = f"costlab-allocation-{asked.window.start}-{asked.window.end}"
            parts.download(later(where, exact_allocation, asked), name)
            command(as_command(asked, str(where.lab.settings.workspace)))


def figures(owned: Owned, asked: Asked) -> None:
    """Draw the sums."""
    currency, total = asked.currency, owned.total.now
    with parts.cards():
        parts.money_card(
            "Allocated", owned.total, currency, compared=f"vs {span(asked.window.before())}",
            note="Adds up to the bill of these days exactly.",
        )  # fmt: skip
        parts.card("Direct", money(owned.direct, currency), note="Cost that a rule gives to somebody, or to nobody.")
        parts.card("Shared", money(owned.shared, currency), note="Cost that the rules split.")
        parts.card(
            "Without an owner",
            money(owned.unallocated, currency),
            delta=ratio(owned.unallocated / total) if total else None,
            note="What no rule gives to anybody.",
        )


def table(owned: Owned, asked: Asked) -> None:
    """Draw one row per value, a column per shared cost."""
    columns = [parts.Column("value", asked.by), parts.Column("direct", "Direct", "money")]
    columns += [parts.Column(f"shared{place}", plain_text(rule), "money") for place, rule in enumerate(owned.rules)]
    columns += [
        parts.Column("total", f"Total, {asked.currency}", "money"),
        parts.Column("share", "Share", "ratio"),
        parts.Column("before", "Period before", "money"),
        parts.Column("change", "Change", "money"),
    ]
    parts.table(owned.rows, columns, asked.currency, key="showback", rows=15)


def hygiene(where: Source, asked: Asked) -> None:
    """Draw what has no owner, and what tags cover."""
    found = ask(where, load_hygiene, asked)
    said(found.status, found.warnings)
    with parts.panel("Cost without an owner", "With the most probable owner: what its neighbours say."):
        if not found.items:
            parts.nothing_here("Everything has an owner", "Every charge of these days is allocated.")
        else:
            columns = [
                parts.Column("SubAccountId", "Account"),
                parts.Column("ServiceName", "Service"),
                parts.Column("cost", f"Cost, {asked.currency}", "money"),
                parts.Column("share", "Share", "ratio", help="Of the whole bill of these days"),
                parts.Column("resources", "Resources", "number", help="0: charges that cannot carry a tag"),
                parts.Column("owner_guess", "Probable owner"),
                parts.Column("confidence", "Confidence", "share"),
                parts.Column("basis", "Because of"),
                parts.Column("evidence", "Resources that say so or not", "number"),
            ]
            rows = [{**item, "SubAccountId": where.facts.account(item["SubAccountId"])} for item in found.items]
            parts.table(rows, columns, asked.currency, key="hygiene", rows=12)
        command(as_command(asked, str(where.lab.settings.workspace), "--hygiene"))
    with parts.panel("What tags cover", "Cost with each tag key, its spellings taken together."):
        coverage(found.totals.get("tag_keys", []), asked.currency)


def coverage(keys: list[dict[str, Any]], currency: str) -> None:
    """Draw one row per tag key."""
    rows = [{**key, "spellings": ", ".join(key["spellings"]), "also": ", ".join(key["also"])} for key in keys]
    columns = [
        parts.Column("key", "Tag key"),
        parts.Column("cost", f"Cost, {currency}", "money"),
        parts.Column("share", "Of the bill", "share"),
        parts.Column("spellings", "Spellings"),
        parts.Column("also", "May mean the same"),
    ]
    parts.table(rows, columns, currency, key="tag-keys", rows=10)


def unit_costs(bound: Bound, where: Source, asked: Asked) -> None:
    """Draw cost per business unit."""
    settings = where.lab.settings
    if not (settings.workspace / settings.business_metrics).is_file():
        parts.nothing_here(
            "No business metrics yet",
            f"Write {markdown(settings.business_metrics)} into the workspace: date, metric, quantity, and a column per "
            "dimension.",
        )
        return
    st.segmented_control("Per", GRAINS, key=bound.key("grain"), required=True)
    by = measured_by(settings, asked.by)
    found = ask(where, load_unit_costs, asked, by, bound["grain"])
    said(found.status, found.warnings)
    columns = [
        parts.Column("metric", "Metric"),
        *([parts.Column("period", "Period")] if bound["grain"] != "total" else []),
        *([parts.Column(by, by)] if by else []),
        parts.Column("matched_cost", f"Cost, {asked.currency}", "money", help="Of the days that have a quantity"),
        parts.Column("quantity", "Quantity", "number"),
        parts.Column("unit_cost", "Cost per unit", "exact"),
        parts.Column("marginal_cost", "Marginal", "exact", help="Change of cost per unit more"),
        parts.Column("volume_effect", "Change: volume", "money"),
        parts.Column("cost_effect", "Change: cost", "money"),
        parts.Column("missing_days", "Days missing", "number"),
        parts.Column("reason", "Why not"),
    ]
    rows = [{**item, **{name: per_unit(item[name]) for name in ("unit_cost", "marginal_cost")}} for item in found.items]
    whose = f"Allocated cost by {markdown(by)}" if by else "All cost"
    with parts.panel("Cost per unit", f"{whose} of these days over what the business counted."):
        parts.table(rows, columns, asked.currency, key="unit-costs", rows=31)


def said(status: str, texts: tuple[str, ...]) -> None:
    """Show what has to be said with the numbers: a warning when data is missing, else a note."""
    if status == "partial":
        parts.warnings(texts)
    elif texts:
        st.info("\n".join(f"- {markdown(text)}" for text in texts), icon=":material/info:")


def command(line: str) -> None:
    """Offer the same question for the command line."""
    with st.popover("Same as command", icon=":material/terminal:", width="content"):
        st.caption("The same numbers on the command line")
        st.code(line, language="sh")


main()
