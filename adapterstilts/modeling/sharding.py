"""Weights that are spread over the processes that train them: PyTorch's `fully_shard` (FSDP2) for a whole model."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def shard(model: Any, device: torch.device) -> None:
    """Spreads the weights of a `TransferModel` over all processes, each layer's and the others' together.

    Before a layer is computed its weights are gathered, and let go of afterwards; gradients are averaged over the
    processes, and each keeps its share of them and of Adam's moments. Names, shapes, and what is trained stay.

    Args:
        device: Where this process computes; weights that are elsewhere come there layer by layer.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import FSDPModule, fully_shard

    mesh = init_device_mesh(device.type, (torch.distributed.get_world_size(),))
    # A number cannot be spread; `average_unsharded` is for its gradient.
    alone = {parameter for parameter in model.parameters() if parameter.ndim == 0}
    with model.tensors_replaced():
        for layer in _layers(model.backbone, model.config.num_hidden_layers):
            fully_shard(layer, mesh=mesh, ignored_params=alone)
        fully_shard(model, mesh=mesh, ignored_params=alone)
    for parameter in alone:
        parameter.data = parameter.data.to(device)
    for module in model.modules():
        match module:
            case FSDPModule():  # gloo has no mean
                module.set_force_sum_reduction_for_comms(True)


def is_sharded(model: Any) -> bool:
    """Whether `shard` has spread a model's weights."""
    return hasattr(model, "unshard")


def at_rest(model: Any) -> None:
    """Lets go of weights that were gathered for a forward pass, so that a model's parameters are its shares of them."""
    if is_sharded(model):
        model.reshard()


def average_unsharded(model: Any) -> None:
    """Averages the gradients of weights that are not spread over the processes."""
    for parameter in model.parameters():
        if parameter.ndim == 0 and parameter.grad is not None:
            torch.distributed.all_reduce(parameter.grad)
            parameter.grad /= torch.distributed.get_world_size()


def whole(tensor: Any) -> torch.Tensor:
    """A tensor that may be spread, put together: that is done by all processes at once."""
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor


def spread_like(tensor: torch.Tensor, like: Any) -> torch.Tensor:
    """A tensor that every process has as a whole, spread as another of its shape is."""
    if not hasattr(like, "full_tensor"):
        return tensor
    from torch.distributed.tensor import distribute_tensor

    here = tensor.to(device=like.device, dtype=like.dtype)
    return distribute_tensor(here, like.device_mesh, like.placements, src_data_rank=None)


def whole_state(optimizer: torch.optim.Optimizer, *, keep: bool = True) -> dict[str, Any]:
    """An optimizer's state as one process has it.

    Args:
        keep: Whether this process wants it: it takes twice the memory of the weights. Tensors that are spread over
            processes are put together by all of them.
    """
    state = optimizer.state_dict()
    values: dict[int, dict[str, Any]] = {}
    for number, own in state["state"].items():
        values[number] = {}
        for name, value in own.items():
            complete = whole(value)
            if keep:
                values[number][name] = complete.cpu() if torch.is_tensor(complete) else complete
    return {**state, "state": values}


def load_whole_state(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Puts back what `whole_state` gave, spread as the weights are."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    values = {
        number: {
            name: spread_like(value, parameters[number]) if torch.is_tensor(value) and value.ndim else value
            for name, value in own.items()
        }
        for number, own in state["state"].items()
    }
    optimizer.load_state_dict({**state, "state": values})


def _layers(backbone: nn.Module, count: int) -> list[nn.Module]:
    """The layers of a backbone; none where it has one that is used again and again."""
    lists = (module for module in backbone.modules() if isinstance(module, nn.ModuleList) and len(module) == count)
    return list(next(lists, ()))
