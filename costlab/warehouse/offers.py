"""The prices that come with costlab, as a table every workspace has: dated facts, each with its source.

``data/prices/offers.parquet`` is made by ``scripts/build-default-prices``. A copy goes to the lake, so that the
catalogue's views read nothing outside the workspace.
"""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING

from costlab.interfaces.connector import Dataset
from costlab.interfaces.datasets import OFFER_TYPES
from costlab.paths import shipped
from costlab.warehouse.parquet import file_list, identifier

if TYPE_CHECKING:
    from pathlib import Path


def default_offers(workspace: Path) -> str:
    """Return a SELECT of the default offers, from a file in the workspace that is copied when it is not there."""
    path = shipped("prices") / "offers.parquet"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    relative = f"lake/{Dataset.PRICES}/default-{digest}.parquet"
    target = workspace / relative
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_suffix(".tmp")
        shutil.copyfile(path, temporary)
        temporary.replace(target)
    return f"select {', '.join(identifier(name) for name in OFFER_TYPES)} from {file_list([relative])}"
