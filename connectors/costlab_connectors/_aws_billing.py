"""AWS's billing services as one account asks them: clients, and what their errors mean for a user."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from costlab.errors import ConfigError, SourceError
from costlab_connectors import _aws_api

if TYPE_CHECKING:
    from collections.abc import Generator

    from costlab.interfaces.connector import Landing

HOME: Final = "us-east-1"
"""Cost Explorer, Budgets and Cost Optimization Hub answer here for all regions."""
OPTIONS: Final = {
    "profile": "profile of the AWS configuration files",
    "role_arn": "role to assume, in the account that pays",
    "external_id": "external id the role asks for",
    "endpoint": "URL that answers instead of AWS: a proxy, or for tests",
}
_PASSING: Final = frozenset(
    {
        "InternalFailure", "InternalServerException", "LimitExceededException", "ServiceUnavailable",
        "ServiceUnavailableException", "Throttling", "ThrottlingException", "TooManyRequestsException",
    }
)  # fmt: skip


class Passing(SourceError):
    """The service is too busy; the same request may succeed later."""


@dataclass(frozen=True, slots=True)
class Payer:
    """The account that asks about its costs."""

    id: str
    session: Any
    endpoint: str

    def client(self, service: str, region: str = HOME, *, tries: int = 6) -> Any:
        """Return an SDK client that asks so often when it is throttled."""
        from botocore.config import Config

        retries = {"mode": "standard", "total_max_attempts": tries}
        config = Config(retries=retries, connect_timeout=10, read_timeout=60)
        return self.session.client(service, region_name=region, endpoint_url=self.endpoint or None, config=config)


def payer(landing: Landing) -> Payer:
    """Return the account behind the credentials, or that of the option ``role_arn``; asking who one is costs nothing.

    Raises
    ------
    ConfigError
        If there are no valid credentials, or the role cannot be assumed.
    """
    account = _aws_api.accounts(landing).entered[0]
    return Payer(account.id, account.session, landing.option("endpoint"))


@contextmanager
def explained(permission: str) -> Generator[None]:
    """Turn an SDK's error into one that says what to do; ``permission`` is the IAM action of the call.

    Raises
    ------
    ConfigError
        If credentials are missing, wrong or lack the permission, or the service is not turned on.
    Passing
        If the service is too busy.
    SourceError
        If it cannot be reached or refuses the request.
    """
    try:
        yield
    except Exception as error:  # noqa: BLE001 - botocore makes its error classes at run time; what is not its own goes on
        raise _told(_aws_api.explained(error, permission), permission) from None


def plain_answer(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer without what only the transport needed."""
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def _told(error: Exception, permission: str) -> Exception:
    if isinstance(error, _aws_api.Denied):
        return ConfigError(f"AWS denies {permission}", hint=f"Give the credentials the permission {permission}")
    if not isinstance(error, _aws_api.Unanswered):
        return error
    if error.code == "OptInRequiredException":
        return ConfigError(
            f"AWS Compute Optimizer is not turned on ({permission})",
            hint="Turn it on, it is free: `aws compute-optimizer update-enrollment-status --status Active`",
        )
    if error.code in _PASSING:
        return Passing(f"AWS limits {permission} ({error.code})", hint="Try again later")
    return SourceError(f"AWS does not answer {error}", hint="Try again; check the network and option endpoint")
