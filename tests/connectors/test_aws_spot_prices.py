"""Spot prices of AWS: the newest per shape, zone and system; the cheapest zone counts and beats the default."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from costlab.errors import ConfigError, SourceError
from costlab.ingest import ingest
from costlab.lake import Lake
from costlab.prices import Catalogue, Offer
from costlab.warehouse.catalogue import open_current, publish_lake
from tests.connectors.aws_support import Aws
from tests.connectors.served import IDENTITY, Asked, Reply, rows, serving


def pull(workspace: Path, aws: Aws, uri: str = "aws://eu-west-1") -> Any:
    return ingest(workspace, "aws-spot-prices", uri, options={"endpoint": aws.url})


def test_each_shape_has_a_spot_price_in_each_of_its_zones(tmp_path: Path, aws: Aws) -> None:
    assert pull(tmp_path, aws).exit_code == 0
    found = rows(tmp_path, "shape, zone, os, instrument, price, unit, region_id, valid_from")
    machine = [row for row in found if row[0] == "m5.large"]
    assert machine == [
        ("m5.large", f"eu-west-1{zone}", "Linux", "spot", Decimal("0.00001"), "hour", "eu-west-1",
         datetime(2006, 1, 2, 15, 4, 5))
        for zone in "abc"
    ]  # fmt: skip


def test_a_permission_that_is_missing_is_named_and_nothing_changes(tmp_path: Path, aws: Aws) -> None:
    aws.faults["Action=DescribeSpotPriceHistory"] = "UnauthorizedOperation"
    with pytest.raises(ConfigError, match="ec2:DescribeSpotPriceHistory is missing in eu-west-1"):
        pull(tmp_path, aws)
    assert Lake(tmp_path).current().revisions == ()


def test_a_service_that_fails_changes_nothing(tmp_path: Path, aws: Aws) -> None:
    aws.faults["Action=DescribeSpotPriceHistory"] = "InvalidInput"
    with pytest.raises(SourceError, match="AWS does not answer"):
        pull(tmp_path, aws)
    assert Lake(tmp_path).current().revisions == ()


def _price(zone: str, price: str, at: str, system: str = "Linux/UNIX", name: str = "us-east-1a") -> str:
    zone_id = f"<availabilityZoneId>{zone}</availabilityZoneId>" if zone else ""
    return (
        f"<item><instanceType>m5.large</instanceType><productDescription>{system}</productDescription>"
        f"<spotPrice>{price}</spotPrice><timestamp>{at}</timestamp><availabilityZone>{name}</availabilityZone>"
        f"{zone_id}</item>"
    )


PAGES = {
    "": _price("use1-az4", "0.0400", "2026-11-01T10:00:00.000Z")
    + _price("use1-az4", "0.0380", "2026-11-01T12:00:00.000Z"),
    "2": _price("use1-az6", "0.0350", "2026-11-01T09:00:00.000Z")
    + _price("use1-az6", "0.0900", "2026-11-01T09:00:00.000Z", "Windows")
    + _price("use1-az6", "0.0950", "2026-11-01T09:00:00.000Z", "SUSE Linux")
    + _price("", "0.0370", "2026-11-01T09:00:00.000Z", name="us-east-1f"),
}  # fmt: skip


def _ec2(asked: Asked) -> Reply:
    body = asked.body.decode()
    if "GetCallerIdentity" in body:
        return Reply(IDENTITY, headers={"Content-Type": "text/xml"})
    assert "Action=DescribeSpotPriceHistory" in body
    assert "ProductDescription.1=Linux%2FUNIX&ProductDescription.2=Windows" in body
    page = "2" if "NextToken=2" in body else ""
    text = (
        '<DescribeSpotPriceHistoryResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
        f"<spotPriceHistorySet>{PAGES[page]}</spotPriceHistorySet><nextToken>{'' if page else '2'}</nextToken>"
        "</DescribeSpotPriceHistoryResponse>"
    )
    return Reply(text.encode(), headers={"Content-Type": "text/xml"})


def test_the_newest_counts_zones_are_ids_and_the_cheapest_zone_beats_the_default(tmp_path: Path, aws: Aws) -> None:
    with serving(_ec2) as service:
        aws.url = service.url
        assert pull(tmp_path, aws, "aws://us-east-1").exit_code == 0
    assert rows(tmp_path, "zone, os, price") == [
        ("us-east-1f", "Linux", Decimal("0.037")),
        ("use1-az4", "Linux", Decimal("0.038")),
        ("use1-az6", "Linux", Decimal("0.035")),
        ("use1-az6", "Windows", Decimal("0.09")),
    ]
    publish_lake(Lake(tmp_path))
    with open_current(tmp_path)[1] as db:
        found = Catalogue(db).price("aws", "us-east-1", "m5.large", instrument="spot")
    assert isinstance(found, Offer)
    assert (found.price, found.x_source) == (Decimal("0.035"), "aws-spot-prices")
