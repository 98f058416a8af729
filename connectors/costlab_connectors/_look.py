"""One look at a state that a service tells whole (recommendations, budgets): one file, one snapshot of this month."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costlab.interfaces.connector import FileFormat, Snapshot
from costlab.period import Month

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from costlab.interfaces.connector import Column, Dataset, Landing

Record = dict[str, object]


def look(
    landing: Landing,
    source: str,
    connector: str,
    dataset: Dataset,
    columns: Sequence[Column],
    records: Iterable[Record],
    nothing: Mapping[str, object],
) -> Snapshot:
    """Return the snapshot of all records; where there are none, of one that says only ``nothing``."""
    file = landing.write(dataset.value, _told(landing, columns, records, nothing))
    return Snapshot(
        source=source,
        connector=connector,
        dataset=dataset,
        period=Month.of(landing.now.date()),
        snapshot_id=file.stored.version,
        order="",
        files=(file,),
        format=FileFormat.JSONL,
        staging=dataset.value,
        columns=tuple(columns),
    )


def _told(
    landing: Landing, columns: Sequence[Column], records: Iterable[Record], nothing: Mapping[str, object]
) -> Iterator[Record]:
    empty = True
    for record in records:
        empty = False
        yield record
    if empty:
        yield {**dict.fromkeys(column.name for column in columns), **nothing, "observed_at": landing.now}
