"""Runs as one file, to be carried to another store: a tar archive of a run with all that it was made from."""

from __future__ import annotations

import os
import tarfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from adapterstilts.errors import StoreError, UsageError
from adapterstilts.files import sync
from adapterstilts.runs.full_disk import explain_full_disk, free_bytes, size
from adapterstilts.runs.leftovers import IMPORTED, starts_from
from adapterstilts.runs.run import MANIFEST, Run
from adapterstilts.runs.store import WORK, RunStore, delete

# More than any run of this package has; what has more is none.
_MOST_FILES = 1_000_000


@dataclass(frozen=True)
class Archive:
    """What went into a file, or came out of it.

    Attributes:
        runs: Names of the runs, each after those that it is made from.
        there: Those of them that the store had already.
        bytes: Size of all files of the runs.
    """

    file: Path
    runs: list[str]
    there: list[str]
    bytes: int


def with_ancestors(store: RunStore, run: Run) -> list[Run]:
    """A run after all that it is made from, whatever store they are in.

    Raises:
        StoreError: One of them is not there, or damaged.
    """
    found: dict[str, Run] = {}

    def visit(one: Run) -> None:
        for key in sorted(starts_from(one.spec)):
            if key not in found:
                visit(store.need(key))
        found.setdefault(one.key, one)

    visit(run.verify())
    return list(found.values())


def write_archive(runs: Sequence[Run], file: Path) -> Archive:
    """Writes runs to a tar file, which is there whole or not at all; equal runs give equal bytes.

    Raises:
        UsageError: The file is there already.
        StoreError: It cannot be written.
    """
    if file.exists():
        raise UsageError(f"--to {file} is there already.", remedy="Give a new file.")
    scratch = file.with_name(f".{file.name}.{uuid.uuid4().hex}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with explain_full_disk(file.parent), tarfile.open(scratch, "w", format=tarfile.PAX_FORMAT) as archive:
            for run in runs:
                for name in (MANIFEST, *run.entries):
                    archive.add(run.folder / name, f"{run.folder.name}/{name}", filter=_plain)
        sync(scratch)
        scratch.replace(file)
    except OSError as error:
        raise StoreError(f"--to {file} cannot be written ({error.strerror}).", remedy="Give another file.") from error
    finally:
        scratch.unlink(missing_ok=True)
    return Archive(file, [run.folder.name for run in runs], [], sum(run.bytes for run in runs))


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """A file without what differs from one machine or user to another."""
    member.mtime = member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o644
    return member


def read_archive(file: Path, store: RunStore) -> Archive:
    """Brings the runs of a tar file into a store, those that are made from others after these; all of it is verified.

    Raises:
        StoreError: It is no such file, a run in it is damaged or lacks what it was made from, or there is no room.
    """
    scratch = store.root / WORK / f"{IMPORTED}{uuid.uuid4().hex}"
    hold = store.hold(scratch.name)  # so that nobody cleans it away
    try:
        hold.take()
        with _opened(file) as archive:
            members = list(_checked(archive, file))
            needed, free = sum(member.size for member in members), free_bytes(store.root)
            if needed > free:
                raise StoreError(
                    f"{file} has {size(needed)} of runs, and {size(free)} are free below --store {store.root}.",
                    remedy="Free some space, or choose another disk with --store.",
                )
            with explain_full_disk(store.root, work=scratch):
                scratch.mkdir(parents=True)
                for member in members:
                    archive.extract(member, scratch, filter="data")
        runs = _ordered([Run(path) for path in sorted(scratch.iterdir())], store, file)
        there = [run.folder.name for run in runs if not _publish(run, store)]
        names = [run.folder.name for run in runs]
        return Archive(file, names, there, needed)
    except OSError as error:
        raise StoreError(f"{file} cannot be read into {store.root} ({error.strerror or error}).") from error
    finally:
        delete(scratch)
        hold.discard()


@contextmanager
def _opened(file: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(file, "r:") as archive:
            yield archive
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise StoreError(
            f"{file} is not a whole archive of runs ({error}).", remedy="`astilts runs export` makes one."
        ) from error


def _checked(archive: tarfile.TarFile, file: Path) -> Iterator[tarfile.TarInfo]:
    """The members, which have to be plain files two folders deep or more, each once.

    Raises:
        StoreError: One could be written to another place than its run's folder.
    """
    seen: set[str] = set()
    for member in archive:
        path = PurePosixPath(member.name)
        unsafe = path.is_absolute() or ".." in path.parts or len(path.parts) < 2 or path.parts[0].startswith(".")
        if unsafe or not member.isreg() or "\\" in member.name or str(path) in seen or len(seen) >= _MOST_FILES:
            raise StoreError(
                f"{file} has the member {member.name[:200]!r}, which is no file of a run.",
                remedy="Do not trust it: `astilts runs export` makes no such archive.",
            )
        seen.add(str(path))
        yield member


def _ordered(runs: Sequence[Run], store: RunStore, file: Path) -> list[Run]:
    """The runs, each verified and after those that it is made from."""
    for run in runs:
        own = {path.relative_to(run.folder).as_posix() for path in run.folder.rglob("*") if path.is_file()}
        problem = run.problem(whole=True)
        if problem is None and (more := own - run.entries.keys() - {MANIFEST}):
            problem = f"{run.folder / min(more)} is not among its files"
        if problem or not run.folder.name.endswith(f"-{run.short_key}"):
            told = (problem or "it has the name of no run").replace(f"{run.folder}{os.sep}", "")
            raise StoreError(f"{file}: {run.folder.name[:200]} is damaged ({told}).", remedy="Export it again.")
    waiting, found = {run.key: run for run in runs}, list[Run]()
    while waiting:
        ready = [one for one in waiting.values() if not starts_from(one.spec) & waiting.keys()]
        for run in ready:
            for key in starts_from(run.spec) - {one.key for one in found}:
                store.need(key)
            found.append(waiting.pop(run.key))
        if not ready:
            raise StoreError(f"{file}: its runs are made from each other.", remedy="Do not trust it.")
    return found


def _publish(run: Run, store: RunStore) -> bool:
    """Moves a run into the store, unless a whole one is there."""
    spec = run.spec
    with store.claim(spec, on_wait=lambda message: None) as work:
        if store.find(spec, whole=True):
            return False
        store.set_aside(spec, whole=True)
        delete(work)
        run.folder.replace(work)
        store.publish_complete(spec, work)
    return True
