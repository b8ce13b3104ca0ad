"""`astilts translate`."""

from __future__ import annotations

import click

from adapterstilts.cli.flags import GroupedCommand, fields
from adapterstilts.cli.output import Output, say
from adapterstilts.commands.options import TranslatedTask, TranslationOptions


@click.command("translate", cls=GroupedCommand)
@fields(TranslatedTask, TranslationOptions, Output)
def translate(translated: TranslatedTask, options: TranslationOptions, output: Output) -> None:
    """Translate the English training rows of TASK, or its test rows into English.

    Any model of the families Marian (OPUS-MT), NLLB, M2M100, mBART-50 and MADLAD will do. Texts are translated sentence
    by sentence, each once. The answer to a question is marked before translation; where the marks are lost, the row is
    left out and counted. A command that was killed goes on where it stopped.

    \b
    Examples:
      astilts translate squad --to de,zh --model facebook/nllb-200-distilled-600M
      astilts translate squad --to de --model ./opus-mt-en-de --data-dir download --beams 4
      astilts translate xnli --from de,zh --to en --model facebook/m2m100_418M
    """
    from adapterstilts.commands.results import to_json
    from adapterstilts.commands.translate import run_translation
    from adapterstilts.reporting.progress import Terminal
    from adapterstilts.reporting.translate import translation_summary

    results = run_translation(translated.task, options, Terminal())
    say(to_json(results) if output.json_ else "\n\n".join(map(translation_summary, results)))
