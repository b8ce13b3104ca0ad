"""Scores of a folder of predictions against a folder of labels, with the benchmark's averages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from adapterstilts.errors import DataError, UsageError, unknown
from adapterstilts.languages import LANGUAGES, languages_of
from adapterstilts.metrics import METRICS
from adapterstilts.metrics.prediction_files import score_file
from adapterstilts.metrics.submission import SubmissionFile, task_files
from adapterstilts.tasks.catalogue import Catalogue, in_catalogue
from adapterstilts.tasks.recipe import Benchmark, Recipe

Metrics = dict[str, float]

GROUPS = ("classification", "structured_prediction", "question_answering", "retrieval")
"""The benchmark's groups of tasks, in the order of its tables."""


@dataclass(frozen=True)
class Average:
    """A mean over tasks.

    Attributes:
        complete: Whether every task and language that belongs to it was scored.
        tasks: The tasks that it is the mean of.
    """

    score: float
    complete: bool
    tasks: tuple[str, ...]


@dataclass(frozen=True)
class TaskScores:
    """One task.

    Attributes:
        title: What tables call it, and `metric_labels` its metrics: name to label.
        languages: Language, or pair of context's and question's languages (`de-en`), to its metrics in percent.
        means: The metrics' means over the languages, without pairs of two languages where there are others.
        score: The number that the task adds to averages: mean of exact match and F1, or the task's only metric.
        missing: Languages without predictions.
        outside: Languages whose predictions were left out, since the chosen benchmark does not have them.
        averaged: Whether that number is in percent, so that means over tasks have it.
    """

    task: str
    title: str
    metric_labels: dict[str, str]
    group: str | None
    split: str
    languages: dict[str, Metrics]
    means: Metrics
    score: float
    missing: tuple[str, ...]
    outside: tuple[str, ...]
    averaged: bool = True


@dataclass(frozen=True)
class SubmissionScores:
    """All tasks of a submission.

    Attributes:
        benchmark: The benchmark whose tasks and languages are expected; if None, those that have labels are.
        groups: Group of tasks to the mean over those of its tasks that were scored.
        overall: Unweighted mean over the tasks that were scored; without a `benchmark`, it is that of none.
        missing: Expected tasks without any predictions, with their languages.
        outside: Tasks whose predictions were left out, since the chosen benchmark does not have them.
    """

    benchmark: str | None
    tasks: tuple[TaskScores, ...]
    groups: dict[str, Average]
    overall: Average
    missing: dict[str, tuple[str, ...]]
    outside: tuple[str, ...]


@in_catalogue
def score_folders(
    predictions: Path, labels: Path, *, benchmark: str | None = None, catalogue: Catalogue | None = None
) -> SubmissionScores:
    """Scores every file of `predictions`, as XTREME's `evaluate.py` does.

    Args:
        predictions: Folder with `<task>/<split>-<language>.{json|tsv}`.
        labels: Folder of the same layout.
        benchmark: `xtreme` or `xtreme-r`. With it, only its tasks and languages count.
        catalogue: By default the package's tasks alone.

    Raises:
        DataError: A file has no labels, is malformed, or does not belong to its labels.
        UsageError: A task, language or benchmark is unknown.
    """
    if benchmark is not None and benchmark not in get_args(Benchmark):
        raise unknown("benchmark", benchmark, get_args(Benchmark))
    for folder in (predictions, labels):
        if (folder / "predictions").is_dir() and (folder / "labels").is_dir():
            raise UsageError(
                f"{folder} is the folder of an evaluation.",
                remedy=f"Score what is in it: astilts score {folder}/predictions {folder}/labels",
            )
    catalogue = catalogue or Catalogue.load()
    given = _task_folders(predictions)
    for name in given:
        catalogue.recipe(name)
    expected = _expected(labels, benchmark, catalogue)
    chosen = [name for name in given if benchmark is None or name in expected]
    if not chosen:
        raise DataError(
            f"{predictions} has no folder of a task{f' of {benchmark}' if benchmark else ''}.",
            remedy="Predictions are in <task>/<split>-<language>.json or .tsv, for instance xquad/test-de.json.",
        )
    tasks = sorted(
        (_score_task(catalogue.recipe(name), given[name], labels / name, benchmark) for name in chosen),
        key=lambda task: (GROUPS.index(task.group) if task.group else len(GROUPS), task.task),
    )
    missing = {name: languages for name, languages in expected.items() if name not in given}
    groups = {
        group: _average(
            [task for task in tasks if task.group == group],
            any(catalogue.recipe(name).group == group for name in missing),
        )
        for group in GROUPS
        if any(task.group == group for task in tasks)
    }
    return SubmissionScores(
        benchmark=benchmark,
        tasks=tuple(tasks),
        groups=groups,
        overall=_average(tasks, bool(missing)),
        missing=missing,
        outside=tuple(name for name in given if name not in chosen),
    )


def _score_task(task: Recipe, folder: Path, labels: Path, benchmark: str | None) -> TaskScores:
    files = task_files(folder)
    splits = sorted({file.split for file in files})
    if len(splits) > 1:
        raise DataError(
            f"{folder} has files of several splits: {', '.join(splits)}.", remedy="Score one split at a time."
        )
    split = splits[0]
    if not labels.is_dir():
        raise DataError(
            f"{folder} has predictions, but there is no folder {labels}.", remedy="Add the task's labels there."
        )
    gold = {file.path.name: file for file in task_files(labels)}
    languages, outside = {}, []
    for file in sorted(files, key=lambda file: (file.key != "en", file.key)):
        _check_name(file, task)
        if benchmark is not None and file.key not in task.languages_of(benchmark):
            outside.append(file.key)
            continue
        if file.path.name not in gold:
            raise DataError(
                f"{file.path} has no labels: there is no {labels / file.path.name}.",
                remedy="Add the labels, or take this file away.",
            )
        languages[file.key] = score_file(
            file.path, gold[file.path.name].path, metric=task.metric, language=file.language
        )
    if not languages:
        raise DataError(f"{folder} has no language of {benchmark}.", remedy="Take this folder away.")
    own = [key for key in languages if len(languages_of(key)) == 1] or list(languages)
    names = list(next(iter(languages.values())))
    means = {name: sum(languages[key][name] for key in own) / len(own) for name in names}
    if benchmark is None:
        expected = _ordered(file.key for file in gold.values() if file.split == split)
        missing = [key for key in expected if key not in languages]
    else:
        # A submission consists of test files.
        missing = [key for key in _ordered(task.languages_of(benchmark)) if key not in languages or split != "test"]
    kind = task.build_kind()
    return TaskScores(
        task=task.name,
        title=task.title,
        metric_labels=task.metric_labels,
        group=task.group,
        split=split,
        languages=languages,
        means=means,
        score=kind.main_score(means),
        missing=tuple(missing),
        outside=tuple(outside),
        averaged=kind.averaged,
    )


def _check_name(file: SubmissionFile, task: Recipe) -> None:
    codes = languages_of(file.key)
    for code in codes:
        if code not in LANGUAGES:
            raise unknown(f"language in the name of {file.path}:", code, LANGUAGES)
    if len(codes) > 2:
        raise UsageError(f"{file.path} names {len(codes)} languages.", remedy="Name one, or context and question's.")
    if file.path.suffix != (suffix := METRICS.get(task.metric).suffix):
        raise DataError(
            f"{file.path} ends in {file.path.suffix}, and predictions for {task.name} in {suffix}.",
            remedy="Write the form that the task's labels have.",
        )


def _task_folders(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder.", remedy="Give the folder that holds the tasks' folders.")
    return {path.name: path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith(".")}


def _expected(labels: Path, benchmark: str | None, catalogue: Catalogue) -> dict[str, tuple[str, ...]]:
    """Task to the languages that should be there."""
    folders = _task_folders(labels)
    if benchmark is None:
        known = [name for name in catalogue.names() if name in folders]
        return {name: _ordered({file.key for file in task_files(folders[name])}) for name in known}
    return {name: _ordered(languages) for name, languages in catalogue.benchmark_languages(benchmark).items()}


def _ordered(keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(keys, key=lambda key: (key != "en", key)))


def _average(tasks: Sequence[TaskScores], lacking: bool) -> Average:
    """The mean of scores in percent; of others where there is nothing else."""
    counted = [task for task in tasks if task.averaged] or tasks
    return Average(
        score=sum(task.score for task in counted) / len(counted),
        complete=not lacking and not any(task.missing for task in counted),
        tasks=tuple(task.task for task in counted),
    )
