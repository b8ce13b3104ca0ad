"""How fast stages were that have finished on this machine: better than any measurement of something like them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from statistics import median

from adapterstilts.errors import StoreError
from adapterstilts.runs.specs import EvaluateSpec, MethodSpec, TrainSpec
from adapterstilts.runs.store import MANIFEST, Run, RunStore
from adapterstilts.stages.estimates.speed import Speed

# Runs that are read of each sort of stage and task, the newest first.
_READ = 8


class FinishedSpeeds:
    """Speeds of the runs of a store.

    Args:
        store: Its folders' names are read once, and few of the runs.
    """

    def __init__(self, store: RunStore) -> None:
        self._store = store
        self._folders: dict[str, list[Path]] = {}
        self._read: dict[str, list[Run]] = {}
        for path in store.root.iterdir() if store.root.is_dir() else ():
            if not path.name.startswith("."):
                self._folders.setdefault(path.name.rpartition("-")[0], []).append(path)

    def training(self, spec: TrainSpec, speed: Speed) -> float | None:
        """Seconds a token of stages with the same task, backbone, method and number format, evaluations aside."""
        found = []
        for run in self._runs(spec.stage, spec.label, speed):
            made = run.spec
            if made.stage == "evaluate" or made.stage == "shared":
                continue
            alike = (made.method, made.precision, made.backbone) == (spec.method, spec.precision, spec.backbone)
            rate = run.provenance.get("cost", {}).get("tokens_per_second")
            same = (
                made.composition.name == spec.composition.name
                and made.settings.batch_size == spec.settings.batch_size
                and made.frozen_once == spec.frozen_once
            )
            if alike and same and rate:
                found.append(1 / rate)
        return median(found) if found else None

    def evaluation(self, spec: EvaluateSpec, method: MethodSpec, speed: Speed, *, once: bool) -> float | None:
        """Seconds a row of evaluations of the same task on the same backbone with a model of the same method.

        Args:
            once: Whether what the model's lower layers give is kept.
        """
        found = []
        for run in self._runs(spec.stage, spec.label, speed):
            made = run.spec
            if made.stage != "evaluate" or (made.backbone, made.precision) != (spec.backbone, spec.precision):
                continue
            model = self._store.of_key(made.inputs[0]) if made.inputs else None
            its = model.training.method if model else MethodSpec(name="head")
            if str(its) != str(method) or once != (model is not None and model.training.frozen_once):
                continue
            rows = sum(one.get("examples", 0) for one in run.metrics.get("languages", {}).values())
            if rows and made.split == spec.split:
                found.append(run.provenance["wall_seconds"] / rows)
        return median(found) if found else None

    def _runs(self, stage: str, label: str, speed: Speed) -> list[Run]:
        name = f"{stage}-{label}"
        if name not in self._read:
            self._read[name] = list(self._readable(name))
        return [run for run in self._read[name] if _made_here(run, speed)]

    def _readable(self, name: str) -> Iterator[Run]:
        complete = [path for path in self._folders.get(name, []) if (path / MANIFEST).is_file()]
        for path in sorted(complete, key=lambda one: -(one / MANIFEST).stat().st_mtime)[:_READ]:
            run = Run(path)
            with suppress(StoreError):
                if run.spec and run.metrics and run.provenance:
                    yield run


def _made_here(run: Run, speed: Speed) -> bool:
    """Whether the machine is one like this, and one process did it, as it is estimated."""
    if run.provenance.get("processes", 1) > 1:
        return False
    hardware = run.provenance.get("hardware", {})
    if speed.on_gpu:
        return hardware.get("gpu") == speed.name
    on_cpu = run.provenance.get("device", "cpu") == "cpu"
    return on_cpu and hardware.get("threads") == speed.threads and hardware.get("cores") == os.cpu_count()
