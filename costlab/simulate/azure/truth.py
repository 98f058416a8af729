"""What the planted waste and anomalies are worth, from prices and quantities alone."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from costlab.money import HOURS_PER_MONTH, cents, plain
from costlab.simulate.azure import prices
from costlab.simulate.azure.estate import machine_item
from costlab.simulate.estate import HOURS_PER_DAY

if TYPE_CHECKING:
    from costlab.simulate.azure.charges import Biller
    from costlab.simulate.azure.company import Waste
    from costlab.simulate.estate import Instance, Meter
    from costlab.simulate.planted import Effect
    from costlab.simulate.truth import Planted, PlantedAnomaly, PlantedWaste, UnusedCommitment

_ONE = prices.PRICE * prices.FX


def planted(biller: Biller, unused: list[UnusedCommitment]) -> Planted:
    """Return everything planted; amounts are of the billing currency, waste at the rate of the last month."""
    return {
        "waste": [_waste(biller, waste) for waste in biller.company.waste],
        "anomalies": [_anomaly(biller, effect) for effect in biller.company.effects],
        "unused_commitments": unused,
    }


def _waste(biller: Biller, waste: Waste) -> PlantedWaste:
    estate = biller.company.estate
    resource = estate.resources[waste.resource]
    before, before_list = _monthly(biller, waste.resource)
    after = Decimal(0)
    if waste.target:
        fx = biller.fx(estate.hours - 1)
        after = Decimal(machine_item(waste.target, resource.region).list_price * fx * HOURS_PER_MONTH) / _ONE
    return {
        "kind": waste.kind,
        "resource_id": resource.id,
        "name": resource.name,
        "sub_account_id": estate.accounts[resource.account].id,
        "region": resource.region,
        "since": str(estate.start + timedelta(days=max(resource.start, 0) // HOURS_PER_DAY)),
        "action": waste.action,
        "target": waste.target,
        "monthly_list": plain(cents(before_list)),
        "saving": plain(cents(before - after)),
        "saving_list": plain(cents(before_list - after)),
    }


def _monthly(biller: Biller, resource: int) -> tuple[Decimal, Decimal]:
    """Return what a resource costs per month as agreed and at list price: hours x 730, monthly units x 1.

    Of a machine only the machine counts: neither its traffic, which it would have at any size, nor its disks.
    """
    estate = biller.company.estate
    fx = biller.fx(estate.hours - 1)
    agreed = listed = Decimal(0)
    for instance in estate.instances:
        if instance.resource == resource:
            item = estate.items[instance.sku]
            agreed += Decimal(item.price * item.multiple * HOURS_PER_MONTH * fx) / _ONE
            listed += Decimal(item.list_price * item.multiple * HOURS_PER_MONTH * fx) / _ONE
    if listed:
        return agreed, listed
    for meter in estate.meters:
        if meter.resource == resource:
            item = estate.items[meter.sku]
            units = meter.per_day / HOURS_PER_DAY * HOURS_PER_MONTH if item.unit == "1 Hour" else meter.per_day * 30
            agreed += Decimal(str(round(units, 4))) * item.price * fx / _ONE
            listed += Decimal(str(round(units, 4))) * item.list_price * fx / _ONE
    return agreed, listed


def _anomaly(biller: Biller, effect: Effect) -> PlantedAnomaly:
    estate = biller.company.estate
    actual, expected = _of_machines(biller, effect) if effect.instances else _of_meters(biller, effect)
    owned: list[Meter | Instance] = [estate.meters[m] for m in effect.meters]
    owned += [estate.instances[i] for i in effect.instances]
    scope = {
        "SubAccountId": {estate.accounts[m.account].id for m in owned},
        "ServiceName": {estate.items[m.sku].service for m in owned},
        "RegionId": {estate.items[m.sku].region for m in owned},
        "ResourceId": {estate.resources[m.resource].id for m in owned},
        "x_usage_type": {estate.items[m.sku].usage_type for m in owned},
    }
    ended = effect.stop < estate.days
    return {
        "kind": effect.kind,
        "why": effect.why,
        "start": str(estate.start + timedelta(days=effect.start)),
        "end": str(estate.start + timedelta(days=effect.stop - 1)) if ended else None,
        "scope": {column: sorted(values) for column, values in scope.items()},
        "actual": plain(_money(actual)),
        "expected": plain(_money(expected)),
        "excess": plain(_money(actual - expected)),
    }


def _money(amount: int) -> Decimal:
    return Decimal(amount) / prices.MONEY


def _of_meters(biller: Biller, effect: Effect) -> tuple[int, int]:
    """Return (actual, expected) EffectiveCost of an effect on meters, as money."""
    rows = np.asarray(effect.meters, dtype=np.int64)
    days = range(effect.start, min(effect.stop, biller.company.estate.days))
    fx = np.array([biller.fx(day * HOURS_PER_DAY) for day in days], dtype=np.int64)
    rate = biller.price[biller.meter_item[rows]][:, None] * fx
    at = slice(days.start, days.stop)
    return int((biller.quantities[rows, at] * rate).sum()), int((biller.expected[rows, at] * rate).sum())


def _of_machines(biller: Biller, effect: Effect) -> tuple[int, int]:
    """Return (actual, 0): what machines that should not be there cost, covered by commitments or not."""
    theirs = {biller.company.estate.instances[i].resource for i in effect.instances}
    total = 0
    for day in range(effect.start, effect.stop):
        facts, _ = biller.days(day, day + 1)
        total += int(facts.column("effective")[np.isin(facts.column("res"), list(theirs))].sum())
    return total, 0
