"""The registry of record functions, and how they look at a record's fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from adapterstilts.data.formats.files import check_unicode
from adapterstilts.parsed import as_text, as_whole_number, get_list, get_object
from adapterstilts.registry import Registry

Record: TypeAlias = Mapping[str, Any]
Row: TypeAlias = dict[str, Any]

RECORDS: Registry[Callable[[Record, str], Row | list[Row]]] = Registry("record function")


def is_hidden(value: Any) -> bool:
    """Whether a value is one that releases have in the place of labels that they keep to themselves."""
    return value is None or str(value).strip() in ("", "-1")


def text_of(record: Record, *names: str, may_be_empty: bool = False) -> str:
    """The text under the first of `names` that the record has.

    Raises:
        ValueError: It is missing, empty, not text or not valid UTF-8.
    """
    name = next((name for name in names if name in record), names[0])
    value = record.get(name)
    if value is None:
        raise ValueError(f"{name!r} is missing")
    text = as_text(value, f"{name!r} is not text but {value!r}")
    check_unicode(text)
    if not may_be_empty and not text.strip():
        raise ValueError(f"{name!r} is empty")
    return text


def columns_of(record: Record, name: str, **columns: str) -> list[list[Any]]:
    """The lists, of equal length, that the object under `name` has.

    Args:
        columns: The names of the lists, each to what it is called in an error.

    Raises:
        ValueError: One of them is not there, or longer than another.
    """
    reason = f"{name!r} is missing, or its {' and '.join(columns.values())} do not correspond"
    inner = get_object(record, name, reason)
    found = [get_list(inner, column, reason) for column in columns]
    if len(set(map(len, found))) > 1:
        raise ValueError(reason)
    return found


def index_of(value: Any, count: int, *, first: int = 0) -> int:
    """A position from 0 to `count - 1`, from a number or its digits; -1 for a hidden one.

    Args:
        first: What the release calls position 0.

    Raises:
        ValueError: It is not such a number.
    """
    if is_hidden(value):
        return -1
    digits = str(value).strip()
    if not (digits.isascii() and digits.isdigit()) or not first <= int(digits) < first + count:
        raise ValueError(f"the label {value!r} is not a number from {first} to {first + count - 1}")
    return int(digits) - first


def name_of(value: Any, names: Sequence[str]) -> str:
    """The label that a Hub number or a release's own name stands for; empty for a hidden one.

    Raises:
        ValueError: It is neither a position in `names` nor one of them.
    """
    if is_hidden(value):
        return ""
    if isinstance(value, str) and value.strip() in names:
        return value.strip()
    number = as_whole_number(value, f"the label {value!r} is not one of {', '.join(names)}")
    return names[index_of(number, len(names))]
