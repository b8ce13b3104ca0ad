"""Backbones whose own weights were trained, as checkpoints of `transformers`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from adapterstilts.errors import CompatibilityError, SharingError
from adapterstilts.files import share_as_usual
from adapterstilts.modeling.backbone import Backbone
from adapterstilts.modeling.exchange.headers import Entry
from adapterstilts.modeling.exchange.layout import Layout
from adapterstilts.modeling.exchange.outer import Outer
from adapterstilts.modeling.exchange.parts import Kind, Tensors
from adapterstilts.modeling.exchange.weights import Weights

WEIGHTS = "model.safetensors"
_SHARD = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")
# What checkpoints have of the backbone that ours leave out: a pooler of pretraining, and numbers of positions.
LEFT_OUT = ("pooler", "position_ids")
_MOST_BYTES = "5GB"


def checkpoint_files(weights: Weights, folder: str = "") -> list[str]:
    """The files of a checkpoint's weights in a folder: one, or all parts of it.

    Raises:
        SharingError: There are none, or a part is missing.
    """
    beginning = f"{folder}/" if folder else ""
    if weights.has(f"{beginning}{WEIGHTS}"):
        return [f"{beginning}{WEIGHTS}"]
    place = weights.folder / folder
    found = sorted(path.name for path in place.glob("model-*.safetensors") if _SHARD.fullmatch(path.name))
    if not found or found != [
        f"model-{number:05}-of-{len(found):05}.safetensors" for number in range(1, len(found) + 1)
    ]:
        raise SharingError(
            f"{place} has {', '.join(found) or 'no weights'}; {WEIGHTS} or all parts of it are due.",
            remedy="Get the folder again.",
        )
    return [f"{beginning}{name}" for name in found]


def without_wrappers(names: Iterable[str]) -> dict[str, str]:
    """The names of a backbone's tensors without what `peft` puts into them, to the names as they are."""
    return {name.replace(".base_layer.", "."): name for name in names}


@dataclass(frozen=True)
class Checkpoint:
    """The files of a backbone of its own, with the head where `transformers` has one of its form.

    Attributes:
        kept: The tensors that the run keeps, as they are called in a model without adapters, to our names of them; all
            others are those of the backbone.
    """

    folder: str
    backbone: Backbone
    outer: Outer
    kept: Mapping[str, str]
    kind: Kind = "backbone"
    name: str = "backbone"

    def write(self, root: Path, tensors: Tensors) -> None:
        """Writes configuration, weights and tokenizer.

        Args:
            tensors: Those of the model, by our names.
        """
        folder = root / self.folder
        model = self.outer.build()
        missing, _ = model.load_state_dict(self._filled(tensors), strict=False, assign=True)
        model.tie_weights()
        if absent := [name for name in missing if model.state_dict()[name].is_meta]:
            raise CompatibilityError(
                f"{self.backbone.name} has no weights for {absent[0]} of {type(model).__name__}.",
                remedy="Keep the run in the format of this package.",
            )
        model.save_pretrained(folder, max_shard_size=_MOST_BYTES)
        for path in folder.glob("*.safetensors"):
            share_as_usual(path)
        self.backbone.tokenizer().save_pretrained(folder)

    def _filled(self, tensors: Tensors) -> dict[str, torch.Tensor]:
        """All weights by the library's names: ours where the run has any, else the backbone's."""
        names = self._layout().names
        found = {plain: tensors[ours] for plain, ours in self.kept.items()}
        if not found.keys() >= set(names.values()):
            found = self._frozen() | found
        return {theirs: found[ours] for theirs, ours in names.items() if ours in found}

    def _frozen(self) -> dict[str, torch.Tensor]:
        """The backbone's own weights by our names, and those of its head for masked language modelling."""
        encoder = self.backbone.encoder(torch.float32)
        found = {f"backbone.{path}": tensor for path, tensor in encoder.state_dict().items()}
        if self.outer.auto_class == "AutoModelForMaskedLM":
            head = self.backbone.masked_lm_decoder(encoder)
            begin = next(iter(self.outer.heads.values())).partition(".decoder")[0]
            found |= {f"{begin}.decoder.{path}": tensor for path, tensor in head.state_dict().items()}
        return found

    def tensors(self) -> set[str]:
        """Our names of the tensors in it that the run keeps."""
        own = set(self._layout().names.values())
        return {ours for plain, ours in self.kept.items() if plain in own}

    def check(self, weights: Weights) -> None:
        """Refuses what the headers of the files say, before any tensor is read.

        Raises:
            SharingError: There is no weights file, or a part of it is missing; or as `Weights.entries`.
            CompatibilityError: As `Layout.check`.
        """
        entries: dict[str, Entry] = {}
        for file in self._files(weights):
            for name, entry in weights.entries(file).items():
                if name in entries:
                    raise SharingError(
                        f"{weights.folder / file}: {name} is in another part too.", remedy="Get the files again."
                    )
                entries[name] = entry
        self._layout().check(weights.folder / self.folder / WEIGHTS, entries)

    def read(self, weights: Weights) -> dict[str, torch.Tensor]:
        """The tensors by our names that the run keeps, once `check` has passed.

        Raises:
            SharingError: As `Layout.ours`.
            CompatibilityError: A weight that the method does not train is not that of the backbone.
        """
        layout, found = self._layout(), dict[str, torch.Tensor]()
        for file in self._files(weights):
            found |= layout.ours(weights.folder / file, weights.tensors(file))
        rest = {name: tensor for name, tensor in found.items() if name not in self.kept}
        self._check_frozen(weights.folder, rest)
        return {self.kept[name]: tensor for name, tensor in found.items() if name in self.kept}

    def _check_frozen(self, root: Path, rest: Mapping[str, torch.Tensor]) -> None:
        own = self._frozen() if rest else {}
        for name, tensor in rest.items():
            if name not in own or not torch.equal(own[name].float(), tensor.float()):
                raise CompatibilityError(
                    f"{root / self.folder}: {name} is not trained by the method, and not that of {self.backbone.name}.",
                    remedy="Give the backbone and the method that the checkpoint was made with.",
                )

    def _files(self, weights: Weights) -> list[str]:
        return checkpoint_files(weights, self.folder)

    def _layout(self) -> Layout:
        model = self.outer.build()
        tied: dict[int, str] = {}
        names, tensors = {}, {}
        kept = set(model.state_dict())
        named: Iterable[tuple[str, torch.Tensor]] = (
            *model.named_parameters(remove_duplicate=False),
            *model.named_buffers(remove_duplicate=False),
        )
        for path, tensor in named:
            if path in kept:
                first = tied.setdefault(id(tensor), path)
                names[path], tensors[path] = self.outer.ours(first) or f"theirs.{first}", tensor
        return Layout(WEIGHTS, names, tensors, ignored=() if any("pooler" in one for one in names) else LEFT_OUT)
