"""Paraphrases in the small world and what only looks like them: question pairs (QQP) and swapped roles (PAWS-X).

How much is told and in which order is drawn before the label is looked at, so that only the meanings differ: in
`question_pairs` one word or what is asked for, in `word_order` (after Zhang et al. 2019) only who did what to whom.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from adapterstilts.mini.frames import Event, Phrase, Role
from adapterstilts.mini.generators.inference import (
    Filled,
    Telling,
    alternatives,
    check_negated,
    dealt,
    details,
    is_person,
    meaning,
    refill,
    say,
    tell,
    weight,
)
from adapterstilts.mini.grammar import grammar_of
from adapterstilts.mini.grammar.base import read_lexicon
from adapterstilts.mini.options import check_number, check_share
from adapterstilts.mini.replay import replayed
from adapterstilts.mini.text import join
from adapterstilts.mini.world import questions, stories

LABELS = ("0", "1")

_TRIES = 8
_DRAWS = 2
_FACTS = 4
_SHOWN_SHARE = 0.6
# Swapped times and places are what encoders notice last.
_CIRCUMSTANCES_SHARE = 0.1
_WHO_AND_WHAT: tuple[Role, ...] = ("agent", "theme", "recipient")
_CIRCUMSTANCES: tuple[Role, ...] = ("place", "time")
# In none of the languages one asks where, when or how many times something did not happen.
_DENIABLE = ("agent", "theme", "recipient")
# What one does to another, the other does too.
_MUTUAL = ("meet",)

Asking = tuple[Event, Filled]
"""An event with what a question gives and asks for, and what it asks for."""


@dataclass(frozen=True)
class Questions:
    """The meaning of a pair of questions in no language."""

    label: str
    first: Asking
    second: Asking


@dataclass(frozen=True)
class Statements:
    """The meaning of a pair of texts in no language."""

    label: str
    first: tuple[Telling, ...]
    second: tuple[Telling, ...]


def question_pairs(
    *,
    split: str,
    language: str,
    size: int,
    seed: int = 0,
    domain: str = "labour",
    negated: float = 0.15,
) -> list[dict[str, Any]]:
    """Pairs of questions; label "1" where both ask the same, "0" for near misses; half of each.

    Duplicates may give another place, time or adjective or none. Near misses ask for something else about the same
    event, or about an event with another person, thing, place, time or verb, with agent and recipient in each other's
    place, or that did not happen.

    Args:
        negated: share of questions for persons and things that are negated, 0 to 0.5.

    Returns:
        `size` rows of id, text_a, text_b, label and language; equal meanings in every language.

    Raises:
        ValueError: an unknown domain, split or language, or a number that makes no sense, named with the options.
    """
    check_negated(negated)
    check_number("size", size, least=0)
    grammar = grammar_of(language)
    rows = []
    source = duplicates(domain=domain, split=split, seed=seed, negated=negated)
    for number, pair in zip(range(size), source, strict=False):
        texts = [join([grammar.question(event, asked)]).text for event, asked in (pair.first, pair.second)]
        rows.append(_row(f"{domain}-{split}-{seed}-{number}", texts, pair.label, language))
    return rows


def word_order(
    *, split: str, language: str, size: int, seed: int = 0, domain: str = "travel", single: float = 0.4
) -> list[dict[str, Any]]:
    """Pairs of texts of the same words; label "1" where they tell the same, "0" for swapped fillers; half of each.

    All pairs differ in the order of phrases or sentences. Fillers are swapped between the roles of an event (who gave
    what to whom), or between two events (who did which, with what, where, when, and which thing was the red one).

    Args:
        single: share of pairs about one event, which are the easier ones for a small encoder, 0 to 1.

    Returns:
        `size` rows of id, text_a, text_b, label and language; equal meanings in every language.

    Raises:
        ValueError: an unknown domain, split or language, or a number that makes no sense, named with the options.
    """
    check_share("single", single)
    check_number("size", size, least=0)
    grammar_of(language)
    source = reorderings(domain=domain, split=split, seed=seed, single=single)
    if single and not any(_second_person(verb) for verb in _world()["domains"][domain]["events"]):
        raise ValueError(f"single={single}: in the domain {domain!r} no event has two persons to swap; use 0")
    rows = []
    for number, pair in zip(range(size), source, strict=False):
        texts = [say(told, language) for told in (pair.first, pair.second)]
        rows.append(_row(f"{domain}-{split}-{seed}-{number}", texts, pair.label, language))
    return rows


@replayed
def duplicates(*, domain: str, split: str, seed: int, negated: float) -> Iterator[Questions]:
    """Endless different pairs of questions; the labels come in shuffled twos.

    Raises:
        ValueError: an unknown domain or split.
    """
    rng = random.Random(f"question_pairs|{domain}|{split}|{seed}|{negated}")
    source = stories(domain=domain, split=split, seed=seed, facts=_FACTS)

    def drawn(label: str, _: int) -> Iterator[tuple[object, Questions]]:
        story = next(source)
        for question in questions(story, rng)[:_TRIES]:
            asked = question.asked
            if asked != "cause" and (
                pair := _questions(story.facts[question.fact], asked, label, domain, negated, rng)
            ):
                yield tuple(sorted(map(_given, (pair.first, pair.second)))), pair

    return dealt(drawn, LABELS, split, rng)


@replayed
def reorderings(*, domain: str, split: str, seed: int, single: float) -> Iterator[Statements]:
    """Endless different pairs of texts; the labels come in shuffled twos.

    Raises:
        ValueError: an unknown domain or split.
    """
    rng = random.Random(f"word_order|{domain}|{split}|{seed}|{single}")
    source = stories(domain=domain, split=split, seed=seed, facts=_FACTS)

    def drawn(label: str, number: int) -> Iterator[tuple[object, Statements]]:
        facts = 1 if random.Random(f"{seed}|{number}").random() < single else 2
        story = next(source)
        for _ in range(_TRIES):
            if pair := _statements(rng.sample(story.facts, k=facts), label, rng):
                yield tuple(sorted(repr(meaning(told)) for told in (pair.first, pair.second))), pair

    return dealt(drawn, LABELS, split, rng)


def _row(identity: str, texts: Sequence[str], label: str, language: str) -> dict[str, Any]:
    return {"id": identity, "text_a": texts[0], "text_b": texts[1], "label": label, "language": language}


def _given(asking: Asking) -> str:
    """What a question says, which is not what would answer it."""
    event, asked = asking
    if asked == "count":
        event = refill(event, "count", replace(event["theme"], count=0))
    else:
        event = refill(event, asked, Phrase("somebody" if is_person(event[asked]) else "something"))
    return repr((asked, meaning([(event, False)])))


def _length(asking: Asking) -> int:
    event, asked = asking
    return weight(event.keep(*(role for role, _ in event.roles if role != asked)))


def _questions(
    fact: Event, asked: Filled, label: str, domain: str, negated: float, rng: random.Random
) -> Questions | None:
    """Two questions about an event, of which one gives more details; None where it has none to give."""
    optional = [detail for detail in details(fact) if detail != asked and (detail, asked) != ("adjective", "theme")]
    if not optional:
        return None
    more = _some(optional, rng) or [rng.choice(optional)]
    shown = [more, rng.sample(more, k=rng.randrange(len(more)))]
    rng.shuffle(shown)
    first, second = ((tell(fact, [*kept, asked]), asked) for kept in shown)
    # Negation is as frequent in duplicates as in near misses, where it is on one side, on both or on none.
    deniable = asked in _DENIABLE
    if label == "0" and deniable and rng.random() < negated:
        first = (replace(first[0], negated=True), asked)
    else:
        denied = deniable and rng.random() < (negated if label == "1" else negated / 2 / (1 - negated))
        first, second = ((replace(event, negated=denied), asked) for event, _ in (first, second))
        if label == "0":
            usual = _length(second)
            drawn = [_near_miss(fact, second, shown, domain, rng) for _ in range(_DRAWS)]
            second = min(drawn, key=lambda asking: abs(_length(asking) - usual))
    return Questions(label, *rng.sample([first, second], k=2))


def _near_miss(fact: Event, asking: Asking, shown: list[list[str]], domain: str, rng: random.Random) -> Asking:
    """A question for something else about the event, or for the same about an event that differs in one respect."""
    event, asked = asking
    roles: list[Role] = [role for role, _ in fact.roles if role not in (asked, "theme" if asked == "count" else "")]
    given = [role for role in roles if role not in ("place", "time") or (role in shown[0] and role in shown[1])]
    askable = [role for role in roles if not event.negated or role in _DENIABLE]
    other = _second_person(event.verb)
    verbs = _like_verbs(event.verb, domain)
    changes = ["filler", "filler", "filler"]
    changes += ["asked"] if askable else []
    changes += ["verb"] if verbs else []
    changes += ["swap"] if other in given and "agent" in given else []
    change = rng.choice(changes)
    if change == "filler":
        role = rng.choice(given)
        return refill(event, role, rng.choice(alternatives(event, role, domain))), asked
    if change == "verb":
        return replace(event, verb=rng.choice(verbs)), asked
    if change == "swap" and other:
        return _swapped(event, "agent", event, other)[0], asked
    asked = rng.choice(askable)
    return replace(tell(fact, [*shown[1], asked]), negated=event.negated), asked


def _statements(facts: Sequence[Event], label: str, rng: random.Random) -> Statements | None:
    """Two texts about the same one or two events; None where nothing can be reordered or swapped."""
    first = [(event, rng.random() < 0.5) for event in facts]
    moves = [number for number, event in enumerate(facts) if event.get("time")]
    moves += [len(facts)] if len(facts) > 1 else []
    swaps = list(_swaps(facts, _WHO_AND_WHAT))
    if not swaps or rng.random() < _CIRCUMSTANCES_SHARE:
        swaps = list(_swaps(facts, _CIRCUMSTANCES)) or swaps
    if not moves or not swaps:
        return None
    moved = _some(moves, rng) or [rng.choice(moves)]
    told = rng.choice(swaps) if label == "0" else facts
    second = [(event, first[n][1] != (n in moved)) for n, event in enumerate(told)]
    if len(facts) in moved:
        second.reverse()
    return Statements(label, tuple(first), tuple(second))


def _swaps(facts: Sequence[Event], roles: Sequence[Role]) -> Iterator[list[Event]]:
    """All ways to exchange fillers of these roles, or adjectives, so that other things are told that make sense."""
    if len(facts) == 1:
        (event,) = facts
        if other := _second_person(event.verb):
            yield _swapped(event, "agent", event, other)[:1]
        return
    one, two = facts
    for role in roles:
        first, second = one.get(role), two.get(role)
        if first and second and first.concept != second.concept:
            swapped = _swapped(one, role, two, role)
            if all(map(_makes_sense, swapped)) and set(swapped) != {one, two}:
                yield swapped
    first, second = one.get("theme"), two.get("theme")
    if "theme" in roles and first and second and first.adjective != second.adjective:
        swapped = [
            refill(one, "theme", replace(first, adjective=second.adjective)),
            refill(two, "theme", replace(second, adjective=first.adjective)),
        ]
        if all(map(_makes_sense, swapped)):
            yield swapped


def _swapped(one: Event, role: Role, two: Event, other: Role) -> list[Event]:
    """Two events, or one, with the filler of a role of the one and that of a role of the other exchanged."""
    if one == two:
        event = refill(refill(one, role, one[other]), other, one[role])
        return [event, event]
    return [refill(one, role, two[other]), refill(two, other, one[role])]


def _makes_sense(event: Event) -> bool:
    """Whether the theme is of a kind that goes with verb and adjective, and nobody has two roles."""
    people = [phrase.concept for _, phrase in event.roles if is_person(phrase)]
    theme = event.get("theme")
    if len(set(people)) < len(people):
        return False
    if theme is None or is_person(theme):
        return theme is None or theme.adjective is None
    world = _world()
    kinds = [kind for kind in world["events"][event.verb]["theme"] if theme.concept in world["kinds"].get(kind, ())]
    return any(theme.adjective is None or theme.adjective in world["adjectives"].get(kind, ()) for kind in kinds)


def _second_person(verb: str) -> Role | None:
    """The role of the other person in what one does to another, if that is not mutual."""
    roles = _world()["events"][verb]
    return next((role for role in roles if roles[role] == ["person"] and verb not in _MUTUAL), None)


def _like_verbs(verb: str, domain: str) -> list[str]:
    """Other verbs of the domain for the same kinds of participants."""
    events = _world()["events"]
    return [other for other in _world()["domains"][domain]["events"] if other != verb and events[other] == events[verb]]


def _some(options: Sequence[Any], rng: random.Random) -> list[Any]:
    return [option for option in options if rng.random() < _SHOWN_SHARE]


def _world() -> dict[str, Any]:
    return read_lexicon("world")
