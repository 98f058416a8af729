"""What pages are put together from: frame, figures, notices, tables, downloads. Text from bills is always escaped."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import streamlit as st

from costlab.errors import CostlabError, DataError
from costlab.report.formats import as_csv
from costlab.ui import session
from costlab.ui.format import change, column_format, day, exact_money, markdown, money, ratio
from costlab.ui.frame import never_alone
from costlab.ui.palette import INK
from costlab.ui.session import Bound, Source, source, workspace
from costlab.warehouse.connection import Error

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from costlab.answer import Answer
    from costlab.ui.overview import Change
    from costlab.ui.state import Param

_ROW_HEIGHT = 33


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: the item's field, its heading, and how it is shown.

    ``kind``: text, exact (an unrounded amount as text), money, number, ratio, share (a ratio with a bar), day, instant.
    """

    field: str
    heading: str
    kind: str = "text"
    width: int | None = None
    help: str | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """A page: its data, the place for controls beside the title, and the line below it for what the numbers are."""

    source: Source
    controls: Any
    line: Any


@contextmanager
def page(title: str) -> Generator[Frame]:
    """Draw a page's title and hand over the data; what goes wrong becomes an explanation, never a traceback."""
    never_alone()
    head = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom")
    head.title(title, anchor=False, width="content")
    controls = head.container(horizontal=True, vertical_alignment="bottom", width="content")
    line = st.container(horizontal=True, vertical_alignment="center", gap="small")
    where = _source()
    st.sidebar.caption(
        f"{markdown(where.generation.path.parent.parent.name)}  \nData as of {day(where.facts.last_day)}, "
        f"sequence {where.generation.seq}"
    )
    if where.facts.is_empty:
        nothing_loaded()
    try:
        yield Frame(where, controls, line)
    except CostlabError as error:
        _failed(error)
    except Error:
        if session.is_newest(where):
            other_version()
        st.rerun()  # its files were tidied away by a publish in the middle of this run


def _source() -> Source:
    """Return the data; without any, say why and end the run."""
    try:
        return source()
    except CostlabError as error:
        if isinstance(error, DataError) and not session.is_published():
            nothing_loaded()
        _failed(error)
        st.stop()
    except Error:
        other_version()


def other_version() -> NoReturn:
    """Explain tables that are not as this version writes them, and end the run."""
    st.error(
        "The published data was written by another version of costlab and cannot be shown. "
        "Run `costlab nightly` to publish it again, then reload this page.",
        icon=":material/update:",
    )
    st.stop()


def _failed(error: CostlabError) -> None:
    st.error(f"{markdown(error.message)}. {markdown(error.hint, nothing='')}", icon=":material/error:")


def nothing_loaded() -> NoReturn:
    """Explain an empty workspace and end the run."""
    with st.container(border=True):
        st.subheader("Nothing is loaded yet", anchor=False)
        st.markdown(
            f"The workspace {markdown(workspace())} has no published data. Load a bill, or make a demo company:"
        )
        st.code(
            f"costlab --workspace {workspace()} ingest aws-cur --from /path/to/export --name aws\ncostlab demo",
            language="sh",
        )
        st.caption("Then reload this page.")
    st.stop()


def nothing_here(what: str, why: str) -> None:
    """Say that a part of a page has nothing to show, and why."""
    with st.container(border=True):
        st.markdown(f"**{what}**")
        st.caption(why)


def notices(bound: Bound) -> None:
    """Show what in the link could not be used."""
    for notice in bound.notices:
        st.warning(markdown(notice), icon=":material/link_off:")


def warnings(texts: Sequence[str]) -> None:
    """Show why the numbers are not complete."""
    if texts:
        lines = "\n".join(f"- {markdown(text)}" for text in texts)
        st.warning(f"**The data behind this page is not complete.**\n\n{lines}", icon=":material/warning:")


def context_line(parts: Sequence[str]) -> None:
    """Show what the numbers below are: metric, currency, days, data-as-of. The parts are ours or already escaped."""
    st.caption("  ·  ".join(part for part in parts if part))


def as_of(where: Source) -> str:
    """Return the phrase that says up to when there is data."""
    return f"Data as of {day(where.facts.last_day)} (UTC)"


def currency_param(where: Source) -> tuple[str, ...]:
    """Return the currencies a page can show, or one placeholder without any."""
    return where.facts.currencies or ("USD",)


def currency_control(bound: Bound, options: Sequence[str]) -> None:
    """Draw the choice of currency where there are several: they are never added."""
    if len(options) > 1:
        st.segmented_control(
            "Currency", options, key=bound.key("currency"), required=True, help="Currencies are never added up."
        )


@contextmanager
def cards() -> Generator[None]:
    """Lay out figures side by side, wrapping on narrow windows."""
    with st.container(horizontal=True, gap="small"):
        yield


def money_card(label: str, moved: Change, currency: str, *, compared: str | None, note: str) -> None:
    """Show an amount with its change; a rise of cost is the bad direction."""
    relative = change(moved.now, moved.before)
    delta = ratio(relative, sign=True) if relative is not None else None
    card(
        label,
        money(moved.now, currency),
        delta=delta,
        about=compared if delta else None,
        rise_is_bad=True,
        note=f"{note} Exact: {exact_money(moved.now, currency)}.",
    )


def card(
    label: str, value: str, *, delta: str | None = None, about: str | None = None, rise_is_bad: bool = False, note: str
) -> None:
    """Show one figure. ``delta`` is its change as text, or a fact without direction when ``rise_is_bad`` is off."""
    st.metric(
        label,
        value,
        delta=delta.replace("\N{MINUS SIGN}", "-") if delta else None,
        delta_color="inverse" if rise_is_bad else "off",
        delta_arrow="auto" if rise_is_bad else "off",
        delta_description=about,
        help=note.replace("$", r"\$"),
        border=True,
        width="stretch",
        height="stretch",
    )


def panel(title: str, note: str = "") -> Any:
    """Return a framed area with a heading; ``note`` says what is in it."""
    box = st.container(border=True, height="stretch", gap="small")
    head = box.container(gap="xsmall")
    head.subheader(title, anchor=False)
    if note:
        head.caption(note)
    return box


def table(
    items: Sequence[dict[str, Any]],
    columns: Sequence[Column],
    currency: str | None,
    *,
    key: str,
    rows: int = 10,
    select: bool = False,
    chosen: int | None = None,
) -> int | None:
    """Draw a table and return the place of the row that is selected; numbers are right-aligned and sort as numbers."""
    import pandas as pd

    frame = pd.DataFrame(
        {column.field: [_shown(item.get(column.field), column.kind) for item in items] for column in columns}
    )
    shape: dict[str, Any] = {"hide_index": True, "row_height": _ROW_HEIGHT, "key": key}
    shape["height"] = "content" if len(items) <= rows else _ROW_HEIGHT * (rows + 1) + 2
    config = {column.field: _config(column, currency) for column in columns}
    if not select:
        st.dataframe(frame, column_config=config, **shape)
        return None
    event = st.dataframe(
        frame,
        column_config=config,
        **shape,
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [chosen], "columns": [], "cells": []}} if chosen is not None else None,
    )
    selected = event["selection"]["rows"]
    return selected[0] if selected else None


def facts_table(lines: Sequence[tuple[str, str]]) -> None:
    """Draw names and values side by side, the first as a heading."""
    rows = [f"| {markdown(name)} | {markdown(value)} |" for name, value in lines]
    st.markdown("\n".join([rows[0], "| :--- | :--- |", *rows[1:]]))


def download(answer: Callable[[], Answer], name: str) -> None:
    """Offer all items of an answer as CSV, amounts exact to the last place; asked for when the button is pressed."""
    st.download_button(
        "Download CSV",
        lambda: as_csv(answer()),
        file_name=f"{name}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        help="Every row, amounts unrounded",
    )


def chart(spec: Any, *, key: str, alt: str) -> None:
    """Draw a chart in the page's theme; ``alt`` says what it shows to those who cannot see it."""
    st.altair_chart(spec, width="stretch", key=key, alt=alt)


def ink() -> str:
    """Return the colour of text inside charts, by the theme the browser says it uses."""
    kind = st.context.theme.type
    return INK[kind if kind in INK else None]


def bound(name: str, params: Sequence[Param]) -> Bound:
    """Return a page's controls, restored from the URL, with a notice for each value that is not possible."""
    found = Bound(name, params)
    notices(found)
    return found


def _shown(value: Any, kind: str) -> Any:
    match kind:
        case "money" | "ratio" | "share" | "number":
            return None if value is None else float(value)
        case "day":
            return value
        case "instant":
            return None if value is None else value.replace(microsecond=0)
        case _:
            return None if value is None else str(value)


def _config(column: Column, currency: str | None) -> Any:
    if column.kind == "money":
        return st.column_config.NumberColumn(
            column.heading, format=column_format(currency), width=column.width, help=column.help
        )
    if column.kind == "ratio":
        return st.column_config.NumberColumn(column.heading, format="percent", width=column.width, help=column.help)
    if column.kind == "share":
        return st.column_config.ProgressColumn(
            column.heading, format="percent", width=column.width, help=column.help, min_value=0, max_value=1
        )
    if column.kind == "number":
        return st.column_config.NumberColumn(column.heading, format="localized", width=column.width, help=column.help)
    if column.kind == "day":
        return st.column_config.DateColumn(column.heading, format="D MMM YYYY", width=column.width, help=column.help)
    if column.kind == "instant":
        return st.column_config.DatetimeColumn(column.heading, format="D MMM YYYY, HH:mm", width=column.width)
    alignment: Any = "right" if column.kind == "exact" else None
    return st.column_config.TextColumn(column.heading, width=column.width, help=column.help, alignment=alignment)
