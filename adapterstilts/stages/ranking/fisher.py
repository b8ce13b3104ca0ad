"""TaskEmb: what a task is to the backbone, told by which of its weights matter for the task's loss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from adapterstilts.runs.arrays import Arrays, recall_arrays
from adapterstilts.runs.specs import Precision
from adapterstilts.stages.ranking.examples import Examples
from adapterstilts.stages.ranking.representations import FOLDER, load

if TYPE_CHECKING:
    import torch

    from adapterstilts.modeling.transfer_model import TransferModel

_HEAD_PASSES = 30
_HEAD_RATE = 1e-2
_SEED = 0
_TASK = "task"


def task_embedding(examples: Examples, precision: Precision) -> np.ndarray:
    """The mean squared gradients `(units,)` of the task's loss, by the output units of the backbone's layers.

    This is the diagonal of the empirical Fisher information (Vu et al. 2020, section 4.2), averaged over the weights
    that lead to a unit, as Task2Vec averages those of a filter (Achille et al. 2019). The backbone is as it was
    pretrained, so that no model of the target has to be trained, and only a head above it is fitted to the examples.
    """

    def find() -> Arrays:
        return {"fisher": _fisher(load(None, examples, precision), examples)}

    what = ("fisher", examples.setup.backbone.fingerprint, precision, examples.identity)
    return recall_arrays(examples.setup.store.cache / FOLDER, *what, find=find)["fisher"]


def _fisher(model: TransferModel, examples: Examples) -> np.ndarray:
    import torch

    torch.manual_seed(_SEED)
    model.add_head(_TASK, examples.kind.head())
    device = next(model.backbone.parameters()).device
    model.to(device)
    _fit_head(model, [_on(device, batch) for batch in _batches(examples, alone=False)])
    backbone: Any = model.backbone
    vocabulary = {id(one) for one in backbone.get_input_embeddings().parameters()}
    weights = [one for one in backbone.parameters() if id(one) not in vocabulary and one.is_floating_point()]
    for one in weights:
        one.requires_grad_(True)
    sums = [torch.zeros(len(one), dtype=torch.float64) for one in weights]
    count = 0
    for batch in _batches(examples, alone=True):
        count += 1
        loss = model(task=_TASK, **_on(device, batch))["loss"]
        for total, gradient in zip(sums, torch.autograd.grad(loss, weights, allow_unused=True), strict=True):
            if gradient is not None:
                total += gradient.float().square().reshape(len(total), -1).mean(1).cpu()
    backbone.requires_grad_(False)
    return (torch.cat(sums) / count).numpy()


def _fit_head(model: TransferModel, batches: list[dict[str, torch.Tensor]]) -> None:
    """Fits a new head to the hidden states of the examples, which are computed once."""
    import torch

    head = model.heads[_TASK]
    if head.pretrained:
        return
    with torch.no_grad():
        hidden = [model.hidden_states(**batch) for batch in batches]
    optimizer = torch.optim.Adam(head.parameters(), lr=_HEAD_RATE)
    for _ in range(_HEAD_PASSES):
        for states, batch in zip(hidden, batches, strict=True):
            optimizer.zero_grad()
            head(states, **{name: value for name, value in batch.items() if name != "input_ids"})["loss"].backward()
            optimizer.step()
    head.requires_grad_(False)


def _batches(examples: Examples, *, alone: bool) -> Iterator[dict[str, torch.Tensor]]:
    """Training batches: of single examples, where those of a batch are not compared with each other, or of many."""
    from adapterstilts.stages.collate import build_collator

    kind = examples.kind
    collator = build_collator(examples.setup, examples.spec.encoding.max_length, kind=kind, seed=_SEED)
    features: list[dict[str, Any]] = examples.features().to_list()
    size = kind.comparing or (1 if alone else len(features))
    for start in range(0, len(features), size):
        yield from collator(features[start : start + size])


def _on(device: torch.device, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value.to(device) for name, value in batch.items()}
