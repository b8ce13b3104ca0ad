"""What fine-tuned backbones have learnt, thinned out and merged: TIES and DARE of changes since their common start."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from adapterstilts.errors import StoreError
from adapterstilts.modeling.blocks import MergeOptions

_BACKBONE = "backbone."


def thinned_backbones(
    begun: Mapping[str, torch.Tensor],
    files: Sequence[Path],
    options: MergeOptions,
    drawn: Callable[[str], AbstractContextManager[None]],
) -> dict[str, torch.Tensor]:
    """The weights of the start with the merged differences of several fine-tuned backbones.

    Each tensor is thinned by itself, as `peft` and most tools do it: `ties` keeps the largest values, `dare_*` random
    ones, which are made larger by as much as there are fewer. What is random depends on the seed and the tensor's name.

    Args:
        begun: Path to weight of the start.
        files: The weights of each source.
        drawn: For a role, the context in which random numbers depend on it alone.

    Raises:
        StoreError: A file cannot be read, or lacks a weight that another has.
    """
    from adapterstilts.modeling.peft_library import merged_changes

    merged = {}
    for name, tensors in _together(files):
        start = begun[name].detach().float()
        with drawn(f"merge of {name}"):
            change = merged_changes([tensor.float() - start for tensor in tensors], options)
        merged[name] = start + change
    return merged


def _together(files: Sequence[Path]) -> Iterator[tuple[str, list[torch.Tensor]]]:
    """Each weight of the backbone in all files, read one after the other."""
    with ExitStack() as opened:
        try:
            readers = [opened.enter_context(safe_open(path, framework="pt")) for path in files]
            names = sorted({name for one in readers for name in one.keys() if name.startswith(_BACKBONE)})  # noqa: SIM118
            for name in names:
                yield name, [one.get_tensor(name) for one in readers]
        except (OSError, SafetensorError) as error:
            listed = ", ".join(map(str, files))
            raise StoreError(
                f"One of {listed} cannot be read ({error}).", remedy="Make the run again with --force."
            ) from error
