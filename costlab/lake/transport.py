"""How objects are reached. Local folders are here; object stores are in :mod:`costlab.lake.objects`."""

from __future__ import annotations

import errno
import glob as globbing
import os
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import unquote, urlparse

from costlab.errors import ConfigError, SourceError, UnknownValue
from costlab.interfaces.connector import StoredObject
from costlab.lake.names import key_parts, left_out
from costlab.lake.stores import location_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from costlab.interfaces.connector import Transport

_THIS_MACHINE = ("", "localhost")


def transport_for(uri: str, options: Mapping[str, str] | None = None) -> tuple[Transport, str]:
    """Return the transport that reaches ``uri`` and the URI in that transport's own spelling.

    ``options`` are the source's: how an object store is reached, see docs/sources.md; local files have none.

    Raises
    ------
    ConfigError
        If the scheme is not supported.
    UsageError
        If an option is not understood.
    """
    if (location := location_of(uri)) is not None:
        from costlab.lake.objects import ObjectTransport

        return ObjectTransport(location, options or {}), f"{location.root}/{location.key}".rstrip("/")
    if options:
        raise UnknownValue("option", next(iter(options)), [])
    scheme, separator, _ = uri.partition("://")
    if not separator:
        return LocalTransport(), uri
    parsed = urlparse(uri)
    if scheme.lower() == "file" and parsed.netloc in _THIS_MACHINE:
        return LocalTransport(), unquote(parsed.path)
    raise ConfigError(
        f"{scheme}://{parsed.netloc if scheme.lower() == 'file' else ''} is not supported in {uri!r}",
        hint="Give --from a local path, s3://, gs:// or az://",
    )


class LocalTransport:
    """Files on this machine."""

    scheme = "file"

    def list(self, uri: str) -> list[StoredObject]:
        """Return the files below a folder, matching a glob, or the one file; sorted.

        Below a folder, and where a pattern chose, names that begin with a dot or an underscore and unfinished
        downloads are left out. Linked folders are entered.

        Raises
        ------
        SourceError
            If there is no such file or folder, or a folder cannot be read.
        """
        path = _path(uri)
        if path.is_dir():
            found = set(_below(path))
        elif path.exists():
            found = {path}
        else:
            found = set(_matching(path))
        if not found and not path.is_dir():
            raise SourceError(f"{uri}: no such file or folder", hint="Check the path given to --from")
        return [_stored(p) for p in sorted(found)]

    def stat(self, uri: str) -> StoredObject | None:
        """Return the file, or None when it does not exist."""
        path = _path(uri)
        try:
            return _stored(path) if path.is_file() else None
        except OSError:  # a name that is too long to exist
            return None

    def open(self, uri: str) -> BinaryIO:
        """Return the file's bytes."""
        try:
            return _path(uri).open("rb")
        except OSError as error:
            raise _unreadable(uri, error) from None

    def fetch(self, items: Sequence[StoredObject], into: Path) -> Generator[Path]:
        """Yield the files themselves; nothing is copied."""
        del into
        yield from (Path(item.uri) for item in items)

    def join(self, base: str, *parts: str) -> str:
        """Return the path of something below ``base``.

        Raises
        ------
        SourceError
            If it is absolute, climbs out with ``..`` or leaves through a link.
        """
        root = _path(base)
        leaves = any(Path(part).is_absolute() or ".." in Path(part).parts or "\0" in part for part in parts)
        if leaves or not _stays(root, root.joinpath(*parts)):
            raise SourceError(
                f"path {'/'.join(parts)!r} leaves {base}", hint="The manifest is damaged or was tampered with"
            )
        return str(root.joinpath(*parts))

    def resolve(self, base: str, key: str) -> StoredObject | None:
        """Return the object a manifest's key names: its longest tail that exists below ``base``.

        Keys are relative to the bucket, or whole ``s3://`` URIs, while ``base`` may be a copy of the bucket or of any
        folder in it.

        Raises
        ------
        SourceError
            If the key is absolute, climbs with ``..`` or leaves through a link.
        """
        parts = key_parts(key)
        for skip in range(len(parts)):
            found = self.stat(self.join(base, *parts[skip:]))
            if found is not None:
                return found
        return None


def _path(uri: str) -> Path:
    if "\0" in uri:
        raise SourceError(f"{uri!r} is not a path", hint="Check the path given to --from")
    return Path(uri).expanduser().absolute()


def _stays(root: Path, path: Path) -> bool:
    try:
        path.stat()
    except OSError as error:
        if error.errno == errno.ELOOP:  # links that lead to each other; Python 3.13 resolves them without a word
            return False
    return path.resolve().is_relative_to(root.resolve())


def _below(base: Path) -> Iterator[Path]:
    """Yield the files of a folder and its folders, each folder once even if links lead back to it."""

    def refuse(error: OSError) -> None:
        raise _unreadable(str(error.filename), error)

    seen: set[tuple[int, int]] = set()
    for folder, inner, files in os.walk(base, onerror=refuse, followlinks=True):
        info = Path(folder).stat()
        if (info.st_dev, info.st_ino) in seen:
            inner.clear()
            continue
        seen.add((info.st_dev, info.st_ino))
        inner[:] = sorted(name for name in inner if not left_out(name))
        yield from (path for name in files if not left_out(name) and (path := Path(folder, name)).is_file())


def _matching(pattern: Path) -> Iterator[Path]:
    """Yield the files a glob chooses, and those below the folders it chooses."""
    fixed = next(i for i, part in enumerate((*pattern.parts, "*")) if globbing.has_magic(part))
    for match in globbing.glob(str(pattern), recursive=True):  # noqa: PTH207 - any depth, absolute
        path = Path(match)
        if any(left_out(part) for part in path.parts[fixed:]):
            continue
        if path.is_dir():
            yield from _below(path)
        elif path.is_file():
            yield path


def _stored(path: Path) -> StoredObject:
    try:
        info = path.stat()
    except OSError as error:
        raise _unreadable(str(path), error) from None
    return StoredObject(str(path), info.st_size, f"{info.st_size}-{info.st_mtime_ns}")


def _unreadable(uri: str, error: OSError) -> SourceError:
    return SourceError(f"{uri}: {error.strerror}", hint="Check the path and its permissions")
