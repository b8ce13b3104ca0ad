"""What the intermediate task is compared with beside "none": the baselines of Phang et al. 2020 and others.

Every baseline's intermediate phase is the one of `--from` with the one change that its name says: same rows, same
settings, same seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from adapterstilts.errors import UsageError, unknown
from adapterstilts.languages import context_language
from adapterstilts.modeling.methods import METHODS
from adapterstilts.options import TransferOptions
from adapterstilts.planning import ENGLISH, Plan, plan_training, resolve_settings
from adapterstilts.specs import Choice, MethodSpec, Optimisation, Sampling, TaskSpec, TrainSpec
from adapterstilts.stages import Reporter, run_training
from adapterstilts.store import Run
from adapterstilts.studies.sources import Sources
from adapterstilts.tasks.catalogue import recipe

_MLM = "mlm"
FULL = "full"
_FULL = MethodSpec(name=FULL)


@dataclass(frozen=True)
class Way:
    """One more way of reaching a target.

    Attributes:
        name: What is different about it.
        plan: With the method of its target phase.
        sources: The intermediate runs that it starts from.
        composition: How they enter.
        languages: Languages of the target phase's training data.
    """

    name: str
    plan: Plan
    sources: Sources
    composition: Choice
    languages: tuple[str, ...] = (ENGLISH,)


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
    reporter: Reporter

    def ways(self) -> list[Way]:
        """The baselines that were asked for; the intermediate runs that they need are trained, or found."""
        return [way for name in names(self.options, self.sources) for way in _WAYS[name](self)]

    def full(self) -> list[Way]:
        """Every weight of the backbone, without and with each intermediate task."""
        options = self.options.model_copy(update={"method": FULL, "unfreeze_backbone": False})
        plan = replace(self.plan, method=_FULL, options=options)
        ways = [Way(FULL, plan, (), Choice(name="none"))]
        for source in self.sources:
            spec = _spec(source)
            changed = {
                "method": _FULL,
                "method_config": METHODS.get(FULL).resolve({}),
                "settings": _settings_for_full(self.plan, plan, spec),
            }
            ways.append(Way(FULL, plan, (self._run(spec, changed, plan),), Choice(name="continue")))
        return ways

    def mlm(self) -> list[Way]:
        """Masked language modelling in place of the first intermediate task."""
        spec = _spec(self.sources[0])
        changed: dict[str, Any] = {"tasks": (self._text(spec),), "sampling": None}
        return [Way("MLM continuation", self.plan, (self._run(spec, changed, self.plan),), self.composition)]

    def mlm_mixed(self) -> list[Way]:
        """Masked language modelling mixed into each intermediate task."""
        rate = self.options.mlm_rate
        return self._changed(
            f"{100 * rate:g}% MLM mixed in",
            lambda spec: {
                "tasks": (*spec.tasks, self._text(spec)),
                "sampling": (spec.sampling or Sampling()).model_copy(update={"added": {_MLM: rate}}),
            },
        )

    def translate_intermediate(self) -> list[Way]:
        """Each intermediate task in English and in translations."""
        return self._changed(
            "translate-train of the intermediate task",
            lambda spec: {"tasks": tuple(self._translated(spec, task) for task in spec.tasks)},
        )

    def translate_target(self) -> list[Way]:
        """No intermediate task, and the target's training data in English and in translations."""
        languages = (ENGLISH, *self.languages)
        return [Way("translate-train of the target task", self.plan, (), Choice(name="none"), languages)]

    def multi_task(self) -> list[Way]:
        """All intermediate tasks of `--from` trained together."""
        first = _spec(self.sources[0])
        tasks = {task.name: task for source in self.sources for task in _spec(source).tasks}
        changed: dict[str, Any] = {"tasks": tuple(tasks.values()), "sampling": Sampling()}
        return [Way("multi-task", self.plan, (self._run(first, changed, self.plan),), self.composition)]

    def _changed(self, name: str, change: Callable[[TrainSpec], dict[str, Any]]) -> list[Way]:
        return [
            Way(name, self.plan, (self._run(spec, change(spec), self.plan),), self.composition)
            for spec in map(_spec, self.sources)
        ]

    def _run(self, spec: TrainSpec, changed: dict[str, Any], plan: Plan) -> Run:
        """The intermediate run of `--from` with something changed."""
        return run_training(plan, spec.model_copy(update=changed), (), self.reporter)

    def _text(self, spec: TrainSpec) -> TaskSpec:
        """Masked language modelling on English and the other languages, with as many documents as the source's rows."""
        return self._planned(spec, _MLM, (ENGLISH, *self.languages))

    def _translated(self, spec: TrainSpec, task: TaskSpec) -> TaskSpec:
        translated = self._planned(spec, task.name, (ENGLISH, *self.languages))
        return task.model_copy(update={"data": translated.data})

    def _planned(self, spec: TrainSpec, task: str, languages: tuple[str, ...]) -> TaskSpec:
        data = spec.tasks[0].data
        options = self.plan.options.model_copy(
            update={"max_train_examples": data.max_examples, "skip_bad_rows": data.skip_bad_rows, "settings": {}}
        )
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


def names(options: TransferOptions, sources: Sequence[Run]) -> list[str]:
    """The baselines that were asked for; `all` has multi-task training where there are several sources.

    Raises:
        UsageError: One is unknown, or cannot be had with the other options.
    """
    given = list(options.compare or ())
    for name in given:
        if name not in _WAYS and name != ALL:
            raise unknown("baseline", name, [*_WAYS, ALL])
    if not given:
        return []
    if not sources:
        raise UsageError("--compare needs an intermediate task to compare.", remedy="Name one in --from.")
    several = len(sources) > 1
    chosen = [name for name in _WAYS if name in given or (ALL in given and (name != "multi-task" or several))]
    if "multi-task" in chosen and not several:
        raise UsageError("--compare multi-task needs several tasks.", remedy="Name them in --from, e.g. squad,mnli.")
    if FULL in chosen and (options.load_in_4bit or options.language_adapters):
        flag = "--load-in-4bit" if options.load_in_4bit else "--language-adapters"
        raise UsageError(f"--compare full has no meaning with {flag}.", remedy="Leave one of them out.")
    return chosen


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
        if (origin := spec.tasks[0].data.source) != plan.source.name:
            raise UsageError(
                f"--compare: {source.folder.name} was trained on data from {origin}, not from {plan.source.name}.",
                remedy="Use the --profile and --data-dir that it was trained with.",
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
