"""Training with the backbone as `torch.compile` makes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from adapterstilts.errors import CompatibilityError

BACKEND = "inductor"
_FORMS = 64
"""Of the backbone at most: with and without gradients, of one row and several, and as its adapters are switched."""


def compile_backbone(backbone: nn.Module) -> None:
    """Makes a backbone compile itself when it is first called: one graph for all numbers of rows and tokens but one."""
    backbone.compile(dynamic=True, backend=BACKEND)


def is_compiled(backbone: nn.Module) -> bool:
    """Whether `compile_backbone` was called for it."""
    return getattr(backbone, "_compiled_call_impl", None) is not None


@contextmanager
def compiling(name: str) -> Iterator[None]:
    """While it lasts, a compiled backbone can be called.

    Args:
        name: The backbone's, for errors.

    Raises:
        CompatibilityError: What is asked of the compiler fails, or there is none.
    """
    from torch import _dynamo
    from torch._dynamo.exc import TorchDynamoException

    try:
        with _dynamo.config.patch(recompile_limit=_FORMS):
            yield
    except TorchDynamoException as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise CompatibilityError(
            f"torch cannot compile {name}: {reason.rstrip('.')}.", remedy="Leave out --compile."
        ) from error
