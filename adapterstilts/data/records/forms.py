"""What a canonical column holds, and a value of a table as that: text, a number, a list of these, or an object."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any

from adapterstilts.data.formats.files import check_unicode


class Form(Enum):
    """What a feature of `datasets` holds."""

    TEXT = "text"
    WHOLE_NUMBER = "whole number"
    NUMBER = "number"
    LIST = "list"
    OBJECT = "object"


_BY_TYPE = {"s": Form.TEXT, "i": Form.WHOLE_NUMBER, "u": Form.WHOLE_NUMBER, "f": Form.NUMBER}


def form_of(feature: Any) -> Form:
    """The form of a canonical column, a feature of `datasets.Features`."""
    from datasets import LargeList, List

    if isinstance(feature, Mapping):
        return Form.OBJECT
    return Form.LIST if isinstance(feature, (List, LargeList)) else _BY_TYPE[feature.dtype[0]]


def reader(feature: Any) -> Callable[[Any], Any]:
    """The function from a value of a table to what the column holds; it raises ValueError for another value."""
    form = form_of(feature)
    if form is Form.OBJECT:
        inner = {name: reader(one) for name, one in feature.items()}
        return lambda value: _object(value, inner)
    if form is Form.LIST:
        each = _one_text if form_of(feature.feature) is Form.TEXT else reader(feature.feature)
        return lambda value: [each(one) for one in _list(value)]
    return {Form.TEXT: _text, Form.WHOLE_NUMBER: _whole_number, Form.NUMBER: _number}[form]


def as_number(value: Any) -> float:
    """A number, or the one that a text stands for; ValueError if it is neither."""
    reason = f"is not a number but {value!r}"
    if isinstance(value, bool):
        raise ValueError(reason)
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(reason) from None


def _object(value: Any, readers: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not readers.keys() <= value.keys():
        raise ValueError(f"is not an object with {', '.join(readers)} but {value!r}")
    return {name: read(value[name]) for name, read in readers.items()}


def _list(value: Any) -> Iterable[Any]:
    """A list, or the words of a text."""
    if isinstance(value, str):
        return value.split()
    if not isinstance(value, list | tuple):
        raise ValueError(f"is not a list but {value!r}")
    return value


def _text(value: Any) -> str:
    """Text, a number as text, or several with a space between them."""
    return " ".join(part for one in value if (part := _text(one))) if isinstance(value, list) else _one_text(value)


def _one_text(value: Any) -> str:
    if not isinstance(value, str | int | float) or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError(f"is not text but {value!r}")
    text = str(value)
    check_unicode(text)
    return text


def _whole_number(value: Any) -> int:
    number = _number(value)
    if not number.is_integer():
        raise ValueError(f"is not a whole number but {value!r}")
    return int(number)


def _number(value: Any) -> float:
    number = as_number(value)
    if not math.isfinite(number):
        raise ValueError(f"is not a number but {value!r}")
    return number
