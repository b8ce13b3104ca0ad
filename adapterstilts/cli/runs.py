"""`astilts runs` and `astilts runs show`."""

from __future__ import annotations

import json
from pathlib import Path

import click

_STORE = click.option(
    "--store", type=click.Path(file_okay=False, path_type=Path), default="astilts-runs", envvar="ASTILTS_STORE",
    show_default=True, show_envvar=True, help="Folder of the run store.",
)  # fmt: skip


@click.group("runs", invoke_without_command=True)
@_STORE
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@click.pass_context
def runs(ctx: click.Context, store: Path, as_json: bool) -> None:
    """List finished runs, or show one."""
    ctx.obj = store
    if ctx.invoked_subcommand:
        return
    from adapterstilts.reporting.tables import runs_table
    from adapterstilts.runs.store import RunStore

    found = RunStore(store).runs()
    for problem in RunStore(store).unreadable():
        click.echo(f"Left out: {problem}", err=True)
    if as_json:
        listed = [
            {
                "key": run.key,
                "stage": run.spec.stage,
                "task": run.spec.task,
                "folder": str(run.folder),
                "metrics": run.metrics,
            }
            for run in found
        ]
        click.echo(json.dumps(listed, indent=1))
    else:
        click.echo(runs_table(found) if found else f"No finished run in {store}.")


@runs.command("show")
@click.argument("key")
@click.option("--store", "own_store", type=click.Path(file_okay=False, path_type=Path), help="Folder of the run store.")
@click.option("--json", "as_json", is_flag=True, help="Print the run as JSON.")
@click.pass_obj
def show(store: Path, key: str, own_store: Path | None, as_json: bool) -> None:
    """Show spec, provenance and metrics of the run that KEY names: first digits of its key, or its folder."""
    import yaml

    from adapterstilts.runs.store import RunStore

    run = RunStore(own_store or store).resolve(key)
    content = {
        "key": run.key,
        "folder": str(run.folder),
        "spec": run.spec.model_dump(mode="json"),
        "provenance": run.provenance,
        "metrics": run.metrics,
    }
    if as_json:
        click.echo(json.dumps(content, indent=1, ensure_ascii=False))
    else:
        click.echo(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110))
