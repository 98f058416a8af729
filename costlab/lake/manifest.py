"""What is live: one small JSON file per publish, naming every file that counts and what it adds up to.

Beside it lies the history: revisions that were replaced and are kept. Publishes that replace nothing share it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime  # noqa: TC003 - the codec evaluates the annotations
from decimal import Decimal
from typing import Any, TypeVar

from costlab.errors import SourceError
from costlab.lake.codec import Malformed, decode, encode

T = TypeVar("T")
SCHEMA = "costlab/manifest/1"
HISTORY_SCHEMA = "costlab/history/1"
MEND = "Restore it from a backup, or go back to an earlier publish (docs/storage.md)"


@dataclass(frozen=True, slots=True)
class LakeFile:
    """A Parquet file of the lake; ``path`` is relative to the workspace."""

    path: str
    bytes: int
    sha256: str
    rows: int


@dataclass(frozen=True, slots=True)
class Origin:
    """A file as the vendor delivered it; ``version`` changes whenever its content does."""

    uri: str
    bytes: int
    version: str


@dataclass(frozen=True, slots=True)
class Revision:
    """One delivery of one billing period of one source, as it was loaded.

    Costs are per billing currency. ``rows_received`` = (``rows_loaded`` - ``rows_split``) + ``rows_quarantined`` + all
    of ``rows_dropped``: a row that becomes two counts once.
    """

    dataset: str
    source: str
    connector: str
    period: str
    revision: str
    snapshot_id: str
    order: str
    loaded_at: datetime
    files: tuple[LakeFile, ...] = ()
    quarantine: tuple[LakeFile, ...] = ()
    rows_received: int = 0
    rows_loaded: int = 0
    rows_split: int = 0
    rows_quarantined: int = 0
    rows_dropped: dict[str, int] = field(default_factory=dict[str, int])
    billed_cost_received: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    billed_cost_loaded: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    effective_cost_loaded: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    quarantined_cost: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    digest: str = ""
    """Changes whenever the rows do, whatever their order; "" when it was not needed."""
    origin: tuple[Origin, ...] = ()
    delivered_periods: tuple[str, ...] = ()
    """All periods that the delivered files hold, also those that were not asked for."""
    drift: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    """Columns the connector does not know, and optional ones that are missing."""
    warnings: tuple[str, ...] = ()
    is_first: bool = True
    """Whether nothing of the period was loaded before."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What only one live revision may have: dataset, source, period."""
        return self.dataset, self.source, self.period


@dataclass(frozen=True, slots=True)
class Superseded:
    """A revision that was live once, and when it was replaced or removed."""

    revision: Revision
    replaced_at: datetime


@dataclass(frozen=True, slots=True)
class History:
    """All superseded revisions that are kept, in the order in which they were replaced."""

    superseded: tuple[Superseded, ...] = ()

    def dumps(self) -> str:
        """Return the history as JSON text."""
        return _dumps(HISTORY_SCHEMA, {}, "superseded", self.superseded)


@dataclass(frozen=True, slots=True)
class Manifest:
    """All live revisions after one publish; ``seq`` counts publishes, 0 is the empty lake.

    ``history`` is the name of the file with the superseded revisions, "" when there are none.
    """

    seq: int
    created_at: datetime
    revisions: tuple[Revision, ...] = ()
    history: str = ""

    def live(self, dataset: str) -> list[Revision]:
        """Return the live revisions of a dataset, ordered by source and period."""
        return sorted((r for r in self.revisions if r.dataset == dataset), key=lambda r: r.key)

    def find(self, dataset: str, source: str, period: str) -> Revision | None:
        """Return the live revision of one period of a source."""
        return next((r for r in self.revisions if r.key == (dataset, source, period)), None)

    def dumps(self) -> str:
        """Return the manifest as JSON text."""
        head = {"seq": self.seq, "created_at": self.created_at, "history": self.history}
        return _dumps(SCHEMA, head, "revisions", self.revisions)


def load_manifest(text: str, *, where: str) -> Manifest:
    """Return the manifest written by :meth:`Manifest.dumps`.

    Raises
    ------
    SourceError
        If the text is damaged or written by a newer costlab.
    """
    return _loads(Manifest, SCHEMA, text, where)


def load_history(text: str, *, where: str) -> History:
    """Return the history written by :meth:`History.dumps`; raises :class:`SourceError` like :func:`load_manifest`."""
    return _loads(History, HISTORY_SCHEMA, text, where)


def _dumps(schema: str, head: dict[str, Any], name: str, records: tuple[Any, ...]) -> str:
    """One record per line: small, and still readable with grep and diff."""
    lines = [f"{json.dumps(key)}: {json.dumps(encode(value))}" for key, value in {"schema": schema, **head}.items()]
    items = ",\n".join(json.dumps(encode(record), separators=(",", ":")) for record in records)
    body = f"[\n{items}\n]" if items else "[]"
    return "{" + ",\n".join([*lines, f"{json.dumps(name)}: {body}"]) + "}\n"


def _loads(kind: type[T], schema: str, text: str, where: str) -> T:
    try:
        record = json.loads(text)
        if not isinstance(record, dict):
            raise Malformed("not an object")
        found = record.pop("schema", None)
        if found != schema:
            raise SourceError(
                f"{where} has schema {found!r}, this costlab reads {schema!r}",
                hint=f"Update costlab. {MEND}",
            )
        return decode(kind, record)
    except ValueError as error:
        raise SourceError(f"{where} is damaged: {error}", hint=MEND) from None
