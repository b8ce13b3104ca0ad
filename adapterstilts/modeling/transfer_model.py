"""One module for every method: a backbone, the adapters in it, and one head per task."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import torch
from torch import nn

from adapterstilts.modeling.architecture import check_modules, module_language, stays_as_pretrained
from adapterstilts.modeling.backbone import Backbone
from adapterstilts.modeling.blocks import AdapterDescription, Block, HeadDescription, ModelDescription
from adapterstilts.modeling.fusion_attention import FusionAttention
from adapterstilts.modeling.heads import Heads, build_head
from adapterstilts.modeling.lower_layers import drop_nothing_below, run_to
from adapterstilts.modeling.methods import METHODS, computes_otherwise, trains_backbone
from adapterstilts.modeling.outline import fresh_name
from adapterstilts.modeling.ownership import paths_in
from adapterstilts.modeling.precision import computing
from adapterstilts.modeling.quantization import size_of
from adapterstilts.modeling.sharding import at_rest, spread_like
from adapterstilts.runs.specs import MethodSpec, Precision
from adapterstilts.tasks.kind import HeadSpec

# Before the names of the tensors of adapters that have become part of the backbone.
MERGED = "merged."


class TransferModel(nn.Module):
    """A backbone with its tuned parts and heads; everything is frozen until a `train_*` method is called.

    Args:
        backbone: The located checkpoint; its encoder is loaded here.
        method: What is (or was) trained; a backbone that is trained is kept in fp32, a frozen one may be in bf16.
        precision: bf16 computes under autocast; trained weights stay fp32.
        own_backbone: Whether the backbone's weights are not the pretrained ones, because they were trained or an
            adapter is merged into them: they stay fp32 though frozen, since bf16 rounds small changes away.
    """

    def __init__(
        self, backbone: Backbone, *, method: MethodSpec, precision: Precision, own_backbone: bool = False
    ) -> None:
        super().__init__()
        self.pretrained = backbone
        self.method = method
        self.precision = precision
        frozen = not (trains_backbone(method) or own_backbone)
        dtype = torch.bfloat16 if precision == "bf16" and frozen and not computes_otherwise(method) else torch.float32
        self.backbone = backbone.encoder(dtype, frozen=frozen).requires_grad_(False)
        # Before a library puts its own forward around it: segments are read where there are several kinds of them.
        known = inspect.signature(type(self.backbone).forward).parameters
        segments = "token_type_ids" in known and (getattr(self.config, "type_vocab_size", None) or 0) > 1
        self._inputs = ("input_ids", "token_type_ids") if segments else ("input_ids",)
        self.lower = 0
        self.heads = Heads()
        self.blocks: list[Block] = []
        self.fusion_attention = FusionAttention()
        self._language: Block | None = None
        self._head_specs: dict[str, HeadSpec] = {}
        self._merged: dict[str, torch.Tensor] = {}
        # The tensors themselves are kept, because an id can be given out again.
        self._pristine = {id(tensor): tensor for tensor in (*self.backbone.parameters(), *self.backbone.buffers())}
        self._pretrained = frozenset(self._pristine)

    @property
    def adapter_names(self) -> list[str]:
        """Names of the adapters, the one nearest to the backbone first."""
        return [name for block in self.blocks for name in block.names]

    @property
    def pretrained_ids(self) -> frozenset[int]:
        """The `id` of each tensor that the backbone was pretrained with."""
        return self._pretrained

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns of a batch that the backbone reads, beside the attention mask."""
        return self._inputs

    @property
    def config(self) -> Any:
        """The backbone's configuration."""
        return self.backbone.config

    def forward(self, *, task: str, attention_mask: torch.Tensor, **batch: torch.Tensor) -> dict[str, torch.Tensor]:
        """Runs one batch.

        Args:
            task: Which head to use.
            attention_mask: `(batch, seq)`, 1 for real tokens.
            batch: `input_ids` `(sequences, seq)`, further inputs of the backbone, and the head's own columns; `below`,
                where it is there, is what `lower_states` gives of them.

        Returns:
            The head's `logits`, and `loss` when labels are given.
        """
        inputs = {name: batch[name] for name in self._inputs if name in batch}
        below = batch.get("below")
        batch = {name: value for name, value in batch.items() if name not in ("input_ids", "token_type_ids", "below")}
        head = self.heads[task]
        with computing(self.backbone, self.precision, attention_mask.device):
            hidden = self.hidden(head.layer, attention_mask=attention_mask, below=below, **inputs)  # type: ignore[arg-type]
            if head.pretrained and self._live("adapters"):
                hidden = self._live("adapters").into_vocabulary(self.backbone, hidden)  # type: ignore[union-attr]
            return head(hidden, attention_mask, **batch)

    def hidden_states(self, *, attention_mask: torch.Tensor, **batch: torch.Tensor) -> torch.Tensor:
        """The last hidden state of a batch, `(sequences, seq, hidden)` in fp32, whatever the heads."""
        inputs = {name: batch[name] for name in self._inputs if name in batch}
        with computing(self.backbone, self.precision, attention_mask.device):
            return self.hidden(None, attention_mask=attention_mask, **inputs).float()

    def hidden(
        self,
        layer: int | str | None,
        *,
        attention_mask: torch.Tensor,
        below: torch.Tensor | None = None,
        **inputs: Any,
    ) -> torch.Tensor:
        """The last hidden state `(sequences, seq, hidden)`, or that of another layer."""
        inputs["attention_mask"] = attention_mask
        fused = any(block.kind == "fuse" for block in self.blocks) and not self.training
        if fused:
            inputs["output_adapter_fusion_attentions"] = True
        output, hidden = run_to(self.backbone, layer, inputs, first=self.lower, below=below)
        if fused:
            self.fusion_attention.add(self._live("adapters").attention(output), attention_mask)  # type: ignore[union-attr]
        return self._without_prompt(hidden, attention_mask.shape[1])

    def lower_states(self, *, attention_mask: torch.Tensor, **inputs: torch.Tensor) -> torch.Tensor:
        """What the `lower` layers give of a batch, `(sequences, seq, hidden)`, in the number format it comes in."""
        with computing(self.backbone, self.precision, attention_mask.device):
            return run_to(self.backbone, self.lower, {**inputs, "attention_mask": attention_mask})[1]

    def settle_below(self, layers: int) -> None:
        """Makes the first layers and the embeddings drop nothing; a batch may have what they give as `below`."""
        self.lower = layers
        self.train(self.training)

    def train(self, mode: bool = True) -> TransferModel:
        """As every module's, but for the lower layers that are settled."""
        super().train(mode)
        drop_nothing_below(self.backbone, self.lower)
        return self

    def _without_prompt(self, hidden: torch.Tensor, length: int) -> torch.Tensor:
        """The hidden states of the text alone, where a prompt was put before it or behind its first token."""
        extra = hidden.shape[1] - length
        if not extra:
            return hidden
        options = [adapter.method.options for block in self.blocks for adapter in block.adapters]
        behind_first = any(one.get("combine") == "prefix_after_bos" for one in options)
        first = 1 if behind_first else 0
        return torch.cat([hidden[:, :first], hidden[:, first + extra :]], dim=1)

    def _live(self, name: str) -> ModuleType | None:
        """The module of the library whose adapters are in the backbone, if it is the one called `name`."""
        for block in self.blocks:
            method = METHODS.get(block.adapters[0].method.name)
            if block.kind != "merged" and method.library_name == name:
                return method.library
        return None

    def fresh_name(self, name: str) -> str:
        """`name`, or a variant when an adapter has it."""
        return fresh_name(name, self.adapter_names)

    def add_adapter(self, name: str, method: MethodSpec) -> str:
        """Adds a frozen adapter above those that are there.

        Returns:
            The name it got: `name`, or a variant when that is taken.
        """
        unique = self.fresh_name(name)
        self.add_block(Block(kind="adapter", adapters=(AdapterDescription(name=unique, method=method),)))
        return unique

    def add_block(self, block: Block) -> None:
        """Adds frozen adapters above those that are there; `merged` ones are to be merged next."""
        for adapter in block.adapters:
            self.load_adapter(adapter)
        self.place(block)

    def place(self, block: Block) -> None:
        """Puts adapters that are in the backbone already above those that are in use."""
        if block.kind == "fuse":
            METHODS.get(block.adapters[0].method.name).library.add_fusion(self.backbone, block.names)
        self.blocks.append(block)
        if block.language:
            self._language = block
        self._activate()

    def load_adapter(self, adapter: AdapterDescription) -> None:
        """Adds a frozen adapter that is not in use yet."""
        method = METHODS.get(adapter.method.name)
        method.library.add_adapter(self.backbone, adapter.name, method, adapter.method.options)

    def adapter_paths(self, adapter: AdapterDescription, *, called: str | None = None) -> dict[str, str]:
        """Paths of the tensors of an adapter in this model, and what they are where it is `called` otherwise."""
        return self._paths(adapter.method, adapter.name, called=called or adapter.name)

    def _paths(self, method: MethodSpec, name: str, *, called: str) -> dict[str, str]:
        containers = METHODS.get(method.name).library.containers(self.backbone, name)
        paths = (path for path, _ in self._state())
        return paths_in((f"backbone.{container}" for container in containers), paths, name, called=called)

    def settle(self) -> None:
        """Turns weights that are computed from others into plain ones, to be stored or read."""
        if library := self._live("adapters"):
            for name in self.adapter_names:
                library.settle(self.backbone, name)

    def _activate(self) -> None:
        live = [block for block in self.blocks if block.kind != "merged"]
        if live and live[0].language:
            live = [*([self._language] if self._language else []), *live[1:]]
        if live:
            METHODS.get(live[-1].adapters[0].method.name).library.activate(self.backbone, live)

    def use_language_adapter(self, block: Block | None) -> None:
        """Uses another language adapter that is in the backbone in place of the one trained with, or none."""
        self._language = block
        self._activate()

    def use_language_module(self, language: str) -> None:
        """Makes X-MOD read text with its module for a language, or for the context's of a pair; others have none.

        Raises:
            CompatibilityError: It has no such module.
        """
        check_modules(self.config, [language], name=self.pretrained.name)
        if code := module_language(self.config, language):
            self.backbone.set_default_language(code)  # type: ignore[operator]

    def merge_last(self) -> None:
        """Makes the last adapter part of the backbone's weights; its own weights are kept aside to be stored."""
        block = self.blocks[-1]
        paths = self.adapter_paths(block.adapters[0])
        own = {path: tensor for path, tensor in self._state() if path in paths}
        self._merged |= {f"{MERGED}{name}": tensor.detach().clone() for name, tensor in own.items()}
        self._pristine |= {id(tensor): tensor for tensor in own.values()}
        METHODS.get(block.adapters[0].method.name).library.merge_into_backbone(self.backbone)
        self.blocks[-1] = block.model_copy(update={"kind": "merged"})

    def add_head(self, task: str, spec: HeadSpec) -> None:
        """Adds a new, trainable head for `task`, in place of one that it has."""
        parts = {"decoder": self.pretrained.masked_lm_decoder(self.backbone)} if spec.name == "masked_lm" else {}
        self.heads[task] = build_head(spec, config=self.config, **parts)
        if self.heads[task].pretrained:
            own = self._head_parameters(task)
            for parameter in own:
                parameter.requires_grad_(False)
            self._pristine |= {id(parameter): parameter for parameter in own}
        self._head_specs[task] = spec

    def _head_parameters(self, task: str) -> list[nn.Parameter]:
        """A head's weights without those that it shares with the backbone."""
        return [parameter for parameter in self.heads[task].parameters() if id(parameter) not in self._pretrained]

    def train_head(self, task: str) -> None:
        """Makes a head trainable; one that belongs to the backbone only where the whole backbone is."""
        whole = METHODS.get(self.method.name).trains == "all" or self.method.unfreeze_backbone
        for parameter in self._head_parameters(task):
            parameter.requires_grad_(whole or not self.heads[task].pretrained)

    def drop_heads(self, *, keep: str | None) -> None:
        """Removes all heads but `keep`."""
        for task in [task for task in self.heads if task != keep]:
            del self.heads[task], self._head_specs[task]

    def rename_head(self, old: str, new: str) -> None:
        """Gives the head of one task to another."""
        self.heads[new] = self.heads.pop(old)
        self._head_specs[new] = self._head_specs.pop(old)

    def train_backbone(self) -> None:
        """Makes those of the backbone's own weights trainable that the method trains, routers of experts among them."""
        trains = "all" if self.method.unfreeze_backbone else METHODS.get(self.method.name).trains
        for name, parameter in self.backbone.named_parameters():
            if id(parameter) not in self._pretrained or stays_as_pretrained(self.config, name):
                continue
            if trains == "all" or (trains == "biases" and name.endswith("bias")):
                parameter.requires_grad_(True)

    def train_adapter(self, name: str) -> None:
        """Makes one adapter trainable."""
        (adapter,) = [one for block in self.blocks for one in block.adapters if one.name == name]
        for parameter in METHODS.get(adapter.method.name).library.trainable(self.backbone, name):
            parameter.requires_grad_(True)
        self._activate()

    def train_fusion(self, names: Sequence[str]) -> None:
        """Makes the AdapterFusion layers over the adapters `names` trainable."""
        (block,) = [one for one in self.blocks if one.kind == "fuse" and one.names == list(names)]
        fusion = ",".join(names)
        paths = self._paths(block.adapters[0].method, fusion, called=fusion)
        for path, parameter in self.named_parameters():
            if path in paths:
                parameter.requires_grad_(True)

    def regularization(self) -> torch.Tensor | None:
        """What the method adds to the loss of each optimiser step."""
        library = self._live("adapters") or self._live("peft")
        return library.regularization(self.backbone) if library else None

    def begin_training(self, steps: int) -> None:
        """Tells the method how many optimiser steps there are going to be."""
        if library := self._live("peft"):
            library.begin(self.backbone, steps)

    def after_step(self, step: int) -> None:
        """Lets the method act after an optimiser step (from 1), before the gradients are cleared."""
        if library := self._live("peft"):
            library.after_step(self.backbone, step)

    def training_state(self) -> dict[str, torch.Tensor]:
        """What the method has to remember between steps, besides the trained weights."""
        library = self._live("peft")
        return library.training_state(self.backbone) if library else {}

    def load_training_state(self, state: Mapping[str, torch.Tensor]) -> None:
        """Puts back what `training_state` gave."""
        if library := self._live("peft"):
            library.load_training_state(self.backbone, state)

    @contextmanager
    def tensors_replaced(self) -> Iterator[None]:
        """While it lasts, tensors give way to others of their names, which are then known as what those were."""
        before = self._named()
        pretrained = [name for name, tensor in before.items() if id(tensor) in self._pretrained]
        pristine = [name for name, tensor in before.items() if id(tensor) in self._pristine]
        self._pristine = {}
        del before
        yield
        after = self._named()
        self._pristine = {id(after[name]): after[name] for name in pristine}
        self._pretrained = frozenset(id(after[name]) for name in pretrained)

    def _named(self) -> dict[str, torch.Tensor]:
        return {**dict(self.named_parameters()), **dict(self.named_buffers())}

    def _state(self) -> Iterator[tuple[str, torch.Tensor]]:
        """Parameters, and the buffers that belong into a checkpoint."""
        at_rest(self)
        yield from self.named_parameters()
        kept = self.state_dict().keys()
        yield from ((name, buffer) for name, buffer in self.named_buffers() if name in kept)

    def stored(self) -> Iterator[tuple[str, torch.Tensor]]:
        """The tensors that a run has to keep: all but the backbone's own frozen ones."""
        for name, tensor in self._state():
            if tensor.requires_grad or id(tensor) not in self._pristine:
                yield name, tensor
        yield from self._merged.items()

    def load(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Copies tensors by name; of the backbone's own weights, those are then no longer as they were pretrained.

        Raises:
            KeyError: The model has no tensor of such a name and shape.
        """
        mine = dict(self._state()) if tensors else {}
        with torch.no_grad():
            for name, tensor in tensors.items():
                if name not in mine or mine[name].shape != tensor.shape:
                    shape = tuple(mine[name].shape) if name in mine else "none"
                    raise KeyError(f"{name} of shape {tuple(tensor.shape)} does not fit the model (there: {shape})")
                mine[name].copy_(spread_like(tensor, mine[name]))
                self._pristine.pop(id(mine[name]), None)

    def parameter_counts(self) -> dict[str, int]:
        """Number of `trained` and of all (`total`) parameters."""
        counts = [(size_of(parameter), parameter.requires_grad) for parameter in self.parameters()]
        return {"trained": sum(n for n, trained in counts if trained), "total": sum(n for n, _ in counts)}

    def describe(self) -> ModelDescription:
        """The model without its tensors."""
        return ModelDescription(
            backbone=self.pretrained.fingerprint,
            quantization=self.pretrained.quantization,
            model_type=self.config.model_type,
            hidden_size=self.config.hidden_size,
            num_hidden_layers=self.config.num_hidden_layers,
            method=self.method,
            own_backbone=any(
                id(parameter) in self._pretrained and (parameter.requires_grad or id(parameter) not in self._pristine)
                for parameter in self.backbone.parameters()
            ),
            blocks=tuple(self.blocks),
            heads={task: HeadDescription.of(spec) for task, spec in self._head_specs.items()},
        )
