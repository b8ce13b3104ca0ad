"""What training costs: floating-point operations by the standard estimate, and the machine's rate and memory."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import nn

from adapterstilts.modeling.architecture import share_used
from adapterstilts.modeling.methods import METHODS
from adapterstilts.modeling.quantization import size_of
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.stages.devices.group import ALONE, Group

# Wide enough to reach a machine's rate: a processor's soon, a GPU's later.
_WIDTHS = {"cpu": 1024, "cuda": 8192}
_MEASURED_SECONDS = 0.1


@dataclass(frozen=True)
class Work:
    """Floating-point operations for each token (Kaplan et al. 2020, section 2.1, extended to frozen weights).

    Two for each weight of a matrix in the forward pass, two in the backward pass to the layer below, and two for the
    gradient of each trained weight; look-ups of embeddings, norms, biases and the products of attention's queries and
    keys are left out, as they are there.

    Attributes:
        forward: Of the forward pass.
        backward: Of the backward pass, which ends at the lowest trained weight.
        below: Of the lower layers in the forward pass, where what they give can be kept.
    """

    forward: float
    backward: float
    below: float = 0.0

    @classmethod
    def of(cls, model: TransferModel) -> Work:
        """The work of one model with what is trainable in it."""
        # Heads are called once a sequence or token: few weights, counted for every token as an upper bound.
        used = _matrices(model)
        lowest = lowest_trained_layer(model)
        passed = [one for one in used if one.layer is None or one.layer >= lowest]
        ends = lowest > model.config.num_hidden_layers  # nothing below the heads is trained
        backward = 0 if ends else 2 * sum(one.size for one in passed)
        # The gradient of chosen weights is taken out of that of all.
        whole = METHODS.get(model.method.name).sparse and not ends
        trained = 2 * sum(one.size for one in used if one.trained or whole)
        below = sum(one.size for one in used if one.layer is not None and one.layer < model.lower)
        return cls(2 * sum(one.size for one in used), backward + trained, 2 * below)

    def training(self, tokens: int, *, kept: int = 0) -> int:
        """Operations of training on so many tokens, padding not counted.

        Args:
            kept: For how many of them the lower layers did not compute.
        """
        return round(tokens * (self.forward + self.backward) - kept * self.below)


@dataclass(frozen=True)
class _Matrix:
    """A weight that is multiplied with; `size` counts what one token uses of it, and heads have no `layer`."""

    size: float
    layer: int | None
    trained: bool


def _matrices(model: TransferModel) -> list[_Matrix]:
    """Weights of two dimensions that no embedding looks up in; of experts, the share that a token is sent to."""
    looked_up = {
        id(weight) for module in model.modules() if isinstance(module, nn.Embedding) for weight in module.parameters()
    }
    return [
        _Matrix(
            size_of(weight) * share_used(name, model.config),
            _layer(name) if name.startswith("backbone.") else None,
            weight.requires_grad,
        )
        for name, weight in model.named_parameters()
        if weight.ndim >= 2 and id(weight) not in looked_up
    ]


def lowest_trained_layer(model: TransferModel) -> int:
    """Number of the lowest layer with a trained weight: 0 too where embeddings are, and past the last where none is."""
    names = [name for name, weight in model.backbone.named_parameters() if weight.requires_grad]
    if names and METHODS.get(model.method.name).sparse:
        return 0
    return min((_layer(name) or 0 for name in names), default=model.config.num_hidden_layers + 1)


def _layer(name: str) -> int | None:
    """The layer that a parameter belongs to, by the first number in its name."""
    return next((int(part) for part in name.split(".") if part.isdigit()), None)


def peak_memory(device: torch.device) -> dict[str, int]:
    """Most bytes in use: of the `host` in this process so far, of a `device` with memory of its own in the stage."""
    found = {"host": _host_peak()}
    if device.type == "cuda":
        found["device"] = torch.cuda.max_memory_allocated(device)
    return found


def _host_peak() -> int:
    try:
        import resource
    except ImportError:  # Windows
        import psutil

        return psutil.Process().memory_info().peak_wset
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


@lru_cache(maxsize=4)
def matrix_rate(device: torch.device, precision: str) -> float:
    """Floating-point operations in a second that a large product of matrices reaches here, measured once a process."""
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    width = _WIDTHS[device.type]
    left, right = (torch.ones(width, width, dtype=dtype, device=device) for _ in range(2))
    left @ right
    wait(device)
    begun, products = time.perf_counter(), 0
    while (taken := time.perf_counter() - begun) < _MEASURED_SECONDS or not products:
        left @ right
        products += 1
        wait(device)
    return products * 2 * width**3 / taken


def wait(device: torch.device) -> None:
    """Until a device has computed what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def training_cost(
    model: TransferModel,
    *,
    tokens: int,
    tokens_here: int,
    seconds_here: float,
    device: torch.device,
    kept_tokens: int = 0,
    kept_here: int = 0,
    group: Group = ALONE,
) -> tuple[int, dict[str, Any]]:
    """Operations of a training stage, and what this machine and process needed for them.

    Args:
        tokens: Tokens that the whole stage was trained on.
        tokens_here: Those of them since this process began.
        seconds_here: Time of this process for them, without evaluation.
        kept_tokens: For how many of all tokens lower layers did not compute, and `kept_here` for those of these steps:
            they have computed each row once, before the steps, so that of one pass it is none of all, and all of these.
        group: The processes that did it together: the rates are theirs, and the memory that of the largest.
    """
    work = Work.of(model)
    rate = group.count * matrix_rate(device, model.precision)
    peaks = group.to_leader(peak_memory(device)) or [peak_memory(device)]
    used = {
        "tokens_per_second": round(tokens_here / seconds_here, 1) if seconds_here > 0 else None,
        "peak_memory_bytes": {where: max(one[where] for one in peaks) for where in peaks[0]},
        "matrix_flops_per_second": round(rate),
        "share_of_matrix_rate": round(work.training(tokens_here, kept=kept_here) / seconds_here / rate, 4)
        if seconds_here > 0
        else None,
    }
    return work.training(tokens, kept=kept_tokens), used
