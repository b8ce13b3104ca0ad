"""Options of methods: each has a range or words, for all methods of both libraries, and what is outside is refused."""

from __future__ import annotations

import json
import math
import types
import typing
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import adapters
import peft
import pytest
from transformers.activations import ACT2FN

from adapterstilts.errors import AstiltsError, UsageError
from adapterstilts.modeling import adapters_library, peft_library, sparse_library
from adapterstilts.modeling.architecture import Facts
from adapterstilts.modeling.backbone import locate_backbone
from adapterstilts.modeling.library_method import config_class
from adapterstilts.modeling.methods import METHODS, Method, check_method, parse_method
from adapterstilts.modeling.option_bounds import BOUNDS, bound_of
from adapterstilts.modeling.option_text import _field_types
from adapterstilts.modeling.trial import try_method
from adapterstilts.runs.specs import MethodSpec
from tests.conftest import save_tiny_backbone

# Texts that name modules or say something in words.
FREE = {
    "target_modules", "exclude_modules", "feedforward_modules", "layers_pattern", "prompt_init_text",
    "target_parameters", "revision",
}  # fmt: skip
LARGE = Facts(
    model_type="xlm-roberta", hidden_size=1024, num_hidden_layers=24, positions=512, pooling="first", masked_lm=True,
    causal=False, separator="",
)  # fmt: skip


def members(kind: Any) -> set[Any]:
    """The plain types that a declared type is made of."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType, list, set, tuple, dict, typing.Literal):
        if typing.get_origin(kind) is typing.Literal:
            return set()
        inside = typing.get_args(kind)
        inside = inside[1:] if typing.get_origin(kind) is dict else inside
        return {one for inner in inside for one in members(inner)}
    return {kind}


def options(method: Method) -> Iterator[tuple[str, str, set[Any]]]:
    """(class, option, plain types) of everything that a user can say of a method."""
    if not method.adds_adapter:
        return
    library = {"peft": peft, "adapters": adapters}.get(method.library_name, sparse_library)
    kind = config_class(library, method)
    without = {*adapters_library._NOT_OPTIONS, *peft_library._NOT_OPTIONS, *method.fixed, *peft_library.OWN_METHODS}
    parts = zip(method.parts, kind().configs, strict=True) if method.parts else [("", kind)]
    for part, config in parts:
        own = config if part == "" else type(config)
        for name, declared in _field_types(own).items():
            option = f"{part}.{name}" if part else name
            if name not in without and option not in method.fixed:
                yield own.__name__, option, members(declared)


EVERY = [(method, *one) for method in METHODS for one in options(method)]


def test_every_option_is_looked_at() -> None:
    assert len(METHODS) == 34 and len({method.name for method, *_ in EVERY}) == 31
    numbers = [(config, option) for _, config, option, kinds in EVERY if kinds & {int, float}]
    assert len(EVERY) > 500 and len(numbers) > 200
    odd = {option for config, option in numbers if bound_of(config, option) is bound_of("", "no such option")}
    assert not odd
    for _, config, option, kinds in EVERY:
        if str in kinds and option.rpartition(".")[2] not in FREE:
            assert bound_of(config, option).words, option


def test_no_bound_is_for_nothing() -> None:
    known = {option.rpartition(".")[2] for _, _, option, _ in EVERY}
    assert {name.rpartition(".")[2] for name in BOUNDS} <= known


@pytest.mark.parametrize("method", [one for one in METHODS if one.adds_adapter], ids=lambda one: one.name)
def test_what_is_out_of_range_is_refused_for_every_option_of_every_method(method: Method) -> None:
    for _, config, option, kinds in (one for one in EVERY if one[0] is method):
        bound = bound_of(config, option)
        hostile: list[Any] = []
        if kinds & {int, float}:
            hostile = [math.nan, math.inf, -math.inf, 1e300, 10**40, -(10**40), "NaN", "inf"]
            hostile += [bound.most + 1] if bound.most < math.inf else []
            hostile += [bound.least - 1] if bound.least > -math.inf else []
        if bound.words:
            hostile.append("no such word")
        for value in hostile:
            with pytest.raises(UsageError) as raised:
                method.resolve({option: value})
            assert option.rpartition(".")[2] in str(raised.value), (option, value)


@pytest.mark.parametrize("method", list(METHODS), ids=lambda one: one.name)
def test_what_libraries_take_by_default_is_in_range(method: Method) -> None:
    resolved = method.resolve({})
    for _, _, option, _ in (one for one in EVERY if one[0] is method):
        if resolved.get(option) is not None:
            method.resolve({option: resolved[option]})


def test_activations_are_those_that_there_are() -> None:
    assert {*ACT2FN, "leakyrelu"} == set(BOUNDS["non_linearity"].words)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("seq_bn[dropout=-1]", r"dropout=-1 is out of range\. Use at least 0 and below 1"),
        ("lora[dropout=1]", "Use at least 0 and below 1"),
        ("seq_bn[reduction_factor=1e400]", r"reduction_factor=1e400: '1e400' is not a finite number"),
        ("seq_bn[reduction_factor=NaN]", "NaN is not a finite number"),
        ("seq_bn[reduction_factor=Infinity]", "Infinity is not a finite number"),
        ("seq_bn[reduction_factor=nan]", "reduction_factor='nan' is out of range|nan is out of range"),
        ('seq_bn[reduction_factor={"default":-2}]', "reduction_factor=-2 is out of range"),
        ("lora[attn_matrices=x]", r"attn_matrices='x' is unknown\. Use q, k or v"),
        ("lora[r=true]", "r: Input should be a number"),
        ("lora[r=0]", r"r=0 is out of range\. Use 1 to 65,536"),
        ("seq_bn[leave_out=0-99999999999]", r"a range has at most 1,000"),
        ("seq_bn[leave_out=0-999999999]", r"a range has at most 1,000 numbers, such as 0-999"),
        (f"lora[r={'9' * 5000}]", "r=9.*has 5,000 digits"),
        (f"lora[alpha={'9' * 60}]", "alpha=9+ is out of range"),
        (f"lora[alpha={'[' * 10_000}]", "nested too deeply|cannot be read"),
        (f"lora[attn_matrices={'[' * 5000}{']' * 5000}]", "nested too deeply"),
        (f"lora[r={'1' * 30_000}]", "has 30,008 characters. Use at most 20,000"),
    ],
)
def test_what_is_senseless_is_refused_with_the_range(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as raised:
        spec = parse_method(text)
        METHODS.get(spec.name).resolve(spec.options)
    assert len(str(raised.value)) < 600


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("lora[r=65536]", r"r=65536 is more than .*\. Use 1 to 1,024 \(the width of"),
        ("lora[r=1025]", "Use 1 to 1,024"),
        ("prompt_tuning[prompt_length=600]", r"Use 1 to 512 \(the longest input of"),
        ("mam[prefix_tuning.prefix_length=600]", "Use 1 to 512"),
        ("seq_bn[leave_out=24]", r"Use 0 to 23 \(the layers of .*, counted from 0\)"),
        ("loreft[layers=0+30]", "layers=30 is more"),
        ("peft:adalora[init_r=2000]", "Use 1 to 1,024"),
        ("peft:vera[r=10000]", r"Use 1 to 8,192 \(8 times the width"),
        ('peft:lora[rank_pattern={"query":4096}]', "rank_pattern=4096 is more"),
    ],
)
def test_sizes_are_those_that_a_backbone_has_a_use_for(text: str, says: str) -> None:
    spec = parse_method(text)
    with pytest.raises(UsageError, match=says):
        check_method(spec, LARGE, backbone="xlm-roberta-large")
    METHODS.get(spec.name).resolve(spec.options)  # on some backbone it may make sense


def test_backbones_without_a_limit_have_none() -> None:
    check_method(
        parse_method("prompt_tuning[prompt_length=600]"), LARGE.model_copy(update={"positions": None}), backbone="t5"
    )


def test_an_adapter_larger_than_its_backbone_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from adapterstilts.modeling import trial

    backbone = locate_backbone(str(save_tiny_backbone(tmp_path, hidden_size=128)))
    method = MethodSpec(name="double_seq_bn", options={"reduction_factor": 1 / 16})
    assert try_method(backbone, method).trained > 60_000
    monkeypatch.setattr(trial, "_MANY", 1000)
    with pytest.raises(AstiltsError, match=r"adds [\d,]+ weights \(0 GB\) to the [\d,]+ of"):
        try_method(backbone, method)


def test_a_method_from_outside_has_the_same_ranges() -> None:
    entry = replace(METHODS.get("peft:lora"), name="mine:lora", config="HRAConfig", fixed={}, merges=())
    with pytest.raises(UsageError, match=r"method mine:lora: r=0 is out of range\. Use 1 to 65,536"):
        entry.resolve({"r": 0})
    assert json.dumps(entry.resolve({"r": 4}))
