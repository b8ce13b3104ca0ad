"""The Python API: the commands as functions, with the same names and defaults."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapterstilts.options import TrainingOptions, TransferOptions, read_options
from adapterstilts.planning import make_plan, plan_training
from adapterstilts.results import TrainResult, TransferResult
from adapterstilts.stages import Reporter, Silent, run_training
from adapterstilts.studies.transfer import run_transfer
from adapterstilts.tasks.catalogue import recipe_for_phase


def train_intermediate(task: str, *, reporter: Reporter | None = None, **options: Any) -> TrainResult:
    """Trains an intermediate task in English, or takes the finished run from the store.

    Args:
        task: Name in the catalogue, e.g. `"squad"`.
        reporter: Shows progress; by default only the libraries' own messages appear.
        options: Fields of `options.TrainingOptions` and `specs.Settings`, e.g. `profile="mini", epochs=2`.

    Raises:
        AstiltsError: See the message; each says what to change.
    """
    recipe = recipe_for_phase(task, "intermediate")
    plan = make_plan(read_options(TrainingOptions, options))
    spec = plan_training(plan, [recipe], "train-intermediate")
    return TrainResult.of(run_training(plan, spec, (), Silent() if reporter is None else reporter))


def transfer(
    from_: str | Sequence[str], to: str | Sequence[str], *, reporter: Reporter | None = None, **options: Any
) -> TransferResult:
    """Trains target tasks in English from intermediate tasks, and scores them in every language.

    Args:
        from_: Intermediate tasks: names, `"TASK@KEY"` for one of several runs, `"all"` that have a run, or `"none"`.
        to: Target tasks.
        reporter: Shows progress; by default only the libraries' own messages appear.
        options: Fields of `options.TransferOptions` and `specs.Settings`, e.g. `profile="mini", epochs=2`.

    Returns:
        For each target a row without intermediate task (unless `baseline=False`), a row per source or, with a
        composition that takes several, for all of them, and with `select=True` the selected row and the oracle's.

    Raises:
        AstiltsError: See the message; each says what to change.
    """
    sources = [from_] if isinstance(from_, str) else list(from_)
    targets = [to] if isinstance(to, str) else list(to)
    return run_transfer(
        sources, targets, read_options(TransferOptions, options), Silent() if reporter is None else reporter
    )
