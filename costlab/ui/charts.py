"""Vega-Lite charts as Altair objects. Data in, specification out; no Streamlit, no queries.

Fields have fixed names (``period``, ``series``, ``amount``): names from a bill are values, never part of a
specification's syntax. Amounts become floats for the eye only; tooltips carry the exact text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from costlab.ui.format import currency_prefix, exact_money, money
from costlab.ui.palette import ACTUAL, ALARM, EXPECTED, OTHER, OTHER_COLOUR, colours

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from decimal import Decimal

    import altair as alt

    from costlab.ui.overview import Mover
    from costlab.ui.series import Group, Point

_ROUND = 3
_FEW_DAYS = 16


@dataclass(frozen=True, slots=True)
class Band:
    """One day of an incident's scope: what it cost and what was expected, where that is known."""

    day: date
    actual: Decimal
    expected: Decimal | None = None
    lower: Decimal | None = None
    upper: Decimal | None = None
    is_anomalous: bool = False


def stacked(
    points: Sequence[Point],
    series: Sequence[str],
    ranking: Sequence[str],
    currency: str,
    *,
    metric: str,
    grain: str = "day",
    height: int = 300,
) -> alt.LayerChart | alt.Chart:
    """Return bars per period, stacked by series with the largest at the bottom, in the series' own colours."""
    import altair as alt

    palette = series_colours(series, ranking)
    order = {name: place for place, name in enumerate(series)}
    rows = [
        {
            "period": point.period,
            "series": point.series,
            "amount": float(point.amount),
            "order": order[point.series],
            "shown": money(point.amount, currency, places=2),
            "exact": exact_money(point.amount, currency),
        }
        for point in points
    ]
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_bar(cornerRadiusEnd=0, binSpacing=1)
        .encode(
            x=_period_axis(grain, len({point.period for point in points})),
            y=alt.Y("sum(amount):Q", title=None, axis=_money_axis(currency)),
            color=alt.Color(
                "series:N",
                title=None,
                sort=list(series),
                scale=alt.Scale(domain=list(series), range=[palette[name] for name in series]),
                legend=alt.Legend(orient="bottom", columns=4, symbolType="square", labelLimit=230, title=None),
            ),
            order=alt.Order("order:Q"),
            tooltip=[
                alt.Tooltip("period:T", title="Day" if grain == "day" else "Month", format=_FORMATS[grain]),
                alt.Tooltip("series:N", title="What"),
                alt.Tooltip("shown:N", title=metric),
                alt.Tooltip("exact:N", title="Exact"),
            ],
        )
        .properties(height=height)
    )


def ranked(
    groups: Sequence[Group], ranking: Sequence[str], currency: str, *, metric: str, height: int | None = None
) -> alt.Chart:
    """Return one horizontal bar per group, largest first."""
    import altair as alt

    palette = series_colours([group.label for group in groups], ranking)
    rows = [
        {
            "series": group.label,
            "amount": float(group.amount),
            "colour": palette[group.label],
            "shown": money(group.amount, currency, places=2),
            "exact": exact_money(group.amount, currency),
        }
        for group in groups
    ]
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_bar(cornerRadiusEnd=_ROUND)
        .encode(
            y=alt.Y("series:N", sort=[group.label for group in groups], title=None, axis=_name_axis(260)),
            x=alt.X("amount:Q", title=None, axis=_money_axis(currency)),
            color=alt.Color("colour:N", scale=None),
            tooltip=[
                alt.Tooltip("series:N", title="What"),
                alt.Tooltip("shown:N", title=metric),
                alt.Tooltip("exact:N", title="Exact"),
            ],
        )
        .properties(height=height or max(120, 30 * len(groups) + 30))
    )


def movers(found: Sequence[Mover], currency: str, *, height: int = 300) -> alt.LayerChart:
    """Return a bar per service from what it rose or fell by; rises and falls differ in colour and direction."""
    import altair as alt

    rows = [
        {
            "series": mover.name or "(none)",
            "change": float(mover.change.difference or 0),
            "label": money(mover.change.difference, currency, sign=True),
            "now": exact_money(mover.change.now, currency),
            "before": exact_money(mover.change.before, currency),
            "exact": exact_money(mover.change.difference, currency),
        }
        for mover in found
    ]
    names = [row["series"] for row in rows]
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=alt.Y("series:N", sort=names, title=None, axis=_name_axis(170)),
        tooltip=[
            alt.Tooltip("series:N", title="Service"),
            alt.Tooltip("before:N", title="Before"),
            alt.Tooltip("now:N", title="Now"),
            alt.Tooltip("exact:N", title="Change"),
        ],
    )
    most = max((abs(row["change"]) for row in rows), default=1.0) or 1.0
    low, high = min([0.0, *(row["change"] for row in rows)]), max([0.0, *(row["change"] for row in rows)])
    # room for the labels beyond the longest bars
    scale = alt.Scale(domain=[low - (0.45 * most if low else 0), high + (0.45 * most if high else 0)])
    x = alt.X("change:Q", title=None, scale=scale, axis=None)
    bars = base.mark_bar(cornerRadiusEnd=_ROUND, height={"band": 0.62}).encode(
        x=x, color=alt.condition("datum.change > 0", alt.value(ALARM), alt.value("#12a594"))
    )
    right = base.transform_filter("datum.change > 0").mark_text(align="left", dx=5).encode(x=x, text="label:N")
    left = base.transform_filter("datum.change <= 0").mark_text(align="right", dx=-5).encode(x=x, text="label:N")
    return alt.layer(bars, right, left).properties(height=height)


def incident(bands: Sequence[Band], currency: str, *, height: int = 300) -> alt.LayerChart:
    """Return actual cost as a line over the band that was expected, anomalous days marked."""
    import altair as alt

    rows = [
        {
            "period": band.day.isoformat(),
            "actual": float(band.actual),
            "expected": None if band.expected is None else float(band.expected),
            "lower": None if band.lower is None else float(band.lower),
            "upper": None if band.upper is None else float(band.upper),
            "anomalous": band.is_anomalous,
            "actual_text": exact_money(band.actual, currency),
            "expected_text": money(band.expected, currency, places=2),
            "range_text": _range_text(band, currency),
        }
        for band in bands
    ]
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("period:T", title=None, axis=_day_axis()),
        tooltip=[
            alt.Tooltip("period:T", title="Day", format="%a %-d %b %Y"),
            alt.Tooltip("actual_text:N", title="Actual"),
            alt.Tooltip("expected_text:N", title="Expected"),
            alt.Tooltip("range_text:N", title="Expected range"),
        ],
    )
    axis = _money_axis(currency)
    area = (
        base.transform_filter("isValid(datum.lower)")
        .mark_area(opacity=0.25, color=EXPECTED)
        .encode(y=alt.Y("lower:Q", title=None, axis=axis), y2="upper:Q")
    )
    expected = (
        base.transform_filter("isValid(datum.expected)")
        .mark_line(color=EXPECTED, strokeDash=[5, 4], strokeWidth=1.5)
        .encode(y=alt.Y("expected:Q", title=None, axis=axis))
    )
    line = base.mark_line(color=ACTUAL, strokeWidth=2).encode(y=alt.Y("actual:Q", title=None, axis=axis))
    dots = (
        base.transform_filter("datum.anomalous")
        .mark_point(color=ALARM, filled=True, size=60, opacity=1)
        .encode(y=alt.Y("actual:Q", title=None, axis=axis))
    )
    return alt.layer(area, expected, line, dots).properties(height=height)


def series_colours(series: Sequence[str], ranking: Sequence[str]) -> dict[str, str]:
    """Return the colours of the series of one chart: by the ranking where they are in it, else in order."""
    names = [name for name in series if name != OTHER]
    if not any(name in ranking for name in names):
        ranking = names
    return {**colours(names, ranking), OTHER: OTHER_COLOUR}


_FORMATS = {"day": "%a %-d %b %Y", "month": "%B %Y"}


def _period_axis(grain: str, count: int) -> Any:
    import altair as alt

    if grain == "month":
        return alt.X("yearmonth(period):O", title=None, axis=alt.Axis(format="%b %Y", labelAngle=0, ticks=False))
    if count <= _FEW_DAYS:
        return alt.X("yearmonthdate(period):O", title=None, axis=alt.Axis(format="%-d %b", labelAngle=0, ticks=False))
    return alt.X("yearmonthdate(period):T", title=None, axis=_day_axis())


def _day_axis() -> Any:
    import altair as alt

    return alt.Axis(format="%-d %b", labelAngle=0, grid=False, labelOverlap=True, tickCount=8, domain=True)


def _money_axis(currency: str) -> Any:
    import altair as alt

    prefix = currency_prefix(currency).replace("\\", "").replace("'", "")
    thousands = f"'{prefix}' + format(abs(datum.value), abs(datum.value) >= 1000 ? '.3~s' : ',.3~r')"
    return alt.Axis(
        labelExpr=f"(datum.value < 0 ? '\N{MINUS SIGN}' : '') + {thousands}",
        tickCount=5,
        domain=False,
        ticks=False,
        labelPadding=6,
    )


def _name_axis(limit: int) -> Any:
    import altair as alt

    return alt.Axis(labelLimit=limit, ticks=False, domain=False, labelPadding=8)


def _range_text(band: Band, currency: str) -> str:
    if band.lower is None or band.upper is None:
        return "–"
    return f"{money(band.lower, currency)} to {money(band.upper, currency)}"
