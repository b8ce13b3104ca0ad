"""Whether files are what they were when they were written, by the SHA-256 that was written down with them.

A file is read once in a process, unless it has been changed since. Small ones always are; of large ones, such as
weights, the size is enough where nothing reads them.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from adapterstilts.errors import DataError
from adapterstilts.files import file_digest, known_digest
from adapterstilts.runs.records import FileEntry

SMALL = 1 << 20
"""Bytes of a file that is always read."""


def entry_of(path: Path) -> FileEntry:
    """What is written down of a file."""
    return FileEntry(bytes=path.stat().st_size, sha256=file_digest(path))


def entry_of_content(content: bytes) -> FileEntry:
    """The same of a file with this content."""
    return FileEntry(bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def entries_of(folder: Path, *, without: str | None = None) -> dict[str, FileEntry]:
    """Name to entry of all files below a folder.

    Args:
        without: A folder in it that is left out.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    names = {path.relative_to(folder).as_posix(): path for path in files}
    return {name: entry_of(path) for name, path in names.items() if without is None or name.split("/")[0] != without}


def file_problem(path: Path, entry: FileEntry, *, whole: bool) -> str | None:
    """What is wrong with a file, None if nothing is.

    Args:
        whole: Whether a large file is read too.
    """
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            return "is not a file"
        if state.st_size != entry.bytes:
            return f"has {state.st_size:,} bytes instead of {entry.bytes:,}"
        found = file_digest(path) if whole or entry.bytes <= SMALL else known_digest(path)
    except FileNotFoundError:
        return "is missing"
    except (OSError, DataError) as error:
        return f"cannot be read ({getattr(error.__cause__ or error, 'strerror', error)})"
    return "has another content than when it was written" if found not in (None, entry.sha256) else None


def first_damage(folder: Path, entries: Mapping[str, FileEntry], *, whole: bool) -> str | None:
    """The first file of a folder that is not what it was, and what is wrong with it; None if all are."""
    for name, entry in entries.items():
        if not is_below(name):
            return f"{name[:200]!r} is no name of a file below {folder}"
        if problem := file_problem(folder / name, entry, whole=whole):
            return f"{folder / name} {problem}"
    return None


def all_damage(folder: Path, entries: Mapping[str, FileEntry]) -> list[str]:
    """All of them."""
    found = (first_damage(folder, {name: entry}, whole=True) for name, entry in entries.items())
    return [problem for problem in found if problem]


def kept_from(folder: Path) -> Path | None:
    """What this user may not read of a folder, itself included; None if that is nothing."""
    return next((path for path in (folder, *folder.rglob("*")) if not os.access(path, os.R_OK)), None)


def is_below(name: str) -> bool:
    """Whether a name is that of a file below a folder, and nowhere else."""
    parts = name.split("/")
    return bool(name) and "\\" not in name and "\0" not in name and not {"", ".", ".."}.intersection(parts)
