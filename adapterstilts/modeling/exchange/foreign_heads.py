"""Heads of `transformers` in files: which of our forms the tensors are that do not belong to the backbone."""

from __future__ import annotations

from collections.abc import Mapping

from adapterstilts.modeling.backbone import Backbone
from adapterstilts.modeling.blocks import HeadDescription
from adapterstilts.modeling.exchange.forms import transformers_form

# Forms in the order in which they are tried, with how many scores they give where that is fixed, and what `peft` calls
# them.
_FORMS = (
    ("span", 2, "QUESTION_ANS"), ("choice", 1, None), ("classification", None, "SEQ_CLS"), ("token", None, "TOKEN_CLS"),
)  # fmt: skip


def head_in(
    shapes: Mapping[str, tuple[int, ...]], backbone: Backbone, base: str, *, task_type: str | None = None
) -> HeadDescription | None:
    """The head that tensors are, all of them; None where they are none of ours.

    Args:
        shapes: Shape of each tensor that does not belong to the backbone's layers.
        base: What the model calls the backbone.
        task_type: What `peft` calls the form, where that is told.
    """
    for name, fixed, called in _FORMS:
        if task_type in [one[2] for one in _FORMS if one[2]] and called != task_type:
            continue
        form = transformers_form(HeadDescription(name=name, outputs=fixed or 1), backbone.config())
        if form is None:
            continue
        modules = [theirs.format(base=base) for theirs in form.modules.values()]
        if {f"{module}.{part}" for module in modules for part in ("weight", "bias")} != set(shapes):
            continue
        outputs = shapes[f"{modules[-1]}.bias"]
        if len(outputs) == 1 and outputs[0] > 0 and fixed in (None, outputs[0]):
            return HeadDescription(name=name, outputs=outputs[0])
    return None
