"""Types of options that a string can stand for, as on the command line."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from os import PathLike, fspath
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from adapterstilts.errors import UsageError, unknown
from adapterstilts.settings import ONE_IS_A_LIST

ALL = "all"
"""What stands for every name that there can be, in options that take several."""


def _from_text(read: Callable[[str], Any]) -> BeforeValidator:
    """Before a type whose values may also be given as text, which `read` makes one of."""
    return BeforeValidator(lambda given: read(given) if isinstance(given, str) else given)


def _names(given: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in given.split(","))
    if not all(names):
        raise ValueError("A name is empty")
    return names


def _assignments(given: str) -> dict[str, str]:
    pairs = [part.strip().partition("=") for part in given.split(",")]
    found = {name: value for name, _, value in pairs}
    if not all(name and value for name, _, value in pairs) or len(found) < len(pairs):
        raise ValueError("It is not of the form NAME=VALUE,NAME=VALUE with each name once")
    return found


Names = Annotated[tuple[str, ...], _from_text(_names)]
"""Several names; in one string they are separated by commas."""

TRACKERS = ("tensorboard", "wandb", "mlflow")


def _trackers(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name not in TRACKERS:
            raise unknown("tracker", name, TRACKERS)
        if find_spec(name) is None:
            raise UsageError(f"--report-to {name}: that package is not installed.", remedy=f"Run `pip install {name}`.")
    return names


Trackers = Annotated[Names, AfterValidator(_trackers)]
"""Names of installed trackers."""

Assignments = Annotated[dict[str, str], _from_text(_assignments)]
"""Names with a value each; in one string `NAME=VALUE,NAME=VALUE`."""

Weights = Annotated[dict[str, float], _from_text(_assignments)]
"""Names with a number each, likewise."""

Layer = Annotated[int | str, _from_text(lambda given: int(given) if given.isdigit() else given)]
"""A layer's number, or in a string its place in the backbone's depth, such as `14/24`."""

PathText = Annotated[str, BeforeValidator(lambda given: fspath(given) if isinstance(given, PathLike) else given)]
"""A path, or a word that stands for something else."""

Folders = Annotated[tuple[Path, ...], ONE_IS_A_LIST]
"""Folders, or one alone."""
