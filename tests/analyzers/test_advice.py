"""The plan beside the clouds' recommendations: each proposal once, each difference with its reason."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from costlab.analyzers.advice import Compared, Proposal, ResourceFact, Verdict, compare, totals

OURS = Proposal(
    id="ours", tool="costlab", provider="AWS", kind="rightsize", verb="resize", target="m5.large", resource_id="i-1",
    sub_account_id="111122223333", region_id="us-east-1", currency="USD", saving=Decimal(100), saving_list=Decimal(100),
)  # fmt: skip
THEIRS = replace(
    OURS, id="theirs", tool="cost-optimization-hub", saving=Decimal(100), saving_list=None, basis="after discounts"
)
PLAN = replace(
    OURS, id="plan", kind="commitment", verb="purchase", target="compute-sp", resource_id="", region_id="",
    hourly_commitment=Decimal(10),
)  # fmt: skip
THEIR_PLAN = replace(THEIRS, id="sp", kind="commitment", verb="purchase", target="compute-sp", resource_id="",
                     region_id="", hourly_commitment=Decimal(11), saving=Decimal(900))  # fmt: skip
AT_LIST = "theirs is at list price, compared with ours at list price"


def one(ours: Proposal | None, theirs: Proposal | None, **known: Any) -> Compared:
    (line,) = compare([ours] if ours else [], [theirs] if theirs else [], **known)
    return line


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict", "reason"),
    [
        ({}, {}, Verdict.AGREE, ""),
        ({"saving": Decimal(75)}, {"target": "m5.xlarge"}, Verdict.AGREE, ""),
        (
            {"saving": Decimal("74.99"), "saving_list": Decimal("74.99")},
            {"target": "m5.xlarge"},
            Verdict.CONFLICT,
            "ours: resize m5.large; theirs: resize m5.xlarge",
        ),
        (
            {"saving": Decimal(0), "absorbed_by": "sp-1"},
            {"lookback_days": "14"},
            Verdict.AGREE,
            "ours is net: sp-1 already pays for it; theirs looks at 14 days",
        ),
        ({"saving": Decimal(0)}, {"basis": "list price"}, Verdict.AGREE, ""),
        (
            {"saving": Decimal(10)},
            {"basis": "list price", "saving": Decimal(200), "target": "m5.xlarge"},
            Verdict.CONFLICT,
            f"ours: resize m5.large; theirs: resize m5.xlarge; {AT_LIST}",
        ),
        ({"saving": Decimal(10)}, {"basis": ""}, Verdict.AGREE,
         "ours is net of commitments; theirs does not say whether it is net"),
        ({}, {"saving": None, "target": "m5.large/2 vCPU"}, Verdict.AGREE, "theirs does not state a saving"),
        ({}, {"currency": "EUR"}, Verdict.AGREE, "amounts in USD and EUR"),
        (
            {"kind": "waste", "verb": "stop", "target": ""},
            {"kind": "waste", "verb": "delete", "target": "", "saving": Decimal(10)},
            Verdict.AGREE,
            "",
        ),
        (
            {"kind": "waste", "verb": "stop", "target": ""},
            {},
            Verdict.CONFLICT,
            "ours: stop; theirs: resize m5.large",
        ),
        ({"resource_id": "I-1"}, {}, Verdict.AGREE, ""),
    ],
)  # fmt: skip
def test_two_proposals_for_one_resource(
    ours: dict[str, Any], theirs: dict[str, Any], verdict: Verdict, reason: str
) -> None:
    line = one(replace(OURS, **ours), replace(THEIRS, **theirs))
    assert (line.verdict, line.reason) == (verdict, reason)


def test_a_difference_is_on_the_basis_of_theirs() -> None:
    own = replace(OURS, saving=Decimal(30))
    assert one(own, replace(THEIRS, basis="list price")).difference == Decimal(0)
    assert one(own, THEIRS).difference == Decimal(-70)
    assert one(own, replace(THEIRS, currency="EUR")).difference is None
    assert one(own, replace(THEIRS, saving=None)).difference is None


@pytest.mark.parametrize(
    ("theirs", "fact", "not_assessed", "reason"),
    [
        ({}, None, {}, "the bill has no charge of this resource in its last 14 days"),
        ({}, ResourceFact(True, Decimal("0.995"), True), {},
         "commitments already cover it: it would save nothing now"),
        ({}, ResourceFact(True, Decimal("0.5"), False), {}, "costlab has no metrics of it"),
        ({"kind": "storage"}, ResourceFact(True, None, False), {}, "no check of costlab proposes it"),
        ({}, ResourceFact(True, None, True), {"rightsize": "no metrics are loaded"}, "no metrics are loaded"),
        ({}, ResourceFact(True, None, True), {}, "no check of costlab proposes it"),
        ({"kind": "other"}, ResourceFact(True, None, True), {},
         "costlab does not know this type of recommendation"),
        ({"resource_id": ""}, None, {}, "it names no resource"),
        ({"kind": "commitment", "resource_id": ""}, None, {}, "the plan buys no commitment of this kind"),
    ],
)  # fmt: skip
def test_why_only_they_propose_it(
    theirs: dict[str, Any], fact: ResourceFact | None, not_assessed: dict[str, str], reason: str
) -> None:
    line = one(None, replace(THEIRS, **theirs), facts={"i-1": fact} if fact else {}, not_assessed=not_assessed)
    assert (line.verdict, line.reason) == (Verdict.ONLY_THEIRS, reason)


def test_why_only_we_propose_it() -> None:
    other = replace(THEIRS, resource_id="i-9")
    lines = compare([OURS], [other])
    assert [(line.verdict, line.reason) for line in lines] == [
        (Verdict.ONLY_OURS, "AWS does not recommend it"),
        (Verdict.ONLY_THEIRS, "the bill has no charge of this resource in its last 14 days"),
    ]
    assert one(OURS, None).reason == "no recommendations of AWS are loaded"
    assert one(replace(OURS, absorbed_by="sp-1"), None).reason == "sp-1 already pays for it: it saves nothing now"


def test_every_proposal_is_there_exactly_once() -> None:
    ours = [OURS, replace(OURS, id="b", kind="storage", target="gp3"), replace(OURS, id="c", resource_id="i-2")]
    theirs = [
        replace(THEIRS, id="x", kind="waste", verb="stop", target=""),
        replace(THEIRS, id="y"),
        replace(THEIRS, id="z", resource_id="i-3"),
    ]
    lines = compare(ours, theirs)
    assert [(line.verdict.value, line.ours and line.ours.id, line.theirs and line.theirs.id) for line in lines] == [
        ("agree", "ours", "y"),
        ("conflict", "b", "x"),
        ("only ours", "c", None),
        ("only theirs", None, "z"),
    ]


def test_the_same_told_by_two_tools_counts_once_at_its_largest() -> None:
    again = replace(THEIRS, id="again", tool="compute-optimizer", saving=Decimal(110), target="m5.large")
    (line,) = compare([OURS], [THEIRS, again])
    assert line.theirs == again


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("i-1", "arn:aws:ec2:us-east-1:111122223333:instance/i-1"),
        ("//compute.googleapis.com/projects/42/zones/europe-west1-b/instances/web-1",
         "//compute.googleapis.com/projects/shop/zones/europe-west1-b/instances/web-1"),
    ],
)  # fmt: skip
def test_ids_that_are_spelt_differently_meet_by_their_last_part(ours: str, theirs: str) -> None:
    line = one(replace(OURS, resource_id=ours), replace(THEIRS, resource_id=theirs))
    assert line.verdict is Verdict.AGREE


def test_a_number_in_the_bill_meets_a_name_in_the_tool() -> None:
    ours = replace(OURS, resource_id="//compute.googleapis.com/projects/42/zones/a/instances/987654321", name="Web-1")
    theirs = replace(THEIRS, resource_id="//compute.googleapis.com/projects/shop/zones/a/instances/web-1")
    assert one(ours, theirs).verdict is Verdict.AGREE
    assert len(compare([ours], [replace(theirs, sub_account_id="another")])) == 2


def test_a_last_part_that_two_resources_share_does_not_count() -> None:
    ours = [replace(OURS, id=zone, resource_id=f"//x/{zone}/web") for zone in "ab"]
    lines = compare(ours, [replace(THEIRS, resource_id="//y/c/web")])
    assert [line.verdict for line in lines] == [Verdict.ONLY_OURS, Verdict.ONLY_OURS, Verdict.ONLY_THEIRS]


@pytest.mark.parametrize(
    ("hourly", "saving", "verdict"),
    [("11", "900", "agree"), ("20", "110", "agree"), ("20", "900", "conflict"), (None, "100", "agree")],
)
def test_purchases_agree_on_the_commitment_or_the_saving(hourly: str | None, saving: str, verdict: str) -> None:
    theirs = replace(THEIR_PLAN, hourly_commitment=Decimal(hourly) if hourly else None, saving=Decimal(saving))
    line = one(PLAN, theirs)
    assert line.verdict.value == verdict
    if verdict == "conflict":
        assert line.reason.startswith("ours: purchase compute-sp at 10 per hour; theirs: purchase compute-sp at 20")


def test_another_instrument_is_another_purchase() -> None:
    lines = compare([PLAN], [replace(THEIR_PLAN, target="ec2-sp")])
    assert [line.verdict.value for line in lines] == ["only ours", "only theirs"]


def test_totals_are_per_currency_and_their_purchases_are_not_added_up() -> None:
    lines = compare(
        [OURS, replace(OURS, id="e", currency="EUR", resource_id="i-2", saving=Decimal("0.10"))],
        [
            THEIRS,
            THEIR_PLAN,
            replace(THEIR_PLAN, id="ec2", target="ec2-sp"),
            replace(THEIRS, id="n", resource_id="i-3"),
        ],
    )
    assert totals(lines) == {
        "EUR": {"only ours": {"count": 1, "ours": Decimal("0.10"), "theirs": Decimal(0)}},
        "USD": {
            "agree": {"count": 1, "ours": Decimal(100), "theirs": Decimal(100)},
            "only theirs": {"count": 3, "ours": Decimal(0), "theirs": Decimal(100)},
        },
    }
