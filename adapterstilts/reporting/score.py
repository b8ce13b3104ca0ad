"""Scores of a submission as text for a terminal."""

from __future__ import annotations

from adapterstilts.commands.score import Average, SubmissionScores, TaskScores
from adapterstilts.reporting.sheets import Column, Notes, Report, Sheet, columns


def scores_report(scores: SubmissionScores) -> Report:
    """Tasks, groups and the overall mean, then each task by language, then what is missing."""
    notes = _notes(scores)
    sheets = [_summary(scores), *(_languages(task) for task in scores.tasks)]
    return Report([*sheets, *([Notes(notes)] if notes else [])], data=_data(scores))


def _data(scores: SubmissionScores) -> Sheet:
    rows = [
        [task.task, task.split, language, metric, str(value)]
        for task in scores.tasks
        for language, found in task.languages.items()
        for metric, value in found.items()
    ]
    return Sheet("", columns("task", "split", "language", "metric", "value"), rows)


def _summary(scores: SubmissionScores) -> Sheet:
    aside = ", MSE aside" if any("mse" in task.means for task in scores.tasks) else ""
    rows = []
    for task in scores.tasks:
        labels = task.metric_labels
        means = " · ".join(f"{label} {task.means[name]:.1f}" for name, label in labels.items() if name in task.means)
        counted = len(task.languages) + len(task.missing) if task.split == "test" or not scores.benchmark else 0
        share = f"{len(task.languages)} of {counted}" if counted else f"{len(task.languages)}"
        rows.append([task.task, task.split, share, means, _score(task.score, not task.missing)])
    rows += [[group.replace("_", " "), "", "", "", _mean(average)] for group, average in scores.groups.items()]
    count = len(scores.overall.tasks)
    overall = "overall" if scores.benchmark else f"mean of {count} task{'s' if count > 1 else ''}"
    rows.append([overall, "", "", "", _mean(scores.overall)])
    shown = columns(
        "task",
        "split",
        "languages",
        "mean over languages",
        "score",
        right=("languages", "mean over languages", "score"),
    )
    title = f"{scores.benchmark or 'All tasks'}, in percent{aside}"
    return Sheet(title, shown, rows, sections=frozenset({len(scores.tasks)}))


def _languages(task: TaskScores) -> Sheet:
    first = Column(f"{task.title}, {task.split} split", wraps=True)
    rows = [[metric, *(f"{found[metric]:.1f}" for found in task.languages.values())] for metric in task.means]
    return Sheet("", [first, *(Column(language, right=True) for language in task.languages)], rows)


def _notes(scores: SubmissionScores) -> list[str]:
    lines = [f"{task.task}: {', '.join(task.missing)}" for task in scores.tasks if task.missing]
    lines += [
        f"{name}: {', '.join(languages)} (no predictions for this task)" for name, languages in scores.missing.items()
    ]
    notes = []
    if lines:
        head = (
            f"Missing for a complete submission to {scores.benchmark}"
            if scores.benchmark
            else "Labels without predictions"
        )
        notes += [f"{head} (means marked * are over what is there):", *lines]
    if scores.benchmark is None:
        notes.append("Means over tasks are those of no benchmark: --benchmark xtreme or xtreme-r counts its own tasks.")
    if apart := [task.task for task in scores.tasks if task.task not in scores.overall.tasks]:
        notes.append(f"Not in the means over tasks, since its score is not in percent: {', '.join(apart)}.")
    left_out = [f"{task.task} {', '.join(task.outside)}" for task in scores.tasks if task.outside] + list(
        scores.outside
    )
    if left_out:
        notes.append(f"Not in {scores.benchmark}, and left out: {'; '.join(left_out)}")
    return notes


def _mean(average: Average) -> str:
    return _score(average.score, average.complete)


def _score(score: float, complete: bool) -> str:
    return f"{score:.1f} " if complete else f"{score:.1f}*"
