"""What the intermediate task is compared with beside "none": the baselines of Phang et al. 2020 and others.

Every baseline's intermediate phase is the one of `--from` with the one change that its name says: same rows, same
settings, same seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from adapterstilts.commands.intermediate_runs import Sources
from adapterstilts.commands.options import TransferOptions
from adapterstilts.commands.translated_data import check_translated_training
from adapterstilts.errors import UsageError, unknown
from adapterstilts.languages import ENGLISH, LANGUAGES, context_language
from adapterstilts.modeling.methods import METHODS
from adapterstilts.runs.specs import Choice, MethodSpec, Sampling, TaskSpec, TrainSpec
from adapterstilts.runs.store import Run
from adapterstilts.settings import Optimisation
from adapterstilts.stages.run import Reporter, build_kind, check_training, run_training
from adapterstilts.stages.setup import Plan, plan_training, resolve_settings
from adapterstilts.tasks.catalogue import recipe
from adapterstilts.tasks.recipe import Recipe

_MLM = "mlm"
MLM_RATE = 0.1
FULL = "full"
_FULL = MethodSpec(name=FULL)


@dataclass(frozen=True)
class Way:
    """One more way of reaching a target.

    Attributes:
        name: What is different about it.
        plan: With the method of its target phase.
        composition: How its intermediate run enters.
        intermediate: The spec of that run, if there is one.
        languages: Languages of the target phase's training data, where they are not those of the other rows.
        sources: The intermediate run, once it is there.
    """

    name: str
    plan: Plan
    composition: Choice
    intermediate: TrainSpec | None = None
    languages: tuple[str, ...] | None = None
    sources: Sources = ()

    def trained(self, reporter: Reporter) -> Way:
        """The same with its intermediate run, which is trained or found."""
        if self.intermediate is None:
            return self
        return replace(self, sources=(run_training(self.plan, self.intermediate, (), reporter),))


@dataclass(frozen=True)
class Comparison:
    """The baselines of one command.

    Attributes:
        sources: The single intermediate runs of `--from`.
        languages: Other languages than English that text and translations are wanted in.
        composition: How intermediate runs of the plan's method enter.
    """

    plan: Plan
    options: TransferOptions
    sources: Sequence[Run]
    languages: tuple[str, ...]
    composition: Choice

    def ways(self, names: Sequence[str]) -> list[Way]:
        """The baselines of these names, with nothing trained yet.

        Raises:
            DataError, CompatibilityError: An intermediate run that they need could not be trained.
        """
        found = [way for name in names for way in _WAYS[name](self)]
        for way in found:
            if way.intermediate is not None:
                check_training(way.plan, way.intermediate, ())
                check_translated_training(way.plan, way.intermediate)
        return found

    def full(self) -> list[Way]:
        """Every weight of the backbone, without and with each intermediate task."""
        # A learning rate that is given is the other method's.
        settings = {name: value for name, value in self.options.settings.items() if name != "learning_rate"}
        changed = {"method": FULL, "unfreeze_backbone": False, "settings": settings}
        plan = replace(self.plan, method=_FULL, options=self.options.model_copy(update=changed))
        ways = [Way(FULL, plan, Choice(name="none"))]
        for spec in map(_spec, self.sources):
            settled = _settings_for_full(self.plan, plan, spec)
            other = {"method": _FULL, "method_config": METHODS.get(FULL).resolve({}), "settings": settled}
            ways.append(Way(FULL, plan, Choice(name="continue"), spec.model_copy(update=other)))
        return ways

    def mlm(self) -> list[Way]:
        """Masked language modelling in place of the first intermediate task."""
        source = self.sources[0]
        return [self._way("MLM continuation", _spec(source), tasks=(self._text(source),), sampling=None)]

    def mlm_mixed(self) -> list[Way]:
        """Masked language modelling mixed into each intermediate task."""
        rate = self.options.mlm_rate or MLM_RATE
        return [
            self._way(
                f"{100 * rate:g}% MLM mixed in",
                spec,
                tasks=(*spec.tasks, self._text(source)),
                sampling=(spec.sampling or Sampling()).model_copy(update={"added": {_MLM: rate}}),
            )
            for source in self.sources
            for spec in (_spec(source),)
        ]

    def translate_intermediate(self) -> list[Way]:
        """Each intermediate task in English and in translations."""
        name = "translate-train of the intermediate task"
        return [
            self._way(name, spec, tasks=tuple(self._translated(spec, task) for task in spec.tasks))
            for spec in map(_spec, self.sources)
        ]

    def translate_target(self) -> list[Way]:
        """No intermediate task, and the target's training data in English and in translations."""
        languages = (ENGLISH, *self.languages)
        return [Way("translate-train of the target task", self.plan, Choice(name="none"), languages=languages)]

    def multi_task(self) -> list[Way]:
        """All intermediate tasks of `--from` trained together."""
        tasks = {task.name: task for source in self.sources for task in _spec(source).tasks}
        return [self._way("multi-task", _spec(self.sources[0]), tasks=tuple(tasks.values()), sampling=Sampling())]

    def _way(self, name: str, spec: TrainSpec, **changed: Any) -> Way:
        """The intermediate run of `--from` with something changed."""
        return Way(name, self.plan, self.composition, spec.model_copy(update=changed))

    def _text(self, source: Run) -> TaskSpec:
        """Masked language modelling on English and the other languages, of each as many documents as rows at most."""
        spec = _spec(source)
        size = spec.tasks[0].data.max_examples or source.metrics["train_examples"]
        return self._planned(spec, _MLM, (ENGLISH, *self.languages), size=size)

    def _translated(self, spec: TrainSpec, task: TaskSpec) -> TaskSpec:
        size = spec.tasks[0].data.max_examples
        translated = self._planned(spec, task.name, (ENGLISH, *self.languages), size=size)
        return task.model_copy(update={"data": translated.data})

    def _planned(self, spec: TrainSpec, task: str, languages: tuple[str, ...], *, size: int | None) -> TaskSpec:
        changed: dict[str, Any] = {
            "max_train_examples": size,
            "skip_bad_rows": spec.tasks[0].data.skip_bad_rows,
            "settings": {},
        }
        options = self.plan.options.model_copy(update=changed)
        plan = replace(self.plan, options=options)
        return plan_training(plan, [recipe(task)], "train-intermediate", languages={task: languages}).only


_WAYS: dict[str, Callable[[Comparison], list[Way]]] = {
    FULL: Comparison.full,
    "mlm": Comparison.mlm,
    "mlm-mixed": Comparison.mlm_mixed,
    "translate-intermediate": Comparison.translate_intermediate,
    "translate-target": Comparison.translate_target,
    "multi-task": Comparison.multi_task,
}
ALL = "all"


def chosen_names(options: TransferOptions, sources: Sequence[Run], targets: Sequence[Recipe]) -> list[str]:
    """The baselines that were asked for; `all` has those that there can be for these sources and targets.

    Raises:
        UsageError: One is unknown, or cannot be had with the other options.
    """
    given = list(options.compare or ())
    if not given:
        for flag, value in (("--compare-languages", options.compare_languages), ("--mlm-rate", options.mlm_rate)):
            if value is not None:
                raise UsageError(f"{flag} has no meaning without --compare.", remedy="Add it, or leave it out.")
        return []
    for name in given:
        if name not in _WAYS and name != ALL:
            raise unknown("baseline", name, [*_WAYS, ALL])
    for code in options.compare_languages or ():
        if code not in LANGUAGES:
            raise unknown("language", code, LANGUAGES)
    if not sources:
        raise UsageError("--compare needs an intermediate task to compare.", remedy="Name one in --from.")
    possible = {
        "multi-task": (len(sources) > 1, "needs several tasks", "Name them in --from, e.g. squad,mnli."),
        "translate-target": (
            all(target.build_kind().trained for target in targets),
            "needs a target with training data",
            "Evaluate targets without training in a command of their own.",
        ),
    }
    for name, (fits, why, remedy) in possible.items():
        if name in given and not fits:
            raise UsageError(f"--compare {name} {why}.", remedy=remedy)
    chosen = [name for name in _WAYS if name in given or (ALL in given and possible.get(name, (True,))[0])]
    _check_options(options, chosen, sources)
    return chosen


def _check_options(options: TransferOptions, chosen: Sequence[str], sources: Sequence[Run]) -> None:
    mixed = any(build_kind(task).own_text for source in sources for task in _spec(source).tasks)
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


def check_sources(plan: Plan, sources: Sequence[Run]) -> None:
    """Refuses sources whose training data are not those of the command, since baselines are trained on the same.

    Raises:
        UsageError: See above.
    """
    for source in sources:
        spec = _spec(source)
        if spec.method == _FULL:
            raise UsageError(
                f"--compare: {source.folder.name} is a full fine-tune already.",
                remedy="Compare with an adapter in --from; the full fine-tune is one of the baselines.",
            )
        for task in spec.tasks:
            if task.data.translations:
                raise UsageError(
                    f"--compare: {source.folder.name} was trained on translations already.",
                    remedy="Compare with a run that was trained in English.",
                )
            if task.data.source != plan.source.name or not _same_rows(plan, task):
                raise UsageError(
                    f"--compare: the data of {task.name} are not those that {source.folder.name} was trained on.",
                    remedy="Use the --profile and --data-dir that it was trained with.",
                )


def _same_rows(plan: Plan, task: TaskSpec) -> bool:
    return all(
        not plan.source.missing(recipe(task.name), split, language)
        and plan.source.fingerprint(recipe(task.name), split, language) == fingerprint
        for split, languages in task.data.fingerprints.items()
        for language, fingerprint in languages.items()
    )


def other_languages(evaluated: Sequence[str]) -> tuple[str, ...]:
    """The languages other than English that are evaluated, each once."""
    return tuple(dict.fromkeys(code for code in map(context_language, evaluated) if code != ENGLISH))


def _settings_for_full(adapter: Plan, full: Plan, spec: TrainSpec) -> Optimisation:
    """Full fine-tuning's own settings, with what was set by hand for the source, its learning rate aside."""
    task = recipe(spec.tasks[0].name)
    without = [replace(plan, options=plan.options.model_copy(update={"settings": {}})) for plan in (adapter, full)]
    usual, own = (resolve_settings(plan, task, "train-intermediate").optimisation() for plan in without)
    by_hand = {
        name: value for name, value in spec.settings if name != "learning_rate" and value != getattr(usual, name)
    }
    return own.model_copy(update=by_hand)


def _spec(run: Run) -> TrainSpec:
    assert isinstance(run.spec, TrainSpec)
    return run.spec
