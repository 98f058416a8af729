"""Google Cloud's REST APIs for advice, budgets and inventories: default credentials, pages, plain errors."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from costlab.errors import ConfigError, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from costlab.interfaces.connector import Landing

OPTIONS: Final = {
    "endpoint": "another address of the API, for a private endpoint",
    "quota_project": "the project whose quota is used (default: that of the credentials)",
}
_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
_TRIES: Final = 6
_RETRIED: Final = frozenset({429, 500, 502, 503, 504})
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
LOG_IN: Final = "Run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to a key file"


class Denied(ConfigError):
    """A permission is missing on what was asked for."""


@dataclass(frozen=True, slots=True)
class Google:
    """One API, ready to be asked."""

    session: Any
    endpoint: str
    landing: Landing

    def items(self, path: str, name: str, permission: str, **query: str | list[str]) -> Iterator[Any]:
        """Yield the entries ``name`` of a list, page by page; raises like :meth:`get`."""
        token = ""
        while True:
            page = self.get(path, permission, **query, **({"pageToken": token} if token else {}))
            yield from page.get(name, ())
            token = page.get("nextPageToken") or ""
            if not token:
                return

    def get(self, path: str, permission: str, **query: str | list[str]) -> Mapping[str, Any]:
        """Return one answer.

        Raises
        ------
        ConfigError
            If credentials are missing, wrong or lack ``permission``, or the API is not enabled.
        SourceError
            If the service does not answer, throttles for too long or refuses.
        """
        for attempt in range(_TRIES):
            response = self._sent(path, permission, query)
            if response.status_code not in _RETRIED or attempt == _TRIES - 1:
                return _answered(response, permission)
            told = response.headers.get("Retry-After", "")
            time.sleep(float(told) if told.isdigit() else 2.0**attempt)
        raise AssertionError

    def _sent(self, path: str, permission: str, query: Mapping[str, str | list[str]]) -> Any:
        import requests
        from google.auth.exceptions import GoogleAuthError

        try:
            return self.session.get(f"{self.endpoint}{path}", params=dict(query), timeout=60)
        except GoogleAuthError:
            raise ConfigError("Google does not accept the credentials", hint=LOG_IN) from None
        except requests.RequestException as error:
            raise SourceError(
                f"Google does not answer {permission}: {type(error).__name__}", hint="Check the network; try again"
            ) from None


def connect(landing: Landing, address: str) -> Google:
    """Return the API at ``address``, or at the option ``endpoint``.

    Raises
    ------
    ConfigError
        If there are no credentials, or the address is not https.
    """
    from google.auth.transport.requests import AuthorizedSession

    endpoint = address_of(landing, address)
    authorized: Any = AuthorizedSession  # google-auth is typed in part only
    return Google(authorized(credentials(landing.option("quota_project"))), endpoint, landing)


def address_of(landing: Landing, address: str) -> str:
    """Return where an API answers: ``address``, or the option ``endpoint``; tokens are sent over https only."""
    endpoint = landing.option("endpoint", address).rstrip("/")
    parts = urlsplit(endpoint)
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise ConfigError(f"option endpoint: {endpoint!r} is not https", hint="Tokens are sent over https only")
    return endpoint


def credentials(quota_project: str) -> Any:
    """Return the application default credentials."""
    import google.auth
    from google.auth.exceptions import DefaultCredentialsError

    try:
        found, _ = google.auth.default(scopes=[_SCOPE], quota_project_id=quota_project or None)
    except DefaultCredentialsError:
        raise ConfigError("no Google credentials", hint=LOG_IN) from None
    return found


def money(given: Mapping[str, Any] | None) -> Decimal | None:
    """Return an amount of ``google.type.Money``: units and nanos have the same sign.

    >>> money({"currencyCode": "USD", "units": "-73", "nanos": -268972762})
    Decimal('-73.268972762')
    """
    if not given:
        return None
    return Decimal(str(given.get("units", 0))) + Decimal(int(given.get("nanos", 0))).scaleb(-9)


def _answered(response: Any, permission: str) -> Mapping[str, Any]:
    status = response.status_code
    text = response.text
    if status == 200:
        return _read(text, permission)
    if status == 401:
        raise ConfigError("Google does not accept the credentials", hint=LOG_IN)
    if status == 403 and ("SERVICE_DISABLED" in text or "has not been used in project" in text):
        service = urlsplit(response.url).hostname
        raise ConfigError(f"the API {service} is not enabled", hint=f"gcloud services enable {service}")
    if status == 403:
        raise Denied(f"Google denies {permission}", hint="Give the identity a role with this permission")
    if status == 404:
        raise SourceError("Google does not know what --from names", hint="Check the project or billing account")
    if status == 429:
        raise SourceError(f"Google limits {permission}", hint="Try again later, or name fewer locations")
    raise SourceError(f"Google refuses {permission}: {status}", hint="Check --from; try again")


def _read(text: str, permission: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise SourceError(f"what answers {permission} is not Google", hint="Check the proxy and the option endpoint")
    return found
