"""The rotations of LoReFT: one matrix with us, and two with torch, of which the matrix is computed.

torch's orthogonal parametrisation keeps a square `base` and an `original` (`torch.nn.utils.parametrizations`). Where
`original` is minus the identity, as it is after a matrix was assigned, the matrix is the beginning of `base`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn.utils.parametrizations import orthogonal

_ORIGINAL = ".parametrizations.weight.original"
_BASE = ".parametrizations.weight.0.base"


def matrices(names: Mapping[str, str]) -> list[str]:
    """Those of our names, without their `.weight`, that stand for two tensors of a library."""
    return [ours.removesuffix(_BASE) for ours in names.values() if ours.endswith(_BASE)]


def parametrized(tensors: Mapping[str, torch.Tensor], modules: list[str]) -> dict[str, torch.Tensor]:
    """The tensors with the two that torch keeps of the weight of each of `modules` beside it."""
    found = dict(tensors)
    for module in modules:
        weight = tensors[f"{module}.weight"]
        original = torch.zeros_like(weight)
        original.diagonal().fill_(-1.0)
        found |= {f"{module}{_ORIGINAL}": original, f"{module}{_BASE}": _completed(weight)}
    return found


def _completed(weight: torch.Tensor) -> torch.Tensor:
    """A square orthogonal matrix whose first columns are those of a tall `weight`, or of its transposed."""
    tall = weight if weight.shape[0] >= weight.shape[1] else weight.mT
    rows, columns = tall.shape
    if rows == columns:
        return tall.clone()
    # Random columns are outside of the space of the others.
    more = torch.randn(rows, rows - columns, generator=torch.Generator().manual_seed(0))
    rest = torch.linalg.qr(torch.cat([tall.float(), more], dim=1))[0][:, columns:]
    return torch.cat([tall, rest.to(weight.dtype)], dim=1).contiguous()


def plain(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors with the weight of each module in place of the two that torch keeps of it."""
    found = {name: tensor for name, tensor in tensors.items() if not name.endswith((_ORIGINAL, _BASE))}
    for name, base in tensors.items():
        if name.endswith(_BASE):
            module = name.removesuffix(_BASE)
            found[f"{module}.weight"] = _weight(tensors[f"{module}{_ORIGINAL}"], base)
    return found


def _weight(original: torch.Tensor, base: torch.Tensor) -> torch.Tensor:
    identity = torch.zeros_like(original)
    identity.diagonal().fill_(-1.0)
    if torch.equal(original, identity):
        first = base[:, : min(original.shape)]
        return (first if original.shape[0] >= original.shape[1] else first.mT).contiguous()
    module: Any = orthogonal(nn.Linear(original.shape[1], original.shape[0], bias=False))
    with torch.no_grad():
        module.parametrizations.weight.original.copy_(original)
        module.parametrizations.weight[0].base.copy_(base)
        return module.weight.detach().to(original.dtype).contiguous()
