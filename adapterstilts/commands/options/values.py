"""Types of options that a string can stand for, as on the command line."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator

ALL = "all"
"""What stands for every name that there can be, in options that take several."""


def _names(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    names = tuple(name.strip() for name in given.split(","))
    if not all(names):
        raise ValueError("A name is empty")
    return names


def _assignments(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    pairs = [part.strip().partition("=") for part in given.split(",")]
    found = {name: value for name, _, value in pairs}
    if not all(name and value for name, _, value in pairs) or len(found) < len(pairs):
        raise ValueError("It is not of the form NAME=VALUE,NAME=VALUE with each name once")
    return found


def _layer(given: Any) -> Any:
    return int(given) if isinstance(given, str) and given.isdigit() else given


def _folders(given: Any) -> Any:
    return (given,) if isinstance(given, (str, PathLike)) else given


Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
"""Several names; in one string they are separated by commas."""

Assignments = Annotated[dict[str, str], BeforeValidator(_assignments)]
"""Names with a value each; in one string `NAME=VALUE,NAME=VALUE`."""

Weights = Annotated[dict[str, float], BeforeValidator(_assignments)]
"""Names with a number each, likewise."""

Layer = Annotated[int | str, BeforeValidator(_layer)]
"""A layer's number, or in a string its place in the backbone's depth, such as `14/24`."""

Folders = Annotated[tuple[Path, ...], BeforeValidator(_folders)]
"""Folders, or one alone."""
