"""Azure Resource Manager for Cost Management, Advisor and budgets: the SDK's pipeline, pages, waiting, plain errors.

Requests are free of charge but throttled. Cost Management says in headers of its own how long to wait
(``x-ms-ratelimit-microsoft.costmanagement-entity-retry-after`` and the like); the longest of them counts.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit

from costlab.errors import ConfigError, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from costlab.interfaces.connector import Landing

PUBLIC: Final = "https://management.azure.com"
OPTIONS: Final = {"endpoint": f"Azure Resource Manager's address (default: {PUBLIC}; sovereign clouds have their own)"}
_TRIES: Final = 6
_LONGEST: Final = 300.0
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_LOG_IN: Final = "Run `az login`, or set AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET"
_QUERY: Final = {"api_version": "api-version", "odata_filter": "$filter"}
_RETRIED: Final = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Azure:
    """Azure Resource Manager, ready to be asked."""

    client: Any
    endpoint: str
    landing: Landing

    def get(self, path: str, permission: str, **query: str) -> Any:
        """Return the JSON answer to a GET; see :meth:`ask`."""
        return self.ask("GET", self._url(path, query), permission)

    def post(self, path: str, permission: str, body: Mapping[str, Any], **query: str) -> Iterator[Any]:
        """Yield the answers to a POST, one per page; the same body is sent for each."""
        url: str | None = self._url(path, query)
        while url:
            page = self.ask("POST", url, permission, body)
            yield page
            url = self._next(((page or {}).get("properties") or {}).get("nextLink"))

    def items(self, path: str, permission: str, **query: str) -> Iterator[Any]:
        """Yield the entries of a list, page by page."""
        url: str | None = self._url(path, query)
        while url:
            page = self.ask("GET", url, permission) or {}
            yield from page.get("value", ())
            url = self._next(page.get("nextLink"))

    def ask(self, method: str, url: str, permission: str, body: Mapping[str, Any] | None = None) -> Any:
        """Return the JSON of one answer, numbers as ``Decimal``; None when there is no content.

        Raises
        ------
        ConfigError
            If credentials are missing, wrong or lack ``permission``.
        SourceError
            If the service does not answer, throttles for too long or refuses.
        """
        for attempt in range(_TRIES):
            response = self._sent(method, url, permission, body)
            if response.status_code not in _RETRIED or attempt == _TRIES - 1:
                return _answered(response, permission)
            wait = _wait(response.headers, attempt)
            if wait > _LONGEST:
                return _answered(response, permission)
            self.landing.tell(f"Azure asks to wait {wait:.0f} s ({response.status_code})")
            time.sleep(wait)
        raise AssertionError

    def _sent(self, method: str, url: str, permission: str, body: Mapping[str, Any] | None) -> Any:
        from azure.core.exceptions import AzureError, ClientAuthenticationError
        from azure.core.rest import HttpRequest

        more = {} if urlsplit(url).scheme == "https" else {"enforce_https": False}
        try:
            return self.client.send_request(HttpRequest(method, url, json=body), **more)
        except ClientAuthenticationError:
            raise ConfigError("no valid Azure credentials", hint=_LOG_IN) from None
        except AzureError as error:
            raise SourceError(
                f"Azure does not answer {permission}: {type(error).__name__}", hint="Check the network; try again"
            ) from None

    def _url(self, path: str, query: Mapping[str, str]) -> str:
        named = {
            name.replace("api_version", "api-version").replace("odata_", "$"): text for name, text in query.items()
        }
        return f"{self.endpoint}{path}?{urlencode(named, safe='$')}"

    def _next(self, link: str | None) -> str | None:
        """Return the address of the next page; the token is never sent to another host."""
        if link and urlsplit(link).netloc != urlsplit(self.endpoint).netloc:
            raise SourceError("Azure's next page is on another host", hint="Please report it")
        return link or None


def connect(landing: Landing) -> Azure:
    """Return Azure Resource Manager at the option ``endpoint``.

    Raises
    ------
    ConfigError
        If the address is not https.
    """
    endpoint = landing.option("endpoint", PUBLIC).rstrip("/")
    parts = urlsplit(endpoint)
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise ConfigError(f"option endpoint: {endpoint!r} is not https", hint="Tokens are sent over https only")
    scope = f"{endpoint if parts.scheme == 'https' else PUBLIC}/.default"
    return Azure(_client(endpoint, scope), endpoint, landing)


def _client(endpoint: str, scope: str) -> Any:
    """Return the SDK's client; without its retries, which do not know the headers of Cost Management.

    Its typed methods read amounts as floats and no second page: requests go through ``send_request``.
    """
    from azure.core.pipeline import policies
    from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy
    from azure.mgmt.costmanagement import CostManagementClient

    identity = credential()
    steps = [
        policies.RequestIdPolicy(),
        policies.HeadersPolicy(),
        policies.UserAgentPolicy("costlab"),
        policies.ProxyPolicy(),
        ARMChallengeAuthenticationPolicy(identity, scope),
    ]
    return CostManagementClient(identity, base_url=endpoint, credential_scopes=[scope], policies=steps)


def credential() -> Any:
    """Return the SDK's own chain of credentials: environment, workload or managed identity, ``az login``."""
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential()


def _wait(headers: Mapping[str, str], attempt: int) -> float:
    told = [
        float(text)
        for name, text in headers.items()
        if name.lower().endswith("retry-after") and text.replace(".", "", 1).isdigit()
    ]
    return max(told, default=2.0**attempt)


def _answered(response: Any, permission: str) -> Any:
    status = response.status_code
    if status == 204 or (status == 200 and not response.text()):
        return None
    if status == 200:
        return _read(response.text(), permission)
    code = _code(response)
    if status == 401:
        raise ConfigError(f"Azure does not accept the credentials ({code})", hint=_LOG_IN)
    if status == 403:
        raise ConfigError(f"Azure denies {permission} ({code})", hint="Give the identity a role with it on the scope")
    if status == 429:
        raise SourceError(f"Azure limits {permission}", hint="Try again later; load fewer months or scopes")
    if status == 404:
        raise SourceError(f"Azure does not know the scope ({code})", hint="Check the subscription or scope in --from")
    raise SourceError(f"Azure refuses {permission}: {status} {code}", hint="Check the scope in --from; try again")


def _read(text: str, permission: str) -> Any:
    try:
        found = json.loads(text, parse_float=Decimal)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise SourceError(f"what answers {permission} is not Azure", hint="Check the proxy and the option endpoint")
    return found


def _code(response: Any) -> str:
    try:
        return str(json.loads(response.text())["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return "no reason given"


def subscriptions(azure: Azure, uri: str) -> list[str]:
    """Return the subscriptions a URI names, ``azure://ID[,ID]``; all that can be seen for ``azure://``.

    Raises
    ------
    ConfigError
        If none can be seen.
    """
    named = [text.strip() for text in uri.partition("://")[2].strip("/").split(",") if text.strip()]
    named = [text.removeprefix("subscriptions/") for text in named]
    if named:
        return named
    seen = azure.items("/subscriptions", "Microsoft.Resources/subscriptions/read", api_version="2022-12-01")
    found = sorted(str(item["subscriptionId"]) for item in seen if item.get("state") in {None, "Enabled"})
    if not found:
        raise ConfigError("these credentials see no Azure subscription", hint="Give them the role Reader on one")
    return found


def scopes(azure: Azure, uri: str) -> list[str]:
    """Return what a URI names as paths: subscriptions, or one billing scope or management group as Azure writes it.

    ``azure://ID``: ``/subscriptions/ID``; ``azure://providers/Microsoft.Billing/billingAccounts/ID``: that.
    """
    path = uri.partition("://")[2].strip("/")
    if path.lower().startswith("providers/"):
        return [f"/{path}"]
    return [f"/subscriptions/{name}" for name in subscriptions(azure, uri)]


def billing_account(scope: str) -> str | None:
    """Return the billing account in a billing scope, None in another."""
    parts = scope.split("/")
    names = [part.lower() for part in parts]
    return parts[names.index("billingaccounts") + 1] if "billingaccounts" in names[:-1] else None
