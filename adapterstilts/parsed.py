"""Values of parsed JSON, in the shape that is due: readers of files that others wrote ask for it here.

`as_...` looks at a value, and `get_...` at what an object has under a name; of anything else they raise ValueError. The
caller says with what text (`otherwise`), because only it knows what the value was to be.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import PurePath
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")
# Python refuses to read whole numbers of some thousand digits; none that means anything has as many as this.
_MOST_DIGITS = 100
_DEEPEST = 100
_MOST_VALUES = 1_000_000
_SHOWN = 120


def from_json(text: str | bytes, *, finite: bool = False, **hooks: Any) -> Any:
    """The value that a text is as JSON.

    Args:
        finite: Whether NaN, infinity and numbers that become it are refused too.
        hooks: Those of `json.loads`.

    Raises:
        ValueError: It is none (then a `json.JSONDecodeError`, which knows the place), is nested too deeply, or has a
            number that cannot be one.
    """
    if finite:
        hooks |= {"parse_constant": _no_number, "parse_float": as_finite}
    try:
        return json.loads(text, parse_int=whole_number, **hooks)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a finite number")


def whole_number(text: str) -> int:
    """The number that digits stand for; ValueError if there are more than any number has that means something."""
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"the number {text[:12]}… has {len(text):,} digits")
    return int(text)


def check_plain(value: Any) -> None:
    """Refuses values of a file that mean nothing as settings, whatever these are.

    Raises:
        ValueError: A number is not finite or has too many digits, lists and objects are nested too deeply, or there are
            too many values, as there can be in a small file whose parts refer to each other.
    """
    rest = _MOST_VALUES
    waiting: list[tuple[Any, int]] = [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        rest -= 1
        if depth > _DEEPEST:
            raise ValueError(f"lists and objects are nested more than {_DEEPEST} deep")
        if rest < 0:
            raise ValueError(f"there are more than {_MOST_VALUES:,} values")
        waiting += [(inner, depth + 1) for inner in _inside(one)]


def _inside(value: Any) -> Iterable[Any]:
    """What is in a list or an object; of a number that is none, ValueError."""
    match value:
        case dict():
            return [*value.keys(), *value.values()]
        case list() | tuple() | set():
            return value
        case float() if not math.isfinite(value):
            raise ValueError(f"{value} is not a finite number")
        case int() if value.bit_length() > 4 * _MOST_DIGITS:
            raise ValueError("a number has too many digits")
    return ()


def shortened(value: Any) -> str:
    """A value as a message shows it: not more of it than says which one it is."""
    try:
        text = repr(str(value) if isinstance(value, PurePath) else value)
    except (RecursionError, ValueError):  # nested without end, or a number of thousands of digits
        return f"a {type(value).__name__} that is too long to show"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


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
