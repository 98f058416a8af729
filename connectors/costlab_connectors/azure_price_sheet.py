"""Azure price sheets: what a customer's agreement (EA or MCA) makes of the list prices.

As Cost Management exports them (with a manifest) or as they are downloaded: CSV, ``.gz``, a ZIP of one file, Parquet.
``sql/staging/azure_price_sheet.sql`` knows the columns and finds regions and machines by the meters' names.

Source: Microsoft Learn, "Enterprise Agreement price sheet schema" and "Microsoft Customer Agreement price sheet
schema", version 2023-05-01, read 2026-11.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final

from costlab.interfaces.connector import Column, Dataset, FileFormat, Snapshot
from costlab_connectors._azure_manifests import Kind, newest_runs
from costlab_connectors._file_sets import find_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from costlab.interfaces.connector import SourceFile, Transport
    from costlab.period import Month
    from costlab_connectors._azure_manifests import Run

_MONEY: Final = "DECIMAL(38,12)"
_TEXTS: Final = (
    "MeterId", "MeterName", "MeterCategory", "MeterSubCategory", "MeterRegion", "ServiceFamily", "Product", "ProductId",
    "SkuId", "PartNumber", "UnitOfMeasure", "EffectiveStartDate", "EffectiveEndDate", "Currency", "CurrencyCode",
    "OfferId", "ProductOrderName", "Term", "PriceType",
)  # fmt: skip
_COLUMNS: Final = (
    *(Column(name, required=name == "MeterId") for name in _TEXTS),
    Column("UnitPrice", _MONEY, required=True),
    Column("MarketPrice", _MONEY),
    Column("TierMinimumUnits", _MONEY),
)
_IGNORED: Final = (
    "BasePrice", "BillingAccount*", "BillingCurrency", "BillingProfile*", "Discount", "EnrollmentNumber",
    "IncludedQuantity", "MeterType",
)  # fmt: skip


class AzurePriceSheet:
    """The connector ``azure-price-sheet``: prices as agreed (confidence ``contract``), one snapshot per delivery."""

    name: ClassVar[str] = "azure-price-sheet"
    dataset: ClassVar[Dataset] = Dataset.PRICES

    def snapshots(
        self, transport: Transport, uri: str, *, source: str, period: Month | None = None
    ) -> Iterator[Snapshot]:
        """Yield the newest run of each month of an export, oldest first; without manifests one snapshot of all files.

        Raises
        ------
        SourceError
            If there is no price sheet.
        """
        runs = newest_runs(transport, uri, kinds=(Kind.PRICES,))
        if runs is None:
            found = find_files(transport, uri, formats=(FileFormat.CSV, FileFormat.PARQUET))
            yield _snapshot(source, found.snapshot_id, found.files, found.format)
            return
        yield from (_delivered(source, run) for run in runs if period is None or run.period in (None, period))


def _delivered(source: str, run: Run) -> Snapshot:
    files = tuple(replace(file, label=run.submitted) for file in run.files)
    base = _snapshot(source, run.run_id, files, run.format)
    return replace(base, rows=run.rows, fault=run.fault, hint=run.hint)


def _snapshot(source: str, snapshot_id: str, files: tuple[SourceFile, ...], form: FileFormat) -> Snapshot:
    return Snapshot(
        source=source,
        connector=AzurePriceSheet.name,
        dataset=AzurePriceSheet.dataset,
        period=None,
        snapshot_id=snapshot_id,
        order="",
        files=files,
        format=form,
        staging="azure_price_sheet",
        columns=_COLUMNS,
        ignore=_IGNORED,
    )


CONNECTOR = AzurePriceSheet()
