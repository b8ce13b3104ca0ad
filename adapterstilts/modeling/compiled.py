"""Training with the backbone as `torch.compile` makes it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from adapterstilts.errors import CompatibilityError

BACKEND = "inductor"
_HYPERCOMPLEX = "adapters.methods.modeling"
_FORMS = 64
"""Of the backbone at most: with and without gradients, of one row and several, and as its adapters are switched."""


def compile_backbone(backbone: nn.Module) -> None:
    """Makes a backbone compile itself when it is first called: one graph for all numbers of rows and tokens but one."""
    if library := sys.modules.get(_HYPERCOMPLEX):  # where none of its methods is used, it is not imported
        library.kronecker_product = kronecker_product  # type: ignore[attr-defined]
    backbone.compile(dynamic=True, backend=BACKEND)


def kronecker_product(one: Tensor, other: Tensor) -> Tensor:
    """`(..., rows * other rows, columns * other columns)` of two batches of matrices, which Compacter is made of.

    That of `adapters` is the same, but finds the shape by products of tensors, which no compiler follows.
    """
    product = one[..., :, None, :, None] * other[..., None, :, None, :]
    rows, columns = (first * second for first, second in zip(one.shape[-2:], other.shape[-2:], strict=True))
    return product.reshape(*product.shape[:-4], rows, columns)


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
