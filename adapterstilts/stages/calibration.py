"""The temperature of a trained model: fitted on its validation rows once, and kept in the store's cache."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.splits import validation_rows
from adapterstilts.errors import AstiltsError
from adapterstilts.files import write_json
from adapterstilts.runs.specs import TaskSpec
from adapterstilts.settings import Strict
from adapterstilts.stages.answerer import Answerer
from adapterstilts.stages.setup import Setup
from adapterstilts.tasks.kind import Row, draw
from adapterstilts.tasks.temperature import fit_temperature, loss_of

_MOST_ROWS = 500


class Temperature(Strict):
    """A temperature, and what it was fitted on.

    Attributes:
        value: What scores are divided by.
        rows: How many validation rows there were.
        before: Mean negative log-likelihood of their gold answers without it, and `after` with it, in nats.
    """

    value: float
    rows: int
    language: str
    before: float
    after: float

    def __str__(self) -> str:
        return (
            f"divided by the temperature {self.value:g}, fitted on {self.rows:,} {self.language} validation rows "
            f"(negative log-likelihood {self.before:.3f} before, {self.after:.3f} after)"
        )


class Uncalibrated(Strict):
    """That there is no temperature, and why.

    Attributes:
        reason: It follows "uncalibrated: ".
    """

    reason: str

    def __str__(self) -> str:
        return f"uncalibrated: {self.reason}"


Calibrated = Temperature | Uncalibrated


def labelled_rows(task: TaskSpec, setup: Setup | None, size: int = _MOST_ROWS) -> list[Row] | str:
    """Some of the validation rows of a task as they were when it was trained, or why there are none.

    Args:
        setup: With the source that they come from; None where that is not there.
    """
    if not task.data.fingerprints:
        return "which rows it was trained on is not known"
    if not task.data.selects:
        return "it was trained without validation rows"
    if setup is None:
        return "its validation rows are in files (--data-dir gives their folder, and --tasks the task)"
    try:
        recipe = setup.catalogue.recipe(task.name)
        for split, languages in task.data.fingerprints.items():
            for language, fingerprint in languages.items():
                if setup.source.missing(recipe, split, language):
                    return f"the {split} rows of {task.name} are not there"
                if setup.source.fingerprint(recipe, split, language) != fingerprint:
                    return f"the {split} rows of {task.name} here are others"
        rows = validation_rows(setup.source, recipe, task.data, BadRows(skip=task.data.skip_bad_rows))
    except (AstiltsError, OSError) as error:
        return next(iter(str(error).splitlines()), "its validation rows cannot be read").rstrip(".")
    return draw(rows, size).to_list()


def find_temperature(
    key: str, task: TaskSpec, answerer: Answerer, setup: Setup | None, *, cache: Path, note: Callable[[str], None]
) -> Calibrated:
    """The temperature of a run's head, from the cache or fitted now.

    Args:
        key: Of the run.
        setup: With the source of the validation rows; None where that is not there.
        note: Told what is waited for.
    """
    path = cache / "temperatures" / f"{key}-{task.name}.json"
    if path.is_file():
        try:
            return Temperature.model_validate(json.loads(path.read_text(encoding="utf-8")))
        except ValueError:  # damaged: it is made again
            path.unlink(missing_ok=True)
    rows = labelled_rows(task, setup)
    if type(rows) is str:
        return Uncalibrated(reason=rows)
    found = _fitted(task, answerer, list(rows), note)
    if type(found) is Temperature:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json(path, found.model_dump(mode="json"))
        except OSError as error:
            note(f"The temperature is not kept: {path} cannot be written ({error.strerror}).")
    return found


def _fitted(task: TaskSpec, answerer: Answerer, rows: list[Any], note: Callable[[str], None]) -> Calibrated:
    note(f"Fitting the temperature of probabilities on {len(rows):,} validation rows of {task.name}")
    said = replace(answerer.said(rows), temperature=1.0)
    if (loss := loss_of(said)) is None:
        return Uncalibrated(reason="its answers have no probabilities")
    value = fit_temperature(loss)
    language = task.data.validation_language
    return Temperature(value=value, rows=len(rows), language=language, before=loss(1.0), after=loss(value))
