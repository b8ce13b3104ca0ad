"""Adapters that `adapters` and `peft` saved alone, under a target task and as language adapters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import adapters
import peft
import pytest
import torch
from transformers import AutoModel, AutoModelForQuestionAnswering

import adapterstilts
from adapterstilts.errors import AstiltsError, UsageError
from adapterstilts.reporting.sharing import shared_text
from adapterstilts.reporting.transfer import transfer_tables
from adapterstilts.runs.store import Run

SCORED: dict[str, Any] = {"languages": ("en", "de"), "max_eval_examples": 16, "baseline": False}


def moved(model: Any) -> Any:
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn_like(parameter))
    return model


@pytest.fixture(scope="module")
def bottleneck(tiny_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter as people share them: saved from a model with a head, without safetensors' being asked for a name."""
    folder = tmp_path_factory.mktemp("foreign") / "news-adapter"
    model = adapters.AutoAdapterModel.from_pretrained(str(tiny_backbone))
    model.add_adapter("news", config="seq_bn[reduction_factor=4]")
    model.add_classification_head("news", num_labels=3)
    model.train_adapter("news")
    moved(model).save_adapter(str(folder), "news", use_safetensors=True)
    return folder


def test_an_adapter_of_the_adapters_library_goes_under_a_target(
    bottleneck: Path, suite: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    options = {**suite, "method": "seq_bn[reduction_factor=4]"}
    result = adapterstilts.transfer(str(bottleneck), "mlqa", seeds=2, **SCORED, **options)
    (row,) = result.rows
    assert row.composition == "stack" and row.intermediate.startswith("news-adapter@") and len(row.seeds) == 2
    text = transfer_tables(result)
    assert f"not trained here, but from {bottleneck}" in text
    (folder,) = suite["store"].glob("shared-news-adapter-*")
    run = Run(folder).check()
    assert run.training.tasks == () and run.provenance["shared"]["unknown"] == "how it was trained"
    for options_, message in (
        ({"compare": "full"}, "how it was trained is not known"),
        ({"match": "steps", "baseline": True}, "how it was trained is not known"),
        ({"intermediate_seeds": 2, "seeds": 2}, "how it was trained is not known"),
    ):
        with pytest.raises(UsageError, match=message):
            adapterstilts.transfer(str(bottleneck), "mlqa", **{**SCORED, "baseline": True, **options, **options_})


def test_it_is_told_what_it_is_and_that_no_more_is_known(bottleneck: Path, tmp_path: Path) -> None:
    text = shared_text(adapterstilts.info(str(bottleneck), store=tmp_path))
    assert "made by another library: how it was trained, and what it scores, is not known" in text
    assert "reduction_factor: 4" in text and "model_head.safetensors" in text
    with pytest.raises(AstiltsError, match="published no scores"):
        adapterstilts.verify(str(bottleneck), store=tmp_path)
    with pytest.raises(AstiltsError, match="is not known|was not made by adapterstilts|No run"):
        adapterstilts.push("news-adapter", to="./registry", store=tmp_path)


@pytest.mark.slow
def test_lora_of_peft_and_a_whole_model_of_transformers_do_too(
    tiny_backbone: Path, suite: dict[str, Any], tmp_path: Path
) -> None:
    base = AutoModel.from_pretrained(str(tiny_backbone))
    config = peft.LoraConfig(r=4, target_modules=["query", "value"], init_lora_weights=False)
    peft.get_peft_model(base, config).save_pretrained(str(tmp_path / "lora"))
    (lora,) = adapterstilts.transfer(
        str(tmp_path / "lora"), "mlqa", **SCORED, **{**suite, "method": "peft:lora[r=4]"}
    ).rows
    assert lora.composition == "stack by merging" and lora.method == "peft:lora[r=4]"
    whole = moved(AutoModelForQuestionAnswering.from_pretrained(str(tiny_backbone)))
    whole.save_pretrained(str(tmp_path / "whole"))
    (full,) = adapterstilts.transfer(str(tmp_path / "whole"), "mlqa", **SCORED, **{**suite, "method": "full"}).rows
    assert full.composition == "continue" and full.zero_shot


@pytest.mark.slow
def test_language_adapters_that_others_published(
    tiny_backbone: Path, suite: dict[str, Any], shared_folder: Path, tmp_path: Path
) -> None:
    for code in ("en", "de"):
        model = adapters.AutoAdapterModel.from_pretrained(str(tiny_backbone))
        model.add_adapter(code, config="seq_bn_inv[reduction_factor=2]")
        model.train_adapter(code)
        moved(model).save_adapter(str(tmp_path / code), code, use_safetensors=True)
    shared = {
        **SCORED, "language_adapters": True,
        "language_adapter": {code: str(tmp_path / code) for code in ("en", "de")},
    }  # fmt: skip
    (row,) = adapterstilts.transfer("none", "mlqa", **{**shared, "baseline": True}, **suite).rows
    assert row.language_adapter and row.language_adapter.startswith("en@")
    assert {name.split("@")[0] for name in row.language_adapters.values()} == {"en", "de"}
    # They make a difference: German with the English one is another German.
    only = {**shared, "language_adapter": {"en": str(tmp_path / "en"), "de": str(tmp_path / "en")}}
    (same,) = adapterstilts.transfer("none", "mlqa", **{**only, "baseline": True}, **suite).rows
    assert same.folder != row.folder
    wrong = {**shared, "language_adapter": {"en": str(shared_folder), "de": str(tmp_path / "de")}}
    with pytest.raises(UsageError, match="is not a language adapter of English"):
        adapterstilts.transfer("none", "mlqa", **{**wrong, "baseline": True}, **suite)


def test_what_cannot_be_known_is_said_when_it_is_taken(
    bottleneck: Path, suite: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    from adapterstilts.cli.main import main

    flags = [f"--{name.replace('_', '-')}={value}" for name, value in suite.items()]
    main(["transfer", "--from", str(bottleneck), "--to", "mlqa", "--plan", "--no-baseline",
          "--method", "seq_bn[reduction_factor=4]", *flags])  # fmt: skip
    assert "made by another library; how it was trained is not known" in capsys.readouterr().err
