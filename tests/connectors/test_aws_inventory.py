"""The AWS inventory against moto's server: exact rows, accounts and regions, refusals, throttling."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import botocore.client
import pytest

from costlab.errors import ConfigError, SourceError, UsageError
from costlab.ingest import IngestReport, ingest
from costlab.lake import Action, Lake
from costlab.period import Month
from costlab_connectors import _aws_api
from costlab_connectors.aws_inventory import PERMISSIONS
from tests.connectors.aws_support import ACCESS_DENIED, THROTTLED, Aws
from tests.connectors.inventory_support import coverage, resources


def pull(workspace: Path, aws: Aws, uri: str = "aws://eu-west-1", **options: str) -> IngestReport:
    return ingest(workspace, "aws-inventory", uri, options={"endpoint": aws.url, **options})


def role(account: str) -> str:
    return f"arn:aws:iam::{account}:role/reader"


def launch(aws: Aws, account: str, region: str = "eu-west-1", *, shape: str = "m5.large") -> list[Any]:
    ec2 = aws.client("ec2", region, account=account)
    image = ec2.register_image(Name=f"base-{shape}", RootDeviceName="/dev/sda1")["ImageId"]
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "web"}, {"Key": "team", "Value": "shop"}]}]
    done = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType=shape, TagSpecifications=tags)
    return list(done["Instances"])


def test_machines_disks_snapshots_and_addresses_with_what_they_are_attached_to(tmp_path: Path, aws: Aws) -> None:
    account = "222222222201"
    ec2 = aws.client("ec2", account=account)
    (machine,) = launch(aws, account)
    root = machine["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
    spare = ec2.create_volume(AvailabilityZone="eu-west-1a", Size=100, VolumeType="gp3", Iops=4000, Throughput=200)
    shot = ec2.create_snapshot(VolumeId=spare["VolumeId"], Description="nightly")["SnapshotId"]
    idle = ec2.allocate_address(Domain="vpc")["AllocationId"]
    used = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.associate_address(AllocationId=used, InstanceId=machine["InstanceId"])

    report = pull(tmp_path, aws, role_arn=role(account))

    assert (report.warnings, [p.action for p in report.periods]) == ([], [Action.LOADED])
    rows = resources(tmp_path)
    found = rows[machine["InstanceId"]]
    assert found.pop("created_at") == _naive(machine["LaunchTime"])
    properties = found.pop("properties")
    assert (properties["volumes"], properties["lifecycle"], properties["network_interfaces"]) == (
        [root],
        "on-demand",
        1,
    )
    assert found == {
        "provider": "aws",
        "resource_kind": "instance",
        "native_type": "AWS::EC2::Instance",
        "name": "web",
        "sub_account_id": account,
        "region_id": "eu-west-1",
        "zone": "eu-west-1a",
        "state": "running",
        "shape": "m5.large",
        "size_gib": None,
        "attached_to": None,
        "tags": {"Name": "web", "team": "shop"},
    }
    disk = rows[spare["VolumeId"]]
    assert (disk["attached_to"], disk["state"], disk["shape"], disk["size_gib"]) == (None, "available", "gp3", 100.0)
    assert (disk["properties"]["iops"], disk["properties"]["throughput"]) == (4000, 200)
    assert (rows[root]["attached_to"], rows[root]["state"]) == (machine["InstanceId"], "in-use")
    prefix = f"arn:aws:ec2:eu-west-1:{account}:"
    assert rows[f"{prefix}snapshot/{shot}"]["attached_to"] == spare["VolumeId"]
    assert rows[f"{prefix}snapshot/{shot}"]["properties"]["description"] == "nightly"
    assert _state(rows[f"{prefix}elastic-ip/{idle}"]) == ("unassociated", None)
    assert _state(rows[f"{prefix}elastic-ip/{used}"]) == ("associated", machine["InstanceId"])


def _state(row: dict[str, Any]) -> tuple[str | None, str | None]:
    return row["state"], row["attached_to"]


def _naive(instant: Any) -> Any:
    return instant.replace(tzinfo=None)


def furnish(aws: Aws, account: str) -> dict[str, str]:
    """Make one of nearly everything in an account; return the subnets' and other names by what they are."""

    def client(service: str, region: str = "eu-west-1") -> Any:
        return aws.client(service, region, account=account)

    ec2 = client("ec2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]][:2]
    (machine,) = launch(aws, account)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=subnets[0], AllocationId=address)["NatGateway"]["NatGatewayId"]
    door = ec2.create_vpc_endpoint(
        VpcId=vpc, ServiceName="com.amazonaws.eu-west-1.ec2", VpcEndpointType="Interface", SubnetIds=subnets
    )["VpcEndpoint"]["VpcEndpointId"]
    front = client("elbv2").create_load_balancer(Name="front", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    empty = client("elbv2").create_load_balancer(Name="empty", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    group = client("elbv2").create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]
    client("elbv2").create_listener(
        LoadBalancerArn=front,
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}],
    )
    client("elbv2").register_targets(
        TargetGroupArn=group["TargetGroupArn"], Targets=[{"Id": machine["InstanceId"], "Port": 80}]
    )
    client("elb").create_load_balancer(
        LoadBalancerName="old",
        Listeners=[{"Protocol": "http", "LoadBalancerPort": 80, "InstancePort": 80}],
        AvailabilityZones=["eu-west-1a"],
    )
    client("rds").create_db_instance(
        DBInstanceIdentifier="orders",
        DBInstanceClass="db.m5.large",
        Engine="postgres",
        AllocatedStorage=50,
        MasterUsername="someone",
        MasterUserPassword="not-a-secret",
        MultiAZ=True,
        DeletionProtection=True,
        Tags=[{"Key": "team", "Value": "shop"}],
    )
    client("elasticache").create_cache_cluster(
        CacheClusterId="sessions", Engine="redis", CacheNodeType="cache.t3.small", NumCacheNodes=1
    )
    client("dynamodb").create_table(
        TableName="devices",
        KeySchema=[{"AttributeName": "a", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "a", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 40, "WriteCapacityUnits": 20},
        Tags=[{"Key": "team", "Value": "iot"}],
    )
    client("kinesis").create_stream(StreamName="clicks", ShardCount=2)
    client("eks").create_cluster(
        name="main", roleArn=f"arn:aws:iam::{account}:role/eks", resourcesVpcConfig={"subnetIds": subnets}
    )
    client("ecs").create_cluster(clusterName="jobs", tags=[{"key": "team", "value": "batch"}])
    _function(aws, account)
    _buckets(aws, account)
    return {"nat": nat, "vpc": vpc, "endpoint": door, "front": front, "empty": empty, "machine": machine["InstanceId"]}


def _function(aws: Aws, account: str) -> None:
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    aws.client("iam", account=account).create_role(RoleName="lambda", AssumeRolePolicyDocument=trust)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("f.py", "def f(event, context): pass")
    aws.client("lambda", account=account).create_function(
        FunctionName="resize",
        Runtime="python3.12",
        Role=f"arn:aws:iam::{account}:role/lambda",
        Handler="f.f",
        Code={"ZipFile": packed.getvalue()},
        MemorySize=1024,
        Timeout=30,
        Architectures=["arm64"],
        Tags={"team": "media"},
    )


def _buckets(aws: Aws, account: str) -> None:
    s3 = aws.client("s3", "us-east-1", account=account)
    for name, region in (("here", "eu-west-1"), ("there", "ap-south-1")):
        s3.create_bucket(Bucket=f"{name}-{account}", CreateBucketConfiguration={"LocationConstraint": region})
    s3.put_bucket_versioning(Bucket=f"here-{account}", VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_tagging(Bucket=f"here-{account}", Tagging={"TagSet": [{"Key": "team", "Value": "lake"}]})
    rules = [
        {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}},
        {"ID": "off", "Status": "Disabled", "Filter": {"Prefix": "x"}, "Expiration": {"Days": 1}},
    ]
    s3.put_bucket_lifecycle_configuration(Bucket=f"here-{account}", LifecycleConfiguration={"Rules": rules})


def test_every_kind_is_shown_with_its_configuration_and_asks_for_the_permissions_it_names(
    tmp_path: Path, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = "222222222202"
    names = furnish(aws, account)
    asked: set[str] = set()
    call = getattr(botocore.client.BaseClient, "_make_api_call")  # noqa: B009 - the one place all calls pass

    def recorded(self: Any, operation: str, parameters: Any) -> Any:
        asked.add(_aws_api.action(self.meta.service_model.service_name, operation))
        return call(self, operation, parameters)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", recorded)
    assert pull(tmp_path, aws, role_arn=role(account)).warnings == []
    assert asked - {"sts:GetCallerIdentity", "sts:AssumeRole"} == set(PERMISSIONS)

    rows = resources(tmp_path)
    arn = f"arn:aws:{{}}:eu-west-1:{account}:{{}}".format
    assert rows[names["front"]]["properties"]["targets"] == 1
    assert rows[names["empty"]]["properties"]["targets"] == 0
    assert rows[arn("elasticloadbalancing", "loadbalancer/old")]["properties"]["targets"] == 0
    assert rows[arn("ec2", f"natgateway/{names['nat']}")]["state"] == "available"
    assert rows[arn("ec2", f"vpc-endpoint/{names['endpoint']}")]["properties"]["zones"] == 2
    database = rows[arn("rds", "db:orders")]
    assert (database["shape"], database["size_gib"], database["tags"]) == ("db.m5.large", 50.0, {"team": "shop"})
    assert (database["properties"]["engine"], database["properties"]["multi_az"]) == ("postgres", True)
    assert database["properties"]["deletion_protection"] is True
    assert rows[arn("elasticache", "cluster:sessions")]["shape"] == "cache.t3.small"
    table = rows[arn("dynamodb", "table/devices")]
    assert (table["shape"], table["properties"]["read_units"], table["tags"]) == ("PROVISIONED", 40, {"team": "iot"})
    assert rows[arn("kinesis", "stream/clicks")]["properties"]["shards"] == 2
    function = rows[arn("lambda", "function:resize")]
    assert (function["shape"], function["properties"]["memory_mib"], function["tags"]) == (
        "arm64",
        1024,
        {"team": "media"},
    )
    assert function["properties"]["provisioned_concurrency"] == 5
    assert rows[arn("eks", "cluster/main")]["shape"] == "eks"
    assert rows[arn("ecs", "cluster/jobs")]["tags"] == {"team": "batch"}
    bucket = rows[f"here-{account}"]
    assert (bucket["region_id"], bucket["tags"]) == ("eu-west-1", {"team": "lake"})
    assert (bucket["properties"]["versioning"], bucket["properties"]["lifecycle_rules"]) == ("Enabled", 1)
    assert f"there-{account}" not in rows, "a bucket of another region than the chosen"


def test_nothing_there_is_told_from_not_looked_at(tmp_path: Path, aws: Aws) -> None:
    aws.faults["Action=DescribeVolumes"] = "UnauthorizedOperation"
    aws.faults["Action=DescribeTargetGroups"] = ACCESS_DENIED
    report = pull(tmp_path, aws, role_arn=role("222222222203"))
    seen = coverage(tmp_path)
    assert seen["instance", "eu-west-1"] == ("complete", 0, None)
    assert seen["disk", "eu-west-1"] == ("denied", 0, ["ec2:DescribeVolumes"])
    assert seen["load-balancer", "eu-west-1"] == (
        "partial",
        0,
        ["elasticloadbalancing:DescribeTargetGroups"],
    )
    assert seen["bucket", "global"] == ("complete", 0, None)
    assert report.warnings == [
        "not assessed, permission missing: disk in 222222222203 eu-west-1: ec2:DescribeVolumes",
        "not all is known of load-balancer in 222222222203 eu-west-1: elasticloadbalancing:DescribeTargetGroups",
    ]
    assert resources(tmp_path) == {}


def test_every_page_of_every_region_is_read(tmp_path: Path, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    account = "222222222204"
    monkeypatch.setitem(_aws_api.PAGES, "ec2", 5)
    here = [launch(aws, account, shape=f"m5.{size}")[0] for size in ("small", "large", "xlarge") * 2]
    there = launch(aws, account, "us-west-2", shape="t3.micro")
    before = len(aws.asked)
    pull(tmp_path, aws, "aws://eu-west-1,us-west-2", role_arn=role(account))
    machines = {key: row for key, row in resources(tmp_path).items() if row["resource_kind"] == "instance"}
    assert set(machines) == {machine["InstanceId"] for machine in (*here, *there)}
    assert machines[there[0]["InstanceId"]]["region_id"] == "us-west-2"
    asked = [request.body for request in aws.asked[before:] if b"Action=DescribeInstances" in request.body]
    assert len([body for body in asked if b"NextToken" in body]) == 1, "6 reservations in pages of 5"


def test_a_region_that_is_not_enabled_is_left_out(tmp_path: Path, aws: Aws) -> None:
    pull(tmp_path, aws, "aws://eu-west-1,mars-north-1", role_arn=role("222222222205"))
    assert {region for _, region in coverage(tmp_path)} == {"eu-west-1", "global"}


def test_a_region_that_does_not_know_the_credentials_is_left_out(tmp_path: Path, aws: Aws) -> None:
    aws.faults = {"Action=DescribeRegions": "UnauthorizedOperation", "/ap-east-1/ec2/": "AuthFailure"}
    report = pull(tmp_path, aws, "aws://eu-west-1,ap-east-1", role_arn=role("222222222215"))
    assert {region for _, region in coverage(tmp_path)} == {"eu-west-1", "global"}
    assert report.warnings == []


def test_a_region_closed_by_a_policy_is_one_warning(tmp_path: Path, aws: Aws) -> None:
    aws.faults = {"/us-west-2/": ACCESS_DENIED}
    report = pull(tmp_path, aws, "aws://eu-west-1,us-west-2", role_arn=role("222222222214"))
    assert report.warnings == [
        "not assessed, permission missing: * in 222222222214 us-west-2: everything is denied there"
    ]
    assert coverage(tmp_path)["*", "us-west-2"] == ("denied", 0, None)


def test_a_service_that_throttles_is_asked_again(tmp_path: Path, aws: Aws) -> None:
    aws.once["Action=DescribeNatGateways"] = THROTTLED
    report = pull(tmp_path, aws, role_arn=role("222222222206"))
    assert report.warnings == []
    asked = [request for request in aws.asked if b"Action=DescribeNatGateways" in request.body]
    assert len(asked) == 2


def test_a_service_that_fails_is_not_taken_for_an_empty_one(tmp_path: Path, aws: Aws) -> None:
    aws.faults["Action=DescribeCacheClusters"] = "InvalidParameterValue"
    report = pull(tmp_path, aws, role_arn=role("222222222207"))
    assert coverage(tmp_path)["cache", "eu-west-1"] == ("failed", 0, None)
    assert "elasticache:DescribeCacheClusters: InvalidParameterValue" in report.warnings[0]


def test_accounts_of_an_organisation_are_entered_by_a_roles_name(tmp_path: Path, aws: Aws) -> None:
    launch(aws, "222222222208")
    launch(aws, "222222222209")
    aws.faults["222222222210%3Arole"] = ACCESS_DENIED
    report = pull(tmp_path, aws, accounts="222222222208, 222222222209,222222222210", role_name="reader")
    machines = [row["sub_account_id"] for row in resources(tmp_path).values() if row["resource_kind"] == "instance"]
    assert sorted(machines) == ["222222222208", "222222222209"]
    assert report.warnings == [
        f"not assessed, permission missing: * in 222222222210 global: sts:AssumeRole on {role('222222222210')}"
    ]


def test_credentials_that_expired_are_an_error_of_configuration(tmp_path: Path, aws: Aws) -> None:
    aws.faults["Action=GetCallerIdentity"] = "ExpiredToken"
    with pytest.raises(ConfigError, match="does not accept the credentials \\(ExpiredToken\\)") as caught:
        pull(tmp_path, aws)
    assert "EXAMPLEKEY" not in f"{caught.value} {caught.value.hint}"


def test_credentials_that_are_missing_are_an_error_of_configuration(
    tmp_path: Path, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(ConfigError, match="no AWS credentials: NoCredentialsError"):
        pull(tmp_path, aws)
    with pytest.raises(ConfigError, match="no AWS credentials: ProfileNotFound"):
        pull(tmp_path, aws, profile="nobody")


def test_a_run_that_may_see_nothing_names_what_is_missing(tmp_path: Path, aws: Aws) -> None:
    aws.faults = {"Action=Describe": ACCESS_DENIED, "GET /": ACCESS_DENIED, "DynamoDB": ACCESS_DENIED}
    aws.faults |= {"Kinesis": ACCESS_DENIED, "ContainerService": ACCESS_DENIED}
    with pytest.raises(ConfigError, match="nothing may be looked at: 17 permissions missing"):
        pull(tmp_path, aws, role_arn=role("222222222211"))
    assert Lake(tmp_path).current().revisions == ()


def test_options_that_cannot_be_understood_are_refused(tmp_path: Path, aws: Aws) -> None:
    with pytest.raises(UsageError, match="unknown option 'regoins'"):
        pull(tmp_path, aws, regoins="eu-west-1")
    with pytest.raises(ConfigError, match="is not a role's ARN"):
        pull(tmp_path, aws, role_arn="reader")
    with pytest.raises(ConfigError, match="accounts needs role_name"):
        pull(tmp_path, aws, accounts="222222222212")


def test_a_later_run_supersedes_the_earlier_one_and_another_month_holds_nothing(tmp_path: Path, aws: Aws) -> None:
    account = "222222222213"
    (machine,) = launch(aws, account)
    pull(tmp_path, aws, role_arn=role(account))
    aws.client("ec2", account=account).terminate_instances(InstanceIds=[machine["InstanceId"]])
    assert [p.action for p in pull(tmp_path, aws, role_arn=role(account)).periods] == [Action.REPLACED]
    assert machine["InstanceId"] not in resources(tmp_path)
    options = {"endpoint": aws.url}
    done = ingest(tmp_path, "aws-inventory", "aws://", options=options, period=Month.parse("2020-01"))
    assert done.periods == []


def test_an_endpoint_that_is_not_there_is_an_error_of_the_source(
    tmp_path: Path, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(_aws_api.RETRIES, "max_attempts", 1)
    with pytest.raises(SourceError, match="AWS does not answer"):
        pull(tmp_path, aws, endpoint="http://127.0.0.1:9")
