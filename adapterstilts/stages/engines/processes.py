"""The engine of several processes on this machine, each of which makes one stage after the other."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

from adapterstilts.stages.ending import ended_by_signals, put_off, signal_waiting
from adapterstilts.stages.engines.course import Course, Policy, WorkerEndedError, is_gpu_lost, missing_stages
from adapterstilts.stages.engines.machine import environments, fitting_jobs
from adapterstilts.stages.engines.orders import Make, Message, Order
from adapterstilts.stages.engines.team import Team, Worker
from adapterstilts.stages.engines.told import Told
from adapterstilts.stages.graph import Graph
from adapterstilts.stages.reporter import Reporter
from adapterstilts.stages.run import run_stage
from adapterstilts.stages.setup import Setup

# How long workers are listened to before it is looked whether another process has let a stage go, or a signal has come.
_LISTEN_SECONDS = 0.5


@dataclass(frozen=True)
class Processes:
    """Runs a graph in worker processes.

    What a stage gives is what one process gives, to the last bit where it computes with as many threads.

    Attributes:
        jobs: How many there are at most; as many as stages that fit into memory together.
        policy: What happens when a stage fails. The end of a worker is a failure of the stage that it made.
        make: What makes a stage.
    """

    jobs: int
    policy: Policy = field(default_factory=Policy)
    make: Make = run_stage

    def run(self, graph: Graph, setup: Setup, reporter: Reporter, *, force: bool = False) -> None:
        """See `Engine.run`."""
        jobs, why = fitting_jobs(self.jobs, missing_stages(graph, setup, force=force))
        if why:
            reporter.note(why)
        course = Course(graph, setup, reporter, force=force, policy=self.policy, jobs=jobs)
        if course.open:
            with ended_by_signals(), Team(environments(jobs, setup.device)) as team:
                _Run(course, team, reporter, force, self.make).run()
        course.finish()


class _Run:
    """One run of a graph: who makes what, and what they say of it."""

    def __init__(self, course: Course, team: Team, reporter: Reporter, force: bool, make: Make) -> None:
        self._course, self._team, self._reporter, self._force, self._make = course, team, reporter, force, make
        self._told: dict[str, Told] = {}

    def run(self) -> None:
        """Makes what is missing.

        Raises:
            Terminated: A signal has come, and what was trained has been saved.
        """
        with put_off():
            try:
                while self._course.open and signal_waiting() is None:
                    self._begin()
                    if self._team.busy:
                        self._listen()
                    else:
                        self._course.wait()
            except Exception:  # it ends all, and what the others have done is kept
                self._let_save()
                raise
            self._let_save()

    def _begin(self) -> None:
        for worker in self._team.idle():
            stage = self._course.take(worker.loaded)
            if stage is None:
                return
            self._course.began(stage)
            self._told[stage.key] = Told(self._reporter.of(stage.name))
            setup = self._course.setup(stage)
            worker.begin(stage, Order.of_this_process(stage.spec, setup, force=self._force, make=self._make))

    def _listen(self) -> None:
        for worker in self._team.heard(_LISTEN_SECONDS):
            try:
                self._hear(worker, worker.hear())
            except WorkerEndedError as error:
                stage, text = worker.stage, f"{error}\n{worker.said()}"
                assert stage is not None
                self._team.replace(worker)
                self._course.failed(stage, error, text=text)

    def _hear(self, worker: Worker, message: Message) -> None:
        stage = worker.stage
        assert stage is not None
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
                if is_gpu_lost(text):
                    self._team.replace(worker)
                self._course.failed(stage, said, text=text)
            case _:
                self._told[stage.key].tell(message)

    def _let_save(self) -> None:
        """Lets those that still train save their last step, and hears what they say of it."""
        self._team.ask_to_save()
        while self._team.busy:
            for worker in self._team.heard(_LISTEN_SECONDS):
                # One that fails now ends all as well, which are ending; the others are still to save their steps.
                with suppress(Exception):
                    try:
                        self._hear(worker, worker.hear())
                    except WorkerEndedError:
                        worker.stage = None
