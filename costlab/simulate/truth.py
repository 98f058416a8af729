"""What the planted waste and anomalies are worth, from prices and quantities alone."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from costlab.money import cents, plain
from costlab.simulate import prices
from costlab.simulate.estate import HOURS_PER_DAY
from costlab.simulate.metrics import MULTIPART_SHARE

if TYPE_CHECKING:
    from costlab.simulate.charges import Biller
    from costlab.simulate.estate import Instance, Meter
    from costlab.simulate.planted import Effect, Waste

HOURS_PER_MONTH = 730


class PlantedWaste(TypedDict):
    """One piece of waste; amounts are USD per month of 730 hours, ``saving`` at the contracted price.

    A commitment may absorb the saving of a machine: ``saving`` is what doing only this would save if nothing did.
    """

    kind: str
    resource_id: str
    name: str
    sub_account_id: str
    region: str
    since: str
    action: str
    target: str
    monthly_list: str
    saving: str
    saving_list: str


class PlantedAnomaly(TypedDict):
    """One anomaly: days inclusive, amounts USD of EffectiveCost over them; ``end`` null while it goes on."""

    kind: str
    why: str
    start: str
    end: str | None
    scope: dict[str, list[str]]
    actual: str
    expected: str
    excess: str


class UnusedCommitment(TypedDict):
    """What a commitment lost in the last 30 days, at its price after the enterprise discount."""

    commitment_id: str
    unused: str
    committed: str


class Planted(TypedDict):
    """The whole file ``planted.json``."""

    waste: list[PlantedWaste]
    anomalies: list[PlantedAnomaly]
    unused_commitments: list[UnusedCommitment]


def usd(amount: int) -> Decimal:
    """Return money as a Decimal."""
    return Decimal(int(amount)) / prices.MONEY


def planted(biller: Biller, unused: list[UnusedCommitment]) -> Planted:
    """Return everything planted, with its dollars."""
    return {
        "waste": [_waste(biller, waste) for waste in biller.company.waste],
        "anomalies": [_anomaly(biller, effect) for effect in biller.company.effects],
        "unused_commitments": unused,
    }


def _waste(biller: Biller, waste: Waste) -> PlantedWaste:
    estate = biller.company.estate
    resource = estate.resources[waste.resource]
    before, after = _monthly(biller, waste)
    keep = 1 - Decimal(biller.company.discount_percent) / 100
    since = estate.start + timedelta(days=max(resource.start, 0) // HOURS_PER_DAY)
    return {
        "kind": waste.kind,
        "resource_id": resource.id,
        "name": resource.name,
        "sub_account_id": estate.accounts[resource.account].id,
        "region": resource.region,
        "since": str(since),
        "action": waste.action,
        "target": waste.target,
        "monthly_list": plain(cents(before)),
        "saving": plain(cents((before - after) * keep)),
        "saving_list": plain(cents(before - after)),
    }


def _monthly(biller: Biller, waste: Waste) -> tuple[Decimal, Decimal]:
    """Return what it costs per month at list price, and what it would cost if mended."""
    resource = biller.company.estate.resources[waste.resource]
    if resource.kind == "instance":
        now = prices.instance_rate(resource.shape, resource.region)
        then = prices.instance_rate(waste.target, resource.region) if waste.target else 0
        return Decimal(now * HOURS_PER_MONTH) / prices.RATE, Decimal(then * HOURS_PER_MONTH) / prices.RATE
    before = _metered(biller, waste.resource)
    if waste.kind == "incomplete_multipart":
        return before, before * (1 - Decimal(str(MULTIPART_SHARE)))
    if waste.action == "gp3":
        size = int(resource.shape.split()[1])
        # what gp3 includes (3000 IOPS, 125 MB/s) is more than the samples of these volumes ever show
        return before, Decimal(prices.other_rate("gp3", resource.region) * size) / prices.RATE
    return before, Decimal(0)


def _metered(biller: Biller, resource: int) -> Decimal:
    """Return the monthly list cost of a resource's meters: hours x 730, monthly units x 1."""
    total = Decimal(0)
    for meter in biller.company.estate.meters:
        if meter.resource == resource:
            sku = biller.company.estate.skus[meter.sku]
            units = meter.per_day / HOURS_PER_DAY * HOURS_PER_MONTH if sku.unit == "Hrs" else meter.per_day * 30
            total += Decimal(str(round(units, 4))) * sku.list_rate / prices.RATE
    return total


def _anomaly(biller: Biller, effect: Effect) -> PlantedAnomaly:
    estate = biller.company.estate
    actual, expected = _of_machines(biller, effect) if effect.instances else _of_meters(biller, effect)
    owned: list[Meter | Instance] = [estate.meters[m] for m in effect.meters]
    owned += [estate.instances[i] for i in effect.instances]
    scope = {
        "SubAccountId": {estate.accounts[m.account].id for m in owned},
        "ServiceName": {estate.skus[m.sku].service for m in owned},
        "RegionId": {estate.skus[m.sku].region for m in owned},
        "ResourceId": {estate.resources[m.resource].id for m in owned},
        "x_usage_type": {estate.skus[m.sku].usage_type for m in owned},
    }
    ended = effect.stop < estate.days
    return {
        "kind": effect.kind,
        "why": effect.why,
        "start": str(estate.start + timedelta(days=effect.start)),
        "end": str(estate.start + timedelta(days=effect.stop - 1)) if ended else None,
        "scope": {column: sorted(values) for column, values in scope.items()},
        "actual": plain(usd(actual)),
        "expected": plain(usd(expected)),
        "excess": plain(usd(actual - expected)),
    }


def _of_meters(biller: Biller, effect: Effect) -> tuple[int, int]:
    """Return (actual, expected) EffectiveCost of an effect on meters, as money."""
    rows = np.asarray(effect.meters, dtype=np.int64)
    at = slice(effect.start, min(effect.stop, biller.company.estate.days))
    rate = biller.list_rate[[biller.company.estate.meters[m].sku for m in effect.meters]][:, None]
    actual = biller.net(biller.quantities[rows, at] * rate // 100).sum()
    return int(actual), int(biller.net(biller.expected[rows, at] * rate // 100).sum())


def _of_machines(biller: Biller, effect: Effect) -> tuple[int, int]:
    """Return (actual, 0): what machines that should not be there cost, covered by commitments or not."""
    facts, _ = biller.days(effect.start, effect.stop)
    theirs = np.isin(facts.column("res"), [biller.company.estate.instances[i].resource for i in effect.instances])
    return int(facts.column("effective")[theirs].sum()), 0
