"""``costlab recommend --compare``: from AWS's own recommendations to both plans side by side."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Demo, Run
from tests.connectors.aws_advice import Aws, hub_item
from tests.connectors.served import Service, serving


@pytest.fixture
def aws() -> Aws:
    return Aws()


@pytest.fixture
def service(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-example")
    with serving(aws) as running:
        yield running


def load(run: Run, workspace: Path, service: Service) -> None:
    options = ("--option", f"endpoint={service.url}", "--from", "aws://", "--format", "json")
    assert run("--workspace", workspace, "ingest", "aws-recommendations", *options).code == 0


def ask(run: Run, workspace: Path, *arguments: str) -> Any:
    done = run("--workspace", workspace, "recommend", *arguments, "--format", "json")
    assert done.code == 0, done.err
    return done.json


def test_without_recommendations_of_a_cloud_that_is_said(run: Run, bill_workspace: Path) -> None:
    answer = ask(run, bill_workspace, "--compare")
    assert answer["schema"] == "costlab/compare-advice/1"
    assert "no recommendations of a cloud are loaded" in answer["warnings"][0]


@pytest.mark.parametrize("other", [("--min-saving", "1"), ("--fail-on", "1")])
def test_what_cannot_go_together_is_refused(run: Run, bill_workspace: Path, other: tuple[str, str]) -> None:
    assert run("--workspace", bill_workspace, "recommend", "--compare", *other).code == 2


def test_recommendations_are_in_the_catalogue_and_in_the_table(
    run: Run, bill_workspace: Path, tmp_path: Path, service: Service
) -> None:
    workspace = tmp_path / "ws"
    shutil.copytree(bill_workspace, workspace, symlinks=True)
    load(run, workspace, service)
    sql = "select kind, resource_id, monthly_saving from advice.recommendations order by native_id limit 1"
    asked = run("--workspace", workspace, "query", sql, "--format", "json")
    assert asked.json["items"] == [{"kind": "rightsize", "resource_id": "i-0abc", "monthly_saving": "12.34"}]
    done = run("--workspace", workspace, "recommend", "--compare")
    assert "only theirs" in done.out
    assert "only theirs USD: count 5, ours 0.00, theirs 37.12" in done.out
    assert ask(run, workspace, "--compare", "--kind", "storage")["totals"] == {
        "by_currency": {"USD": {"only theirs": {"count": 1, "ours": "0", "theirs": "0.1"}}}
    }


@pytest.mark.slow
def test_both_plans_of_the_demo_estate_side_by_side(
    run: Run, demo: Demo, tmp_path: Path, aws: Aws, service: Service
) -> None:
    workspace = tmp_path / "ws"
    shutil.copytree(demo.workspace, workspace, symlinks=True)
    plan = ask(run, workspace)["items"]
    saving = [item for item in plan if Decimal(item["monthly_saving"]) > 0 and item["provider"] == "AWS"]
    machine = next(item for item in saving if item["kind"] == "rightsize")
    idle = next(item for item in saving if item["check"] == "waste_unattached_volume")
    aws.pages = {
        "": [
            hub_item(1, "Rightsize", "Ec2Instance", resourceId=machine["resource_id"],
                     recommendedResourceSummary=machine["action"]["to"], estimatedMonthlySavings=1.0),
            hub_item(2, "Upgrade", "EbsVolume", resourceId=idle["resource_id"], recommendedResourceSummary="gp3",
                     estimatedMonthlySavings=0.5),
            hub_item(3, "Stop", "Ec2Instance", resourceId="i-not-in-the-bill"),
        ]
    }  # fmt: skip
    load(run, workspace, service)
    answer = ask(run, workspace, "--compare")
    by_resource = {(item["resource_id"], item["verdict"]): item for item in answer["items"]}
    assert by_resource[machine["resource_id"], "agree"]["theirs_saving"] == "1"
    conflict = by_resource[idle["resource_id"], "conflict"]
    assert conflict["reason"].startswith("ours: delete snapshot; theirs: upgrade gp3")
    alone = by_resource["i-not-in-the-bill", "only theirs"]
    assert alone["reason"] == "the bill has no charge of this resource in its last 14 days"
    ours = [item["ours_id"] for item in answer["items"] if item["ours_id"]]
    assert len(ours) == len(set(ours))
    assert {item["id"] for item in saving} <= set(ours)
    sums = answer["totals"]["by_currency"]["USD"]
    net = sum((Decimal(part["ours"]) for part in sums.values()), Decimal(0))
    assert net == sum((Decimal(item["monthly_saving"]) for item in plan if item["currency"] == "USD"), Decimal(0))
    assert sum(part["count"] for part in sums.values()) == len(answer["items"])
