"""``costlab rate`` as people run it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.cli.conftest import Run

USAGE = """hour,provider,account_id,region,pool,quantity,list_price
2026-01-01T00:00:00Z,aws,000042,us-east-1,m5.large,3,0.096
2026-01-01T03:00:00+02:00,aws,000043,us-east-1,m5.xlarge,1,0.192
"""
COMMITMENTS = """id,provider,instrument,owner_account_id,region,zone,family_or_pool,amount,from,to,sharing,group
ri,aws,regional-ri,000042,us-east-1,,m5.large,1,2025-06-01,2026-06-01,all,
sp,aws,compute-sp,000042,,,,0.2,,,none,
"""
RATES = """instrument,pool,region,price
regional-ri,m5.large,us-east-1,0.06
compute-sp,m5.large,,0.07
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, ...]:
    words: list[str] = []
    for name, text in (("usage", USAGE), ("commitments", COMMITMENTS), ("rates", RATES)):
        path = tmp_path / f"{name}.csv"
        path.write_text(text)
        words += [f"--{name}", str(path)]
    return tuple(words)


def test_the_totals_are_exact_decimal_strings(run: Run, files: tuple[str, ...]) -> None:
    done = run("rate", *files, "--format", "json")
    assert done.code == 0
    assert done.json["schema"] == "costlab/rate/1"
    totals = {name: value for name, value in done.json["totals"].items() if isinstance(value, str)}
    assert totals == {
        "cost": "0.616", "list_cost": "0.48", "committed_cost": "0.52", "on_demand_cost": "0.096",
        "unused_cost": "0.26",
    }  # fmt: skip


def test_items_by_commitment_say_what_was_used_and_lost(run: Run, files: tuple[str, ...]) -> None:
    items = run("rate", *files, "--by", "commitment", "--format", "json").json["items"]
    assert items == [
        {"covered_by": "ri", "quantity": "1.5", "cost": "0.12", "used": "2", "unused": "0", "cost_unused": "0",
         "reason": None},
        {"covered_by": "sp", "quantity": "2", "cost": "0.4", "used": "0.14", "unused": "0.26", "cost_unused": "0.26",
         "reason": None},
        {"covered_by": None, "quantity": "0.5", "cost": "0.096", "used": None, "unused": None,
         "cost_unused": None, "reason": None},
    ]  # fmt: skip


def test_every_grain_adds_up_and_keeps_account_ids_as_text(run: Run, files: tuple[str, ...]) -> None:
    items = run("rate", *files, "--by", "hour,pool,account,commitment", "--format", "json").json["items"]
    assert sum(Decimal(item["cost"]) for item in items) == Decimal("0.616")
    assert {item["account_id"] for item in items} == {"000042", "000043", None}
    assert {item["hour"] for item in items} == {"2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"}


def test_parquet_gives_the_same_bill(run: Run, files: tuple[str, ...], tmp_path: Path) -> None:
    import pandas as pd

    frame = pd.read_csv(tmp_path / "usage.csv", dtype={"account_id": str})
    frame["hour"] = pd.to_datetime(frame["hour"], utc=True)
    frame.to_parquet(tmp_path / "usage.parquet")
    other = ("--usage", str(tmp_path / "usage.parquet"), *files[2:])
    totals = [run("rate", *words, "--format", "json").json["totals"] for words in (files, other)]
    assert totals[0] == totals[1]


def test_a_missing_list_price_exits_with_5_and_is_said(run: Run, files: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "usage.csv").write_text(USAGE.replace("0.192", ""))
    done = run("rate", *files[:2], "--format", "json")
    assert done.code == 5
    assert done.json["data_status"] == "partial"
    assert done.json["totals"]["cost"] == "0.288"
    assert "no list price for m5.xlarge" in done.err


@pytest.mark.parametrize(
    ("text", "said"),
    [("hour,pool\n2026-01-01,x\n", "lacks the column provider, account_id, region, quantity, list_price"),
     (USAGE.replace(",3,", ",three,"), "column quantity: cannot read 'three'"),
     (USAGE.replace("2026-01-01T00:00:00Z", "yesterday"), "column hour: cannot read 'yesterday'"),
     (USAGE.replace("aws", "moon"), "unknown provider 'moon'")],
)  # fmt: skip
def test_a_file_that_cannot_be_used_exits_with_2(
    run: Run, files: tuple[str, ...], tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "usage.csv").write_text(text)
    done = run("rate", *files)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_unknown_files_and_grains_exit_with_2(run: Run, files: tuple[str, ...]) -> None:
    assert run("rate", "--usage", "/nowhere/usage.csv").code == 2
    done = run("rate", *files, "--by", "zone")
    assert done.code == 2
    assert "account, commitment, hour, pool" in done.err


def test_a_file_that_is_not_what_its_name_says_exits_with_3(run: Run, tmp_path: Path) -> None:
    broken = tmp_path / "usage.parquet"
    broken.write_text("not parquet")
    assert run("rate", "--usage", str(broken)).code == 3
