"""Explorer: any cost metric by up to two columns over any days, with drill-down, download and the command behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from costlab.errors import UsageError
from costlab.lab.where import TAGS, parse_condition
from costlab.ui import charts, parts
from costlab.ui.conditions import all_of, as_command, as_sql, filter_text, filters_condition, read_filter
from costlab.ui.explorer import (
    COLUMNS,
    GRAINS,
    METRICS,
    PERIODS,
    Explored,
    View,
    currency_condition,
    exact_answer,
    explore,
    finer,
    period_window,
    values_of,
)  # fmt: skip
from costlab.ui.format import markdown, money, plain_text, span
from costlab.ui.overview import Change
from costlab.ui.series import NONE
from costlab.ui.session import Source, ask, later
from costlab.ui.state import Choice, Choices, Day, Text, Values

if TYPE_CHECKING:
    from costlab.ui.session import Bound
    from costlab.ui.state import Param

ICON = ":material/search:"
METRIC_NAMES = {
    "EffectiveCost": "Effective cost",
    "BilledCost": "Billed cost",
    "ContractedCost": "Contracted cost",
    "ListCost": "List cost",
}
PERIOD_NAMES = {
    "last-month": "Last full month",
    "this-month": "Newest month",
    "30d": "Last 30 days",
    "90d": "Last 90 days",
    "12m": "Last 12 months",
    "all": "All data",
    "custom": "From … to …",
}


def main() -> None:
    """Draw the page."""
    with parts.page("Explorer") as frame:
        where = frame.source
        columns = (*COLUMNS, *(f"{TAGS}.{key}" for key in where.facts.tag_keys))
        bound = parts.bound("explorer", params(where, columns))
        controls(bound, where, columns, frame)
        view, currency = question(bound, where, columns), bound["currency"]
        filters(bound, where, columns, view)
        bound.commit()
        found = ask(where, explore, view, currency)
        with frame.line:
            parts.context_line([METRIC_NAMES[view.metric], currency, span(view.window), parts.as_of(where)])
        parts.warnings(found.warnings)
        show(bound, where, view, found, currency)


def params(where: Source, columns: tuple[str, ...]) -> list[Param]:
    """Return the controls and what they are called in the URL."""
    return [
        Choice("metric", METRICS),
        Choices("by", columns, ("ServiceName",), most=2),
        Choice("grain", GRAINS),
        Choice("period", PERIODS),
        Day("from"),
        Day("to"),
        Choice("currency", parts.currency_param(where)),
        Values("filter"),
        Text("where"),
    ]


def controls(bound: Bound, where: Source, columns: tuple[str, ...], frame: parts.Frame) -> None:
    """Draw metric, columns, days and grain."""
    with frame.controls:
        parts.currency_control(bound, parts.currency_param(where))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox("Metric", METRICS, key=bound.key("metric"), format_func=lambda name: METRIC_NAMES[name], width=180)
        st.multiselect(
            "Group by", columns, key=bound.key("by"), max_selections=2, placeholder="Nothing: one total", width=330
        )
        st.selectbox("Days", PERIODS, key=bound.key("period"), format_func=lambda name: PERIOD_NAMES[name], width=170)
        if bound["period"] == "custom":
            window = period_window("custom", where.facts, bound["from"], bound["to"])
            for name, label, default in (("from", "From", window.start), ("to", "To (exclusive)", window.end)):
                if bound[name] is None:
                    bound.put(name, default)
                st.date_input(label, key=bound.key(name), format="YYYY-MM-DD", width=140)
        st.segmented_control("Per", GRAINS, key=bound.key("grain"), required=True)


def question(bound: Bound, where: Source, columns: tuple[str, ...]) -> View:
    """Return what is asked for; a filter or condition that cannot be used is left out with a notice."""
    given: list[tuple[str, str | None]] = []
    for text in bound["filter"]:
        found = read_filter(text, columns)
        if found is None:
            st.warning(
                f"The filter {markdown(text)} names no column that can be filtered here.", icon=":material/link_off:"
            )
        else:
            given.append(found)
    window = period_window(bound["period"], where.facts, bound["from"], bound["to"])
    return View(
        bound["metric"],
        tuple(bound["by"]),
        bound["grain"],
        window,
        all_of(filters_condition(given), checked(bound["where"])),
    )


def checked(text: str) -> str | None:
    """Return the condition if it can be parsed; else say why it is left out."""
    if not text:
        return None
    try:
        parse_condition(text)
    except UsageError as error:
        st.warning(f"The condition is left out: {markdown(error.message)}. {markdown(error.hint, nothing='')}")
        return None
    return f"({text})"


def filters(bound: Bound, where: Source, columns: tuple[str, ...], view: View) -> None:
    """Draw the filters that are set, and how to add one."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if bound["filter"]:
            st.multiselect(
                "Filters",
                bound["filter"],
                key=bound.key("filter"),
                format_func=filter_name,
                label_visibility="collapsed",
            )
        with st.popover("Add filter", icon=":material/filter_alt:"):
            column = st.selectbox("Column", columns, key="explorer:filter-column")
            options = ask(where, values_of, column, view)
            chosen = st.multiselect(
                "Values",
                options,
                format_func=lambda value: NONE if value is None else plain_text(value),
                key=f"explorer:filter-values:{column}",
            )
            st.button("Add", type="primary", on_click=add_filters, args=(bound, column, chosen), disabled=not chosen)
        with st.popover("Condition", icon=":material/code:"):
            st.text_input(
                "Boolean SQL over the columns of focus.costs",
                key=bound.key("where"),
                placeholder="ServiceCategory = 'Compute' and Tags.team is null",
                width=520,
            )


def filter_name(text: str) -> str:
    """Return what a filter is called on its chip."""
    column, colon, value = text.partition(":")
    return f"{column}: {plain_text(value) if colon else NONE}"


def add_filters(bound: Bound, column: str, values: list[str | None]) -> None:
    """Add filters; a callback."""
    texts = [filter_text(column, value) for value in values]
    bound.put("filter", list(dict.fromkeys([*bound["filter"], *texts])))


def show(bound: Bound, where: Source, view: View, found: Explored, currency: str) -> None:
    """Draw the answer: total, chart, table, and ways to take it elsewhere."""
    if not found.rows:
        parts.nothing_here(
            "No charges match",
            f"There is none in {span(view.window)} under these filters. Choose other days or filters.",
        )
        return
    with parts.cards():
        parts.money_card(
            f"{METRIC_NAMES[view.metric]}, {span(view.window)}",
            Change(found.total, found.before),
            currency,
            compared=f"vs {span(view.window.before())}",
            note="Over everything that matches.",
        )
        parts.card("Groups", f"{found.group_count:,}", note="Different values of the columns grouped by.")
        average = found.total / view.window.days
        parts.card("Per day", money(average, currency), note="The total divided by the days asked for.")
    with parts.panel(title(view), f"{view.metric} in {currency}"):
        draw(where, view, found, currency)
    with parts.panel("Groups" if view.by else "Take it elsewhere", table_note(found) if view.by else ""):
        if view.by:
            rows_of(bound, view, found, currency)
        elsewhere(where, view, currency)


def title(view: View) -> str:
    """Return the chart's title."""
    by = " and ".join(name.replace("Tags.", "tag ") for name in view.by)
    head = "Cost" if view.grain == "total" else f"Cost per {view.grain}"
    return markdown(f"{head} by {by}" if by else head)


def draw(where: Source, view: View, found: Explored, currency: str) -> None:
    """Draw the chart: bars over time, or one bar per group."""
    if not any(point.amount for point in found.points):
        st.caption("Everything adds up to zero.")
        return
    ranking = where.facts.services if view.by == ("ServiceName",) else ()
    if view.grain == "total":
        spec = charts.ranked(found.rows[:15], ranking, currency, metric=view.metric)
    else:
        spec = charts.stacked(found.points, found.series, ranking, currency, metric=view.metric, grain=view.grain)
    parts.chart(spec, key="explored", alt=title(view))


def table_note(found: Explored) -> str:
    """Say how much of the answer the table holds."""
    if found.group_count > len(found.rows):
        return f"The {len(found.rows):,} largest of {found.group_count:,}; the download has all of them."
    return "Choose a row to look inside it."


def rows_of(bound: Bound, view: View, found: Explored, currency: str) -> None:
    """Draw the groups and, for the chosen one, the way further down."""
    rows = [
        {
            "label": group.label,
            "amount": group.amount,
            "share": group.amount / found.total if found.total else None,
        }
        for group in found.rows
    ]
    columns = [
        parts.Column("label", " · ".join(view.by)),
        parts.Column("amount", f"{view.metric}, {currency}", "money", width=160),
        parts.Column("share", "Share", "share", width=150),
    ]
    place = parts.table(rows, columns, currency, key=f"groups:{view!r}", rows=12, select=True)
    if place is not None:
        drill(bound, view, found, place)


def drill(bound: Bound, view: View, found: Explored, place: int) -> None:
    """Offer to look inside a group: filter by its values and group by the next finer column."""
    group = found.rows[place]
    filtered = [text.partition(":")[0] for text in bound["filter"]]
    target = finer(view.by, filtered)

    def go(by: str | None) -> None:
        for column, value in zip(view.by, group.key, strict=True):
            add_filters(bound, column, [value])
        if by is not None:
            bound.put("by", [by])

    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown(f"**{markdown(group.label)}**", width="content")
        st.button(f"Look inside, by {target}", type="primary", icon=":material/zoom_in:", on_click=go, args=(target,))
        st.button("Only this", icon=":material/filter_alt:", on_click=go, args=(None,))


def elsewhere(where: Source, view: View, currency: str) -> None:
    """Offer the exact numbers as a file, and the same question for the command line and SQL."""
    start, end = view.window.start, view.window.end
    condition = all_of(currency_condition(where.facts, currency), view.where)
    with st.container(horizontal=True, gap="small"):
        parts.download(later(where, exact_answer, view, currency), f"costlab-{view.metric}-{start}-{end}")
        with st.popover("Same as command or SQL", icon=":material/terminal:", width="content"):
            st.caption("The same numbers on the command line")
            folder = str(where.lab.settings.workspace)
            st.code(as_command(view.by, view.metric, view.grain, start, end, condition, folder), language="sh")
            st.caption("The same numbers in SQL, for `costlab query`")
            st.code(as_sql(view.by, view.metric, view.grain, start, end, condition), language="sql")


main()
