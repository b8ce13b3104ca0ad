"""Translated rows of a study: which languages are trained on, and whether translations belong to their rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from adapterstilts.commands.options import TransferOptions
from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.splits import training_rows
from adapterstilts.data.translation.layout import Direction
from adapterstilts.data.translation.reading import ParallelRows, into_english
from adapterstilts.errors import UsageError
from adapterstilts.languages import ENGLISH, LANGUAGES, check_languages
from adapterstilts.runs.specs import TrainSpec
from adapterstilts.stages.setup import Plan
from adapterstilts.tasks.catalogue import recipe
from adapterstilts.tasks.recipe import Recipe


def training_languages(names: Sequence[str] | None, translations: Path | None, *, flag: str) -> tuple[str, ...]:
    """The languages to train in; English where none are given.

    Args:
        flag: The option that names them.

    Raises:
        UsageError: A language is unknown or given twice, or there are translations and no language for them.
    """
    chosen = check_languages(names or (ENGLISH,), available=LANGUAGES, owner=flag)
    if translations is not None and chosen == (ENGLISH,):
        raise UsageError(
            f"--translations {translations} has no meaning for training in English alone.",
            remedy=f"Name the languages to train in with {flag}, or leave it out.",
        )
    return chosen


def check_translated_training(plan: Plan, spec: TrainSpec) -> None:
    """Reads the rows of a stage that trains on translations, so that what is wrong with them stops nothing half-way.

    Raises:
        DataError: Translations do not belong to their rows.
    """
    if isinstance(plan.translations, ParallelRows) or plan.store.find(spec):
        return
    for task in spec.tasks:
        if task.data.translations:
            training_rows(
                plan.source,
                recipe(task.name),
                task.data,
                BadRows(skip=task.data.skip_bad_rows),
                max_validation_examples=1,
                translations=plan.translations,
            )


def check_translated_test(plan: Plan, task: Recipe, split: str, languages: Sequence[str]) -> None:
    """Reads the English translations of the rows that will be scored, if there are to be any, likewise.

    Raises:
        UsageError: What is predicted for them cannot be scored.
        DataError: They are not there, or do not belong to their rows.
    """
    found = into_english(plan.test_translations, task, split, languages)
    if isinstance(plan.test_translations, ParallelRows):
        return
    options = plan.options
    assert isinstance(options, TransferOptions)
    for language in found:
        assert plan.test_translations is not None
        bad = BadRows(skip=options.skip_bad_rows)
        rows = plan.source.load(task, split, language, bad)
        wanted = task.build_kind().subset(rows, options.max_eval_examples)
        direction = Direction(language, ENGLISH)
        plan.test_translations.load(task, split, direction, rows=rows, wanted=wanted, bad=bad)
