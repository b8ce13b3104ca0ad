"""From a target phase in English to the spec of a stage that goes on with labelled rows of another language.

The order of it is that of Lauscher et al. 2020. Steps are fixed and the last checkpoint is taken, as in the scripts of
Schmidt et al. 2022, so that no label of the language decides anything but the weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.shots import are_english_rows, digest, draw_shots, rows_to_draw_from
from adapterstilts.errors import DataError, UsageError
from adapterstilts.languages import LANGUAGES
from adapterstilts.modeling.methods import METHODS
from adapterstilts.runs.memory import Memory
from adapterstilts.runs.shots import FEW_SHOT, FILE, Shots
from adapterstilts.runs.specs import Choice, TaskSpec
from adapterstilts.runs.training_data import TrainingData
from adapterstilts.settings import Optimisation, validate
from adapterstilts.stages.graph import Stage, Training, made_by
from adapterstilts.stages.planner import Planner
from adapterstilts.stages.training_spec import check_points, trained_kind
from adapterstilts.tasks.recipe import Recipe

if TYPE_CHECKING:
    from datasets import Dataset

EPOCHS = 50
"""Passes over the rows: those of Schmidt et al. 2022 (`configs/experiment/*_shots.yaml` of their code)."""

# What only says how a checkpoint is selected, or how long another phase was.
_UNUSED = ("max_steps", "warmup_steps", "eval_steps", "patience", "max_validation_examples")


@dataclass(frozen=True)
class ShotPool:
    """What rows of one language are drawn from, for one target.

    Attributes:
        split: Where they are: `train`, `validation`, or `file`.
        scored: The split that is scored.
    """

    planner: Planner
    task: Recipe
    language: str
    split: Literal["train", "validation", "file"]
    scored: str

    @classmethod
    def of(cls, planner: Planner, task: Recipe, language: str, *, scored: str) -> ShotPool:
        """The user's file of the language, or else the task's own training or validation rows in it.

        Raises:
            UsageError: There are none but those that are scored.
        """
        if language in planner.setup.shot_files:
            return cls(planner, task, language, "file", scored)
        splits: tuple[Literal["train", "validation"], ...] = ("train", "validation")
        source = planner.setup.source
        for split in splits:
            if split != scored and not source.missing(task, split, language):
                found = cls(planner, task, language, split, scored)
                if not found.english:
                    return found
        raise UsageError(
            f"{task.name} has no labelled {LANGUAGES[language]} rows in the {source.of(task).name} source beside those "
            f"of its {scored} split, which are scored.",
            remedy=f"Give a file of others with --train-more {language}=FILE.",
        )

    @property
    def fingerprint(self) -> str:
        """Identity of the rows, those among them that cannot be drawn included."""
        if self.split == FILE:
            return self.planner.setup.shot_files[self.language].fingerprint
        return self.planner.setup.source.fingerprint(self.task, self.split, self.language)

    @property
    def english(self) -> bool:
        """Whether these rows are in English alone, whatever language they are asked for in."""
        setup, skip = self.planner.setup, self.planner.skip_bad_rows
        return bool(
            self._recall(
                "english",
                find=lambda: are_english_rows(setup.source, self.task, self.split, self.language, skip=skip),
            )
        )

    @property
    def where(self) -> str:
        """Where the rows are, in words."""
        if self.split == FILE:
            return str(self.planner.setup.shot_files[self.language].path)
        return f"the {self.split} split of {self.task.name}"

    def draw(self, count: int | None, number: int) -> Shots:
        """The rows of one draw.

        Args:
            count: None for all that there are.
            number: From 1; where all are taken there is only the first.

        Raises:
            DataError: There are not so many.
        """
        of, left_out = self._recall("of", find=lambda: [len(self._rows[0]), self._rows[1]])
        if count is not None and count > of:
            apart = f"; {left_out:,} more share a text with rows that are scored" if left_out else ""
            raise DataError(
                f"--shots {self.language}={count}: {self.where} has {of:,} labelled {LANGUAGES[self.language]} rows to "
                f"draw from{apart}.",
                remedy=f"Give at most {of:,}."
                if of
                else f"Give a file of others with --train-more {self.language}=FILE.",
            )
        count = of if count is None else count
        number = 1 if count == of else number
        drawn = self._recall("rows", str(count), str(number), find=lambda: digest(self._drawn(count, number)))
        return Shots(
            language=self.language,
            count=count,
            of=of,
            draw=number,
            split=self.split,
            apart_from={self.scored: self._scored},
            left_out=left_out,
            digest=drawn,
        )

    @property
    def _scored(self) -> str:
        return self.planner.setup.source.fingerprint(self.task, self.scored, self.language)

    def _drawn(self, count: int, number: int) -> Dataset:
        return draw_shots(self._rows[0], count, number)

    @cached_property
    def _rows(self) -> tuple[Dataset, int]:
        setup = self.planner.setup
        rows, left_out = rows_to_draw_from(
            setup.source,
            self.task,
            self.split,
            self.language,
            BadRows(skip=self.planner.skip_bad_rows),
            apart_from=(self.scored,),
            file=setup.shot_files.get(self.language),
        )
        if left_out and self.split == FILE:
            raise DataError(
                f"{left_out:,} of the {left_out + len(rows):,} rows of {self.where} share a text with rows of the "
                f"{self.scored} split, which is scored.",
                remedy="Leave them out of the file.",
            )
        return rows, left_out

    def _recall(self, *what: str, find: Any) -> Any:
        """What reading the rows tells, which is not done again by a command that the store answers."""
        options = str(sorted(self.task.options.items()))
        told = (self.task.kind, options, self.language, self.fingerprint, self._scored, str(self.planner.skip_bad_rows))
        return Memory.of_user().recall("shots", *told, *what, find=find)


def plan_few_shots(
    planner: Planner, task: Recipe, model: Training, shots: Shots, *, fingerprint: str, settings: Mapping[str, Any]
) -> Training:
    """Plans to go on from the last stage of a target phase with labelled rows of another language.

    Everything that the stage trained last is trained further, with its head; method, seed, and settings but for their
    number of epochs stay what they were.

    Args:
        model: That stage.
        fingerprint: Of the rows that `shots` are drawn from.
        settings: Hyperparameters that were given by hand for this stage.

    Raises:
        UsageError: A setting is unknown or out of range, or checkpoints are to be averaged and there is one.
    """
    made = made_by(model)
    chosen = _settings(planner, made.settings, METHODS.get(made.method.name).family, settings)
    if chosen.average_checkpoints:  # a row may be several windows, but is one at least
        check_points(math.ceil(math.ceil(shots.count / chosen.batch_size) * chosen.epochs))
    data = TrainingData(
        task=task.name,
        source=planner.setup.source.of(task).name,
        fingerprints={"train": {shots.language: fingerprint}},
        skip_bad_rows=planner.skip_bad_rows,
        shots=shots,
    )
    spec = made.model_copy(
        update={
            "stage": FEW_SHOT,
            "tasks": (
                TaskSpec(
                    kind=task.kind,
                    options=trained_kind(planner, task).decisive_options(),
                    metric=task.metric,
                    data=data,
                    encoding=made.only.encoding,
                ),
            ),
            "composition": Choice(name="continue"),
            "head": "reuse",
            "settings": chosen,
            "inputs": (model.key,),
            "budget": None,
        }
    )
    return Stage(spec, (model,))


def _settings(planner: Planner, made: Optimisation, family: str, given: Mapping[str, Any]) -> Optimisation:
    values = {name: value for name, value in made if name not in _UNUSED}
    values |= {"epochs": EPOCHS}
    for scope in (FEW_SHOT, f"{FEW_SHOT}.{family}"):
        values |= planner.profile.settings.get(scope, {})
    return validate(Optimisation, {**values, **given}, where="settings of the few-shot phase")
