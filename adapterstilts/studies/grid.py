"""From a study to the transfers that it is made of, and to one graph in which each of their stages is once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapterstilts.commands.models.intermediate_runs import NONE, IntermediatePhase
from adapterstilts.commands.options import ALL, TransferOptions, read_options
from adapterstilts.commands.table.baselines import baseline_names, lacks
from adapterstilts.commands.table.rivals import apart, rival_lacks
from adapterstilts.commands.table.target_names import named_targets
from adapterstilts.commands.table.targets import TargetStages
from adapterstilts.commands.table.translated import translations_lack
from adapterstilts.commands.transfer import Transfer, plan_transfer
from adapterstilts.data.sources.open import open_source
from adapterstilts.data.sources.rows import Source
from adapterstilts.errors import UsageError
from adapterstilts.languages import ENGLISH
from adapterstilts.modeling.compositions import COMPOSITIONS
from adapterstilts.modeling.methods import METHODS, parse_method
from adapterstilts.modeling.option_text import parse_choice
from adapterstilts.profiles import load_profile
from adapterstilts.runs.store import KEY_DIGITS
from adapterstilts.settings import Settings, laid_over
from adapterstilts.stages.graph import Stage
from adapterstilts.studies.axes import SYNONYMS, check_values, intermediate_name, text_of
from adapterstilts.studies.definition import (
    BASELINE,
    FROM,
    INTERMEDIATE_EXAMPLES,
    INTERMEDIATE_LANGUAGES,
    INTERMEDIATE_RATE,
    OF_PHASE,
    TO,
    Study,
)
from adapterstilts.tasks.catalogue import Catalogue

Note = Callable[[str], None]


@dataclass(frozen=True)
class Arm:
    """One transfer of a study: targets by intermediate tasks, with everything else the same.

    Attributes:
        axes: Axis to the value that all of its cells have.
        names: The intermediate tasks as the study names them.
    """

    axes: dict[str, str]
    transfer: Transfer
    names: tuple[str, ...] = ()

    def cells(self) -> Iterator[tuple[dict[str, str], TargetStages]]:
        """Each row of each table, with the values of all its axes."""
        for table in self.transfer.tables:
            for row in table.rows:
                yield {**self.axes, **_axes_of(row, self.names)}, row


@dataclass(frozen=True)
class Grid:
    """A planned study.

    Attributes:
        left_out: Combinations that there cannot be, each with its reason.
    """

    study: Study
    arms: list[Arm] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def _axes_of(row: TargetStages, names: Sequence[str]) -> dict[str, str]:
    """What a row has of the axes that are rows and tables; runs that were named by key tell rows of one task apart."""
    first = row.seeds[0]
    baseline = row.baseline.asked if row.baseline else row.variant or NONE  # the mean of a row's models is none of them
    name = " + ".join(_named(one, names) for one in first.intermediates) or NONE
    return {FROM: name, TO: first.evaluation.spec.task, BASELINE: baseline}


def _named(one: Stage[Any], names: Sequence[str]) -> str:
    """The name that a run was given by, if it was given by its key, or else its task."""
    of_task = [name for name in names if name.partition("@")[0] == one.spec.task]
    by_key = [name for name in of_task if "@" in name and one.key.startswith(name.partition("@")[2])]
    # A baseline made of one of several has a key of its own.
    return by_key[0] if by_key else one.spec.task if len(of_task) < 2 else f"{one.spec.task}@{one.key[:KEY_DIGITS]}"


def plan_grid(
    study: Study, given: Mapping[str, Any], *, note: Note = lambda text: None, planned_only: bool = False
) -> Grid:
    """Plans every transfer of a study.

    Args:
        study: In one of its sizes.
        given: Options that count for all cells, such as the store, over those of the study.
        note: Told what is waited for.
        planned_only: Whether nothing will be run, so that backbones need not be there.

    Raises:
        UsageError: Something that the study names is unknown, or nothing of it can be.
        AstiltsError: As `plan_transfer`.
    """
    constant = laid_over(study.options, given)
    catalogue = Catalogue.load(read_options(TransferOptions, {"tasks": constant.get("tasks")}).tasks)
    with catalogue.in_use():
        check_values(study, catalogue)
        grid = Grid(study)
        told: set[str] = set()
        for combination in study.combinations():
            axes = {name: text_of(value) for name, value in combination.items()}
            for part in _Parts(study, catalogue, constant, combination, grid.left_out).parts():
                transfer = plan_transfer(
                    part.names,
                    part.targets,
                    part.options,
                    note=_once(note, told),
                    phase=part.phase,
                    planned_only=planned_only,
                )
                grid.arms.append(Arm({**axes, **_usual(axes, transfer)}, transfer, tuple(part.names)))
    if not grid.arms:
        raise UsageError(
            f"Nothing of the study {study.name or ''} can be.".replace("  ", " "),
            remedy="; ".join(dict.fromkeys(grid.left_out)) or "Give it axes.",
        )
    return grid


def _once(note: Note, told: set[str]) -> Note:
    """Says the same only once."""

    def tell(text: str) -> None:
        if text not in told:
            told.add(text)
            note(text)

    return tell


def _usual(axes: Mapping[str, str], transfer: Transfer) -> dict[str, str]:
    """What cells have of axes that the study leaves to the profile."""
    planner = transfer.planner
    found = {"backbone": planner.setup.backbone.name, "method": str(planner.method.spec)}
    return {name: value for name, value in found.items() if name not in axes}


@dataclass(frozen=True)
class _Part:
    """What one transfer is planned from."""

    names: list[str]
    targets: list[str]
    options: TransferOptions
    phase: IntermediatePhase


@dataclass(frozen=True)
class _Parts:
    """The transfer of one combination, if it can be."""

    study: Study
    catalogue: Catalogue
    constant: Mapping[str, Any]
    combination: Mapping[str, Any]
    left_out: list[str]

    def parts(self) -> Iterator[_Part]:
        chosen = {name: value for name, value in self.combination.items() if name not in OF_PHASE}
        values = laid_over(self.constant, chosen)
        profile = load_profile(values.get("profile") or "paper")
        method = parse_method(str(values.get("method") or profile.method))
        entry = METHODS.get(method.name)
        composition = parse_choice(str(values.get("composition") or entry.compositions[0]), flag="--composition").name
        if composition not in entry.compositions:
            of = " or ".join(entry.compositions)
            self._leave(f"{method} with {composition}: its intermediate runs are composed by {of} alone")
            return
        names = [intermediate_name(value) for value in self.study.axes.get(FROM, (NONE,))]
        tasks = len([one for one in names if one != NONE])
        trained, untrained = self._targets()
        if untrained and tasks > 1 and COMPOSITIONS.get(composition).many:
            self._leave(
                f"{', '.join(untrained)} with {composition}: without a target phase, several intermediate runs do not "
                "become one model"
            )
            untrained = []
        if targets := [*trained, *untrained]:
            options = self._options(values, trained, tasks, adds_adapter=entry.adds_adapter)
            yield _Part(names, targets, read_options(TransferOptions, options), self._phase())

    def _targets(self) -> tuple[list[str], list[str]]:
        """The targets that are trained for, and those that are not."""
        given = [str(value) for value in self.study.axes[TO]]
        found: tuple[list[str], list[str]] = ([], [])
        for name in named_targets(given, self.catalogue, benchmark=self.constant.get("benchmark")).names:
            known = name in self.catalogue.names()
            found[known and not self.catalogue.recipe(name).build_kind().trained].append(name)
        return found

    def _options(
        self, values: Mapping[str, Any], trained: Sequence[str], tasks: int, *, adds_adapter: bool
    ) -> dict[str, Any]:
        """The options of a transfer: without those that have no meaning for its targets."""
        options = dict(values)
        for name in () if tasks else ("composition",):
            options.pop(name, None)
        for name in () if trained else _OF_TARGET_PHASE:
            options.pop(name, None)
        for name in () if trained or tasks else ("method", "seeds"):
            options.pop(name, None)
        wanted = []
        known = [self.catalogue.recipe(name) for name in trained if name in self.catalogue.names()]
        given = read_options(TransferOptions, options)
        source = _source_of(given)
        for name in self._baselines() if tasks else ():
            why = apart(name, given) or lacks(name, tasks=tasks, adapters=adds_adapter, trained=bool(trained))
            if len(known) == len(trained):  # of one's own files it is not known yet
                why = why or rival_lacks(name, known, source) or translations_lack(name, (), known, source)
            if why:
                self._leave(f"{name} with {values.get('method') or 'the method'}: it {why[0]}")
            else:
                wanted.append(name)
        return {**options, **({"compare": wanted} if wanted else {})}

    def _baselines(self) -> list[str]:
        given = [SYNONYMS.get(one, one) for one in self.study.axes.get(BASELINE, ()) if one != NONE]
        return baseline_names() if ALL in given else list(dict.fromkeys(map(str, given)))

    def _phase(self) -> IntermediatePhase:
        languages = self.combination.get(INTERMEDIATE_LANGUAGES, ENGLISH)
        size, rate = self.combination.get(INTERMEDIATE_EXAMPLES), self.combination.get(INTERMEDIATE_RATE)
        settings = {**self.study.intermediate, **({} if rate is None else {"learning_rate": rate})}
        return IntermediatePhase(
            max_examples=None if size in (None, ALL) else int(size),
            languages=tuple(str(languages).split("+")) if not isinstance(languages, list) else tuple(languages),
            settings=read_options(TransferOptions, settings).settings,
        )

    def _leave(self, what: str) -> None:
        if what not in self.left_out:
            self.left_out.append(what)


def _source_of(options: TransferOptions) -> Source:
    name = load_profile(options.profile).source
    return open_source("files" if options.data_dir else name, options.data_dir)


# Options of `transfer` about a phase that targets without training do not have.
_OF_TARGET_PHASE = (
    "composition", "head", "max_train_examples", "seed", "validation_from", "match", *Settings.model_fields,
)  # fmt: skip
