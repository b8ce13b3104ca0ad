"""Forward and backward passes on a GPU as CUDA graphs: recorded once for each shape of batches, then replayed.

A step of XLM-R Large is some 3,000 kernels, which a processor takes longer to launch than the GPU to compute. A graph
is launched as one. It computes the same as the step that was recorded: weights, gradients and the state of the random
numbers are read and written where they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from adapterstilts.errors import CompatibilityError
from adapterstilts.modeling.methods import METHODS
from adapterstilts.modeling.transfer_model import TransferModel

_SEEN_BEFORE = 2
"""Batches of a shape that are computed as they are before one is recorded, which takes as long as a few of them."""
_ROOM = 2.25
"""Memory for recorded steps and those that are not, as a multiple of what one takes."""


class RecordedSteps:
    """Forward and backward passes of a model that is trained.

    Args:
        model: On a GPU, in this process alone.

    Attributes:
        refused: Why steps are no longer recorded; None where they are.
    """

    def __init__(self, model: TransferModel) -> None:
        self.model = model
        self.refused = _known_reason(model)
        self._seen: Counter[object] = Counter()
        self._too_large: set[object] = set()
        self._recorded: dict[object, _Recorded] = {}
        self._gradients: dict[Tensor, Tensor] = {}
        self._pool: Any = None
        self._pool_bytes = 0

    def __len__(self) -> int:
        """How many graphs there are."""
        return len(self._recorded)

    def __call__(self, task: str, batch: Mapping[str, Tensor], share: float) -> Tensor:
        """Adds the gradient of a batch's loss to that of the weights.

        Args:
            task: Which head to use.
            batch: As `TransferModel.forward` takes it, on the host.
            share: What the loss is multiplied with.

        Returns:
            The loss times `share`, which the GPU may not have computed yet, and the next call may overwrite.

        Raises:
            CompatibilityError: What a step does cannot be part of a graph, and was not seen to be so before.
        """
        shape = (task, *((name, value.shape, value.dtype) for name, value in sorted(batch.items())))
        if self.refused is None and shape not in self._recorded and shape not in self._too_large:
            if self._seen[shape] >= _SEEN_BEFORE:
                self._record(shape, task, batch)
            self._seen[shape] += 1
        if (recorded := self._recorded.get(shape)) is not None:
            self._put_gradients(recorded.trained)
            return recorded.replay(batch, share)
        device = next(self.model.parameters()).device
        there = {name: value.to(device, non_blocking=True) for name, value in batch.items()}
        return _compute(self.model, task, there, torch.full((), share, device=device))

    def _record(self, shape: object, task: str, batch: Mapping[str, Tensor]) -> None:
        device = next(self.model.parameters()).device
        self._pool = self._pool or torch.cuda.graph_pool_handle()
        step, random = _Recorded(self.model, task, batch, device), torch.cuda.get_rng_state(device)
        try:
            with self._without_gradients():
                needed = step.try_it()
        except torch.OutOfMemoryError:
            self._too_large.add(shape)
            torch.cuda.empty_cache()
            return
        except RuntimeError as error:
            self.refused = str(error).strip().splitlines()[0]
            return
        finally:
            torch.cuda.set_rng_state(random, device)
        torch.cuda.empty_cache()
        before = torch.cuda.memory_reserved(device)
        if torch.cuda.mem_get_info(device)[0] + self._pool_bytes < needed * _ROOM:
            self._too_large.add(shape)
            return
        self._put_gradients(step.trained)
        try:
            step.record(self._pool)
        except RuntimeError as error:  # what it leaves behind is not known, the generator of random numbers among it
            reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
            raise CompatibilityError(
                f"A step of a training cannot be recorded as a CUDA graph: {reason.rstrip('.')}.",
                remedy="Use --no-cuda-graphs; training goes on from its last checkpoint.",
            ) from error
        self._pool_bytes += torch.cuda.memory_reserved(device) - before
        self._recorded[shape] = step

    @contextmanager
    def _without_gradients(self) -> Iterator[None]:
        """While it lasts, no weight has a gradient."""
        before = [(weight, weight.grad) for weight in self.model.parameters() if weight.requires_grad]
        for weight, _ in before:
            weight.grad = None
        try:
            yield
        finally:
            for weight, gradient in before:
                weight.grad = gradient

    def _put_gradients(self, trained: Sequence[Tensor]) -> None:
        """Gives weights the gradients that graphs add to, with what they have as gradient now."""
        empty = []
        for weight in trained:
            own = self._gradients.get(weight)
            if own is None:
                own = self._gradients[weight] = torch.empty_like(weight)
            if weight.grad is None:
                empty.append(own)
            elif weight.grad is not own:
                own.copy_(weight.grad)
            weight.grad = own
        if empty:
            torch._foreach_zero_(empty)


class _Recorded:
    """One graph, with the places that it reads from and writes to.

    Attributes:
        trained: The weights that have a gradient by it.
    """

    def __init__(self, model: TransferModel, task: str, batch: Mapping[str, Tensor], device: torch.device) -> None:
        self.model, self.task = model, task
        self.batch = {name: value.to(device) for name, value in batch.items()}
        self.share = torch.ones((), device=device)
        self.loss: Tensor | None = None
        self.trained: list[Tensor] = []
        self.graph = torch.cuda.CUDAGraph()

    def try_it(self) -> int:
        """Computes the step where nothing has a gradient.

        Returns:
            How many bytes a step has taken at most.

        Raises:
            RuntimeError: It waits for the GPU on the way, so that what it does next may depend on what was computed.
        """
        torch.cuda.synchronize()
        before, mode = torch.cuda.memory_allocated(), torch.cuda.get_sync_debug_mode()
        torch.cuda.set_sync_debug_mode("error")
        try:
            _compute(self.model, self.task, self.batch, self.share)
        finally:
            torch.cuda.set_sync_debug_mode(mode)
        torch.cuda.synchronize()
        self.trained = [weight for weight in self.model.parameters() if weight.grad is not None]
        return torch.cuda.max_memory_allocated() - before

    def record(self, pool: Any) -> None:
        """Records the step, which computes nothing yet.

        Args:
            pool: Memory that all graphs of a model use, since they are never replayed at once.
        """
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            self.graph.capture_begin(pool=pool, capture_error_mode="thread_local")
            try:
                self.loss = _compute(self.model, self.task, self.batch, self.share)
            finally:
                self.graph.capture_end()
        torch.cuda.current_stream().wait_stream(stream)

    def replay(self, batch: Mapping[str, Tensor], share: float) -> Tensor:
        """Computes a batch of the same shape; see `RecordedSteps`."""
        assert self.loss is not None
        for name, value in batch.items():
            self.batch[name].copy_(value, non_blocking=True)
        self.share.fill_(share)
        self.graph.replay()
        return self.loss


def _known_reason(model: TransferModel) -> str | None:
    """Why a model's steps are not recorded, where that has not been tried."""
    if model.pretrained.quantization:
        return "the backbone is in 4 bits"
    if METHODS.get(model.method.name).reallocates:
        return f"{model.method.name} takes weights away while it trains"
    return None


def _compute(model: TransferModel, task: str, batch: Mapping[str, Tensor], share: Tensor) -> Tensor:
    """Adds the gradient of a batch's loss times `share` to that of the weights, and returns this product."""
    loss = model(task=task, **batch)["loss"] * share
    loss.backward()
    product: Tensor = loss.detach()
    return product
