"""The Cloud Billing Catalog through Google's client: services by name, SKUs page by page, plain errors."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from costlab.errors import ConfigError, SourceError
from costlab_connectors._gcp_rest import LOG_IN, address_of, credentials
from costlab_connectors._inventory import listed

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from costlab.interfaces.connector import Landing

_ADDRESS: Final = "https://cloudbilling.googleapis.com"
_GOOGLE: Final = "businessEntities/GCP"
_PAGE: Final = 5000
_PATIENCE: Final = 300.0
"""Seconds a page is asked for again when the service is busy."""


def skus_of(landing: Landing, uri: str) -> Iterator[dict[str, Any]]:
    """Yield the SKUs of the services a URI names (``gcp://Compute Engine,BigQuery``), as the REST API spells them.

    Raises
    ------
    ConfigError
        If there are no credentials, they are refused, or the API is not enabled.
    SourceError
        If a service is not known, or the catalogue does not answer.
    """
    wanted = listed(uri.partition("://")[2].strip("/"))
    with _plain_errors():
        client = _client(landing)
        asked = {"retry": _retry(), "timeout": 60.0}
        services = list(client.list_services(request={"page_size": _PAGE}, **asked))
        for service in _chosen(services, wanted):
            landing.tell(f"reading the prices of {service.display_name}")
            request = {"parent": service.name, "page_size": _PAGE}
            yield from (_spelled(sku) for sku in client.list_skus(request=request, **asked))


def _chosen(services: list[Any], wanted: list[str]) -> list[Any]:
    if not wanted:
        return [service for service in services if service.business_entity_name == _GOOGLE]
    known = {name: service for service in services for name in (service.display_name, service.service_id)}
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise SourceError(
            f"{unknown[0]!r} is not a service of Google's price catalogue",
            hint="Write its name as bills do: Compute Engine",
        )
    return [known[name] for name in wanted]


def _spelled(sku: Any) -> dict[str, Any]:
    from google.protobuf.json_format import MessageToDict

    spelled: dict[str, Any] = MessageToDict(type(sku).pb(sku))
    return spelled


def _client(landing: Landing) -> Any:
    from google.cloud.billing_v1 import CloudCatalogClient
    from google.cloud.billing_v1.services.cloud_catalog.transports import CloudCatalogRestTransport

    quota_project = landing.option("quota_project")
    where = urlsplit(address_of(landing, _ADDRESS))
    transport = CloudCatalogRestTransport(
        host=where.netloc, url_scheme=where.scheme, credentials=credentials(quota_project),
        quota_project_id=quota_project or None,
    )  # fmt: skip
    return CloudCatalogClient(transport=transport)


def _retry() -> Any:
    import requests
    from google.api_core import exceptions, retry

    busy = (
        exceptions.TooManyRequests, exceptions.InternalServerError, exceptions.BadGateway,
        exceptions.ServiceUnavailable, exceptions.GatewayTimeout, requests.ConnectionError, requests.Timeout,
    )  # fmt: skip
    return retry.Retry(predicate=retry.if_exception_type(*busy), initial=0.1, maximum=60.0, timeout=_PATIENCE)


@contextmanager
def _plain_errors() -> Generator[None]:
    import requests
    from google.api_core import exceptions
    from google.auth.exceptions import GoogleAuthError

    try:
        yield
    except (GoogleAuthError, exceptions.Unauthorized):
        raise ConfigError("Google does not accept the credentials", hint=LOG_IN) from None
    except exceptions.Forbidden as error:
        if "SERVICE_DISABLED" in str(error) or "has not been used in project" in str(error):
            hint = "gcloud services enable cloudbilling.googleapis.com"
            raise ConfigError("the API cloudbilling.googleapis.com is not enabled", hint=hint) from None
        raise ConfigError(
            "Google denies serviceusage.services.use", hint="Give the identity a role with this permission"
        ) from None
    except (exceptions.GoogleAPIError, requests.RequestException) as error:
        reason = getattr(error, "code", None) or type(error).__name__
        raise SourceError(f"Google's price catalogue does not answer: {reason}", hint="Try again later") from None
