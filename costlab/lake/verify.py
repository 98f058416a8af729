"""Whether the files that a manifest names are there and as they were written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costlab.lake.disk import sha256

if TYPE_CHECKING:
    from collections.abc import Iterator

    from costlab.lake.manifest import LakeFile, Manifest, Revision
    from costlab.lake.store import Lake


def missing_files(lake: Lake, manifest: Manifest) -> list[str]:
    """Return the live files that are missing or of another size, relative to the workspace. Opens no file."""
    return [file.path for file in _files(manifest) if not _right_size(lake, file)]


def changed_files(lake: Lake, manifest: Manifest) -> list[str]:
    """Return the live files that are missing or differ from what was published. Reads every one of them."""
    return [
        file.path
        for file in _files(manifest)
        if not _right_size(lake, file) or sha256(lake.workspace / file.path) != file.sha256
    ]


def is_whole(lake: Lake, revision: Revision) -> bool:
    """Return whether all files of a revision are there, as large as they were written. Opens no file."""
    return all(_right_size(lake, file) for file in (*revision.files, *revision.quarantine))


def _files(manifest: Manifest) -> Iterator[LakeFile]:
    for revision in manifest.revisions:
        yield from (*revision.files, *revision.quarantine)


def _right_size(lake: Lake, file: LakeFile) -> bool:
    path = lake.workspace / file.path
    return path.is_file() and path.stat().st_size == file.bytes
