"""How objects are reached. Local folders are here; an object store is one more class with the same six methods."""

from __future__ import annotations

import glob as globbing
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, ClassVar
from urllib.parse import unquote, urlparse

from costlab.errors import ConfigError, SourceError
from costlab.interfaces.connector import StoredObject

if TYPE_CHECKING:
    from costlab.interfaces.connector import Transport


def transport_for(uri: str) -> tuple[Transport, str]:
    """Return the transport that reaches ``uri`` and the URI in that transport's own spelling.

    Raises
    ------
    ConfigError
        If the scheme is not supported.
    """
    scheme = urlparse(uri).scheme
    if scheme == "file":
        return LocalTransport(), unquote(urlparse(uri).path)
    if "://" in uri:
        raise ConfigError(
            f"{scheme}:// is not supported yet in {uri!r}",
            hint="Copy the export to a local folder (for example with `aws s3 sync`) and give that folder to --from",
        )
    return LocalTransport(), uri


class LocalTransport:
    """Files on this machine."""

    scheme: ClassVar[str] = "file"

    def list(self, uri: str) -> list[StoredObject]:
        """Return the files below a folder, matching a glob, or the one file; sorted, hidden ones left out."""
        path = Path(uri).expanduser()
        if path.is_dir():
            found = [p for p in path.rglob("*") if not _hidden(p.relative_to(path))]
        elif path.exists():
            found = [path]
        else:
            found = [Path(match) for match in globbing.glob(str(path), recursive=True)]  # noqa: PTH207 - any depth, absolute
        files = sorted(p.absolute() for p in found if p.is_file())
        if not files and not path.is_dir():
            raise SourceError(f"{uri}: no such file or folder", hint="Check the path given to --from")
        return [_stored(p) for p in files]

    def stat(self, uri: str) -> StoredObject | None:
        """Return the file, or None when it does not exist."""
        path = Path(uri).expanduser()
        return _stored(path.absolute()) if path.is_file() else None

    def open(self, uri: str) -> BinaryIO:
        """Return the file's bytes."""
        try:
            return Path(uri).open("rb")
        except OSError as error:
            raise SourceError(f"{uri}: {error.strerror}", hint="Check the path and its permissions") from None

    def fetch(self, item: StoredObject, into: Path) -> Path:
        """Return the file itself; nothing is copied."""
        del into
        return Path(item.uri)

    def join(self, base: str, *parts: str) -> str:
        """Return the path of something below ``base``.

        Raises
        ------
        SourceError
            If it is absolute, climbs out with ``..`` or leaves through a link.
        """
        root = Path(base).expanduser().absolute()
        joined = root.joinpath(*parts)
        leaves = any(Path(part).is_absolute() or ".." in Path(part).parts for part in parts)
        if leaves or not joined.resolve().is_relative_to(root.resolve()):
            raise SourceError(
                f"path {'/'.join(parts)!r} leaves {base}", hint="The manifest is damaged or was tampered with"
            )
        return str(joined)

    def resolve(self, base: str, key: str) -> StoredObject | None:
        """Return the object a manifest's key names: its longest tail that exists below ``base``.

        Keys are relative to the bucket, or whole ``s3://`` URIs, while ``base`` may be a copy of the bucket or of any
        folder in it.

        Raises
        ------
        SourceError
            If the key is absolute or climbs with ``..``.
        """
        parts = _key_parts(key)
        for skip in range(len(parts)):
            found = self.stat(self.join(base, *parts[skip:]))
            if found is not None:
                return found
        return None


def _key_parts(key: str) -> list[str]:
    path = urlparse(key).path.lstrip("/") if "://" in key else key
    parts = [part for part in path.split("/") if part]
    if key.startswith("/") or ".." in parts or "\\" in key or not parts:
        raise SourceError(
            f"the manifest names {key!r}, which leaves the export's folder",
            hint="The manifest is damaged or was tampered with",
        )
    return parts


def _hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def _stored(path: Path) -> StoredObject:
    info = path.stat()
    return StoredObject(str(path), info.st_size, f"{info.st_size}-{info.st_mtime_ns}")
