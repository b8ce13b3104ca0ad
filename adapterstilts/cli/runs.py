"""`astilts runs` and `astilts runs show`."""

from __future__ import annotations

import json
from typing import Annotated

import click
from pydantic import Field

from adapterstilts.cli.flags import GroupedGroup, fields
from adapterstilts.cli.output import Output, TableOutput, say
from adapterstilts.cli.output import show as show_result
from adapterstilts.commands.options import StoreOptions
from adapterstilts.declared import Flag
from adapterstilts.settings import Strict


class _ShownRun(Strict):
    key: Annotated[str, Flag(metavar="KEY")] = Field(description="First digits of a run's key, or its folder.")


@click.group("runs", cls=GroupedGroup, invoke_without_command=True)
@fields(StoreOptions, TableOutput)
def runs(options: StoreOptions, output: TableOutput) -> None:
    """List finished runs, or show one."""
    if not click.get_current_context().invoked_subcommand:
        _list(options, output)


@runs.command("list", hidden=True)
@fields(StoreOptions, TableOutput)
def list_runs(options: StoreOptions, output: TableOutput) -> None:
    """List finished runs, as `astilts runs` does."""
    _list(options, output)


def _list(options: StoreOptions, output: TableOutput) -> None:
    from adapterstilts.reporting.runs import runs_report
    from adapterstilts.runs.store import RunStore

    store = RunStore(options.store)
    found = store.runs()
    for problem in store.unreadable():
        say(f"Left out: {problem}", err=True)
    if not found and output.format in (None, "table") and not output.json_:
        say(f"No finished run in {options.store}.")
        return
    listed = [
        {"key": run.key, "stage": run.spec.stage, "task": run.spec.task, "folder": run.folder, "metrics": run.metrics}
        for run in found
    ]
    show_result(listed, runs_report(found), output)


@runs.command("show")
@fields(_ShownRun, StoreOptions, Output)
def show(shown: _ShownRun, options: StoreOptions, output: Output) -> None:
    """Show spec, provenance and metrics of the run that KEY names: first digits of its key, or its folder.

    Of an evaluation with classes, also precision, recall and F1 of each, and which are taken for which.
    """
    from adapterstilts.reporting.runs import run_text
    from adapterstilts.runs.store import RunStore

    store = RunStore(options.store)
    run = store.resolve(shown.key)
    shots = store.shots(run)
    content = {
        "key": run.key,
        "folder": str(run.folder),
        **({"not_zero_shot": f"trained on {shots}"} if shots else {}),
        "spec": run.spec.model_dump(mode="json"),
        "provenance": run.provenance,
        "metrics": run.metrics,
    }
    if output.json_:
        say(json.dumps(content, indent=1, ensure_ascii=False))
    else:
        say(run_text(content))
