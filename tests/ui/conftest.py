"""One published workspace for all dashboard tests, and a way to run a page on any workspace."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from costlab.lab import Lab, open_lab
from costlab.paths import shipped
from tests.ui import estate

Run = Callable[..., Any]


@pytest.fixture(scope="session")
def quarter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace with a quarter of three clouds, three recommendations and two incidents."""
    items = [
        estate.recommendation(1),
        estate.recommendation(2, kind="storage", title="Convert to gp3", monthly_saving=Decimal("12.34")),
        estate.recommendation(
            3, kind="rightsize", monthly_saving=Decimal(0), absorbed_by="compute-1y", sub_account_id="111111111111"
        ),
    ]
    incidents = [estate.incident(1), estate.incident(2, scope={}, impact=Decimal(-12), end=None, status="open")]
    return estate.publish_rows(
        tmp_path_factory.mktemp("quarter") / "ws",
        *(estate.rows(source=source) for source in ("aws", "gcp", "azure")),
        findings=estate.findings(items, incidents),
    )


@pytest.fixture(scope="session")
def lab(quarter: Path) -> Iterator[Lab]:
    """Return a Lab on that workspace."""
    with open_lab(quarter) as opened:
        yield opened


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs a page of the dashboard on a workspace with a URL's query."""
    from streamlit.testing.v1 import AppTest

    def go(workspace: Path, page: str = "", **query: str | list[str]) -> Any:
        monkeypatch.setenv("COSTLAB_WORKSPACE", str(workspace))
        monkeypatch.setattr(sys, "argv", ["app.py"])
        app = AppTest.from_file(str(shipped("dashboards") / "app.py"), default_timeout=120)
        if page:
            app.switch_page(f"pages/{page}.py")
        for name, value in query.items():
            app.query_params[name] = value
        return app.run()

    return go


def figures(app: Any) -> dict[str, str]:
    """Return the figures a page shows, by label."""
    return {metric.label: metric.value for metric in app.metric}


def texts(app: Any) -> str:
    """Return all text a page shows."""
    shown = [*app.markdown, *app.caption, *app.title, *app.subheader, *app.warning, *app.error, *app.info]
    return "\n".join(element.value for element in shown)
