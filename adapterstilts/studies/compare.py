"""The everyday grid: intermediate tasks by targets by methods, without a file."""

from __future__ import annotations

from adapterstilts.commands.options import ComparedTasks, ComparisonOptions
from adapterstilts.studies.definition import BASELINE, FROM, INTERMEDIATE_EXAMPLES, TO, Study

_QUESTION = "Which intermediate task, trained and composed how, gains most on which target?"


def comparison(tasks: ComparedTasks, options: ComparisonOptions) -> Study:
    """The study that a comparison is."""
    together = (tuple(name.split("+")) if "+" in name and "@" not in name else name for name in tasks.from_)
    axes = {
        FROM: tuple(together),
        TO: tasks.to,
        "method": options.methods,
        "composition": options.compositions,
        BASELINE: options.baselines,
        INTERMEDIATE_EXAMPLES: (options.intermediate_examples,) if options.intermediate_examples else None,
    }
    given = {name: values for name, values in axes.items() if values}
    title = f"{', '.join(tasks.from_)} to {', '.join(tasks.to)}"
    return Study(name="comparison", title=title, question=_QUESTION, axes=given)
