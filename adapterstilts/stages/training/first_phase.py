"""The first phase of methods that have two: full fine-tuning, which tells which weights the second one trains."""

from __future__ import annotations

from adapterstilts.modeling.methods import FIRST_PHASE, METHODS
from adapterstilts.runs.specs import MethodSpec, StageSpec, TrainSpec

# Other compositions train the weights that an earlier stage has chosen.
_CHOOSING = ("none", "add")


def first_phase(spec: StageSpec) -> TrainSpec | None:
    """What the first phase of a training stage is: the same but for its method, so that whoever asks for it shares it.

    None where there is none.
    """
    if not isinstance(spec, TrainSpec) or spec.composition.name not in _CHOOSING:
        return None
    if not METHODS.get(spec.method.name).sparse:
        return None
    return spec.model_copy(update={"method": MethodSpec(name=FIRST_PHASE), "method_config": {}})
