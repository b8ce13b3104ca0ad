"""Whether an exported model gives the scores that ours gives, before anyone relies on it."""

from __future__ import annotations

import runpy
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from adapterstilts.errors import CompatibilityError
from adapterstilts.modeling.exchange.whole import LOADER
from adapterstilts.modeling.transfer_model import TransferModel

Batch = dict[str, torch.Tensor]


def our_scores(model: TransferModel, head: str, batches: Iterable[Batch]) -> list[torch.Tensor]:
    """The scores of batches of one feature each, without those of padding."""
    device = next(model.parameters()).device
    model.eval()
    with torch.no_grad():
        found = [model(task=head, **{name: one.to(device) for name, one in batch.items()}) for batch in batches]
    return [_real(one["logits"].float().cpu(), batch) for one, batch in zip(found, batches, strict=True)]


def loaded(folder: Path, auto_class: str | None) -> Any:
    """The exported model as others load it: by its class of `transformers`, or by the script that lies beside it."""
    if auto_class is None:
        return runpy.run_path(str(folder / LOADER))["model"]
    import transformers

    return getattr(transformers, auto_class).from_pretrained(folder).eval()


def their_scores(model: Any, batches: Iterable[Batch]) -> list[torch.Tensor]:
    """The same of a library's own model."""
    found = []
    for batch in batches:
        inputs = {name: one for name, one in batch.items() if name != "sequences"}
        if "sequences" in batch and not hasattr(model, "heads"):  # adapters takes choices as rows of their own
            inputs = {name: one[None] for name, one in inputs.items()}
        with torch.no_grad():
            output = model(**inputs)
        if "start_logits" in output:
            scores = torch.stack([output.start_logits, output.end_logits], dim=-1)
        else:
            scores = output.logits
        found.append(_real(scores.float().reshape(1, -1) if "sequences" in batch else scores.float(), batch))
    return found


def graph_scores(run: Callable[[Batch], np.ndarray], batches: Iterable[Batch]) -> list[torch.Tensor]:
    """The same of a graph, which gives scores as our heads do."""
    return [_real(torch.from_numpy(run(batch)), batch) for batch in batches]


def _real(scores: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Scores without those of padding, behind those of a prompt."""
    if scores.ndim < 3:
        return scores
    mask = batch["attention_mask"].bool()
    return scores[:, scores.shape[1] - mask.shape[1] :][mask]


def check_agreement(ours: Iterable[torch.Tensor], theirs: Iterable[torch.Tensor], *, what: str, most: float) -> float:
    """The largest difference, as a share of the largest score where that exceeds 1.

    Raises:
        CompatibilityError: It exceeds `most`, or scores have other shapes.
    """
    largest = 0.0
    for one, other in zip(ours, theirs, strict=True):
        if one.shape != other.shape:
            raise _differs(what, f"{tuple(other.shape)} scores instead of {tuple(one.shape)}")
        found = float((one - other).abs().max()) / max(1.0, float(one.abs().max()))
        if not found <= most:  # as it is where one of them is no number
            raise _differs(what, f"scores that differ by {found:.2g}, where {most:g} is allowed")
        largest = max(largest, found)
    return largest


def _differs(what: str, how: str) -> CompatibilityError:
    return CompatibilityError(
        f"{what} gives {how}; nothing was written.",
        remedy="Use the run here, or share it with `astilts push`; the other --format may do as well.",
    )
