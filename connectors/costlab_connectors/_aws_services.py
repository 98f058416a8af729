"""AWS inventory: load balancers, databases, storage and serverless. Each function yields one kind in one place."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from costlab_connectors._aws_api import tags_of
from costlab_connectors._inventory import Resource, utc

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from costlab_connectors._aws_api import Place

_BUCKETS_AT_ONCE = 8


def _resource(
    place: Place, kind: str, native: str, resource_id: str, tags: Mapping[str, str] | None, **more: Any
) -> Resource:
    known: dict[str, Any] = {"sub_account_id": place.account, "region_id": place.region, "tags": tags}
    return Resource(resource_id, kind, f"AWS::{native}", **{**known, **more})


def load_balancers(place: Place) -> Iterator[Resource]:
    """Yield classic and newer load balancers with the number of registered and healthy targets."""
    yield from _classic_load_balancers(place)
    targets = _targets(place)
    for found in place.pages("elbv2", "describe_load_balancers", "LoadBalancers[]"):
        arn = found["LoadBalancerArn"]
        registered, healthy = targets.get(arn, (0, 0)) if targets is not None else (None, None)
        yield _resource(
            place,
            "load-balancer",
            "ElasticLoadBalancingV2::LoadBalancer",
            arn,
            place.tags(arn),
            name=found["LoadBalancerName"],
            state=found.get("State", {}).get("Code"),
            shape=found.get("Type"),
            attached_to=found.get("VpcId"),
            created_at=utc(found.get("CreatedTime")),
            properties={"scheme": found.get("Scheme"), "targets": registered, "healthy_targets": healthy},
        )


def _targets(place: Place) -> dict[str, tuple[int, int]] | None:
    """Return load balancer -> registered and healthy targets; None when they may not be seen."""
    sums: dict[str, tuple[int, int]] = {}
    answer = place.side("elbv2", "describe_target_groups")
    while answer is not None:
        for group in answer["TargetGroups"]:
            health = place.side("elbv2", "describe_target_health", TargetGroupArn=group["TargetGroupArn"])
            if health is None:
                return None
            states = [target["TargetHealth"]["State"] for target in health["TargetHealthDescriptions"]]
            for arn in group["LoadBalancerArns"]:
                registered, healthy = sums.get(arn, (0, 0))
                # "unused": registered in a zone or group that receives no traffic yet
                sums[arn] = (registered + len(states), healthy + states.count("healthy"))
        if not answer.get("NextMarker"):
            return sums
        answer = place.side("elbv2", "describe_target_groups", Marker=answer["NextMarker"])
    return None


def _classic_load_balancers(place: Place) -> Iterator[Resource]:
    for found in place.pages("elb", "describe_load_balancers", "LoadBalancerDescriptions[]"):
        name = found["LoadBalancerName"]
        arn = place.arn("elasticloadbalancing", f"loadbalancer/{name}")
        health = place.side("elb", "describe_instance_health", LoadBalancerName=name)
        states = [i["State"] for i in health["InstanceStates"]] if health else []
        yield _resource(
            place,
            "load-balancer",
            "ElasticLoadBalancing::LoadBalancer",
            arn,
            place.tags(arn),
            name=name,
            state="active",
            shape="classic",
            attached_to=found.get("VPCId"),
            created_at=utc(found.get("CreatedTime")),
            properties={
                "scheme": found.get("Scheme"),
                "targets": len(found.get("Instances", ())),
                "healthy_targets": states.count("InService") if health else None,
            },
        )


def databases(place: Place) -> Iterator[Resource]:
    """Yield RDS, Aurora, Neptune and DocumentDB instances, then clusters."""
    for found in place.pages("rds", "describe_db_instances", "DBInstances[]"):
        yield _resource(
            place,
            "database",
            "RDS::DBInstance",
            found["DBInstanceArn"],
            tags_of(found.get("TagList")),
            name=found["DBInstanceIdentifier"],
            zone=found.get("AvailabilityZone"),
            state=found.get("DBInstanceStatus"),
            shape=found.get("DBInstanceClass"),
            size_gib=_float(found.get("AllocatedStorage")),
            attached_to=found.get("DBClusterIdentifier"),
            created_at=utc(found.get("InstanceCreateTime")),
            properties=_database(found)
            | {
                "replica_of": found.get("ReadReplicaSourceDBInstanceIdentifier"),
                "max_size_gib": found.get("MaxAllocatedStorage"),
                "license": found.get("LicenseModel"),
            },
        )
    for found in place.pages("rds", "describe_db_clusters", "DBClusters[]"):
        yield _resource(
            place,
            "database",
            "RDS::DBCluster",
            found["DBClusterArn"],
            tags_of(found.get("TagList")),
            name=found["DBClusterIdentifier"],
            state=found.get("Status"),
            shape=found.get("DBClusterInstanceClass"),
            size_gib=_float(found.get("AllocatedStorage")),
            created_at=utc(found.get("ClusterCreateTime")),
            properties=_database(found)
            | {
                "members": [m["DBInstanceIdentifier"] for m in found.get("DBClusterMembers", ())],
                "cluster_resource_id": found.get("DbClusterResourceId"),
                "engine_mode": found.get("EngineMode"),
            },
        )


def _database(found: Any) -> dict[str, Any]:
    return {
        "engine": found.get("Engine"),
        "engine_version": found.get("EngineVersion"),
        "multi_az": found.get("MultiAZ"),
        "storage_type": found.get("StorageType"),
        "iops": found.get("Iops"),
        "throughput": found.get("StorageThroughput"),
        "backup_days": found.get("BackupRetentionPeriod"),
        "deletion_protection": found.get("DeletionProtection"),
    }


def caches(place: Place) -> Iterator[Resource]:
    """Yield the ElastiCache nodes; ``attached_to`` is the replication group."""
    for found in place.pages("elasticache", "describe_cache_clusters", "CacheClusters[]"):
        arn = found.get("ARN") or place.arn("elasticache", f"cluster:{found['CacheClusterId']}")
        yield _resource(
            place,
            "cache",
            "ElastiCache::CacheCluster",
            arn,
            place.tags(arn),
            name=found["CacheClusterId"],
            zone=found.get("PreferredAvailabilityZone"),
            state=found.get("CacheClusterStatus"),
            shape=found.get("CacheNodeType"),
            attached_to=found.get("ReplicationGroupId"),
            created_at=utc(found.get("CacheClusterCreateTime")),
            properties={
                "engine": found.get("Engine"),
                "engine_version": found.get("EngineVersion"),
                "nodes": found.get("NumCacheNodes"),
                "snapshot_days": found.get("SnapshotRetentionLimit"),
            },
        )


def buckets(place: Place) -> Iterator[Resource]:
    """Yield the account's buckets, wherever they are."""
    found = list(place.pages("s3", "list_buckets", "Buckets[]"))
    with ThreadPoolExecutor(_BUCKETS_AT_ONCE) as pool:
        yield from pool.map(lambda bucket: _bucket(place, bucket), found)


def _bucket(place: Place, found: Any) -> Resource:
    name = found["Name"]
    where = found.get("BucketRegion")
    if not where:
        answer = place.side("s3", "get_bucket_location", Bucket=name)
        where = (answer["LocationConstraint"] or "us-east-1") if answer else None
    versioning = place.side("s3", "get_bucket_versioning", Bucket=name)
    return _resource(
        place,
        "bucket",
        "S3::Bucket",
        name,
        tags_of(_optional(place, "get_bucket_tagging", name, "TagSet", [])),
        name=name,
        region_id="eu-west-1" if where == "EU" else where,
        created_at=utc(found.get("CreationDate")),
        properties={
            "versioning": versioning.get("Status", "Disabled") if versioning is not None else None,
            "lifecycle_rules": _lifecycle(place, name),
            "encryption": _encryption(place, name),
        },
    )


def _optional(place: Place, operation: str, bucket: str, key: str, absent: Any) -> Any:
    """Return a part of a bucket's configuration, ``absent`` where it has none; None when it is not known."""
    answer = place.side("s3", operation, Bucket=bucket)
    return None if answer is None else answer.get(key, absent)


def _lifecycle(place: Place, bucket: str) -> int | None:
    """Return how many lifecycle rules are in force."""
    rules = _optional(place, "get_bucket_lifecycle_configuration", bucket, "Rules", [])
    return None if rules is None else sum(rule.get("Status") == "Enabled" for rule in rules)


def _encryption(place: Place, bucket: str) -> str | None:
    found = _optional(place, "get_bucket_encryption", bucket, "ServerSideEncryptionConfiguration", {"Rules": []})
    rules = found["Rules"] if found else []
    return rules[0].get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm") if rules else None


def functions(place: Place) -> Iterator[Resource]:
    """Yield the Lambda functions."""
    for found in place.pages("lambda", "list_functions", "Functions[]"):
        arn = found["FunctionArn"]
        kept = place.side("lambda", "list_provisioned_concurrency_configs", FunctionName=found["FunctionName"])
        configs = (kept or {}).get("ProvisionedConcurrencyConfigs", ())
        yield _resource(
            place,
            "function",
            "Lambda::Function",
            arn,
            place.tags(arn),
            name=found["FunctionName"],
            state=found.get("State"),
            shape=",".join(found.get("Architectures") or ["x86_64"]),
            created_at=None,
            properties={
                "memory_mib": found.get("MemorySize"),
                "runtime": found.get("Runtime"),
                "timeout_seconds": found.get("Timeout"),
                "package": found.get("PackageType"),
                "last_modified": utc(found.get("LastModified")),
                "provisioned_concurrency": None
                if kept is None
                else sum(config.get("RequestedProvisionedConcurrentExecutions", 0) for config in configs),
            },
        )


def clusters(place: Place) -> Iterator[Resource]:
    """Yield the EKS clusters, then the ECS clusters."""
    for name in place.pages("eks", "list_clusters", "clusters[]"):
        found = place.ask("eks", "describe_cluster", name=name)["cluster"]
        yield _resource(
            place,
            "cluster",
            "EKS::Cluster",
            found["arn"],
            found.get("tags"),
            name=name,
            state=found.get("status"),
            shape="eks",
            created_at=utc(found.get("createdAt")),
            properties={
                "version": found.get("version"),
                "support": found.get("upgradePolicy", {}).get("supportType"),
            },
        )
    names = list(place.pages("ecs", "list_clusters", "clusterArns[]"))
    for start in range(0, len(names), 100):  # as many as one call describes
        chunk = names[start : start + 100]
        for found in place.ask("ecs", "describe_clusters", clusters=chunk, include=["TAGS"])["clusters"]:
            yield _resource(
                place,
                "cluster",
                "ECS::Cluster",
                found["clusterArn"],
                tags_of(found.get("tags")),
                name=found["clusterName"],
                state=found.get("status"),
                shape="ecs",
                properties={
                    "running_tasks": found.get("runningTasksCount"),
                    "services": found.get("activeServicesCount"),
                    "instances": found.get("registeredContainerInstancesCount"),
                },
            )


def streams(place: Place) -> Iterator[Resource]:
    """Yield the Kinesis data streams."""
    for name in place.pages("kinesis", "list_streams", "StreamNames[]"):
        found = place.ask("kinesis", "describe_stream_summary", StreamName=name)["StreamDescriptionSummary"]
        arn = found["StreamARN"]
        yield _resource(
            place,
            "stream",
            "Kinesis::Stream",
            arn,
            place.tags(arn),
            name=name,
            state=found.get("StreamStatus"),
            shape=found.get("StreamModeDetails", {}).get("StreamMode"),
            created_at=utc(found.get("StreamCreationTimestamp")),
            properties={
                "shards": found.get("OpenShardCount"),
                "retention_hours": found.get("RetentionPeriodHours"),
                "consumers": found.get("ConsumerCount"),
            },
        )


def tables(place: Place) -> Iterator[Resource]:
    """Yield the DynamoDB tables; ``shape`` is PROVISIONED or PAY_PER_REQUEST."""
    for name in place.pages("dynamodb", "list_tables", "TableNames[]"):
        found = place.ask("dynamodb", "describe_table", TableName=name)["Table"]
        capacity = found.get("ProvisionedThroughput", {})
        arn = found["TableArn"]
        yield _resource(
            place,
            "table",
            "DynamoDB::Table",
            arn,
            place.tags(arn),
            name=name,
            state=found.get("TableStatus"),
            shape=found.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
            size_gib=_float(found.get("TableSizeBytes", 0)) and found["TableSizeBytes"] / 2**30,
            created_at=utc(found.get("CreationDateTime")),
            properties={
                "read_units": capacity.get("ReadCapacityUnits"),
                "write_units": capacity.get("WriteCapacityUnits"),
                "table_class": found.get("TableClassSummary", {}).get("TableClass", "STANDARD"),
                "items": found.get("ItemCount"),
                "deletion_protection": found.get("DeletionProtectionEnabled"),
                "indexes": len(found.get("GlobalSecondaryIndexes", ())),
            },
        )


def _float(number: Any) -> float | None:
    return None if number is None else float(number)
