"""The layers below all that is a model's own: what they give is the same for every model, and computed without it.

With AdapterDrop (Rücklé et al. 2021) the first layers have no adapters; a head that is trained alone has all of them
below it. They learn nothing, and what they say of a text never changes as long as they drop nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from adapterstilts.modeling.architecture import has_plain_layers
from adapterstilts.modeling.blocks import ModelDescription
from adapterstilts.tasks.retrieval_options import resolve_layer

_LAYER = re.compile(r"encoder\.layer\.(\d+)\.")


def lower_layers(model: Any) -> int:
    """How many of a model's first layers have nothing in or below them but pretrained weights that stay as they are.

    Args:
        model: A `TransferModel` with all of its parts.
    """
    described: ModelDescription = model.describe()
    if described.own_backbone or not has_plain_layers(model.config):
        return 0
    count: int = model.config.num_hidden_layers
    # What an adapter that was merged has changed is known by the adapter's own tensors.
    own = [name for name, _ in model.stored() if not name.startswith("heads.")]
    found = [_LAYER.search(name) for name in own]
    if None in found:  # in the embeddings, or beside all layers
        return 0
    read = [resolve_layer(head.layer, count) for head in model.heads.values() if head.layer is not None]
    return min([count, *read, *(int(one[1]) for one in found if one)])


class _Given(nn.Module):
    """In the place of embeddings: what was computed before."""

    def __init__(self, states: Tensor) -> None:
        super().__init__()
        self._states = states

    def forward(self, *_: Any, **__: Any) -> Tensor:
        """Whatever the tokens are."""
        return self._states


def run_to(
    backbone: Any, layer: int | str | None, inputs: dict[str, Any], *, first: int = 0, below: Tensor | None = None
) -> tuple[Any, Tensor]:
    """What a backbone gives, and of it the hidden state of a layer, `(sequences, seq, hidden)`.

    Args:
        layer: As `resolve_layer` takes it; None for the last one.
        first: How many layers are not computed, where what they give is there as `below`.
    """
    count = backbone.config.num_hidden_layers
    number = count if layer is None else resolve_layer(layer, count)
    if number == count and below is None:  # with the norm that some architectures have above their layers
        output = backbone(**inputs)
        return output, output.last_hidden_state
    if not has_plain_layers(backbone.config):
        output = backbone(**inputs, output_hidden_states=True)
        return output, output.hidden_states[number]
    with _some_layers(backbone, 0 if below is None else first, number, below):
        output = backbone(**inputs)
    return output, output.last_hidden_state


@contextmanager
def _some_layers(backbone: Any, first: int, last: int, states: Tensor | None) -> Iterator[None]:
    """While it lasts, a backbone of plain layers computes those from `first` to `last`, this one not included."""
    embeddings, layers = backbone.embeddings, backbone.encoder.layer
    try:
        if states is not None:
            backbone.embeddings = _Given(states)
        backbone.encoder.layer = layers[first:last]
        yield
    finally:
        backbone.embeddings, backbone.encoder.layer = embeddings, layers


def drop_nothing_below(backbone: Any, layers: int) -> None:
    """Takes the embeddings and the first layers of a backbone out of training, so that they have no dropout."""
    for part in (backbone.embeddings, *backbone.encoder.layer[:layers]) if layers else ():
        part.eval()
