"""Utilisation metrics in a plain file: Parquet or CSV with ``provider, resource_id, metric, ts, avg, max``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from costlab.interfaces.connector import Column, Dataset, FileFormat, Snapshot
from costlab_connectors._file_sets import find_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from costlab.interfaces.connector import Transport
    from costlab.period import Month

COLUMNS = (
    Column("provider", required=True),
    Column("resource_id", required=True),
    Column("metric", required=True),
    Column("ts", "TIMESTAMP", required=True),
    Column("avg", "DOUBLE", required=True),
    Column("max", "DOUBLE"),
    Column("shape"),
    Column("region"),
)


class MetricsFile:
    """The connector ``metrics-file``: the files given are one snapshot of every month of samples in them."""

    name: ClassVar[str] = "metrics-file"
    dataset: ClassVar[Dataset] = Dataset.METRICS

    def snapshots(
        self, transport: Transport, uri: str, *, source: str, period: Month | None = None
    ) -> Iterator[Snapshot]:
        """Yield one snapshot of the files at ``uri``; their months are found in ``ts``.

        Raises
        ------
        SourceError
            If there are no Parquet or CSV files, or both.
        """
        del period  # the rows say
        found = find_files(transport, uri, formats=(FileFormat.PARQUET, FileFormat.CSV))
        yield Snapshot(
            source=source,
            connector=self.name,
            dataset=self.dataset,
            period=None,
            snapshot_id=found.snapshot_id,
            order="",
            files=found.files,
            format=found.format,
            staging="metrics",
            columns=COLUMNS,
            nulls=("", "NULL", "null"),
        )


CONNECTOR = MetricsFile()
