"""The tokenizer of the mini backbone: XLM-R's kind, with the word forms of the lexicons as its vocabulary."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tokenizers import (  # type: ignore[import-untyped]
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)
from transformers import XLMRobertaTokenizerFast

from adapterstilts.mini import LANGUAGES
from adapterstilts.mini.grammar import grammar_of
from adapterstilts.mini.grammar.base import read_lexicon

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
MASK = "<mask>"
SPACE = "▁"
MAX_LENGTH = 512
UNREAD = "other"
"""The language of words that are in no language that is read."""

# A text is cut into as few pieces as possible, known words before single characters.
_WORD_SCORE = -10.0
_CHARACTER_SCORE = -25.0


@dataclass
class Piece:
    """A vocabulary entry with the (language, concept) pairs it stands for; none for a mere character."""

    text: str
    meanings: set[tuple[str, str]] = field(default_factory=set)


def vocabulary() -> list[Piece]:
    """The pieces of all languages, in the order of their ids after the special tokens; MASK comes after the last."""
    words: dict[str, Piece] = {}
    for language in LANGUAGES:
        for text, concept in _word_pieces(language):
            words.setdefault(text, Piece(text)).meanings.add((language, concept))
    characters = sorted({character for text in words for character in text} - set(words))
    return [*words.values(), *(Piece(character) for character in characters)]


def as_read(pieces: list[Piece], languages: Sequence[str]) -> list[Piece]:
    """Pieces to a reader of some languages: a word of others alone stands for nothing but itself."""

    def meanings(piece: Piece) -> set[tuple[str, str]]:
        known = {(language, concept) for language, concept in piece.meanings if language in languages}
        return known or {(UNREAD, piece.text) for _ in piece.meanings}

    return [Piece(piece.text, meanings(piece)) for piece in pieces]


def build_tokenizer() -> XLMRobertaTokenizerFast:
    """A fast tokenizer in which every word form of the lexicons is one token; other words fall back to characters."""
    scored = [(text, 0.0) for text in SPECIAL]
    scored += [(p.text, _WORD_SCORE if p.meanings else _CHARACTER_SCORE) for p in vocabulary()]
    tokenizer = Tokenizer(models.Unigram(scored, unk_id=SPECIAL.index("<unk>")))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="always"),
        ]
    )
    tokenizer.decoder = decoders.Metaspace(replacement=SPACE, prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return XLMRobertaTokenizerFast(tokenizer_object=tokenizer, model_max_length=MAX_LENGTH)


def normalized(form: str) -> str:
    """A form as the tokenizer's normaliser leaves it."""
    return unicodedata.normalize("NFKC", form)


def _word_pieces(language: str) -> Iterator[tuple[str, str]]:
    grammar = grammar_of(language)
    spaced = SPACE if language != "zh" else ""
    years = [(year, year) for year in read_lexicon("world")["kinds"]["year"]]
    for form, concept in [*grammar.forms(), *years]:
        form = normalized(form)
        capital = form[:1].upper() + form[1:]
        yield spaced + form, concept
        yield spaced + capital, concept
        if not spaced:
            # At the beginning of a text, and where words are given one by one, as for tagging.
            yield SPACE + form, concept
        if language == "es" and concept in grammar.words:
            # After an inverted question mark no space is written.
            yield capital, concept
    yield from ((".", "."), (",", ","), ("?", "?"), ("。", "."), (SPACE + "¿", "¿"))
    if not spaced:
        yield SPACE, "space"
