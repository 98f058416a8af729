"""Where objects lie (S3, Google Cloud Storage, Azure Blob Storage) and with whose credentials they are read.

Credentials come from the vendor's own chain unless the options say otherwise: boto3's session (profiles, SSO, assumed
roles, web identity, instance roles), Google's application default credentials, azure-identity's default credential
(environment, workload identity, managed identity, Azure CLI).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from costlab.errors import ConfigError, UnknownValue, UsageError
from costlab.secrets import reveal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from obstore.store import ObjectStore

    Provider = Callable[[], Any]

_AZURE_HOST = re.compile(
    r"(?P<account>[a-z0-9]{3,24})\.(?:blob|dfs)\.core\.(?:windows\.net|chinacloudapi\.cn|usgovcloudapi\.net)"
)
_GOOGLE_SCOPE: Final = "https://www.googleapis.com/auth/devstorage.read_only"
_AZURE_SCOPE: Final = "https://storage.azure.com/.default"
_TTL: Final = timedelta(minutes=5)
"""How long keys are used before boto3 is asked again; it renews those that have less than ten minutes left."""
_YES_NO: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_CLIENT: Final = {"connect_timeout": "10s", "read_timeout": "60s", "timeout": "15m"}


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
    if found is not None and not found.container:
        raise UsageError(f"{uri!r} names no bucket", hint="Write s3://BUCKET/FOLDER, gs://... or az://CONTAINER/...")
    return found


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
    return make(location, _Options(options))


@dataclass(frozen=True, slots=True)
class _Options:
    """A source's options, secrets resolved when they are used."""

    given: Mapping[str, str]

    def text(self, name: str) -> str:
        value = self.given.get(name, "")
        return reveal(value, where=f"option {name!r}") if value else ""

    def flag(self, name: str) -> bool:
        value = self.text(name).lower()
        if value and value not in _YES_NO:
            raise UnknownValue(f"value of {name}", value, ("true", "false"))
        return _YES_NO.get(value, False)

    def client(self) -> dict[str, Any]:
        return _CLIENT | {"allow_http": self.text("endpoint").startswith("http://")}


_S3_OPTIONS: Final = (
    "profile", "region", "endpoint", "role_arn", "requester_pays", "anonymous",
    "access_key_id", "secret_access_key", "session_token",
)  # fmt: skip


def _s3(location: Location, options: _Options) -> Access:
    problems: list[ConfigError] = []
    anonymous, payer = options.flag("anonymous"), options.flag("requester_pays")

    def connect() -> ObjectStore:
        from obstore.store import S3Store

        session = None if anonymous else _aws_session(options)
        more: dict[str, Any] = {"endpoint": options.text("endpoint")} if options.text("endpoint") else {}
        region = options.text("region") or (session and session.region_name) or "us-east-1"
        return S3Store(
            location.container,
            region=region,
            request_payer=payer,
            skip_signature=anonymous,
            credential_provider=None if session is None else _aws_provider(session, options, problems),
            client_options=options.client(),  # type: ignore[arg-type]  # a plain dict of known keys
            retry_config={"max_retries": 0},
            **more,
        )

    bucket = f"arn:aws:s3:::{location.container}"
    return Access(connect, _aws_who(options), f"s3:ListBucket on {bucket}", f"s3:GetObject on {bucket}/*", problems)


def _aws_who(options: _Options) -> str:
    if options.flag("anonymous"):
        return "anonymous access"
    if options.given.get("access_key_id"):
        return "the access key in the options"
    profile = options.given.get("profile")
    base = f"AWS profile {profile!r}" if profile else "the default AWS credentials"
    role = options.given.get("role_arn")
    return f"role {role} ({base})" if role else base


def _aws_session(options: _Options) -> Any:
    import boto3
    from botocore.exceptions import BotoCoreError

    keys = {
        "aws_access_key_id": options.text("access_key_id") or None,
        "aws_secret_access_key": options.text("secret_access_key") or None,
        "aws_session_token": options.text("session_token") or None,
    }
    if bool(keys["aws_access_key_id"]) != bool(keys["aws_secret_access_key"]):
        raise ConfigError("half a pair of AWS keys", hint="Give access_key_id and secret_access_key, or neither")
    try:
        return boto3.Session(profile_name=options.text("profile") or None, **keys)
    except BotoCoreError as error:
        raise ConfigError(f"AWS: {error}", hint="Check `aws configure list-profiles` and the option profile") from None


def _aws_provider(session: Any, options: _Options, problems: list[ConfigError]) -> Provider:
    """Return what gives keys to the store; called once here, so that faults are told before anything is read."""
    role = options.text("role_arn")
    credentials = session.get_credentials()
    if credentials is None:
        raise ConfigError(
            "no AWS credentials were found",
            hint="Log in (`aws sso login`), set AWS_PROFILE or --option profile=NAME; --option anonymous=true for none",
        )

    def keys() -> Any:
        frozen = credentials.get_frozen_credentials()
        return _aws_keys(frozen.access_key, frozen.secret_key, frozen.token, datetime.now(UTC) + _TTL)

    def assumed() -> Any:
        answer = session.client("sts", region_name=options.text("region") or session.region_name or "us-east-1")
        got = answer.assume_role(RoleArn=role, RoleSessionName="costlab")["Credentials"]
        return _aws_keys(
            got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"], got["Expiration"].astimezone(UTC)
        )

    return _checked(
        assumed if role else keys, _aws_who(options), "Log in again (`aws sso login`) or check the profile", problems
    )


def _aws_keys(key: str, secret: str, token: str | None, expires: datetime) -> dict[str, Any]:
    return {"access_key_id": key, "secret_access_key": secret, "token": token, "expires_at": expires}


_GS_OPTIONS: Final = ("credentials", "endpoint", "anonymous")


def _gs(location: Location, options: _Options) -> Access:
    problems: list[ConfigError] = []
    anonymous = options.flag("anonymous")

    def connect() -> ObjectStore:
        from obstore.store import GCSStore

        more: dict[str, Any] = {"base_url": options.text("endpoint")} if options.text("endpoint") else {}
        return GCSStore(
            location.container,
            skip_signature=anonymous,
            credential_provider=None if anonymous else _google_provider(options, problems),
            client_options=options.client(),  # type: ignore[arg-type]  # a plain dict of known keys
            retry_config={"max_retries": 0},
            **more,
        )

    who = "anonymous access" if anonymous else _google_who(options)
    needed = f"on {location.root}, for example with roles/storage.objectViewer"
    return Access(connect, who, f"storage.objects.list {needed}", f"storage.objects.get {needed}", problems)


def _google_who(options: _Options) -> str:
    return "the credentials in the options" if options.given.get("credentials") else "Google's default credentials"


def _google_provider(options: _Options, problems: list[ConfigError]) -> Provider:
    import google.auth.transport.requests
    from google.auth.exceptions import DefaultCredentialsError

    try:
        credentials = _google_credentials(options.text("credentials"))
    except (DefaultCredentialsError, OSError, ValueError):
        raise ConfigError(
            f"{_google_who(options)} were not found or cannot be used",
            hint="`gcloud auth application-default login`, or --option credentials=FILE; anonymous=true for none",
        ) from None
    request = google.auth.transport.requests.Request()

    def token() -> Any:
        if not credentials.valid:
            credentials.refresh(request)
        expiry = credentials.expiry  # naive UTC
        return {"token": credentials.token, "expires_at": expiry and expiry.replace(tzinfo=UTC)}

    return _checked(
        token, _google_who(options), "`gcloud auth application-default login`, or check the key file", problems
    )


def _google_credentials(given: str) -> Any:
    import json
    import warnings

    import google.auth

    auth: Any = google.auth  # not typed
    if not given:
        return auth.default(scopes=[_GOOGLE_SCOPE])[0]
    info = json.loads(given if given.lstrip().startswith("{") else Path(given).expanduser().read_text("utf-8"))
    with warnings.catch_warnings():
        # deprecated because files of strangers may name their own services; this one is the user's, of any kind
        warnings.simplefilter("ignore", DeprecationWarning)
        return auth.load_credentials_from_dict(info, scopes=[_GOOGLE_SCOPE])[0]


_AZ_OPTIONS: Final = ("account", "endpoint", "anonymous", "account_key", "sas", "connection_string", "client_id")


def _az(location: Location, options: _Options) -> Access:
    problems: list[ConfigError] = []
    anonymous = options.flag("anonymous")

    def connect() -> ObjectStore:
        from obstore.store import AzureStore

        told = _connection_string(options.text("connection_string"))
        endpoint = options.text("endpoint") or told.get("blobendpoint", "")
        account = location.account or options.text("account") or told.get("accountname", "")
        if not account:
            raise ConfigError(
                f"{location.root}: the storage account is not named",
                hint="--option account=NAME, or write abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/FOLDER",
            )
        more: dict[str, Any] = {"endpoint": endpoint} if endpoint else {}
        return AzureStore(
            location.container,
            account_name=account,
            skip_signature=anonymous,
            credential_provider=None if anonymous else _azure_provider(options, told, problems),
            client_options=options.client() | {"allow_http": endpoint.startswith("http://")},  # type: ignore[arg-type]  # a plain dict of known keys
            retry_config={"max_retries": 0},
            **more,
        )

    needed = f"Storage Blob Data Reader on {location.root}"
    return Access(connect, _azure_who(options), needed, needed, problems)


def _azure_who(options: _Options) -> str:
    if options.flag("anonymous"):
        return "anonymous access"
    given = {"account_key": "the account key", "sas": "the SAS", "connection_string": "the connection string"}
    found = next((f"{words} in the options" for name, words in given.items() if options.given.get(name)), "")
    return found or "Azure's default credentials"


def _connection_string(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(";") if part]
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _azure_provider(options: _Options, told: Mapping[str, str], problems: list[ConfigError]) -> Provider:
    key = options.text("account_key") or told.get("accountkey", "")
    sas = (options.text("sas") or told.get("sharedaccesssignature", "")).removeprefix("?")
    if key:
        return lambda: {"access_key": key, "expires_at": None}
    if sas:
        return lambda: {"sas_token": sas, "expires_at": None}
    from azure.identity import DefaultAzureCredential

    client = options.text("client_id")
    credential = DefaultAzureCredential(**({"managed_identity_client_id": client} if client else {}))

    def token() -> Any:
        got = credential.get_token(_AZURE_SCOPE)
        return {"token": got.token, "expires_at": datetime.fromtimestamp(got.expires_on, UTC)}

    return _checked(
        token, _azure_who(options), "`az login`, or --option sas=env:NAME; anonymous=true for none", problems
    )


def _checked(provider: Provider, who: str, hint: str, problems: list[ConfigError]) -> Provider:
    """Return the provider with faults told in one line: vendors' texts may hold half a web page."""

    def told() -> Any:
        try:
            return provider()
        except Exception as error:  # noqa: BLE001 - a chain of a dozen libraries, each with its own errors
            problems.append(ConfigError(f"{who} cannot be used: {type(error).__name__}", hint=hint))
            raise problems[-1] from None

    told()
    return told


_STORES: Final[Mapping[str, tuple[tuple[str, ...], Callable[[Location, _Options], Access]]]] = {
    "s3": (_S3_OPTIONS, _s3),
    "gs": (_GS_OPTIONS, _gs),
    "az": (_AZ_OPTIONS, _az),
}
