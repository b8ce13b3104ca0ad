"""`astilts train-language`."""

from __future__ import annotations

import click

from adapterstilts.cli.flags import GroupedCommand, fields
from adapterstilts.cli.output import Output, say
from adapterstilts.commands.options import Language, LanguageOptions


@click.command("train-language", cls=GroupedCommand)
@fields(Language, LanguageOptions, Output)
def train_language(language: Language, options: LanguageOptions, output: Output) -> None:
    """Train an adapter for the language CODE by masked language modelling on plain text (MAD-X).

    `transfer --language-adapters` puts it below the adapters of tasks. With --data-dir, the text is in mlm/CODE.txt
    there, one document per line.

    \b
    Examples:
      astilts train-language de --profile mini
      astilts train-language sw --data-dir texts --backbone ./xlm-r
    """
    from adapterstilts.commands.results import to_json
    from adapterstilts.commands.train_language import run_language
    from adapterstilts.reporting.progress import Terminal
    from adapterstilts.reporting.train_intermediate import training_summary

    result = run_language(language.language, options, Terminal())
    say(to_json(result) if output.json_ else training_summary(result))
