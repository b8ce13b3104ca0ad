"""The memory of a machine: how much of it is free, and how a process keeps what it will need again."""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

_CGROUP = Path("/sys/fs/cgroup")
_SPARE = 0.25
"""Of all memory: what is only sooner with it leaves so much."""
_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1
"""Numbers by which glibc's `mallopt` knows them (malloc.h)."""
_ALWAYS = 2**31 - 1
_USUAL = {_MMAP_THRESHOLD: 2**25, _TRIM_THRESHOLD: 2**26}
"""What glibc comes to by itself in a process that frees large memory (`DEFAULT_MMAP_THRESHOLD_MAX`, and twice that)."""


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


@contextmanager
def memory_kept() -> Iterator[None]:
    """While it lasts, memory of freed tensors stays with the process, for the tensors of the next batch.

    The C library gives large pieces back to the system at once, which hands out empty pages for them again, one fault
    for every 4 KB: up to a tenth of the time of a prediction. Where it is not glibc, or has been told in the
    environment what to keep, nothing changes.
    """
    told = any(name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ)
    if told or platform.libc_ver()[0] != "glibc":
        yield
        return
    library = ctypes.CDLL(None)
    for name in _USUAL:
        library.mallopt(name, _ALWAYS)
    try:
        yield
    finally:
        for name, value in _USUAL.items():
            library.mallopt(name, value)
        library.malloc_trim(0)
