"""The immutable lake: revisions, manifests, atomic publish, restatements, retention, transports."""

from __future__ import annotations

from costlab.lake.manifest import LakeFile, Manifest, Origin, Revision
from costlab.lake.restatements import Restatement, restatements
from costlab.lake.retention import Collected, Retention
from costlab.lake.store import KnownRevision, Lake
from costlab.lake.writer import Action, Writer, writing

__all__ = [
    "Action", "Collected", "KnownRevision", "Lake", "LakeFile", "Manifest", "Origin", "Restatement", "Retention",
    "Revision", "Writer", "restatements", "writing",
]  # fmt: skip
