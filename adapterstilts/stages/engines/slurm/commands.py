"""Slurm's own commands."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from adapterstilts.errors import AstiltsError

_SECONDS = 60
_MOST = 1001  # Slurm's default of MaxArraySize


class SlurmError(AstiltsError):
    """A command of Slurm has failed."""


@dataclass(frozen=True)
class Queued:
    """An element of an array that is in the queue.

    Attributes:
        name: Of its array.
        job: Such as `12_3`.
        state: As Slurm calls it: `PENDING`, `RUNNING`, `COMPLETING`.
        reason: Why a pending one does not run.
    """

    name: str
    job: str
    state: str
    reason: str

    @property
    def index(self) -> int:
        """Its place in the array."""
        return int(self.job.rpartition("_")[2])


def submit(options: Sequence[str], script: str) -> str:
    """Submits a script; returns the number of the job.

    Raises:
        SlurmError: Slurm refuses it.
    """
    return _call("sbatch", "--parsable", *options, script=script).strip().partition(";")[0]


def queue(prefix: str) -> list[Queued]:
    """The user's array elements in the queue whose array's name begins with a prefix.

    Raises:
        SlurmError: Slurm does not answer.
    """
    lines = _call("squeue", "--me", "--noheader", "--array", "--format=%j|%F_%K|%T|%r").splitlines()
    found = [Queued(*line.strip().split("|", 3)) for line in lines if line.startswith(prefix)]
    return [one for one in found if one.job.rpartition("_")[2].isdecimal()]  # `12_N/A` is no element of an array


def cancel(jobs: Sequence[str]) -> None:
    """Cancels jobs, or elements of them."""
    if jobs:
        _call("scancel", *jobs)


def requeue(job: str) -> None:
    """Puts a running job back into the queue.

    Raises:
        SlurmError: It cannot be.
    """
    _call("scontrol", "requeue", job)


def ended_how(job: str) -> str:
    """What Slurm says of a job that has ended, as far as it remembers it."""
    try:
        said = _call("scontrol", "show", "job", job, "--oneliner")
    except SlurmError:
        return ""
    found = dict(re.findall(r"\b(JobState|Reason|ExitCode)=(\S+)", said))
    return ", ".join(f"{name} {value}" for name, value in found.items() if value not in ("None", "0:0"))


def largest_array() -> int:
    """How many elements an array can have."""
    try:
        found = re.search(r"^MaxArraySize\s*=\s*(\d+)", _call("scontrol", "show", "config"), flags=re.MULTILINE)
    except SlurmError:
        found = None
    return int(found[1]) if found else _MOST


def _call(*words: str, script: str = "") -> str:
    try:
        done = subprocess.run(words, input=script, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SlurmError(f"{words[0]} does not answer ({error}).") from None
    if done.returncode:
        said = " ".join(done.stderr.replace(f"{words[0]}: ", "").split()) or f"code {done.returncode}"
        raise SlurmError(f"{words[0]}: {said}.", remedy="See `sinfo` and the options of the command.")
    return done.stdout
