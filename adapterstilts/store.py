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
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from adapterstilts.errors import StoreError, UsageError
from adapterstilts.specs import EvaluateSpec, StageSpec, TrainSpec, canonical_json, key

MANIFEST = "manifest.json"
KEY_DIGITS = 12


def write_json(path: Path, value: Any) -> None:
    """Writes `value` to `path` so that a reader sees the old file or the new one, never a part of it."""
    scratch = path.with_name(path.name + ".part")
    with scratch.open("w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else _digest(file)


def _digest(file: Any) -> str:
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


@contextmanager
def explain_full_disk(root: Path) -> Iterator[None]:
    """Turns an operating system's "no space" into an error that says what is safe and what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise StoreError(
                f"No space left while writing below {root} ({error.strerror}); finished runs are untouched.",
                remedy="Free some space or choose another disk with --store, then repeat the command: it resumes.",
            ) from error
        raise


@dataclass(frozen=True)
class Run:
    """A finished stage."""

    folder: Path

    @cached_property
    def spec(self) -> StageSpec:
        """The spec that the run's key is the hash of."""
        values = self._read("spec.json")
        return (EvaluateSpec if values["stage"] == "evaluate" else TrainSpec).model_validate(values)

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
                raise StoreError(
                    f"{path} is missing or damaged.",
                    remedy="Repeat the command with --force to make the run again.",
                )
        return self

    def _read(self, name: str) -> dict[str, Any]:
        path = self.folder / name
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise StoreError(
                f"{path} cannot be read ({error}).",
                remedy="Delete the folder and repeat the command that made it.",
            ) from error


class RunStore:
    """Finished and unfinished stages below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def cache(self) -> Path:
        """Folder for data that can be made again at any time."""
        return self.root / ".cache"

    def folder(self, spec: StageSpec) -> Path:
        """Where the run of `spec` is, or will be."""
        return self.root / f"{spec.stage}-{spec.task}-{key(spec)[:KEY_DIGITS]}"

    def find(self, spec: StageSpec) -> Run | None:
        """The finished run of `spec`, if there is one."""
        folder = self.folder(spec)
        return Run(folder).check() if folder.is_dir() else None

    def runs(self) -> list[Run]:
        """All finished runs, oldest first."""
        if not self.root.is_dir():
            return []
        found = [Run(path.parent) for path in self.root.glob(f"[!.]*/{MANIFEST}")]
        return sorted(found, key=lambda run: (run.provenance["finished"], run.folder.name))

    def resolve(self, text: str) -> Run:
        """The run that `text` names: its folder, its folder's name, or the first digits of its key.

        Raises:
            UsageError: No run, or more than one, fits.
        """
        name = Path(text).name
        matches = [run for run in self.runs() if run.folder.name == name or run.key.startswith(text)]
        if len(matches) == 1:
            return matches[0]
        if matches:
            names = ", ".join(run.folder.name for run in matches)
            raise UsageError(f"{text!r} fits {len(matches)} runs: {names}.", remedy="Give more digits of the key.")
        raise UsageError(f"No run {text!r} in {self.root}.", remedy="`astilts runs` lists what is there.")

    @contextmanager
    def claim(self, spec: StageSpec, *, on_wait: Callable[[str], None]) -> Iterator[Path]:
        """Holds the stage's lock and yields its work folder, with what an interrupted run left in it.

        Args:
            on_wait: Called with a message when another process holds the lock, before waiting for it.
        """
        name = self.folder(spec).name
        work = self.root / ".work" / name
        with explain_full_disk(self.root):
            (self.root / ".locks").mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.root / ".locks" / f"{name}.lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                on_wait(f"{name}: another process works on this stage; waiting for its result")
                lock.acquire()
            try:
                work.mkdir(parents=True, exist_ok=True)
                yield work
            finally:
                lock.release()

    def publish(self, spec: StageSpec, work: Path) -> Run:
        """Turns a work folder into the finished run of `spec`, replacing an older run of the same key."""
        (work / "spec.json").write_text(canonical_json(spec) + "\n", encoding="ascii")
        files = sorted(path for path in work.rglob("*") if path.is_file())
        manifest = {
            path.relative_to(work).as_posix(): {"bytes": path.stat().st_size, "sha256": file_digest(path)}
            for path in files
        }
        for path in files:
            _sync(path)
        write_json(work / MANIFEST, manifest)
        final = self.folder(spec)
        discarded = self.root / ".work" / f"{final.name}.replaced"
        shutil.rmtree(discarded, ignore_errors=True)
        if final.exists():
            final.replace(discarded)
        work.replace(final)
        _sync(self.root)
        shutil.rmtree(discarded, ignore_errors=True)
        return Run(final)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
