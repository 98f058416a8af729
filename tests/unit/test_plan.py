"""The plan: savings that are net, that exclude each other where they must, and that add up."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from costlab.interfaces.finding import Action, Basis, Claim, Effort, Evidence, Kind, Level, Recommendation, Remedy
from costlab.money import ZERO, exact
from costlab.plan import Memory, Plan, build_plan, identity, recommend
from tests.analyzers.support import world

START, END = datetime(2026, 3, 1), datetime(2026, 3, 15)
HALF = Decimal("0.5")


def proposal(
    resource: str = "i-1",
    check: str = "waste_x",
    *,
    kind: Kind = Kind.WASTE,
    charges: dict[str, tuple[str, Decimal]] | None = None,
    group: str = "",
    currency: str = "USD",
    listed: str | None = None,
) -> Recommendation:
    """``charges``: usage type -> (on-demand cost per hour, kept ratio)."""
    given_charges = {"BoxUsage": ("1", ZERO)} if charges is None else charges
    claims = tuple(
        Claim(resource, usage, Decimal(amount), Decimal(listed or amount), kept)
        for usage, (amount, kept) in sorted(given_charges.items())
    )
    return Recommendation(
        check=check,
        kind=kind,
        title="t",
        why="w",
        provider="AWS",
        billing_account_id="payer",
        sub_account_id="dev",
        region_id="us-east-1",
        service_name="EC2",
        resource_id=resource,
        resource_name="",
        currency=currency,
        action=Action("stop", "a", "b"),
        hourly_cost=sum((c.hourly_on_demand for c in claims), ZERO),
        hourly_saving_list=sum((exact(c.hourly_list * (1 - c.kept_ratio)) for c in claims), ZERO),
        hourly_saving=sum((exact(c.hourly_on_demand * (1 - c.kept_ratio)) for c in claims), ZERO),
        claims=claims,
        evidence=(Evidence("m", 1, "u", START, END, "s"),),
        remedy=Remedy("c", "t", "r"),
        confidence=0.9,
        risk={"cpu": Level.LOW},
        effort=Effort.LOW,
        needs_restart=False,
        reversible=True,
        basis=Basis.MEASURED,
        exclusive_group=group,
    )


def net(plan: Plan) -> dict[str, Decimal]:
    return {item.proposal.check: item.monthly_saving for item in plan.items}


def test_stacked_claims_on_one_charge_multiply() -> None:
    schedule = proposal(check="schedule_x", kind=Kind.SCHEDULE, charges={"BoxUsage": ("1", HALF)})
    resize = proposal(check="rightsize_x", kind=Kind.RIGHTSIZE, charges={"BoxUsage": ("1", Decimal("0.6"))})
    plan = build_plan([resize, schedule])
    assert net(plan) == {"schedule_x": Decimal("365.00"), "rightsize_x": Decimal("146.00")}
    assert plan.totals()["monthly_saving"] == Decimal("511.00")
    assert {i.proposal.check: i.monthly_saving_alone for i in plan.items}["rightsize_x"] == Decimal("292.00")


def test_claims_on_different_charges_of_a_resource_add() -> None:
    stop = proposal(check="waste_a", charges={"BoxUsage": ("1", ZERO)})
    trim = proposal(check="storage_b", kind=Kind.STORAGE, charges={"Volume": ("1", HALF)})
    assert build_plan([stop, trim]).totals()["monthly_saving"] == Decimal("1095.00")


def test_of_an_exclusive_group_only_the_best_saves() -> None:
    idle = proposal(check="waste_idle", group="g")
    resize = proposal(check="rightsize_x", kind=Kind.RIGHTSIZE, charges={"BoxUsage": ("1", HALF)}, group="g")
    plan = build_plan([resize, idle])
    assert net(plan) == {"waste_idle": Decimal("730.00"), "rightsize_x": ZERO}
    loser = next(i for i in plan.items if not i.is_chosen)
    assert "saves more" in loser.why
    assert loser.monthly_saving_alone == Decimal("365.00")


def test_idle_wins_a_tie() -> None:
    covered = {"BoxUsage": ("0", ZERO)}
    idle = proposal(check="waste_idle", group="g", charges=covered)
    resize = proposal(check="rightsize_x", kind=Kind.RIGHTSIZE, group="g", charges={"BoxUsage": ("0", HALF)})
    assert [i.proposal.check for i in build_plan([resize, idle]).items if i.is_chosen] == ["waste_idle"]


def test_an_option_of_a_group_is_chosen_for_the_whole_and_not_for_itself() -> None:
    first = proposal(check="rightsize_a", kind=Kind.RIGHTSIZE, group="g", charges={"X": ("10", HALF)})
    second = proposal(check="rightsize_b", kind=Kind.RIGHTSIZE, group="g", charges={"Y": ("10", Decimal("0.4"))})
    other = proposal(check="waste_c", charges={"Y": ("10", Decimal("0.1"))})
    plan = build_plan([first, second, other])
    assert {i.proposal.check for i in plan.items if i.is_chosen} == {"rightsize_a", "waste_c"}


def test_ids_do_not_depend_on_amounts_and_differ_by_resource_and_check() -> None:
    a, b = proposal(charges={"BoxUsage": ("1", ZERO)}), proposal(charges={"BoxUsage": ("9", ZERO)})
    assert identity(a) == identity(b)
    assert len({identity(p) for p in (a, proposal("i-2"), proposal(check="waste_y"))}) == 3


def test_the_smallest_saving_asked_for_filters_after_netting() -> None:
    idle = proposal(check="waste_idle", group="g")
    resize = proposal(check="rightsize_x", kind=Kind.RIGHTSIZE, charges={"BoxUsage": ("1", HALF)}, group="g")
    plan = build_plan([idle, resize], min_saving=Decimal("0.01"))
    assert net(plan) == {"waste_idle": Decimal("730.00")}
    assert plan.totals()["monthly_saving"] == Decimal("730.00")


def test_two_currencies_are_never_added() -> None:
    totals = build_plan([proposal(), proposal("i-2", currency="EUR")]).totals()
    assert totals["monthly_saving"] is None
    assert {c: t["monthly_saving"] for c, t in totals["by_currency"].items()} == {
        "USD": Decimal("730.00"),
        "EUR": Decimal("730.00"),
    }


def test_an_empty_plan_saves_zero_and_has_no_currency() -> None:
    plan = build_plan([], not_assessed={"rightsize": "no cpu_percent"})
    assert plan.currency is None
    assert plan.totals() == {
        "monthly_saving": ZERO,
        "monthly_saving_list": ZERO,
        "not_assessed": {"rightsize": "no cpu_percent"},
    }


def test_an_item_has_the_fields_of_the_interface() -> None:
    key = identity(proposal())
    item = build_plan([proposal()], memory={key: Memory(date(2026, 3, 2), "snoozed")}).items[0].to_item()
    assert {
        "id", "kind", "check", "title", "why", "provider", "billing_account_id", "sub_account_id", "region_id",
        "service_name", "resource_id", "resource_name", "action", "monthly_cost", "monthly_saving",
        "monthly_saving_alone", "monthly_saving_list", "monthly_saving_low", "monthly_saving_high", "one_time_cost",
        "currency", "confidence", "risk", "effort", "needs_restart", "reversible", "basis", "evidence", "remedy",
        "exclusive_group", "first_seen", "status",
    } <= item.keys()  # fmt: skip
    assert item["action"] == {"verb": "stop", "from": "a", "to": "b"}
    assert item["evidence"] == [{"metric": "m", "value": 1, "unit": "u", "from": START, "to": END, "source": "s"}]
    assert (item["first_seen"], item["status"]) == (date(2026, 3, 2), "snoozed")
    assert (item["monthly_saving_low"], item["monthly_saving_high"]) == (Decimal("584.00"), Decimal("730.00"))


def test_only_the_kinds_asked_for_are_assessed() -> None:
    nat = {"days": 14, "ResourceId": "nat-1", "x_usage_type": "NatGateway-Hours", "BilledCost": 1.08}
    gp2 = {"days": 14, "ResourceId": "vol-1", "x_usage_type": "EBS:VolumeUsage.gp2", "BilledCost": 0.24,
           "PricingQuantity": 3.225806452}  # fmt: skip
    context = world([nat, gp2], [], now=datetime(2026, 3, 20))
    assert {i.proposal.kind for i in recommend(context).items} == {Kind.WASTE, Kind.STORAGE}
    only = recommend(context, kinds=["storage"])
    assert [i.proposal.check for i in only.items] == ["storage_gp2_volume"]
    assert only.items[0].monthly_saving == Decimal("1.46")
    assert only.items[0].first_seen == date(2026, 3, 20)


def test_what_cannot_be_assessed_is_said_per_kind() -> None:
    box = {"days": 14, "ResourceId": "i-1", "x_usage_type": "BoxUsage:m5.large", "x_instance_type": "m5.large"}
    plan = recommend(world([box], [], now=datetime(2026, 3, 20)))
    assert plan.items == ()
    assert "waste_idle_instance" in plan.not_assessed["waste"]
    assert "cpu_percent for 1 of 1" in plan.not_assessed["rightsize"]


# A cent per hour and a few charges shared by a few resources: overlaps of every sort come up.
_charges = st.dictionaries(
    st.sampled_from(["X", "Y", "Z"]),
    st.tuples(st.integers(0, 500), st.sampled_from(["0", "0.25", "0.5", "0.8", "1"]).map(Decimal)),
    min_size=1,
    max_size=3,
)


@st.composite
def _proposals(draw: st.DrawFn) -> list[Recommendation]:
    prices = {(r, u): draw(st.integers(0, 500)) for r in ("i-1", "i-2") for u in ("X", "Y", "Z")}
    count = draw(st.integers(0, 7))
    found: list[Recommendation] = []
    for number in range(count):
        resource = draw(st.sampled_from(["i-1", "i-2"]))
        charges = draw(_charges)
        kind = draw(st.sampled_from(list(Kind)))
        found.append(
            proposal(
                resource,
                f"{kind.value}_{number}",
                kind=kind,
                charges={u: (f"{prices[resource, u] / 100:.2f}", kept) for u, (_, kept) in charges.items()},
                group=draw(st.sampled_from(["", "g", "h"])),
            )
        )
    return found


@settings(max_examples=150, deadline=None)
@given(_proposals())
def test_the_total_is_the_sum_of_the_items_and_never_more_than_the_cost(proposals: list[Recommendation]) -> None:
    plan = build_plan(proposals)
    assert plan.totals()["monthly_saving"] == sum((i.monthly_saving for i in plan.items), ZERO)
    for item in plan.items:
        assert ZERO <= item.monthly_saving <= item.monthly_cost
        assert item.monthly_saving <= item.monthly_saving_alone
    bill = {(c.resource_id, c.usage_type): c.hourly_on_demand for p in proposals for c in p.claims}
    assert plan.totals()["monthly_saving"] <= sum(bill.values(), ZERO) * 730 + Decimal("0.01") * len(proposals)


@settings(max_examples=100, deadline=None)
@given(_proposals(), st.randoms(use_true_random=False))
def test_the_order_of_the_proposals_changes_nothing(proposals: list[Recommendation], random: object) -> None:
    shuffled = list(proposals)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    before, after = build_plan(proposals), build_plan(shuffled + proposals[:1])
    assert [i.to_item() for i in before.items] == [i.to_item() for i in after.items]


@settings(max_examples=100, deadline=None)
@given(_proposals())
def test_one_group_never_saves_twice(proposals: list[Recommendation]) -> None:
    for group in ("g", "h"):
        items = [i for i in build_plan(proposals).items if i.proposal.exclusive_group == group]
        assert len([i for i in items if i.is_chosen]) == min(1, len(items))
        assert len([i for i in items if i.monthly_saving != 0]) <= 1


@settings(max_examples=150, deadline=None)
@given(_proposals())
def test_one_more_proposal_never_lowers_the_total(proposals: list[Recommendation]) -> None:
    if proposals:
        fewer = build_plan(proposals[:-1]).totals()["monthly_saving"]
        # Cents are rounded once per item, so half a cent per item is the price of adding up exactly.
        slack = Decimal("0.005") * (2 * len(proposals))
        assert build_plan(proposals).totals()["monthly_saving"] >= fewer - slack
