"""The target phase of a transfer: the stages that reach a target from an intermediate run, with every seed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any, Literal

from adapterstilts.commands.models.intermediate_runs import Intermediates, label
from adapterstilts.commands.models.language_adapters import LanguageAdapters
from adapterstilts.commands.table.baselines import FULL, Baseline, Match
from adapterstilts.commands.table.repetitions import ONCE, Seeds, repetition
from adapterstilts.commands.table.rivals import plan_prompting
from adapterstilts.commands.table.row_names import RowName, composition_name
from adapterstilts.commands.table.rows import SeedRuns, TargetRuns
from adapterstilts.languages import ENGLISH
from adapterstilts.modeling.backbone import Backbone
from adapterstilts.runs.specs import Choice
from adapterstilts.runs.store import Run
from adapterstilts.stages.answering.classifiers import frozen_classifier
from adapterstilts.stages.evaluation_spec import Scored, evaluation_languages, plan_evaluation
from adapterstilts.stages.graph import Evaluation, Stage, Training, made_by
from adapterstilts.stages.planner import Planner
from adapterstilts.stages.setup import Setup
from adapterstilts.stages.training.run_means import plan_mean
from adapterstilts.stages.training_spec import NONE, Start, plan_training
from adapterstilts.tasks.recipe import Recipe

PUBLISHED_FUSION = Choice(name="fuse", options={"target": "two-step"})


@dataclass(frozen=True)
class SeedStages:
    """One seed: the stages of its target phase (none where nothing is trained), and the evaluation of the last.

    Attributes:
        intermediates: The intermediate stages that it starts from.
        before: Stages on the target's data that the first of these starts from.
        setup: What they are made with, where that is not what the command is run with.
    """

    targets: tuple[Training, ...]
    evaluation: Evaluation
    intermediates: Intermediates = ()
    before: Intermediates = ()
    setup: Setup | None = None


@dataclass(frozen=True)
class TargetStages:
    """The stages that reach a target one way, with one seed or several.

    Attributes:
        mean_of: The row of whose seeds' models its only one is the mean.
    """

    seeds: tuple[SeedStages, ...]
    baseline: Baseline | None = None
    mean_of: TargetStages | None = None

    @property
    def variant(self) -> str | None:
        """What is different about it."""
        if self.mean_of:
            return f"mean weights of {len(self.mean_of.seeds)} seeds"
        return self.baseline.name if self.baseline else None

    @property
    def name(self) -> RowName:
        """What its row will be called."""
        first = (self.mean_of or self).seeds[0]
        trained = first.targets[0].spec if first.targets else None
        rival = first.evaluation.spec.rival
        return RowName(
            intermediate=label(first.intermediates),
            runs=len(first.intermediates),
            composition=composition_name(trained, [one.spec for one in first.intermediates]) if trained else None,
            variant=self.variant,
            alone=rival is not None,
            train_languages=trained.only.data.languages if trained else rival.languages if rival else (),
            translate_test=bool(first.evaluation.spec.translate_test),
        )

    def read(self, finished: Callable[[Stage[Any]], Run]) -> TargetRuns:
        """The runs of the stages, once they are there."""
        return TargetRuns(
            seeds=tuple(
                SeedRuns(
                    targets=tuple(map(finished, seed.targets)),
                    evaluation=finished(seed.evaluation),
                    intermediates=tuple(map(finished, seed.intermediates)),
                    before=tuple(map(finished, seed.before)),
                    languages=seed.evaluation.spec.languages,
                )
                for seed in self.seeds
            ),
            variant=self.variant,
            mean_of=self.mean_of.read(finished) if self.mean_of else None,
            full=self.baseline is not None and self.baseline.name == FULL,
        )


@dataclass(frozen=True)
class Target:
    """What all ways of reaching a target share.

    Attributes:
        seeds: How many, of the target phase from the planner's upwards, of each intermediate stage from its own.
        languages: Languages of the training data.
        match: In what a target phase without an intermediate one is as long as both phases of another row.
    """

    planner: Planner
    scored: Scored
    composition: Choice
    head: Literal["new", "reuse"] = "new"
    seeds: Seeds = ONCE
    languages: tuple[str, ...] = (ENGLISH,)
    adapters: LanguageAdapters | None = None
    match: Match = "none"

    @property
    def averages(self) -> bool:
        """Whether its seeds begin alike, so that each row of `--from` has the mean of its own beside it."""
        return self.planner.first_weights is not None

    def of(self, baseline: Baseline, *, within: Collection[str] | None = None) -> Target:
        """The same for a baseline.

        Args:
            within: The languages of which its training data are to be in some, beside English; None where it has
                those that were asked for.
        """
        own = baseline.languages
        if own and within is not None:
            own = tuple(code for code in own if code == ENGLISH or code in within)
        return replace(
            self, planner=baseline.planner, composition=baseline.composition, languages=own or self.languages
        )

    def stages(
        self,
        task: Recipe,
        intermediates: Intermediates,
        *,
        baseline: Baseline | None = None,
        beside: TargetStages | None = None,
    ) -> TargetStages:
        """Plans target phase and evaluation from some intermediate stages, with every seed.

        Args:
            beside: The row with both phases that one without an intermediate phase is as long as, if that is wanted.
        """
        if baseline and baseline.rival:
            return TargetStages((self._rival(task, baseline.rival, baseline.model),), baseline)
        longer = beside if not intermediates and (self.match != "none" or (baseline and baseline.longer)) else None
        # Without a target phase, the intermediate runs alone make a target's models.
        repeated = self.seeds.intermediate if intermediates else 1
        found = []
        for number in range(self.seeds.target if self._trained_on(task) else repeated):
            planner = replace(self.planner, seed=self.planner.seed + number)
            of_seed = number if repeated > 1 else 0
            repeated_ones = tuple(repetition(one, of_seed) for one in intermediates)
            both = longer.seeds[number] if longer and longer.seeds[number].targets else None
            found.append(self._with_seed(planner, task, repeated_ones, both))
        return TargetStages(tuple(found), baseline)

    def mean(self, task: Recipe, row: TargetStages) -> TargetStages:
        """Plans the mean of the models of a row's seeds, and its evaluation."""
        stage = plan_mean([seed.targets[-1] for seed in row.seeds])
        before = tuple(one for seed in row.seeds for one in (*seed.before, *seed.targets))
        evaluation = self._evaluate(self.planner, task, stage)
        return TargetStages((SeedStages((stage,), evaluation, row.seeds[0].intermediates, before),), mean_of=row)

    def _rival(self, task: Recipe, name: str, model: Backbone | None) -> SeedStages:
        """What answers in place of a model that is trained on the same rows, whose seeds decide nothing of it."""
        if model is not None:
            evaluation = plan_prompting(self.planner, task, self.scored, model)
            return SeedStages((), evaluation, setup=replace(self.planner.setup, backbone=model))
        stages = [self._train(self.planner, trained, Start(NONE)) for trained in self._trained_on(task)]
        rival = frozen_classifier(name, [made_by(one) for one in stages])
        return SeedStages((), plan_evaluation(self.planner, task, None, self.scored, rival=rival))

    def _trained_on(self, task: Recipe) -> tuple[Recipe, ...]:
        setup = self.planner.setup
        return setup.catalogue.training_recipes(task, setup.source.of(task).name)

    def _with_seed(
        self, planner: Planner, task: Recipe, intermediates: Intermediates, both: SeedStages | None
    ) -> SeedStages:
        """One seed; with several data sets to train on, each phase goes on from the one before.

        Args:
            both: The stages of another row that the first of these phases is as long as.
        """
        targets: list[Training] = []
        before: Intermediates = ()
        for trained in self._trained_on(task):
            if targets:
                start = Start(Choice(name="continue"), (targets[-1],), "reuse")
            elif intermediates:
                before = self._own_adapter(planner, trained, intermediates)
                start = Start(self.composition, (*intermediates, *before), self.head)
            elif both:
                as_long_as = (*both.intermediates, both.targets[0])
                start = Start(NONE, as_long_as=as_long_as, match="compute" if self.match == "compute" else "steps")
            else:
                start = Start(NONE)
            targets.append(self._train(planner, trained, start))
        model = targets[-1] if targets else next(iter(intermediates), None)
        return SeedStages(tuple(targets), self._evaluate(planner, task, model), intermediates, before)

    def _own_adapter(self, planner: Planner, trained: Recipe, intermediates: Intermediates) -> Intermediates:
        """The target's own adapter, which published AdapterFusion has among those that it fuses."""
        if self.composition != PUBLISHED_FUSION:
            return ()
        return (self._train(planner, trained, Start(NONE)),)

    def _train(self, planner: Planner, trained: Recipe, start: Start) -> Training:
        """A target phase, over the English language adapter if language adapters are wanted."""
        if self.adapters:
            start = replace(start, language=self.adapters.english, drop=self.adapters.drop)
        languages = {trained.name: self.languages}
        return plan_training(planner, [trained], "train-target", start=start, languages=languages)

    def _evaluate(self, planner: Planner, task: Recipe, model: Training | None) -> Evaluation:
        """Scores a model in every language, with that language's adapter if language adapters are wanted."""
        if self.adapters is None:
            return plan_evaluation(planner, task, model, self.scored)
        names = evaluation_languages(planner.setup.source, task, self.scored)
        return plan_evaluation(
            planner,
            task,
            model,
            self.scored,
            language_adapters=self.adapters.alone(names),
            language_sums=self.adapters.summed(names),
        )
