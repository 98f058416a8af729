"""Cloud Asset Inventory over its REST interface: credentials, pages, and what a refusal means.

Not the client library: it hides Retry-After, and turns the resources' JSON into messages and back.
"""

from __future__ import annotations

from time import sleep
from typing import TYPE_CHECKING, Any, Final

from costlab.errors import ConfigError, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from costlab.errors import CostlabError

PERMISSION: Final = "cloudasset.assets.listResource"
PAGE: Final = 1000
_HOST: Final = "https://cloudasset.googleapis.com"
_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
_AGAIN: Final = frozenset({429, 500, 502, 503, 504})
_TRIES: Final = 6
_LONGEST: Final = 60.0
_LOG_IN: Final = "Run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS"


class Denied(Exception):
    """A scope may not be listed."""


class Assets:
    """What is below organisations, folders and projects."""

    def __init__(self, endpoint: str) -> None:
        from google.auth.transport import requests

        session: Any = requests.AuthorizedSession  # google-auth is not typed
        self._base = (endpoint or _HOST).rstrip("/")
        self._session = session(_credentials())

    def below(self, scope: str, types: tuple[str, ...]) -> Iterator[dict[str, Any]]:
        """Yield the assets of the types below ``projects/ID``, ``folders/NUMBER`` or ``organizations/NUMBER``.

        Raises
        ------
        Denied
            If they may not be listed.
        ConfigError
            If there are no credentials, or the service is not turned on.
        SourceError
            If it does not answer.
        """
        query: dict[str, Any] = {"contentType": "RESOURCE", "pageSize": PAGE, "assetTypes": list(types)}
        while True:
            answer = self._ask(f"{self._base}/v1/{scope}/assets", query)
            yield from answer.get("assets", ())
            if not answer.get("nextPageToken"):
                return
            query["pageToken"] = answer["nextPageToken"]

    def _ask(self, url: str, query: dict[str, Any]) -> dict[str, Any]:
        for number in range(_TRIES):
            response = self._get(url, query)
            if response.status_code not in _AGAIN:
                break
            if number < _TRIES - 1:
                sleep(_wait(response.headers.get("Retry-After", ""), number))
        if response.status_code == 200:
            found: dict[str, Any] = response.json()
            return found
        raise _refused(response)

    def _get(self, url: str, query: dict[str, Any]) -> Any:
        from google.auth.exceptions import GoogleAuthError, TransportError
        from requests.exceptions import RequestException

        try:
            return self._session.get(url, params=query, timeout=60)
        except (RequestException, TransportError) as error:
            raise SourceError(
                f"Cloud Asset Inventory does not answer ({type(error).__name__})",
                hint="Check the network, or option endpoint",
            ) from None
        except GoogleAuthError as error:
            raise ConfigError(
                f"Google does not accept the credentials ({type(error).__name__})", hint=_LOG_IN
            ) from None


def _credentials() -> Any:
    import google.auth
    from google.auth.exceptions import DefaultCredentialsError

    try:
        return google.auth.default(scopes=[_SCOPE])[0]
    except DefaultCredentialsError:
        raise ConfigError("no Google credentials", hint=_LOG_IN) from None


def _wait(told: str, number: int) -> float:
    """Return the seconds to wait: what the service says, else twice as long each time."""
    return min(float(told) if told.isdigit() else 2.0**number, _LONGEST)


def _refused(response: Any) -> CostlabError | Denied:
    status, reason = _reason(response)
    if reason == "SERVICE_DISABLED":
        return ConfigError(
            "the Cloud Asset API is not turned on", hint="gcloud services enable cloudasset.googleapis.com"
        )
    if response.status_code == 403:
        return Denied(PERMISSION)
    if response.status_code == 401:
        return ConfigError(f"Google does not accept the credentials ({status})", hint=_LOG_IN)
    return SourceError(
        f"Cloud Asset Inventory answers {response.status_code} ({status})", hint="Check the scope, or try again later"
    )


def _reason(response: Any) -> tuple[str, str]:
    """Return the status and the reason an error gives; its message may name people and is not shown."""
    try:
        error = response.json()["error"]
    except (ValueError, KeyError, TypeError):
        return "", ""
    return str(error.get("status", "")), next((str(d["reason"]) for d in error.get("details", ()) if "reason" in d), "")
