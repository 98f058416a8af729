"""Where objects lie: S3, Google Cloud Storage, Azure Blob Storage, and how each is reached."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from costlab.errors import ConfigError, UnknownValue, UsageError
from costlab.lake.credentials import (
    Options,
    aws_provider,
    aws_session,
    aws_who,
    azure_provider,
    azure_who,
    bucket_region,
    connection_string,
    google_provider,
    google_who,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from obstore.store import ObjectStore

_CONTAINER = re.compile(r"[$A-Za-z0-9][A-Za-z0-9._-]*")
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
_AZURE_HOST = re.compile(
    r"(?P<account>[a-z0-9]{3,24})\.(?:blob|dfs)\.core\.(?:windows\.net|chinacloudapi\.cn|usgovcloudapi\.net)"
)


@dataclass(frozen=True, slots=True)
class Location:
    """A place in an object store: the root of a bucket or container when ``key`` is empty."""

    scheme: str
    container: str
    key: str
    account: str = ""
    """Azure: the storage account, where the URI names it."""

    @property
    def root(self) -> str:
        """The URI of the bucket or container."""
        return f"{self.scheme}://{self.container}"


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach a bucket, and what to say when that fails."""

    connect: Callable[[], ObjectStore]
    """Reads the credentials anew."""
    who: str
    """Whose credentials they are; never a secret."""
    to_list: str
    to_read: str
    """The permissions that are needed."""
    problems: list[ConfigError] = field(default_factory=list[ConfigError])
    """What went wrong when credentials were asked for: obstore hands on only that something did."""
    relocate: Callable[[], bool] = bool
    """Find out where the bucket lies; whether there is a new place to ``connect`` to."""


def location_of(uri: str) -> Location | None:
    """Return the place an ``s3://``, ``gs://``, ``az://``, ``abfs[s]://`` or Azure ``https://`` URI names, else None.

    Keys are taken as they are written (``#``, ``?`` and ``%`` are ordinary characters) except in ``https://`` URLs.

    Raises
    ------
    UsageError
        If no bucket is named, or the URL carries a signature.
    """
    scheme, _, rest = uri.partition("://")
    scheme = scheme.lower()
    container, _, key = rest.partition("/")
    found: Location | None = None
    if scheme in {"s3", "gs", "az"}:
        found = Location(scheme, container, key.strip("/"))
    elif scheme in {"abfs", "abfss"}:
        name, _, host = container.partition("@")
        match = _AZURE_HOST.fullmatch(host)
        found = Location("az", name, key.strip("/"), match["account"] if match else "")
    elif scheme == "https" and (match := _AZURE_HOST.fullmatch(container.lower())):
        found = _from_url(uri, match["account"])
    if found is not None:
        _check(found, uri)
    return found


def _check(found: Location, uri: str) -> None:
    hint = "Write s3://BUCKET/FOLDER, gs://... or az://CONTAINER/..."
    if not _CONTAINER.fullmatch(found.container):
        raise UsageError(f"{uri!r} names no bucket", hint=hint)
    if not {"", ".", ".."}.isdisjoint(found.key.split("/") if found.key else ()) or not found.key.isprintable():
        raise UsageError(f"{uri!r} has an empty or relative folder in it, or a control character", hint=hint)


def _from_url(url: str, account: str) -> Location:
    parts = urlsplit(url)
    if parts.query:
        told = f"{parts.scheme}://{parts.netloc}{parts.path}"
        raise UsageError(
            f"{told} carries a signature", hint="Leave it out of the URL and give it as --option sas=env:NAME"
        )
    container, _, key = unquote(parts.path).lstrip("/").partition("/")
    return Location("az", container, key.strip("/"), account)


def access_to(location: Location, options: Mapping[str, str]) -> Access:
    """Return how to reach a bucket or container with a source's options.

    Raises
    ------
    UnknownValue
        If an option is not one of the store's.
    ConfigError
        If a secret that an option refers to is not there.
    """
    valid, make = _STORES[location.scheme]
    for name in options:
        if name not in valid:
            raise UnknownValue(f"option of {location.scheme}://", name, valid)
    return make(location, Options(options))


_S3_OPTIONS: Final = (
    "profile", "region", "endpoint", "role_arn", "requester_pays", "anonymous",
    "access_key_id", "secret_access_key", "session_token",
)  # fmt: skip


def _s3(location: Location, options: Options) -> Access:
    problems: list[ConfigError] = []
    anonymous, payer = options.flag("anonymous"), options.flag("requester_pays")

    regions: list[str] = []

    def relocate() -> bool:
        if not regions:
            regions.append(bucket_region(location.container, options))
            return bool(regions[0])
        return False

    def connect() -> ObjectStore:
        from obstore.store import S3Store

        session = None if anonymous else aws_session(options)
        more: dict[str, Any] = {"endpoint": endpoint} if (endpoint := options.endpoint()) else {}
        told = regions[0] if regions else options.text("region")
        region = told or (session and session.region_name) or "us-east-1"
        return S3Store(
            location.container,
            region=region,
            request_payer=payer,
            skip_signature=anonymous,
            credential_provider=None if session is None else aws_provider(session, options, problems),
            client_options=options.client(endpoint),  # type: ignore[arg-type]  # a plain dict of known keys
            retry_config={"max_retries": 0},
            **more,
        )

    bucket = f"arn:aws:s3:::{location.container}"
    return Access(
        connect, aws_who(options), f"s3:ListBucket on {bucket}", f"s3:GetObject on {bucket}/*", problems, relocate
    )


_GS_OPTIONS: Final = ("credentials", "endpoint", "anonymous")


def _gs(location: Location, options: Options) -> Access:
    problems: list[ConfigError] = []
    anonymous = options.flag("anonymous")

    def connect() -> ObjectStore:
        from obstore.store import GCSStore

        more: dict[str, Any] = {"base_url": endpoint} if (endpoint := options.endpoint()) else {}
        return GCSStore(
            location.container,
            skip_signature=anonymous,
            credential_provider=None if anonymous else google_provider(options, problems),
            client_options=options.client(endpoint),  # type: ignore[arg-type]  # a plain dict of known keys
            retry_config={"max_retries": 0},
            **more,
        )

    who = "anonymous access" if anonymous else google_who(options)
    needed = f"on {location.root}, for example with roles/storage.objectViewer"
    return Access(connect, who, f"storage.objects.list {needed}", f"storage.objects.get {needed}", problems)


_AZ_OPTIONS: Final = ("account", "endpoint", "anonymous", "account_key", "sas", "connection_string", "client_id")


def _az(location: Location, options: Options) -> Access:
    problems: list[ConfigError] = []
    anonymous = options.flag("anonymous")

    def connect() -> ObjectStore:
        from obstore.store import AzureStore

        told = connection_string(options.text("connection_string"))
        endpoint = options.endpoint(told.get("blobendpoint", ""))
        account = location.account or options.text("account") or told.get("accountname", "")
        if not _ACCOUNT.fullmatch(account):
            raise ConfigError(
                f"{location.root}: the storage account is not named",
                hint="--option account=NAME, or write abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/FOLDER",
            )
        more: dict[str, Any] = {"endpoint": endpoint} if endpoint else {}
        return AzureStore(
            location.container,
            account_name=account,
            skip_signature=anonymous,
            credential_provider=None if anonymous else azure_provider(options, told, problems),
            client_options=options.client(endpoint),  # type: ignore[arg-type]  # a plain dict of known keys
            retry_config={"max_retries": 0},
            **more,
        )

    needed = f"Storage Blob Data Reader on {location.root}"
    return Access(connect, azure_who(options), needed, needed, problems)


_STORES: Final[Mapping[str, tuple[tuple[str, ...], Callable[[Location, Options], Access]]]] = {
    "s3": (_S3_OPTIONS, _s3),
    "gs": (_GS_OPTIONS, _gs),
    "az": (_AZ_OPTIONS, _az),
}
