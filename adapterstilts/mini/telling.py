"""How stories and facts are drawn for tasks and told: as running text, sentence by sentence, in parallel."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import cycle, islice

from adapterstilts.mini.frames import Event, Token
from adapterstilts.mini.grammar import grammar_of
from adapterstilts.mini.replay import replayed
from adapterstilts.mini.text import Text, join
from adapterstilts.mini.world import Story, domains, stories

# Sixteenths of what can be told: less than a story can come from stories of two splits, so it is dealt once more.
_PARTS = {"train": range(0, 8), "validation": range(8, 10), "test": range(10, 12), "pretraining": range(12, 16)}


def tell(story: Story, language: str) -> Text:
    """A story as running text with the tokens it is made of."""
    return join(sentences(story, language))


def sentences(story: Story, language: str) -> list[list[Token]]:
    """A story as one list of tokens per fact."""
    grammar = grammar_of(language)
    told = zip(story.facts, story.time_first, strict=True)
    return [grammar.statement(event, time_first=time_first) for event, time_first in told]


def stories_in_turn(*, split: str, seed: int, domain: str | None = None, facts: int | None = None) -> Iterator[Story]:
    """Endless different stories of one domain, or of all domains in turn; see `world.stories`."""
    names = domains() if domain is None else (domain,)
    sources = [stories(domain=name, split=split, seed=seed, facts=facts) for name in names]
    return (next(source) for source in cycle(sources))


@replayed
def single_facts(*, split: str, seed: int, domain: str | None = None) -> Iterator[tuple[Event, bool]]:
    """Endless different facts and whether their time is told first. No fact is in two splits, however it is told."""
    seen = set()
    for story in stories_in_turn(split=split, seed=seed, domain=domain):
        for event, time_first in zip(story.facts, story.time_first, strict=True):
            if belongs(meaning(event), split) and meaning(event) not in seen:
                seen.add(meaning(event))
                yield event, time_first


def belongs(meant: object, split: str) -> bool:
    """Whether what is told in a row, as its `repr` says it, is dealt to a split."""
    return hashlib.sha256(repr(meant).encode()).digest()[0] % 16 in _PARTS[split]


def meaning(event: Event) -> tuple[object, ...]:
    """What all languages tell of an event: not whether a thing is known already, nor whether it is negated."""
    return (event.verb, *((role, p.concept, p.count, p.adjective) for role, p in event.roles))


def documents(*, language: str, size: int, seed: int = 0, split: str = "pretraining") -> list[str]:
    """Stories of all domains in turn, as plain text. Stories of task splits are not in the split "pretraining".

    Raises:
        ValueError: an unknown language or split.
    """
    return [tell(story, language).text for story in islice(stories_in_turn(split=split, seed=seed), size)]


def parallel_sentences(
    *, source: str, target: str, size: int, seed: int = 0, split: str = "test"
) -> list[tuple[str, str]]:
    """Different sentences with their translations, from stories of all domains.

    Raises:
        ValueError: an unknown language or split.
    """
    pairs: dict[tuple[str, str], None] = {}
    for story in stories_in_turn(split=split, seed=seed):
        for event, time_first in zip(story.facts, story.time_first, strict=True):
            said = [join([grammar_of(code).statement(event, time_first=time_first)]).text for code in (source, target)]
            pairs[said[0], said[1]] = None
            if len(pairs) >= size:
                return list(pairs)
    return list(pairs)
