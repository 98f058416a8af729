"""What a connector is: it knows a vendor's files and columns, and nothing of DuckDB or the lake.

A connector looks at a location through a :class:`Transport`, follows the vendor's manifest and returns
:class:`Snapshot` objects: which files make up which billing period, in which order snapshots supersede each
other, and which columns the staging SQL reads under which spellings. Reading rows is the engine's work.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal
    from pathlib import Path

    from costlab.period import Month


class Dataset(StrEnum):
    """What a source delivers; also the name of its folder in the lake."""

    FOCUS = "focus"
    METRICS = "metrics"
    INVENTORY = "inventory"
    PRICES = "prices"
    ADVICE = "advice"
    BUDGETS = "budgets"


class FileFormat(StrEnum):
    """How rows lie in a file. Gzip is recognised by the file's first bytes."""

    PARQUET = "parquet"
    CSV = "csv"
    JSONL = "jsonl"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object a transport can see."""

    uri: str
    bytes: int
    version: str
    """Changes whenever the content does (ETag; size and modification time on disk)."""


class Transport(Protocol):
    """How objects are reached, in local folders and object stores. Errors are ``SourceError`` or ``ConfigError``."""

    scheme: str

    def list(self, uri: str) -> list[StoredObject]:
        """Return the objects below a folder, matching a glob, or the one file; sorted by URI."""
        ...

    def stat(self, uri: str) -> StoredObject | None:
        """Return the object, or None when it does not exist."""
        ...

    def open(self, uri: str) -> BinaryIO:
        """Return the object's bytes as a stream."""
        ...

    def fetch(self, items: Sequence[StoredObject], into: Path) -> Generator[Path]:
        """Yield a local path with each object's bytes, in their order; ``into`` is a folder for downloads."""
        ...

    def join(self, base: str, *parts: str) -> str:
        """Return the URI of something below ``base``; raises ``SourceError`` if it would leave ``base``."""
        ...

    def resolve(self, base: str, key: str) -> StoredObject | None:
        """Return the object a manifest's key names: its longest tail that exists below ``base``."""
        ...


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A data file of a snapshot, with what the vendor's manifest promises about it."""

    stored: StoredObject
    rows: int | None = None
    bytes: int | None = None
    label: str = ""
    """What the staging SQL must know of the file to understand its rows: column ``x_label`` of ``raw``."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column the staging SQL reads.

    ``name`` is how the SQL calls it; it and ``aliases`` are the spellings in files, compared without case, the first
    that is there counts; ``column[key]`` is an entry of a MAP or a field of a STRUCT (CSV, JSON lines: of a JSON
    object). ``type`` is VARCHAR, DECIMAL(38,12), DOUBLE, TIMESTAMP, OBJECT (a JSON object as text without spaces; MAP
    and STRUCT columns are converted), JSON (likewise, but text is taken as it is) or RECORDS(field, ...) (a list of
    records of which these fields are read, as texts); what cannot be read as it sends the row to quarantine. A missing
    column is a typed NULL, unless ``required``: then the file is refused, and a row without a value goes to quarantine.
    The type PRESENCE gives a BOOLEAN that is the same for all rows: whether the delivery has any value in the column.
    """

    name: str
    type: str = "VARCHAR"
    aliases: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class Gather:
    """Columns whose header starts with ``prefix`` become entries of the JSON object column ``name``.

    The entry's key is ``key_prefix`` and the rest of the header.
    """

    name: str
    prefix: str
    key_prefix: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One delivery of one billing period (or of several, when ``period`` is None) by a vendor."""

    source: str
    connector: str
    dataset: Dataset
    period: Month | None
    """None: the periods are found in the rows (column ``BillingPeriodStart`` after staging, ``ts`` of metrics)."""
    snapshot_id: str
    order: str
    """Sortable text; a snapshot with a smaller one than the live snapshot is ignored. "" = the last one wins.

    Where only the rows tell, the staging model has a column ``x_order``: its greatest value is the period's order.
    """
    files: tuple[SourceFile, ...]
    """None of them, and no fault: the vendor delivered the period without rows, there is nothing to load; or, with the
    id of the live snapshot, what is loaded is what the service has.
    """
    format: FileFormat
    staging: str
    """The staging model: ``sql/staging/<staging>.sql``, which selects from ``raw``."""
    columns: tuple[Column, ...]
    nulls: tuple[str, ...] = ("",)
    """Texts in CSV that mean NULL."""
    gather: tuple[Gather, ...] = ()
    ignore: tuple[str, ...] = ()
    """Patterns (``fnmatch``, without case) of columns that are understood and left aside."""
    localised: bool = False
    """Headers may be words of the reader's language with the name behind, ``Nutzer (UserName)``: the name counts."""
    rows: int | None = None
    """Rows over all files, if the manifest says."""
    warnings: tuple[str, ...] = field(default=())
    fault: str = ""
    """Why this delivery cannot be used: its period is rejected, others load. It has no files then."""
    hint: str = ""
    """What to do about the fault."""


class Connector(Protocol):
    """One source of data."""

    name: ClassVar[str]
    dataset: ClassVar[Dataset]

    def snapshots(
        self, transport: Transport, uri: str, *, source: str, period: Month | None = None
    ) -> Iterable[Snapshot]:
        """Yield the newest snapshot of each billing period found below ``uri``, oldest period first.

        Raises
        ------
        SourceError
            If nothing can be read there, a manifest is broken, names a missing file or leaves the folder.
        """
        ...


@dataclass(frozen=True, slots=True)
class PaidRequest:
    """A request that its vendor charges for."""

    what: str
    """``Cost Explorer request``."""
    usd: Decimal
    source: str
    """Where the price is published, and when that was read."""


PAID_OPTIONS: Mapping[str, str] = {
    "allow_paid": "yes: requests that the vendor charges for may be made (default: no)",
    "monthly_cap_usd": "what those requests may cost per calendar month (default: 2)",
}
"""Options of every connector that can make paid requests."""


class Landing(Protocol):
    """Where a connector that calls an API puts what it got: its files are staged like delivered ones."""

    now: datetime
    """When this run began, naive UTC: ``observed_at`` of everything it sees."""

    def write(self, name: str, records: Iterable[Mapping[str, object]]) -> SourceFile:
        """Write records as JSON lines and return the file with its row count.

        Numbers that must stay exact are given as text; None and missing keys are NULL; instants are naive UTC
        ``datetime``. ``name`` is unique within the run. Records are taken one by one, never all at once.
        """
        ...

    def receive(self, name: str, content: BinaryIO) -> SourceFile:
        """Write the rest of a CSV file as it is and return the file; ``name`` as for :meth:`write`."""
        ...

    def option(self, name: str, default: str = "") -> str:
        """Return an option of the source, with references to secrets (``env:NAME``) resolved.

        Raises
        ------
        ConfigError
            If the secret is not there.
        """
        ...

    def live(self, source: str, period: Month) -> str:
        """Return the id of the snapshot of this period that is loaded, "" for none: what need not be pulled."""
        ...

    def tell(self, text: str, /) -> None:
        """Say what is going on, in one line."""
        ...

    def announce(self, requests: int, price: PaidRequest) -> None:
        """Say what the paid requests to come cost; none may be made before.

        Raises
        ------
        ConfigError
            If the user did not allow paid requests, or they would cost more than is left of the month's cap.
        """
        ...

    def kept(self, key: str) -> Any | None:
        """Return the answer kept for good, or asked on the same day (UTC); None when there is none."""
        ...

    def keep(self, key: str, answer: Any) -> None:
        """Keep an answer (JSON) for good: what it says does not change any more."""
        ...

    def paid(self, key: str, price: PaidRequest, call: Callable[[], Any]) -> Any:
        """Return the kept answer; else book one request, make it, and keep its answer (JSON) for this day.

        The request is booked before it is made: one that fails, or a run that is killed, still counts.

        Raises
        ------
        ConfigError
            If the month's cap does not allow one more.
        """
        ...


class ApiConnector(Protocol):
    """One source of data behind an API: it pulls records, under URIs of its own schemes."""

    name: ClassVar[str]
    dataset: ClassVar[Dataset]
    schemes: ClassVar[tuple[str, ...]]
    """URIs that are pulled, such as ``aws://``; a connector may read files under other ones."""
    options: ClassVar[Mapping[str, str]]
    """Options of a source it understands, each with a line of help."""
    # It may have ``permissions: ClassVar[tuple[str, ...]]``: the least it needs, for `costlab doctor --permissions`

    def pull(self, landing: Landing, uri: str, *, source: str, period: Month | None = None) -> Iterable[Snapshot]:
        """Yield a snapshot once all its records are written.

        Raises
        ------
        SourceError
            If the service cannot be reached, refuses, or answers what cannot be understood.
        ConfigError
            If credentials are missing, wrong or lack a permission (which is named).
        """
        ...
