"""How often each of several intermediate tasks is trained on, from options."""

from __future__ import annotations

import math
from collections.abc import Sequence

from adapterstilts.commands.options import IntermediateOptions, flag_text
from adapterstilts.errors import UsageError
from adapterstilts.runs.specs import Sampling

# Strategy to the option that it needs and no other one takes, and an example of it.
_NEEDED = {"temperature": "--temperature 2", "capped": "--cap 10000", "weights": "--weights {0}=2,{1}=1"}


def choose_sampling(options: IntermediateOptions, tasks: Sequence[str]) -> Sampling | None:
    """How often each task is trained on; None where there is one.

    Raises:
        UsageError: An option is missing, has no meaning, or does not name exactly the tasks.
    """
    given = given_sampling(options)
    if len(tasks) == 1:
        if given:
            raise UsageError(
                f"{given[0]} has no meaning for {tasks[0]} alone.", remedy="Leave it out, or name several tasks."
            )
        return None
    strategy = options.sampling or "proportional"
    values = {"temperature": options.temperature, "capped": options.cap, "weights": options.weights}
    for needed, value in values.items():
        example = _NEEDED[needed].format(*tasks)
        flag = example.split()[0]
        if needed == strategy and value is None:
            raise UsageError(f"--sampling {strategy} needs {flag}.", remedy=f"Give it, e.g. {example}.")
        if needed != strategy and value is not None:
            raise UsageError(
                f"{flag} {flag_text(value)} has no meaning for --sampling {strategy}.",
                remedy=f"Give --sampling {needed}, or leave {flag} out.",
            )
    _check_weights(options.weights, tasks)
    return Sampling(strategy=strategy, temperature=options.temperature, cap=options.cap, weights=options.weights or {})


def _check_weights(weights: dict[str, float] | None, tasks: Sequence[str]) -> None:
    if weights is None:
        return
    for what, names in (
        ("names no weight for", [task for task in tasks if task not in weights]),
        ("has a weight for a task that is not trained,", [task for task in weights if task not in tasks]),
    ):
        if names:
            raise UsageError(
                f"--weights {what} {', '.join(names)}.",
                remedy=f"Give one for each of {', '.join(tasks)}, and no other.",
            )
    for task, weight in weights.items():
        if not (weight > 0 and math.isfinite(weight)):
            raise UsageError(
                f"--weights {task}={weight:g} is not a share.", remedy="Give a number above 0, or leave the task out."
            )


def given_sampling(options: IntermediateOptions) -> list[str]:
    """The options about sampling that are given, as flags."""
    values = {name: getattr(options, name) for name in ("sampling", "temperature", "cap", "weights")}
    return [f"--{name} {flag_text(value)}" for name, value in values.items() if value is not None]
