"""What `--from` asks for: the intermediate runs of each row of a transfer."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from adapterstilts.commands.damaged import stage_of
from adapterstilts.commands.models.shared import SharedModels, same_tasks, shared_from
from adapterstilts.commands.options import ALL
from adapterstilts.commands.table.repetitions import originals, same_rows
from adapterstilts.errors import AstiltsError, UsageError
from adapterstilts.languages import ENGLISH
from adapterstilts.printable import counted
from adapterstilts.runs.specs import ModelSpec, Sampling, SharedSpec, TaskSpec, key
from adapterstilts.runs.store import Run
from adapterstilts.sharing.references import Reference, TaskReference, is_reference, parse_reference
from adapterstilts.stages.graph import Training, finished, made_by
from adapterstilts.stages.planner import Planner
from adapterstilts.stages.training_spec import plan_training
from adapterstilts.tasks.catalogue import MLM, Catalogue

NONE = "none"
# Between the names of tasks that were trained together.
_AND = "+"

Intermediates = tuple[Training, ...]
"""The intermediate stages that one row starts from: none, one, or several that are composed into one model."""


def check_names(names: Sequence[str], catalogue: Catalogue) -> None:
    """Refuses what `IntermediateRuns` could never find, without looking for runs.

    Raises:
        UsageError: A task is unknown or given twice, or a key is empty.
    """
    for text in names:
        if is_reference(text):
            parse_reference(text, flag="--from")
            continue
        task, at, key = text.partition("@")
        tasks = task.split(_AND)
        for one in tasks if text not in (NONE, ALL) else ():
            catalogue.recipe_for_phase(one, "intermediate")
        if repeated := [one for one in tasks if tasks.count(one) > 1]:
            raise UsageError(f"--from {text}: the task {repeated[0]!r} is given twice.", remedy="Give each once.")
        if at and not key:
            raise UsageError(f"--from {text} has no key.", remedy="Write TASK@KEY; `astilts runs` lists the keys.")


def label(intermediates: Intermediates) -> str:
    """How the intermediate runs of a row are written in results."""
    return " + ".join(map(run_label, intermediates)) if intermediates else NONE


def run_label(stage: Training) -> str:
    """How one of them is written, in results and in `--from`."""
    return f"{stage.spec.task}@{stage.key[:12]}"


@dataclass(frozen=True)
class IntermediatePhase:
    """How a command trains the intermediate tasks that it names.

    Attributes:
        max_examples: Upper bound on training examples of each task; a smaller set is part of a larger one.
        languages: Languages of the training data: English, and others in which there are translations of it.
        settings: Hyperparameters that were given by hand.
    """

    max_examples: int | None = None
    languages: tuple[str, ...] = (ENGLISH,)
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class IntermediateRuns:
    """The intermediate runs that a command can start from.

    Attributes:
        phase: How tasks are trained that are named without a key, by a command that trains what it lacks; None where
            their runs have to be there.
        models: Those that others have made.
        rest: The command's flags after `--from`, for errors that give whole ones.
        shared: Those that a run has to have been trained with.
        called: Task of one's own data to what the command calls these.
    """

    planner: Planner
    models: SharedModels
    rest: str = ""
    shared: str = ""
    called: Mapping[str, str] = field(default_factory=dict)
    phase: IntermediatePhase | None = None

    def rows(self, names: Sequence[str], *, together: bool, baseline: bool) -> list[Intermediates]:
        """The runs of each row, none for the one that the others are compared with, which comes first if it is wanted.

        Args:
            names: As in `--from`: tasks, several that were trained together with `+` between them, `TASK@KEY`, shared
                models, `all`, `none`.
            together: Whether all intermediate runs belong into one row.
            baseline: Whether a row without any is wanted although `none` is not among the names.

        Raises:
            UsageError: A run is not there, or a task has several.
        """
        found = [self.stage(name) for name in self._expanded(names) if name != NONE]
        keys = [stage.key for stage in found]
        if repeated := [stage for stage in found if keys.count(stage.key) > 1]:
            raise UsageError(f"The intermediate run {run_label(repeated[0])} is given twice.", remedy="Give each once.")
        rows: list[Intermediates] = [()] if baseline or NONE in names else []
        return [*rows, *([tuple(found)] if together and found else [(stage,) for stage in found])]

    def stage(self, text: str) -> Training:
        """The stage that one name means: that of a run, or one that the command makes.

        Raises:
            AstiltsError: As `find`, or as `plan_training`.
        """
        reference = parse_reference(text, flag="--from")
        if self.phase is None or not isinstance(reference, TaskReference) or reference.key:
            return self._found(text, reference)
        planned = self._planned(reference.task, self.phase)
        shipped = self.models.shipped(reference.task)
        # The package's own adapter is taken where it is what this stage would make, to the last setting.
        same = shipped is not None and key(made_by(finished(shipped))) == planned.key
        return finished(shipped) if shipped and same else planned

    def _found(self, text: str, reference: Reference) -> Training:
        """The stage of a run that is there; one that is damaged is made again."""
        store = self.planner.setup.store
        if isinstance(reference, TaskReference) and not reference.key:
            default = self._default_stage(reference.task)
            if default and store.find(default.spec) is None and store.folder(default.spec).is_dir():
                return default
        try:
            run = self.find(text)
        except UsageError:
            if not isinstance(reference, TaskReference) or not (damaged := self._damaged(reference)):
                raise
            run = damaged
        return stage_of(run, self.planner)

    def _damaged(self, reference: TaskReference) -> Run | None:
        """A run that would be meant if it were not damaged."""
        for run in self.planner.setup.store.every():
            called, _, digits = run.name.rpartition("-")
            named = called == f"train-intermediate-{reference.task}" and digits.startswith(reference.key or "")
            if named and run.problem() and (not run.known or self._fits(run)):
                return run
        return None

    def find(self, text: str) -> Run:
        """The run that one name means.

        A task by its name is the store's run with the default settings; without that, its only one in English on this
        backbone with this method, or the one that the package has, or that of the first registry which has one;
        without that, the only other one. Of runs that differ in nothing but seeds that follow each other, the first
        stands for all.

        Raises:
            UsageError: There is no such run, or a task has several and none of them is the default.
            AstiltsError: A shared model cannot be had, or cannot be used here.
        """
        reference = parse_reference(text, flag="--from")
        if not isinstance(reference, TaskReference):
            return self.models.at(reference)
        task = reference.task
        if reference.key:
            return self._by_key(task, reference.key)
        if default := self._default(task):
            return default
        runs = [run for run in self._runs() if same_tasks(run.training.task, task)]
        if task in self.called:  # another file can have the same name
            runs = [run for run in runs if self._on_these_rows(run)]
        fitting = [run for run in runs if self._fits(run)]
        fitting = [run for run in fitting if run.training.task == task] or fitting
        english = [run for run in fitting if _in_english(run.training)]
        package = self.models.shipped(task)
        own = originals(english, beside=[package] if package else ())
        if not own and (shared := package or self.models.in_registries(task)):
            return shared
        fitting = own or originals(fitting)
        if len(fitting) == 1:
            return fitting[0]
        raise self._several(task, fitting) if fitting else self._none(task, runs)

    def _by_key(self, task: str, key: str) -> Run:
        """The run of a task whose key begins so; what runs of other tasks begin with does not count."""
        if shipped := self.models.shipped(task, key=key):
            return shipped
        store = self.planner.setup.store
        own = [run for run in store.runs() if run.spec.stage in ("train-intermediate", "shared")]
        found = [run for run in own if run.key.startswith(key) and same_tasks(run.training.task, task)]
        if len(found) == 1:
            return found[0]
        if found:
            listed = ", ".join(run_label(finished(run)) for run in found)
            raise UsageError(f"--from {task}@{key} fits {len(found)} runs: {listed}.", remedy="Give more digits.")
        raise UsageError(
            f"{store.resolve(key).name} is not an intermediate run of {task}.",
            remedy="`astilts runs` lists what is there.",
        )

    def _default(self, task: str) -> Run | None:
        """The run of `train-intermediate` without further options, if the store has it."""
        stage = self._default_stage(task)
        return self.planner.setup.store.find(stage.spec) if stage else None

    def _default_stage(self, task: str) -> Training | None:
        """The stage of `train-intermediate` without further options."""
        try:
            return self._planned(task, IntermediatePhase())
        except AstiltsError:  # its data need not be there for another run of it to be used
            return None

    def _planned(self, task: str, phase: IntermediatePhase) -> Training:
        """The stage of `train-intermediate` with all defaults but those of the phase."""
        usual = replace(
            self.planner,
            settings=phase.settings,
            seed=self.planner.profile.seed,
            pooling=None,
            max_train_examples=phase.max_examples,
            skip_bad_rows=False,
        )
        catalogue = self.planner.setup.catalogue
        tasks = [catalogue.recipe(name) for name in task.split(_AND)]
        sampling = Sampling() if len(tasks) > 1 else None
        # Text is of its own language, and so are rows that were made in another language than English.
        english = [one for one in tasks if one.name != MLM and one.training_language == ENGLISH]
        languages = {one.name: phase.languages for one in english}
        return plan_training(usual, tasks, "train-intermediate", sampling=sampling, languages=languages)

    def _expanded(self, names: Sequence[str]) -> list[str]:
        """The names, with those of all tasks that have a fitting run in the place of `all`."""
        if ALL not in names:
            return list(names)
        given = {name.partition("@")[0] for name in names}
        # Runs of several tasks together are named where they are wanted.
        there = {run.training.task for run in self._runs() if self._fits(run)} | set(self.models.shipped_tasks())
        found = sorted(task for task in there if task not in given and _AND not in task)
        if not found and given <= {ALL, NONE}:
            raise UsageError(f"--from {ALL}: {self._where()}.", remedy=f"Train one first: {self._train('TASK')}")
        position = list(names).index(ALL)
        return [*names[:position], *found, *names[position + 1 :]]

    def _runs(self) -> list[Run]:
        return [run for run in self.planner.setup.store.runs() if run.spec.stage == "train-intermediate"]

    def _fits(self, run: Run) -> bool:
        """Whether a run was trained on the command's backbone with its method."""
        spec = run.training
        return spec.backbone == self.planner.setup.backbone.fingerprint and spec.method == self.planner.method.spec

    def _on_these_rows(self, run: Run) -> bool:
        return all(same_rows(self.planner, task, splits=["train"]) for task in run.training.tasks)

    def _where(self) -> str:
        setup = self.planner.setup
        return (
            f"{setup.store.root} has no intermediate run with method {self.planner.method.spec} on "
            f"{setup.backbone.name}"
        )

    def _train(self, tasks: str) -> str:
        words = " ".join(shlex.quote(self.called.get(task, task)) for task in tasks.split())
        return f"astilts train-intermediate {words}{self.shared}"

    def _several(self, task: str, runs: Sequence[Run]) -> UsageError:
        commands = "".join(
            f"\n  astilts transfer --from {run_label(finished(run))}{self.rest}\n    ({_describe(run)})"
            for run in sorted(runs, key=lambda run: -(run.metrics["best_score"] or 0.0))
        )
        return UsageError(
            f"{task} has {len(runs)} intermediate runs, and none of them is the one with the default settings.",
            remedy=f"Choose one:{commands}",
        )

    def _none(self, task: str, others: Sequence[Run]) -> UsageError:
        listed = ", ".join(f"{run_label(finished(run))} ({_describe(run)})" for run in others)
        where = self._where().replace("intermediate run with", f"intermediate run of {task} with")
        return UsageError(
            f"{where}.{f' Others there: {listed}.' if listed else ''}",
            remedy=f"Train it first: {self._train(task.replace(_AND, ' '))}",
        )


def _in_english(spec: ModelSpec) -> bool:
    """Whether it was trained on English rows alone, or on those of tasks whose rows were made in another language."""
    return all(task.data.languages == (ENGLISH,) or _native(task) for task in spec.tasks)


def _native(task: TaskSpec) -> bool:
    return not task.data.translations and task.kind != "masked_lm"


def _describe(run: Run) -> str:
    spec = run.training
    sampling = f"sampling {spec.sampling}, " if spec.sampling else ""
    spoken = sorted({code for task in spec.tasks for code in task.data.languages if task.data.translations})
    languages = f"trained in {'+'.join(spoken)}, " if spoken else ""
    if isinstance(spec, SharedSpec):
        return f"{spec.method}, from {shared_from(run)}"
    best = run.metrics["best_score"]
    validation = "no validation" if best is None else f"validation {best:.1f}"
    return (
        f"{run.provenance['backbone']}, {spec.method}, {sampling}{languages}"
        f"{counted(run.metrics['train_examples'], 'example')}, seed {spec.seed}, {validation}"
    )
