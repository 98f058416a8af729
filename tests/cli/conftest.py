"""A small published workspace, and a way to run the command line as people do, in this process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from costlab.lab.publishing import publish_workspace
from costlab.settings import Settings
from tests.support import focus_row, load_rows

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = "api\x1b[31m|<b>"


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Done]


def bill() -> dict[str, list[dict[str, Any]]]:
    """Three months, the last one cut off after eight days; two accounts, two services, tags on odd days."""
    months: dict[str, list[dict[str, Any]]] = {}
    for month, days in (("2026-01", 31), ("2026-02", 28), ("2026-03", 8)):
        rows = months.setdefault(month, [])
        for day in range(1, days + 1):
            for number, service in enumerate(("Amazon EC2", "Amazon S3")):
                for account in ("111111111111", "000000000042"):
                    rows.append(
                        focus_row(
                            ChargePeriodStart=f"{month}-{day:02d}T23:00:00",
                            ServiceName=service,
                            SubAccountId=account,
                            SubAccountName=HOSTILE if account.endswith("42") else "dev",
                            BilledCost=f"{day}.000000000001",
                            EffectiveCost=f"{day + number}.100000000003",
                            Tags='{"team":"a","Cost,Center":"7"}' if day % 2 else None,
                        )
                    )
    return months


def publish_bill(workspace: Path, months: dict[str, list[dict[str, Any]]]) -> None:
    """Load months of FOCUS rows through the lake and publish them, findings included."""
    load_rows(workspace, [row for rows in months.values() for row in rows])
    assert publish_workspace(Settings(workspace)) is not None


@pytest.fixture(scope="session")
def bill_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = tmp_path_factory.mktemp("bill")
    publish_bill(workspace, bill())
    return workspace


def environment(**more: str) -> dict[str, str]:
    """Return the environment for a command in a process of its own, without settings of this one."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("COSTLAB_")}
    return {**kept, "PYTHONPATH": f"{ROOT}:{ROOT / 'connectors'}", **more}


@dataclass(frozen=True)
class Demo:
    """A demo that was made by its command, and what that said."""

    workspace: Path
    folder: Path
    command: list[str]
    out: str
    err: str


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "costlab", "demo", "--months", "3", "--seed", "5"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=environment())
    assert done.returncode == 0, done.stderr
    return Demo(folder / "costlab-demo", folder, command, done.stdout, done.stderr)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    from costlab.cli._app import run as run_app

    monkeypatch.delenv("COSTLAB_WORKSPACE", raising=False)

    def run_it(*arguments: str | Path) -> Done:
        with pytest.raises(SystemExit) as ended:
            run_app([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Done(int(ended.value.code or 0), captured.out, captured.err)

    return run_it
