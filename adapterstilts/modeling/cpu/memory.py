"""The memory of a machine: how much of it is free."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psutil

_CGROUP = Path("/sys/fs/cgroup")
# Says below that which group of processes this one is in: that of a container is all that it sees, a batch system has
# one for each job.
_OWN = Path("/proc/self/cgroup")
_SPARE = 0.25
"""Of all memory: what is only sooner with it leaves so much."""


def free_memory() -> float:
    """Bytes that processes can still have, of the machine or of the container or job that this is."""
    free = float(psutil.virtual_memory().available)
    for folder in _groups():
        limit, used = (_number(folder / name) for name in ("memory.max", "memory.current"))
        if limit is not None and used is not None:
            free = min(free, limit - used + _kept_files(folder))
    return max(0.0, free)


def spare_memory(size: int) -> bool:
    """Whether there is memory for so many bytes that are not needed, with a quarter of all left for what is."""
    limits = (_number(folder / "memory.max") for folder in _groups())
    total = min([psutil.virtual_memory().total, *(limit for limit in limits if limit is not None)])
    return free_memory() - size > _SPARE * total


def _groups() -> Iterator[Path]:
    """The groups that this process is in, whose limits all count."""
    found = re.search(r"^0::/(.*)$", _text(_OWN), flags=re.MULTILINE)
    folder = _CGROUP / (found[1] if found else "")
    yield from (one for one in (folder, *folder.parents) if one == _CGROUP or _CGROUP in one.parents)


def _kept_files(folder: Path) -> int:
    """Bytes that count as used and hold what was read of files or written to them, which the system lets go of."""
    found = re.search(r"^inactive_file (\d+)$", _text(folder / "memory.stat"), flags=re.MULTILINE)
    return int(found[1]) if found else 0


def _number(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdigit() else None


def _text(path: Path) -> str:
    """What a file of the system says; nothing where there is none."""
    try:
        return path.read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""
