"""``costlab cost --currency``: a conversion names its rate, date and source, and never invents one."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.cli.conftest import Run, publish_bill
from tests.support import focus_row

HEADER = "date,from,to,rate,source\n"
RATES = HEADER + "2026-01-01,EUR,USD,1.10,ECB\n2026-01-16,EUR,USD,1.20,ECB\n2026-01-01,GBP,USD,1.30,Bank of England\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    def charge(day: int, currency: str, service: str, amount: str) -> dict[str, object]:
        return focus_row(
            ChargePeriodStart=datetime(2026, 1, day),
            ChargePeriodEnd=datetime(2026, 1, day + 1),
            BillingPeriodStart=datetime(2026, 1, 1),
            BillingPeriodEnd=datetime(2026, 2, 1),
            BillingCurrency=currency,
            ServiceName=service,
            EffectiveCost=Decimal(amount),
        )

    rows = [
        charge(1, "EUR", "VMs", "10"), charge(15, "EUR", "VMs", "0.000000000005"), charge(16, "EUR", "VMs", "100"),
        charge(30, "USD", "VMs", "7"), charge(30, "USD", "S3", "200"),
    ]  # fmt: skip
    publish_bill(tmp_path / "ws", {"2026-01": rows})
    (tmp_path / "ws" / "exchange_rates.csv").write_text(RATES, encoding="utf-8")
    return tmp_path / "ws"


def test_each_day_is_converted_at_the_rate_of_its_day(run: Run, workspace: Path) -> None:
    answer = run("--workspace", workspace, "cost", "--currency", "USD", "--format", "json").json
    # 10.000000000005 x 1.10 = 11.0000000000055, half-even at the twelfth decimal; 100 x 1.20; 7
    assert answer["items"] == [
        {"ServiceName": "S3", "EffectiveCost": "200"},
        {"ServiceName": "VMs", "EffectiveCost": "138.000000000006"},
    ]
    assert answer["currency"] == "USD"
    assert answer["totals"]["EffectiveCost"] == "338.000000000006"
    euros = {"from": "EUR", "to": "USD", "source": "ECB"}
    assert answer["totals"]["rates"] == [
        {**euros, "date": "2026-01-01", "rate": "1.1", "amount": "10.000000000005"},
        {**euros, "date": "2026-01-16", "rate": "1.2", "amount": "100"},
    ]


def test_without_the_option_nothing_is_converted_or_added(run: Run, workspace: Path) -> None:
    answer = run("--workspace", workspace, "cost", "--format", "json").json
    assert answer["currency"] is None
    assert set(answer["totals"]["by_currency"]) == {"EUR", "USD"}


def test_the_grain_and_groups_stay(run: Run, workspace: Path) -> None:
    arguments = ("cost", "--by", "x_source", "--grain", "day", "--currency", "USD", "--format", "json")
    items = run("--workspace", workspace, *arguments).json["items"]
    assert [item["period"] for item in items] == ["2026-01-01", "2026-01-15", "2026-01-16", "2026-01-30"]
    assert items[0]["EffectiveCost"] == "11"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEADER, "no rate from EUR to USD for 2026-01-01"),
        (HEADER + "2026-01-16,EUR,USD,1.2,ECB\n", "no rate from EUR to USD for 2026-01-01"),
        (HEADER + "2026-01-01,EUR,USD,one,ECB\n", "exchange_rates.csv:2: the rate 'one' is not a number"),
        (HEADER + "2026-01-01,EUR,USD,0,ECB\n", "exchange_rates.csv:2: the rate 0 is not above zero"),
        (HEADER + "2026-01-01,EUR,USD,1.1,\n", "exchange_rates.csv:2: source missing"),
        (HEADER + "1.1.2026,EUR,USD,1.1,ECB\n", "exchange_rates.csv:2: date"),
    ],
)
def test_a_rate_that_is_missing_or_wrong_is_an_error(run: Run, workspace: Path, text: str, said: str) -> None:
    (workspace / "exchange_rates.csv").write_text(text, encoding="utf-8")
    done = run("--workspace", workspace, "cost", "--currency", "USD")
    assert done.code == 4
    assert said in done.err


@pytest.mark.parametrize(("arguments", "said"), [
    (("--currency", "dollars"), "'dollars' is not a currency"),
    (("--currency", "USD", "--by", "BillingCurrency"), "have no billing currency"),
])  # fmt: skip
def test_what_cannot_be_asked_is_a_usage_error(
    run: Run, workspace: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = run("--workspace", workspace, "cost", *arguments)
    assert done.code == 2
    assert said in done.err
