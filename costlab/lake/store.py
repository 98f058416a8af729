"""Reading the lake: the live manifest, its history, and what was known at an instant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from costlab.errors import SourceError, UsageError
from costlab.lake.manifest import Manifest, Revision, loads

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_EMPTY = Manifest(0, datetime.min)  # noqa: DTZ901 - naive means UTC
_SOURCE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


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

    Of a first revision (``is_first``) the rows count as known at the end of what they describe; a later one counts
    whole from the time it was loaded.
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
        try:
            seq = int((self.manifests / "CURRENT").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return _EMPTY
        except ValueError:
            raise SourceError(
                f"{self.manifests / 'CURRENT'} is damaged", hint="Write the number of the newest manifest into it"
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
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise SourceError(f"{path} is missing", hint="Restore the workspace from a backup") from None
        return loads(text, where=str(path))

    def path_of(self, seq: int) -> Path:
        """Return where the manifest of one publish lies."""
        return self.manifests / f"{seq:08d}.json"

    def history(self) -> Iterator[Manifest]:
        """Yield all kept manifests up to the live one, oldest first."""
        newest = self.current().seq
        for path in sorted(self.manifests.glob("[0-9]*.json")):
            if int(path.stem) <= newest:
                yield self.manifest(int(path.stem))

    def revisions(self) -> list[Revision]:
        """Return every revision any kept manifest names, oldest first, each once."""
        seen: dict[tuple[str, str, str, str], Revision] = {}
        for manifest in self.history():
            for revision in manifest.revisions:
                seen.setdefault((*revision.key, revision.revision), revision)
        return sorted(seen.values(), key=lambda r: (r.key, r.loaded_at))

    def live(self) -> list[KnownRevision]:
        """Return what counts now: the live revisions, whole."""
        return [KnownRevision(revision, is_first=False) for revision in self.current().revisions]

    def known_at(self, as_of: datetime) -> list[KnownRevision]:
        """Return what counted at an instant: per period the newest revision loaded by then, else the first one.

        Of the first one, only rows that end by ``as_of`` count (``is_first``); so history that was loaded in one go
        can be replayed day by day.
        """
        chains: dict[tuple[str, str, str], list[Revision]] = {}
        for revision in self.revisions():
            chains.setdefault(revision.key, []).append(revision)
        live = {revision.key for revision in self.current().revisions}
        return [_known(chain, as_of) for key, chain in sorted(chains.items()) if key in live]


def _known(chain: list[Revision], as_of: datetime) -> KnownRevision:
    later = [r for r in chain if not r.is_first and r.loaded_at <= as_of]
    if later:
        return KnownRevision(later[-1], is_first=False)
    return KnownRevision(chain[0], is_first=True)
