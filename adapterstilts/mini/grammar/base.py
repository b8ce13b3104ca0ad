"""What the grammars of all languages share: their lexicon, the small phrases that need no grammar, and punctuation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import Any

import yaml

from adapterstilts.mini.frames import Asked, Event, Phrase, Role, Token

# Keys of lexicon entries that hold grammatical information, and keys that hold a function word and its meaning.
_GRAMMATICAL = frozenset({"gender", "class", "case", "pattern"})
_FUNCTION_WORDS = {
    "at": "at", "by": "at", "to": "to", "from": "from", "with": "with", "reflexive": "reflexive",
    "lead": "when_at", "trail": "year", "measure": "measure",
}  # fmt: skip


@cache
def read_lexicon(name: str) -> dict[str, Any]:
    """The YAML file `lexicon/<name>.yaml` of this package."""
    path = resources.files("adapterstilts.mini") / "lexicon" / f"{name}.yaml"
    text = path.read_text(encoding="utf-8")
    return dict(yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


class Grammar(ABC):
    """Says events in one language, in the past tense."""

    language: str
    marks = {"statement": ".", "question": "?"}

    def __init__(self) -> None:
        self.lexicon = read_lexicon(self.language)
        self.words: dict[str, Any] = self.lexicon["words"]

    def statement(self, event: Event, *, time_first: bool = False) -> list[Token]:
        """The event as a sentence, with the time in front of the agent if `time_first`."""
        return self._sentence(
            self._statement(event, time_first=time_first and event.get("time") is not None), "statement"
        )

    def question(self, event: Event, asked: Asked) -> list[Token]:
        """The question for one role of the event; what else the event tells is given in the question."""
        return self._sentence(self._question(event.mentioned_again(), asked), "question")

    def answer(self, event: Event, asked: Role) -> list[Token]:
        """The filler of a role as a sentence of its own, as one answers a question: "In the garden."."""
        return self._sentence(
            [token for token in self._statement(event, time_first=False) if token.role == asked], "statement"
        )

    @abstractmethod
    def _statement(self, event: Event, *, time_first: bool) -> list[Token]: ...

    @abstractmethod
    def _question(self, event: Event, asked: Asked) -> list[Token]: ...

    @abstractmethod
    def _phrase(self, event: Event, role: Role) -> list[Token]:
        """The filler of a role the event has, with its adposition and case."""

    def forms(self) -> Iterator[tuple[str, str]]:
        """Every (form, concept) of the lexicon. Grammars that build forms by rule add them."""
        for section in ("names", "cities", "nouns", "adjectives", "verbs", "times", "numerals", "words"):
            for concept, entry in self.lexicon[section].items():
                yield from _forms(entry, f"count_{concept}" if isinstance(concept, int) else concept)
        yield from _forms(self.lexicon["year"], "year")
        yield from _forms(self.lexicon.get("linker", ""), "linker")

    def _sentence(self, tokens: Sequence[Token], mood: str) -> list[Token]:
        first, *rest = tokens
        capital = replace(first, form=first.form[:1].upper() + first.form[1:])
        *body, last = [capital, *rest]
        return [
            *body,
            replace(last, space_after=False),
            Token(self.marks[mood], self.marks["statement"], "PUNCT"),
        ]

    def _in_order(self, event: Event, order: Sequence[Role], *, without: Asked | None = None) -> list[Token]:
        """The fillers of those roles that the event has, leaving out what a question asks for."""
        hidden = "theme" if without == "count" else without
        present = [role for role in order if role != hidden and event.get(role)]
        return [token for role in present for token in self._phrase(event, role)]

    def _named(self, phrase: Phrase, role: str, form: str | None = None) -> list[Token]:
        """A person or city by name, in `form` where the name is inflected."""
        is_person = phrase.concept in self.lexicon["names"]
        form = form or (self.lexicon["names"] if is_person else self.lexicon["cities"])[phrase.concept]
        entity = "PER" if is_person else "LOC"
        return [Token(word, phrase.concept, "PROPN", role, True, entity) for word in form.split()]

    def _is_person(self, phrase: Phrase) -> bool:
        return phrase.concept in self.lexicon["names"] or phrase.concept in read_lexicon("world")["kinds"]["occupation"]

    def _is_name(self, phrase: Phrase) -> bool:
        return phrase.concept in self.lexicon["names"] or phrase.concept in self.lexicon["cities"]

    def _time(self, phrase: Phrase) -> list[Token]:
        """An adverbial of time, whose words are listed in the lexicon."""
        year = phrase.concept.isdigit()
        entry = self.lexicon["year"] if year else self.lexicon["times"][phrase.concept]
        core = phrase.concept if year else entry["core"]
        lead = [
            Token(word, "when_at", "ADP" if i == 0 else "DET", "time") for i, word in enumerate(_split(entry, "lead"))
        ]
        trail = [Token(word, "year", "NOUN", "time") for word in _split(entry, "trail")]
        return [*lead, Token(core, phrase.concept, "NUM" if year else "NOUN", "time", True), *trail]


def _split(entry: dict[str, str], key: str) -> list[str]:
    return entry.get(key, "").split()


def _forms(entry: Any, concept: str) -> Iterator[tuple[str, str]]:
    """The words anywhere in a lexicon entry; function words in it keep their own meaning."""
    if isinstance(entry, str):
        yield from ((word, concept) for word in entry.split())
    elif isinstance(entry, list):
        for item in entry:
            yield from _forms(item, concept)
    else:
        for key, item in entry.items():
            if key not in _GRAMMATICAL:
                yield from _forms(item, _FUNCTION_WORDS.get(key, concept))
