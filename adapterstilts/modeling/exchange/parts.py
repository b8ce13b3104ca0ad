"""What an exported model consists of: folders, each with the files of one adapter, head, fusion or backbone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from adapterstilts.files import write_json
from adapterstilts.modeling.exchange.layout import Layout
from adapterstilts.modeling.exchange.weights import Weights

Kind = Literal["adapter", "merged", "fusion", "head", "backbone"]
Tensors = Mapping[str, torch.Tensor]


def _as_they_are(tensors: Tensors) -> dict[str, torch.Tensor]:
    return dict(tensors)


@dataclass(frozen=True)
class Part:
    """The files of one folder.

    Attributes:
        folder: Its name within the model's; empty for that itself.
        name: Of the adapter, the fusion or the task.
        layouts: One for each file of tensors.
        configs: File name to what is written into it as JSON.
        expand: Makes the tensors that the library keeps of ours.
        collapse: The way back.
    """

    folder: str
    kind: Kind
    name: str
    layouts: tuple[Layout, ...]
    configs: Mapping[str, Any]
    expand: Callable[[Tensors], dict[str, torch.Tensor]] = _as_they_are
    collapse: Callable[[Tensors], dict[str, torch.Tensor]] = _as_they_are

    def write(self, root: Path, tensors: Tensors) -> None:
        """Writes all files.

        Args:
            tensors: Those of the model, by our names.
        """
        folder = root / self.folder
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self.configs.items():
            write_json(folder / name, content)
        expanded = self.expand(tensors)
        for layout in self.layouts:
            layout.write(folder, expanded)

    def tensors(self) -> set[str]:
        """Our names of the tensors in it, as the library keeps them."""
        return {ours for layout in self.layouts for ours in layout.names.values()}

    def check(self, weights: Weights) -> None:
        """Refuses what the headers of the files say, before any tensor is read.

        Raises:
            SharingError: As `Weights.entries`.
            CompatibilityError: As `Layout.check`.
        """
        for layout in self.layouts:
            layout.check(weights.folder / self.folder / layout.file, weights.entries(self._path(layout)))

    def read(self, weights: Weights) -> dict[str, torch.Tensor]:
        """The tensors by our names, once `check` has passed.

        Raises:
            SharingError: As `Layout.ours`.
        """
        found: dict[str, torch.Tensor] = {}
        for layout in self.layouts:
            path = weights.folder / self.folder / layout.file
            found |= layout.ours(path, weights.tensors(self._path(layout)))
        return self.collapse(found)

    def _path(self, layout: Layout) -> str:
        return f"{self.folder}/{layout.file}" if self.folder else layout.file
