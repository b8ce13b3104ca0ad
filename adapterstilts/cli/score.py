"""`astilts score`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("score")
@click.argument("predictions", type=click.Path(path_type=Path))
@click.argument("labels", type=click.Path(path_type=Path))
@click.option(
    "--benchmark", type=click.Choice(["xtreme", "xtreme-r"]),
    help="Count this benchmark's tasks and languages only, and list those that are missing.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the scores as JSON.")
def score(predictions: Path, labels: Path, benchmark: str | None, as_json: bool) -> None:
    """Score the folder PREDICTIONS against the folder LABELS, both laid out as <task>/<split>-<language>.{json|tsv}.

    The scores are those of the benchmark's own scripts: per task the mean over languages, for question answering that
    of exact match and F1, per group and overall the mean over tasks. Means over a part of what belongs to them are
    marked with an asterisk.
    """
    from adapterstilts.commands.score import score_folders

    scores = score_folders(predictions, labels, benchmark=benchmark)
    if as_json:
        from adapterstilts.commands.results import to_json

        click.echo(to_json(scores))
    else:
        from adapterstilts.reporting.score import scores_tables

        click.echo(scores_tables(scores), nl=False)
