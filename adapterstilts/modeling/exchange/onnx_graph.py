"""A model as one graph of ONNX, adapters and head inside, and that graph at work in `onnxruntime`."""

from __future__ import annotations

import importlib.util
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from adapterstilts.errors import CompatibilityError
from adapterstilts.modeling.transfer_model import TransferModel

Batch = dict[str, torch.Tensor]

GRAPH, GRAPH_INT8 = "model.onnx", "model_int8.onnx"
_OPSET = 17
# The format has 2 GB for a graph with its weights; larger weights lie beside it.
_MOST_BYTES = 1_800_000_000


def check_installed(*, runtime: bool) -> None:
    """Refuses what needs libraries that are not there.

    Args:
        runtime: Whether `onnxruntime` is needed too.

    Raises:
        CompatibilityError: See above.
    """
    for library in ("onnx", *(["onnxruntime"] if runtime else [])):
        if importlib.util.find_spec(library) is None:
            raise CompatibilityError(f"{library} is not installed.", remedy="pip install 'adapterstilts[onnx]'.")


def has_runtime() -> bool:
    """Whether graphs can be run here."""
    return importlib.util.find_spec("onnxruntime") is not None


class _Graph(nn.Module):
    """A model with one head, and tensors alone as inputs and outputs."""

    def __init__(self, model: TransferModel, head: str, form: str, inputs: Sequence[str]) -> None:
        super().__init__()
        self.model, self.head, self.form, self.inputs = model, head, form, tuple(inputs)

    def forward(self, *given: torch.Tensor) -> Any:
        """`logits`, or `start_logits` and `end_logits`; of choices a score for each sequence."""
        batch = dict(zip(self.inputs, given, strict=True))
        if self.form == "choice":
            batch["sequences"] = torch.ones_like(batch["input_ids"][:, 0])
        logits = self.model(task=self.head, **batch)["logits"]
        return (logits[..., 0], logits[..., 1]) if self.form == "span" else logits


def write_graph(model: TransferModel, head: str, form: str, batch: Batch, path: Path) -> None:
    """Writes the graph of a model for batches of any number and length.

    Args:
        form: Name of the head in `heads.HEADS`.
        batch: An example.

    Raises:
        CompatibilityError: Something in the model has no equal in ONNX.
    """
    inputs = [*(name for name in model.inputs if name in batch), "attention_mask"]
    outputs = ["start_logits", "end_logits"] if form == "span" else ["logits"]
    axes = {0: "sequences", 1: "tokens"}
    by_token = form in ("span", "token")
    graph = _Graph(model.cpu().eval(), head, form, inputs).eval()
    try:
        with torch.no_grad(), _quiet():
            torch.onnx.export(
                graph,
                tuple(batch[name] for name in inputs),
                str(path),
                input_names=inputs,
                output_names=outputs,
                dynamic_axes={
                    **dict.fromkeys(inputs, axes),
                    **dict.fromkeys(outputs, axes if by_token else {0: axes[0]}),
                },
                opset_version=_OPSET,
                dynamo=False,
            )
    except (RuntimeError, torch.onnx.OnnxExporterError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise CompatibilityError(
            f"The model cannot be written as a graph of ONNX: {reason[:200].rstrip('.')}.",
            remedy="Use --format transformers.",
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps off what tracing says of shapes, which are checked afterwards with other ones."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def quantize(path: Path, to: Path) -> None:
    """Writes a graph again with weights of eight bits; activations are quantised as they come."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with _quiet():
        logging.getLogger().setLevel(logging.ERROR)
        large = sum(file.stat().st_size for file in path.parent.iterdir()) > _MOST_BYTES
        quantize_dynamic(str(path), str(to), weight_type=QuantType.QInt8, use_external_data_format=large)


class OnnxModel:
    """A graph in `onnxruntime`."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        self._session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        self._inputs = [one.name for one in self._session.get_inputs()]

    def run(self, batch: Batch) -> np.ndarray:
        """A batch's scores as our heads give them: of choices, a row for all of a feature."""
        found = self._session.run(None, {name: batch[name].numpy() for name in self._inputs})
        scores = np.stack(found, axis=-1) if len(found) == 2 else found[0]
        if "sequences" not in batch:
            return scores
        counts = batch["sequences"].tolist()
        table = np.full((len(counts), max(counts)), -np.inf, dtype=np.float32)
        table[np.arange(max(counts)) < np.array(counts)[:, None]] = scores.reshape(-1)
        return table
