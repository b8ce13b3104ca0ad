"""`astilts train-language`."""

from __future__ import annotations

from typing import Any

import click

from adapterstilts.cli.training import training_options


@click.command("train-language")
@click.argument("language", metavar="CODE")
@training_options
def train_language(language: str, as_json: bool, **options: Any) -> None:
    """Train an adapter for the language CODE by masked language modelling on plain text (MAD-X).

    `transfer --language-adapters` puts it below the adapters of tasks. With --data-dir, the text is in mlm/CODE.txt
    there, one document per line.

    \b
    Examples:
      astilts train-language de --profile mini
      astilts train-language sw --data-dir texts --backbone ./xlm-r
    """
    from adapterstilts import api
    from adapterstilts.cli.progress import Terminal
    from adapterstilts.commands.results import to_json
    from adapterstilts.reporting.tables import training_summary

    result = api.train_language(language, reporter=Terminal(), **options)
    click.echo(to_json(result) if as_json else training_summary(result))
