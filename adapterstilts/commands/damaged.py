"""Runs that a command needs and that are not what was published any more: they are set aside and made again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from adapterstilts.commands.table.repetitions import same_data
from adapterstilts.runs.run import Run
from adapterstilts.runs.specs import StageSpec, TrainSpec
from adapterstilts.runs.store import RunStore
from adapterstilts.stages.engines import Engine
from adapterstilts.stages.graph import Graph, Stage, Training, finished
from adapterstilts.stages.planner import Planner
from adapterstilts.stages.reporter import Reporter
from adapterstilts.stages.setup import Setup

Note = Callable[[str], None]


def set_aside_damaged(graph: Graph, setup: Setup, note: Note, *, force: bool) -> list[Run]:
    """Sets aside what is damaged of a graph's own stages, so that it is made again.

    Of runs that a missing stage starts from, all files are read; of others the small ones.

    Args:
        setup: That of stages for which the graph has none.

    Returns:
        Damaged runs that a missing stage starts from and that are not the graph's to make.
    """
    others: list[Run] = []
    read: set[str] = set()
    for stage in reversed(list(graph)):  # each after those that need it
        store = graph.setup_of(stage, setup).store
        whole = stage.key in read
        if stage.run is not None:
            if whole and stage.run.problem(whole=True):
                others.append(stage.run)
        elif force or store.find(stage.spec, whole=whole) is None:
            read |= {one.key for one in stage.needs}
            if not force:
                _set_aside(store, stage.spec, note)
    return others


def make_damaged_again(graph: Graph, planner: Planner, reporter: Reporter, engine: Engine, *, force: bool) -> None:
    """Sets aside what is damaged of what a graph needs, and makes again what is not the graph's own to make.

    Raises:
        StoreError: A damaged run cannot be made again by this command; the message says what can.
        AstiltsError: As `Engine.run`.
    """
    others = set_aside_damaged(graph, planner.setup, reporter.note, force=force)
    if not others:
        return
    again = Graph()
    for run in others:
        again.add(made_again(run, planner))
    set_aside_damaged(again, planner.setup, reporter.note, force=False)
    for stage in again.to_make():
        _set_aside(planner.setup.store, stage.spec, reporter.note)
    engine.run(again, planner.setup, reporter)


def _set_aside(store: RunStore, spec: StageSpec, note: Note) -> None:
    """Moves a damaged run away, unless another process works on the stage by now."""
    if not store.folder(spec).is_dir():
        return
    try:
        with store.claim(spec, on_wait=_leave):
            if aside := store.set_aside(spec, whole=True):
                note(f"{aside}; it is made again")
    except _BusyError:
        pass


class _BusyError(Exception):
    """Another process works on a stage."""


def _leave(message: str) -> None:
    raise _BusyError(message)


def stage_of(run: Run, planner: Planner) -> Training:
    """The stage of a run: that of a finished one, or of one that is made again because it is damaged.

    Raises:
        StoreError: It is damaged, and this command cannot make it.
    """
    return finished(run) if run.problem() is None else made_again(run, planner)


def made_again(run: Run, planner: Planner) -> Training:
    """The stage that makes a damaged run again, with those that it starts from.

    Raises:
        StoreError: This command cannot: it reads other data, or has another backbone.
    """
    if not run.known:  # what it was can be told no more
        run.check()
    spec = run.training
    mine = spec.stage != "shared" and spec.backbone == planner.setup.backbone.fingerprint
    if spec.stage == "shared" or not mine or not all(same_data(planner, task) for task in spec.tasks):
        run.verify()
    assert spec.stage != "shared"
    return Stage(spec, tuple(_needs(spec, planner)))


def _needs(spec: TrainSpec, planner: Planner) -> Iterator[Training]:
    store = planner.setup.store
    keys = [*spec.inputs, *([spec.language_adapter] if spec.language_adapter else [])]
    for key in [*keys, *(spec.budget.of if spec.budget else ())]:
        if whole := store.of_key(key):
            yield finished(whole)
        elif damaged := next((one for one in store.every() if one.known and one.key == key), None):
            yield made_again(damaged, planner)
        else:
            store.need(key)
