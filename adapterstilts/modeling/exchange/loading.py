"""The few lines of Python that load an exported model with the libraries alone."""

from __future__ import annotations

from adapterstilts.modeling.architecture import kept_parts
from adapterstilts.modeling.blocks import AdapterDescription, Block
from adapterstilts.modeling.exchange.adapters_parts import HEAD
from adapterstilts.modeling.exchange.checkpoints import Checkpoint
from adapterstilts.modeling.exchange.outer import Outer
from adapterstilts.modeling.exchange.parts import Part
from adapterstilts.modeling.exchange.plan import Plan
from adapterstilts.modeling.exchange.sparse_parts import DIFFERENCES
from adapterstilts.modeling.methods import METHODS

# Classes of `adapters` with a value that is no field, which its files therefore lack: the adapter is added first.
NOT_IN_FILES = ("DiReftConfig",)
# Families in whose layers `adapters` puts a bias of random numbers, and what takes it out again.
_WITHOUT_BIAS = {"modernbert": "for layer in model.layers:\n    layer.attn.Wqkv.bias = None"}


def expression(blocks: list[Block]) -> str:
    """The composition of adapters as an expression of the `adapters` library."""
    parts = [_block(block) for block in blocks]
    return parts[0] if len(parts) == 1 else f"Stack({', '.join(parts)})"


def _block(block: Block) -> str:
    names = ", ".join(repr(name) for name in block.names)
    if block.kind == "fuse":
        return f"Fuse({names})"
    if block.kind == "average":
        return f"Average({names}, weights={list(block.weights)}, normalize_weights=False)"
    return names


def loading_code(plan: Plan) -> str:
    """Lines that leave the model as `model`; `FOLDER` is the exported folder, and `BASE` the backbone's name."""
    of_library = {"transformers": _transformers, "adapterstilts": _differences, "peft": _peft, "adapters": _adapters}
    lines = of_library[plan.library](plan)
    if plan.beside:
        lines = [
            "from safetensors.torch import load_file",
            *lines,
            f"head = load_file({_place('model_head.safetensors')})",
        ]
    return "\n".join(lines) + "\n"


def _transformers(plan: Plan) -> list[str]:
    outer = plan.outer
    assert outer is not None
    return [
        f"from transformers import AutoTokenizer, {outer.auto_class}",
        f"model = {outer.auto_class}.from_pretrained(FOLDER){outer.inside}",
        "tokenizer = AutoTokenizer.from_pretrained(FOLDER)",
    ]


def _differences(plan: Plan) -> list[str]:
    outer = plan.outer
    assert outer is not None
    chosen = "list(encoder.parameters())"
    if kept := sorted(kept_parts(plan.model.config)):
        chosen = f"[w for name, w in encoder.named_parameters() if not {set(kept)!r} & set(name.split('.'))]"
    encoder = f"model.get_submodule({outer.prefix[:-1]!r})" if outer.prefix and not outer.inside else "model"
    lines = [
        "from safetensors.torch import load_file",
        "from torch.nn.utils import parameters_to_vector, vector_to_parameters",
        f"from transformers import {outer.auto_class}",
        f"model = {outer.auto_class}.from_pretrained({_base(plan)}{_labels(outer)}){outer.inside}",
        f"differences, encoder = load_file({_place(DIFFERENCES)}), {encoder}",
        f"weights = {chosen}",
        "numbers = parameters_to_vector(weights).detach()",
        f"for name in {[one.name for one in plan.adapters]!r}:",
        '    numbers[differences[f"{name}.indices"].long()] += differences[f"{name}.values"]',
        "vector_to_parameters(numbers, weights)",
    ]
    with_head = any(layout.file == HEAD for part in plan.parts if isinstance(part, Part) for layout in part.layouts)
    return [*lines, *([f"model.load_state_dict(load_file({_place(HEAD)}), strict=False)"] if with_head else [])]


def _labels(outer: Outer) -> str:
    return "".join(f", {name}={value!r}" for name, value in outer.settings.items() if name != "label2id")


def _peft(plan: Plan) -> list[str]:
    outer = plan.outer
    assert outer is not None
    base = _base(plan)
    lines = [
        "from peft import PeftModel",
        f"from transformers import {outer.auto_class}",
        f"model = {outer.auto_class}.from_pretrained({base}{_labels(outer)}){outer.inside if not outer.prefix else ''}",
    ]
    merged = [part for part in plan.parts if part.kind == "merged"]
    for part in () if plan.description.own_backbone else merged:  # a backbone of its own has them in it
        lines.append(f"model = PeftModel.from_pretrained(model, {_place(part.folder)}).merge_and_unload()")
    (last,) = [part for part in plan.parts if part.kind == "adapter"]
    return [*lines, f"model = PeftModel.from_pretrained(model, {_place(last.folder)})"]


def _adapters(plan: Plan) -> list[str]:
    active, outer = expression(plan.live), plan.outer
    blocks = [name for name in ("Average", "Fuse", "Stack") if f"{name}(" in active]
    first = [_class(one) for one in plan.adapters if _class(one) in NOT_IN_FILES]
    imported = ", ".join([*(["AutoAdapterModel"] if outer is None else ["init"]), *dict.fromkeys(first)])
    lines = [f"from adapters import {imported}"]
    if blocks:
        lines.append(f"from adapters.composition import {', '.join(blocks)}")
    if outer is None:
        lines.append(f"model = AutoAdapterModel.from_pretrained({_base(plan)})")
    else:
        lines += [f"from transformers import {outer.auto_class}", *_initialised(plan, outer)]
    for one in plan.adapters:
        if _class(one) in NOT_IN_FILES:
            options = ", ".join(f"{name}={value!r}" for name, value in one.method.options.items())
            lines.append(f"model.add_adapter({one.name!r}, config={_class(one)}({options}))")
    one_folder = {part.folder for part in plan.parts} == {""} and len({part.name for part in plan.parts}) == 1
    if outer is None and one_folder and not first:
        return [*lines, "model.load_adapter(FOLDER, set_active=True, use_safetensors=True)"]
    without = ", with_head=False" if outer is None else ""
    calls = {"adapter": "load_adapter", "fusion": "load_adapter_fusion", "head": "load_head"}
    for part in plan.parts:
        if part.kind in calls and part.name:
            more = "" if part.kind == "head" else without
            lines.append(f"model.{calls[part.kind]}({_place(part.folder)}{more}, use_safetensors=True)")
    return [*lines, f"model.set_active_adapters({active})"]


def _class(adapter: AdapterDescription) -> str:
    return METHODS.get(adapter.method.name).config


def _initialised(plan: Plan, outer: Outer) -> list[str]:
    """The encoder alone, which takes adapters."""
    lines = [f"model = {outer.auto_class}.from_pretrained({_base(plan)}){outer.inside}", "init(model)"]
    more = _WITHOUT_BIAS.get(plan.description.model_type)
    return [*lines, *([more] if more and not getattr(plan.model.config, "attention_bias", False) else [])]


def _base(plan: Plan) -> str:
    own: list[Part | Checkpoint] = [part for part in plan.parts if part.kind == "backbone"]
    if own:
        return _place(own[0].folder)
    return f"BASE, revision={plan.revision!r}" if plan.revision else "BASE"


def _place(name: str) -> str:
    return f'f"{{FOLDER}}/{name}"' if name else "FOLDER"
