"""The groups in which Linux limits what processes take: those of a container, or of a batch system's job.

Version 2 has one tree of folders; version 1, which older systems have, a tree for each thing that is limited.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
# Says below that which groups this process is in: those of a container are all that it sees, a batch system has some
# for each job.
_OWN = Path("/proc/self/cgroup")


def groups(limited: str) -> Iterator[Path]:
    """The folders of the groups that this process is in, whose limits all count, of either version.

    Args:
        limited: What they limit, as Linux calls it: `memory` or `cpu`.
    """
    for line in text(_OWN).splitlines() or ["0::/"]:
        names, _, place = line.partition(":")[2].partition(":")
        if names and limited not in names.split(","):
            continue
        root = _CGROUP / limited if names else _CGROUP
        folder = root / place.lstrip("/")
        yield from (one for one in (folder, *folder.parents) if one == root or root in one.parents)


def number(path: Path) -> int | None:
    """The number in a file; None where there is another word, or no such file."""
    said = text(path).strip()
    return int(said) if said.isdigit() else None


def text(path: Path) -> str:
    """What a file of the system says; nothing where there is none."""
    try:
        return path.read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""
