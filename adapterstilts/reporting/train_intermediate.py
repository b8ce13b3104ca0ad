"""What training gave before there is a target, as text for a terminal."""

from __future__ import annotations

import textwrap

from adapterstilts.commands.costs import Cost
from adapterstilts.commands.results import TaskResult, TrainResult
from adapterstilts.languages import LANGUAGES
from adapterstilts.reporting.numbers import shown_flops, shown_parameters

_WIDTH = 80
_MARGIN = 15


def training_summary(result: TrainResult) -> str:
    """What an intermediate phase gave, in a few lines."""
    return "\n".join(
        [
            *(_several_tasks(result) if len(result.tasks) > 1 else _one_task(result)),
            f"  examples     {_counts(result)}",
            f"  checkpoint   {_taken(result)}, {result.seconds:.0f} s of training",
            f"  trained      {shown_parameters(result.parameters)}, {result.stored_bytes / 1e6:.2f} MB on disk",
            *_cost_lines(result.cost),
            f"  run folder   {result.folder}",
            *([f"  next         {result.next}"] if result.next else []),
            *(line for one in result.warnings for line in _warning(one)),
        ]
    )


def _taken(result: TrainResult) -> str:
    """Which checkpoint the model is."""
    if result.best_step is None:
        return f"mean of {result.averaged_checkpoints:,} in {result.steps:,} steps"
    return f"step {result.best_step:,} of {result.steps:,}"


def _counts(result: TrainResult) -> str:
    trained = sum(task.train_examples for task in result.tasks.values())
    use = "score" if result.averaged_checkpoints else "select by"
    return f"{trained:,} trained on, {f'{result.validation_examples:,}' if result.validation else 'none'} to {use}"


def _cost_lines(cost: Cost) -> list[str]:
    """How much computing it was, and how well the machine was used; nothing about the machine for runs picked up."""
    several = cost.processes > 1
    compute = f"{shown_flops(cost.flops)}FLOP for {cost.tokens_seen:,} tokens" if cost.flops else "nothing was trained"
    lines = [f"  compute      {compute}{f' by {cost.processes} processes' if several else ''}"]
    if cost.tokens_per_second and cost.share_of_matrix_rate:
        memory = ", ".join(f"{size / 1e9:.2f} GB of {what} memory" for what, size in cost.peak_memory_bytes.items())
        share = cost.share_of_matrix_rate
        # Small matrices stay in caches that the large ones do not fit into, which the rate is measured with.
        rate = f"{100 * share:.0f}% of" if share <= 1 else "above"
        rate += " the rate of large matrix products"
        lines.append(f"  speed        {cost.tokens_per_second:,.0f} tokens/s, {rate}")
        lines.append(f"  memory       {memory}{' for each process' if several else ''}")
    return lines


def _warning(text: str) -> list[str]:
    indents = {"initial_indent": "  warning      ", "subsequent_indent": " " * _MARGIN}
    return textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False, **indents)  # type: ignore[arg-type]


def _one_task(result: TrainResult) -> list[str]:
    (task,) = result.tasks.values()
    return [f"{task.title}, {result.method}", _validation(result, _scores_of(task) if task.validation else None)]


def _several_tasks(result: TrainResult) -> list[str]:
    """The mean, and a line for each task."""
    width = max(_MARGIN - 4, *(len(task) for task in result.tasks))
    mean = f"mean {result.validation['score']:.1f}" if result.validation else None
    lines = [
        f"{len(result.tasks)} tasks, {result.method}, sampling {result.sampling}",
        _validation(result, mean),
    ]
    for task, own in result.tasks.items():
        scores = f"{_scores_of(own)}, " if own.validation else ""
        lines.append(f"  {task:{width}}  {scores}{own.examples_seen:,} features seen")
    return lines


def _validation(result: TrainResult, scores: str | None) -> str:
    """What the checkpoint was selected by, or their mean scored on, if there was anything."""
    language = LANGUAGES[result.validation_language]
    kept = "the mean of the checkpoints" if result.averaged_checkpoints else "the last checkpoint"
    return f"  validation   {f'{scores} ({language})' if scores else f'none: {kept} is kept'}"


def _scores_of(task: TaskResult) -> str:
    return " · ".join(f"{label} {task.validation[name]:.1f}" for name, label in task.metric_labels.items())
