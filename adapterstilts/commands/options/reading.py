"""From keywords or flags, and the environment, to options."""

from __future__ import annotations

import errno
import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from pathlib import Path, PurePath
from typing import Any, TypeVar

from adapterstilts.commands.options.values import at_home, split_paths
from adapterstilts.declared import Declared, declared_by
from adapterstilts.errors import UsageError, unknown
from adapterstilts.parsed import shortened
from adapterstilts.settings import Strict, validate

Options = TypeVar("Options", bound=Strict)


def read_options(model: type[Options], keywords: Mapping[str, Any]) -> Options:
    """The options of one model, as `read_all`."""
    (options,) = read_all([model], keywords)
    return options


def read_all(
    models: Sequence[type[Strict]],
    keywords: Mapping[str, Any],
    *,
    spelled: Callable[[Declared], str] = attrgetter("name"),
) -> list[Any]:
    """An instance of each model from the keywords of all of them, and from the environment what they leave out.

    Args:
        keywords: Name to value; None stands for "not given".
        spelled: What a field is called where the keywords come from, for messages.

    Raises:
        UsageError: A keyword is unknown or missing, or has a value of the wrong type.
    """
    given = {name: value for name, value in keywords.items() if value is not None}
    known = declared_by(*models)
    for name in given:
        if name not in known:
            raise unknown("option", name, known)
    return [_read(model, given, spelled) for model in models]


def _read(model: type[Options], given: Mapping[str, Any], spelled: Callable[[Declared], str]) -> Options:
    fields = declared_by(model)
    environment = {name: value for name, value in map(_from_environment, fields.values()) if value}
    values = {**environment, **{name: given[name] for name in fields if name in given}}
    values = {name: _at_home(value) if _is_path(fields[name]) else value for name, value in values.items()}
    called = {name: spelled(one) for name, one in fields.items()}
    called |= {name: str(fields[name].flag.env) for name in environment.keys() - given.keys()}
    for name, one in fields.items():
        if one.required and name not in values:
            raise UsageError(f"{called[name]} is missing.", remedy=f"Give it: {one.text}")

    def name_of(key: str) -> str:
        return called.get(key, key)

    # Keys of a mapping are validated as what they will be, and only those that are given are kept.
    nested: dict[str, dict[str, Any]] = defaultdict(dict)
    for name in [name for name in values if fields[name].within]:
        checked = validate(fields[name].owner, {name: values.pop(name)}, spelled=name_of)
        nested[str(fields[name].within)][name] = getattr(checked, name)
    found = validate(model, {**values, **nested}, spelled=name_of)
    for name, one in fields.items():
        if (one.form is Path or one.is_paths) and (value := getattr(found, name, None)) is not None:
            for path in value if one.is_paths else (value,):
                if isinstance(path, Path):
                    _check_path(path, name_of(name))
    return found


def _is_path(one: Declared) -> bool:
    return one.form is Path or one.is_paths or (one.or_path and one.form is str)


def _at_home(given: Any) -> Any:
    """Paths of an option, or several of them, with the home folder in the place of `~`."""
    match given:
        case str():
            return at_home(given)
        case PurePath():
            return type(given)(at_home(str(given)))
        case list() | tuple():
            return type(given)(map(_at_home, given))
    return given


# What is written below a folder has names of about this length.
_BELOW = Path("x" * 200, "x" * 50)


def _check_path(path: Path, called: str) -> None:
    """Refuses a path that no file system takes, before anything else is done.

    Raises:
        UsageError: It is too long, has a zero byte, or is a link that leads back to itself.
    """
    try:
        os.lstat(path / _BELOW)
    except ValueError as error:
        raise UsageError(f"{called} {shortened(str(path))}: {error}.", remedy="Give a plain path.") from None
    except OSError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
            reason = f"{called} {shortened(str(path))} cannot be used ({error.strerror})."
            raise UsageError(reason, remedy="Give a shorter path, or one without links that lead back.") from None


def _from_environment(one: Declared) -> tuple[str, str | list[str] | None]:
    """A field's name and what its variable says, None if nothing."""
    text = os.environ.get(one.flag.env) if one.flag.env else None
    if text and one.is_paths:
        return one.name, split_paths(text)
    return one.name, text
