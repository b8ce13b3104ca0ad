"""Forward and backward passes on a GPU as CUDA graphs: recorded once for each shape of batches, then replayed.

A step of XLM-R Large is some 3,000 kernels, which a processor takes longer to launch than the GPU to compute. A graph
is launched as one. It computes the same as the step that was recorded: weights, gradients and the state of the random
numbers are read and written where they are.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from adapterstilts.errors import GraphError
from adapterstilts.modeling.gpu.draws import not_drawn
from adapterstilts.modeling.methods import METHODS
from adapterstilts.modeling.transfer_model import TransferModel

_SEEN_BEFORE = 2
"""Batches of a shape that are computed as they are before one is recorded, which takes as long as a few of them."""
_ROOM = 2.25
"""Memory for recorded steps and those that are not, as a multiple of what one takes."""
_MOST = 100
"""Graphs of a model: each keeps what it launches in memory."""
_MODULE_DROPOUT = "module_dropout"
"""With which probability a method leaves out what it adds to a layer, drawn on the host."""


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
        self._memory: _Memory | None = None
        self._memory_bytes = 0

    def __len__(self) -> int:
        """How many graphs there are."""
        return len(self._recorded)

    @property
    def why_not(self) -> str | None:
        """Why some steps were none, to follow `because`; None where only those were not whose shapes were too rare."""
        if self.refused:
            return f"they cannot be CUDA graphs: {self.refused}"
        if self._too_large:
            shapes = f"{len(self._too_large)} shapes" if len(self._too_large) > 1 else "a shape"
            return f"{shapes} of batches found no room in the GPU's memory as CUDA graphs"
        return None

    def __call__(self, task: str, batch: Mapping[str, Tensor], share: float) -> Tensor:
        """Adds the gradient of a batch's loss to that of the weights.

        Args:
            task: Which head to use.
            batch: As `TransferModel.forward` takes it, on the host.
            share: What the loss is multiplied with.

        Returns:
            The loss times `share`, which the GPU may not have computed yet, and the next call may overwrite.

        Raises:
            GraphError: What a step does cannot be part of a graph, and was not seen to be so before.
            torch.OutOfMemoryError: There is less memory than there was a moment ago.
        """
        shape = (task, *((name, value.shape, value.dtype) for name, value in sorted(batch.items())))
        if self.refused is None and shape not in self._recorded and shape not in self._too_large:
            if self._seen[shape] >= _SEEN_BEFORE and len(self._recorded) < _MOST:
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
        self._memory = self._memory or _Memory()
        step = _Recorded(self.model, task, batch, device)
        try:
            with self._without_gradients(), not_drawn(device) as drawn:
                needed = step.try_it()
        except torch.OutOfMemoryError:
            self._too_large.add(shape)
            torch.cuda.empty_cache()
            return
        except RuntimeError as error:
            self.refused = str(error).strip().splitlines()[0]
            return
        self.refused = reason_against(self.model, step.trained, drawn=drawn)
        if self.refused:
            return
        torch.cuda.empty_cache()
        # Graphs share their memory; steps that are none have memory of their own.
        if torch.cuda.mem_get_info(device)[0] + min(self._memory_bytes, needed) < needed * _ROOM:
            self._too_large.add(shape)
            return
        self._put_gradients(step.trained)
        before = torch.cuda.memory_reserved(device)
        step.record(self._memory)
        self._memory_bytes += torch.cuda.memory_reserved(device) - before
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


class _Memory:
    """What the graphs of a model are recorded into: they use the same memory, since they are never replayed at once.

    Attributes:
        stream: Memory that was freed on it is used again on it alone.
    """

    def __init__(self) -> None:
        self.pool = torch.cuda.graph_pool_handle()
        self.stream = torch.cuda.Stream()


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
        self.graph: Any = None

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

    def record(self, memory: _Memory) -> None:
        """Records the step, which computes nothing yet.

        Raises:
            GraphError: It cannot be part of a graph.
            torch.OutOfMemoryError: There is too little memory for it.
        """
        self.graph, current = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
        memory.stream.wait_stream(current)
        try:
            with _no_garbage(), torch.cuda.stream(memory.stream):
                self.graph.capture_begin(pool=memory.pool, capture_error_mode="thread_local")
                try:
                    self.loss = _compute(self.model, self.task, self.batch, self.share)
                finally:
                    self.graph.capture_end()
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:  # what it leaves behind is not known, the generator of random numbers among it
            reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
            if "out of memory" in reason:  # of what the driver needs for the graph itself
                raise torch.OutOfMemoryError(reason) from error
            raise GraphError(
                f"A step of a training cannot be recorded as a CUDA graph: {reason.rstrip('.')}.",
                remedy="Use --no-cuda-graphs; training goes on from its last checkpoint.",
            ) from error
        current.wait_stream(memory.stream)

    def replay(self, batch: Mapping[str, Tensor], share: float) -> Tensor:
        """Computes a batch of the same shape; see `RecordedSteps`."""
        assert self.loss is not None and self.graph is not None
        for name, value in batch.items():
            self.batch[name].copy_(value, non_blocking=True)
        self.share.fill_(share)
        self.graph.replay()
        return self.loss


def _known_reason(model: TransferModel) -> str | None:
    """Why a model's steps are not recorded, where that has not been tried."""
    if torch.version.hip:
        return "that is not known to work on an AMD GPU"
    if model.pretrained.quantization:
        return "the backbone is in 4 bits"
    if METHODS.get(model.method.name).reallocates:
        return f"{model.method.name} takes weights away while it trains"
    return None


def reason_against(model: TransferModel, trained: Sequence[Any], *, drawn: Sequence[str]) -> str | None:
    """Why a step is not recorded that has been tried.

    Args:
        trained: The weights that have got a gradient.
        drawn: Whose random numbers on the host were drawn.
    """
    if any(weight._backward_hooks or weight._post_accumulate_grad_hooks for weight in trained):
        return "somebody watches the gradients"
    if drawn and not _draws_in_vain(model):
        return f"it draws random numbers on the host ({', '.join(drawn)}), which a graph would draw once and for all"
    return None


def _draws_in_vain(model: TransferModel) -> bool:
    """Whether what methods draw on the host decides nothing, as parts of them are left out with probability 0."""
    methods = [one.method for block in model.blocks for one in block.adapters]
    found = [METHODS.get(one.name).resolve(one.options).get(_MODULE_DROPOUT) for one in methods]
    return 0 in found and not any(found)


@contextmanager
def _no_garbage() -> Iterator[None]:
    """While it lasts, nothing is collected: a graph that is taken down meanwhile would end the recording."""
    gc.collect()
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _compute(model: TransferModel, task: str, batch: Mapping[str, Tensor], share: Tensor) -> Tensor:
    """Adds the gradient of a batch's loss times `share` to that of the weights, and returns this product."""
    loss = model(task=task, **batch)["loss"] * share
    loss.backward()
    product: Tensor = loss.detach()
    return product
