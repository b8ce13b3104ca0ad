"""The memory of a machine: how much of it is free."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psutil

from adapterstilts.modeling.cpu.groups import groups, number, text

_SPARE = 0.25
"""Of all memory: what is only sooner with it leaves so much."""
# Where groups of both versions have their limit and what is used of it, and what they call of that what files are.
_FILES = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def free_memory() -> float:
    """Bytes that processes can still have, of the machine or of the container or job that this is."""
    left = [limit - used + kept for limit, used, kept in _limited()]
    return max(0.0, min([float(psutil.virtual_memory().available), *left]))


def spare_memory(size: int) -> bool:
    """Whether there is memory for so many bytes that are not needed, with a quarter of all left for what is."""
    total = min([psutil.virtual_memory().total, *(limit for limit, _, _ in _limited())])
    return free_memory() - size > _SPARE * total


def _limited() -> Iterator[tuple[int, int, int]]:
    """(limit, used, of these what the system lets go of) of each group with a limit, in bytes.

    The last are those of files that were read or written.
    """
    for folder in groups("memory"):
        for limit, used, kept in _FILES:
            found = number(folder / limit), number(folder / used)
            if found[0] is not None and found[1] is not None:
                of_files = re.search(rf"^{kept} (\d+)$", text(folder / "memory.stat"), flags=re.MULTILINE)
                yield found[0], found[1], int(of_files[1]) if of_files else 0
