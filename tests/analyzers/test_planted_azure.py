"""What the simulator planted on Azure is found, at its price: waste by the checks, anomalies as incidents."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from costlab.lab.facade import Lab
from costlab.lab.loading import load_and_publish
from costlab.settings import Settings, Source
from costlab.simulate.azure import simulate_azure
from tests.analyzers.test_planted import CHECKS, Found, is_about

if TYPE_CHECKING:
    from pathlib import Path

ON_THE_BILL = {"unattached_volume", "idle_volume", "idle_instance", "oversized"}
"""What metrics and bill tell; of the rest Azure's bill says too little, and there is no inventory here."""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    folder: Path = tmp_path_factory.mktemp("company")
    made = simulate_azure(folder / "native", seed=7, end=date(2026, 10, 20), months=5, scale="tiny")
    planted = json.loads((made.ledger / "planted.json").read_text())
    sources = (
        Source("azure", "azure-export", str(made.export)),
        Source("azure-metrics", "metrics-file", str(made.metrics)),
    )
    settings = Settings(folder / "workspace", sources)
    assert load_and_publish(settings, sources, progress=lambda _: None).exit_code == 0
    with Lab.open(settings) as lab:
        items = list(lab.ask_recommend().payload()["items"])
        incidents = list(lab.ask_anomalies(days=120).payload()["items"])
    return Found(planted["waste"], items, planted["anomalies"], incidents)


def test_planted_waste_is_found_at_its_price(found: Found) -> None:
    listed = {(item["resource_id"], item["check"]): Decimal(item["monthly_saving_list"]) for item in found.items}
    told = [waste for waste in found.waste if waste["kind"] in ON_THE_BILL]
    assert len(told) == 8
    for waste in told:
        got = listed[waste["resource_id"], CHECKS[waste["kind"]]]
        assert float(got) == pytest.approx(float(waste["saving_list"]), rel=0.03), waste["name"]


def test_nothing_is_found_that_was_not_planted(found: Found) -> None:
    ours = {waste["resource_id"] for waste in found.waste}
    assert [
        i["check"] for i in found.items if i["resource_id"] not in ours and i["check"] != "waste_unused_commitment"
    ] == []


def test_commitments_that_lie_idle_are_found(found: Found) -> None:
    names = {item["resource_name"] for item in found.items if item["check"] == "waste_unused_commitment"}
    assert names == {"VM_RI_retired-frontends", "VM_RI_notebooks", "SP_desktops"}


def _matches(incident: dict[str, Any], anomaly: dict[str, Any]) -> bool:
    """A leak is noticed to begin some days after its first gigabyte."""
    begun = date.fromisoformat(anomaly["start"]) + timedelta(days=2 if anomaly["kind"] == "leak" else 0)
    return is_about(incident, anomaly | {"start": str(begun)})


def test_planted_anomalies_are_found_at_about_their_price(found: Found) -> None:
    assert len(found.anomalies) == 8
    for anomaly in found.anomalies:
        about = [incident for incident in found.incidents if _matches(incident, anomaly)]
        assert about, anomaly["why"]
        impact = max(abs(float(incident["impact"])) for incident in about)
        assert impact == pytest.approx(abs(float(anomaly["excess"])), rel=0.5), anomaly["why"]


def test_few_incidents_are_reported_that_were_not_planted(found: Found) -> None:
    """What was not planted is usage that is not reported yet: late data of the open month."""
    assert len([i for i in found.incidents if not any(_matches(i, a) for a in found.anomalies)]) <= 2
