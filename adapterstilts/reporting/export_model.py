"""What was exported, and how it is loaded, in a few lines."""

from __future__ import annotations

from adapterstilts.commands.export_model import ExportedModel

_PIPELINES = {
    "AutoModelForQuestionAnswering": "question-answering",
    "AutoModelForSequenceClassification": "text-classification",
    "AutoModelForTokenClassification": "token-classification",
}


def exported_text(result: ExportedModel) -> str:
    """Where it is, how its scores compare, and a line of Python that loads it."""
    size = sum(result.files.values()) / 1e6
    lines = [f"{result.folder}: {result.task} for {result.format}, {len(result.files)} files, {size:,.1f} MB"]
    if result.difference is not None:
        lines.append(f"  scores differ by at most {result.difference:.1e} from ours on {result.tried_on}")
    if result.scores:
        before, after = result.scores["fp32"], result.scores["int8"]
        lines.append(f"  int8: validation score {after:.2f}, {after - before:+.2f} from {before:.2f}")
    if task := _PIPELINES.get(result.loading):
        cut = ", truncation=True" if task == "text-classification" else ""
        lines.append(f'  load it: transformers.pipeline("{task}", "{result.folder}"{cut})')
    elif result.loading.startswith("Auto"):
        lines.append(f'  load it: transformers.{result.loading}.from_pretrained("{result.folder}")')
    elif result.loading == "load.py":
        lines.append(
            f"  load it: {result.folder}/load.py leaves `model` and `tokenizer`; it needs the package adapters"
        )
        lines.append("  for transformers alone: train a method that merges, such as peft:lora, or use --format onnx")
    else:
        names = ", ".join(name for name in result.files if name.endswith(".onnx"))
        lines.append(f'  load it: onnxruntime.InferenceSession("{result.folder}/{names}")')
    return "\n".join([*lines, *(f"  {note}" for note in result.notes)])
