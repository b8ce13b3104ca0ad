"""Which texts of a row are translated, sentence by sentence, and the row that their translations make.

Models for translation are trained on sentences, and read a few hundred tokens at most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from adapterstilts.data.formats.sentences import sentence_breaks
from adapterstilts.data.translation.markers import Lost, mark, unmark
from adapterstilts.errors import UsageError
from adapterstilts.tasks.kind import Kind
from adapterstilts.tasks.recipe import Recipe

Into = Callable[[str], str]
"""One sentence into the other language."""

Row = Mapping[str, Any]

# Written without white space between sentences.
_UNSPACED = frozenset(("ja", "my", "th", "zh"))
_EMPTY = "the translation of a text is empty"


def translate_row(kind: Kind, row: Row, into: Into, *, language: str) -> dict[str, Any]:
    """The row in another language, with the same id and label.

    Of several answers to a question the first is kept, which is the one that is trained on.

    Args:
        language: The language that `into` gives.

    Raises:
        Lost: A text has no translation, or the answer is not to be found in it.
    """
    return {**row, **_FORMS[kind.name](kind, row, into, language), "language": language}


def needed_texts(kind: Kind, row: Row, *, language: str) -> list[str]:
    """The sentences that `translate_row` will ask for.

    Raises:
        Lost: The row cannot be translated at all.
    """
    asked: list[str] = []

    def remember(text: str) -> str:
        asked.append(text)
        return text

    translate_row(kind, row, remember, language=language)
    return asked


def source_texts(row: Row) -> dict[str, Any]:
    """The texts of a row of any kind that can be translated, by column."""
    return {name: row[name] for name in ("context", "question", "text_a", "text_b", "choices") if name in row}


def check_translatable(task: Recipe) -> None:
    """Refuses tasks whose labels do not survive a translation.

    Raises:
        UsageError: See above.
    """
    if task.kind in _FORMS:
        return
    raise UsageError(
        f"{task.name} cannot be translated: {REASONS[task.kind]}.",
        remedy=f"Tasks of the kinds {', '.join(sorted(_FORMS))} can.",
    )


REASONS = {
    "tagging": "it has a tag for each word, and the words of a translation are others, in another order",
    "masked_lm": "it is plain text, of which every language has its own (`astilts train-language` trains on it)",
    "retrieval": "what it looks for is the translation, or an entry that exists in each language already",
}


def _pair(kind: Kind, row: Row, into: Into, language: str) -> dict[str, Any]:
    return {name: _whole(row[name], into, language) for name in ("text_a", "text_b")}


def _choices(kind: Kind, row: Row, into: Into, language: str) -> dict[str, Any]:
    # Some questions are key words, which stand for a text that the recipe has.
    key = row["question"] in getattr(kind.options, "prompts", {})
    return {
        "context": _whole(row["context"], into, language),
        "question": row["question"] if key else _whole(row["question"], into, language),
        "choices": [_whole(choice, into, language) for choice in row["choices"]],
    }


def _span(kind: Kind, row: Row, into: Into, language: str) -> dict[str, Any]:
    found = {"question": _whole(row["question"], into, language)}
    if not row["answers"]["text"]:
        return {**found, "context": _whole(row["context"], into, language)}
    start = row["answers"]["answer_start"][0]
    context, begin, end = _with_span(row["context"], start, start + len(row["answers"]["text"][0]), into, language)
    return {**found, "context": context, "answers": {"text": [context[begin:end]], "answer_start": [begin]}}


def _whole(text: str, into: Into, language: str) -> str:
    """All sentences of a text; an empty text stays empty."""
    return _gap(language).join(_one(text[start:end], into) for start, end in sentence_breaks(text))


def _with_span(text: str, start: int, end: int, into: Into, language: str) -> tuple[str, int, int]:
    """A text and where the characters from `start` to `end` are in its translation.

    Only the sentences that have them are translated with marks. The others are the same for all questions on a text.
    """
    breaks = sentence_breaks(text)
    over = [number for number, (first, last) in enumerate(breaks) if first < end and last > start]
    if not over:
        raise Lost("the answer is white space")
    first, last = breaks[over[0]][0], breaks[over[-1]][1]
    marked, pair = mark(text[first:last], max(start - first, 0), min(end, last) - first)
    middle, begin, stop = unmark(_one(marked, into), pair)
    before = [_one(text[one:other], into) for one, other in breaks[: over[0]]]
    after = [_one(text[one:other], into) for one, other in breaks[over[-1] + 1 :]]
    offset = sum(len(part) + len(_gap(language)) for part in before)
    return _gap(language).join([*before, middle, *after]), offset + begin, offset + stop


def _one(sentence: str, into: Into) -> str:
    found = into(sentence).strip()
    if not found:
        raise Lost(_EMPTY)
    return found


def _gap(language: str) -> str:
    return "" if language in _UNSPACED else " "


_FORMS: dict[str, Callable[[Kind, Row, Into, str], dict[str, Any]]] = {
    "pair_classification": _pair,
    "multiple_choice": _choices,
    "span_qa": _span,
}
