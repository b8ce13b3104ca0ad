"""`astilts runs` and what can be done with runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from adapterstilts.cli.flags import GroupedGroup, fields
from adapterstilts.cli.output import Output, TableOutput, say
from adapterstilts.cli.output import show as show_result
from adapterstilts.commands.options import (
    ArchivedRuns,
    ArchiveOptions,
    CheckedRuns,
    CleanOptions,
    NamedRun,
    PublishedRuns,
    RemoveOptions,
    StoreOptions,
)


@click.group("runs", cls=GroupedGroup, invoke_without_command=True)
@fields(StoreOptions, TableOutput)
def runs(options: StoreOptions, output: TableOutput) -> None:
    """List finished runs, or show, verify, remove, export, publish or import them."""
    if not click.get_current_context().invoked_subcommand:
        _list(options, output)


@runs.command("list", hidden=True)
@fields(StoreOptions, TableOutput)
def list_runs(options: StoreOptions, output: TableOutput) -> None:
    """List finished runs, as `astilts runs` does."""
    _list(options, output)


def _list(options: StoreOptions, output: TableOutput) -> None:
    from adapterstilts.reporting.runs import runs_report

    store = options.open_store()
    found = store.runs()
    for problem in store.unreadable():
        say(f"Left out: {problem}", err=True)
    if not found and output.format in (None, "table") and not output.json_:
        say(f"No finished run in {options.store}.")
        return
    listed = [
        {
            "key": run.key,
            "stage": run.spec.stage,
            "task": run.spec.task,
            "folder": run.place,
            "bytes": run.bytes,
            "metrics": run.metrics,
        }
        for run in found
    ]
    show_result(listed, runs_report(found), output)


@runs.command("show")
@fields(NamedRun, StoreOptions, Output)
def show(shown: NamedRun, options: StoreOptions, output: Output) -> None:
    """Show metrics, provenance and spec of the run that KEY names: first digits of its key, or its folder.

    Of an evaluation with classes, also precision, recall and F1 of each, and which are taken for which.
    """
    from adapterstilts.reporting.runs import run_text
    from adapterstilts.runs.lineage import labelled_behind

    store = options.open_store()
    run = store.resolve(shown.key)
    shots = labelled_behind(run, store)
    content = {
        "key": run.key,
        "folder": str(run.folder),
        **({"not_zero_shot": f"trained on {', '.join(map(str, shots))}"} if shots else {}),
        "spec": run.spec.model_dump(mode="json"),
        "provenance": run.provenance,
        "metrics": run.metrics,
    }
    if output.json_:
        say(json.dumps(content, indent=1, ensure_ascii=False))
    else:
        say(run_text(content, task=run.spec.task))


@runs.command("verify")
@fields(CheckedRuns, StoreOptions, TableOutput)
def verify(which: CheckedRuns, options: StoreOptions, output: TableOutput) -> None:
    """Read runs, and compare every file with what it was when it was published. Exit code 1 where one differs.

    A run that is damaged is set aside and made again by the next command that needs it.

    \b
    Examples:
      astilts runs verify 0123456789ab
      astilts runs verify --all --json
    """
    from adapterstilts.commands.runs import DAMAGED, verify_runs
    from adapterstilts.reporting.store import verification_report

    found = verify_runs(options.open_store(), which)
    show_result(found, verification_report(found), output)
    if any(one.state == DAMAGED for one in found):
        sys.exit(1)


@runs.command("clean")
@fields(CleanOptions, StoreOptions, TableOutput)
def clean(cleaning: CleanOptions, options: StoreOptions, output: TableOutput) -> None:
    """Delete what killed processes have left that nothing goes on from; with flags, also what something would.

    What somebody works on stays.

    \b
    Examples:
      astilts runs clean --dry-run
      astilts runs clean --unfinished --cache
    """
    from adapterstilts.commands.runs import clean_store
    from adapterstilts.reporting.store import cleaned_report

    result = clean_store(options.open_store(), cleaning)
    show_result(result, cleaned_report(result), output)


@runs.command("remove")
@fields(NamedRun, RemoveOptions, StoreOptions, Output)
def remove(named: NamedRun, removing: RemoveOptions, options: StoreOptions, output: Output) -> None:
    """Remove the run that KEY names, unless others are made from it.

    \b
    Example:
      astilts runs remove 0123456789ab --with-dependents
    """
    from adapterstilts.commands.results import to_json
    from adapterstilts.commands.runs import remove_run
    from adapterstilts.reporting.store import removed_text

    result = remove_run(options.open_store(), named.key, removing)
    say(to_json(result) if output.json_ else removed_text(result))


@runs.command("export")
@fields(NamedRun, ArchiveOptions, StoreOptions, Output)
def export(named: NamedRun, archive: ArchiveOptions, options: StoreOptions, output: Output) -> None:
    """Write the run that KEY names, with all that it is made from, to one file for another store.

    \b
    Example:
      astilts runs export 0123456789ab --to squad.tar
    """
    from adapterstilts.commands.results import to_json
    from adapterstilts.commands.runs import export_run
    from adapterstilts.reporting.store import archive_text

    result = export_run(options.open_store(), named.key, archive.to)
    say(to_json(result) if output.json_ else archive_text(result, "wrote"))


@runs.command("publish")
@fields(PublishedRuns, StoreOptions, Output)
def publish(published: PublishedRuns, options: StoreOptions, output: Output) -> None:
    """Copy runs, with all that they are made from, to a store that others give as --read-store.

    What is there stays as it is, so that the command can be repeated.

    \b
    Examples:
      astilts runs publish 0123456789ab --to s3://bucket/runs
      astilts runs publish --all --to /shared/runs
    """
    from adapterstilts.commands.results import to_json
    from adapterstilts.commands.runs import publish_runs
    from adapterstilts.reporting.store import published_text

    result = publish_runs(options.open_store(), published, lambda note: say(note, err=True))
    say(to_json(result) if output.json_ else published_text(result))


@runs.command("import")
@fields(ArchivedRuns, StoreOptions, Output)
def import_(archived: ArchivedRuns, options: StoreOptions, output: Output) -> None:
    """Bring the runs of a file that `astilts runs export` has made into the store, each verified.

    \b
    Example:
      astilts runs import squad.tar
    """
    from adapterstilts.commands.results import to_json
    from adapterstilts.commands.runs import import_runs
    from adapterstilts.reporting.store import archive_text

    result = import_runs(options.open_store(), Path(archived.file))
    say(to_json(result) if output.json_ else archive_text(result, "read"))
