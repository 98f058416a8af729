"""``sources``, ``doctor``, ``reconcile``, ``restatements``: what is wrong is said, with what to do about it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from costlab.lab.publishing import publish_workspace
from costlab.lake import Lake, writing
from costlab.period import utc_now
from costlab.settings import Settings
from tests.cli.conftest import Run, publish_bill
from tests.support import focus_row, load_rows, write_parquet

Row = dict[str, Any]
LAST_DAYS = ("2026-01-31", "2026-02-28", "2026-03-31")


def rows(*days: str, **given: Any) -> list[Row]:
    return [focus_row(ChargePeriodStart=f"{day}T23:00:00", **given) for day in days]


def load(workspace: Path, *days: str, **given: Any) -> None:
    load_rows(workspace, rows(*days, **given))
    publish_workspace(Settings(workspace))


def configure(workspace: Path, **sources: str) -> None:
    blocks = [f"[[sources]]\nname = '{n}'\nconnector = '{c}'\nfrom = 'x'\n" for n, c in sources.items()]
    (workspace / "costlab.toml").write_text("\n".join(blocks))


def problems(run: Run, workspace: Path) -> dict[str, Any]:
    items = run("doctor", "--workspace", workspace, "--format", "json").json["items"]
    return {item["check"]: item for item in items if item["status"] not in {"ok", "note"}}


def test_a_healthy_workspace_is_healthy(run: Run, bill_workspace: Path) -> None:
    done = run("doctor", "--workspace", bill_workspace, "--format", "json")
    assert done.code == 0, done.out
    checks = {item["check"]: item["status"] for item in done.json["items"]}
    # the odd charges in this bill are the point of other tests
    assert set(checks.values()) <= {"ok", "note"}
    assert {"python", "duckdb", "disk", "lock", "catalogue", "lake files", "source aws"} <= set(checks)


def test_a_month_between_two_others_that_is_missing_is_a_gap(run: Run, tmp_path: Path) -> None:
    load(tmp_path, "2026-01-31", "2026-04-30")
    item = run("sources", "--workspace", tmp_path, "--format", "json").json["items"][0]
    assert (item["gaps"], item["status"]) == (["2026-02", "2026-03"], "gaps")
    found = problems(run, tmp_path)["source aws"]
    assert "--period 2026-02" in found["fix"]
    assert run("doctor", "--workspace", tmp_path).code == 5


def test_only_a_configured_source_can_be_late(run: Run, tmp_path: Path) -> None:
    load(tmp_path, "2026-01-31")
    assert run("sources", "--workspace", tmp_path, "--format", "json").json["items"][0]["status"] == "ok"
    configure(tmp_path, aws="aws-cur")
    late = run("sources", "--workspace", tmp_path, "--format", "json").json["items"][0]
    assert late["status"] == "late"
    assert "expected within 72" in late["problems"][0]
    fresh = (utc_now() - timedelta(hours=2)).replace(minute=0, second=0, microsecond=0)
    load_rows(tmp_path, [focus_row(ChargePeriodStart=fresh)])
    publish_workspace(Settings(tmp_path))
    assert "late" not in run("sources", "--workspace", tmp_path).out


def test_a_configured_source_that_never_came_is_listed(run: Run, tmp_path: Path) -> None:
    configure(tmp_path, bill="focus")
    done = run("sources", "--workspace", tmp_path, "--format", "json")
    assert done.code == 0
    assert done.json["items"][0]["status"] == "never loaded"
    assert "costlab ingest" in problems(run, tmp_path)["source bill"]["fix"]


def test_an_unknown_connector_is_a_configuration_error(run: Run, tmp_path: Path) -> None:
    configure(tmp_path, bill="focuss")
    assert "focus" in problems(run, tmp_path)["connector of bill"]["fix"]
    assert run("doctor", "--workspace", tmp_path).code == 4


def test_the_holder_of_the_lock_is_named(run: Run, bill_workspace: Path) -> None:
    import os

    with writing(bill_workspace):
        done = run("doctor", "--workspace", bill_workspace, "--format", "json")
    lock = next(item for item in done.json["items"] if item["check"] == "lock")
    assert lock["status"] == "note"
    assert f"process {os.getpid()}" in lock["detail"]
    assert done.code == 0


def test_a_lake_newer_than_the_catalogue_is_noticed(run: Run, tmp_path: Path) -> None:
    load(tmp_path, *LAST_DAYS)
    load_rows(tmp_path, rows("2026-04-30"))
    assert "costlab nightly" in problems(run, tmp_path)["catalogue"]["fix"]


def test_a_lost_file_is_noticed_by_doctor_and_reconcile(run: Run, tmp_path: Path) -> None:
    load(tmp_path, *LAST_DAYS)
    path = tmp_path / Lake(tmp_path).current().revisions[0].files[0].path
    path.unlink()
    assert "1 missing" in problems(run, tmp_path)["lake files"]["detail"]
    done = run("reconcile", "--workspace", tmp_path, "--format", "json")
    assert done.code == 5
    assert [item["status"] for item in done.json["items"]] == ["does not reconcile", "reconciled", "reconciled"]
    assert "is missing" in done.err
    done = run("query", "select sum(BilledCost) from focus.costs", "--workspace", tmp_path)
    assert done.code in {2, 3}
    assert "Traceback" not in done.err


def test_what_was_received_is_what_is_shown(run: Run, bill_workspace: Path) -> None:
    done = run("reconcile", "--workspace", bill_workspace, "--format", "json")
    assert done.code == 0, done.err
    for item in done.json["items"]:
        assert item["rows_received"] == item["rows_loaded"] == item["rows_in_files"]
        assert item["billed_cost_received"] == item["billed_cost_in_files"]
        assert item["problems"] == []
    narrow = run(
        "reconcile", "--workspace", bill_workspace, "--period", "2026-02", "--source", "aws", "--format", "json"
    )
    assert [item["billing_period"] for item in narrow.json["items"]] == ["2026-02"]


@pytest.mark.parametrize("arguments", [("--source", "awss"), ("--period", "2020-01"), ("--period", "x")])
def test_reconciling_what_is_not_there_is_a_usage_error(
    run: Run, bill_workspace: Path, arguments: tuple[str, str]
) -> None:
    assert run("reconcile", "--workspace", bill_workspace, *arguments).code == 2


def test_a_file_with_other_rows_does_not_reconcile(run: Run, tmp_path: Path) -> None:
    load(tmp_path, *LAST_DAYS)
    path = tmp_path / Lake(tmp_path).current().revisions[2].files[0].path
    from costlab.focus.columns import COLUMN_TYPES

    write_parquet(path, COLUMN_TYPES, rows("2026-03-31", BilledCost="1.000000000001"))
    done = run("reconcile", "--workspace", tmp_path)
    assert done.code == 5
    assert "is not as it was written" in done.err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows_received": 7}, "7 rows received, 1 accounted for"),
        ({"rows_dropped": {"Negation": 1}}, "1 rows received, 2 accounted for"),
        ({"rows_loaded": 2, "rows_split": 1}, "the files in the lake: 1 rows, loaded were 2"),
        ({"billed_cost_received": {"USD": 2}}, "1 USD of what was received is neither loaded nor quarantined"),
        ({"effective_cost_loaded": {"USD": 2}}, "EffectiveCost 1 USD, loaded was 2"),
        ({"billed_cost_loaded": {"EUR": 1}}, "BilledCost 0 EUR, loaded was 1"),
    ],
)
def test_every_link_of_the_chain_is_checked(run: Run, tmp_path: Path, change: Row, message: str) -> None:
    from decimal import Decimal

    load(tmp_path, "2026-03-31")
    exact: Row = {k: {c: Decimal(n) for c, n in v.items()} if "cost" in k else v for k, v in change.items()}
    manifest = Lake(tmp_path).current()
    path = Lake(tmp_path).path_of(manifest.seq)
    path.write_text(replace(manifest, revisions=(replace(manifest.revisions[0], **exact),)).dumps())
    done = run("reconcile", "--workspace", tmp_path)
    assert done.code == 5
    assert message in done.err


def test_a_stale_rollup_does_not_reconcile(run: Run, tmp_path: Path) -> None:
    load(tmp_path, "2026-03-31")
    load_rows(tmp_path, rows("2026-03-31", BilledCost=2))
    done = run("reconcile", "--workspace", tmp_path)
    assert done.code == 5
    assert "marts.daily_costs: BilledCost 1 USD, loaded was 2" in done.err


def test_restatements_say_what_the_vendor_changed_by_service_and_account(run: Run, tmp_path: Path) -> None:
    load(tmp_path, *LAST_DAYS, ServiceName="EC2")
    changed = [*rows("2026-02-28", ServiceName="EC2", BilledCost="1.5"), *rows("2026-02-28", ServiceName="S3")]
    load_rows(tmp_path, changed)
    answer = run("restatements", "--workspace", tmp_path, "--format", "json").json
    assert [(i["billing_period"], i["ServiceName"], i["billed_cost_change"]) for i in answer["items"]] == [
        ("2026-02", "S3", "1"),
        ("2026-02", "EC2", "0.5"),
    ]
    assert answer["totals"]["billed_cost_change"] == "1.5"
    later = (utc_now() + timedelta(days=1)).date()
    assert run("restatements", "--workspace", tmp_path, "--since", str(later), "--format", "json").json["items"] == []
    assert run("restatements", "--workspace", tmp_path, "--source", "gcp").code == 2


def test_what_was_known_on_a_day_is_what_is_answered_as_of_it(run: Run, tmp_path: Path) -> None:
    publish_bill(tmp_path, {"2026-03": rows("2026-03-05", "2026-03-20")})

    def total(*arguments: str) -> Any:
        window = ("--from", "2026-03-01", "--to", "2026-04-01")
        done = run("cost", "--workspace", tmp_path, *window, *arguments, "--format", "json")
        return done.json["totals"]["EffectiveCost"] if done.out else done.err

    load_rows(tmp_path, rows("2026-03-05", "2026-03-20", BilledCost=5))
    publish_workspace(Settings(tmp_path))
    assert total() == "10"
    assert total("--as-of", "2026-03-10") == "1"
    assert total("--as-of", "2026-04-05") == "2"
    assert total("--as-of", str((utc_now() + timedelta(days=1)).date())) == "10"
    assert total("--as-of", "2026-03-01") is None


def test_an_analyzer_that_fails_does_not_keep_the_bill_from_being_shown(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from costlab.lab import findings

    def broken(*_: Any) -> Any:
        raise RuntimeError("no such luck")

    with monkeypatch.context() as patch:
        patch.setattr(findings, "plan_now", broken)
        load(tmp_path, "2026-03-31")
    assert run("cost", "--workspace", tmp_path).code == 0
    plan = run("recommend", "--workspace", tmp_path, "--format", "json")
    assert plan.json["data_status"] == "partial"
    assert "no such luck" in plan.err
    assert "no such luck" in problems(run, tmp_path)["recommend"]["detail"]


def test_json_of_every_question_about_the_data_has_the_same_frame(run: Run, bill_workspace: Path) -> None:
    for name in ("sources", "doctor", "reconcile", "restatements"):
        payload = json.loads(run(name, "--workspace", bill_workspace, "--format", "json").out)
        assert payload["schema"] == f"costlab/{name}/1"
        assert list(payload) == [
            "schema", "generated_at", "as_of", "currency", "data_status", "items", "totals", "warnings",
        ]  # fmt: skip


def test_what_a_bill_breaks_of_focus_is_a_note_with_its_charges(run: Run, tmp_path: Path) -> None:
    load(tmp_path, "2026-04-29", "2026-04-30", RegionId=None)
    items = run("doctor", "--workspace", tmp_path, "--format", "json").json["items"]
    found = {item["check"]: item for item in items if item["check"].startswith("FOCUS")}
    item = found["FOCUS Region-name of aws"]
    assert (item["status"], item["detail"]) == ("note", "2 charges of 2026-04: a region's name without its id")


def test_an_account_in_two_sources_counts_twice_and_doctor_says_so(run: Run, tmp_path: Path) -> None:
    load(tmp_path, "2026-03-31", SubAccountId="111122223333", x_source="export")
    load(tmp_path, "2026-03-31", SubAccountId="111122223333", x_source="explorer")
    load(tmp_path, "2026-03-31", SubAccountId="444455556666", x_source="other")
    items = run("doctor", "--workspace", tmp_path, "--format", "json").json["items"]
    (found,) = [item for item in items if item["check"] == "double count"]
    assert found["status"] == "data"
    assert found["detail"] == ("account 111122223333 is in explorer, export for 2026-03: its costs count twice")


def test_doctor_shows_what_paid_requests_cost_this_month(run: Run, tmp_path: Path) -> None:
    (tmp_path / "paid").mkdir()
    ledger = {f"{utc_now():%Y-%m}": {"ce": {"Cost Explorer request": {"requests": 5, "usd": "0.05"}}}}
    (tmp_path / "paid" / "spent.json").write_text(json.dumps(ledger))
    items = run("doctor", "--workspace", tmp_path, "--format", "json").json["items"]
    (found,) = [item for item in items if item["check"] == "paid requests of ce"]
    assert found["detail"].startswith("0.05 USD in ")
    (tmp_path / "paid" / "spent.json").write_text("{")
    assert run("doctor", "--workspace", tmp_path).code == 4
