"""What the mini backbone is pretrained on: stories beside retellings of them, in one language or two.

An example is a pair of segments. The second tells a story of the split "pretraining", which no task draws from. The
first comes back to some of its facts: it retells them, or asks about them and answers ("Who bought the bread? The
doctor."), in the same language or another. What is said twice is masked on one side, so that the way to predict
it is to find the fact on the other side: translation language modelling (Conneau and Lample 2019) with the recurring
spans of Splinter (Ram et al. 2021). So the backbone has read questions with answers in all six languages, as text; it
has not been trained to point at answers. A third of the examples are of other kinds: see `pretraining_knowledge`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from adapterstilts.mini import LANGUAGES
from adapterstilts.mini.frames import Event, Role, Token
from adapterstilts.mini.grammar import grammar_of
from adapterstilts.mini.pretraining_knowledge import Word, pairs
from adapterstilts.mini.telling import sentences
from adapterstilts.mini.tokenizer import SPACE, normalized
from adapterstilts.mini.world import Story, domains, questions, stories

_SAME_LANGUAGE_SHARE = 0.5
_RETELLING_SHARE = 0.4
_PLAIN_MASK_SHARE = 0.06
_MOST_ITEMS = 3
# Two thirds of what is read are stories.
_KNOWLEDGE_PER_STORY = 0.5


@dataclass(frozen=True)
class Example:
    """Pieces of a segment pair with special tokens, and the positions to mask."""

    pieces: tuple[str, ...]
    masked: tuple[int, ...]


def examples(
    seed: int,
    *,
    facts: tuple[int, ...],
    most_masked: int,
    part: int = 0,
    languages: Sequence[str] = LANGUAGES,
) -> Iterator[Example]:
    """Endless pretraining examples, the same for the same arguments.

    Args:
        facts: the numbers of facts that stories have, in turn.
        most_masked: more than these are not masked in an example.
        part: different parts have different examples.
        languages: what is told in, each as often as the others.
    """
    rng = random.Random(f"pretraining|{seed}|{part}")
    sources = [
        stories(domain=domain, split="pretraining", seed=seed, facts=count) for domain in domains() for count in facts
    ]
    knowledge = pairs(seed, part, languages)
    while True:
        for source in sources:
            yield _example(next(source), rng, most_masked, languages)
            if rng.random() < _KNOWLEDGE_PER_STORY:
                pair = next(knowledge)
                yield _joined(pair.first, pair.first_language, pair.second, pair.second_language, rng, most_masked)


def pieces(sentence: list[Token], language: str, *, first: bool = False) -> list[str]:
    """The tokenizer's pieces of a sentence in running text, one per token.

    Args:
        first: Whether the text begins with it.
    """
    found, space = [], first or language != "zh"
    for token in sentence:
        found.append((SPACE if space else "") + normalized(token.form))
        space = token.space_after
    return found


def _example(story: Story, rng: random.Random, most_masked: int, languages: Sequence[str]) -> Example:
    language = rng.choice(languages)
    other = language if rng.random() < _SAME_LANGUAGE_SHARE else rng.choice(languages)
    hidden: set[tuple[int, str]] = set()
    first: list[list[Word]] = []
    asked = questions(story, rng)
    told: set[int] = set()
    for _ in range(rng.randint(1, _MOST_ITEMS)):
        if rng.random() < _RETELLING_SHARE or not asked:
            fact = rng.randrange(len(story.facts))
            if fact not in told:
                first.append(_retold(story.facts[fact], fact, other, rng, hidden))
                told.add(fact)
            continue
        question = asked.pop()
        if question.fact in told or question.asked == "count" or question.asked == "cause":
            continue
        told.add(question.fact)
        first.append([Word(t) for t in grammar_of(other).question(question.event, question.asked)])
        hide_answer = rng.random() < 0.5
        first.append(_answer(story.facts[question.fact], question.asked, other, hide_answer))
        if not hide_answer:
            hidden.add((question.fact, question.asked))
    second = [
        [
            Word(token, ((fact, token.role) in hidden and token.core) or rng.random() < _PLAIN_MASK_SHARE)
            for token in sentence
        ]
        for fact, sentence in enumerate(sentences(story, language))
    ]
    return _joined(first, other, second, language, rng, most_masked)


def _retold(event: Event, fact: int, language: str, rng: random.Random, hidden: set[tuple[int, str]]) -> list[Word]:
    """A fact again; of each of its roles, this side may be masked, or the other side is to be, or neither."""
    here = set()
    for role in [role for role, _ in event.roles] + ["verb"]:
        draw = rng.random()
        if draw < 0.25:
            here.add(role)
        elif draw < 0.5:
            hidden.add((fact, role))
    tokens = grammar_of(language).statement(event.mentioned_again(), time_first=rng.random() < 0.3)
    return [Word(token, token.role in here and (token.core or token.upos == "VERB")) for token in tokens]


def _answer(event: Event, role: Role, language: str, masked: bool) -> list[Word]:
    return [Word(token, masked and token.core) for token in grammar_of(language).answer(event, role)]


def _joined(
    first: list[list[Word]],
    first_language: str,
    second: list[list[Word]],
    language: str,
    rng: random.Random,
    most_masked: int,
) -> Example:
    found, masked = ["<s>"], []
    for segment, code in ((first, first_language), (second, language)):
        for number, sentence in enumerate(segment):
            said = pieces([word.token for word in sentence], code, first=number == 0)
            for piece, word in zip(said, sentence, strict=True):
                if word.masked and word.token.upos != "PUNCT":
                    masked.append(len(found))
                found.append(piece)
        found += ["</s>", "</s>"] if segment is first else ["</s>"]
    if len(masked) > most_masked:
        masked = sorted(rng.sample(masked, k=most_masked))
    return Example(tuple(found), tuple(masked))
