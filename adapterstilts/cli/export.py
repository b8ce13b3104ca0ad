"""`astilts export`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("export")
@click.argument("runs", nargs=-1, required=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder to make.")
@click.option("--benchmark", type=click.Choice(["xtreme", "xtreme-r"]), default="xtreme", show_default=True,
              help="Whose tasks and languages a complete submission has.")  # fmt: skip
@click.option("--partial", is_flag=True, help="Write what is there although tasks or languages are missing.")
@click.option("--store", type=click.Path(file_okay=False, path_type=Path), default="astilts-runs",
              envvar="ASTILTS_STORE", show_default=True, show_envvar=True, help="Folder of the run store.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def export(runs: tuple[str, ...], out: Path, benchmark: str, partial: bool, store: Path, as_json: bool) -> None:
    """Collect the predictions of the evaluations RUNS, by key or folder, into a benchmark submission.

    \b
    Example:
      astilts export 0123456789ab evaluate-xquad-ba9876543210 --out submission
    """
    from adapterstilts.commands.export import export_runs
    from adapterstilts.commands.results import to_json
    from adapterstilts.runs.store import RunStore

    found = [RunStore(store).resolve(run) for run in runs]
    result = export_runs(found, out, benchmark=benchmark, partial=partial)
    if as_json:
        click.echo(to_json(result))
        return
    for task, languages in result.files.items():
        click.echo(f"{task}: {len(languages)} languages ({', '.join(languages)})")
    for task, languages in result.outside.items():
        click.echo(f"left out, not of {benchmark}: {task} {', '.join(languages)}")
    for task, languages in result.missing.items():
        click.echo(f"missing: {task} {', '.join(languages)}")
    for note in result.notes:
        click.echo(f"note: {note}")
    click.echo(f"wrote {result.folder}")
