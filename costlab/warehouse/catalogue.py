"""Publish a catalogue: build it under a new name, then flip an atomic pointer; readers never wait.

::

    <workspace>/serve/costlab-<seq>-<build>.duckdb    one generation, never changed once published
    <workspace>/serve/costlab-<seq>-<build>.files     the cached marts its views read
    <workspace>/serve/CURRENT                         the name of the newest generation
    <workspace>/costlab.duckdb                        a link to it, for other programs

``<build>`` counts rebuilds of the same data: within a process DuckDB would answer a reused name from the old file.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from costlab.errors import DataError
from costlab.lake import KnownRevision
from costlab.warehouse.builder import DEFAULT_TAG_KEYS, BuildReport, build
from costlab.warehouse.connection import connect
from costlab.warehouse.findings import write_findings
from costlab.warehouse.marts import MART_CACHE
from costlab.warehouse.relations import Database

__all__ = [
    "DEFAULT_TAG_KEYS", "KEEP", "BuildReport", "Generation", "build", "current", "generations",
    "open_current", "publish", "publish_lake", "remove",
]  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from costlab.interfaces.discount import Discount
    from costlab.lake import Lake
    from costlab.warehouse.findings import FindingsOf

KEEP = 3
_NAME = re.compile(r"costlab-(?P<seq>\d+)-(?P<build>\d+)\.duckdb")


@dataclass(frozen=True, slots=True, order=True)
class Generation:
    """A published catalogue: the lake's sequence number it shows, and which build of that it is."""

    seq: int
    build: int
    path: Path

    @property
    def files_list(self) -> Path:
        """The file that names the cached marts this generation reads."""
        return self.path.with_suffix(".files")


def publish(
    workspace: Path,
    seq: int,
    revisions: Sequence[KnownRevision],
    *,
    tag_keys: Sequence[str] = DEFAULT_TAG_KEYS,
    discounts: Sequence[Discount] = (),
    findings_of: FindingsOf | None = None,
) -> tuple[Generation, BuildReport]:
    """Build a catalogue of the live revisions and make it the current one.

    Parameters
    ----------
    seq
        The lake's manifest number. A newer generation that is already current stays current.
    findings_of
        Called with the new tables before anybody else sees them; what it returns becomes ``findings.*``.

    Returns
    -------
    tuple of Generation and BuildReport
        What was published, and how it was built.

    Raises
    ------
    ModelError
        If a SQL model is wrong; the current generation stays.
    """
    serve = workspace / "serve"
    serve.mkdir(parents=True, exist_ok=True)
    with _publishing(serve):
        generation = _next(serve, seq)
        try:
            report = build(
                workspace, revisions, generation.path, tag_keys=tag_keys, discounts=discounts, keep_marts=True
            )
            if findings_of is not None:
                _add_findings(workspace, generation.path, findings_of)
            generation.files_list.write_text("".join(f"{path}\n" for path in report.mart_files), encoding="utf-8")
        except BaseException:
            remove(generation)
            raise
        _flip(workspace, generation)
        _prune(workspace)
    return generation, report


def publish_lake(
    lake: Lake, *, tag_keys: Sequence[str] = DEFAULT_TAG_KEYS, findings_of: FindingsOf | None = None
) -> tuple[Generation, BuildReport]:
    """Publish what is live in a lake; see :func:`publish`."""
    manifest = lake.current()
    known = [KnownRevision(revision, is_first=False) for revision in manifest.revisions]
    return publish(lake.workspace, manifest.seq, known, tag_keys=tag_keys, findings_of=findings_of)


def current(workspace: Path) -> Generation | None:
    """Return the published generation, or None when there is none yet."""
    pointer = workspace / "serve" / "CURRENT"
    try:
        name = pointer.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    return _generation(pointer.with_name(name))


def open_current(workspace: Path) -> tuple[int, Database]:
    """Return the sequence number and a read-only database of the current generation.

    The files behind it stay readable until it is closed, whatever is published meanwhile.

    Raises
    ------
    DataError
        If nothing has been published.
    """
    generation = current(workspace)
    if generation is None:
        raise DataError(f"nothing is loaded in {workspace}", hint="Run `costlab ingest` or `costlab demo`")
    return generation.seq, Database.open(generation.path, workspace)


def generations(workspace: Path) -> list[Generation]:
    """Return the generations on disk, oldest first."""
    found = (_generation(path) for path in (workspace / "serve").glob("costlab-*.duckdb"))
    return sorted(generation for generation in found if generation is not None)


def _generation(path: Path) -> Generation | None:
    match = _NAME.fullmatch(path.name)
    return Generation(int(match["seq"]), int(match["build"]), path) if match else None


@contextlib.contextmanager
def _publishing(serve: Path) -> Generator[None]:
    """Let one process at a time publish; the others wait. The lock ends with the process that holds it."""
    with (serve / "lock").open("w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _next(serve: Path, seq: int) -> Generation:
    builds = [g.build for g in generations(serve.parent) if g.seq == seq]
    build_number = max(builds, default=0) + 1
    return Generation(seq, build_number, serve / f"costlab-{seq:08d}-{build_number}.duckdb")


def _add_findings(workspace: Path, path: Path, findings_of: FindingsOf) -> None:
    with Database.open(path, workspace) as database:
        findings = findings_of(database)
    con = connect(path, search_path=workspace)
    try:
        write_findings(con, findings)
        con.execute("checkpoint")
    finally:
        con.close()


def _flip(workspace: Path, generation: Generation) -> None:
    _sync(generation.path)
    live = current(workspace)
    if live is not None and (live.seq, live.build) > (generation.seq, generation.build):
        return
    serve = generation.path.parent
    temporary = serve / "CURRENT.tmp"
    temporary.write_text(generation.path.name + "\n", encoding="utf-8")
    _sync(temporary)
    temporary.replace(serve / "CURRENT")
    _sync(serve)
    link = workspace / ".costlab.duckdb.tmp"
    link.unlink(missing_ok=True)
    link.symlink_to(f"serve/{generation.path.name}")
    link.replace(workspace / "costlab.duckdb")


def _prune(workspace: Path) -> None:
    """Remove old generations, what crashed builds left behind, and cached marts that no generation reads."""
    live = current(workspace)
    known = [g for g in generations(workspace) if g.files_list.is_file()]
    kept = set(known[-KEEP:]) | ({live} if live else set())
    for generation in generations(workspace):
        if generation not in kept:
            remove(generation)
    read = {line for g in kept for line in g.files_list.read_text(encoding="utf-8").splitlines()}
    for path in (workspace / MART_CACHE).rglob("*.parquet*"):
        if path.relative_to(workspace).as_posix() not in read:
            path.unlink(missing_ok=True)


def remove(generation: Generation) -> None:
    """Remove a generation; the database last: by its name a next publish finds what a killed one left."""
    shutil.rmtree(generation.path.with_suffix(".marts"), ignore_errors=True)
    for suffix in (".files", ".duckdb.wal", ".duckdb"):
        generation.path.with_suffix(suffix).unlink(missing_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
