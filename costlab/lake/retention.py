"""What is kept of the past, and removing what nobody can reach any more.

A publish drops expired revisions from the history it writes; their files stay as long as a kept manifest names them, so
that a reader who began with an older manifest can finish. Whatever no kept manifest names is removed, and that covers
what a crash left behind.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from costlab.errors import SourceError
from costlab.interfaces.connector import Dataset
from costlab.lake.disk import sync
from costlab.lake.manifest import History, Manifest, Superseded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from costlab.lake.store import Key, Lake

_OURS = ("[0-9]*.json", "history-*.json", ".*.tmp")
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Retention:
    """How long the past is kept.

    Parameters
    ----------
    revisions
        This many of the newest superseded revisions of each live period, however old.
    days
        Every superseded revision for this long after it was replaced or removed.
    manifests
        This many of the newest manifests, however old.
    grace
        Every manifest for this long after it was written, for readers that began with it.
    """

    revisions: int = 10
    days: int = 90
    manifests: int = 10
    grace: timedelta = timedelta(days=1)

    def kept(self, history: History, live: Collection[Key], now: datetime) -> History:
        """Return the history without what has expired.

        The first revision of a live period always stays: analyses of days before the second one was loaded read it.
        """
        left: dict[Key, int] = {}
        kept: list[Superseded] = []
        for item in reversed(history.superseded):
            key = item.revision.key
            left[key] = left.get(key, self.revisions if key in live else 0) - 1
            is_recent = left[key] >= 0 or item.replaced_at > now - timedelta(days=self.days)
            if is_recent or (item.revision.is_first and key in live):
                kept.append(item)
        return History(tuple(reversed(kept)))


@dataclass(frozen=True, slots=True)
class Collected:
    """What :func:`collect` removed."""

    manifests: int = 0
    revisions: int = 0
    bytes: int = 0


def collect(
    lake: Lake, retention: Retention, *, in_use: Collection[int], staged: Collection[Path], now: datetime
) -> Collected:
    """Remove old manifests, and the folders of revisions that no kept manifest names. The write lock must be held.

    Parameters
    ----------
    in_use
        Numbers of manifests to keep whatever their age.
    staged
        Folders that are being written.

    Returns
    -------
    Collected
        Nothing was removed if a manifest that has to be kept cannot be read: what it names is not known.
    """
    current = lake.current()
    try:
        kept = [*_kept(lake, retention, current, in_use, now), current]
        named = {lake.folder_of(r) for manifest in kept for r in lake.revisions(manifest)}
    except SourceError as error:
        _logger.warning("nothing was tidied up: %s", error.message)
        return Collected()
    manifests = _remove_manifests(lake, kept)
    orphans = [folder for folder in _folders(lake) if folder not in named and folder not in staged]
    size = sum(_size(folder) for folder in orphans)
    for folder in orphans:
        _remove_folder(folder, up_to=lake.root)
    return Collected(manifests, len(orphans), size)


def _kept(
    lake: Lake, retention: Retention, current: Manifest, in_use: Collection[int], now: datetime
) -> Iterator[Manifest]:
    """Yield the older manifests to keep; once one is too old, so are those before it, which are not read."""
    older = lake.sequences(current.seq - 1)
    aged = False
    for position, seq in enumerate(reversed(older), 2):
        if seq in in_use or position <= retention.manifests:
            yield lake.manifest(seq)
        elif not aged:
            manifest = _readable(lake, seq)
            aged = manifest is None or manifest.created_at <= now - retention.grace
            if manifest and not aged:
                yield manifest


def _readable(lake: Lake, seq: int) -> Manifest | None:
    with contextlib.suppress(SourceError):
        return lake.manifest(seq)
    return None


def _remove_manifests(lake: Lake, kept: list[Manifest]) -> int:
    names = {lake.path_of(m.seq).name for m in kept} | {m.history for m in kept}
    ours = (path for pattern in _OURS for path in lake.manifests.glob(pattern))
    gone = [path for path in ours if path.name not in names]
    for path in gone:
        path.unlink()
    if gone:
        sync(lake.manifests)  # before the files they name: no manifest may outlive its files
    return sum(path.stem.isdigit() for path in gone)


def _folders(lake: Lake) -> Iterator[Path]:
    for dataset in Dataset:
        for path in sorted((lake.root / dataset).glob("source=*/billing_period=*/*")):
            if path.is_dir() and not path.is_symlink():
                yield path


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def _remove_folder(folder: Path, *, up_to: Path) -> None:
    shutil.rmtree(folder)
    parent = folder.parent
    with contextlib.suppress(OSError):  # not empty
        while parent != up_to:
            parent.rmdir()
            parent = parent.parent
