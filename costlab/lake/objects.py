"""Objects in S3, Google Cloud Storage and Azure Blob Storage, behind the same methods as local files.

A run sees one listing of each folder: what a manifest names is looked up in it, an object that changes afterwards is
noticed by its ETag.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import takewhile
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from costlab.errors import SourceError
from costlab.interfaces.connector import StoredObject
from costlab.lake.names import key_parts, left_out
from costlab.lake.requests import PATIENCE, Requests, Stopped, is_full
from costlab.lake.stores import Location, access_to

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
    from pathlib import Path

    from obstore.store import ObjectStore

    from costlab.lake.requests import Patience

IN_FLIGHT: Final = 8
"""Requests at a time: they wait for the network, not for a core."""
PART: Final = 16 << 20
"""Bytes of an object that one request reads."""
CHUNK: Final = 1 << 16
"""Bytes that are lost at most when a connection is cut."""
SMALL: Final = 1 << 20
"""Up to this many bytes (manifests) an opened object is read whole ..."""
KEPT: Final = 64
"""... and so many of them stay in memory for the run: manifests are opened more than once."""
_PAGE: Final = 1000
_MAGIC = re.compile(r"[*?[]")
_ODD = re.compile(r"[^A-Za-z0-9._=-]")
_RERUN: Final = "Run the same command again: it takes the export that is there now"


class ObjectTransport:
    """One bucket or container, for one run."""

    def __init__(self, location: Location, options: Mapping[str, str], patience: Patience = PATIENCE) -> None:
        self.scheme = location.scheme
        self._root = location.root
        self._access = access_to(location, options)
        self._requests = Requests(self._access, self._root, patience)
        self._listings: dict[str, dict[str, StoredObject]] = {}
        self._small: dict[StoredObject, bytes] = {}

    def list(self, uri: str) -> list[StoredObject]:
        """Return the objects below a folder, matching a glob, or the one object; sorted by URI.

        Hidden names and unfinished uploads below a folder are left out, as are the empty objects that stand for
        folders.

        Raises
        ------
        SourceError
            If there is nothing, no such bucket, or the store does not answer.
        ConfigError
            If the credentials do not suffice.
        """
        key = self._key(uri)
        if below := self._below(key):
            return _visible(below, key.count("/") + 1 if key else 0)
        if key and (item := self.stat(uri)) is not None:
            return [item]
        if not key:
            return []
        if not (found := self._matching(key)):
            raise SourceError(f"{uri}: no such object or folder", hint="Check the path given to --from")
        return [*found]

    def is_empty(self, uri: str) -> bool:
        """Whether nothing lies at a place yet; one page of a listing answers that.

        Raises
        ------
        SourceError
            If there is no such bucket, or the store does not answer.
        ConfigError
            If the credentials do not suffice.
        """
        key = self._key(uri)
        folder = "/".join(takewhile(lambda part: not _MAGIC.search(part), key.split("/")))

        def first(store: ObjectStore) -> bool:
            return next(iter(store.list(folder or None)), None) is None

        return self._requests.run(first, uri, permission=self._access.to_list) and self.stat(uri) is None

    def stat(self, uri: str) -> StoredObject | None:
        """Return the object, or None when it does not exist or is a folder."""
        key = self._key(uri)
        if not key:
            return None
        if (known := self._known(key)) is not None and key in known:
            return known[key]
        item = self._head(key)
        is_folder = item is not None and item.bytes == 0 and bool(self._below(key))
        return None if is_folder else item

    def open(self, uri: str) -> BinaryIO:
        """Return the object's bytes; large objects are read in blocks as they are asked for."""
        item = self.stat(uri)
        if item is None:
            raise SourceError(f"{uri}: no such object", hint="Check the path given to --from")
        if item.bytes > SMALL:
            return io.BufferedReader(_Blocks(item.bytes, lambda start, end: self._bytes(item, start, end)), CHUNK)
        content = self._small[item] if item in self._small else self._bytes(item, 0, item.bytes)
        if len(self._small) < KEPT:
            self._small[item] = content
        return io.BytesIO(content)

    def fetch(self, items: Sequence[StoredObject], into: Path) -> Generator[Path]:
        """Yield a local file for each object, in their order; several parts are on their way at a time.

        Raises
        ------
        SourceError
            If an object changed since it was listed, the store does not answer, or the disk is full.
        ConfigError
            If the credentials do not suffice any more.
        """
        _refuse_full(items, into)
        stop = threading.Event()
        with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="fetch") as pool:
            try:
                jobs = [self._start(pool, item, into, number, stop) for number, item in enumerate(items)]
                for path, parts in jobs:
                    for part in parts:
                        part.result()
                    yield path
            finally:
                stop.set()
                pool.shutdown(wait=True, cancel_futures=True)

    def join(self, base: str, *parts: str) -> str:
        """Return the URI of something below ``base``.

        Raises
        ------
        SourceError
            If it is absolute or climbs out with ``..``.
        """
        self._key(base)
        segments = [segment for part in parts for segment in part.split("/") if segment]
        if ".." in segments or any(part.startswith("/") or "\0" in part for part in parts):
            raise SourceError(
                f"path {'/'.join(parts)!r} leaves {base}", hint="The manifest is damaged or was tampered with"
            )
        return "/".join([base.rstrip("/"), *segments])

    def resolve(self, base: str, key: str) -> StoredObject | None:
        """Return the object a manifest's key names: its longest tail that exists below ``base``.

        Raises
        ------
        SourceError
            If the key is absolute or climbs with ``..``.
        """
        parts = key_parts(key)
        folder = self._key(base)
        known = self._listing(folder)
        tails = [self._key(self.join(base, *parts[skip:])) for skip in range(len(parts))]
        found = next((known[tail] for tail in tails if tail in known), None)
        # what is not in the listing may have been written since
        return found or next((item for tail in tails if (item := self._head(tail)) is not None), None)

    def _key(self, uri: str) -> str:
        if uri != self._root and not uri.startswith(f"{self._root}/"):
            raise SourceError(f"{uri} is not in {self._root}", hint="The manifest is damaged or was tampered with")
        return uri.removeprefix(self._root).strip("/")

    def _below(self, folder: str) -> dict[str, StoredObject]:
        """Return the objects below a folder by key."""
        known = self._listing(folder)
        return {key: item for key, item in known.items() if not folder or key.startswith(f"{folder}/")}

    def _listing(self, folder: str) -> Mapping[str, StoredObject]:
        """Return a listing that holds what is below a folder; it is kept for the run."""
        known = self._known(folder)
        if known is None:
            known = self._listings[folder] = self._listed(folder)
        return known

    def _known(self, key: str) -> Mapping[str, StoredObject] | None:
        """Return the listing that covers a key, None when there is none yet."""
        for folder, listing in self._listings.items():
            if folder in ("", key) or key.startswith(f"{folder}/"):
                return listing
        return None

    def _listed(self, folder: str) -> dict[str, StoredObject]:
        def pages(store: ObjectStore) -> dict[str, StoredObject]:
            stream = store.list(folder or None, chunk_size=_PAGE)
            return {meta["path"]: self._stored(meta) for page in stream for meta in page}

        found = self._requests.run(pages, self._uri(folder), permission=self._access.to_list)
        return {key: found[key] for key in sorted(found) if not _stands_for_folder(key, found)}

    def _head(self, key: str) -> StoredObject | None:
        def head(store: ObjectStore) -> StoredObject:
            return self._stored(store.get(key).meta)  # not HEAD: its errors come without words

        try:
            return self._requests.run(head, self._uri(key), permission=self._access.to_read)
        except FileNotFoundError:
            return None

    def _stored(self, meta: Any) -> StoredObject:
        version = (meta["e_tag"] or f"{meta['size']}-{meta['last_modified']:%Y%m%d%H%M%S%f}").strip('"')
        return StoredObject(self._uri(meta["path"]), meta["size"], version)

    def _uri(self, key: str) -> str:
        return f"{self._root}/{key}" if key else self._root

    def _matching(self, key: str) -> Sequence[StoredObject]:
        """Return the objects a glob chooses, and those below the folders it chooses."""
        segments = key.split("/")
        fixed = next((number for number, part in enumerate(segments) if _MAGIC.search(part)), None)
        if fixed is None:
            return []
        below = self._below("/".join(segments[:fixed]))
        chosen = {k: item for k, item in below.items() if _chosen(segments[fixed:], k.split("/")[fixed:])}
        return _visible(chosen, fixed)

    def _start(
        self, pool: ThreadPoolExecutor, item: StoredObject, into: Path, number: int, stop: threading.Event
    ) -> tuple[Path, Sequence[Future[None]]]:
        """Queue the parts of an object; each writes at its own place in the file."""
        path = into / f"{number:05d}-{_ODD.sub('_', item.uri.rpartition('/')[2])[-100:]}"
        path.touch()
        starts = range(0, item.bytes, PART)
        return path, [pool.submit(self._write, item, start, path, stop) for start in starts]

    def _write(self, item: StoredObject, start: int, path: Path, stop: threading.Event) -> None:
        try:
            with path.open("r+b") as out:
                self._read(item, min(start + PART, item.bytes), _Sink(out.fileno(), start), stop)
        except OSError as error:
            if not is_full(error):
                raise
            raise _full(path, item.bytes) from None

    def _bytes(self, item: StoredObject, start: int, end: int) -> bytes:
        sink = _Memory(start)
        if end > start:
            self._read(item, end, sink, threading.Event())
        return bytes(sink.held)

    def _read(self, item: StoredObject, end: int, sink: _Sink | _Memory, stop: threading.Event) -> None:
        """Read an object up to ``end``; what was cut off goes on where it was, on the same version."""
        from obstore.exceptions import PreconditionError

        key, tag = self._key(item.uri), f'"{item.version}"'

        def rest(store: ObjectStore) -> None:
            if sink.at >= end:
                return
            got = store.get(key, options={"range": (sink.at, end), "if_match": tag})
            if (got.meta["e_tag"] or tag).strip('"') != item.version or got.meta["size"] != item.bytes:
                raise _replaced(item)
            for chunk in got.stream(CHUNK):
                if stop.is_set():
                    raise Stopped
                sink.write(chunk)
            if sink.at < end:
                raise ConnectionError

        try:
            permission = self._access.to_read
            self._requests.run(rest, item.uri, permission=permission, progress=lambda: sink.at, stop=stop)
        except PreconditionError:
            raise _replaced(item) from None
        except FileNotFoundError:
            raise SourceError(f"{item.uri} was removed while it was read", hint=_RERUN) from None


@dataclass(slots=True)
class _Sink:
    """A place in a file that moves on as bytes come in."""

    handle: int
    at: int

    def write(self, chunk: bytes) -> None:
        view = memoryview(chunk)
        while view:
            done = os.pwrite(self.handle, view, self.at)
            self.at += done
            view = view[done:]


class _Memory:
    """Bytes that are kept in memory."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.held = bytearray()

    def write(self, chunk: bytes) -> None:
        self.held += chunk
        self.at += len(chunk)


class _Blocks(io.RawIOBase):
    """An object as a stream, a block per request."""

    def __init__(self, size: int, read: Callable[[int, int], bytes]) -> None:
        self._size, self._read, self._at = size, read, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self._read(self._at, min(self._at + len(buffer), self._size))
        buffer[: len(block)] = block
        self._at += len(block)
        return len(block)

    def readall(self) -> bytes:
        at, self._at = self._at, self._size
        return self._read(at, self._size)


def _visible(items: Mapping[str, StoredObject], depth: int) -> list[StoredObject]:
    """Return the objects none of whose names from ``depth`` on says to leave them out."""
    return [item for key, item in sorted(items.items()) if not any(map(left_out, key.split("/")[depth:]))]


def _chosen(pattern: Sequence[str], parts: Sequence[str]) -> bool:
    """Whether a glob chooses an object or a folder above it."""
    if not pattern:
        return True
    if pattern[0] == "**":
        return any(_chosen(pattern[1:], parts[skip:]) for skip in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _chosen(pattern[1:], parts[1:])


def _stands_for_folder(key: str, all_keys: Mapping[str, StoredObject]) -> bool:
    """Whether an object is an empty one that consoles and hierarchical namespaces make for a folder."""
    if all_keys[key].bytes:
        return False
    return "." not in key.rpartition("/")[2] or any(other.startswith(f"{key}/") for other in all_keys)


def _refuse_full(items: Iterable[StoredObject], into: Path) -> None:
    needed = sum(item.bytes for item in items)
    if needed > shutil.disk_usage(into).free:
        raise _full(into, needed)


def _full(path: Path, needed: int) -> SourceError:
    free = shutil.disk_usage(path.parent).free
    return SourceError(
        f"the disk of {path.parent} is full: {needed / 1e6:,.1f} MB to fetch, {free / 1e6:,.1f} MB free",
        hint="Make room there, then run the same command again; nothing was changed",
    )


def _replaced(item: StoredObject) -> SourceError:
    return SourceError(f"{item.uri} was replaced while it was read", hint=_RERUN)
