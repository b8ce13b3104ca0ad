"""Writing files whole, and telling their content apart."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from pathlib import Path
from typing import Any

from adapterstilts.errors import DataError


def write_json(path: Path, value: Any) -> None:
    """Writes `value` to `path` so that a reader sees the old file or the new one, never a part of it."""
    write_whole(path, json_bytes(value))


def json_bytes(value: Any) -> bytes:
    """What `write_json` writes."""
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode("utf-8")


def write_whole(path: Path, content: bytes) -> None:
    """Writes bytes likewise."""
    # Several processes may write the same file.
    scratch = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    try:
        with scratch.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


# Path, size, times and number of a file to its digest, of all that this process has read.
_DIGESTS: dict[tuple[str, int, int, int], str] = {}


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, as 64 hexadecimal digits; read again only when size or time of change differ.

    Raises:
        DataError: This user may not read it.
    """
    try:
        state = _state(path)
        if state not in _DIGESTS:
            digest = hashlib.sha256()
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
            _DIGESTS[state] = digest.hexdigest()
    except PermissionError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}).", remedy="Ask its owner for it.") from error
    return _DIGESTS[state]


def known_digest(path: Path) -> str | None:
    """The same, if this process has read the file as it is now."""
    return _DIGESTS.get(_state(path))


def _state(path: Path) -> tuple[str, int, int, int]:
    state = path.stat()
    return str(path), state.st_size, state.st_mtime_ns, state.st_ino


def is_folder(path: Path) -> bool:
    """Whether there is a folder that can be seen; False also where that may not be known."""
    try:
        return path.is_dir()
    except OSError:
        return False


def sync(path: Path) -> None:
    """Waits until a file, or a folder's list of names, is on the disk; Windows does not open folders."""
    if os.name == "nt" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
