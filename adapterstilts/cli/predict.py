"""`astilts predict`."""

from __future__ import annotations

import sys
from functools import partial

import click

from adapterstilts.cli.flags import GroupedCommand, fields
from adapterstilts.cli.output import Output, say
from adapterstilts.commands.options import PredictOptions, TrainedModelReference


@click.command("predict", cls=GroupedCommand)
@fields(TrainedModelReference, PredictOptions, Output)
def predict(model: TrainedModelReference, options: PredictOptions, output: Output) -> None:
    """Answer rows of your own with a trained model, in any language.

    The answers are the rows' own columns, with what the model says and how sure it is of it.

    \b
    Examples:
      astilts predict news@6f0c1d --input reviews.csv --text review --out answers.csv
      astilts predict me/xlmr-squad --input questions.jsonl --out answers.jsonl
      echo 'Der Film war gut.' | astilts predict reviews
    """
    from adapterstilts.commands.predict import run_predict
    from adapterstilts.commands.results import to_json
    from adapterstilts.errors import UsageError
    from adapterstilts.printable import counted
    from adapterstilts.reporting.predict import predictions_text
    from adapterstilts.reporting.progress import Terminal

    if output.json_ and options.out is None:
        raise UsageError("--json says what was answered, and needs a file for the answers.", remedy="Give --out FILE.")
    terminal = Terminal()
    # A file and another program get the answers as they are.
    say_rows = partial(say if sys.stdout.isatty() else click.echo, nl=False)
    result = run_predict(model.reference, options, terminal, say_rows)
    if options.out is not None:
        say(to_json(result) if output.json_ else predictions_text(result))
    elif result.left_out:
        terminal.note(f"Left out {counted(sum(result.left_out.values()), 'row')}: {', '.join(result.left_out)}")
