"""What a command would do, as text for a terminal and as a picture."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from adapterstilts.commands.plan import STORED, TO_EVALUATE, TO_TRAIN, CommandPlan, StagePlan
from adapterstilts.reporting.costs import cost_lines, shown_cost
from adapterstilts.reporting.sheets import Notes, Report, Sheet, columns

_WIDTH = 80
_CLASSES = {STORED: "stored", TO_TRAIN: "train", TO_EVALUATE: "evaluate"}
_COLOURS = {"stored": "#d9ead3", "train": "#f9cb9c", "evaluate": "#cfe2f3"}


def plan_text(plan: CommandPlan) -> str:
    """The stages in an order in which they can run, one after the other, and how many trainings sharing saves."""
    stages = [line for one in plan.stages for line in _lines(one)]
    left_out = [line for one in plan.left_out for line in textwrap.wrap(f"left out: {one}", _WIDTH)]
    return "\n".join([*textwrap.wrap(_head(plan), _WIDTH), *left_out, "", *stages, "", *cost_lines(plan)]) + "\n"


def plan_report(plan: CommandPlan) -> Report:
    """The same as a table."""
    rows = [
        [stage.key, stage.state, shown_cost(stage.cost), _what(stage), " ".join(stage.needs)] for stage in plan.stages
    ]
    heads = columns("key", "state", "time", "stage", "after", wraps=("stage", "after"))
    return Report(
        [
            Sheet("", heads, rows),
            Notes([_head(plan), *(f"left out: {one}" for one in plan.left_out), *cost_lines(plan)]),
        ]
    )


def _head(plan: CommandPlan) -> str:
    of = f" of the {plan.naive} that the cells of the grid take one by one" if plan.naive is not None else ""
    return (
        f"{_counted(len(plan.stages), 'stage')}: {plan.stored} in the store, {plan.to_train} to train, "
        f"{plan.to_evaluate} to evaluate. Sharing saves {_counted(plan.saved, 'training')}{of}."
    )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _lines(stage: StagePlan) -> Iterator[str]:
    begin = f"{stage.key}  {stage.state:12}  {shown_cost(stage.cost):>8}  "
    after = f"; after {', '.join(stage.needs)}" if stage.needs else ""
    indent = " " * len(begin)
    yield from textwrap.wrap(
        f"{_what(stage)}{after}",
        _WIDTH,
        initial_indent=begin,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _what(stage: StagePlan) -> str:
    how = ", ".join(str(one) for one in (stage.method, stage.composition) if one not in (None, "none"))
    seed = f", seed {stage.seed}" if stage.seed is not None else ""
    return f"{stage.stage} {stage.label}{f': {how}' if how else ''}{seed}"


def plan_mermaid(plan: CommandPlan) -> str:
    """The stages as a Mermaid flowchart, which GitHub and most Markdown tools draw."""
    lines = ["flowchart LR"]
    several = len({stage.seed for stage in plan.stages if stage.seed is not None}) > 1
    for stage in plan.stages:
        seed = f"seed {stage.seed}" if several and stage.seed is not None else None
        detail = " · ".join(str(one) for one in (stage.method, stage.composition, seed) if one not in (None, "none"))
        text = "<br/>".join(part for part in (stage.stage, stage.label, detail) if part)
        lines.append(f'  {_node(stage.key)}["{text}"]:::{_CLASSES[stage.state]}')
    lines += [f"  {_node(need)} --> {_node(stage.key)}" for stage in plan.stages for need in stage.needs]
    lines += [f"  classDef {name} fill:{colour},stroke:#666" for name, colour in _COLOURS.items()]
    return "\n".join(lines)


def _node(key: str) -> str:
    # A name that begins with a digit, or is a word of Mermaid's, would not be drawn.
    return f"s{key}"
