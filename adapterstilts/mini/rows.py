"""Rows of the mini suite: span questions, plain documents and parallel sentences, all from the same stories."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice
from typing import Any

from adapterstilts.mini.frames import Token
from adapterstilts.mini.grammar import grammar_of
from adapterstilts.mini.text import Text, join
from adapterstilts.mini.world import Story, domains, questions, stories


def span_qa(
    *,
    split: str,
    language: str,
    size: int,
    seed: int = 0,
    domain: str = "everyday",
    facts: int | None = None,
    questions_per_story: int = 4,
) -> list[dict[str, Any]]:
    """Questions with their answers in a story, in the schema of SQuAD plus `language`.

    The same (split, seed, domain, facts, questions_per_story) give the same ids, stories and questions in every
    language, as in XQuAD. No story is in two splits or two domains.

    Returns:
        `size` rows of id, context, question, answers {text, answer_start} and language, with
        `context[answer_start:answer_start + len(text)] == text`.

    Raises:
        ValueError: an unknown domain, split or language, or a number that makes no sense, named with the options.
    """
    if questions_per_story < 1:
        raise ValueError(f"questions_per_story={questions_per_story}: at least 1 is needed")
    grammar = grammar_of(language)
    rng = random.Random(f"questions|{domain}|{split}|{seed}")
    rows: list[dict[str, Any]] = []
    for number, story in enumerate(stories(domain=domain, split=split, seed=seed, facts=facts)):
        if len(rows) >= size:
            break
        context = tell(story, language)
        for question in questions(story, rng)[:questions_per_story]:
            text, start = context.answer(question)
            rows.append(
                {
                    "id": f"{domain}-{split}-{seed}-{number}-{len(rows)}",
                    "context": context.text,
                    "question": join([grammar.question(question.event, question.asked)]).text,
                    "answers": {"text": [text], "answer_start": [start]},
                    "language": language,
                }
            )
    return rows[:size]


def documents(*, language: str, size: int, seed: int = 0, split: str = "pretraining") -> list[str]:
    """Stories of all domains in turn, as plain text for masked language modelling. Stories of task splits are not in
    the split "pretraining".

    Raises:
        ValueError: an unknown language or split.
    """
    return [tell(story, language).text for story in islice(_of_all_domains(split, seed), size)]


def parallel_sentences(
    *, source: str, target: str, size: int, seed: int = 0, split: str = "test"
) -> list[tuple[str, str]]:
    """Different sentences with their translations, from stories of all domains.

    Raises:
        ValueError: an unknown language or split.
    """
    pairs: dict[tuple[str, str], None] = {}
    for story in _of_all_domains(split, seed):
        for event, time_first in zip(story.facts, story.time_first, strict=True):
            said = [join([grammar_of(code).statement(event, time_first=time_first)]).text for code in (source, target)]
            pairs[said[0], said[1]] = None
            if len(pairs) >= size:
                return list(pairs)
    return list(pairs)


def tell(story: Story, language: str) -> Text:
    """A story as running text with the tokens it is made of."""
    return join(sentences(story, language))


def sentences(story: Story, language: str) -> list[list[Token]]:
    """A story as one list of tokens per fact."""
    grammar = grammar_of(language)
    facts = zip(story.facts, story.time_first, strict=True)
    return [grammar.statement(event, time_first=time_first) for event, time_first in facts]


def _of_all_domains(split: str, seed: int) -> Iterator[Story]:
    endless = [stories(domain=domain, split=split, seed=seed) for domain in domains()]
    while True:
        for source in endless:
            yield next(source)


GENERATORS = {"span_qa": span_qa}
"""Row functions by the name a recipe gives; each takes split, language and size, and options of its own."""
