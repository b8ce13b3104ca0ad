"""Commands as files: a mapping of options, of which the key `command` says whose they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import yaml
from click.core import ParameterSource

from adapterstilts.errors import UsageError, unknown

COMMAND = "command"
_ITSELF = "run"
_NOTHING = ("", "null", "~")
_TRUE_OR_FALSE = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


class _Nothing(str):
    """What stands for no value, where it is written without quotation marks: a column can be called "null"."""


class _AsWritten(yaml.BaseLoader):
    """Every value as its text."""

    def construct_scalar(self, node: Any) -> str:
        """The text of a value."""
        text = str(super().construct_scalar(node))
        return _Nothing(text) if node.style is None and text in _NOTHING else text


def read_commands(path: Path, root: click.Group) -> list[list[str]]:
    """The words of each command of a YAML or JSON file, which may have several documents.

    Values are taken as they are written, so that a key of digits or a task called `no` stays what it is.

    Raises:
        UsageError: The file cannot be read, or a document names no command, or an option that it does not have.
    """
    from adapterstilts.documents import parse_yaml_documents, read_document

    text = read_document(path, error=UsageError, remedy="Give a file of YAML or JSON.")
    every = parse_yaml_documents(text, where=str(path), error=UsageError, loader=_AsWritten)
    documents = [one for one in every if one not in ("", None)]
    if not documents:
        raise UsageError(f"{path} is empty.", remedy="Give a mapping of options with e.g. `command: transfer`.")
    several = len(documents) > 1
    return [
        _words(document, root, f"{path}, document {number}" if several else str(path))
        for number, document in enumerate(documents, start=1)
    ]


def _words(document: Any, root: click.Group, where: str) -> list[str]:
    names: Any = document.get(COMMAND) if hasattr(document, "get") else None
    if not hasattr(names, "split") or not names.strip():
        raise UsageError(
            f"{where} names no command.", remedy="Give a mapping of options with e.g. `command: transfer`."
        )
    if names.split()[0] == _ITSELF:
        raise UsageError(f"{where}: a file runs no other file.", remedy="Give its commands as documents of this one.")
    command: click.Command = root
    for name in names.split():
        group, context = command, click.Context(command)
        inner = group.get_command(context, name) if hasattr(group, "get_command") else None
        if inner is None:
            offered = group.list_commands(context) if hasattr(group, "list_commands") else []
            raise UsageError(f"{where}: {unknown('command', names, offered)}")
        command = inner
    known = {key_of(parameter): parameter for parameter in command.params}
    arguments: list[str] = []
    flags: list[str] = []
    for given, value in document.items():
        key = str(given).replace("_", "-")
        if key == COMMAND or isinstance(value, _Nothing):
            continue
        if key not in known:
            raise UsageError(f"{where}: {unknown('option', str(given), known)}")
        parameter = known[key]
        if isinstance(parameter, click.Argument):
            arguments += _texts(value)
        else:
            flags += _flag(parameter, value, f"{where}, {given}")
    return [*names.split(), *flags, *(["--", *arguments] if arguments else [])]


def key_of(parameter: click.Parameter) -> str:
    """What a flag or argument is called in a file."""
    if isinstance(parameter, click.Argument):
        return str(parameter.name).replace("_", "-")
    return max(parameter.opts, key=len).lstrip("-")


def _flag(parameter: click.Parameter, value: Any, where: str) -> Iterator[str]:
    name = max(parameter.opts, key=len)
    if getattr(parameter, "is_flag", False):
        if (wanted := _TRUE_OR_FALSE.get(value.lower() if hasattr(value, "lower") else "")) is None:
            raise UsageError(f"{where}: {value!r} is neither true nor false.")
        if wanted or parameter.secondary_opts:
            yield name if wanted else parameter.secondary_opts[0]
    elif parameter.multiple:
        yield from (f"{name}={one}" for one in _texts(value))
    else:
        yield f"{name}={','.join(_texts(value))}"


def _texts(value: Any) -> list[str]:
    """Values as they stand on a command line; of a mapping, `NAME=VALUE`."""
    match value:
        case list():
            return [text for one in value for text in _texts(one)]
        case dict():
            return [f"{name}={text}" for name, one in value.items() for text in _texts(one)]
    return [str(value)]


@contextmanager
def saved(path: Path | None, context: click.Context) -> Iterator[None]:
    """While a command runs, what was given to it on the command line is in a file, so that `astilts run` does it again.

    A command that turns out to be a wrong one leaves no file.

    Raises:
        UsageError: The file is there, or cannot be written.
    """
    if path is None or getattr(context, "invoked_subcommand", None):  # then it is the command's below
        yield
        return
    given = {COMMAND: " ".join(context.command_path.split()[1:]), **_given(context)}
    try:
        with path.open("x", encoding="utf-8") as file:
            yaml.safe_dump(given, file, sort_keys=False, allow_unicode=True)
    except FileExistsError:
        raise UsageError(f"--save-config {path} is there.", remedy="Give another file, or remove it.") from None
    except OSError as error:
        raise UsageError(f"--save-config {path} cannot be written: {error.strerror}.") from None
    try:
        yield
    except UsageError:
        path.unlink(missing_ok=True)
        raise


def _given(context: click.Context) -> dict[str, Any]:
    """What was given on the command line, to the command or to the group that it belongs to."""
    found: dict[str, Any] = {}
    for parameter in context.command.params:
        name = str(parameter.name)
        around = (one for one in (context, context.parent) if one is not None and name in one.params)
        owner = next((one for one in around if one.get_parameter_source(name) is ParameterSource.COMMANDLINE), None)
        if name != "save_config" and owner is not None:
            found[key_of(parameter)] = _plain(owner.params[name])
    return found


def _plain(value: Any) -> Any:
    match value:
        case list() | tuple():
            return [_plain(one) for one in value]
        case bool() | int() | float() | str():
            return value
    return str(value)
