"""A model as one checkpoint of `transformers`, whatever it was trained with; or as backbone and library's package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from adapterstilts.errors import CompatibilityError
from adapterstilts.modeling.blocks import HeadDescription, ModelDescription
from adapterstilts.modeling.exchange.checkpoints import Checkpoint
from adapterstilts.modeling.exchange.exporting import Exported, export_model
from adapterstilts.modeling.exchange.meta_model import encoder_names
from adapterstilts.modeling.exchange.outer import Outer, checkpoint_alone, with_head
from adapterstilts.modeling.methods import METHODS
from adapterstilts.modeling.storage import WEIGHTS, StoredModel, read_tensors, save_tensors
from adapterstilts.modeling.transfer_model import TransferModel

BASE = "base"
LOADER = "load.py"
_LOADER = '''"""Loads the model in this folder, with {libraries} alone: `model` and `tokenizer`."""

from pathlib import Path

from transformers import AutoTokenizer

FOLDER = str(Path(__file__).resolve().parent)
BASE = f"{{FOLDER}}/{base}"
{loading}
model.eval()
tokenizer = AutoTokenizer.from_pretrained(BASE)
'''


def form_in_transformers(
    stored: StoredModel, model: TransferModel, task: str, labels: Sequence[str], *, told: Mapping[str, Any]
) -> Outer | None:
    """The class of `transformers` whose head is the same function as that of a task; None where there is none.

    Args:
        told: What its configuration says besides.
    """
    outer = with_head(model.pretrained, task, stored.description.heads[task], labels)
    return replace(outer, settings={**outer.settings, **told}) if outer else None


def in_unit(model: TransferModel, task: str, *, mean: float, sd: float) -> None:
    """Makes the head of a number say the number itself, where it said by how many `sd` this differs from `mean`."""
    head: Any = model.heads[task]
    with torch.no_grad():
        head.out_proj.weight.mul_(sd)
        head.out_proj.bias.mul_(sd).add_(mean)


def with_head_of(stored: StoredModel, model: TransferModel, task: str, folder: Path) -> StoredModel:
    """A copy of what a run keeps, in an empty folder, with the head that a model has now."""
    own = {name: one.detach().cpu().contiguous() for name, one in model.state_dict().items()}
    tensors = read_tensors(stored.folder / WEIGHTS)
    save_tensors({n: own[n] if n.startswith(f"heads.{task}.") else one for n, one in tensors.items()}, folder / WEIGHTS)
    return replace(stored, folder=folder)


def becomes_one(description: ModelDescription) -> bool:
    """Whether a model's adapters can become part of its backbone's weights, so that nothing but these is left."""
    live = [block for block in description.blocks if block.kind != "merged"]
    if not live:
        return True
    method = METHODS.get(live[0].adapters[0].method.name)
    if method.sparse:  # differences are summed up
        return True
    return len(live) == 1 and live[0].kind == "adapter" and method.library.merges_into_backbone(method)


def merge(model: TransferModel) -> None:
    """Makes the only adapter of a model, or all differences, part of its backbone's weights, where they are not.

    Raises:
        CompatibilityError: Its effect depends on the text.
    """
    if model.blocks and model.blocks[-1].kind != "merged":
        model.merge_last()


def write_checkpoint(model: TransferModel, outer: Outer, folder: Path) -> None:
    """Writes configuration, weights and tokenizer of a model whose adapters become part of the backbone's weights.

    Args:
        model: It is changed by this. Its weights are fp32, and its backbone's are its own.

    Raises:
        CompatibilityError: An adapter cannot become part of the weights.
    """
    merge(model)
    own, _ = encoder_names(model.pretrained)
    tensors: dict[str, Any] = {
        f"backbone.{path}": one for path, one in model.backbone.state_dict().items() if path in own
    }
    tensors |= {name: one for name, one in model.state_dict().items() if name.startswith("heads.")}
    tensors = {name: one.detach().cpu().contiguous() for name, one in tensors.items()}
    Checkpoint("", model.pretrained, outer, {name: name for name in tensors}).write(folder, tensors)


def write_package(
    stored: StoredModel, model: TransferModel, folder: Path, *, task: str, labels: Sequence[str]
) -> Exported:
    """Writes the backbone, the model in its library's format, and a script that loads both.

    Raises:
        CompatibilityError: The library has no head of this form.
    """
    backbone = model.pretrained
    exported = export_model(stored, backbone, folder, labels={task: labels}, base=BASE, revision=None)
    if any(part.kind == "head" and not part.name for part in exported.parts):
        raise no_form(stored.description.heads[task], backbone.name)
    base = BASE
    if "BASE" in exported.loading:
        Checkpoint(BASE, backbone, checkpoint_alone(backbone), {}).write(folder, {})
    else:
        base = next(part.folder for part in exported.parts if part.kind == "backbone")
    libraries = " and ".join(dict.fromkeys([exported.library, "transformers"]))
    text = _LOADER.format(libraries=libraries, base=base, loading=exported.loading.rstrip())
    (folder / LOADER).write_text(text, encoding="utf-8")
    return exported


def no_form(head: HeadDescription, name: str) -> CompatibilityError:
    """The error for a head that no library has an equal of on a backbone."""
    return CompatibilityError(
        f"Neither transformers nor the adapter's library has a head like this one ({head.name}, "
        f"{', '.join(f'{key} {value}' for key, value in head.options.items()) or 'as usual'}) on {name}.",
        remedy="Use --format onnx, in whose graph the head is.",
    )
