"""``costlab prices``: works offline and before anything is loaded, with full digits, dates and doubts."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Run


def test_show_works_before_anything_is_loaded_and_warns_of_old_prices(run: Run, tmp_path: Path) -> None:
    done = run(
        "--workspace", tmp_path / "ws", "prices", "show", "--provider", "AWS", "--region", "us-east-1", "--shape",
        "m5.large", "--instrument", "ondemand", "--format", "json",
    )  # fmt: skip
    assert done.code == 0
    (item,) = done.json["items"]
    assert (item["price"], item["currency"], item["unit"]) == ("0.096", "USD", "hour")
    assert (item["valid_from"], item["confidence"], item["x_source"]) == ("2026-07-20T00:00:00Z", "high", "default")
    assert not (tmp_path / "ws").exists()


def test_a_unit_price_is_shown_with_all_its_digits(run: Run, tmp_path: Path) -> None:
    done = run("--workspace", tmp_path / "ws", "prices", "show", "--service", "AWSLambda", "--kind", "function")
    assert "0.0000166667" in done.out
    assert "older than 90 days" in done.err


def test_tiers_are_there_in_order(run: Run, tmp_path: Path) -> None:
    done = run(
        "--workspace", tmp_path / "ws", "prices", "show", "--kind", "egress", "--provider", "aws", "--format", "json"
    )
    tiers = [(i["tier_from"], i["tier_to"], i["price"]) for i in done.json["items"] if i["sku_id"] == "internet"]
    assert sorted(tiers, key=lambda tier: int(tier[0])) == [
        ("0", "10240", "0.09"), ("10240", "51200", "0.085"), ("51200", "153600", "0.07"), ("153600", None, "0.05"),
    ]  # fmt: skip


def test_check_says_which_prices_to_doubt_and_why(run: Run, tmp_path: Path) -> None:
    done = run("--workspace", tmp_path / "ws", "prices", "check", "--format", "json")
    assert done.code == 0
    assert done.json["schema"] == "costlab/prices-check/1"
    assert {item["rule"] for item in done.json["items"]} == {"out-of-line"}
    assert all(item["why"] and item["x_source"] == "default" for item in done.json["items"])


def test_update_without_a_price_source_says_what_to_configure(run: Run, tmp_path: Path) -> None:
    done = run("--workspace", tmp_path / "ws", "prices", "update")
    assert done.code == 4
    assert "no price source is configured" in done.err
