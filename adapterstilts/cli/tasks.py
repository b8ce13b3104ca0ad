"""`astilts tasks` and `astilts tasks show`."""

from __future__ import annotations

import json

import click


@click.group("tasks", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@click.pass_context
def tasks(ctx: click.Context, as_json: bool) -> None:
    """List the task catalogue, or show one task."""
    if ctx.invoked_subcommand:
        return
    from adapterstilts.reporting.tasks import tasks_table
    from adapterstilts.tasks.catalogue import recipe, task_names

    recipes = [recipe(name) for name in task_names()]
    if as_json:
        click.echo(json.dumps([task.model_dump(mode="json") for task in recipes], indent=1, ensure_ascii=False))
    else:
        click.echo(tasks_table(recipes))


@tasks.command("show")
@click.argument("task")
@click.option("--json", "as_json", is_flag=True, help="Print the recipe as JSON.")
def show(task: str, as_json: bool) -> None:
    """Show the recipe of TASK: data, languages, published settings, licence, citation."""
    import yaml

    from adapterstilts.tasks.catalogue import recipe

    content = recipe(task).model_dump(mode="json", exclude_defaults=True)
    if as_json:
        click.echo(json.dumps(content, indent=1, ensure_ascii=False))
    else:
        click.echo(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110))


@tasks.command("card")
@click.argument("task", required=False)
@click.option("--write", is_flag=True, help="Write the card into the task's folder, as README.md.")
def card(task: str | None, write: bool) -> None:
    """Show the card of TASK, made from its recipe and its adapter's result; without TASK, those of all tasks."""
    from importlib.resources import files
    from pathlib import Path

    from adapterstilts.reporting.cards import card as make_card
    from adapterstilts.tasks.catalogue import recipe, task_names

    for name in [task] if task else task_names():
        text = make_card(recipe(name))
        if write:
            path = Path(str(files("task_adapters").joinpath(name).joinpath("README.md")))
            path.write_text(text, encoding="utf-8")
            click.echo(f"wrote {path}")
        else:
            click.echo(text)
