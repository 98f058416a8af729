"""Writing the lake: one writer, revisions in fresh folders, one atomic rename that makes them live."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import socket
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from costlab.errors import ConfigError, Locked
from costlab.interfaces.connector import Dataset
from costlab.lake.disk import replace_text, sha256, sync
from costlab.lake.manifest import History, LakeFile, Manifest, Revision, Superseded
from costlab.lake.retention import Collected, Retention, collect
from costlab.lake.store import Key, Lake, checked_source
from costlab.lake.verify import is_whole
from costlab.period import Month, iso, utc_now

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Sequence
    from pathlib import Path
    from typing import TextIO


class Action(StrEnum):
    """What became of a delivery."""

    LOADED = "loaded"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"
    IGNORED_OLDER = "ignored-older"
    REJECTED = "rejected"


def decide(live: Revision | None, snapshot_id: str, order: str, versions: Sequence[str]) -> Action:
    """Return what to do with a delivery, given the live revision of its period.

    The same snapshot of the same files is unchanged; one that the vendor ordered before the live one is ignored; where
    either carries no order the last one ingested wins.
    """
    if live is None:
        return Action.LOADED
    if live.snapshot_id == snapshot_id and sorted(o.version for o in live.origin) == sorted(versions):
        return Action.UNCHANGED
    if order and live.order and order < live.order:
        return Action.IGNORED_OLDER
    return Action.REPLACED


class Writer:
    """The one process that may change the lake; obtained from :func:`writing`."""

    def __init__(self, lake: Lake, retention: Retention) -> None:
        self.lake = lake
        self.retention = retention
        self._staged: set[Path] = set()

    def stage(self, dataset: str, source: str, period: str, tag: str) -> tuple[str, Path]:
        """Return a new revision's id and its empty folder; nothing reads it before it is published.

        ``tag`` (the delivery's fingerprint) ends the id, hashed: ``20260301T040506123456-1a2b3c4d``. What is not
        published when the lock is released is removed.

        Raises
        ------
        UsageError
            If the source's name or the period cannot be a folder's.
        """
        revision = f"{utc_now():%Y%m%dT%H%M%S%f}-{hashlib.sha256(tag.encode()).hexdigest()[:8]}"
        base = self.lake.root / Dataset(dataset) / f"source={checked_source(source)}"
        folder = base / f"billing_period={Month.parse(period)}" / revision
        folder.mkdir(parents=True)
        self._staged.add(folder)
        return revision, folder

    def file(self, path: Path, rows: int) -> LakeFile:
        """Return the record of a finished file, after making it durable."""
        sync(path)
        relative = path.relative_to(self.lake.workspace).as_posix()
        return LakeFile(relative, path.stat().st_size, sha256(path), rows)

    def publish(self, revisions: Sequence[Revision], *, removed: Sequence[Key] = ()) -> Manifest:
        """Make revisions live in place of those of the same periods; return the new manifest.

        The rename of ``CURRENT`` is the moment: a crash before it leaves files that no manifest names.

        Raises
        ------
        ValueError
            If two revisions are of one period, one was published before, or its files are not there.
        """
        old = self.lake.current()
        past = self.lake.superseded(old)
        self._check(revisions, [*(item.revision for item in past.superseded), *old.revisions])
        self._sync_folders(revisions)
        now = utc_now()
        gone = {r.key for r in revisions} | set(removed)
        # one whose files were lost is of no use to anybody who looks back
        replaced = [Superseded(r, now) for r in old.revisions if r.key in gone and is_whole(self.lake, r)]
        history = History((*past.superseded, *replaced))
        known = {item.revision.key for item in history.superseded}
        new = [replace(r, is_first=r.key not in known) for r in revisions]
        live = sorted([*(r for r in old.revisions if r.key not in gone), *new], key=lambda r: r.key)
        kept = self.retention.kept(history, {r.key for r in live}, now)
        name = old.history if kept == past else self._write_history(old.seq + 1, kept)
        manifest = Manifest(old.seq + 1, now, tuple(live), name)
        replace_text(self.lake.path_of(manifest.seq), manifest.dumps())
        replace_text(self.lake.manifests / "CURRENT", f"{manifest.seq}\n")
        self._staged -= {self.lake.folder_of(r) for r in revisions}
        return manifest

    def collect(self, *, in_use: Collection[int] = ()) -> Collected:
        """Remove what no kept manifest names any more; see :func:`costlab.lake.retention.collect`.

        ``in_use``: numbers of manifests that published catalogues still show.
        """
        return collect(self.lake, self.retention, in_use=in_use, staged=self._staged, now=utc_now())

    def discard(self) -> None:
        """Remove what was staged and is not live."""
        if not self._staged:
            return
        # a publish may have been interrupted just after its rename
        live = {self.lake.folder_of(r) for r in self.lake.current().revisions}
        for folder in self._staged - live:
            shutil.rmtree(folder, ignore_errors=True)
        self._staged.clear()

    def _check(self, revisions: Sequence[Revision], published: Iterable[Revision]) -> None:
        known = {self.lake.folder_of(r) for r in published}
        keys: set[Key] = set()
        for revision in revisions:
            folder = self.lake.folder_of(revision)
            if revision.key in keys or folder in known:
                raise ValueError(f"{folder} would be live twice")
            keys.add(revision.key)
            for file in (*revision.files, *revision.quarantine):
                path = self.lake.workspace / file.path
                if path.parent != folder or path.stat().st_size != file.bytes:
                    raise ValueError(f"{file.path} is not a finished file of {folder}")

    def _sync_folders(self, revisions: Sequence[Revision]) -> None:
        """Make the new folders' entries durable, from the files up to the workspace."""
        self.lake.manifests.mkdir(parents=True, exist_ok=True)
        folders = {self.lake.root, self.lake.workspace}
        for revision in revisions:
            folder = self.lake.folder_of(revision)
            folders |= {folder, folder.parent, folder.parent.parent, folder.parent.parent.parent}
        for folder in sorted(folders, key=lambda f: -len(f.parts)):
            sync(folder)

    def _write_history(self, seq: int, history: History) -> str:
        if not history.superseded:
            return ""
        name = f"history-{seq:08d}.json"
        replace_text(self.lake.manifests / name, history.dumps())
        return name


@contextlib.contextmanager
def writing(workspace: Path, *, retention: Retention | None = None) -> Generator[Writer]:
    """Hold the workspace's write lock and yield its writer.

    Raises
    ------
    Locked
        If another process holds it; the message names the process. The lock ends with the process that holds it.
    ConfigError
        If the workspace cannot be written to.
    """
    lake = Lake(workspace)
    with _lock_file(lake) as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Locked(
                f"another process is writing to {workspace}{_holder(lake.root / 'lock')}",
                hint="Wait for it to end and run the command again; reading works meanwhile",
            ) from None
        handle.seek(0)
        handle.truncate()
        json.dump({"pid": os.getpid(), "host": socket.gethostname(), "since": iso(utc_now())}, handle)
        handle.flush()
        writer = Writer(lake, retention or Retention())
        try:
            yield writer
        finally:
            writer.discard()


def _lock_file(lake: Lake) -> TextIO:
    try:
        lake.root.mkdir(parents=True, exist_ok=True)
        return (lake.root / "lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"cannot write to the workspace {lake.workspace}: {error.strerror}",
            hint="Check its permissions, or choose another with --workspace",
        ) from None


def _holder(lock: Path) -> str:
    try:
        told = json.loads(lock.read_text(encoding="utf-8"))
        since = datetime.fromisoformat(told["since"])
        return f" (process {int(told['pid'])} on {told['host']} since {since:%Y-%m-%d %H:%M} UTC)"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
