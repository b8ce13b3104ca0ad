"""Sentences with a tag for each word: parts of speech, names, and, in English, CCG categories."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from typing import Any

from adapterstilts.mini.frames import Asked, Event, Phrase, Role, Token
from adapterstilts.mini.grammar import grammar_of
from adapterstilts.mini.naming import Name, can_be_named, draw_name, entity_tags, tell_with_names
from adapterstilts.mini.near_misses import with_filler
from adapterstilts.mini.options import check_share
from adapterstilts.mini.supertagging import MODIFIER, categories
from adapterstilts.mini.telling import belongs, meaning, single_facts

_NEGATED_SHARE = 0.15
_SUPERTAGGED_NAME_SHARE = 0.25


@dataclass(frozen=True)
class _Sentence:
    """What a row says: a statement, or the question for `asked`; and what is called by a name of several words."""

    event: Event
    time_first: bool
    asked: Asked | None = None
    names: tuple[Name, ...] = ()


def pos_tags(
    *, split: str, language: str, size: int, seed: int = 0, domain: str | None = None, questions: float = 0.3
) -> list[dict[str, Any]]:
    """Statements, some negated, and questions, with Universal POS tags.

    The same (split, seed and options) give the same meanings in every language; no fact is in two splits.

    Args:
        domain: One domain; None for all in turn.
        questions: Share of questions.

    Returns:
        `size` rows of id, tokens, tags and language.

    Raises:
        ValueError: an unknown domain, split or language, or a share that is none.
    """
    check_share("questions", questions)
    grammar = grammar_of(language)
    meanings = _sentences(split, seed, domain, questions)
    rows = []
    for number, said in enumerate(islice(meanings, size)):
        if said.asked:
            tokens = grammar.question(said.event, said.asked)
        else:
            tokens = grammar.statement(said.event, time_first=said.time_first)
        rows.append(_row(domain, split, seed, number, language, tokens, [token.upos for token in tokens]))
    return rows


def entities(
    *, split: str, language: str, size: int, seed: int = 0, domain: str | None = None, named: float = 0.6
) -> list[dict[str, Any]]:
    """Statements with the names of persons (PER), organisations (ORG) and places (LOC) in them, in BIO tags.

    A city's word can be a place, a surname, or part of the name of an organisation or a sight, and a given name part
    of those too: tags follow from the words around it. Institutions without a name are not tagged.

    Args:
        domain: One domain; None for all in turn.
        named: Share of those persons, institutions and sights that could be called by a name of several words, or by
            a surname, that are.

    Returns:
        `size` rows of id, tokens, tags and language, with at least one name each.

    Raises:
        ValueError: an unknown domain, split or language, or a share that is none.
    """
    check_share("named", named)
    grammar_of(language)
    rows: list[dict[str, Any]] = []
    rng = random.Random(f"entities|{domain}|{split}|{seed}")
    for said in _sentences(split, seed, domain, 0.0):
        if len(rows) >= size:
            break
        names = _names(said.event, rng, named)
        tokens = tell_with_names(said.event, names, language, time_first=said.time_first)
        if any(token.entity for token in tokens):
            rows.append(_row(domain, split, seed, len(rows), language, tokens, entity_tags(tokens)))
    return rows


def supertags(
    *,
    split: str,
    language: str,
    size: int,
    seed: int = 0,
    domain: str | None = None,
    questions: float = 0.3,
    modified: float = 0.5,
) -> list[dict[str, Any]]:
    """English statements and questions with CCG categories; each sentence derives a sentence.

    Args:
        domain: One domain; None for all in turn.
        questions: Share of questions.
        modified: Share of sentences in which a noun is followed by a prepositional phrase of its own.

    Returns:
        `size` rows of id, tokens, tags and language.

    Raises:
        ValueError: another language than English, an unknown domain or split, or a share that is none.
    """
    check_share("questions", questions)
    check_share("modified", modified)
    if language != "en":
        raise ValueError(f"language {language!r}: categories are known for the English grammar only; ask for 'en'")
    grammar = grammar_of("en")
    rng = random.Random(f"supertags|{domain}|{split}|{seed}")
    rows = []
    for number, said in enumerate(islice(_sentences(split, seed, domain, questions), size)):
        if said.asked:
            tokens = grammar.question(said.event, said.asked)
        else:
            names = _names(said.event, rng, _SUPERTAGGED_NAME_SHARE)
            tokens = tell_with_names(said.event, names, "en", time_first=said.time_first)
        if rng.random() < modified:
            tokens = _modified(tokens, said, rng)
        tags = categories(tokens, said.event, said.asked)
        rows.append(_row(domain, split, seed, number, "en", tokens, tags))
    return rows


def _sentences(split: str, seed: int, domain: str | None, questions: float) -> Iterator[_Sentence]:
    rng = random.Random(f"sentences|{domain}|{split}|{seed}")
    for event, time_first in single_facts(split=split, seed=seed, domain=domain):
        asked: list[Asked] = [role for role, _ in event.roles]
        if any(phrase.count > 1 for _, phrase in event.roles):
            asked.append("count")
        # Facts that differ in what is asked for only give the same question.
        asked = [one for one in asked if belongs(meaning(_told(event, one)), split)]
        if asked and rng.random() < questions:
            yield _Sentence(event, False, rng.choice(asked))
        else:
            yield _Sentence(replace(event, negated=rng.random() < _NEGATED_SHARE), time_first)


def _told(event: Event, asked: Asked) -> Event:
    """What a question tells of an event."""
    hidden = "theme" if asked == "count" else asked
    return event.keep(*(role for role, _ in event.roles if role != hidden))


def _names(event: Event, rng: random.Random, share: float) -> tuple[Name, ...]:
    names = []
    for role, _ in event.roles:
        if can_be_named(event, role) and rng.random() < share:
            names.append(draw_name(event, role, rng))
    return tuple(names)


def _modified(tokens: list[Token], said: _Sentence, rng: random.Random) -> list[Token]:
    """The sentence with "from Berlin" or "in the garden" behind one of its nouns, where only the noun can have it."""
    hosts = [
        at
        for at, (token, after) in enumerate(pairwise(tokens))
        if token.upos in ("NOUN", "PROPN") and after.role != token.role and _can_be_modified(token, after, said)
    ]
    if not hosts:
        return tokens
    at = rng.choice(hosts)
    host = tokens[at]
    added = _modifier(said.event, rng, of_agent=host.role == "agent")
    added[-1] = replace(added[-1], space_after=host.space_after)
    return [*tokens[:at], replace(host, space_after=True), *added, *tokens[at + 1 :]]


def _can_be_modified(token: Token, after: Token, said: _Sentence) -> bool:
    if token.role == "agent":
        return after.upos in ("VERB", "AUX")
    if said.event.get("source") or (said.asked == "count" and token.role == "theme"):
        return False
    return token.role in ("theme", "recipient")


def _modifier(event: Event, rng: random.Random, *, of_agent: bool) -> list[Token]:
    """A city that somebody or something is from; beside an agent also a place. Behind a verb that would be its own."""
    lexicon, told = grammar_of("en").lexicon, {phrase.concept for _, phrase in event.roles}
    role: Role = "place" if of_agent and rng.random() < 0.5 else "source"
    if role == "place":
        places = [name for name, entry in lexicon["nouns"].items() if "at" in entry and name not in told]
        phrase = Phrase(rng.choice(places), "definite")
    else:
        phrase = Phrase(rng.choice([city for city in lexicon["cities"] if city not in told]))
    first, *rest, _ = grammar_of("en").answer(with_filler(event.keep("agent"), role, phrase), role)
    return [replace(token, role=MODIFIER) for token in (replace(first, form=first.form.lower()), *rest)]


def _row(
    domain: str | None,
    split: str,
    seed: int,
    number: int,
    language: str,
    tokens: Sequence[Token],
    tags: list[str],
) -> dict[str, Any]:
    return {
        "id": f"{domain or 'all'}-{split}-{seed}-{number}",
        "tokens": [token.form for token in tokens],
        "tags": tags,
        "language": language,
    }
