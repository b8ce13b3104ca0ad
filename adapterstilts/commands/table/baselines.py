"""What the intermediate task is compared with beside "none": the baselines of Phang et al. 2020 and others.

Every baseline's intermediate phase is the one of `--from` with the one change that its name says: same rows, same
settings, same seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from adapterstilts.commands.models.intermediate_runs import Intermediates
from adapterstilts.commands.options import ALL, TransferOptions
from adapterstilts.commands.table.repetitions import same_rows
from adapterstilts.commands.table.rivals import PROMPT, RIVALS, Lack, apart, rival_lacks
from adapterstilts.commands.table.translated import TRANSLATED, translations_lack
from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.sources.rows import Source
from adapterstilts.errors import DataError, UsageError, unknown
from adapterstilts.languages import ENGLISH, LANGUAGES, context_language
from adapterstilts.modeling.backbone import Backbone
from adapterstilts.modeling.methods import METHODS
from adapterstilts.runs.memory import Memory
from adapterstilts.runs.specs import (
    Budget,
    Choice,
    MethodSpec,
    Optimisation,
    Sampling,
    TaskSpec,
    TrainSpec,
)
from adapterstilts.runs.training_data import TrainingData
from adapterstilts.stages.answering.classifiers import CLASSIFIERS
from adapterstilts.stages.graph import Stage, Training, made_by
from adapterstilts.stages.planner import Planner, ResolvedMethod
from adapterstilts.stages.training_spec import NONE, plan_training, resolve_settings
from adapterstilts.tasks.catalogue import MLM
from adapterstilts.tasks.recipe import Recipe

MLM_RATE = 0.1
Match = Literal["none", "steps", "compute"]
FULL = "full"
_FULL = ResolvedMethod(MethodSpec(name=FULL), METHODS.get(FULL).resolve({}))


@dataclass(frozen=True)
class Baseline:
    """One more way of reaching a target.

    Attributes:
        name: What is different about it.
        planner: What its target phase is planned from.
        composition: How its intermediate stage enters.
        intermediates: This stage, if there is one.
        languages: Languages of the target phase's training data, where they are not those of the other rows.
        longer: Whether the target phase is as long as both phases of the first row that has two.
        asked: What `--compare` calls it.
        rival: What answers in place of a model that is trained for the target.
        model: The decoder that is asked, where that is what answers.
    """

    name: str
    planner: Planner
    composition: Choice
    intermediates: Intermediates = ()
    languages: tuple[str, ...] | None = None
    longer: bool = False
    asked: str = ""
    rival: str | None = None
    model: Backbone | None = None


@dataclass(frozen=True)
class Baselines:
    """The baselines of one command.

    Attributes:
        intermediates: The single intermediate runs of `--from`.
        languages: Other languages than English that text and translations are wanted in.
        composition: How intermediate runs of the planner's method enter.
        mlm_rate: Share of masked language modelling where it is mixed in.
        match: In what their intermediate phases are as long as those of `--from`.
        model: The decoder that is prompted, if that is wanted.
    """

    planner: Planner
    intermediates: Intermediates
    languages: tuple[str, ...]
    composition: Choice
    mlm_rate: float = MLM_RATE
    match: Match = "none"
    model: Backbone | None = None

    def named(self, names: Sequence[str]) -> list[Baseline]:
        """The baselines of these names.

        Raises:
            DataError: Data of an intermediate stage that they need are not there.
            UsageError: Translations that they need are not given.
        """
        found = []
        for name in names:
            try:
                found += [replace(one, asked=name) for one in _BASELINES[name](self)]
            except (DataError, UsageError) as error:
                remedy = f"{error.remedy or ''} Or name the others in --compare, without {name}."
                raise type(error)(f"--compare {name}: {error.message}", remedy=remedy.strip()) from error
        return found

    def full(self) -> list[Baseline]:
        """Every weight of the backbone, without and with each intermediate task."""
        # A learning rate that is given is the other method's.
        settings = {name: value for name, value in self.planner.settings.items() if name != "learning_rate"}
        planner = replace(self.planner, method=_FULL, settings=settings)
        found = [Baseline(FULL, planner, NONE)]
        for intermediate in self.intermediates:
            settled = _settings_for_full(self.planner, planner, made_by(intermediate))
            changed = {"method": _FULL.spec, "method_config": _FULL.config, "settings": settled}
            stage: Training = Stage(made_by(intermediate).model_copy(update=changed))
            found.append(Baseline(FULL, planner, Choice(name="continue"), (stage,)))
        return found

    def mlm(self) -> list[Baseline]:
        """Masked language modelling in place of the first intermediate task."""
        intermediate = self.intermediates[0]
        return [self._changed("MLM continuation", intermediate, tasks=(self._text(intermediate),), sampling=None)]

    def mlm_mixed(self) -> list[Baseline]:
        """Masked language modelling mixed into each intermediate task."""
        return [
            self._changed(
                f"{100 * self.mlm_rate:g}% MLM mixed in",
                intermediate,
                tasks=(*intermediate.spec.tasks, self._text(intermediate)),
                sampling=(intermediate.spec.sampling or Sampling()).model_copy(update={"added": {MLM: self.mlm_rate}}),
            )
            for intermediate in self.intermediates
        ]

    def translate_intermediate(self) -> list[Baseline]:
        """Each intermediate task in English and in translations."""
        name = "translate-train of the intermediate task"
        return [
            self._changed(name, one, tasks=tuple(self._translated(made_by(one), task) for task in one.spec.tasks))
            for one in self.intermediates
        ]

    def translate_target(self) -> list[Baseline]:
        """No intermediate task, and the target's training data in English and in translations."""
        languages = (ENGLISH, *self.languages)
        return [Baseline("translate-train of the target task", self.planner, NONE, languages=languages)]

    def multi_task(self) -> list[Baseline]:
        """All intermediate tasks of `--from` trained together."""
        tasks = {task.name: task for intermediate in self.intermediates for task in intermediate.spec.tasks}
        first, every = self.intermediates[0], tuple(tasks.values())
        return [self._changed("multi-task", first, matched=False, tasks=every, sampling=Sampling())]

    def longer_target(self) -> list[Baseline]:
        """No intermediate task, and the target trained as long as both phases: is it the task, or the time?"""
        return [Baseline("longer target", self.planner, NONE, longer=True)]

    def untrained(self) -> list[Baseline]:
        """The first intermediate run's adapter as it was before training: is it what it knows, or that it is there?"""
        intermediate = self.intermediates[0]
        untrained = made_by(intermediate).settings.model_copy(update={"max_steps": 0})
        return [self._changed("untrained adapter", intermediate, matched=False, settings=untrained)]

    def knn(self) -> list[Baseline]:
        """The nearest of the target's training rows, by vectors of the backbone as it is."""
        return [self._frozen("knn")]

    def logreg(self) -> list[Baseline]:
        """Logistic regression on the same vectors."""
        return [self._frozen("logreg")]

    def prompt(self) -> list[Baseline]:
        """A decoder that is asked without training, with the templates that the field has."""
        assert self.model is not None
        name = Path(self.model.path).name if Path(self.model.path).is_dir() else self.model.name
        return [Baseline(f"prompt {name}", self.planner, NONE, rival=PROMPT, model=self.model)]

    def _frozen(self, name: str) -> Baseline:
        return Baseline(CLASSIFIERS[name].title, self.planner, NONE, rival=name)

    def _changed(self, name: str, intermediate: Training, *, matched: bool = True, **changed: Any) -> Baseline:
        """The intermediate run of `--from` with something changed, as long as it if that is wanted."""
        needs: Intermediates = ()
        if matched and self.match != "none":
            needs = (intermediate,)
            changed["budget"] = Budget(unit=self.match, of=(intermediate.key,))
        stage: Training = Stage(made_by(intermediate).model_copy(update=changed), needs)
        return Baseline(name, self.planner, self.composition, (stage,))

    def _text(self, intermediate: Training) -> TaskSpec:
        """Masked language modelling on English and the other languages, of each as many documents as rows at most."""
        data = made_by(intermediate).tasks[0].data
        size = data.max_examples
        if size is None and intermediate.run is not None:
            size = intermediate.run.metrics["train_examples"]
        elif size is None and data.source != "hub":  # of which nothing is downloaded to plan
            size = self._rows(data)
        return self._planned(made_by(intermediate), MLM, (ENGLISH, *self.languages), size=size)

    def _rows(self, data: TrainingData) -> int:
        """How many English rows there are to train on."""
        source, task = self.planner.setup.source, self.planner.setup.catalogue.recipe(data.task)

        def find() -> int:
            return len(source.load(task, "train", ENGLISH, BadRows(skip=data.skip_bad_rows)))

        told = ("rows", source.fingerprint(task, "train", ENGLISH), str(data.skip_bad_rows))
        return int(Memory.of_user().recall(*told, find=find))

    def _translated(self, spec: TrainSpec, task: TaskSpec) -> TaskSpec:
        size = spec.tasks[0].data.max_examples
        translated = self._planned(spec, task.name, (ENGLISH, *self.languages), size=size)
        return task.model_copy(update={"data": translated.data})

    def _planned(self, spec: TrainSpec, task: str, languages: tuple[str, ...], *, size: int | None) -> TaskSpec:
        planner = replace(
            self.planner, max_train_examples=size, skip_bad_rows=spec.tasks[0].data.skip_bad_rows, settings={}
        )
        recipe = self.planner.setup.catalogue.recipe(task)
        return plan_training(planner, [recipe], "train-intermediate", languages={task: languages}).spec.only


_BASELINES: dict[str, Callable[[Baselines], list[Baseline]]] = {
    FULL: Baselines.full,
    "mlm": Baselines.mlm,
    "mlm-mixed": Baselines.mlm_mixed,
    "translate-intermediate": Baselines.translate_intermediate,
    "translate-target": Baselines.translate_target,
    "multi-task": Baselines.multi_task,
    "longer-target": Baselines.longer_target,
    "untrained": Baselines.untrained,
    "knn": Baselines.knn,
    "logreg": Baselines.logreg,
    PROMPT: Baselines.prompt,
}


def chosen_names(
    options: TransferOptions,
    intermediates: Intermediates,
    targets: Sequence[Recipe],
    *,
    source: Source | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> list[str]:
    """The baselines that were asked for; `all` has those that there can be for these intermediate runs and targets.

    Args:
        source: Where the targets' rows come from.
        note: Told what `all` does not have of what needs no intermediate task, or translations.

    Raises:
        UsageError: One is unknown, or cannot be had with the other options.
    """
    given = list(options.compare or ())
    if options.match != "none" and not intermediates:
        raise UsageError("--match needs an intermediate task to be as long as.", remedy="Name one in --from.")
    if options.prompt_model is not None and not {PROMPT, ALL} & set(given):
        raise UsageError("--prompt-model has no meaning without --compare prompt.", remedy="Add it, or leave it out.")
    if not given:
        for flag, value in (("--compare-languages", options.compare_languages), ("--mlm-rate", options.mlm_rate)):
            if value is not None:
                raise UsageError(f"{flag} has no meaning without --compare.", remedy="Add it, or leave it out.")
        return []
    for name in given:
        if name not in _BASELINES and name != ALL:
            raise unknown("baseline", name, [*_BASELINES, ALL])
    for code in options.compare_languages or ():
        if code not in LANGUAGES:
            raise unknown("language", code, LANGUAGES)
    if not intermediates and (needing := [name for name in given if name not in RIVALS]):
        raise UsageError(f"--compare {needing[0]} needs an intermediate task to compare.", remedy="Name one in --from.")
    untranslated = {name: translations_lack(name, intermediates, targets, source) for name in TRANSLATED}
    lacking = {
        name: apart(name, options)
        or rival_lacks(name, targets, source)
        or untranslated.get(name)
        or lacks(
            name,
            tasks=len(intermediates),
            adapters=all(METHODS.get(one.spec.method.name).adds_adapter for one in intermediates),
            trained=any(target.build_kind().trained for target in targets),
        )
        for name in _BASELINES
    }
    for name in given:
        if what := lacking.get(name):
            raise UsageError(f"--compare {name} {what[0]}.", remedy=what[1])
    for name in (*RIVALS, *(TRANSLATED if intermediates else ())) if ALL in given else ():
        if what := lacking[name] if name in RIVALS else untranslated[name]:
            note(f"--compare {ALL} without {name}: it {what[0]}")
    chosen = [name for name in _BASELINES if name in given or (ALL in given and not lacking[name])]
    _check_options(options, chosen, intermediates)
    return chosen


def lacks(name: str, *, tasks: int, adapters: bool, trained: bool) -> Lack | None:
    """What a baseline needs that is not there, and what to do then.

    Args:
        tasks: How many intermediate runs there are.
        adapters: Whether all of them are adapters.
        trained: Whether a target is trained for.
    """
    of_trained = ("needs a target with training data", "Leave it out.")
    possible = {
        "multi-task": (tasks > 1, ("needs several tasks", "Name them in --from, e.g. squad,mnli.")),
        "translate-target": (trained, of_trained),
        "longer-target": (trained, of_trained),
        "untrained": (adapters, ("needs intermediate runs that are adapters", "Leave it out.")),
    }
    there, why = possible.get(name, (True, None))
    return None if there else why


def baseline_names() -> list[str]:
    """What `--compare` takes, `all` aside."""
    return list(_BASELINES)


def _check_options(options: TransferOptions, chosen: Sequence[str], intermediates: Intermediates) -> None:
    mixed = any(task.name == MLM for intermediate in intermediates for task in intermediate.spec.tasks)
    for refused, what in (
        (not options.baseline, "--compare has no meaning with --no-baseline"),
        (options.head == "reuse", "--compare has no meaning with --head reuse"),
        (FULL in chosen and options.load_in_4bit, f"--compare {FULL} has no meaning with --load-in-4bit"),
        (FULL in chosen and options.language_adapters, f"--compare {FULL} has no meaning with --language-adapters"),
        (
            "translate-target" in chosen and options.train_languages is not None,
            "--compare translate-target has no meaning with --train-languages, which is for all rows",
        ),
        ("mlm-mixed" in chosen and mixed, "--compare mlm-mixed has no meaning where --from has mlm already"),
    ):
        if refused:
            raise UsageError(f"{what}.", remedy="Leave one of the two out.")


def wants_translations(options: TransferOptions) -> bool:
    """Whether a baseline may be trained on translations."""
    return bool({"translate-intermediate", "translate-target", ALL} & set(options.compare or ()))


def check_intermediates(planner: Planner, intermediates: Intermediates, names: Sequence[str]) -> None:
    """Refuses intermediate runs whose training data are not the command's, since baselines are trained on the same.

    Args:
        names: Of the baselines.

    Raises:
        UsageError: See above.
    """
    for intermediate in intermediates:
        made_by(intermediate)
        if FULL in names and intermediate.spec.method == _FULL.spec:
            raise UsageError(
                f"--compare {FULL}: {intermediate.name} is a full fine-tune already.",
                remedy="Compare with an adapter in --from; the full fine-tune is one of the baselines.",
            )
        for task in intermediate.spec.tasks:
            if task.data.translations:
                raise UsageError(
                    f"--compare: {intermediate.name} was trained on translations already.",
                    remedy="Compare with a run that was trained in English.",
                )
            recipe = planner.setup.catalogue.recipe(task.name)
            if task.data.source != planner.setup.source.of(recipe).name or not same_rows(planner, task):
                raise UsageError(
                    f"--compare: the data of {task.name} are not those that {intermediate.name} was trained on.",
                    remedy="Use the --profile and --data-dir that it was trained with.",
                )


def other_languages(evaluated: Sequence[str]) -> tuple[str, ...]:
    """The languages other than English that are evaluated, each once."""
    return tuple(dict.fromkeys(code for code in map(context_language, evaluated) if code != ENGLISH))


def _settings_for_full(adapter: Planner, full: Planner, spec: TrainSpec) -> Optimisation:
    """Full fine-tuning's own settings, with what was set by hand for the adapter, its learning rate aside."""
    task = adapter.setup.catalogue.recipe(spec.tasks[0].name)
    without = [replace(planner, settings={}) for planner in (adapter, full)]
    usual, own = (resolve_settings(planner, task, "train-intermediate").optimisation() for planner in without)
    by_hand = {
        name: value for name, value in spec.settings if name != "learning_rate" and value != getattr(usual, name)
    }
    return own.model_copy(update=by_hand)
