"""Every embedded backbone: what ships, how big it is, what it has learnt, and that it is made as its settings say."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModel, AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer

import adapterstilts
from adapterstilts.errors import UsageError
from adapterstilts.mini import LANGUAGES, backbone_names, backbone_path
from adapterstilts.mini.pretraining import made_with
from adapterstilts.mini.pretraining_batches import IGNORED, PAD, batches
from adapterstilts.mini.pretraining_settings import SETTINGS
from adapterstilts.mini.telling import documents
from adapterstilts.mini.tokenizer import build_tokenizer
from adapterstilts.modeling.backbone import locate_backbone
from adapterstilts.modeling.trial import try_method
from adapterstilts.modeling.weightless import parameters_used
from adapterstilts.runs.specs import MethodSpec
from adapterstilts.runs.store import RunStore
from tests.mini.test_backbone import SCRIPT

DOCS = Path(__file__).resolve().parents[2] / "docs"
MOST_BYTES = 12 * 2**20
VARIANTS = [name for name in backbone_names() if name != "mini"]


def sizes(name: str) -> tuple[int, int]:
    """All parameters of a backbone, and those that a token uses."""
    backbone = locate_backbone(name)
    return try_method(backbone, MethodSpec(name="full")).total, parameters_used(backbone)


def test_names_are_those_with_settings_and_others_are_refused() -> None:
    assert backbone_names() == list(SETTINGS) and backbone_path().name == "backbone"
    with pytest.raises(UsageError, match="Unknown embedded backbone 'mini-mo'. Did you mean 'mini-moe'"):
        locate_backbone("mini-mo")
    with pytest.raises(UsageError, match="--revision main has no meaning for mini-moe"):
        locate_backbone("mini-moe", revision="main")


@pytest.mark.parametrize("name", VARIANTS)
def test_backbone_loads_in_transformers_and_reads_all_languages(name: str) -> None:
    folder = backbone_path(name)
    assert made_with(SETTINGS[name], folder)
    assert sum(path.stat().st_size for path in folder.iterdir()) < MOST_BYTES
    assert {weight.dtype for weight in load_file(folder / "model.safetensors").values()} == {torch.float16}
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.get_vocab() == build_tokenizer().get_vocab()
    model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    texts = [documents(language=language, size=1, split="test")[0] for language in LANGUAGES]
    with torch.no_grad():
        states = model(**tokenizer(texts, return_tensors="pt", padding=True)).last_hidden_state
    assert states.shape[-1] == SETTINGS[name].width and torch.isfinite(states).all()


def test_fingerprints_tell_backbones_apart_and_not_places(tmp_path: Path) -> None:
    found = {name: locate_backbone(name).fingerprint for name in backbone_names()}
    assert len(set(found.values())) == len(found)
    copy = shutil.copytree(backbone_path("mini-moe"), tmp_path / "copy")
    assert locate_backbone(str(copy)).fingerprint == found["mini-moe"]


def test_parameters_are_those_that_the_documentation_names() -> None:
    for page in ("mini.md", "backbones.md"):
        rows = re.findall(r"^\| `(mini[\w-]*)` \|.*\| ([\d,]+) \| ([\d,]+) \|", (DOCS / page).read_text(), re.MULTILINE)
        counts = {name: (int(all_.replace(",", "")), int(used.replace(",", ""))) for name, all_, used in rows}
        assert counts == {name: sizes(name) for name in backbone_names()}, page


def test_sizes_differ_in_one_thing_each() -> None:
    assert {settings.layers for settings in SETTINGS.values()} == {4}
    assert sizes("mini-narrow")[0] < sizes("mini")[0] == sizes("mini-english")[0] < sizes("mini-wide")[0]
    moe, active, total = (sizes(name) for name in ("mini-moe", "mini-dense-active", "mini-dense-total"))
    assert moe[1] == pytest.approx(active[0], rel=0.01) and active[0] == active[1]
    assert moe[0] == pytest.approx(total[0], rel=0.01) and moe[0] > 1.3 * moe[1]


def accuracy(name: str, language: str) -> tuple[float, float]:
    """Of the words that a backbone predicts in text of a seed that it has not read, and of the most frequent one."""
    settings = replace(SETTINGS[name], languages=(language,), seed=1, rows=8, steps=1)
    model_class = AutoModelForCausalLM if settings.causal else AutoModelForMaskedLM
    model: Any = model_class.from_pretrained(backbone_path(name), dtype=torch.float32).eval()
    predicted, labels = [], []
    for batch in islice(batches(settings), 6):
        with torch.no_grad():
            logits = model(batch.input_ids, attention_mask=(batch.input_ids != PAD).long()).logits
        known = batch.labels != IGNORED
        predicted += logits.argmax(-1).gather(1, batch.positions)[known].tolist()
        labels += batch.labels[known].tolist()
    right = sum(one == other for one, other in zip(predicted, labels, strict=True))
    return right / len(labels), Counter(labels).most_common(1)[0][1] / len(labels)


@pytest.mark.slow(but=2)
@pytest.mark.parametrize("name", VARIANTS)
def test_words_are_predicted_in_the_languages_that_were_read_alone(name: str) -> None:
    """The English one knows the names that German, Spanish and Swahili share with English, a seventh of what it is
    asked there."""
    found = {language: accuracy(name, language) for language in LANGUAGES}
    learnt = {language for language, (right, frequent) in found.items() if right > max(0.25, 2 * frequent)}
    assert learnt == {*SETTINGS[name].languages}, found


def test_a_mixture_s_experts_share_its_text() -> None:
    settings = SETTINGS["mini-moe"]
    tokenizer = AutoTokenizer.from_pretrained(backbone_path("mini-moe"))
    model = AutoModelForCausalLM.from_pretrained(backbone_path("mini-moe"), dtype=torch.float32).eval()
    texts = [text for language in LANGUAGES for text in documents(language=language, size=10, split="test")]
    batch = tokenizer(texts, return_tensors="pt", padding=True)
    with torch.no_grad():
        routed = model(**batch, output_router_logits=True).router_logits
    assert len(routed) == settings.layers
    for layer in routed:
        chosen = layer[batch.attention_mask.flatten().bool()].topk(settings.chosen, dim=-1).indices
        shares = chosen.flatten().bincount(minlength=settings.experts) / chosen.numel()
        assert (shares > 0.02).sum() > settings.experts / 2 and shares.max() < 0.4, shares


@pytest.mark.slow
def test_training_on_a_mixture_resumes_to_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {
        "profile": "mini", "backbone": "mini-moe", "method": "peft:lora", "max_train_examples": 32, "epochs": 2,
        "batch_size": 8, "eval_steps": 4, "max_validation_examples": 8, "patience": 99,
    }  # fmt: skip
    adapterstilts.train_intermediate("mnli", **options, store=tmp_path / "whole")
    with monkeypatch.context() as patched:
        stop_after(5, patched)
        with pytest.raises(KeyboardInterrupt):
            adapterstilts.train_intermediate("mnli", **options, store=tmp_path / "stopped")
    adapterstilts.train_intermediate("mnli", **options, store=tmp_path / "stopped")
    (one,), (other,) = (RunStore(tmp_path / name).runs() for name in ("whole", "stopped"))
    assert other.provenance["resumed_from_step"] == 4 and one.key == other.key
    first, second = (load_file(run.folder / "weights.safetensors") for run in (one, other))
    assert first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def stop_after(steps: int, patched: pytest.MonkeyPatch) -> None:
    """Ends training as Ctrl-C does, after so many steps."""
    taken = 0
    step = torch.optim.AdamW.step

    def counted(self: torch.optim.AdamW, *given: Any, **named: Any) -> Any:
        nonlocal taken
        if taken == steps:
            raise KeyboardInterrupt
        taken += 1
        return step(self, *given, **named)

    patched.setattr(torch.optim.AdamW, "step", counted)


@pytest.mark.slow
def test_script_makes_several_and_keeps_those_that_are_there(tmp_path: Path) -> None:
    names = ["mini-english", "mini-moe"]
    words = [
        sys.executable, str(SCRIPT), "--backbones", ",".join(names), "--steps", "2", "--rows", "2", "--threads", "1",
    ]  # fmt: skip
    first, kept, second = (
        subprocess.run([*words, "--output", str(tmp_path / place), *more], check=True, capture_output=True, text=True)
        for place, more in (("one", []), ("one", ["--resume"]), ("two", []))
    )
    assert first.stdout.count("wrote") == second.stdout.count("wrote") == len(names) and "wrote" not in kept.stdout
    for name in names:
        assert f"kept {tmp_path / 'one' / name}" in kept.stdout
        settings = replace(SETTINGS[name], steps=2, rows=2)
        assert made_with(settings, tmp_path / "one" / name)
        assert not made_with(replace(settings, seed=1), tmp_path / "one" / name)
        one, two = ((tmp_path / place / name / "model.safetensors").read_bytes() for place in ("one", "two"))
        assert one == two
