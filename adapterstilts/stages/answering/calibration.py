"""The temperature of a trained model: fitted on its validation rows when it is trained, and kept with its metrics.

Runs that were made without it, and models of others, get theirs when it is first needed, which the store's cache keeps.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.splits import validation_rows
from adapterstilts.errors import AstiltsError
from adapterstilts.files import write_json
from adapterstilts.runs.specs import TaskSpec
from adapterstilts.runs.store import Run
from adapterstilts.settings import Strict
from adapterstilts.stages.answering.answerer import Answerer
from adapterstilts.stages.setup import Setup
from adapterstilts.tasks.explained import Said
from adapterstilts.tasks.kind import Kind, Row, draw, drawn
from adapterstilts.tasks.temperature import SUREST, fit_temperature, has_probabilities, loss_of

_MOST_ROWS = 500


class Temperature(Strict):
    """A temperature, and what it was fitted on.

    Attributes:
        value: What scores are divided by.
        rows: How many validation rows there were.
        before: Mean negative log-likelihood of their gold answers without it, and `after` with it, in nats.
    """

    value: float = Field(gt=0, allow_inf_nan=False)
    rows: int
    language: str
    before: float
    after: float

    @property
    def is_bounded(self) -> bool:
        """Whether the rows say how sure the model may be: where it is right on all, the surer the better."""
        return self.value > 1.05 * SUREST

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


def kept_temperature(run: Run, task: str) -> Calibrated | None:
    """What training has found for one of a run's tasks; None where it did not look."""
    kept = _read(run.metrics.get("temperatures", {}).get(task))
    return _usable(kept) if kept else None


def _usable(found: Temperature) -> Calibrated:
    if found.is_bounded:
        return found
    return Uncalibrated(
        reason=f"all {found.rows:,} {found.language} validation rows are answered rightly, which sets no temperature"
    )


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


def fitted(said: Said, *, language: str) -> Temperature | None:
    """The temperature of what a model said to labelled rows; None where its answers have no probabilities."""
    said = replace(said, temperature=1.0)
    if (loss := loss_of(said)) is None:
        return None
    value = fit_temperature(loss)
    return Temperature(value=value, rows=len(said.rows), language=language, before=loss(1.0), after=loss(value))


def fitted_in_training(
    task: TaskSpec, kind: Kind, rows: Sequence[Row], features: Any, logits: Sequence[np.ndarray]
) -> Temperature | None:
    """The temperature by what a model said to all of its validation rows, of which as many count as later on.

    Args:
        features: Of all rows, as a `datasets.Dataset`.
    """
    if not has_probabilities(kind):
        return None
    chosen = {row: place for place, row in enumerate(drawn(len(rows), _MOST_ROWS))}
    places = [place for place, row in enumerate(features["row"][:]) if row in chosen]
    own = [{**feature, "row": chosen[feature["row"]]} for feature in features.select(places).to_list()]
    said = Said(kind, [rows[row] for row in chosen], own, [logits[place] for place in places])
    return fitted(said, language=task.data.validation_language)


def find_temperature(
    run: Run, task: TaskSpec, answerer: Answerer, setup: Setup | None, *, cache: Path, note: Callable[[str], None]
) -> Calibrated:
    """The temperature of a run's head: that of its training, or from the cache, or fitted now.

    Args:
        setup: With the source of the validation rows; None where that is not there.
        note: Told what is waited for.
    """
    if not has_probabilities(answerer.kind):
        return Uncalibrated(reason="its answers have no probabilities")
    if in_training := kept_temperature(run, task.name):
        return in_training
    path = cache / "temperatures" / f"{run.key}-{task.name}.json"
    if kept := _cached(path):
        return _usable(kept)
    rows = labelled_rows(task, setup)
    if isinstance(rows, str):
        return Uncalibrated(reason=rows)
    note(f"Fitting the temperature of probabilities on {len(rows):,} validation rows of {task.name}")
    found = fitted(answerer.said(rows), language=task.data.validation_language)
    if found is None:
        return Uncalibrated(reason="its validation rows have no answer that counts")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, found.model_dump(mode="json"))
    except OSError as error:
        note(f"The temperature is not kept: {path} cannot be written ({error.strerror}).")
    return _usable(found)


def _cached(path: Path) -> Temperature | None:
    """What the cache has; a damaged file is deleted, and made again."""
    if not path.is_file():
        return None
    try:
        found = _read(json.loads(path.read_text(encoding="utf-8")))
    except ValueError:
        found = None
    if found is None:
        path.unlink(missing_ok=True)
    return found


def _read(content: Any) -> Temperature | None:
    """A temperature from JSON; None where there is none, or what somebody else wrote is not one."""
    try:
        return Temperature.model_validate(content) if content else None
    except ValueError:
        return None
