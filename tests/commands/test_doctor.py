"""What `astilts doctor` says of backbones."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

from adapterstilts.cli.main import astilts
from adapterstilts.errors import UsageError
from adapterstilts.modeling.backbone import Backbone
from adapterstilts.modeling.methods import METHODS
from tests.hub_server import hub_environment
from tests.modeling.test_backbones import changed_tokenizer


@pytest.mark.slow
def test_doctor_says_what_works_and_why_the_rest_does_not(backbones: dict[str, Backbone]) -> None:
    def examined(name: str) -> dict[str, Any]:
        result = CliRunner().invoke(astilts, ["doctor", "--backbone", backbones[name].path, "--json"])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    mixtral, xmod = examined("mixtral"), examined("xmod")
    assert (mixtral["architecture"], mixtral["form"], mixtral["experts"]) == ("mixtral", "decoder (causal)", 4)
    assert (mixtral["layers"], mixtral["width"], mixtral["positions"], mixtral["pooling"]) == (2, 32, 130, "last")
    assert mixtral["tokenizer"]["padding"] == "<pad>" and mixtral["masked_lm"] is False and xmod["masked_lm"] is True
    assert xmod["modules"] == ["de_DE", "en_XX", "zh_CN"] and xmod["positions"] == 128
    assert set(xmod["unknown"]) == {"en", "de", "es", "ru", "zh", "sw"} and max(xmod["unknown"].values()) == 0
    reasons = {method["method"]: method["obstacle"] for method in mixtral["methods"]}
    assert len(reasons) == len(METHODS.names()) and reasons["full"] is reasons["peft:lora"] is None
    assert "cannot adapt 'mixtral' backbones" in reasons["seq_bn"] and "has no biases" in reasons["bitfit"]
    encoder = backbones["mixtral"].encoder(torch.float32)
    assert mixtral["parameters"] == sum(parameter.numel() for parameter in encoder.parameters())
    unused = sum(weight.numel() / 2 for name, weight in encoder.named_parameters() if ".experts." in name)
    assert mixtral["used"] == mixtral["parameters"] - unused and xmod["used"] == xmod["parameters"]
    assert mixtral["no_4bit"] == "there is no CUDA GPU" and mixtral["precision"] == "fp32"


def test_doctor_reads_no_weights_and_names_what_is_missing(backbones: dict[str, Backbone], tmp_path: Path) -> None:
    folder = Path(changed_tokenizer(Path(backbones["llama"].path), tmp_path / "none", pad_token=None))
    (folder / "model.safetensors").unlink()
    result = CliRunner().invoke(astilts, ["doctor", "--backbone", str(folder)])
    assert result.exit_code == 0, result.output
    assert "padding none, mask <mask>" in result.stdout and "2 layers of width 32" in result.stdout
    assert result.stdout.splitlines()[-1].startswith(f"Error: The tokenizer of {folder} has no padding token.")


def test_doctor_tries_what_a_store_needs(tmp_path: Path) -> None:
    result = CliRunner().invoke(astilts, ["doctor", "--store", str(tmp_path / "store")])
    assert result.exit_code == 0, result.output
    assert "locks" in result.stdout and result.stdout.rstrip().endswith("A store can be here.")
    assert list(tmp_path.iterdir()) == []
    found = CliRunner().invoke(astilts, ["doctor", "--store", "/proc/self/store", "--json"])
    assert found.exit_code == 1 and json.loads(found.stdout)["usable"] is False


def test_doctor_says_both_in_one_value_and_how_it_ended(tmp_path: Path) -> None:
    found = CliRunner().invoke(astilts, ["doctor", "--store", "/proc/self/store", "--backbone", "mini", "--json"])
    both = json.loads(found.stdout)
    assert found.exit_code == 1 and both["store"]["usable"] is False and both["backbone"]["layers"] > 0
    text = CliRunner().invoke(astilts, ["doctor", "--store", str(tmp_path / "store"), "--backbone", "mini"])
    assert text.exit_code == 0 and "A store can be here.\nbackbone " in text.stdout
    with pytest.raises(UsageError, match="--revision has no meaning with --store alone"):
        CliRunner().invoke(astilts, ["doctor", "--store", "x", "--revision", "main"], catch_exceptions=False)


@pytest.mark.slow
def test_doctor_knows_published_shapes_where_the_hub_is_out_of_reach(tmp_path: Path) -> None:
    """`HF_HUB_OFFLINE` is read when the library is imported, so that this is a process of its own."""
    words = [sys.executable, "-m", "adapterstilts", "doctor", "--backbone"]
    environment = hub_environment(None, tmp_path)
    known = subprocess.run([*words, "jhu-clsp/mmBERT-small", "--json"], capture_output=True, text=True, env=environment)
    assert known.returncode == 0, known.stderr
    report = json.loads(known.stdout)
    assert (report["layers"], report["width"], report["positions"]) == (22, 384, 8192)
    assert report["tokenizer"] is None and report["masked_lm"] and report["obstacles"] == [] == list(report["unknown"])
    assert report["warnings"] == [
        "The Hub could not be reached: this is the published shape, and the tokenizer was not looked at."
    ]
    other = subprocess.run([*words, "nobody/knows-this"], capture_output=True, text=True, env=environment)
    assert other.returncode != 0 and "Could not get the backbone nobody/knows-this" in other.stderr
