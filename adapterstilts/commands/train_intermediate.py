"""The intermediate phase: one task, several together, or several one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from adapterstilts.commands.engine import chosen_engine
from adapterstilts.commands.next_step import next_step
from adapterstilts.commands.options import ALL, IntermediateOptions
from adapterstilts.commands.own.data import own_tasks
from adapterstilts.commands.plan import Work
from adapterstilts.commands.results import TrainResult
from adapterstilts.commands.sampling import choose_sampling, given_sampling
from adapterstilts.commands.setup import make_planner
from adapterstilts.commands.used import check_pooling, check_settings_used
from adapterstilts.data.sources.rows import Source
from adapterstilts.errors import DataError, UsageError, unknown
from adapterstilts.languages import ENGLISH, LANGUAGES, check_training_languages
from adapterstilts.runs.specs import Sampling
from adapterstilts.stages.graph import Graph, Training
from adapterstilts.stages.planner import Planner
from adapterstilts.stages.reporter import Reporter, Silent
from adapterstilts.stages.training_spec import plan_training
from adapterstilts.tasks.catalogue import MLM, Catalogue, in_catalogue
from adapterstilts.tasks.recipe import Recipe


@in_catalogue
def run_together(names: Sequence[str], options: IntermediateOptions, reporter: Reporter) -> TrainResult:
    """Trains one model on all tasks; see `adapterstilts.train_intermediate`."""
    (result,) = _run(plan_intermediate(names, options, reporter), options, reporter)
    return result


@in_catalogue
def run_separately(names: Sequence[str], options: IntermediateOptions, reporter: Reporter) -> list[TrainResult]:
    """Trains a model on each task; see `adapterstilts.train_separately`."""
    return _run(plan_separately(names, options, reporter), options, reporter)


@in_catalogue
def plan_intermediate(
    names: Sequence[str],
    options: IntermediateOptions,
    reporter: Reporter | None = None,
    *,
    planned_only: bool = False,
) -> Work:
    """Plans one stage on all tasks.

    Args:
        planned_only: Whether nothing will be run; see `make_planner`.

    Raises:
        AstiltsError: As `adapterstilts.train_intermediate`, as far as it can be known without reading rows.
    """
    planner, tasks, languages = _asked(names, options, reporter or Silent(), planned_only=planned_only)
    return _work(planner, [intermediate_stage(planner, tasks, options, languages)], options)


@in_catalogue
def plan_separately(
    names: Sequence[str],
    options: IntermediateOptions,
    reporter: Reporter | None = None,
    *,
    planned_only: bool = False,
) -> Work:
    """Plans a stage for each task; see `plan_intermediate`.

    Raises:
        AstiltsError: As `adapterstilts.train_separately`, as far as it can be known without reading rows.
    """
    if given := given_sampling(options):
        raise UsageError(
            f"{given[0]} has no meaning for tasks that are trained separately.",
            remedy="Leave it out, or train them together.",
        )
    if options.mlm_rate is not None:
        raise UsageError(
            "--mlm-rate has no meaning with --separately.", remedy="Train each task with a command of its own."
        )
    planner, tasks, languages = _asked(names, options, reporter or Silent(), planned_only=planned_only)
    return _work(planner, [intermediate_stage(planner, [task], options, languages) for task in tasks], options)


def _asked(
    names: Sequence[str], options: IntermediateOptions, reporter: Reporter, *, planned_only: bool
) -> tuple[Planner, Sequence[Recipe], Sequence[str]]:
    """What stages are planned with, the tasks that the names mean, and the languages to train in."""
    meant, own = own_tasks(names, options, Catalogue.load(options.tasks), note=reporter.note)
    chosen = _check_names([meant[name] for name in names], own.catalogue(options.tasks))
    languages = check_training_languages(options.languages, options.translations, flag="--languages")
    if chosen:  # before anything is looked for
        choose_sampling(options, [task.name for task in chosen])
    planned = reporter.note if planned_only else None
    planner = make_planner(options, translations=options.translations, own=own, planned_only=planned)
    return planner, chosen or _available(planner, reporter), languages


def intermediate_stage(
    planner: Planner, tasks: Sequence[Recipe], options: IntermediateOptions, translated: Sequence[str] = (ENGLISH,)
) -> Training:
    """Plans one intermediate phase on all tasks, with masked language modelling if it is to be mixed in.

    Args:
        translated: Languages to train in, of those other than English on translations.

    Raises:
        UsageError: Options about sampling, languages or masked language modelling do not fit.
        DataError: Training data are not there.
    """
    sampling = choose_sampling(options, [task.name for task in tasks])
    check_pooling(planner.pooling, tasks)
    check_settings_used(options.settings, tasks, validation_from=options.validation_from)
    languages = {task.name: tuple(translated) for task in tasks if task.name != MLM}
    if options.languages and not languages:
        raise UsageError(
            f"--languages has no meaning for {MLM}, which is trained on each language's own text.",
            remedy="Use --mlm-languages.",
        )
    if options.languages:
        _check_translated(tasks, options.languages)
    languages |= _mlm_languages(planner, tasks, options)
    if options.mlm_rate is not None:
        tasks = [*tasks, planner.setup.catalogue.recipe(MLM)]
        mixed = sampling or Sampling()
        sampling = mixed.model_copy(update={"added": {MLM: options.mlm_rate}})
    return plan_training(planner, tasks, "train-intermediate", sampling=sampling, languages=languages)


def _work(planner: Planner, stages: Sequence[Training], options: IntermediateOptions) -> Work:
    graph = Graph()
    for stage in stages:
        graph.ask(stage)
    work = Work(planner, graph, force=options.force)
    work.check()
    return work


def _run(work: Work, options: IntermediateOptions, reporter: Reporter) -> list[TrainResult]:
    work.run(reporter, engine=chosen_engine(options))
    planner, runs = work.planner, [work.finished(stage) for stage in work.graph.results]
    return [TrainResult.of(run, planner.setup.catalogue, next=next_step(run, planner, options)) for run in runs]


def _check_translated(tasks: Sequence[Recipe], languages: Sequence[str]) -> None:
    """Refuses languages for rows that were made in another one than English: there are no translations of these.

    Raises:
        UsageError: See above.
    """
    for task in tasks:
        if task.training_language != ENGLISH:
            raise UsageError(
                f"--languages {','.join(languages)}: {task.name} is trained on its own rows, which are in "
                f"{LANGUAGES[task.training_language]}, and translations are of English ones.",
                remedy="Leave it out." if len(tasks) == 1 else f"Leave it out, or train without {task.name}.",
            )


def _mlm_languages(
    planner: Planner, tasks: Sequence[Recipe], options: IntermediateOptions
) -> dict[str, tuple[str, ...]]:
    """The languages of masked language modelling, where it is wanted and they are said."""
    alone = MLM in [task.name for task in tasks]
    if alone and options.mlm_rate is not None:
        raise UsageError(
            f"--mlm-rate {options.mlm_rate:g}: {MLM} is a task already.", remedy="Leave out one of the two."
        )
    if options.mlm_languages is None:
        if options.mlm_rate is not None:
            raise UsageError("--mlm-rate needs --mlm-languages.", remedy="Name them, e.g. --mlm-languages en,de,zh.")
        return {}
    if not alone and options.mlm_rate is None:
        raise UsageError(
            "--mlm-languages has no meaning without masked language modelling.",
            remedy=f"Give --mlm-rate too, or train the task {MLM}.",
        )
    offered = planner.setup.source.languages(planner.setup.catalogue.recipe(MLM), None)
    for code in options.mlm_languages:
        if code not in offered:
            raise unknown(f"language of {MLM} in the {planner.setup.source.name} source", code, offered)
    return {MLM: options.mlm_languages}


def _check_names(names: Sequence[str], catalogue: Catalogue) -> list[Recipe]:
    """The recipes of the tasks that are named, none for `all`.

    Raises:
        UsageError: A task is unknown, is not for this phase, or is named twice.
    """
    if not names:
        raise UsageError("No task is given.", remedy="Name at least one; `astilts tasks` lists them.")
    if ALL in names:
        if len(names) > 1:
            other = next((name for name in names if name != ALL), ALL)
            raise UsageError(f"{other!r} is given beside 'all'.", remedy="Give one of the two.")
        return []
    if repeated := [name for name in names if list(names).count(name) > 1]:
        raise UsageError(f"The task {repeated[0]!r} is given twice.", remedy="Give each once.")
    return [catalogue.recipe_for_phase(name, "intermediate") for name in names]


def _available(planner: Planner, reporter: Reporter) -> list[Recipe]:
    """The intermediate tasks that the source has English training data of, those of plain text aside."""
    catalogue, source = planner.setup.catalogue, planner.setup.source
    offered = [task for task in map(catalogue.recipe, catalogue.names()) if "intermediate" in task.phases]
    offered = [task for task in offered if task.build_kind().averaged]
    there = [task for task in offered if _has_training_data(source, task)]
    if not there:
        raise DataError(
            f"all: the {source.name} source has training data of no intermediate task.",
            remedy="Check --data-dir, or name the tasks: what is missing is then said.",
        )
    absent = [task.name for task in offered if task not in there]
    without = f"; without training data: {', '.join(absent)}" if absent else ""
    reporter.note(f"all: {', '.join(task.name for task in there)}{without}")
    return there


def _has_training_data(source: Source, task: Recipe) -> bool:
    has = source.of(task).name in task.sources.names() and task.source(source.of(task).name).has("train")
    return has and source.missing(task, "train", task.training_language) is None
