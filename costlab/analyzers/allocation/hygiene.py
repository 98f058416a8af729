"""What tags leave open: cost without an owner, who the owner probably is, and keys that are spelled in several ways."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from costlab.money import ZERO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from decimal import Decimal

SYNONYMS = (
    ("env", "environment", "stage"), ("app", "application", "appname"), ("team", "squad"),
    ("costcenter", "costcentre", "cc"), ("owner", "contact", "ownedby"), ("project", "projectname"),
)  # fmt: skip
"""Tag keys, folded, that companies use for the same thing."""
_GROUP = re.compile(r"/resourcegroups/([^/]+)/", re.IGNORECASE)
_NUMBERED = re.compile(r"[-_.]?\d+$")
_MADE_UP = re.compile(r"[a-z]+-[0-9a-f]{8,}")
_SHORTEST = 3
_ENOUGH = 2
"""Resources that a guess should rest on."""
Place = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource in one account and service: what it costs, and its owner, where it has one."""

    account: str | None
    service: str | None
    currency: str
    id: str | None
    name: str | None
    creator: str | None
    owner: str | None
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Guess:
    """A probable owner: ``confidence`` is its share of the ``evidence``, the resources with an owner at that place."""

    owner: str
    confidence: float
    basis: str
    evidence: int


@dataclass(slots=True)
class Open:
    """Cost without an owner in an account and service, for which the same owner is guessed."""

    account: str | None
    service: str | None
    currency: str
    guess: Guess | None
    cost: Decimal = ZERO
    resources: int = 0


def places(resource: Resource) -> list[tuple[str, Place]]:
    """Return where a resource's neighbours are, narrowest first: creator, resource group, name, account."""
    found: list[tuple[str, Place]] = []
    account = resource.account or ""
    if resource.creator:
        found.append(("creator", (resource.creator,)))
    if group := _GROUP.search(resource.id or ""):
        found.append(("resource group", (account, group[1].lower())))
    if prefix := name_prefix(resource):
        found.append(("name", (prefix,)))
    return [*found, ("account", (account,))]


def name_prefix(resource: Resource) -> str | None:
    """Return the resource's name without the number at its end; None for names that machines make up.

    >>> from decimal import Decimal
    >>> name_prefix(Resource("1", "EC2", "USD", "i-0abc", "orders-db-2", None, None, Decimal(1)))
    'orders-db'
    """
    name = (resource.name or re.split(r"[/:]", resource.id or "")[-1]).lower()
    if _MADE_UP.fullmatch(name):
        return None
    prefix = _NUMBERED.sub("", name)
    return prefix if len(prefix) >= _SHORTEST else None


def untagged(resources: Sequence[Resource]) -> list[Open]:
    """Return what has no owner by account, service, currency and guess, largest first."""
    seen: defaultdict[tuple[str, Place], Counter[str]] = defaultdict(Counter)
    for resource in resources:
        if resource.owner is not None and resource.id:
            for place in places(resource):
                seen[place][resource.owner] += 1
    found: dict[tuple[str | None, str | None, str, str, str], Open] = {}
    for resource in resources:
        if resource.owner is not None:
            continue
        guess = _guess(resource, seen)
        key = (resource.account, resource.service, resource.currency, guess.owner if guess else "",
               guess.basis if guess else "")  # fmt: skip
        at = found.setdefault(key, Open(resource.account, resource.service, resource.currency, guess))
        at.guess = _weaker(at.guess, guess)
        at.cost += resource.cost
        at.resources += 1 if resource.id else 0
    return sorted(found.values(), key=lambda o: (-o.cost, o.account or "", o.service or "", o.currency, repr(o.guess)))


def _guess(resource: Resource, seen: Mapping[tuple[str, Place], Counter[str]]) -> Guess | None:
    guesses: list[Guess] = []
    for place in places(resource):
        if owners := seen.get(place):
            owner, count = min(owners.items(), key=lambda item: (-item[1], item[0]))
            guesses.append(Guess(owner, round(count / owners.total(), 4), place[0], owners.total()))
    # of equally sure ones the first, which is the narrowest
    return max(guesses, key=lambda guess: (guess.evidence >= _ENOUGH, guess.confidence), default=None)


def _weaker(one: Guess | None, other: Guess | None) -> Guess | None:
    """Return the less sure of two guesses at the same owner: a sum is as sure as its least sure part."""
    if one is None or other is None:
        return None
    return min(one, other, key=lambda guess: (guess.confidence, guess.evidence))


@dataclass(frozen=True, slots=True)
class TagKey:
    """A tag key: the cost that has it under each of its spellings, and other keys that probably mean the same."""

    key: str
    cost: Decimal
    spellings: dict[str, Decimal]
    also: tuple[str, ...]


def coverage(sets: Iterable[tuple[frozenset[str], Decimal]], fold: Callable[[str], str]) -> list[TagKey]:
    """Return every tag key with the cost it covers, largest first.

    ``sets`` are the keys with a value of charges, and their cost; a charge with a key in two spellings counts once.
    """
    cost: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    spelled: defaultdict[str, defaultdict[str, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
    for keys, amount in sets:
        for key in keys:
            spelled[fold(key)][key] += amount
        for form in {fold(key) for key in keys}:
            cost[form] += amount
    found = [
        TagKey(_commonest(spelled[form]), amount, dict(sorted(spelled[form].items())), _also(form, spelled))
        for form, amount in cost.items()
    ]
    return sorted(found, key=lambda tag: (-tag.cost, tag.key))


def _commonest(spellings: Mapping[str, Decimal]) -> str:
    return min(spellings, key=lambda name: (-spellings[name], name))


def _also(form: str, spelled: Mapping[str, Mapping[str, Decimal]]) -> tuple[str, ...]:
    others = [other for group in SYNONYMS if form in group for other in group if other != form and other in spelled]
    return tuple(_commonest(spelled[other]) for other in others)
