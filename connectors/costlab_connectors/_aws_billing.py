"""AWS's billing services: clients, the account behind the credentials, and what their errors mean for a user."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from costlab.errors import ConfigError, SourceError

if TYPE_CHECKING:
    from collections.abc import Generator

    from costlab.interfaces.connector import Landing

HOME: Final = "us-east-1"
"""Cost Explorer, Budgets and Cost Optimization Hub answer here for all regions."""
OPTIONS: Final = {
    "profile": "a profile of ~/.aws/config (default: the SDK's own search)",
    "endpoint": "another address of the services: a proxy or a VPC endpoint",
}
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_REJECTED: Final = frozenset(
    {
        "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "InvalidSignatureException",
        "MissingAuthenticationToken", "SignatureDoesNotMatch", "UnrecognizedClientException",
    }
)  # fmt: skip
_THROTTLED: Final = frozenset(
    {"LimitExceededException", "ThrottlingException", "Throttling", "TooManyRequestsException"}
)
_LOG_IN: Final = "Run `aws sso login` or `aws configure`, or name a profile; check with `aws sts get-caller-identity`"


def client(landing: Landing, service: str, region: str = HOME) -> Any:
    """Return an SDK client that waits and asks again when it is throttled.

    Raises
    ------
    ConfigError
        If the profile does not exist.
    """
    import boto3
    from botocore.config import Config
    from botocore.exceptions import ProfileNotFound

    try:
        session = boto3.Session(profile_name=landing.option("profile") or None)
    except ProfileNotFound as error:
        raise ConfigError(str(error), hint=_LOG_IN) from None
    config = Config(retries={"mode": "standard", "max_attempts": 5}, connect_timeout=10, read_timeout=60)
    return session.client(service, region_name=region, endpoint_url=landing.option("endpoint") or None, config=config)


def account_of(landing: Landing) -> str:
    """Return the account id behind the credentials (needs no permission, costs nothing)."""
    with explained("sts:GetCallerIdentity"):
        return str(client(landing, "sts").get_caller_identity()["Account"])


@contextmanager
def explained(permission: str) -> Generator[None]:
    """Turn an SDK's error into one that says what to do; ``permission`` is the IAM action of the call.

    Raises
    ------
    ConfigError
        If credentials are missing, wrong or lack the permission.
    SourceError
        If the service cannot be reached, throttles for too long or refuses the request.
    """
    from botocore import exceptions as sdk

    try:
        yield
    except sdk.ClientError as error:
        raise _refused(error, permission) from None
    except (
        sdk.NoCredentialsError,
        sdk.PartialCredentialsError,
        sdk.CredentialRetrievalError,
        sdk.SSOError,
        sdk.UnauthorizedSSOTokenError,
    ) as error:
        raise ConfigError(f"no AWS credentials: {type(error).__name__}", hint=_LOG_IN) from None
    except sdk.BotoCoreError as error:
        raise SourceError(
            f"AWS does not answer {permission}: {type(error).__name__}", hint="Check the network, or option endpoint"
        ) from None


def code_of(error: Exception) -> str:
    """Return the code of an error that a service gave, "" for another one."""
    response: Any = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def _refused(error: Exception, permission: str) -> ConfigError | SourceError:
    code = code_of(error)
    if code in _DENIED:
        return ConfigError(f"AWS denies {permission}", hint=f"Give the credentials the permission {permission}")
    if code in _REJECTED:
        return ConfigError(f"AWS does not accept the credentials ({code})", hint=_LOG_IN)
    if code == "OptInRequiredException":
        return ConfigError(
            f"AWS Compute Optimizer is not turned on ({permission})",
            hint="Turn it on, it is free: `aws compute-optimizer update-enrollment-status --status Active`",
        )
    if code in _THROTTLED:
        return SourceError(f"AWS limits {permission} ({code})", hint="Try again later")
    return SourceError(f"AWS refuses {permission}: {code or 'no reason given'}", hint="Try again; -v shows the trace")


def plain_answer(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer without what only the transport needed."""
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}
