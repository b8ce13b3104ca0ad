"""One grammar per language, all with the same interface: events in, annotated tokens out."""

from __future__ import annotations

from functools import cache

from adapterstilts.mini.grammar.base import Grammar
from adapterstilts.mini.grammar.chinese import Chinese
from adapterstilts.mini.grammar.english import English
from adapterstilts.mini.grammar.german import German
from adapterstilts.mini.grammar.russian import Russian
from adapterstilts.mini.grammar.spanish import Spanish
from adapterstilts.mini.grammar.swahili import Swahili

_GRAMMARS: dict[str, type[Grammar]] = {
    grammar.language: grammar for grammar in (English, German, Spanish, Russian, Chinese, Swahili)
}


@cache
def grammar_of(language: str) -> Grammar:
    """The grammar of a language.

    Raises:
        ValueError: there is no grammar for it.
    """
    if language not in _GRAMMARS:
        raise ValueError(f"language {language!r} is not in the mini suite; it has: {', '.join(_GRAMMARS)}")
    return _GRAMMARS[language]()
