"""Files on their way into a folder: checked one by one, and there under their names only when all have come."""

from __future__ import annotations

import hashlib
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from adapterstilts.errors import SharingError
from adapterstilts.files import sync
from adapterstilts.sharing.contents import File, is_known

Note = Callable[[str], None]
_BLOCK = 1 << 20


def silent(_: str) -> None:
    """A note that nobody wants to read."""


@contextmanager
def incoming(into: Path, files: Iterable[File]) -> Iterator[Path]:
    """A scratch folder beside `into`, which becomes `into` where nothing fails, and is deleted otherwise.

    Args:
        into: A folder that does not exist yet, or is empty.
        files: What is going to be put in it; their folders are made.

    Raises:
        SharingError: `into` has something in it, or a name is none that a shared folder may have.
    """
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise SharingError(f"{into} is there already.", remedy="Name a folder that is new or empty.")
    scratch = into.absolute().with_name(f".{into.name}.{uuid.uuid4().hex}.part")
    scratch.mkdir(parents=True)
    try:
        for file in files:
            if not is_known(file.name):
                raise SharingError(
                    f"{file.name!r} is no name of a file of a shared folder.", remedy="Ask its owner for another copy."
                )
            (scratch / file.name).parent.mkdir(parents=True, exist_ok=True)
        yield scratch
        sync(scratch)
        if into.exists():
            into.rmdir()
        scratch.rename(into)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def take(source: IO[bytes], file: File, target: Path, where: str) -> None:
    """Copies one file, of which no more is read than it is said to have.

    Args:
        where: What it comes from, for the error.

    Raises:
        SharingError: Its size or SHA-256 is not the one that it is said to have.
    """
    digest, size = hashlib.sha256(), 0
    with target.open("wb") as copy:
        while block := source.read(_BLOCK):
            size += len(block)
            if size > file.bytes:
                break
            digest.update(block)
            copy.write(block)
    if size != file.bytes:
        has = "more" if size > file.bytes else f"{size:,}"
        wrong = f"has {has} bytes instead of {file.bytes:,}"
    elif file.sha256 is not None and digest.hexdigest() != file.sha256:
        wrong = f"has SHA-256 {digest.hexdigest()[:12]}… instead of {file.sha256[:12]}…"
    else:
        return sync(target)
    target.unlink()
    raise SharingError(f"{file.name} from {where} {wrong}.", remedy="Nothing of it was kept. Get it again.")


def outgoing(folder: Path, note: Note) -> dict[str, Path]:
    """Name to file of everything in a folder that a shared folder may hold, weights as pickles excepted.

    Raises:
        SharingError: There is no such file.
    """
    found, left = {}, []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not path.is_file():
            continue
        if is_known(name, pickles=False):
            found[name] = path
        else:
            left.append(name)
    if left:
        note(f"leaves {', '.join(left[:5])}{', …' if len(left) > 5 else ''} out: not a part of a shared model")
    if not found:
        raise SharingError(
            f"{folder} has no file of a shared model.", remedy="Give the folder that holds astilts.json."
        )
    return found
