"""Running one stage: from its spec to a published run, resumed where an interrupted one stopped."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from adapterstilts.data.bad_rows import told_of_left_out
from adapterstilts.errors import CompatibilityError
from adapterstilts.files import write_json
from adapterstilts.runs.provenance import Stopwatch
from adapterstilts.runs.specs import StageSpec
from adapterstilts.runs.store import Run
from adapterstilts.stages.at_work import Recorded
from adapterstilts.stages.devices.leading import together
from adapterstilts.stages.ending import Terminated, unmasked
from adapterstilts.stages.failures import forget_failure
from adapterstilts.stages.making import make
from adapterstilts.stages.reporter import Reporter
from adapterstilts.stages.setup import Setup

# Marks a work folder that was begun by `force`, so that an interrupted one is resumed by it too.
_FORCED = ".forced"


def run_stage(
    spec: StageSpec,
    setup: Setup,
    reporter: Reporter,
    *,
    force: bool = False,
    on_wait: Callable[[str], None] | None = None,
) -> Run:
    """Does what `spec` describes, unless the store has it; the stages that it refers to have to be there.

    Args:
        force: Do it again even if the store has it.
        on_wait: Called with a message before another process is waited for that works on the stage; by default the
            reporter's note.

    Raises:
        CompatibilityError: The setup has another backbone than the spec, or models do not fit together.
        DataError: Data cannot be read.
        StoreError: A run that the stage starts from is not there, or the store cannot be written.
    """
    store = setup.store
    if not force and (run := store.find(spec)):
        reporter.note(f"{run.name}: already in the store")
        return run
    if spec.backbone != setup.backbone.fingerprint:
        raise CompatibilityError(
            f"{store.folder(spec).name} is a stage on another backbone than {setup.backbone.name}.",
            remedy="Give the --backbone that it was planned with.",
        )
    with unmasked(), setup.catalogue.in_use(), store.claim(spec, on_wait=on_wait or reporter.note) as work:
        if aside := store.set_aside(spec):
            reporter.note(f"{aside}; it is made again")
        if force:
            _begin_again(work)
        elif run := store.find(spec) or store.publish_complete(spec, work):
            reporter.note(f"{run.name}: made by another process in the meantime")
            return run
        forget_failure(work)
        reporter = Recorded(reporter, work)
        watch = Stopwatch()
        note = partial(_note, reporter, work.name)
        with _saying_what_is_saved(note), together(spec, setup, work) as group:
            metrics, details = make(spec, setup, work, reporter, group)
        if left_out := told_of_left_out(details["rows_left_out"]):
            note(f"left out {left_out}")
        write_json(work / "metrics.json", metrics)
        data_dir = getattr(setup.source, "root", None)
        read = {"backbone": setup.backbone.name, "data_dir": str(data_dir) if data_dir else None}
        write_json(work / "provenance.json", watch.record(**read, **details))
        (work / _FORCED).unlink(missing_ok=True)
        return store.publish(spec, work)


def _note(reporter: Reporter, name: str, message: str) -> None:
    reporter.note(f"{name}: {message}")


@contextmanager
def _saying_what_is_saved(note: Callable[[str], None]) -> Iterator[None]:
    """Tells of the step that is saved where a signal ends a training."""
    try:
        yield
    except Terminated as ended:
        if ended.step is not None:
            note(f"saved step {ended.step:,}; repeat the command to go on")
        raise


def _begin_again(work: Path) -> None:
    """Empties a work folder, unless an earlier `--force` did so and was interrupted since."""
    if not (work / _FORCED).exists():
        shutil.rmtree(work)
        work.mkdir()
        (work / _FORCED).touch()
