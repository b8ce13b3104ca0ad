"""The run store: one folder per finished stage, found by the key of its spec.

Layout below the root::

    <stage>-<task>-<key>/   finished runs: spec.json, provenance.json, metrics.json, manifest.json, weights, predictions
    .work/<folder>/         stages in progress: checkpoints and whatever is finished so far
    .locks/<folder>.lock    held by the process that works on a stage, which .holders/<folder>.json names
    .damaged/               what was found to be another content than was published
    .cache/                 tokenised data

A finished run appears by one rename, so a folder at the top level is complete or is not there.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from adapterstilts.errors import StoreError, UsageError
from adapterstilts.files import is_folder, look_anew, sync, write_json
from adapterstilts.remote_files import is_url
from adapterstilts.runs.content import entries_of, kept_from
from adapterstilts.runs.exchange import exchange
from adapterstilts.runs.full_disk import DiskFullError, explain_full_disk
from adapterstilts.runs.holding import Hold
from adapterstilts.runs.records import OWNER
from adapterstilts.runs.remote import RemoteStore
from adapterstilts.runs.run import KEY_DIGITS, MANIFEST, RUN_NAME, SPEC, Run, cut, did_you_mean
from adapterstilts.runs.specs import StageSpec, canonical_json, key

__all__ = [
    "CHECKPOINTS",
    "DAMAGED",
    "KEY_DIGITS",
    "MANIFEST",
    "WORK",
    "DiskFullError",
    "Run",
    "RunStore",
    "explain_full_disk",
    "folder_name",
]

CHECKPOINTS = "checkpoints"
WORK, DAMAGED, CACHE = ".work", ".damaged", ".cache"
# What follows a folder's name in `.work` of what publishing, or removing a run, is about to delete.
REPLACED, REMOVED = "replaced", "removed"
PASSING = (REPLACED, CHECKPOINTS, REMOVED)
_LONGEST_LABEL = 120
_WAIT_SECONDS = 0.2
_AGAIN = "Repeat the command: what is missing is made again."
# Work folder to the hold on it, of this process.
_HOLDS: dict[Path, Hold] = {}


@dataclass(frozen=True)
class SetAside:
    """A damaged run that has been moved out of the way.

    Attributes:
        problem: What is wrong with it.
        folder: Where it is now.
    """

    problem: str
    folder: Path

    def __str__(self) -> str:
        return f"{self.problem}: the run is damaged and set aside as {self.folder}"


@dataclass(frozen=True)
class RunStore:
    """Finished and unfinished stages below one folder, and finished ones below others or elsewhere.

    Attributes:
        root: The folder; it is made when something is published.
        read: Further stores, in which finished runs are found, and nothing is written.
        remotes: Stores elsewhere, from which a run is brought when it is looked for.
    """

    root: Path
    read: tuple[Path, ...] = ()
    remotes: tuple[RemoteStore, ...] = ()

    @classmethod
    def open(cls, root: Path, read: Iterable[str | Path] = ()) -> RunStore:
        """The store of `--store` and `--read-store`.

        Raises:
            UsageError: One to read is not there, or may not be read.
        """
        folders = [Path(one) for one in read if not is_url(str(one))]
        for one in folders:
            try:
                next(one.iterdir(), None)
            except OSError as error:
                raise UsageError(
                    f"--read-store {one} cannot be read ({error.strerror}).", remedy="Give the folder of a run store."
                ) from error
        others = tuple(one for one in folders if one.resolve() != root.resolve())
        return cls(root, others, tuple(RemoteStore.of(str(one), root / CACHE) for one in read if is_url(str(one))))

    @property
    def roots(self) -> tuple[Path, ...]:
        """All folders that are looked through, its own first."""
        return (self.root, *self.read, *(one.mirror for one in self.remotes))

    @property
    def cache(self) -> Path:
        """Folder for data that can be made again at any time."""
        return self.root / CACHE

    def folder(self, spec: StageSpec) -> Path:
        """Where the run of `spec` is, or will be, if it is not in a store to read."""
        return self.root / folder_name(spec, key(spec))

    def find(self, spec: StageSpec, *, whole: bool = False) -> Run | None:
        """The finished run of `spec`, if there is one that is what was published; see `Run.problem`."""
        name = self.folder(spec).name
        self.settle(name)
        for root in self.roots:
            run = Run(root / name)
            if is_folder(run.folder) and run.problem(whole=whole) is None:
                return run
        return next(self._elsewhere([name], whole=whole), None)

    def of_key(self, key: str) -> Run | None:
        """The finished run with a full key, if it is what was published."""
        return next((run for run in self._with_key(key) if run.is_whole), None)

    def _with_key(self, key: str, *, whole: bool = False) -> Iterator[Run]:
        for root in self.roots:
            yield from (Run(folder) for folder in root.glob(f"[!.]*-{key[:KEY_DIGITS]}") if is_folder(folder))
        names = {name for remote in self.remotes for name in remote.names()}
        fitting = sorted(name for name in names if name.endswith(f"-{key[:KEY_DIGITS]}"))
        yield from self._elsewhere(fitting, whole=whole)

    def _elsewhere(self, names: Iterable[str], *, whole: bool) -> Iterator[Run]:
        """The runs of these names that stores elsewhere have."""
        for name in names:
            for remote in self.remotes:
                if run := remote.find(name, whole=whole):
                    yield run
                    break

    def need(self, key: str) -> Run:
        """The finished run with a full key, all of whose files are what was published.

        Raises:
            StoreError: It is not there, or damaged.
        """
        problems = []
        for run in self._with_key(key, whole=True):
            if (problem := run.problem(whole=True)) is None and run.key == key:
                return run
            damaged = f"{problem}: the run is damaged, and a stage starts from it."
            problems.append((f"{problem}.", OWNER) if kept_from(run.folder) else (damaged, _AGAIN))
        lacking = f"{self.root} has no run with the key {key[:KEY_DIGITS]}, which a stage starts from."
        message, remedy = (*problems, (lacking, _AGAIN))[0]
        raise StoreError(message, remedy=remedy)

    def runs(self) -> list[Run]:
        """All finished runs that can be read, oldest first, also those that are elsewhere alone."""
        there = (run for remote in self.remotes for run in remote.look()[0])
        found = {run.name: run for run in (*there, *self.here())}
        return sorted(found.values(), key=lambda run: (run.provenance["finished"], run.name))

    def here(self) -> list[Run]:
        """Those of them all of whose files are on the disk."""
        return [run for run in self.every() if _unreadable(run) is None]

    def unreadable(self) -> list[StoreError]:
        """What is wrong with the run folders that `runs` leaves out."""
        here = [error for run in self.every() if (error := _unreadable(run))]
        return [*here, *(error for remote in self.remotes for error in remote.look()[1])]

    def every(self) -> list[Run]:
        """All folders with the name or the manifest of a run, whatever is in them; of several of one name the first."""
        found: dict[str, Run] = {}
        for root in self.roots:
            for folder in root.glob("[!.]*"):
                if (RUN_NAME.fullmatch(folder.name) or (folder / MANIFEST).is_file()) and is_folder(folder):
                    found.setdefault(folder.name, Run(folder))
        return list(found.values())

    def resolve(self, text: str) -> Run:
        """The run that `text` names: its folder, its folder's name, the first digits of its key, or `TASK@KEY`.

        Raises:
            UsageError: No run, or more than one, fits.
        """
        name = Path(text).name
        if not text or text.endswith("@") or text.startswith("@"):
            raise UsageError(f"{text!r} names no run.", remedy="Write a key, TASK@KEY or a folder; see `astilts runs`.")
        task, _, key = text.rpartition("@")

        def fits(run: Run) -> bool:
            return run.is_called(text) or (run.key.startswith(key) and task in ("", run.spec.task, run.spec.label))

        # What is here is found without asking elsewhere.
        matches = list(filter(fits, self.here())) or list(filter(fits, self.runs() if self.remotes else []))
        if len(matches) == 1:
            return matches[0]
        if matches:
            names = ", ".join(run.name for run in matches)
            raise UsageError(f"{text!r} fits {len(matches)} runs: {names}.", remedy="Give more digits of the key.")
        elsewhere = f"Give its store: --store {Path(text).parent}. " if Run(Path(text)).is_whole else ""
        damaged = next((str(error) for error in self.unreadable() if name in str(error)), "")
        raise UsageError(
            f"No run {text!r} in {self.root}.{f' {damaged}' if damaged else ''}",
            remedy=f"{did_you_mean(text, self.runs())}{elsewhere}`astilts runs` lists what is there.",
        )

    def work(self, spec: StageSpec) -> Path:
        """The folder in which a stage is made; it is there while it is, and after an interruption."""
        return self.root / WORK / self.folder(spec).name

    def hold(self, name: str) -> Hold:
        """The right to work on the stage whose folder has this name."""
        return Hold(self.root, name)

    def claimed(self, spec: StageSpec) -> bool:
        """Whether a living process holds the stage."""
        return self.hold(self.folder(spec).name).taken()

    @contextmanager
    def claim(self, spec: StageSpec, *, on_wait: Callable[[str], None]) -> Iterator[Path]:
        """Holds the stage and yields its work folder, with what an interrupted run left in it.

        Args:
            on_wait: Called with a message when another process holds it, before waiting for it; what it raises is
                raised.
        """
        name, work = self.folder(spec).name, self.work(spec)
        hold = self.hold(name)
        if not self._take(hold):
            on_wait(f"{name}: another process works on this stage; waiting for its result")
            while not self._take(hold):
                time.sleep(_WAIT_SECONDS)
        with explain_full_disk(self.root, work=work):
            try:
                look_anew(self.root)  # who held it may have published the run a moment ago
                self._settle(name)
                work.mkdir(parents=True, exist_ok=True)
                _HOLDS[work] = hold
                yield work
            except PermissionError as error:
                if self.root not in Path(str(error.filename)).parents:
                    raise
                raise StoreError(
                    f"{error.filename} cannot be written ({error.strerror}); another user may have begun {name}.",
                    remedy="In a store that several users write, all of them need `umask 002` and a common group.",
                ) from error
            finally:
                _HOLDS.pop(work, None)
                with suppress(OSError):
                    work.rmdir()  # nothing is in it
                hold.release()

    def _take(self, hold: Hold) -> bool:
        try:
            with explain_full_disk(self.root):
                return hold.take()
        except OSError as error:
            raise StoreError(
                f"--store {self.root} cannot be written ({error.strerror}).",
                remedy="Choose another folder; `astilts doctor --store` says what one can do. Runs that are finished "
                "there can be read with --read-store.",
            ) from error

    def publish(self, spec: StageSpec, work: Path) -> Run:
        """Turns a work folder into the finished run of `spec`, replacing an older run of the same key.

        What lies in the work folder's `checkpoints` is kept until the run is published, and then deleted.
        """
        for rest in work.rglob("*.part"):  # of processes that were killed while they wrote
            rest.unlink()
        (work / MANIFEST).unlink(missing_ok=True)
        (work / SPEC).write_text(canonical_json(spec) + "\n", encoding="ascii")
        entries = entries_of(work, without=CHECKPOINTS)
        for name in entries:
            sync(work / name)
        write_json(work / MANIFEST, {name: entry.model_dump() for name, entry in entries.items()})
        return self._move(spec, work)

    def publish_complete(self, spec: StageSpec, work: Path) -> Run | None:
        """Publishes a work folder that a process had completed when it was killed; None if it is not complete."""
        if not (work / MANIFEST).is_file():
            return None
        if Run(work).problem(whole=True):  # the stage goes on from its last checkpoint
            (work / MANIFEST).unlink()
            return None
        return self._move(spec, work)

    def _move(self, spec: StageSpec, work: Path) -> Run:
        final = self.folder(spec)
        if hold := _HOLDS.get(work):
            hold.check()
        replaced, checkpoints = (work.with_name(f"{work.name}.{what}") for what in (REPLACED, CHECKPOINTS))
        for rest in (replaced, checkpoints):
            shutil.rmtree(rest, ignore_errors=True)
        if (work / CHECKPOINTS).exists():
            (work / CHECKPOINTS).replace(checkpoints)
        if not final.exists():
            work.replace(final)
        elif exchange(work, final):
            work.replace(replaced)
        else:  # between these two there is no run, until `find` puts it back
            final.replace(replaced)
            work.replace(final)
        sync(self.root)
        for rest in (replaced, checkpoints):
            delete(rest)
        return Run(final)

    def settle(self, name: str) -> None:
        """Finishes what a process that was killed in publishing a stage has left, unless another one works on it."""
        if not self._unsettled(name):
            return
        hold = self.hold(name)
        with suppress(OSError):  # a store that may not be written stays as it is
            if hold.take():
                try:
                    self._settle(name)
                finally:
                    hold.release()

    def _unsettled(self, name: str) -> bool:
        work = self.root / WORK / name
        passing = any(os.path.lexists(f"{work}.{what}") for what in PASSING)
        return passing or ((work / MANIFEST).is_file() and is_folder(self.root / name))

    def _settle(self, name: str) -> None:
        """The same while the stage is held."""
        if not self._unsettled(name):
            return
        final, work = self.root / name, self.root / WORK / name
        replaced = work.with_name(f"{name}.{REPLACED}")
        if not final.is_dir() and replaced.is_dir():
            (work if (work / MANIFEST).is_file() else replaced).replace(final)
        if final.is_dir() and (work / MANIFEST).is_file():  # what was replaced, or is what was published
            delete(work)
        for what in PASSING:
            delete(work.with_name(f"{name}.{what}"))

    def set_aside(self, spec: StageSpec, *, whole: bool = False) -> SetAside | None:
        """Moves a damaged run of `spec` out of the way while the stage is claimed; None if there is none.

        Nothing is deleted. What is damaged in a store to read stays there.

        Raises:
            StoreError: This user may not read it, so that nobody knows what it is.
        """
        run = Run(self.folder(spec))
        if not is_folder(run.folder) or (problem := run.problem(whole=whole)) is None:
            return None
        if kept_from(run.folder):
            raise StoreError(f"{problem}.", remedy=OWNER)
        when = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S%f")
        aside = self.root / DAMAGED / f"{run.name}-{when}"
        aside.parent.mkdir(exist_ok=True)
        run.folder.replace(aside)
        return SetAside(problem, aside)


def delete(folder: Path) -> None:
    """Deletes a folder, or the link to one, as far as that is possible."""
    if folder.is_symlink():
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)


def folder_name(spec: StageSpec, key: str) -> str:
    """What the folder of a run is called; file systems allow 255 bytes."""
    return f"{spec.stage}-{cut(spec.label, _LONGEST_LABEL)}-{key[:KEY_DIGITS]}"


def _unreadable(run: Run) -> StoreError | None:
    """What is wrong with what is listed of a run."""
    try:
        run.read()
        if not run.name.endswith(run.short_key):
            return StoreError(
                f"{run.folder} holds the run {run.short_key}.",
                remedy=f"Somebody renamed it: call it {folder_name(run.spec, run.key)}, or let it be made again.",
            )
    except StoreError as error:
        return error
    return None
