"""``costlab ingest`` of a source that costs money: consent, the price, the cap, and what a killed run leaves."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from costlab.period import utc_now
from tests.cli.conftest import Run, environment
from tests.connectors.served import IDENTITY, Asked, Reply, Service, serving

EMPTY_DAY = {"TimePeriod": {"Start": "2026-01-01", "End": "2026-01-02"}, "Total": {}, "Groups": [], "Estimated": False}


class Explorer:
    """Answers with a day without charges; while ``hang`` is set it does not answer at all."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.hang = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, asked: Asked) -> Reply:
        if asked.operation == "GetCallerIdentity":
            return Reply(IDENTITY, headers={"Content-Type": "text/xml"})
        self.asked.set()
        if self.hang.is_set():
            self.go_on.wait(20)
        return Reply({"ResultsByTime": [EMPTY_DAY]})


@pytest.fixture
def explorer() -> Explorer:
    return Explorer()


@pytest.fixture
def service(explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-example")
    with serving(explorer) as running:
        yield running
        explorer.go_on.set()


def command(workspace: Path, service: Service, *options: str) -> list[str]:
    pairs = [f"endpoint={service.url}", "months=1", *options]
    given = [argument for pair in pairs for argument in ("--option", pair)]
    return ["--workspace", str(workspace), "ingest", "aws-cost-explorer", "--from", "aws://", *given]


def ledger(workspace: Path) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = json.loads((workspace / "paid" / "spent.json").read_text())
    return found


def test_without_consent_the_price_is_said_and_nothing_is_asked(
    run: Run, tmp_path: Path, explorer: Explorer, service: Service
) -> None:
    done = run(*command(tmp_path, service))
    assert done.code == 4
    assert "5 Cost Explorer request(s) at 0.01 USD = 0.05 USD" in done.err
    assert "--option allow_paid=yes" in done.err
    assert not explorer.asked.is_set()


def test_with_consent_the_price_is_said_before_the_first_request(
    run: Run, tmp_path: Path, explorer: Explorer, service: Service
) -> None:
    done = run(*command(tmp_path, service, "allow_paid=yes"))
    assert done.code == 0
    assert "5 Cost Explorer request(s) at 0.01 USD = 0.05 USD" in done.err
    assert ledger(tmp_path) == {
        f"{utc_now():%Y-%m}": {"aws-cost-explorer": {"Cost Explorer request": {"requests": 5, "usd": "0.05"}}}
    }
    assert run(*command(tmp_path, service, "allow_paid=yes", "monthly_cap_usd=0.01")).code == 0, "all is kept"


def test_above_the_cap_is_refused_with_the_figures(
    run: Run, tmp_path: Path, explorer: Explorer, service: Service
) -> None:
    done = run(*command(tmp_path, service, "allow_paid=yes", "monthly_cap_usd=0.04"))
    assert done.code == 4
    assert "would pass the cap of 0.04 USD per month: 0 USD are spent" in done.err
    assert not explorer.asked.is_set()


def test_a_run_that_is_killed_while_it_asks_has_booked_the_request(
    tmp_path: Path, explorer: Explorer, service: Service
) -> None:
    explorer.hang.set()
    whole = [sys.executable, "-m", "costlab", *command(tmp_path, service, "allow_paid=yes")]
    keys = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret-example"}
    with subprocess.Popen(
        whole, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment(**keys)
    ) as child:
        assert explorer.asked.wait(30)
        child.send_signal(signal.SIGKILL)
    assert ledger(tmp_path)[f"{utc_now():%Y-%m}"]["aws-cost-explorer"] == {
        "Cost Explorer request": {"requests": 1, "usd": "0.01"}
    }
