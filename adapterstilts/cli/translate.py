"""`astilts translate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from adapterstilts.cli.training import Names

_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command("translate")
@click.argument("task", metavar="TASK")
@click.option("--to", type=Names(), required=True, metavar="CODE,...", help="Languages to translate into.")
@click.option("--model", required=True, metavar="ID|DIR", help="Sequence-to-sequence model: Hub id or folder.")
@click.option("--from", "from_", type=Names(), default="en", show_default=True, metavar="CODE,...",
              help="Languages to translate from; this or --to is en.")  # fmt: skip
@click.option("--revision", help="Commit of a model on the Hub.")
@click.option("--split", type=click.Choice(["train", "validation", "test"]),
              help="Split to translate. Default: train from English, test into English.")  # fmt: skip
@click.option("--out", type=_FOLDER, default="translations", show_default=True, help="Folder for the translations.")
@click.option("--profile", default="paper", show_default=True, help="Where rows come from: paper or mini.")
@click.option("--data-dir", type=_FOLDER, help="Folder with the releases' files, in XTREME's layout.")
@click.option("--max-train-examples", type=int, help="Upper bound on rows, the same ones as for training with it.")
@click.option("--beams", type=int, default=1, show_default=True, help="Beams of the search; 1 is greedy.")
@click.option("--tokens-per-batch", type=int, default=4096, show_default=True,
              help="Padded tokens in one batch, all beams together.")  # fmt: skip
@click.option("--precision", type=click.Choice(["auto", "fp32", "bf16"]), default="auto", show_default=True,
              help="Number format; auto: bf16 where it is faster.")  # fmt: skip
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option("--skip-bad-rows", is_flag=True, help="Count malformed rows and leave them out.")
@click.option("--force", is_flag=True, help="Translate again, and write over other translations.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def translate(task: str, as_json: bool, **options: Any) -> None:
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
    from adapterstilts import api
    from adapterstilts.cli.progress import Terminal
    from adapterstilts.commands.results import to_json
    from adapterstilts.reporting.translate import translation_summary

    results = api.translate(task, reporter=Terminal(), **options)
    click.echo(to_json(results) if as_json else "\n\n".join(map(translation_summary, results)))
