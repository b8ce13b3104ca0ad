"""The basic study: one or more targets, each with and without intermediate tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from adapterstilts.commands.baselines import (
    Comparison,
    Way,
    check_sources,
    chosen_names,
    other_languages,
    wants_translations,
)
from adapterstilts.commands.intermediate_runs import Sources, check_source_names, find_sources
from adapterstilts.commands.language_adapters import (
    LanguageAdapters,
    check_language_options,
    find_language_adapters,
)
from adapterstilts.commands.options import TransferOptions
from adapterstilts.commands.results import TransferResult
from adapterstilts.commands.transfer_rows import Reached, SeedRuns, build_rows, selection_rows
from adapterstilts.commands.translated_data import (
    check_translated_test,
    check_translated_training,
    training_languages,
)
from adapterstilts.data.splits import evaluation_split
from adapterstilts.errors import UsageError, unknown
from adapterstilts.languages import ENGLISH, LANGUAGES, context_language, question_language
from adapterstilts.modeling.architecture import check_modules
from adapterstilts.modeling.composition import COMPOSITIONS
from adapterstilts.modeling.methods import METHODS
from adapterstilts.modeling.option_text import parse_choice
from adapterstilts.runs.specs import Choice, TrainSpec
from adapterstilts.runs.store import Run
from adapterstilts.stages.checks import check_evaluated_words
from adapterstilts.stages.run import Reporter, check_training, run_evaluation, run_training
from adapterstilts.stages.setup import (
    Plan,
    check_pooling,
    evaluation_kind,
    evaluation_languages,
    make_plan,
    plan_evaluation,
    plan_training,
)
from adapterstilts.tasks.catalogue import recipe_for_phase, training_recipes
from adapterstilts.tasks.recipe import Recipe

_CONTINUE = Choice(name="continue")
_PUBLISHED_FUSION = Choice(name="fuse", options={"target": "two-step"})


def run_transfer(
    sources: Sequence[str], targets: Sequence[str], options: TransferOptions, reporter: Reporter
) -> TransferResult:
    """Trains and evaluates every target from every source; see `adapterstilts.transfer`."""
    tasks = [recipe_for_phase(name, "target") for name in _distinct(targets, "target")]
    names = _distinct(sources, "source")
    check_source_names(names)
    for name in options.languages or ():
        for code in (context_language(name), question_language(name)):
            if code not in LANGUAGES:
                raise unknown("language", code, LANGUAGES)
    composition = _composition(options)
    _check_used(options, tasks)
    check_language_options(options)
    for flag, given in (("--train-languages", options.train_languages), ("--translate-test", options.translate_test)):
        if given and options.language_adapters:
            raise UsageError(
                f"{flag} and --language-adapters do not go together: translated text is read over the adapter of "
                "another language.",
                remedy="Leave one of them out.",
            )
    if options.language_adapters and composition == _PUBLISHED_FUSION:
        raise UsageError(
            f"--composition {composition}: the target's own adapter cannot be fused from above a language adapter.",
            remedy="Use fuse or fuse[target=one-step], or leave out --language-adapters.",
        )
    translated = None if wants_translations(options) and not options.train_languages else options.translations
    trained_in = training_languages(options.train_languages, translated, flag="--train-languages")
    plan = make_plan(options, translations=options.translations, translate_test=options.translate_test)
    composition = composition or Choice(name=METHODS.get(plan.method.name).compositions[0])
    together = COMPOSITIONS.get(composition.name).many
    rows = find_sources(plan, names, together=together, baseline=options.baseline)
    _check_rows(options, tasks, rows)
    ways = _ways(plan, options, tasks, rows, composition)
    adapters = None
    if options.language_adapters:
        languages = [name for task in tasks for name in evaluation_languages(plan.source, task, options)]
        adapters = find_language_adapters(plan, options, languages)
    study = _Study(plan, options, composition, adapters, reporter, trained_in)
    for task in tasks:
        study.check(task, rows)
        for way in ways:
            if way.intermediate is None:
                study.on(way).check(task, [()])
    ways = [way.trained(reporter) for way in ways]
    for task in tasks:
        for way in ways:
            study.on(way).check(task, [way.sources])
    result = TransferResult()
    for task in tasks:
        reached = [study.reach(task, row) for row in rows]
        compared = [replace(study.on(way).reach(task, way.sources), way=way) for way in ways]
        found = build_rows([*reached, *compared], adapters)
        own = found[: len(rows)]
        result.rows.extend([*own, *(selection_rows(own) if options.select else []), *found[len(rows) :]])
    return result


def _ways(
    plan: Plan, options: TransferOptions, tasks: Sequence[Recipe], rows: Sequence[Sources], composition: Choice
) -> list[Way]:
    """The baselines that were asked for, planned and checked, with nothing trained yet."""
    sources = [source for row in rows for source in row]
    names = chosen_names(options, sources, tasks)
    if not names:
        return []
    if any(len(row) > 1 for row in rows):
        raise UsageError(
            f"--compare has no meaning with --composition {options.composition}.", remedy="Leave one of them out."
        )
    check_sources(plan, sources)
    evaluated = [name for task in tasks for name in evaluation_languages(plan.source, task, options)]
    wanted = options.compare_languages or other_languages(evaluated)
    return Comparison(plan, options, sources, wanted, composition).ways(names)


def _composition(options: TransferOptions) -> Choice | None:
    """The composition that was asked for, if one was."""
    if options.composition is None:
        return None
    choice = parse_choice(options.composition, flag="--composition")
    COMPOSITIONS.get(choice.name)
    return choice


def _check_used(options: TransferOptions, tasks: Sequence[Recipe]) -> None:
    """Refuses options that say nothing about some of the targets or about any of them."""
    check_pooling(options, tasks)
    given = [name for name in ("preset", "layer", "margin") if getattr(options, name) is not None]
    untrained = [task.name for task in tasks if not task.build_kind().trained]
    if given and not untrained:
        raise UsageError(
            f"--{given[0]} has no meaning for {', '.join(task.name for task in tasks)}.",
            remedy="It is for bucc2018 and tatoeba, which are evaluated without training.",
        )
    for flag, used, lacking in (
        ("--select", options.select, "English validation score to select by"),
        (f"--seeds {options.seeds}", options.seeds > 1, "training to repeat"),
        ("--language-adapters", options.language_adapters, "training over the English one"),
        ("--train-languages", bool(options.train_languages), "training data to translate"),
    ):
        if used and untrained:
            raise UsageError(
                f"{flag}: {', '.join(untrained)} is evaluated without training, so there is no {lacking}.",
                remedy="Evaluate it in a command of its own, without this option.",
            )


def _check_rows(options: TransferOptions, tasks: Sequence[Recipe], rows: Sequence[Sources]) -> None:
    """Refuses what the number of rows, or of sources in one, makes impossible."""
    if options.select and len(rows) < 2:
        raise UsageError(
            "--select has only one row to choose from.", remedy="Name more sources in --from, or leave it out."
        )
    untrained = [task.name for task in tasks if not task.build_kind().trained]
    if untrained and any(len(row) > 1 for row in rows):
        raise UsageError(
            f"--composition {options.composition}: {', '.join(untrained)} is evaluated without training, so several "
            "intermediate runs cannot become one model for it.",
            remedy="Evaluate it in a command of its own, without --composition.",
        )


@dataclass(frozen=True)
class _Study:
    """What all rows of one command share."""

    plan: Plan
    options: TransferOptions
    composition: Choice
    adapters: LanguageAdapters | None
    reporter: Reporter
    languages: tuple[str, ...] = (ENGLISH,)

    def on(self, way: Way) -> _Study:
        """The same in another way."""
        options = way.plan.options
        assert isinstance(options, TransferOptions)
        return replace(
            self, plan=way.plan, options=options, composition=way.composition, languages=way.languages or self.languages
        )

    @property
    def plans(self) -> list[Plan]:
        """The plan with each of the seeds."""
        first = self.plan.profile.seed if self.options.seed is None else self.options.seed
        return [
            replace(self.plan, options=self.options.model_copy(update={"seed": first + number}))
            for number in range(self.options.seeds)
        ]

    def check(self, task: Recipe, rows: Sequence[Sources]) -> None:
        """Finds what would stop this target, before anything is trained for it or for another."""
        plan = self.plans[0]
        evaluation_kind(plan, task, self.options)
        languages = evaluation_languages(plan.source, task, self.options)
        check_modules(plan.config, languages, name=plan.backbone.name)
        split = evaluation_split(plan.source, task, languages, self.options.split)
        check_evaluated_words(plan, task, split, languages, note=self.reporter.note)
        for sources in rows:
            if phases := training_recipes(task, plan.source.name):
                spec = self._first_phase(plan, phases[0], sources)
                check_training(plan, spec, sources, language_adapter=self._english)
                later = [
                    plan_training(plan, [phase], "train-target", languages={phase.name: self.languages})
                    for phase in phases[1:]
                ]
                for one in (spec, *later):
                    check_translated_training(plan, one)
        check_translated_test(plan, task, split, languages)

    def reach(self, task: Recipe, sources: Sources) -> Reached:
        """Target phase and evaluation from some sources, with every seed."""
        return Reached(sources, tuple(self._with_seed(plan, task, sources) for plan in self.plans))

    def _with_seed(self, plan: Plan, task: Recipe, sources: Sources) -> SeedRuns:
        """One seed; with several data sets to train on, each phase goes on from the one before."""
        targets: list[Run] = []
        before: Sources = ()
        for trained in training_recipes(task, plan.source.name):
            if targets:
                inputs: Sources = (targets[-1],)
                spec = self._plan(plan, trained, inputs, composition=_CONTINUE, head="reuse")
            else:
                inputs = (*sources, *(before := self._trained_before(plan, trained, sources)))
                spec = self._first_phase(plan, trained, inputs)
            targets.append(run_training(plan, spec, inputs, self.reporter, language_adapter=self._english))
        model = targets[-1] if targets else next(iter(sources), None)
        return SeedRuns(tuple(targets), self._evaluate(plan, task, model), before)

    def _trained_before(self, plan: Plan, trained: Recipe, sources: Sources) -> Sources:
        """The target's own adapter, which published AdapterFusion has among those that it fuses."""
        if not sources or self.composition != _PUBLISHED_FUSION:
            return ()
        spec = self._plan(plan, trained)
        return (run_training(plan, spec, (), self.reporter, language_adapter=self._english),)

    def _first_phase(self, plan: Plan, trained: Recipe, sources: Sources) -> TrainSpec:
        """The target phase of one row."""
        if not sources:
            return self._plan(plan, trained)
        return self._plan(plan, trained, sources, composition=self.composition, head=self.options.head)

    def _plan(self, plan: Plan, trained: Recipe, inputs: Sources = (), **phase: Any) -> TrainSpec:
        """The spec of a target phase, over the English language adapter if language adapters are wanted."""
        english, drop = self._english, self.adapters.drop if self.adapters else 0
        languages = {trained.name: self.languages}
        spec = plan_training(
            plan, [trained], "train-target", inputs=inputs, languages=languages, language_adapter=english, **phase
        )
        return spec.model_copy(update={"language_adapter_drop": drop})

    @property
    def _english(self) -> Run | None:
        """The language adapter to train over, if one is wanted."""
        return self.adapters.english if self.adapters else None

    def _evaluate(self, plan: Plan, task: Recipe, model: Run | None) -> Run:
        """Scores a model in every language, with that language's adapter if language adapters are wanted."""
        swapped: dict[str, Run | None] = {}
        if self.adapters:
            swapped = {name: self.adapters.of(name) for name in evaluation_languages(plan.source, task, self.options)}
        spec = plan_evaluation(plan, task, model, self.options, language_adapters=swapped)
        return run_evaluation(plan, spec, model, self.reporter, language_adapters=swapped)


def _distinct(names: Sequence[str], what: str) -> list[str]:
    if not names:
        raise UsageError(f"No {what} is given.", remedy="Name at least one.")
    if repeated := [name for name in names if list(names).count(name) > 1]:
        raise UsageError(f"The {what} {repeated[0]!r} is given twice.", remedy="Give each once.")
    return list(names)
