"""`astilts recommend`."""

from __future__ import annotations

import click

from adapterstilts.cli.flags import GroupedCommand, fields
from adapterstilts.cli.output import Output
from adapterstilts.commands.options import RecommendedTarget, RecommendOptions


@click.command("recommend", cls=GroupedCommand)
@fields(RecommendedTarget, RecommendOptions, Output)
def recommend(target: RecommendedTarget, options: RecommendOptions, output: Output) -> None:
    """Rank intermediate runs for a target by a few of its English examples, without training any.

    Of other languages, neither labels nor texts are read.

    \b
    Examples:
      astilts recommend --to mlqa --profile mini
      astilts recommend --to xnli --by embedding --top 3 --profile mini
      astilts recommend --to reviews.csv --label stars --registry ./adapters
    """
    from adapterstilts.cli.progress import Terminal
    from adapterstilts.commands.recommend import run_recommend
    from adapterstilts.commands.results import to_json
    from adapterstilts.reporting.recommend import recommendation_text

    result = run_recommend(target.to, options, Terminal())
    click.echo(to_json(result) if output.json_ else recommendation_text(result))
