"""The registry of record functions, and how they look at a record's fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from adapterstilts.data.formats.files import check_unicode
from adapterstilts.registry import Registry, shared_registry

Record: TypeAlias = Mapping[str, Any]
Row: TypeAlias = dict[str, Any]

RECORDS: Registry[Callable[[Record, str], Row | list[Row]]] = shared_registry("record function")

HIDDEN = "the label is not published"


def text_of(record: Record, *names: str, may_be_empty: bool = False) -> str:
    """The text under the first of `names` that the record has.

    Raises:
        ValueError: It is missing, empty, not text or not valid UTF-8.
    """
    name = next((name for name in names if name in record), names[0])
    value = record.get(name)
    if value is None:
        raise ValueError(f"{name!r} is missing")
    if not isinstance(value, str):
        raise ValueError(f"{name!r} is not text but {value!r}")
    check_unicode(value)
    if not may_be_empty and not value.strip():
        raise ValueError(f"{name!r} is empty")
    return value


def index_of(value: Any, count: int, *, first: int = 0) -> int:
    """A position from 0 to `count - 1`, from a number or its digits.

    Args:
        first: What the release calls position 0.

    Raises:
        ValueError: It is not such a number; -1 and empty texts are what hidden labels look like.
    """
    if value in (None, "", -1, "-1"):
        raise ValueError(HIDDEN)
    digits = value.strip() if isinstance(value, str) else value
    if isinstance(digits, str) and digits.isascii() and digits.isdigit():
        digits = int(digits)
    if type(digits) is not int or not first <= digits < first + count:
        raise ValueError(f"the label {value!r} is not a number from {first} to {first + count - 1}")
    return digits - first


def name_of(value: Any, names: Sequence[str]) -> str:
    """The label that a Hub number or a release's own name stands for.

    Raises:
        ValueError: It is neither a position in `names` nor one of them.
    """
    if isinstance(value, str) and value.strip() in names:
        return value.strip()
    if type(value) is int or value in (None, ""):
        return names[index_of(value, len(names))]
    raise ValueError(f"the label {value!r} is not one of {', '.join(names)}")
