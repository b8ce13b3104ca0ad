"""Writing files whole, telling their content apart, and what is no file although it has a path."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import tempfile
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

from adapterstilts.errors import DataError, UsageError


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


def share_as_usual(path: Path) -> None:
    """Gives a file the permissions of every new one: `safetensors` makes it readable for its user alone."""
    probe = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    with suppress(OSError):  # a file system without permissions, or without room for one file more
        try:
            with probe.open("xb"):
                path.chmod(stat.S_IMODE(probe.stat().st_mode))
        finally:
            probe.unlink(missing_ok=True)


def put_in_place(made: Path, folder: Path) -> None:
    """Gives a folder its name; an empty one that is there, such as `.` or what a link leads to, is filled instead."""
    if not folder.is_dir():
        made.replace(folder)
        return
    for one in sorted(made.iterdir()):
        one.replace(folder / one.name)


def make_writable(folder: Path, *, said: str) -> None:
    """Makes a folder of the user's, unless it is there, and sees whether a file can be written there.

    Args:
        said: What it is for, as the user said it, such as `--out report`.

    Raises:
        UsageError: It cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(f"{said} cannot be written ({error.strerror}).", remedy="Give a place of yours.") from error


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


def is_file(path: Path) -> bool:
    """The same of a file; False also where no file can have such a name."""
    try:
        return path.is_file()
    except OSError:
        return False


def look_anew(folder: Path) -> None:
    """Lets this machine see what others have put into a folder until now.

    An NFS client remembers for up to a minute that a name was not there, and asks the server again when the folder that
    it is in is opened: nfs(5), "directory entry caching" and "close-to-open cache consistency".
    """
    with suppress(OSError):  # it is not there; Windows does not open folders
        os.close(os.open(folder, os.O_RDONLY))


_NO_FILES = (
    (stat.S_ISDIR, "is a folder, and a file is due", "Name the files in it."),
    (stat.S_ISFIFO, "is a pipe, and a file is due", "Write what comes out of it to a file."),
    (stat.S_ISSOCK, "is a socket, and a file is due", "Name a file."),
    (lambda mode: stat.S_ISCHR(mode) or stat.S_ISBLK(mode), "is a device, and a file is due", "Name a file."),
)


def no_file(path: Path) -> tuple[str, str] | None:
    """Why there is no file to be read under a path, after its name, and what to do; None where there is one.

    What is no file is not opened, since a pipe can keep a reader waiting for ever.
    """
    try:
        mode = path.stat().st_mode
    except ValueError as error:  # a name with a zero byte
        return f"is not a name of a file ({error})", "Mend the path."
    except OSError as error:
        return f"cannot be read ({error.strerror})", _REMEDIES.get(error.errno or 0, CHECK)
    for is_one, what, remedy in _NO_FILES:
        if is_one(mode):
            return what, remedy
    if not os.access(path, os.R_OK):
        return f"cannot be read ({os.strerror(errno.EACCES)})", _REMEDIES[errno.EACCES]
    return None


CHECK = "Check the path."
"""What is to be done where nothing more is known."""
_REMEDIES = {
    errno.EACCES: "Make it readable for yourself: chmod u+r, and u+x for the folders that it is in.",
    errno.ELOOP: "A link of its path leads back to itself: remove it, or name the file that is meant.",
    errno.ENAMETOOLONG: "The file system allows no name as long as this: give a shorter one.",
}


def read_file(path: Path) -> bytes:
    """The content of a file; of what is none, such as a pipe, nothing is waited for.

    Raises:
        OSError: It is not there, may not be read, or is no file.
    """
    path.stat()
    if what := no_file(path):
        raise OSError(errno.EINVAL, what[0], str(path))
    return path.read_bytes()


def sync(path: Path) -> None:
    """Waits until a file, or a folder's list of names, is on the disk; Windows does not open folders."""
    if os.name == "nt" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
