"""From options back to the flags that mean them, for errors that give whole commands."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from typing import Any

from adapterstilts.declared import declared_by
from adapterstilts.settings import Strict

SHARED = (
    "profile",
    "backbone",
    "revision",
    "load_in_4bit",
    "method",
    "unfreeze_backbone",
    "data_dir",
    "tasks",
    "store",
    "read_store",
)
"""What a command has to have in common with one whose run it starts from."""


def as_flags(options: Strict, *, only: Collection[str] = ()) -> str:
    """The flags of everything that differs from its default, as a shell takes them, each with a space before it.

    Args:
        only: Names of the fields that are wanted; by default all are.
    """
    words: list[str] = []
    for name, field in declared_by(type(options)).items():
        value = getattr(options, field.within).get(name) if field.within else getattr(options, name)
        if value is None or value == field.default or (only and name not in only):
            continue
        if value is True or value is False:
            words.append(field.spelled if value else field.spelled.replace("--", "--no-", 1))
        elif field.is_paths:
            words += [word for folder in value for word in (field.spelled, str(folder))]
        elif field.flag.repeated and isinstance(value, dict):
            # Each by itself: the commas of a value are its own.
            words += [word for one in value.items() for word in (field.spelled, flag_text(dict([one])).rstrip("="))]
        else:
            words += [field.spelled, flag_text(value)]
    return "".join(f" {shlex.quote(word)}" for word in words)


def flag_text(value: Any) -> str:
    """A value as a flag is given it."""
    if isinstance(value, dict):
        return ",".join(f"{name}={flag_text(one)}" for name, one in value.items())
    if isinstance(value, tuple):
        return ",".join(map(flag_text, value))
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)
