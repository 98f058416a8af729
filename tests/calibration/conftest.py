"""Three simulated companies, loaded in every rendering that carries what calibration needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from costlab.ingest import ingest
from costlab.lab.calibration.answers import Calibrated, calibrated
from costlab.lake import Lake
from costlab.period import Month
from costlab.simulate import simulate
from costlab.simulate.azure import simulate_azure
from costlab.simulate.gcp import simulate_gcp
from costlab.warehouse.builder import build
from costlab.warehouse.relations import Database

END, MONTH = date(2026, 4, 1), Month(2026, 3)


@dataclass(frozen=True)
class Estate:
    """A catalogue of bills of March 2026 (Google's from December on), and where the ledgers of truth lie."""

    db: Database
    ledgers: dict[str, Path]

    done: dict[str, Calibrated] = field(default_factory=dict[str, Calibrated])

    def bill(self, source: str, month: Month = MONTH) -> Calibrated:
        key = f"{source} {month}"
        if key not in self.done:
            (self.done[key],) = calibrated(self.db, source, month)
        return self.done[key]


@pytest.fixture(scope="session")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    folder = tmp_path_factory.mktemp("companies")
    months: dict[str, Any] = {"seed": 11, "end": END, "months": 1}
    four: dict[str, Any] = months | {"months": 4}
    aws = simulate(folder / "aws", **months, discount_percent=6, renderings=("cur2", "legacy", "focus"))
    plain = simulate(folder / "plain", **months, discount_percent=0)
    azure = simulate_azure(folder / "azure", **months, scale="tiny", renderings=("actual", "amortized", "focus"))
    gcp = simulate_gcp(folder / "gcp", **four, renderings=("detailed", "standard"))
    sources = {
        "aws": ("aws-cur", aws.cur2, aws.ledger), "legacy": ("aws-cur", aws.legacy, aws.ledger),
        "focus": ("focus", aws.focus, aws.ledger), "plain": ("aws-cur", plain.cur2, plain.ledger),
        "azure": ("azure-export", azure.export, azure.ledger), "azure-focus": ("focus", azure.focus, azure.ledger),
        "gcp": ("gcp-billing-export", gcp.detailed, gcp.ledger),
        "gcp-standard": ("gcp-billing-export", gcp.standard, gcp.ledger),
    }  # fmt: skip
    for source, (connector, uri, _) in sources.items():
        assert ingest(folder / "ws", connector, str(uri), source=source).exit_code == 0
    build(folder / "ws", Lake(folder / "ws").live(), folder / "catalogue.duckdb")
    with Database.open(folder / "catalogue.duckdb", folder / "ws") as db:
        yield Estate(db, {source: ledger for source, (_, _, ledger) in sources.items()})
