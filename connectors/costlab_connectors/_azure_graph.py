"""Azure Resource Graph: credentials, pages, quotas, and what a refusal means."""

from __future__ import annotations

from time import sleep
from typing import TYPE_CHECKING, Any, Final

from costlab.errors import ConfigError, SourceError
from costlab_connectors._azure_rest import credential

if TYPE_CHECKING:
    from collections.abc import Iterator

    from costlab.errors import CostlabError

PAGE: Final = 1000
"""As many rows as Resource Graph gives at once."""
_READ: Final = "Microsoft.ResourceGraph/resources/read"
_LOG_IN: Final = "Run `az login`, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET of a principal"
_GRANT: Final = "Give it the role in docs/permissions.md (or Reader) on the subscriptions"


class Graph:
    """Queries over all subscriptions the credentials see, or some of them."""

    def __init__(self, endpoint: str) -> None:
        try:
            from azure.mgmt.resourcegraph import ResourceGraphClient
        except ImportError:
            raise ConfigError(
                "azure-inventory needs a package that is not installed", hint="pip install 'costlab[inventory]'"
            ) from None
        # tokens go over TLS only, but for a proxy on this machine
        self._plain: dict[str, Any] = {"enforce_https": False} if endpoint.startswith("http://127.0.0.1:") else {}
        more: dict[str, Any] = {}
        if endpoint:
            more = {"base_url": endpoint, "credential_scopes": [f"{endpoint.rstrip('/')}/.default"]}
        self._wait = 0.0
        self._client = ResourceGraphClient(credential(), retry_total=6, **more)

    def rows(self, query: str, subscriptions: list[str]) -> Iterator[dict[str, Any]]:
        """Yield the rows of a KQL query, page by page; it must project ``id`` and order by it.

        Raises
        ------
        ConfigError
            If there are no credentials, or they may not read.
        SourceError
            If the service does not answer.
        """
        token: str | None = None
        while True:
            page, token = self._page(query, subscriptions, token)
            yield from page
            if not token:
                return

    def _page(self, query: str, subscriptions: list[str], token: str | None) -> tuple[list[dict[str, Any]], str | None]:
        """Return rows and what to ask for the next ones with; waits first when the quota was used up before."""
        from azure.core.exceptions import AzureError
        from azure.mgmt.resourcegraph.models import QueryRequest, QueryRequestOptions

        options = QueryRequestOptions(top=PAGE, skip_token=token)
        request = QueryRequest(query=query, subscriptions=subscriptions or None, options=options)
        headers: dict[str, str] = {}
        if self._wait:
            sleep(self._wait)
        try:
            answer: Any = self._client.resources(
                request, raw_response_hook=lambda raw: headers.update(raw.http_response.headers), **self._plain
            )
        except AzureError as error:
            raise _explained(error) from None
        self._wait = _wait(headers)
        return list(answer.data), answer.skip_token


def _wait(headers: dict[str, str]) -> float:
    """Return the seconds until the quota is there again: 0 while some is left."""
    low = {name.lower(): value for name, value in headers.items()}
    if low.get("x-ms-user-quota-remaining") != "0":
        return 0.0
    hours, minutes, seconds = low.get("x-ms-user-quota-resets-after", "00:00:05").split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def _explained(error: Exception) -> CostlabError:
    """Return the user's error; the SDK's own text may hold tokens, so only its code is told."""
    from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

    status = getattr(error, "status_code", None)
    code = getattr(getattr(error, "error", None), "code", None) or type(error).__name__
    if status == 403:
        return ConfigError(f"Azure denies {_READ} ({code})", hint=_GRANT)
    if isinstance(error, ClientAuthenticationError):
        return ConfigError(f"Azure does not accept the credentials ({code})", hint=_LOG_IN)
    if isinstance(error, HttpResponseError) and status:
        return SourceError(f"Azure Resource Graph answers {status} ({code})", hint="Try again later")
    return SourceError(f"Azure Resource Graph does not answer ({code})", hint="Check the network, or option endpoint")
