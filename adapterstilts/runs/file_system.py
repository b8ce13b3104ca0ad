"""What a run store needs of the file system that it is on, tried in a folder of its own."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from adapterstilts.runs.exchange import exchange
from adapterstilts.runs.full_disk import can_hold, free_bytes, nearest, size
from adapterstilts.runs.holding import EXPIRES_SECONDS

# Says whether another process gets the lock of a file.
_OTHER = """
import os, sys
from filelock import lock_descriptor
print(lock_descriptor(os.open(sys.argv[1], os.O_RDWR), blocking=False))
"""
_ROOM = 100 << 20
# Clocks that differ by more are worth knowing of, in seconds.
_CLOCKS = 5.0


@dataclass(frozen=True)
class Ability:
    """Something that a store asks of a file system.

    Attributes:
        able: Whether it works.
        needed: Whether there is no store without it.
        text: What it means.
    """

    name: str
    able: bool
    needed: bool
    text: str


@dataclass(frozen=True)
class FileSystemReport:
    """What a file system can do.

    Attributes:
        folder: Where it was tried: the store's, or the nearest one above it that there is.
        usable: Whether a store can be there.
        readable: Whether finished runs can be read there.
        free: Bytes.
    """

    store: Path
    folder: Path
    usable: bool
    readable: bool
    free: int
    abilities: list[Ability]


def try_file_system(store: Path) -> FileSystemReport:
    """Tries what a run store does, in a folder that is deleted again."""
    folder = nearest(store)
    scratch = folder / f".doctor-{uuid.uuid4().hex}"
    readable = os.access(folder, os.R_OK | os.X_OK)
    try:
        scratch.mkdir()
        abilities = list(_tried(scratch))
    except OSError as error:
        text = f"nothing can be written ({error.strerror}); finished runs can be read with --read-store"
        abilities = [Ability("writing", False, True, text)]
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    usable = all(one.able for one in abilities if one.needed)
    return FileSystemReport(store, folder, usable, readable, free_bytes(folder), abilities)


def _tried(scratch: Path) -> Iterator[Ability]:
    locks = _locks(scratch)
    links = _works(lambda: _linked(scratch))
    yield Ability("writing", _works(lambda: _written(scratch)), True, "files are written, and reach the disk")
    yield Ability("renaming", _works(lambda: _renamed(scratch)), True, "a folder gets its name in one step")
    yield _told(
        "exchange", _works(lambda: _exchanged(scratch)),
        "--force puts a new run in an old one's place in one step",
        "--force leaves a moment without a run, which is mended after a kill",
    )  # fmt: skip
    yield _told(
        "locks", locks,
        "processes wait for each other by locks, which end with them",
        f"processes wait for each other by records; one that vanished with its machine is waited for "
        f"{EXPIRES_SECONDS:g} seconds",
    )  # fmt: skip
    yield Ability("records", links or locks, True, "of several processes that begin a stage one goes on")
    yield _told("names", _works(lambda: _named(scratch)), "of 255 bytes", "long ones are refused: few languages a task")
    yield _told(
        "space", can_hold(scratch, _ROOM), f"{size(_ROOM)} and more",
        f"less than {size(_ROOM)} for this user: {size(free_bytes(scratch))} are free on the disk",
    )  # fmt: skip
    difference = _clock_difference(scratch)
    yield _told(
        "clock", abs(difference) < _CLOCKS, "the file server's is that of this machine",
        f"the file server's differs by {difference:.0f} seconds, which does no harm",
    )  # fmt: skip
    yield _group(scratch)


def _told(name: str, able: bool, text: str, otherwise: str) -> Ability:
    return Ability(name, able, False, text if able else otherwise)


def _works(attempt: Callable[[], bool]) -> bool:
    try:
        return attempt()
    except OSError:
        return False


def _written(scratch: Path) -> bool:
    path = scratch / "file"
    with path.open("wb") as file:
        file.write(b"content")
        file.flush()
        os.fsync(file.fileno())
    return path.read_bytes() == b"content"


def _folder(scratch: Path, name: str) -> Path:
    folder = scratch / name
    folder.mkdir()
    (folder / "name").write_text(name, encoding="ascii")
    return folder


def _renamed(scratch: Path) -> bool:
    """Whether a folder can be renamed with what is in it, and does not take the place of another that has something."""
    _folder(scratch, "one").replace(scratch / "renamed")
    other = _folder(scratch, "other")
    try:
        other.replace(scratch / "renamed")
    except OSError as error:
        refused = error.errno in (errno.ENOTEMPTY, errno.EEXIST)
        return refused and (scratch / "renamed/name").read_text(encoding="ascii") == "one"
    return False


def _exchanged(scratch: Path) -> bool:
    first, second = _folder(scratch, "first"), _folder(scratch, "second")
    return exchange(first, second) and (first / "name").read_text(encoding="ascii") == "second"


def _linked(scratch: Path) -> bool:
    """Whether only one of two files gets a name."""
    path, name = scratch / "linked", scratch / "link"
    path.write_bytes(b"")
    try:
        os.link(path, name)
    except OSError:
        name.touch(exist_ok=False)
    try:
        name.touch(exist_ok=False)
    except FileExistsError:
        return True
    return False


def _locks(scratch: Path) -> bool:
    """Whether another process is refused a lock that this one has, and gets it afterwards."""
    from filelock import lock_descriptor

    path = scratch / "lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            held = lock_descriptor(descriptor, blocking=False) and _other(path) == "False"
        finally:
            os.close(descriptor)
        return held and _other(path) == "True"
    except (OSError, subprocess.SubprocessError):
        return False


def _other(path: Path) -> str:
    words = [sys.executable, "-c", _OTHER, str(path)]
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def _named(scratch: Path) -> bool:
    (scratch / ("n" * 255)).touch()
    return True


def _clock_difference(scratch: Path) -> float:
    """Seconds by which the time of a new file is later than the time here."""
    path = scratch / "time"
    before = time.time()
    path.touch()
    return path.stat().st_mtime - (before + time.time()) / 2


def _group(scratch: Path) -> Ability:
    """Whether users of a common group can go on with each other's work."""
    parent, own = scratch.parent.stat(), scratch.stat()
    inherited = bool(parent.st_mode & stat.S_ISGID) and own.st_gid == parent.st_gid
    able = inherited and bool(own.st_mode & stat.S_IWGRP)
    return _told(
        "group", able,
        "users of the folder's group go on with each other's stages",
        "for one user: several need `chmod g+ws` on it, and `umask 002`",
    )  # fmt: skip
