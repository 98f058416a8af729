"""What an inventory loaded, without building a catalogue."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from costlab.lake import Lake
from costlab.warehouse.connection import connect


def observed(workspace: Path, condition: str) -> list[dict[str, Any]]:
    """Return the live rows."""
    files = [str(workspace / file.path) for revision in Lake(workspace).current().revisions for file in revision.files]
    rows = connect().execute(f"select * from read_parquet({files}) where {condition} order by resource_id")
    names = [column[0] for column in rows.description or []]
    return [dict(zip(names, row, strict=True)) for row in rows.fetchall()]


def resources(workspace: Path) -> dict[str, dict[str, Any]]:
    """Return resource id -> its row, with JSON opened."""
    rows = observed(workspace, "resource_kind <> 'coverage'")
    for row in rows:
        row["tags"], row["properties"] = json.loads(row["tags"] or "null"), json.loads(row["properties"])
        for name in ("observed_at", "x_source", "source", "billing_period"):
            row.pop(name)
    return {row.pop("resource_id"): row for row in rows}


def coverage(workspace: Path) -> dict[tuple[str, str], tuple[str, int, list[str] | None]]:
    """Return kind and region -> state, resources, missing permissions."""
    rows = observed(workspace, "resource_kind = 'coverage'")
    told = [(row, json.loads(row["properties"])) for row in rows]
    return {(r["name"], r["region_id"]): (r["state"], p["resources"], p.get("missing")) for r, p in told}
