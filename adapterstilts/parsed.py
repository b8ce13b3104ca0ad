"""Values of parsed JSON, in the shape that is due: readers of files that others wrote ask for it here.

`as_...` looks at a value, and `get_...` at what an object has under a name; of anything else they raise ValueError. The
caller says with what text (`otherwise`), because only it knows what the value was to be.
"""

from __future__ import annotations

import math
from typing import Any, TypeVar

T = TypeVar("T")


def as_text(value: Any, otherwise: str) -> str:
    """The value, which has to be text."""
    return _shaped(value, str, otherwise)


def as_whole_number(value: Any, otherwise: str) -> int:
    """The value, which has to be a number without a decimal point."""
    return _shaped(value, int, otherwise)


def as_finite(text: str) -> float:
    """The number that a text stands for; ValueError if it is none, or not a finite one."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is not a finite number")
    return number


def as_offset(value: Any) -> int:
    """The value, which has to be a number of characters: also as text, or as the `14.0` that tables make of it."""
    try:
        number = float(str(value))
    except ValueError:
        number = 0.5
    if not number.is_integer():
        raise ValueError(f"'answer_start' is {value!r} instead of a number of characters")
    return int(number)


def as_list(value: Any, otherwise: str) -> list[Any]:
    """The value, which has to be a list."""
    return _shaped(value, list, otherwise)


def as_texts(value: Any, otherwise: str) -> list[str]:
    """The value, which has to be a list of texts."""
    return [as_text(one, otherwise) for one in as_list(value, otherwise)]


def as_object(value: Any, otherwise: str) -> dict[str, Any]:
    """The value, which has to be an object."""
    return _shaped(value, dict, otherwise)


def get_text(record: Any, name: str, otherwise: str = "") -> str:
    """The text under a name of an object."""
    return as_text(*_field(record, name, otherwise, due="text"))


def get_whole_number(record: Any, name: str, otherwise: str = "") -> int:
    """The whole number under a name of an object."""
    return as_whole_number(*_field(record, name, otherwise, due="a whole number"))


def get_list(record: Any, name: str, otherwise: str = "") -> list[Any]:
    """The list under a name of an object."""
    return as_list(*_field(record, name, otherwise, due="a list"))


def get_texts(record: Any, name: str, otherwise: str = "") -> list[str]:
    """The list of texts under a name of an object."""
    return as_texts(*_field(record, name, otherwise, due="a list of texts"))


def get_object(record: Any, name: str, otherwise: str = "") -> dict[str, Any]:
    """The object under a name of another."""
    return as_object(*_field(record, name, otherwise, due="an object"))


def _field(record: Any, name: str, otherwise: str, *, due: str) -> tuple[Any, str]:
    """What an object has under a name, if anything, and what to say where that is not `due`."""
    reason = otherwise or f"{name!r} is missing or of the wrong type: {due} is due"
    return as_object(record, reason).get(name), reason


def _shaped(value: Any, shape: type[T], otherwise: str) -> T:
    # JSON's `true` is no number, though it is Python's 1.
    if not isinstance(value, shape) or isinstance(value, bool):
        raise ValueError(otherwise)
    return value
