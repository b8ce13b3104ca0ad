"""One or more targets, each with and without intermediate tasks: from options to a graph, and from its runs to rows."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from adapterstilts.commands.engine import chosen_engine
from adapterstilts.commands.models.intermediate_runs import (
    IntermediatePhase,
    IntermediateRuns,
    Intermediates,
    check_names,
)
from adapterstilts.commands.models.language_adapters import LanguageAdapters, find_language_adapters
from adapterstilts.commands.models.shared import SharedModels
from adapterstilts.commands.options import SHARED, TransferOptions, as_flags
from adapterstilts.commands.own.data import is_table, own_tasks
from adapterstilts.commands.own.tasks import OwnTasks
from adapterstilts.commands.plan import Work
from adapterstilts.commands.results import TransferResult, TransferRow
from adapterstilts.commands.setup import make_planner
from adapterstilts.commands.table.baselines import (
    MLM_RATE,
    Baseline,
    Baselines,
    check_intermediates,
    chosen_names,
    lacks,
    other_languages,
    wants_translations,
)
from adapterstilts.commands.table.few_shot_results import FewShotRow
from adapterstilts.commands.table.few_shot_rows import few_shot_rows
from adapterstilts.commands.table.few_shots import FewShots, FewShotStages, check_any, check_few_shots, with_shot_files
from adapterstilts.commands.table.repetitions import Seeds, check_repeatable
from adapterstilts.commands.table.rivals import PROMPT, prompt_model, rival_lacks
from adapterstilts.commands.table.row_names import find_row
from adapterstilts.commands.table.rows import Rows, selection_rows
from adapterstilts.commands.table.target_names import Named, evaluated_languages, named_targets, scored_targets
from adapterstilts.commands.table.targets import Target, TargetStages
from adapterstilts.commands.table.transfer_options import check_options, check_rows, chosen_seeds, parse_composition
from adapterstilts.commands.table.translated import TRANSLATED, translations_lack
from adapterstilts.errors import UsageError
from adapterstilts.languages import check_training_languages
from adapterstilts.modeling.compositions import COMPOSITIONS
from adapterstilts.modeling.methods import METHODS
from adapterstilts.runs.memory import Memory
from adapterstilts.runs.specs import Choice
from adapterstilts.stages.evaluation_spec import Scored
from adapterstilts.stages.graph import Graph, made_by
from adapterstilts.stages.planner import Planner
from adapterstilts.stages.reporter import Reporter
from adapterstilts.tasks.catalogue import Catalogue, in_catalogue
from adapterstilts.tasks.recipe import Recipe


@dataclass(frozen=True)
class Table:
    """What is planned for one target.

    Attributes:
        rows: Each way of reaching it: those of `--from` first, then the means of their seeds, and baselines.
        own: How many are of `--from`.
        against: The number of the row that the others are compared with, if that was said.
        few_shots: What goes on from them with labelled rows of other languages.
    """

    rows: tuple[TargetStages, ...]
    own: int
    against: int | None = None
    few_shots: tuple[FewShotStages, ...] = ()


@dataclass(frozen=True)
class Transfer(Work):
    """A planned transfer.

    Attributes:
        tables: One for each target.
        select: Whether the best rows are reported again.
    """

    tables: tuple[Table, ...] = ()
    adapters: LanguageAdapters | None = None
    select: bool = False

    def result(self) -> TransferResult:
        """The rows, read from the runs of the stages."""
        setup = self.planner.setup
        rows_of = Rows(setup.catalogue, self.adapters, Memory.of_user(), setup.store)
        rows: list[TransferRow] = []
        few_shots: list[FewShotRow] = []
        for table in self.tables:
            found = rows_of.of([row.read(self.finished) for row in table.rows], against=table.against)
            own, compared = found[: table.own], found[table.own :]
            rows += [*own, *(selection_rows(own) if self.select else []), *compared]
            runs = [one.read(self.finished) for one in table.few_shots]
            few_shots += few_shot_rows(table.few_shots, runs, found, memory=rows_of.memory)
        return TransferResult(rows, few_shots)


@in_catalogue
def run_transfer(
    intermediates: Sequence[str], targets: Sequence[str], options: TransferOptions, reporter: Reporter
) -> TransferResult:
    """Trains and evaluates every target from every intermediate; see `adapterstilts.transfer`."""
    transfer = plan_transfer(intermediates, targets, options, note=reporter.note)
    transfer.run(reporter, engine=chosen_engine(options))
    return transfer.result()


@in_catalogue
def plan_transfer(
    intermediates: Sequence[str],
    targets: Sequence[str],
    options: TransferOptions,
    *,
    note: Callable[[str], None] = lambda text: None,
    phase: IntermediatePhase | None = None,
    planned_only: bool = False,
) -> Transfer:
    """Plans every stage that the rows of a transfer need, and checks that their models fit together.

    Shared models are fetched for it.

    Args:
        note: Told what is waited for.
        phase: How intermediate tasks are trained that are named without a key; by default their runs are looked for.
        planned_only: Whether nothing will be run; see `make_planner`.

    Raises:
        AstiltsError: As `adapterstilts.transfer`, as far as it can be known without reading rows, except those
            of few shots.
    """
    asked = _asked(intermediates, targets, options, note)
    wanted, own, tasks, names = asked.wanted, asked.own, asked.tasks, asked.names
    composition, trained_in = _checked(asked, options)
    planner = make_planner(
        options,
        translations=options.translations,
        translate_test=options.translate_test,
        own=own,
        planned_only=note if planned_only else None,
    )
    planner = with_shot_files(_begun_alike(planner, options), options, tasks, note=note)
    scored = scored_targets(tasks, wanted, _scored(options), planner.setup.source, note=note)
    tasks = [task for task in tasks if task.name in scored]
    evaluated = evaluated_languages(tasks, scored, planner.setup.source)
    composition = composition or Choice(name=METHODS.get(planner.method.spec.name).compositions[0])
    together = COMPOSITIONS.get(composition.name).many
    models = SharedModels.of(planner, options, note=note)
    rest, shared = f" --to {shlex.quote(','.join(targets))}{as_flags(options)}", as_flags(options, only=SHARED)
    runs = IntermediateRuns(planner, models, rest=rest, shared=shared, called=asked.called, phase=phase)
    rows = runs.rows(names, together=together, baseline=options.baseline)
    check_rows(options, tasks, rows)
    repeats = chosen_seeds(options, planner.profile.seeds, rows)
    baselines = _baselines(planner, options, tasks, rows, composition, evaluated, note=note)
    adapters = find_language_adapters(planner, options, evaluated, models) if options.language_adapters else None
    _check_repeated(planner, options, rows, baselines, repeats)
    tables = []
    for task in tasks:
        how = (scored[task.name], composition, options.head, repeats, trained_in, adapters, options.match)
        # Of several targets, each is translated into the languages that it is scored in.
        within = evaluated_languages([task], scored, planner.setup.source) if len(tasks) > 1 else None
        shots = FewShots.of(
            planner, scored[task.name], options, elsewhere=evaluated if len(tasks) > 1 else (), note=note
        )
        tables.append(_table(Target(planner, *how), task, rows, baselines, shots, options.against, within=within))
    check_any(options, tasks, [one for table in tables for one in table.few_shots])
    transfer = Transfer(planner, _graph(tables), options.force, tuple(tables), adapters, options.select)
    transfer.check()
    return transfer


def _begun_alike(planner: Planner, options: TransferOptions) -> Planner:
    """The planner, by which all seeds draw the same new weights where their models are to have a mean."""
    return replace(planner, first_weights=planner.seed) if options.average_seeds else planner


def _checked(asked: _Asked, options: TransferOptions) -> tuple[Choice | None, tuple[str, ...]]:
    """The composition, if one is asked for, and the languages to train in, once options and names fit together."""
    composition = parse_composition(options)
    check_options(options, asked.tasks, asked.names, composition)
    check_few_shots(options, asked.tasks)
    translated = None if wants_translations(options) and not options.train_languages else options.translations
    return composition, check_training_languages(options.train_languages, translated, flag="--train-languages")


@dataclass(frozen=True)
class _Asked:
    """What names stand for.

    Attributes:
        names: Those of `--from`.
        called: Task of one's own data to what the command calls these.
    """

    wanted: Named
    own: OwnTasks
    tasks: list[Recipe]
    names: list[str]
    called: dict[str, str]


def _asked(
    intermediates: Sequence[str], targets: Sequence[str], options: TransferOptions, note: Callable[[str], None]
) -> _Asked:
    everything, more = Catalogue.load(options.tasks), bool(options.train_more)
    wanted = named_targets(targets, everything, benchmark=options.benchmark)
    intermediates = _distinct(intermediates, "intermediate task")
    files = [name for name in intermediates if is_table(name)]
    meant, own = own_tasks((*files, *wanted.names), options, everything, note=note, scored=wanted.names, more=more)
    catalogue = own.catalogue(options.tasks)
    tasks = [catalogue.recipe_for_phase(meant[name], "target") for name in wanted.names]
    names = [meant.get(name, name) for name in intermediates]
    check_names(names, catalogue)
    return _Asked(wanted, own, tasks, names, {meant[name]: name for name in files})


def _check_repeated(
    planner: Planner,
    options: TransferOptions,
    rows: Sequence[Intermediates],
    baselines: Sequence[Baseline],
    repeats: Seeds,
) -> None:
    """Refuses intermediate runs that cannot be trained with further seeds, or that nobody knows the length of.

    Raises:
        UsageError: See above.
    """
    every = [one for row in (*rows, *(baseline.intermediates for baseline in baselines)) for one in row]
    check_repeatable(planner, every, repeats.intermediate)
    for one in every if options.match != "none" else ():
        made_by(one)


def _graph(tables: Sequence[Table]) -> Graph:
    graph = Graph()
    for table in tables:
        for seed in (seed for row in table.rows for seed in row.seeds):
            graph.ask(seed.evaluation, seed.setup)
        for draw in (draw for one in table.few_shots for seed in one.seeds for draw in seed):
            graph.ask(draw.evaluation)
    return graph


def _table(
    target: Target,
    task: Recipe,
    rows: Sequence[Intermediates],
    baselines: Sequence[Baseline],
    few_shots: FewShots,
    against: str | None,
    *,
    within: Collection[str] | None,
) -> Table:
    with_intermediates = {row: target.stages(task, row) for row in rows if row}
    first = next(iter(with_intermediates.values()), None)
    own = [with_intermediates.get(row) or target.stages(task, row, beside=first) for row in rows]
    trained = task.build_kind().trained
    source = target.planner.setup.source
    lacking = {
        one.asked: rival_lacks(one.asked, [task], source)
        or lacks(one.asked, tasks=len(rows), adapters=True, trained=trained)
        or translations_lack(one.asked, (), [task], source)
        for one in baselines
    }
    compared = [
        target.of(baseline, within=within).stages(task, baseline.intermediates, baseline=baseline, beside=first)
        for baseline in baselines
        if not lacking[baseline.asked]
    ]
    means = [target.mean(task, row) for row in own] if target.averages else []
    for one in baselines:
        if (one.rival or (trained and one.asked in TRANSLATED)) and (why := lacking[one.asked]):
            few_shots.note(f"{task.name} without {one.asked}: it {why[0]}")
    every = (*own, *means, *compared)
    compared_with = find_row(against, [row.name for row in every], flag="--against") if against is not None else None
    return Table(every, len(own), compared_with, tuple(few_shots.stages(task, every)))


def _baselines(
    planner: Planner,
    options: TransferOptions,
    tasks: Sequence[Recipe],
    rows: Sequence[Intermediates],
    composition: Choice,
    evaluated: Sequence[str],
    *,
    note: Callable[[str], None],
) -> list[Baseline]:
    """The baselines that were asked for.

    Args:
        evaluated: The languages that targets are scored in.
    """
    intermediates = tuple(intermediate for row in rows for intermediate in row)
    names = chosen_names(options, intermediates, tasks, source=planner.setup.source, note=note)
    if not names:
        return []
    if any(len(row) > 1 for row in rows):
        raise UsageError(
            f"--compare has no meaning with --composition {options.composition}.", remedy="Leave one of them out."
        )
    check_intermediates(planner, intermediates, names)
    wanted = options.compare_languages or other_languages(evaluated)
    rate = options.mlm_rate or MLM_RATE
    model = prompt_model(options) if PROMPT in names else None
    return Baselines(planner, intermediates, wanted, composition, rate, options.match, model).named(names)


def _scored(options: TransferOptions) -> Scored:
    return Scored(
        languages=options.languages,
        split=options.split,
        benchmark=options.benchmark,
        cross_pairs=options.cross_pairs,
        preset=options.preset,
        layer=options.layer,
        margin=options.margin,
        max_examples=options.max_eval_examples,
    )


def _distinct(names: Sequence[str], what: str) -> list[str]:
    if not names:
        raise UsageError(f"No {what} is given.", remedy="Name at least one.")
    if repeated := [name for name in names if list(names).count(name) > 1]:
        raise UsageError(f"The {what} {repeated[0]!r} is given twice.", remedy="Give each once.")
    return list(names)
