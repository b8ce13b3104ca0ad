"""What training gave before there is a target, as text for a terminal."""

from __future__ import annotations

from adapterstilts.commands.results import Cost, TaskResult, TrainResult
from adapterstilts.languages import LANGUAGES
from adapterstilts.reporting.numbers import shown_flops, shown_parameters

_LAST = "its last checkpoint, selected by no validation data"


def training_summary(result: TrainResult) -> str:
    """What an intermediate phase gave, in a few lines."""
    return "\n".join(
        [
            *(_several_tasks(result) if len(result.tasks) > 1 else _one_task(result)),
            f"  examples     {_counts(result)}",
            f"  checkpoint   step {result.best_step:,} of {result.steps:,}, {result.seconds:.0f} s of training",
            f"  trained      {shown_parameters(result.parameters)}, {result.stored_bytes / 1e6:.2f} MB on disk",
            *_cost_lines(result.cost),
            f"  run folder   {result.folder}",
            *([f"  next         {result.next}"] if result.next else []),
            *(f"  warning      {one}" for one in result.warnings),
        ]
    )


def _counts(result: TrainResult) -> str:
    trained = sum(task.train_examples for task in result.tasks.values())
    select = f"{result.validation_examples:,} to select by" if result.validation else "none to select by"
    return f"{trained:,} trained on, {select}"


def _cost_lines(cost: Cost) -> list[str]:
    """How much computing it was, and how well the machine was used; nothing about the machine for runs picked up."""
    compute = f"{shown_flops(cost.flops)}FLOP for {cost.tokens_seen:,} tokens" if cost.flops else "nothing was trained"
    lines = [f"  compute      {compute}"]
    if cost.tokens_per_second and cost.share_of_matrix_rate:
        memory = ", ".join(f"{size / 1e9:.2f} GB of {what} memory" for what, size in cost.peak_memory_bytes.items())
        share = cost.share_of_matrix_rate
        # Small matrices stay in caches that the large ones do not fit into, which the rate is measured with.
        rate = f"{100 * share:.0f}% of" if share <= 1 else "above"
        rate += " the rate of large matrix products here"
        together = f" by {cost.processes} processes" if cost.processes > 1 else ""
        each = " each" if together else ""
        lines.append(f"  speed        {cost.tokens_per_second:,.0f} tokens/s{together}, {rate}; {memory}{each}")
    return lines


def _one_task(result: TrainResult) -> list[str]:
    (task,) = result.tasks.values()
    language = LANGUAGES[result.validation_language]
    scores = f"{_scores_of(task)} on {language} validation data" if task.validation else _LAST
    return [f"{task.title} with {result.method}: {scores}"]


def _several_tasks(result: TrainResult) -> list[str]:
    """The mean, and a line for each task."""
    width = max(11, *(len(task) for task in result.tasks))
    score = f"mean {result.validation['score']:.1f} on English validation data" if result.validation else _LAST
    lines = [f"{len(result.tasks)} tasks with {result.method}, sampling {result.sampling}: {score}"]
    for task, own in result.tasks.items():
        scores = f"{_scores_of(own)}, " if own.validation else ""
        lines.append(f"  {task:{width}}  {scores}{own.examples_seen:,} features seen")
    return lines


def _scores_of(task: TaskResult) -> str:
    return " · ".join(f"{label} {task.validation[name]:.1f}" for name, label in task.metric_labels.items())
