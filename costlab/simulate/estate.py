"""What the company owns: accounts, priced items, resources, instances and meters. Data only, no time loop."""

# ruff: noqa: E501 - tables of data and SQL read best with one entry on a line

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from costlab.simulate import pools, prices

if TYPE_CHECKING:
    from datetime import date

HOURS_PER_DAY = 24


class Schedule(StrEnum):
    """When an instance runs."""

    ALWAYS = "always"
    WEB = "web"
    """Member of an autoscaling fleet: runs while the fleet's demand exceeds its rank."""
    OFFICE = "office"
    """Monday to Friday, 07:00 to 19:00 UTC."""
    BATCH = "batch"
    """Every night from 01:00, three to six hours."""


@dataclass(frozen=True, slots=True)
class Account:
    """A member account of the organisation."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Sku:
    """A priced item as the bill names it. ``list_rate`` counts 1e-10 USD per ``unit``."""

    code: str
    service: str
    usage_type: str
    operation: str
    unit: str
    list_rate: int
    region: str
    product_family: str
    instance_type: str = ""
    description: str = ""
    seller: str = ""
    """Marketplace products only."""
    pool: str = ""
    """What reservations and plans see of it (:mod:`costlab.simulate.pools`); empty: they do not cover it."""


@dataclass(frozen=True, slots=True)
class Resource:
    """Something with an id on the bill. Hours count from the start of the simulation; ``stop`` is exclusive."""

    id: str
    name: str
    kind: str
    account: int
    region: str
    zone: str
    start: int
    stop: int
    shape: str = ""
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Load:
    """How busy a machine is: percent of CPU on average and at peak, percent of memory."""

    cpu: float
    peak: float
    memory: float


@dataclass(frozen=True, slots=True)
class Instance:
    """A virtual machine: what it costs and when it runs."""

    resource: int
    sku: int
    account: int
    schedule: Schedule
    load: Load
    fleet: int = -1
    rank: int = 0
    spot: bool = False
    parent: bool = False
    """A Kubernetes node whose cost is split over its pods."""


@dataclass(frozen=True, slots=True)
class Meter:
    """Anything charged by the day: a quantity with growth, a weekly shape and noise."""

    resource: int
    sku: int
    account: int
    per_day: float
    """Units of a day; of what is priced by the month, a thirtieth of the month's units."""
    start_day: int
    stop_day: int
    growth: float = 0.0
    """Growth per day, compounded."""
    weekend: float = 1.0
    noise: float = 0.0
    whole: bool = False
    """Counted in whole blocks of units (requests)."""
    schedule: Schedule = Schedule.ALWAYS
    """When it runs, if it has a pool; per_day counts a day on which it always runs."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """An autoscaling group: how many machines it wants at the quiet and the busy hour."""

    name: str
    low: int
    high: int


@dataclass(slots=True)
class Estate:
    """Everything owned over the whole simulated span, ``[start, end)``."""

    seed: int
    start: date
    end: date
    accounts: list[Account] = field(default_factory=list)
    skus: list[Sku] = field(default_factory=list)
    resources: list[Resource] = field(default_factory=list)
    instances: list[Instance] = field(default_factory=list)
    meters: list[Meter] = field(default_factory=list)
    fleets: list[Fleet] = field(default_factory=list)
    _sku_index: dict[Sku, int] = field(default_factory=dict)

    @property
    def days(self) -> int:
        """Days simulated."""
        return (self.end - self.start).days

    @property
    def standing(self) -> int:
        """Instances that are not members of a fleet."""
        return sum(i.fleet < 0 for i in self.instances)

    @property
    def hours(self) -> int:
        """Hours simulated."""
        return self.days * HOURS_PER_DAY

    def account(self, name: str) -> int:
        """Return the index of an account by name."""
        return next(i for i, a in enumerate(self.accounts) if a.name == name)

    def sku(self, sku: Sku) -> int:
        """Return the index of a priced item, adding it when it is new."""
        if sku not in self._sku_index:
            self._sku_index[sku] = len(self.skus)
            self.skus.append(sku)
        return self._sku_index[sku]

    def add(self, resource: Resource) -> int:
        """Add a resource and return its index."""
        self.resources.append(resource)
        return len(self.resources) - 1


def instance_sku(instance_type: str, region: str, *, spot: bool = False) -> Sku:
    """Return the Linux on-demand (or Spot) item of an instance type; the list rate is the on-demand one."""
    usage = "SpotUsage" if spot else "BoxUsage"
    rate = prices.instance_rate(instance_type, region)
    kind = "Spot" if spot else "On Demand"
    return Sku(
        code="AmazonEC2",
        service="Amazon Elastic Compute Cloud",
        usage_type=f"{prices.USAGE_PREFIX[region]}{usage}:{instance_type}",
        operation="RunInstances:SV001" if spot else "RunInstances",
        unit="Hrs",
        list_rate=rate,
        region=region,
        product_family="Compute Instance",
        instance_type=instance_type,
        description=f"${rate / prices.RATE:.10g} per {kind} Linux {instance_type} Instance Hour",
        pool="" if spot else instance_type,
    )


_ITEMS = {  # what: (code, service, usage type, operation, unit, product family)
    "gp3": ("AmazonEC2", "EBS", "EBS:VolumeUsage.gp3", "CreateVolume-Gp3", "GB-Mo", "Storage"),
    "gp2": ("AmazonEC2", "EBS", "EBS:VolumeUsage.gp2", "CreateVolume-Gp2", "GB-Mo", "Storage"),
    "io1": ("AmazonEC2", "EBS", "EBS:VolumeUsage.piops", "CreateVolume-P-IOPS", "GB-Mo", "Storage"),
    "io1-iops": ("AmazonEC2", "EBS", "EBS:VolumeP-IOPS.piops", "CreateVolume-P-IOPS", "IOPS-Mo", "System Operation"),
    "snapshot": ("AmazonEC2", "EBS", "EBS:SnapshotUsage", "CreateSnapshot", "GB-Mo", "Storage Snapshot"),
    "ipv4-used": ("AmazonVPC", "VPC", "PublicIPv4:InUseAddress", "AllocateAddressVPC", "Hrs", "VpcPublicIPv4Address"),
    "ipv4-idle": ("AmazonVPC", "VPC", "PublicIPv4:IdleAddress", "AllocateAddressVPC", "Hrs", "VpcPublicIPv4Address"),
    "nat-hour": ("AmazonEC2", "EC2", "NatGateway-Hours", "NatGateway", "Hrs", "NAT Gateway"),
    "nat-byte": ("AmazonEC2", "EC2", "NatGateway-Bytes", "NatGateway", "GB", "NAT Gateway"),
    "alb-hour": ("AWSELB", "ELB", "LoadBalancerUsage", "LoadBalancing:Application", "Hrs", "Load Balancer-Application"),
    "alb-lcu": ("AWSELB", "ELB", "LCUUsage", "LoadBalancing:Application", "LCU-Hrs", "Load Balancer-Application"),
    "nlb-hour": ("AWSELB", "ELB", "LoadBalancerUsage", "LoadBalancing:Network", "Hrs", "Load Balancer-Network"),
    "nlb-lcu": ("AWSELB", "ELB", "LCUUsage", "LoadBalancing:Network", "LCU-Hrs", "Load Balancer-Network"),
    "egress": ("AWSDataTransfer", "DT", "DataTransfer-Out-Bytes", "RunInstances", "GB", "Data Transfer"),
    "ingress": ("AWSDataTransfer", "DT", "DataTransfer-In-Bytes", "RunInstances", "GB", "Data Transfer"),
    "cross-az": ("AWSDataTransfer", "DT", "DataTransfer-Regional-Bytes", "InterZone-In", "GB", "Data Transfer"),
    "s3-standard": ("AmazonS3", "S3", "TimedStorage-ByteHrs", "StandardStorage", "GB-Mo", "Storage"),
    "s3-put": ("AmazonS3", "S3", "Requests-Tier1", "PutObject", "Requests", "API Request"),
    "s3-get": ("AmazonS3", "S3", "Requests-Tier2", "GetObject", "Requests", "API Request"),
    "lambda-gbs": ("AWSLambda", "Lambda", "Lambda-GB-Second", "Invoke", "Lambda-GB-Second", "Serverless"),
    "lambda-request": ("AWSLambda", "Lambda", "Request", "Invoke", "Requests", "Serverless"),
    "logs": ("AmazonCloudWatch", "CloudWatch", "DataProcessing-Bytes", "PutLogEvents", "GB", "Data Payload"),
    "metrics": ("AmazonCloudWatch", "CloudWatch", "CW:MetricMonitorUsage", "MetricStorage", "Metrics", "Metric"),
    "db.t3.medium": ("AmazonRDS", "RDS", "InstanceUsage:db.t3.medium", "CreateDBInstance:0014", "Hrs", "Database Instance"),
    "db.m5.large": ("AmazonRDS", "RDS", "InstanceUsage:db.m5.large", "CreateDBInstance:0014", "Hrs", "Database Instance"),
    "db.r5.large": ("AmazonRDS", "RDS", "InstanceUsage:db.r5.large", "CreateDBInstance:0014", "Hrs", "Database Instance"),
    "db.r5.xlarge": ("AmazonRDS", "RDS", "InstanceUsage:db.r5.xlarge", "CreateDBInstance:0014", "Hrs", "Database Instance"),
    "db.r7g.large:multi-az": ("AmazonRDS", "RDS", "Multi-AZUsage:db.r7g.large", "CreateDBInstance:0014", "Hrs", "Database Instance"),
    "cache.r6g.large": ("AmazonElastiCache", "ElastiCache", "NodeUsage:cache.r6g.large", "CreateCacheCluster:0002", "Hrs", "Cache Instance"),
    "cache.r6g.xlarge": ("AmazonElastiCache", "ElastiCache", "NodeUsage:cache.r6g.xlarge", "CreateCacheCluster:0002", "Hrs", "Cache Instance"),
    "t3.small.search": ("AmazonES", "OpenSearch", "ESInstance:t3.small", "ESDomain", "Hrs", "Search Instance"),
    "dc2.large": ("AmazonRedshift", "Redshift", "Node:dc2.large", "RunComputeNode:0001", "Hrs", "Compute Instance"),
    "ml.m5.xlarge": ("AmazonSageMaker", "SageMaker", "Host:ml.m5.xlarge", "RunInstance", "Hrs", "ML Instance"),
    "ml.t3.medium": ("AmazonSageMaker", "SageMaker", "Notebk:ml.t3.medium", "RunInstance", "Hrs", "ML Instance"),
    "rds-gp3": ("AmazonRDS", "RDS", "RDS:GP3-Storage", "CreateDBInstance:0014", "GB-Mo", "Database Storage"),
    "eks-cluster": ("AmazonEKS", "EKS", "AmazonEKS-Hours:perCluster", "CreateOperation", "Hrs", "Compute"),
    "fargate-vcpu": ("AmazonECS", "ECS", "Fargate-vCPU-Hours:perCPU", "FargateTask", "Hrs", "Compute"),
    "fargate-gb": ("AmazonECS", "ECS", "Fargate-GB-Hours", "FargateTask", "Hrs", "Compute"),
    "opensearch-m6g.large": ("AmazonES", "OpenSearch", "ESInstance:m6g.large", "ESDomain", "Hrs", "Search Instance"),
    "dynamodb-write": ("AmazonDynamoDB", "DynamoDB", "WriteRequestUnits", "PutItem", "WriteRequestUnits", "PayPerRequest"),
    "dynamodb-read": ("AmazonDynamoDB", "DynamoDB", "ReadRequestUnits", "GetItem", "ReadRequestUnits", "PayPerRequest"),
}  # fmt: skip

SERVICES = {
    "EBS": "Amazon Elastic Compute Cloud",
    "EC2": "Amazon Elastic Compute Cloud",
    "VPC": "Amazon Virtual Private Cloud",
    "ELB": "Elastic Load Balancing",
    "DT": "AWS Data Transfer",
    "S3": "Amazon Simple Storage Service",
    "Lambda": "AWS Lambda",
    "CloudWatch": "AmazonCloudWatch",
    "RDS": "Amazon Relational Database Service",
    "EKS": "Amazon Elastic Kubernetes Service",
    "ECS": "Amazon Elastic Container Service",
    "OpenSearch": "Amazon OpenSearch Service",
    "DynamoDB": "Amazon DynamoDB",
    "ElastiCache": "Amazon ElastiCache",
    "SageMaker": "Amazon SageMaker",
    "Redshift": "Amazon Redshift",
}


def item_sku(what: str, region: str) -> Sku:
    """Return a priced item other than an instance, by its short name in this module."""
    code, service, usage, operation, unit, product_family = _ITEMS[what]
    rate = prices.other_rate(what.split("-", 1)[0] if what.startswith("ipv4") else what, region)
    return Sku(
        code=code,
        service=SERVICES[service],
        usage_type=prices.USAGE_PREFIX[region] + usage,
        operation=operation,
        unit=unit,
        list_rate=rate,
        region=region,
        product_family=product_family,
        instance_type=pools.kind(what) if pools.service(what) else "",
        description=f"${rate / prices.RATE:.10g} per {unit} {usage}",
        pool=pools.pool_of(what),
    )
