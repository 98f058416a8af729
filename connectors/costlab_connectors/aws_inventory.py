"""What AWS accounts hold: machines, disks, addresses, load balancers, databases and more, as the services describe it.

``aws://`` is every enabled region of the credentials' account, ``aws://eu-west-1,us-east-1`` only those. Reading is
free of charge. A kind of resource that may not be looked at costs a warning and nothing else.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

from costlab.errors import ConfigError, SourceError
from costlab.interfaces.connector import Dataset
from costlab_connectors import _aws_compute as compute
from costlab_connectors import _aws_services as services
from costlab_connectors._aws_api import Denied, NotEnabled, Place, Unanswered, accounts, regions
from costlab_connectors._inventory import (
    EVERYWHERE,
    Coverage,
    Seen,
    is_past,
    listed,
    records,
    snapshot,
    summary,
    warnings_of,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from costlab.interfaces.connector import Landing, Snapshot
    from costlab.period import Month
    from costlab_connectors._aws_api import Account
    from costlab_connectors._inventory import Resource

    Reader = Callable[[Place], Iterator[Resource]]

KINDS: Final[Mapping[str, Reader]] = {
    "instance": compute.instances,
    "disk": compute.volumes,
    "snapshot": compute.snapshots,
    "image": compute.images,
    "address": compute.addresses,
    "nat-gateway": compute.nat_gateways,
    "vpc-endpoint": compute.vpc_endpoints,
    "transit-attachment": compute.transit_attachments,
    "autoscaling-group": compute.autoscaling_groups,
    "load-balancer": services.load_balancers,
    "database": services.databases,
    "cache": services.caches,
    "function": services.functions,
    "cluster": services.clusters,
    "stream": services.streams,
    "table": services.tables,
}
GLOBAL_KINDS: Final[Mapping[str, Reader]] = {"bucket": services.buckets}
PERMISSIONS: Final = (
    "autoscaling:DescribeAutoScalingGroups",
    "dynamodb:DescribeTable",
    "dynamodb:ListTables",
    "ec2:DescribeAddresses",
    "ec2:DescribeImages",
    "ec2:DescribeInstances",
    "ec2:DescribeNatGateways",
    "ec2:DescribeRegions",
    "ec2:DescribeSnapshots",
    "ec2:DescribeTransitGatewayAttachments",
    "ec2:DescribeVolumes",
    "ec2:DescribeVpcEndpoints",
    "ecs:DescribeClusters",
    "ecs:ListClusters",
    "eks:DescribeCluster",
    "eks:ListClusters",
    "elasticache:DescribeCacheClusters",
    "elasticloadbalancing:DescribeInstanceHealth",
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
    "kinesis:DescribeStreamSummary",
    "kinesis:ListStreams",
    "lambda:ListFunctions",
    "lambda:ListProvisionedConcurrencyConfigs",
    "rds:DescribeDBClusters",
    "rds:DescribeDBInstances",
    "s3:GetBucketLocation",
    "s3:GetBucketTagging",
    "s3:GetBucketVersioning",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:ListAllMyBuckets",
    "tag:GetResources",
)
"""What a run needs, and no more. Option ``accounts`` also needs sts:AssumeRole, ``organization`` ListAccounts."""
_AT_ONCE: Final = 8
"""Regions read at the same time; each service is asked by one of them at a time per region, where AWS counts calls."""


@dataclass(slots=True)
class _Found:
    """What one region of one account shows."""

    resources: list[Resource] = field(default_factory=list["Resource"])
    coverage: list[Coverage] = field(default_factory=list[Coverage])


class AwsInventory:
    """The connector ``aws-inventory``: what is there now, one snapshot of the current month per run."""

    name: ClassVar[str] = "aws-inventory"
    dataset: ClassVar[Dataset] = Dataset.INVENTORY
    schemes: ClassVar[tuple[str, ...]] = ("aws",)
    permissions: ClassVar[tuple[str, ...]] = PERMISSIONS
    options: ClassVar[Mapping[str, str]] = {
        "profile": "profile of the AWS configuration files",
        "regions": "regions to read, separated by commas; default: all that are enabled",
        "role_arn": "role to assume, or several separated by commas: one per account",
        "accounts": "account ids separated by commas, or `organization` for all active ones; needs role_name",
        "role_name": "name of the role that exists in each of the accounts",
        "external_id": "external id the roles ask for",
        "endpoint": "URL that answers instead of AWS, for tests",
    }

    def pull(self, landing: Landing, uri: str, *, source: str, period: Month | None = None) -> Iterator[Snapshot]:
        """Yield the snapshot of this run.

        Raises
        ------
        ConfigError
            If there are no valid credentials, no role can be assumed, or nothing at all may be looked at.
        SourceError
            If no service answers.
        """
        if is_past(landing, period):
            yield snapshot(landing, self.name, source, None)
            return
        found = _Found()
        for part in _look(landing, listed(uri.partition("://")[2].strip("/") or landing.option("regions"))):
            found.resources += part.resources
            found.coverage += part.coverage
        _refuse_nothing(found.coverage)
        found.coverage = _closed(found.coverage)
        file = landing.write("resources", records("aws", [*found.resources, *found.coverage], landing.now))
        landing.tell(f"{source}: {summary(found.resources)}")
        yield snapshot(landing, self.name, source, file, warnings_of(found.coverage))


def _look(landing: Landing, wanted: list[str]) -> Iterator[_Found]:
    entered = accounts(landing)
    endpoint = landing.option("endpoint")
    for refused, role in entered.refused.items():
        reason = f"sts:AssumeRole on {role}"
        yield _Found(coverage=[Coverage("*", refused, EVERYWHERE, Seen.DENIED, missing=(reason,))])
    for account in entered.entered:
        chosen = regions(account, wanted, endpoint)
        landing.tell(f"account {account.id}: {len(chosen)} regions")
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            yield from pool.map(lambda region, account=account: _region(account, region, endpoint), chosen)
        yield _everywhere(account, chosen if wanted else [], endpoint)


def _region(account: Account, region: str, endpoint: str) -> _Found:
    return _read(Place(account.session, account.id, region, account.partition, endpoint), KINDS, region)


def _everywhere(account: Account, chosen: list[str], endpoint: str) -> _Found:
    """Read what belongs to no region; of the buckets those in the chosen regions."""
    where = chosen[0] if chosen else (account.session.region_name or "us-east-1")
    found = _read(Place(account.session, account.id, where, account.partition, endpoint), GLOBAL_KINDS, EVERYWHERE)
    if chosen:
        found.resources = [resource for resource in found.resources if resource.region_id in {*chosen, None}]
    return found


def _read(place: Place, kinds: Mapping[str, Reader], where: str) -> _Found:
    """Read kind by kind; one that may not be seen, or whose service fails, does not stop the others.

    A region that is not enabled shows nothing; it is not as if something there could not be looked at.
    """
    found = _Found()
    for kind, reader in kinds.items():
        place.begin()
        try:
            there = list(reader(place))
        except Denied as denied:
            seen = Coverage(kind, place.account, where, Seen.DENIED, missing=(denied.permission,))
        except NotEnabled:
            return _Found()
        except Unanswered as error:
            seen = Coverage(kind, place.account, where, Seen.FAILED, reason=str(error))
        else:
            found.resources += there
            state = Seen.PARTIAL if place.missing or place.failed else Seen.COMPLETE
            missing, reason = tuple(sorted(place.missing)), "; ".join(sorted(place.failed))
            seen = Coverage(kind, place.account, where, state, len(there), missing, reason)
        found.coverage.append(seen)
    return found


def _closed(coverage: list[Coverage]) -> list[Coverage]:
    """Say in one row of a region where everything is denied: an organisation's policy closes it to everybody."""
    places: dict[tuple[str, str], list[Coverage]] = {}
    for row in coverage:
        places.setdefault((row.sub_account_id, row.region_id), []).append(row)
    return [row for rows in places.values() for row in _one_if_closed(rows)]


def _one_if_closed(rows: list[Coverage]) -> list[Coverage]:
    if len(rows) == 1 or any(row.seen is not Seen.DENIED for row in rows):
        return rows
    return [Coverage("*", rows[0].sub_account_id, rows[0].region_id, Seen.DENIED, reason="everything is denied there")]


def _refuse_nothing(coverage: list[Coverage]) -> None:
    """Refuse a run that saw nothing, which would say that there is nothing."""
    if any(row.seen in {Seen.COMPLETE, Seen.PARTIAL} for row in coverage):
        return
    missing = sorted({permission for row in coverage for permission in row.missing})
    if missing:
        shown = ", ".join(missing[:3])
        hint = "Attach the policy in docs/permissions.md, or see `costlab doctor --permissions`"
        raise ConfigError(f"nothing may be looked at: {len(missing)} permissions missing, first {shown}", hint=hint)
    reason = coverage[0].reason if coverage else "none of the regions is enabled"
    raise SourceError(f"nothing could be looked at: {reason}", hint="Check the network, the regions and try again")


CONNECTOR = AwsInventory()
