"""Oracle Cloud Infrastructure's cost reports: ``reports/cost-csv/*.csv.gz``, several new files a day.

Files are never replaced: late usage and corrections come as rows of later files, under the month they were used in. So
a month is all of its rows in all files, and its order is the greatest file number among them. Reports are kept by
Oracle for one year.

Sources: Oracle Cloud Infrastructure documentation, "Cost and Usage Reports" and "Cost Report Schema"; column names as
read by Oracle's usage2adw; FOCUS specification, supporting content on OCI; read 2026-11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from costlab.interfaces.connector import Column, Dataset, FileFormat, Gather, Snapshot
from costlab_connectors._file_sets import find_files, numbered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from costlab.interfaces.connector import Transport
    from costlab.period import Month

_DECIMAL: Final = "DECIMAL(38,12)"
_INSTANT: Final = "TIMESTAMP"
_COST_REPORTS: Final = "/cost-csv/"

COLUMNS: Final = (
    Column("reference_no", aliases=("lineItem/referenceNo",)),
    Column("tenant_id", aliases=("lineItem/tenantId",)),
    Column("usage_start", _INSTANT, ("lineItem/intervalUsageStart",), required=True),
    Column("usage_end", _INSTANT, ("lineItem/intervalUsageEnd",), required=True),
    Column("is_correction", aliases=("lineItem/isCorrection",)),
    Column("back_reference_no", aliases=("lineItem/backreferenceNo", "lineItem/backReference")),
    Column("service", aliases=("product/service",), required=True),
    Column("resource", aliases=("product/resource",)),
    Column("compartment_id", aliases=("product/compartmentId",)),
    Column("compartment_name", aliases=("product/compartmentName",)),
    Column("region", aliases=("product/region",)),
    Column("availability_domain", aliases=("product/availabilityDomain",)),
    Column("resource_id", aliases=("product/resourceId",)),
    Column("description", aliases=("product/Description",)),
    Column("quantity", _DECIMAL, ("usage/billedQuantity",)),
    Column("quantity_overage", _DECIMAL, ("usage/billedQuantityOverage",)),
    Column("subscription_id", aliases=("cost/subscriptionId",)),
    Column("sku", aliases=("cost/productSku",)),
    Column("unit_price", _DECIMAL, ("cost/unitPrice",)),
    Column("unit_price_overage", _DECIMAL, ("cost/unitPriceOverage",)),
    Column("cost", _DECIMAL, ("cost/myCost",), required=True),
    Column("cost_overage", _DECIMAL, ("cost/myCostOverage",)),
    Column("currency", aliases=("cost/currencyCode",), required=True),
    Column("unit", aliases=("cost/skuUnitDescription", "cost/billingUnitReadable")),
    Column("metered_unit", aliases=("cost/billingUnitReadable",)),
    Column("overage_flag", aliases=("cost/overageFlag",)),
    Column("tags", "JSON"),
)
IGNORE: Final = ("cost/attributedCost", "usage/attributedUsage", "usage/consumedQuantity*", "tags")
"""Columns that are understood and left aside; attributed costs repeat what other rows bill."""


class OciCostReport:
    """The connector ``oci-cost-report``: all files below a place are one snapshot of every month in them."""

    name: ClassVar[str] = "oci-cost-report"
    dataset: ClassVar[Dataset] = Dataset.FOCUS

    def snapshots(
        self, transport: Transport, uri: str, *, source: str, period: Month | None = None
    ) -> Iterator[Snapshot]:
        """Yield one snapshot of the cost reports at ``uri``; usage reports beside them are left alone.

        Raises
        ------
        SourceError
            If there are no reports.
        """
        del period  # the rows say
        found = find_files(transport, uri, formats=(FileFormat.CSV,))
        costs = [file for file in found.files if _COST_REPORTS in file.stored.uri]
        yield Snapshot(
            source=source,
            connector=self.name,
            dataset=self.dataset,
            period=None,
            snapshot_id=found.snapshot_id,
            order="",
            files=tuple(numbered(file) for file in costs or found.files),
            format=found.format,
            staging="oci_cost_report",
            columns=COLUMNS,
            nulls=("", "null", "NULL"),
            gather=(Gather("tags", "tags/"),),
            ignore=IGNORE,
        )


CONNECTOR = OciCostReport()
