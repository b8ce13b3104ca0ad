"""Trying a method on a backbone without its weights: does it fit, and what does it cost?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from adapterstilts.errors import AstiltsError, CompatibilityError
from adapterstilts.modeling.architecture import Facts
from adapterstilts.modeling.backbone import Backbone
from adapterstilts.modeling.library_method import is_ours
from adapterstilts.modeling.methods import METHODS, check_method
from adapterstilts.modeling.quantization import size_of
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.modeling.weightless import weightless
from adapterstilts.runs.specs import MethodSpec

_BYTES = 4
# What an adapter may have in any case; of larger backbones, not more than they have themselves.
_MANY = 1 << 28


@dataclass(frozen=True)
class Trial:
    """What a method would train on a backbone, heads aside.

    Attributes:
        trained: Number of trained parameters.
        total: Number of all parameters.
        stored_bytes: Size of what a run would keep, in fp32.
    """

    trained: int
    total: int
    stored_bytes: int


def try_method(backbone: Backbone, method: MethodSpec) -> Trial:
    """Puts a method on the outline of a backbone.

    Raises:
        CompatibilityError: The backbone lacks the modules, or its sizes do not fit the method's options.
        UsageError: An option is larger than the backbone has a use for, or names layers that it does not have.
    """
    entry = METHODS.get(method.name)
    check_method(method, Facts.known(backbone.config(), separator=""), backbone=backbone.name)
    with torch.device("meta"), explained(backbone, method):
        model = TransferModel(weightless(backbone), method=method, precision="fp32")
        if entry.adds_adapter:
            model.train_adapter(model.add_adapter("trial", method))
        model.train_backbone()
        model.settle()
        counts = model.parameter_counts()
        stored = sum(tensor.numel() for _, tensor in model.stored())
        pretrained = sum(size_of(one) for one in model.parameters() if id(one) in model.pretrained_ids)
    if entry.adds_adapter and not counts["trained"]:
        raise CompatibilityError(
            f"Method {method} has no weights in {backbone.name}, all of whose layers it leaves out.",
            remedy="Leave fewer layers out, or train the head alone with --method head.",
        )
    if entry.trains == "biases" and not counts["trained"]:
        raise CompatibilityError(
            f"Method {method} does not work on {backbone.name}, which has no biases.",
            remedy="Choose another one: `astilts methods`.",
        )
    if (added := counts["total"] - pretrained) > max(_MANY, pretrained):
        raise CompatibilityError(
            f"Method {method} adds {added:,} weights ({_BYTES * added / 1e9:,.0f} GB) to the {pretrained:,} of "
            f"{backbone.name}.",
            remedy="Make it smaller with its options.",
        )
    return Trial(counts["trained"], counts["total"], _BYTES * stored)


@contextmanager
def explained(backbone: Backbone, method: MethodSpec) -> Iterator[None]:
    """Says of whatever a library stumbles over that the method does not work on the backbone.

    Raises:
        CompatibilityError: See above.
    """
    try:
        yield
    except AstiltsError:
        raise
    except Exception as error:  # the libraries raise whatever their code stumbles over
        if is_ours(error):
            raise
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise CompatibilityError(
            f"Method {method} does not work on {backbone.name}: {reason.rstrip('.')}.",
            remedy="Change its options, or choose another one: `astilts methods`.",
        ) from error
