"""The company on Google Cloud: projects, machines, everything else it runs, and what was planted in it."""

# ruff: noqa: E501 - tables of data read best with one entry on a line

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from costlab.simulate.estate import HOURS_PER_DAY, Account, Estate, Fleet, Instance, Load, Meter, Resource, Schedule
from costlab.simulate.gcp import items, prices
from costlab.simulate.planted import Effect, Waste

if TYPE_CHECKING:
    from datetime import date

    from costlab.simulate.gcp.commitments import Cud

ACCOUNT: Final = "01A2B3-C4D5E6-F70819"
ORGANISATION: Final = "402913775511"
FOLDERS: Final = {"production": "580011223301", "non-production": "580011223302", "shared": "580011223303"}


@dataclass(frozen=True, slots=True)
class Project:
    """A project: where it hangs in the hierarchy and what it is labelled with."""

    id: str
    name: str
    number: str
    folder: str
    labels: tuple[tuple[str, str], ...]


PROJECTS: Final = tuple(
    Project(f"quill-{name}", title, f"7120044551{number:02d}", folder, (("cost-center", centre), ("owner", owner)))
    for number, (name, title, folder, centre, owner) in enumerate(
        [
            ("shared", "Shared services", "shared", "1000", "platform"),
            ("shop-prod", "Shop", "production", "2100", "web"),
            ("shop-staging", "Shop staging", "non-production", "2100", "web"),
            ("data-prod", "Data platform", "production", "3200", "data"),
            ("data-dev", "Data development", "non-production", "3200", "data"),
            ("ml-prod", "Recommendations", "production", "3300", "ml"),
            ("eu-prod", "Shop Europe", "production", "2200", "eu"),
            ("sandbox", "Sandbox", "non-production", "9000", "platform"),
        ]
    )
)

_STEADY: Final = Load(46, 78, 62)
_I, _V, _B, _S = prices.REGIONS


@dataclass(frozen=True, slots=True)
class Group:
    """Equal machines of one project."""

    app: str
    project: str
    region: str
    shape: str
    count: int
    schedule: Schedule = Schedule.ALWAYS
    load: Load = _STEADY
    disk: tuple[str, int] = ("pd-balanced", 80)
    spot: bool = False
    labelled: bool = True
    scaled: bool = True
    """Whether a larger company has more of them."""
    small: bool = True
    """Whether a tiny company has one of them too."""
    from_share: float = 0.0
    to_share: float = 1.0
    waste: str = ""
    target: str = ""


GROUPS: Final = (
    Group("storefront", "shop-prod", _I, "n2-standard-4", 4, Schedule.WEB, Load(52, 81, 58)),
    Group("checkout", "shop-prod", _I, "n2-standard-8", 2, load=Load(49, 77, 66)),
    Group("search", "shop-prod", _V, "c3-standard-8", 2, small=False),
    Group("storefront", "shop-staging", _I, "e2-standard-2", 2, Schedule.OFFICE, Load(22, 55, 48)),
    Group("warehouse", "data-prod", _I, "n2-highmem-8", 2, load=Load(41, 74, 79), small=False),
    Group("nightly-etl", "data-prod", _I, "n2d-standard-8", 3, Schedule.BATCH, Load(83, 97, 71)),
    Group("kafka", "data-prod", _I, "n2d-standard-4", 2, load=Load(47, 76, 70), small=False),
    Group("notebooks", "data-dev", _I, "e2-standard-4", 2, Schedule.OFFICE, Load(18, 72, 51), labelled=False),
    Group("trainer", "ml-prod", _V, "n2-standard-16", 2, Schedule.BATCH, Load(88, 99, 64), spot=True),
    Group("features", "ml-prod", _V, "n2-standard-8", 1, load=Load(45, 79, 74)),
    Group("gke-main", "shared", _I, "e2-standard-8", 2, load=Load(51, 76, 68), scaled=False, small=False),
    Group("ci-runner", "shared", _I, "e2-highcpu-8", 2, Schedule.OFFICE, Load(57, 95, 44), small=False),
    Group("orders", "eu-prod", _B, "n2-standard-4", 2, load=Load(44, 76, 57)),
    Group("orders-growth", "eu-prod", _B, "n2-standard-4", 1, load=Load(47, 79, 59), from_share=0.55, small=False),
    Group("edge", "eu-prod", _S, "n2d-standard-2", 1, load=Load(48, 74, 61), small=False),
    Group("legacy-crm", "eu-prod", _B, "e2-standard-4", 1, load=Load(31, 68, 55), to_share=0.6, small=False),
    Group("billing", "shop-prod", _I, "n1-standard-4", 2, scaled=False),
    Group("reports", "data-prod", _I, "n2-standard-16", 1, load=Load(5, 17, 13), scaled=False, waste="oversized", target="n2-standard-4"),
    Group("cache", "ml-prod", _V, "n2-highmem-8", 1, load=Load(7, 18, 15), scaled=False, small=False, waste="oversized", target="n2-highmem-4"),
    Group("gateway", "eu-prod", _B, "e2-standard-8", 1, load=Load(9, 26, 22), scaled=False, small=False, waste="oversized", target="e2-standard-4"),
    Group("poc", "sandbox", _I, "n1-standard-8", 1, load=Load(0.6, 1.8, 7), labelled=False, scaled=False, waste="idle_instance"),
    Group("old-bastion", "shared", _I, "e2-standard-2", 1, load=Load(0.4, 1.5, 9), scaled=False, waste="idle_instance"),
)  # fmt: skip


@dataclass(slots=True)
class Company:
    """A simulated company on Google Cloud: its estate, commitments, and what was planted in it."""

    estate: Estate
    commitments: list[Cud] = field(default_factory=list)
    waste: list[Waste] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    size: int = 1


class Builder:
    """Adds resources to the estate."""

    def __init__(self, seed: int, start: date, end: date, size: int) -> None:
        accounts = [Account(p.id, p.name) for p in PROJECTS]
        self.company = Company(Estate(seed, start, end, accounts), size=size)
        self.estate = self.company.estate
        self.rng = np.random.default_rng([seed, 30])

    def number(self) -> str:
        """Return a numeric id as Google gives to resources."""
        return str(self.rng.integers(10**18, 9 * 10**18))

    def labels(self, app: str, project: str) -> tuple[tuple[str, str], ...]:
        """Return the labels of a labelled resource."""
        end = project.rsplit("-", 1)[-1]
        env = end if end in ("prod", "staging", "dev") else "prod" if project == "shared" else "dev"
        return (("app", app), ("env", env))

    def add(
        self, kind: str, path: str, name: str, project: str, region: str, *, app: str = "", shape: str = "",
        start: int = -20_000, stop: int | None = None, zone: str = "",
    ) -> int:  # fmt: skip
        """Add a resource whose full name is ``//PATH`` (with ``{project}``) and return its index."""
        account = self.estate.account(next(p.name for p in PROJECTS if p.id == f"quill-{project}"))
        owner = PROJECTS[account]
        full = "//" + path.format(project=f"projects/{owner.number}", name=name)
        labels = self.labels(app, project) if app else ()
        stop = self.estate.hours if stop is None else stop
        return self.estate.add(Resource(full, name, kind, account, region, zone, start, stop, shape, labels))

    def meter(
        self, index: int, what: str, per_day: float, *, growth: float = 0.0, weekend: float = 1.0, noise: float = 0.0,
        whole: bool = False,
    ) -> int:  # fmt: skip
        """Charge a resource by the day and return the meter's index."""
        owner = self.estate.resources[index]
        sku = self.estate.sku(items.other(what, owner.region))
        self.estate.meters.append(
            Meter(index, sku, owner.account, per_day, max(owner.start, 0) // HOURS_PER_DAY,
                  -(-owner.stop // HOURS_PER_DAY), growth, weekend, noise, whole)
        )  # fmt: skip
        return len(self.estate.meters) - 1

    def machine(self, group: Group, number: int, *, fleet: int = -1, name: str = "") -> int:
        """Add one machine of a group with its boot disk; return its resource's index."""
        hours = self.estate.hours
        name = name or f"{group.app}-{number}"
        zone = f"{group.region}-{'abc'[number % 3]}"
        start = -20_000 if group.from_share == 0 else int(hours * group.from_share)
        stop = hours if group.to_share == 1 else int(hours * group.to_share)
        path = f"compute.googleapis.com/{{project}}/zones/{zone}/instances/{self.number()}"
        app = group.app if group.labelled else ""
        index = self.add("instance", path, name, group.project, group.region, app=app, shape=group.shape, start=start,
                         stop=stop, zone=zone)  # fmt: skip
        core, _ = items.machine(prices.SHAPES[group.shape][0], group.region, spot=group.spot)
        account = self.estate.resources[index].account
        self.estate.instances.append(
            Instance(index, self.estate.sku(core), account, group.schedule, group.load, fleet, number, group.spot)
        )
        return index

    def disk(self, name: str, project: str, region: str, kind: str, size: int, *, app: str = "", start: int = -20_000,
             stop: int | None = None) -> int:  # fmt: skip
        """Add a persistent disk and return its resource's index."""
        zone = f"{region}-a"
        path = f"compute.googleapis.com/{{project}}/zones/{zone}/disks/{self.number()}"
        index = self.add("volume", path, name, project, region, app=app, shape=f"{kind} {size}", start=start, stop=stop,
                         zone=zone)  # fmt: skip
        self.meter(index, kind, size / 30)
        return index

    def planted(self, kind: str, index: int, action: str) -> None:
        """Note a piece of waste that is no machine."""
        self.company.waste.append(Waste.simple(kind, index, self.estate.resources[index], action))


def add_machines(b: Builder) -> None:
    """Add all groups: a fleet each for autoscaled ones."""
    size = b.company.size
    for group in GROUPS:
        if size == 0 and not group.small:
            continue
        count = 1 if size == 0 else group.count * (size if group.scaled else 1)
        fleet = -1
        if group.schedule is Schedule.WEB:
            count *= 2
            fleet = len(b.estate.fleets)
            b.estate.fleets.append(Fleet(group.app, max(count // 4, 1), count))
        for number in range(1, count + 1):
            index = b.machine(group, number, fleet=fleet)
            owner = b.estate.resources[index]
            if fleet < 0 and number <= 40:  # the disks of large groups are one pool
                b.disk(f"{owner.name}-boot", group.project, group.region, *group.disk,
                       app=group.app if group.labelled else "", start=owner.start, stop=owner.stop)  # fmt: skip
            if group.waste:
                b.company.waste.append(Waste.of_machine(group.waste, index, owner, group.target))
