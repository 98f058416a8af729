"""Specifications of charts: exact text in tooltips, days as days, colours that stay and can be told apart."""

from __future__ import annotations

import itertools
import json
import re
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costlab.ui import charts
from costlab.ui.charts import Band
from costlab.ui.overview import Change, Mover
from costlab.ui.palette import OTHER, OTHER_COLOUR, SOFT, STRONG, colours
from costlab.ui.series import Point, folded, groups
from tests.ui.estate import HOSTILE

# Machado, Oliveira and Fernandes 2009, severity 1: how linear RGB looks to readers without one kind of cone
_SIGHT = {
    "normal": np.eye(3),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_WHITE = np.array([0.95047, 1.0, 1.08883])


def linear(colour: str) -> Any:
    parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(rgb: Any) -> Any:
    xyz = _XYZ @ np.clip(rgb, 0, 1) / _WHITE
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("sight", _SIGHT)
def test_the_ten_colours_can_be_told_apart_by_every_reader(sight: str) -> None:
    seen = [lab(_SIGHT[sight] @ linear(colour)) for colour in STRONG]
    assert min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(seen, 2)) > 20


@pytest.mark.parametrize("ground", ["#ffffff", "#0f1722"])
def test_every_colour_is_visible_on_light_and_on_dark(ground: str) -> None:
    def luminance(colour: str) -> float:
        return float(_XYZ[1] @ linear(colour))

    for colour in STRONG:
        low, high = sorted((luminance(colour), luminance(ground)))
        assert (high + 0.05) / (low + 0.05) > 1.6, colour


@given(st.lists(st.text(min_size=1, max_size=8), unique=True, max_size=40), st.data())
def test_a_service_has_the_same_colour_in_every_chart(ranking: list[str], data: Any) -> None:
    shown = data.draw(st.lists(st.sampled_from(ranking), unique=True)) if ranking else []
    whole = colours(ranking, ranking)
    assert colours(shown, ranking) == {name: whole[name] for name in shown}
    assert len(set(list(whole.values())[:20])) == min(20, len(ranking))
    assert all(whole[name] == OTHER_COLOUR for name in ranking[20:])
    assert not set(STRONG) & set(SOFT)


def items(*rows: tuple[str, str | None, str]) -> list[dict[str, Any]]:
    return [{"period": day, "ServiceName": name, "EffectiveCost": Decimal(amount)} for day, name, amount in rows]


def test_what_is_not_shown_by_name_is_in_other_and_nothing_is_lost() -> None:
    found = items(
        ("2026-03-01", "a", "5"), ("2026-03-01", "b", "2"), ("2026-03-01", None, "1"), ("2026-03-02", "b", "3")
    )
    ranked = groups(found, ["ServiceName"], "EffectiveCost")
    assert [(g.label, g.amount) for g in ranked] == [("a", Decimal(5)), ("b", Decimal(5)), ("(none)", Decimal(1))]
    points, names = folded(found, ["ServiceName"], "EffectiveCost", ranked[:1])
    assert names == ["a", OTHER]
    assert sum(point.amount for point in points) == Decimal(11)


def test_a_value_called_other_is_not_mixed_up_with_the_rest() -> None:
    ranked = groups(items(("2026-03-01", OTHER, "5"), ("2026-03-01", "x", "1")), ["ServiceName"], "EffectiveCost")
    assert ranked[0].label != OTHER


def spec(chart: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(chart.to_json())
    return found


def test_a_stacked_chart_carries_exact_amounts_and_every_day() -> None:
    points = [Point("2026-02-27", "a", Decimal("1.000000000001")), Point("2026-03-02", "b", Decimal(2))]
    found = spec(charts.stacked(points, ["a", "b"], ["b", "a"], "USD", metric="EffectiveCost"))
    rows = next(iter(found["datasets"].values())) if "datasets" in found else found["data"]["values"]
    assert rows[0]["exact"] == "1.000000000001 USD"
    assert rows[0]["when"] == "Fri 27 Feb 2026"
    assert found["encoding"]["x"]["scale"]["domain"] == ["2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02"]
    assert found["encoding"]["color"]["scale"] == {"domain": ["a", "b"], "range": [STRONG[1], STRONG[0]]}
    assert found["encoding"]["x"]["type"] == "ordinal"


def test_names_from_a_bill_are_values_and_never_syntax() -> None:
    points = [Point("2026-03-01", HOSTILE, Decimal(1))]
    stacked = spec(charts.stacked(points, [HOSTILE], [], HOSTILE, metric="EffectiveCost"))
    moved = spec(charts.movers([Mover(HOSTILE, Change(Decimal(2), Decimal(1)))], "USD"))
    for found in (stacked, moved):
        text = json.dumps({key: value for key, value in found.items() if key not in {"data", "datasets"}})
        fields = re.findall(r'"field": "([^"]*)"', text)
        assert set(fields) <= {"period", "series", "amount", "order", "when", "shown", "exact", "place", "change",
                               "now", "before", "label"}  # fmt: skip
    label = stacked["encoding"]["y"]["axis"]["labelExpr"]
    assert label.count("'") % 2 == 0


def test_movers_say_what_is_new_and_which_way() -> None:
    found = [Mover("new", Change(Decimal(50), Decimal(0))), Mover("less", Change(Decimal(10), Decimal(20)))]
    layers = spec(charts.movers(found, "EUR"))
    rows = next(iter(layers["datasets"].values())) if "datasets" in layers else layers["data"]["values"]
    assert [row["label"] for row in rows] == ["+€50.00  (new)", "−€10.00  (−50.0%)"]
    assert [row["change"] for row in rows] == [50.0, -10.0]


def test_an_incidents_chart_marks_its_days_and_leaves_out_what_is_not_known() -> None:
    bands = [
        Band(date(2026, 3, 1), Decimal(5)),
        Band(date(2026, 3, 2), Decimal(9), Decimal(5), Decimal(4), Decimal(6), is_anomalous=True),
    ]
    found = spec(charts.incident(bands, "USD"))
    rows = next(iter(found["datasets"].values())) if "datasets" in found else found["data"]["values"]
    assert [row["anomalous"] for row in rows] == [False, True]
    assert rows[0]["lower"] is None
    assert rows[1]["range_text"] == "$4.00 to $6.00"


def test_groups_without_time_are_bars_of_one_colour_unless_they_are_services() -> None:
    ranked = groups(items(("2026-03-01", "a", "5"), ("2026-03-01", "b", "2")), ["ServiceName"], "EffectiveCost")
    plain = spec(charts.ranked(ranked, (), "USD", metric="EffectiveCost"))
    coloured = spec(charts.ranked(ranked, ("b", "a"), "USD", metric="EffectiveCost"))

    def seen(found: dict[str, Any]) -> list[str]:
        rows = next(iter(found["datasets"].values())) if "datasets" in found else found["data"]["values"]
        return [row["colour"] for row in rows]

    assert len(set(seen(plain))) == 1
    assert seen(coloured) == [STRONG[1], STRONG[0]]
