"""Methods as entries: added from outside the package, and faults of entries told apart from those of options."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import adapters
import pytest
import torch

from adapterstilts.errors import CompatibilityError, UsageError
from adapterstilts.modeling.backbone import locate_backbone
from adapterstilts.modeling.methods import METHODS, Method
from adapterstilts.modeling.storage import StoredModel, save_model
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.modeling.trial import try_method
from adapterstilts.registry import Entries, Origin
from adapterstilts.runs.specs import MethodSpec

OUTSIDE = [
    Method("peft:hra", "Householder reflections", "peft", ("stack", "continue"), below=True, config="HRAConfig"),
    Method("peft:lora_gaussian", "lora begun otherwise", "peft", ("continue",), config="LoraConfig",
           fixed={"init_lora_weights": "gaussian"}),
    Method("seq_bn_gelu", "seq_bn with another activation", "adapters", ("stack", "continue"), below=True,
           config="SeqBnConfig", fixed={"non_linearity": "gelu"}),
    Method("mam_small", "mam with a narrow bottleneck", "adapters", ("continue",), config="MAMConfig",
           parts=("prefix_tuning", "adapter"), fixed={"adapter.reduction_factor": 8}),
]  # fmt: skip


BROKEN = {
    "adapters": Method("broken_adapters", "", "adapters", ("continue",), config="SeqBnConfigg"),
    "peft": Method("broken_peft", "", "peft", ("continue",), config="LoraConfigg"),
}


@pytest.fixture(autouse=True)
def entries() -> Iterator[None]:
    """Adds all of these."""
    entries = Entries()
    methods = entries.adding(METHODS.what, Origin("folder", "./mine"))
    for entry in (*OUTSIDE, *BROKEN.values()):
        methods.add(entry.name, entry)
    with entries.in_use():
        yield


@pytest.mark.parametrize("entry", OUTSIDE, ids=lambda entry: entry.name)
def test_a_method_is_added_by_its_entry_alone(entry: Method, tiny_backbone: Path, tmp_path: Path) -> None:
    backbone, spec = locate_backbone(str(tiny_backbone)), MethodSpec(name=entry.name)
    resolved = entry.resolve({})
    for name, value in entry.fixed.items():
        assert resolved.get(name, value) == value
        with pytest.raises(UsageError, match=f"Unknown option of method {entry.name}.*{name.rpartition('.')[2]!r}"):
            entry.resolve({name: value})
    trial = try_method(backbone, spec)
    assert 0 < trial.trained < trial.total
    model = TransferModel(backbone, method=spec, precision="fp32")
    model.train_adapter(model.add_adapter("squad", spec))
    assert model.parameter_counts()["trained"] == trial.trained
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn_like(parameter))
    ids = torch.arange(5, 21)[None]
    expected = model.eval().backbone(ids).last_hidden_state
    save_model(model, tmp_path)
    again = StoredModel.read(tmp_path).restore(backbone, precision="fp32").eval()
    assert torch.equal(again.backbone(ids).last_hidden_state, expected)


def test_what_is_fixed_reaches_the_library() -> None:
    assert METHODS.get("seq_bn_gelu").resolve({})["non_linearity"] == "gelu"
    assert METHODS.get("mam_small").resolve({})["adapter.reduction_factor"] == 8
    assert METHODS.get("mam").resolve({})["adapter.reduction_factor"] == adapters.MAMConfig()[1].reduction_factor != 8


@pytest.mark.parametrize("library", BROKEN)
def test_a_class_that_does_not_exist_is_a_fault_of_the_entry(library: str, tiny_backbone: Path) -> None:
    entry = BROKEN[library]
    with pytest.raises(ValueError, match=f"method '{entry.name}' names '{entry.config}', which {library} lacks"):
        try_method(locate_backbone(str(tiny_backbone)), MethodSpec(name=entry.name))


@pytest.mark.parametrize("name", ["seq_bn", "peft:lora"])
def test_a_field_that_does_not_exist_is_a_fault_of_the_entry(name: str) -> None:
    entry = replace(METHODS.get(name), fixed={"no_such_field": 1})
    with pytest.raises(TypeError, match="no_such_field"):
        entry.resolve({})


def test_a_method_that_the_library_refuses_is_explained(tiny_backbone: Path) -> None:
    """The same calls, where the errors come from the library's own lines."""
    backbone = locate_backbone(str(tiny_backbone))
    with pytest.raises(CompatibilityError, match=r"Method compacter\[phm_dim=5\] does not work on .*not divisble"):
        try_method(backbone, MethodSpec(name="compacter", options={"phm_dim": 5}))
    with pytest.raises(UsageError, match=r"Method peft:oft with options {'r': 7}: You can only specify either r"):
        try_method(backbone, MethodSpec(name="peft:oft", options={"r": 7}))


def test_entries_are_read_without_any_library() -> None:
    code = (
        "import sys; from adapterstilts.modeling.methods import METHODS, parse_method; parse_method('peft:lora[r=4]'); "
        "print(len(METHODS), {'torch', 'adapters', 'peft', 'transformers'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "34 set()\n"
