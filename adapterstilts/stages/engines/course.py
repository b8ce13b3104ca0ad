"""How far a graph is: what both engines keep of it while its stages are made."""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from adapterstilts.errors import (
    AstiltsError,
    CompatibilityError,
    DataError,
    GraphError,
    ProcessLostError,
    StoreError,
    UsageError,
)
from adapterstilts.runs.store import DiskFullError
from adapterstilts.stages.engines.agenda import Agenda, Weights
from adapterstilts.stages.failures import Failure, StagesFailedError, command_alone, let_go, record_failure
from adapterstilts.stages.graph import Graph, Stage
from adapterstilts.stages.reporter import Change, Happened, Reporter, Totals
from adapterstilts.stages.setup import Setup

# Errors after which no other stage could be made either.
_OF_ALL = (DiskFullError, GraphError, ProcessLostError)
# What torch says of an error after which its process can use the GPU for nothing else; not of memory that ran out.
_GPU_LOST = re.compile(r"CUDA error(?!: out of memory)")
# So many stages that are in the store are named one by one.
_NAMED = 20
_WAIT_SECONDS = 0.2


@dataclass(frozen=True)
class Policy:
    """What happens when a stage fails.

    Attributes:
        fail_fast: Whether nothing else is begun then, and not only what needs that stage.
        retries: How often a stage is tried again whose error is not one of the user's: of a name, of data, or of what
            does not fit together.
        deaths: How often at least one is tried again because whoever made it has died.
    """

    fail_fast: bool = False
    retries: int = 0
    deaths: int = 0

    def tries_again(self, error: BaseException, attempts: int) -> bool:
        """Whether a stage is made again after so many attempts, of which the last one ended with an error."""
        match error:
            case UsageError() | DataError() | CompatibilityError() | DiskFullError() | ProcessLostError():
                return False
            case WorkerEndedError():
                return attempts <= max(self.retries, self.deaths)
        return attempts <= self.retries


class WorkerEndedError(AstiltsError):
    """Whoever made a stage has ended before the stage did."""


def is_gpu_lost(text: str) -> bool:
    """Whether an error leaves its process without the GPU.

    Args:
        text: The error with all that led to it.
    """
    return _GPU_LOST.search(text) is not None


def missing_stages(graph: Graph, setup: Setup, *, force: bool) -> list[tuple[Stage[Any], Setup]]:
    """The stages that are to be made, each with its setup: no store has them, or what there is is damaged.

    Args:
        setup: That of stages for which the graph has none.
        force: Whether those are made again that the store has.
    """
    own = [(stage, graph.setup_of(stage, setup)) for stage in graph.to_make()]
    return [(stage, one) for stage, one in own if force or not is_stored(stage, one)]


def is_stored(stage: Stage[Any], setup: Setup) -> bool:
    """Whether a store has the run of a stage; a damaged one is the stage's own failure.

    Args:
        setup: That of the stage.
    """
    try:
        return setup.store.find(stage.spec) is not None
    except StoreError:
        return False


class BusyError(Exception):
    """Another process works on a stage, which need not be waited for yet."""


def busy(message: str) -> None:
    """What `run_stage` calls then."""
    raise BusyError(message)


class Course:
    """The stages of a graph that are still to be made, and what became of the others.

    Args:
        setup: That of stages for which the graph has none.
        force: Whether those are made again that the store has.
        jobs: How many are made at a time.
    """

    def __init__(
        self, graph: Graph, setup: Setup, reporter: Reporter, *, force: bool, policy: Policy, jobs: int = 1
    ) -> None:
        self._graph, self._setup, self._reporter, self._policy, self._jobs = graph, setup, reporter, policy, jobs
        own = graph.to_make()
        found = [] if force else [stage for stage in own if is_stored(stage, self.setup(stage))]
        there = {stage.key for stage in found}
        self._count, self._found = len(own) - len(found), len(found)
        self._agenda = Agenda([stage for stage in own if stage.key not in there], critical_path=jobs > 1)
        self._held: dict[str, tuple[Stage[Any], str]] = {}
        self._begun: dict[str, float] = {}
        self._attempts: Counter[str] = Counter()
        self._failures: list[tuple[Failure, BaseException]] = []
        self._dropped: dict[str, str] = {}
        self._done = 0
        self._announced: set[str] = set()
        self._say_found(found)
        self._tell("planned")

    def setup(self, stage: Stage[Any]) -> Setup:
        """What a stage is made with."""
        return self._graph.setup_of(stage, self._setup)

    def take(self, loaded: Weights | None = None) -> Stage[Any] | None:
        """A stage that can begin now; those that another process worked on come last.

        Args:
            loaded: The weights that whoever will make it has loaded; see `Agenda.take`.
        """
        if (stage := self._agenda.take(loaded)) is not None:
            return stage
        for key, (stage, _) in self._held.items():
            if not self.setup(stage).store.claimed(stage.spec):
                del self._held[key]
                return stage
        return None

    @property
    def open(self) -> bool:
        """Whether stages are left that have not failed or been dropped."""
        return self._done + len(self._failures) + len(self._dropped) < self._count

    def began(self, stage: Stage[Any]) -> None:
        """A stage has been given to whoever makes it."""
        self._begun[stage.key] = time.monotonic()
        self._tell("started", stage)

    def held(self, stage: Stage[Any], message: str) -> None:
        """Another process works on a stage that has begun here: it is looked at again when nothing else can begin."""
        del self._begun[stage.key]
        self._held[stage.key] = (stage, message)
        self._tell("waiting", stage)

    def wait(self) -> None:
        """Waits a moment for other processes, having said so once of each stage."""
        for stage, message in self._held.values():
            if stage.key not in self._announced:
                self._announced.add(stage.key)
                self._reporter.note(message)
        time.sleep(_WAIT_SECONDS)

    def made(self, stage: Stage[Any]) -> None:
        """A stage is in the store."""
        seconds = time.monotonic() - self._begun.pop(stage.key)
        self._done += 1
        self._agenda.made(stage)
        self._tell("finished", stage, seconds=seconds)

    def failed(
        self, stage: Stage[Any], error: BaseException, *, text: str = "", recorded: Failure | None = None
    ) -> None:
        """A stage has failed: it is tried again, or those that need it are dropped.

        Args:
            text: The traceback, where it is not that of `error`.
            recorded: What is kept of it, where whoever made it has recorded that.

        Raises:
            BaseException: It is the error, and ends everything.
        """
        self._begun.pop(stage.key, None)
        self._attempts[stage.key] += 1
        attempts = self._attempts[stage.key]
        failure = recorded or record_failure(
            self.setup(stage).store,
            stage.spec,
            error,
            attempts=attempts,
            command=self.command_alone(stage),
            text=text,
        )
        let_go(error)
        if self._policy.tries_again(error, attempts):
            if isinstance(error, WorkerEndedError) and self._policy.deaths:
                self._agenda.give_back(stage)
            else:
                self._agenda.put_back(stage)
            self._tell("retried", stage, failure=failure)
            return
        self._failures.append((failure, error))
        self._tell("failed", stage, failure=failure)
        for one in self._agenda.dependents(stage):
            if one.key not in self._dropped:
                self._dropped[one.key] = one.name
                self._tell("dropped", one, failure=failure)
        if isinstance(error, _OF_ALL) or self._policy.fail_fast:
            raise error

    def command_alone(self, stage: Stage[Any]) -> str | None:
        """The command line that makes a stage alone, where one makes it."""
        return command_alone(stage.key, single=self._count + self._found == 1)

    def finish(self) -> None:
        """Says that the graph is done.

        Raises:
            AstiltsError: The error of the stage that failed, or `StagesFailedError` of several.
        """
        self._tell("ended")
        if len(self._failures) == 1:
            raise self._failures[0][1]
        if self._failures:
            raise StagesFailedError([failure for failure, _ in self._failures], list(self._dropped.values()))

    def _say_found(self, found: list[Stage[Any]]) -> None:
        if len(found) > _NAMED:
            self._reporter.note(f"{len(found):,} of {self._count + self._found:,} stages are already in the store")
            return
        for stage in found:
            self._reporter.note(f"{stage.name}: already in the store")

    def _tell(
        self,
        happened: Happened,
        stage: Stage[Any] | None = None,
        *,
        seconds: float | None = None,
        failure: Failure | None = None,
    ) -> None:
        totals = Totals(
            stages=self._count,
            done=self._done,
            failed=len(self._failures),
            dropped=len(self._dropped),
            running=len(self._begun),
            jobs=self._jobs,
            found=self._found,
        )
        self._reporter.changed(
            Change(
                happened,
                totals,
                stage=stage.name if stage else "",
                seconds=None if seconds is None else round(seconds, 2),
                error=failure.error if failure else "",
                log=str(failure.log or "") if failure else "",
                command=(failure.command or "") if failure else "",
            )
        )
