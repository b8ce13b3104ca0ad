"""Training language adapters (MAD-X: Pfeiffer et al. 2020)."""

from __future__ import annotations

from adapterstilts.commands.next_step import next_step
from adapterstilts.commands.options import TrainingOptions
from adapterstilts.commands.plan import Work
from adapterstilts.commands.results import TrainResult
from adapterstilts.commands.setup import make_planner
from adapterstilts.commands.used import check_pooling, check_settings_used
from adapterstilts.errors import CompatibilityError, UsageError, unknown
from adapterstilts.modeling.methods import METHODS
from adapterstilts.stages.graph import Graph
from adapterstilts.stages.reporter import Reporter
from adapterstilts.stages.training_spec import plan_training
from adapterstilts.tasks.catalogue import MLM, in_catalogue

# MAD-X's own size.
_METHOD = "seq_bn_inv[reduction_factor=2]"


@in_catalogue
def run_language(language: str, options: TrainingOptions, reporter: Reporter) -> TrainResult:
    """Trains the adapter of a language; see `adapterstilts.train_language`."""
    work = plan_language(language, options)
    work.run(reporter)
    (stage,) = work.graph.results
    run, planner = work.finished(stage), work.planner
    return TrainResult.of(run, planner.setup.catalogue, next=next_step(run, planner, options))


@in_catalogue
def plan_language(language: str, options: TrainingOptions) -> Work:
    """Plans the stage that trains a language's adapter.

    Raises:
        AstiltsError: As `adapterstilts.train_language`, as far as it can be known without reading rows.
    """
    planner = make_planner(options, method=_METHOD)
    setup, method = planner.setup, planner.method.spec
    if METHODS.get(method.name).library_name != "adapters" or method.unfreeze_backbone:
        raise CompatibilityError(
            f"Method {method} gives no adapter that another language's can take the place of.",
            remedy="Use a method of the adapters library, such as seq_bn_inv, on a frozen backbone.",
        )
    task = setup.catalogue.recipe(MLM)
    offered = setup.source.languages(task, None)
    if language not in offered:
        raise unknown(f"language of {MLM} in the {setup.source.name} source", language, offered)
    if missing := setup.source.missing(task, "train", language):
        raise UsageError(f"There is no text of {language}: {missing} is not there.", remedy="Check --data-dir.")
    check_pooling(options.pooling, [task])
    check_settings_used(options.settings, [task], validation_from=options.validation_from)
    graph = Graph()
    graph.ask(plan_training(planner, [task], "train-language", languages={MLM: [language]}))
    work = Work(planner, graph, force=options.force)
    work.check()
    return work
