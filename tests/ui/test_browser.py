"""The dashboard in a real browser: every page draws without an error, its totals are those of ``costlab cost``."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from costlab.paths import shipped
from costlab.ui.format import exact_money, money
from costlab.ui.launch import address, check_address, command
from costlab.ui.pages import pages
from tests.ui import estate
from tests.ui.test_launch import free_port

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
IDLE = """() => document.querySelector('[data-testid=stApp]')?.getAttribute('data-test-script-state') === 'notRunning'
    && document.querySelectorAll('[data-testid=stSkeleton], [data-stale=true]').length === 0"""
ADDRESSES = {page.address: page.title for page in pages(shipped("dashboards") / "pages")}
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")]


@contextlib.contextmanager
def serving(workspace: Path) -> Generator[str]:
    """Serve a workspace the way ``costlab dashboard`` does, from another folder, and give the URL."""
    port = free_port()
    line = command(workspace, port=port)
    process = subprocess.Popen(line, cwd=workspace.parent, env=surroundings(), stderr=subprocess.DEVNULL)
    url = address("127.0.0.1", port)
    try:
        _wait(url)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=20)


def surroundings() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("STREAMLIT", "COSTLAB"))}
    return {**kept, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


@pytest.fixture(scope="module")
def served(quarter: Path) -> Iterator[str]:
    with serving(quarter) as url:
        yield url


def _wait(url: str) -> None:
    for _ in range(120):
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.5)
    raise AssertionError("the dashboard did not start within a minute")


class Browser:
    """One tab that keeps what went wrong in it."""

    def __init__(self, tab: Any) -> None:
        self.tab = tab
        self.errors: list[str] = []
        self.outside: list[str] = []
        tab.on("pageerror", lambda error: self.errors.append(str(error)))
        tab.on("console", self._said)
        tab.on("request", self._asked)

    def _said(self, message: Any) -> None:
        # Streamlit looks for its server below the page's own address first, and does not find it there
        expected = "_stcore" in str(message.location.get("url", ""))
        if message.type == "error" and not expected:
            self.errors.append(f"{message.text} {message.location}")

    def _asked(self, request: Any) -> None:
        if not re.match(r"(https?|wss?)://127\.0\.0\.1[:/]|data:|blob:", request.url):
            self.outside.append(request.url)

    def open(self, url: str) -> None:
        self.tab.goto(url)
        self.tab.wait_for_selector("h1", timeout=60_000)
        self.settle()

    def settle(self) -> None:
        for _ in range(2):
            self.tab.wait_for_timeout(250)
            self.tab.wait_for_function(IDLE, timeout=60_000)

    def metric(self, label: str) -> str:
        found = self.tab.locator("[data-testid=stMetric]", has_text=label).first
        return str(found.locator("[data-testid=stMetricValue]").inner_text()).strip()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def browser(chromium: Any) -> Iterator[Browser]:
    """Open a tab in a time zone in which a UTC day would be shown as the day before."""
    context = chromium.new_context(viewport={"width": 1400, "height": 1000}, timezone_id="America/Los_Angeles")
    yield Browser(context.new_page())
    context.close()


def cost(workspace: Path, *options: str) -> Decimal:
    line = [sys.executable, "-m", "costlab", "--workspace", str(workspace), "cost", "--format", "json", *options]
    done = subprocess.run(line, capture_output=True, text=True, check=True, env=surroundings())
    return Decimal(next(iter(json.loads(done.stdout)["totals"].values())))


@pytest.mark.parametrize("page", ADDRESSES)
def test_every_page_draws_without_an_error_and_asks_nobody_else(served: str, browser: Browser, page: str) -> None:
    browser.open(f"{served}/{page}")
    assert browser.tab.locator("h1").first.inner_text() == ADDRESSES[page]
    assert browser.tab.locator("[data-testid=stException]").count() == 0
    assert browser.tab.locator("[data-testid=stAlertContentError]").count() == 0
    assert browser.tab.locator("[data-testid=stSidebarNavLink]").count() == len(ADDRESSES)
    assert browser.errors == []
    assert browser.outside == []


def test_ending_the_command_ends_the_server(quarter: Path) -> None:
    port = free_port()
    line = [sys.executable, "-m", "costlab", "--workspace", str(quarter), "dashboard", "--port", str(port)]
    process = subprocess.Popen(line, cwd=quarter.parent, env=surroundings(), stderr=subprocess.DEVNULL)
    _wait(address("127.0.0.1", port))
    process.terminate()
    process.wait(timeout=20)
    check_address("127.0.0.1", port)  # raises where something still listens
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_the_totals_shown_are_those_of_the_command_line(served: str, browser: Browser, quarter: Path) -> None:
    browser.open(served)
    assert browser.metric("Effective cost") == money(cost(quarter), "USD")
    assert browser.metric("Billed cost") == money(cost(quarter, "--metric", "BilledCost"), "USD")


def test_a_link_restores_the_view_and_a_row_leads_further_down(served: str, browser: Browser, quarter: Path) -> None:
    browser.open(f"{served}/explorer?period=30d&metric=ListCost&filter=ServiceCategory:Compute")
    wanted = cost(
        quarter,
        "--metric",
        "ListCost",
        "--from",
        "2026-03-12",
        "--to",
        "2026-04-11",
        "--where",
        "ServiceCategory = 'Compute'",
    )
    assert browser.metric("List cost") == money(wanted, "USD")
    browser.tab.locator("[data-testid=stMetric] [data-testid=stTooltipHoverTarget]").first.hover()
    browser.tab.get_by_text(exact_money(wanted, "USD")).first.wait_for(timeout=10_000)
    table = browser.tab.locator("[data-testid=stDataFrame]").first
    table.scroll_into_view_if_needed()
    table.click(position={"x": 16, "y": 50})
    inside = browser.tab.get_by_role("button", name="Look inside, by SubAccountId")
    inside.click(timeout=20_000)
    browser.settle()
    assert "by=SubAccountId" in browser.tab.url
    assert "filter=ServiceName" in browser.tab.url
    assert browser.errors == []


def test_a_download_holds_every_amount_exactly(served: str, browser: Browser, quarter: Path) -> None:
    browser.open(f"{served}/explorer?by=SubAccountId&grain=month&period=all")
    with browser.tab.expect_download(timeout=30_000) as started:
        browser.tab.get_by_role("button", name="Download CSV").click()
    rows = list(csv.DictReader(started.value.path().read_text().splitlines()))
    assert {row["period"] for row in rows} == {"2026-01", "2026-02", "2026-03", "2026-04"}
    wanted = cost(quarter, "--from", "2026-01-01", "--to", "2026-04-11")
    assert sum(Decimal(row["EffectiveCost"]) for row in rows) == wanted


def test_days_are_utc_days_wherever_the_reader_is(served: str, browser: Browser) -> None:
    browser.open(f"{served}/?month=2026-03")
    labels = browser.tab.locator("[data-testid=stVegaLiteChart] svg text")
    labels.first.wait_for(state="attached", timeout=20_000)
    found = labels.all_text_contents()
    assert "1 Mar" in found
    assert "28 Feb" not in found


def test_text_from_a_bill_does_nothing_in_the_browser(chromium: Any, tmp_path: Path) -> None:
    action = "document.title='owned'"
    bad = f'<img src=x onerror="{action}"> [x](javascript:alert(1)) <script>{action}</script>'
    workspace = estate.publish_rows(
        tmp_path / "ws",
        [{**row, "ServiceName": bad} for row in estate.rows(source="gcp", days=40)],
        findings=estate.findings(
            [estate.recommendation(1, title=bad, why=bad, resource_name=bad)],
            [estate.incident(1, scope={"ServiceName": bad}, end=None)],
        ),
    )
    with serving(workspace) as url:
        browser = Browser(chromium.new_page())
        for page in ("", "explorer", "recommendations?item=id1", "anomalies?days=all"):
            browser.open(f"{url}/{page}")
            browser.tab.wait_for_timeout(500)
            assert browser.tab.title() != "owned"
            assert browser.tab.locator("img[src=x]").count() == 0
            assert browser.tab.locator("a[href^=javascript]").count() == 0
        assert browser.outside == []
