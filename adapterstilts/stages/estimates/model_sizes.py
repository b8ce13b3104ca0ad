"""How large a planned model is, and what it computes for a token: counted on its outline, without its numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from adapterstilts.modeling.architecture import drops_attention
from adapterstilts.modeling.blocks import AdapterDescription, Block, HeadDescription, ModelDescription
from adapterstilts.modeling.methods import METHODS, trains_backbone
from adapterstilts.modeling.quantization import NF4
from adapterstilts.runs.memory import Memory
from adapterstilts.settings import Optimisation

if TYPE_CHECKING:
    from adapterstilts.modeling.backbone import Backbone
    from adapterstilts.stages.estimates.amounts import Amount

# Part of every fact's name: raise it when something is counted in another way.
_VERSION = "5"
# Bytes; of 8 bits with a constant for each 256, of 4 bits with theirs, quantised too (Dettmers et al. 2022, 2023).
_FP32, _BF16, _INT8, _NF4 = 4, 2, 1 + 4 / 256, 0.52


@dataclass(frozen=True)
class ModelSize:
    """What is counted on one model.

    Attributes:
        forward: Floating-point operations for a token, as `costs.Work` counts them, and `backward` likewise.
        trained: Trained parameters, and `embedded` those in tables of embeddings.
        total: All parameters, and `pretrained` those of the backbone.
        stored: Bytes of what its run keeps.
        tensors: Trained tensors.
        hidden: Width of hidden states, `inner` that between the two layers of a feed-forward block, `heads` and
            `layers` those of the backbone, and `passed` the layers that the backward pass goes through.
        trains_backbone: Whether weights of the backbone are trained, so that its layers keep their inputs.
        whole: Whether the backbone's weights are kept in fp32 for that, or because they were trained before.
        drops_attention: Whether attention has dropout in training.
        lower: Layers below all that is the model's own, and `below` their part of `forward`.
    """

    forward: float
    backward: float
    trained: int
    embedded: int
    total: int
    pretrained: int
    stored: int
    tensors: int
    hidden: int
    inner: int
    heads: int
    layers: int
    passed: int
    trains_backbone: bool
    whole: bool
    drops_attention: bool
    lower: int
    below: float

    def states(self, amount: Amount) -> int:
        """Bytes of what the lower layers give of some rows, in fp32."""
        return round(_FP32 * self.hidden * amount.features * amount.tokens_of_a_feature) if self.lower else 0

    def weights(self, precision: str, quantization: str | None = None) -> int:
        """Bytes of all weights as they are held while it computes."""
        frozen = _NF4 if quantization == NF4 else _BF16 if precision == "bf16" else _FP32
        return round(self.pretrained * (_FP32 if self.whole else frozen) + _FP32 * (self.total - self.pretrained))

    def optimizer(self, settings: Optimisation) -> int:
        """Bytes of gradients and of AdamW's moments of each trained weight."""
        return _FP32 * self.trained + self._moments(settings)

    def checkpoint(self, settings: Optimisation) -> int:
        """Bytes of a checkpoint: trained weights and AdamW's moments, with names and the state of the training."""
        return _FP32 * self.trained + self._moments(settings) + 700 * self.tensors + 25_000

    def _moments(self, settings: Optimisation) -> int:
        in_8bit = self.trained - self.embedded if settings.adamw_8bit else 0  # embeddings keep theirs in fp32
        return round(2 * (_FP32 * (self.trained - in_8bit) + _INT8 * in_8bit))

    @property
    def mean(self) -> int:
        """Bytes of the mean of checkpoints in fp32, in memory and in each of them."""
        return _FP32 * self.trained

    def activations(self, tokens: int, width: int, precision: str, *, on_gpu: bool) -> int:
        """Bytes that a micro-batch keeps for the backward pass.

        Of each token and layer that it goes through: 40 bytes for each unit of the hidden state and 8 for each inner
        one in fp32, 33 and 4 under bf16 autocast, whose norms are in fp32. Layers whose weights are frozen do not keep
        the inputs of their products: 32 and 4, and 29 and 2. Attention is not kept but on a CPU with dropout, where
        it is `width` numbers for each head, with a mask of bytes, in place of its output. Counted on XLM-R's layers by
        autograd's hooks; compare Korthikanti et al. 2022, section 4.1.

        Args:
            tokens: Padded tokens.
            width: Of each sequence.
        """
        full, half = self.trains_backbone, precision == "bf16"
        hidden, inner = {
            (True, False): (40, 8),
            (True, True): (33, 4),
            (False, False): (32, 4),
            (False, True): (29, 2),
        }[full, half]
        layer = hidden * self.hidden + inner * self.inner
        if not on_gpu and self.drops_attention:
            layer += width * self.heads * (3 if half else 5)
            layer -= 0 if full else self.hidden * (_BF16 if half else _FP32)
        casts = _BF16 * self.trained if half else 0  # autocast keeps a copy of each trained weight
        return tokens * layer * self.passed + casts

    def ordered(self, precision: str, *, training: bool) -> int:
        """Bytes of frozen weights in a CPU's order: in each layer four square ones, and two of `inner` units.

        Weights that are in fp32 are there in bf16 in their own order, too.
        """
        if precision != "bf16" or (training and self.trains_backbone):
            return 0
        return (1 + self.whole) * _BF16 * self.layers * self.hidden * (4 * self.hidden + 2 * self.inner)

    def passing(self, tokens: int) -> int:
        """Bytes that a batch takes in prediction: what two layers hold at the same time, in fp32."""
        return tokens * _FP32 * (6 * self.hidden + 2 * self.inner)


def model_size(description: ModelDescription, backbone: Backbone) -> ModelSize:
    """The size of a model that a stage trains, or that one has trained; counted once a user for each form."""
    plain = without_names(description)
    found = Memory.of_user().recall(
        "model size", _VERSION, backbone.fingerprint, plain.model_dump_json(), find=lambda: _counted(plain, backbone)
    )
    return ModelSize(**found)


def without_names(description: ModelDescription) -> ModelDescription:
    """The same model whatever its tasks are called, so that those of one form are counted once."""
    called: dict[str, str] = {}
    blocks = []
    for block in description.blocks:
        for name in block.names:
            called[name] = f"task{len(called)}"
        adapters = tuple(AdapterDescription(name=called[one.name], method=one.method) for one in block.adapters)
        learning = tuple(called[name] for name in block.learning)
        blocks.append(Block(**{**dict(block), "adapters": adapters, "learning": learning}))
    heads: dict[str, HeadDescription] = {f"task{at}": head for at, head in enumerate(description.heads.values())}
    return description.model_copy(update={"blocks": tuple(blocks), "heads": heads})


def _counted(description: ModelDescription, backbone: Backbone) -> dict[str, Any]:
    """Builds the model on torch's meta device, and makes trainable what a stage trains of it."""
    from torch import nn

    from adapterstilts.modeling.composing import train_last
    from adapterstilts.modeling.exchange.meta_model import kept_tensors, model_on_meta
    from adapterstilts.modeling.lower_layers import lower_layers
    from adapterstilts.stages.estimates.costs import Work, lowest_trained_layer

    model = model_on_meta(description, backbone)
    kept = kept_tensors(model)
    stored = _file_bytes({name: tensor.shape for name, tensor in kept.items()})
    model.requires_grad_(False)
    model.method = description.method
    for task in description.heads:
        model.train_head(task)
    entry = METHODS.get(description.method.name)
    if entry.adds_adapter or trains_backbone(description.method):
        train_last(model)
    model.lower = 0 if description.own_backbone else lower_layers(model)
    work, counts, config = Work.of(model), model.parameter_counts(), model.config
    lowest = lowest_trained_layer(model)
    own = {id(parameter): parameter for parameter in model.backbone.parameters()}
    pretrained = sum(one.numel() for key, one in own.items() if key in model.pretrained_ids)
    return asdict(
        ModelSize(
            forward=work.forward,
            backward=work.backward,
            trained=counts["trained"],
            embedded=sum(
                weight.numel()
                for module in model.modules()
                if isinstance(module, nn.Embedding)
                for weight in module.parameters(recurse=False)
                if weight.requires_grad
            ),
            total=counts["total"],
            pretrained=pretrained,
            stored=stored,
            tensors=sum(parameter.requires_grad for parameter in model.parameters()),
            hidden=config.hidden_size,
            inner=_inner(config),
            heads=int(getattr(config, "num_attention_heads", 0) or getattr(config, "num_heads", 1)),
            layers=config.num_hidden_layers,
            passed=max(0, config.num_hidden_layers - max(0, lowest)),
            trains_backbone=entry.trains == "all" or entry.sparse or description.method.unfreeze_backbone,
            whole=description.own_backbone
            or entry.sparse
            or any(block.kind == "merged" for block in description.blocks),
            drops_attention=drops_attention(config),
            lower=model.lower,
            below=work.below,
        )
    )


def _file_bytes(shapes: Mapping[str, Sequence[int]]) -> int:
    """Bytes of a safetensors file of fp32 tensors: a header with their names, shapes and places, and their numbers."""
    header, place = {}, 0
    for name, shape in shapes.items():
        end = place + 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [place, end]}
        place = end
    text = len(json.dumps(header, separators=(",", ":")))
    return 8 + -(-text // 8) * 8 + place


def _inner(config: Any) -> int:
    """Units between the products of a feed-forward block; of a gated one, which holds three of them, twice as many."""
    for name in ("intermediate_size", "d_ff", "ffn_dim"):
        if found := getattr(config, name, None):
            gated = str(getattr(config, "hidden_act", "") or getattr(config, "hidden_activation", ""))
            return int(found) * (2 if gated in ("silu", "gelu_pytorch_tanh") else 1)
    return 4 * config.hidden_size
