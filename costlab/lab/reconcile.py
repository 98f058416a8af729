"""The chain from the file received to the total on the screen, every link compared with ``==``.

received = loaded - split + quarantined + dropped          rows, as counted while loading
received = loaded + quarantined                            the source's cash column, per currency
loaded   = rows and sums in the lake's files, read again   and the files' sizes and checksums
loaded   = rows and sums of every complete mart
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from costlab.ingest.report import amount
from costlab.interfaces.connector import Dataset
from costlab.lab.route import complete_marts
from costlab.lake.disk import sha256
from costlab.money import ZERO, plain
from costlab.period import Month
from costlab.warehouse.connection import Error
from costlab.warehouse.parquet import file_list

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from costlab.lake import Revision
    from costlab.warehouse.relations import Database

COLUMNS = [
    "source", "connector", "billing_period", "snapshot_id", "rows_received", "rows_loaded", "rows_split",
    "rows_quarantined", "rows_dropped", "rows_in_files", "billed_cost_received", "billed_cost_loaded",
    "billed_cost_quarantined", "billed_cost_in_files", "effective_cost_loaded", "effective_cost_in_files",
    "difference", "status", "problems",
]  # fmt: skip
RECONCILED, BROKEN = "reconciled", "does not reconcile"
Amounts = dict[str, Decimal]


@dataclass(frozen=True, slots=True)
class Sums:
    """Rows and amounts per billing currency."""

    rows: int = 0
    billed: Amounts = field(default_factory=Amounts)
    effective: Amounts = field(default_factory=Amounts)


def reconcile_revision(workspace: Path, db: Database, revision: Revision) -> dict[str, Any]:
    """Return one item: every link of the chain of one snapshot, and what is wrong with it."""
    problems = [*_rows(revision), *_costs(revision)]
    files, unreadable = _in_files(workspace, db, revision)
    problems += unreadable
    loaded = Sums(revision.rows_loaded, revision.billed_cost_loaded, revision.effective_cost_loaded)
    if not unreadable:
        problems += _differences("the files in the lake", files, loaded, costs=revision.dataset == Dataset.FOCUS)
        if revision.dataset == Dataset.FOCUS:
            problems += _marts(db, revision, loaded)
    return {
        "source": revision.source,
        "connector": revision.connector,
        "billing_period": revision.period,
        "snapshot_id": revision.snapshot_id,
        "rows_received": revision.rows_received,
        "rows_loaded": revision.rows_loaded - revision.rows_split,
        "rows_split": revision.rows_split,
        "rows_quarantined": revision.rows_quarantined,
        "rows_dropped": revision.rows_dropped,
        "rows_in_files": files.rows,
        "billed_cost_received": amount(revision.billed_cost_received),
        "billed_cost_loaded": amount(revision.billed_cost_loaded),
        "billed_cost_quarantined": amount(revision.quarantined_cost),
        "billed_cost_in_files": amount(files.billed),
        "effective_cost_loaded": amount(revision.effective_cost_loaded),
        "effective_cost_in_files": amount(files.effective),
        "difference": amount(_difference(revision)),
        "status": BROKEN if problems else RECONCILED,
        "problems": problems,
    }


def totals(revisions: list[Revision], items: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the sums over all snapshots; an amount in several currencies has one entry for each."""
    rows = ("rows_received", "rows_loaded", "rows_split", "rows_quarantined")
    return {
        **{name: sum(item[name] for item in items) for name in rows},
        "rows_dropped": sum(sum(revision.rows_dropped.values()) for revision in revisions),
        "billed_cost_received": amount(_added(r.billed_cost_received for r in revisions)),
        "billed_cost_loaded": amount(_added(r.billed_cost_loaded for r in revisions)),
        "billed_cost_quarantined": amount(_added(r.quarantined_cost for r in revisions)),
        "effective_cost_loaded": amount(_added(r.effective_cost_loaded for r in revisions)),
        "not_reconciled": sum(item["status"] == BROKEN for item in items),
    }


def _rows(revision: Revision) -> list[str]:
    dropped = sum(revision.rows_dropped.values())
    accounted = revision.rows_loaded - revision.rows_split + revision.rows_quarantined + dropped
    if accounted == revision.rows_received:
        return []
    return [f"{revision.rows_received} rows received, {accounted} accounted for"]


def _costs(revision: Revision) -> list[str]:
    return [
        f"{plain(left)} {currency} of what was received is neither loaded nor quarantined"
        for currency, left in _difference(revision).items()
        if left
    ]


def _difference(revision: Revision) -> Amounts:
    """Return received minus loaded minus quarantined, per currency."""
    known = _added([revision.billed_cost_loaded, revision.quarantined_cost])
    currencies = sorted({*revision.billed_cost_received, *known})
    return {c: revision.billed_cost_received.get(c, ZERO) - known.get(c, ZERO) for c in currencies}


def _in_files(workspace: Path, db: Database, revision: Revision) -> tuple[Sums, list[str]]:
    problems: list[str] = []
    for file in (*revision.files, *revision.quarantine):
        path = workspace / file.path
        if not path.is_file():
            problems.append(f"{file.path} is missing")
        elif path.stat().st_size != file.bytes or sha256(path) != file.sha256:
            problems.append(f"{file.path} is not as it was written")
    if problems or not revision.files:
        return Sums(), problems
    source = file_list(file.path for file in revision.files)
    try:
        if revision.dataset == Dataset.FOCUS:
            return _sums(db, f"{source}", "count(*)", "true"), []
        return Sums(int(db.result(f"select count(*) from {source}").rows[0][0])), []
    except Error as error:
        return Sums(), [f"a file cannot be read: {str(error).splitlines()[0]}"]


def _marts(db: Database, revision: Revision, loaded: Sums) -> list[str]:
    month = Month.parse(revision.period)
    found: list[str] = []
    own = "x_source = $source and BillingPeriodStart >= $start and BillingPeriodStart < $end"
    params = {"source": revision.source, "start": month.start, "end": month.end}
    for mart in complete_marts(db):
        keys: list[Any] = [None]
        if mart.per_tag:
            keys = [row[0] for row in db.result("select x_tag_key from settings.tag_keys").rows]
        for key in keys:
            narrow = f"{own} and x_tag_key = $key" if key is not None else own
            sums = _sums(db, mart.name, "sum(x_rows)", narrow, params | ({"key": key} if key is not None else {}))
            name = mart.name if key is None else f"{mart.name} ({key})"
            found += _differences(name, sums, loaded, costs=True)
    return found


def _sums(db: Database, table: str, count: str, where: str, params: dict[str, Any] | None = None) -> Sums:
    sql = (
        f"select BillingCurrency, {count}, sum(BilledCost), sum(EffectiveCost) "
        f"from {table} where {where} group by BillingCurrency"
    )
    rows = db.result(sql, params).rows
    billed = {str(row[0]): row[2] or ZERO for row in rows}
    return Sums(sum(int(row[1]) for row in rows), billed, {str(row[0]): row[3] or ZERO for row in rows})


def _differences(where: str, found: Sums, loaded: Sums, *, costs: bool) -> list[str]:
    problems: list[str] = []
    if found.rows != loaded.rows:
        problems.append(f"{where}: {found.rows} rows, loaded were {loaded.rows}")
    if not costs:
        return problems
    for name, ours, theirs in (
        ("BilledCost", found.billed, loaded.billed),
        ("EffectiveCost", found.effective, loaded.effective),
    ):
        for currency in sorted({*ours, *theirs}):
            got, wanted = ours.get(currency, ZERO), theirs.get(currency, ZERO)
            if got != wanted:
                problems.append(f"{where}: {name} {plain(got)} {currency}, loaded was {plain(wanted)}")
    return problems


def _added(amounts: Iterable[Amounts]) -> Amounts:
    total = Amounts()
    for one in amounts:
        for currency, value in one.items():
            total[currency] = total.get(currency, ZERO) + value
    return dict(sorted(total.items()))
