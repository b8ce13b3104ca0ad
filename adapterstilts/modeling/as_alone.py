"""Scores that do not depend on what else is in a batch: each sequence's are those that it has alone, to the last bit.

A matrix product adds its terms up in an order that depends on the shapes of its factors, so that the scores of a text
differ in their last bits with the number of texts beside it. Here the products of each sequence are computed as if it
were alone in its batch: several sequences at once only where this machine has been seen to give the same bits for such
shapes. Which kernel computes a product is chosen by shapes, number format and threads, never by the values, so that it
is enough to compare once, on random numbers (the question is that of He et al. 2025, "Defeating nondeterminism in LLM
inference").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

_MOST = 64
# Multiplications of one sequence's product up to which any number of sequences is tried, and not only powers of two:
# to try costs less than to put the parts together again and again.
_SMALL = 2**22
# How many numbers at least a thread of torch works on, and by how many these can be divided whatever the registers are.
_GRAIN, _REGISTERS = 2**15, 64
# What is left over when registers and threads have shared the numbers is computed otherwise than the rest.
_SEPARATE = frozenset({
    functional.gelu, functional.silu, functional.mish, functional.softplus, functional.elu, torch.tanh,
    torch.Tensor.tanh, functional.tanh, torch.sigmoid, torch.Tensor.sigmoid, functional.sigmoid, torch.exp,
    torch.Tensor.exp, torch.erf,
})  # fmt: skip
# Sums over one dimension of each sequence.
_SUMS = frozenset({torch.sum, torch.Tensor.sum, torch.mean, torch.Tensor.mean})
# Of these, the first factor has a part for each sequence, and the second is the same for all.
_MAPS = frozenset({functional.linear, functional.conv1d})
# Computed together where that gives the same bits.
_PRODUCTS = _MAPS | {
    torch.matmul, torch.Tensor.matmul, torch.Tensor.__matmul__, torch.bmm, torch.Tensor.bmm, torch.baddbmm,
    torch.einsum, functional.scaled_dot_product_attention,
}  # fmt: skip
_same: dict[Any, bool] = {}
_whole: set[Any] = set()  # maps of which all sequences were computed at once, told in less time than `_same` is


class AsAlone(TorchFunctionMode):
    """While it lasts, operations on several sequences, `(sequences, seq, ...)`, have the bits of one at a time.

    Operations on tensors of fewer than three dimensions are left as they are.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func in _PRODUCTS:
            return _product(func, args, kwargs or {})
        if func in _SEPARATE or (func in _SUMS and _of_each(args, kwargs or {})):
            first, rest = args[0], args[1:]
            if first.dim() > 2 and len(first) > 1 and not (func in _SEPARATE and _divides(first)):
                return torch.cat([func(one, *rest, **(kwargs or {})) for one in first.split(1)])
        return func(*args, **kwargs) if kwargs else func(*args)


def _divides(values: torch.Tensor) -> bool:
    """Whether the numbers of one sequence, and those of each thread's share, fill registers and leave nothing over."""
    one, all_, threads = values[0].numel(), values.numel(), torch.get_num_threads()
    shares = {-(-count // min(threads, -(-count // _GRAIN))) for count in (one, all_)}
    return values.is_contiguous() and one % _REGISTERS == 0 and all(share % _REGISTERS == 0 for share in shares)


def _of_each(args: Sequence[Any], named: Mapping[str, Any]) -> bool:
    """Whether a sum is over one dimension other than that of the sequences."""
    dim = args[1] if len(args) > 1 else named.get("dim")
    return type(dim) is int and dim not in (0, -args[0].dim())


def _product(func: Callable[..., Any], args: Sequence[Any], named: Mapping[str, Any]) -> Any:
    """The product, of as many sequences at a time as that changes nothing for."""
    known = _known(func, args, named)
    if known in _whole:
        return func(*args, **named)
    given: dict[Any, Any] = {**dict(enumerate(args)), **named}
    places = _sliced(func, given)
    if not places or (rows := len(given[places[0]])) < 2:
        return func(*args, **named)
    device = given[places[0]].device.type
    if torch.is_autocast_enabled(device):  # once for all parts, and not for each
        narrow = torch.get_autocast_dtype(device)
        given = {name: value.to(narrow) if _is_float(value) else value for name, value in given.items()}
    shapes = _shapes(given, places)
    if rows <= _MOST and _is_small(given, places) and _is_same(func, rows, shapes, given, places):
        if known:
            _whole.add(known)
        return _call(func, given)
    parts, begin = [], 0
    while begin < rows:
        size = 1 << min(rows - begin, _MOST).bit_length() - 1
        while size > 1 and not _is_same(func, size, shapes, given, places):
            size //= 2
        parts.append(_call(func, _part(given, places, begin, begin + size)))
        begin += size
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def _known(func: Callable[..., Any], args: Sequence[Any], named: Mapping[str, Any]) -> Any:
    """What decides how a linear map is computed; None for other products, and where numbers are narrowed first."""
    if func is not functional.linear or named or torch.is_autocast_enabled(args[0].device.type):
        return None
    told = [(one.shape, one.dtype, one.device) for one in args if one is not None]
    return (torch.get_num_threads(), *told)


def _is_small(given: Mapping[Any, Any], places: Sequence[Any]) -> bool:
    """Whether the product of one sequence has few multiplications."""
    tensors = [value for value in given.values() if type(value) in _TENSORS]
    return len(tensors) > 1 and given[places[0]][0].numel() * max(tensors[1].shape[-2:]) <= _SMALL


def _sliced(func: Callable[..., Any], given: Mapping[Any, Any]) -> list[Any]:
    """Positions or names of the arguments whose first dimension is that of the sequences."""
    if func is torch.einsum:
        return _einsum_operands(given)
    tensors = [(name, one) for name, one in given.items() if type(one) in _TENSORS and one.dim() > 2]
    if func in _MAPS:
        return [name for name, _ in tensors[:1] if name in (0, "input")]
    return [name for name, one in tensors if len(one) == len(tensors[0][1])]


_TENSORS = (torch.Tensor, torch.nn.Parameter)


def _einsum_operands(given: Mapping[Any, Any]) -> list[Any]:
    """Of a sum of products, the operands that begin with the dimension that its result begins with."""
    left, _, out = str(given[0]).replace(" ", "").partition("->")
    operands = left.split(",")
    lead = "..." if out.startswith("...") else out[:1]
    found = [place for place, one in enumerate(operands, start=1) if lead and one.startswith(lead)]
    elsewhere = any(lead in one.removeprefix(lead) for one in operands)
    return [] if elsewhere or any(given[place].dim() < 3 for place in found) else found


def _is_float(value: Any) -> bool:
    return type(value) in _TENSORS and value.dtype == torch.float32


def _part(given: Mapping[Any, Any], places: Sequence[Any], begin: int, end: int) -> dict[Any, Any]:
    return {name: value[begin:end] if name in places else value for name, value in given.items()}


def _call(func: Callable[..., Any], given: Mapping[Any, Any]) -> Any:
    args = [value for name, value in given.items() if type(name) is int]
    return func(*args, **{name: value for name, value in given.items() if type(name) is str})


def _shapes(given: Mapping[Any, Any], places: Sequence[Any]) -> tuple[Any, ...]:
    """What decides how a product is computed, beside the number of sequences."""
    told = [
        (name, value.shape[1:] if name in places else value.shape, value.dtype, value.device)
        if type(value) in _TENSORS
        else (name, str(value))
        for name, value in given.items()
    ]
    return (torch.get_num_threads(), *told)


def _is_same(
    func: Callable[..., Any], size: int, shapes: tuple[Any, ...], given: Mapping[Any, Any], places: Sequence[Any]
) -> bool:
    """Whether `size` sequences together have the bits that each of them has alone, with factors of such shapes."""
    key = (func, size, shapes)
    if key not in _same:
        drawn, draws = _part(given, places, 0, size), torch.Generator().manual_seed(0)
        for name, value in drawn.items():
            if type(value) in _TENSORS and value.is_floating_point() and name != "attn_mask":
                drawn[name] = torch.randn(value.shape, generator=draws).to(value)
        together = _call(func, drawn)
        alone = [_call(func, _part(drawn, places, row, row + 1)) for row in range(size)]
        _same[key] = torch.equal(together, torch.cat(alone))
    return _same[key]
