"""The tokenizer and the shipped backbone, and that the script which makes it runs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import torch
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer

from adapterstilts.mini import LANGUAGES, backbone_path
from adapterstilts.mini.generators.span_qa import span_qa
from adapterstilts.mini.grammar import grammar_of
from adapterstilts.mini.pretraining_text import pieces
from adapterstilts.mini.telling import documents
from adapterstilts.mini.text import join
from adapterstilts.mini.tokenizer import build_tokenizer, vocabulary
from adapterstilts.mini.world import domains, stories

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "build_mini"


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(backbone_path())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_every_row_is_one_known_piece(language, tokenizer):
    known = {piece.text for piece in vocabulary() if piece.meanings}
    for domain in domains():
        for row in span_qa(split="validation", language=language, size=150, domain=domain):
            found = tokenizer.tokenize(row["context"]) + tokenizer.tokenize(row["question"])
            assert set(found) <= known


@pytest.mark.parametrize("language", LANGUAGES)
def test_pieces_are_the_grammar_s_tokens(language, tokenizer):
    """Pretraining reads pieces without the tokenizer; it must read what the tokenizer would give."""
    grammar = grammar_of(language)
    for domain in domains():
        source = stories(domain=domain, split="validation", seed=0)
        for event in next(source).facts + next(source).facts:
            sentence = grammar.statement(event)
            found = tokenizer.tokenize(join([sentence]).text)
            assert found == pieces(sentence, language, first=True)


def test_special_tokens_are_those_of_xlm_r(tokenizer):
    assert tokenizer.convert_tokens_to_ids(["<s>", "<pad>", "</s>", "<unk>"]) == [0, 1, 2, 3]
    assert tokenizer.mask_token_id == len(tokenizer) - 1
    assert tokenizer("Anna", "Ivan").tokens() == ["<s>", "▁Anna", "</s>", "</s>", "▁Ivan", "</s>"]


def test_unseen_words_fall_back_to_characters(tokenizer):
    assert tokenizer.tokenize("Annas Katzenbuch") != []
    assert (
        tokenizer.decode(tokenizer("Anna bought Katzenbrot.").input_ids, skip_special_tokens=True)
        == "Anna bought Katzenbrot."
    )
    assert len(tokenizer("ﷺ ✈ नमस्ते").input_ids) > 2


def test_shipped_tokenizer_is_the_one_the_lexicons_give(tokenizer):
    assert build_tokenizer().get_vocab() == tokenizer.get_vocab()


def test_result_file_says_how_the_backbone_was_made():
    result = json.loads((backbone_path() / "result.json").read_text())
    assert result["seconds"] < 15 * 60
    assert len(result["fingerprint"]) == 64 and result["versions"]["torch"]


def test_shipped_backbone_loads(tokenizer):
    model = AutoModel.from_pretrained(backbone_path())
    assert model.get_input_embeddings().weight.shape[0] == len(tokenizer)
    with torch.no_grad():
        hidden = model(**tokenizer(["安娜买了书。"], return_tensors="pt")).last_hidden_state
    assert hidden.shape[-1] == model.config.hidden_size and torch.isfinite(hidden).all()


@pytest.mark.slow(but=2)
@pytest.mark.parametrize("language", LANGUAGES)
def test_masked_words_are_predicted_better_than_by_frequency(language, tokenizer):
    """On unseen stories: accuracy at every fifth token, against always saying the most frequent one."""
    model = AutoModelForMaskedLM.from_pretrained(backbone_path())
    batch = tokenizer(documents(language=language, size=60, split="test"), return_tensors="pt", padding=True)
    labels = batch.input_ids.clone()
    chosen = torch.zeros_like(labels, dtype=torch.bool)
    chosen[:, 2::5] = True
    chosen &= (labels != tokenizer.pad_token_id) & (labels != tokenizer.eos_token_id)
    batch["input_ids"][chosen] = tokenizer.mask_token_id
    with torch.no_grad():
        predicted = model(**batch).logits.argmax(-1)
    accuracy = (predicted == labels)[chosen].float().mean().item()
    most_frequent = Counter(labels[chosen].tolist()).most_common(1)[0][1] / int(chosen.sum())
    assert accuracy > 1.5 * most_frequent


@pytest.mark.slow
def test_build_script_runs_and_is_deterministic(tmp_path):
    for name in ("one", "two"):
        command = [
            sys.executable,
            str(SCRIPT),
            "--steps",
            "3",
            "--rows",
            "4",
            "--threads",
            "1",
            "--output",
            str(tmp_path / name),
        ]
        subprocess.run(command, check=True, capture_output=True)
    one, two = ((tmp_path / name / "mini/model.safetensors").read_bytes() for name in ("one", "two"))
    assert one == two
    assert json.loads((tmp_path / "one/mini/result.json").read_text())["settings"]["steps"] == 3
