"""The engine of one process: one stage after the other, here."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field

from adapterstilts.errors import AstiltsError
from adapterstilts.stages.ending import ended_by_signals
from adapterstilts.stages.engines.agenda import weights_of
from adapterstilts.stages.engines.course import BusyError, Course, Policy, busy, is_gpu_lost
from adapterstilts.stages.graph import Graph
from adapterstilts.stages.reporter import Reporter
from adapterstilts.stages.run import run_stage
from adapterstilts.stages.setup import Setup


@dataclass(frozen=True)
class Local:
    """Runs a graph in this process.

    Attributes:
        policy: What happens when a stage fails.
    """

    policy: Policy = field(default_factory=Policy)

    def run(self, graph: Graph, setup: Setup, reporter: Reporter, *, force: bool = False) -> None:
        """See `Engine.run`."""
        course = Course(graph, setup, reporter, force=force, policy=self.policy)
        with ended_by_signals():
            self._run(course, reporter, force)
        course.finish()

    def _run(self, course: Course, reporter: Reporter, force: bool) -> None:
        loaded = None
        while course.open:
            if (stage := course.take(loaded)) is None:
                course.wait()
                continue
            loaded = weights_of(stage)
            course.began(stage)
            try:
                run_stage(stage.spec, course.setup(stage), reporter.of(stage.name), force=force, on_wait=busy)
            except BusyError as error:
                course.held(stage, str(error))
            except Exception as error:
                course.failed(stage, error)
                _check_gpu(stage.name, error)
            else:
                course.made(stage)


def _check_gpu(name: str, error: Exception) -> None:
    """Ends all where a stage has failed in a way that leaves this process without its GPU.

    Raises:
        AstiltsError: See above.
    """
    if is_gpu_lost("".join(traceback.format_exception(error))):
        raise AstiltsError(
            f"{name} failed of this, after which no other stage can use the GPU in this process: {error}",
            remedy="Repeat the command; with --jobs 2 and more, a stage that fails so ends its own process alone.",
        ) from error
