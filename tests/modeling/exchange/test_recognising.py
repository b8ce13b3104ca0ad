"""Folders that the plain libraries wrote: told apart, and read with the logits that they have there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import adapters
import peft
import pytest
import torch
import transformers

from adapterstilts.errors import SharingError
from adapterstilts.modeling.backbone import Backbone, locate_backbone
from adapterstilts.modeling.exchange.importing import import_model
from adapterstilts.modeling.exchange.recognising import Recognised, recognise
from adapterstilts.modeling.methods import METHODS
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.runs.specs import MethodSpec
from tests.conftest import save_tiny_backbone
from tests.modeling.exchange.models import HEADS, close, our_logits, their_logits

OURS = "told"


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    return locate_backbone(str(save_tiny_backbone(tmp_path_factory.mktemp("wide") / "backbone", hidden_size=64)))


def rebuilt(found: Recognised, folder: Path, backbone: Backbone, **options: Any) -> TransferModel:
    """Our model of a recognised folder, with its tensors."""
    description = found.description
    model = TransferModel(backbone, method=description.method, precision="fp32", own_backbone=True)
    for block in description.blocks:
        model.add_block(block)
    for task, head in description.heads.items():
        model.add_head(task, head.spec())
    model.settle()
    model.load(import_model(folder, description, backbone, **options))
    return model


def shaken(model: Any, *, only: Any = None) -> None:
    torch.manual_seed(3)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if only is None or only(name, parameter):
                parameter.add_(0.05 * torch.randn_like(parameter))


# Options unlike the defaults, for the classes that have them.
OPTIONS: dict[str, dict[str, Any]] = {
    "compacter": {"reduction_factor": 4},
    "compacter++": {"reduction_factor": 4},
    "seq_bn": {"reduction_factor": 8, "leave_out": [0], "non_linearity": "gelu"},
    "lora": {"r": 4, "alpha": 6, "attn_matrices": ["q", "k"]},
    "prompt_tuning": {"prompt_length": 5},
    "loreft": {"r": 3, "tied_weights": True},
}
ADAPTERS = [method.name for method in METHODS if method.library_name == "adapters"]


def plain_adapters(backbone: Backbone, method: str) -> Any:
    """A model of `adapters` with an adapter and a head, both called otherwise than with us."""
    model = adapters.AutoAdapterModel.from_pretrained(backbone.path)
    entry = METHODS.get(method)
    model.add_adapter("theirs", config=entry.library.method_config(entry, OPTIONS.get(method, {})))
    model.add_tagging_head("their_head", num_labels=3, id2label={0: "O", 1: "B", 2: "I"})
    model.train_adapter("theirs")
    shaken(model, only=lambda name, parameter: parameter.requires_grad)
    return model.eval()


@pytest.mark.slow(but=4)
@pytest.mark.parametrize("method", ADAPTERS)
def test_an_adapter_of_the_adapters_library(method: str, backbone: Backbone, tmp_path: Path) -> None:
    model = plain_adapters(backbone, method)
    safe = METHODS.get(method).config not in ("PrefixTuningConfig", "MAMConfig", "UniPELTConfig")
    model.save_adapter(tmp_path, "theirs", with_head=False, use_safetensors=safe)
    model.save_head(tmp_path, "their_head", use_safetensors=safe)
    found = recognise(tmp_path, backbone, name=OURS, allow_pickle=not safe)
    # The library itself reads one that it saved as noreft.
    expected = "noreft" if method == "direft" else method
    assert found.description.method == METHODS.get(expected).normalize(
        MethodSpec(name=expected, options=OPTIONS.get(method, {}))
    )
    assert (found.claims.base, found.claims.model_type) == (backbone.path, "xlm-roberta")
    assert found.labels == ("O", "B", "I") and found.left_out == ()
    if method != "direft":
        ours = rebuilt(found, tmp_path, backbone, allow_pickle=not safe)
        close(their_logits(model, "token"), our_logits(ours, "token", OURS), "token")


def test_an_adapter_of_a_model_without_heads(backbone: Backbone, tmp_path: Path) -> None:
    model = transformers.AutoModel.from_pretrained(backbone.path)
    adapters.init(model)
    model.add_adapter("theirs", config="seq_bn_inv")
    model.train_adapter("theirs")
    shaken(model, only=lambda name, parameter: parameter.requires_grad)
    model.save_adapter(str(tmp_path), "theirs", use_safetensors=True)
    found = recognise(tmp_path, backbone, name=OURS)
    assert found.description.heads == {} and found.description.method == MethodSpec(name="seq_bn_inv")
    tensors = import_model(tmp_path, found.description, backbone)
    inside = dict(model.named_parameters())
    assert tensors
    for name, tensor in tensors.items():
        assert torch.equal(tensor, inside[name.removeprefix("backbone.").replace(f".{OURS}.", ".theirs.")])


def test_a_head_of_another_form_is_left_out_and_said(backbone: Backbone, tmp_path: Path) -> None:
    model = adapters.AutoAdapterModel.from_pretrained(backbone.path)
    model.add_adapter("theirs")
    model.add_classification_head("theirs", num_labels=2, layers=3, activation_function="relu")
    model.save_adapter(str(tmp_path), "theirs", use_safetensors=True)
    found = recognise(tmp_path, backbone, name=OURS)
    assert found.description.heads == {} and "'layers': 3" in found.left_out[0]
    assert import_model(tmp_path, found.description, backbone)


PEFT = {
    "peft:lora": peft.LoraConfig(target_modules=["query", "value"]),
    "peft:lora-options": peft.LoraConfig(target_modules=["query", "key"], r=4, lora_alpha=3, lora_dropout=0.1),
    "peft:lora-pattern": peft.LoraConfig(target_modules=r".*attention\.self\.(query|key)", r=4),
    "peft:rslora": peft.LoraConfig(target_modules=["query", "value"], use_rslora=True),
    "peft:dora": peft.LoraConfig(target_modules=["query", "value"], use_dora=True),
    "peft:pissa": peft.LoraConfig(target_modules=["query", "value"], init_lora_weights="pissa"),
    "peft:lora-gaussian": peft.LoraConfig(target_modules=["query", "value"], init_lora_weights="gaussian"),
    "peft:ia3": peft.IA3Config(target_modules=["key", "value", "output.dense"], feedforward_modules=["output.dense"]),
    "peft:adalora": peft.AdaLoraConfig(target_modules=["query", "value"], total_step=100),
    "peft:vera": peft.VeraConfig(target_modules=["query", "value"]),
    "peft:oft": peft.OFTConfig(target_modules=["query", "value"], oft_block_size=16),
    "peft:loha": peft.LoHaConfig(target_modules=["query", "value"]),
    "peft:lokr": peft.LoKrConfig(target_modules=["query", "value"], r=4),
    "peft:ln_tuning": peft.LNTuningConfig(target_modules=["LayerNorm"]),
}
AUTO = {
    "span": ("AutoModelForQuestionAnswering", "QUESTION_ANS"),
    "token": ("AutoModelForTokenClassification", "TOKEN_CLS"),
    "classification": ("AutoModelForSequenceClassification", "SEQ_CLS"),
}


@pytest.mark.slow(but=10)
@pytest.mark.parametrize("form", AUTO)
@pytest.mark.parametrize("name", PEFT)
def test_an_adapter_of_peft(name: str, form: str, backbone: Backbone, tmp_path: Path) -> None:
    import copy

    auto_class, task_type = AUTO[form]
    labels = {} if form == "span" else {"num_labels": 3}
    plain = getattr(transformers, auto_class).from_pretrained(backbone.path, **labels)
    config = copy.deepcopy(PEFT[name])
    config.task_type = task_type
    model = peft.get_peft_model(plain, config)
    shaken(model, only=lambda path, parameter: parameter.requires_grad)
    model.save_pretrained(str(tmp_path))
    model.eval()
    found = recognise(tmp_path, backbone, name=OURS)
    assert found.description.method.name == name.partition("-")[0]
    assert found.description.heads[OURS].spec() == HEADS[form] and found.left_out == ()
    assert found.claims.base == backbone.path
    if "-" not in name:
        assert set(found.description.method.options) <= {"oft_block_size", "r"} | (
            {"target_modules"} if name == "peft:ln_tuning" else set()
        )
    ours = rebuilt(found, tmp_path, backbone)
    close(their_logits(model, form), our_logits(ours, form, OURS), form)


@pytest.mark.parametrize("form", [*AUTO, "choice"])
def test_a_checkpoint_of_transformers(form: str, backbone: Backbone, tmp_path: Path) -> None:
    auto_class = AUTO.get(form, ("AutoModelForMultipleChoice",))[0]
    labels = {"num_labels": 3} if form in ("token", "classification") else {}
    model = getattr(transformers, auto_class).from_pretrained(backbone.path, **labels).eval()
    shaken(model)
    model.save_pretrained(str(tmp_path))
    found = recognise(tmp_path, backbone, name=OURS)
    assert found.description.method.name == "full" and found.description.heads[OURS].spec() == HEADS[form]
    ours = rebuilt(found, tmp_path, backbone)
    close(their_logits(model, form), our_logits(ours, form, OURS), form)


def test_an_adapter_of_a_first_version(backbone: Backbone, tmp_path: Path) -> None:
    """Other names of tensors and activations, an invertible part that is named and is not there, and a pickle."""
    model = plain_adapters(backbone, "double_seq_bn")
    model.save_adapter(str(tmp_path), "theirs", with_head=False)
    told = json.loads((tmp_path / "adapter_config.json").read_text())
    del told["version"]
    config = {
        "ln_after": False, "ln_before": False, "mh_adapter": True, "output_adapter": True, "non_linearity": "swish",
        "adapter_residual_before_ln": False, "original_ln_after": True, "original_ln_before": False,
        "reduction_factor": 16, "residual_before_ln": True, "inv_adapter": "nice", "inv_adapter_reduction_factor": 2,
        "attention_type": None, "new_attention_norm": False,
    }  # fmt: skip
    (tmp_path / "adapter_config.json").write_text(json.dumps(told | {"config": config, "type": "text_task"}))
    tensors = torch.load(tmp_path / "pytorch_adapter.bin", weights_only=True)
    old = {
        name.replace("attention.output.adapters", "attention.output.attention_text_task_adapters").replace(
            "output.adapters", "output.layer_text_task_adapters"
        ): tensor
        for name, tensor in tensors.items()
    }
    assert not old.keys() & tensors.keys()
    torch.save(old, tmp_path / "pytorch_adapter.bin")
    found = recognise(tmp_path, backbone, name=OURS, allow_pickle=True)
    assert found.description.method == MethodSpec(name="double_seq_bn")
    mine = import_model(tmp_path, found.description, backbone, allow_pickle=True)
    for name, tensor in tensors.items():
        assert torch.equal(mine["backbone." + name.removeprefix("roberta.").replace(".theirs.", f".{OURS}.")], tensor)


def test_a_name_of_a_configuration_is_looked_up_and_not_opened(backbone: Backbone, tmp_path: Path) -> None:
    model = plain_adapters(backbone, "seq_bn_inv")
    model.save_adapter(str(tmp_path), "theirs", with_head=False, use_safetensors=True)
    told = json.loads((tmp_path / "adapter_config.json").read_text())
    (tmp_path / "adapter_config.json").write_text(json.dumps(told | {"config": "pfeiffer+inv"}))
    assert recognise(tmp_path, backbone, name=OURS).description.method == MethodSpec(name="seq_bn_inv")
    (tmp_path / "other.json").write_text(json.dumps(told["config"]))
    (tmp_path / "adapter_config.json").write_text(json.dumps(told | {"config": str(tmp_path / "other.json")}))
    with pytest.raises(SharingError, match="no configuration"):
        recognise(tmp_path, backbone, name=OURS)


@pytest.mark.parametrize("auto_class", ["AutoModel", "AutoModelForMaskedLM"])
def test_a_checkpoint_without_a_head_of_a_task(auto_class: str, backbone: Backbone, tmp_path: Path) -> None:
    model = getattr(transformers, auto_class).from_pretrained(backbone.path).eval()
    shaken(model)
    model.save_pretrained(str(tmp_path), max_shard_size="100KB")
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 1
    found = recognise(tmp_path, backbone, name=OURS)
    assert [head.name for head in found.description.heads.values()] == (
        ["masked_lm"] if auto_class.endswith("LM") else []
    )
    tensors = import_model(tmp_path, found.description, backbone)
    base = getattr(model, "base_model", model)
    for path, parameter in base.named_parameters():
        if not path.startswith("pooler"):
            assert torch.equal(tensors[f"backbone.{path}"], parameter)
