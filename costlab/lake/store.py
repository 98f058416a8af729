"""Reading the lake: the live manifest, its history, and what was known at an instant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from costlab.errors import SourceError, UsageError
from costlab.interfaces.connector import Dataset
from costlab.lake.manifest import MEND, History, Manifest, Revision, load_history, load_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_EMPTY = Manifest(0, datetime.min)  # noqa: DTZ901 - naive means UTC
_SOURCE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
Key = tuple[str, str, str]
"""Dataset, source, period: what has at most one live revision."""


def checked_source(name: str) -> str:
    """Return the source's name if it can be a folder's; raises :class:`UsageError` otherwise."""
    if _SOURCE.fullmatch(name) is None:
        raise UsageError(
            f"source name {name!r} cannot be used",
            hint="Use up to 64 lower-case letters, digits, dots, dashes and underscores, for example aws-payer-1",
        )
    return name


@dataclass(frozen=True, slots=True)
class KnownRevision:
    """A revision that counts at an instant.

    Of a first revision, and of metrics, the rows count as known at the end of what they describe (``is_first``); a
    later one counts whole from the time it was loaded.
    """

    revision: Revision
    is_first: bool


class Lake:
    """The lake of a workspace; reading takes no lock and follows manifests, never folders."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self.root = workspace / "lake"
        self.manifests = self.root / "manifests"

    def current(self) -> Manifest:
        """Return the live manifest; the empty one (seq 0) when nothing was ever published."""
        pointer = self.manifests / "CURRENT"
        try:
            seq = int(pointer.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return _EMPTY
        except ValueError:
            raise SourceError(
                f"{pointer} is damaged", hint="Write the number of the newest manifest beside it into it"
            ) from None
        return self.manifest(seq)

    def manifest(self, seq: int) -> Manifest:
        """Return the manifest of one publish.

        Raises
        ------
        SourceError
            If it is missing or damaged.
        """
        if seq == 0:
            return _EMPTY
        path = self.path_of(seq)
        return load_manifest(_read(path), where=str(path))

    def path_of(self, seq: int) -> Path:
        """Return where the manifest of one publish lies."""
        return self.manifests / f"{seq:08d}.json"

    def folder_of(self, revision: Revision) -> Path:
        """Return the folder of a revision's files."""
        base = self.root / revision.dataset / f"source={revision.source}"
        return base / f"billing_period={revision.period}" / revision.revision

    def history(self) -> Iterator[Manifest]:
        """Yield the manifests that are kept up to the live one, oldest first.

        Older publishes are removed after a while (``costlab.lake.retention``); use :meth:`revisions` for what was
        replaced.
        """
        for seq in self.sequences(self.current().seq):
            yield self.manifest(seq)

    def sequences(self, newest: int) -> list[int]:
        """Return the numbers of the manifests on disk up to ``newest``, ascending."""
        found = (int(path.stem) for path in self.manifests.glob("[0-9]*.json") if path.stem.isdigit())
        return sorted(seq for seq in found if seq <= newest)

    def superseded(self, manifest: Manifest) -> History:
        """Return the revisions that were live before and are kept, as of one publish."""
        if not manifest.history:
            return History()
        path = self.manifests / manifest.history
        return load_history(_read(path), where=str(path))

    def revisions(self, manifest: Manifest | None = None) -> list[Revision]:
        """Return all kept revisions, superseded and live, by dataset, source and period; each chain oldest first."""
        manifest = manifest or self.current()
        old = [item.revision for item in self.superseded(manifest).superseded]
        return sorted([*old, *manifest.revisions], key=lambda r: r.key)  # stable: the order of publishing stays

    def live(self, manifest: Manifest | None = None) -> list[KnownRevision]:
        """Return what counts now (or after the publish of ``manifest``): the live revisions, whole."""
        manifest = manifest or self.current()
        return [KnownRevision(revision, is_first=False) for revision in manifest.revisions]

    def known_at(self, as_of: datetime) -> list[KnownRevision]:
        """Return what counted at an instant: per period the newest revision loaded by then, else the first one.

        Of the first one, only rows that end by ``as_of`` count (``is_first``); so history that was loaded in one go
        can be replayed day by day. Metric samples always count so, whenever their file came. Periods that were removed
        since are left out.
        """
        manifest = self.current()
        chains = chains_of(self.revisions(manifest))
        live = {revision.key for revision in manifest.revisions}
        return [_known(chain, as_of) for key, chain in chains.items() if key in live]


def chains_of(revisions: list[Revision]) -> dict[Key, list[Revision]]:
    """Return the revisions of each period, in the given order."""
    chains: dict[Key, list[Revision]] = {}
    for revision in revisions:
        chains.setdefault(revision.key, []).append(revision)
    return chains


def _known(chain: list[Revision], as_of: datetime) -> KnownRevision:
    if chain[-1].dataset == Dataset.METRICS:
        return KnownRevision(chain[-1], is_first=True)
    later = [r for r in chain if not r.is_first and r.loaded_at <= as_of]
    if later:
        return KnownRevision(later[-1], is_first=False)
    return KnownRevision(chain[0], is_first=True)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SourceError(f"{path} is missing", hint=MEND) from None
    except UnicodeDecodeError:
        raise SourceError(f"{path} is damaged: not text", hint=MEND) from None
