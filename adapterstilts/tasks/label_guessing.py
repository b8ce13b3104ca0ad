"""What a column of labels looks like: a label a row, several, or numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_SEPARATORS = ("|", ";", ",")
# Fewer different numbers can be the steps of a scale, of which each is a class.
_NUMBERS = 10
_WITH_COMMA = re.compile(r"[+-]?(\d+)(?:,(\d+))?")


@dataclass(frozen=True)
class LabelGuess:
    """How labels are read.

    Attributes:
        why: What they look like, to be shown.
        options: Options of the kind that follow from it.
        separator: What stands between the labels of one row, where they are one text.
    """

    why: str
    options: Mapping[str, Any] = field(default_factory=dict)
    separator: str | None = None


def guess_labels(values: Sequence[Any], told: Mapping[str, Any]) -> LabelGuess | None:
    """What the values of a column of labels look like; None where each is a label, of which nothing has to be said.

    Args:
        told: Options that the user has given, against which nothing is guessed.
    """
    if told.get("regression"):
        return LabelGuess("numbers, as you said")
    said = told.get("multi_label")
    if said is not False and any(isinstance(value, list) for value in values):
        return LabelGuess("lists of labels: multi_label=true", {"multi_label": True})
    texts = list(dict.fromkeys(str(value).strip() for value in values))
    if said:
        found = next((one for one in _SEPARATORS if any(one in text for text in texts)), _SEPARATORS[0])
        return LabelGuess(f"several labels, split at {found!r}", {}, found)
    if said is None and told.get("regression") is None and have_commas_for_points(texts):
        why = "numbers with a comma for the point: regression=true; if each is several labels, say multi_label=true"
        return LabelGuess(why, {"regression": True})
    if said is None and (separator := separator_of(texts)):
        why = f"several labels, split at {separator!r}: multi_label=true; if each is one, say multi_label=false"
        return LabelGuess(why, {"multi_label": True}, separator)
    if told.get("regression") is None and are_measures(texts):
        why = "many different numbers that are not whole: regression=true; if each is a class, say regression=false"
        return LabelGuess(why, {"regression": True})
    return None


def separator_of(texts: Sequence[str]) -> str | None:
    """What stands between the labels of one row, if several are in some: then the parts come again in other rows."""
    distinct = set(texts)
    for separator in _SEPARATORS:
        cells = [set(parts_of(text, separator)) for text in distinct]
        parts = set().union(*cells)
        repeated = sum(map(len, cells)) > len(parts)
        if any(len(cell) > 1 for cell in cells) and len(parts) <= len(distinct) and repeated:
            return separator
    return None


def parts_of(text: str, separator: str) -> list[str]:
    """The labels of one row."""
    return [part.strip() for part in text.split(separator) if part.strip()]


def have_commas_for_points(texts: Sequence[str]) -> bool:
    """Whether all are numbers, many of them different and written as 3,5; parts of labels would not be 0 or equal."""
    parts = [found.groups() for text in texts if (found := _WITH_COMMA.fullmatch(text))]
    pairs = {(whole, rest) for whole, rest in parts if rest is not None}
    odd = any(rest.startswith("0") or rest == whole for whole, rest in pairs)
    return len(parts) == len(texts) and len(pairs) >= _NUMBERS and odd


def are_measures(texts: Sequence[str]) -> bool:
    """Whether all are numbers, many of them different and not whole."""
    try:
        numbers = {float(text) for text in texts}
    except ValueError:
        return False
    return sum(not number.is_integer() for number in numbers) >= _NUMBERS
