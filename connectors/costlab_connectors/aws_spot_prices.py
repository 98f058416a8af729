"""What spot machines cost on AWS now, per shape and zone: EC2's spot price history.

``aws://us-east-1,eu-west-1``, or ``aws://`` for all enabled regions. A zone is its id (``use1-az4``) where EC2 tells
it: names such as ``us-east-1a`` mean another place in each account.

Source: EC2 API reference, "DescribeSpotPriceHistory", read 2026-11: with a start time of now it answers with the price
that counts for each shape, zone and system.
"""

from __future__ import annotations

import json
from datetime import UTC
from typing import TYPE_CHECKING, Any, ClassVar, Final

from costlab.errors import ConfigError, SourceError
from costlab.interfaces.connector import Dataset
from costlab_connectors._aws_api import Denied, NotEnabled, Place, Unanswered, accounts, regions
from costlab_connectors._inventory import listed
from costlab_connectors._price_files import offer, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from costlab.interfaces.connector import Landing, Snapshot
    from costlab.period import Month
    from costlab_connectors._price_files import Offer

_SYSTEMS: Final = {"Linux/UNIX": "Linux", "Windows": "Windows"}
_VPC: Final = " (Amazon VPC)"
"""Behind a system's name in old accounts; the price is the same."""


class AwsSpotPrices:
    """The connector ``aws-spot-prices``: Linux and Windows, the newest price per shape and zone."""

    name: ClassVar[str] = "aws-spot-prices"
    dataset: ClassVar[Dataset] = Dataset.PRICES
    schemes: ClassVar[tuple[str, ...]] = ("aws",)
    permissions: ClassVar[tuple[str, ...]] = ("ec2:DescribeRegions", "ec2:DescribeSpotPriceHistory")
    options: ClassVar[Mapping[str, str]] = {
        "profile": "profile of the AWS configuration files",
        "role_arn": "role to assume",
        "external_id": "external id the role asks for",
        "endpoint": "URL that answers instead of AWS, for tests",
    }

    def pull(self, landing: Landing, uri: str, *, source: str, period: Month | None = None) -> Iterable[Snapshot]:
        """Yield one snapshot of the spot prices of all regions.

        Raises
        ------
        ConfigError
            If there are no valid credentials, or the permission is missing.
        SourceError
            If EC2 does not answer.
        """
        del period  # prices are about now
        account = accounts(landing).entered[0]
        endpoint = landing.option("endpoint")
        wanted = listed(uri.partition("://")[2].strip("/")) or regions(account, [], endpoint)
        places = [Place(account.session, account.id, region, account.partition, endpoint) for region in wanted]
        yield snapshot(landing, source, self.name, (found for place in places for found in _offers(landing, place)))


def _offers(landing: Landing, place: Place) -> Iterator[Offer]:
    landing.tell(f"spot prices of {place.region}")
    newest: dict[tuple[str, str, str], Mapping[str, Any]] = {}
    for price in _prices(landing, place):
        key = (price["InstanceType"], _zone(price), price["ProductDescription"].removesuffix(_VPC))
        if key not in newest or price["Timestamp"] > newest[key]["Timestamp"]:
            newest[key] = price
    for (shape, zone, system), price in newest.items():
        if system in _SYSTEMS:
            yield offer(
                landing, provider="aws", service_code="AmazonEC2", region_id=place.region, zone=zone,
                resource_kind="instance", shape=shape, family=shape.partition(".")[0], os=_SYSTEMS[system],
                license="none", tenancy="shared", instrument="spot", unit="hour", price=price["SpotPrice"],
                valid_from=price["Timestamp"].astimezone(UTC).replace(tzinfo=None),
                attributes=json.dumps({"zone_name": price["AvailabilityZone"]}),
            )  # fmt: skip


def _prices(landing: Landing, place: Place) -> Iterator[Mapping[str, Any]]:
    try:
        yield from place.pages(
            "ec2", "describe_spot_price_history", "SpotPriceHistory[]", StartTime=landing.now, EndTime=landing.now,
            ProductDescriptions=list(_SYSTEMS),
        )  # fmt: skip
    except Denied as error:
        raise ConfigError(
            f"permission {error.permission} is missing in {place.region}", hint="docs/permissions.md has a ready policy"
        ) from None
    except NotEnabled:
        raise ConfigError(f"region {place.region} is not enabled", hint="Name enabled regions in --from") from None
    except Unanswered as error:
        raise SourceError(f"AWS does not answer: {error}", hint="Try again later") from None


def _zone(price: Mapping[str, Any]) -> str:
    return str(price.get("AvailabilityZoneId") or price["AvailabilityZone"])


CONNECTOR = AwsSpotPrices()
