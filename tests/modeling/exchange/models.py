"""Small models whose weights were moved away from their initialisation, and what the plain libraries make of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from adapterstilts.modeling.backbone import Backbone
from adapterstilts.modeling.blocks import AdapterDescription, Block
from adapterstilts.modeling.exchange.exporting import Exported, export_model
from adapterstilts.modeling.exchange.importing import import_model
from adapterstilts.modeling.storage import WEIGHTS, StoredModel, save_model
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.runs.specs import MethodSpec
from adapterstilts.tasks.kind import HeadSpec

HEADS = {
    "span": HeadSpec("span", 2),
    "token": HeadSpec("token", 3),
    "classification": HeadSpec("classification", 3),
    "choice": HeadSpec("choice", 1),
}
CLASSIFIERS = {"multi_label": HeadSpec("multi_label", 3), "regression": HeadSpec("regression", 1)}
LABELS = {"span": (), "token": ("O", "B-PER", "I-PER"), "classification": ("no", "maybe", "yes"), "choice": ("A", "B")}
TASK = "mlqa"


def with_biases(folder: Path) -> Path:
    """Moves the biases and norms of a new checkpoint away from the zeros and ones that they begin with."""
    torch.manual_seed(1)
    tensors = load_file(folder / "model.safetensors")
    for name, tensor in tensors.items():
        if tensor.dim() == 1:
            tensors[name] = tensor + 0.2 * torch.randn_like(tensor)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    return folder


def spec(name: str, **options: Any) -> MethodSpec:
    return MethodSpec(name=name, options=options)


def adapter(name: str, method: MethodSpec) -> AdapterDescription:
    return AdapterDescription(name=name, method=method)


def pairs(names: Iterable[str], forms: Iterable[str], *, whole: Iterable[str] = ()) -> list[tuple[str, str]]:
    """Each name with one of the forms in turn, those of `whole` with all of them.

    Environment variable EVERY_COMBINATION: each with each, which takes some minutes.
    """
    found, every = list(forms), list(names)
    if os.environ.get("EVERY_COMBINATION"):
        return [(name, form) for name in every for form in found]
    chosen = [(name, found[number % len(found)]) for number, name in enumerate(every)]
    return list(dict.fromkeys([*chosen, *((name, form) for name in whole for form in found)]))


def new_model(
    backbone: Backbone,
    method: MethodSpec,
    heads: dict[str, HeadSpec],
    blocks: Sequence[Block] = (),
) -> TransferModel:
    """A model with the blocks given, the last of which is trained, or with one adapter of the method."""
    from adapterstilts.modeling.methods import METHODS

    torch.manual_seed(0)
    own = any(block.kind == "merged" for block in blocks)
    model = TransferModel(backbone, method=method, precision="fp32", own_backbone=own)
    if not blocks and METHODS.get(method.name).adds_adapter:
        blocks = [Block(kind="adapter", adapters=(adapter(TASK, method),))]
    for block in blocks:
        model.add_block(block)
        moved(model, [path for one in block.adapters for path in model.adapter_paths(one)])
        if block.kind == "merged":
            model.merge_last()
    if blocks and blocks[-1].kind == "fuse":
        model.train_fusion(blocks[-1].names)
    for block in blocks[-1:]:
        if block.kind == "adapter":
            model.train_adapter(block.names[0])
    model.train_backbone()
    for task, head in heads.items():
        model.add_head(task, head)
        model.train_head(task)
    moved(model, [path for path, parameter in model.named_parameters() if parameter.requires_grad])
    return model


def moved(model: TransferModel, paths: Sequence[str]) -> None:
    """Adds noise to weights."""
    chosen = set(paths)
    with torch.no_grad():
        for path, parameter in model.named_parameters():
            if path in chosen and parameter.is_floating_point() and ".ranknum." not in path:
                parameter.add_(0.05 * torch.randn_like(parameter))


def stored(model: TransferModel, folder: Path) -> StoredModel:
    folder.mkdir(parents=True)
    save_model(model, folder)
    return StoredModel.read(folder)


def exported(
    model: TransferModel, backbone: Backbone, folder: Path, labels: Any = None
) -> tuple[StoredModel, Exported, Path]:
    """The run of a model, and the folder that it is exported to."""
    run = stored(model, folder / "run")
    told = {TASK: tuple(labels)} if labels else {}
    return (
        run,
        export_model(run, backbone, folder / "out", labels=told, base=backbone.path, revision=None),
        folder / "out",
    )


def comes_back(run: StoredModel, backbone: Backbone, folder: Path) -> None:
    """Imports a folder, and compares with the run bit by bit."""
    expected, found = load_file(run.folder / WEIGHTS), import_model(folder, run.description, backbone)
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype and torch.equal(found[name], tensor), name


def loaded(made: Exported, folder: Path, backbone: Backbone) -> dict[str, Any]:
    """The names that the lines of `loading` leave."""
    names: dict[str, Any] = {"FOLDER": str(folder), "BASE": backbone.path}
    exec(made.loading, names)
    names["model"].eval()
    return names


def batch(form: str = "span") -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(5, 150, (4, 20), generator=generator)
    mask = torch.ones_like(ids)
    mask[1, 12:] = 0
    ids[1, 12:] = 1
    sequences = {"sequences": torch.tensor([2, 2])} if form == "choice" else {}
    return {"input_ids": ids, "attention_mask": mask, **sequences}


def our_logits(model: TransferModel, form: str, task: str = TASK) -> torch.Tensor:
    model.eval()
    with torch.no_grad():
        return model(task=task, **batch(form))["logits"]


def their_logits(model: Any, form: str) -> torch.Tensor:
    """Of the library's own model: `(batch, seq, 2)` of the starts and ends of spans."""
    inputs = batch(form)
    inputs.pop("sequences", None)
    if form == "choice" and not hasattr(model, "heads"):
        inputs = {name: value.view(2, 2, -1) for name, value in inputs.items()}
    with torch.no_grad():
        output = model(**inputs)
    if form == "span":
        return torch.stack([output.start_logits, output.end_logits], dim=-1)
    return output.logits


def close(found: torch.Tensor, expected: torch.Tensor, form: str) -> None:
    """Compares logits, those of padding aside, behind those of a prompt."""
    if form in ("span", "token"):
        real = batch()["attention_mask"].bool()
        found, expected = found[:, found.shape[1] - real.shape[1] :][real], expected[real]
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)
