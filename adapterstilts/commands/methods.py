"""What each tuning method would cost on a backbone."""

from __future__ import annotations

from typing import Any

from adapterstilts.commands.results import MethodCost
from adapterstilts.errors import CompatibilityError, UsageError
from adapterstilts.modeling.backbone import Backbone, locate_backbone
from adapterstilts.modeling.methods import METHODS, parse_method
from adapterstilts.profiles import load_profile
from adapterstilts.runs.specs import MethodSpec


def list_methods(*, profile: str, backbone: str | None, revision: str | None, method: str | None) -> list[MethodCost]:
    """One entry for each method, those of one library after each other; see `adapterstilts.methods`."""
    defaults = load_profile(profile)
    name = defaults.backbone if backbone is None else backbone
    located = locate_backbone(name, revision=revision or (defaults.revision if name == defaults.backbone else None))
    if method is not None:
        spec = parse_method(method)
        return [_cost(located, METHODS.get(spec.name).normalize(spec), explain=False)]
    order = ("transformers", "adapters", "peft")
    entries = sorted(METHODS, key=lambda entry: (order.index(entry.library_name), entry.name))
    return [_cost(located, MethodSpec(name=entry.name), explain=True) for entry in entries]


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
