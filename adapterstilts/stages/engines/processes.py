"""The engine of several processes on this machine, each of which makes one stage after the other."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from adapterstilts.stages.engines.course import Course, Policy
from adapterstilts.stages.engines.ending import ended_by_signals
from adapterstilts.stages.engines.machine import environments, fitting_jobs
from adapterstilts.stages.engines.team import Team, Worker, WorkerEndedError
from adapterstilts.stages.engines.worker import Message, Order
from adapterstilts.stages.graph import Graph
from adapterstilts.stages.reporter import Reporter
from adapterstilts.stages.setup import Setup

# How long workers are listened to before it is looked whether another process has let a stage go.
_LISTEN_SECONDS = 0.5


@dataclass(frozen=True)
class Processes:
    """Runs a graph in worker processes.

    What a stage gives is what one process gives, to the last bit where it computes with as many threads.

    Attributes:
        jobs: How many there are at most; as many as stages that fit into memory together.
        policy: What happens when a stage fails. The end of a worker is a failure of the stage that it made.
    """

    jobs: int
    policy: Policy = field(default_factory=Policy)

    def run(self, graph: Graph, setup: Setup, reporter: Reporter, *, force: bool = False) -> None:
        """See `Engine.run`."""
        missing = [(stage, graph.setup_of(stage, setup)) for stage in graph.to_make()]
        if not force:
            missing = [(stage, own) for stage, own in missing if not own.store.folder(stage.spec).is_dir()]
        jobs, why = fitting_jobs(self.jobs, missing)
        if why:
            reporter.note(why)
        course = Course(graph, setup, reporter, force=force, policy=self.policy, jobs=jobs)
        if course.open:
            with ended_by_signals(), Team(environments(jobs, setup.device)) as team:
                _Run(course, team, reporter, force).run()
        course.finish()


class _Run:
    """One run of a graph: who makes what, and what they say of it."""

    def __init__(self, course: Course, team: Team, reporter: Reporter, force: bool) -> None:
        self._course, self._team, self._reporter, self._force = course, team, reporter, force
        self._told: dict[str, _Told] = {}

    def run(self) -> None:
        while self._course.open:
            self._begin()
            if self._team.busy:
                for worker in self._team.heard(_LISTEN_SECONDS):
                    self._hear(worker)
            else:
                self._course.wait()

    def _begin(self) -> None:
        for worker in self._team.idle():
            stage = self._course.take(worker.loaded)
            if stage is None:
                return
            self._course.began(stage)
            self._told[stage.key] = _Told(self._reporter.of(stage.name))
            worker.begin(stage, Order(stage.spec, self._course.setup(stage), self._force, tuple(sys.argv)))

    def _hear(self, worker: Worker) -> None:
        stage = worker.stage
        assert stage is not None
        try:
            message = worker.hear()
        except WorkerEndedError as error:
            text = f"{error}\n{worker.said()}"
            self._team.replace(worker)
            self._course.failed(stage, error, text=text)
            return
        match message.sort:
            case "made":
                worker.stage = None
                self._course.made(stage)
            case "busy":
                worker.stage = None
                self._course.held(stage, *message.values)
            case "failed":
                worker.stage = None
                said, text = message.values
                self._course.failed(stage, said, text=text)
            case _:
                self._told[stage.key].tell(message)


class _Told:
    """A stage's reporter, told what a worker says."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._batches: Iterator[Any] = iter(())
        self._shown = ("", 0)
        self._done = 0

    def tell(self, message: Message) -> None:
        """Passes a message on."""
        if message.sort == "note":
            self._reporter.note(*message.values)
        elif message.sort == "trained":
            self._reporter.trained(*message.values)
        else:
            self._track(*message.values)

    def _track(self, label: str, total: int, done: int) -> None:
        """Takes as many from an iterable that the reporter tracks as the worker has done batches."""
        if not done or (label, total) != self._shown:
            self._batches = iter(self._reporter.track(range(total), total, label))
            self._shown, self._done = (label, total), 0
        # The one that it works on is taken too, and what comes after the last one ends it.
        while self._done <= done:
            next(self._batches, None)
            self._done += 1
