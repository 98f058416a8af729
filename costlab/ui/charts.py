"""Vega-Lite charts as Altair objects. Data in, specification out; no Streamlit, no queries.

Fields have fixed names (``period``, ``series``, ``amount``): names from a bill are values, never part of a
specification's syntax. Amounts become floats for the eye only; tooltips carry the exact text.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from costlab.period import Month
from costlab.ui.format import DASH, change, currency_prefix, exact_money, money, plain_text, ratio
from costlab.ui.palette import ACTUAL, EXPECTED, FALL, INK, OTHER, OTHER_COLOUR, RISE, colours
from costlab.ui.series import NONE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from costlab.ui.overview import Mover
    from costlab.ui.series import Group, Point

_ROUND = 3
_ROW = 40
_PADDING = {"left": 0, "right": 6, "top": 6, "bottom": 2}


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
    height: int = 360,
) -> Any:
    """Return bars per period, stacked by series with the largest at the bottom, in the series' own colours."""
    import altair as alt

    palette = series_colours(series, ranking)
    order = {name: place for place, name in enumerate(series)}
    rows = [
        {
            "period": point.period,
            "when": _when(point.period, grain),
            "series": point.series,
            "amount": float(point.amount),
            "order": order[point.series],
            "shown": money(point.amount, currency, places=2),
            "exact": exact_money(point.amount, currency),
        }
        for point in points
    ]
    return (
        alt.Chart(_values(rows))
        .mark_bar()
        .encode(
            x=_period_axis(grain, [point.period for point in points]),
            y=alt.Y("sum(amount):Q", title=None, axis=_money_axis(currency)),
            color=alt.Color(
                "series:N",
                title=None,
                sort=list(series),
                scale=alt.Scale(domain=list(series), range=[palette[name] for name in series]),
                legend=alt.Legend(
                    orient="bottom", columns=3, symbolType="square", labelLimit=170, title=None, offset=8
                ),
            ),
            order=alt.Order("order:Q"),
            tooltip=[
                alt.Tooltip("when:N", title="Day" if grain == "day" else "Month"),
                alt.Tooltip("series:N", title="What"),
                alt.Tooltip("shown:N", title=metric),
                alt.Tooltip("exact:N", title="Exact"),
            ],
        )
        .properties(height=height, padding=_PADDING)
    )


def ranked(groups: Sequence[Group], ranking: Sequence[str], currency: str, *, metric: str) -> Any:
    """Return one horizontal bar per group, largest first."""
    import altair as alt

    palette = series_colours([group.label for group in groups], ranking) if ranking else {}
    rows = [
        {
            "series": group.label,
            "amount": float(group.amount),
            "colour": palette.get(group.label, ACTUAL),
            "shown": money(group.amount, currency, places=2),
            "exact": exact_money(group.amount, currency),
        }
        for group in groups
    ]
    return (
        alt.Chart(_values(rows))
        .mark_bar(cornerRadiusEnd=_ROUND)
        .encode(
            y=alt.Y("series:N", sort=[group.label for group in groups], title=None, axis=_name_axis(330)),
            x=alt.X("amount:Q", title=None, axis=_money_axis(currency)),
            color=alt.Color("colour:N", scale=None),
            tooltip=[
                alt.Tooltip("series:N", title="What"),
                alt.Tooltip("shown:N", title=metric),
                alt.Tooltip("exact:N", title="Exact"),
            ],
        )
        .properties(height=max(120, 30 * len(groups) + 30), padding=_PADDING)
    )


def movers(found: Sequence[Mover], currency: str, *, ink: str = INK[None]) -> Any:
    """Return a bar per service from what it rose or fell by, its name and change above it."""
    import altair as alt

    rows = [
        {
            "place": place,
            "series": plain_text(mover.name, nothing=NONE),
            "change": float(mover.change.difference or 0),
            "label": _moved_text(mover, currency),
            "now": exact_money(mover.change.now, currency),
            "before": exact_money(mover.change.before, currency),
            "exact": exact_money(mover.change.difference, currency),
        }
        for place, mover in enumerate(found)
    ]
    base = alt.Chart(_values(rows)).encode(
        y=alt.Y("place:O", axis=None),
        tooltip=[
            alt.Tooltip("series:N", title="Service"),
            alt.Tooltip("before:N", title="Before"),
            alt.Tooltip("now:N", title="Now"),
            alt.Tooltip("exact:N", title="Change"),
        ],
    )
    bars = base.mark_bar(cornerRadius=2, height=6, yOffset=9).encode(
        x=alt.X("change:Q", title=None, axis=None),
        color=alt.condition("datum.change > 0", alt.value(RISE), alt.value(FALL)),
    )
    text: dict[str, Any] = {"dy": -5, "fontSize": 12.5, "color": ink}
    names = base.mark_text(align="left", limit=190, **text).encode(x=alt.value(0), text="series:N")
    amounts = base.mark_text(align="right", fontWeight=600, **text).encode(x=alt.value("width"), text="label:N")
    return alt.layer(bars, names, amounts).properties(height=_ROW * max(1, len(rows)), padding=_PADDING)


def incident(bands: Sequence[Band], currency: str, *, height: int = 300) -> Any:
    """Return actual cost as a line over the band that was expected, anomalous days marked."""
    import altair as alt

    rows = [
        {
            "period": band.day.isoformat(),
            "when": _when(band.day.isoformat(), "day"),
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
    base = alt.Chart(_values(rows)).encode(
        x=_period_axis("day", [band.day.isoformat() for band in bands]),
        tooltip=[
            alt.Tooltip("when:N", title="Day"),
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
        .mark_point(color=RISE, filled=True, size=60, opacity=1)
        .encode(y=alt.Y("actual:Q", title=None, axis=axis))
    )
    return alt.layer(area, expected, line, dots).properties(height=height, padding=_PADDING)


def series_colours(series: Sequence[str], ranking: Sequence[str]) -> dict[str, str]:
    """Return the colours of the series of one chart: by the ranking where they are in it, else in order."""
    names = [name for name in series if name != OTHER]
    if not any(name in ranking for name in names):
        ranking = names
    return {**colours(names, ranking), OTHER: OTHER_COLOUR}


def _values(rows: list[dict[str, Any]]) -> Any:
    from altair import InlineData

    return InlineData(values=rows)


def _when(period: str, grain: str) -> str:
    """Return a period as text. Made here and not in the browser, which would shift days into its own time zone."""
    if grain == "day":
        day = date.fromisoformat(period)
        return f"{day:%a} {day.day} {day:%b %Y}"
    return f"{Month.parse(period).first_day:%B %Y}" if grain == "month" else "All days"


def _period_axis(grain: str, periods: Sequence[str]) -> Any:
    """Return the axis of days or months, none left out; labels come from the text of the days, which are UTC."""
    import altair as alt

    known = sorted(set(periods))
    if grain == "month":
        parsed, shape = "utcParse(datum.value + '-01', '%Y-%m-%d')", "%b %Y"
    else:
        parsed, shape = "utcParse(datum.value, '%Y-%m-%d')", "%-d %b"
        known = _every_day(known)
    return alt.X(
        "period:O",
        title=None,
        scale=alt.Scale(domain=known, paddingInner=0.12, paddingOuter=0.1),
        axis=alt.Axis(
            labelExpr=f"utcFormat({parsed}, '{shape}')", labelAngle=0, labelOverlap="greedy", labelSeparation=24,
            grid=False, ticks=False, labelPadding=6,
        ),
    )  # fmt: skip


def _every_day(known: Sequence[str]) -> list[str]:
    if not known:
        return []
    first, last = date.fromisoformat(known[0]), date.fromisoformat(known[-1])
    return [(first + timedelta(days=offset)).isoformat() for offset in range((last - first).days + 1)]


def _moved_text(mover: Mover, currency: str) -> str:
    relative = change(mover.change.now, mover.change.before)
    share = f"  ({ratio(relative, sign=True)})" if relative is not None else "  (new)"
    return money(mover.change.difference, currency, sign=True) + share


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
        return DASH
    return f"{money(band.lower, currency)} to {money(band.upper, currency)}"
