"""Click commands whose arguments and flags are the fields of options."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import wraps
from operator import attrgetter
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import click
from click.core import ParameterSource

from adapterstilts.cli.completion import completer
from adapterstilts.cli.failing import failing_as_asked
from adapterstilts.cli.run_file import saved
from adapterstilts.commands.options import read_all
from adapterstilts.declared import Declared, Group, declared_by
from adapterstilts.errors import UsageError
from adapterstilts.settings import Strict

_FOLDER = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(dir_okay=False, path_type=Path)
# What parses a value. Other types are text here, which the model reads.
_TYPES: dict[Any, click.ParamType] = {
    int: click.INT, float: click.FLOAT, Path: _FOLDER, tuple[Path, ...]: _FOLDER, tuple[Path | str, ...]: click.STRING,
}  # fmt: skip
_METAVARS = {int: "N", float: "X", str: "TEXT", Path: "DIR", tuple[Path, ...]: "DIR", tuple[Path | str, ...]: "DIR|URL"}
# The column in which what a flag means begins, unless all flags of a command are shorter.
_COLUMN = 28


class FieldOption(click.Option):
    """A flag under a heading."""

    def __init__(self, *args: Any, group: Group, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group = group


class FieldArgument(click.Argument):
    """A word under a heading, which says what it is."""

    def __init__(self, *args: Any, text: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group = Group.ARGUMENTS
        self.text = text

    def get_help_record(self, ctx: click.Context) -> tuple[str, str]:
        """Its name in the usage line, and its description."""
        return str(self.metavar), self.text


class GroupedCommand(click.Command):
    """A command whose help has a heading for each group of flags."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the groups in their order; flags of click's own, such as `--help`, are the last ones."""
        _write_groups(self, ctx, formatter)


class Subcommands(click.Group):
    """A group of commands whose flags count for all of them that have these."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, but that no flag is without effect.

        Raises:
            UsageError: One was given before a command that does not have it.
        """
        found = self.find(ctx, args)
        there = {one.name for one in found[1].params} if found[1] else set()
        for one in self.params:
            given = ctx.get_parameter_source(str(one.name)) is ParameterSource.COMMANDLINE
            if given and one.name not in there and not ctx.resilient_parsing:
                said = f"{one.opts[0]} has no meaning for `{ctx.command_path} {args[0]}`."
                raise UsageError(said, remedy="Leave it out.")
        return found

    def find(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that `args` begin with, and what follows its name."""
        return super().resolve_command(ctx, args)


class GroupedGroup(Subcommands):
    """A group of commands, likewise."""

    command_class = GroupedCommand

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """As `GroupedCommand`, and then the commands."""
        _write_groups(self, ctx, formatter)
        self.format_commands(ctx, formatter)


def _write_groups(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    found: dict[Group, list[tuple[str, str]]] = defaultdict(list)
    for parameter in command.get_params(ctx):
        if (record := parameter.get_help_record(ctx)) is not None:
            found[getattr(parameter, "group", Group.RUN)].append(record)
    # All groups have one column, as wide as a name needs that has a line of its own if it is longer.
    width = min(_COLUMN, max(len(flag) for records in found.values() for flag, _ in records))
    for group in Group:
        if group in found:
            with formatter.section(f"{group.title} (default: {group.default})" if group.default else group.title):
                formatter.write_dl([(flag.ljust(width), text) for flag, text in found[group]], col_max=width)


def fields(*models: type[Strict]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Gives a command the fields of `models` as arguments and flags; its function gets an instance of each model.

    A flag that a group of commands has too counts for the command where it is given there.
    """
    declared = declared_by(*models)

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(**given: Any) -> Any:
            context = click.get_current_context()
            values = _with_outside(given, context)
            with failing_as_asked(json_lines=bool(values.get("json_lines"))):
                read = read_all(models, values, spelled=attrgetter("spelled"))
                with saved(values.get("save_config"), context):
                    return function(*read)

        for one in reversed(list(declared.values())):
            parameter = _word(one) if one.flag.group is Group.ARGUMENTS else _flag(one, declared)
            call = parameter(call)
        return call

    return decorate


def flags(*models: type[Strict]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Gives a command the flags of `models` beside its own; its function gets their values by name."""
    declared = declared_by(*models)

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(*args: Any, **given: Any) -> Any:
            context = click.get_current_context()
            values = {**given, **_with_outside({name: given[name] for name in declared}, context)}
            with saved(values.get("save_config"), context):
                return function(*args, **values)

        for one in reversed(list(declared.values())):
            call = _flag(one, declared)(call)
        return call

    return decorate


def _with_outside(given: Mapping[str, Any], context: click.Context) -> dict[str, Any]:
    """What was given to a command, and to the group around it."""
    outside = context.parent.params if context.parent else {}
    return {name: _first_given(value, outside.get(name)) for name, value in given.items()}


def _first_given(*values: Any) -> Any:
    return next((value for value in values if value not in (None, ())), None)


def _word(one: Declared) -> Callable[..., Any]:
    several = one.form == tuple[str, ...]
    return click.argument(
        one.name,
        cls=FieldArgument,
        type=_TYPES.get(one.form),
        nargs=-1 if several else 1,
        required=one.required,
        metavar=one.spelled,
        text=one.text,
        shell_complete=completer(one.spelled),
    )


def _flag(one: Declared, others: Mapping[str, Declared]) -> Callable[..., Any]:
    shape: dict[str, Any] = {"type": _TYPES.get(one.form, click.STRING), "metavar": one.flag.metavar}
    if one.form is Path and one.flag.metavar == "FILE":
        shape["type"] = _FILE
    # What is not given is None here: the environment and the model's own default come after that.
    absent = {} if one.required else {"default": None}
    names = one.spelled
    if one.form is bool:
        shape = {"is_flag": True}
        names = f"{names}/--no-{names[2:]}" if one.default else names
    elif get_origin(one.form) is Literal:
        shape["type"] = click.Choice(get_args(one.form))
    elif shape["metavar"] is None:
        shape["metavar"] = one.flag.unit.upper() if one.flag.unit else _METAVARS[one.form]
    return click.option(
        names,
        one.name,
        cls=FieldOption,
        group=one.flag.group,
        required=one.required,
        multiple=_repeated(one),
        help=_help(one, others),
        shell_complete=completer(shape.get("metavar") or ""),
        **shape,
        **absent,
    )


def _repeated(one: Declared) -> bool:
    return one.flag.repeated or one.is_paths


def _spelled(name: str, others: Mapping[str, Declared]) -> str:
    """A field as a flag; one that the command does not have is one of the command that it is from."""
    return others[name].spelled if name in others else f"--{name.rstrip('_').replace('_', '-')}"


def _help(one: Declared, others: Mapping[str, Declared]) -> str:
    """What a flag means, what holds without it, and where else it is read from."""
    # A field between backticks, perhaps with a value, is shown as the flag that it is.
    text = re.sub(
        r"`([a-z]\w*)(=?)([^`]*)`", lambda at: f"{_spelled(at[1], others)}{' ' if at[2] else ''}{at[3]}", one.text
    ).replace("`", "")
    if _repeated(one):
        text += " May be repeated."
    if one.flag.unset:
        text += f" Default: {one.flag.unset}."
    extra = [f"env var: {one.flag.env}"] if one.flag.env else []
    if one.default not in (None, False, ()):
        shown = f"{one.spelled[2:]}" if one.default is True else one.default
        extra.append(f"default: {','.join(shown) if one.form == tuple[str, ...] else shown}")
    return f"{text}  [{'; '.join(extra)}]" if extra else text
