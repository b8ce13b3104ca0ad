"""The few lines of Python that load an exported model with the libraries alone."""

from __future__ import annotations

from adapterstilts.modeling.blocks import Block
from adapterstilts.modeling.exchange.checkpoints import Checkpoint
from adapterstilts.modeling.exchange.parts import Part
from adapterstilts.modeling.exchange.plan import Plan
from adapterstilts.modeling.methods import METHODS


# Classes of `adapters` with a value that is no field, which its files therefore lack: the adapter is added first.
NOT_IN_FILES = ("DiReftConfig",)


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
    lines = {"transformers": _transformers, "peft": _peft, "adapters": _adapters}[plan.library](plan)
    if plan.beside:
        lines = ["from safetensors.torch import load_file", *lines, f"head = load_file({_place('model_head.safetensors')})"]
    return "\n".join(lines) + "\n"


def _transformers(plan: Plan) -> list[str]:
    outer = plan.outer
    assert outer is not None
    return [
        f"from transformers import AutoTokenizer, {outer.auto_class}",
        f"model = {outer.auto_class}.from_pretrained(FOLDER){outer.inside}",
        "tokenizer = AutoTokenizer.from_pretrained(FOLDER)",
    ]


def _peft(plan: Plan) -> list[str]:
    outer = plan.outer
    assert outer is not None
    base = _base(plan)
    labels = f", id2label={outer.settings['id2label']}" if outer.settings else ""
    lines = [
        "from peft import PeftModel",
        f"from transformers import {outer.auto_class}",
        f"model = {outer.auto_class}.from_pretrained({base}{labels}){outer.inside if not outer.prefix else ''}",
    ]
    merged = [part for part in plan.parts if part.kind == "merged"]
    for part in merged if base == "BASE" else ():  # a backbone of its own has them in it
        lines.append(f"model = PeftModel.from_pretrained(model, {_place(part.folder)}).merge_and_unload()")
    (last,) = [part for part in plan.parts if part.kind == "adapter"]
    return [*lines, f"model = PeftModel.from_pretrained(model, {_place(last.folder)})"]


def _adapters(plan: Plan) -> list[str]:
    active = expression(plan.live)
    blocks = [name for name in ("Average", "Fuse", "Stack") if f"{name}(" in active]
    lines = [f"from adapters.composition import {', '.join(blocks)}"] if blocks else []
    if plan.outer is None:
        lines = ["from adapters import AutoAdapterModel", *lines, f"model = AutoAdapterModel.from_pretrained({_base(plan)})"]
    else:
        outer = plan.outer
        lines = [
            "import adapters", *lines, f"from transformers import {outer.auto_class}",
            f"model = {outer.auto_class}.from_pretrained({_base(plan)}){outer.inside}", "adapters.init(model)",
        ]  # fmt: skip
    for adapter in plan.adapters:
        if (kind := METHODS.get(adapter.method.name).config) in NOT_IN_FILES:
            options = ", ".join(f"{name}={value!r}" for name, value in adapter.method.options.items())
            lines.append(f"model.add_adapter({adapter.name!r}, config=adapters.{kind}({options}))")
            lines[0] = f"import adapters\n{lines[0]}" if "import adapters" not in lines else lines[0]
    with_head = ", with_head=False" if plan.outer is None else ""
    calls = {"adapter": "load_adapter", "fusion": "load_adapter_fusion", "head": "load_head"}
    for part in plan.parts:
        if part.kind in calls and part.name:
            more = with_head if part.kind != "head" else ""
            lines.append(f"model.{calls[part.kind]}({_place(part.folder)}{more}, use_safetensors=True)")
    return [*lines, f"model.set_active_adapters({active})"]


def _base(plan: Plan) -> str:
    own: list[Part | Checkpoint] = [part for part in plan.parts if part.kind == "backbone"]
    return _place(own[0].folder) if own else "BASE"


def _place(name: str) -> str:
    return f'f"{{FOLDER}}/{name}"' if name else "FOLDER"
