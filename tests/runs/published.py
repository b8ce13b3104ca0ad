"""Runs that no training has made, with everything that a run has to have."""

from __future__ import annotations

from typing import Any

from adapterstilts.files import write_json
from adapterstilts.runs.run import Run
from adapterstilts.runs.store import RunStore

PROVENANCE: dict[str, Any] = {
    "finished": "2026-01-01", "backbone": "tiny", "wall_seconds": 1.0, "versions": {}, "hardware": {},
    "train_seconds": 1.0, "cost": {},
}  # fmt: skip
TRAINED: dict[str, Any] = {
    "steps": 1, "best_step": 1, "best_score": 1.0, "validation": {}, "validation_all": {}, "examples_seen": 1,
    "tokens_seen": 1, "train_examples": 1, "calibration": {}, "parameters": {}, "flops": 1, "stored_bytes": 1,
}  # fmt: skip
EVALUATED: dict[str, Any] = {"languages": {"en": {"f1": 1.0}}, "counts": {}, "calibration": {}}
LARGE = 3 << 20


def publish(store: RunStore, spec: Any, *, finished: str = "2026-01-01", content: str = "x", large: int = 0) -> Run:
    """Publishes a run with a file of predictions, and with weights of so many bytes."""
    with store.claim(spec, on_wait=lambda message: None) as work:
        (work / "predictions").mkdir(exist_ok=True)
        (work / "predictions" / "test-en.json").write_text(content)
        if large:
            (work / "weights.safetensors").write_bytes(bytes(large))
        write_json(work / "metrics.json", EVALUATED if spec.stage == "evaluate" else TRAINED)
        write_json(work / "provenance.json", {**PROVENANCE, "finished": finished})
        return store.publish(spec, work)


def change(path: Any, at: int = -1) -> None:
    """Changes one byte of a file, and neither its size nor anything else."""
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
