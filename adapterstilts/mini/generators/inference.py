"""Natural language inference about the small world: what a premise says, leaves open or rules out.

A hypothesis is drawn first, and then a premise for the label, so that no hypothesis is likelier under one label than
under another; how much is told, and how often it is negated, is drawn before the label is looked at. As in SNLI
(Bowman et al. 2015), both sides are about the same event: told with another time, it is another claim about it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Literal, TypeVar

from adapterstilts.mini.frames import Event, Phrase, Role
from adapterstilts.mini.grammar import grammar_of
from adapterstilts.mini.grammar.base import read_lexicon
from adapterstilts.mini.options import check_number, check_share
from adapterstilts.mini.replay import replayed
from adapterstilts.mini.telling import belongs
from adapterstilts.mini.text import join
from adapterstilts.mini.world import Story, stories

LABELS = ("entailment", "neutral", "contradiction")

_TRIES = 8
_CIRCUMSTANCES: tuple[Literal["place", "time"], ...] = ("place", "time")
_PARTICIPANTS: tuple[Literal["agent", "recipient"], ...] = ("agent", "recipient")
_UNTOLD_FACTS = 3
_DRAWS = 4
_MOST_SENTENCES = 5

_TIME_FIRST_SHARE = 0.3
_DEFINITE_SHARE = 0.6
_OPEN_SHARE = 0.75
_NEGATED_PREMISE = 0.6
_NEGATED_BESIDE = 0.15

Filled = Role | Literal["count"]
"""What can be told differently: the filler of a role, or how many themes there were."""

Telling = tuple[Event, bool]
"""An event, and whether its time is told first."""

_Row = TypeVar("_Row")


@dataclass(frozen=True)
class Pair:
    """The meaning of a row in no language."""

    label: str
    premise: tuple[Telling, ...]
    hypothesis: Telling


@dataclass(frozen=True)
class _Claim:
    """A hypothesis with what a premise is made from.

    Attributes:
        fact: the event with all that is known of it.
        kept: the details the hypothesis tells.
        told: how many details the premise tells.
        changed: the role that has another filler where the premise is about this event, but differs; and the filler.
        another: a different event of the same agent.
    """

    fact: Event
    kept: frozenset[str]
    told: int
    changed: tuple[Filled, Phrase]
    another: Event
    negated: bool


def inference(
    *,
    split: str,
    language: str,
    size: int,
    seed: int = 0,
    domain: str = "everyday",
    sentences: int | Sequence[int] = 1,
    negated: float = 0.25,
    overlap: float = 0.0,
) -> list[dict[str, Any]]:
    """Premises and hypotheses with their labels, in equal parts.

    Args:
        sentences: facts a premise tells, 1 to 5; several numbers are taken in turn.
        negated: share of negated hypotheses, 0 to 0.5.
        overlap: share of premises of several facts in which a fact the hypothesis is not about has the time or place of
            the hypothesis.

    Returns:
        `size` rows of id, text_a (premise), text_b (hypothesis), label and language; equal meanings in every language.

    Raises:
        ValueError: an unknown domain, split or language, or a number that makes no sense, named with the options.
    """
    counts = (sentences,) if isinstance(sentences, int) else tuple(sentences)
    if not counts or not all(1 <= number <= _MOST_SENTENCES for number in counts):
        raise ValueError(f"sentences={sentences}: a premise tells 1 to {_MOST_SENTENCES} facts")
    check_negated(negated)
    check_share("overlap", overlap)
    check_number("size", size, least=0)
    grammar_of(language)
    name = f"{domain}-{'.'.join(map(str, counts))}-{split}-{seed}"
    source = pairs(domain=domain, split=split, seed=seed, counts=counts, negated=negated, overlap=overlap)
    return [
        {
            "id": f"{name}-{number}",
            "text_a": say(pair.premise, language),
            "text_b": say([pair.hypothesis], language),
            "label": pair.label,
            "language": language,
        }
        for number, pair in zip(range(size), source, strict=False)
    ]


@replayed
def pairs(
    *, domain: str, split: str, seed: int, counts: tuple[int, ...], negated: float, overlap: float
) -> Iterator[Pair]:
    """Endless different pairs; the labels come in shuffled threes.

    Raises:
        ValueError: an unknown domain or split.
    """
    rng = random.Random(f"inference|{domain}|{split}|{seed}|{counts}|{negated}|{overlap}")
    sources = {
        number: stories(domain=domain, split=split, seed=seed, facts=number + _UNTOLD_FACTS) for number in set(counts)
    }

    def drawn(label: str, number: int) -> Iterator[tuple[object, Pair]]:
        sentences = counts[number // len(LABELS) % len(counts)]
        story = next(sources[sentences])
        for _ in range(_TRIES):
            if pair := _pair(story, label, sentences, domain, negated, overlap, rng):
                yield (meaning(pair.premise), meaning([pair.hypothesis])), pair

    return dealt(drawn, LABELS, split, rng)


def dealt(
    drawn: Callable[[str, int], Iterator[tuple[object, _Row]]], labels: Sequence[str], split: str, rng: random.Random
) -> Iterator[_Row]:
    """Endless rows of which no two tell the same, all dealt to the split; every label once in as many rows.

    Args:
        drawn: for a label and the number of the row, a few candidates with what they tell.
    """
    seen: set[object] = set()
    for group in count():
        for index, label in enumerate(rng.sample(labels, k=len(labels))):
            fitting: Iterator[tuple[object, _Row]] = iter(())
            while (found := next(fitting, None)) is None:
                candidates = drawn(label, group * len(labels) + index)
                fitting = (pair for pair in candidates if pair[0] not in seen and belongs(pair[0], split))
            seen.add(found[0])
            yield found[1]


def say(tellings: Sequence[Telling], language: str) -> str:
    """Events as running text."""
    grammar = grammar_of(language)
    return join([grammar.statement(event, time_first=time_first) for event, time_first in tellings]).text


def details(event: Event) -> list[str]:
    """What can be left out of an event: its place, its time, the adjective of its theme."""
    found: list[str] = [role for role in _CIRCUMSTANCES if event.get(role)]
    theme = event.get("theme")
    return [*found, "adjective"] if theme and theme.adjective else found


def tell(event: Event, kept: Collection[str]) -> Event:
    """The event with only these of its details."""
    roles: list[tuple[Role, Phrase]] = []
    for role, phrase in event.roles:
        if role in _CIRCUMSTANCES and role not in kept:
            continue
        hidden = role == "theme" and "adjective" not in kept
        roles.append((role, replace(phrase, adjective=None) if hidden else phrase))
    return replace(event, roles=tuple(roles))


def weight(event: Event) -> int:
    """About how many words an event takes, so that no label is told at greater length than another."""
    return sum(
        1
        + (phrase.determiner != "none" or phrase.count > 1)
        + bool(phrase.adjective)
        + (role not in ("agent", "theme"))
        for role, phrase in event.roles
    )


def refill(event: Event, role: Filled, phrase: Phrase) -> Event:
    """The event with another filler in one of its roles, or, for "count", with as many themes as the phrase tells."""
    if role == "count":
        role, phrase = "theme", replace(event["theme"], count=phrase.count)
    return replace(event, roles=tuple((other, phrase if other == role else old) for other, old in event.roles))


def alternatives(event: Event, role: Filled, domain: str) -> list[Phrase]:
    """Fillers of a role that rule out the one it has: of its own kind, because "at night" goes with "on Monday"."""
    world = read_lexicon("world")
    kinds, phrase = world["kinds"], event["theme" if role == "count" else role]
    if role == "count":
        return [replace(phrase, count=number) for number in range(2, 6) if number != phrase.count]
    if is_person(phrase):
        used = {other.concept for _, other in event.roles}
        people = [Phrase(name) for name in kinds["named_person"]]
        people += [Phrase(name, "definite") for name in kinds["occupation"]]
        return [person for person in people if person.concept not in used]
    names = {"time": "times", "place": "places"}.get(role)
    possible = world["domains"][domain][names] if names else world["events"][event.verb][role]
    kind = next((kind for kind in possible if phrase.concept in kinds[kind]), None)
    return [replace(phrase, concept=concept) for concept in kinds.get(kind, ()) if concept != phrase.concept]


def is_person(phrase: Phrase) -> bool:
    """Whether a filler is a human being."""
    kinds = read_lexicon("world")["kinds"]
    return phrase.concept in kinds["named_person"] or phrase.concept in kinds["occupation"]


def meaning(tellings: Sequence[Telling]) -> tuple[Any, ...]:
    """What is told, without what some languages do not show: articles, and the order of phrases."""
    return tuple(
        (event.verb, event.negated, tuple((role, p.concept, p.count, p.adjective) for role, p in event.roles))
        for event, _ in tellings
    )


def check_negated(value: float) -> None:
    """Raises ValueError for a share of negated texts that cannot be the same under every label."""
    if not 0 <= value <= 0.5:
        raise ValueError(f"negated={value}: a share lies between 0 and 0.5")


def _pair(
    story: Story, label: str, sentences: int, domain: str, negated: float, overlap: float, rng: random.Random
) -> Pair | None:
    """One pair about a story, or None where the drawn hypothesis could not carry every label."""
    told = rng.sample(range(len(story.facts)), k=sentences)
    target = told[0]
    untold = [fact for number, fact in enumerate(story.facts) if number not in told]
    definite = rng.random() < _DEFINITE_SHARE
    claim = _claim(story.facts[target], untold, definite, domain, negated, rng)
    if claim is None:
        return None
    premise = []
    lender = rng.choice(told[1:]) if sentences > 1 and rng.random() < overlap else None
    for number in sorted(told):
        event = story.facts[number]
        if number == target:
            event = _premise(claim, label, negated, rng)
        else:
            event = replace(event, negated=rng.random() < _NEGATED_BESIDE * (negated > 0))
            event = _borrowed(event, claim, rng) if number == lender else event
        premise.append((event, rng.random() < _TIME_FIRST_SHARE))
    said = replace(tell(claim.fact, claim.kept), negated=claim.negated)
    hypothesis = (said.mentioned_again() if definite else said, rng.random() < _TIME_FIRST_SHARE)
    if meaning(premise) == meaning([hypothesis]):
        if not said.get("time"):
            return None
        hypothesis = (hypothesis[0], not premise[0][1])
    return Pair(label, tuple(premise), hypothesis)


def _claim(
    fact: Event, untold: list[Event], definite: bool, domain: str, negated: float, rng: random.Random
) -> _Claim | None:
    for event in untold:
        fact = _placed(fact, event)
    known = details(fact)
    others = [
        event
        for event in untold
        if event.verb != fact.verb and fact["agent"].concept not in {phrase.concept for _, phrase in event.roles[1:]}
    ]
    if not known or not others:
        return None
    another = min(others, key=lambda event: (abs(len(event.roles) - len(fact.roles)), others.index(event)))
    kept = frozenset(rng.sample(known, k=min(rng.randint(1, len(known)) for _ in range(2))))
    theme = fact.get("theme")
    changeable: list[Filled] = [role for role in _CIRCUMSTANCES if role in kept]
    if theme and theme.count > 1:
        changeable.append("count")
    if theme and not is_person(theme) and (definite or theme.determiner == "definite"):
        changeable += [role for role in _PARTICIPANTS if fact.get(role)]
    if not changeable:
        return None
    role = rng.choice(changeable)
    return _Claim(
        fact,
        kept,
        max(rng.randint(len(kept), len(known)) for _ in range(2)),
        (role, rng.choice(alternatives(fact, role, domain))),
        _placed(refill(another, "agent", fact["agent"]), fact),
        rng.random() < negated,
    )


def _placed(event: Event, like: Event) -> Event:
    """The event with the time and place of the other one where its own are not known."""
    unplaced = read_lexicon("world")["unplaced"]
    missing = [role for role in _CIRCUMSTANCES if like.get(role) and not event.get(role)]
    roles = [(role, like[role]) for role in missing if role != "place" or event.verb not in unplaced]
    return replace(event, roles=(*event.roles, *roles))


def _premise(claim: _Claim, label: str, negated: float, rng: random.Random) -> Event:
    """What a premise tells of the event a hypothesis is about, so that the label holds.

    Negation turns the tables: what is ruled out of an event that is told may be denied of it, and who denies the less
    detailed claim denies the more detailed one. Premises are negated equally often under every label.
    """
    share = _NEGATED_PREMISE * negated
    if label == "neutral":
        denied, usual = rng.random() < share, weight(tell(claim.fact, _more(claim, rng)))
        drawn = [_undecided(claim, denied, rng) for _ in range(_DRAWS)]
        return replace(min(drawn, key=lambda event: abs(weight(event) - usual)), negated=denied)
    agrees = (label == "entailment") != claim.negated
    possible = (label == "entailment") == claim.negated
    if possible and rng.random() < share / (negated if claim.negated else 1 - negated):
        fewer = rng.sample(sorted(claim.kept), k=rng.randint(0, len(claim.kept)))
        return replace(tell(claim.fact, fewer), negated=True)
    event = tell(claim.fact, _more(claim, rng))
    return event if agrees else refill(event, *claim.changed)


def _undecided(claim: _Claim, denied: bool, rng: random.Random) -> Event:
    """The event with less than the hypothesis says, or, to be denied, with more; or another event of the agent."""
    known = details(claim.fact)
    if denied and claim.told > len(claim.kept):
        return tell(claim.fact, _more(claim, rng))
    if not denied and claim.told < len(known) and rng.random() < _OPEN_SHARE:
        missing = rng.choice(sorted(claim.kept))
        rest = [detail for detail in known if detail != missing]
        return tell(claim.fact, rng.sample(rest, k=min(claim.told, len(rest))))
    event = claim.another
    for role in _CIRCUMSTANCES:
        if role in claim.kept and event.get(role) and rng.random() < 0.5:
            event = refill(event, role, claim.fact[role])
    own = details(event)
    return tell(event, rng.sample(own, k=min(claim.told, len(own))))


def _more(claim: _Claim, rng: random.Random) -> list[str]:
    """The details of the hypothesis and as many others as the premise tells."""
    others = [detail for detail in details(claim.fact) if detail not in claim.kept]
    return [*claim.kept, *rng.sample(others, k=claim.told - len(claim.kept))]


def _borrowed(event: Event, claim: _Claim, rng: random.Random) -> Event:
    """An event beside the one in question, with its time or place as the hypothesis tells it."""
    shared = [role for role in _CIRCUMSTANCES if role in claim.kept and event.get(role)]
    if not shared:
        return event
    role = rng.choice(shared)
    return refill(event, role, claim.fact[role])
