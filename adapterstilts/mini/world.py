"""The small world: which concepts and events there are, and stories about them that leave every question one answer."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from adapterstilts.mini.frames import Asked, Event, Phrase, Role
from adapterstilts.mini.grammar.base import read_lexicon

# Stories are dealt to the splits by a hash of what they tell, so that no story can be in two of them.
_SHARES = {
    "train": range(0, 8),
    "validation": range(8, 10),
    "test": range(10, 12),
    "pretraining": range(12, 16),
}
SPLITS = tuple(_SHARES)

_OCCUPATION_SHARE = 0.25
_PLACE_SHARE = 0.8
_TIME_SHARE = 0.85
_ADJECTIVE_SHARE = 0.45
_SEVERAL_SHARE = 0.25


@dataclass(frozen=True)
class Story:
    """Facts of one domain in the order in which they are told; `time_first` says how each is told."""

    facts: tuple[Event, ...]
    time_first: tuple[bool, ...]


@dataclass(frozen=True)
class Question:
    """A question about one fact: the event with only what the question gives and asks, and what it asks for."""

    fact: int
    event: Event
    asked: Asked


def domains() -> tuple[str, ...]:
    """The names of the domains stories can be drawn from."""
    return tuple(_world()["domains"])


def stories(*, domain: str, split: str, seed: int, facts: int | None = None) -> Iterator[Story]:
    """Endless different stories of a domain that belong to a split, the same ones for the same arguments.

    Args:
        facts: facts per story; None for the number that is usual in the domain.

    Raises:
        ValueError: no such domain or split, or a number of facts that cannot be told without repetition.
    """
    if domain not in domains():
        raise ValueError(f"domain {domain!r} is not in the mini suite; it has: {', '.join(domains())}")
    if split not in SPLITS:
        raise ValueError(f"split {split!r} is not in the mini suite; it has: {', '.join(SPLITS)}")
    count = _world()["domains"][domain]["facts"] if facts is None else facts
    if not 2 <= count <= 8:
        raise ValueError(f"facts={count}: a story of the mini suite has 2 to 8 facts")
    return _stories(domain, split, seed, count)


def questions(story: Story, rng: random.Random) -> list[Question]:
    """All that can be asked about a story, one question per fact and role, in random order.

    What a question gives besides the verb is drawn at random, but is always enough to leave one answer.
    """
    found = []
    for index, event in enumerate(story.facts):
        for asked in _askable(event):
            kept = _given(event, asked, story, rng)
            if kept is not None:
                found.append(Question(index, kept, asked))
    rng.shuffle(found)
    return found


@lru_cache(maxsize=1)
def _world() -> dict[str, Any]:
    return read_lexicon("world")


def _stories(domain: str, split: str, seed: int, facts: int) -> Iterator[Story]:
    rng = random.Random(f"{domain}|{split}|{seed}|{facts}")
    told: set[bytes] = set()
    while True:
        story = _story(rng, domain, facts)
        digest = hashlib.sha256(repr(story.facts).encode()).digest()
        if digest[0] % 16 in _SHARES[split] and digest not in told:
            told.add(digest)
            yield story


def _story(rng: random.Random, domain: str, count: int) -> Story:
    """Few verbs, persons, places and times, so that facts share them; things are never the same twice."""
    world = _world()["domains"][domain]
    verbs = rng.sample(world["events"], k=min((count + 1) // 2, len(world["events"])))
    persons = _persons(rng, count + 1)
    places = _draw(rng, world["places"], max(2, count - 1))
    times = _draw(rng, world["times"], max(2, count - 1))
    facts: list[Event] = []
    things: set[str] = set()
    while len(facts) < count:
        event = _event(rng, verbs[len(facts) % len(verbs)], persons, places, times, things)
        if all((event.verb, event["agent"]) != (fact.verb, fact["agent"]) for fact in facts):
            facts.append(event)
            things |= {event["theme"].concept} if event.get("theme") else set()
    rng.shuffle(facts)
    return Story(tuple(facts), tuple(rng.random() < 0.3 for _ in facts))


def _event(
    rng: random.Random, verb: str, persons: list[Phrase], places: list[str], times: list[str], told: set[str]
) -> Event:
    agent, other = rng.sample(persons, k=2)
    roles: list[tuple[Role, Phrase]] = [("agent", agent)]
    needed = _world()["events"][verb]
    for role, kinds in needed.items():
        if kinds == ["person"]:
            roles.append((role, other))
        elif role == "theme":
            roles.append((role, _thing(rng, kinds, told)))
        else:
            roles.append((role, Phrase(*_place(rng.choice(_fitting(kinds, places, rng))))))
    if verb not in _world()["unplaced"] and rng.random() < _PLACE_SHARE:
        roles.append(("place", Phrase(*_place(rng.choice(places)))))
    if rng.random() < _TIME_SHARE:
        roles.append(("time", Phrase(rng.choice(times))))
    return Event(verb, tuple(roles))


def _persons(rng: random.Random, count: int) -> list[Phrase]:
    kinds = _world()["kinds"]
    names = [Phrase(concept) for concept in rng.sample(kinds["named_person"], k=count)]
    others = [Phrase(concept, "definite") for concept in rng.sample(kinds["occupation"], k=count)]
    return [other if rng.random() < _OCCUPATION_SHARE else name for name, other in zip(names, others, strict=True)]


def _thing(rng: random.Random, kinds: list[str], told: set[str]) -> Phrase:
    world = _world()
    kind = rng.choice([kind for kind in kinds if set(world["kinds"][kind]) - told])
    concept = rng.choice([concept for concept in world["kinds"][kind] if concept not in told])
    if kind in world["uncountable"]:
        return Phrase(concept)
    several = kind not in world["uncounted"] and rng.random() < _SEVERAL_SHARE
    adjective = rng.choice(world["adjectives"][kind]) if rng.random() < _ADJECTIVE_SHARE else None
    determiner: Any = "definite" if not several and rng.random() < 0.3 else "indefinite"
    return Phrase(concept, determiner, rng.randint(2, 5) if several else 1, adjective)


def _fitting(kinds: list[str], places: list[str], rng: random.Random) -> list[str]:
    """The places of a story that are of these kinds, or new ones."""
    concepts = [concept for kind in kinds for concept in _world()["kinds"][kind]]
    return [place for place in places if place in concepts] or rng.sample(concepts, k=2)


def _place(concept: str) -> tuple[str, Any]:
    return concept, "none" if concept in _world()["kinds"]["city"] else "definite"


def _draw(rng: random.Random, kinds: list[str], count: int) -> list[str]:
    concepts = [concept for kind in kinds for concept in _world()["kinds"][kind]]
    return rng.sample(concepts, k=min(count, len(concepts)))


def _askable(event: Event) -> list[Asked]:
    asked: list[Asked] = [role for role, _ in event.roles]
    if (theme := event.get("theme")) and theme.count > 1:
        asked.append("count")
    return asked


def _given(event: Event, asked: Asked, story: Story, rng: random.Random) -> Event | None:
    """The event with some of what is known, or with all of it where that is needed; None where all is not enough."""
    target = "theme" if asked == "count" else asked
    optional = [role for role, _ in event.roles if role in ("place", "time", "recipient") and role != target]
    dropped = {role for role in optional if rng.random() < 0.4}
    for hidden in (dropped, set()):
        kept = event.keep(*(role for role, _ in event.roles if role not in hidden))
        if not any(_fits(kept, target, fact) for fact in story.facts if fact != event):
            return kept
    return None


def _fits(asked_event: Event, target: str, fact: Event) -> bool:
    """Whether what the question gives is also true of this fact."""
    given = [(role, phrase) for role, phrase in asked_event.roles if role != target]
    return fact.verb == asked_event.verb and all(
        (other := fact.get(role)) is not None and other.concept == phrase.concept for role, phrase in given
    )
