"""One answer, the same in JSON and as a DataFrame."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal

from costlab.answer import Answer

NOW = datetime(2026, 3, 1)


def answer() -> Answer:
    return Answer(
        name="cost",
        columns=["ServiceName", "EffectiveCost"],
        items=[{"ServiceName": None, "EffectiveCost": Decimal("1.100000000000"), "nested": [{"at": NOW}]}],
        generated_at=NOW,
        as_of=NOW,
        currency="USD",
        totals={"EffectiveCost": Decimal("1.1"), "from": date(2026, 2, 1)},
    )


def test_money_in_json_is_a_decimal_string_and_time_is_iso_utc() -> None:
    payload = json.loads(json.dumps(answer().payload()))
    assert payload["schema"] == "costlab/cost/1"
    assert payload["items"][0] == {
        "ServiceName": None,
        "EffectiveCost": "1.1",
        "nested": [{"at": "2026-03-01T00:00:00Z"}],
    }
    assert payload["totals"] == {"EffectiveCost": "1.1", "from": "2026-02-01"}
    assert payload["generated_at"] == "2026-03-01T00:00:00Z"


def test_a_frame_keeps_money_exact() -> None:
    frame = answer().frame()
    assert list(frame.columns) == ["ServiceName", "EffectiveCost"]
    assert frame["EffectiveCost"].iloc[0] == Decimal("1.1")
