"""The engine of a Slurm cluster: stages are jobs, which need nobody who waits for them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from filelock import FileLock

from adapterstilts.files import look_anew
from adapterstilts.runs.store import CHECKPOINTS
from adapterstilts.stages.at_work import at_work
from adapterstilts.stages.ending import ended_by_signals
from adapterstilts.stages.engines.agenda import longest_behind
from adapterstilts.stages.engines.course import Course, Policy, WorkerEndedError, is_stored, missing_stages
from adapterstilts.stages.engines.orders import Make, Message, Order
from adapterstilts.stages.engines.slurm import commands
from adapterstilts.stages.engines.slurm.arrays import Stages, arrays
from adapterstilts.stages.engines.slurm.submission import FOLDER, JobOrder, Resources, Submissions
from adapterstilts.stages.engines.told import Told
from adapterstilts.stages.failures import RecordedError, forget_failure, recorded_failure
from adapterstilts.stages.graph import Graph, Stage
from adapterstilts.stages.reporter import Reporter
from adapterstilts.stages.run import run_stage
from adapterstilts.stages.setup import Setup

# The queue is looked at so often, in seconds: at first, and after a while.
_SOON, _LATER = 2.0, 15.0
# So often a job can be absent from the queue before its result has to be there: file systems tell it late.
_ABSENT = 3
# So often Slurm may not answer, one time after the other.
_SILENT = 20
_TOLD_LINES = 30


@dataclass(frozen=True)
class Slurm:
    """Runs a graph as arrays of jobs, each of which waits for the jobs of what it needs.

    Jobs that are in the queue, from an earlier command, are not submitted again.

    Attributes:
        policy: What happens when a stage fails; it is tried again within its job.
        make: What makes a stage.
    """

    resources: Resources = field(default_factory=Resources)
    policy: Policy = field(default_factory=Policy)
    make: Make = run_stage

    def run(self, graph: Graph, setup: Setup, reporter: Reporter, *, force: bool = False) -> None:
        """See `Engine.run`. A signal ends this process, and leaves the jobs in the queue.

        Raises:
            SlurmError: Slurm refuses a job, or does not answer any more.
        """
        missing = [stage for stage, _ in missing_stages(graph, setup, force=force)]
        policy = Policy(fail_fast=self.policy.fail_fast)
        jobs = self.resources.at_a_time or max(2, len(missing))
        course = Course(graph, setup, reporter, force=force, policy=policy, jobs=jobs)
        if course.open:
            with ended_by_signals():
                _Run(self, course, reporter, Submissions(setup.store.root, self.resources), force).run(missing)
        course.finish()


@dataclass
class _Watched:
    """A stage that can be made by now.

    Attributes:
        job: Its job.
        running: Whether that has been seen to run.
        absent: How often it has been looked for in vain in the queue.
    """

    stage: Stage[Any]
    job: str
    told: Told
    running: bool = False
    absent: int = 0


class _Run:
    """One run of a graph: what is submitted, and what becomes of it."""

    def __init__(
        self, engine: Slurm, course: Course, reporter: Reporter, submissions: Submissions, force: bool
    ) -> None:
        self._engine, self._course, self._reporter, self._force = engine, course, reporter, force
        self._submissions = submissions
        self._jobs: dict[str, str] = {}
        self._watched: list[_Watched] = []
        self._silent = 0

    def run(self, missing: Stages) -> None:
        """Submits what is not in the queue, and watches all of it."""
        begun = time.monotonic()
        try:
            self._submit(missing)
            while self._course.open:
                while (stage := self._course.take()) is not None:
                    self._watched.append(_Watched(stage, self._jobs[stage.key], Told(self._reporter.of(stage.name))))
                if (queued := self._queued()) is not None:
                    self._watched = [one for one in self._watched if not self._look(one, queued)]
                if self._course.open:
                    time.sleep(min(_LATER, _SOON + (time.monotonic() - begun) / 20))
        except KeyboardInterrupt:
            if left := sorted({job.partition("_")[0] for job in self._jobs.values()}, key=int):
                self._reporter.note(
                    f"The jobs stay in the queue: the same command watches them again, and `scancel {' '.join(left)}` "
                    "ends them."
                )
            raise

    def _submit(self, missing: Stages) -> None:
        root = self._submissions.root
        (root / FOLDER).mkdir(parents=True, exist_ok=True)
        urgency = longest_behind(missing)
        with FileLock(root / FOLDER / "submitting.lock"):
            queued = self._submissions.queued()
            self._submissions.clear(queued)
            self._jobs = {stage.key: queued[stage.key].job for stage in missing if stage.key in queued}
            if self._jobs:
                self._reporter.note(f"{len(self._jobs):,} of {len(missing):,} stages are in the queue of Slurm already")
            rest = [stage for stage in missing if stage.key not in queued]
            rest.sort(key=lambda stage: -urgency[stage.key])
            submitted: list[str] = []
            try:
                for array in arrays(rest, self._jobs, most=commands.largest_array() - 1):
                    orders = {index: self._order(stage) for index, stage in array.stages.items()}
                    jobs = self._submissions.submit(array, self._jobs, orders)
                    submitted.append(next(iter(jobs.values())).partition("_")[0])
                    self._jobs |= jobs
            except commands.SlurmError:
                commands.cancel(submitted)
                raise
        if submitted:
            several = "s" if len(submitted) > 1 else ""
            shown = ", ".join(submitted) if len(submitted) <= 10 else f"{submitted[0]} to {submitted[-1]}"
            self._reporter.note(f"{len(rest):,} stages submitted to Slurm as array{several} {shown}")

    def _order(self, stage: Stage[Any]) -> JobOrder:
        setup = self._course.setup(stage)
        forget_failure(setup.store.work(stage.spec))
        order = Order.of_this_process(stage.spec, setup, force=self._force, make=self._engine.make)
        return JobOrder(order, self._engine.policy.retries, self._course.command_alone(stage))

    def _queued(self) -> Mapping[str, commands.Queued] | None:
        """What is in the queue; None where Slurm does not answer for a while."""
        try:
            found = self._submissions.queued()
        except commands.SlurmError as error:
            self._silent += 1
            if self._silent == 1:
                self._reporter.note(str(error))
            if self._silent >= _SILENT:
                raise
            return None
        self._silent = 0
        return found

    def _look(self, one: _Watched, queued: Mapping[str, commands.Queued]) -> bool:
        """Looks how far a stage is; whether that is its end."""
        stage, setup = one.stage, self._course.setup(one.stage)
        job = queued.get(stage.key)
        if job is None:  # what it did, it did on another machine
            look_anew(setup.store.root)
        there = setup.store.folder(stage.spec).is_dir()
        if self._force:  # then it is the new one once nobody works on that
            there = there and job is None and not setup.store.work(stage.spec).is_dir()
        if there:
            self._begin(one)
            self._course.made(stage)
            return True
        if job is None:
            one.absent += 1
            if one.absent >= _ABSENT:
                self._end(one)
            return one.absent >= _ABSENT
        one.absent = 0
        if job.state == "RUNNING":
            self._begin(one)
            self._progress(one)
        elif job.state == "PENDING" and one.running:
            one.running = False
            self._reporter.note(f"{stage.name}: its job was queued again, and goes on from the last checkpoint")
        return False

    def _begin(self, one: _Watched) -> None:
        if not one.running:
            one.running = True
            self._course.began(one.stage)

    def _progress(self, one: _Watched) -> None:
        """Tells what the stage's own record says."""
        stage = one.stage
        found = at_work(self._course.setup(stage).store.work(stage.spec))
        if found is None or not found.total:
            return
        if found.doing:
            one.told.tell(Message("batch", (found.doing, found.total, found.done)))
            return
        known = {"loss": found.loss, "eval_score": found.validation}
        logged = {name: value for name, value in known.items() if value is not None}
        one.told.tell(Message("trained", (stage.name, found.done, found.total, logged)))

    def _end(self, one: _Watched) -> None:
        """Says what became of a stage whose job is gone and whose run is not in the store."""
        stage, setup = one.stage, self._course.setup(one.stage)
        self._begin(one)
        if not self._force and is_stored(stage, setup):  # its job has found it in a store to read
            self._course.made(stage)
            return
        work = setup.store.work(stage.spec)
        for folder in (work.parent, work, work / CHECKPOINTS):
            look_anew(folder)
        failure = recorded_failure(work)
        try:
            if failure is not None:
                self._course.failed(stage, RecordedError(failure), recorded=failure)
                return
            log = self._submissions.log(stage.key)
            said = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TOLD_LINES:] if log else []
            how = commands.ended_how(one.job)
            error = WorkerEndedError(
                f"Slurm's job {one.job} has ended without a result{f' ({how})' if how else ''}.",
                remedy=f"See {log}." if log else "Are the store and Python on a file system that the nodes have, too?",
            )
            self._course.failed(stage, error, text="\n".join([str(error), *said]))
        except Exception:  # nothing else is to be begun
            commands.cancel(sorted({job.partition("_")[0] for job in self._jobs.values()}))
            raise
