"""Files for the validator: a stratified sample of a simulated bill's export, and copies of it with planted faults."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from costlab.ingest import ingest
from costlab.lake import Lake
from costlab.simulate import simulate
from costlab.warehouse.catalogue import publish_lake
from costlab.warehouse.connection import Connection, connect
from costlab.warehouse.export import export_focus

if TYPE_CHECKING:
    from pathlib import Path

MOST_ROWS = 10_000
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


def simulated_export(folder: Path) -> Path:
    """Return the FOCUS 1.2 export of a month of a simulated AWS bill, as Parquet."""
    simulation = simulate(folder / "exports", end=date(2026, 3, 1), months=1, scale="small")
    workspace = folder / "workspace"
    workspace.mkdir()
    ingest(workspace, "aws-cur", str(simulation.cur2), source="aws")
    publish_lake(Lake(workspace))
    target = folder / "focus.parquet"
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
