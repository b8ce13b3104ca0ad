"""Intermediate runs with further seeds: what is repeated, and whether it can be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from adapterstilts.data.translation.reading import from_english
from adapterstilts.errors import DataError, UsageError
from adapterstilts.runs.specs import TaskSpec, TrainSpec, key
from adapterstilts.runs.store import Run
from adapterstilts.stages.graph import Stage, Training, finished, made_by
from adapterstilts.stages.planner import Planner


@dataclass(frozen=True)
class Seeds:
    """How many seeds each phase has.

    Attributes:
        target: Each makes a model of its own of every row.
        intermediate: As many, so that each of these models has an intermediate run of its own, or 1 for all of them.
    """

    target: int
    intermediate: int


ONCE = Seeds(1, 1)


def repetition(stage: Training, number: int) -> Training:
    """The stage with a seed that is larger by `number`, and all else as it is; with 0 it is the stage itself."""
    return stage if number == 0 else Stage(_later(made_by(stage), number), stage.needs)


def originals(runs: Sequence[Run], *, beside: Iterable[Run] = ()) -> list[Run]:
    """Those of some runs that are no repetition of another, or of one `beside`: the first of seeds in a row."""
    keys = {key(made_by(finished(run))) for run in (*runs, *beside)}
    return [run for run in runs if key(_later(made_by(finished(run)), -1)) not in keys]


def _later(spec: TrainSpec, number: int) -> TrainSpec:
    seed = spec.seed + number
    first = None if spec.first_weights == seed else spec.first_weights
    return spec.model_copy(update={"seed": seed, "first_weights": first})


def check_repeatable(planner: Planner, stages: Sequence[Training], seeds: int) -> None:
    """Refuses intermediate runs that have to be trained with further seeds, and whose training data are not there.

    Raises:
        UsageError: See above.
    """
    for stage in stages:
        later = [_later(made_by(stage), number) for number in range(1, seeds)]
        missing = [str(spec.seed) for spec in later if not planner.setup.store.find(spec)]
        if missing and (changed := next((one.name for one in stage.spec.tasks if not same_data(planner, one)), None)):
            raise UsageError(
                f"{stage.spec.task}@{stage.key[:12]} has to be trained with seed {' and '.join(missing)} too, and the "
                f"data of {changed} are not those that it was trained on.",
                remedy="Use the --profile and --data-dir that it was trained with, train it with each --seed yourself, "
                "or give --intermediate-seeds 1 for this run alone.",
            )


def same_data(planner: Planner, task: TaskSpec) -> bool:
    """Whether what the planner reads for a task is what a run was trained on."""
    data, recipe = task.data, planner.setup.catalogue.recipe(task.name)
    if data.source != planner.setup.source.of(recipe).name or not same_rows(planner, task):
        return False
    if not data.translations:
        return True
    try:
        return from_english(planner.setup.translations, recipe, "train", data.languages) == data.translations
    except (DataError, UsageError):  # there are none
        return False


def same_rows(planner: Planner, task: TaskSpec, *, splits: Sequence[str] = ("train", "validation")) -> bool:
    """Likewise, translations aside, of these splits."""
    rows, recipe = planner.setup.source, planner.setup.catalogue.recipe(task.name)
    return all(
        not rows.missing(recipe, split, language) and rows.fingerprint(recipe, split, language) == fingerprint
        for split, languages in task.data.fingerprints.items()
        if split in splits
        for language, fingerprint in languages.items()
    )
