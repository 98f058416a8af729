"""Azure Cost Management exports: actual and amortized cost, joined, or FOCUS; EA and MCA; CSV, CSV.gz, Parquet.

Neither the actual nor the amortized export is a whole bill: the first has no costs of used commitments, the second not
their purchases. Of a month's pair one snapshot is made, whose rows the staging model chooses by the files' labels
(Microsoft, "Convert Cost Management data to FOCUS", read 2026-11).
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final

from costlab.errors import SourceError
from costlab.interfaces.connector import Column, Dataset, FileFormat, Snapshot, SourceFile
from costlab_connectors import focus
from costlab_connectors._aws_manifests import fingerprint
from costlab_connectors._azure_manifests import CHARGES, Kind, Run, folder_month, newest_runs
from costlab_connectors._file_sets import find_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from costlab.interfaces.connector import StoredObject, Transport
    from costlab.period import Month

_DECIMAL = "DECIMAL(38,12)"
_REQUIRED = ("BillingCurrency", "ChargeType", "CostInBillingCurrency", "Date")
_AMOUNTS = """
    CostInBillingCurrency=Cost CostInPricingCurrency ExchangeRatePricingToBilling=ExchangeRate PayGPrice
    PaygCostInBillingCurrency Quantity UnitPrice
"""
_TEXTS = """
    AdditionalInfo AvailabilityZone BenefitId BenefitName BillingAccountId BillingAccountName
    BillingCurrency=BillingCurrencyCode BillingPeriodEndDate BillingPeriodStartDate BillingProfileId BillingProfileName
    ChargeType ConsumedService CustomerName CustomerTenantId Date Frequency InvoiceId MeterCategory MeterId MeterName
    MeterSubCategory PartNumber PartnerName PricingCurrency=PricingCurrencyCode PricingModel ProductId
    ProductName=Product PublisherName PublisherType ReservationId ReservationName ResourceId=InstanceId
    ResourceLocation=Location ResourceName SubscriptionId=SubscriptionGuid SubscriptionName Tags UnitOfMeasure
"""
_IGNORED = """
    AccountId AccountName AccountOwnerId CostAllocationRuleName CostCenter CostInUsd EffectivePrice ExchangeRateDate
    InvoiceSection InvoiceSectionId InvoiceSectionName IsAzureCreditEligible Location MeterRegion OfferId
    PartnerEarnedCreditApplied PartnerEarnedCreditRate PartnerTenantId PaygCostInUsd PlanName PreviousInvoiceId Product
    ProductOrderId ProductOrderName Provider PublisherId ResellerMpnId ResellerName ResourceGroup ResourceGroupName
    ServiceFamily ServiceInfo1 ServiceInfo2 ServicePeriodEndDate ServicePeriodStartDate Term
"""
IGNORED = tuple(_IGNORED.split())
"""Columns of the exports that are understood and left aside; any other is kept in ``x_extra`` and reported."""
_FOCUS_IGNORED = """
    AccountId AccountName AccountOwnerId AmortizationClass BilledCostInUsd BilledUnitPrice BillingAccountId
    BillingAccountName BillingExchangeRate BillingExchangeRateDate BillingProfileId BillingProfileName
    ContractedCostInUsd CostAllocationRuleName CostCenter CustomerId CustomerName EffectiveCostInUsd EffectiveUnitPrice
    InvoiceIssuerId InvoiceSectionId InvoiceSectionName ListCostInUsd OnDemandCost OnDemandCostInUsd OnDemandUnitPrice
    PartnerCreditApplied PartnerCreditRate PricingBlockSize PricingSubcategory PricingUnitDescription PublisherCategory
    PublisherId ResellerId ResellerName ResourceGroupName ResourceType ServiceModel ServicePeriodEnd ServicePeriodStart
    SkuDescription SkuIsCreditEligible SkuMeterId SkuOfferId SkuOrderId SkuOrderName SkuPartNumber SkuPlanName
    SkuRegion SkuServiceFamily SkuTerm SkuTier
"""
FOCUS_IGNORED = tuple(f"x_{name}" for name in _FOCUS_IGNORED.split())
"""Microsoft's own columns of its FOCUS exports that are understood and left aside."""
_FOCUS_SPELLINGS: Final = {  # what FOCUS 1.0 had no column for
    "InvoiceId": "x_InvoiceId",
    "PricingCurrency": "x_PricingCurrency",
    "SkuMeter": "x_SkuMeterName",
}
_ALONE: Final[dict[Kind | None, str]] = {
    Kind.AMORTIZED: "no actual cost export beside the amortized one: purchases of reservations and savings plans, and "
    "so a part of BilledCost, are missing",
    Kind.ACTUAL: "no amortized cost export beside the actual one: what reservations and savings plans cost is missing "
    "in EffectiveCost",
}
_LABELS: Final[dict[Kind | None, str]] = {Kind.ACTUAL: "actual", Kind.AMORTIZED: "amortized"}
_PART = re.compile(r"part_\d+_\d+\..*")
_SNIFFED = 1 << 16


def _columns() -> Iterator[Column]:
    for kind, names in ((_DECIMAL, _AMOUNTS), ("VARCHAR", _TEXTS)):
        for spelled in names.split():
            name, *aliases = spelled.split("=")
            yield Column(name, kind, tuple(aliases), required=name in _REQUIRED)
    # only Microsoft Customer Agreements tell a price's own currency
    yield Column("is_mca", "PRESENCE", ("CostInPricingCurrency", "ExchangeRatePricingToBilling", "PricingCurrency"))


COLUMNS = tuple(_columns())
FOCUS_COLUMNS = tuple(
    replace(column, aliases=(*column.aliases, _FOCUS_SPELLINGS[column.name]))
    if column.name in _FOCUS_SPELLINGS
    else column
    for column in focus.COLUMNS
)


class AzureExport:
    """Reads Azure's cost exports; one snapshot per billing period, of the newest run of each export."""

    name: ClassVar[str] = "azure-export"
    dataset: ClassVar[Dataset] = Dataset.FOCUS

    def snapshots(
        self, transport: Transport, uri: str, *, source: str, period: Month | None = None
    ) -> Iterator[Snapshot]:
        """Yield one snapshot of each billing period below ``uri``, oldest period first.

        A month's FOCUS export goes before its actual and amortized ones, which are the same charges. A month for which
        Azure delivered no rows is a snapshot without files.

        Raises
        ------
        SourceError
            If nothing usable is there, or exports that cannot be told apart.
        """
        runs = newest_runs(transport, uri, kinds=CHARGES)
        if runs is None:
            runs = _loose_runs(transport, uri)
        for month, delivered in _by_period(runs):
            if period is None or month in (None, period):
                yield _snapshot(source, month, delivered)


def _by_period(runs: Iterable[Run]) -> list[tuple[Month | None, list[Run]]]:
    months: dict[Month | None, list[Run]] = defaultdict(list)
    for run in runs:
        months[run.period].append(run)
    return sorted(months.items(), key=lambda item: str(item[0] or ""))


def _snapshot(source: str, month: Month | None, delivered: Sequence[Run]) -> Snapshot:
    """Return one month's snapshot of the exports that are needed for it."""
    for run in delivered:
        if run.fault:
            return replace(_base(source, month, ()), fault=run.fault, hint=run.hint)
    whole = [run for run in delivered if run.kind is Kind.FOCUS and run.files]
    if whole:
        told = [f"{month or source}: the FOCUS export is taken, the actual and amortized ones are the same charges"]
        base = _base(source, month, whole)
        return replace(
            base,
            staging="focus",
            columns=FOCUS_COLUMNS,
            nulls=focus.NULLS,
            ignore=(*focus.IGNORED, *FOCUS_IGNORED),
            localised=False,
            warnings=(*base.warnings, *(told if any(r.files for r in delivered if r.kind is not Kind.FOCUS) else ())),
        )
    pair = [run for run in delivered if run.kind is not Kind.FOCUS]
    base = _base(source, month, pair)
    if {run.kind for run in pair} == {Kind.ACTUAL, Kind.AMORTIZED}:
        labelled = tuple(replace(file, label=_LABELS.get(run.kind, "")) for run in pair for file in run.files)
        return replace(base, files=labelled)
    alone = [f"{month or source}: {lack}" for run in pair if run.files and (lack := _ALONE.get(run.kind))]
    return replace(base, warnings=(*base.warnings, *alone))


def _base(source: str, month: Month | None, runs: Sequence[Run]) -> Snapshot:
    """Return a snapshot of all rows of these runs."""
    files = tuple(file for run in runs for file in run.files)
    rows = [run.rows for run in runs]
    parts = [f"{month}: the newest export covers only {run.part}" for run in runs if run.part]
    is_parquet = bool(files) and files[0].stored.uri.lower().endswith(".parquet")
    return Snapshot(
        source=source,
        connector=AzureExport.name,
        dataset=AzureExport.dataset,
        period=month,
        snapshot_id="+".join(sorted(run.run_id for run in runs if run.run_id))
        or fingerprint(file.stored for file in files),
        order=max((run.submitted for run in runs), default=""),
        files=files,
        format=FileFormat.PARQUET if is_parquet else FileFormat.CSV,
        staging="azure_export",
        columns=COLUMNS,
        nulls=("", "NULL", "null"),
        ignore=IGNORED,
        localised=True,
        rows=None if None in rows else sum(number for number in rows if number is not None),
        warnings=tuple(parts),
    )


def _loose_runs(transport: Transport, uri: str) -> list[Run]:
    """Return runs made of data files without a manifest: the path tells the kind and the month, the content FOCUS."""
    found = find_files(transport, uri, formats=(FileFormat.CSV, FileFormat.PARQUET))
    root = transport.join(uri)
    groups: dict[tuple[Month | None, Kind | None], list[StoredObject]] = defaultdict(list)
    for file in found.files:
        item = file.stored
        groups[folder_month(item.uri), _loose_kind(transport, item, root)].append(item)
    for (month, kind), items in groups.items():
        _refuse_unclear(uri, month, kind, items, {k for m, k in groups if m == month})
    return [
        Run(kind, month, "", fingerprint(items), tuple(SourceFile(item) for item in items))
        for (month, kind), items in groups.items()
    ]


def _loose_kind(transport: Transport, item: StoredObject, root: str) -> Kind | None:
    if _is_focus(transport, item):
        return Kind.FOCUS
    path = item.uri.removeprefix(root.rstrip("/")).lower() or item.uri.rpartition("/")[2].lower()
    if re.search("amorti[sz]ed", path):
        return Kind.AMORTIZED
    return Kind.ACTUAL if "actual" in path else None


def _is_focus(transport: Transport, item: StoredObject) -> bool:
    """Whether a file has FOCUS's columns: in its header line, or in the footer of Parquet."""
    try:
        with transport.open(item.uri) as stream:
            head = stream.read(_SNIFFED)
            if head.startswith(b"PAR1"):
                stream.seek(max(0, item.bytes - 16 * _SNIFFED))
                head = stream.read()
        if head.startswith(b"\x1f\x8b"):
            with transport.open(item.uri) as stream, gzip.open(stream) as plain:
                head = plain.read(_SNIFFED)
    except (OSError, EOFError, zlib.error):
        return False  # told when it is read
    lower = head.lower()
    return b"billedcost" in lower and b"chargecategory" in lower


def _refuse_unclear(
    uri: str, month: Month | None, kind: Kind | None, items: Sequence[StoredObject], kinds: set[Kind | None]
) -> None:
    """Refuse files whose rows may be there twice: runs of one month, or a pair whose names do not tell."""
    folders = {item.uri.rpartition("/")[0] for item in items}
    are_parts = all(_PART.fullmatch(item.uri.rpartition("/")[2].lower()) for item in items)
    runs = len(folders) if are_parts else len(items)
    if month is not None and runs > 1:
        raise SourceError(
            f"{uri}: {runs} runs of {month} without a manifest, which may repeat each other",
            hint="Copy manifest.json too, or give --from one run's folder",
        )
    if kind is None and (len(folders) > 1 or kinds & {Kind.ACTUAL, Kind.AMORTIZED}):
        raise SourceError(
            f"{uri}: {items[0].uri} may be actual or amortized cost, and others are there",
            hint="Copy manifest.json too, or put 'actual' or 'amortized' into the names of the folders",
        )


CONNECTOR = AzureExport()
