"""How the tensors of a model lie in one safetensors file of another library, and reading the file by it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file

from adapterstilts.errors import CompatibilityError, SharingError
from adapterstilts.files import share_as_usual
from adapterstilts.modeling.exchange.headers import FLOATS, TYPES, Entry

_NOT_FITTING = "The file belongs to another backbone, method or version of its library."


@dataclass(frozen=True)
class Layout:
    """The tensors of one file.

    Attributes:
        file: Its name.
        names: Their name of each tensor to ours; where a library knows one tensor by several names, all are here.
        tensors: Their names to tensors without numbers, for shapes and types.
        ignored: Parts of names of tensors that a file may have besides, of which nothing is read.
        spelled: Their name as it is in `names`, of one that a file may have instead.
    """

    file: str
    names: Mapping[str, str]
    tensors: Mapping[str, torch.Tensor]
    spelled: Callable[[str], str] = str
    ignored: Collection[str] = ()

    def write(self, folder: Path, tensors: Mapping[str, torch.Tensor]) -> None:
        """Writes tensors by our names, each once, with the type that it has."""
        firsts: dict[str, str] = {}
        for theirs, ours in self.names.items():
            firsts.setdefault(ours, theirs)
        content = {theirs: tensors[ours].detach().cpu().contiguous() for ours, theirs in firsts.items()}
        save_file(content, folder / self.file, metadata={"format": "pt"})
        share_as_usual(folder / self.file)

    def check(self, path: Path, entries: Mapping[str, Entry]) -> None:
        """Refuses a file by its header.

        Raises:
            CompatibilityError: A tensor is missing, unknown, or of another shape or type than is due.
        """
        entries = {name: entry for name, entry in entries.items() if not self._is_ignored(name)}
        for name, entry in entries.items():
            if (theirs := self.spelled(name)) not in self.names:
                raise CompatibilityError(
                    f"{path} has a tensor {name} that the model has no place for; due are {_some(self.names)}.",
                    remedy=_NOT_FITTING,
                )
            self._check_tensor(path, theirs, entry)
        present = {self.names[self.spelled(name)] for name in entries}
        if absent := [theirs for theirs, ours in self.names.items() if ours not in present]:
            raise CompatibilityError(f"{path} has no tensor {absent[0]}; it has {_some(entries)}.", remedy=_NOT_FITTING)

    def _is_ignored(self, name: str) -> bool:
        return self.spelled(name) not in self.names and any(part in self.ignored for part in name.split("."))

    def _check_tensor(self, path: Path, theirs: str, entry: Entry) -> None:
        due = self.tensors[theirs]
        if tuple(due.shape) != entry.shape:
            raise CompatibilityError(
                f"{path}: {theirs} has the shape {list(entry.shape)}, and {list(due.shape)} is due.",
                remedy=_NOT_FITTING,
            )
        fitting = FLOATS if due.is_floating_point() else [name for name, type_ in TYPES.items() if type_ == due.dtype]
        if entry.dtype not in fitting:
            raise CompatibilityError(
                f"{path}: {theirs} is of type {entry.dtype}, and {' or '.join(fitting)} is due.", remedy=_NOT_FITTING
            )

    def ours(self, path: Path, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Checked tensors by our names, once all their numbers are known to be some.

        Raises:
            SharingError: There is NaN or infinity, or two names of one tensor stand for different numbers.
        """
        found: dict[str, torch.Tensor] = {}
        for theirs, tensor in tensors.items():
            if self._is_ignored(theirs):
                continue
            if tensor.is_floating_point() and not torch.isfinite(tensor).all():
                raise SharingError(
                    f"{path}: {theirs} has numbers that are infinite or none.",
                    remedy="The training that it comes from has diverged, or the file is damaged.",
                )
            before = found.setdefault(self.names[self.spelled(theirs)], tensor)
            if before is not tensor and not torch.equal(before, tensor):
                raise SharingError(
                    f"{path}: {theirs} is another name of a tensor of other numbers.",
                    remedy="Get the file again from where it came from.",
                )
        return found


def _some(names: Iterable[str]) -> str:
    found = sorted(names)
    return ", ".join(found[:3]) + (f", … ({len(found)} in all)" if len(found) > 3 else "") if found else "none"
