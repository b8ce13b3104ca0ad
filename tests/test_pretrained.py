"""Model repositories that name code to run: it is not run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from adapterstilts.cli.main import astilts
from adapterstilts.data.translation.model import locate_checkpoint
from adapterstilts.errors import CompatibilityError
from adapterstilts.modeling.backbone import locate_backbone
from tests.hub_server import hub_environment, serve
from tests.translation_models import save_marian, sentences

CODE = (
    "from pathlib import Path\nPath({marker!r}).touch()\nclass Config: pass\nclass Model: pass\nclass Tokenizer: pass\n"
)


def with_code(model: Path, folder: Path, **changes: dict[str, Any]) -> Path:
    """A copy whose files `NAME.json` have `changes`, beside code that leaves a marker when it is run."""
    shutil.copytree(model, folder)
    (folder / "code.py").write_text(CODE.format(marker=str(folder / "marker")), encoding="utf-8")
    for name, changed in changes.items():
        path = folder / f"{name}.json"
        path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changed), encoding="utf-8")
    return folder


OWN = {"model_type": "own", "auto_map": {"AutoConfig": "code.Config", "AutoModel": "code.Model"}}
TOKENIZER = {"tokenizer_class": "Own", "auto_map": {"AutoTokenizer": ["code.Tokenizer", "code.Tokenizer"]}}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"config": OWN}, "is an architecture of its own ('own'): its config.json names code to run"),
        ({"tokenizer_config": TOKENIZER}, "The tokenizer of --backbone"),
    ],
)
def test_code_of_a_backbone_is_not_run_whatever_is_answered(
    changes: dict[str, dict[str, Any]], message: str, tiny_backbone: Path, tmp_path: Path
) -> None:
    folder = with_code(tiny_backbone, tmp_path / "own", **changes)
    command = [sys.executable, "-m", "adapterstilts", "doctor", "--backbone", str(folder)]
    done = subprocess.run(command, input="y\n" * 9, capture_output=True, text=True, check=False)
    assert message in " ".join((done.stdout + done.stderr).split()) and "Traceback" not in done.stderr
    assert not (folder / "marker").exists()


@pytest.mark.parametrize("changes", [{"model_type": "eurobert"}, {**OWN, "model_type": "eurobert"}])
def test_an_architecture_of_a_later_transformers_is_named(
    changes: dict[str, Any], tiny_backbone: Path, tmp_path: Path
) -> None:
    from transformers import CONFIG_MAPPING

    assert "eurobert" not in CONFIG_MAPPING, "This transformers has EuroBERT: add its shapes to known_backbones.yaml."
    folder = with_code(tiny_backbone, tmp_path / "euro", config=changes)
    with pytest.raises(CompatibilityError, match=r"'eurobert', which transformers [\d.]+ does not have.*mmBERT-base"):
        locate_backbone(str(folder)).config()
    assert not (folder / "marker").exists()


@pytest.mark.parametrize("size", ["210m", "610m", "2.1B"])
def test_a_checkpoint_of_it_is_refused_without_asking_the_hub(size: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *_, **__: pytest.fail("The Hub was asked."))
    with pytest.raises(CompatibilityError, match=f"EuroBERT/EuroBERT-{size} is of the architecture 'eurobert'"):
        locate_backbone(f"EuroBERT/EuroBERT-{size}")
    result = CliRunner().invoke(astilts, ["doctor", "--backbone", f"EuroBERT/EuroBERT-{size}"])
    assert isinstance(result.exception, CompatibilityError) and "mmBERT-base" in str(result.exception)


def test_code_of_a_translation_model_is_not_run(tmp_path: Path) -> None:
    from transformers import AutoModelForSeq2SeqLM

    marian = save_marian(tmp_path / "marian", sentences("en", "de"))
    folder = with_code(marian, tmp_path / "own", config=OWN)
    with pytest.raises(CompatibilityError, match="is an architecture of its own"):
        locate_checkpoint(str(folder)).load(AutoModelForSeq2SeqLM)
    assert not (folder / "marker").exists()


@pytest.mark.parametrize("key", ["_attn_implementation_internal", "_attn_implementation", "attn_implementation"])
def test_kernels_that_a_configuration_names_are_not_fetched(key: str, tiny_backbone: Path, tmp_path: Path) -> None:
    import torch

    folder = with_code(tiny_backbone, tmp_path / "kernel", config={key: "somebody/kernel"})
    encoder = locate_backbone(str(folder)).encoder(torch.float32)
    assert encoder.config._attn_implementation in ("sdpa", "eager")


def test_kernels_that_a_part_of_a_configuration_names_are_forgotten(tmp_path: Path) -> None:
    from transformers import AutoConfig, BlipConfig

    from adapterstilts.pretrained import load_pretrained

    BlipConfig().save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["text_config"]["_attn_implementation_internal"] = "somebody/kernel"
    path.write_text(json.dumps(content), encoding="utf-8")
    assert AutoConfig.from_pretrained(tmp_path).text_config._attn_implementation == "somebody/kernel"
    assert load_pretrained(AutoConfig, str(tmp_path)).text_config._attn_implementation is None


LOAD = """
import sys, torch
from adapterstilts.errors import AstiltsError
from adapterstilts.modeling.backbone import locate_backbone
try:
    locate_backbone("somebody/model").encoder(torch.float32)
    print("loaded")
except AstiltsError as error:
    print(error.message)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "printed"),
    [(OWN, "its config.json names code to run"), ({"_attn_implementation_internal": "somebody/kernel"}, "loaded")],
)
def test_a_repository_on_the_hub_runs_nothing_and_fetches_no_other(
    config: dict[str, Any], printed: str, tiny_backbone: Path, tmp_path: Path
) -> None:
    model = with_code(tiny_backbone, tmp_path / "model", config=config)
    kernel = tmp_path / "kernel"
    kernel.mkdir()
    (kernel / "__init__.py").write_text(CODE.format(marker=str(model / "marker")), encoding="utf-8")
    with serve({"somebody/model": ("a" * 40, model), "somebody/kernel": ("b" * 40, kernel)}) as server:
        done = subprocess.run(
            [sys.executable, "-c", LOAD], input="y\n" * 9, capture_output=True, text=True, check=False,
            env=hub_environment(server.url, tmp_path),
        )  # fmt: skip
    assert printed in done.stdout, done.stderr
    assert not (model / "marker").exists()
    assert any("somebody/model" in line for line in server.requests)
    assert not [line for line in server.requests if "somebody/kernel" in line or line.endswith(".py")]
