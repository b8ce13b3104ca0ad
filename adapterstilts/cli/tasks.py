"""`astilts tasks`: the catalogue, one task, its card, and a new one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from adapterstilts.cli.flags import Subcommands, flags
from adapterstilts.cli.output import TableOutput, say
from adapterstilts.cli.output import show as show_result
from adapterstilts.commands.options import OwnFileOptions
from adapterstilts.errors import UsageError
from adapterstilts.settings import validate

if TYPE_CHECKING:
    from adapterstilts.tasks.catalogue import Catalogue

_FOLDER = click.Path(file_okay=False, path_type=Path)


def _folders(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the flag that names folders of tasks."""
    return click.option("--tasks", "folders", type=_FOLDER, multiple=True, metavar="DIR", envvar="ASTILTS_TASKS",
                        show_envvar=True,
                        help="Folder of tasks outside the package; can be given several times.")(command)  # fmt: skip


def _catalogue(ctx: click.Context, folders: Iterable[Path] = ()) -> Catalogue:
    """The catalogue with the folders that are given before and after the subcommand."""
    from adapterstilts.tasks.catalogue import Catalogue

    return Catalogue.load((*(ctx.obj or ()), *folders))


def _outside(ctx: click.Context, name: str, given: Any) -> Any:
    """What was given to a command, or else before it."""
    return given or (ctx.parent.params[name] if ctx.parent else given)


class _Tasks(Subcommands):
    """The group of commands, where the name of a task stands for what there is to know of it."""

    def find(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            return "about", self.commands["about"], args
        return super().find(ctx, args)


_JSON = click.option("--json", "json_", is_flag=True, default=None, help="Print the recipe as JSON.")
_LANGUAGE = click.option("--language", "languages", multiple=True, metavar="CODE|group:NAME",
                         help="List what there is in a language or group, such as sw or group:africa.")  # fmt: skip


@click.group("tasks", cls=_Tasks, invoke_without_command=True, subcommand_metavar="[TASK|COMMAND [ARGS]...]")
@_folders
@_LANGUAGE
@flags(TableOutput)
@click.pass_context
def tasks(ctx: click.Context, folders: tuple[Path, ...], **given: Any) -> None:
    """List the task catalogue, say what there is to know of TASK, or make a new one.

    \b
    Examples:
      astilts tasks --language sw
      astilts tasks sib200
    """
    ctx.obj = folders
    if not ctx.invoked_subcommand:
        _list(_catalogue(ctx), given)


@tasks.command("list", hidden=True)
@_folders
@_LANGUAGE
@flags(TableOutput)
@click.pass_context
def list_tasks(ctx: click.Context, folders: tuple[Path, ...], **given: Any) -> None:
    """List the task catalogue, as `astilts tasks` does."""
    given["languages"] = _outside(ctx, "languages", given["languages"])
    _list(_catalogue(ctx, folders), given)


def _list(catalogue: Catalogue, given: dict[str, Any]) -> None:
    from adapterstilts.commands.tasks import list_tasks, tasks_in
    from adapterstilts.reporting.tasks import tasks_report

    found = list_tasks(catalogue)
    languages = given.pop("languages")
    wanted = tasks_in(found, languages) if languages else None
    output = validate(TableOutput, {name: value for name, value in given.items() if value is not None}, where="tasks")
    there = [task.as_json() for task in found if wanted is None or task.recipe.name in wanted]
    show_result(there, tasks_report(found, wanted), output)


@tasks.command("about", hidden=True)
@click.argument("task")
@_folders
@_JSON
@click.pass_context
def about(ctx: click.Context, task: str, folders: tuple[Path, ...], json_: bool | None) -> None:
    """Say what there is to know of TASK, with all its languages, as `astilts tasks TASK` does."""
    from adapterstilts.commands.tasks import find_task
    from adapterstilts.reporting.tasks import task_text

    catalogue = _catalogue(ctx, folders)
    with catalogue.in_use():
        found = find_task(catalogue, task)
        shown = (
            json.dumps(found.as_json(), indent=1, ensure_ascii=False) + "\n"
            if _outside(ctx, "json_", json_)
            else task_text(found)
        )
    say(shown, nl=False)


@tasks.command("show")
@click.argument("task")
@_folders
@_JSON
@click.pass_context
def show(ctx: click.Context, task: str, folders: tuple[Path, ...], json_: bool | None) -> None:
    """Show the recipe of TASK: data, languages, published settings, licence, citation."""
    import yaml

    content = _catalogue(ctx, folders).recipe(task).model_dump(mode="json", exclude_defaults=True)
    if _outside(ctx, "json_", json_):
        say(json.dumps(content, indent=1, ensure_ascii=False))
    else:
        say(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110))


@tasks.command("card")
@click.argument("task", required=False)
@_folders
@click.option("--write", is_flag=True, help="Write the card into the task's folder, as README.md.")
@click.pass_context
def card(ctx: click.Context, task: str | None, folders: tuple[Path, ...], write: bool) -> None:
    """Show the card of TASK, made from its recipe and its adapter's result; without TASK, those of all tasks."""
    from adapterstilts.commands.tasks import find_task, list_tasks, write_card
    from adapterstilts.reporting.cards import card as make_card

    catalogue = _catalogue(ctx, folders)
    with catalogue.in_use():
        for found in [find_task(catalogue, task)] if task else list_tasks(catalogue):
            text = make_card(found.recipe, found.folder)
            say(f"wrote {write_card(found, text)}" if write else text)


@tasks.command("new")
@click.argument("name")
@click.option("--kind", required=True, help="Form of the task, e.g. pair_classification; `astilts tasks` shows them.")
@click.option("--train", metavar="FILE", required=True, help="English training rows; quote a pattern of several files.")
@click.option("--validation", metavar="FILE", help="English rows to select checkpoints by. Default: some of --train.")
@click.option("--test", multiple=True, metavar="LANG=FILE", help="Rows to score; once for each language.")
@click.option("--out", type=_FOLDER, default=".", show_default=True, help="Folder of tasks to add it to.")
@click.option("--data-dir", type=_FOLDER, help="Folder that holds the files. Default: the deepest that does.")
@click.option(
    "--format", "format_", help="Format of the files, e.g. csv, parquet, excel. Default: what they look like."
)
@flags(OwnFileOptions)
@click.option("--column", "columns", multiple=True, metavar="NAME=COLUMN,...",
              help="What a canonical column is read from. Default: what it looks like.")  # fmt: skip
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="Option of the kind, as in YAML.")
@click.option("--metric", help="Default: the kind's usual one.")
@click.option("--title", help="What tables call the task. Default: its name.")
@click.option("--skip-bad-rows", is_flag=True, help="Count malformed rows and leave them out.")
@click.option("--force", is_flag=True, help="Write over a task.yaml that is there.")
@_folders
@click.pass_context
def new(ctx: click.Context, folders: tuple[Path, ...], **given: Any) -> None:
    """Write a task.yaml for your own files, and check it by reading all of them.

    Format, columns, labels and options are guessed from the files, shown, and written down; what is wrong can be said
    with the flags or changed in the file.

    \b
    Examples:
      astilts tasks new news --kind pair_classification --train data/train.csv
      astilts tasks new tags --kind tagging --train en/train.conll --test de=de/test.conll
    """
    from adapterstilts.commands.new_task import examine, write_task
    from adapterstilts.commands.own.recipe import NewTaskOptions
    from adapterstilts.data.formats.folders import matching
    from adapterstilts.documents import parse_yaml
    from adapterstilts.reporting.tasks import examined_text, new_task_text

    catalogue = _catalogue(ctx, folders)
    tests = _assignments(given["test"], flag="--test")
    values = {
        **{name: value for name, value in given.items() if name != "format_"},
        "format": given["format_"],
        "train": matching(given["train"]),
        "validation": matching(given["validation"]) if given["validation"] else (),
        "test": {language: matching(text) for language, text in tests.items()},
        "columns": {name: _columns(text) for name, text in _assignments(given["columns"], flag="--column").items()},
        "options": {
            name: parse_yaml(text, where=f"--option {name}", error=UsageError)
            for name, text in _assignments(given["options"], flag="--option").items()
        },
    }
    options = validate(NewTaskOptions, values, where="tasks new")
    examined = examine(options, catalogue)
    say(examined_text(examined))
    say(new_task_text(write_task(options, examined, catalogue)), nl=False)


def _assignments(texts: Iterable[str], *, flag: str) -> dict[str, str]:
    """`NAME=VALUE` of a flag that can be given several times."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise click.UsageError(f"{flag} {text!r} is not of the form NAME=VALUE.")
        if name in found:
            raise click.UsageError(f"{flag} {name} is given twice.")
        found[name] = value
    return found


def _columns(text: str) -> str | tuple[str, ...]:
    """One column, several with commas between them, or none."""
    return tuple(one for one in text.split(",") if one) if not text or "," in text else text
