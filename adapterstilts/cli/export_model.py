"""`astilts export-model`."""

from __future__ import annotations

import click

from adapterstilts.cli.flags import GroupedCommand, fields
from adapterstilts.cli.output import Output, say
from adapterstilts.commands.options import ExportModelOptions, TrainedModelReference


@click.command("export-model", cls=GroupedCommand)
@fields(TrainedModelReference, ExportModelOptions, Output)
def export_model(model: TrainedModelReference, options: ExportModelOptions, output: Output) -> None:
    """Write a trained model so that transformers or onnxruntime loads it without adapterstilts.

    Its scores are compared with ours before the folder is there.

    \b
    Examples:
      astilts export-model squad@6f0c1d --to ./squad-model
      astilts export-model squad@6f0c1d --to ./squad-onnx --format onnx --int8
    """
    from adapterstilts.commands.export_model import run_export_model
    from adapterstilts.commands.results import to_json
    from adapterstilts.reporting.export_model import exported_text
    from adapterstilts.reporting.progress import Terminal

    result = run_export_model(model.reference, options, Terminal())
    say(to_json(result) if output.json_ else exported_text(result))
