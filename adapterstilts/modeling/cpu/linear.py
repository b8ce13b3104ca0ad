"""Linear layers of frozen weights in bf16, which are kept in the order in which a CPU's products read them.

oneDNN, by which torch multiplies bf16, orders a weight by blocks each time that it is asked for a product, and torch
writes the bias into the result beforehand. Here a weight is ordered once and the bias added within: the same sums of
the same products, which with AVX-512 are torch's to the last bit. A prediction takes about a tenth less time by it.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable
from torch.utils.weak import WeakTensorKeyDictionary

from adapterstilts.modeling.cpu.memory import spare_memory

_PLAIN = (torch.Tensor, nn.Parameter)
_WIDEST = 2**16
"""Outputs: a vocabulary, by whose table some heads multiply, has more, and is left as it is."""


@dataclass(frozen=True)
class _Ordered:
    """A weight in bf16.

    Attributes:
        ordered: By blocks, for the product with a layer's input.
        plain: As it is, for the gradient of that input.
        source: What both were made from. As long as it is known here, nothing else has its address.
        version: The number of changes to it then.
    """

    ordered: torch.Tensor
    plain: torch.Tensor
    source: torch.Tensor
    version: int


_KNOWN: WeakTensorKeyDictionary = WeakTensorKeyDictionary()


def orders_weights() -> bool:
    """Whether models compute in bf16 now, on a CPU whose products in bf16 are oneDNN's."""
    in_bf16 = torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16
    return in_bf16 and _multiplies_by_onednn()


@cache
def _multiplies_by_onednn() -> bool:
    intel = platform.machine() in ("x86_64", "AMD64")  # of Arm's, nobody has seen what they give
    return intel and torch.backends.mkldnn.is_available() and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def linear(input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """As `torch.nn.functional.linear` under autocast, which is called for all but frozen weights."""
    known = _ordered(weight) if _possible(input, weight, bias) else None
    if known is None:
        return nn.functional.linear(input, weight, bias)
    given = input.to(torch.bfloat16)
    added = None if bias is None else bias.to(torch.bfloat16)
    if torch.is_grad_enabled() and given.requires_grad:
        result: torch.Tensor = _Linear.apply(given, known, added)
        return result
    return _product(given, known.ordered, added)


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, given: torch.Tensor, known: _Ordered, bias: torch.Tensor | None) -> torch.Tensor:
        ctx.plain = known.plain
        return _product(given, known.ordered, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        return gradient @ ctx.plain, None, None


def _product(given: torch.Tensor, ordered: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    result: torch.Tensor = torch.ops.mkldnn._linear_pointwise(given, ordered, bias, "none", [], "")
    return result


def _possible(input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> bool:
    """Whether a layer of plain weights is computed in bf16, of which nothing learns."""
    return (
        orders_weights()
        and type(weight) is nn.Parameter  # else it is made for this product, and never seen again
        and not weight.requires_grad
        and (bias is None or (type(bias) in _PLAIN and not bias.requires_grad))
        and type(input) in _PLAIN
        and weight.dim() == 2
        and weight.is_floating_point()
        and weight.numel() > 0
        and len(weight) <= _WIDEST
        and input.numel() > 0
        and input.is_contiguous()  # torch adds the bias to rounded products of others
        and not weight.is_inference()
    )


def _ordered(weight: torch.Tensor) -> _Ordered | None:
    """A weight by blocks, made anew where it has changed; None where memory is short."""
    known: _Ordered | None = _KNOWN.get(weight)
    if known and known.version == weight._version and known.source.data_ptr() == weight.data_ptr():
        return known
    if known:
        del _KNOWN[weight]
    if not spare_memory(4 * weight.numel()):
        return None
    with torch.no_grad():
        plain = weight.detach().to(torch.bfloat16)
        ordered = torch.ops.mkldnn._reorder_linear_weight(plain.contiguous(), None)
    known = _KNOWN[weight] = _Ordered(ordered, plain, weight.detach(), weight._version)
    return known
