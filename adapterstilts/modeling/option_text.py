"""Names with options, as flags write them: `NAME` or `NAME[OPTION=VALUE,OPTION=VALUE]`."""

from __future__ import annotations

import dataclasses
import json
import re
import typing
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from adapterstilts.errors import UsageError, unknown
from adapterstilts.modeling.option_bounds import check_bounds
from adapterstilts.parsed import check_plain, from_json, shortened
from adapterstilts.runs.specs import Choice

_RANGE = re.compile(r"[0-9]+-[0-9]+")
_LONGEST = 20_000
_MOST_IN_RANGE = 1000
_DIGITS = 10
_BETWEEN_OPTIONS = re.compile(r""",(?![^\[]*\])(?=(?:[^"]*"[^"]*")*[^"]*$)""")


def parse_choice(text: str, *, flag: str) -> Choice:
    """Reads a name with options.

    A value is JSON, a range of whole numbers `0-11`, several of either with `+` between them, or else plain text.

    Raises:
        UsageError: The text is not of this form.
    """
    if len(text) > _LONGEST:
        raise UsageError(f"{flag} {shortened(text)} has {len(text):,} characters.", remedy=f"Use at most {_LONGEST:,}.")
    name, bracket, inside = text.partition("[")
    if not bracket:
        return Choice(name=name)
    pairs = [pair.partition("=") for pair in _BETWEEN_OPTIONS.split(inside[:-1]) if pair]
    if not inside.endswith("]") or not pairs or any(not (key and equals) for key, equals, _ in pairs):
        raise UsageError(f"{flag} {text!r} cannot be read.", remedy="Write NAME[OPTION=VALUE,OPTION=VALUE].")
    options = {}
    for key, _, value in pairs:
        try:
            check_plain(read := _value(value.strip()))
        except ValueError as error:
            raise UsageError(
                f"{flag} {name}: {key.strip()}={shortened(value)[1:-1]}: {error}.", remedy="Write a plain value."
            ) from None
        options[key.strip()] = read
    return Choice(name=name, options=options)


def _value(text: str) -> Any:
    parts = text.split("+")
    if len(parts) == 1 and not _RANGE.fullmatch(text):
        return _single(text)
    return [one for part in parts for one in _several(part)]


def _several(text: str) -> Sequence[Any]:
    """The numbers of a range, or a value alone."""
    if not _RANGE.fullmatch(text):
        return [_single(text)]
    first, last = (int(end) if len(end) < _DIGITS else 10**_DIGITS for end in text.split("-"))
    if max(first, last) - first >= _MOST_IN_RANGE or first >= 10**_DIGITS:
        raise ValueError(f"a range has at most {_MOST_IN_RANGE:,} numbers, such as 0-{_MOST_IN_RANGE - 1}")
    return range(first, last + 1)


def _single(text: str) -> Any:
    try:
        return from_json(text, finite=True)
    except json.JSONDecodeError:
        return text


def check_options(
    config: type, options: Mapping[str, Any], *, what: str, without: Collection[str] = ()
) -> dict[str, Any]:
    """The options with the types that a library's configuration class declares for its fields.

    Args:
        config: A dataclass; a list that it wants may be given as its only element.
        what: What the options belong to, for messages.
        without: Fields that are not for users.

    Raises:
        UsageError: The class has no such field, or one of another type or range.
    """
    kinds = {name: kind for name, kind in _field_types(config).items() if name not in without}
    checked = {}
    for name, value in options.items():
        if name not in kinds:
            raise unknown(f"option of {what}", name, kinds)
        checked[name] = _typed(kinds[name], value, f"{what}: {name}")
    check_bounds(config.__name__, checked, what=what)
    return checked


def _typed(kind: Any, value: Any, where: str) -> Any:
    adapter = TypeAdapter(kind)
    reason = ""
    for candidate in (value, [value]):
        try:
            typed = adapter.validate_python(candidate)
            if type(candidate) is bool and type(typed) is not bool:
                raise ValueError("Input should be a number, not true or false")
        except ValidationError as error:
            reason = reason or error.errors()[0]["msg"]
        except ValueError as error:
            reason = reason or str(error)
        else:  # 4 stays 4 where a float is declared: it is the same option
            return candidate if typed == candidate and not isinstance(typed, bool) else typed
    raise UsageError(
        f"{where}: {reason} (given: {shortened(value)}).", remedy="Values are JSON, lists A+B, or ranges 0-11."
    )


def _field_types(config: type) -> dict[str, Any]:
    hints = typing.get_type_hints(config)
    return {field.name: hints[field.name] for field in dataclasses.fields(config) if field.init}
