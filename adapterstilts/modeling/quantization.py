"""QLoRA: a frozen backbone in 4 bits below a trained adapter (Dettmers et al. 2023)."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

from adapterstilts.errors import CompatibilityError, UsageError
from adapterstilts.modeling.methods import METHODS
from adapterstilts.runs.specs import MethodSpec

if TYPE_CHECKING:
    import torch
    from torch import nn

NF4 = "nf4"
"""4-bit NormalFloat with double quantisation, computed in bf16."""

# Methods of `peft` that have no form of their own for 4-bit layers, or begin from their decomposition.
_NOT_QUANTIZED = ("peft:loha", "peft:lokr", "peft:pissa")
# Compositions that leave the backbone's weights as they are.
_COMPOSITIONS = ("none", "continue", "mean")


def quantization_config(quantization: str | None) -> dict[str, Any]:
    """What `from_pretrained` has to be given; nothing where weights are not quantised."""
    if quantization is None:
        return {}
    import torch
    from transformers import BitsAndBytesConfig

    config = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type=quantization,
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    return {"quantization_config": config}


def no_quantization(device: torch.device) -> str | None:
    """Why backbones cannot be loaded in 4 bits on this machine; None where they can."""
    import torch

    if device.type != "cuda":
        return "there is no CUDA GPU" if not torch.cuda.is_available() else f"the device is {device}"
    return None if importlib.util.find_spec("bitsandbytes") else "bitsandbytes is not installed"


def check_quantization(method: MethodSpec, precision: str, device: torch.device) -> None:
    """Refuses `--load-in-4bit` where it cannot work.

    Raises:
        UsageError: The machine cannot do it, or fp32 is wanted too.
        CompatibilityError: The method would train or read the quantised weights.
    """
    if reason := no_quantization(device):
        raise UsageError(
            f"--load-in-4bit: {reason}.",
            remedy="It needs a CUDA GPU and `pip install 'adapterstilts[qlora]'`; leave it out otherwise.",
        )
    if precision == "fp32":
        raise UsageError("--load-in-4bit computes in bf16.", remedy="Leave out --precision fp32.")
    if METHODS.get(method.name).library_name != "peft" or method.name in _NOT_QUANTIZED or method.unfreeze_backbone:
        fitting = [one.name for one in METHODS if one.library_name == "peft" and one.name not in _NOT_QUANTIZED]
        raise CompatibilityError(
            f"Method {method} cannot be trained on a backbone in 4 bits.", remedy=f"These can: {', '.join(fitting)}."
        )


def check_8bit_moments() -> None:
    """Refuses `--adamw-8bit` where it cannot work.

    Raises:
        UsageError: The library is not installed.
    """
    if not importlib.util.find_spec("bitsandbytes"):
        raise UsageError(
            "--adamw-8bit: bitsandbytes is not installed.",
            remedy="It needs `pip install 'adapterstilts[qlora]'`; leave it out otherwise.",
        )


def forget_8bit_moments() -> None:
    """Lets an optimiser in 8 bits begin as the first one of its process.

    bitsandbytes keeps the weights whose moments stay in fp32 by their addresses, where those of a later model can be.
    """
    from bitsandbytes.optim import GlobalOptimManager

    GlobalOptimManager.get_instance().initialize()


def check_quantized_composition(composition: str) -> None:
    """Refuses compositions that merge adapters into the weights, which in 4 bits would lose them.

    Raises:
        CompatibilityError: See above.
    """
    if composition not in _COMPOSITIONS:
        raise CompatibilityError(
            f"Composition {composition!r} of a peft method merges adapters into the backbone's weights, which would be "
            "rounded to 4 bits.",
            remedy="Use --composition continue, or leave out --load-in-4bit.",
        )


def size_of(parameter: nn.Parameter) -> int:
    """Number of weights in a parameter; a 4-bit one holds two in a byte."""
    packed = type(parameter).__name__ == "Params4bit"
    return parameter.numel() * (2 * parameter.element_size() if packed else 1)
