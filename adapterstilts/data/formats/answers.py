"""Answers to questions as SQuAD's JSON and its likes have them: their forms, and in what their offsets count."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from adapterstilts.parsed import as_list, as_object, as_offset, as_text

Answer: TypeAlias = tuple[str, int]
"""Text, and where it begins in the context; an empty text is none."""

Unit: TypeAlias = Callable[[str, int], int]
"""From a context and an offset in it to the number of characters before that."""

_NO_ANSWER = "an answer lacks 'text' or 'answer_start'"
_FLAGS = {"true": True, "1": True, "false": False, "0": False, "none": None, "": None}


def answers_of(question: Mapping[str, Any], *, may_be_emptied: bool) -> list[Answer]:
    """The answers of one entry of `qas`; none where it says, in one of several ways, that there is none or not which.

    That is `is_impossible`, as true, 1 or text; no or null `answers` with it; an empty list where nothing else is said.

    Args:
        may_be_emptied: Read answers that are all empty, as a benchmark leaves them, as none.

    Raises:
        ValueError: What it says cannot be read, or contradicts itself.
    """
    impossible = _is_impossible(question)
    given = given_answers(question, needed=not impossible)
    told = [answer for answer in given if answer[0]]
    if impossible and told:
        raise ValueError(f"the question is marked impossible, and has the answer {told[0][0]!r}")
    if impossible or (impossible is None and not told and (may_be_emptied or not given)):
        return []
    if not given:
        raise ValueError("there is no answer and the question is not marked impossible")
    if not all(text.strip() for text, _ in given):
        raise ValueError("an answer is empty")
    return given


def given_answers(question: Mapping[str, Any], *, needed: bool = True) -> list[Answer]:
    """The answers of one entry of `qas` as they are there: a list of objects, or the two lists that the Hub has.

    Raises:
        ValueError: There are none although they are `needed`, or one lacks something.
    """
    value = question.get("answers")
    if value is None:
        if needed:
            raise ValueError("'answers' is missing")
        return []
    try:
        columns = as_object(value, "")
    except ValueError:
        return [
            _answer(as_object(one, _NO_ANSWER)) for one in as_list(value, "'answers' is neither a list nor an object")
        ]
    texts, starts = (as_list(columns.get(name), _NO_ANSWER) for name in ("text", "answer_start"))
    if len(texts) != len(starts):
        raise ValueError(f"'answers' has {len(texts)} texts and {len(starts)} offsets")
    return [_answer({"text": text, "answer_start": start}) for text, start in zip(texts, starts, strict=True)]


def _answer(one: Mapping[str, Any]) -> Answer:
    if "text" not in one:
        raise ValueError(_NO_ANSWER)
    text = as_text(one["text"] or "", _NO_ANSWER)
    if text and "answer_start" not in one:
        raise ValueError(_NO_ANSWER)
    return text, as_offset(one["answer_start"]) if text else 0


def _is_impossible(question: Mapping[str, Any]) -> bool | None:
    """What a question says of it, None if nothing."""
    value = question.get("is_impossible")
    name = str(value).strip().lower()
    if name not in _FLAGS:
        raise ValueError(f"'is_impossible' is {value!r} instead of true or false")
    return _FLAGS[name]


def characters(context: str, start: int) -> int:
    """Offsets that count characters, as they should."""
    return start


def utf16_units(context: str, start: int) -> int:
    """Those of annotation tools in JavaScript or Java, where an emoji counts twice."""
    return len(context.encode("utf-16-le", "replace")[: 2 * max(start, 0)].decode("utf-16-le", "ignore"))


def utf8_bytes(context: str, start: int) -> int:
    """Those of tools that look at the bytes of a text."""
    return len(context.encode("utf-8", "replace")[: max(start, 0)].decode("utf-8", "ignore"))


def unit_of(answers: Iterable[tuple[str, Answer]]) -> Unit:
    """In what the offsets of a document count: in characters, unless some answers are only found by another unit,
    and none by characters alone.

    Args:
        answers: Context and answer of each.
    """
    there = [(context, *answer) for context, answer in answers if answer[0] and not context.isascii()]
    right = [one for one in there if _is_at(*one, characters)]
    astray = [one for one in there if not _is_at(*one, characters)] if len(right) < len(there) else []
    for unit in (utf16_units, utf8_bytes):
        found = any(_is_at(*one, unit) for one in astray)
        if found and all(_is_at(*one, unit) for one in right):
            return unit
    return characters


def _is_at(context: str, text: str, start: int, unit: Unit) -> bool:
    return start >= 0 and context.startswith(text, unit(context, start))
