"""Functions that make stages without training, for engines that are tried with many of them, or with odd ones."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from typing import Any

from adapterstilts.errors import DataError
from adapterstilts.files import write_json
from adapterstilts.stages.ending import put_off, signal_waiting
from adapterstilts.stages.reporter import Silent
from adapterstilts.stages.run import run_stage
from tests.runs.published import EVALUATED, PROVENANCE, TRAINED

FAILS, DIES, SLEEPS = 1000, 1001, 1002
"""Seeds of stages that fail, whose process dies, and that take longer than any job."""


def publish(spec: Any, setup: Any, reporter: Any, *, force: bool, on_wait: Any) -> None:
    """Publishes a run with nothing in it; a spec's seed says what goes wrong."""
    seed = getattr(spec, "seed", None)
    with setup.store.claim(spec, on_wait=on_wait or reporter.note) as work:
        if seed == FAILS:
            raise DataError("No rows.", remedy="Get some.")
        if seed == DIES:
            os.kill(os.getpid(), signal.SIGKILL)
        if seed == SLEEPS:
            time.sleep(600)
        reporter.note(f"{work.name}: made")
        write_json(work / "metrics.json", EVALUATED if spec.stage == "evaluate" else TRAINED)
        write_json(work / "provenance.json", PROVENANCE)
        setup.store.publish(spec, work)


_LOST: list[int] = []


def lose_the_gpu(spec: Any, setup: Any, reporter: Any, *, force: bool, on_wait: Any) -> None:
    """Publishes a run, unless a stage of this process has failed as an assertion in a kernel does: then all do."""
    if spec.seed == FAILS or _LOST:
        _LOST.append(spec.seed)
        raise RuntimeError("CUDA error: device-side assert triggered")
    publish(spec, setup, reporter, force=force, on_wait=on_wait)


def end_together(spec: Any, setup: Any, reporter: Any, *, force: bool, on_wait: Any) -> None:
    """Of three stages one fails when all run; told to end, another one fails too, and the third has to save."""
    with setup.store.claim(spec, on_wait=on_wait) as work, put_off():
        (work / "begun").touch()
        while spec.seed == 0 and len(list(work.parent.glob("*/begun"))) < 3:
            time.sleep(0.02)
        while spec.seed and signal_waiting() is None:
            time.sleep(0.02)
        if spec.seed < 2:
            raise DataError(f"Stage {spec.seed} has no rows.", remedy="Get some.")
        time.sleep(1)
        (work / "saved").touch()


class Slow(Silent):
    """A reporter that lets each step of a training take twenty seconds."""

    def trained(self, stage: str, step: int, steps: int, logged: dict[str, float]) -> None:
        if not logged:
            time.sleep(20)


def run_slowly(spec: Any, setup: Any, reporter: Any, *, force: bool, on_wait: Any) -> None:
    """Makes a stage as it is made, but slowly until it has been interrupted."""
    interrupted = any(setup.store.work(spec).glob("checkpoints/checkpoint-*"))
    run_stage(spec, setup, reporter if interrupted else Slow(), force=force, on_wait=on_wait)


@dataclass(frozen=True)
class Wait:
    """Does nothing for a while.

    Attributes:
        seconds: How long.
    """

    seconds: float

    def __call__(self, spec: Any, setup: Any, reporter: Any, *, force: bool, on_wait: Any) -> None:
        time.sleep(self.seconds)
