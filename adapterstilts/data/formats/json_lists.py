"""A JSON list, value by value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from adapterstilts.data.formats.blocks import BLOCK, UTF8, Window, text_blocks, too_long
from adapterstilts.data.formats.files import not_json
from adapterstilts.data.formats.packed import refuse_blank
from adapterstilts.errors import DataError
from adapterstilts.parsed import from_json, whole_number

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder(parse_int=whole_number)


def json_list(path: Path, encoding: str = UTF8, *, size: int = BLOCK) -> Iterator[Any]:
    """The values of a list, read as they are asked for.

    Args:
        size: Bytes that are read at once.

    Raises:
        DataError: The file is not a JSON list; the message names line and column.
    """
    refuse_blank(path)
    window = Window(text_blocks(path, encoding, size=size))
    at = _begin(window, path)
    number, prefix = 0, "["
    while True:
        try:
            found = _value(window.text, at, empty=number == 0)
        except ValueError as error:
            raise DataError(f"{path}: object {number}: {error}.", remedy="Check the file there.") from None
        if found is None:
            if window.final or window.is_full(at):
                raise _wrong(window, at, prefix, path, f"object {number}")
            window.read_on(at)
            at = 0
            continue
        values, at, closed = found
        yield from values
        if closed:
            break
        number, prefix = number + 1, "[0,"
    _check_end(window, at, path)


def _begin(window: Window, path: Path) -> int:
    """Where the first value begins."""
    at = 0
    while not window.final and at == len(window.text):
        window.read_on(at)
        at = _after_space(window.text, 0)
    if window.text[at : at + 1] == "[":
        return at + 1
    while not window.final and not window.is_full(0):
        window.read_on(0)
    try:
        if window.final:
            from_json(window.text)
    except json.JSONDecodeError as error:
        raise not_json(path, error.lineno, error.colno, error.msg) from None
    except ValueError:
        pass
    raise DataError(f"{path} is not a JSON list.", remedy="Name its format, or write one object per line.")


def _value(text: str, at: int, *, empty: bool) -> tuple[list[Any], int, bool] | None:
    """The next value, where what follows it begins, and whether nothing does; None if that is not in the text.

    Args:
        empty: Whether the list may end instead.
    """
    start = _after_space(text, at)
    if empty and text.startswith("]", start):
        return [], start + 1, True
    try:
        value, end = _DECODER.raw_decode(text, start)
    except (json.JSONDecodeError, RecursionError):
        return None
    end = _after_space(text, end)
    if text[end : end + 1] in (",", "]"):
        return [value], end + 1, text[end] == "]"
    return None


def _check_end(window: Window, at: int, path: Path) -> None:
    """Refuses anything after the list but white space."""
    while True:
        at = _after_space(window.text, at)
        if at < len(window.text):
            raise _wrong(window, at, "[0]", path, "")
        if window.final:
            return
        window.read_on(at)
        at = 0


def _wrong(window: Window, at: int, prefix: str, path: Path, where: str) -> DataError:
    """What is wrong with the text from `at` on, as Python says it of the whole.

    Args:
        prefix: What stands for all that comes before.
    """
    try:
        from_json(prefix + window.text[at:])
    except json.JSONDecodeError as error:
        found = at + error.pos - len(prefix)
        # In a part of the text, a string and what comes close to its end may only be cut off.
        cut_off = error.msg.startswith("Unterminated string") or found >= len(window.text) // 2
        if window.final or prefix.endswith("]") or not cut_off:
            return not_json(path, *window.place(found), error.msg)
    except ValueError as error:
        return DataError(f"{path}: {where}: {error}.", remedy="Check the file there.")
    return too_long(path, where, "a quotation mark or bracket may not be closed")


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
