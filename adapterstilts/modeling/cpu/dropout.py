"""Dropout in training on a CPU, which takes a fifth of the time there that torch's own does.

torch draws a number for each element, one thread at a time, and computes attention that has dropout by way of many
tensors as large as the attention itself. Here one draw of 64 bits decides about four elements, and attention keeps its
probabilities and a byte for each of them alone. What is dropped is distributed as it is in torch, with the probability
rounded to a multiple of 2^-16, which the rest is scaled by, too; which elements these are depends on torch's seed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.autograd.function import FunctionCtx, once_differentiable

_VALUES = 2**16
"""That sixteen bits can have."""
_PART_BYTES = 2**24
"""Of one tensor: half of a usual cache, and half of what the C library gives back to the system each time."""


def dropout(input: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> torch.Tensor:
    """As `torch.nn.functional.dropout`, which is called where all or nothing is dropped."""
    if not training or inplace or not _possible(input, p):
        return nn.functional.dropout(input, p, training, inplace)
    result: torch.Tensor = _Dropout.apply(input, p)
    return result


def attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    **others: Any,
) -> torch.Tensor:
    """As `torch.nn.functional.scaled_dot_product_attention`, which computes what has no dropout or other options."""
    scale = others.pop("scale", None)
    learns = attn_mask is not None and attn_mask.requires_grad  # a bias that is trained, such as one of distances
    if is_causal or learns or any(others.values()) or query.dim() != 4 or not _possible(query, dropout_p):
        return nn.functional.scaled_dot_product_attention(
            query, key, value, attn_mask, dropout_p, is_causal, scale=scale, **others
        )
    if torch.is_autocast_enabled("cpu"):
        dtype = torch.get_autocast_dtype("cpu")
        query, key, value = (one.to(dtype) for one in (query, key, value))
    if attn_mask is not None:
        attn_mask = attn_mask[(None,) * (4 - attn_mask.dim())]
        if attn_mask.dtype == torch.bool:
            shut = torch.finfo(query.dtype).min
            attn_mask = torch.zeros(attn_mask.shape, dtype=query.dtype).masked_fill_(~attn_mask, shut)
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    with torch.autocast("cpu", enabled=False):
        result: torch.Tensor = _Attention.apply(query * factor, key, value, attn_mask, dropout_p)
    return result


def _possible(tensor: torch.Tensor, p: float) -> bool:
    return 0 < p < 1 and tensor.device.type == "cpu" and tensor.is_floating_point()


class _Dropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, given: torch.Tensor, p: float) -> torch.Tensor:
        kept, ctx.scale = _draw(given.shape, p)  # type: ignore[attr-defined]
        ctx.save_for_backward(kept)
        return (given * kept).mul_(ctx.scale)  # type: ignore[attr-defined]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        (kept,) = ctx.saved_tensors
        return (gradient * kept).mul_(ctx.scale), None


class _Attention(torch.autograd.Function):
    """Attention of a few rows at a time, so that what each computes stays in the cache and is no memory anew."""

    @staticmethod
    def forward(
        ctx: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, bias: torch.Tensor | None, p: float
    ) -> torch.Tensor:
        if bias is not None:
            bias = bias.expand(len(query), *bias.shape[1:])
        result, drawn = query.new_empty(*query.shape[:-1], value.shape[-1]), []
        ctx.parts = _parts(query, key)
        for rows in ctx.parts:
            scores = query[rows] @ key[rows].transpose(-1, -2)
            if bias is not None:
                scores += bias[rows]
            shares = scores.softmax(-1)
            kept, ctx.scale = _draw(shares.shape, p)
            result[rows] = torch.mul(shares, kept, out=scores) @ value[rows]
            drawn += [shares, kept]
        ctx.save_for_backward(query, key, value, *drawn)
        return result.mul_(ctx.scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, None, None]:
        query, key, value, *drawn = ctx.saved_tensors
        gradient = gradient * ctx.scale
        of_query, of_key, of_value = torch.empty_like(query), torch.empty_like(key), torch.empty_like(value)
        for rows, shares, kept in zip(ctx.parts, drawn[::2], drawn[1::2], strict=True):
            of_value[rows] = (shares * kept).transpose(-1, -2) @ gradient[rows]
            of_shares = (gradient[rows] @ value[rows].transpose(-1, -2)).mul_(kept)
            of_scores = torch._softmax_backward_data(of_shares, shares, -1, shares.dtype)
            of_query[rows] = of_scores @ key[rows]
            of_key[rows] = of_scores.transpose(-1, -2) @ query[rows]
        return of_query, of_key, of_value, None, None


def _parts(query: torch.Tensor, key: torch.Tensor) -> list[slice]:
    """As many rows at a time as have scores of `_PART_BYTES`."""
    rows, heads, length, _ = query.shape
    size = max(1, _PART_BYTES // (heads * length * key.shape[-2] * query.element_size()))
    return [slice(at, at + size) for at in range(0, rows, size)]


def _draw(shape: torch.Size, p: float) -> tuple[torch.Tensor, float]:
    """Which elements are kept, and what they are multiplied with."""
    dropped = min(max(1, round(p * _VALUES)), _VALUES - 1)
    count = math.prod(shape)
    seed = int(torch.randint(2**62, ()))
    numbers = np.random.SFC64(seed).random_raw(-(-count // 4)).view(np.uint16)[:count]
    # As numbers: torch multiplies by them twice as fast as by truth values.
    kept = torch.from_numpy((numbers >= dropped).view(np.uint8)).view(shape)
    return kept, _VALUES / (_VALUES - dropped)
