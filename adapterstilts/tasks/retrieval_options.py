"""How retrieval makes vectors and compares them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from adapterstilts.settings import Strict
from adapterstilts.tasks.kind import Pooling

PRESETS: dict[str, dict[str, Any]] = {
    # Phang et al. 2020, as their toolkit does it: mean over the tokens of layer 14 of XLM-R Large's 24.
    "jiant": {"layer": "14/24", "pooling": "mean", "drop_repeated": False},
    # Hu et al. 2020, as the benchmark's own script does it: the first token of layer 20 of 24.
    "xtreme": {"layer": "20/24", "pooling": "first", "drop_repeated": True},
}
"""The two published ways of reading sentence vectors from a model that was not trained for it."""


class RetrievalOptions(Strict):
    """How vectors are made and compared.

    Attributes:
        mode: `nearest` gives each query one candidate, `mine` finds the pairs in two sets of which only some members
            have a partner, `rank` orders the candidates; only `rank` is trained.
        pool: Whether a query's candidates are those of its own language or of all languages together.
        layer: Hidden state that is pooled: its number (0: embeddings), or a share of the backbone's depth such as
            `14/24`, rounded to a layer. Not for `rank`, which reads the last one.
        pooling: Mean over the tokens, or the first or last one.
        drop_repeated: Mine no pairs of sentences that are there several times.
        margin: How `mine` scores a pair (Artetxe and Schwenk 2019).
        neighbours: Neighbours that the margin looks at.
        negatives: Pairs that are compared with each other in training. It decides how much memory a step needs.
    """

    mode: Literal["nearest", "mine", "rank"]
    pool: Literal["language", "all"] = "language"
    layer: int | str = PRESETS["jiant"]["layer"]
    pooling: Pooling = "mean"
    drop_repeated: bool = False
    margin: Literal["ratio", "absolute", "distance"] = "ratio"
    neighbours: int = Field(4, ge=1)
    negatives: int = Field(32, ge=2)

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
