"""Types of options that a string can stand for, as on the command line."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from os import PathLike, fspath
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from adapterstilts.declared import OrPath
from adapterstilts.errors import UsageError, unknown
from adapterstilts.languages import canonical, is_several
from adapterstilts.remote_files import is_url
from adapterstilts.settings import ONE_IS_A_LIST

ALL = "all"
"""What stands for every name that there can be, in options that take several."""


_URL = r"(?:[\w+.-]+::)*[A-Za-z][\w+.-]*://"
_PATHS = re.compile(rf"{_URL}.*?(?={os.pathsep}(?:[/.~]|{_URL})|{os.pathsep}?$)|[^{os.pathsep}]+")


def split_paths(text: str) -> list[str]:
    """The paths and URLs of a text that has them as `PATH` does.

    A URL, which can have `:` in it, ends where a path begins with `/`, `.` or `~`, or another URL does.
    """
    return _PATHS.findall(text)


def at_home(text: str) -> str:
    """A path with the home folder in the place of `~`, which shells leave in `--store=~/runs` and after commas."""
    return str(Path(text).expanduser()) if text == "~" or text.startswith("~/") else text


def _folder_or_url(given: Path | str) -> Path | str:
    return str(given) if is_url(str(given)) else Path(given)


def _local(given: Path | None) -> Path | None:
    if given is not None and re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", given.as_posix()):  # a path has one of both slashes
        raise ValueError("It is a URL, and nothing is written there; give a folder (--read-store reads other stores)")
    return given


LOCAL = AfterValidator(_local)
"""Of a path that is written to: it is no URL, which would be taken for a folder beside the others."""


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


def _counts(given: Any) -> Any:
    """Name to numbers, from `NAME=N,N,NAME=N`, numbers alone, or several of these; what has no name is for `ALL`."""
    if isinstance(given, Mapping):
        return {name: _one_or_several(value) for name, value in given.items()}
    found: dict[str, list[Any]] = {}
    for part in _one_or_several(given):
        name = ALL
        for text in str(part).split(","):
            before, assigned, value = text.strip().rpartition("=")
            name = before.strip() if assigned else name
            if not name or not value.strip().isdigit():
                raise ValueError("It is not of the form NAME=N,N with whole numbers")
            found.setdefault(name, []).append(value.strip())
    return found


def _one_or_several(given: Any) -> Any:
    """Several values, of which one may stand without a list around it."""
    return (given,) if isinstance(given, str | int | float) else given


def _distinct(given: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    for name, counts in given.items():
        if not counts or min(counts) < 1:
            raise ValueError(f"{name} needs numbers above 0")
        if repeated := [count for count in counts if counts.count(count) > 1]:
            raise ValueError(f"{name}={repeated[0]} is given twice")
    return {name: tuple(sorted(counts)) for name, counts in given.items()}


def _as_names(given: Any) -> Any:
    """Names of text with commas, of one path, or of a list of either."""
    match given:
        case str():
            return _names(given)
        case PathLike():
            return (fspath(given),)
        case list() | tuple():
            return tuple(fspath(one) if hasattr(one, "__fspath__") else one for one in given)
    return given


Names = Annotated[tuple[str, ...], BeforeValidator(_as_names)]
"""Several names; in one string they are separated by commas."""

PathNames = Annotated[Names, OrPath(), AfterValidator(lambda names: tuple(map(at_home, names)))]
"""Several names, of which each can be a path."""

LanguageName = Annotated[str, AfterValidator(canonical)]
"""A language, however its tag is written."""


def _tags(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name if is_several(name) else canonical(name) for name in names)


LanguageNames = Annotated[Names, AfterValidator(_tags)]
"""Languages, pairs, groups of them, and with `-` those that are left out, likewise."""

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


def _kind_options(given: Any) -> Any:
    """Refuses a list, whose commas would be read as those between options; what is given as a mapping is not split."""
    if isinstance(given, str) and "[" in given:
        raise ValueError(
            "A list cannot be given here; write the task down with `astilts tasks new NAME --option labels=[A,B]` or "
            "--save-task NAME, and say it in its task.yaml"
        )
    return given


Assignments = Annotated[dict[str, str], _from_text(_assignments)]
"""Names with a value each; in one string `NAME=VALUE,NAME=VALUE`."""


KindOptions = Annotated[Assignments, BeforeValidator(_kind_options)]
"""Options of a kind of tasks, likewise."""


def _scheduler_options(given: Any) -> Any:
    """Name to value, from `NAME=VALUE`, or `NAME` alone, or several of these."""
    if hasattr(given, "items"):
        return given
    pairs = [str(one).strip().lstrip("-").partition("=") for one in _one_or_several(given)]
    found = {name: value for name, _, value in pairs}
    if not all(found) or len(found) < len(pairs):
        raise ValueError("It is not of the form KEY or KEY=VALUE with each key once")
    return found


SchedulerOptions = Annotated[dict[str, str], BeforeValidator(_scheduler_options)]
"""Options of a program, each `NAME=VALUE` or `NAME` alone; a value may have commas."""

_BY_LANGUAGE = AfterValidator(lambda given: {canonical(name): value for name, value in given.items()})


def _with_language(given: Any) -> Any:
    """Refuses a file whose language is not said, in words of its own."""
    if isinstance(given, str) and "=" not in given and "." in given:
        raise ValueError(f"It is not said in which language the file is; write it first, as de={given}")
    return given


def _paths(given: Any) -> Any:
    found = _assignments(given) if isinstance(given, str) else given
    if not isinstance(found, Mapping):
        return found
    given = {name: fspath(path) if isinstance(path, PathLike) else path for name, path in found.items()}
    return {name: at_home(path) if isinstance(path, str) else path for name, path in given.items()}


Files = Annotated[dict[str, str], OrPath(), BeforeValidator(_paths)]
"""Names with a path each, likewise."""

LanguageFiles = Annotated[Files, _BY_LANGUAGE]
"""Languages with a path each, likewise."""

RowFiles = Annotated[LanguageFiles, BeforeValidator(_with_language)]
"""Languages with a file of rows each, likewise."""

Weights = Annotated[dict[str, float], _from_text(_assignments)]
"""Names with a number each, likewise."""

Counts = Annotated[dict[str, tuple[int, ...]], BeforeValidator(_counts), AfterValidator(_distinct)]
"""Names with one or more numbers above 0 each; in one string `NAME=N,N,NAME=N`, or numbers that are for all names."""

LanguageCounts = Annotated[Counts, _BY_LANGUAGE]
"""Languages with one or more numbers each, likewise."""

Layer = Annotated[int | str, _from_text(lambda given: int(given) if given.isdigit() else given)]
"""A layer's number, or in a string its place in the backbone's depth, such as `14/24`."""

PathText = Annotated[
    str, OrPath(), BeforeValidator(lambda given: fspath(given) if isinstance(given, PathLike) else given)
]
"""A path, or a word that stands for something else."""

Folders = Annotated[tuple[Path, ...], ONE_IS_A_LIST]
"""Folders, or one alone."""

Places = Annotated[
    tuple[Path | str, ...], ONE_IS_A_LIST, AfterValidator(lambda given: tuple(map(_folder_or_url, given)))
]
"""Folders or URLs, or one alone."""
