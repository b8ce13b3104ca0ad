"""The command that goes on from a trained model: as it is printed, with all that it has to be told, it works."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from adapterstilts.commands.options import SHARED, TrainingOptions, as_flags
from adapterstilts.errors import AstiltsError
from adapterstilts.languages import ENGLISH
from adapterstilts.modeling.methods import METHODS
from adapterstilts.runs.specs import ModelSpec
from adapterstilts.runs.store import Run
from adapterstilts.stages.planner import Planner
from adapterstilts.tasks.recipe import Recipe

# What decides how texts are cut, which the next phase has to fit into the same backbone.
_LENGTHS = ("max_length", "stride", "max_query_length")


def next_step(run: Run, planner: Planner, options: TrainingOptions) -> str:
    """What can be done with a run that has just been made: a target whose data are there, or else to look at it.

    Args:
        options: Those of the command that made it.
    """
    spec = run.training
    language = spec.stage == "train-language"
    shared = [name for name in SHARED if not (language and name in ("method", "unfreeze_backbone"))]
    flags = as_flags(options, only=(*shared, *_LENGTHS))
    show = f"astilts runs show {run.short_key}{as_flags(options, only=('store',))}"
    if METHODS.get(spec.method.name).name == "head" or not _in_catalogue(spec, planner):
        return show
    if language and not _has_english(run, planner):
        return f"astilts train-language {ENGLISH}{as_flags(options, only=(*SHARED, *_LENGTHS))}"
    found = next(_targets(planner, spec), None)
    if found is None:
        return show
    target, languages = found
    if language:
        own = [one for one in (ENGLISH, *spec.tasks[0].data.languages) if one in languages]
        languages = tuple(dict.fromkeys(own))
        use = "--language-adapters --from none"
    else:
        use = f"--from {spec.task}@{run.short_key}"
    every = set(languages) == set(planner.setup.source.languages(target, None))
    chosen = "" if every else f" --languages {','.join(languages)}"
    return f"astilts transfer {use} --to {shlex.quote(target.name)}{chosen}{flags}"


def _in_catalogue(spec: ModelSpec, planner: Planner) -> bool:
    """Whether a run's tasks are known without the files that it was trained on."""
    own = {recipe.name for recipe in planner.setup.catalogue.own}
    return not own & {task.name for task in spec.tasks}


def _has_english(run: Run, planner: Planner) -> bool:
    """Whether there is an English language adapter like a run, or it is one."""
    spec = run.training
    return any(
        other.spec.stage == "train-language"
        and other.training.tasks[0].data.languages == (ENGLISH,)
        and (other.training.backbone, other.training.method) == (spec.backbone, spec.method)
        for other in planner.setup.store.runs()
    )


def _targets(planner: Planner, spec: ModelSpec) -> Iterator[tuple[Recipe, tuple[str, ...]]]:
    """Targets and the languages of theirs that there are data of; those of the kind of a run's first task first.

    A task that the run was trained on comes last among those of its kind.
    """
    catalogue, kind = planner.setup.catalogue, spec.tasks[0].kind
    recipes = [catalogue.recipe(name) for name in catalogue.names()]
    offered = [one for one in recipes if "target" in one.phases and one.build_kind().trained]
    own = {task.name for task in spec.tasks}
    for task in sorted(offered, key=lambda one: (one.kind != kind, one.name in own)):
        try:
            languages = _languages(planner, task)
        except AstiltsError:  # its data are not in order, which is no business of this command
            continue
        if ENGLISH in languages:
            yield task, languages


def _languages(planner: Planner, task: Recipe) -> tuple[str, ...]:
    """The languages that a target can be scored in, if it can be trained for."""
    source = planner.setup.source
    own = source.of(task)
    if own.name not in task.sources.names():
        return ()
    trained = planner.setup.catalogue.training_recipes(task, own.name)
    if not trained or any(source.missing(one, "train", one.training_language) for one in trained):
        return ()
    split = "test" if task.source(own.name).has("test") else "validation"
    return tuple(one for one in source.languages(task, None) if not source.missing(task, split, one))
