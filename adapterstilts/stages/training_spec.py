"""From choices and recipes to the spec of a training stage, of which nothing has run yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from types import MappingProxyType
from typing import Any, Literal

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.splits import check_learnable
from adapterstilts.data.translation.reading import from_english
from adapterstilts.errors import CompatibilityError, DataError, UsageError
from adapterstilts.languages import ENGLISH
from adapterstilts.modeling.backbone import check_length
from adapterstilts.modeling.compositions import COMPOSITIONS, normalize_composition
from adapterstilts.modeling.methods import METHODS, Method
from adapterstilts.runs.memory import Memory
from adapterstilts.runs.specs import Budget, Choice, Phase, Sampling, TaskSpec, TrainSpec
from adapterstilts.runs.training_data import TrainingData
from adapterstilts.settings import Settings, laid_over, validate
from adapterstilts.stages.graph import Stage, Training
from adapterstilts.stages.planner import Planner
from adapterstilts.tasks.kind import Kind
from adapterstilts.tasks.recipe import Recipe

NONE = Choice(name="none")
"""The composition of a phase that takes nothing from an earlier one."""


@dataclass(frozen=True)
class Start:
    """What a training stage starts from: by default, the pretrained backbone alone.

    Attributes:
        inputs: The stages whose models `composition` takes.
        language: The stage whose adapter lies below all others.
        drop: Last layers of the backbone in which that adapter is left out.
        match: How the stage is made as long as those of `as_long_as` together: in `steps`, or in `compute`.
    """

    composition: Choice = NONE
    inputs: tuple[Training, ...] = ()
    head: Literal["new", "reuse"] = "new"
    language: Training | None = None
    drop: int = 0
    as_long_as: tuple[Training, ...] = ()
    match: Literal["steps", "compute"] = "steps"

    @property
    def budget(self) -> Budget | None:
        """What the spec says of how long it is."""
        keys = tuple(stage.key for stage in self.as_long_as)
        return Budget(unit=self.match, of=keys) if keys else None


def plan_training(
    planner: Planner,
    tasks: Sequence[Recipe],
    phase: Phase,
    *,
    start: Start = Start(),
    sampling: Sampling | None = None,
    languages: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Training:
    """Plans one training stage.

    Args:
        tasks: The tasks whose training data are used; the settings that they share are the first one's.
        sampling: How often each of several tasks is trained on.
        languages: Task to the languages of its training data; where a task is not there, English.

    Raises:
        UsageError: A setting is unknown or out of range.
        DataError: The training data are not there.
        CompatibilityError: The backbone lacks positions, or the head that a task goes on with; or the method's
            checkpoints cannot be averaged, and are to be.
    """
    backbone, method = planner.setup.backbone, planner.method
    kinds = [trained_kind(planner, task) for task in tasks]
    if any(kind.pretrained_head for kind in kinds):
        backbone.check_masked_lm(planner.facts)
    settings = [resolve_settings(planner, task, phase, start.composition) for task in tasks]
    for one in settings:
        check_length(planner.facts, one.max_length, name=backbone.name)
    spec = TrainSpec(
        stage=phase,
        tasks=tuple(
            TaskSpec(
                kind=task.kind,
                options=kind.decisive_options(),
                metric=task.metric,
                data=_training_data(planner, task, phase, languages.get(task.name, (ENGLISH,))),
                encoding=planner.encoding(one, kind),
            )
            for task, kind, one in zip(tasks, kinds, settings, strict=True)
        ),
        sampling=sampling,
        backbone=backbone.fingerprint,
        precision=planner.precision,
        method=method.spec,
        method_config=method.config,
        composition=normalize_composition(start.composition, method.spec, len(start.inputs)),
        head=start.head,
        settings=settings[0].optimisation(),
        seed=planner.seed,
        inputs=tuple(stage.key for stage in start.inputs),
        language_adapter=start.language.key if start.language else None,
        language_adapter_drop=start.drop,
        quantization=backbone.quantization,
        budget=start.budget,
        first_weights=None if planner.first_weights == planner.seed else planner.first_weights,
    )
    needs = (*start.inputs, *([start.language] if start.language else []), *start.as_long_as)
    return Stage(spec, tuple({stage.key: stage for stage in needs}.values()))


def trained_kind(planner: Planner, task: Recipe) -> Kind:
    """The kind of a task to train for.

    It has the chosen pooling where it reads one vector of a text, and what its recipe leaves to the training data.
    """
    kind = task.build_kind()
    own = getattr(kind.options, "pooling", None)
    pooling = planner.pooling or (None if own else planner.declared_pooling)
    found = _collected(planner, task, kind) if kind.collects else {}
    if pooling is not None and reads_one_vector(task):
        usual = own is None and pooling == planner.facts.pooling
        found |= {} if usual else {"pooling": pooling}
    return with_options(task, **found) if found else kind


def _collected(planner: Planner, task: Recipe, kind: Kind) -> dict[str, Any]:
    """What the English training rows make the options that a recipe leaves to them.

    Those of the task whose data are trained on last, where a task has none of its own.
    """
    source, skip = planner.setup.source, planner.skip_bad_rows
    task = (planner.setup.catalogue.training_recipes(task, source.of(task).name) or (task,))[-1]
    if missing := source.missing(task, "train", ENGLISH):
        raise _absent(task, "training", missing)

    def find() -> dict[str, Any]:
        rows = source.load(task, "train", ENGLISH, BadRows(skip=skip))
        check_learnable(task, rows)
        return kind.collect(rows)

    told = ("options", task.kind, source.fingerprint(task, "train", ENGLISH), str(skip))
    return dict(Memory.of_user().recall(*told, find=find))


def with_options(task: Recipe, **options: Any) -> Kind:
    """The kind of a task with some options changed."""
    return task.model_copy(update={"options": {**task.options, **options}}).build_kind()


def reads_one_vector(task: Recipe) -> bool:
    """Whether pooling is something that the kind of a task can be told."""
    return "pooling" in type(task.build_kind().options).model_fields


def resolve_settings(planner: Planner, task: Recipe, phase: Phase, composition: Choice = NONE) -> Settings:
    """Settings of one stage; later ones win.

    The order: method, recipe, composition, profile (from general to specific), suite, what was given by hand.
    """
    method = METHODS.get(planner.method.spec.name)
    source = planner.setup.source.of(task).name
    scopes = ("all", method.family, phase, f"{phase}.{method.family}")
    layers: list[Mapping[str, Any]] = [
        method.defaults,
        task.hyperparameters(method.family, planner.profile.published),
        COMPOSITIONS.get(composition.name).defaults,
        *(planner.profile.settings.get(scope, {}) for scope in scopes),
        *(task.source("mini").settings.get(scope, {}) for scope in scopes if source == "mini"),
        planner.settings,
    ]
    values: dict[str, Any] = reduce(laid_over, layers, {})
    if values.get("average_checkpoints"):
        _check_averaging(method, planner.settings)
        values.pop("patience", None)  # nothing stops early, so it is not to make another key
    settings = validate(Settings, values, where=f"settings of {phase} on {task.name}")
    if settings.average_checkpoints and settings.max_steps is not None:
        check_points(settings.max_steps)
    kind = task.build_kind()
    try:
        kind.check_encoding(planner.encoding(settings, kind))
    except ValueError as error:
        raise UsageError(f"settings of {phase} on {task.name}: {error}.", remedy="Change one of the three.") from None
    return settings


def _check_averaging(method: Method, given: Mapping[str, Any]) -> None:
    """Refuses what has no meaning where checkpoints are averaged.

    Args:
        given: Settings that were given by hand.

    Raises:
        UsageError: A setting has no effect then.
        CompatibilityError: The method's checkpoints are not of one form.
    """
    if "patience" in given:
        raise UsageError(
            f"--patience {given['patience']} has no meaning with --average-checkpoints, which never stops early.",
            remedy="Leave one of the two out.",
        )
    if method.reallocates:
        raise CompatibilityError(
            f"--average-checkpoints: {method.name} takes rank away while it trains, so the mean of its checkpoints has "
            "more of it than any of them.",
            remedy="Use --method peft:lora, or leave it out.",
        )


def check_points(steps: int) -> None:
    """Refuses to average the checkpoints of a training that is over before there are two.

    Raises:
        UsageError: See above.
    """
    if steps < 2:
        raise UsageError(
            f"--average-checkpoints: a training of {steps} step{'s' * (steps != 1)} has no two checkpoints.",
            remedy="Train for longer with --epochs or --max-steps, or leave it out.",
        )


def _training_data(planner: Planner, task: Recipe, phase: Phase, languages: Sequence[str]) -> TrainingData:
    """The training data in some languages, of which English alone selects checkpoints; of data without it, the first.

    Text has an original in each language; of everything else, other languages have translations of the English rows.
    Data that were made in another language than English are trained on in that one.
    """
    source = planner.setup.source
    has_originals = phase == "train-language" or task.build_kind().own_text
    own = tuple(languages) if has_originals else (task.training_language,)
    selecting = ENGLISH if ENGLISH in own else min(own)
    for language in own:
        if missing := source.missing(task, "train", language):
            raise _absent(task, "training", missing)
    fingerprints = {"train": {language: source.fingerprint(task, "train", language) for language in own}}
    validation = _validation(planner, task, selecting)
    if validation:
        fingerprints["validation"] = {selecting: validation}
    held_out = validation is None and planner.validation_from != "none"
    return TrainingData(
        task=task.name,
        source=source.of(task).name,
        fingerprints=fingerprints,
        holdout=planner.profile.holdout if held_out else None,
        max_examples=planner.most_examples(phase),
        skip_bad_rows=planner.skip_bad_rows,
        translations={} if has_originals else from_english(planner.setup.translations, task, "train", languages),
        translated_only=not has_originals and ENGLISH not in languages,
    )


def _validation(planner: Planner, task: Recipe, language: str) -> str | None:
    """The fingerprint of the rows that select checkpoints; None if they are training rows, or if there are none."""
    source, file = planner.setup.source, planner.setup.validation_file
    if planner.validation_from is not None:
        return None
    if file is not None:
        return file.fingerprint(task)
    if not (absent := source.missing(task, "validation", language)):
        return source.fingerprint(task, "validation", language)
    if task.source(source.of(task).name).has("validation"):
        raise _absent(task, "validation", absent)
    return None


def _absent(task: Recipe, what: str, missing: str) -> DataError:
    return DataError(f"{task.name}: no {what} data: {missing} is not there.", remedy="Check --data-dir.")
