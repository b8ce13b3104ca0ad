"""What the mini backbone reads beside stories: what everybody knows, what leads to what, and one thing told twice.

Scenes of the split "pretraining" with what follows from them, as task rows have them but with the right words only;
facts as sentences, or as questions with answers; events beside the same event told in another order or language.
Words are masked on one side, so that they are to be predicted from what they go with.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from adapterstilts.mini import LANGUAGES
from adapterstilts.mini.frames import Token
from adapterstilts.mini.generators.choices import drawn_for
from adapterstilts.mini.generators.commonsense import Fact, answered, facts, general_question
from adapterstilts.mini.generators.utterances import Told, Utterance, say
from adapterstilts.mini.telling import single_facts

_SAME_LANGUAGE_SHARE = 0.6
_SCENES = ("next_event", "reading", "social", "cause_effect")
# Of ten examples: scenes, facts, and events told twice.
_SCENE_SHARE, _FACT_SHARE = 0.55, 0.35
_ANSWERED_SHARE = 0.5
_LAST_MASKED_SHARE = 0.7
_MASK_SHARE = 0.6


@dataclass(frozen=True)
class Word:
    """A token, and whether it is to be predicted."""

    token: Token
    masked: bool = False


@dataclass(frozen=True)
class Pair:
    """Two segments, each in a language."""

    first: list[list[Word]]
    first_language: str
    second: list[list[Word]]
    second_language: str


def pairs(seed: int, part: int, spoken: Sequence[str] = LANGUAGES) -> Iterator[Pair]:
    """Endless pairs in the languages `spoken`, the same ones for the same arguments."""
    rng = random.Random(f"knowledge|{seed}|{part}")
    scenes = {name: drawn_for(name, "pretraining", seed=seed, part=part) for name in _SCENES}
    events = single_facts(split="pretraining", seed=seed)
    known = [fact for topic in facts().values() for fact in topic]
    while True:
        languages = _languages(rng, spoken)
        draw = rng.random()
        if draw < _SCENE_SHARE:
            item = next(scenes[rng.choice(_SCENES)])
            yield _pair([*item.context, *item.question], [item.right], languages, rng)
        elif draw < _SCENE_SHARE + _FACT_SHARE:
            yield _of_facts(known, languages, rng)
        else:
            event, time_first = next(events)
            yield _pair([Told(event, time_first)], [Told(event, not time_first)], languages, rng)


def _of_facts(known: Sequence[Fact], languages: tuple[str, str], rng: random.Random) -> Pair:
    """A question with its answer, or two facts of which neither says anything about the other."""
    fact = rng.choice(known)
    if rng.random() < _ANSWERED_SHARE:
        return _pair([general_question(fact)], [answered(fact.topic, fact.answer)], languages, rng)
    return _pair([fact.said], [rng.choice(known).said], languages, rng, both=True)


def _pair(
    first: Sequence[Utterance],
    second: Sequence[Utterance],
    languages: tuple[str, str],
    rng: random.Random,
    *,
    both: bool = False,
) -> Pair:
    """Two segments with words masked in the second or, less often, in the first; or with one in each if `both`."""
    last = rng.random() < _LAST_MASKED_SHARE
    segments = []
    for number, (said, language) in enumerate(zip((first, second), languages, strict=True)):
        sentences = [say(one, language) for one in said]
        content = [(i, j) for i, sentence in enumerate(sentences) for j, t in enumerate(sentence) if _has_meaning(t)]
        masked = {rng.choice(content)} if both or last == bool(number) else set()
        if masked and not both:
            masked |= {place for place in content if rng.random() < (_MASK_SHARE if number else _MASK_SHARE / 3)}
        segments.append(
            [
                [Word(token, (i, j) in masked) for j, token in enumerate(sentence)]
                for i, sentence in enumerate(sentences)
            ]
        )
    return Pair(segments[0], languages[0], segments[1], languages[1])


def _has_meaning(token: Token) -> bool:
    """Whether a word says who, what, where or when something is, rather than how the sentence is built."""
    return token.core or token.upos == "VERB"


def _languages(rng: random.Random, spoken: Sequence[str]) -> tuple[str, str]:
    first = rng.choice(spoken)
    return first, first if rng.random() < _SAME_LANGUAGE_SHARE else rng.choice(spoken)
