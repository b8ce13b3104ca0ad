"""What is said, before any language: events and the phrases in their roles; and the tokens grammars make of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

Role = Literal["agent", "theme", "recipient", "place", "goal", "source", "time"]
Determiner = Literal["none", "definite", "indefinite"]
Asked = Literal["agent", "theme", "recipient", "place", "goal", "source", "time", "count", "cause"]
"""What a question can ask for: the filler of a role, how many themes there were, or why it happened."""


@dataclass(frozen=True)
class Phrase:
    """One participant or circumstance. `concept` and `adjective` are names of the world, not words of a language."""

    concept: str
    determiner: Determiner = "none"
    count: int = 1
    adjective: str | None = None

    def definite(self) -> Phrase:
        """The same thing when it is mentioned again; names and times stay as they are."""
        return self if self.determiner == "none" and self.count == 1 else replace(self, determiner="definite")


@dataclass(frozen=True)
class Event:
    """Something that happened to the fillers of its roles. Hashable; two equal events are the same fact."""

    verb: str
    roles: tuple[tuple[Role, Phrase], ...]
    negated: bool = field(default=False)

    def __getitem__(self, role: Role) -> Phrase:
        return dict(self.roles)[role]

    def get(self, role: Role) -> Phrase | None:
        """The filler of a role, or None if the event does not tell it."""
        return dict(self.roles).get(role)

    def keep(self, *roles: Role) -> Event:
        """The event told with only these of its roles."""
        return replace(self, roles=tuple((role, phrase) for role, phrase in self.roles if role in roles))

    def mentioned_again(self) -> Event:
        """The event told with a definite theme, as in a question about it."""
        roles = tuple((role, p.definite() if role == "theme" else p) for role, p in self.roles)
        return replace(self, roles=roles)


@dataclass(frozen=True)
class Token:
    """A word or punctuation mark with what the layers above need to know about it.

    Attributes:
        form: the written word.
        concept: the language-neutral meaning: a concept of the world ("apple") or of grammar ("the", "where").
        upos: Universal POS tag.
        role: the role of the phrase it is in, "verb", or "" (punctuation, question particles).
        core: whether it belongs to what names the filler (adjectives and noun, or the name): the answer to a question.
        entity: "PER", "LOC" or "ORG" for a word of a name, else "".
        space_after: whether a space follows in running text.
    """

    form: str
    concept: str
    upos: str
    role: str = ""
    core: bool = False
    entity: str = ""
    space_after: bool = True
