"""Google Cloud's billing export, standard or detailed: from BigQuery, or as Parquet, JSON lines or CSV of the table.

The table only ever grows: corrections and late usage come as new rows. So the files given are the whole of the months
in them, and of two exports of a month the one with the later ``export_time`` counts. Nested columns are read as
BigQuery writes them (STRUCT and LIST; objects and arrays), as JSON text in a CSV column, or flattened with a dot or an
underscore (``service.id``, ``service_id``); lists only as such or as JSON text.

Source: Cloud Billing documentation, "Structure of Standard data export" and "Structure of Detailed data export",
read 2026-11.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from costlab.interfaces.connector import Column, Dataset, FileFormat, Snapshot
from costlab_connectors._bigquery import OPTIONS
from costlab_connectors._bigquery_exports import Export, pull
from costlab_connectors._file_sets import find_files
from costlab_connectors.focus import GOOGLE_TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from costlab.interfaces.connector import Landing, Transport
    from costlab.period import Month

_TEXT = "VARCHAR"
_DECIMAL = "DECIMAL(38,12)"
_TIMESTAMP = "TIMESTAMP"
_LABELS = "RECORDS(key, value)"
_CREDITS = "RECORDS(type, id, full_name, name, amount)"


def _field(column: str, field: str, kind: str = _TEXT, *, required: bool = False) -> Column:
    """Return a field of a nested column, in all notations; ``service.id`` is ``service_id`` in the staging model."""
    return Column(f"{column}_{field}", kind, (f"{column}.{field}", f"{column}[{field}]"), required=required)


COLUMNS = (
    Column("billing_account_id", required=True),
    _field("invoice", "month", required=True),
    Column("cost_type"),
    _field("service", "id"),
    _field("service", "description"),
    _field("sku", "id"),
    _field("sku", "description"),
    Column("usage_start_time", _TIMESTAMP, required=True),
    Column("usage_end_time", _TIMESTAMP, required=True),
    _field("project", "id"),
    _field("project", "name"),
    _field("project", "labels", _LABELS),
    Column("labels", _LABELS),
    Column("system_labels", _LABELS),
    Column("tags", _LABELS),
    _field("location", "location"),
    _field("location", "region"),
    _field("location", "zone"),
    _field("resource", "name"),
    _field("resource", "global_name"),
    Column("cost", _DECIMAL, required=True),
    Column("currency", required=True),
    _field("usage", "amount", _DECIMAL),
    _field("usage", "unit"),
    _field("usage", "amount_in_pricing_units", _DECIMAL),
    _field("usage", "pricing_unit"),
    Column("credits", _CREDITS),
    _field("adjustment_info", "description"),
    _field("adjustment_info", "mode"),
    _field("adjustment_info", "type"),
    Column("export_time", _TIMESTAMP),
    Column("seller_name"),
    _field("subscription", "instance_id"),
    _field("price", "effective_price_default", _DECIMAL),
    _field("price", "list_price", _DECIMAL),
    _field("price", "effective_price", _DECIMAL),
    Column("cost_at_list", _DECIMAL),
    Column("cost_at_effective_price_default", _DECIMAL),
    _field("consumption_model", "id"),
    _field("consumption_model", "description"),
)
IGNORE = (  # ? and * stand for all notations: price.unit, price_unit, price[unit]
    "invoice?publisher_type*",
    "project?number*",
    "project?ancest*",
    "location?country*",
    "adjustment_info?id*",
    "price?unit*",
    "price?pricing_unit_quantity*",
    "price?tier_start_amount*",
    "price?list_price_consumption_model*",
    "cost_at_list_consumption_model",
    "currency_conversion_rate",
    "transaction_type",
    "_PARTITION*",
)
"""Columns of the export that are understood and left aside; any other is kept in ``x_extra`` and reported."""


_EMPTY = Snapshot(
    source="",
    connector="gcp-billing-export",
    dataset=Dataset.FOCUS,
    period=None,
    snapshot_id="",
    order="",
    files=(),
    format=FileFormat.JSONL,
    staging="gcp_billing_export",
    columns=COLUMNS,
    nulls=("", "null", "NULL"),
    ignore=IGNORE,
)
_TABLE = Export(
    prefixes=("gcp_billing_export_resource_v1_", "gcp_billing_export_v1_"),
    month="`invoice`.`month`",
    order="export_time",
    snapshot=_EMPTY,
)

_FOCUS = replace(GOOGLE_TABLE, snapshot=replace(GOOGLE_TABLE.snapshot, connector="gcp-billing-export"))


class GcpBillingExport:
    """Reads Cloud Billing tables: files are one snapshot of every invoice month in them, BigQuery gives one each."""

    name: ClassVar[str] = "gcp-billing-export"
    dataset: ClassVar[Dataset] = Dataset.FOCUS
    schemes: ClassVar[tuple[str, ...]] = ("bigquery",)
    permissions: ClassVar[tuple[str, ...]] = (
        "bigquery.jobs.create",
        "bigquery.tables.get",
        "bigquery.tables.getData",
        "bigquery.tables.list",
    )
    options: ClassVar[Mapping[str, str]] = OPTIONS

    def snapshots(
        self, transport: Transport, uri: str, *, source: str, period: Month | None = None
    ) -> Iterator[Snapshot]:
        """Yield one snapshot of the files at ``uri``; invoice months and the order of exports are found in the rows.

        Raises
        ------
        SourceError
            If there are no data files, or files of several formats.
        """
        del period  # the rows say
        found = find_files(transport, uri, formats=FileFormat)
        yield replace(_EMPTY, source=source, snapshot_id=found.snapshot_id, files=found.files, format=found.format)

    def pull(self, landing: Landing, uri: str, *, source: str, period: Month | None = None) -> Iterator[Snapshot]:
        """Yield the invoice months of ``bigquery://PROJECT/DATASET/TABLE`` that changed, read by queries.

        Raises
        ------
        UsageError, ConfigError, SourceError
            See :func:`costlab_connectors._bigquery_exports.pull`.
        """
        return pull(landing, uri, (_TABLE, _FOCUS), source=source, period=period)


CONNECTOR = GcpBillingExport()
