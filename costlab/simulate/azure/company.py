"""The company that is simulated: who works there, what they run, what they waste and what goes wrong."""

# ruff: noqa: E501 - tables of data read best with one entry on a line

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from costlab.simulate.azure import prices
from costlab.simulate.azure.estate import AzureEstate, Item, database_item, guid, item, licence_item, machine_item
from costlab.simulate.azure.portfolio import portfolio
from costlab.simulate.estate import HOURS_PER_DAY, Account, Fleet, Instance, Load, Meter, Resource, Schedule
from costlab.simulate.planted import Effect

if TYPE_CHECKING:
    from datetime import date

    from costlab.simulate.azure.commitments import Commitment

SUBSCRIPTIONS: Final = (
    "quill-platform",
    "quill-prod",
    "quill-retail",
    "quill-data",
    "quill-ml",
    "quill-dev",
    "quill-sandbox",
)
STEADY: Final = Load(46, 78, 62)
_W, _N, _G, _U = prices.REGIONS


@dataclass(frozen=True, slots=True)
class Group:
    """Some machines of one kind."""

    app: str
    account: str
    region: str
    shape: str
    count: int
    schedule: Schedule = Schedule.ALWAYS
    load: Load = STEADY
    disk: str = ""
    """A data disk beside the system disk."""
    windows: bool = False
    spot: bool = False
    scale_set: bool = False
    tagged: bool = True
    scaled: bool = True
    """Whether a larger company has more of them."""
    from_share: float = 0.0
    to_share: float = 1.0
    """Lifetime as shares of the simulated span; 0 means older than it."""
    waste: str = ""
    target: str = ""


GROUPS: Final = (
    Group("storefront", "quill-prod", _W, "Standard_D4s_v5", 10, Schedule.WEB, Load(52, 81, 58), scale_set=True),
    Group("search", "quill-prod", _W, "Standard_F8s_v2", 14, load=Load(55, 83, 47)),
    Group("checkout", "quill-prod", _W, "Standard_D4s_v5", 10, load=Load(49, 77, 66), disk="ssd-disk", windows=True),
    Group("api", "quill-prod", _W, "Standard_D2s_v5", 24),
    Group("edge", "quill-prod", _U, "Standard_D2s_v5", 10, load=Load(38, 71, 55)),
    Group("orders", "quill-retail", _N, "Standard_D2s_v5", 20, load=Load(44, 76, 57), disk="ssd-disk", windows=True),
    Group("stores", "quill-retail", _N, "Standard_B2ms", 34, load=Load(21, 61, 49)),
    Group("growth", "quill-retail", _N, "Standard_D4s_v5", 5, load=Load(47, 79, 59), from_share=0.55),
    Group("crm", "quill-retail", _N, "Standard_D4s_v3", 3, load=Load(41, 68, 55), disk="premium-disk", to_share=0.6),
    Group("warehouse", "quill-data", _W, "Standard_E8s_v5", 8, load=Load(41, 74, 79), disk="large-disk"),
    Group("nightly-etl", "quill-data", _W, "Standard_E8s_v5", 12, Schedule.BATCH, Load(83, 97, 71)),
    Group("notebooks", "quill-dev", _G, "Standard_B4ms", 12, Schedule.OFFICE, Load(18, 72, 51), tagged=False),
    Group("desktops", "quill-dev", _G, "Standard_D2s_v5", 26, Schedule.OFFICE, Load(33, 74, 61), windows=True),
    Group("ci", "quill-dev", _G, "Standard_F8s_v2", 10, Schedule.OFFICE, Load(57, 95, 44), spot=True),
    Group("trainer", "quill-ml", _N, "Standard_D16s_v5", 6, Schedule.BATCH, Load(88, 99, 64), spot=True),
    Group("features", "quill-ml", _N, "Standard_E4s_v5", 10, load=Load(45, 79, 74), disk="ssd-disk"),
    Group("bastion", "quill-platform", _W, "Standard_B2s", 6, load=Load(12, 44, 38)),
    Group("aks-system", "quill-platform", _W, "Standard_D4s_v5", 4, load=Load(51, 76, 68), scale_set=True),
    Group("retired-frontends", "quill-prod", _W, "Standard_D2s_v3", 1, load=Load(36, 71, 52), scaled=False),
    Group("reports", "quill-data", _W, "Standard_D16s_v5", 1, load=Load(5, 17, 13), scaled=False, waste="oversized", target="Standard_D4s_v5"),
    Group("cache", "quill-retail", _N, "Standard_E8s_v5", 1, load=Load(7, 18, 15), scaled=False, waste="oversized", target="Standard_E2s_v5"),
    Group("poc", "quill-sandbox", _U, "Standard_D4s_v5", 1, load=Load(0.6, 1.8, 7), tagged=False, scaled=False, waste="idle_instance"),
    Group("old-jump-host", "quill-dev", _G, "Standard_D2s_v5", 1, load=Load(0.4, 1.5, 9), scaled=False, waste="idle_instance"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Waste:
    """Something that should not be paid for as it is; with a ``target`` it should be that size instead."""

    kind: str
    resource: int
    action: str
    target: str = ""


@dataclass(slots=True)
class Company:
    """A simulated company: its estate, commitments, and what was planted in it."""

    estate: AzureEstate
    commitments: list[Commitment]
    agreement: str
    currency: str
    windows: dict[int, int] = field(default_factory=dict)
    """Licence item by machine (index of the instance)."""
    waste: list[Waste] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)


@dataclass(slots=True)
class _Builder:
    company: Company
    rng: np.random.Generator

    @property
    def estate(self) -> AzureEstate:
        return self.company.estate

    def tags(self, name: str, app: str, account: str, *, tagged: bool = True) -> tuple[tuple[str, str], ...]:
        if not tagged:
            return ()
        env = "dev" if account.endswith(("dev", "sandbox")) else "prod"
        found = [("app", app), ("env", env), ("team", account.removeprefix("quill-"))]
        if len(name) % 9 == 3:  # keys of a resource differ in case only
            found.append(("Env", env.capitalize()))
        if name.endswith("-3"):
            found.append(("note", 'moved, see "wiki/azure"'))
        return tuple(found)

    def resource(self, kind: str, provider: str, name: str, app: str, account: str, region: str, *,
                 start: int = -2000, stop: int | None = None, shape: str = "", tagged: bool = True,
                 zone: str = "") -> int:  # fmt: skip
        """Add a resource in the group of its application, whose name some write in capitals."""
        owner = self.estate.account(account)
        group = f"rg-{app}-{region}" if len(app) % 4 else f"RG-{app.upper()}"
        path = f"/subscriptions/{self.estate.accounts[owner].id}/resourceGroups/{group}/providers/{provider}/{name}"
        stop = self.estate.hours if stop is None else stop
        tags = self.tags(name, app, account, tagged=tagged)
        return self.estate.add(
            Resource(path, name.rsplit("/", 1)[-1], kind, owner, region, zone, start, stop, shape, tags)
        )

    def meter(self, resource: int, what: str | Item, per_day: float, **extra: float) -> int:
        """Add a daily meter that lives as long as its resource."""
        owner = self.estate.resources[resource]
        sku = self.estate.sku(item(what, owner.region) if isinstance(what, str) else what)
        start = max(owner.start // HOURS_PER_DAY, 0)
        stop = -(-min(owner.stop, self.estate.hours) // HOURS_PER_DAY)
        self.estate.meters.append(Meter(resource, sku, owner.account, per_day, start, stop, **extra))  # type: ignore[arg-type]
        return len(self.estate.meters) - 1

    def wasted(self, kind: str, resource: int, action: str, target: str = "") -> None:
        self.company.waste.append(Waste(kind, resource, action, target))

    def disk(self, what: str, name: str, app: str, account: str, region: str, **lifetime: Any) -> int:
        index = self.resource("volume", "Microsoft.Compute/disks", name, app, account, region, shape=what, **lifetime)
        self.meter(index, what, 1 / 30)
        return index


def build(seed: int, start: date, end: date, *, size: int, agreement: str, currency: str) -> Company:
    """Return the company over ``[start, end)``; ``size`` multiplies its ordinary machines, 0 leaves a few of each."""
    accounts = [Account(guid(seed, 6, n), name) for n, name in enumerate(SUBSCRIPTIONS)]
    estate = AzureEstate(seed, start, end, accounts=accounts)
    b = _Builder(Company(estate, portfolio_of(estate, size), agreement, currency), np.random.default_rng([seed, 1]))
    for group in GROUPS:
        _machines(b, group, size)
    _databases(b, size)
    _storage(b, size)
    _network(b, size)
    _platform(b)
    _trouble(b)
    return b.company


def portfolio_of(estate: AzureEstate, size: int) -> list[Commitment]:
    """Return the commitments; a tiny company has a third of each reservation, a sixth of each plan."""
    owned = portfolio(estate, size)
    if size:
        return owned
    return [replace(c, count=-(-c.count // 3), hourly=c.hourly // 6) for c in owned]


def _count(number: int, size: int) -> int:
    return number * size if size else -(-number // 24)


def _machines(b: _Builder, group: Group, size: int) -> None:
    hours = b.estate.hours
    start = -2000 if group.from_share == 0 else int(hours * group.from_share) // HOURS_PER_DAY * HOURS_PER_DAY + 9
    stop = hours if group.to_share == 1 else int(hours * group.to_share) // HOURS_PER_DAY * HOURS_PER_DAY
    count = _count(group.count, size) if group.scaled else group.count
    if group.scale_set:
        _scale_set(b, group, count)
        return
    sku = b.estate.sku(machine_item(group.shape, group.region, spot=group.spot))
    for number in range(count):
        name = f"{group.app}-{number + 1}"
        index = b.resource("instance", "Microsoft.Compute/virtualMachines", name, group.app, group.account,
                           group.region, start=start, stop=stop, shape=group.shape, tagged=group.tagged,
                           zone=str(number % 3 + 1))  # fmt: skip
        _instance(b, group, index, sku)
        _attached(b, group, index, name, stop)
        if group.waste:
            b.wasted(group.waste, index, "resize" if group.target else "deallocate", group.target)


def _instance(b: _Builder, group: Group, resource: int, sku: int, fleet: int = -1, rank: int = 0) -> None:
    account = b.estate.account(group.account)
    b.estate.instances.append(
        Instance(resource, sku, account, group.schedule, group.load, fleet, rank, spot=group.spot)
    )
    if group.windows:
        cpus = prices.SHAPES[group.shape].cpus
        b.company.windows[len(b.estate.instances) - 1] = b.estate.sku(licence_item(cpus, group.region))


def _attached(b: _Builder, group: Group, machine: int, name: str, stop: int) -> None:
    """Add the disks and the traffic of a machine."""
    owner = b.estate.resources[machine]
    life: dict[str, Any] = {"start": owner.start, "tagged": group.tagged}
    system = b.disk("os-disk", f"{name}_OsDisk_1", group.app, group.account, group.region, stop=owner.stop, **life)
    b.meter(system, "os-disk-ops", float(b.rng.integers(4, 60)), weekend=0.7, noise=0.1)
    if group.disk:
        data = b.disk(group.disk, f"{name}_Data_1", group.app, group.account, group.region, **life)
        if stop < b.estate.hours:  # the machine went, its disk stayed
            b.wasted("unattached_volume", data, "delete")
    if group.load.peak < 5 or group.schedule is Schedule.BATCH:
        return
    b.meter(machine, "egress", float(b.rng.integers(2, 30)), weekend=0.7, noise=0.08)
    b.meter(machine, "ingress", float(b.rng.integers(20, 200)), weekend=0.7, noise=0.08)  # free
    b.meter(machine, "peering", float(b.rng.integers(4, 70)), weekend=0.7, noise=0.08)


def _scale_set(b: _Builder, group: Group, low: int) -> None:
    """Add a scale set: one resource on the bill, however many machines it has at a time."""
    index = b.resource("scale_set", "Microsoft.Compute/virtualMachineScaleSets", f"vmss-{group.app}", group.app,
                       group.account, group.region, shape=group.shape)  # fmt: skip
    sku = b.estate.sku(machine_item(group.shape, group.region, scale_set=True))
    fleet = -1
    if group.schedule is Schedule.WEB:
        fleet = len(b.estate.fleets)
        b.estate.fleets.append(Fleet(group.app, low, low * 5 // 2))
    for rank in range(low * 5 // 2 + max(low // 2, 1) if fleet >= 0 else low):
        _instance(b, group, index, sku, fleet, rank)
    for what, gigabytes in (("egress", 40.0 * low), ("cross-zone", 55.0 * low)):
        traffic = replace(item(what, group.region), service="Virtual Machine Scale Sets")
        b.meter(index, traffic, gigabytes, weekend=0.7, noise=0.06)


def _databases(b: _Builder, size: int) -> None:
    for app, account, region, cores, gigabytes, count in [
        ("orders", "quill-retail", _N, 4, 250, 2), ("catalog", "quill-prod", _W, 2, 120, 3),
        ("reporting", "quill-data", _W, 8, 900, 1), ("orders-eu", "quill-retail", _N, 2, 90, 2),
    ]:  # fmt: skip
        for number in range(_count(count, size)):
            database = f"Microsoft.Sql/servers/sql-{app}/databases"
            index = b.resource(
                "database", database, f"{app}-{number + 1}", app, account, region, shape=f"GP_Gen5_{cores}"
            )
            sku = b.estate.sku(database_item(cores, region))
            b.estate.instances.append(
                Instance(index, sku, b.estate.account(account), Schedule.ALWAYS, Load(36, 70, 55))
            )
            b.meter(index, "sql-storage", gigabytes / 30, growth=0.0006)
            b.meter(index, "sql-backup", gigabytes * 1.4 / 30, growth=0.0008)
    for app, account, cores, waste in [("ledger", "quill-prod", 4, ""), ("migration", "quill-dev", 8, "idle_database")]:
        index = b.resource(
            "database",
            "Microsoft.DBforPostgreSQL/flexibleServers",
            f"pg-{app}",
            app,
            account,
            _W,
            shape=f"D{cores}ds_v5",
        )
        b.meter(index, "pg-d2", 24 * cores)
        b.meter(index, "pg-storage", 256 / 30)
        if waste:
            b.wasted(waste, index, "stop")


def _storage(b: _Builder, size: int) -> None:
    accounts = [("assets", "quill-prod", _W, "hot", 1800), ("lake", "quill-data", _W, "hot", 42_000),
                ("curated", "quill-data", _W, "hot", 9500), ("models", "quill-ml", _N, "hot", 6200),
                ("archive", "quill-data", _W, "cool", 61_000), ("exports", "quill-retail", _N, "cool", 2400)]  # fmt: skip
    accounts += [(f"logs{n}", SUBSCRIPTIONS[n % 7], prices.REGIONS[n % 4], "hot", 300) for n in range(_count(20, size))]
    for app, account, region, tier, gigabytes in accounts:
        index = b.resource("storage_account", "Microsoft.Storage/storageAccounts", f"quill{app}", app, account, region)
        b.meter(index, tier, gigabytes / 30, growth=0.0009)
        for what, share in [
            ("blob-write", 0.012),
            ("blob-read", 0.08),
            ("blob-list", 0.004),
            ("blob-other", 0.02),
            ("blob-delete", 0.01),
        ]:
            b.meter(index, what, max(gigabytes * share, 1), weekend=0.8, noise=0.06)
        if tier == "cool":
            b.meter(index, "cool-retrieval", gigabytes * 0.002, noise=0.2)
    for number, (account, kind) in enumerate([("quill-dev", "premium-disk"), ("quill-sandbox", "large-disk")]):
        disk = b.disk(kind, f"left-over,{number}", "detached", account, _W, tagged=number == 0)
        b.wasted("unattached_volume", disk, "delete")
    idle = b.disk("large-disk", 'scratch of "2019"', "archive", "quill-data", _W)
    b.wasted("idle_volume", idle, "delete")
    for number, (account, gigabytes, old) in enumerate(
        [("quill-data", 900, True), ("quill-prod", 350, True), ("quill-platform", 120, False)]
    ):
        start = -20_000 if old else int(b.estate.hours * 0.8)
        index = b.resource("snapshot", "Microsoft.Compute/snapshots", f"snapshot-{number}", "backup", account, _W,
                           start=start, shape=f"{gigabytes} GB", tagged=not old)  # fmt: skip
        b.meter(index, "snapshot", gigabytes / 30)
        if old:
            b.wasted("old_snapshot", index, "delete")


def _network(b: _Builder, size: int) -> None:
    for number in range(_count(24, size)):
        index = b.resource("address", "Microsoft.Network/publicIPAddresses", f"pip-{number}", "network",
                           SUBSCRIPTIONS[number % 6], prices.REGIONS[number % 3])  # fmt: skip
        b.meter(index, "public-ip", 24)
    for account in ("quill-sandbox", "quill-dev"):
        index = b.resource(
            "address", "Microsoft.Network/publicIPAddresses", f"pip-unused-{account[6:]}", "network", account, _G
        )
        b.meter(index, "public-ip", 24)
        b.wasted("unused_address", index, "delete")
    for name, account, kind, region, amount in [
        ("lb-orders", "quill-retail", "lb", _N, 210.0), ("lb-api", "quill-prod", "lb", _W, 480.0),
        ("lb-old-campaign", "quill-prod", "lb", _W, 0.0), ("agw-shop", "quill-prod", "gateway", _W, 96.0),
        ("agw-poc", "quill-sandbox", "gateway", _U, 0.0), ("nat-data", "quill-data", "nat", _W, 260.0),
        ("nat-ml", "quill-ml", "nat", _N, 140.0), ("nat-unused", "quill-platform", "nat", _W, 0.0),
    ]:  # fmt: skip
        _, provider, per_use = {"lb": ("", "loadBalancers", "lb-gb"), "gateway": ("", "applicationGateways", "gateway-unit"),
                                "nat": ("", "natGateways", "nat-gb")}[kind]  # fmt: skip
        what = "nat_gateway" if kind == "nat" else "load_balancer"
        index = b.resource(
            what, f"Microsoft.Network/{provider}", name, name.partition("-")[2], account, region, shape=kind
        )
        b.meter(index, f"{kind}-hour", 24)
        if amount:
            b.meter(index, per_use, amount, weekend=0.7, noise=0.05)
        else:
            b.wasted(f"idle_{what}", index, "delete")


def _platform(b: _Builder) -> None:
    for account, gigabytes in [
        ("quill-prod", 35.0),
        ("quill-platform", 60.0),
        ("quill-data", 18.0),
        ("quill-retail", 22.0),
    ]:
        short = account[6:]
        index = b.resource(
            "log_group", "Microsoft.OperationalInsights/workspaces", f"log-{short}", "monitor", account, _W
        )
        b.meter(index, "logs", gigabytes, weekend=0.75, noise=0.05)
        b.meter(index, "log-retention", gigabytes * 60 / 30)
        b.meter(index, "log-free", gigabytes / 10, noise=0.2)
        owner = b.estate.account(account)
        defender = b.estate.add(Resource(f"/subscriptions/{b.estate.accounts[owner].id}/providers/Microsoft.Security/pricings/VirtualMachines",
                                         "VirtualMachines", "plan", owner, _W, "", -2000, b.estate.hours))  # fmt: skip
        b.meter(defender, "defender", 24 * gigabytes, noise=0.01)
    for name, account, calls in [
        ("thumbnails", "quill-prod", 9.0),
        ("webhooks", "quill-retail", 21.0),
        ("ingest", "quill-data", 4.0),
    ]:
        index = b.resource("function", "Microsoft.Web/sites", f"func-{name}", name, account, _W)
        b.meter(index, "calls", calls, weekend=0.7, noise=0.05)
        b.meter(index, "gb-seconds", calls * 1500, weekend=0.7, noise=0.05)
    plan = b.resource("app_plan", "Microsoft.Web/serverfarms", "asp-intranet", "intranet", "quill-platform", _G)
    b.meter(plan, "plan-p1v3", 48)
    aks = b.resource(
        "cluster", "Microsoft.ContainerService/managedClusters", "aks-main", "aks-system", "quill-platform", _W
    )
    b.meter(aks, "aks", 24)


def _trouble(b: _Builder) -> None:
    """Plant the anomalies that fit into the span; days count back from its end."""
    days = b.estate.days

    def meters(name: str, *whats: str) -> tuple[int, ...]:
        names = {item(w, r).usage_type for w in whats for r in prices.REGIONS}
        return tuple(i for i, m in enumerate(b.estate.meters)
                     if b.estate.resources[m.resource].name == name and b.estate.skus[m.sku].usage_type in names)  # fmt: skip

    plan = [
        Effect("spike", "NAT traffic of a looping download", meters("nat-data", "nat-gb"), days - 40, days - 39, 18.0),
        Effect("spike", "a webhook retry storm over four days", meters("func-webhooks", "calls", "gb-seconds"), days - 75, days - 71, 9.0),
        Effect("shift", "debug logging left on", meters("log-prod", "logs"), days - 24, days, 3.2),
        Effect("leak", "a copy job that never deletes", meters("quilllake", "hot"), days - 50, days, 1.0, slope=0.02),
        Effect("drop", "the log shipper stood still", meters("log-platform", "logs"), days - 33, days - 29, 0.05),
        Effect("spike", "a crawler emptied the assets account", meters("quillassets", "blob-read"), days - 5, days - 4, 900.0),
    ]  # fmt: skip
    first = 21  # anything earlier has no history to stand out from
    b.company.effects += [effect for effect in plan if effect.start >= first]
    if days - 12 >= first:
        search = b.resource("search", "Microsoft.Search/searchServices", "vectors", "features", "quill-ml", _W,
                            start=(days - 12) * HOURS_PER_DAY)  # fmt: skip
        meter = b.meter(search, "search", 24 * 6)
        b.company.effects.append(
            Effect("new", "a search service nobody announced", (meter,), days - 12, days, 0.0, base=0.0)
        )
    if days - 17 >= first:
        b.company.effects.append(_intruder(b, days - 17, days - 15))


def _intruder(b: _Builder, start: int, stop: int) -> Effect:
    """Add machines that a stolen key launches in the sandbox to dig for coins, and the anomaly they are."""
    sku = b.estate.sku(machine_item("Standard_F8s_v2", _U))
    first = len(b.estate.instances)
    for number in range(8):
        index = b.resource("instance", "Microsoft.Compute/virtualMachines", f"vm{number}", "x", "quill-sandbox", _U, start=start * HOURS_PER_DAY,
                           stop=stop * HOURS_PER_DAY, shape="Standard_F8s_v2", tagged=False)  # fmt: skip
        b.estate.instances.append(
            Instance(index, sku, b.estate.account("quill-sandbox"), Schedule.ALWAYS, Load(98, 100, 21))
        )
    return Effect("spike", "coin miners on a stolen key", (), start, stop, 0.0, base=0.0,
                  instances=tuple(range(first, len(b.estate.instances))))  # fmt: skip


def tag_text(tags: tuple[tuple[str, str], ...]) -> str:
    """Return tags as Azure writes them into an export: a JSON object."""
    return json.dumps(dict(tags)) if tags else ""
