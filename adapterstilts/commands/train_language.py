"""Training language adapters (MAD-X: Pfeiffer et al. 2020)."""

from __future__ import annotations

from adapterstilts.commands.options import TrainingOptions
from adapterstilts.commands.results import TrainResult
from adapterstilts.errors import CompatibilityError, UsageError, unknown
from adapterstilts.modeling.methods import METHODS
from adapterstilts.stages.run import Reporter, run_training
from adapterstilts.stages.setup import check_pooling, make_plan, plan_training
from adapterstilts.tasks.catalogue import Catalogue, recipe

TASK = "mlm"
# MAD-X's own size.
_METHOD = "seq_bn_inv[reduction_factor=2]"


def run_language(language: str, options: TrainingOptions, reporter: Reporter) -> TrainResult:
    """Trains the adapter of a language; see `adapterstilts.train_language`."""
    plan = make_plan(options.model_copy(update={"method": options.method or _METHOD}))
    method = METHODS.get(plan.method.name)
    if method.library_name != "adapters" or plan.method.unfreeze_backbone:
        raise CompatibilityError(
            f"Method {plan.method} gives no adapter that another language's can take the place of.",
            remedy="Use a method of the adapters library, such as seq_bn_inv, on a frozen backbone.",
        )
    task = recipe(TASK)
    offered = plan.source.languages(task, None)
    if language not in offered:
        raise unknown(f"language of {TASK} in the {plan.source.name} source", language, offered)
    if plan.source.missing(task, "train", language):
        raise UsageError(
            f"There is no text of {language}: {plan.source.missing(task, 'train', language)} is not there.",
            remedy="Check --data-dir.",
        )
    check_pooling(options, [task])
    spec = plan_training(plan, [task], "train-language", languages={TASK: [language]})
    return TrainResult.of(run_training(plan, spec, (), reporter), Catalogue.load())
