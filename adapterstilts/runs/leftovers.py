"""What stays in a store of stages that were not finished, and removing runs that nothing is made from."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from adapterstilts.errors import StoreError, UsageError
from adapterstilts.runs.holding import HOLDERS
from adapterstilts.runs.run import MANIFEST, Run
from adapterstilts.runs.specs import StageSpec
from adapterstilts.runs.store import CHECKPOINTS, DAMAGED, PASSING, REMOVED, REPLACED, WORK, RunStore, delete

_PUBLISHING = "publishing"
IMPORTED = "import-"
"""What the name of a folder in `.work` begins with in which an archive is unpacked."""


@dataclass(frozen=True)
class Leftover:
    """Something that can be deleted.

    Attributes:
        sort: What it is, in words.
        bytes: Its size.
    """

    sort: str
    path: Path
    bytes: int


@dataclass(frozen=True)
class Wanted:
    """What is looked for beside what publishing has left.

    Attributes:
        unfinished: Checkpoints and files of stages that nobody works on; they would be gone on with.
        damaged: What was set aside because it is not what was published.
        cache: Tokenised data and everything else that can be made again.
    """

    unfinished: bool = False
    damaged: bool = False
    cache: bool = False


def leftovers(store: RunStore, wanted: Wanted) -> list[Leftover]:
    """What can be deleted of a store, of no stage that somebody works on.

    Raises:
        UsageError: The cache is wanted while somebody works on a stage, and may read it.
    """
    names = sorted(_names(store))
    busy = {name for name in names if store.hold(name).taken()}
    if busy and wanted.cache:
        raise UsageError(
            f"{len(busy)} process{'es work' if len(busy) > 1 else ' works'} in {store.root} and may read its cache.",
            remedy="Clean it when they have ended.",
        )
    found = [one for name in names if name not in busy for one in _of_stage(store, name, wanted)]
    if wanted.damaged:
        found += [_leftover("damaged", path) for path in _children(store.root / DAMAGED)]
    if wanted.cache:
        found += [_leftover("cache", path) for path in _children(store.cache)]
    elif not busy:
        found += [_leftover("unfinished cache", path) for path in _unfinished_cache(store.cache)]
    return found


def clean(store: RunStore, found: Iterable[Leftover]) -> None:
    """Deletes what `leftovers` has found.

    Raises:
        StoreError: Something cannot be deleted.
    """
    for one in found:
        name = _stage_name(one.path.name) if one.path.parent == store.root / WORK else None
        if name and one.sort == _PUBLISHING:
            store.settle(name)
            continue
        try:
            if name is None:
                _delete(one.path)
                continue
            hold = store.hold(name)
            if hold.take():  # otherwise somebody has begun with it since
                try:
                    _delete(one.path)
                finally:
                    hold.release()
        except OSError as error:
            raise StoreError(f"{one.path} cannot be deleted ({error.strerror}).") from error


def starts_from(spec: StageSpec) -> set[str]:
    """Keys of all runs that a stage starts from, or is measured by."""
    found = set(spec.inputs)
    if spec.stage == "evaluate":
        found |= {key for key in spec.language_adapters.values() if len(key) == 64}
        found |= {key for weights in spec.language_sums.values() for key in weights}
    elif spec.stage != "shared":
        found |= {spec.language_adapter} if spec.language_adapter else set()
        found |= set(spec.budget.of) if spec.budget else set()
    return found


def dependents(runs: Sequence[Run], digits: str) -> list[Run]:
    """The runs among these that are made from one, directly or not, each after those that are made from it.

    Args:
        digits: The first ones of its key.
    """
    found: dict[str, Run] = {}

    def visit(digits: str) -> None:
        for run in runs:
            if run.key not in found and any(key.startswith(digits) for key in starts_from(run.spec)):
                visit(run.key)
                found[run.key] = run

    visit(digits)
    return list(found.values())


def remove(store: RunStore, runs: Sequence[Run]) -> None:
    """Removes runs, each at once: one that is being deleted is none. Of runs in other stores, all stay.

    Raises:
        StoreError: A run is in a store to read, is being made again, or cannot be deleted.
    """
    for run in runs:
        if run.folder.parent != store.root:
            raise StoreError(
                f"{run.folder} is in a store that is only read.", remedy="Give its own store with --store."
            )
    for run in runs:
        hold = store.hold(run.name)
        try:
            if not hold.take():
                raise StoreError(f"{run.name} is being made again.", remedy="Wait until it is finished.")
            passing = store.root / WORK / f"{run.name}.{REMOVED}"
            passing.parent.mkdir(exist_ok=True)
            delete(passing)  # of one that was removed and made again elsewhere since
            run.folder.replace(passing)
            _delete(passing)
        except OSError as error:
            raise StoreError(f"{run.folder} cannot be removed ({error.strerror}).") from error
        finally:
            hold.release()


@contextmanager
def scratch_folder(store: RunStore) -> Iterator[Path]:
    """A folder in the cache, which nobody cleans away before its process has ended."""
    hold = store.hold(f"scratch-{uuid.uuid4().hex}")
    store.cache.mkdir(parents=True, exist_ok=True)
    hold.take()
    try:
        with tempfile.TemporaryDirectory(dir=store.cache, suffix=".part") as folder:
            yield Path(folder)
    finally:
        hold.discard()


def tree_bytes(path: Path) -> int:
    """Size of a file, or of all files below a folder."""
    if path.is_symlink() or not path.is_dir():
        return path.lstat().st_size
    total = 0
    for folder, _, files in os.walk(path):
        for name in files:
            with suppress(OSError):
                total += (Path(folder) / name).lstat().st_size
    return total


def _names(store: RunStore) -> set[str]:
    """Names of all stages of which something is in `.work`, or that somebody holds."""
    found = {_stage_name(path.name) for path in _children(store.root / WORK)}
    return found | {path.stem for path in _children(store.root / HOLDERS) if path.suffix == ".json"}


def _stage_name(name: str) -> str:
    stem, _, last = name.rpartition(".")
    return stem if stem and last in PASSING else name


def _of_stage(store: RunStore, name: str, wanted: Wanted) -> Iterator[Leftover]:
    work, there = store.root / WORK / name, (store.root / name).is_dir()
    for what in PASSING:
        passing = work.with_name(f"{name}.{what}")
        if os.path.lexists(passing) and (there or what != REPLACED):  # which is put back where it is all there is
            yield _leftover(_PUBLISHING, passing)
    record = store.root / HOLDERS / f"{name}.json"
    if record.is_file():
        yield _leftover("ended process", record)
    if not work.is_dir():
        return
    if there and (work / MANIFEST).is_file():
        yield _leftover(_PUBLISHING, work)
    elif not _holds_work(work):
        yield _leftover("empty", work)
    elif name.startswith(IMPORTED):
        yield _leftover("unfinished import", work)
    elif wanted.unfinished:
        yield _leftover("unfinished", work)


def _holds_work(work: Path) -> bool:
    """Whether there is something to go on with: more than folders, and the note of who worked there."""
    files = [path for path in work.rglob("*") if path.is_file()]
    return any(path.parent != work / CHECKPOINTS or path.name != "at-work.json" for path in files)


def _unfinished_cache(cache: Path) -> Iterator[Path]:
    """What processes were writing there when they were killed."""
    for path in cache.rglob("*") if cache.is_dir() else ():
        scratch = path.is_dir() and path.parent.name == "features" and "." in path.name
        if scratch or path.name.endswith(".part"):
            yield path


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []


def _leftover(sort: str, path: Path) -> Leftover:
    return Leftover(sort, path, tree_bytes(path))


def _delete(path: Path) -> None:
    if path.is_dir():
        delete(path)
    else:
        path.unlink(missing_ok=True)
    if os.path.lexists(path):
        raise StoreError(f"{path} cannot be deleted.", remedy="It belongs to another user.")
