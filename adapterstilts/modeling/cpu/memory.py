"""The memory of a machine: how much of it is free."""

from __future__ import annotations

from pathlib import Path

import psutil

_CGROUP = Path("/sys/fs/cgroup")
_SPARE = 0.25
"""Of all memory: what is only sooner with it leaves so much."""


def free_memory() -> float:
    """Bytes that processes can still have, of the machine or of the container that this is."""
    free = float(psutil.virtual_memory().available)
    limit, used = (_number(_CGROUP / name) for name in ("memory.max", "memory.current"))
    return min(free, limit - used) if limit is not None and used is not None else free


def spare_memory(size: int) -> bool:
    """Whether there is memory for so many bytes that are not needed, with a quarter of all left for what is."""
    limit = _number(_CGROUP / "memory.max")
    total = psutil.virtual_memory().total
    return free_memory() - size > _SPARE * min(total, total if limit is None else limit)


def _number(path: Path) -> int | None:
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None
