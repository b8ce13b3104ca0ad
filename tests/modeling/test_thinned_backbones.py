"""TIES and DARE of fine-tuned backbones, beside the definitions worked out by hand and the library's own functions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from peft.utils import merge_utils
from safetensors.torch import load_file, save_file

from adapterstilts.errors import StoreError
from adapterstilts.modeling.backbone import Backbone, locate_backbone
from adapterstilts.modeling.blocks import MergeOptions
from adapterstilts.modeling.composing import drawn
from adapterstilts.modeling.storage import WEIGHTS, StoredModel
from adapterstilts.modeling.thinned_backbones import thinned_backbones
from adapterstilts.runs.specs import Choice, MethodSpec
from tests.modeling.test_compositions import begin, sources_of

NAME = "backbone.weight"
BEGUN = torch.tensor([1.0, 2.0, 3.0, 4.0])
# Of each, the two largest changes are kept: the last two of the first, the first and the last of the second.
CHANGES = (torch.tensor([0.1, -0.2, 0.5, 0.8]), torch.tensor([-0.9, 0.1, 0.2, -0.4]))


@pytest.fixture(scope="module")
def backbone(tiny_backbone: Path) -> Backbone:
    return locate_backbone(str(tiny_backbone))


def merged(folder: Path, changes: Sequence[torch.Tensor], options: MergeOptions, *, seed: int = 1) -> torch.Tensor:
    files = []
    for number, change in enumerate(changes):
        files.append(folder / f"{number}.safetensors")
        save_file({NAME: BEGUN + change, "heads.squad.weight": torch.ones(number + 1)}, files[-1])
    found = thinned_backbones({NAME: BEGUN}, files, options, lambda role: drawn(seed, role))
    assert found.keys() == {NAME}
    return found[NAME]


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        # Kept: 0, 0, 0.5, 0.8 and -0.9, 0, 0, -0.4, with the signs -, +, +, +; the mean is over those that have it.
        ((0.5, 0.5), [-0.9, 0.0, 0.5, 0.8]),
        ((0.75, 0.25), [-0.45, 0.0, 0.75, 1.2]),
        ((1.0, 1.0), [-1.8, 0.0, 1.0, 1.6]),
    ],
)
def test_ties_by_hand(weights: tuple[float, ...], expected: list[float], tmp_path: Path) -> None:
    found = merged(tmp_path, CHANGES, MergeOptions(kind="ties", weights=weights, density=0.5))
    torch.testing.assert_close(found, BEGUN + torch.tensor(expected))


def test_what_all_keep_with_one_sign_is_the_weighted_sum(tmp_path: Path) -> None:
    changes = (torch.tensor([0.1, -0.2, 0.5, 0.8]), torch.tensor([0.3, -0.1, 0.2, 0.4]))
    for kind in ("ties", "dare_ties", "dare_linear"):
        found = merged(tmp_path, changes, MergeOptions(kind=kind, weights=(0.7, 0.3), density=1))  # type: ignore[arg-type]
        torch.testing.assert_close(found, BEGUN + 0.7 * changes[0] + 0.3 * changes[1])


def test_dare_keeps_random_values_and_makes_them_larger(tmp_path: Path) -> None:
    """Each value of one source is there with the weight over the density, or not at all; which depends on the seed."""
    options = MergeOptions(kind="dare_linear", weights=(1.0, 0.0), density=0.25)
    kept, seen = 0, set()
    for seed in range(60):
        change = merged(tmp_path, CHANGES, options, seed=seed) - BEGUN
        shares = (change / CHANGES[0]).tolist()
        assert all(min(abs(share), abs(share - 4)) < 1e-4 for share in shares)
        kept += sum(share > 2 for share in shares)
        seen.add(tuple(share > 2 for share in shares))
    assert 35 < kept < 85 and len(seen) > 3  # a quarter of 240
    torch.manual_seed(0)
    once = merged(tmp_path, CHANGES, options, seed=7)
    torch.manual_seed(1)
    assert torch.equal(once, merged(tmp_path, CHANGES, options, seed=7))


@pytest.mark.parametrize("method", ["full", "bitfit"])
@pytest.mark.parametrize("kind", ["ties", "dare_ties", "dare_linear"])
def test_models_are_merged_as_the_library_merges_tensors(
    method: str, kind: str, backbone: Backbone, tmp_path: Path
) -> None:
    spec = MethodSpec(name=method)
    sources = sources_of(backbone, spec, tmp_path, (1, 2))
    choice = Choice(name="merge", options={"kind": kind, "density": 0.6})
    model = begin(backbone, spec, choice, sources)
    made = {name: one.detach() for name, one in model.named_parameters()}
    begun = dict(begin(backbone, spec, Choice(name="none")).named_parameters())
    stored = [load_file(source.folder / WEIGHTS) for source in sources]
    names = [name for name in stored[0] if name.startswith("backbone.")]
    # Each change is divided by how many have been kept with its sign, unless all are added up.
    weights = torch.tensor([0.5, 0.5] if kind == "dare_linear" else [1.0, 1.0])
    for name in names:
        start = begun[name].detach()
        with drawn(42, f"merge of {name}"):
            change = getattr(merge_utils, kind)([one[name] - start for one in stored], weights, 0.6)
        torch.testing.assert_close(made[name], start + change, msg=name)
    assert set(names) == {
        name for name, one in model.named_parameters() if one.requires_grad and name.startswith("backbone.")
    }
    moved = torch.cat([(made[name] - begun[name].detach()).flatten() for name in names])
    # Of two sources, 16% of the values are kept by neither.
    assert (moved == 0).float().mean().item() == pytest.approx(0.16, abs=0.05)


def test_another_seed_thins_out_other_values(backbone: Backbone, tmp_path: Path) -> None:
    spec = MethodSpec(name="bitfit")
    sources = sources_of(backbone, spec, tmp_path, (1, 2))
    choice = Choice(name="merge", options={"kind": "dare_linear", "density": 0.5})
    name = "backbone.encoder.layer.0.output.dense.bias"
    first, again, other = (
        dict(begin(backbone, spec, choice, sources, seed=seed, noise=noise).named_parameters())[name]
        for seed, noise in ((1, 1), (1, 2), (2, 1))
    )
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_a_file_that_lacks_a_weight_is_named(backbone: Backbone, tmp_path: Path) -> None:
    spec = MethodSpec(name="bitfit")
    sources: list[StoredModel] = sources_of(backbone, spec, tmp_path, (1, 2))
    path = sources[1].folder / WEIGHTS
    save_file({name: one for name, one in load_file(path).items() if "layer.0" not in name}, path)
    with pytest.raises(StoreError, match="mnli-2.*cannot be read.*Make the run again with --force"):
        begin(backbone, spec, Choice(name="merge", options={"kind": "ties", "density": 0.5}), sources)
