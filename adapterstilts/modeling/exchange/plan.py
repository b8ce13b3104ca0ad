"""Which parts a model is exported as, and what of it the libraries have no equal of."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from adapterstilts.errors import CompatibilityError
from adapterstilts.modeling.backbone import Backbone
from adapterstilts.modeling.blocks import AdapterDescription, Block, ModelDescription
from adapterstilts.modeling.exchange.adapters_parts import HEAD, LibraryModel, backbone_names, head_names
from adapterstilts.modeling.exchange.checkpoints import Checkpoint, without_wrappers
from adapterstilts.modeling.exchange.forms import Form, adapters_form
from adapterstilts.modeling.exchange.layout import Layout
from adapterstilts.modeling.exchange.meta_model import kept_tensors, model_on_meta
from adapterstilts.modeling.exchange.origin import Origin
from adapterstilts.modeling.exchange.outer import Outer, checkpoint_alone, encoder_alone, with_head
from adapterstilts.modeling.exchange.parts import Part
from adapterstilts.modeling.exchange.peft_parts import peft_part
from adapterstilts.modeling.exchange.sparse_parts import sparse_part
from adapterstilts.modeling.methods import METHODS, Library
from adapterstilts.modeling.outline import fresh_name
from adapterstilts.modeling.transfer_model import TransferModel

_MOST_OUTPUTS = 100_000
_MOST_PARTS = 100


@dataclass(frozen=True)
class Plan:
    """A model as parts.

    Attributes:
        model: It on torch's meta device.
        kept: The tensors that its run keeps.
        outer: The model of `transformers` that the parts are for; None for one of `adapters` that has heads.
        beside: Tasks whose heads are saved with our names, because no library has a head of their form.
        revision: The commit of the backbone.
    """

    backbone: Backbone
    description: ModelDescription
    model: TransferModel
    kept: Mapping[str, torch.Tensor]
    library: Library
    outer: Outer | None
    parts: tuple[Part | Checkpoint, ...]
    beside: tuple[str, ...]
    revision: str | None

    @property
    def adapters(self) -> list[AdapterDescription]:
        """Every adapter, the one nearest to the backbone first."""
        return [one for block in self.description.blocks for one in block.adapters]

    @property
    def live(self) -> list[Block]:
        """The blocks that are not part of the backbone."""
        return [block for block in self.description.blocks if block.kind != "merged"]


def plan(description: ModelDescription, backbone: Backbone, origin: Origin) -> Plan:
    """Plans the parts of a model.

    Raises:
        CompatibilityError: The backbone is another one, or a method does not work on it.
    """
    _check_size(description)
    model = model_on_meta(description, backbone)
    kept = kept_tensors(model)
    adapters = [one for block in description.blocks for one in block.adapters]
    library: Library = METHODS.get(adapters[0].method.name).library_name if adapters else "transformers"
    builder = _Builder(backbone, description, model, kept, origin)
    of_library = {
        "adapters": builder.adapters,
        "peft": builder.peft,
        "adapterstilts": builder.differences,
        "transformers": builder.checkpoint,
    }
    parts, outer = of_library[library]()
    covered = {ours for part in parts for ours in part.tensors()}
    beside = [name for name in kept if name.startswith("heads.") and name not in covered]
    if beside:
        layout = Layout(HEAD, {name: name for name in beside}, {name: kept[name] for name in beside})
        parts.append(Part("", "head", "", (layout,), {}))
    tasks = {name.split(".")[1] for name in beside}
    return Plan(backbone, description, model, kept, library, outer, tuple(parts), tuple(sorted(tasks)), origin.revision)


def _check_size(description: ModelDescription) -> None:
    """Refuses what could not be built in a reasonable time."""
    adapters = [one for block in description.blocks for one in block.adapters]
    outputs = max((head.outputs for head in description.heads.values()), default=0)
    for what, number, most in (
        ("adapters", len(adapters), _MOST_PARTS),
        ("heads", len(description.heads), _MOST_PARTS),
        ("outputs of a head", outputs, _MOST_OUTPUTS),
    ):
        if number > most:
            raise CompatibilityError(
                f"The model has {number:,} {what}, where {most:,} are the most.",
                remedy="It is not a description that this package wrote.",
            )


@dataclass(frozen=True)
class _Builder:
    backbone: Backbone
    description: ModelDescription
    model: TransferModel
    kept: Mapping[str, torch.Tensor]
    origin: Origin

    def checkpoint(self) -> tuple[list[Part | Checkpoint], Outer | None]:
        """A whole model of `transformers`."""
        outer = self._with_head() or checkpoint_alone(self.backbone)
        return [Checkpoint("", self.backbone, outer, {name: name for name in self.kept})], outer

    def differences(self) -> tuple[list[Part | Checkpoint], Outer | None]:
        """Differences of weights of the backbone, with the head of `transformers` that is the same."""
        names = [one.name for block in self.description.blocks for one in block.adapters]
        outer = self._with_head_unless_pretrained() or encoder_alone(self.backbone)
        return [sparse_part(self.model.backbone, names, self.kept, outer)], outer

    def peft(self) -> tuple[list[Part | Checkpoint], Outer | None]:
        """Adapters of `peft`, of which all but the last are merged into the backbone."""
        outer = self._with_head_unless_pretrained()
        outers = [*([outer] if outer else []), encoder_alone(self.backbone)]
        names = [one for block in self.description.blocks for one in block.adapters]
        alone = len(names) == 1 and not self.description.own_backbone
        *below, last = names
        folder = "" if alone else folder_name(len(names), last.name)
        part, chosen = peft_part(self.backbone, last, outers, self.origin, folder=folder)
        parts: list[Part | Checkpoint] = [*self._own_backbone()]
        for number, one in enumerate(below, 1):
            folder = folder_name(number, one.name)
            parts.append(peft_part(self.backbone, one, [chosen], self.origin, folder=folder, merged=True)[0])
        ignoring = tuple(dataclasses.replace(one, ignored=self.origin.ignored) for one in part.layouts)
        return [*parts, dataclasses.replace(part, layouts=ignoring)], chosen

    def adapters(self) -> tuple[list[Part | Checkpoint], Outer | None]:
        """Adapters, fusion layers and heads of `adapters`."""
        library = LibraryModel.of(self.backbone, self.origin.base)
        names = [one for block in self.description.blocks for one in block.adapters]
        forms = self._adapters_forms(library)
        alone = len(names) == 1 and not self.description.own_backbone and len(forms) <= 1
        parts: list[Part | Checkpoint] = [*self._own_backbone()]
        for number, one in enumerate(names, 1):
            parts.append(self._adapter(library, one, folder="" if alone else folder_name(number, one.name)))
        for block in self.description.blocks:
            if block.kind == "fuse":
                library.add_fusion(block.names)
                fusion = ",".join(block.names)
                ours = backbone_names(library.prefix)
                parts.append(library.part("fusion", fusion, folder="fusion", ours=ours))
        for number, (task, form) in enumerate(forms.items(), 1):
            called = self.origin.head or fresh_name(task, ())
            library.add_head(called, self.description.heads[task], form, self.origin.labels.get(task, ()))
            folder = "" if alone else folder_name(number, task, "head-")
            parts.append(library.part("head", called, folder=folder, ours=head_names(task, form)))
        with_places = forms or (library.heads and not self.description.heads)
        return parts, None if with_places else encoder_alone(self.backbone)

    def _adapter(self, library: LibraryModel, one: AdapterDescription, *, folder: str) -> Part:
        called = self.origin.adapter or one.name
        library.add_adapter(one, called=called)
        owner = METHODS.get(one.method.name).library
        containers = [f"backbone.{path}" for path in owner.containers(self.model.backbone, one.name)]
        ours = backbone_names(library.prefix, containers, called, one.name)
        return library.part("adapter", called, folder=folder, ours=ours)

    def _own_backbone(self) -> list[Checkpoint]:
        if not self.description.own_backbone:
            return []
        kept = without_wrappers(name for name in self.kept if name.startswith("backbone."))
        return [Checkpoint("backbone", self.backbone, checkpoint_alone(self.backbone), kept)]

    def _with_head_unless_pretrained(self) -> Outer | None:
        """The same, with the head of the backbone's pretraining as it is in the backbone, and never another one."""
        outer = self._with_head()
        if outer is None or outer.auto_class != "AutoModelForMaskedLM":
            return outer
        trained = any(name.startswith("heads.") for name in self.kept)
        return None if trained else dataclasses.replace(outer, heads={})

    def _with_head(self) -> Outer | None:
        if len(self.description.heads) != 1:
            return None
        ((task, head),) = self.description.heads.items()
        return with_head(self.backbone, task, head, self.origin.labels.get(task, ()))

    def _adapters_forms(self, library: LibraryModel) -> dict[str, Form]:
        """Each task's form of a head; none where one of them has none."""
        found = {}
        for task, head in self.description.heads.items():
            form = adapters_form(head, self.model.config, prompt=self._prompt())
            if form is None or form.name not in library.heads:
                return {}
            found[task] = form
        return found

    def _prompt(self) -> str | None:
        """Where a trained prompt is put."""
        methods = [one.method for block in self.description.blocks for one in block.adapters]
        prompts = [one for one in methods if METHODS.get(one.name).config == "PromptTuningConfig"]
        return METHODS.get(prompts[0].name).resolve(prompts[0].options)["combine"] if prompts else None


def folder_name(number: int, name: str, kind: str = "") -> str:
    """The folder of a part: its number, and what of its name can be part of an address."""
    return f"{kind}{number}-{re.sub('[^A-Za-z0-9_.+-]+', '_', name)[:60]}"
