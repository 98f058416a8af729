"""What the names of delivered files tell, on disk and in object stores alike."""

from __future__ import annotations

from typing import Final

from costlab.errors import SourceError

_UNFINISHED: Final = (".tmp", ".temp", ".part", ".partial", ".crdownload", "~")


def left_out(name: str) -> bool:
    """Whether a file or folder is hidden, or a download that is not finished."""
    return name.startswith((".", "_")) or name.endswith(_UNFINISHED)


def key_parts(key: str) -> list[str]:
    """Return the folders and the name in a manifest's key, which may be a whole ``s3://`` URI.

    Raises
    ------
    SourceError
        If the key is absolute or climbs with ``..``.
    """
    # not urlparse: '#' and '?' are ordinary characters in keys
    path = key.partition("://")[2].partition("/")[2] if "://" in key else key
    parts = [part for part in path.split("/") if part]
    if path.startswith("/") or ".." in parts or "\\" in key or not parts:
        raise SourceError(
            f"the manifest names {key!r}, which leaves the export's folder",
            hint="The manifest is damaged or was tampered with",
        )
    return parts
