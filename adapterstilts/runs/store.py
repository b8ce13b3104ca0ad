"""The run store: one folder per finished stage, found by the key of its spec.

Layout below the root::

    <stage>-<task>-<key>/   finished runs: spec.json, provenance.json, metrics.json, manifest.json, weights, predictions
    .work/<folder>/         stages in progress: checkpoints and whatever is finished so far
    .locks/<folder>.lock    held by the process that works on a stage
    .cache/                 tokenised data

A finished run appears by one rename, so a folder at the top level is complete or is not there.
"""

from __future__ import annotations

import errno
import json
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic import ValidationError

from adapterstilts.errors import AstiltsError, StoreError, UsageError
from adapterstilts.files import file_digest, sync, write_json
from adapterstilts.runs.shots import Shots
from adapterstilts.runs.specs import EvaluateSpec, ModelSpec, StageSpec, canonical_json, key, read_spec

MANIFEST = "manifest.json"
CHECKPOINTS = "checkpoints"
KEY_DIGITS = 12
_LONGEST_LABEL = 120


class DiskFullError(StoreError):
    """There is no space left for what a stage writes."""


@contextmanager
def explain_full_disk(root: Path) -> Iterator[None]:
    """Turns an operating system's "no space" into an error that says what is safe and what to do.

    Raises:
        DiskFullError: See above.
    """
    try:
        yield
    except AstiltsError:
        raise
    except Exception as error:
        if not _is_full_disk(error):
            raise
        raise DiskFullError(
            f"No space left while writing below {root} ({error}); finished runs are untouched.",
            remedy="Free some space or choose another disk with --store, then repeat the command: it resumes.",
        ) from error


# Each writer has its own way of saying it: Python's, safetensors' and torch's.
_FULL_DISK_CODES = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL_DISK = re.compile(
    rf"os error ({'|'.join(map(str, _FULL_DISK_CODES))})\b|iostream error|PytorchStreamWriter failed"
)


def _is_full_disk(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno in _FULL_DISK_CODES
    return bool(_FULL_DISK.search(str(error)))


@dataclass(frozen=True)
class Run:
    """A finished stage."""

    folder: Path

    @cached_property
    def spec(self) -> StageSpec:
        """The spec that the run's key is the hash of."""
        values = self._read("spec.json")
        try:
            return read_spec(values)
        except (KeyError, ValidationError):
            raise StoreError(
                f"{self.folder / 'spec.json'} is not a spec of this version.",
                remedy="Delete the folder, or use the version of adapterstilts that made it.",
            ) from None

    @property
    def training(self) -> ModelSpec:
        """The spec of a run that holds a model.

        Raises:
            StoreError: It is an evaluation.
        """
        spec = self.spec
        if spec.stage == "evaluate":
            raise StoreError(f"{self.folder} is not a trained model.", remedy="Give a training run.")
        return spec

    @property
    def evaluation(self) -> EvaluateSpec:
        """The spec of a run that holds scores.

        Raises:
            StoreError: It is a trained model.
        """
        spec = self.spec
        if spec.stage != "evaluate":
            raise StoreError(f"{self.folder} is not an evaluation.", remedy="`astilts runs` lists those there are.")
        return spec

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """Where and when the run was made: versions, commit, hardware, command, times."""
        return self._read("provenance.json")

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """Scores and costs of the stage."""
        return self._read("metrics.json")

    @property
    def key(self) -> str:
        """The run's full key."""
        return key(self.spec)

    @property
    def short_key(self) -> str:
        """The part of the key that names the folder."""
        return self.key[:KEY_DIGITS]

    def check(self) -> Run:
        """Returns the run once every file of its manifest is there in its full size.

        Raises:
            StoreError: A file is missing or has another size than when it was published.
        """
        for name, entry in self._read(MANIFEST).items():
            path = self.folder / name
            if not path.is_file() or path.stat().st_size != entry["bytes"]:
                raise StoreError(f"{path} is missing or damaged.", remedy=f"Make the run again: {self._again()}")
        return self

    def _again(self) -> str:
        """The command that made the run, so that it replaces it."""
        words = self.provenance.get("command", [])
        if words and Path(words[0]).name in ("astilts", "__main__.py"):
            return f"{shlex.join(['astilts', *words[1:]])} --force"
        return "repeat what made it, with --force or force=True."

    def _read(self, name: str) -> dict[str, Any]:
        path = self.folder / name
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise StoreError(
                f"{path} cannot be read ({error}).",
                remedy="Delete the folder and repeat the command that made it.",
            ) from error


@dataclass(frozen=True)
class RunStore:
    """Finished and unfinished stages below one folder.

    Attributes:
        root: The folder; it is made when something is published.
    """

    root: Path

    @property
    def cache(self) -> Path:
        """Folder for data that can be made again at any time."""
        return self.root / ".cache"

    def folder(self, spec: StageSpec) -> Path:
        """Where the run of `spec` is, or will be."""
        return self.root / folder_name(spec, key(spec))

    def find(self, spec: StageSpec) -> Run | None:
        """The finished run of `spec`, if there is one."""
        folder = self.folder(spec)
        return Run(folder).check() if folder.is_dir() else None

    def of_key(self, key: str) -> Run | None:
        """The finished run with a full key."""
        for folder in self.root.glob(f"[!.]*-{key[:KEY_DIGITS]}"):
            run = Run(folder)
            if (folder / MANIFEST).is_file() and run.key == key:
                return run.check()
        return None

    def shots(self, run: Run) -> Shots | None:
        """The labelled rows of another language that a model was trained on, or the one that an evaluation scores."""
        if isinstance(run.spec, EvaluateSpec):
            models = (self.of_key(one) for one in run.spec.inputs)
            return next((one.training.shots for one in models if one and one.training.shots), None)
        return run.training.shots

    def need(self, key: str) -> Run:
        """The finished run with a full key.

        Raises:
            StoreError: It is not there.
        """
        if run := self.of_key(key):
            return run
        raise StoreError(
            f"{self.root} has no run with the key {key[:KEY_DIGITS]}, which a stage starts from.",
            remedy="Repeat the command: what is missing is made again.",
        )

    def runs(self) -> list[Run]:
        """All finished runs that can be read, oldest first."""
        readable = [run for run in self._all() if not _unreadable(run)]
        return sorted(readable, key=lambda run: (run.provenance["finished"], run.folder.name))

    def unreadable(self) -> list[StoreError]:
        """What is wrong with the run folders that `runs` leaves out."""
        return [error for run in self._all() if (error := _unreadable(run))]

    def _all(self) -> list[Run]:
        return [Run(path.parent) for path in self.root.glob(f"[!.]*/{MANIFEST}")]

    def resolve(self, text: str) -> Run:
        """The run that `text` names: its folder, its folder's name, the first digits of its key, or `TASK@KEY`.

        Raises:
            UsageError: No run, or more than one, fits.
        """
        name = Path(text).name
        if not text or text.endswith("@") or text.startswith("@"):
            raise UsageError(f"{text!r} names no run.", remedy="Write a key, TASK@KEY or a folder; see `astilts runs`.")
        task, _, key = text.rpartition("@")
        matches = [
            run
            for run in self.runs()
            if run.folder.name == name or (run.key.startswith(key) and task in ("", run.spec.task, run.spec.label))
        ]
        if len(matches) == 1:
            return matches[0]
        if matches:
            names = ", ".join(run.folder.name for run in matches)
            raise UsageError(f"{text!r} fits {len(matches)} runs: {names}.", remedy="Give more digits of the key.")
        raise UsageError(f"No run {text!r} in {self.root}.", remedy="`astilts runs` lists what is there.")

    def work(self, spec: StageSpec) -> Path:
        """The folder in which a stage is made; it is there while it is, and after an interruption."""
        return self.root / ".work" / self.folder(spec).name

    def claimed(self, spec: StageSpec) -> bool:
        """Whether a living process holds the stage's lock."""
        if not self._lock(spec).exists():
            return False
        try:
            with self._file_lock(spec).acquire(timeout=0):
                return False
        except Timeout:
            return True

    def _lock(self, spec: StageSpec) -> Path:
        return self.root / ".locks" / f"{self.folder(spec).name}.lock"

    def _file_lock(self, spec: StageSpec) -> FileLock:
        # The file lock of the operating system ends with its process; one that only exists would outlive it.
        return FileLock(self._lock(spec), fallback_to_soft=False)

    @contextmanager
    def claim(self, spec: StageSpec, *, on_wait: Callable[[str], None]) -> Iterator[Path]:
        """Holds the stage's lock and yields its work folder, with what an interrupted run left in it.

        Args:
            on_wait: Called with a message when another process holds the lock, before waiting for it; what it raises
                is raised.
        """
        name, work = self.folder(spec).name, self.work(spec)
        with explain_full_disk(self.root):
            try:
                (self.root / ".locks").mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(
                    f"--store {self.root} cannot be written ({error.strerror}).", remedy="Choose another folder."
                ) from error
            lock = self._file_lock(spec)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                on_wait(f"{name}: another process works on this stage; waiting for its result")
                lock.acquire()
            except OSError as error:
                if _is_full_disk(error):
                    raise
                raise StoreError(
                    f"--store {self.root} cannot be locked ({error.strerror}).",
                    remedy="Choose a folder on a file system with file locks; Lustre has them when mounted with flock.",
                ) from error
            try:
                work.mkdir(parents=True, exist_ok=True)
                yield work
            finally:
                lock.release()

    def publish(self, spec: StageSpec, work: Path) -> Run:
        """Turns a work folder into the finished run of `spec`, replacing an older run of the same key.

        What lies in the work folder's `checkpoints` is kept until the run is published, and then deleted.
        """
        for rest in work.rglob("*.part"):  # of processes that were killed while they wrote
            rest.unlink()
        (work / "spec.json").write_text(canonical_json(spec) + "\n", encoding="ascii")
        files = sorted(path for path in work.rglob("*") if path.is_file() and work / CHECKPOINTS not in path.parents)
        entries = {
            path.relative_to(work).as_posix(): {"bytes": path.stat().st_size, "sha256": file_digest(path)}
            for path in files
            if path.name != MANIFEST
        }
        for path in files:
            sync(path)
        write_json(work / MANIFEST, entries)
        return self._move(spec, work)

    def publish_complete(self, spec: StageSpec, work: Path) -> Run | None:
        """Publishes a work folder that a process had completed when it was killed; None if it is not complete."""
        return self._move(spec, work) if (work / MANIFEST).is_file() else None

    def _move(self, spec: StageSpec, work: Path) -> Run:
        final = self.folder(spec)
        replaced, checkpoints = (work.with_name(f"{work.name}.{what}") for what in ("replaced", CHECKPOINTS))
        for rest in (replaced, checkpoints):
            shutil.rmtree(rest, ignore_errors=True)
        if (work / CHECKPOINTS).exists():
            (work / CHECKPOINTS).replace(checkpoints)
        if final.exists():
            final.replace(replaced)
        work.replace(final)
        sync(self.root)
        for rest in (replaced, checkpoints):
            shutil.rmtree(rest, ignore_errors=True)
        return Run(final)


def folder_name(spec: StageSpec, key: str) -> str:
    """What the folder of a run is called; file systems allow 255 bytes."""
    label = spec.label
    if len(label) > _LONGEST_LABEL:
        label = f"{label[:_LONGEST_LABEL].rpartition('-')[0] or label[:_LONGEST_LABEL]}-and-more"
    return f"{spec.stage}-{label}-{key[:KEY_DIGITS]}"


def _unreadable(run: Run) -> StoreError | None:
    try:
        run.spec, run.provenance["finished"], run.metrics
    except StoreError as error:
        return error
    except KeyError:
        return StoreError(f"{run.folder / 'provenance.json'} has no time.", remedy="Delete the folder.")
    return None
