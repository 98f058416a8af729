"""``costlab calibrate`` as people run it, and what ``doctor`` says of it."""

from __future__ import annotations

from pathlib import Path

import pytest

import costlab
from costlab.lab.publishing import publish_workspace
from costlab.settings import Settings
from tests.calibration.test_planted import EC2, PLANS, bill, without_unused
from tests.cli.conftest import Run
from tests.support import focus_rows, load_rows


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bill that is right, and one of another source that lacks the unused part of a commitment."""
    folder = tmp_path_factory.mktemp("ws")
    wrong = [row | {"x_source": "wrong", "BillingCurrency": "EUR", "SubAccountId": "333333333333"} for row in bill()]
    load_rows(folder, focus_rows([*bill(), *without_unused(wrong)]))
    assert publish_workspace(Settings(folder)) is not None
    return folder


def test_a_bill_that_is_right_is_equal_and_exits_with_0(run: Run, workspace: Path) -> None:
    done = run("calibrate", "--workspace", workspace, "--source", "aws", "--period", "2026-03", "--format", "json")
    assert done.code == 0
    assert (done.json["schema"], done.json["currency"], done.json["data_status"]) == (
        "costlab/calibrate/1",
        "USD",
        "complete",
    )
    assert [(item["service_name"], item["difference"], item["status"]) for item in done.json["items"]] == [
        (EC2, "0", "equal"), (PLANS, "0", "equal"),
    ]  # fmt: skip
    assert done.json["totals"]["difference"] == "0"
    committed = {
        item["name"]: item["discount"] for item in done.json["totals"]["discounts"] if item["kind"] == "committed"
    }
    assert committed == {"regional-ri": "0.4", "compute-sp": "0.2941"}


def test_a_bill_that_is_off_is_said_and_exits_with_5(run: Run, workspace: Path) -> None:
    done = run("calibrate", "--workspace", workspace, "--format", "json")
    assert done.code == 5
    assert done.json["data_status"] == "partial"
    assert done.json["totals"]["by_currency"]["EUR"]["unexplained"] == "1.44"
    assert done.json["totals"]["by_currency"]["USD"]["unexplained"] == "0"
    (warning,) = done.json["warnings"]
    assert warning == "wrong 2026-03: computed again it differs by 1.44 EUR (18.8 %), unexplained 1.44"


def test_doctor_names_a_bill_that_is_off(run: Run, workspace: Path) -> None:
    done = run("doctor", "--workspace", workspace, "--format", "json")
    (found,) = [item for item in done.json["items"] if item["check"].startswith("calibration")]
    assert (found["check"], found["status"]) == ("calibration of wrong", "note")
    assert found["fix"] == "`costlab calibrate --source wrong --period 2026-03` shows it by service"


def test_the_tables_are_what_rate_reads(run: Run, workspace: Path, tmp_path: Path) -> None:
    learned = tmp_path / "learned"
    assert run("calibrate", "--workspace", workspace, "--source", "aws", "--tables", learned).code == 0
    files = [part for name in ("usage", "commitments", "rates") for part in (f"--{name}", learned / f"{name}.parquet")]
    totals = run("rate", *files, "--format", "json").json["totals"]
    assert (totals["cost"], totals["unused_cost"], totals["on_demand_cost"]) == ("9.12", "1.44", "4.8")


def test_tables_in_another_currency_are_said(run: Run, workspace: Path, tmp_path: Path) -> None:
    done = run("calibrate", "--workspace", workspace, "--source", "wrong", "--tables", tmp_path, "--format", "json")
    assert done.json["warnings"][-1] == "the tables are in EUR, which `costlab rate` calls USD"


def test_tables_of_several_bills_are_refused(run: Run, workspace: Path, tmp_path: Path) -> None:
    done = run("calibrate", "--workspace", workspace, "--tables", tmp_path / "learned")
    assert done.code == 2
    assert "--tables takes one bill, these are 2: aws 2026-03 USD, wrong 2026-03 EUR" in done.err
    assert not (tmp_path / "learned").exists()


@pytest.mark.parametrize("arguments", [("--source", "nobody"), ("--period", "2020-01"), ("--period", "soon")])
def test_what_is_not_loaded_is_named(run: Run, workspace: Path, arguments: tuple[str, str]) -> None:
    assert run("calibrate", "--workspace", workspace, *arguments).code == 2


def test_the_table_shows_what_was_learned(run: Run, workspace: Path) -> None:
    done = run("calibrate", "--workspace", workspace, "--source", "aws")
    assert "learned, aws 2026-03: regional-ri committed 40 % below list (24 lines)" in done.out


def test_a_notebook_gets_a_frame(workspace: Path) -> None:
    with costlab.open(workspace) as lab:
        frame = lab.calibrate(source="aws")
    assert list(frame["service_name"]) == [EC2, PLANS]
