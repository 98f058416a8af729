"""What a table shows of an answer: some items have thirty fields, a terminal has room for eight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from costlab.report.text import amount, cell, is_number, visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from costlab.answer import Answer

Item = dict[str, Any]
_FEW = 3
_MONEY_FIRST = ("recommend", "anomalies", "compare-advice")
"""Tables of items with a currency each: it is shown where there are several."""
_WIDE = ("ServiceProviderName", "BillingAccountId", "SubAccountId", "ServiceName", "RegionId", "x_usage_type")
"""Wide columns of a scope first."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: its heading and the value it takes from an item."""

    heading: str
    value: Callable[[Item], Any]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table ready to be laid out: headings, rows of text, and which columns are numbers."""

    headings: list[str]
    rows: list[list[str]]
    numeric: list[bool]
    footer: list[str]


def grid(answer: Answer) -> Grid:
    """Return the table of an answer, as text safe for a terminal."""
    if answer.name in _VIEWS_OF:
        columns = _VIEWS_OF[answer.name](answer)
    else:
        columns = _VIEWS[answer.name]() if answer.name in _VIEWS else _all(answer)
    if answer.name in _MONEY_FIRST and len({item.get("currency") for item in answer.items}) > 1:
        columns.insert(0, _field("currency"))
    values = [[column.value(item) for column in columns] for item in answer.items]
    exact = answer.name == "query"
    return Grid(
        headings=[visible(column.heading) for column in columns],
        rows=[[cell(value, exact=exact) for value in row] for row in values],
        numeric=[all(is_number(row[i]) or row[i] is None for row in values) for i in range(len(columns))],
        footer=_footer(answer),
    )


def _all(answer: Answer) -> list[Column]:
    return [_field(name) for name in answer.columns]


def _field(name: str, heading: str = "") -> Column:
    return Column(heading or name, lambda item: item.get(name))


def _scope(item: Item) -> str:
    scope: dict[str, Any] = item.get("scope") or {}
    parts = sorted(scope.items(), key=lambda part: (_WIDE.index(part[0]) if part[0] in _WIDE else len(_WIDE), part[0]))
    return ", ".join(f"{key}={cell(value) or '(none)'}" for key, value in parts) or "everything"


def _resource(item: Item) -> Any:
    return item.get("resource_name") or item.get("resource_id")


def _causes(item: Item) -> str:
    # a cause that is the incident's own scope says nothing new
    causes: list[Item] = [cause for cause in item.get("causes") or [] if cause["scope"] != item.get("scope")]
    return "; ".join(f"{_scope(cause)} {amount(cause['impact'])}" for cause in causes[:2])


def _recommend() -> list[Column]:
    return [
        _field("monthly_saving", "saving/month"),
        _field("monthly_cost", "cost/month"),
        _field("kind"),
        _field("title"),
        Column("resource", _resource),
        _field("region_id", "region"),
        _field("confidence"),
        _field("effort"),
    ]


def _compare_advice() -> list[Column]:
    return [
        _field("verdict"),
        _field("kind"),
        _field("resource_id", "resource"),
        _field("ours_action", "ours"),
        _field("ours_saving", "ours/month"),
        _field("theirs_action", "theirs"),
        _field("theirs_saving", "theirs/month"),
        _field("difference"),
        _field("reason"),
    ]


def _anomalies() -> list[Column]:
    return [
        _field("impact"),
        _field("kind"),
        _field("direction"),
        _field("start"),
        _field("end"),
        Column("scope", _scope),
        _field("severity"),
        Column("causes", _causes),
    ]


def _sources() -> list[Column]:
    names = ("source", "connector", "first_period", "last_period", "periods", "last_charge", "rows_loaded",
             "rows_quarantined", "status")  # fmt: skip
    return [*(_field(name) for name in names), _list("problems")]


def _ingest() -> list[Column]:
    names = ("source", "billing_period", "action", "rows_received", "rows_loaded", "rows_quarantined")
    costs = ("billed_cost_received", "billed_cost_loaded", "effective_cost_loaded")
    return [*(_field(name) for name in names), _dropped(), *(_field(name) for name in costs)]


def _reconcile() -> list[Column]:
    rows = ("rows_received", "rows_loaded", "rows_quarantined")
    costs = ("billed_cost_received", "billed_cost_loaded", "difference", "status")
    return [
        *(_field(name) for name in ("source", "billing_period", *rows)),
        _dropped(),
        *(_field(name) for name in costs),
        _list("problems"),
    ]


def _calibrate() -> list[Column]:
    def parts(name: str) -> Column:
        return Column(name, lambda item: "; ".join(f"{key} {amount(value)}" for key, value in item[name].items()))

    names = ("source", "billing_period", "currency", "service_name", "effective_cost", "taken_over", "difference")
    return [
        *(_field(name) for name in names),
        parts("explained"),
        _field("unexplained"),
        _field("status"),
        Column("contract discount", lambda item: _percent(item["contract_discount"])),
        parts("reasons"),
    ]


def _percent(share: Any) -> str:
    return "" if share is None else f"{float(share) * 100:.4g} %"


def _restatements() -> list[Column]:
    names = ("source", "billing_period", "ServiceName", "SubAccountId", "BillingCurrency", "billed_cost_change",
             "effective_cost_before", "effective_cost_after", "effective_cost_change")  # fmt: skip
    return [_field(name) for name in names]


def _list(name: str) -> Column:
    return Column(name, lambda item: "; ".join(map(str, item.get(name) or [])))


def _dropped() -> Column:
    return Column("rows_dropped", lambda item: sum((item.get("rows_dropped") or {}).values()))


def flat(answer: Answer) -> list[Column]:
    """Return the columns of a spreadsheet: every field, shared costs in columns of their own."""
    return _allocate(answer) if answer.name == "allocate" else _all(answer)


def _allocate(answer: Answer) -> list[Column]:
    """Return a column for each shared cost, in the rules' order, in place of the one that holds them all."""

    def shared(rule: str) -> Column:
        return Column(rule, lambda item: item["shared_by"].get(rule))

    per_currency = answer.totals.get("by_currency") or {"": answer.totals}
    rules = list(dict.fromkeys(rule for sums in per_currency.values() for rule in sums.get("shared_by", {})))
    columns: list[Column] = []
    for name in answer.columns:
        columns += [shared(rule) for rule in rules] if name == "shared_by" else [_field(name)]
    return columns


def _unit_cost(answer: Answer) -> list[Column]:
    """Costs per unit are often below a cent: two places would hide them."""

    def digits(name: str) -> Column:
        return Column(name, lambda item: None if item[name] is None else float(item[name]))

    return [digits(name) if name in {"unit_cost", "marginal_cost"} else _field(name) for name in answer.columns]


_VIEWS: dict[str, Callable[[], list[Column]]] = {
    "recommend": _recommend,
    "compare-advice": _compare_advice,
    "anomalies": _anomalies,
    "sources": _sources,
    "ingest": _ingest,
    "nightly": _ingest,
    "reconcile": _reconcile,
    "calibrate": _calibrate,
    "restatements": _restatements,
}
_VIEWS_OF: dict[str, Callable[[Answer], list[Column]]] = {"allocate": _allocate, "unit-cost": _unit_cost}
"""Views whose columns depend on the answer."""


def _footer(answer: Answer) -> list[str]:
    totals = answer.totals
    days = f"  ({totals['from']} to {totals['to']}, exclusive)" if "from" in totals and "to" in totals else ""
    per_currency = totals.get("by_currency") or {answer.currency: totals}
    lines = [line + days for currency, amounts in per_currency.items() for line in _sums(amounts, currency)]
    lines += [line for currency, amounts in per_currency.items() for line in _tag_keys(amounts, currency)]
    lines += [visible(_learned(found)) for found in totals.get("discounts", []) if found["discount"]]
    return lines + [visible(f"not assessed, {kind}: {why}") for kind, why in totals.get("not_assessed", {}).items()]


def _learned(found: Item) -> str:
    """Return a discount that a bill tells, its spread and the lines behind it."""
    low, high = _percent(found["low"]), _percent(found["high"])
    spread = f", {low} to {high} off" if low != high else ""
    side = "below" if found["discount"] > 0 else "above"
    return (
        f"learned, {found['source']} {found['billing_period']}: {found['name']} {found['kind']} "
        f"{_percent(abs(found['discount']))} {side} list{spread} ({found['lines']:,} lines)"
    )


def _tag_keys(amounts: Item, currency: str | None) -> list[str]:
    """Return how far each tag key reaches, and the other names it may have."""
    lines: list[str] = []
    for tag in amounts.get("tag_keys", []):
        others = [name for name in [*tag["spellings"], *tag["also"]] if name != tag["key"]]
        also = f"  (also {', '.join(others)})" if others else ""
        share = "" if tag["share"] is None else f", {tag['share'] * 100:.1f} %"
        lines.append(visible(f"tag {tag['key']}: {amount(tag['cost'])} {currency or ''}{share}{also}"))
    return lines


def _sums(amounts: Item, currency: str | None) -> list[str]:
    unit = f" {currency}" if currency else ""
    if amounts and all(isinstance(value, dict) for value in amounts.values()):
        return [f"{name}{unit}: {_together(part)}" for name, part in amounts.items()]
    shown = {name: value for name, value in amounts.items() if is_number(value)}
    if len(shown) > _FEW:
        return [f"total{unit}: {_together(shown)}"]
    return [f"total {name}: {cell(value)}{'' if isinstance(value, int) else unit}" for name, value in shown.items()]


def _together(amounts: Item) -> str:
    return ", ".join(f"{name} {cell(value)}" for name, value in amounts.items())
