"""The memory of a machine: how much of it is free."""

from __future__ import annotations

import re
from pathlib import Path

import psutil

from adapterstilts.modeling.cpu.groups import groups, number, text

_SPARE = 0.25
"""Of all memory: what is only sooner with it leaves so much."""


def free_memory() -> float:
    """Bytes that processes can still have, of the machine or of the container or job that this is."""
    free = float(psutil.virtual_memory().available)
    for folder in groups():
        limit, used = (number(folder / name) for name in ("memory.max", "memory.current"))
        if limit is not None and used is not None:
            free = min(free, limit - used + _kept_files(folder))
    return max(0.0, free)


def spare_memory(size: int) -> bool:
    """Whether there is memory for so many bytes that are not needed, with a quarter of all left for what is."""
    limits = (number(folder / "memory.max") for folder in groups())
    total = min([psutil.virtual_memory().total, *(limit for limit in limits if limit is not None)])
    return free_memory() - size > _SPARE * total


def _kept_files(folder: Path) -> int:
    """Bytes that count as used and hold what was read of files or written to them, which the system lets go of."""
    found = re.search(r"^inactive_file (\d+)$", text(folder / "memory.stat"), flags=re.MULTILINE)
    return int(found[1]) if found else 0
