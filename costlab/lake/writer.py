"""Writing the lake: one writer, revisions in fresh folders, one atomic rename that makes them live."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from costlab.errors import Locked
from costlab.lake.disk import replace_text, sha256, sync
from costlab.lake.manifest import LakeFile, Manifest, Revision
from costlab.lake.store import Lake, checked_source
from costlab.period import iso, utc_now

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path


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

    def __init__(self, lake: Lake) -> None:
        self.lake = lake

    def stage(self, dataset: str, source: str, period: str, tag: str) -> tuple[str, Path]:
        """Return a new revision's id and its empty folder; nothing reads it before it is published.

        ``tag`` (the delivery's fingerprint) ends the id: ``20260301T040506123456-1a2b3c4d``.
        """
        revision = f"{utc_now():%Y%m%dT%H%M%S%f}-{tag[:8]}"
        base = self.lake.root / dataset / f"source={checked_source(source)}" / f"billing_period={period}"
        folder = base / revision
        folder.mkdir(parents=True)
        return revision, folder

    def file(self, path: Path, rows: int) -> LakeFile:
        """Return the record of a finished file, after making it durable."""
        sync(path)
        relative = path.relative_to(self.lake.workspace).as_posix()
        return LakeFile(relative, path.stat().st_size, sha256(path), rows)

    def publish(self, revisions: Sequence[Revision], *, removed: Sequence[tuple[str, str, str]] = ()) -> Manifest:
        """Make revisions live in place of those of the same periods; return the new manifest.

        The rename of ``CURRENT`` is the moment: a crash before it leaves files that no manifest names.
        """
        old = self.lake.current()
        gone = {r.key for r in revisions} | set(removed)
        seen = {r.key for r in self.lake.revisions()}
        new = [replace(r, is_first=r.key not in seen) for r in revisions]
        for revision in new:
            self._sync_folders(revision)
        kept = [r for r in old.revisions if r.key not in gone]
        live = sorted([*kept, *new], key=lambda r: r.key)
        manifest = Manifest(old.seq + 1, utc_now(), tuple(live))
        self.lake.manifests.mkdir(parents=True, exist_ok=True)
        replace_text(self.lake.path_of(manifest.seq), manifest.dumps())
        replace_text(self.lake.manifests / "CURRENT", f"{manifest.seq}\n")
        return manifest

    def _sync_folders(self, revision: Revision) -> None:
        for file in (*revision.files, *revision.quarantine):
            folder = (self.lake.workspace / file.path).parent
            while folder != self.lake.root.parent:
                sync(folder)
                folder = folder.parent


@contextlib.contextmanager
def writing(workspace: Path) -> Generator[Writer]:
    """Hold the workspace's write lock and yield its writer.

    Raises
    ------
    Locked
        If another process holds it; the message names the process. The lock ends with the process that holds it.
    """
    lake = Lake(workspace)
    lake.root.mkdir(parents=True, exist_ok=True)
    with (lake.root / "lock").open("a+", encoding="utf-8") as handle:
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
        yield Writer(lake)


def _holder(lock: Path) -> str:
    try:
        told = json.loads(lock.read_text(encoding="utf-8"))
        since = datetime.fromisoformat(told["since"])
        return f" (process {int(told['pid'])} on {told['host']} since {since:%Y-%m-%d %H:%M} UTC)"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
