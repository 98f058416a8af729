"""With whose credentials buckets are read: the vendors' own chains, unless a source's options say otherwise.

boto3's session (profiles, SSO, assumed roles, web identity, instance roles), Google's application default credentials,
azure-identity's default credential (environment, workload identity, managed identity, Azure CLI).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from costlab.errors import ConfigError, UnknownValue
from costlab.secrets import reveal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Provider = Callable[[], Any]

_ADDRESS = re.compile(r"https?://[\w.:\[\]-]+(?:/[\w./-]*)?", re.ASCII)
_GOOGLE_SCOPE: Final = "https://www.googleapis.com/auth/devstorage.read_only"
_AZURE_SCOPE: Final = "https://storage.azure.com/.default"
_TTL: Final = timedelta(minutes=5)
"""How long keys are used before boto3 is asked again; it renews those that have less than ten minutes left."""
_YES_NO: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_CLIENT: Final = {"connect_timeout": "10s", "read_timeout": "30s", "timeout": "15m"}


@dataclass(frozen=True, slots=True)
class Options:
    """A source's options, secrets resolved when they are used."""

    given: Mapping[str, str]

    def text(self, name: str) -> str:
        """Return an option, "" when it is not given."""
        value = self.given.get(name, "")
        return reveal(value, where=f"option {name!r}") if value else ""

    def flag(self, name: str) -> bool:
        """Return an option that is true or false; false when it is not given."""
        value = self.text(name).lower()
        if value and value not in _YES_NO:
            raise UnknownValue(f"value of {name}", value, ("true", "false"))
        return _YES_NO.get(value, False)

    def endpoint(self, default: str = "") -> str:
        """Return the address of the store, "" for the vendor's own."""
        address = self.text("endpoint") or default
        if address and not _ADDRESS.fullmatch(address):
            raise ConfigError("the endpoint is not an address", hint="Write https://HOST[:PORT]")
        return address

    def client(self, endpoint: str) -> dict[str, Any]:
        """Return how to connect: the time limits; plain HTTP only where the endpoint says so."""
        return _CLIENT | {"allow_http": endpoint.startswith("http://")}


def aws_who(options: Options) -> str:
    """Return whose AWS credentials are used, in words."""
    if options.flag("anonymous"):
        return "anonymous access"
    if options.given.get("access_key_id"):
        return "the access key in the options"
    profile = options.given.get("profile")
    base = f"AWS profile {profile!r}" if profile else "the default AWS credentials"
    role = options.given.get("role_arn")
    return f"role {role} ({base})" if role else base


def bucket_region(bucket: str, options: Options) -> str:
    """Ask S3 in which region a bucket lies; the answer is in a header that obstore does not hand on."""
    from botocore import UNSIGNED
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    config = Config(signature_version=UNSIGNED, s3={"addressing_style": "path"}, retries={"total_max_attempts": 2})
    try:
        session = aws_session(options)
        endpoint = options.endpoint() or None
        client = session.client("s3", region_name="us-east-1", endpoint_url=endpoint, config=config)
        answer = client.head_bucket(Bucket=bucket)
    except ClientError as error:  # refused without a signature, and the region is told all the same
        answer = error.response
    except (BotoCoreError, ConfigError):
        return ""
    return str(answer["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region", ""))


def aws_session(options: Options) -> Any:
    """Return a boto3 session with the profile or keys of the options."""
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


def aws_provider(session: Any, options: Options, problems: list[ConfigError]) -> Provider:
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
        assumed if role else keys, aws_who(options), "Log in again (`aws sso login`) or check the profile", problems
    )


def _aws_keys(key: str, secret: str, token: str | None, expires: datetime) -> dict[str, Any]:
    return {"access_key_id": key, "secret_access_key": secret, "token": token, "expires_at": expires}


def google_who(options: Options) -> str:
    """Return whose Google credentials are used, in words."""
    return "the credentials in the options" if options.given.get("credentials") else "Google's default credentials"


def google_provider(options: Options, problems: list[ConfigError]) -> Provider:
    """Return what gives tokens to the store; called once here, so that faults are told before anything is read."""
    import google.auth.transport.requests
    from google.auth.exceptions import DefaultCredentialsError

    try:
        credentials = _google_credentials(options.text("credentials"))
    except (DefaultCredentialsError, OSError, ValueError):
        raise ConfigError(
            f"{google_who(options)} were not found or cannot be used",
            hint="`gcloud auth application-default login`, or --option credentials=FILE; anonymous=true for none",
        ) from None
    request = google.auth.transport.requests.Request()

    def token() -> Any:
        if not credentials.valid:
            credentials.refresh(request)
        expiry = credentials.expiry  # naive UTC
        return {"token": credentials.token, "expires_at": expiry and expiry.replace(tzinfo=UTC)}

    return _checked(
        token, google_who(options), "`gcloud auth application-default login`, or check the key file", problems
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


def azure_who(options: Options) -> str:
    """Return whose Azure credentials are used, in words."""
    if options.flag("anonymous"):
        return "anonymous access"
    given = {"account_key": "the account key", "sas": "the SAS", "connection_string": "the connection string"}
    found = next((f"{words} in the options" for name, words in given.items() if options.given.get(name)), "")
    return found or "Azure's default credentials"


def azure_provider(options: Options, told: Mapping[str, str], problems: list[ConfigError]) -> Provider:
    """Return what gives a key, a SAS or tokens to the store; ``told`` is the connection string."""
    key = options.text("account_key") or told.get("accountkey", "")
    sas = (options.text("sas") or told.get("sharedaccesssignature", "")).removeprefix("?")
    if key:
        _check_base64(key)
        return lambda: {"access_key": key, "expires_at": None}
    if sas:
        if "sig=" not in sas:
            raise ConfigError("the SAS has no signature", hint="Give all of it: sv=...&sp=rl&...&sig=...")
        return lambda: {"sas_token": sas, "expires_at": None}
    from azure.identity import DefaultAzureCredential

    client = options.text("client_id")
    credential = DefaultAzureCredential(**({"managed_identity_client_id": client} if client else {}))

    def token() -> Any:
        got = credential.get_token(_AZURE_SCOPE)
        return {"token": got.token, "expires_at": datetime.fromtimestamp(got.expires_on, UTC)}

    return _checked(
        token, azure_who(options), "`az login`, or --option sas=env:NAME; anonymous=true for none", problems
    )


def _check_base64(key: str) -> None:
    import base64

    try:
        base64.b64decode(key, validate=True)
    except ValueError:
        raise ConfigError("the account key is not Base64", hint="Copy it whole, as the portal shows it") from None


def connection_string(text: str) -> dict[str, str]:
    """Return the parts of an Azure connection string by name in lower case."""
    pairs = [part.partition("=") for part in text.split(";") if part]
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


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
