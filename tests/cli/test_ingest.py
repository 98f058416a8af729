"""``costlab ingest`` and ``costlab nightly``: loaded as a whole or left as it was, and said so."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from costlab.lake import Lake, writing
from costlab.money import plain
from tests.cli.conftest import Run, environment
from tests.support import focus_row

LEFT_OUT = ("x_", "Allocated")
FIELDS = [name for name in focus_row() if not name.startswith(LEFT_OUT)]


def write_bill(path: Path, *days: str, **given: Any) -> Path:
    """Write a FOCUS CSV with one charge per day."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, FIELDS)
        writer.writeheader()
        for day in days:
            row = {**focus_row(ChargePeriodStart=f"{day}T23:00:00"), **given}
            writer.writerow({name: _text(row[name]) for name in FIELDS})
    return path


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    return plain(value) if isinstance(value, Decimal) else str(value)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return tmp_path / "ws"


def ingest(run: Run, workspace: Path, *arguments: str | Path) -> Any:
    return run("--workspace", workspace, "ingest", *arguments, "--format", "json")


def total(run: Run, workspace: Path) -> str:
    done = run("-q", "--workspace", workspace, "cost", "--from", "2026-01-01", "--format", "json")
    return str(done.json["totals"]["EffectiveCost"]) if done.out else done.err


def test_one_source_is_loaded_into_a_new_workspace_and_published(run: Run, workspace: Path, tmp_path: Path) -> None:
    bill = write_bill(tmp_path / "bill.csv", "2026-02-28", "2026-03-31")
    done = ingest(run, workspace, "focus", "--from", bill, "--name", "cloud")
    assert done.code == 0, done.err
    assert [(i["source"], i["billing_period"], i["action"], i["rows_loaded"]) for i in done.json["items"]] == [
        ("cloud", "2026-02", "loaded", 1),
        ("cloud", "2026-03", "loaded", 1),
    ]
    assert done.json["items"][0]["billed_cost_received"] == done.json["items"][0]["billed_cost_loaded"] == "1"
    assert total(run, workspace) == "2"


def test_lines_may_end_as_windows_ends_them(run: Run, workspace: Path, tmp_path: Path) -> None:
    bill = write_bill(tmp_path / "bill.csv", "2026-03-31")
    assert b"\r\n" in bill.read_bytes()
    assert ingest(run, workspace, "focus", "--from", bill).json["items"][0]["rows_loaded"] == 1
    bill.write_bytes(bill.read_bytes().replace(b"\r\n", b"\n"))
    assert ingest(run, workspace, "focus", "--from", bill, "--name", "unix").json["items"][0]["rows_loaded"] == 1


def test_the_same_files_again_change_nothing(run: Run, workspace: Path, tmp_path: Path) -> None:
    bill = write_bill(tmp_path / "bill.csv", "2026-03-31")
    ingest(run, workspace, "focus", "--from", bill)
    before = sorted(path.name for path in (workspace / "serve").iterdir())
    again = ingest(run, workspace, "focus", "--from", bill)
    assert [item["action"] for item in again.json["items"]] == ["unchanged"]
    assert sorted(path.name for path in (workspace / "serve").iterdir()) == before
    assert total(run, workspace) == "1"


def test_rows_that_cannot_be_read_are_quarantined_and_the_exit_code_is_5(
    run: Run, workspace: Path, tmp_path: Path
) -> None:
    bill = write_bill(tmp_path / "bill.csv", "2026-03-30", "2026-03-31")
    bill.write_text(bill.read_text().replace("2026-03-30T23:00:00", "yesterday"))
    done = ingest(run, workspace, "focus", "--from", bill)
    assert done.code == 5
    assert done.json["items"][0]["rows_quarantined"] == 1
    assert done.json["data_status"] == "partial"
    assert run("--workspace", workspace, "doctor").code == 5
    assert run("--workspace", workspace, "reconcile").code == 0
    cost = run("--workspace", workspace, "cost", "--format", "json")
    assert (cost.code, cost.json["data_status"]) == (0, "partial")
    assert "1 rows are quarantined" in cost.err


@pytest.mark.parametrize("what", ["nothing", "empty", "no-column", "no-rows", "not-csv"])
def test_what_cannot_be_used_is_rejected_and_nothing_changes(
    run: Run, workspace: Path, tmp_path: Path, what: str
) -> None:
    good = write_bill(tmp_path / "good.csv", "2026-03-31")
    ingest(run, workspace, "focus", "--from", good, "--name", "bill")
    manifest = Lake(workspace).current()
    bad = write_bill(tmp_path / "bad" / "bill.csv", *(() if what == "no-rows" else ("2026-03-31",)))
    match what:
        case "nothing":
            bad = tmp_path / "missing.csv"
        case "empty":
            bad.write_text("")
        case "no-column":
            bad.write_text(bad.read_text().replace("EffectiveCost", "SomethingElse"))
        case "not-csv":
            bad.write_bytes(b"PAR1" + bytes(200))
        case _:
            pass
    done = ingest(run, workspace, "focus", "--from", bad, "--name", "bill")
    assert done.code == 3, (done.out, done.err)
    assert {item["action"] for item in done.json["items"]} == {"rejected"}
    assert "Error: " in done.err
    assert "Traceback" not in done.err
    assert Lake(workspace).current() == manifest
    assert total(run, workspace) == "1"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("focuss", "--from", "x"), 2, "Did you mean 'focus'?"),
        (("focus",), 2, "--from URI"),
        (("--from", "x"), 2, "needs a connector"),
        ((), 4, "no source is configured"),
        (("focus", "--from", "x", "--name", "../x"), 2, "../x"),
        (("focus", "--from", "x", "--period", "2026-3"), 2, "YYYY-MM"),
        (("focus", "--from", "ftp://bucket/x"), 4, "ftp://"),
    ],
)
def test_a_wrong_command_line_is_explained(
    run: Run, workspace: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    done = run("--workspace", workspace, "ingest", *arguments)
    assert done.code == code, done.err
    assert message in done.err


def test_somebody_else_writing_is_named_and_nothing_is_changed(run: Run, workspace: Path, tmp_path: Path) -> None:
    bill = write_bill(tmp_path / "bill.csv", "2026-03-31")
    with writing(workspace):
        done = ingest(run, workspace, "focus", "--from", bill)
    assert done.code == 3
    assert f"process {os.getpid()}" in done.err


def configure(workspace: Path, **sources: Path) -> None:
    workspace.mkdir(exist_ok=True)
    blocks = [f'[[sources]]\nname = "{name}"\nconnector = "focus"\nfrom = "{path}"\n' for name, path in sources.items()]
    (workspace / "costlab.toml").write_text("".join(blocks) + "[freshness]\nlate_after_hours = 10000000\n")


def test_one_bad_source_does_not_keep_the_others_from_being_loaded(run: Run, workspace: Path, tmp_path: Path) -> None:
    good = write_bill(tmp_path / "good.csv", "2026-03-31")
    configure(workspace, bad=tmp_path / "missing.csv", good=good)
    done = ingest(run, workspace)
    assert done.code == 3
    assert {item["source"]: item["action"] for item in done.json["items"]} == {"bad": "rejected", "good": "loaded"}
    assert total(run, workspace) == "1"


def test_relative_locations_in_the_configuration_are_the_workspaces(run: Run, workspace: Path) -> None:
    write_bill(workspace / "exports" / "bill.csv", "2026-03-31")
    configure(workspace, bill=Path("exports"))
    assert ingest(run, workspace).code == 0


def test_a_night_loads_reports_and_is_quiet_when_nothing_is_new(run: Run, workspace: Path, tmp_path: Path) -> None:
    configure(workspace, bill=write_bill(tmp_path / "bill.csv", "2026-03-31"))
    first = run("--workspace", workspace, "nightly", "--format", "json")
    assert first.code == 0, first.err
    assert first.json["schema"] == "costlab/nightly/1"
    for path in first.json["totals"]["reports"]:
        assert "2026-03-31" in Path(path).read_text()
    second = run("--workspace", workspace, "nightly")
    assert (second.code, second.out) == (0, "")
    assert run("-q", "--workspace", workspace, "nightly").err == ""


def test_a_night_is_loud_when_data_is_late(run: Run, workspace: Path, tmp_path: Path) -> None:
    configure(workspace, bill=write_bill(tmp_path / "bill.csv", "2026-03-31"))
    text = (workspace / "costlab.toml").read_text()
    (workspace / "costlab.toml").write_text(text.replace("10000000", "5"))
    done = run("--workspace", workspace, "nightly")
    assert done.code == 5
    assert "expected within 5" in done.err
    assert done.out


def test_a_night_with_a_failed_source_publishes_the_rest_and_says_so(run: Run, workspace: Path, tmp_path: Path) -> None:
    configure(workspace, bad=tmp_path / "missing.csv", good=write_bill(tmp_path / "good.csv", "2026-03-31"))
    done = run("--workspace", workspace, "nightly")
    assert done.code == 3
    assert total(run, workspace) == "1"
    assert list((workspace / "reports").glob("*.html"))


def test_a_night_that_was_killed_is_made_good_by_the_next(run: Run, workspace: Path, tmp_path: Path) -> None:
    days = [f"2026-03-{day:02d}" for day in range(1, 32)]
    configure(workspace, bill=write_bill(tmp_path / "bill.csv", *(days * 50)))
    command = [sys.executable, "-m", "costlab", "-q", "--workspace", str(workspace), "nightly"]
    for wait in (0.6, 1.2, 1.8):
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment()
        ) as night:
            time.sleep(wait)
            night.send_signal(signal.SIGKILL)
    assert run("--workspace", workspace, "nightly").code == 0
    assert total(run, workspace) == str(31 * 50)
    assert run("--workspace", workspace, "reconcile").code == 0
    assert [path.name for path in (workspace / "reports").iterdir() if path.name.endswith(".tmp")] == []


def test_what_was_loaded_but_not_published_is_published_by_the_next_run(
    run: Run, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from costlab.errors import ModelError
    from costlab.lab import loading

    def broken(*_: Any) -> None:
        raise ModelError("no such luck")

    bill = write_bill(tmp_path / "bill.csv", "2026-03-31")
    with monkeypatch.context() as patch:
        patch.setattr(loading, "publish_workspace", broken)
        assert ingest(run, workspace, "focus", "--from", bill).code == 3
    done = ingest(run, workspace, "focus", "--from", bill)
    assert [item["action"] for item in done.json["items"]] == ["unchanged"]
    assert total(run, workspace) == "1"


def test_first_seen_stays_from_night_to_night(run: Run, workspace: Path, tmp_path: Path) -> None:
    from costlab.lab.publishing import publish_workspace
    from costlab.settings import Settings

    bill = write_bill(tmp_path / "bill.csv", "2026-03-30", "2026-03-31")
    ingest(run, workspace, "focus", "--from", bill)
    plan = [i["first_seen"] for i in run("--workspace", workspace, "recommend", "--format", "json").json["items"]]
    assert publish_workspace(Settings(workspace)) is None  # nothing changed
    assert publish_workspace(Settings(workspace, tag_keys=("team",))) is not None  # other rollups
    again = [i["first_seen"] for i in run("--workspace", workspace, "recommend", "--format", "json").json["items"]]
    assert plan == again


def test_ingest_prints_a_table_for_people(run: Run, workspace: Path, tmp_path: Path) -> None:
    bill = write_bill(tmp_path / "bill.csv", "2026-03-31")
    done = run("--workspace", workspace, "ingest", "focus", "--from", bill)
    assert "billed_cost_received" in done.out
    assert "{" not in done.out
    assert json.loads(run("--workspace", workspace, "sources", "--format", "json").out)["items"][0]["source"] == "focus"
