"""The engine of a Ray cluster: each stage is a task of it."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from adapterstilts.stages.ending import ended_by_signals, put_off, signal_waiting
from adapterstilts.stages.engines.course import Course, Policy, WorkerEndedError, missing_stages
from adapterstilts.stages.engines.orders import Make, Message, Order
from adapterstilts.stages.engines.ray_nodes import Nodes, Share, connected, open_queue
from adapterstilts.stages.engines.ray_task import make_stage_here
from adapterstilts.stages.engines.told import Told
from adapterstilts.stages.graph import Graph, Stage
from adapterstilts.stages.reporter import Reporter
from adapterstilts.stages.run import run_stage
from adapterstilts.stages.setup import Setup

_LISTEN_SECONDS = 0.5


@dataclass(frozen=True)
class RayCluster:
    """Runs a graph as tasks of Ray, the ones that most depends on first.

    Attributes:
        address: Of the cluster; None for the one that Ray finds, or one on this machine.
        jobs: How many tasks there are at a time at most; None for as many as there is room for now. More than that make
            a cluster grow that can.
        policy: What happens when a stage fails, or a worker dies.
        make: What makes a stage.
    """

    address: str | None = None
    share: Share = field(default_factory=Share)
    jobs: int | None = None
    policy: Policy = field(default_factory=Policy)
    make: Make = run_stage

    def run(self, graph: Graph, setup: Setup, reporter: Reporter, *, force: bool = False) -> None:
        """See `Engine.run`.

        Raises:
            StoreError: A node does not see the store.
            UsageError: There is no such cluster, or no room in it.
        """
        missing = missing_stages(graph, setup, force=force)
        if not missing:
            Course(graph, setup, reporter, force=force, policy=self.policy).finish()
            return
        with connected(self.address):
            nodes = Nodes(self.share.resources(setup.device))
            for root in {one.store.root for _, one in missing}:
                nodes.check_store(root.resolve())
            jobs = max(2, self.jobs or nodes.room())  # there can be more nodes later
            course = Course(graph, setup, reporter, force=force, policy=self.policy, jobs=jobs)
            with ended_by_signals(), open_queue() as queue:
                _Run(self, course, reporter, nodes, queue, force).run()
            course.finish()


class _Run:
    """One run of a graph."""

    def __init__(
        self, engine: RayCluster, course: Course, reporter: Reporter, nodes: Nodes, queue: tuple[Any, str], force: bool
    ) -> None:
        import ray

        self._engine, self._course, self._reporter, self._force = engine, course, reporter, force
        self._nodes = nodes
        self._post, self._queue = queue
        needed = dict(nodes.needed)
        self._task: Any = ray.remote(make_stage_here).options(
            num_cpus=needed.pop("CPU"),
            num_gpus=needed.pop("GPU", 0),
            memory=needed.pop("memory", None),
            max_retries=0,  # the course counts them, and says so
        )
        self._tasks: dict[Any, Stage[Any]] = {}
        self._told: dict[str, Told] = {}
        self._heard: Counter[str] = Counter()
        self._passed_on = time.monotonic()

    def run(self) -> None:
        """Makes what is missing.

        Raises:
            Terminated: A signal has come, and what was trained has been saved.
        """
        with put_off():
            try:
                while self._course.open and signal_waiting() is None:
                    self._begin()
                    if self._tasks:
                        self._listen()
                    else:
                        self._course.wait()
            except Exception:
                self._let_save()
                raise
            self._let_save()

    def _begin(self) -> None:
        room = self._engine.jobs or self._nodes.room()
        while len(self._tasks) < room and (stage := self._course.take()) is not None:
            order = Order.of_this_process(
                stage.spec, self._course.setup(stage), force=self._force, make=self._engine.make
            )
            self._course.began(stage)
            self._told[stage.key], self._heard[stage.key] = Told(self._reporter.of(stage.name)), 0
            self._tasks[self._task.remote(order, stage.key, self._queue)] = stage

    def _listen(self) -> None:
        """Passes on what is told, and takes what has ended."""
        import ray

        if not ray.wait(list(self._tasks), timeout=_LISTEN_SECONDS, fetch_local=False)[0]:
            self._pass_on()
            return
        ended, _ = ray.wait(list(self._tasks), num_returns=len(self._tasks), timeout=0, fetch_local=False)
        if time.monotonic() - self._passed_on > _LISTEN_SECONDS:
            self._pass_on()
        for task in ended:
            self._end(self._tasks.pop(task), task)

    def _end(self, stage: Stage[Any], task: Any) -> None:
        import ray
        from ray.exceptions import RayError, RayTaskError

        message: Message
        try:
            message, sent = ray.get(task)
            if self._heard[stage.key] < sent:
                self._pass_on()
        except RayTaskError as error:  # what is not of the stage, such as a package that a node lacks
            self._course.failed(stage, error.cause or error, text=str(error))
            return
        except RayError as error:
            what = str(error).strip().partition("\n")[0]
            remedy = "Repeat the command, which goes on from the last checkpoint."
            self._course.failed(
                stage, WorkerEndedError(f"Its worker has ended: {what}", remedy=remedy), text=str(error)
            )
            return
        match message.sort:
            case "made":
                self._course.made(stage)
            case "busy":
                self._course.held(stage, *message.values)
            case _:
                said, text = message.values
                self._course.failed(stage, said, text=text)

    def _pass_on(self) -> None:
        self._passed_on = time.monotonic()
        if waiting := self._post.qsize():
            for key, message in self._post.get_nowait_batch(waiting):
                self._heard[key] += 1
                self._told[key].tell(message)

    def _let_save(self) -> None:
        """Ends tasks, each once a training has saved its last step, and hears what they say of it."""
        import ray

        for task in self._tasks:
            ray.cancel(task)
        while self._tasks:
            ended, _ = ray.wait(list(self._tasks), timeout=_LISTEN_SECONDS, fetch_local=False)
            self._pass_on()
            for task in ended:
                del self._tasks[task]
