"""Reading JSON that a stranger wrote: any of it can be wrong, and all that is wrong is an error that names the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

from adapterstilts.errors import SharingError

_MOST_BYTES = 4 << 20
_REMEDY = "It is not what its name says; get the folder again from where it came from."


def read_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        SharingError: The file is not there, too large, no JSON, or holds something else than one object.
    """
    try:
        size = path.stat().st_size
        if size > _MOST_BYTES:
            raise SharingError(f"{path} has {size:,} bytes, where {_MOST_BYTES:,} are the most.", remedy=_REMEDY)
        content = path.read_bytes()
    except OSError as error:
        raise SharingError(f"{path} cannot be read ({error.strerror}).", remedy=_REMEDY) from error
    return parse_object(content, what=str(path))


def parse_object(content: bytes, *, what: str) -> dict[str, Any]:
    """The object that is written as JSON, without names that occur twice and numbers that are none.

    Raises:
        SharingError: See above.
    """
    try:
        value = json.loads(content.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)
    except RecursionError:
        raise SharingError(f"{what} is nested too deeply.", remedy=_REMEDY) from None
    except ValueError as error:
        raise SharingError(f"{what} is not JSON ({error}).", remedy=_REMEDY) from error
    if type(value) is not dict:
        raise SharingError(f"{what} is {type(value).__name__} where an object is due.", remedy=_REMEDY)
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name occurs twice")
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")
