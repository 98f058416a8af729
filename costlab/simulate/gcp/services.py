"""Everything of the company's that is no machine: charged by the day, with the waste and the trouble in it."""

# ruff: noqa: E501 - tables of data read best with one entry on a line

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from costlab.simulate.estate import HOURS_PER_DAY, Instance, Load, Schedule
from costlab.simulate.gcp import items, prices
from costlab.simulate.gcp.company import PROJECTS
from costlab.simulate.planted import Effect

if TYPE_CHECKING:
    from collections.abc import Callable

    from costlab.simulate.gcp.company import Builder

_I, _V, _B, _S = prices.REGIONS
DUPLICATED: Final = "orders-events"
"""A topic whose rows come in pairs that are equal in every column: that is legal."""
FREE: Final = {"run-requests": 2_000_000, "functions-calls": 2_000_000}
"""Units a month that the free tier gives."""


def add_storage(b: Builder) -> None:
    """Add disks nobody uses, snapshots and buckets."""
    for number, (project, kind, size, since) in enumerate(
        [
            ("shop-prod", "pd-ssd", 500, -2000),
            ("data-dev", "pd-balanced", 300, -2000),
            ("sandbox", "pd-standard", 800, b.estate.hours // 3),
        ]
    ):
        index = b.disk(
            f"detached-{number}", project, _I, kind, size, app="" if number == 1 else "detached", start=since
        )
        b.planted("unattached_volume", index, "delete")
    index = b.disk("archive-scratch", "data-prod", _I, "pd-ssd", 1000, app="archive")
    b.planted("idle_volume", index, "delete")
    for number, (project, size, old) in enumerate(
        [("data-prod", 900, True), ("shop-prod", 350, True), ("shared", 120, False), ("eu-prod", 200, False)]
    ):
        region = _B if project == "eu-prod" else _I
        start = -20_000 if old else int(b.estate.hours * 0.8)
        path = f"compute.googleapis.com/{{project}}/global/snapshots/{b.number()}"
        index = b.add(
            "snapshot",
            path,
            f"snapshot-{number}",
            project,
            region,
            app="" if old else "backup",
            shape=f"{size} GB",
            start=start,
        )
        b.meter(index, "snapshot", size / 30)
        if old:
            b.planted("old_snapshot", index, "delete")
    for name, project, size, growth, puts, gets in [
        ("quill-shop-assets", "shop-prod", 1800, 0.0006, 240_000, 9_000_000),
        ("quill-lake-raw", "data-prod", 42_000, 0.0018, 900_000, 2_400_000),
        ("quill-model-store", "ml-prod", 6_200, 0.0012, 60_000, 400_000),
        ("quill-eu-exports", "eu-prod", 700, 0.0002, 35_000, 120_000),
    ]:  # fmt: skip
        index = b.add(
            "bucket",
            "storage.googleapis.com/{project}/buckets/{name}",
            name,
            project,
            _B if project == "eu-prod" else _I,
            app=name.split("-", 1)[1],
        )
        b.meter(index, "gcs-standard", size / 30, growth=growth)
        b.meter(index, "gcs-class-a", puts, weekend=0.7, noise=0.05, whole=True)
        b.meter(index, "gcs-class-b", gets, weekend=0.8, noise=0.06, whole=True)
    for name, what, size in [("quill-backups", "gcs-nearline", 24_000), ("quill-archive", "gcs-coldline", 90_000)]:
        index = b.add("bucket", "storage.googleapis.com/{project}/buckets/{name}", name, "shared", _I, app="backup")
        b.meter(index, what, size / 30)


def add_network(b: Builder) -> None:
    """Add load balancers, gateways, addresses and traffic."""
    for name, project, per_day in [
        ("shop-lb", "shop-prod", 610.0),
        ("orders-lb", "eu-prod", 180.0),
        ("old-campaign-lb", "shop-prod", 0.0),
        ("poc-lb", "sandbox", 0.0),
    ]:
        region = _B if project == "eu-prod" else _I
        path = f"compute.googleapis.com/{{project}}/regions/{region}/forwardingRules/{b.number()}"
        index = b.add("load_balancer", path, name, project, region, app=name.rsplit("-", 1)[0])
        b.meter(index, "lb-rule", 24)
        if per_day:
            b.meter(index, "lb-data", per_day, weekend=0.6, noise=0.04)
        else:
            b.planted("idle_load_balancer", index, "delete")
    for name, project, machines, per_day in [
        ("nat-shop", "shop-prod", 8, 190.0),
        ("nat-data", "data-prod", 6, 260.0),
        ("nat-eu", "eu-prod", 4, 40.0),
    ]:
        region = _B if project == "eu-prod" else _I
        index = b.add(
            "nat_gateway",
            f"compute.googleapis.com/{{project}}/regions/{region}/routers/{b.number()}",
            name,
            project,
            region,
            app="network",
        )
        b.meter(index, "nat-hour", 24.0 * machines)
        b.meter(index, "nat-data", per_day, weekend=0.7, noise=0.05)
    for number, (project, used) in enumerate(
        [("shop-prod", True), ("eu-prod", True), ("sandbox", False), ("data-dev", False)]
    ):
        region = _B if project == "eu-prod" else _I
        index = b.add(
            "address",
            f"compute.googleapis.com/{{project}}/regions/{region}/addresses/{b.number()}",
            f"ip-{number}",
            project,
            region,
        )
        b.meter(index, "ip-used" if used else "ip-idle", 24)
        if not used:
            b.planted("unused_address", index, "release")
    for instance in list(b.estate.instances):
        owner = b.estate.resources[instance.resource]
        if instance.fleet < 0 and owner.name.endswith("-1") and not instance.spot and instance.load.peak > 5:
            b.meter(instance.resource, "egress", float(b.rng.integers(4, 60)), weekend=0.7, noise=0.08)
            b.meter(instance.resource, "ingress", float(b.rng.integers(20, 200)), weekend=0.7, noise=0.08)  # free
            b.meter(instance.resource, "interzone", float(b.rng.integers(10, 90)), weekend=0.7, noise=0.08)


def add_data(b: Builder) -> None:
    """Add databases and BigQuery."""
    for name, project, cores, memory, size, waste in [
        ("orders-db", "shop-prod", 4, 26, 400, ""), ("catalog-db", "shop-prod", 2, 8, 200, ""),
        ("orders-db-eu", "eu-prod", 2, 8, 150, ""), ("staging-db", "shop-staging", 1, 4, 50, ""),
        ("migration-db", "data-dev", 2, 8, 250, "idle_database"),
    ]:  # fmt: skip
        region = _B if project == "eu-prod" else _I
        index = b.add(
            "database",
            "cloudsql.googleapis.com/{project}/instances/{name}",
            name,
            project,
            region,
            app=name.split("-", 1)[0],
            shape=f"db-custom-{cores}-{memory * 1024}",
        )
        b.meter(index, "sql-core", 24.0 * cores)
        b.meter(index, "sql-ram", 24.0 * memory)
        b.meter(index, "sql-ssd", size / 30)
        if waste:
            b.planted(waste, index, "stop")
    index = b.add(
        "dataset", "bigquery.googleapis.com/{project}/datasets/{name}", "warehouse", "data-prod", _I, app="warehouse"
    )
    b.meter(index, "bq-storage", 18_000 / 30, growth=0.0011)
    b.meter(index, "bq-analysis", 3.4, weekend=0.35, noise=0.12)
    index = b.add(
        "dataset", "bigquery.googleapis.com/{project}/datasets/{name}", "experiments", "ml-prod", _V, app="features"
    )
    b.meter(index, "bq-analysis", 0.8, weekend=0.3, noise=0.2)
    index = b.add(
        "reservation",
        "bigqueryreservation.googleapis.com/{project}/locations/us/reservations/{name}",
        "elt",
        "data-prod",
        _I,
        app="warehouse",
    )
    b.meter(index, "bq-slots", 700, weekend=0.5, noise=0.1)


def add_serverless(b: Builder) -> None:
    """Add GKE, Cloud Run, functions, Pub/Sub, logs, a GPU and a subscription of another seller."""
    index = b.add(
        "cluster",
        "container.googleapis.com/{project}/locations/us-central1/clusters/{name}",
        "main",
        "shared",
        _I,
        app="gke-main",
    )
    b.meter(index, "gke-cluster", 24)
    for name, project, region, seconds in [
        ("thumbnails", "shop-prod", _I, 410_000),
        ("pricing", "eu-prod", _B, 130_000),
    ]:
        index = b.add(
            "service",
            f"run.googleapis.com/{{project}}/locations/{region}/services/{{name}}",
            name,
            project,
            region,
            app=name,
        )
        b.meter(index, "run-cpu", seconds, weekend=0.7, noise=0.05, whole=True)
        b.meter(index, "run-memory", seconds / 2, weekend=0.7, noise=0.05, whole=True)
        b.meter(index, "run-requests", seconds * 9, weekend=0.7, noise=0.05, whole=True)
    for name, project, calls in [("webhooks", "shop-prod", 2_100_000), ("ingest", "data-prod", 400_000)]:
        index = b.add(
            "function",
            "cloudfunctions.googleapis.com/{project}/locations/us-central1/functions/{name}",
            name,
            project,
            _I,
            app=name,
        )
        b.meter(index, "functions-calls", calls, weekend=0.7, noise=0.05, whole=True)
        b.meter(index, "functions-memory", calls * 0.12, weekend=0.7, noise=0.05, whole=True)
    index = b.add("topic", "pubsub.googleapis.com/{project}/topics/{name}", DUPLICATED, "shop-prod", _I, app="orders")
    b.meter(index, "pubsub", 0.09, weekend=0.8, noise=0.05)
    for project, gigabytes in [("shop-prod", 14.0), ("shared", 22.0), ("data-prod", 9.0), ("eu-prod", 5.0)]:
        region = _B if project == "eu-prod" else _I
        index = b.add(
            "log_bucket",
            f"logging.googleapis.com/{{project}}/locations/{region}/buckets/_Default",
            f"{project}-logs",
            project,
            region,
        )
        b.meter(index, "logging", gigabytes, weekend=0.75, noise=0.05)
    gpu = next(i.resource for i in b.estate.instances if b.estate.resources[i.resource].name == "features-1")
    b.meter(gpu, "nvidia-l4", 24)
    index = b.add(
        "subscription", "cloudbilling.googleapis.com/{project}/products/{name}", "lamplight-observe", "shared", _I
    )
    b.meter(index, "search-marketplace", 14 * 24)


def add_trouble(b: Builder) -> None:
    """Plant the anomalies that fit into the span; days count back from its end."""
    days = b.estate.days
    first = 21  # anything earlier has no history to stand out from
    plan: list[Callable[[], Effect]] = [
        lambda: Effect("spike", "NAT traffic of a looping download", _meters(b, "nat-shop", "nat-data"), days - 40, days - 39, 16.0),
        lambda: Effect("spike", "a webhook retry storm over four days", _meters(b, "webhooks", "functions-calls", "functions-memory"), days - 75, days - 71, 7.0),
        lambda: Effect("spike", "a query without a partition filter, every hour", _meters(b, "warehouse", "bq-analysis"), days - 26, days - 25, 11.0),
        lambda: Effect("shift", "debug logging left on", _meters(b, "shop-prod-logs", "logging"), days - 24, days, 3.2),
        lambda: Effect("leak", "a copy job that never deletes", _meters(b, "quill-lake-raw", "gcs-standard"), days - 50, days, 1.0, slope=0.012),
        lambda: Effect("drop", "the log shipper stood still", _meters(b, "shared-logs", "logging"), days - 33, days - 29, 0.05),
        lambda: _new_service(b, days - 12),
        lambda: _intruder(b, days - 17, days - 15),
    ]  # fmt: skip
    starts = (40, 75, 26, 24, 50, 33, 12, 17)
    b.company.effects += [make() for make, back in zip(plan, starts, strict=True) if days - back >= first]


def _meters(b: Builder, name: str, *whats: str) -> tuple[int, ...]:
    wanted = {items.other(what, region).usage_type for what in whats for region in prices.REGIONS}
    return tuple(
        number for number, meter in enumerate(b.estate.meters)
        if b.estate.resources[meter.resource].name == name and b.estate.skus[meter.sku].usage_type in wanted
    )  # fmt: skip


def _new_service(b: Builder, day: int) -> Effect:
    path = "cloudsql.googleapis.com/{project}/instances/{name}"
    index = b.add(
        "database",
        path,
        "vectors-db",
        "ml-prod",
        _V,
        app="features",
        start=day * HOURS_PER_DAY,
        shape="db-custom-8-65536",
    )
    meters = (b.meter(index, "sql-core", 24.0 * 8), b.meter(index, "sql-ram", 24.0 * 64))
    return Effect("new", "a database nobody announced", meters, day, b.estate.days, 0.0, base=0.0)


def _intruder(b: Builder, start: int, stop: int) -> Effect:
    """Add machines that a stolen key launches in the sandbox to dig for coins, and the anomaly they are."""
    project = next(i for i, p in enumerate(PROJECTS) if p.id == "quill-sandbox")
    core, _ = items.machine("c3", _S)
    first = len(b.estate.instances)
    for number in range(4):
        zone = f"{_S}-{'abc'[number % 3]}"
        index = b.add("instance", f"compute.googleapis.com/{{project}}/zones/{zone}/instances/{b.number()}", f"x{number}", "sandbox",
                      _S, shape="c3-standard-8", zone=zone, start=start * HOURS_PER_DAY, stop=stop * HOURS_PER_DAY)  # fmt: skip
        b.estate.instances.append(Instance(index, b.estate.sku(core), project, Schedule.ALWAYS, Load(98, 100, 21)))
    machines = tuple(range(first, len(b.estate.instances)))
    return Effect("spike", "coin miners on a stolen key", (), start, stop, 0.0, base=0.0, instances=machines)
