"""Scores of a submission as text for a terminal."""

from __future__ import annotations

from adapterstilts.commands.score import Average, SubmissionScores, TaskScores
from adapterstilts.reporting.text_table import plain_table, text_of


def scores_tables(scores: SubmissionScores) -> str:
    """Tasks, groups and the overall mean, then each task by language, then what is missing."""
    tables = "".join([_summary(scores), *(_languages_table(task) for task in scores.tasks)])
    return (tables + "\n".join(_notes(scores))).rstrip() + "\n"


def _summary(scores: SubmissionScores) -> str:
    aside = ", MSE aside" if any("mse" in task.means for task in scores.tasks) else ""
    table = plain_table(f"{scores.benchmark or 'All tasks'}, in percent{aside}")
    for name in ("task", "split"):
        table.add_column(name, no_wrap=True)
    for name in ("languages", "mean over languages", "score"):
        table.add_column(name, justify="right", no_wrap=True)
    for task in scores.tasks:
        labels = task.metric_labels
        means = " · ".join(f"{label} {task.means[name]:.1f}" for name, label in labels.items() if name in task.means)
        counted = len(task.languages) + len(task.missing) if task.split == "test" or not scores.benchmark else 0
        share = f"{len(task.languages)} of {counted}" if counted else f"{len(task.languages)}"
        table.add_row(task.task, task.split, share, means, _score(task.score, not task.missing))
    table.add_section()
    for group, average in scores.groups.items():
        table.add_row(group.replace("_", " "), "", "", "", _mean(average))
    count = len(scores.overall.tasks)
    overall = "overall" if scores.benchmark else f"mean of {count} task{'s' if count > 1 else ''}"
    table.add_row(overall, "", "", "", _mean(scores.overall), style="bold")
    return text_of(table)


def _languages_table(task: TaskScores) -> str:
    table = plain_table("")
    table.add_column(f"{task.title}, {task.split} split", no_wrap=True)
    for language in task.languages:
        table.add_column(language, justify="right", no_wrap=True)
    for metric in task.means:
        table.add_row(metric, *(f"{found[metric]:.1f}" for found in task.languages.values()))
    return text_of(table).lstrip("\n")


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
        notes += [f"{head} (means marked * are over what is there):", *(f"  {line}" for line in lines)]
    if scores.benchmark is None:
        notes.append("Means over tasks are those of no benchmark: --benchmark xtreme or xtreme-r counts its own tasks.")
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
