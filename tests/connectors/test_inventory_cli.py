"""An inventory from the command line: loaded, asked, judged, and as it was known on a day."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

from costlab.period import utc_now
from tests.cli.conftest import Run, run
from tests.connectors.aws_support import Aws
from tests.support import focus_rows, load_rows

__all__ = ["run"]  # the fixture
_ACCOUNT = "222222222221"
_QUERY = "select resource_kind, attached_to, size_gib from inventory.resources where resource_kind = 'disk'"


def _ingest(run: Run, workspace: Path, aws: Aws, *more: str) -> None:
    options = ("--option", f"endpoint={aws.url}", "--option", f"role_arn=arn:aws:iam::{_ACCOUNT}:role/reader")
    done = run("--workspace", workspace, "ingest", "aws-inventory", "--from", "aws://eu-west-1", *options, *more)
    assert done.code == 0, done.err


def test_an_inventory_is_loaded_and_can_be_asked(tmp_path: Path, run: Run, aws: Aws) -> None:
    ec2 = aws.client("ec2", account=_ACCOUNT)
    ec2.create_volume(AvailabilityZone="eu-west-1a", Size=100, VolumeType="gp3")
    _ingest(run, tmp_path, aws)
    done = run("--workspace", tmp_path, "query", _QUERY, "--format", "json")
    assert done.json["items"] == [{"resource_kind": "disk", "attached_to": None, "size_gib": 100.0}]
    seen = run("--workspace", tmp_path, "query", "select count(*) as n from inventory.coverage", "--format", "json")
    assert seen.json["items"] == [{"n": 17}]


def test_sources_and_doctor_show_when_it_was_observed_and_no_gaps(tmp_path: Path, run: Run, aws: Aws) -> None:
    aws.faults["Action=DescribeVolumes"] = "UnauthorizedOperation"
    _ingest(run, tmp_path, aws)
    (item,) = run("--workspace", tmp_path, "sources", "--format", "json").json["items"]
    assert (item["dataset"], item["gaps"], item["status"]) == ("inventory", [], "ok")
    observed = datetime.fromisoformat(item["last_charge"].removesuffix("Z"))
    assert abs(datetime.fromisoformat(item["loaded_at"].removesuffix("Z")) - observed) < timedelta(minutes=5)
    lines = run("--workspace", tmp_path, "doctor", "--format", "json").json["items"]
    (note,) = [line for line in lines if "ec2:DescribeVolumes" in line["detail"]]
    assert (note["check"], note["status"]) == ("source aws-inventory", "note")
    (fine,) = [line for line in lines if line["check"] == "source aws-inventory" and line["status"] == "ok"]
    assert fine["detail"] == f"observed {observed:%Y-%m-%d %H:%M} UTC, {item['rows_loaded']} rows"
    assert run("--workspace", tmp_path, "reconcile").code == 0


def test_as_of_shows_what_had_been_observed_by_then(tmp_path: Path, run: Run, aws: Aws) -> None:
    _ingest(run, tmp_path, aws)
    count = "select count(*) as n from inventory.coverage"
    for day, expected in (("2020-01-01", 0), (f"{utc_now() + timedelta(days=1):%Y-%m-%d}", 17)):
        done = run("--workspace", tmp_path, "query", "--as-of", day, count, "--format", "json")
        assert done.code == 0, done.err
        assert json.loads(done.out)["items"] == [{"n": expected}]


def test_doctor_lists_what_a_source_needs_when_something_is_missing_or_on_demand(
    tmp_path: Path, run: Run, aws: Aws
) -> None:
    options = f'options = {{ endpoint = "{aws.url}", role_arn = "arn:aws:iam::{_ACCOUNT}:role/reader" }}'
    (tmp_path / "costlab.toml").write_text(
        f'[[sources]]\nname = "stock"\nconnector = "aws-inventory"\nfrom = "aws://eu-west-1"\n{options}\n'
        '[[sources]]\nname = "files"\nconnector = "metrics-file"\nfrom = "/nowhere/metrics.csv"\n'
    )
    listed = run("--workspace", tmp_path, "doctor", "--permissions", "--format", "json")
    (item,) = listed.json["items"]
    assert (listed.code, item["check"], item["status"]) == (0, "permissions of stock", "note")
    assert "ec2:DescribeVolumes" in item["detail"]

    aws.faults["Action=DescribeVolumes"] = "UnauthorizedOperation"
    run("--workspace", tmp_path, "ingest")
    lines = run("--workspace", tmp_path, "doctor", "--format", "json").json["items"]
    (note,) = [line for line in lines if line["check"] == "permissions of stock"]
    assert note["detail"].startswith("missing: ec2:DescribeVolumes; needs autoscaling:DescribeAutoScalingGroups, ")
    assert note["fix"] == "docs/permissions.md has a ready role for each cloud"

    aws.faults.clear()
    run("--workspace", tmp_path, "ingest")
    lines = run("--workspace", tmp_path, "doctor", "--format", "json").json["items"]
    assert [line for line in lines if line["check"].startswith("permissions of")] == []


def test_recommend_tells_spare_volumes_from_attached_ones(tmp_path: Path, run: Run, aws: Aws) -> None:
    from moto.ec2.models import ec2_backends

    account = "222222222222"
    ec2 = aws.client("ec2", account=account)
    image = ec2.register_image(Name="base", RootDeviceName="/dev/sda1")["ImageId"]
    machine = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType="m5.large")["Instances"][0]
    used = machine["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
    spare = ec2.create_volume(AvailabilityZone="us-east-1a", Size=100, VolumeType="gp3")["VolumeId"]
    for disk in ec2_backends[account]["eu-west-1"].volumes.values():  # what is new may still be attached
        disk.create_time = datetime(2026, 1, 2)
    bill = [
        {"ResourceId": name, "x_usage_type": "EBS:VolumeUsage.gp3", "BilledCost": "0.24", "ServiceCategory": "Storage",
         "ChargePeriodStart": f"2026-03-{day:02d}", "ChargePeriodEnd": f"2026-03-{day + 1:02d}"}
        for name in (used, spare) for day in range(1, 15)
    ]  # fmt: skip
    load_rows(tmp_path, focus_rows(bill))
    options = ("--option", f"endpoint={aws.url}", "--option", f"role_arn=arn:aws:iam::{account}:role/reader")
    done = run("--workspace", tmp_path, "ingest", "aws-inventory", "--from", "aws://eu-west-1", *options)
    assert done.code == 0, done.err
    answer = run("--workspace", tmp_path, "recommend", "--format", "json").json
    items = [item for item in answer["items"] if item["check"] == "waste_unattached_volume"]
    assert [(item["resource_id"], item["basis"], item["monthly_saving"]) for item in items] == [
        (spare, "measured", "7.3")
    ]
