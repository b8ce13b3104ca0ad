"""`astilts serve`."""

from __future__ import annotations

import sys

import click

from adapterstilts.cli.flags import GroupedCommand, fields
from adapterstilts.commands.options import ServedModels, ServeOptions


@click.command("serve", cls=GroupedCommand)
@fields(ServedModels, ServeOptions)
def serve(served: ServedModels, options: ServeOptions) -> None:
    """Answer requests over HTTP with trained models, several on one backbone in memory.

    POST /predict answers texts for the model that is named, GET /models says which there are, and /docs is a page about
    it. What arrives together is computed together, also for several models where their method allows it. Answers are
    those of `astilts predict`, to the digit. SIGTERM and Ctrl-C end the server once what it has taken is answered.

    \b
    Examples:
      astilts serve mnli squad udpos
      astilts serve topics=news@6f0c1d me/xlmr-squad --port 8080 --max-waiting 64
      curl --json '{"model": "udpos", "inputs": ["Der Zug kam."]}' http://127.0.0.1:8000/predict
    """
    from adapterstilts.commands.serve import run_serve
    from adapterstilts.reporting.progress import Terminal

    sys.exit(run_serve(served.references, options, Terminal()))
