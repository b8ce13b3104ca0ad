"""How retrieval makes vectors and compares them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from adapterstilts.settings import LONGEST, Strict
from adapterstilts.tasks.kind import Pooling

DEFAULT_LAYER = "14/24"

PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    # Phang et al. 2020, as their toolkit does it: mean over the tokens of layer 14 of XLM-R Large's 24.
    "jiant": {
        mode: {"layer": (DEFAULT_LAYER,), "pooling": "mean", "repeated": "expand"} for mode in ("nearest", "mine")
    },
    # Hu et al. 2020, as the benchmark's own scripts do it with models of 12 and of 24 layers: `run_tatoeba.sh` takes
    # the mean, and `run_bucc2018.sh` the first token.
    "xtreme": {
        "nearest": {"layer": ("8/12", "14/24"), "pooling": "mean"},
        "mine": {"layer": ("8/12", "20/24"), "pooling": "first", "repeated": "drop"},
    },
}
"""The two published ways of reading sentence vectors from a model that was not trained for it, by mode."""


def preset(name: str, mode: str, depth: int) -> dict[str, Any]:
    """The options that a preset stands for in a model of `depth` layers.

    Where it was published for models of several depths, the layer is that of the nearest one (of two that are equally
    near, the deeper one), or as deep in the model as it is in that one.
    """
    options = PRESETS[name][mode]
    published = sorted(options["layer"], key=lambda share: -int(share.partition("/")[2]))
    return {**options, "layer": min(published, key=lambda share: abs(int(share.partition("/")[2]) - depth))}


class RetrievalOptions(Strict):
    """How vectors are made and compared.

    Attributes:
        mode: `nearest` gives each query one candidate, `mine` finds the pairs in two sets of which only some members
            have a partner, `rank` orders the candidates; only `rank` is trained.
        pool: Whether a query's candidates are those of its own language or of all languages together.
        layer: Hidden state that is pooled: its number (0: embeddings), or a share of the backbone's depth such as
            `14/24`, rounded to a layer. Not for `rank`, which reads the last one.
        pooling: Mean over the tokens, or the first or last one.
        repeated: What `mine` does with sentences that are there several times, which it looks for once: `expand`
            pairs each of them with what it finds, `drop` pairs none of them.
        margin: How `mine` scores a pair (Artetxe and Schwenk 2019).
        neighbours: Neighbours that the margin looks at.
        joined: Whether `rank` reads a text and its context as one text, the context right after it, and not as two.
        negatives: Pairs that are compared with each other in training. It decides how much memory a step needs.
    """

    mode: Literal["nearest", "mine", "rank"]
    pool: Literal["language", "all"] = "language"
    layer: int | str = DEFAULT_LAYER
    pooling: Pooling = "mean"
    repeated: Literal["expand", "drop"] = "expand"
    margin: Literal["ratio", "absolute", "distance"] = "ratio"
    neighbours: int = Field(4, ge=1, le=LONGEST)
    joined: bool = False
    negatives: int = Field(32, ge=2, le=LONGEST)

    @model_validator(mode="after")
    def _layer_can_be_read(self) -> RetrievalOptions:
        # How deep the backbone is, is not known here.
        resolve_layer(self.layer, self.layer if isinstance(self.layer, int) else 1)
        return self


def resolve_layer(layer: int | str, depth: int) -> int:
    """The number of a hidden state in a model of `depth` layers.

    Raises:
        ValueError: `layer` is neither a number nor a share between 0 and 1, or the model is not as deep.
    """
    if isinstance(layer, str):
        above, slash, below = layer.partition("/")
        if not (slash and above.isdigit() and below.isdigit() and 0 < int(below) >= int(above)):
            raise ValueError(f"layer {layer!r} is neither a number nor a share of the depth such as 14/24")
        return round(int(above) / int(below) * depth)
    if not 0 <= layer <= depth:
        raise ValueError(f"layer {layer} is not one of the {depth} layers (0: embeddings)")
    return layer
