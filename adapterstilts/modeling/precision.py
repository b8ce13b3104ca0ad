"""Which device to compute on, in which number format, and with how much memory."""

from __future__ import annotations

import gc
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from adapterstilts.errors import CompatibilityError, UsageError
from adapterstilts.runs.memory import Memory
from adapterstilts.runs.specs import Precision

if TYPE_CHECKING:
    import torch
    from torch import nn

# Narrower models gain little. On a core with AMX, bf16 trains 1.2 to 1.35 times as fast at width 128, 1.5 to 1.75 times
# at 256 and 1.65 to 2 times at 384, and predicts 2.2 to 3.7 times as fast at the latter two.
_NARROW = 256
# Where Linux shows the GPUs that there are a driver for.
_DEVICES = Path("/dev")


class OutOfMemoryError(CompatibilityError):
    """A model does not fit into memory with its batches."""


def choose_device(name: str) -> torch.device:
    """The device called `name`; `auto` takes a GPU when there is one.

    Raises:
        UsageError: The device does not exist on this machine.
    """
    import torch

    available = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    if name == "auto":
        return torch.device(available[-1])
    if name not in available:
        raise UsageError(
            f"--device {name} cannot be used.",
            # Trainer always takes the first visible GPU, so choosing one is left to the environment.
            remedy=f"Choose from: auto, {', '.join(available)}; one of several GPUs with CUDA_VISIBLE_DEVICES.",
        )
    return torch.device(name)


def check_device(name: str) -> None:
    """Refuses a device that the machine does not have, without importing torch where no machine lacks it.

    Raises:
        UsageError: See above.
    """
    if name not in ("auto", "cpu"):
        choose_device(name)


def computes_on_gpu(name: str, memory: Memory) -> bool:
    """Whether the device called `name` is a GPU; torch is imported for it once, and then its answer is kept."""
    if name == "cpu":
        return False
    return bool(memory.recall("has a GPU", *_machine(name), find=lambda: choose_device(name).type == "cuda"))


def _machine(device: str) -> tuple[str, ...]:
    """What decides what a machine can do, told without torch; one of a name can be given a GPU, or a driver for it.

    Args:
        device: As `choose_device` takes it.
    """
    gpus = ",".join(sorted(path.name for path in _DEVICES.glob("nvidia[0-9]*")))
    return platform.node(), device, os.environ.get("CUDA_VISIBLE_DEVICES", "all"), gpus, version("torch")


def choose_precision(
    wanted: Literal["auto", "fp32", "bf16"], *, device: str, hidden_size: int, memory: Memory | None = None
) -> Precision:
    """The number format of the frozen weights and the matrix products.

    Args:
        wanted: A format, or `auto`: bf16 where the machine multiplies it fast and the model is wide enough.
        device: As `choose_device` takes it.
        memory: Where the machine's answer is kept, so that torch need not be imported for it again.
    """
    if wanted != "auto":
        return wanted
    if hidden_size < _NARROW:
        return "fp32"

    def find() -> bool:
        return _multiplies_bf16(choose_device(device))

    fast = memory.recall("multiplies bf16 fast", *_machine(device), find=find) if memory else find()
    return "bf16" if fast else "fp32"


def _multiplies_bf16(device: torch.device) -> bool:
    import torch

    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        # Older versions of torch do not say what the CPU can do.
        features: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
        return bool(features.get("amx_bf16") or features.get("avx512_bf16"))
    return False


@contextmanager
def computing(backbone: nn.Module, precision: Precision, device: torch.device) -> Iterator[None]:
    """While it lasts, a backbone and its heads compute in a number format, by what is fastest on a device."""
    import torch

    from adapterstilts.modeling.cpu.kernels import cpu_kernels
    from adapterstilts.modeling.gpu.masks import masks_always

    half = torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")
    with half, cpu_kernels(backbone, device), masks_always(device):
        yield


@contextmanager
def device_memory(device: torch.device, *, name: str, tokens: int) -> Iterator[None]:
    """Frees a stage's models before the next one loads its own, and explains too little memory.

    A Trainer and what it refers to form cycles, which would otherwise stay on the GPU, with Adam's moments, until the
    garbage collector happens to run. What was there before, such as the libraries, is not looked through: that takes a
    third of a second each time, and a Trainer collects garbage when it begins, too.

    Args:
        name: The backbone's.
        tokens: In a micro-batch.

    Raises:
        OutOfMemoryError: The memory of the GPU, or of this process, does not suffice.
    """
    import torch

    if device.type == "cuda" and torch.cuda.is_initialized():
        torch.cuda.reset_peak_memory_stats(device)
    set_aside = not gc.get_freeze_count()  # else the process has done so itself
    if set_aside:
        gc.freeze()
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not _ran_out(error):
            raise
        where = "The GPU's memory" if device.type == "cuda" else "The memory"
        raise OutOfMemoryError(
            f"{where} is too small for {name}, even with micro-batches of {tokens:,} tokens.",
            remedy="Use a device with more of it, a smaller --backbone or a lower --max-length.",
        ) from error
    finally:
        gc.collect()
        if set_aside:
            gc.unfreeze()
        if device.type == "cuda":
            with suppress(RuntimeError):  # where an error has left the GPU unusable, which is to be told
                torch.cuda.empty_cache()


def _ran_out(error: Exception) -> bool:
    """Whether an error says that memory has run out, as Python, torch or CUDA do."""
    from accelerate.utils.memory import should_reduce_batch_size

    match error:
        case MemoryError():
            return True
    return should_reduce_batch_size(error)
