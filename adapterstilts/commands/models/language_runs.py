"""Where language adapters are found: a language's own runs, a certain run, or one that others share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from adapterstilts.commands.options.language_sums import Term, written
from adapterstilts.errors import UsageError
from adapterstilts.languages import LANGUAGES
from adapterstilts.modeling.architecture import Facts
from adapterstilts.modeling.backbone import Backbone
from adapterstilts.modeling.blocks import ModelOutline
from adapterstilts.printable import counted
from adapterstilts.runs.specs import SharedSpec
from adapterstilts.runs.store import Run, RunStore
from adapterstilts.sharing.references import PlaceReference, is_reference, parse_reference
from adapterstilts.stages.graph import Training, finished
from adapterstilts.tasks.catalogue import MLM


@dataclass(frozen=True)
class LanguageRuns:
    """The language adapters that there are on a backbone.

    Attributes:
        fetch: Brings a shared one into the store.
    """

    store: RunStore
    backbone: Backbone
    facts: Facts
    fetch: Callable[[PlaceReference], Run]

    def of(self, code: str, key: str | None) -> list[Run]:
        """The runs of a language, or the one with the given key, or a shared one.

        Args:
            key: Of a run, or where a shared one is.

        Raises:
            UsageError: The key is that of something else.
            CompatibilityError: It is on another backbone.
        """
        if key is None:
            runs = [run for run in self.store.runs() if languages_of_run(run) == (code,)]
            return [run for run in runs if run.training.backbone == self.backbone.fingerprint]
        run = self._called(key, flag=f"--language-adapter {code}=")
        if not (languages_of_run(run) == (code,) or _may_be_one(run)):
            raise _no_adapter(f"{code}={key}", run, f" of {LANGUAGES[code]}")
        return [self._fitting(run)]

    def summed(self, term: Term, given: Mapping[str, str]) -> list[Run]:
        """The runs that one term of a sum may mean: those of its language, or the one that it names.

        Args:
            given: Language to the key of the run that was chosen for it, or where a shared one is.

        Raises:
            UsageError: It is not that of a language adapter.
            CompatibilityError: It is on another backbone.
        """
        if term.language:
            return self.of(term.language, given.get(term.language))
        run = self._called(term.adapter, flag="--language-adapter ")
        if not (languages_of_run(run) or _may_be_one(run)):
            raise _no_adapter(term.adapter, run)
        return [self._fitting(run)]

    def _called(self, key: str, *, flag: str) -> Run:
        if is_reference(key):
            return self.fetch(parse_reference(key, flag=flag))  # type: ignore[arg-type]
        return self.store.resolve(key)

    def _fitting(self, run: Run) -> Run:
        ModelOutline.read(run.folder).check_backbone(self.backbone, self.facts)
        return run


def sum_of_runs(terms: Sequence[Term], runs: LanguageRuns, given: Mapping[str, str]) -> list[tuple[float, list[Run]]]:
    """The runs of a weighted sum: one of each term, or none where its language has none.

    Args:
        given: As in `LanguageRuns.summed`.

    Raises:
        UsageError: One is no language adapter, or is in it twice, or a language has several.
        CompatibilityError: One is on another backbone.
    """
    found = [(term, runs.summed(term, given)) for term in terms]
    if several := {str(term.language): those for term, those in found if len(those) > 1}:
        raise several_adapters(several, in_sum=True)
    keys = [those[0].key for _, those in found if those]
    if twice := next((term.adapter for term, those in found if those and keys.count(those[0].key) > 1), None):
        raise UsageError(
            f"{written([(term.weight, term.adapter) for term in terms])} has {twice} twice, under another name.",
            remedy="Add its weights up.",
        )
    return [(term.weight, those) for term, those in found]


def languages_of_run(run: Run) -> tuple[str, ...]:
    """The languages that a language adapter was trained on; none of runs that are not known to be one."""
    spec = run.spec.made if isinstance(run.spec, SharedSpec) else run.spec
    if spec is None or spec.stage != "train-language" or spec.task != MLM:
        return ()
    return spec.only.data.languages


def several_adapters(found: Mapping[str, Sequence[Run]], *, in_sum: bool = False) -> UsageError:
    """The error for languages that have several language adapters.

    Args:
        in_sum: Whether they are named in a sum.
    """
    listed = "; ".join(
        f"{LANGUAGES[code]} ({code}) has {len(runs)} language adapters: "
        + ", ".join(f"{adapter_label(finished(run))} ({_described(run)})" for run in runs)
        for code, runs in found.items()
    )
    chosen = ",".join(f"{code}={runs[-1].short_key}" for code, runs in found.items())
    remedy = f"Choose with --language-adapter, e.g. --language-adapter {chosen}."
    if in_sum:
        code, runs = next(iter(found.items()))
        remedy = f"Write the key of one into the sum, such as {runs[-1].short_key} for {code}."
    return UsageError(f"{listed}.", remedy=remedy)


def adapter_label(stage: Training) -> str:
    """How a language adapter is written in results."""
    known = [code for task in stage.spec.tasks for code in task.data.languages]
    return f"{known[0] if known else stage.spec.task}@{stage.key[:12]}"


def _no_adapter(given: str, run: Run, whose: str = "") -> UsageError:
    return UsageError(
        f"--language-adapter {given}: {run.name} is not a language adapter{whose}.",
        remedy="`astilts runs` lists what is there.",
    )


def _may_be_one(run: Run) -> bool:
    """Whether nothing is known of what a single adapter was trained on."""
    unknown = isinstance(run.spec, SharedSpec) and run.spec.made is None
    return unknown and len(ModelOutline.read(run.folder).description.blocks) == 1


def _described(run: Run) -> str:
    spec = run.training
    return f"{spec.method}, {counted(run.metrics['train_examples'], 'example')}, seed {spec.seed}"
