"""Checks that an inventory answers better than the bill: attached things stay, spare ones are measured."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from costlab.analyzers.registry import checks
from costlab.interfaces.analyzer import Assessment
from costlab.interfaces.finding import Basis, Recommendation
from tests.analyzers.support import world

NOW = datetime(2026, 3, 20)
CHECKS = {check.id: check for check in checks()}
DISK = {"days": 14, "ResourceId": "vol-1", "x_usage_type": "EBS:VolumeUsage.gp3", "BilledCost": 0.24}
ADDRESS = {
    "days": 14,
    "ResourceId": "arn:aws:ec2:us-east-1:1:elastic-ip/eipalloc-1",
    "x_usage_type": "PublicIPv4:IdleAddress",
    "BilledCost": 0.12,
}
BALANCER = {"days": 14, "ResourceId": "arn:aws:lb/1", "x_usage_type": "LoadBalancerUsage", "BilledCost": 0.54}
AZURE = {
    "days": 14,
    "ServiceProviderName": "Microsoft",
    "SubAccountId": "s",
    "RegionId": "westeurope",
    "BilledCost": 0.12,
}


def assess(check: str, *costs: dict[str, Any], seen: list[dict[str, Any]], metrics: Any = ()) -> Assessment:
    return CHECKS[check].assess(world(list(costs), list(metrics), seen, now=NOW))


def one(result: Assessment) -> Recommendation:
    (item,) = result.items
    return item


def disk(**more: Any) -> list[dict[str, Any]]:
    return [{"resource_kind": "disk", "resource_id": "vol-1", "state": "available", **more}]


def test_a_volume_that_an_inventory_shows_attached_to_nothing_is_measured() -> None:
    result = assess("waste_unattached_volume", DISK, seen=disk())
    item = one(result)
    assert (item.basis, item.confidence, result.not_assessed) == (Basis.MEASURED, 0.9, "")
    assert item.evidence[0].source == "inventory.resources"
    assert item.evidence[0].value == "available"


@pytest.mark.parametrize(
    "seen",
    [
        disk(state="in-use", attached_to="i-1"),
        disk(created_at=NOW - timedelta(hours=3)),
        disk(properties={"detached_at": "2026-03-19 12:00:00"}),
        disk(state="Reserved"),
    ],
    ids=["attached", "new", "just detached", "reserved"],
)
def test_a_volume_that_is_or_was_just_attached_is_never_called_unattached(seen: list[dict[str, Any]]) -> None:
    result = assess("waste_unattached_volume", DISK, seen=seen)
    assert (result.items, result.not_assessed) == ([], "")


def test_a_volume_with_samples_that_show_it_attached_stays() -> None:
    samples = [{"resource_id": "vol-1", "metric": "attached", "avg": 1}]
    assert assess("waste_unattached_volume", DISK, seen=disk(), metrics=samples).items == []


def test_an_attached_volume_stays_whatever_samples_say() -> None:
    samples = [{"resource_id": "vol-1", "metric": "attached", "avg": 0}]
    seen = disk(state="in-use", attached_to="i-1")
    assert assess("waste_unattached_volume", DISK, seen=seen, metrics=samples).items == []


def test_an_observation_from_before_the_bills_window_is_not_used() -> None:
    result = assess("waste_unattached_volume", DISK, seen=disk(observed_at=NOW - timedelta(days=20)))
    assert result.items == []
    assert "attached for 1 of 1" in result.not_assessed


def test_azure_ids_are_one_whatever_their_case() -> None:
    name = "/subscriptions/s/resourceGroups/Shop/providers/Microsoft.Compute/disks/Spare"
    cost = {**AZURE, "ResourceId": name, "x_usage_type": "P10 LRS Disk"}
    seen = [{"resource_kind": "disk", "resource_id": name.lower(), "state": "Unattached", "provider": "azure"}]
    assert one(assess("waste_unattached_volume", cost, seen=seen)).remedy.command.startswith("az snapshot create")


def test_an_address_in_no_inventory_is_inferred_and_one_that_belongs_to_nothing_measured() -> None:
    assert one(assess("waste_idle_address", ADDRESS, seen=[])).basis is Basis.INFERRED
    seen = [{"resource_kind": "address", "resource_id": "eipalloc-1", "state": "unassociated"}]
    assert one(assess("waste_idle_address", ADDRESS, seen=seen)).basis is Basis.MEASURED


def test_the_address_of_a_stopped_machine_stays_though_it_is_billed_as_idle() -> None:
    seen = [{"resource_kind": "address", "resource_id": "eipalloc-1", "state": "associated", "attached_to": "i-1"}]
    assert assess("waste_idle_address", ADDRESS, seen=seen).items == []


def test_an_azure_address_is_told_by_the_inventory_alone() -> None:
    name = "/subscriptions/s/resourceGroups/g/providers/microsoft.network/publicipaddresses/a"
    cost = {**AZURE, "ResourceId": name, "x_usage_type": "Standard IPv4 Static Public IP"}
    assert assess("waste_idle_address", cost, seen=[]).items == []
    seen = [{"resource_kind": "address", "resource_id": name, "state": "unassociated"}]
    assert (
        one(assess("waste_idle_address", cost, seen=seen)).remedy.command == f"az network public-ip delete --ids {name}"
    )


def test_a_load_balancer_without_targets_is_measured_and_one_with_traffic_stays() -> None:
    seen = [{"resource_kind": "load-balancer", "resource_id": "arn:aws:lb/1", "properties": {"targets": 0}}]
    item = one(assess("waste_idle_load_balancer", BALANCER, seen=seen))
    assert (item.basis, [e.metric for e in item.evidence][1]) == (Basis.MEASURED, "targets")
    busy = {**BALANCER, "x_usage_type": "LCUUsage", "PricingQuantity": 6}
    assert assess("waste_idle_load_balancer", BALANCER, busy, seen=seen).items == []
    seen[0]["properties"] = {"targets": 3}
    assert one(assess("waste_idle_load_balancer", BALANCER, seen=seen)).basis is Basis.INFERRED


def test_an_azure_gateway_without_backends_is_told_by_the_inventory_alone() -> None:
    name = "/subscriptions/s/resourceGroups/g/providers/microsoft.network/applicationgateways/a"
    cost = {**AZURE, "ResourceId": name, "x_usage_type": "Standard Fixed Cost"}
    assert assess("waste_idle_load_balancer", cost, seen=[]).items == []
    seen = [{"resource_kind": "load-balancer", "resource_id": name, "properties": {"targets": 0}}]
    assert one(assess("waste_idle_load_balancer", cost, seen=seen)).hourly_saving == Decimal("0.005")
    seen[0]["properties"] = {"targets": 2}
    assert assess("waste_idle_load_balancer", cost, seen=seen).items == []


def test_an_old_snapshot_is_known_by_its_creation_and_one_an_image_needs_stays() -> None:
    cost = {"days": 14, "ResourceId": "snap-1", "x_usage_type": "EBS:SnapshotUsage", "BilledCost": 0.24}
    seen: list[dict[str, Any]] = [
        {"resource_kind": "snapshot", "resource_id": "snap-1", "created_at": "2025-11-01T00:00:00"}
    ]
    assert "kept for 139 days" in one(assess("waste_old_snapshot", cost, seen=seen)).why
    seen.append({"resource_kind": "image", "resource_id": "ami-1", "properties": {"snapshots": ["snap-1"]}})
    assert assess("waste_old_snapshot", cost, seen=seen).items == []
    assert "does not reach back" in assess("waste_old_snapshot", cost, seen=[]).not_assessed


@pytest.mark.parametrize("tags", [{"aws:backup:source-resource": "x"}, {"aws:dlm:lifecycle-policy-id": "x"}])
def test_a_snapshot_with_an_expiry_of_its_own_is_no_orphan(tags: dict[str, str]) -> None:
    cost = {"days": 14, "ResourceId": "snap-1", "x_usage_type": "EBS:SnapshotUsage", "BilledCost": 0.24}
    snapshot = {"resource_kind": "snapshot", "resource_id": "snap-1", "attached_to": "vol-gone"}
    seen: list[dict[str, Any]] = [{**snapshot, "created_at": "2025-11-01T00:00:00"}]
    seen += [{"resource_kind": "coverage", "name": kind} for kind in ("disk", "image")]
    assert len(assess("waste_orphan_snapshot", cost, seen=seen).items) == 1
    seen[0]["tags"] = tags
    assert assess("waste_orphan_snapshot", cost, seen=seen).items == []


def test_without_full_sight_of_disks_a_snapshot_is_not_assessed() -> None:
    cost = {"days": 14, "ResourceId": "snap-1", "x_usage_type": "EBS:SnapshotUsage", "BilledCost": 0.24}
    snapshot = {"resource_kind": "snapshot", "resource_id": "snap-1", "attached_to": "vol-gone"}
    seen = [{**snapshot, "created_at": "2025-11-01T00:00:00"}, {"resource_kind": "coverage", "name": "image"}]
    result = assess("waste_orphan_snapshot", cost, seen=seen)
    assert (result.items, result.not_assessed) == (
        [],
        "1 of 1 snapshots, their disks or images are in no inventory",
    )
