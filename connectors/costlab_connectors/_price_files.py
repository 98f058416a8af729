"""What the price connectors share: offers as records, files and pages as streams, and their one snapshot.

Price lists are large (an EC2 region is 300 MB of CSV): they are read line by line and never held.
"""

from __future__ import annotations

import gzip
import http.client
import io
import time
import urllib.error
import urllib.request
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from costlab.errors import SourceError
from costlab.interfaces.connector import Column, Dataset, FileFormat, Snapshot
from costlab.interfaces.datasets import OFFER_TYPES

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping

    from costlab.interfaces.connector import Landing

HOURS_PER_YEAR: Final = 8760
COLUMNS: Final = tuple(Column(name, kind) for name, kind in OFFER_TYPES.items() if name != "x_source")
_GZIP: Final = b"\x1f\x8b"
_TRIES: Final = 5
_RETRIED: Final = frozenset({408, 429, 500, 502, 503, 504})
_TIMEOUT: Final = 60.0
_FIRST_WAIT: Final = 0.1

Offer = dict[str, Any]


def offer(landing: Landing, **given: Any) -> Offer:
    """Return an offer as it is landed; what is not given is usual: on demand, no upfront, the vendor's own price."""
    usual = {"instrument": "ondemand", "payment": "none", "tier_from": "0", "currency": "USD", "confidence": "high"}
    return {**usual, **given, "observed_at": landing.now}


def snapshot(landing: Landing, source: str, connector: str, offers: Iterable[Mapping[str, Any]]) -> Snapshot:
    """Return the one snapshot of all offers.

    Raises
    ------
    SourceError
        If there is none.
    """
    file = landing.write("offers", offers)
    if not file.rows:
        raise SourceError(f"{source}: no offer that costlab knows is there", hint="Check --from and the options")
    return Snapshot(
        source=source,
        connector=connector,
        dataset=Dataset.PRICES,
        period=None,
        snapshot_id=file.stored.version,
        order="",
        files=(file,),
        format=FileFormat.JSONL,
        staging="prices",
        columns=COLUMNS,
    )


def files_at(uri: str, *patterns: str) -> list[str]:
    """Return the local files a path names: itself, or what matches the patterns in a folder; a URL as it is.

    Raises
    ------
    SourceError
        If there is no such file.
    """
    if "://" in uri:
        return [uri]
    path = Path(uri).expanduser()
    found = sorted({p for pattern in patterns for p in path.glob(pattern)}) if path.is_dir() else [path]
    missing = [p for p in found if not p.is_file()] or ([] if found else [path])
    if missing:
        raise SourceError(f"{missing[0]}: no such price list", hint="Check the path given to --from")
    return [str(p) for p in found]


@contextmanager
def opened(uri: str) -> Generator[BinaryIO]:
    """Yield the bytes of a file or URL, unpacked where they are gzip.

    Raises
    ------
    SourceError
        If it cannot be read, or is cut short.
    """
    try:
        with _raw(uri) as raw:
            start = raw.read(2)
            whole = prefixed(start, raw)
            yield cast("BinaryIO", gzip.GzipFile(fileobj=whole)) if start == _GZIP else whole
    except (OSError, EOFError, http.client.HTTPException, zlib.error, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise SourceError(f"{_shown(uri)} cannot be read: {reason}", hint="Fetch it again, then repeat") from None


def _raw(uri: str) -> BinaryIO:
    if "://" not in uri:
        return Path(uri).open("rb")
    for attempt in range(_TRIES):
        try:
            return cast("BinaryIO", urllib.request.urlopen(uri, timeout=_TIMEOUT))  # noqa: S310 - https of --from
        except urllib.error.HTTPError as error:
            if error.code not in _RETRIED or attempt == _TRIES - 1:
                raise SourceError(f"{_shown(uri)} answers {error.code}", hint="Check the address; try later") from None
            wait = float(error.headers.get("Retry-After") or 0) or _FIRST_WAIT * 2**attempt
        except (urllib.error.URLError, TimeoutError):
            if attempt == _TRIES - 1:
                raise
            wait = _FIRST_WAIT * 2**attempt
        time.sleep(min(wait, _TIMEOUT))
    raise AssertionError("unreachable")  # pragma: no cover


def prefixed(start: bytes, rest: BinaryIO) -> BinaryIO:
    """Return a stream of ``start``, which was read already, and the rest."""
    return cast("BinaryIO", io.BufferedReader(_Prefixed(start, rest), 1 << 16))


class _Prefixed(io.RawIOBase):
    """A stream whose first bytes were read already."""

    def __init__(self, start: bytes, rest: BinaryIO) -> None:
        self._start, self._rest = start, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self._start or self._rest.read(len(buffer))
        self._start = block[len(buffer) :] if self._start else b""
        block = block[: len(buffer)]
        buffer[: len(block)] = block
        return len(block)


def _shown(uri: str) -> str:
    return uri.partition("?")[0]
