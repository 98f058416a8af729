"""The immutable lake: revisions, manifests, atomic publish, restatements, retention, transports."""

from __future__ import annotations

from costlab.lake.manifest import LakeFile, Manifest, Origin, Revision
from costlab.lake.store import KnownRevision, Lake
from costlab.lake.writer import Action, Writer, writing

__all__ = ["Action", "KnownRevision", "Lake", "LakeFile", "Manifest", "Origin", "Revision", "Writer", "writing"]
