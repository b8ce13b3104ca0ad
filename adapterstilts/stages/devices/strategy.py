"""How processes share a training: which way suits its method, and what is refused."""

from __future__ import annotations

from typing import Literal

from adapterstilts.errors import CompatibilityError, UsageError
from adapterstilts.modeling.methods import METHODS
from adapterstilts.runs.specs import MethodSpec, TrainSpec
from adapterstilts.stages.devices.launch import Launch
from adapterstilts.tasks.kind import Kind

Strategy = Literal["ddp", "fsdp"]


def strategy_of(method: MethodSpec) -> Strategy:
    """FSDP, which spreads weights, gradients and Adam's moments, where all of the backbone is trained; else DDP.

    Below an adapter the backbone is the same in each process: only the gradients of the trained weights are exchanged.
    """
    return "fsdp" if METHODS.get(method.name).trains == "all" else "ddp"


def check_shared(spec: TrainSpec, kinds: list[Kind], launch: Launch) -> None:
    """Refuses a stage that the processes of a launcher cannot make together.

    Args:
        kinds: Those of its tasks.

    Raises:
        CompatibilityError: FSDP was asked for, and the method trains something else than the backbone.
        UsageError: A step has too few examples for each process to have one, or 8-bit moments would be spread.
    """
    if launch.fsdp and strategy_of(spec.method) != "fsdp":
        on = f" in 4 bits ({spec.quantization})" if spec.quantization else ""
        raise CompatibilityError(
            f"--use_fsdp: method {spec.method} leaves the backbone{on} as it is, so that there is nothing to spread.",
            remedy="Leave --use_fsdp out: DDP trains it, and --method full is spread in any case.",
        )
    if spec.settings.adamw_8bit and strategy_of(spec.method) == "fsdp":
        raise UsageError(
            f"--adamw-8bit: method {spec.method} is spread over {launch.count} processes, and with it AdamW's moments.",
            remedy="Leave --adamw-8bit out, or start one process.",
        )
    for task, kind in zip(spec.tasks, kinds, strict=True):
        size = spec.settings.batch_size
        if kind.comparing is None and size < launch.count:
            raise UsageError(
                f"--batch-size {size}: {launch.count} processes cannot share the examples of a step.",
                remedy=f"Start {size} at most, or raise --batch-size, which is another result.",
            )
        if kind.comparing is not None and (groups := max(1, size // kind.comparing)) < launch.count:
            raise UsageError(
                f"--batch-size {size}: {task.name} compares {kind.comparing} pairs with each other, so that a step has "
                f"work for {groups} of {launch.count} processes.",
                remedy=f"Start {groups} at most, or raise --batch-size, which is another result.",
            )
