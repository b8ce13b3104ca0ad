"""Where a run comes from: software, hardware, command and times. Nothing here is part of a run's key."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from adapterstilts.scrubbing import scrub

_PACKAGES = (
    "adapterstilts", "torch", "transformers", "adapters", "peft", "tokenizers", "datasets", "accelerate", "evaluate",
    "safetensors", "numpy",
)  # fmt: skip
_NUMERIC = ("torch", "transformers", "adapters", "peft")


class Stopwatch:
    """Records when a stage began; `record` gives the provenance of what was made since."""

    def __init__(self) -> None:
        self._begun = time.perf_counter()
        self.started = now()

    def record(self, **details: Any) -> dict[str, Any]:
        """Provenance up to now.

        Args:
            details: What the stage itself knows: device, paths, seconds of its parts, rows left out.
        """
        return {
            "started": self.started,
            "finished": now(),
            "wall_seconds": round(time.perf_counter() - self._begun, 2),
            "command": [scrub(word) for word in sys.argv],
            "versions": _versions(),
            "commit": _commit(),
            "hardware": _hardware(),
            **details,
        }


def surroundings(provenance: Mapping[str, Any]) -> str:
    """What numbers depend on beside the spec: two runs of one spec are bitwise equal only where this is equal."""
    versions, hardware = provenance["versions"], provenance["hardware"]
    libraries = ", ".join(f"{name} {versions[name]}" for name in _NUMERIC if name in versions)
    on_gpu = provenance.get("device", "cpu") != "cpu"
    machine = hardware.get("gpu") if on_gpu else f"{hardware.get('instructions') or hardware.get('cpu')}"
    count = provenance.get("processes", 1)
    together = f", {count} processes ({provenance.get('strategy')})" if count > 1 else ""
    compiled = ", compiled" if provenance.get("compiled") else ""
    return f"{libraries}, {machine}, {hardware.get('threads')} threads{together}{compiled}"


def now() -> str:
    """The time, in UTC, as ISO 8601 has it."""
    return datetime.now(timezone.utc).isoformat(timespec="microseconds")


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _commit() -> str | None:
    """Commit of the checkout that the package runs from; None for an installed package."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def _hardware() -> dict[str, Any]:
    import torch

    found: dict[str, Any] = {
        "platform": platform.platform(),
        "cpu": platform.processor() or platform.machine(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
    }
    if torch.cuda.is_available():
        found["gpu"] = torch.cuda.get_device_name()
        found["cuda"] = torch.version.cuda
    return found
