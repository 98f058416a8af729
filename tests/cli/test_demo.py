"""``costlab demo``: one command, and what it prints is true and works as printed."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest

from tests.cli.conftest import Demo, Run, environment

pytestmark = pytest.mark.slow


def ask(demo: Demo, *arguments: str) -> dict[str, object]:
    command = [
        sys.executable,
        "-m",
        "costlab",
        "-q",
        "--workspace",
        str(demo.workspace),
        *arguments,
        "--format",
        "json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment())
    payload: dict[str, object] = json.loads(done.stdout)
    return payload


def test_the_plan_and_the_incidents_are_those_of_the_commands(demo: Demo) -> None:
    plan, incidents = ask(demo, "recommend"), ask(demo, "anomalies")
    totals, items = plan["totals"], plan["items"]
    assert isinstance(totals, dict)
    assert isinstance(items, list)
    assert totals["monthly_saving"] is None
    assert set(totals["by_currency"]) == {"USD", "EUR"}
    said = []
    for currency, sums in totals["by_currency"].items():
        own = [Decimal(item["monthly_saving"]) for item in items if item["currency"] == currency]
        assert Decimal(sums["monthly_saving"]) == sum(own) > 0
        said.append(f"{sums['monthly_saving']} {currency}")
    assert f"{len(items)} items save {' and '.join(said)} a month" in demo.out
    found = incidents["items"]
    assert isinstance(found, list)
    assert f"Incidents: {len(found)}." in demo.out


def test_every_row_received_is_loaded(demo: Demo) -> None:
    assert "every row received is loaded, to the last digit" in demo.out
    items = ask(demo, "reconcile")["items"]
    assert isinstance(items, list)
    assert {item["status"] for item in items} == {"reconciled"}
    assert {item["source"] for item in items} == {
        "aws", "azure", "gcp", "aws-metrics", "azure-metrics", "gcp-metrics",
    }  # fmt: skip


def test_the_commands_to_try_next_work_as_printed(demo: Demo) -> None:
    commands = [line.strip() for line in demo.out.split("Try next:\n")[1].splitlines() if line.strip()]
    assert len(commands) >= 8
    for command in commands:
        if command.endswith(" dashboard"):
            continue
        done = subprocess.run(
            command, shell=True, capture_output=True, text=True, check=False, cwd=demo.folder, env=environment()
        )
        assert done.returncode == 0, (command, done.stderr)
        assert done.stdout or "wrote" in done.stderr, command


def test_progress_is_on_standard_error_and_no_secret_path_is_needed(demo: Demo) -> None:
    assert "simulating" in demo.err
    assert "simulating" not in demo.out
    assert "Traceback" not in demo.err


def test_running_again_makes_the_same_demo_and_keeps_other_files(demo: Demo) -> None:
    (demo.workspace / "notes.txt").write_text("mine")
    done = subprocess.run(demo.command, capture_output=True, text=True, check=False, cwd=demo.folder, env=environment())
    assert done.returncode == 0, done.stderr
    assert done.stdout == demo.out
    assert (demo.workspace / "notes.txt").read_text() == "mine"


def test_stopping_a_second_run_leaves_the_first_demo(demo: Demo) -> None:
    before = ask(demo, "cost")["totals"]
    with subprocess.Popen(
        [*demo.command[:-1], "99"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=demo.folder,
        env=environment(),
    ) as process:  # fmt: skip
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert ask(demo, "cost")["totals"] == before
    assert not list(demo.workspace.glob(".costlab-demo-before"))


def test_a_folder_that_is_something_else_is_left_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    done = run("demo", "--dir", tmp_path)
    assert done.code == 2
    assert "not a demo" in done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["thesis.txt"]
    assert run("demo", "--dir", tmp_path / "thesis.txt").code == 2


@pytest.mark.parametrize("arguments", [("--scale", "enormous"), ("--months", "0"), ("--seed", "-1")])
def test_a_wrong_option_makes_nothing(run: Run, tmp_path: Path, arguments: tuple[str, str]) -> None:
    assert run("demo", "--dir", tmp_path / "new", *arguments).code == 2
    assert not (tmp_path / "new").exists()


def test_the_workspace_can_be_moved(demo: Demo, tmp_path: Path) -> None:
    before = ask(demo, "cost")["totals"]
    moved = Demo(tmp_path / "elsewhere", tmp_path, demo.command, demo.out, demo.err)
    demo.workspace.rename(moved.workspace)
    try:
        assert ask(moved, "cost")["totals"] == before
        assert ask(moved, "reconcile")["data_status"] == "complete"
    finally:
        moved.workspace.rename(demo.workspace)


def test_a_second_night_changes_nothing_and_says_so(demo: Demo) -> None:
    command = [sys.executable, "-m", "costlab", "--workspace", str(demo.workspace), "nightly"]
    first, second = (
        subprocess.run(command, capture_output=True, text=True, check=False, env=environment()) for _ in range(2)
    )
    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    assert second.stdout == ""
    assert "nothing new" in second.stderr
    reports = sorted(path.name for path in (demo.workspace / "reports").iterdir())
    assert [re.sub(r"\d{4}-\d\d-\d\d", "DAY", name) for name in reports] == ["daily-DAY.html", "daily-DAY.md"]


def test_the_program_is_named_as_it_was_called(demo: Demo) -> None:
    line = demo.out.split("Try next:\n")[1].splitlines()[0]
    assert shlex.split(line)[:3] == [sys.executable, "-m", "costlab"]
