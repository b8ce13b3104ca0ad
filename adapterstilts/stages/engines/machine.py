"""How a machine is shared by several jobs: its cores, its GPUs, and how many stages fit into its memory."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from adapterstilts.modeling.backbone import Backbone
from adapterstilts.modeling.cpu.cores import cores
from adapterstilts.modeling.cpu.memory import free_memory
from adapterstilts.modeling.methods import computes_otherwise
from adapterstilts.modeling.precision import choose_device
from adapterstilts.stages.engines.agenda import weights_of
from adapterstilts.stages.graph import Stage
from adapterstilts.stages.setup import Setup

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
_GPUS = "CUDA_VISIBLE_DEVICES"
_GB = 1024**3
# What a process with torch and the libraries of models takes before it has read anything: 0.6 GB were measured.
_PROCESS_BYTES = 0.7 * _GB
# Activations of a layer for the backward pass, in values a token and hidden unit (Korthikanti et al. 2022, eq. 2:
# 34 bytes in 16 bits, attention aside).
_ACTIVATIONS = 17


def environments(jobs: int, device: str) -> list[dict[str, str]]:
    """What the environment of each job has: threads that add up to the cores, and one GPU where there are several.

    Args:
        device: As `choose_device` takes it.
    """
    threads = max(1, cores() // jobs)
    limits = {name: str(min(threads, _number(os.environ.get(name)) or threads)) for name in _THREADS}
    gpus = _gpus(device)
    return [{**limits, **({_GPUS: gpus[number % len(gpus)]} if len(gpus) > 1 else {})} for number in range(jobs)]


def fitting_jobs(wanted: int, stages: Iterable[tuple[Stage[Any], Setup]]) -> tuple[int, str]:
    """How many jobs are made of those that were asked for, and why it is not as many; nothing where it is.

    Args:
        stages: Those to make, each with its setup.
    """
    kinds = {(weights_of(stage), stage.trains, setup.tokens_per_batch): (stage, setup) for stage, setup in stages}
    if wanted == 1 or not kinds:
        return 1, ""
    largest = max((_needed(stage, setup) for stage, setup in kinds.values()), key=lambda one: one.total)
    device = next(iter(kinds.values()))[1].device
    gpus = _gpus(device)
    room, where = free_memory(), "memory"
    needed = largest.here if gpus else largest.total
    fitting = int(room // needed)
    if gpus:
        # Each GPU has one at least: where it is too small for that, micro-batches become smaller.
        on_gpus = max(1, int(_gpu_memory() // largest.total)) * len(gpus)
        if on_gpus < fitting:
            fitting, needed, room, where = on_gpus, largest.total, _gpu_memory(), "memory of a GPU"
    jobs = max(1, min(wanted, fitting))
    if jobs == wanted:
        return jobs, ""
    return jobs, (
        f"--jobs {wanted}: {jobs} at a time, because a stage takes about {needed / _GB:.1f} GB, and of {where} "
        f"{room / _GB:.1f} GB are free"
    )


@dataclass(frozen=True)
class _Bytes:
    """What a stage takes.

    Attributes:
        here: In the machine's memory, while a GPU computes.
        total: Where it is computed.
    """

    here: float
    total: float


def _needed(stage: Stage[Any], setup: Setup) -> _Bytes:
    """About what a stage takes: weights, with gradients and Adam's moments where they are trained, and activations."""
    parameters, width, layers = _size(setup.backbone)
    wide = 2 if stage.spec.precision == "bf16" else 4
    changed = weights_of(stage)[-1] and stage.trains and computes_otherwise(stage.spec.method)
    weights = parameters * (16 if changed else wide)
    if wide == 2 and not _gpus(setup.device):
        weights += 2 * 12 * width**2 * layers  # in the order of a CPU's products, too
    activations = setup.tokens_per_batch * width * wide * (_ACTIVATIONS * layers if stage.trains else 4)
    return _Bytes(_PROCESS_BYTES + parameters * wide, _PROCESS_BYTES + weights + activations)


def _size(backbone: Backbone) -> tuple[int, int, int]:
    """Parameters, width and layers of a backbone, whose weights are not read for it."""
    import torch

    with torch.device("meta"):
        encoder: Any = backbone.random_encoder()
    return (
        sum(one.numel() for one in encoder.parameters()),
        encoder.config.hidden_size,
        encoder.config.num_hidden_layers,
    )


def _gpus(device: str) -> list[str]:
    """The GPUs that stages can be made on, as the environment names them; none where they are made on the CPU."""
    if device == "cpu" or choose_device(device).type == "cpu":
        return []
    import torch

    named = [one for one in os.environ.get(_GPUS, "").split(",") if one]
    return named or [str(number) for number in range(torch.cuda.device_count())]


def _gpu_memory() -> float:
    """Bytes of the smallest GPU."""
    import torch

    return min(torch.cuda.get_device_properties(one).total_memory for one in range(torch.cuda.device_count()))


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.strip().isdigit() else None
