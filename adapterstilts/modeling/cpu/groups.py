"""The groups in which Linux limits what processes take: those of a container, or of a batch system's job."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
# Says below that which group of processes this one is in: that of a container is all that it sees, a batch system has
# one for each job.
_OWN = Path("/proc/self/cgroup")


def groups() -> Iterator[Path]:
    """The folders of the groups that this process is in, whose limits all count."""
    found = re.search(r"^0::/(.*)$", text(_OWN), flags=re.MULTILINE)
    folder = _CGROUP / (found[1] if found else "")
    yield from (one for one in (folder, *folder.parents) if one == _CGROUP or _CGROUP in one.parents)


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
