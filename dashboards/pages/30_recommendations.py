"""Recommendations: the plan, ranked by what each item really saves, with the evidence and the command for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from costlab.money import ZERO
from costlab.ui import parts
from costlab.ui.findings import Item, PlanView, filtered, load_plan, subject
from costlab.ui.format import exact_money, markdown, money, plain_text, ratio
from costlab.ui.session import Bound, Source, ask
from costlab.ui.state import Choice, Text, Values

if TYPE_CHECKING:
    from decimal import Decimal

ICON = ":material/savings:"
SHOWN = 500
COLUMNS = (
    ("monthly_saving", "Net / month", "money", 105),
    ("monthly_saving_list", "List / month", "money", 105),
    ("title", "Recommendation", "text", 265),
    ("subject", "Resource", "text", 175),
    ("account", "Account", "text", 110),
    ("kind", "Kind", "text", 100),
    ("confidence", "Confidence", "share", 120),
    ("effort", "Effort", "text", 90),
)


def main() -> None:
    """Draw the page."""
    with parts.page("Recommendations") as frame:
        where = frame.source
        currencies = parts.currency_param(where)
        bound = parts.bound(
            "recommendations",
            [Choice("currency", currencies), Values("kind"), Values("account"), Text("item", r"[\w.-]*")],
        )
        with frame.controls:
            parts.currency_control(bound, currencies)
        plan = ask(where, load_plan, bound["currency"])
        controls(bound, where, plan)
        with frame.line:
            parts.context_line(["Saving per month of 730 hours, net", bound["currency"], parts.as_of(where)])
        items = filtered(plan.items, kinds=bound["kind"], accounts=bound["account"])
        figures(plan, items, bound["currency"], is_part=bool(bound["kind"] or bound["account"]))
        body(bound, where, items, bound["currency"])
        not_assessed(plan)
        bound.commit()


def controls(bound: Bound, where: Source, plan: PlanView) -> None:
    """Draw the filters; what a link names stays selectable though no item has it."""
    kinds = list(dict.fromkeys([*(str(item["kind"]) for item in plan.items), *bound["kind"]]))
    accounts = sorted(
        {str(item["sub_account_id"]) for item in plan.items if item["sub_account_id"]} | set(bound["account"])
    )
    with st.container(horizontal=True, gap="small"):
        st.multiselect("Kind", kinds, key=bound.key("kind"), placeholder="All kinds", width=330)
        st.multiselect(
            "Account",
            accounts,
            key=bound.key("account"),
            placeholder="All accounts",
            format_func=lambda account: plain_text(where.facts.account(account)),
            width=330,
        )


def figures(plan: PlanView, items: list[Item], currency: str, *, is_part: bool) -> None:
    """Draw what the plan saves in all, and what the items shown are of it."""
    net = sum((item["monthly_saving"] for item in items), ZERO)
    absorbed = [item for item in items if item.get("absorbed_by")]
    with parts.cards():
        parts.card(
            "The whole plan saves",
            f"{money(plan.saving, currency)} / month",
            delta=f"{money(plan.saving * 12, currency)} a year",
            note=f"Net: what the bill shrinks by if everything is done. Exact: {exact_money(plan.saving, currency)}.",
        )
        parts.card(
            "At list prices",
            f"{money(plan.saving_list, currency)} / month",
            delta=overstated(plan),
            note="What tools that ignore discounts and commitments would promise.",
        )
        parts.card(
            "Shown here" if is_part else "Recommendations",
            f"{len(items):,}",
            delta=f"{money(net, currency)} of it" if is_part else None,
            note="Items in the table. Savings are parts of the joint plan: they add up.",
        )
        parts.card(
            "Held back by commitments",
            f"{len(absorbed):,}",
            note="Items of which a reservation or savings plan already pays a part, which therefore saves nothing now.",
        )


def overstated(plan: PlanView) -> str | None:
    """Say how much more the list price promises."""
    if not plan.saving:
        return None
    return f"{ratio((plan.saving_list - plan.saving) / plan.saving, sign=True)} more than net"


def body(bound: Bound, where: Source, items: list[Item], currency: str) -> None:
    """Draw the table and, below it, the chosen item."""
    if not items:
        parts.nothing_here(
            "No recommendation", "Nothing to save was found here. That is not the same as not assessed: see below."
        )
        return
    places = {item["id"]: place for place, item in enumerate(items[:SHOWN])}
    rows = [
        {
            **item,
            "title": plain_text(item["title"]),
            "subject": plain_text(subject(item)),
            "account": plain_text(where.facts.account(item["sub_account_id"])),
        }
        for item in items[:SHOWN]
    ]
    if bound["item"] and bound["item"] not in places:
        st.warning("The recommendation in the link is not in this list (any more).", icon=":material/link_off:")
    columns = [parts.Column(field, name, kind, width) for field, name, kind, width in COLUMNS]
    note = f"Net and list saving in {currency}. Choose a row for the reason, the evidence and the command."
    with parts.panel("Plan, largest net saving first", note):
        key = f"plan:{bound['currency']}:{bound['kind']}:{bound['account']}"
        place = parts.table(rows, columns, currency, key=key, rows=12, select=True, chosen=places.get(bound["item"]))
    if place is not None:
        bound.put("item", items[place]["id"])
        detail(items[place], where, currency)
    else:
        bound.put("item", "")


def detail(item: Item, where: Source, currency: str) -> None:
    """Draw one recommendation: why, what it changes, how sure, how to do it and how to undo it."""
    with parts.panel(markdown(item["title"]), f"{markdown(subject(item))} · {markdown(item['service_name'])}"):
        left, right = st.columns([3, 2])
        with left:
            st.markdown(markdown(item["why"]))
            if item.get("absorbed_by"):
                st.info(f"A commitment already pays for a part of this: {markdown(item['absorbed_by'])}")
            evidence(item)
            remedy(item)
        with right:
            facts(item, where, currency)


def facts(item: Item, where: Source, currency: str) -> None:
    """Draw the figures of an item as a small table."""
    action = item["action"] or {}
    change = " → ".join(plain_text(action[end]) for end in ("from", "to") if action.get(end))
    risks = ", ".join(f"{name}: {level}" for name, level in (item["risk"] or {}).items())
    lines = [
        ("Net saving", amount(item["monthly_saving"], currency)),
        (
            "Likely range",
            f"{money(item['monthly_saving_low'], currency)} to {money(item['monthly_saving_high'], currency)}",
        ),
        ("If only this were done", amount(item["monthly_saving_alone"], currency)),
        ("At list price", amount(item["monthly_saving_list"], currency)),
        ("Costs now", amount(item["monthly_cost"], currency)),
        ("One-time cost", money(item["one_time_cost"], currency)),
        ("Action", f"{plain_text(action.get('verb'))}{f': {change}' if change else ''}"),
        ("Account", plain_text(where.facts.account(item["sub_account_id"]))),
        ("Region", plain_text(item["region_id"])),
        ("Resource", plain_text(item["resource_id"])),
        ("Evidence is", f"{plain_text(item['basis'])}, confidence {ratio(item['confidence'])}"),
        ("Risk", plain_text(risks)),
        ("Effort", f"{plain_text(item['effort'])}{', needs a restart' if item['needs_restart'] else ''}"),
        ("Can be undone", "yes" if item["reversible"] else "no"),
        ("First seen", plain_text(item["first_seen"])),
        ("Check", plain_text(item["check"])),
    ]
    parts.facts_table(lines)


def amount(value: Decimal | None, currency: str) -> str:
    """Return an amount per month, to the cent."""
    return f"{money(value, currency, places=2)} / month"


def evidence(item: Item) -> None:
    """Draw the numbers behind an item."""
    found = item["evidence"] or []
    if not found:
        return
    rows = [
        {
            "metric": plain_text(one["metric"]),
            "value": f"{plain_text(one['value'])} {plain_text(one['unit'], nothing='')}",
            "window": f"{str(one['from'])[:10]} to {str(one['to'])[:10]}",
            "source": plain_text(one["source"]),
        }
        for one in found
    ]
    st.markdown("**Evidence**")
    columns = [
        parts.Column("metric", "What"),
        parts.Column("value", "Value"),
        parts.Column("window", "Days"),
        parts.Column("source", "From"),
    ]
    parts.table(rows, columns, None, key=f"evidence:{item['id']}", rows=8)


def remedy(item: Item) -> None:
    """Draw the commands; costlab prints them and never runs them."""
    known = item["remedy"] or {}
    for name, title, language in (
        ("command", "Do it", "sh"),
        ("terraform", "In Terraform", "hcl"),
        ("rollback", "Undo it", "sh"),
    ):
        if known.get(name):
            st.markdown(f"**{title}**")
            st.code(known[name], language=language, wrap_lines=True)


def not_assessed(plan: PlanView) -> None:
    """Say what could not be looked at: missing data is not the same as nothing to save."""
    if not plan.not_assessed:
        return
    with parts.panel("Not assessed", "What could not be looked at, and why. Savings may hide here."):
        rows = [
            {"kind": kind, "why": plain_text(reason)}
            for kind, reasons in plan.not_assessed.items()
            for reason in reasons.split("; ")
        ]
        columns = [parts.Column("kind", "Kind", width=110), parts.Column("why", "Why")]
        parts.table(rows, columns, None, key="not-assessed", rows=10)


main()
