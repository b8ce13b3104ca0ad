"""Flags about one's own data where a command is given several: `b.csv:team` is about that one, `team` about all."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from adapterstilts.commands.options.own import OwnDataOptions
from adapterstilts.declared import declared_by
from adapterstilts.errors import UsageError

# Flags whose value can hold for one alone.
_OF_ONE = ("test", "validation", "save_task")
_ALL = ""


def scoped(options: OwnDataOptions, names: Sequence[str]) -> dict[str, OwnDataOptions]:
    """What the flags say of each of one's own data.

    Args:
        names: The data as the command has them.

    Raises:
        UsageError: A flag that can be about one alone does not say about which.
    """
    found: dict[str, dict[str, Any]] = {name: {} for name in names}
    for field, one in declared_by(OwnDataOptions).items():
        value = getattr(options, field)
        if value in (None, one.default):
            continue
        own = _parts(value, names)
        if len(names) > 1 and field in _OF_ONE and _ALL in own:
            raise UsageError(
                f"{one.spelled} does not say which of {', '.join(names)} it is about.",
                remedy=f"Say so before it: {one.spelled} {names[0]}:{_example(value)}.",
            )
        for name in names:
            found[name][field] = own.get(name, own.get(_ALL, one.default))
    return {name: options.model_copy(update=own) for name, own in found.items()}


def _parts(value: Any, names: Sequence[str]) -> dict[str, Any]:
    """A value by the data that it is about; that about all of them under an empty name."""
    match value:
        case str():
            parts = value.split(",")
            if not any(_named(part, names)[0] for part in parts):
                return {_ALL: value}
            if not all(_named(part, names)[1] for part in parts):  # a delimiter that is a comma
                parts = re.split(f",(?=(?:{'|'.join(map(re.escape, names))}):)", value)
            read = [_named(part, names) for part in parts]
            own = dict(read)
            if len(own) < len(read) or (_ALL in own and len(own) > len(names)):
                raise UsageError(
                    f"{value!r} says more than one thing of one of {', '.join(names)}, or of none of them."
                )
            return own
        case Mapping():
            found: dict[str, dict[str, Any]] = {}
            for key, one in value.items():
                name, rest = _named(key, names)
                found.setdefault(name, {})[rest] = one
            return {name: {**found.get(_ALL, {}), **one} for name, one in found.items()}
    several: dict[str, list[Any]] = {}
    current = _ALL
    for part in value:
        name, rest = _named(part, names)
        current = name or current
        several.setdefault(current, []).append(rest)
    return {name: tuple(one) for name, one in several.items()}


def _named(text: str, names: Sequence[str]) -> tuple[str, str]:
    """Which of the data stand before a text, and what follows them; the longest name where one begins another."""
    own = max((name for name in names if text.startswith(f"{name}:")), key=len, default=_ALL)
    return own, text[len(own) + 1 :] if own else text


def _example(value: Any) -> str:
    if isinstance(value, Mapping):
        return "=".join(next(iter(value.items())))
    return str(value)
