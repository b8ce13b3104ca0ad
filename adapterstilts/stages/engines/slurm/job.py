"""What a job of Slurm does: one stage, which is saved and queued again when the job's time is over."""

from __future__ import annotations

import os
import pickle
import signal
import sys
from pathlib import Path

from adapterstilts.errors import AstiltsError
from adapterstilts.runs.store import CHECKPOINTS
from adapterstilts.stages.ending import Terminated, ended_by_signals
from adapterstilts.stages.engines.course import Policy
from adapterstilts.stages.engines.slurm import commands
from adapterstilts.stages.engines.slurm.submission import JobOrder
from adapterstilts.stages.failures import let_go, record_failure
from adapterstilts.stages.reporter import Silent
from adapterstilts.stages.training.checkpoints import resumable_checkpoints


class TimeTooShortError(AstiltsError):
    """A stage gets no further in the time of a job."""


class _Printed(Silent):
    """A reporter whose notes are the job's log."""

    def note(self, message: str) -> None:
        print(message, flush=True)


def main(folder: Path, index: str) -> int:
    """Makes the stage of an array's element; returns the exit code.

    Args:
        folder: Of the array.
    """
    job: JobOrder = pickle.loads((folder / f"{index}.order").read_bytes())
    try:
        with ended_by_signals(owned=True):
            sys.argv = list(job.order.command)
            os.chdir(job.order.folder)
            if cores := os.environ.get("SLURM_CPUS_PER_TASK"):  # what a node has beyond that is not this job's
                os.environ.setdefault("OMP_NUM_THREADS", cores)
            return _make(job)
    except Terminated as ended:
        if ended.number == signal.SIGUSR1:
            return _queued_again(job, folder / f"{index}.reached", ended.exit_code)
        return ended.exit_code


def _make(job: JobOrder) -> int:
    order, policy = job.order, Policy(retries=job.retries)
    attempts = 0
    while True:
        attempts += 1
        try:
            order.make(order.spec, order.setup, _Printed(), force=order.force, on_wait=None)
            return 0
        except Exception as error:
            failure = record_failure(order.setup.store, order.spec, error, attempts=attempts, command=job.alone)
            print(f"{failure.name}: failed: {failure.error}", flush=True)
            let_go(error)
            if not policy.tries_again(error, attempts):
                return 1


def _queued_again(job: JobOrder, reached: Path, code: int) -> int:
    """Puts the job back into the queue, unless it has got no further since that was done the last time."""
    order = job.order
    work = order.setup.store.work(order.spec)
    there = [*resumable_checkpoints(work / CHECKPOINTS), *work.glob("scores/*")]
    now = "\n".join(sorted(path.name for path in there))
    try:
        if reached.is_file() and reached.read_text(encoding="utf-8") == now:
            raise TimeTooShortError(
                "The time of a job is over twice, and nothing was saved in between.", remedy="Raise --time-limit."
            )
        reached.write_text(now, encoding="utf-8")
        commands.requeue("_".join(os.environ[f"SLURM_ARRAY_{name}_ID"] for name in ("JOB", "TASK")))
    except AstiltsError as error:
        record_failure(order.setup.store, order.spec, error, attempts=1, command=job.alone)
        print(f"{work.name}: failed: {error}", flush=True)
        return 1
    print(f"{work.name}: the time of the job is over; it is queued again", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
