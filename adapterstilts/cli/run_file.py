"""Commands as files: a mapping of options, of which the key `command` says whose they are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from adapterstilts.errors import UsageError, unknown

COMMAND = "command"


def read_commands(path: Path, root: click.Group) -> list[list[str]]:
    """The words of each command of a YAML or JSON file, which may have several documents.

    Raises:
        UsageError: The file cannot be read, or a document names no command, or an option that it does not have.
    """
    import yaml

    try:
        documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = str(error).replace("\n", " ")
        raise UsageError(f"{path} cannot be read: {reason}.", remedy="Give a file of YAML or JSON.") from None
    found = []
    for number, document in enumerate(documents, start=1):
        where = str(path) if len(documents) == 1 else f"{path}, document {number}"
        if not isinstance(document, Mapping) or not isinstance(document.get(COMMAND), str):
            raise UsageError(
                f"{where} names no command.", remedy="Give a mapping of options with e.g. `command: transfer`."
            )
        found.append(_words(document, root, where))
    return found


def _words(document: Mapping[str, Any], root: click.Group, where: str) -> list[str]:
    names = document[COMMAND].split()
    command: click.Command = root
    for name in names:
        group = command
        context = click.Context(group)
        inner = group.get_command(context, name) if hasattr(group, "get_command") else None
        if inner is None:
            offered = group.list_commands(context) if hasattr(group, "list_commands") else []
            raise UsageError(f"{where}: {unknown('command', document[COMMAND], offered)}")
        command = inner
    known = {key_of(parameter): parameter for parameter in command.params}
    arguments: list[str] = []
    flags: list[str] = []
    for given, value in document.items():
        key = str(given).replace("_", "-")
        if key == COMMAND or value is None:
            continue
        if key not in known:
            raise UsageError(f"{where}: {unknown('option', str(given), known)}")
        parameter = known[key]
        if isinstance(parameter, click.Argument):
            arguments += _texts(value)
        else:
            flags += _flag(parameter, value, f"{where}, {given}")
    return [*names, *flags, *(["--", *arguments] if arguments else [])]


def key_of(parameter: click.Parameter) -> str:
    """What a flag or argument is called in a file."""
    if isinstance(parameter, click.Argument):
        return str(parameter.name).replace("_", "-")
    return max(parameter.opts, key=len).lstrip("-")


def _flag(parameter: click.Parameter, value: Any, where: str) -> Iterator[str]:
    name = max(parameter.opts, key=len)
    if getattr(parameter, "is_flag", False):
        if value not in (True, False):
            raise UsageError(f"{where}: {value!r} is neither true nor false.")
        if value or parameter.secondary_opts:
            yield name if value else parameter.secondary_opts[0]
    elif parameter.multiple:
        yield from (f"{name}={one}" for one in _texts(value))
    else:
        yield f"{name}={','.join(_texts(value))}"


def _texts(value: Any) -> list[str]:
    """Values as they stand on a command line; of a mapping, `NAME=VALUE`."""
    match value:
        case str():
            return [value]
        case list():
            return [text for one in value for text in _texts(one)]
        case dict():
            return [f"{name}={text}" for name, one in value.items() for text in _texts(one)]
    return [json.dumps(value)]


def write_command(path: Path, context: click.Context) -> None:
    """Writes what was given on the command line, so that `astilts run` does the same again.

    Raises:
        UsageError: The file is there, or cannot be written.
    """
    import yaml

    from_line = click.core.ParameterSource.COMMANDLINE
    names = context.command_path.split()[1:]
    given: dict[str, Any] = {COMMAND: " ".join(names)}
    for parameter in context.command.params:
        name = str(parameter.name)
        if name != "save_config" and context.get_parameter_source(name) is from_line:
            given[key_of(parameter)] = _plain(context.params[name])
    try:
        with path.open("x", encoding="utf-8") as file:
            yaml.safe_dump(given, file, sort_keys=False, allow_unicode=True)
    except FileExistsError:
        raise UsageError(f"--save-config {path} is there.", remedy="Give another file, or remove it.") from None
    except OSError as error:
        raise UsageError(f"--save-config {path} cannot be written: {error.strerror}.") from None


def _plain(value: Any) -> Any:
    match value:
        case list() | tuple():
            return [_plain(one) for one in value]
        case bool() | int() | float() | str():
            return value
    return str(value)
