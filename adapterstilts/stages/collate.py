"""The collator of a stage."""

from __future__ import annotations

from adapterstilts.data.batching import Collator
from adapterstilts.errors import CompatibilityError
from adapterstilts.modeling.precision import choose_device
from adapterstilts.stages.setup import Setup
from adapterstilts.tasks.kind import Kind


def build_collator(setup: Setup, max_length: int, *, kind: Kind | None = None, seed: int = 0) -> Collator:
    """The collator for windows of at most `max_length` tokens.

    Args:
        kind: The kind to train for; None for prediction.

    Raises:
        CompatibilityError: The tokenizer lacks a token that is needed.
    """
    tokenizer = setup.backbone.tokenizer()
    corrupt = kind.corruption(tokenizer, seed) if kind else None
    for needed, id_, by in (
        ("padding", tokenizer.pad_token_id, True),
        ("mask", tokenizer.mask_token_id, corrupt is not None),
    ):
        if by and id_ is None:
            raise CompatibilityError(
                f"The tokenizer of {setup.backbone.name} has no {needed} token.",
                remedy="Set one and save it again.",
            )
    return Collator(
        pad_id=tokenizer.pad_token_id,
        tokens_per_batch=setup.tokens_per_batch,
        max_length=max_length,
        rows=kind.comparing if kind else None,
        corrupt=corrupt,
        on_gpu=choose_device(setup.device).type == "cuda",
    )
