"""``costlab.open``: what a notebook gets is what the command line prints."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

import costlab
from costlab.errors import DataError, UsageError
from costlab.lab import Lab
from costlab.settings import Settings
from tests.cli.conftest import Run


def test_money_in_a_notebook_is_exact(bill_workspace: Path) -> None:
    with costlab.open(bill_workspace) as lab:
        frame = lab.cost(by=["ServiceName"], metric="EffectiveCost", grain="month")
        by_sql = lab.sql("select ServiceName, sum(EffectiveCost) as cost from focus.costs group by 1 order by 1")
    assert list(frame.columns) == ["period", "ServiceName", "EffectiveCost"]
    assert {type(value) for value in [*frame["EffectiveCost"], *by_sql["cost"]]} == {Decimal}
    assert sum(frame["EffectiveCost"]) == lab_total(bill_workspace)


def lab_total(workspace: Path) -> Decimal:
    with costlab.open(workspace) as lab:
        total: Decimal = lab.ask_cost().totals["EffectiveCost"]
    return total


def test_parameters_of_a_query_are_bound(bill_workspace: Path) -> None:
    with costlab.open(str(bill_workspace)) as lab:
        frame = lab.sql("select count(*) as n from focus.costs where ServiceName = ?", ["' or 1=1 --"])
        named = lab.sql("select count(*) as n from focus.costs where ServiceName = $s", {"s": "Amazon S3"})
    assert frame["n"][0] == 0
    assert named["n"][0] == 134


def test_every_question_has_a_table(bill_workspace: Path) -> None:
    with costlab.open(bill_workspace) as lab:
        assert list(lab.sources()["source"]) == ["aws"]
        assert list(lab.reconcile()["status"]) == ["reconciled"] * 3
        assert lab.restatements().empty
        assert "monthly_saving" in lab.recommend(kinds=["rightsize"]).columns
        assert "impact" in lab.anomalies(days=30).columns
        assert sum(lab.allocate("team")["total"]) == lab.ask_cost().totals["EffectiveCost"]
        assert sum(lab.explain(["SubAccountId"])["change"]) == lab.ask_explain().totals["change"]
        assert {item["status"] for item in lab.ask_doctor().items} <= {"ok", "note"}


def test_one_lab_sees_one_sequence_whatever_is_published_meanwhile(tmp_path: Path) -> None:
    from costlab.lab.publishing import publish_workspace
    from tests.cli.conftest import bill, publish_bill
    from tests.support import focus_row, load_rows

    publish_bill(tmp_path, bill())
    with costlab.open(tmp_path) as lab:
        before = lab.ask_cost().totals
        load_rows(tmp_path, [focus_row(ChargePeriodStart="2026-02-28T23:00:00", BilledCost=9)])
        publish_workspace(Settings(tmp_path))
        assert lab.ask_cost().totals == before
        with costlab.open(tmp_path) as new:
            assert new.seq > lab.seq
            assert new.ask_cost().totals["EffectiveCost"] == 9


def test_as_of_may_be_a_day_or_its_text(bill_workspace: Path) -> None:
    totals = []
    for day in (date(2026, 2, 15), "2026-02-15"):
        with costlab.open(bill_workspace, as_of=day) as lab:
            totals.append(lab.ask_cost(start="2026-02-01", end="2026-03-01").totals["EffectiveCost"])
            assert lab.ask_cost().payload()["as_of"] == "2026-02-15T00:00:00Z"
    assert totals[0] == totals[1] > 0
    with pytest.raises(UsageError):
        costlab.open(bill_workspace, as_of="15.2.2026")


def test_the_temporary_catalogue_of_a_day_is_removed(
    bill_workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with costlab.open(bill_workspace, as_of="2026-02-15"):
        assert list(tmp_path.glob("costlab-as-of-*"))
    assert not list(tmp_path.glob("costlab-as-of-*"))


def test_a_workspace_with_nothing_in_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        costlab.open(tmp_path)
    assert "costlab ingest" in caught.value.hint
    with pytest.raises(DataError):
        costlab.open(tmp_path, as_of="2026-01-01")


def test_the_command_line_and_the_notebook_say_the_same(run: Run, bill_workspace: Path) -> None:
    with Lab.open(Settings(bill_workspace)) as lab:
        answers = {
            "cost": lab.ask_cost("ServiceName"),
            "explain": lab.ask_explain("ServiceName"),
            "allocate": lab.ask_allocate(),
            "recommend": lab.ask_recommend(),
            "anomalies": lab.ask_anomalies(),
            "sources": lab.ask_sources(),
            "reconcile": lab.ask_reconcile(),
            "restatements": lab.ask_restatements(),
        }
    for name, answer in answers.items():
        printed = run("--workspace", bill_workspace, name, "--format", "json").json
        for field in ("items", "totals", "currency", "data_status", "warnings"):
            assert printed[field] == answer.payload()[field], (name, field)
