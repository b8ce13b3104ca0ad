"""What a frozen model makes of a few examples: one forward pass, kept on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from adapterstilts.languages import ENGLISH
from adapterstilts.runs.arrays import Arrays, recall_arrays
from adapterstilts.runs.specs import MethodSpec, Precision
from adapterstilts.runs.store import Run
from adapterstilts.stages.ranking.examples import Examples

if TYPE_CHECKING:
    import torch

    from adapterstilts.modeling.transfer_model import TransferModel

Track = Callable[[Iterable[list[int]], int], Iterable[list[int]]]

FOLDER = "representations"
"""The folder of the store's cache that has them."""


@dataclass(frozen=True)
class Represented:
    """The labelled vectors of some examples.

    Attributes:
        vectors: `(n, width)`: hidden states of the last layer.
        targets: `(n, outputs)`; see `tasks.observations`.
        groups: `(n,)`: the number of the feature.
    """

    vectors: np.ndarray
    targets: np.ndarray
    groups: np.ndarray


def represent(run: Run, examples: Examples, precision: Precision, *, track: Track | None = None) -> Represented:
    """The labelled vectors of examples in a run's model, without its head.

    Args:
        track: Wraps the iterable of batches, given their number, for example to show progress.
    """

    def find() -> Arrays:
        return _labelled(load(run, examples, precision), examples, track)

    what = ("labelled vectors", run.key, precision, examples.identity)
    return Represented(**recall_arrays(examples.setup.store.cache / FOLDER, *what, find=find))


def mean_vector(examples: Examples, precision: Precision, *, track: Track | None = None) -> np.ndarray:
    """The mean `(width,)` over examples of the mean over tokens of the backbone's last hidden state.

    This is TextEmb of Vu et al. 2020, "Exploring and Predicting Transferability across NLP Tasks" (EMNLP), section 4.1.
    """

    def find() -> Arrays:
        from adapterstilts.modeling.head import pool

        sums: Any = 0.0
        count = 0
        for _, hidden, mask in _passes(load(None, examples, precision), examples, track):
            pooled = pool(hidden, mask, "mean")
            sums, count = sums + pooled.sum(0).double(), count + len(pooled)
        return {"mean": (sums / count).cpu().numpy()}

    backbone = examples.setup.backbone.fingerprint
    what = ("mean vector", backbone, precision, examples.identity)
    return recall_arrays(examples.setup.store.cache / FOLDER, *what, find=find)["mean"]


def load(run: Run | None, examples: Examples, precision: Precision) -> TransferModel:
    """A run's model, or the backbone alone, on its device; every weight is frozen."""
    from adapterstilts.modeling.precision import choose_device
    from adapterstilts.modeling.storage import StoredModel
    from adapterstilts.modeling.transfer_model import TransferModel

    setup = examples.setup
    if run is None:
        model = TransferModel(setup.backbone, method=MethodSpec(name="head"), precision=precision)
    else:
        model = StoredModel.read(run.folder).restore(setup.backbone, precision=precision, heads=False)
    model.use_language_module(ENGLISH)
    return model.to(choose_device(setup.device)).eval()


def _labelled(model: TransferModel, examples: Examples, track: Track | None) -> Arrays:
    """The arrays of a `Represented`, in the order of the features."""
    from adapterstilts.modeling.architecture import default_pooling
    from adapterstilts.modeling.head import pool

    kind, features = examples.kind, examples.features().to_list()
    pooling = kind.head().options.get("pooling") or default_pooling(model.config)
    vectors: list[np.ndarray] = [np.empty(0)] * len(features)
    observed = [kind.observed(feature) for feature in features]
    for indices, hidden, mask in _passes(model, examples, track):
        pooled, first = pool(hidden, mask, pooling), 0
        for index in indices:
            end, places = first + features[index]["sequences"], observed[index].places
            found = pooled[first:end] if places is None else hidden[first, list(places)]
            vectors[index], first = found.cpu().numpy(), end
    counts = [len(one.targets) for one in observed]
    return {
        "vectors": np.concatenate(vectors),
        "targets": np.concatenate([one.targets for one in observed]),
        "groups": np.repeat(np.arange(len(features)), counts),
    }


def _passes(
    model: TransferModel, examples: Examples, track: Track | None
) -> Iterator[tuple[list[int], torch.Tensor, torch.Tensor]]:
    """(features, hidden states, attention mask) of each batch."""
    import torch

    from adapterstilts.data.batching import model_inputs
    from adapterstilts.stages.collate import build_collator

    features = examples.features()
    collator = build_collator(examples.setup, examples.spec.encoding.max_length).for_prediction()
    inputs = features.select_columns(model_inputs(features.column_names)).to_list()
    batches = collator.plan(features["length"][:], features["sequences"][:])
    device = next(model.parameters()).device
    with torch.inference_mode():
        for indices in track(batches, len(batches)) if track else batches:
            batch = {name: value.to(device) for name, value in collator.pad([inputs[at] for at in indices]).items()}
            batch.pop("sequences", None)
            yield indices, model.hidden_states(**batch), batch["attention_mask"]
