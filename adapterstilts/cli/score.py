"""`astilts score`."""

from __future__ import annotations

import click

from adapterstilts.cli.flags import GroupedCommand, fields
from adapterstilts.cli.output import TableOutput, show
from adapterstilts.commands.options import ScoredFolders, ScoreOptions


@click.command("score", cls=GroupedCommand)
@fields(ScoredFolders, ScoreOptions, TableOutput)
def score(folders: ScoredFolders, options: ScoreOptions, output: TableOutput) -> None:
    """Score the folder PREDICTIONS against the folder LABELS, laid out as <task>/<split>-<language>.{json|tsv}.

    The scores are those of the benchmark's own scripts: per task the mean over languages, for question answering that
    of exact match and F1, per group and overall the mean over tasks. Means over a part of what belongs to them are
    marked with an asterisk.
    """
    from adapterstilts.commands.score import score_folders
    from adapterstilts.reporting.score import scores_report
    from adapterstilts.tasks.catalogue import Catalogue

    scores = score_folders(
        folders.predictions, folders.labels, benchmark=options.benchmark, catalogue=Catalogue.load(options.tasks)
    )
    show(scores, scores_report(scores), output)
