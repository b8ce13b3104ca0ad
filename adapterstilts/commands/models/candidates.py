"""The trained models that could come before a target, wherever they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from adapterstilts.commands.models.intermediate_runs import NONE, IntermediateRuns, check_names, run_label
from adapterstilts.commands.models.shared import SharedModels, shared_from
from adapterstilts.commands.options import ALL
from adapterstilts.commands.table.repetitions import originals
from adapterstilts.errors import SharingError, UsageError
from adapterstilts.runs.specs import SharedSpec, key
from adapterstilts.runs.store import Run
from adapterstilts.stages.graph import finished
from adapterstilts.stages.planner import Planner

STORE = "the store"


@dataclass(frozen=True)
class Candidate:
    """One of them.

    Attributes:
        name: `TASK@KEY`, as `--from` takes it.
        place: Where it is from.
    """

    run: Run
    name: str
    place: str

    @classmethod
    def of(cls, run: Run) -> Candidate:
        """The candidate that a run is."""
        return cls(run, run_label(finished(run)), shared_from(run) or STORE)


@dataclass
class Candidates:
    """Those on the command's backbone with its method.

    Attributes:
        models: Those that others have made.
        left_out: Which were not taken, and why; each to follow "left out: ".
    """

    planner: Planner
    models: SharedModels
    left_out: list[str]

    def named(self, names: Sequence[str], target: str) -> list[Candidate]:
        """The candidates that `--from` names, each once.

        Raises:
            UsageError: A name means nothing, or there is no candidate at all.
        """
        check_names(names, self.planner.setup.catalogue)
        if NONE in names:
            raise UsageError(f"--from {NONE} is no candidate.", remedy="Leave it out; transfer compares with it.")
        finder = IntermediateRuns(self.planner, self.models)
        found: dict[str, Candidate] = {}
        for name in names:
            for run in self._all(target) if name == ALL else [finder.find(name)]:
                found.setdefault(run.key, Candidate.of(run))
        if not found:
            setup = self.planner.setup
            left_out = "".join(f" Left out: {one}." for one in self.left_out)
            raise UsageError(
                f"There is no candidate for {target}: {setup.store.root}, the package and the registries have no "
                f"intermediate run with method {self.planner.method.spec} on {setup.backbone.name}.{left_out}",
                remedy="Train some first, with `astilts train-intermediate`, or name a --registry that has them.",
            )
        return list(found.values())

    def _all(self, target: str) -> list[Run]:
        """Every candidate but the target itself: runs of the store, then the package's and the registries' adapters."""
        runs = [one for one in self.planner.setup.store.runs() if one.spec.stage in ("train-intermediate", "shared")]
        here = self._fitting(runs)
        own = [run for run in here if run.spec.stage == "train-intermediate"]
        made = {run.key for run in own}
        shared = [*(run for run in here if run.spec.stage == "shared"), *self._shared()]
        found = [*originals(own), *(run for run in shared if not _made_here(run, made))]
        others = [run for run in found if run.training.task != target]
        if len(others) < len(found):
            self.left_out.append(f"runs of {target} itself (--from {target} ranks them)")
        return others

    def _fitting(self, runs: Sequence[Run]) -> list[Run]:
        """Those on the backbone with the method; how many others there are is noted."""
        here, method = self.planner.setup.backbone, self.planner.method.spec
        same = [run for run in runs if run.training.backbone == here.fingerprint]
        if other := len(runs) - len(same):
            self.left_out.append(f"{_runs(other)} of the store on another backbone than {here.name}")
        fitting = [run for run in same if run.training.method == method]
        others = sorted({run.training.method.flags for run in same if run.training.method != method})
        if others:
            self.left_out.append(
                f"{_runs(len(same) - len(fitting))} of the store with another method than {method} "
                f"({' or '.join(others)} ranks them)"
            )
        return fitting

    def _shared(self) -> Iterator[Run]:
        """The package's adapters, and those of registries, which are brought into the store."""
        for task in self.models.shipped_tasks():
            if run := self.models.shipped(task):
                yield run
        backbone, method = self.planner.setup.backbone, str(self.planner.method.spec)
        for registry, entry in self.models.places.entries():
            name, other = f"{registry.name}#{entry.name}", entry.fingerprint != backbone.fingerprint
            if other or entry.method != method:
                what = f"backbone ({entry.backbone})" if other else f"method ({entry.method})"
                self.left_out.append(f"{name}, which is for another {what}")
                continue
            try:
                yield self.models.adoption.adopt(self.models.places.fetch_entry(registry, entry))
            except SharingError as error:
                self.left_out.append(f"{name}: {error.message.rstrip('.')}")


def _made_here(run: Run, made: set[str]) -> bool:
    """Whether a shared model is what a run of the store has been, too."""
    spec = run.spec
    return isinstance(spec, SharedSpec) and spec.made is not None and key(spec.made) in made


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"
