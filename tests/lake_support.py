"""A lake of tiny text files: each publish loads the same two months at the same version, so a mixture is visible."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path

from costlab.lake import Lake, Manifest, Origin, Revision, Writer
from costlab.lake.verify import changed_files

LOADED = datetime(2026, 4, 3)
MONTHS = ("2026-03", "2026-04")


def load(
    writer: Writer, period: str, text: str, *, loaded_at: datetime = LOADED, source: str = "aws", dataset: str = "focus"
) -> Revision:
    """Stage one revision with one file that holds ``text``; not published yet."""
    revision, folder = writer.stage(dataset, source, period, text)
    part = folder / "part-0.parquet"
    part.write_text(text)
    return Revision(
        dataset=dataset,
        source=source,
        connector="aws-cur",
        period=period,
        revision=revision,
        snapshot_id=text,
        order="",
        loaded_at=loaded_at,
        files=(writer.file(part, 1),),
        rows_loaded=1,
        billed_cost_loaded={"USD": Decimal("1.000000000001")},
        rows_dropped={"SavingsPlanNegation": 3},
        origin=(Origin("/x.parquet", 3, "v1"),),
        drift=(("new",), ()),
    )


def publish_version(writer: Writer, version: int) -> Manifest:
    """Load all months at one version and make them live together."""
    return writer.publish([load(writer, month, f"version {version}") for month in MONTHS])


def live_version(workspace: Path, manifest: Manifest | None = None) -> int:
    """Return the version all live files hold, 0 for the empty lake; fails on a mixture or a damaged file."""
    lake = Lake(workspace)
    manifest = manifest or lake.current()
    assert changed_files(lake, manifest) == []
    if manifest.seq == 0:
        return 0
    assert tuple(r.period for r in manifest.live("focus")) == MONTHS
    (text,) = {(workspace / f.path).read_text() for r in manifest.revisions for f in r.files}
    return int(text.removeprefix("version "))


def live_texts(workspace: Path) -> list[str]:
    """Return the texts of the live files, by source and period."""
    lake = Lake(workspace)
    return [(workspace / f.path).read_text() for r in lake.current().live("focus") for f in r.files]


def folders(workspace: Path) -> set[Path]:
    """Return the folders of all revisions on disk."""
    return set((workspace / "lake").glob("*/source=*/billing_period=*/*"))


def named_folders(workspace: Path) -> set[Path]:
    """Return the folders of all revisions that the live manifest or its history names."""
    lake = Lake(workspace)
    return {lake.folder_of(r) for r in lake.revisions()}
