"""Which values the options of tuning methods can have: what makes sense of what a library's classes let pass.

A library declares types, and finds out what a value means while it trains, if at all: a rank of a thousand million asks
for weights that no machine holds, and a dropout of -1 keeps nothing. Here each option has its range beside its name,
for all methods of both libraries, whose classes call equal things equally.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from adapterstilts.errors import UsageError
from adapterstilts.modeling.architecture import Facts
from adapterstilts.parsed import shortened

Limit = Literal["hidden_size", "positions", "num_hidden_layers"]
_LIMITS: Mapping[Limit, str] = {
    "hidden_size": "the width of", "positions": "the longest input of", "num_hidden_layers": "the layers of",
}  # fmt: skip


@dataclass(frozen=True)
class Bound:
    """The values of an option; of one that is a list or names numbers, those of each of its values.

    Attributes:
        least: The smallest number, and `most` the largest, without themselves where `open` has them: `(`, `)` or both.
        words: The texts that it can be; any where there are none.
        limit: What of a backbone it cannot exceed `times` times; of layers, which are counted from 0, not reach.
    """

    least: float = -math.inf
    most: float = math.inf
    open: str = ""
    words: tuple[str, ...] = ()
    limit: Limit | None = None
    times: int = 1

    def allows(self, value: float) -> bool:
        """Whether a number is in the range; NaN is in none."""
        if value in (self.least, self.most):
            return ("(" if value == self.least else ")") not in self.open
        return self.least < value < self.most

    def __str__(self) -> str:
        """The range as messages say it."""
        least, most = (f"{value:,}" if float(value).is_integer() else f"{value:g}" for value in (self.least, self.most))
        if not self.open:
            return f"{least} to {most}"
        lower = f"above {least}" if "(" in self.open else f"at least {least}"
        upper = f"below {most}" if ")" in self.open else f"at most {most}"
        return f"{lower} and {upper}"


_SEED = Bound(0, 2**32 - 1)
_SHARE = Bound(0, 1, open=")")
_RANK = Bound(1, 65_536, limit="hidden_size")
_TOKENS = Bound(1, 65_536, limit="positions")
_EDGE = Bound(0, 65_536, limit="positions")
_LAYER = Bound(0, 999, words=("all",), limit="num_hidden_layers")
_STEPS = Bound(0, 10**9)
_FACTOR = Bound(1 / 16, 65_536)
_SCALE = Bound(0, 10**6, open="(")
_ANY = Bound(-(10**9), 10**9)

# What `transformers` has activations by the name of, and one that the adapters library adds.
_ACTIVATIONS = (
    "gelu", "gelu_10", "gelu_accurate", "gelu_fast", "gelu_new", "gelu_python", "gelu_python_tanh", "gelu_pytorch_tanh",
    "laplace", "leaky_relu", "leakyrelu", "linear", "mish", "prelu", "quick_gelu", "relu", "relu2", "relu6", "sigmoid",
    "silu", "swish", "tanh", "xielu",
)  # fmt: skip

LAYER_OPTIONS = ("leave_out", "layers", "layers_to_transform")
"""Options that name layers by their numbers, from 0."""

BOUNDS: Mapping[str, Bound] = {
    # sizes
    "r": _RANK, "init_r": _RANK, "target_r": _RANK, "rank_pattern": _RANK, "phm_rank": _RANK, "phm_dim": _RANK,
    "VeraConfig.r": Bound(1, 65_536, limit="hidden_size", times=8),
    "OFTConfig.r": Bound(0, 65_536, limit="hidden_size", times=8),
    "oft_block_size": Bound(0, 65_536, limit="hidden_size", times=8),
    "bottleneck_size": Bound(1, 65_536, limit="hidden_size", times=16),
    "reduction_factor": _FACTOR, "inv_adapter_reduction_factor": _FACTOR,
    "prefix_length": _TOKENS, "prompt_length": _TOKENS, "prefix_positions": _EDGE, "suffix_positions": _EDGE,
    "decompose_factor": Bound(-1, 65_536), "qalora_group_size": Bound(1, 65_536),
    "num_cayley_neumann_terms": Bound(1, 100),
    # layers and tokens by their numbers
    **dict.fromkeys(LAYER_OPTIONS, _LAYER),
    "trainable_token_indices": Bound(0, 10**8), "alora_invocation_tokens": Bound(0, 10**8),
    # shares
    "density": Bound(0, 1, open="("),
    "dropout": _SHARE, "lora_dropout": _SHARE, "vera_dropout": _SHARE, "rank_dropout": _SHARE, "module_dropout": _SHARE,
    "stochastic_depth": _SHARE, "beta1": Bound(0, 1, open="()"), "beta2": Bound(0, 1, open="()"),
    # factors
    "alpha": _SCALE, "lora_alpha": _SCALE, "alpha_pattern": _SCALE,
    "scaling": Bound(0, 10**6, open="(", words=("learned", "channel")),
    "phm_init_range": Bound(0, 1000, open="("), "eps": Bound(0, 1, open="("), "d_initial": Bound(0, 1000, open="("),
    "vera_d": Bound(-1000, 1000), "vera_b": Bound(-1000, 1000), "orth_reg_weight": Bound(0, 10**6),
    # steps and seeds
    "tinit": _STEPS, "tfinal": _STEPS, "deltaT": Bound(1, 10**9), "init_weights_seed": _SEED,
    "projection_prng_key": _SEED,
    # words
    "non_linearity": Bound(words=_ACTIVATIONS), "inv_adapter": Bound(words=("nice", "glow")),
    "init_weights": Bound(words=("bert", "mam_adapter", "houlsby", "lora", "ia3", "vera", "lycoris")),
    "residual_before_ln": Bound(words=("post_add",)), "phm_c_init": Bound(words=("normal", "uniform")),
    "hypercomplex_nonlinearity": Bound(words=("phm", "normal", "glorot-normal", "glorot-uniform")),
    "attn_matrices": Bound(words=("q", "k", "v")), "composition_mode": Bound(words=("add", "scale")),
    "dtype": Bound(words=("float32", "float16", "bfloat16")), "combine": Bound(words=("prefix", "prefix_after_bos")),
    "prompt_init": Bound(words=("random_uniform", "from_string")),
}  # fmt: skip
"""Option to its bound, by its name, or behind the name of the only class in which it has another meaning."""


def bound_of(config: str, option: str) -> Bound:
    """The bound of an option.

    Args:
        config: Name of the library's class.
        option: Of a part of a method, `part.option`.
    """
    name = option.rpartition(".")[2]
    return BOUNDS.get(f"{config}.{name}") or BOUNDS.get(name) or _ANY


def check_bounds(config: str, options: Mapping[str, Any], *, what: str) -> None:
    """Refuses values that make no sense on any backbone.

    Args:
        options: Of the types that the library declares.
        what: What they belong to, for messages.

    Raises:
        UsageError: A number is out of its range or not finite, or a text is not one of those that there are.
    """
    for name, value in options.items():
        bound = bound_of(config, name)
        for one in _values(value):
            if type(one) is str and bound.words and one not in bound.words:
                raise UsageError(f"{what}: {name}={shortened(one)} is unknown.", remedy=f"Use {_either(bound)}.")
            if type(one) in (int, float) and not bound.allows(one):
                raise UsageError(f"{what}: {name}={shortened(one)} is out of range.", remedy=f"Use {bound}.")


def check_sizes(config: str, options: Mapping[str, Any], facts: Facts, *, what: str, backbone: str) -> None:
    """Refuses sizes that make no sense on one backbone, and layers that it does not have.

    Args:
        options: Those that were given: defaults are the library's business.

    Raises:
        UsageError: See above.
    """
    for name, value in options.items():
        bound = bound_of(config, name)
        most = getattr(facts, bound.limit) if bound.limit else None
        if bound.limit is None or most is None:
            continue
        most = most * bound.times - (bound.limit == "num_hidden_layers")
        if odd := [one for one in _values(value) if type(one) in (int, float) and one > most]:
            times = f"{bound.times} times " if bound.times > 1 else ""
            raise UsageError(
                f"{what}: {name}={shortened(odd[0])} is more than {backbone} can use.",
                remedy=f"Use {bound.least:,} to {most:,} ({times}{_LIMITS[bound.limit]} {backbone}"
                f"{', counted from 0' if bound.limit == 'num_hidden_layers' else ''}).",
            )


def _values(value: Any) -> Iterator[Any]:
    """A value, or all that are in it."""
    match value:
        case list() | tuple() | set():
            for one in value:
                yield from _values(one)
        case Mapping():
            for one in value.values():
                yield from _values(one)
        case _:
            yield value


def _either(bound: Bound) -> str:
    """The words, and the numbers where there are some too."""
    words = " or ".join(filter(None, (", ".join(bound.words[:-1]), bound.words[-1])))
    number = f", or a number: {bound}" if bound.least > -math.inf else ""
    return words + number
