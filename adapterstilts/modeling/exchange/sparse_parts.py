"""Differences of a backbone's weights in one file, which `transformers` and a few lines add to the checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from adapterstilts.modeling.exchange.adapters_parts import HEAD
from adapterstilts.modeling.exchange.layout import Layout
from adapterstilts.modeling.exchange.outer import Outer
from adapterstilts.modeling.exchange.parts import Part, Tensors
from adapterstilts.modeling.sparse_library import check_places

DIFFERENCES = "differences.safetensors"
_INSIDE = "backbone.differences."


def sparse_part(backbone: Any, names: Sequence[str], kept: Mapping[str, torch.Tensor], outer: Outer) -> Part:
    """All differences of a model, and its head under the names of `transformers`.

    Args:
        backbone: With the differences in it, on torch's meta device.
        names: Theirs, the first one trained first.
        kept: The tensors that the model's run keeps.
        outer: The model that they are for.
    """

    def checked(tensors: Tensors) -> dict[str, torch.Tensor]:
        for name in names:
            check_places(backbone, name, tensors[f"{_INSIDE}{name}.indices"])
        return dict(tensors)

    own = {name.removeprefix(_INSIDE): name for name in kept if name.startswith(_INSIDE)}
    head = {}
    for path in outer.build().state_dict() if outer.heads else ():
        if (ours := outer.ours(path) or "").startswith("heads.") and ours in kept:
            head[path] = ours
    layouts = [
        Layout(file, files, {theirs: kept[ours] for theirs, ours in files.items()})
        for file, files in ((DIFFERENCES, own), (HEAD, head))
        if files
    ]
    return Part("", "adapter", names[-1], tuple(layouts), {}, collapse=checked)
