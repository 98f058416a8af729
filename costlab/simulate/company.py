"""The company that is simulated: who works there, what they run, what they waste and what goes wrong."""

# ruff: noqa: E501 - tables of data and SQL read best with one entry on a line

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from costlab.simulate import pools, prices
from costlab.simulate.estate import (
    HOURS_PER_DAY,
    Account,
    Estate,
    Fleet,
    Instance,
    Load,
    Meter,
    Resource,
    Schedule,
    Sku,
    instance_sku,
    item_sku,
)
from costlab.simulate.planted import Effect, Waste
from costlab.simulate.portfolio import portfolio

if TYPE_CHECKING:
    from datetime import date

    from costlab.simulate.commitments import Commitment

PAYER: Final = Account("000000000100", "Quillfish Holding")
ACCOUNTS: Final = (
    PAYER,
    Account("000000000201", "web-prod"),
    Account("000000000202", "web-staging"),
    Account("000000000203", "data-prod"),
    Account("000000000204", "data-dev"),
    Account("000000000205", "platform-prod"),
    Account("000000000206", "platform-dev"),
    Account("900000000307", "ml-prod"),
    Account("900000000308", "mobile-prod"),
    Account("900000000309", "sandbox"),
    Account("900000000310", "eu-prod"),
    Account("900000000311", "network"),
    Account("900000000312", "security"),
)
"""Invented ids; several begin with zeros, as real ones may."""

STEADY: Final = Load(46, 78, 62)


@dataclass(frozen=True, slots=True)
class Group:
    """Some machines of one kind."""

    app: str
    team: str
    account: str
    region: str
    shape: str
    count: int
    schedule: Schedule = Schedule.ALWAYS
    load: Load = STEADY
    volume: tuple[str, int] = ("gp3", 80)
    spot: bool = False
    tagged: bool = True
    scaled: bool = True
    """Whether a larger company has more of them."""
    from_share: float = 0.0
    to_share: float = 1.0
    """Lifetime as shares of the simulated span; 0 means older than it."""
    waste: str = ""
    """Waste kind that is planted with it."""
    target: str = ""
    """The shape it should have, for over-sized and previous-generation machines."""


_E, _W = "us-east-1", "eu-west-1"
GROUPS: Final = (
    Group("storefront", "web", "web-prod", _E, "m5.large", 4, Schedule.WEB, Load(52, 81, 58)),
    Group("search-api", "web", "web-prod", _E, "c5.xlarge", 3),
    Group("storefront", "web", "web-staging", _E, "t3.medium", 2, Schedule.OFFICE, Load(22, 55, 48)),
    Group("checkout", "web", "web-prod", _E, "m6i.xlarge", 2, load=Load(49, 77, 66)),
    Group("warehouse", "data", "data-prod", _E, "r5.xlarge", 3, load=Load(41, 74, 79)),
    Group("nightly-etl", "data", "data-prod", _E, "r5.2xlarge", 3, Schedule.BATCH, Load(83, 97, 71)),
    Group("notebooks", "data", "data-dev", _E, "t3.large", 2, Schedule.OFFICE, Load(18, 72, 51), tagged=False),
    Group("eks-nodes", "platform", "platform-prod", _E, "m5.xlarge", 2, load=Load(51, 76, 68), scaled=False),
    Group("ci-runners", "platform", "platform-dev", _E, "c6i.2xlarge", 2, Schedule.OFFICE, Load(57, 95, 44)),
    Group("trainer", "ml", "ml-prod", _E, "c5.4xlarge", 1, Schedule.BATCH, Load(88, 99, 64), spot=True),
    Group("features", "ml", "ml-prod", _E, "r6i.xlarge", 2, load=Load(45, 79, 74)),
    Group("push", "mobile", "mobile-prod", _E, "m6g.large", 2, load=Load(39, 72, 60)),
    Group("orders", "eu", "eu-prod", _W, "m5.large", 3, load=Load(44, 76, 57)),
    Group("orders-growth", "eu", "eu-prod", _W, "m5.large", 1, load=Load(47, 79, 59), from_share=0.55),
    Group("legacy-crm", "eu", "eu-prod", _W, "t3.large", 1, load=Load(31, 68, 55), to_share=0.6),
    Group("billing", "web", "web-prod", _E, "m4.large", 2, scaled=False, waste="previous_generation", target="m6i.large"),
    Group("reports", "data", "data-prod", _E, "m5.4xlarge", 1, load=Load(5, 17, 13), scaled=False, waste="oversized",
          target="m5.xlarge"),
    Group("cache", "mobile", "mobile-prod", _E, "r6i.2xlarge", 1, load=Load(7, 18, 15), scaled=False, waste="oversized",
          target="r6i.large"),
    Group("gateway", "eu", "eu-prod", _W, "c5.2xlarge", 1, load=Load(9, 26, 22), scaled=False, waste="oversized",
          target="c5.xlarge"),
    Group("poc", "ml", "sandbox", _E, "m5.xlarge", 1, load=Load(0.6, 1.8, 7), tagged=False, scaled=False,
          waste="idle_instance"),
    Group("old-jump-host", "platform", "platform-dev", _E, "t3.medium", 1, load=Load(0.4, 1.5, 9), scaled=False,
          waste="idle_instance"),
)  # fmt: skip


@dataclass(slots=True)
class Company:
    """A simulated AWS company: its estate, commitments, and what was planted in it."""

    estate: Estate
    commitments: list[Commitment]
    waste: list[Waste] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    discount_percent: int = 6
    """The enterprise discount programme (EDP); 0 means there is none and no net columns."""


@dataclass(slots=True)
class _Builder:
    estate: Estate
    rng: np.random.Generator
    waste: list[Waste] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)

    def hex_id(self, prefix: str) -> str:
        return prefix + self.rng.bytes(9).hex()[:17]

    def tags(self, *, name: str, app: str, team: str, account: str, tagged: bool = True) -> tuple[tuple[str, str], ...]:
        env = "staging" if "staging" in account else "dev" if account.endswith(("dev", "sandbox")) else "prod"
        if not tagged:
            return (("aws:createdBy", f"IAMUser:AIDA{account.upper()}:dev"), ("Name", name))
        return (("aws:createdBy", f"AssumedRole:AROA{team.upper()}:terraform"), ("Name", name), ("app", app),
                ("env", env), ("team", team))  # fmt: skip

    def resource(
        self, kind: str, rid: str, name: str, account: str, region: str, *, start: int = -2000, stop: int | None = None,
        shape: str = "", zone: str = "", tags: tuple[tuple[str, str], ...] = (),
    ) -> int:  # fmt: skip
        stop = self.estate.hours if stop is None else stop
        index = self.estate.account(account)
        return self.estate.add(Resource(rid, name, kind, index, region, zone, start, stop, shape, tags))

    def meter(self, resource: int, what: str | Sku, per_day: float, **extra: float | bool | Schedule) -> int:
        """Add a daily meter that lives as long as its resource."""
        owner = self.estate.resources[resource]
        sku = self.estate.sku(item_sku(what, owner.region) if isinstance(what, str) else what)
        start = max(owner.start // HOURS_PER_DAY, 0)
        stop = -(-min(owner.stop, self.estate.hours) // HOURS_PER_DAY)
        self.estate.meters.append(Meter(resource, sku, owner.account, per_day, start, stop, **extra))  # type: ignore[arg-type]
        return len(self.estate.meters) - 1

    def volume(self, of: Resource, what: str, size: int, *, stop: int) -> int:
        account = self.estate.accounts[of.account].name
        index = self.resource(
            "volume", self.hex_id("vol-"), f"{of.name}-data", account, of.region, start=of.start, stop=stop,
            shape=f"{what} {size}", zone=of.zone, tags=of.tags,
        )  # fmt: skip
        self.meter(index, what, size / 30)
        return index


def build(seed: int, start: date, end: date, *, size: int = 1, discount_percent: int = 6) -> Company:
    """Return the company over ``[start, end)``; ``size`` multiplies its ordinary machines, 0 halves them."""
    estate = Estate(seed, start, end, accounts=list(ACCOUNTS))
    builder = _Builder(estate, np.random.default_rng([seed, 1]))
    for group in GROUPS:
        _machines(builder, group, size)
    _storage(builder)
    _network(builder)
    _databases(builder)
    _serverless(builder)
    _trouble(builder)
    _managed(builder)
    return Company(estate, portfolio(estate, max(size, 1)), builder.waste, builder.effects, discount_percent)


def _zone(region: str, number: int) -> str:
    return region + "abc"[number % 3]


def _machines(b: _Builder, group: Group, size: int) -> None:
    hours = b.estate.hours
    start = -2000 if group.from_share == 0 else int(hours * group.from_share) // HOURS_PER_DAY * HOURS_PER_DAY + 9
    stop = hours if group.to_share == 1 else int(hours * group.to_share)
    count = (group.count * size if size else -(-group.count // 2)) if group.scaled else group.count
    sku = b.estate.sku(instance_sku(group.shape, group.region, spot=group.spot))
    if group.schedule is Schedule.WEB:
        _fleet(b, group, sku, count)
        return
    for number in range(count):
        name = f"{group.app}-{number + 1}"
        tags = b.tags(name=name, app=group.app, team=group.team, account=group.account, tagged=group.tagged)
        index = b.resource(
            "instance", b.hex_id("i-"), name, group.account, group.region, start=start, stop=stop, shape=group.shape,
            zone=_zone(group.region, number), tags=tags,
        )  # fmt: skip
        parent = group.app == "eks-nodes"
        b.estate.instances.append(
            Instance(index, sku, b.estate.account(group.account), group.schedule, group.load, spot=group.spot,
                     parent=parent)
        )  # fmt: skip
        if not group.spot:
            disk = b.volume(b.estate.resources[index], *group.volume, stop=hours)
            if stop < hours:  # the machine went, its disk stayed
                b.waste.append(Waste.simple("unattached_volume", disk, b.estate.resources[disk], "delete"))
        if group.waste:
            b.waste.append(Waste.of_machine(group.waste, index, b.estate.resources[index], group.target))


def _fleet(b: _Builder, group: Group, sku: int, low: int) -> None:
    """Add an autoscaling fleet: members are replaced every week, so that many ids are short-lived."""
    fleet = len(b.estate.fleets)
    b.estate.fleets.append(Fleet(f"{group.app}-asg", low, low * 5 // 2))
    week = 7 * HOURS_PER_DAY
    for rank in range(low * 5 // 2 + max(low // 2, 1)):
        for first in range(0, b.estate.hours, week):
            name = f"{group.app}-asg"
            index = b.resource(
                "instance", b.hex_id("i-"), name, group.account, group.region, start=first,
                stop=min(first + week, b.estate.hours), shape=group.shape, zone=_zone(group.region, rank),
                tags=b.tags(name=name, app=group.app, team=group.team, account=group.account),
            )  # fmt: skip
            account = b.estate.account(group.account)
            b.estate.instances.append(Instance(index, sku, account, Schedule.WEB, group.load, fleet, rank))


def _storage(b: _Builder) -> None:
    end = b.estate.hours
    for number, (account, what, size, since) in enumerate(
        [("web-prod", "gp2", 500, -2000), ("data-dev", "gp3", 300, -2000), ("sandbox", "gp2", 200, end // 3)]
    ):
        name = "left over,\nask Kim" if number == 2 else f"detached-{number}"  # text that CSV must quote
        tags = b.tags(name=name, app="detached", team="platform", account=account, tagged=number != 1)
        index = b.resource("volume", b.hex_id("vol-"), f"detached-{number}", account, _E, start=since,
                           shape=f"{what} {size}", zone=_zone(_E, number), tags=tags)  # fmt: skip
        b.meter(index, what, size / 30)
        b.waste.append(Waste.simple("unattached_volume", index, b.estate.resources[index], "delete"))
    for number, (account, size) in enumerate([("data-prod", 1000), ("mobile-prod", 400), ("eu-prod", 600)]):
        region = _W if account == "eu-prod" else _E
        name = f"gp2-{account}-{number}"
        tags = b.tags(name=name, app="warehouse", team="data", account=account)
        index = b.resource("volume", b.hex_id("vol-"), name, account, region, shape=f"gp2 {size}",
                           zone=_zone(region, number), tags=tags)  # fmt: skip
        b.meter(index, "gp2", size / 30)
        b.waste.append(Waste.simple("gp2_volume", index, b.estate.resources[index], "gp3"))
    tags = b.tags(name="ledger-db-io1", app="warehouse", team="data", account="data-prod")
    io1 = b.resource("volume", b.hex_id("vol-"), "ledger-db-io1", "data-prod", _E, shape="io1 400", zone=_zone(_E, 0),
                     tags=tags)  # fmt: skip
    b.meter(io1, "io1", 400 / 30)
    b.meter(io1, "io1-iops", 6000 / 30)
    b.waste.append(Waste.simple("overprovisioned_io1", io1, b.estate.resources[io1], "gp3"))
    idle = b.resource("volume", b.hex_id("vol-"), "archive-scratch", "data-prod", _E, shape="gp3 800", zone=_zone(_E, 1),
                      tags=b.tags(name='archive, "scratch" of 2019', app="archive", team="data", account="data-prod"))  # fmt: skip
    b.meter(idle, "gp3", 800 / 30)
    b.waste.append(Waste.simple("idle_volume", idle, b.estate.resources[idle], "delete"))
    _snapshots(b)
    _buckets(b)


def _snapshots(b: _Builder) -> None:
    for number, (account, size, old) in enumerate(
        [("data-prod", 900, True), ("web-prod", 350, True), ("platform-prod", 120, False), ("eu-prod", 200, False)]
    ):
        region = _W if account == "eu-prod" else _E
        rid = b.hex_id("snap-")
        name = f"snapshot-{number}"
        tags = b.tags(name=name, app="backup", team="platform", account=account, tagged=not old)
        start = -20_000 if old else int(b.estate.hours * 0.8)
        index = b.resource("snapshot", rid, name, account, region, start=start, shape=f"{size} GB", tags=tags)
        b.meter(index, "snapshot", size / 30)
        if old:
            b.waste.append(Waste.simple("old_snapshot", index, b.estate.resources[index], "delete"))


def _buckets(b: _Builder) -> None:
    rows = [
        ("quill-storefront-assets", "web-prod", 1800, 0.0006, 240_000, 9_000_000),
        ("quill-lake-raw", "data-prod", 42_000, 0.0018, 900_000, 2_400_000),
        ("quill-lake-curated", "data-prod", 9_500, 0.0009, 210_000, 5_200_000),
        ("quill-ml-artifacts", "ml-prod", 6_200, 0.0012, 60_000, 400_000),
        ("quill-app-logs", "security", 3_800, 0.0004, 1_100_000, 40_000),
        ("quill-eu-exports", "eu-prod", 700, 0.0002, 35_000, 120_000),
    ]
    for name, account, size, growth, puts, gets in rows:
        region = _W if account == "eu-prod" else _E
        tags = b.tags(name=name, app=name.split("-", 1)[1], team=account.split("-", 1)[0], account=account)
        index = b.resource("bucket", name, name, account, region, tags=tags)
        b.meter(index, "s3-standard", size / 30, growth=growth)
        b.meter(index, "s3-put", puts, weekend=0.7, noise=0.05, whole=True)
        b.meter(index, "s3-get", gets, weekend=0.8, noise=0.06, whole=True)
    uploads = b.resource("bucket", "quill-upload-staging", "quill-upload-staging", "mobile-prod", _E,
                         tags=b.tags(name="quill-upload-staging", app="push", team="mobile", account="mobile-prod"))  # fmt: skip
    b.meter(uploads, "s3-standard", 2600 / 30)
    b.waste.append(Waste.simple("incomplete_multipart", uploads, b.estate.resources[uploads], "lifecycle rule"))


def _arn(b: _Builder, service: str, account: str, region: str, tail: str) -> str:
    return f"arn:aws:{service}:{region}:{b.estate.accounts[b.estate.account(account)].id}:{tail}"


def _network(b: _Builder) -> None:
    estate = b.estate

    for name, account, kind, per_day, waste in [
        ("storefront-alb", "web-prod", "alb", 60.0, ""),
        ("orders-alb", "eu-prod", "alb", 22.0, ""),
        ("push-nlb", "mobile-prod", "nlb", 31.0, ""),
        ("old-campaign-alb", "web-prod", "alb", 0.0, "idle_load_balancer"),
        ("poc-nlb", "sandbox", "nlb", 0.0, "idle_load_balancer"),
    ]:
        region = _W if account == "eu-prod" else _E
        tail = f"loadbalancer/{'app' if kind == 'alb' else 'net'}/{name}/{b.rng.bytes(8).hex()}"
        tags = b.tags(name=name, app=name.rsplit("-", 1)[0], team=account.split("-", 1)[0], account=account)
        index = b.resource("load_balancer", _arn(b, "elasticloadbalancing", account, region, tail), name, account, region,
                           shape=kind, tags=tags)  # fmt: skip
        b.meter(index, f"{kind}-hour", 24)
        if per_day:
            b.meter(index, f"{kind}-lcu", per_day, weekend=0.6, noise=0.04)
        if waste:
            b.waste.append(Waste.simple(waste, index, estate.resources[index], "delete"))
    for name, account, gigabytes in [("nat-web", "web-prod", 190.0), ("nat-data", "data-prod", 260.0),
                                     ("nat-eu", "eu-prod", 40.0), ("nat-unused", "network", 0.0)]:  # fmt: skip
        region = _W if account == "eu-prod" else _E
        tags = b.tags(name=name, app="network", team="platform", account=account)
        index = b.resource("nat_gateway", _arn(b, "ec2", account, region, "natgateway/" + b.hex_id("nat-")), name, account,
                           region, tags=tags)  # fmt: skip
        b.meter(index, "nat-hour", 24)
        if gigabytes:
            b.meter(index, "nat-byte", gigabytes, weekend=0.7, noise=0.05)
        else:
            b.waste.append(Waste.simple("idle_nat_gateway", index, estate.resources[index], "delete"))
    _addresses(b)


def _addresses(b: _Builder) -> None:
    estate = b.estate
    for number, (account, used) in enumerate(
        [("web-prod", True), ("web-prod", True), ("eu-prod", True), ("sandbox", False), ("data-dev", False)]
    ):
        region = _W if account == "eu-prod" else _E
        tail = "elastic-ip/" + b.hex_id("eipalloc-")
        index = b.resource("address", _arn(b, "ec2", account, region, tail), f"ip-{number}", account, region)
        b.meter(index, "ipv4-used" if used else "ipv4-idle", 24)
        if not used:
            b.waste.append(Waste.simple("unused_address", index, estate.resources[index], "release"))
    for instance in list(estate.instances):
        owner = estate.resources[instance.resource]
        is_idle = instance.load.peak < 5
        if instance.fleet < 0 and owner.name.endswith("-1") and not instance.spot and not is_idle:
            b.meter(instance.resource, "egress", float(b.rng.integers(4, 60)), weekend=0.7, noise=0.08)
            b.meter(instance.resource, "ingress", float(b.rng.integers(20, 200)), weekend=0.7, noise=0.08)  # free
            b.meter(instance.resource, "cross-az", float(b.rng.integers(10, 90)), weekend=0.7, noise=0.08)


def _databases(b: _Builder) -> None:
    rows = [
        ("orders-db", "web-prod", "db.r5.xlarge", 400, ""),
        ("catalog-db", "web-prod", "db.m5.large", 200, ""),
        ("orders-db-eu", "eu-prod", "db.m5.large", 150, ""),
        ("staging-db", "web-staging", "db.t3.medium", 50, ""),
        ("metrics-db", "platform-prod", "db.r5.large", 300, ""),
        ("migration-db", "data-dev", "db.m5.large", 250, "idle_database"),
    ]
    for name, account, shape, size, waste in rows:
        region = _W if account == "eu-prod" else _E
        index = _database(b, name, account, region, shape, size)
        if waste:
            b.waste.append(Waste.simple(waste, index, b.estate.resources[index], "stop"))


def _database(b: _Builder, name: str, account: str, region: str, item: str, size: int) -> int:
    tags = b.tags(name=name, app=name.split("-", 1)[0], team=account.split("-", 1)[0], account=account)
    index = b.resource("database", _arn(b, "rds", account, region, f"db:{name}"), name, account, region,
                       shape=pools.kind(item), tags=tags)  # fmt: skip
    b.meter(index, item, 24)
    b.meter(index, "rds-gp3", size / 30)
    return index


def _managed(b: _Builder) -> None:
    """Add what its commitments were bought for, after everything else: ids and streams of the rest stay."""
    _database(b, "ledger-pg", "data-prod", _E, "db.r7g.large:multi-az", 2 * 120)
    for kind, tail, account, item, count, schedule in [
        ("cache", "elasticache/cluster:sessions", "web-prod", "cache.r6g.xlarge", 1, Schedule.ALWAYS),
        ("endpoint", "sagemaker/endpoint/ranker", "ml-prod", "ml.m5.xlarge", 1, Schedule.ALWAYS),
        ("notebook", "sagemaker/notebook-instance/lea", "ml-prod", "ml.t3.medium", 1, Schedule.OFFICE),
        ("domain", "es/domain/audit-log", "security", "t3.small.search", 2, Schedule.ALWAYS),
        ("warehouse", "redshift/cluster:reports", "data-prod", "dc2.large", 2, Schedule.ALWAYS),
    ]:
        service, tail = tail.split("/", 1)
        name = tail.replace("/", ":").rsplit(":", 1)[1]
        tags = b.tags(name=name, app=name, team=account.split("-", 1)[0], account=account)
        index = b.resource(kind, _arn(b, service, account, _E, tail), name, account, _E, shape=item, tags=tags)
        b.meter(index, item, 24 * count, schedule=schedule)


def _serverless(b: _Builder) -> None:
    for name, account, calls, seconds in [("thumbnails", "web-prod", 900_000, 140_000), ("webhooks", "mobile-prod",
                                          2_100_000, 95_000), ("ingest", "data-prod", 400_000, 310_000),
                                          ("audit", "security", 60_000, 4_000)]:  # fmt: skip
        rid = f"arn:aws:lambda:{_E}:{b.estate.accounts[b.estate.account(account)].id}:function:{name}"
        tags = b.tags(name=name, app=name, team=account.split("-", 1)[0], account=account)
        index = b.resource("function", rid, name, account, _E, tags=tags)
        b.meter(index, "lambda-gbs", seconds, weekend=0.7, noise=0.05, whole=True)
        b.meter(index, "lambda-request", calls, weekend=0.7, noise=0.05, whole=True)
    for account, gigabytes, metrics in [("web-prod", 35.0, 400.0), ("platform-prod", 60.0, 900.0),
                                        ("data-prod", 18.0, 150.0), ("eu-prod", 9.0, 120.0)]:  # fmt: skip
        region = _W if account == "eu-prod" else _E
        owner = b.estate.accounts[b.estate.account(account)].id
        index = b.resource("log_group", f"arn:aws:logs:{region}:{owner}:log-group:/{account}/app", f"/{account}/app",
                           account, region)  # fmt: skip
        b.meter(index, "logs", gigabytes, weekend=0.75, noise=0.05)
        b.meter(index, "metrics", metrics / 30)
    owner = b.estate.accounts[b.estate.account("platform-prod")].id
    eks = b.resource("cluster", f"arn:aws:eks:{_E}:{owner}:cluster/main", "main", "platform-prod", _E,
                     tags=b.tags(name="main", app="eks-nodes", team="platform", account="platform-prod"))  # fmt: skip
    b.meter(eks, "eks-cluster", 24)
    owner = b.estate.accounts[b.estate.account("mobile-prod")].id
    task = b.resource("service", f"arn:aws:ecs:{_E}:{owner}:service/push/worker", "worker", "mobile-prod", _E,
                      tags=b.tags(name="worker", app="push", team="mobile", account="mobile-prod"))  # fmt: skip
    b.meter(task, "fargate-vcpu", 96, weekend=0.8, noise=0.02)
    b.meter(task, "fargate-gb", 192, weekend=0.8, noise=0.02)
    table = b.resource("table", f"arn:aws:dynamodb:{_E}:{owner}:table/devices", "devices", "mobile-prod", _E,
                       tags=b.tags(name="devices", app="push", team="mobile", account="mobile-prod"))  # fmt: skip
    b.meter(table, "dynamodb-write", 6_000_000, weekend=0.9, noise=0.04, whole=True)
    seller = b.resource("subscription", "lamplight-observe", "lamplight-observe", "platform-prod", _E)
    b.meter(seller, marketplace(), 14 * 24)
    b.meter(table, "dynamodb-read", 21_000_000, weekend=0.9, noise=0.04, whole=True)


def marketplace(region: str = _E) -> Sku:
    """Return the third-party subscription: billed by AWS Marketplace on its own invoice."""
    return Sku("7x3kq9lamplight0observe01", "Lamplight Observe", "SoftwareUsage:hosts", "Hourly", "Hosts", prices.rate("0.035"),
               region, "", description="Lamplight Observe, per monitored host and hour", seller="Lamplight Ltd")  # fmt: skip


def _trouble(b: _Builder) -> None:
    """Plant the anomalies that fit into the span; days count back from its end."""
    days = b.estate.days

    def meters(name: str, *whats: str) -> tuple[int, ...]:
        usage = {item_sku(w, r).usage_type for w in whats for r in prices.REGIONS}
        return tuple(
            i for i, m in enumerate(b.estate.meters)
            if b.estate.resources[m.resource].name == name and b.estate.skus[m.sku].usage_type in usage
        )  # fmt: skip

    plan = [
        Effect("spike", "NAT traffic of a looping download", meters("nat-web", "nat-byte"), days - 40, days - 39, 16.0),
        Effect("spike", "a webhook retry storm over four days", meters("webhooks", "lambda-gbs", "lambda-request"),
               days - 75, days - 71, 7.0),
        Effect("shift", "debug logging left on", meters("/web-prod/app", "logs"), days - 24, days, 3.2),
        Effect("leak", "a copy job that never deletes", meters("quill-lake-raw", "s3-standard"), days - 50, days, 1.0,
               slope=0.012),
        Effect("drop", "the log shipper stood still", meters("/platform-prod/app", "logs"), days - 33, days - 29, 0.05),
        Effect("spike", "a crawler emptied the assets bucket", meters("quill-storefront-assets", "s3-get"), days - 5,
               days - 4, 30.0),
    ]  # fmt: skip
    first = 21  # anything earlier has no history to stand out from
    b.effects += [effect for effect in plan if effect.start >= first]
    if days - 12 >= first:
        owner = b.estate.accounts[b.estate.account("ml-prod")].id
        search = b.resource("domain", f"arn:aws:es:{_E}:{owner}:domain/vectors", "vectors", "ml-prod", _E,
                            start=(days - 12) * HOURS_PER_DAY,
                            tags=b.tags(name="vectors", app="features", team="ml", account="ml-prod"))  # fmt: skip
        meter = b.meter(search, "opensearch-m6g.large", 24 * 6)
        b.effects.append(Effect("new", "a search cluster nobody announced", (meter,), days - 12, days, 0.0, base=0.0))
    if days - 17 >= first:
        b.effects.append(_intruder(b, days - 17, days - 15))


def _intruder(b: _Builder, start: int, stop: int) -> Effect:
    """Add machines that a stolen key launches in the sandbox to dig for coins, and the anomaly they are."""
    account = b.estate.account("sandbox")
    sku = b.estate.sku(instance_sku("c5.4xlarge", _E))
    first = len(b.estate.instances)
    for number in range(4):
        index = b.resource("instance", b.hex_id("i-"), "", "sandbox", _E, start=start * HOURS_PER_DAY,
                           stop=stop * HOURS_PER_DAY, shape="c5.4xlarge", zone=_zone(_E, number))  # fmt: skip
        b.estate.instances.append(Instance(index, sku, account, Schedule.ALWAYS, Load(98, 100, 21)))
    machines = tuple(range(first, len(b.estate.instances)))
    return Effect("spike", "coin miners on a stolen key", (), start, stop, 0.0, base=0.0, instances=machines)
