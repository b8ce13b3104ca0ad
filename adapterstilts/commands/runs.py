"""What is done with the runs of a store: reading all of them, deleting what nobody needs, carrying them elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from adapterstilts.commands.options import CheckedRuns, CleanOptions, PublishedRuns, RemoveOptions
from adapterstilts.data.features import features_damage
from adapterstilts.errors import StoreError, UsageError
from adapterstilts.runs.archive import Archive, read_archive, with_ancestors, write_archive
from adapterstilts.runs.content import all_damage
from adapterstilts.runs.full_disk import size
from adapterstilts.runs.leftovers import Leftover, Wanted, clean, dependents, leftovers, remove, tree_bytes
from adapterstilts.runs.remote import RemoteStore, RunElsewhere
from adapterstilts.runs.run import Run
from adapterstilts.runs.store import RunStore

WHOLE, DAMAGED = "whole", "damaged"


@dataclass(frozen=True)
class RunVerification:
    """A run, or tokenised data, all of whose files were read.

    Attributes:
        state: `WHOLE` or `DAMAGED`.
        problems: What is wrong.
        bytes: Size of what was read.
    """

    name: str
    state: str
    problems: list[str]
    folder: Path
    bytes: int


@dataclass(frozen=True)
class Cleaned:
    """What was found in a store that nobody needs.

    Attributes:
        deleted: Whether it is gone.
    """

    leftovers: list[Leftover]
    bytes: int
    deleted: bool


@dataclass(frozen=True)
class Published:
    """What was copied to another store.

    Attributes:
        runs: Names of the runs, each after those that it is made from.
        there: Those of them that the other store had already.
        bytes: Size of what was copied.
    """

    to: str
    runs: list[str]
    there: list[str]
    bytes: int


@dataclass(frozen=True)
class Removed:
    """Runs that are gone, those that were made from another before it."""

    runs: list[str]
    bytes: int


def verify_runs(store: RunStore, which: CheckedRuns) -> list[RunVerification]:
    """Reads runs, and compares them with what was published; with all of them, tokenised data too.

    Raises:
        UsageError: Nothing, or everything and something, is named; a name fits none or several.
    """
    if bool(which.keys) == which.all_:
        raise UsageError("Which runs are verified is not said.", remedy="Name them by key or folder, or give --all.")
    if which.keys:
        return [_verified(_named(store, text)) for text in which.keys]
    found = [_verified(run) for run in sorted(store.every(), key=lambda run: run.name)]
    for folder, problem, count in features_damage(store.cache / "features"):
        found.append(
            RunVerification(f"cache {folder.name}", *_state([problem] if problem else []), folder=folder, bytes=count)
        )
    return found


def _named(store: RunStore, text: str) -> Run:
    """The run that a text names, also if it is not listed because it cannot be read."""
    damaged = [run for run in store.every() if text and (run.is_called(text) or run.name.endswith(f"-{text}"))]
    return damaged[0] if len(damaged) == 1 else store.resolve(text)


def _verified(run: Run) -> RunVerification:
    problem = run.problem(whole=True)
    problems = [problem] if problem else []
    if not problems and not run.known:
        problems.append(f"somebody renamed it: it holds the run {run.short_key}")
    try:
        size = run.bytes
        problems += [one for one in all_damage(run.folder, run.entries) if one not in problems]
    except StoreError:  # there is nothing to compare with
        size = 0
    return RunVerification(run.name, *_state(problems), folder=run.folder, bytes=size)


def _state(problems: list[str]) -> tuple[str, list[str]]:
    return DAMAGED if problems else WHOLE, problems


def clean_store(store: RunStore, options: CleanOptions) -> Cleaned:
    """Deletes what nobody needs, or says only what that is.

    Raises:
        UsageError: The cache is to go, and somebody works on a stage.
        StoreError: Something cannot be deleted.
    """
    wanted = Wanted(unfinished=options.unfinished, damaged=options.damaged, cache=options.cache)
    found = leftovers(store, wanted)
    if not options.dry_run:
        clean(store, found)
    return Cleaned(found, sum(one.bytes for one in found), deleted=not options.dry_run)


def remove_run(store: RunStore, text: str, options: RemoveOptions) -> Removed:
    """Removes a run.

    Raises:
        UsageError: Others are made from it, and they are to stay; or it is none.
        StoreError: It cannot be removed.
    """
    run = _named(store, text)
    if isinstance(run, RunElsewhere) or store.cache in run.folder.parents:
        raise StoreError(f"{run.name} is in a store elsewhere, which is only read.", remedy="Delete its folder there.")
    others = dependents(store.here(), run.name.rpartition("-")[2])
    if others and not options.with_dependents:
        raise UsageError(
            f"{len(others)} {'run is' if len(others) == 1 else 'runs are'} made from {run.name}: {_listed(others)}.",
            remedy="Remove these first, or all of them with --with-dependents.",
        )
    every = [*others, run]
    removed = Removed([one.name for one in every], sum(tree_bytes(one.folder) for one in every))
    remove(store, every)
    return removed


def _listed(runs: Sequence[Run], most: int = 10) -> str:
    more = f" and {len(runs) - most} more" if len(runs) > most else ""
    return ", ".join(run.name for run in runs[:most]) + more


def export_run(store: RunStore, text: str, file: Path) -> Archive:
    """Writes a run with all that it is made from to a file.

    Raises:
        UsageError: It is none, or the file is there already.
        StoreError: A run is damaged or missing, or the file cannot be written.
    """
    return write_archive(with_ancestors(store, store.resolve(text)), file)


def publish_runs(store: RunStore, which: PublishedRuns, note: Callable[[str], None]) -> Published:
    """Copies runs, each after those that it is made from, to a store that others read.

    Args:
        note: Hears of each run once it is there.

    Raises:
        UsageError: Nothing, or everything and something, is named; a name fits none or several.
        StoreError: A run is damaged or missing.
        SharingError: The place cannot be written to.
    """
    if bool(which.keys) == which.all_:
        raise UsageError("Which runs are copied is not said.", remedy="Name them by key or folder, or give --all.")
    chosen = [store.resolve(text) for text in which.keys] if which.keys else store.here()
    found = {run.name: run for one in chosen for run in with_ancestors(store, one)}
    remote = RemoteStore.of(which.to, store.cache)
    there: list[str] = []
    for name, run in found.items():
        if remote.put(run):
            note(f"{name}: copied, {size(run.bytes)}")
        else:
            there.append(name)
    copied = sum(run.bytes for name, run in found.items() if name not in there)
    return Published(remote.place.name, list(found), there, copied)


def import_runs(store: RunStore, file: Path) -> Archive:
    """Brings the runs of a file into the store.

    Raises:
        UsageError: There is no such file.
        StoreError: It is no such file, damaged, or the store cannot be written.
    """
    if not file.is_file():
        raise UsageError(f"{file} is not a file.", remedy="Give one that `astilts runs export` has made.")
    return read_archive(file, store)
