"""Which catalogue a Lab looks at: the published one, or one built for what was known on a day in the past."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from costlab.errors import DataError
from costlab.warehouse.catalogue import build, open_current
from costlab.warehouse.relations import Database

if TYPE_CHECKING:
    from contextlib import ExitStack
    from datetime import datetime

    from costlab.settings import Settings


def current_catalogue(settings: Settings) -> tuple[int, Database]:
    """Return the published catalogue; raises :class:`DataError` when there is none."""
    return open_current(settings.workspace)


def past_catalogue(settings: Settings, as_of: datetime, stack: ExitStack) -> tuple[int, Database]:
    """Return a catalogue of what was known at ``as_of``, in a temporary folder that ``stack`` removes.

    Raises
    ------
    DataError
        If nothing was known by then.
    """
    from costlab.lake import Lake

    lake = Lake(settings.workspace)
    revisions = lake.known_at(as_of)
    if not revisions:
        raise DataError(f"nothing was known on {as_of:%Y-%m-%d}", hint="Choose a later --as-of, or load more history")
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="costlab-as-of-")))
    target = folder / "catalogue.duckdb"
    build(settings.workspace, revisions, target, as_of=as_of, tag_keys=settings.tag_keys, discounts=settings.discounts)
    return lake.current().seq, Database.open(target, settings.workspace)
