"""Files for the validator: a stratified sample of a simulated bill's export, and copies of it with planted faults."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from costlab.ingest import ingest
from costlab.lake import Lake
from costlab.simulate import simulate
from costlab.simulate.azure import simulate_azure
from costlab.simulate.gcp import simulate_gcp
from costlab.warehouse.catalogue import publish_lake
from costlab.warehouse.connection import Connection, connect
from costlab.warehouse.export import export_focus
from tests.connectors import test_oci_cost_report as oci

if TYPE_CHECKING:
    from pathlib import Path

MOST_ROWS = 10_000
END = date(2026, 3, 1)
_STRATA = "ChargeCategory, ChargeClass, PricingCategory, CommitmentDiscountStatus, ProviderName"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with one charge, and who must notice: a rule of the validator, a rule of costlab, or both."""

    name: str
    change: dict[str, str]
    """Column and the SQL of its wrong value."""
    rule: str = ""
    own: str = ""
    where: str = "ChargeCategory = 'Usage' and PricingCategory = 'Standard'"


@dataclass(frozen=True, slots=True)
class WholeFault:
    """Something wrong with a whole file: columns missing, or with other values."""

    name: str
    rule: str
    drop: tuple[str, ...] = ()
    replace: dict[str, str] = field(default_factory=dict[str, str])


FAULTS = (
    Fault("no billed cost", {"BilledCost": "null"}, "BilledCost-C-003-M", "BilledCost-filled"),
    Fault("no effective cost", {"EffectiveCost": "null"}, "EffectiveCost-C-003-M", "EffectiveCost-filled"),
    Fault("a currency that is none", {"BillingCurrency": "'USX'"}, "BillingCurrency-C-006-M"),
    Fault("a charge class of one's own", {"ChargeClass": "'Fix'"}, "ChargeClass-C-005-C", "ChargeClass-listed"),
    Fault(
        "a status without a commitment",
        {"CommitmentDiscountStatus": "'Used'"},
        "CommitmentDiscountStatus-C-003-C",
        "CommitmentDiscountStatus-usage",
    ),
    Fault("a negative list price", {"ListUnitPrice": "-1"}, "ListUnitPrice-C-008-M", "ListUnitPrice-sign"),
    Fault("a tax with a SKU", {"SkuId": "'x'"}, "SkuId-C-004-C", "Tax-unpriced", "ChargeCategory = 'Tax'"),
    Fault(
        "a usage-based purchase",
        {"ChargeFrequency": "'Usage-Based'"},
        "ChargeFrequency-C-004-C",
        "ChargeFrequency-purchase",
        "ChargeCategory = 'Purchase'",
    ),
    Fault(
        "unused, but consumed",
        {"ConsumedQuantity": "1", "ConsumedUnit": "'Hours'"},
        "ConsumedQuantity-C-004-C",
        "ConsumedQuantity-unused",
        "CommitmentDiscountStatus = 'Unused'",
    ),
    Fault("billed by somebody else", {"InvoiceIssuerName": "'Reseller'", "BilledCost": "5"}, "BilledCost-C-005-C"),
    Fault("a sub account's name without its id", {"SubAccountId": "null"}, "SubAccountName-C-004-C"),
    Fault("a region without a name", {"RegionName": "null"}, "RegionName-C-005-C"),
    Fault("a quantity without a unit", {"PricingUnit": "null"}, "PricingUnit-C-006-C", "PricingUnit-quantity"),
    Fault("a service in two categories", {"ServiceCategory": "'Media'"}, "ServiceName-C-005-C"),
    Fault("a provider without a name", {"ProviderName": "null"}, "ProviderName-C-003-M"),
    # the validator is blind to these: a list of values combined with OR, a condition that NULL makes unknown
    Fault("a category in lower case", {"ChargeCategory": "'usage'"}, own="ChargeCategory-listed"),
    Fault("a pricing category of one's own", {"PricingCategory": "'On-Demand'"}, own="PricingCategory-listed"),
    Fault("list price x quantity is not the cost", {"ListCost": "ListCost + 1"}, own="ListCost-product"),
    Fault("contracted price x quantity is not the cost", {"ContractedCost": "99"}, own="ContractedCost-product"),
    Fault(
        "a commitment's usage without a status",
        {"CommitmentDiscountStatus": "null"},
        own="CommitmentDiscountId-status",
        where="CommitmentDiscountStatus = 'Used'",
    ),
    Fault(
        "a commitment's purchase counted as effective cost",
        {"EffectiveCost": "1"},
        own="EffectiveCost-purchase",
        where="ChargeCategory = 'Purchase' and CommitmentDiscountId is not null",
    ),
)
"""One charge each; all are planted in one file, because every one has a rule of its own."""

WHOLE_FAULTS = (
    WholeFault("a mandatory column is missing", "CostAndUsage-D-040-M", drop=("ServiceCategory",)),
    WholeFault("instants that are none", "ChargePeriodEnd-C-002-M", replace={"ChargePeriodEnd": "'tomorrow'"}),
    WholeFault("empty text for no region", "RegionName-C-005-C", replace={"RegionId": "''", "RegionName": "null"}),
)
"""The validator parses instants and ids as it loads a file, so another offset or a numeric id is not noticed."""


def _aws(folder: Path) -> tuple[str, Path]:
    return "aws-cur", simulate(folder, end=END, months=1, scale="small").cur2


def _azure(folder: Path) -> tuple[str, Path]:
    return "azure-export", simulate_azure(folder, end=END, months=1, scale="small").export


def _gcp(folder: Path) -> tuple[str, Path]:
    return "gcp-billing-export", simulate_gcp(folder, end=END, months=1, scale="small").detailed


def _oci(folder: Path) -> tuple[str, Path]:
    """A report with usage of four services, overage, a free line, a correction and one without a resource."""
    services = (("COMPUTE", "B93113"), ("BLOCK_STORAGE", "B91961"), ("NETWORK", "B88327"), ("OBJECTSTORE", "B91628"))
    lines = [
        oci.line(
            referenceNo=f"V2.{number}", service=service, productSku=sku, resourceId=f"ocid1.resource.oc1..{number % 7}",
            intervalUsageStart=f"2026-02-{day:02d}T01:00Z", intervalUsageEnd=f"2026-02-{day:02d}T02:00Z",
        )
        for day in range(1, 29) for number, (service, sku) in enumerate(services)
    ]  # fmt: skip
    when = {"intervalUsageStart": "2026-02-20T01:00Z", "intervalUsageEnd": "2026-02-20T02:00Z"}
    lines += [
        oci.line(referenceNo="V2.o", billedQuantityOverage="4", myCostOverage="0.1", overageFlag="Y", **when),
        oci.line(referenceNo="V2.f", unitPrice="0", myCost="0", attributedCost="0", **when),
        oci.line(
            referenceNo="V2.c", backreferenceNo="V2.0", isCorrection="true", billedQuantity="-4", myCost="-0.1", **when
        ),
        oci.line(referenceNo="V2.n", resourceId="", compartmentId="", compartmentName="", **when),
    ]
    return "oci-cost-report", oci.write(folder, "reports/cost-csv/0001.csv.gz", *lines).parent


CLOUDS = {"aws": _aws, "azure": _azure, "gcp": _gcp, "oci": _oci}


def simulated_export(folder: Path, cloud: str = "aws") -> Path:
    """Return the FOCUS 1.2 export of a month of a simulated bill of a cloud, as Parquet."""
    connector, place = CLOUDS[cloud](folder / cloud)
    workspace = folder / f"{cloud}-workspace"
    workspace.mkdir()
    assert ingest(workspace, connector, str(place), source=cloud).exit_code == 0
    publish_lake(Lake(workspace))
    target = folder / f"{cloud}-focus.parquet"
    export_focus(workspace, "1.2", target)
    return target


def stratified(source: Path, target: Path, *, rows: int = MOST_ROWS) -> Path:
    """Write at most ``rows`` charges in which every kind of charge is represented, the rare ones wholly."""
    con = connect()
    try:
        con.execute(
            f"copy (select * exclude (turn) from (select *, row_number() over (partition by {_STRATA} "
            f"order by ChargePeriodStart, ResourceId, SkuPriceId, BilledCost) as turn from '{source}') "
            f"order by turn limit {rows}) to '{target}' (format parquet)"
        )
    finally:
        con.close()
    return target


def with_faults(source: Path, target: Path, faults: tuple[Fault, ...] = FAULTS) -> Path:
    """Write a copy in which each fault has a charge of its own."""
    con = connect()
    try:
        con.execute(f"create table charges as select *, '' as fault from '{source}'")
        for fault in faults:
            _plant(con, fault)
        con.execute(f"copy (select * exclude (fault) from charges) to '{target}' (format parquet)")
    finally:
        con.close()
    return target


def _plant(con: Connection, fault: Fault) -> None:
    changes = ", ".join(f"{column} = {value}" for column, value in fault.change.items())
    changed = con.execute(
        f"update charges set {changes}, fault = 'planted' "
        f"where rowid = (select min(rowid) from charges where fault = '' and {fault.where})"
    ).fetchall()
    assert changed == [(1,)], f"no charge to plant {fault.name!r} in"


def with_whole_fault(source: Path, target: Path, fault: WholeFault) -> Path:
    """Write a copy with other columns."""
    dropped = f"exclude ({', '.join(fault.drop)})" if fault.drop else ""
    replaced = ", ".join(f"{value} as {column}" for column, value in fault.replace.items())
    con = connect()
    try:
        con.execute(
            f"copy (select * {dropped} {f'replace ({replaced})' if replaced else ''} from '{source}') "
            f"to '{target}' (format parquet)"
        )
    finally:
        con.close()
    return target


def as_costs(con: Connection, source: Path) -> None:
    """Make the charges of an exported file readable as ``focus.costs``."""
    periods = ", ".join(f"{c} at time zone 'UTC' as {c}" for c in ("BillingPeriodStart", "BillingPeriodEnd"))
    con.execute("create schema focus")
    con.execute(
        f"create view focus.costs as select 'export' as x_source, ProviderName as ServiceProviderName, "
        f"cast(null as decimal(38, 12)) as x_amortized_upfront, * replace ({periods}) from '{source}'"
    )
