"""The tensors of a folder: of safetensors files, or of the pickles that stand in their places where that is allowed."""

from __future__ import annotations

import pickle
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file

from adapterstilts.errors import SharingError
from adapterstilts.modeling.exchange.headers import TYPES, Entry, read_header

PICKLES = {
    "adapter.safetensors": "pytorch_adapter.bin",
    "model_head.safetensors": "pytorch_model_head.bin",
    "model_adapter_fusion.safetensors": "pytorch_model_adapter_fusion.bin",
    "adapter_model.safetensors": "adapter_model.bin",
    "model.safetensors": "pytorch_model.bin",
}
"""File of tensors to the pickle that libraries wrote before."""


@dataclass(frozen=True)
class Weights:
    """A folder that files of tensors are read from.

    Attributes:
        allow_pickle: Whether a pickle is read where there is no safetensors file.
    """

    folder: Path
    allow_pickle: bool = False
    _read: dict[Path, dict[str, torch.Tensor]] = field(default_factory=dict, repr=False, compare=False)

    def has(self, name: str) -> bool:
        """Whether there is a file of tensors of this name, or what may stand in its place."""
        return (self.folder / name).is_file() or self._pickle(name) is not None

    def entries(self, name: str) -> dict[str, Entry]:
        """What a file says of its tensors: of a safetensors file, only the header is read.

        Args:
            name: Path within the folder, with `/`.

        Raises:
            SharingError: The file is not there, or is not what it should be.
        """
        path = self._pickle(name)
        if path is None:
            return read_header(self.folder / name)
        self._read[path] = unpickled(path)
        types = {type_: called for called, type_ in TYPES.items()}
        return {
            own: Entry(dtype=types.get(one.dtype, str(one.dtype)), shape=tuple(one.shape), data_offsets=(0, 0))
            for own, one in self._read[path].items()
        }

    def tensors(self, name: str) -> dict[str, torch.Tensor]:
        """The tensors of a file whose entries are known to be right."""
        path = self._pickle(name)
        if path is None:
            return load_file(self.folder / name)
        return self._read[path] if path in self._read else unpickled(path)

    def _pickle(self, name: str) -> Path | None:
        path = self.folder / name
        other = path.with_name(PICKLES.get(path.name, path.name))
        return other if self.allow_pickle and not path.is_file() and other.is_file() else None


def unpickled(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a pickle, of which nothing but tensors is read.

    Raises:
        SharingError: It cannot be read so, or holds something else.
    """
    remedy = "Ask its owner for a safetensors file; of this one, nothing is used."
    try:
        # What is mapped takes no memory before it is looked at, and cannot be a compressed trifle that grows.
        content = torch.load(path, weights_only=True, map_location="cpu", mmap=zipfile.is_zipfile(path))
    except (OSError, EOFError, RuntimeError, ValueError, KeyError, TypeError, AttributeError, IndexError,
            AssertionError, RecursionError, pickle.UnpicklingError) as error:  # fmt: skip
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise SharingError(f"{path} cannot be read as plain tensors: {reason}", remedy=remedy) from error
    if type(content) is not dict and type(content).__name__ != "OrderedDict":
        raise SharingError(f"{path} holds {type(content).__name__}, and tensors by name are due.", remedy=remedy)
    for name, tensor in content.items():
        plain = type(name) is str and type(tensor) in (torch.Tensor, torch.nn.Parameter)
        if not plain or tensor.layout != torch.strided or tensor.is_quantized or tensor.device.type != "cpu":
            raise SharingError(f"{path}: {str(name)[:80]!r} is no plain tensor.", remedy=remedy)
    return {name: tensor.detach() for name, tensor in content.items()}
