"""Queries and candidates: translations, bitext that is parallel only in part, answers to questions, entities."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import count, islice
from typing import Any

from adapterstilts.mini import LANGUAGES
from adapterstilts.mini.entities import Entity, description, entity_inventory, mention
from adapterstilts.mini.frames import Asked, Event
from adapterstilts.mini.grammar import grammar_of
from adapterstilts.mini.near_misses import could_be, varied
from adapterstilts.mini.options import check_number, check_share
from adapterstilts.mini.telling import belongs, meaning, single_facts, stories_in_turn, tell
from adapterstilts.mini.text import join
from adapterstilts.mini.world import Question, Story, questions

_TRIES = 20

_Said = tuple[Event, bool, Asked | None]
"""A fact, whether its time is told first, and what is asked for where it is a question."""


def translations(
    *,
    split: str,
    language: str,
    size: int,
    seed: int = 0,
    domain: str | None = None,
    near_misses: float = 0.4,
    questions: float = 0.2,
) -> list[dict[str, Any]]:
    """Sentences of a language as queries, and their English translations, in another order, as candidates.

    Sentences differ in every language: none has two translations.

    Args:
        size: Number of queries, and of candidates.
        domain: One domain; None for all in turn.
        near_misses: Share of sentences that differ from another one in a single word.
        questions: Share of questions.

    Returns:
        Twice `size` rows; ids are the numbers of the lines on each side.

    Raises:
        ValueError: English as the language, an unknown one, an unknown domain or split, or a share that is none.
    """
    _check_foreign(language)
    check_share("near_misses", near_misses)
    check_share("questions", questions)
    rng = random.Random(f"translations|{domain}|{split}|{seed}")
    said = list(islice(_different(split, seed, domain, rng, near_misses, questions), size))
    order = rng.sample(range(size), k=size)
    line = {number: place for place, number in enumerate(order)}
    queries = [
        _row(str(number), language, "query", _say(one, language), gold=[str(line[number])])
        for number, one in enumerate(said)
    ]
    return queries + [
        _row(str(place), "en", "candidate", _say(said[number], "en")) for place, number in enumerate(order)
    ]


def bitext(
    *,
    split: str,
    language: str,
    size: int,
    seed: int = 0,
    domain: str | None = None,
    shared: float = 0.4,
    near_misses: float = 0.5,
) -> list[dict[str, Any]]:
    """Sentences of a language and of English, of which only a share has its translation on the other side.

    Args:
        size: Number of sentences on each side.
        domain: One domain; None for all in turn.
        shared: Share of sentences that have a translation.
        near_misses: Share of sentences that differ from another one, on either side, in a single word.

    Returns:
        Twice `size` rows: queries `de-000000001` with the id of their translation or none as gold, and candidates
        `en-000000001`.

    Raises:
        ValueError: English as the language, an unknown one, an unknown domain or split, or a share that is none.
    """
    _check_foreign(language)
    check_share("shared", shared)
    check_share("near_misses", near_misses)
    rng = random.Random(f"bitext|{domain}|{split}|{seed}")
    both = round(shared * size)
    drawn = list(islice(_different(split, seed, domain, rng, near_misses, 0.0), 2 * size - both))
    rng.shuffle(drawn)
    pairs, ours, theirs = drawn[:both], drawn[both:size], drawn[size:]
    sides = {code: pairs + alone for code, alone in ((language, ours), ("en", theirs))}
    places = {"query": rng.sample(range(size), k=size), "candidate": rng.sample(range(size), k=size)}
    found: list[dict[str, Any]] = []
    for side, code in (("query", language), ("candidate", "en")):
        rows = []
        for number, (said, place) in enumerate(zip(sides[code], places[side], strict=True)):
            gold = [f"en-{places['candidate'][number] + 1:09}"] if side == "query" and number < both else []
            rows.append(_row(f"{code}-{place + 1:09}", code, side, _say(said, code), gold=gold))
        found += sorted(rows, key=lambda row: str(row["id"]))
    return found


def answer_sentences(
    *,
    split: str,
    language: str,
    size: int,
    seed: int = 0,
    domain: str = "everyday",
    questions_per_story: int = 3,
) -> list[dict[str, Any]]:
    """Questions as queries; all sentences of the stories, with their story as context, as candidates.

    Questions tell all that is known, and have one answer among all candidates of a language. Query ids are the same
    in all languages, and those of candidates begin with the language, so that languages can be searched together.

    Args:
        size: Number of queries.

    Returns:
        `size` queries and the candidates; in the split "train", queries only, which carry the right sentence and its
        story.

    Raises:
        ValueError: an unknown domain, split or language, or a number that makes no sense, named with the options.
    """
    check_number("questions_per_story", questions_per_story, least=1)
    grammar_of(language)
    train = split == "train"
    for stories in count(start=max(1, size // questions_per_story), step=max(1, size // 8)):
        told = list(islice(stories_in_turn(split=split, seed=seed, domain=domain), stories))
        asked = _with_one_answer(told, questions_per_story, f"answers|{domain}|{split}|{seed}", everywhere=not train)
        if len(asked) >= size:
            break
    texts = [tell(story, language) for story in told]
    contents = [[join([sentence]).text for sentence in text.sentences] for text in texts]
    rows = []
    for story, question in asked[:size]:
        positive = {"positive": contents[story][question.fact], "positive_context": texts[story].text} if train else {}
        gold = [] if train else [f"{language}-{story}-{question.fact}"]
        text = _say((question.event, False, question.asked), language)
        id_ = f"{domain}-{split}-{seed}-{story}-{question.fact}-{question.asked}"
        rows.append(_row(id_, language, "query", text, gold=gold, **positive))
    if train:
        return rows
    return rows + [
        _row(f"{language}-{story}-{number}", language, "candidate", sentence, context=texts[story].text)
        for story, sentences in enumerate(contents)
        for number, sentence in enumerate(sentences)
    ]


def entity_mentions(
    *,
    split: str,
    language: str,
    size: int,
    seed: int = 0,
    domain: str | None = None,
    namesakes: int = 3,
    mentions: int = 2,
) -> list[dict[str, Any]]:
    """Mentions of persons, cities and institutions as queries; all entities, with a description each, as candidates.

    Several entities have the same name: what a mention's context and a description tell of them decides. Each
    entity is described in one language, those of a split in all six in turn; candidates and the ids of queries are the
    same whatever the language of the mentions is.

    Args:
        size: Number of mentions.
        namesakes: Number of entities with the same name.
        mentions: Number of mentions of each entity.

    Returns:
        `size` queries, text the mention and context the sentences it is in, and the candidates, text the name and
        context the description; in the split "train", queries only, which carry name and description of their entity
        in their own language.

    Raises:
        ValueError: an unknown domain, split or language, or a number that makes no sense, named with the options.
    """
    check_number("namesakes", namesakes, least=1, most=4)
    check_number("mentions", mentions, least=1, most=3)
    grammar_of(language)
    train = split == "train"
    needed = -(-size // mentions)
    inventory = entity_inventory(split=split, seed=seed, domain=domain, size=needed, namesakes=namesakes)
    rows = []
    for number in range(size):
        # Entities take turns, so that the mentions of one entity are far apart.
        which = number % needed
        entity = inventory[which]
        text, context = mention(entity, number // needed, language)
        described = description(entity, language) if train else ("", "")
        positive = {"positive": described[0], "positive_context": described[1]}
        id_ = f"{domain or 'all'}-{split}-{seed}-{number}"
        gold = [] if train else [f"Q{which}"]
        rows.append(_row(id_, language, "query", text, context=context, gold=gold, **positive))
    return rows if train else rows + _described(inventory)


def _described(inventory: Sequence[Entity]) -> list[dict[str, Any]]:
    rows = []
    for number, entity in enumerate(inventory):
        code = LANGUAGES[number % len(LANGUAGES)]
        text, context = description(entity, code)
        rows.append(_row(f"Q{number}", code, "candidate", text, context=context))
    return rows


def _check_foreign(language: str) -> None:
    grammar_of(language)
    if language == "en":
        raise ValueError(f"language 'en': candidates are English; ask for {', '.join(LANGUAGES[1:])}")


def _different(
    split: str, seed: int, domain: str | None, rng: random.Random, near_misses: float, questions: float
) -> Iterator[_Said]:
    """Endless facts and questions that are different sentences in each of the languages."""
    texts: dict[str, set[str]] = {code: set() for code in LANGUAGES}
    facts = single_facts(split=split, seed=seed, domain=domain)
    earlier: list[_Said] = []
    while True:
        said = _near_miss(rng.choice(earlier), split, rng) if earlier and rng.random() < near_misses else None
        if said is None:
            event, time_first = next(facts)
            asked = rng.choice([role for role, _ in event.roles]) if rng.random() < questions else None
            said = (event, time_first, asked)
        new = {code: _say(said, code) for code in LANGUAGES}
        if not any(text in texts[code] for code, text in new.items()):
            for code, text in new.items():
                texts[code].add(text)
            earlier.append(said)
            yield said


def _near_miss(said: _Said, split: str, rng: random.Random) -> _Said | None:
    event, time_first, asked = said
    for _ in range(_TRIES):
        other = varied(event, rng)
        if other and belongs(meaning(other), split):
            return other, time_first, asked
    return None


def _with_one_answer(told: list[Story], per_story: int, seed: str, *, everywhere: bool) -> list[tuple[int, Question]]:
    """(number of the story, question telling all that is known): of one answer in its story, or among all stories."""
    rng = random.Random(seed)
    facts = [fact for story in told for fact in story.facts]
    found = []
    for number, story in enumerate(told):
        asked = [Question(one.fact, story.facts[one.fact], one.asked) for one in questions(story, rng)]
        for question in [one for one in asked if one.asked != "count"][:per_story]:
            rivals = [fact for fact in facts if could_be(question.event, question.asked, fact)] if everywhere else []
            if len(rivals) <= 1:
                found.append((number, question))
    return found


def _say(said: _Said, language: str) -> str:
    event, time_first, asked = said
    grammar = grammar_of(language)
    tokens = grammar.question(event, asked) if asked else grammar.statement(event, time_first=time_first)
    return join([tokens]).text


def _row(
    id_: str,
    language: str,
    side: str,
    text: str,
    *,
    context: str = "",
    gold: list[str] | None = None,
    positive: str = "",
    positive_context: str = "",
) -> dict[str, Any]:
    return {
        "id": id_,
        "side": side,
        "text": text,
        "context": context,
        "gold": gold or [],
        "positive": positive,
        "positive_context": positive_context,
        "language": language,
    }
