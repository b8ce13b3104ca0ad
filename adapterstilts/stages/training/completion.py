"""Checkpoints are written and finished while training goes on."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import torch

from adapterstilts.modeling.storage import save_tensors
from adapterstilts.stages.training.checkpoints import Clock, checkpoint_of_step, keep_usable, mark_complete


class Completion:
    """Writes checkpoints and declares them finished while training goes on: it waits for no disk and no digest.

    Args:
        copies: Whether tensors are copied and written beside training too, and not before it goes on. The copies need
            the room of all that a checkpoint has.
    """

    def __init__(self, *, copies: bool) -> None:
        self.copies = copies
        self._tensors: list[tuple[Path, dict[str, torch.Tensor]]] = []
        self._running: Future[None] | None = None

    def save(self, tensors: Mapping[str, torch.Tensor], path: Path) -> None:
        """Writes tensors to a file of the checkpoint that is begun with next."""
        if self.copies:
            self._tensors.append((path, {name: one.to("cpu", copy=True) for name, one in tensors.items()}))
        else:
            save_tensors(tensors, path)

    def begin(self, folder: Path, step: int, best: int, clock: Clock) -> None:
        """Begins to finish a checkpoint; of the others below `folder`, those of use are left.

        Args:
            best: The step whose weights would be taken if training ended now.
        """
        copied, self._tensors = self._tensors, []

        def complete() -> None:
            for path, tensors in copied:
                save_tensors(tensors, path)
            mark_complete(checkpoint_of_step(folder, step), clock)
            keep_usable(folder, checkpoint_of_step(folder, best))

        thread = ThreadPoolExecutor(max_workers=1)
        self._running = thread.submit(complete)
        thread.shutdown(wait=False)

    def wait(self) -> None:
        """Waits until the last one is finished; nothing may be written beside it before. What was not begun is left.

        Raises:
            OSError: It could not be.
        """
        self._tensors.clear()
        running, self._running = self._running, None
        if running is not None:
            running.result()
