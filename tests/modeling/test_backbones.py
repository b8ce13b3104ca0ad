"""Every family of backbones through intermediate task, target task, storing and prediction, with the real Trainer."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from transformers import AutoConfig, AutoModel, AutoTokenizer

import adapterstilts
from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.sources.open import open_source
from adapterstilts.errors import AstiltsError, CompatibilityError, UsageError
from adapterstilts.modeling.architecture import Facts, default_pooling, routers, stays_as_pretrained
from adapterstilts.modeling.backbone import Backbone, check_tokenizer, locate_backbone
from adapterstilts.modeling.blocks import ModelOutline
from adapterstilts.modeling.methods import METHODS
from adapterstilts.modeling.quantization import NF4, check_quantization, check_quantized_composition
from adapterstilts.modeling.storage import StoredModel, save_model
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.modeling.trial import try_method
from adapterstilts.runs.specs import MethodSpec, key
from adapterstilts.sharing.places import shipped
from adapterstilts.tasks.catalogue import Catalogue
from adapterstilts.tasks.kind import HeadSpec
from tests.backbones import FAMILIES, LAYERS
from tests.conftest import QUICK, without_training
from tests.modeling.test_methods import Prepared, begin, predictions, prepared, run, tensors
from tests.package_tasks import recipe
from tests.runs.test_specs import train_spec

__all__ = ["prepared"]  # a fixture: questions, with the tokenizer that all families have


def combinations() -> Iterator[Any]:
    for name, family in FAMILIES.items():
        for method in ("full", "peft:lora", *(["seq_bn"] if family.adapters else [])):
            yield pytest.param(name, method, id=f"{name}-{method}")


def test_all_families_are_there() -> None:
    forms = [family.form for family in FAMILIES.values()]
    assert (forms.count("encoder"), forms.count("decoder"), forms.count("experts")) == (8, 7, 4)
    assert len(list(combinations())) == 19 * 2 + 12


@pytest.mark.slow(but=11)
@pytest.mark.parametrize(("name", "method"), combinations())
def test_family_is_trained_stored_and_scored(
    name: str, method: str, backbones: dict[str, Backbone], prepared: Prepared, tmp_path: Path
) -> None:
    here = dataclasses.replace(prepared, backbone=backbones[name])
    pretrained = dict(here.backbone.encoder(torch.float32).named_parameters())
    model = begin(here, MethodSpec(name=method))
    before = tensors(model)
    run(here, model, tmp_path / "intermediate")
    after = tensors(model)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed <= {name for name, parameter in model.named_parameters() if parameter.requires_grad}

    # Fully tuned, all weights change but those that X-MOD keeps; else none, and least of all routers.
    own = {name.removeprefix("backbone.").replace(".base_layer.", ".") for name in changed} & pretrained.keys()
    kept = {name for name in pretrained if stays_as_pretrained(model.config, name)}
    chosen_by = {f"{name}.weight" for name in routers([name for name, _ in model.backbone.named_modules()])}
    assert bool(kept) == (name == "xmod") and bool(chosen_by) == (FAMILIES[name].form == "experts")
    assert own == (pretrained.keys() - kept if method == "full" else set())
    assert chosen_by <= pretrained.keys()

    folder = tmp_path / "stored"
    folder.mkdir()
    save_model(model, folder)
    stored = StoredModel.read(folder)
    expected = predictions(here, model)
    assert_equal(expected, predictions(here, stored.restore(here.backbone, precision="fp32")))
    # bf16 is near, not equal; only frozen weights are kept in it.
    near = predictions(here, stored.restore(here.backbone, precision="bf16"))
    assert all(np.allclose(one, other, atol=0.2) for one, other in zip(expected, near, strict=True))

    target = begin(here, MethodSpec(name=method), stored)
    run(here, target, tmp_path / "target")
    save_model(target, folder)
    found = predictions(here, target)
    assert_equal(found, predictions(here, StoredModel.read(folder).restore(here.backbone, precision="fp32")))
    gold = open_source("mini", None).load(recipe("squad"), "test", "de", BadRows(skip=False)).select(range(8)).to_list()
    kind = Catalogue().build_kind(here.task)
    scores = kind.score(kind.decode(gold, here.german, found, {}), gold, metric="squad", language="de")
    assert all(math.isfinite(value) for value in scores.metrics.values())


def assert_equal(one: list[np.ndarray], other: list[np.ndarray]) -> None:
    assert all(np.isfinite(values).all() for values in one)
    assert all(np.array_equal(values, others) for values, others in zip(one, other, strict=True))


@pytest.mark.parametrize("name", FAMILIES)
def test_family_reads_padded_text_as_it_reads_it_alone(name: str, backbones: dict[str, Backbone]) -> None:
    """Last hidden states, those of a layer, and the vector of a text do not depend on what stands beside it."""
    model = TransferModel(backbones[name], method=MethodSpec(name="full"), precision="fp32")
    assert model.backbone.config.use_cache is False
    model.add_head("pair", HeadSpec("classification", 3))
    assert model.heads["pair"].pooling == FAMILIES[name].pooling == default_pooling(model.config)
    for layer in (0, 1, "2/2"):
        model.add_head(f"layer {layer}", HeadSpec("pooled", 0, {"layer": layer, "pooling": "mean"}))
    for pooling in ("first", "mean", "last"):
        model.add_head(pooling, HeadSpec("classification", 3, {"pooling": pooling}))
    model.eval()
    short, long = torch.randint(5, 900, (1, 7)), torch.randint(5, 900, (1, 16))
    both = torch.cat([torch.nn.functional.pad(short, (0, 9), value=1), long])
    mask = torch.tensor([[1] * 7 + [0] * 9, [1] * 16])
    found: dict[str, torch.Tensor] = {}
    with torch.no_grad():
        for head in model.heads:
            alone = model(task=head, input_ids=short, attention_mask=torch.ones_like(short))["logits"][0]
            # Segments of a pair, which only some architectures read, may be there for all.
            segments = {"token_type_ids": torch.zeros_like(both)}
            found[head] = model(task=head, input_ids=both, attention_mask=mask, **segments)["logits"][0]
            torch.testing.assert_close(found[head], alone, atol=1e-4, rtol=1e-3)
        states = model.backbone(input_ids=short, attention_mask=torch.ones_like(short), output_hidden_states=True)
    assert len(states.hidden_states) == LAYERS + 1
    for layer, expected in (("1", states.hidden_states[1]), ("2/2", states.last_hidden_state)):
        torch.testing.assert_close(found[f"layer {layer}"], expected[0].mean(0), atol=1e-4, rtol=1e-3)
    assert len({tuple(found[pooling].tolist()) for pooling in ("first", "mean", "last")}) == 3


@pytest.mark.parametrize("name", FAMILIES)
def test_only_families_with_a_head_for_it_predict_masked_words(name: str, backbones: dict[str, Backbone]) -> None:
    backbone = backbones[name]
    if FAMILIES[name].pooling != "first":
        with pytest.raises(CompatibilityError, match=f"no head for masked language modelling .{name}"):
            backbone.check_masked_lm(Facts.of(backbone.config(), backbone.tokenizer()))
        return
    model = TransferModel(backbone, method=MethodSpec(name="full"), precision="fp32").eval()
    model.add_head("mlm", HeadSpec("masked_lm", 0))
    reference = getattr(transformers, FAMILIES[name].model).from_pretrained(backbone.path).eval()
    ids, mask = torch.randint(5, 900, (2, 12)), torch.ones(2, 12, dtype=torch.long)
    labels = torch.full_like(ids, -100)
    labels[:, 3:5] = ids[:, 3:5]
    with torch.no_grad():
        found = model(task="mlm", input_ids=ids, attention_mask=mask, masked_labels=labels)["loss"]
        torch.testing.assert_close(found, reference(input_ids=ids, attention_mask=mask, labels=labels).loss)


def options(folder: str, store: Path, **changes: Any) -> dict[str, Any]:
    """Options of a quick run on the embedded suite's data."""
    few = {"profile": "mini", "max_train_examples": 8, "max_validation_examples": 4, "precision": "fp32"}
    return {**QUICK, **few, "max_length": 96, "backbone": folder, "store": store, **changes}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "method", "target"),
    [("mt5", "seq_bn", "pawsx"), ("qwen3", "seq_bn", "panx"), ("olmoe", "peft:lora", "tatoeba")],
)
def test_commands_run_on_other_families(
    name: str, method: str, target: str, backbones: dict[str, Backbone], tmp_path: Path
) -> None:
    given = options(backbones[name].path, tmp_path, method=method)
    adapterstilts.train_intermediate("squad", **given)
    given = without_training(given) | {"method": method} if target == "tatoeba" else given
    result = adapterstilts.transfer("squad", target, languages=("de",), max_eval_examples=4, **given)
    assert [row.intermediate.partition("@")[0] for row in result.rows] == ["none", "squad"]
    for row in result.rows:
        assert all(math.isfinite(value) for value in row.languages["de"].values())


# The methods of the adapters library, by family, that it has no working form of: it says so, or would do nothing, or
# would stop in the middle.
_PLUGIN = "adapterplus mam prefix_tuning prompt_tuning unipelt vera"
REFUSED = {
    "llama": "mam prefix_tuning prompt_tuning unipelt vera", "mistral": "mam prefix_tuning prompt_tuning unipelt vera",
    "mt5": "prompt_tuning", "modernbert": f"{_PLUGIN} dora", "qwen2": _PLUGIN, "qwen3": _PLUGIN, "gemma2": _PLUGIN,
    "gemma3_text": _PLUGIN,
}  # fmt: skip


@pytest.mark.slow(but=4)
@pytest.mark.parametrize("name", FAMILIES)
def test_methods_fit_a_family_or_are_refused_with_the_reason(name: str, backbones: dict[str, Backbone]) -> None:
    for method in METHODS:
        # Compacter's matrices would be smaller than its blocks.
        narrow = {"reduction_factor": 8} if method.name.startswith("compacter") else {}
        spec, reason = MethodSpec(name=method.name, options=narrow), None
        if method.library_name == "adapters" and not FAMILIES[name].adapters:
            reason = "takes the language modules out" if name == "xmod" else f"cannot adapt '{name}' backbones"
        elif method.name in REFUSED.get(name, "").split():
            reason = f"Method {method.name} .*does not work on"
        if reason:
            with pytest.raises(CompatibilityError, match=reason):
                try_method(backbones[name], spec)
        elif method.name == "bitfit" and not has_biases(backbones[name]):
            with pytest.raises(CompatibilityError, match="which has no biases"):
                try_method(backbones[name], spec)
        else:
            assert bool(try_method(backbones[name], spec).trained) == (method.name != "head")


def has_biases(backbone: Backbone) -> bool:
    return any(name.endswith("bias") for name, _ in backbone.encoder(torch.float32).named_parameters())


def test_routers_are_adapted_only_by_name(backbones: dict[str, Backbone]) -> None:
    def adapted(modules: str) -> set[str]:
        spec = MethodSpec(name="peft:lora", options={"target_modules": modules})
        model = TransferModel(backbones["mixtral"], method=spec, precision="fp32")
        model.train_adapter(model.add_adapter("one", spec))
        names = [name for name, parameter in model.backbone.named_parameters() if parameter.requires_grad]
        return {name.split(".lora_")[0].rpartition(".")[2] for name in names}

    assert adapted("all-linear") == {"q_proj", "k_proj", "v_proj", "o_proj", "w1", "w2", "w3"}
    assert adapted(r".*experts\.\d+\.w1") == {"w1"}
    spec = MethodSpec(name="peft:lora", options={"target_modules": ["gate"]})
    assert try_method(backbones["mixtral"], spec).trained > 0


@pytest.mark.slow
def test_xmod_reads_each_language_with_its_module(backbones: dict[str, Backbone], tmp_path: Path) -> None:
    given = options(backbones["xmod"].path, tmp_path, method="peft:lora", max_eval_examples=4)
    (row,) = adapterstilts.transfer("none", "pawsx", languages=("en", "de", "zh"), **given).rows
    assert list(row.languages) == ["en", "de", "zh"]
    # Sentences are read as what they are: candidates in English, queries in German.
    (row,) = adapterstilts.transfer("none", "tatoeba", languages=("de",), **without_training(given)).rows
    assert row.folder is not None
    model = TransferModel(backbones["xmod"], method=MethodSpec(name="full"), precision="fp32").eval()
    ids = torch.randint(5, 900, (1, 8))
    states = []
    for language in ("en", "de", "de-en"):
        model.use_language_module(language)
        states.append(model.backbone(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state)
    assert not torch.equal(states[0], states[1]) and torch.equal(states[1], states[2])
    with pytest.raises(CompatibilityError, match=r"no module for Russian \(ru\); it has de, en, zh"):
        adapterstilts.transfer("none", "xnli", languages=("en", "ru"), **given)
    given = {**given, "method": "full", "max_eval_examples": None}
    with pytest.raises(CompatibilityError, match="de, en cannot be trained on together"):
        adapterstilts.train_intermediate("mlm", mlm_languages=("en", "de"), **given)


def changed_tokenizer(family: Path, folder: Path, **tokens: Any) -> str:
    """A copy of a backbone whose tokenizer has other special tokens."""
    shutil.copytree(family, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for name, token in tokens.items():
        setattr(tokenizer, name, token)
    tokenizer.save_pretrained(folder)
    return str(folder)


def test_tokenizers_that_cannot_pad_are_refused(backbones: dict[str, Backbone], tmp_path: Path) -> None:
    llama = Path(backbones["llama"].path)
    none = options(changed_tokenizer(llama, tmp_path / "none", pad_token=None), tmp_path, method="peft:lora")
    with pytest.raises(CompatibilityError, match="no padding token. Save a copy .*tokenizer.pad_token = '<unk>'"):
        adapterstilts.train_intermediate("mnli", **none)
    added = changed_tokenizer(llama, tmp_path / "added", pad_token="[NEW]")
    with pytest.raises(CompatibilityError, match=r"8,662 tokens, and the model 8,661 embeddings: none for '\[NEW\]'"):
        adapterstilts.train_intermediate("mnli", **options(added, tmp_path, method="peft:lora"))


def test_tokens_without_embeddings_are_refused(backbones: dict[str, Backbone], tmp_path: Path) -> None:
    folder = tmp_path / "added"
    shutil.copytree(backbones["xlm-roberta"].path, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    size = len(tokenizer)
    # A text cannot have a special token: those that other models of the family read images with do no harm.
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    tokenizer.save_pretrained(folder)
    config = AutoConfig.from_pretrained(folder)
    check_tokenizer(tokenizer, config, name="it")
    tokenizer.add_tokens(["annarom", "zoekoeln"])
    tokenizer.save_pretrained(folder)
    message = (
        rf"has {size + 3:,} tokens, and the model {size:,} embeddings: none for 'annarom', 'zoekoeln'. Call `model.res"
    )
    with pytest.raises(CompatibilityError, match=message):
        adapterstilts.train_intermediate("mnli", **options(str(folder), tmp_path, method="seq_bn"))
    with pytest.raises(CompatibilityError, match="embeddings: none for"):
        adapterstilts.transfer("none", "tatoeba", **without_training(options(str(folder), tmp_path)))
    model = AutoModel.from_pretrained(folder)
    model.resize_token_embeddings(len(tokenizer))
    check_tokenizer(tokenizer, model.config, name="it")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"load_in_4bit": True}, "--load-in-4bit: there is no CUDA GPU. It needs"),
        ({"pooling": "mean"}, "--pooling has no meaning for squad"),
        ({"method": "seq_bn", "task": "mlm"}, "no head for masked language modelling .llama."),
        ({"max_length": 131}, "has 130 positions, fewer than max_length 131"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    changes: dict[str, Any], message: str, backbones: dict[str, Backbone], tmp_path: Path
) -> None:
    given = options(backbones["llama"].path, tmp_path, **{"method": "peft:lora", **changes})
    with pytest.raises(AstiltsError, match=message):
        adapterstilts.train_intermediate(given.pop("task", "squad"), **given)
    assert not list(tmp_path.glob("train-*"))


def test_pooling_is_part_of_the_result_where_it_is_not_the_backbones_own(tiny_backbone: Path, tmp_path: Path) -> None:
    given = options(str(tiny_backbone), tmp_path, languages=("de",), max_eval_examples=4)
    rows = {
        pooling: adapterstilts.transfer("none", "pawsx", pooling=pooling, **given).rows[0]
        for pooling in (None, "first", "mean", "last")
    }
    assert rows[None].folder == rows["first"].folder
    assert len({row.trained for row in rows.values()}) == len({row.folder for row in rows.values()}) == 3
    assert "pooling" not in (rows[None].folder / "spec.json").read_text()
    assert json.loads((rows["last"].trained / "spec.json").read_text())["tasks"][0]["options"]["pooling"] == "last"
    with pytest.raises(UsageError, match="--pooling has no meaning for xquad"):
        adapterstilts.transfer("none", "xquad", pooling="mean", **given)


def test_four_bits_are_for_peft_without_merging() -> None:
    for method in ("full", "seq_bn", "peft:pissa"):
        with pytest.raises(UsageError, match="--load-in-4bit: there is no CUDA GPU"):
            check_quantization(MethodSpec(name=method), "auto", torch.device("cpu"))
    for composition in ("stack", "merge"):
        with pytest.raises(CompatibilityError, match="rounded to 4 bits. Use --composition continue"):
            check_quantized_composition(composition)
    check_quantized_composition("none")
    backbone = locate_backbone("mini")
    (manifest,) = (one.manifest for one in shipped() if one.folder.parent.name == "squad")
    assert manifest
    stored = ModelOutline("squad", manifest.model)
    with pytest.raises(CompatibilityError, match="--load-in-4bit False there, True here"):
        stored.check_backbone(dataclasses.replace(backbone, quantization=NF4), backbone.config())
    spec = train_spec()
    assert key(train_spec(quantization=None)) == key(spec) != key(train_spec(quantization=NF4))
