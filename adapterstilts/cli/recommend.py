"""`astilts recommend`."""

from __future__ import annotations

import click

from adapterstilts.cli.flags import GroupedCommand, fields
from adapterstilts.cli.output import TableOutput, show
from adapterstilts.commands.options import RecommendedTarget, RecommendOptions


@click.command("recommend", cls=GroupedCommand)
@fields(RecommendedTarget, RecommendOptions, TableOutput)
def recommend(target: RecommendedTarget, options: RecommendOptions, output: TableOutput) -> None:
    """Rank intermediate runs for a target by a few of its English examples, without training any.

    Of other languages, neither labels nor texts are read.

    \b
    Examples:
      astilts recommend --to mlqa --profile mini
      astilts recommend --to xnli --by embedding --top 3 --profile mini
      astilts recommend --to reviews.csv --label stars --registry ./adapters
    """
    from adapterstilts.commands.recommend import run_recommend
    from adapterstilts.reporting.progress import Terminal
    from adapterstilts.reporting.recommend import recommendation_report

    result = run_recommend(target.to, options, Terminal())
    show(result, recommendation_report(result), output)
