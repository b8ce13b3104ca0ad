"""Machines that an estimate can be for, besides this one."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from adapterstilts.errors import CompatibilityError, unknown
from adapterstilts.settings import Strict, validate

HERE = "here"
"""What this machine is called."""

SHARES = {"bf16": 0.3, "fp32": 0.5}
"""The assumed share of a GPU's dense peak that training and prediction reach, an assumption and not a measurement:
published trainings of large models report 20% to 46% of bf16's peak (Chowdhery et al. 2022, table 3), one GPU without
exchange can reach more and short batches less; fp32, whose units are kept busy more easily, is taken for half."""

CPU_SHARE = 0.3
"""The same of a processor's peak, which also runs at another clock under load."""


class Machine(Strict):
    """One entry of `machines.yaml`.

    Attributes:
        title: What it is.
        called: Parts of the names by which torch may know it.
        cores: How many a processor has; None for a GPU.
        flops: Number format to peak rate of dense products, in floating-point operations a second.
        memory: Of the device, in bytes.
        watts: Thermal design power.
        source: Where these were read.
    """

    title: str
    called: tuple[str, ...] = ()
    cores: int | None = None
    flops: dict[str, float]
    memory: float = Field(gt=0)
    watts: float = Field(gt=0)
    source: str

    @property
    def on_gpu(self) -> bool:
        """Whether it has memory of its own."""
        return self.cores is None

    def rate(self, precision: str) -> float:
        """Operations a second that are assumed to be reached.

        Raises:
            CompatibilityError: It cannot compute in this number format.
        """
        if precision not in self.flops:
            raise CompatibilityError(
                f"{self.title} has no {precision}.", remedy=f"Give --precision {next(iter(self.flops))} too."
            )
        return self.flops[precision] * (SHARES[precision] if self.on_gpu else CPU_SHARE)


@cache
def machines() -> dict[str, Machine]:
    """Name to machine."""
    path = Path(__file__).with_name("machines.yaml")
    entries: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {name: validate(Machine, entry, where=f"{path}, {name}") for name, entry in entries.items()}


def machine(name: str) -> Machine:
    """The machine called `name`.

    Raises:
        UsageError: There is none.
    """
    if name not in machines():
        raise unknown("machine", name, machines())
    return machines()[name]


def watts_of(device: str) -> float | None:
    """The thermal design power of a device by the name that torch knows it by; None where it is in no entry."""
    return next((one.watts for one in machines().values() if any(part in device for part in one.called)), None)
