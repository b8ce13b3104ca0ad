"""Pages about the commands, made of the commands themselves: every argument and flag, under the headings of --help."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click

from adapterstilts.cli.main import astilts
from adapterstilts.declared import Group

_MARKUP = re.compile(r"([*_\[\]`])")
_FLAG = re.compile(r"(?<![\w-])(--[a-z][a-z0-9-]*)")


def pages() -> dict[str, str]:
    """Name to text: `index` lists the commands, and each has a page of its own with its subcommands."""
    found = {name: "\n".join(_page(command, ("astilts", name))) for name, command in _subcommands(astilts)}
    lines = ["# Commands", "", *_help(astilts.help or ""), "| command | what it does |", "|---|---|"]
    for name, command in _subcommands(astilts):
        lines.append(f"| [`{name}`]({name}.md) | {_plain(_first_line(command)).replace('|', '&#124;')} |")
    return {"index": "\n".join([*lines, "", *_options(astilts, ("astilts",), "##")]), **found}


def _subcommands(group: click.Group) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is not None and not command.hidden:
            yield name, command


def _page(command: click.Command, path: tuple[str, ...], level: int = 1) -> Iterator[str]:
    yield from (f"{'#' * level} {' '.join(path)}", "")
    context = click.Context(command, info_name=" ".join(path))
    yield from ("```text", command.get_usage(context).removeprefix("Usage: "), "```", "")
    yield from _help(command.help or "")
    yield from _options(command, path, "#" * (level + 1))
    if isinstance(command, click.Group):
        for name, one in _subcommands(command):
            yield from _page(one, (*path, name), level + 1)


def _help(text: str) -> Iterator[str]:
    """A command's help, whose examples become code."""
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(text)):
        first, *rest = paragraph.lstrip("\b\n").split("\n")
        if paragraph.startswith("\b"):
            yield from (f"{_plain(first)}", "", "```bash", *(line.strip() for line in rest), "```", "")
        else:
            yield from (_plain(" ".join(line.strip() for line in (first, *rest))), "")


def _options(command: click.Command, path: tuple[str, ...], mark: str) -> Iterator[str]:
    """A definition list for each group of flags, in the order of `--help`."""
    context = click.Context(command, help_option_names=["-h", "--help"])
    groups: dict[str, list[str]] = {}
    for parameter in sorted(command.get_params(context), key=_place):
        record = parameter.get_help_record(context)
        if record is not None:
            flag, text = record
            anchor = "-".join((*path[1:], parameter.name or ""))
            lines = [f"`{flag}`{{ #{anchor} .flag }}", f":   {_plain(text)}", ""]
            groups.setdefault(_heading(parameter), []).extend(lines)
    for title, lines in groups.items():
        yield from (f"{mark} {title}" if title else "", "", *lines)


def _place(parameter: click.Parameter) -> int:
    return list(Group).index(getattr(parameter, "group", Group.RUN))


def _heading(parameter: click.Parameter) -> str:
    group = getattr(parameter, "group", Group.RUN)
    return f"{group.title} (default: {group.default})" if group.default else group.title


def _first_line(command: click.Command) -> str:
    return (command.help or "").partition("\n")[0]


def _plain(text: str) -> str:
    """Text without markup of its own, and flags in it as code."""
    return _FLAG.sub(r"`\1`", _MARKUP.sub(r"\\\1", text).replace("<", "&lt;"))
