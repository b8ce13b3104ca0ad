"""The heads of a stage's tasks, and which head of an earlier stage one of them can go on with."""

from __future__ import annotations

from adapterstilts.runs.specs import ModelSpec, TaskSpec
from adapterstilts.tasks.catalogue import Catalogue
from adapterstilts.tasks.kind import HeadSpec


def heads_of(spec: ModelSpec, catalogue: Catalogue) -> dict[str, HeadSpec]:
    """Task to the head that its kind needs."""
    return {task.name: catalogue.build_kind(task).head() for task in spec.tasks}


def head_source(source: ModelSpec, task: TaskSpec, catalogue: Catalogue) -> str:
    """The task of a training stage whose head another stage can go on with for `task`.

    Of a stage of several tasks, it is the same task, or else one of the same kind with a head of the same form, and
    rather one with the same options; where there is none, the stage's own name, which no head has.
    """
    if len(source.tasks) == 1:
        return source.task
    wanted, heads = catalogue.build_kind(task).head(), heads_of(source, catalogue)
    fitting = [one for one in source.tasks if one.kind == task.kind and heads[one.name] == wanted]
    fitting.sort(key=lambda one: (one.name != task.name, one.options != task.options))
    return fitting[0].name if fitting else source.task
