"""``costlab init``."""

from __future__ import annotations

from costlab.cli._state import STATE
from costlab.settings import named_workspace, write_template


def init() -> None:
    """Write a commented costlab.toml into the workspace (--workspace, COSTLAB_WORKSPACE, else the current folder)."""
    path = write_template(named_workspace(STATE.option))
    STATE.note(f"wrote {path}")
    STATE.note("Next: describe your sources in it, then run `costlab ingest`")
