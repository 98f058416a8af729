"""``costlab calibrate``: one item per bill and service."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from costlab.errors import DataError, UnknownValue, UsageError
from costlab.lab.calibration.billed import Billed, billed_in
from costlab.lab.calibration.compare import PARTS, ROUNDING, UNEXPLAINED, Side, compared
from costlab.lab.calibration.compute import compute
from costlab.lab.calibration.discounts import CONTRACTED, discounts_in
from costlab.lab.calibration.learn import Learned, learn
from costlab.lab.calibration.lines import Bill, Lines
from costlab.lab.rating import CURRENCY
from costlab.lab.status import COMPLETE, EMPTY, PARTIAL
from costlab.money import ZERO, exact
from costlab.period import Month

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from costlab.answer import Answer
    from costlab.lab.view import View
    from costlab.warehouse.relations import Database

COLUMNS: Final = [
    "source", "billing_period", "provider", "currency", "service_name", "effective_cost", "covered", "on_demand",
    "unused", "taken_over", "computed_covered", "computed_on_demand", "computed_unused", "difference",
    "difference_share", "explained", "unexplained", "reasons", "contract_discount", "status",
]  # fmt: skip
EQUAL, EXPLAINED, UNEXPLAINED_STATUS, NOT_COMPUTED = "equal", "explained", "unexplained", "not computed"
MUCH: Final = Decimal("0.01")
"""A bill whose difference is a larger share of what was computed is worth a look."""
_LOADED: Final = (
    "select source, billing_period from lake.revisions where dataset = 'focus' order by source, billing_period"
)
Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Calibrated:
    """One bill: what was learned from it, one item per service, and the whole."""

    bill: Bill
    learned: Learned
    items: list[Item]
    total: Item
    discounts: list[Item]
    commitments: list[Item]

    @property
    def is_off(self) -> bool:
        """Whether the difference, or what services have unexplained, is more than a hundredth of what was computed."""
        again: Decimal = sum((self.total[part] for part in PARTS), ZERO)
        unexplained: Decimal = sum(
            (abs(item["unexplained"]) for item in self.items if item["unexplained"] is not None), ZERO
        )
        difference: Decimal = abs(self.total["difference"])
        return max(difference, unexplained) > MUCH * again


def ask_calibrate(lab: View, source: str | None, period: str | None, tables: Path | None) -> Answer:
    """Return one item per bill and service; see :meth:`costlab.lab.facade.Lab.ask_calibrate`."""
    found = [one for name, month in chosen(lab.db, source, period) for one in calibrated(lab.db, name, month)]
    if tables is not None:
        _write(found, tables)
    currencies = sorted({one.bill.currency for one in found})
    sums = {currency: _added(one.total for one in found if one.bill.currency == currency) for currency in currencies}
    totals: Item = dict(sums[currencies[0]]) if len(currencies) == 1 else {"by_currency": sums}
    totals |= {
        "bills": [one.total for one in found],
        "discounts": [item for one in found for item in one.discounts],
        "commitments": [item for one in found for item in one.commitments],
    }
    off = [one for one in found if one.is_off]
    return lab.answer(
        "calibrate",
        COLUMNS,
        [item for one in found for item in one.items],
        currency=currencies[0] if len(currencies) == 1 else None,
        data_status=EMPTY if not found else PARTIAL if off else COMPLETE,
        totals=totals,
        warnings=[*(warning(one) for one in off), *_told_in(found, tables)],
    )


def _told_in(found: list[Calibrated], tables: Path | None) -> list[str]:
    """Return a warning where tables are in another currency than `rate` names."""
    currency = found[0].bill.currency if tables is not None else CURRENCY
    return [] if currency == CURRENCY else [f"the tables are in {currency}, which `costlab rate` calls {CURRENCY}"]


def chosen(db: Database, source: str | None, period: str | None) -> list[tuple[str, Month]]:
    """Return the loaded bills that are asked for, as source and period.

    Raises
    ------
    UnknownValue
        If nothing of that source or period is loaded.
    """
    loaded = [(str(name), Month.parse(month)) for name, month in db.result(_LOADED).rows]
    month = Month.parse(period) if period else None
    if source is not None and source not in {name for name, _ in loaded}:
        raise UnknownValue("source", source, {name for name, _ in loaded})
    if month is not None and month not in {one for _, one in loaded}:
        raise UnknownValue("period", str(month), {str(one) for _, one in loaded})
    return [(name, one) for name, one in loaded if source in (None, name) and month in (None, one)]


def newest(db: Database) -> list[tuple[str, Month]]:
    """Return per source the newest bill whose month was followed by another, or the only one."""
    months: dict[str, list[Month]] = {}
    for name, month in chosen(db, None, None):
        months.setdefault(name, []).append(month)
    return [(name, loaded[-2] if len(loaded) > 1 else loaded[-1]) for name, loaded in months.items()]


def calibrated(db: Database, source: str, month: Month) -> Iterator[Calibrated]:
    """Yield the bills of a source's billing period, each computed again."""
    with Lines(db, source, month) as lines:
        for bill in lines.bills():
            yield _calibrated(lines, bill)


def warning(one: Calibrated) -> str:
    """Return what to say of a bill whose difference is large."""
    bill, total = one.bill, one.total
    reasons = ", ".join(f"{name} {amount:.2f}" for name, amount in total["explained"].items() if name != ROUNDING)
    told = f"; {reasons}" if reasons else ""
    share = total["difference_share"]
    percent = "" if share is None else f" ({share * 100:.1f} %)"
    return (
        f"{bill.source} {bill.period}: computed again it differs by {total['difference']:.2f} {bill.currency}"
        f"{percent}, unexplained {total['unexplained']:.2f}{told}"
    )


def _calibrated(lines: Lines, bill: Bill) -> Calibrated:
    learned = learn(lines, bill)
    billed, computed = billed_in(lines, bill, learned), compute(learned, lines.period)
    sides = compared(learned, billed, computed)
    discounts = discounts_in(lines, bill, learned)
    known = {item["name"]: item["discount"] for item in discounts if item["kind"] == CONTRACTED}
    items = [
        _item(bill, service, sides.get(service, Side()), billed.taken_over.get(service, {}), known.get(service))
        for service in sorted({*sides, *billed.taken_over})
    ]
    where = _where(bill)
    whole = where | _added(items)
    return Calibrated(bill, learned, items, whole, [where | item for item in discounts], [
        where | item for item in _commitments(learned, billed, computed.unused, {
            name: sum((cost for _, cost in places.values()), ZERO) for name, places in computed.covered.items()
        })
    ])  # fmt: skip


def _where(bill: Bill) -> Item:
    return {
        "source": bill.source, "billing_period": bill.period, "provider": bill.provider, "currency": bill.currency,
    }  # fmt: skip


def _item(bill: Bill, service: str, side: Side, reasons: dict[str, Decimal], discount: Decimal | None) -> Item:
    taken = sum(reasons.values(), ZERO)
    again = sum(side.billed.values(), ZERO)
    difference = sum(side.computed.values(), ZERO) - again
    explained = {name: exact(amount) for name, amount in side.because.items() if name != UNEXPLAINED and amount}
    unexplained = exact(difference - sum(explained.values(), ZERO))
    computed = {f"computed_{part}": exact(side.computed[part]) if side.is_computed else None for part in PARTS}
    return _where(bill) | {
        "service_name": service,
        "effective_cost": again + taken,
        **side.billed,
        "taken_over": taken,
        **computed,
        "difference": exact(difference) if side.is_computed else None,
        "difference_share": exact(difference / again) if again else None,
        "explained": explained,
        "unexplained": unexplained if side.is_computed else None,
        "reasons": dict(reasons),
        "contract_discount": discount,
        "status": _status(side, explained, unexplained),
    }


def _status(side: Side, explained: dict[str, Decimal], unexplained: Decimal) -> str:
    if not side.is_computed:
        return NOT_COMPUTED
    if unexplained:
        return UNEXPLAINED_STATUS
    return EXPLAINED if {*explained} - {ROUNDING} else EQUAL


def _added(items: Any) -> Item:
    """Return the sums of items of one currency."""
    rows = list(items)
    names = (
        "effective_cost",
        *PARTS,
        "taken_over",
        *(f"computed_{part}" for part in PARTS),
        "difference",
        "unexplained",
    )
    sums: Item = {name: sum((row[name] for row in rows if row[name] is not None), ZERO) for name in names}
    for name in ("explained", "reasons"):
        sums[name] = {}
        for row in rows:
            for key, amount in row[name].items():
                sums[name][key] = sums[name].get(key, ZERO) + amount
    again = sum((sums[part] for part in PARTS), ZERO)
    return sums | {"difference_share": exact(sums["difference"] / again) if again else None}


def _commitments(
    learned: Learned, billed: Billed, unused: dict[str, Decimal], used: dict[str, Decimal]
) -> Iterator[Item]:
    """Yield what each commitment is taken for, and what it used and lost in the bill and as computed."""
    for one in learned.owned:
        groups = [group for found in billed.covered[one.id].values() for group in found]
        known = not one.reason
        yield {
            "id": one.id, "type": one.type, "instrument": str(one.instrument) if one.instrument else None,
            "owner_account_id": one.owner or None, "region": one.region or None, "zone": one.zone or None,
            "family_or_pool": one.target or None, "amount": one.amount if known else None, "hourly": one.hourly,
            "sharing": one.sharing if known else None, "group": list(one.group), "scope_basis": one.scope_basis or None,
            "used": sum((group.effective for group in groups), ZERO) if known else None,
            "unused": sum((group.effective for group in billed.unused[one.id]), ZERO) if known else None,
            "computed_used": used.get(one.id, ZERO) if known else None,
            "computed_unused": unused.get(one.id, ZERO) if known else None,
            "reason": one.reason or None,
        }  # fmt: skip


def _write(found: list[Calibrated], folder: Path) -> None:
    """Write the tables of the one bill there is.

    Raises
    ------
    DataError
        If there is none.
    UsageError
        If there are several, or the folder cannot be written.
    """
    from pyarrow import Table
    from pyarrow.parquet import write_table

    if not found:
        raise DataError("no bill to learn from", hint="See `costlab sources`")
    if len(found) > 1:
        names = ", ".join(f"{one.bill.source} {one.bill.period} {one.bill.currency}" for one in found[:5])
        raise UsageError(f"--tables takes one bill, these are {len(found)}: {names}",
                         hint="Choose one with --source and --period")  # fmt: skip
    learned = found[0].learned
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("usage", "commitments", "rates"):
            table = Table.from_pandas(getattr(learned, name), preserve_index=False)
            write_table(table, folder / f"{name}.parquet", compression="zstd")
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}", hint="Choose another folder") from None
