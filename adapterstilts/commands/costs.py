"""What trainings took, as results have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from adapterstilts.runs.store import Run


@dataclass(frozen=True)
class Cost:
    """What one phase, or several runs together, took.

    Attributes:
        flops: Floating-point operations of training by the standard estimate; see `costs.Work`.
        tokens_per_second: Of the last run, evaluation aside; None where nothing was trained or it was only picked up.
        share_of_matrix_rate: Of the machine's measured rate of matrix products, likewise.
        peak_memory_bytes: Most memory of a process: of the `host`, and of a `device` with memory of its own.
        processes: How many processes the last run was made by, each on a device.
        device_seconds: Training time of all processes together.
    """

    seconds: float = 0.0
    flops: int = 0
    examples_seen: int = 0
    tokens_seen: int = 0
    stored_bytes: int = 0
    tokens_per_second: float | None = None
    share_of_matrix_rate: float | None = None
    peak_memory_bytes: dict[str, int] = field(default_factory=dict)
    processes: int = 1
    device_seconds: float = 0.0

    @classmethod
    def of(cls, runs: Sequence[Run]) -> Cost:
        """The cost of training runs."""
        summed = ("flops", "examples_seen", "tokens_seen", "stored_bytes")
        made = [run.provenance for run in runs]
        measured = made[-1].get("cost", {}) if made else {}
        names = ("tokens_per_second", "share_of_matrix_rate", "peak_memory_bytes")
        return cls(
            seconds=sum((one["train_seconds"] for one in made), 0.0),
            device_seconds=sum((one["train_seconds"] * one.get("processes", 1) for one in made), 0.0),
            processes=made[-1].get("processes", 1) if made else 1,
            **{name: sum(run.metrics[name] for run in runs) for name in summed},
            **{name: measured[name] for name in names if name in measured},
        )
