"""Differences of a few chosen weights of the backbone (LT-SFT: Ansell et al. 2022), used as a tuning library is.

Each adapter is a difference: places in the weights of the backbone, taken one after the other, and a number for each.
While the backbone computes, its weights are replaced by their sums with the differences that are active; its own stay
as they were pretrained. Gradients, AdamW's moments and checkpoints are those of the chosen weights alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import torch
from torch import nn

from adapterstilts.errors import SharingError
from adapterstilts.modeling.architecture import stays_as_pretrained
from adapterstilts.modeling.blocks import Block
from adapterstilts.modeling.library_method import LibraryMethod
from adapterstilts.modeling.option_text import check_options

_MOST_OF_INT32 = 2**31


@dataclass(frozen=True)
class SparseConfig:
    """Options of a difference.

    Attributes:
        density: Share of the backbone's weights that are in it.
    """

    density: float = 0.05


class SparseDifference(nn.Module):
    """What is added to chosen weights.

    Attributes:
        indices: `(count,)`, ascending: places in all weights of the backbone, taken one after the other.
        values: `(count,)`, fp32: what is added there.
    """

    indices: torch.Tensor

    def __init__(self, count: int, total: int) -> None:
        super().__init__()
        kind = torch.int32 if total < _MOST_OF_INT32 else torch.int64
        self.register_buffer("indices", torch.arange(count, dtype=kind))
        self.values = nn.Parameter(torch.zeros(count))
        self._known: tuple[Any, list[tuple[int, slice, torch.Tensor]]] = (None, [])

    def parts(self, ends: Sequence[int]) -> list[tuple[int, slice, torch.Tensor]]:
        """The number of each weight with something in it, where its values are, and their places in that weight.

        Args:
            ends: How many numbers there are up to the end of each weight.
        """
        mark = (self.indices.data_ptr(), self.indices._version)
        if self._known[0] != mark:
            with torch.inference_mode(False):  # so that a training can use them
                starts = torch.tensor([0, *ends], dtype=self.indices.dtype, device=self.indices.device)
                bounds = torch.searchsorted(self.indices, starts).tolist()
                found = [
                    (number, slice(first, last), self.indices[first:last].long() - begin)
                    for number, (begin, (first, last)) in enumerate(zip([0, *ends], pairwise(bounds), strict=False))
                    if first < last
                ]
            self._known = (mark, found)
        return self._known[1]


class _Differences(nn.ModuleDict):
    """All differences of a backbone, and the hooks that put them into its forward pass.

    Attributes:
        active: Names of those that are added.
    """

    def __init__(self, backbone: Any) -> None:
        super().__init__()
        own = dict(backbone.named_parameters())
        chosen = {id(one): name for name, one in own.items() if not stays_as_pretrained(backbone.config, name)}
        places: dict[str, list[tuple[nn.Module, str]]] = {name: [] for name in chosen.values()}
        for module in backbone.modules():
            for attribute, parameter in module._parameters.items():
                if id(parameter) in chosen:
                    places[chosen[id(parameter)]].append((module, attribute))
        # Not as modules of this one, which would be circles.
        self._of = (places, [own[name] for name in places])
        self._ends = list(accumulate(one.numel() for one in self.weights))
        self._kept: tuple[Any, dict[int, torch.Tensor]] = (None, {})
        self.active: list[str] = []
        self._hooks = (
            backbone.register_forward_pre_hook(lambda *_: self._put(self.summed())),
            backbone.register_forward_hook(lambda *_: self._put({}), always_call=True),
        )

    @property
    def names(self) -> list[str]:
        """Names of the backbone's weights, in their order."""
        return list(self._of[0])

    @property
    def weights(self) -> list[nn.Parameter]:
        """These weights, as they were pretrained."""
        return self._of[1]

    @property
    def total(self) -> int:
        """How many numbers they are."""
        return self._ends[-1]

    def remove_hooks(self) -> None:
        """Leaves the forward pass as it was."""
        for hook in self._hooks:
            hook.remove()

    def summed(self) -> dict[int, torch.Tensor]:
        """The weights with what is added to them, by their numbers, where anything is.

        Without gradients they are kept until one of the numbers in them changes.
        """
        added: list[Any] = [self[name] for name in self.active]
        if torch.is_grad_enabled() and any(one.values.requires_grad for one in added):
            self._kept = (None, {})
            return self._sums(added)
        tensors = [tensor for one in added for tensor in (one.indices, one.values)]
        mark = [(one.data_ptr(), one._version) for one in (*tensors, *self.weights)]
        if self._kept[0] != mark:
            with torch.inference_mode(False), torch.no_grad():  # so that a gradient can pass through them
                self._kept = (mark, self._sums(added))
        return self._kept[1]

    def _sums(self, added: Iterable[Any]) -> dict[int, torch.Tensor]:
        sums: dict[int, torch.Tensor] = {}
        for one in added:
            for number, here, places in one.parts(self._ends):
                before = sums.get(number, self.weights[number])
                values = one.values[here].to(before.dtype)
                sums[number] = before.flatten().index_add(0, places, values).view_as(before)
        return sums

    def _put(self, sums: Mapping[int, torch.Tensor]) -> None:
        """Makes the backbone compute with other weights than its own, where there are some."""
        for number, (own, places) in enumerate(zip(self.weights, self._of[0].values(), strict=True)):
            for module, attribute in places:
                module._parameters[attribute] = sums.get(number, own)  # type: ignore[assignment]


def _of(backbone: Any) -> _Differences:
    return backbone.differences


def _difference(backbone: Any, name: str) -> SparseDifference:
    return _of(backbone)[name]  # type: ignore[return-value]


def resolved_options(method: LibraryMethod, options: Mapping[str, Any]) -> dict[str, Any]:
    """Every option of a method, those that are not given at their defaults.

    Raises:
        UsageError: An option is unknown, or out of its range.
    """
    return asdict(SparseConfig(**check_options(SparseConfig, options, what=f"method {method.name}")))


def add_adapter(backbone: Any, name: str, method: LibraryMethod, options: Mapping[str, Any]) -> None:
    """Adds a difference called `name` that is zero, at the first places, until `choose` names others."""
    if not hasattr(backbone, "differences"):
        backbone.differences = _Differences(backbone)
    total = _of(backbone).total
    difference = SparseDifference(max(1, round(resolved_options(method, options)["density"] * total)), total)
    _of(backbone)[name] = difference.to(_of(backbone).weights[0].device).requires_grad_(False)


def choose(backbone: Any, name: str, trained: Mapping[str, torch.Tensor]) -> None:
    """Takes the places of the weights that full fine-tuning has changed most, in all of the backbone together.

    Where several have changed by the same, those that come first are taken.

    Args:
        name: A difference that is still zero, so that the backbone is as that training began.
        trained: Name to weight after it; those that are not there have not changed.
    """
    differences = _of(backbone)
    chosen, sums = _difference(backbone, name), differences.summed()
    count = chosen.values.numel()
    changes = np.zeros(differences.total, dtype=np.float32)
    end = 0
    for number, (path, weight) in enumerate(zip(differences.names, differences.weights, strict=True)):
        begin, end = end, end + weight.numel()
        if path in trained:
            begun = sums.get(number, weight).detach().float().cpu()
            changes[begin:end] = (trained[path].float() - begun).abs().flatten().numpy()
    least = np.partition(changes, len(changes) - count)[len(changes) - count]
    larger, equal = np.flatnonzero(changes > least), np.flatnonzero(changes == least)
    places = np.sort(np.concatenate([larger, equal[: count - len(larger)]]))
    chosen.indices.copy_(torch.from_numpy(places))


def check_places(backbone: Any, name: str, indices: torch.Tensor) -> None:
    """Refuses places that are not those of a difference, as files of others may have them.

    Raises:
        SharingError: They are not ascending, or not all in the backbone.
    """
    places = indices.long()
    if not (bool((places[1:] > places[:-1]).all()) and int(places[0]) >= 0 and int(places[-1]) < _of(backbone).total):
        raise SharingError(
            f"The difference {name} has places that are not ascending numbers below {_of(backbone).total:,}.",
            remedy="Get the file again from where it came from.",
        )


def trainable(backbone: Any, name: str) -> list[nn.Parameter]:
    """The parameters that are trained where this difference is."""
    return [_difference(backbone, name).values]


def containers(backbone: Any, name: str) -> list[str]:
    """Paths of the modules in which a part called `name` belongs to the difference."""
    return ["differences"] if name in getattr(backbone, "differences", ()) else []


def activate(backbone: Any, blocks: Sequence[Block]) -> None:
    """Makes the forward pass add the differences of all `blocks`."""
    _of(backbone).active = [name for block in blocks for name in block.names]


def merges_into_backbone(method: LibraryMethod) -> bool:
    """Whether what a method has trained can become part of the backbone's weights: that is what it is."""
    return True


def merge_into_backbone(backbone: Any) -> None:
    """Makes the active differences part of the backbone's weights, and removes all of them."""
    differences = _of(backbone)
    for number, tensor in differences.summed().items():
        differences.weights[number].data = tensor.detach()
    differences.remove_hooks()
    del backbone.differences


def regularization(backbone: Any) -> None:
    """Nothing is added to the loss."""
