"""Stages on their way into the queue: what the jobs of an array read is in a folder of the store with its name."""

from __future__ import annotations

import json
import os
import pickle
import shlex
import shutil
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from adapterstilts.files import write_json
from adapterstilts.stages.engines.orders import Order
from adapterstilts.stages.engines.slurm import commands
from adapterstilts.stages.engines.slurm.arrays import Array

FOLDER = ".slurm"
"""Folder of the store in which arrays have theirs."""
PREFIX = "astilts-"
"""What names of arrays begin with."""
_STAGES = "stages.json"
# Folders of jobs that have ended are kept so long, in seconds, for their logs.
_KEPT = 24 * 3600
_SCRIPT = """#!/bin/sh
trap '' USR1
export PYTHONPATH={paths}
exec {python} -m adapterstilts.stages.engines.slurm.job {folder} "$SLURM_ARRAY_TASK_ID"
"""


@dataclass(frozen=True)
class Resources:
    """What a job gets; None for what the cluster gives by itself.

    Attributes:
        time_limit: As Slurm writes it, `[D-]HH:MM:SS` or minutes; likewise `memory`, such as `16G`.
        at_a_time: How many elements of each array run at a time at most.
        others: Any other options of sbatch, without their dashes; an empty value is none.
    """

    partition: str | None = None
    time_limit: str | None = None
    memory: str | None = None
    gpus: int | None = None
    cpus: int | None = None
    at_a_time: int | None = None
    others: Mapping[str, str] = field(default_factory=dict)

    @property
    def options(self) -> list[str]:
        """As sbatch takes them, where later ones count over earlier ones."""
        named = {
            "partition": self.partition,
            "time": self.time_limit,
            "mem": self.memory,
            "gres": f"gpu:{self.gpus}" if self.gpus else None,
            "cpus-per-task": self.cpus,
        }
        found = [f"--{name}={value}" for name, value in named.items() if value is not None]
        # A minute and a half before the end the script, which becomes the job's only process, is told.
        found += ["--requeue", "--signal=B:USR1@90", "--kill-on-invalid-dep=yes", "--open-mode=append"]
        return found + [f"--{name}={value}" if value else f"--{name}" for name, value in self.others.items()]


@dataclass(frozen=True)
class JobOrder:
    """What a job does.

    Attributes:
        retries: How often it tries again.
        alone: The command line that makes its stage alone.
    """

    order: Order
    retries: int
    alone: str | None


@dataclass(frozen=True)
class Submissions:
    """The arrays of a store.

    Attributes:
        root: Folder of the store.
    """

    root: Path
    resources: Resources

    @property
    def _folder(self) -> Path:
        return self.root.resolve() / FOLDER

    def queued(self) -> dict[str, commands.Queued]:
        """Keys of stages that are in the queue, whichever command of this user has submitted them, to their jobs.

        Raises:
            SlurmError: Slurm does not answer.
        """
        found: dict[str, commands.Queued] = {}
        keys: dict[str, dict[str, str]] = {}
        for one in commands.queue(PREFIX):
            if one.name not in keys:
                keys[one.name] = self._keys(one.name)
            if key := keys[one.name].get(str(one.index)):
                found[key] = one
        return found

    def submit(self, array: Array, jobs: Mapping[str, str], orders: Mapping[int, JobOrder]) -> dict[str, str]:
        """Submits an array; returns the job of each stage's key.

        Args:
            jobs: Those of stages that are in the queue.
            orders: What each element does.

        Raises:
            SlurmError: Slurm refuses it.
        """
        name = f"{PREFIX}{uuid.uuid4().hex[:8]}"
        folder = self._folder / name
        folder.mkdir(parents=True)
        for index, order in orders.items():
            (folder / f"{index}.order").write_bytes(pickle.dumps(order))
        write_json(folder / _STAGES, {str(index): stage.key for index, stage in array.stages.items()})
        limit = f"%{self.resources.at_a_time}" if self.resources.at_a_time else ""
        after = [jobs[key] for key in array.after]
        depends = f"aftercorr:{after[0].partition('_')[0]}" if array.beside else f"afterok:{':'.join(after)}"
        options = [
            *([f"--dependency={depends}"] if after else []),
            f"--job-name={name}",
            f"--array={array.indices}{limit}",
            f"--output={str(folder).replace('%', '%%')}/%a.log",
            *self.resources.options,
        ]
        try:
            number = commands.submit(options, _script(folder))
        except commands.SlurmError:
            shutil.rmtree(folder)
            raise
        return {stage.key: f"{number}_{index}" for index, stage in array.stages.items()}

    def log(self, key: str) -> Path | None:
        """The file with what the job of a stage has printed, the latest one."""
        found = [
            path.parent / f"{index}.log"
            for path in self._folder.glob(f"{PREFIX}*/{_STAGES}")
            for index, one in self._keys(path.parent.name).items()
            if one == key
        ]
        return max((path for path in found if path.is_file()), key=lambda path: path.stat().st_mtime, default=None)

    def clear(self, queued: Mapping[str, commands.Queued]) -> None:
        """Deletes the folders of this user's arrays that have ended long ago; of others' it is not known whether."""
        names = {one.name for one in queued.values()}
        for folder in self._folder.glob(f"{PREFIX}*"):
            state = folder.stat()
            if folder.name not in names and state.st_uid == os.getuid() and time.time() - state.st_mtime > _KEPT:
                shutil.rmtree(folder, ignore_errors=True)

    def _keys(self, name: str) -> dict[str, str]:
        """The keys of the stages of an array; none of one that is not this store's."""
        try:
            return json.loads((self._folder / name / _STAGES).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}


def _script(folder: Path) -> str:
    paths = ":".join(str(Path(one).resolve()) for one in sys.path)
    words = {"paths": paths, "python": sys.executable, "folder": str(folder)}
    return _SCRIPT.format_map({name: shlex.quote(word) for name, word in words.items()})
