"""``costlab recommend --compare``: from AWS's own recommendations to both plans side by side."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from costlab.interfaces.datasets import ADVICE_TYPES
from costlab.lab.publishing import publish_workspace
from costlab.lake import Revision, writing
from costlab.settings import Settings
from tests.cli.conftest import Demo, Run
from tests.connectors.aws_advice import Aws, hub_item
from tests.connectors.served import Service, serving
from tests.support import focus_row, load_rows, write_parquet


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
    others = [next(i for i in plan if i["provider"] == name) for name in ("Microsoft", "Google Cloud")]
    load_advice(workspace, [told_by_cloud(item) for item in others])
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
    sums = answer["totals"]["by_currency"]
    for currency, verdicts in sums.items():
        net = sum((Decimal(part["ours"]) for part in verdicts.values()), Decimal(0))
        assert net == sum(
            (Decimal(item["monthly_saving"]) for item in plan if item["currency"] == currency), Decimal(0)
        )
    assert sum(part["count"] for verdicts in sums.values() for part in verdicts.values()) == len(answer["items"])
    for item in others:
        assert by_resource[item["resource_id"], "agree"]["ours_id"] == item["id"]


def advised(resource: str, kind: str, saving: str, account: str = "111111111111") -> dict[str, Any]:
    return {
        "provider": "Google Cloud",
        "native_id": f"{kind} {resource}",
        "tool": "gcp-recommender",
        "kind": kind,
        "action": "stop",
        "resource_id": resource,
        "sub_account_id": account,
        "monthly_saving": Decimal(saving),
        "currency": "USD",
        "observed_at": datetime(2026, 3, 31),
        "x_source": "recommender",
    }


def told_by_cloud(item: dict[str, Any]) -> dict[str, Any]:
    """Return a plan's item as its cloud would recommend it: the id in capitals, the saving at list price."""
    told = advised(item["resource_id"].upper(), item["kind"], item["monthly_saving_list"], item["sub_account_id"])
    same = {"provider": item["provider"], "currency": item["currency"], "to_shape": item["action"]["to"]}
    return {**told, **same, "detail": '{"saving_basis": "list price"}'}


def load_advice(workspace: Path, found: list[dict[str, Any]]) -> None:
    with writing(workspace) as writer:
        revision, folder = writer.stage("advice", "recommender", "2026-03", "testtest")
        write_parquet(folder / "part-0.parquet", ADVICE_TYPES, found)
        file = writer.file(folder / "part-0.parquet", len(found))
        names = ("advice", "recommender", "gcp-recommendations", "2026-03", revision, revision, "")
        writer.publish([Revision(*names, datetime(2026, 4, 1), files=(file,), rows_received=3, rows_loaded=3)])


def test_what_costlab_knows_of_a_resource_is_found_by_id_by_last_part_and_by_name(run: Run, tmp_path: Path) -> None:
    """A covered machine by its name, an uncovered one by its id, one that is not in the bill."""
    shared = {"ServiceProviderName": "Google Cloud", "SubAccountId": "shop", "ChargePeriodStart": "2026-03-31T22:00:00"}
    covered = {"CommitmentDiscountId": "c-1", "CommitmentDiscountStatus": "Used", "PricingCategory": "Committed"}
    bill = [
        focus_row(**shared, ResourceId="//compute/projects/42/instances/987", ResourceName="web-1", **covered),
        focus_row(**shared, ResourceId="//compute/projects/42/instances/654", ResourceName="web-2"),
    ]
    load_rows(tmp_path, bill)
    found = [
        advised("//compute/projects/shop/instances/web-1", "rightsize", "3", "shop"),
        advised("//compute/projects/42/instances/654", "rightsize", "2", "shop"),
        advised("//compute/projects/shop/instances/gone", "waste", "1", "shop"),
    ]
    load_advice(tmp_path, found)
    publish_workspace(Settings(tmp_path))
    items = ask(run, tmp_path, "--compare")["items"]
    assert {item["resource_id"].rpartition("/")[2]: item["reason"] for item in items if item["theirs_id"]} == {
        "web-1": "commitments already cover it: it would save nothing now",
        "654": "costlab has no metrics of it",
        "gone": "the bill has no charge of this resource in its last 14 days",
    }
