"""What each tuning method would cost on a backbone."""

from __future__ import annotations

from typing import Any

from adapterstilts.commands.options import MethodsOptions
from adapterstilts.commands.results import MethodCost
from adapterstilts.commands.setup import chosen_backbone
from adapterstilts.errors import CompatibilityError, UsageError
from adapterstilts.modeling.backbone import Backbone
from adapterstilts.modeling.methods import METHODS, parse_method
from adapterstilts.profiles import load_profile
from adapterstilts.runs.specs import MethodSpec
from adapterstilts.tasks.catalogue import in_catalogue


@in_catalogue
def list_methods(options: MethodsOptions) -> list[MethodCost]:
    """One entry for each method, or the one that is asked for; see `adapterstilts.methods`."""
    located = chosen_backbone(load_profile(options.profile), options.backbone, options.revision)
    if options.method is None:
        return every_method(located)
    spec = parse_method(options.method)
    return [_cost(located, METHODS.get(spec.name).normalize(spec), explain=False)]


def every_method(backbone: Backbone) -> list[MethodCost]:
    """One entry for each method that the catalogue in use has, those of one library after each other."""
    order = ("transformers", "adapterstilts", "adapters", "peft")
    entries = sorted(METHODS, key=lambda entry: (order.index(entry.library_name), entry.name))
    return [_cost(backbone, MethodSpec(name=entry.name), explain=True) for entry in entries]


def _cost(backbone: Backbone, spec: MethodSpec, *, explain: bool) -> MethodCost:
    from adapterstilts.modeling.trial import try_method

    entry = METHODS.get(spec.name)
    shared: dict[str, Any] = {
        "method": str(spec),
        "library": entry.library_name,
        "summary": entry.summary,
        "compositions": list(entry.compositions),
    }
    try:
        trial = try_method(backbone, spec)
    except (CompatibilityError, UsageError) as error:
        if not explain:
            raise
        return MethodCost(**shared, trained=None, total=None, stored_bytes=None, obstacle=str(error))
    return MethodCost(
        **shared, trained=trial.trained, total=trial.total, stored_bytes=trial.stored_bytes, obstacle=None
    )
