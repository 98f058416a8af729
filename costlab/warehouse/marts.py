"""Marts per revision: computed once, kept as Parquet in the lake, so that a changed month costs only that month."""

from __future__ import annotations

import hashlib
import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from costlab.focus.columns import COLUMN_TYPES
from costlab.warehouse.audits import check_sums, sums
from costlab.warehouse.connection import connect
from costlab.warehouse.parquet import file_list, identifier, literal, typed_select

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from costlab.lake import Revision
    from costlab.warehouse.connection import Connection
    from costlab.warehouse.models import Model

TAG_MACRO = (
    "create or replace macro tag(tags, key) as "
    # a JSON pointer: keys with dots, colons or quotes need no further care
    "json_extract_string(tags, '/' || replace(replace(key, '~', '~0'), '/', '~1'))"
)
MART_CACHE = "lake/marts"
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """A revision of a bill and the rows of it that count: ``condition`` is SQL, "" means all rows."""

    revision: Revision
    condition: str = ""

    @property
    def files(self) -> list[str]:
        """The Parquet files, relative to the workspace."""
        return [file.path for file in self.revision.files]


@dataclass(frozen=True, slots=True)
class MartFile:
    """The rows of one model for one revision; ``path`` is relative to the workspace, or absolute outside of it."""

    path: str
    reused: bool


def prepare(con: Connection, tag_keys: Sequence[str]) -> None:
    """Create what models read besides data: the macro ``tag`` and the table ``settings.tag_keys``."""
    con.execute(TAG_MACRO)
    con.execute("create schema if not exists settings")
    con.execute("create or replace table settings.tag_keys (x_tag_key varchar)")
    for key in dict.fromkeys(tag_keys):
        con.execute("insert into settings.tag_keys values (?)", [key])


def costs_view(con: Connection, parts: Iterable[Part]) -> str:
    """Return the SELECT behind ``focus.costs`` over exactly these revisions."""
    return typed_select(con, [(part.files, part.condition) for part in parts], COLUMN_TYPES)


class MartCache:
    """Computes the rows of a model for one revision, or finds them where an earlier build left them.

    Parameters
    ----------
    scratch
        Where rows go that must not be kept: those of revisions that are clipped, and everything when ``keep`` is off.
    keep
        Write to the workspace's cache. An as-of build only reads it: the next publish may tidy up what it wrote.
    """

    def __init__(self, workspace: Path, scratch: Path, tag_keys: Sequence[str], *, keep: bool) -> None:
        self._workspace = workspace
        self._scratch = scratch
        self._keep = keep
        self._tag_keys = tuple(dict.fromkeys(tag_keys))
        self._con: Connection | None = None
        self._loaded: Part | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._con is not None:
            self._con.close()

    def rows_of(self, model: Model, part: Part) -> MartFile:
        """Return the file with the model's rows for one revision, computing them if nobody has yet."""
        relative = self._relative(model, part)
        cached = self._workspace / MART_CACHE / relative
        if not part.condition and cached.is_file():
            return MartFile(f"{MART_CACHE}/{relative}", reused=True)
        if self._keep and not part.condition:
            self._compute(model, part, cached)
            return MartFile(f"{MART_CACHE}/{relative}", reused=False)
        private = self._scratch / relative
        self._compute(model, part, private)
        return MartFile(str(private), reused=False)

    def _relative(self, model: Model, part: Part) -> str:
        revision = part.revision
        version = hashlib.sha256(model.sql.encode())
        if "settings.tag_keys" in model.sources:
            version.update("\0".join(self._tag_keys).encode())
        folder = f"{model.name}/{revision.source}/{revision.period}"
        return f"{folder}/{revision.revision}-{version.hexdigest()[:12]}.parquet"

    def _compute(self, model: Model, part: Part, target: Path) -> None:
        con = self._bench(part)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        order = identifier(model.grain[0])
        try:
            con.execute(
                f"copy (select * from ({model.sql}\n) order by {order}) to {literal(str(temporary))} "
                "(format parquet, compression zstd)"
            )
            if model.complete and not model.complete_per:
                found = sums(con, file_list([str(temporary)]), model.complete)
                check_sums(model, sums(con, "focus.costs", model.complete), found)
            _sync(temporary)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        _logger.debug("%s computed for %s %s", model.name, part.revision.source, part.revision.period)

    def _bench(self, part: Part) -> Connection:
        """Return a private connection whose ``focus.costs`` is this revision alone."""
        if self._con is None:
            self._con = connect(search_path=self._workspace)
            self._con.execute("create schema focus")
            prepare(self._con, self._tag_keys)
        if self._loaded != part:
            self._con.execute(f"create or replace view focus.costs as {costs_view(self._con, [part])}")
            self._loaded = part
        return self._con


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
