"""AWS as its inventory is read: credentials, accounts, regions, pages, and what a refusal means."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from costlab.errors import ConfigError, SourceError
from costlab_connectors._inventory import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from costlab.errors import CostlabError
    from costlab.interfaces.connector import Landing

PAGES: Final = {"ec2": 500, "s3": 500}
"""Items per page where nothing else is sensible: without it EC2 answers with everything at once (large accounts time
out), and S3 does not tell where buckets are."""
RETRIES: Final = {"mode": "adaptive", "max_attempts": 8}
"""Eight times, each time later, and from the first refusal on not faster than the service takes it."""
_DENIED: Final = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
        "AuthorizationError",
        "AuthorizationErrorException",
    }
)
_NO_CREDENTIALS: Final = frozenset(
    {
        "ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidAccessKeyId", "SignatureDoesNotMatch",
        "InvalidToken",
    }
)  # fmt: skip
_UNKNOWN: Final = frozenset({"AuthFailure", "InvalidClientTokenId", "UnrecognizedClientException"})
"""The credentials are not known: at all, or only in this region, because it is not enabled."""
_LOG_IN: Final = (
    "Run `aws sso login` or `aws configure`, or set option profile; check with `aws sts get-caller-identity`"
)
_PREFIXES: Final = {"elb": "elasticloadbalancing", "elbv2": "elasticloadbalancing", "resourcegroupstaggingapi": "tag"}
_IRREGULAR: Final = {
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
}


class Denied(Exception):
    """A permission is missing."""

    def __init__(self, permission: str) -> None:
        super().__init__(permission)
        self.permission = permission


class NotEnabled(Exception):
    """The credentials, which STS knows, are not known in this region."""


class Unanswered(Exception):
    """A service did not answer, or not with what was asked for, however often it was asked."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class Place:
    """One region of one account; hands out clients and pages, and remembers which side questions were refused."""

    session: Any
    account: str
    region: str
    partition: str
    endpoint: str
    missing: set[str] = field(default_factory=set[str])
    failed: set[str] = field(default_factory=set[str])
    _clients: dict[str, Any] = field(default_factory=dict[str, Any])
    _tags: dict[str, dict[str, str]] | None = None
    _tags_refused: bool = False

    def client(self, service: str) -> Any:
        """Return the service's client in this region."""
        if service not in self._clients:
            with _SESSIONS:
                self._clients[service] = client(self.session, service, self.region, self.endpoint)
        return self._clients[service]

    def ask(self, service: str, operation: str, **parameters: Any) -> Any:
        """Return one answer.

        Raises
        ------
        Denied
            If the permission is missing.
        Unanswered
            If the service fails or throttles for too long.
        ConfigError
            If the credentials do not count any more.
        """
        try:
            return getattr(self.client(service), operation)(**parameters)
        except Exception as error:  # noqa: BLE001 - botocore makes its error classes at run time; what is not its own goes on
            raise explained(error, self.permission(service, operation)) from None

    def pages(self, service: str, operation: str, path: str, **parameters: Any) -> Iterator[Any]:
        """Yield the items at ``path`` (JMESPath) of all pages; raises like :meth:`ask`."""
        size = {"PageSize": PAGES[service]} if service in PAGES else {}
        try:
            paginator = self.client(service).get_paginator(operation)
            for item in paginator.paginate(PaginationConfig=size, **parameters).search(path):
                if item is not None:
                    yield item
        except Exception as error:  # noqa: BLE001 - as above
            raise explained(error, self.permission(service, operation)) from None

    def side(self, service: str, operation: str, **parameters: Any) -> Any:
        """Return an answer that only adds properties: ``{}`` where there is none, None when it is refused or fails."""
        permission = self.permission(service, operation)
        if permission in self.missing:
            return None
        try:
            return self.ask(service, operation, **parameters)
        except Denied:
            self.missing.add(permission)
        except Unanswered as error:
            if _says_none(error.code):
                return {}
            self.failed.add(str(error))
        return None

    def permission(self, service: str, operation: str) -> str:
        """Return the IAM action behind an operation, such as ``ec2:DescribeVolumes``."""
        return action(service, self.client(service).meta.method_to_api_mapping[operation])

    def arn(self, service: str, tail: str) -> str:
        """Return the name of something in this place."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{tail}"

    def tags(self, arn: str) -> dict[str, str] | None:
        """Return the tags of a resource whose service does not tell them with it; None when they are not known."""
        if self._tags is None:
            self._tags = {}
            try:
                for found in self.pages("resourcegroupstaggingapi", "get_resources", "ResourceTagMappingList[]"):
                    self._tags[found["ResourceARN"]] = tags_of(found.get("Tags"))
            except Denied:
                self._tags_refused = True
        if self._tags_refused:
            self.missing.add("tag:GetResources")
        return self._tags.get(arn)

    def begin(self) -> None:
        """Forget which side questions of the kind before were refused."""
        self.missing, self.failed = set(), set()


_SESSIONS: Final = threading.Lock()
"""Sessions make their clients one at a time; the clients themselves are safe to share."""


def _says_none(code: str) -> bool:
    """Whether an error is only S3's way to say that a bucket has no such configuration."""
    return code.startswith("NoSuch") or code.endswith("NotFoundError")


def action(service: str, operation: str) -> str:
    """Return the IAM action of a service's operation, such as ``s3:ListAllMyBuckets`` of ``ListBuckets``."""
    name = f"{_PREFIXES.get(service, service)}:{operation}"
    return _IRREGULAR.get(name, name)


def client(session: Any, service: str, region: str, endpoint: str) -> Any:
    """Return a client that waits when the service throttles."""
    from botocore.config import Config

    config = Config(retries=dict(RETRIES), connect_timeout=10, read_timeout=60)
    return session.client(service, region_name=region, endpoint_url=endpoint or None, config=config)


def tags_of(pairs: Any) -> dict[str, str]:
    """Return ``[{"Key": k, "Value": v}]`` (or ``key``, ``value``) as a dictionary."""
    return {p.get("Key", p.get("key")): p.get("Value", p.get("value", "")) for p in pairs or ()}


def explained(error: Exception, permission: str) -> Exception:
    """Return what an SDK error means here: a missing permission, credentials, or a service that does not answer."""
    from botocore import exceptions as sdk

    if isinstance(error, sdk.ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _DENIED:
            return Denied(permission)
        if code in _UNKNOWN:
            return NotEnabled(code)
        if code in _NO_CREDENTIALS:
            return ConfigError(f"AWS does not accept the credentials ({code})", hint=_LOG_IN)
        return Unanswered(f"{permission}: {code or 'no reason given'}", code)
    if isinstance(
        error,
        (sdk.NoCredentialsError, sdk.PartialCredentialsError, sdk.CredentialRetrievalError, sdk.TokenRetrievalError,
         sdk.SSOError, sdk.UnauthorizedSSOTokenError, sdk.ProfileNotFound),
    ):  # fmt: skip
        return ConfigError(f"no AWS credentials: {type(error).__name__}", hint=_LOG_IN)
    if isinstance(error, sdk.BotoCoreError):
        return Unanswered(f"{permission}: {type(error).__name__}")
    return error


@dataclass(frozen=True, slots=True)
class Account:
    """An account that can be looked into."""

    id: str
    partition: str
    session: Any


@dataclass(slots=True)
class Accounts:
    """The accounts that could be entered, and why others could not."""

    entered: list[Account] = field(default_factory=list[Account])
    refused: dict[str, str] = field(default_factory=dict[str, str])
    """Account -> the role that cannot be assumed."""


def accounts(landing: Landing) -> Accounts:
    """Return the accounts the options name: that of the credentials, or those that roles lead to.

    Raises
    ------
    ConfigError
        If there are no valid credentials, or none of the roles can be assumed.
    """
    own = _own(landing)
    endpoint = landing.option("endpoint")
    roles = _roles(landing, own, endpoint)
    if not roles:
        return Accounts([own])
    found = Accounts()
    for account, role in roles.items():
        if account == own.id and not landing.option("role_arn"):
            found.entered.append(own)
            continue
        try:
            found.entered.append(Account(account, own.partition, _assumed(landing, own, role, endpoint)))
        except Denied:
            found.refused[account] = role
    if not found.entered:
        first = next(iter(found.refused.values()))
        raise ConfigError(
            f"none of {len(roles)} roles can be assumed, first {first}: sts:AssumeRole is missing",
            hint="Allow sts:AssumeRole on the roles, and let each role's trust policy name these credentials",
        )
    return found


def home(session: Any) -> str:
    """Return the region to ask what belongs to no region; the user's own, since partitions have nothing in common."""
    return session.region_name or "us-east-1"


def _own(landing: Landing) -> Account:
    try:
        session = _session(landing.option("profile"))
        identity = client(session, "sts", home(session), landing.option("endpoint")).get_caller_identity()
    except Exception as error:  # noqa: BLE001 - as above
        raise _fatal(explained(error, "sts:GetCallerIdentity")) from None
    return Account(identity["Account"], identity["Arn"].split(":")[1], session)


def _roles(landing: Landing, own: Account, endpoint: str) -> dict[str, str]:
    """Return account -> role to assume."""
    named = listed(landing.option("role_arn"))
    if named:
        return {arn.split(":")[4]: arn for arn in named if _checked(arn)}
    wanted = landing.option("accounts")
    if not wanted:
        return {}
    name = landing.option("role_name")
    if not name:
        raise ConfigError("option accounts needs role_name", hint="Name the role that exists in each of the accounts")
    ids = _organization(own, endpoint) if wanted == "organization" else listed(wanted)
    return {account: f"arn:{own.partition}:iam::{account}:role/{name}" for account in ids}


def _checked(arn: str) -> bool:
    if arn.count(":") < 5 or not arn.startswith("arn:"):
        raise ConfigError(f"option role_arn: {arn!r} is not a role's ARN", hint="arn:aws:iam::111122223333:role/NAME")
    return True


def _organization(own: Account, endpoint: str) -> list[str]:
    place = Place(own.session, own.id, home(own.session), own.partition, endpoint)
    try:
        found = list(place.pages("organizations", "list_accounts", "Accounts[]"))
    except (Denied, NotEnabled, Unanswered) as error:
        raise _fatal(error) from None
    return sorted(account["Id"] for account in found if account.get("Status") == "ACTIVE")


def _assumed(landing: Landing, own: Account, role: str, endpoint: str) -> Any:
    from botocore.credentials import DeferredRefreshableCredentials

    place = Place(own.session, own.id, home(own.session), own.partition, endpoint)
    external = {"ExternalId": external_id} if (external_id := landing.option("external_id")) else {}

    def fresh() -> dict[str, str]:
        given = place.ask("sts", "assume_role", RoleArn=role, RoleSessionName="costlab", **external)["Credentials"]
        return {
            "access_key": given["AccessKeyId"],
            "secret_key": given["SecretAccessKey"],
            "token": given["SessionToken"],
            "expiry_time": given["Expiration"].isoformat(),
        }

    first = fresh()  # a refusal is known now, not in the middle of a region
    session = _session()
    waiting = [first]
    session._session._credentials = DeferredRefreshableCredentials(  # noqa: SLF001 - there is no public way
        lambda: waiting.pop() if waiting else fresh(), "assume-role"
    )
    return session


def _session(profile: str = "") -> Any:
    """Return a session; all of them share the descriptions of the services, which take long to read."""
    import boto3
    from botocore.session import Session

    core = Session(profile=profile or None)
    core.register_component("data_loader", _loader())
    return boto3.Session(botocore_session=core)


@cache
def _loader() -> Any:
    from botocore.loaders import create_loader

    return create_loader()


def regions(account: Account, wanted: list[str], endpoint: str) -> list[str]:
    """Return the enabled regions of an account, only those that are wanted if any are named.

    Raises
    ------
    ConfigError
        If no regions are named and the account's cannot be listed.
    """
    place = Place(
        account.session, account.id, wanted[0] if wanted else home(account.session), account.partition, endpoint
    )
    try:
        answer = place.ask("ec2", "describe_regions", AllRegions=False)
    except (Denied, NotEnabled, Unanswered) as error:
        if wanted:
            return wanted
        raise _fatal(error) from None
    enabled = {region["RegionName"] for region in answer["Regions"] if region.get("OptInStatus") != "not-opted-in"}
    return sorted(enabled & set(wanted)) if wanted else sorted(enabled)


def _fatal(error: Exception) -> CostlabError | Exception:
    """Return the user's error for what cannot be worked round."""
    if isinstance(error, Denied):
        return ConfigError(f"permission {error.permission} is missing", hint="docs/permissions.md has a ready policy")
    if isinstance(error, NotEnabled):
        return ConfigError(f"AWS does not accept the credentials ({error})", hint=_LOG_IN)
    if isinstance(error, Unanswered):
        return SourceError(f"AWS does not answer: {error}", hint="Try again; check the network and option endpoint")
    return error
