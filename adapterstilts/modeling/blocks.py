"""What a model is made of, in words: enough to build it again before its tensors are read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from adapterstilts.errors import CompatibilityError, StoreError
from adapterstilts.files import read_file
from adapterstilts.runs.records import first_problem
from adapterstilts.runs.specs import MethodSpec
from adapterstilts.settings import LONGEST, ONE_IS_A_LIST, Strict
from adapterstilts.tasks.kind import HeadSpec

DESCRIPTION = "model.json"


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


@dataclass(frozen=True)
class ModelOutline:
    """A model without its tensors: that of a finished run, or of one that is only planned.

    Attributes:
        name: What the run's folder is called.
    """

    name: str
    description: ModelDescription

    @property
    def fine_tuned(self) -> bool:
        """Whether it is nothing but a backbone of which every weight was trained."""
        return self.description.own_backbone and not self.description.blocks and self.description.method.name == "full"

    @classmethod
    def read(cls, folder: Path) -> ModelOutline:
        """The outline of the model in a run's folder."""
        path = folder / DESCRIPTION
        try:
            return ModelOutline(folder.name, ModelDescription.model_validate_json(read_file(path)))
        except (OSError, ValueError) as error:
            raise StoreError(
                f"{path} is no description of a model ({first_problem(error)}).",
                remedy="Make the run again with --force.",
            ) from error

    def check_backbone(self, backbone: Any, facts: Any) -> None:
        """Refuses a backbone that its weights are not for, before anything large is loaded.

        Args:
            backbone: A `Backbone`, with name, fingerprint and number format.
            facts: `Facts` of it, or its configuration.

        Raises:
            CompatibilityError: Architecture, depth, width or weights differ.
        """
        mine = self.description
        for what, expected, found in (
            ("architecture", mine.model_type, facts.model_type),
            ("hidden size", mine.hidden_size, facts.hidden_size),
            ("number of layers", mine.num_hidden_layers, facts.num_hidden_layers),
            ("weights", mine.backbone, backbone.fingerprint),
            ("--load-in-4bit", bool(mine.quantization), bool(backbone.quantization)),
        ):
            if expected != found:
                raise CompatibilityError(
                    f"{self.name} was trained on another backbone than {backbone.name}: "
                    f"{what} {expected!r} there, {found!r} here.",
                    remedy="Use the backbone it was trained on, or train the intermediate task on this one.",
                )


class MergeOptions(Strict):
    """How several adapters, or fine-tuned backbones, become one.

    Attributes:
        kind: `linear` is a weighted sum of the weights; `arithmetic` one of differences from the start, where weights
            may be negative (Ilharco et al. 2023; of LoRA, Zhang et al. 2023); `ties` (Yadav et al. 2023), `dare_ties`
            and `dare_linear` (Yu et al. 2024) thin the differences out first, of LoRA its matrices; `svd` decomposes
            the weighted sum of the products of LoRA's matrices.
        weights: One for each source; by default all are equal and sum up to one.
        density: Share of the values that `ties` and `dare_*` keep.
        rank: Rank of the result of `svd`; by default that of the sources.
        then: `stack` a new adapter above the merged one, or `continue` to train it; by default the first that the
            method allows.
    """

    kind: Literal["linear", "arithmetic", "ties", "dare_ties", "dare_linear", "svd"] = "linear"
    weights: Annotated[tuple[float, ...], ONE_IS_A_LIST] = ()
    density: float | None = Field(None, gt=0, le=1)
    rank: int | None = Field(None, ge=1, le=LONGEST)
    then: Literal["stack", "continue"] | None = None
