"""What is live: one small JSON file per publish, naming every file that counts and what it adds up to."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from costlab.errors import SourceError
from costlab.money import plain
from costlab.period import iso

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = "costlab/manifest/1"


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
class Manifest:
    """All live revisions after one publish; ``seq`` counts publishes, 0 is the empty lake."""

    seq: int
    created_at: datetime
    revisions: tuple[Revision, ...] = ()

    def live(self, dataset: str) -> list[Revision]:
        """Return the live revisions of a dataset, ordered by source and period."""
        return sorted((r for r in self.revisions if r.dataset == dataset), key=lambda r: r.key)

    def find(self, dataset: str, source: str, period: str) -> Revision | None:
        """Return the live revision of one period of a source."""
        return next((r for r in self.revisions if r.key == (dataset, source, period)), None)

    def dumps(self) -> str:
        """Return the manifest as JSON text."""
        record = {
            "schema": SCHEMA,
            "seq": self.seq,
            "created_at": iso(self.created_at),
            "revisions": [_plain(asdict(revision)) for revision in self.revisions],
        }
        return json.dumps(record, indent=1, sort_keys=True) + "\n"


def loads(text: str, *, where: str) -> Manifest:
    """Return the manifest written by :meth:`Manifest.dumps`.

    Raises
    ------
    SourceError
        If the text is damaged or written by a newer costlab.
    """
    try:
        record = json.loads(text)
        if record.get("schema") != SCHEMA:
            raise SourceError(
                f"{where} has schema {record.get('schema')!r}, this costlab reads {SCHEMA!r}",
                hint="Update costlab, or restore the workspace from a backup",
            )
        revisions = tuple(_revision(item) for item in record["revisions"])
        return Manifest(int(record["seq"]), _instant(record["created_at"]), revisions)
    except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation) as error:
        raise SourceError(
            f"{where} is damaged: {error}", hint="Restore the file from a backup, or load the sources again"
        ) from None


def _revision(item: Mapping[str, Any]) -> Revision:
    known = {f.name for f in fields(Revision)}
    if unknown := item.keys() - known:
        raise ValueError(f"unknown fields {sorted(unknown)}")
    values = dict(item)
    values["loaded_at"] = _instant(item["loaded_at"])
    for name in ("files", "quarantine"):
        values[name] = tuple(LakeFile(**f) for f in item[name])
    values["origin"] = tuple(Origin(**o) for o in item["origin"])
    for name in ("billed_cost_received", "billed_cost_loaded", "effective_cost_loaded", "quarantined_cost"):
        values[name] = {currency: Decimal(amount) for currency, amount in item[name].items()}
    new, missing = item["drift"]
    values["drift"] = (tuple(new), tuple(missing))
    values["warnings"] = tuple(item["warnings"])
    return Revision(**values)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text.removesuffix("Z"))


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return plain(value)
        case datetime():
            return value.isoformat(timespec="microseconds") + "Z"
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case _:
            return value
