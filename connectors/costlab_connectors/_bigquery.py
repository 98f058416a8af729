"""BigQuery through Google's client: tables, queries whose price is known before and capped, errors in plain words.

What a user writes reaches a query as a bound parameter or as an identifier that was checked against Google's rules,
never as text. Every value a query returns is text, so that no digit of an amount changes on the way.

Sources: BigQuery documentation, "Estimate and control costs", "Error messages" and "Access control"; BigQuery pricing
page, on-demand analysis in the US; read 2026-11.
"""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from costlab.errors import ConfigError, SourceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence
    from datetime import date

    from costlab.interfaces.connector import Landing

OPTIONS: Final[Mapping[str, str]] = {
    "credentials": "key file of a service account or user, or env:NAME with its JSON; else the application default",
    "job_project": "project that runs and pays the queries; else the table's",
    "location": "where the dataset is, such as EU; else as BigQuery tells",
    "endpoint": "another address of the API, for a private endpoint",
    "max_gb": "most GB (10^9 bytes) that one run may read; 50 if not given",
    "lookback_days": "days in which tables are looked at again for new rows; 35 if not given",
}
_USD_PER_TIB: Final = Decimal("6.25")
_PRICE: Final = f"{_USD_PER_TIB} USD per TiB, US list price of 2026-11"
_TIB: Final = 1 << 40
_GB: Final = 10**9
_LEAST: Final = 10 << 20
"""BigQuery bills at least 10 MiB per query."""
_MAX_GB: Final = "50"
_TIMEOUT: Final = 120.0
"""Seconds for one answer."""
_LONGEST_QUERY: Final = 1800.0
PATIENCE: Final[dict[str, Any]] = {"initial": 1.0, "maximum": 32.0, "multiplier": 2.0, "timeout": 300.0}
"""Waits between tries, in seconds, and when to give up."""
_PASSING: Final = frozenset(
    {"rateLimitExceeded", "backendError", "internalError", "badGateway", "jobRateLimitExceeded"}
)
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_PLACE: Final = re.compile(
    r"bigquery://(?P<project>(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9])"
    r"/(?P<dataset>[A-Za-z0-9_]{1,1024})(?:/(?P<table>[A-Za-z0-9_-]{1,1024}))?/?",
)
_LOGIN: Final = "Run `gcloud auth application-default login`, or give the option credentials = 'key.json' or 'env:NAME'"
_REFUSED: Final = "Google does not accept the credentials: expired, revoked or wrong"
_ROLES: Final = (
    "Grant roles/bigquery.dataViewer on the dataset and roles/bigquery.jobUser in the project that runs the queries"
)


@dataclass(frozen=True, slots=True)
class Place:
    """What a ``bigquery://`` URI names; ``table`` is "" for a whole dataset."""

    project: str
    dataset: str
    table: str = ""

    def __str__(self) -> str:
        return ".".join(part for part in (self.project, self.dataset, self.table) if part)


@dataclass(frozen=True, slots=True)
class Field:
    """A column, or a field of one: BigQuery's type, and the fields of a record."""

    name: str
    type: str
    is_list: bool = False
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A table's columns and by what it is partitioned; ``partition`` is "" for a view or a table in one piece."""

    place: Place
    fields: tuple[Field, ...]
    location: str
    partition: str = ""
    partition_type: str = "TIMESTAMP"
    is_by_load_day: bool = False


Parameter = tuple[str, "str | date"]
"""BigQuery's type and the value."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query and the parameters it binds by name."""

    sql: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict[str, Parameter])


def parse_place(uri: str) -> Place:
    """Return what ``bigquery://PROJECT/DATASET/TABLE`` names.

    Raises
    ------
    UsageError
        If it is not of that form, or a part breaks Google's rules for names.
    """
    match = _PLACE.fullmatch(uri)
    if match is None:
        raise UsageError(f"{uri!r} names no BigQuery table", hint="Write bigquery://PROJECT/DATASET/TABLE")
    return Place(match["project"], match["dataset"], match["table"] or "")


class Service:
    """BigQuery as one run sees it; it counts what the run's queries read and keeps that below ``max_gb``."""

    def __init__(self, landing: Landing, place: Place) -> None:
        self._landing = landing
        self._location = landing.option("location")
        self._limit = _limit(landing.option("max_gb", _MAX_GB))
        self._billed = 0
        self._client = _client(landing, landing.option("job_project") or place.project)

    def tables(self, place: Place) -> list[str]:
        """Return the names of a dataset's tables and views, sorted."""
        with _explained(str(place), "bigquery.tables.list"):
            found = self._client.list_tables(f"{place.project}.{place.dataset}", retry=_retry(), timeout=_TIMEOUT)
            return sorted(str(item.table_id) for item in found)

    def table(self, place: Place) -> Table:
        """Return a table's columns and partitions."""
        with _explained(str(place), "bigquery.tables.get"):
            found = self._client.get_table(str(place), retry=_retry(), timeout=_TIMEOUT)
        fields = tuple(_field(item) for item in found.schema)
        split = found.time_partitioning
        if split is None:
            return Table(place, fields, str(found.location or ""))
        kinds = {item.name: item.type for item in fields}
        return Table(
            place,
            fields,
            str(found.location or ""),
            split.field or "_PARTITIONTIME",
            kinds.get(split.field or "", "TIMESTAMP"),
            split.field is None and split.type_ in {"DAY", "HOUR"},
        )

    def announce(self, table: Table, queries: Sequence[Query], doing: str) -> None:
        """Say what queries will read and cost, before anything is spent.

        Raises
        ------
        ConfigError
            If the run would read more than it may; no query ran.
        """
        size = sum(_billable(self._estimate(table, query)) for query in queries)
        price = Decimal(size) * _USD_PER_TIB / _TIB
        told = f"{_gb(size)} GB, {price:,.4f} USD on demand"
        if self._billed + size > self._limit:
            before = f" after {_gb(self._billed)} GB in this run" if self._billed else ""
            raise ConfigError(
                f"{table.place}: {doing} would read {told}{before}; at most {_gb(self._limit)} GB may be read",
                hint="Raise the option max_gb, or load month by month with --period; nothing was read for it",
            )
        self._landing.tell(f"{table.place}: {doing} reads {told} ({_PRICE})")

    def rows(self, table: Table, query: Query) -> Iterator[dict[str, str | None]]:
        """Run a query and yield its rows, page by page."""
        with _explained(str(table.place), "bigquery.tables.getData"):
            job = self._start(table, query, dry_run=False)
            found = job.result(retry=_retry(), job_retry=_retry(), timeout=_LONGEST_QUERY)
            self._billed += job.total_bytes_billed or 0
            names = [item.name for item in found.schema]
            for row in found:
                yield dict(zip(names, row.values(), strict=True))

    def _estimate(self, table: Table, query: Query) -> int:
        with _explained(str(table.place), "bigquery.tables.getData"):
            return int(self._start(table, query, dry_run=True).total_bytes_processed or 0)

    def _start(self, table: Table, query: Query, *, dry_run: bool) -> Any:
        from google.cloud import bigquery

        bound = [bigquery.ScalarQueryParameter(name, *given) for name, given in query.parameters.items()]
        config = bigquery.QueryJobConfig(
            dry_run=dry_run,
            query_parameters=bound,
            use_query_cache=not dry_run,
            maximum_bytes_billed=max(self._limit - self._billed, _LEAST),
        )
        return self._client.query(
            query.sql,
            job_config=config,
            location=self._location or table.location or None,
            retry=_retry(),
            job_retry=_retry(),
            timeout=_TIMEOUT,
        )


def _limit(text: str) -> int:
    try:
        limit = int(Decimal(text) * _GB)
    except (InvalidOperation, ValueError, OverflowError):
        limit = 0
    if limit < _LEAST:
        raise UsageError(f"option max_gb: {text!r} is not a number of GB", hint="BigQuery bills 0.01 GB at least")
    return limit


def _billable(size: int) -> int:
    return max(size, _LEAST)


def _gb(size: int) -> str:
    return f"{Decimal(size) / _GB:,.3f}"


def _field(item: Any) -> Field:
    fields = tuple(_field(inner) for inner in item.fields)
    return Field(str(item.name), str(item.field_type), item.mode == "REPEATED", fields)


def _client(landing: Landing, project: str) -> Any:
    try:
        from google.cloud import bigquery
    except ImportError:
        raise ConfigError(
            "reading from BigQuery needs google-cloud-bigquery", hint="pip install 'costlab[bigquery]'"
        ) from None
    endpoint = landing.option("endpoint")
    with _explained(project, "bigquery.jobs.create"):
        return bigquery.Client(
            project=project,
            credentials=_credentials(landing.option("credentials"), endpoint),
            client_options={"api_endpoint": endpoint} if endpoint else None,
        )


def _credentials(given: str, endpoint: str) -> Any:
    """Return credentials; None lets the client find the application default ones."""
    address = urlsplit(endpoint)
    if endpoint and address.scheme != "https":
        if address.hostname not in _LOOPBACK:
            raise ConfigError(f"option endpoint: {endpoint!r} is not https", hint="Tokens are sent over https only")
        if not given:
            from google.auth import credentials

            anonymous: Any = credentials.AnonymousCredentials
            return anonymous()  # an emulator on this machine needs no token
    return _of_key(_key(given)) if given else None


def _key(given: str) -> Mapping[str, Any]:
    try:
        text = given if given.lstrip().startswith("{") else _read(given)
        found = json.loads(text)
    except (OSError, ValueError):
        raise ConfigError("option credentials: no key file in JSON can be read there", hint=_LOGIN) from None
    if not isinstance(found, dict):
        raise ConfigError("option credentials: this is no key file", hint=_LOGIN)
    return found


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - a path the user gave
        return file.read()


def _of_key(key: Mapping[str, Any]) -> Any:
    """Return the credentials of a key; kinds that call another service are left to the application default ones."""
    from google.oauth2 import credentials, service_account

    of_service: Any = service_account.Credentials
    of_user: Any = credentials.Credentials
    kind = key.get("type")
    try:
        if kind == "service_account":
            return of_service.from_service_account_info(key, scopes=["https://www.googleapis.com/auth/bigquery"])
        if kind == "authorized_user":
            return of_user.from_authorized_user_info(key)
    except ValueError:
        raise ConfigError("option credentials: the key file is not complete", hint=_LOGIN) from None
    raise ConfigError(
        "option credentials: neither the key of a service account nor of a user",
        hint="Name other kinds of credentials in GOOGLE_APPLICATION_CREDENTIALS and leave the option out",
    )


def _retry() -> Any:
    from google.api_core.retry import Retry

    return Retry(predicate=_is_passing, **PATIENCE)


def _is_passing(error: BaseException) -> bool:
    """Whether trying again may help."""
    import requests
    from google.api_core import exceptions
    from google.auth.exceptions import TransportError

    passing = (
        exceptions.TooManyRequests,
        exceptions.ServerError,
        requests.exceptions.ConnectionError,
        requests.exceptions.Timeout,
        requests.exceptions.ChunkedEncodingError,
        TransportError,
    )
    return isinstance(error, passing) or _reason(error) in _PASSING


def _reason(error: BaseException) -> str:
    told = getattr(error, "errors", None)
    return str(told[0].get("reason", "")) if told and isinstance(told[0], dict) else ""


@contextmanager
def _explained(what: str, permission: str) -> Generator[None]:
    """Turn what Google's libraries raise into errors that say what to do."""
    import requests
    from google.api_core import exceptions
    from google.auth import exceptions as auth

    try:
        yield
    except auth.InvalidOperation:  # one that cannot be renewed; it is a DefaultCredentialsError too
        raise ConfigError(_REFUSED, hint=_LOGIN) from None
    except auth.DefaultCredentialsError:
        raise ConfigError("no credentials for Google Cloud were found", hint=_LOGIN) from None
    except auth.TransportError:
        raise SourceError(f"{what}: Google's sign-in cannot be reached", hint="Check the network; try later") from None
    except (auth.GoogleAuthError, exceptions.Unauthorized):
        raise ConfigError(_REFUSED, hint=_LOGIN) from None
    except exceptions.Forbidden as error:
        raise _forbidden(what, permission, error) from None
    except exceptions.NotFound:
        raise SourceError(
            f"{what} was not found in BigQuery", hint="Check project, dataset, table and the option location"
        ) from None
    except (exceptions.GoogleAPIError, requests.exceptions.RequestException, TimeoutError) as error:
        raise _failed(what, error) from None


def _forbidden(what: str, permission: str, error: Any) -> ConfigError | SourceError:
    if _reason(error) in {"quotaExceeded", "rateLimitExceeded", "billingNotEnabled"}:
        return SourceError(f"{what}: {_first_line(error.message)}", hint="Raise the quota or wait, then run again")
    named = re.search(r"\bbigquery\.\w+\.\w+", str(error.message))
    return ConfigError(f"{what}: permission {named[0] if named else permission} is missing", hint=_ROLES)


def _failed(what: str, error: BaseException) -> SourceError:
    cause = getattr(error, "cause", None) or error
    if _reason(cause) == "bytesBilledLimitExceeded":
        return SourceError(f"{what}: the query would read more than max_gb", hint="Raise the option max_gb")
    if _is_passing(cause):
        return SourceError(f"{what}: BigQuery does not answer now; several tries failed", hint="Run it again later")
    told = getattr(cause, "message", None) or type(cause).__name__
    return SourceError(f"{what}: BigQuery refused the query: {_first_line(str(told))}", hint="Check the table")


def _first_line(text: str) -> str:
    """Return the first line without the address a client error starts with."""
    line = (str(text).strip().splitlines() or [""])[0]
    return re.sub(r"^(GET|POST) \S+: ", "", line)[:300]
