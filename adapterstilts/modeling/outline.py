"""The outline of a model that is only planned: what its run will say of it, told from the spec alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapterstilts.modeling.architecture import Facts
from adapterstilts.modeling.blocks import AdapterDescription, Block, HeadDescription, ModelDescription, ModelOutline
from adapterstilts.modeling.compositions import MEAN, becomes_backbone, composition_options, goes_above
from adapterstilts.modeling.methods import METHODS, trains_backbone
from adapterstilts.runs.specs import MethodSpec, TrainSpec
from adapterstilts.tasks.kind import HeadSpec


def planned_outline(
    name: str,
    spec: TrainSpec,
    facts: Facts,
    sources: Sequence[ModelOutline],
    *,
    heads: Mapping[str, HeadSpec],
    language: ModelOutline | None = None,
) -> ModelOutline:
    """The outline of the model that a training stage will end with.

    Args:
        name: What the run's folder is going to be called.
        sources: The models that its composition starts from.
        heads: Task to the head that its kind needs.
        language: The model with the language adapter below all others.
    """
    options = composition_options(spec.composition, len(sources))
    blocks = _Blocks(spec, sources, language, options).build()
    kept = spec.composition.name in ("continue", "stack", MEAN) and any(one.description.own_backbone for one in sources)
    description = ModelDescription(
        backbone=spec.backbone,
        quantization=spec.quantization,
        model_type=facts.model_type,
        hidden_size=facts.hidden_size,
        num_hidden_layers=facts.num_hidden_layers,
        method=spec.method,
        own_backbone=trains_backbone(spec.method) or kept,
        blocks=tuple(blocks),
        heads={task: HeadDescription.of(head) for task, head in heads.items()},
    )
    return ModelOutline(name, description)


def language_block(language: ModelOutline, *, drop: int, taken: Sequence[str]) -> Block:
    """A language adapter as it lies below others, without the last `drop` layers of the backbone.

    Args:
        taken: Names of the adapters that are in the model already.
    """
    (block,) = language.description.blocks
    (adapter,) = block.adapters
    layers = language.description.num_hidden_layers
    left_out = sorted({*adapter.method.options.get("leave_out", []), *range(layers - drop, layers)})
    options = {**adapter.method.options, **({"leave_out": left_out} if left_out else {})}
    method = adapter.method.model_copy(update={"options": options})
    described = AdapterDescription(name=fresh_name(f"language_{language.name}", taken), method=method)
    return Block(kind="adapter", adapters=(described,), language=True)


TORCHS_OWN = frozenset(
    """
    T_destination add_module apply bfloat16 buffers call_super_init children clear compile copy cpu cuda double
    dump_patches eval extra_repr float forward fromkeys get get_buffer get_extra_state get_parameter
    get_submodule half ipu items keys load_state_dict modules mtia named_buffers named_children named_modules
    named_parameters parameters pop popitem register_backward_hook register_buffer register_forward_hook
    register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
    register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module register_parameter
    register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule
    setdefault share_memory smart_apply state_dict to to_empty train training type update values xpu zero_grad
    """.split()  # noqa: SIM905
)
"""What no part of a module can be called, but a task can: the file `train.csv` is one."""


def fresh_name(name: str, taken: Sequence[str]) -> str:
    """`name`, or a variant when an adapter has it, or the modules that hold adapters have a method of that name."""
    if name in TORCHS_OWN:
        return fresh_name(f"{name}_task", taken)
    return name if name not in taken else f"{name}_{len(taken) + 1}"


def adopted(sources: Sequence[ModelOutline], taken: Sequence[str]) -> list[AdapterDescription]:
    """The only adapter of each source, with names that are free in the model that they are put into."""
    found: list[AdapterDescription] = []
    for source in sources:
        (block,) = source.description.blocks
        (adapter,) = block.adapters
        name = fresh_name(adapter.name, [*taken, *(one.name for one in found)])
        found.append(adapter.model_copy(update={"name": name}))
    return found


@dataclass(frozen=True)
class _Blocks:
    """Builds the blocks of one planned model, in the order in which `composing` puts them in."""

    spec: TrainSpec
    sources: Sequence[ModelOutline]
    language: ModelOutline | None
    options: Any

    def build(self) -> list[Block]:
        """The blocks, the one nearest to the backbone first."""
        name = self.spec.composition.name
        if name == "none":
            return self._above(self._begin())
        if name == MEAN:
            return list(self.sources[0].description.blocks)
        if name in ("continue", "stack"):
            blocks = self._restored()
            return self._above(blocks) if name == "stack" else blocks
        blocks = self._begin()
        if not METHODS.get(self.spec.method.name).adds_adapter:
            return blocks
        adapters = adopted(self.sources, _names(blocks))
        if name == "add":
            return self._above([*blocks, *(Block(kind="adapter", adapters=(one,)) for one in adapters)])
        if name == "fuse":
            return [*blocks, self._fused(adapters, _names(blocks))]
        if name == "average":
            block = Block(kind="average", adapters=tuple(adapters), weights=self.options.weights)
            return self._above([*blocks, block])
        merged = AdapterDescription(name=fresh_name("merged", _names(blocks)), method=self.spec.method)
        blocks = [*blocks, Block(kind="adapter", adapters=(merged,))]
        return self._above(blocks) if goes_above(self.spec, self.options) else blocks

    def _begin(self) -> list[Block]:
        if self.language is None:
            return []
        return [language_block(self.language, drop=self.spec.language_adapter_drop, taken=())]

    def _restored(self) -> list[Block]:
        (source,) = self.sources
        own = list(source.description.blocks)
        # A source that was itself trained over the language adapter brings it along.
        if self.language is None or any(block.language for block in own):
            return own
        blocks = self._begin()
        return [*blocks, Block(kind="adapter", adapters=tuple(adopted(self.sources, _names(blocks))))]

    def _fused(self, adapters: list[AdapterDescription], taken: Sequence[str]) -> Block:
        if self.options.target != "one-step":
            return Block(kind="fuse", adapters=tuple(adapters))
        new = AdapterDescription(name=fresh_name(f"{self.spec.task}_new", taken), method=self.spec.method)
        return Block(kind="fuse", adapters=(*adapters, new), learning=(new.name,))

    def _above(self, blocks: list[Block]) -> list[Block]:
        """With a new adapter above, if the method has one."""
        method: MethodSpec = self.spec.method
        if not METHODS.get(method.name).adds_adapter:
            return blocks
        if blocks and becomes_backbone(self.spec, self.options):
            blocks = [*blocks[:-1], blocks[-1].model_copy(update={"kind": "merged"})]
        new = AdapterDescription(name=fresh_name(self.spec.task, _names(blocks)), method=method)
        return [*blocks, Block(kind="adapter", adapters=(new,))]


def _names(blocks: Sequence[Block]) -> list[str]:
    return [name for block in blocks for name in block.names]
