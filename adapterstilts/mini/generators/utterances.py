"""What multiple-choice rows are made of, in no language: sentences, wishes, questions, answers; and how to say them.

Also what such rows share: dealing them to the splits, and putting the right choice somewhere among the wrong ones.
"""

from __future__ import annotations

import random
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from adapterstilts.mini.frames import Asked, Event, Phrase, Role, Token
from adapterstilts.mini.grammar import grammar_of
from adapterstilts.mini.options import check_number
from adapterstilts.mini.telling import belongs
from adapterstilts.mini.text import join
from adapterstilts.mini.world import SPLITS

_IN_VAIN = 20_000
_EPSILON = 0.01
# Templates in which languages with cases say the noun as what is acted on, and those that are questions.
_ACTED_ON = frozenset({"find_where", "find_there", "use_it", "made_what", "made_of"})
_QUESTIONS = frozenset(
    {
        "cause", "effect", "feel", "want", "why_that", "find_where", "go_where", "go_need", "use_what", "use_need",
        "job_who", "kind_which", "made_what", "what_does",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Told:
    """A sentence that tells an event."""

    event: Event
    time_first: bool = False


@dataclass(frozen=True)
class Wish:
    """What somebody wants to do: "To thank Ivan."."""

    event: Event


@dataclass(frozen=True)
class Ask:
    """A question about an event."""

    event: Event
    asked: Asked


@dataclass(frozen=True)
class Thing:
    """A thing, person or material by itself: "A knife."; in the accusative where something is done to it."""

    phrase: Phrase
    case: str = "nominative"


@dataclass(frozen=True)
class Where:
    """A place by itself: "In the library." (place) or "To the library." (goal)."""

    concept: str
    role: Role


@dataclass(frozen=True)
class Pattern:
    """A sentence that the lexicons list as a template.

    Attributes:
        name: of the template.
        slots: what is in its braces: a phrase, a place, or the name of an entry of `section`.
    """

    name: str
    slots: tuple[tuple[str, Phrase | Where | tuple[str, str]], ...] = ()


Utterance = Told | Wish | Ask | Thing | Where | Pattern


@dataclass(frozen=True)
class Item:
    """The meaning of a multiple-choice row: what is read, what is asked, the right choice and the wrong ones.

    Attributes:
        scene: what decides which split the row is in; two rows of a scene are not both given.
        names: of the right choice and the wrong ones, as `Balance` counts them.
    """

    context: tuple[Utterance, ...]
    question: tuple[Utterance, ...]
    right: Utterance
    wrong: tuple[Utterance, ...]
    scene: Hashable
    names: tuple[str, ...] = ()


class Balance:
    """Draws wrong choices so that each is wrong as often as its share of right ones makes it."""

    def __init__(self) -> None:
        self._owed: dict[str, float] = {}

    def draw(self, names: Sequence[str], rng: random.Random) -> str:
        """One of several names, those that were wrong too seldom first."""
        weights = [max(self._owed.get(name, 0.0), 0.0) ** 2 + _EPSILON for name in names]
        return rng.choices(names, weights)[0]

    def count(self, item: Item) -> None:
        """Counts the choices of a row that is given."""
        right, *wrong = item.names
        self._owed[right] = self._owed.get(right, 0.0) + len(wrong)
        for name in wrong:
            self._owed[name] = self._owed.get(name, 0.0) - 1


def say(said: Utterance, language: str) -> list[Token]:
    """An utterance as a sentence of a language."""
    grammar = grammar_of(language)
    match said:
        case Told(event, time_first):
            return grammar.statement(event, time_first=time_first)
        case Wish(event):
            return grammar.infinitive(event)
        case Ask(event, asked):
            return grammar.question(event, asked)
        case Thing(phrase, case):
            return grammar.sentence(grammar.noun_phrase(_generic(phrase, language), case))
        case Where(concept, role):
            return grammar.sentence(grammar.place(concept, role))
        case Pattern(name, slots):
            filled: dict[str, list[Token]] = {}
            for slot, filler in slots:
                case = "accusative" if slot == "noun" and name in _ACTED_ON else "nominative"
                filled |= _filled(slot, filler, case, language)
            return grammar.sentence(grammar.fixed(name, "templates", filled), question=name in _QUESTIONS)


def text(utterances: Sequence[Utterance], language: str) -> str:
    """Utterances as running text."""
    return join([say(said, language) for said in utterances]).text


def check_request(split: str, language: str, size: int) -> None:
    """Raises ValueError for a split or language that there is not, or a size below 1."""
    if split not in SPLITS:
        raise ValueError(f"split {split!r} is not in the mini suite; it has: {', '.join(SPLITS)}")
    grammar_of(language)
    check_number("size", size, least=1)


def in_split(split: str, drawn: Iterator[Item], size: int, balance: Balance) -> Iterator[Item]:
    """The first `size` different items that belong to a split, counted by what draws their wrong choices.

    Raises:
        ValueError: there are not so many.
    """
    seen: set[Hashable] = set()
    vain = 0
    while len(seen) < size:
        item = next(drawn)
        if item.scene in seen or not belongs(item.scene, split):
            vain += 1
            if vain > _IN_VAIN:
                raise ValueError(f"size={size}: with these options the split {split!r} has {len(seen)} different rows")
            continue
        vain = 0
        seen.add(item.scene)
        balance.count(item)
        yield item


def rows_of(items: Iterable[Item], *, language: str, name: str, rng: random.Random) -> list[dict[str, Any]]:
    """Canonical rows; the right choice's position is drawn before anything is said, so it is the same in all languages.

    Args:
        name: begins the ids.
    """
    rows = []
    for number, item in enumerate(items):
        label = rng.randrange(len(item.wrong) + 1)
        choices = [*item.wrong[:label], item.right, *item.wrong[label:]]
        rows.append(
            {
                "id": f"{name}-{number}",
                "context": text(item.context, language),
                "question": text(item.question, language),
                "choices": [text([choice], language) for choice in choices],
                "label": label,
                "language": language,
            }
        )
    return rows


def _filled(slot: str, filler: Phrase | Where | tuple[str, str], case: str, language: str) -> dict[str, list[Token]]:
    grammar = grammar_of(language)
    if isinstance(filler, Where):
        return {slot: grammar.place(filler.concept, filler.role)}
    if isinstance(filler, tuple):
        return {slot: grammar.fixed(filler[1], filler[0])}
    phrase = filler if slot == "agent" else _generic(filler, language)
    filled = {slot: grammar.noun_phrase(phrase, case)}
    if language == "ru":
        filled[f"{slot}:genitive"] = grammar.noun_phrase(phrase, "genitive")
    return filled


def _generic(phrase: Phrase, language: str) -> Phrase:
    """What is said of all things of a kind is said without numeral in Chinese."""
    return Phrase(phrase.concept) if language == "zh" else phrase
