"""One forward pass for texts of several models: the backbone's layers once, each text through its own model's adapters.

The libraries do it for adapters that lie side by side in one backbone: `BatchSplit` of `adapters`, and the names of
adapters that LoRA of `peft` takes for each row. Not every method of theirs does what it does alone, so that a model is
added with a few texts, on which its scores have to be the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any, cast

import torch

from adapterstilts.errors import CompatibilityError
from adapterstilts.modeling.as_alone import AsAlone
from adapterstilts.modeling.blocks import AdapterDescription
from adapterstilts.modeling.cpu.kernels import torchs_kernels
from adapterstilts.modeling.methods import METHODS
from adapterstilts.modeling.transfer_model import TransferModel

# Methods that cannot share a batch fail in ways of their own.
_CANNOT = (
    AttributeError, CompatibilityError, IndexError, KeyError, NotImplementedError, RuntimeError, TypeError, ValueError,
)  # fmt: skip
Batch = Mapping[str, torch.Tensor]
Part = tuple[str, Batch]
"""The name of a model, and a batch for it."""


def scores_of(model: TransferModel, head: str, batch: Batch) -> torch.Tensor:
    """Scores of each feature of a batch; on a CPU, they are to the last bit those that it has alone."""
    device = next(model.parameters()).device
    alone = AsAlone() if device.type == "cpu" and len(batch["input_ids"]) > 1 else nullcontext()
    with torch.inference_mode(), alone, torchs_kernels():  # which are known to give the same bits
        given: Any = {name: value.to(device) for name, value in batch.items()}
        return cast(torch.Tensor, model(task=head, **given)["logits"])


def shared_form(model: TransferModel) -> tuple[Any, ...] | None:
    """What models have in common that may share a batch; None where a model cannot."""
    described = model.describe()
    kinds = {block.kind for block in described.blocks}
    layers = [head.layer for head in model.heads.values()]
    if (
        described.own_backbone
        or described.quantization
        or kinds != {"adapter"}
        or any(one is not None for one in layers)
    ):
        return None
    methods = [METHODS.get(one.method.name) for block in described.blocks for one in block.adapters]
    if any(one.sparse for one in methods):  # what they change is the backbone itself
        return None
    device = next(model.parameters()).device
    if device.type != "cpu":  # elsewhere scores depend on the batch, so that they cannot be compared
        return None
    # Layers of the libraries are for one method at a time.
    return described.backbone, model.precision, frozenset((one.library_name, one.config) for one in methods)


class SharedBatch:
    """A backbone with the adapters of several models side by side, which are copied into it.

    Args:
        first: One of the models; it tells backbone, library and number format.
    """

    def __init__(self, first: TransferModel) -> None:
        self._shared = _without_dropout(TransferModel(first.pretrained, method=first.method, precision=first.precision))
        self._library: Any = METHODS.get(first.method.name).library
        self._models: dict[str, tuple[TransferModel, str]] = {}
        self._stacks: dict[str, list[str]] = {}
        self._examples: dict[str, Sequence[Batch]] = {}
        self._count = 0

    @property
    def names(self) -> list[str]:
        """Of the models."""
        return list(self._models)

    def add(self, name: str, model: TransferModel, head: str, examples: Sequence[Batch]) -> bool:
        """Adds a model, if what it and the others say does not depend on who shares the batch.

        Args:
            head: What its head is called in it.
            examples: Batches of one feature each.
        """
        self._models[name], self._examples[name] = (model, head), examples
        try:
            self._stacks[name] = [self._give(model, one) for block in model.blocks for one in block.adapters]
            if self._agrees():
                return True
        except _CANNOT:
            pass
        for known in (self._models, self._examples, self._stacks):
            known.pop(name, None)
        return False

    def _give(self, model: TransferModel, adapter: AdapterDescription) -> str:
        """Takes an adapter over, and returns what it is called here."""
        self._count += 1
        own = AdapterDescription(name=f"shared{self._count}", method=adapter.method)
        self._shared.load_adapter(own)
        if hasattr(self._library, "settle"):
            self._library.settle(self._shared.backbone, own.name)
        theirs = {**dict(model.named_parameters()), **dict(model.named_buffers())}
        paths = self._shared.adapter_paths(own, called=adapter.name)
        self._shared.load({mine: theirs[path] for mine, path in paths.items()})
        _without_dropout(self._shared).requires_grad_(False)
        return own.name

    def _agrees(self) -> bool:
        """Whether all models give to their examples in one batch the scores that they give to each alone."""
        parts = [(name, one) for name, examples in self._examples.items() for one in examples]
        widths = {one["input_ids"].shape[1] for _, one in parts}
        for width in widths:
            together = [(name, one) for name, one in parts if one["input_ids"].shape[1] == width]
            for (name, one), scores in zip(together, self.scores(together), strict=True):
                if not torch.equal(scores, scores_of(*self._models[name], one)):
                    return False
        return True

    def scores(self, parts: Sequence[Part]) -> list[torch.Tensor]:
        """Scores of the features of each part; all are as wide, and parts of one model follow each other."""
        sizes = [len(batch["input_ids"]) for _, batch in parts]
        columns = (*self._shared.inputs, "attention_mask")
        inputs = {name: torch.cat([batch[name] for _, batch in parts]) for name in columns if name in parts[0][1]}
        stacks = [self._stacks[name] for name, _ in parts]
        with torch.inference_mode(), AsAlone():
            with self._library.mixed(self._shared.backbone, *_joined(stacks, sizes)), self._numbers():
                hidden = self._shared.hidden(None, **inputs)
            return [
                self._scored(name, states, batch)
                for (name, batch), states in zip(parts, hidden.split(sizes), strict=True)
            ]

    def _scored(self, name: str, hidden: torch.Tensor, batch: Batch) -> torch.Tensor:
        model, called = self._models[name]
        own = {key: value for key, value in batch.items() if key not in ("input_ids", "token_type_ids")}
        with self._numbers():
            return model.heads[called](hidden, **own)["logits"]

    def _numbers(self) -> Any:
        return torch.autocast("cpu", dtype=torch.bfloat16, enabled=self._shared.precision == "bf16")


def _without_dropout(model: TransferModel) -> TransferModel:
    """The model for nothing but answering: modules that would do nothing are not asked."""
    for module in model.eval().modules():
        for name, child in module.named_children():
            if isinstance(child, torch.nn.Dropout):
                passing = torch.nn.Identity()
                passing.p = 0.0  # type: ignore[assignment]  # which some architectures read
                setattr(module, name, passing)
    return model


def _joined(stacks: Sequence[list[str]], sizes: Sequence[int]) -> tuple[list[list[str]], list[int]]:
    """The same with one stack for neighbours that are equal."""
    found: list[list[str]] = []
    counts: list[int] = []
    for stack, size in zip(stacks, sizes, strict=True):
        if found and found[-1] == stack:
            counts[-1] += size
        else:
            found.append(stack)
            counts.append(size)
    return found, counts
