"""Writing a model's own weights to a folder, and building the model again from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from adapterstilts.errors import CompatibilityError, StoreError
from adapterstilts.files import share_as_usual, write_json
from adapterstilts.modeling.backbone import Backbone
from adapterstilts.modeling.blocks import DESCRIPTION, AdapterDescription, ModelOutline
from adapterstilts.modeling.sharding import whole
from adapterstilts.modeling.transfer_model import MERGED, TransferModel
from adapterstilts.runs.specs import Precision

WEIGHTS = "weights.safetensors"

Save = Callable[[Mapping[str, torch.Tensor], Path], None]


def save_tensors(tensors: Mapping[str, torch.Tensor], path: Path) -> None:
    """Writes tensors, wherever they are, to a safetensors file."""
    save_file({name: tensor.cpu().contiguous() for name, tensor in tensors.items()}, path)
    share_as_usual(path)


def save_parameters(
    model: TransferModel, path: Path, *, trained_only: bool, write: bool = True, save: Save = save_tensors
) -> None:
    """Writes tensors to a safetensors file: the trained ones, or all that a run has to keep.

    Args:
        write: Whether this process does; weights that are spread over processes are put together by all of them.
        save: What writes them; it is given the model's own tensors, which training changes.
    """
    tensors = {}
    for name, tensor in model.stored():
        if tensor.requires_grad or not trained_only:
            own = tensor.detach()
            complete = whole(own)
            if write:
                tensors[name] = own if complete is own else complete.cpu()
    if write:
        save(tensors, path)


def load_parameters(model: TransferModel, path: Path) -> None:
    """Copies the tensors of a safetensors file, among which all trained ones are, into the model.

    Raises:
        CompatibilityError: A tensor has no place of its name and shape, or a trainable parameter no tensor.
        StoreError: The file cannot be read.
    """
    tensors = read_tensors(path)
    trained = [name for name, tensor in model.stored() if tensor.requires_grad]
    _load(model, tensors, path, needed=trained)


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file.

    Raises:
        StoreError: The file cannot be read.
    """
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise StoreError(f"{path} cannot be read ({error}).", remedy="Make the run again with --force.") from error


def _load(model: TransferModel, tensors: Mapping[str, torch.Tensor], path: Path, *, needed: list[str]) -> None:
    if absent := [name for name in needed if name not in tensors]:
        raise CompatibilityError(f"{path} has no {absent[0]}.", remedy="Make the run again with --force.")
    try:
        model.load(tensors)
    except KeyError as error:
        raise CompatibilityError(
            f"{path}: {error.args[0]}.",
            remedy="The weights belong to another backbone or method.",
        ) from None


@dataclass(frozen=True)
class StoredModel(ModelOutline):
    """The model that a finished run holds."""

    folder: Path

    @classmethod
    def read(cls, folder: Path) -> StoredModel:
        """Reads the description; the tensors wait for `restore`."""
        outline = ModelOutline.read(folder)
        return cls(outline.name, outline.description, folder)

    def restore(
        self, backbone: Backbone, *, precision: Precision, heads: bool = True, to_change: bool = False
    ) -> TransferModel:
        """Builds the model with its weights, all of them frozen.

        Args:
            heads: Whether its heads are wanted.
            to_change: Whether weights of the backbone are going to be trained, or an adapter merged into them.
        """
        self.check_backbone(backbone, backbone.config())
        tensors = {
            name: tensor
            for name, tensor in read_tensors(self.folder / WEIGHTS).items()
            if heads or not name.startswith("heads.")
        }
        own = self.description.own_backbone or to_change or any(one.kind == "merged" for one in self.description.blocks)
        model = TransferModel(backbone, method=self.description.method, precision=precision, own_backbone=own)
        for block in self.description.blocks:
            model.add_block(block)
            if block.kind == "merged":
                paths = model.adapter_paths(block.adapters[0])
                mine = {path: tensors.pop(f"{MERGED}{path}") for path in paths if f"{MERGED}{path}" in tensors}
                _load(model, mine, self.folder / WEIGHTS, needed=list(paths))
                model.merge_last()
        for task, head in self.description.heads.items() if heads else ():
            model.add_head(task, head.spec())
        model.settle()
        # Whatever the run has stored has to be in its file.
        model.train_backbone()
        needed = [name for name, _ in model.stored() if not name.startswith(MERGED)]
        _load(model, tensors, self.folder / WEIGHTS, needed=needed)
        return model.requires_grad_(False)

    def give_adapter(self, name: str, model: TransferModel, adapter: AdapterDescription) -> None:
        """Adds the adapter that is called `name` here to another model as `adapter`, frozen and not in use yet.

        Of layers that the other leaves out, nothing is needed.

        Raises:
            CompatibilityError: A tensor is not there, or has another shape.
        """
        model.load_adapter(adapter)
        stored, paths = read_tensors(self.folder / WEIGHTS), model.adapter_paths(adapter, called=name)
        mine = {path: stored[old] for path, old in paths.items() if old in stored}
        _load(model, mine, self.folder / WEIGHTS, needed=list(paths))


def save_model(model: TransferModel, folder: Path, *, write: bool = True) -> None:
    """Writes what a run keeps of its model: description and weights, without the backbone's frozen ones.

    Args:
        write: As in `save_parameters`.
    """
    model.settle()
    if write:
        write_json(folder / DESCRIPTION, model.describe().model_dump(mode="json"))
    save_parameters(model, folder / WEIGHTS, trained_only=False, write=write)
