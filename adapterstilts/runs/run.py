"""A finished run: its folder, and what is read of it once it is known to be what was published."""

from __future__ import annotations

import difflib
import os
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from adapterstilts.errors import StoreError
from adapterstilts.runs.content import file_problem, first_damage, kept_from
from adapterstilts.runs.records import (
    OWNER,
    REMEDY,
    Entries,
    FileEntry,
    Scored,
    first_problem,
    metrics_record,
    provenance_record,
    read_log,
    read_object,
    read_record,
    read_values,
)
from adapterstilts.runs.specs import EvaluateSpec, ModelSpec, StageSpec, key, read_spec

SPEC, PROVENANCE, METRICS, MANIFEST, LOG = (
    "spec.json", "provenance.json", "metrics.json", "manifest.json", "log.jsonl",
)  # fmt: skip
LISTED = (SPEC, PROVENANCE, METRICS)
KEY_DIGITS = 12
MORE = "-and-more"
"""What ends a label that was cut."""
RUN_NAME = re.compile(rf".+-([0-9a-f]{{{KEY_DIGITS}}})")

# How near a name has to be to be suggested, and how many runs of it are.
_NEAR, _MOST_NEAR = 0.7, 3

# Folder and state of a manifest to what it says, of all runs that have the shape and the name that is due.
_ENTRIES: dict[tuple[Path, Any], dict[str, FileEntry]] = {}


@dataclass(frozen=True)
class Run:
    """A finished stage."""

    folder: Path

    @property
    def name(self) -> str:
        """What its folder is called."""
        return self.folder.name

    def is_called(self, text: str) -> bool:
        """Whether a text is what its folder is called, or says where that is."""
        if not {"/", os.sep}.intersection(text):
            return text == self.name
        here = Path(text).name == self.name and Path(text).resolve() == self.listed.resolve()
        return here or text.rstrip("/") == self.place

    @property
    def listed(self) -> Path:
        """The folder of the files that are read when runs are listed: spec, provenance, metrics and manifest."""
        return self.folder

    @property
    def is_whole(self) -> bool:
        """Whether its small files, and the sizes of all others, are what was published."""
        return self.problem() is None

    @property
    def place(self) -> str:
        """Where it is, in words."""
        return str(self.folder)

    @cached_property
    def spec(self) -> StageSpec:
        """The spec that the run's key is the hash of."""
        path = self.listed / SPEC
        try:
            return read_spec(read_object(path))
        except (KeyError, TypeError, ValidationError) as error:
            raise StoreError(
                f"{path} is not a spec of this version ({first_problem(error)}).",
                remedy="Use the version of adapterstilts that made it, or make the run again.",
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
        return read_values(self.listed / PROVENANCE, provenance_record(self.spec.stage))

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """Scores and costs of the stage."""
        return read_values(self.listed / METRICS, metrics_record(self.spec.stage))

    @cached_property
    def entries(self) -> dict[str, FileEntry]:
        """Name to size and digest of all its files but the one that says so."""
        path = self.listed / MANIFEST
        found = read_record(path, Entries).root
        if lacking := {SPEC, METRICS, PROVENANCE} - found.keys():
            raise StoreError(f"{path} does not name {min(lacking)}.", remedy=REMEDY)
        return found

    @property
    def bytes(self) -> int:
        """Size of all its files but that one."""
        return sum(entry.bytes for entry in self.entries.values())

    @property
    def log(self) -> list[dict[str, Any]]:
        """What was logged in training, oldest first."""
        return read_log(self.folder / LOG)

    @property
    def key(self) -> str:
        """The run's full key."""
        return key(self.spec)

    @property
    def short_key(self) -> str:
        """The part of the key that names the folder."""
        return self.key[:KEY_DIGITS]

    @property
    def known(self) -> bool:
        """Whether its spec is the one that its folder is named after."""
        try:
            return self.name.endswith(f"-{self.short_key}")
        except StoreError:
            return False

    def scores(self, language: str) -> dict[str, Any]:
        """What an evaluation has written of the examples in one language.

        Raises:
            StoreError: The file is damaged.
        """
        return read_values(self.file(f"scores/{language}.json"), Scored)

    def file(self, name: str) -> Path:
        """One of its files, once it is known to be what was published.

        Raises:
            StoreError: It is not, or there is none of this name.
        """
        path, entry = self.folder / name, self.entries.get(name)
        problem = file_problem(path, entry, whole=True) if entry else "is not among the files of the run"
        if problem:
            raise self._damaged(f"{path} {problem}")
        return path

    def problem(self, *, whole: bool = False) -> str | None:
        """What is wrong with it, None if it is what was published.

        Args:
            whole: Whether large files are read too, such as weights.
        """
        try:
            path = self.folder / MANIFEST
            state = path.stat() if path.is_file() else None
            found = (self.folder, state and (state.st_size, state.st_mtime_ns, state.st_ino))
            entries = _ENTRIES.get(found) or self._named_as_it_is()
            if damage := first_damage(self.folder, entries, whole=whole):
                return damage
            if found not in _ENTRIES:  # what is in its files is read once
                self.read()
                _ENTRIES[found] = entries
        except StoreError as error:
            return error.message.rstrip(".")
        except OSError as error:
            return f"{self.folder} cannot be read ({error.strerror})"
        return None

    def _named_as_it_is(self) -> dict[str, FileEntry]:
        """What the manifest says, of a run whose folder is named after its spec."""
        own = RUN_NAME.fullmatch(self.name)
        if own and own[1] != self.short_key:
            raise StoreError(f"{self.listed / SPEC} is the spec of {self.short_key}, not of {own[1]}.", remedy=REMEDY)
        return self.entries

    def read(self) -> None:
        """Reads what is listed of it.

        Raises:
            StoreError: Something is misshapen.
        """
        for _ in (self.spec, self.provenance, self.metrics, self.entries):
            pass

    def check(self) -> Run:
        """Returns the run once its small files, and the sizes of all others, are what was published.

        Raises:
            StoreError: They are not, or the spec is that of another run.
        """
        if problem := self.problem():
            raise self._damaged(problem)
        return self

    def verify(self) -> Run:
        """The same of all of its files: for runs that something starts from.

        Raises:
            StoreError: See above.
        """
        if problem := self.problem(whole=True):
            raise self._damaged(problem)
        return self

    def _damaged(self, problem: str) -> StoreError:
        if kept_from(self.folder):
            return StoreError(f"{problem}.", remedy=OWNER)
        return StoreError(f"{problem}: the run is damaged.", remedy=f"Make it again: {self._again()}")

    def _again(self) -> str:
        """The command that made the run, so that it replaces it."""
        try:
            words = self.provenance.get("command", [])
            if words and Path(words[0]).name in ("astilts", "__main__.py"):
                return f"{shlex.join(['astilts', *words[1:]])} --force"
        except (StoreError, TypeError):  # what made it is damaged, too
            pass
        return "repeat what made it, with --force or force=True."


def cut(label: str, most: int) -> str:
    """What a run is called for, or its beginning where it has more letters than `most`."""
    return label if len(label) <= most else f"{label[:most].rpartition('-')[0] or label[:most]}{MORE}"


def did_you_mean(text: str, runs: Iterable[Run]) -> str:
    """A question that names the nearest of some runs, and a space; nothing where none is near.

    Args:
        text: The name of a run's folder, a task, or `TASK@KEY`.
    """
    task, at, _ = text.partition("@")
    known = {run.name: run.name if not at and RUN_NAME.fullmatch(text) else run.spec.task for run in runs}
    tasks = difflib.get_close_matches(task, dict.fromkeys(known.values()), n=1, cutoff=_NEAR) if len(task) > 2 else []
    near = [repr(name) for name, own in known.items() if own in tasks]
    return f"Did you mean {' or '.join(near[-_MOST_NEAR:])}? " if near else ""
