"""costlab's plan beside what the clouds' own tools recommend: where they agree, where not, and why.

Two proposals are about the same thing when they name the same resource, or, for commitments, the same instrument in the
same place. They **agree** when kind and target are the same, or kind is the same and the savings differ by at most a
quarter of the greater; else they **conflict**. What only one side proposes is listed as such. A saving a tool states at
list price is compared with costlab's at list price, any other with costlab's net one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from costlab.interfaces.finding import Kind
from costlab.money import ZERO, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

TOLERANCE: Final = Decimal("0.25")
LIST_PRICE: Final = "list price"
_GET_RID: Final = frozenset({"delete", "release", "stop", "deallocate", "terminate", "shut down"})
_NEED_METRICS: Final = frozenset({Kind.RIGHTSIZE, Kind.WASTE, Kind.SCHEDULE})
_COVERED: Final = Decimal("0.99")
_Key = tuple[str, ...]


class Verdict(StrEnum):
    """How a proposal of one side stands to the other side's."""

    AGREE = "agree"
    CONFLICT = "conflict"
    ONLY_OURS = "only ours"
    ONLY_THEIRS = "only theirs"


@dataclass(frozen=True, slots=True)
class Proposal:
    """One proposal of either side; amounts per month in ``currency``, None where it is not told."""

    id: str
    tool: str
    """``costlab``, or the cloud's tool."""
    provider: str
    kind: str
    verb: str
    target: str
    """The shape it leads to, the instrument of a purchase; "" for none."""
    resource_id: str
    sub_account_id: str
    region_id: str
    currency: str
    saving: Decimal | None
    """Ours: net of the commitments one has."""
    saving_list: Decimal | None = None
    """Ours: at list price."""
    basis: str = ""
    """Theirs: ``list price``, ``after discounts``, ...; "" when the tool does not say."""
    lookback_days: str = ""
    absorbed_by: str = ""
    hourly_commitment: Decimal | None = None
    name: str = ""
    """The resource's name, where its id may not end in it."""

    @property
    def is_purchase(self) -> bool:
        """Whether it buys a commitment."""
        return self.kind == Kind.COMMITMENT and not self.resource_id


@dataclass(frozen=True, slots=True)
class ResourceFact:
    """What costlab knows of a resource for which it proposes nothing."""

    is_billed: bool = False
    covered_share: Decimal | None = None
    """Of its list cost, what commitments cover."""
    has_metrics: bool = False


@dataclass(frozen=True, slots=True)
class Compared:
    """One line of the comparison."""

    verdict: Verdict
    reason: str
    ours: Proposal | None
    theirs: Proposal | None

    @property
    def either(self) -> Proposal:
        """Our proposal, else theirs."""
        found = self.ours or self.theirs
        assert found is not None
        return found

    @property
    def ours_saving(self) -> Decimal | None:
        """Our saving on the basis of theirs: at list price where theirs is, else net."""
        return None if self.ours is None else _on_basis(self.ours, self.theirs)

    @property
    def difference(self) -> Decimal | None:
        """Ours less theirs, on the same basis; None where one is missing or the currencies differ."""
        ours, theirs = self.ours_saving, self.theirs.saving if self.theirs else None
        if ours is None or theirs is None or self.ours is None or self.theirs is None:
            return None
        return ours - theirs if self.ours.currency == self.theirs.currency else None


def compare(
    ours: Iterable[Proposal],
    theirs: Iterable[Proposal],
    *,
    facts: Mapping[str, ResourceFact] | None = None,
    not_assessed: Mapping[str, str] | None = None,
) -> list[Compared]:
    """Return every proposal of either side exactly once, largest amount first within each verdict.

    Parameters
    ----------
    ours
        The plan's chosen items.
    theirs
        What the clouds recommend; the same resource and kind told by several tools counts once, at its largest saving.
    facts
        What is known of resources by id, for those that only they name.
    not_assessed
        Kind -> why costlab did not look at it.
    """
    mine, yours = list(ours), _without_repeats(theirs)
    pairs = _paired(mine, yours)
    lines = [_judged(own, other) for own, other in pairs]
    paired = {id(side) for pair in pairs for side in pair}
    lines += [Compared(Verdict.ONLY_OURS, _only_ours(p, yours), p, None) for p in mine if id(p) not in paired]
    known, reasons = facts or {}, not_assessed or {}
    lines += [
        Compared(Verdict.ONLY_THEIRS, _only_theirs(p, known.get(p.resource_id), reasons), None, p)
        for p in yours
        if id(p) not in paired
    ]
    order = list(Verdict)
    return sorted(lines, key=lambda line: (order.index(line.verdict), -_size(line), line.either.id))


def totals(lines: Iterable[Compared]) -> dict[str, dict[str, dict[str, Decimal | int]]]:
    """Return currency -> verdict -> ``count`` of lines, ``ours`` (net) and ``theirs``; a line has its first currency.

    The purchases that tools recommend are alternatives to each other: they count, and are not added up. An amount in
    another currency than its line's is left out.
    """
    found: dict[str, dict[str, dict[str, Decimal | int]]] = {}
    for line in lines:
        currency = line.either.currency
        sums = found.setdefault(currency, {})
        own_sum = sums.setdefault(str(line.verdict), {"count": 0, "ours": ZERO, "theirs": ZERO})
        own_sum["count"] += 1
        if line.ours:
            own_sum["ours"] += line.ours.saving or ZERO
        if line.theirs and line.theirs.currency == currency and not line.theirs.is_purchase:
            own_sum["theirs"] += line.theirs.saving or ZERO
    return {currency: found[currency] for currency in sorted(found)}


def _size(line: Compared) -> Decimal:
    sides = (line.ours, line.theirs)
    return max((side.saving for side in sides if side and side.saving is not None), default=ZERO)


def _without_repeats(theirs: Iterable[Proposal]) -> list[Proposal]:
    best: dict[_Key, Proposal] = {}
    for proposal in theirs:
        what = (proposal.target, proposal.id) if proposal.is_purchase else ()
        key = (*_exact(proposal), proposal.kind, proposal.currency, *what)
        if key not in best or (proposal.saving or ZERO) > (best[key].saving or ZERO):
            best[key] = proposal
    return list(best.values())


def _exact(proposal: Proposal) -> _Key:
    """Return what a proposal is about; one that names nothing is about itself."""
    provider = proposal.provider.lower()
    if proposal.is_purchase:
        return (provider, "purchase", proposal.target.lower(), proposal.region_id.lower())
    if not proposal.resource_id:
        return (provider, "itself", proposal.tool, proposal.id)
    return (provider, "resource", proposal.resource_id.lower())


def _loose(proposal: Proposal) -> _Key:
    """Return the same without what tools spell differently: an id's last part, a purchase whatever its region."""
    if proposal.is_purchase or not proposal.resource_id:
        return _exact(proposal)[:3]
    name = re.split(r"[/:]", proposal.resource_id.lower())[-1]
    return (proposal.provider.lower(), "name", proposal.sub_account_id.lower(), name)


def _named(proposal: Proposal) -> _Key:
    """Return a resource's name in its account: Google's bill has numbers where its tools have names."""
    loose = _loose(proposal)
    return (*loose[:3], proposal.name.lower()) if proposal.name and loose[1] == "name" else loose


def _exact_and_kind(proposal: Proposal) -> _Key:
    return (*_exact(proposal), proposal.kind)


def _loose_and_kind(proposal: Proposal) -> _Key:
    return (*_loose(proposal), proposal.kind)


def _named_and_kind(proposal: Proposal) -> _Key:
    return (*_named(proposal), proposal.kind)


_PASSES: Final = (
    (_exact_and_kind, False),
    (_exact, False),
    (_loose_and_kind, True),
    (_loose, True),
    (_named_and_kind, True),
    (_named, True),
)
"""How pairs are found, surest first; and whether a key counts only where one proposal of each side has it."""


def _paired(ours: Sequence[Proposal], theirs: Sequence[Proposal]) -> list[tuple[Proposal, Proposal]]:
    pairs: list[tuple[Proposal, Proposal]] = []
    taken: set[int] = set()
    for key, is_unique in _PASSES:
        mine, yours = ([p for p in side if id(p) not in taken] for side in (ours, theirs))
        others = _grouped(yours, key)
        for found, own in _grouped(mine, key).items():
            if not is_unique or len(own) == len(others.get(found, ())) == 1:
                pairs += zip(own, others.get(found, ()), strict=False)
        taken = {id(side) for pair in pairs for side in pair}
    return pairs


def _grouped(proposals: Iterable[Proposal], key: Callable[[Proposal], _Key]) -> dict[_Key, list[Proposal]]:
    groups: dict[_Key, list[Proposal]] = {}
    for proposal in proposals:
        groups.setdefault(key(proposal), []).append(proposal)
    return groups


def _on_basis(own: Proposal, other: Proposal | None) -> Decimal | None:
    at_list = other is not None and other.basis == LIST_PRICE
    return own.saving_list if at_list and own.saving_list is not None else own.saving


def _is_near(one: Decimal | None, other: Decimal | None) -> bool:
    if one is None or other is None:
        return False
    return abs(one - other) <= TOLERANCE * max(abs(one), abs(other))


def _judged(own: Proposal, other: Proposal) -> Compared:
    near = own.currency == other.currency and _is_near(_on_basis(own, other), other.saving)
    if own.is_purchase:
        same = near or _is_near(own.hourly_commitment, other.hourly_commitment)
    else:
        same = own.kind == other.kind and (near or _same_target(own, other))
    reasons = [] if same else [f"ours: {_deed(own)}; theirs: {_deed(other)}"]
    reasons += [] if near else _why_amounts_differ(own, other)
    return Compared(Verdict.AGREE if same else Verdict.CONFLICT, "; ".join(reasons), own, other)


def _same_target(own: Proposal, other: Proposal) -> bool:
    if own.verb.lower() in _GET_RID and other.verb.lower() in _GET_RID:
        return True
    return bool(own.target) and _shape(own.target) == _shape(other.target)


def _shape(target: str) -> str:
    """Return the shape without what follows it: ``gp3/100 GB`` is ``gp3``."""
    return re.split(r"[ /,(]", target.strip().lower())[0]


def _deed(proposal: Proposal) -> str:
    what = " ".join(part for part in (proposal.verb, proposal.target) if part) or proposal.kind
    return f"{what} at {plain(proposal.hourly_commitment)} per hour" if proposal.hourly_commitment else what


def _why_amounts_differ(own: Proposal, other: Proposal) -> Iterator[str]:
    if own.currency != other.currency:
        yield f"amounts in {own.currency} and {other.currency or 'no currency'}"
    if other.saving is None:
        yield "theirs does not state a saving"
    if own.absorbed_by and other.basis != LIST_PRICE:
        yield f"ours is net: {own.absorbed_by} already pays for it"
    elif own.saving != own.saving_list and other.basis != LIST_PRICE:
        yield "ours is net of commitments"
    if other.basis == LIST_PRICE:
        yield "theirs is at list price, compared with ours at list price"
    elif not other.basis:
        yield "theirs does not say whether it is net"
    if other.lookback_days:
        yield f"theirs looks at {other.lookback_days} days"


def _only_ours(own: Proposal, theirs: Iterable[Proposal]) -> str:
    if own.absorbed_by:
        return f"{own.absorbed_by} already pays for it: it saves nothing now"
    if not any(other.provider.lower() == own.provider.lower() for other in theirs):
        return f"no recommendations of {own.provider} are loaded"
    return f"{own.provider} does not recommend it"


def _only_theirs(other: Proposal, fact: ResourceFact | None, not_assessed: Mapping[str, str]) -> str:
    if other.kind not in set(Kind):
        return "costlab does not know this type of recommendation"
    if other.is_purchase:
        return not_assessed.get(other.kind) or "the plan buys no commitment of this kind"
    if not other.resource_id:
        return "it names no resource"
    if fact is None or not fact.is_billed:
        return "the bill has no charge of this resource in its last 14 days"
    if fact.covered_share is not None and fact.covered_share >= _COVERED:
        return "commitments already cover it: it would save nothing now"
    if not fact.has_metrics and other.kind in _NEED_METRICS:
        return "costlab has no metrics of it"
    return not_assessed.get(other.kind) or "no check of costlab proposes it"
