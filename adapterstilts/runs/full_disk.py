"""Telling a full disk from other errors: by what the operating system says, not by a library's words."""

from __future__ import annotations

import errno
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from adapterstilts.errors import AstiltsError, StoreError

_CODES = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# How libraries in Rust pass on the number of an error of the operating system.
_NUMBER = re.compile(r"\(os error (\d+)\)")
# Bytes that have to fit where it is asked whether anything does.
_LITTLE = 1 << 20


class DiskFullError(StoreError):
    """There is no space left for what a stage writes."""


@contextmanager
def explain_full_disk(root: Path, *, work: Path | None = None) -> Iterator[None]:
    """Turns an error in writing where there is no space into one that says what is safe and what to do.

    Whether there is space is asked of the system after any error that is not one of ours: it is made to hold a file
    like the largest that was written, since libraries have their own words for it, or none.

    Args:
        work: The folder that is written to.

    Raises:
        DiskFullError: See above.
    """
    try:
        yield
    except AstiltsError:
        raise
    except Exception as error:
        wanted = _LITTLE + (_largest(work) if work else 0)
        if not (is_full_disk(error) or (_may_be_of_writing(error) and not can_hold(work or root, wanted))):
            raise
        free = free_bytes(root)
        raise DiskFullError(
            f"No space left while writing below {root}, where {size(free)} are free ({error}); finished runs are "
            "untouched.",
            remedy="Free some space or choose another disk with --store, then repeat the command: it resumes.",
        ) from error


def is_full_disk(error: BaseException | None) -> bool:
    """Whether an error, or what it came from, has the system's number for a full disk, quota or largest file."""
    while error is not None:
        number = _NUMBER.search(str(error))
        if getattr(error, "errno", None) in _CODES or (number and int(number[1]) in _CODES):
            return True
        error = error.__cause__ or error.__context__
    return False


def _may_be_of_writing(error: Exception) -> bool:
    """Whether it can be that of a library that writes; errors in programming are not."""
    return not isinstance(error, TypeError | AttributeError | LookupError | AssertionError | MemoryError)


def can_hold(folder: Path, count: int) -> bool:
    """Whether so many bytes more can be written below a folder, which is tried; True where it cannot be told."""
    there = nearest(folder)
    probe = there / f".space-{uuid.uuid4().hex}.part"
    try:
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        return error.errno not in _CODES
    try:
        allocate = getattr(os, "posix_fallocate", None)
        if allocate is None or free_bytes(there) < count:
            return free_bytes(there) >= count
        allocate(descriptor, 0, count)
    except OSError as error:
        return error.errno not in _CODES
    finally:
        os.close(descriptor)
        with suppress(OSError):
            probe.unlink()
    return True


def free_bytes(folder: Path) -> int:
    """Bytes that are free for this user where a folder is, or will be."""
    import shutil

    return shutil.disk_usage(nearest(folder)).free


def nearest(path: Path) -> Path:
    """The folder, or the nearest one above it that there is."""
    path = path.resolve()
    return next(one for one in (path, *path.parents) if one.is_dir())


def size(count: float) -> str:
    """Bytes in words."""
    for unit, one in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= one:
            return f"{count / one:.1f} {unit}"
    return f"{count / 1e3:.0f} kB"


def _largest(work: Path) -> int:
    """Bytes of the largest file below a folder: no more was being written at once."""
    found = 0
    for path in work.rglob("*"):
        with suppress(OSError):
            found = max(found, path.stat().st_size if path.is_file() else 0)
    return found
