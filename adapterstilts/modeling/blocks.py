"""What a model is made of, in words: enough to build it again before its tensors are read."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from adapterstilts.runs.specs import MethodSpec
from adapterstilts.settings import Strict
from adapterstilts.tasks.kind import HeadSpec


class AdapterDescription(Strict):
    """One adapter in a model: its name and how it was configured."""

    name: str
    method: MethodSpec


class Block(Strict):
    """One or more adapters that a model's layers go through side by side.

    Attributes:
        kind: `adapter` is one alone; `fuse` weighs several by attention; `average` weighs their outputs by `weights`;
            `merged` has become part of the backbone's weights.
        language: Whether it is a language adapter, in whose place another language's can be put.
        learning: Of several, the adapters that are trained too.
    """

    kind: Literal["adapter", "fuse", "average", "merged"]
    adapters: tuple[AdapterDescription, ...] = Field(min_length=1)
    weights: tuple[float, ...] = ()
    language: bool = False
    learning: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """Names of its adapters."""
        return [adapter.name for adapter in self.adapters]


class HeadDescription(Strict):
    """One head in a model."""

    name: str
    outputs: int
    options: dict[str, Any] = {}

    @classmethod
    def of(cls, spec: HeadSpec) -> HeadDescription:
        """The description of a head that a kind asks for."""
        return cls(name=spec.name, outputs=spec.outputs, options=dict(spec.options))

    def spec(self) -> HeadSpec:
        """What to build the head again from."""
        return HeadSpec(self.name, self.outputs, self.options)


class ModelDescription(Strict):
    """What has to be known, besides the tensors, to build a model again.

    Attributes:
        quantization: The number format of the frozen backbone, as in `Backbone`.
        method: What was trained last.
        own_backbone: Whether weights of the backbone itself were trained, now or before.
        blocks: From the one nearest to the backbone to the last one trained.
        heads: Task name to head.
    """

    backbone: str
    quantization: str | None = None
    model_type: str
    hidden_size: int
    num_hidden_layers: int
    method: MethodSpec
    own_backbone: bool = False
    blocks: tuple[Block, ...]
    heads: dict[str, HeadDescription]


class MergeOptions(Strict):
    """How several adapters, or fine-tuned backbones, become one.

    Attributes:
        kind: `linear` is a weighted sum of the weights; `arithmetic` one of differences from the start, where weights
            may be negative (Ilharco et al. 2023; of LoRA, Zhang et al. 2023); `ties` (Yadav et al. 2023), `dare_ties`
            and `dare_linear` (Yu et al. 2024) thin the differences out first; `svd` decomposes the weighted sum of
            the products of LoRA's matrices.
        weights: One for each source; by default all are equal and sum up to one.
        density: Share of the values that `ties` and `dare_*` keep.
        rank: Rank of the result of `svd`; by default that of the sources.
        then: `stack` a new adapter above the merged one, or `continue` to train it; by default the first that the
            method allows.
    """

    kind: Literal["linear", "arithmetic", "ties", "dare_ties", "dare_linear", "svd"] = "linear"
    weights: tuple[float, ...] = ()
    density: float | None = Field(None, gt=0, le=1)
    rank: int | None = Field(None, ge=1)
    then: Literal["stack", "continue"] | None = None
