"""Models as one checkpoint of `transformers`, or as backbone, package and script; and as one graph of ONNX."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from adapterstilts.errors import CompatibilityError
from adapterstilts.modeling.backbone import Backbone, locate_backbone
from adapterstilts.modeling.blocks import Block
from adapterstilts.modeling.exchange import agreement, onnx_graph, whole
from adapterstilts.modeling.storage import StoredModel
from adapterstilts.modeling.transfer_model import TransferModel
from adapterstilts.tasks.kind import HeadSpec
from tests.conftest import save_tiny_backbone
from tests.modeling.exchange.models import (
    HEADS,
    LABELS,
    TASK,
    adapter,
    batch,
    new_model,
    spec,
    stored,
    with_biases,
)

MERGED = ("full", "bitfit", "head", "lora", "dora", "vera", "ia3", "peft:lora", "peft:dora", "peft:ia3", "peft:oft",
          "peft:lokr", "peft:adalora", "peft:ln_tuning")  # fmt: skip
BESIDE = ("seq_bn", "prefix_tuning", "prompt_tuning", "mam", "loreft")
CLASSES = {
    "span": "AutoModelForQuestionAnswering", "token": "AutoModelForTokenClassification",
    "classification": "AutoModelForSequenceClassification", "choice": "AutoModelForMultipleChoice",
}  # fmt: skip


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    return locate_backbone(str(with_biases(save_tiny_backbone(tmp_path_factory.mktemp("biased") / "backbone"))))


def examples(form: str) -> list[dict[str, torch.Tensor]]:
    """Batches of one feature each."""
    both, size = batch(form), 2 if form == "choice" else 1
    parts = [
        {name: one[at : at + size] for name, one in both.items() if name != "sequences"} for at in range(0, 4, size)
    ]
    return [{**part, "sequences": torch.tensor([2])} if form == "choice" else part for part in parts]


def restored(
    method: str, form: str, backbone: Backbone, folder: Path, **options: Any
) -> tuple[StoredModel, TransferModel]:
    run = stored(new_model(backbone, spec(method, **options), {TASK: HEADS[form]}), folder / "run")
    return run, run.restore(backbone, precision="fp32", to_change=True).eval()


@pytest.mark.parametrize(("method", "form"), [*((one, "span") for one in MERGED), *(("lora", one) for one in HEADS)])
def test_what_can_be_merged_is_one_checkpoint(method: str, form: str, backbone: Backbone, tmp_path: Path) -> None:
    run, model = restored(method, form, backbone, tmp_path)
    expected = agreement.our_scores(model, TASK, examples(form))
    outer = whole.form_in_transformers(run, model, TASK, LABELS[form], told={})
    assert whole.becomes_one(run.description) and outer and outer.auto_class == CLASSES[form]
    whole.write_checkpoint(model, outer, tmp_path / "out")
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {one.name for one in (tmp_path / "out").iterdir()}
    found = agreement.their_scores(agreement.loaded(tmp_path / "out", outer.auto_class), examples(form))
    assert agreement.check_agreement(expected, found, what="It", most=1e-5) < 1e-5


@pytest.mark.parametrize("method", ["lora", "dora", "vera", "ia3"])
def test_alpha_is_merged_too(method: str, backbone: Backbone, tmp_path: Path) -> None:
    run, model = restored(method, "token", backbone, tmp_path, alpha=3)
    expected = agreement.our_scores(model, TASK, examples("token"))
    outer = whole.form_in_transformers(run, model, TASK, LABELS["token"], told={})
    assert outer is not None
    whole.write_checkpoint(model, outer, tmp_path / "out")
    found = agreement.their_scores(agreement.loaded(tmp_path / "out", outer.auto_class), examples("token"))
    agreement.check_agreement(expected, found, what="It", most=1e-5)


@pytest.mark.parametrize("method", BESIDE)
def test_what_cannot_is_backbone_package_and_script(method: str, backbone: Backbone, tmp_path: Path) -> None:
    run, model = restored(method, "span", backbone, tmp_path)
    assert not whole.becomes_one(run.description)
    whole.write_package(run, model, tmp_path / "out", task=TASK, labels=())
    found = agreement.their_scores(agreement.loaded(tmp_path / "out", None), examples("span"))
    agreement.check_agreement(agreement.our_scores(model, TASK, examples("span")), found, what="It", most=1e-5)


def test_the_script_needs_nothing_of_ours(backbone: Backbone, tmp_path: Path) -> None:
    run, model = restored("seq_bn", "classification", backbone, tmp_path)
    whole.write_package(run, model, tmp_path / "out", task=TASK, labels=LABELS["classification"])
    code = (
        "import sys; sys.modules['adapterstilts'] = None\n"
        f"import runpy; found = runpy.run_path({str(tmp_path / 'out' / 'load.py')!r})\n"
        "print(found['model'](**found['tokenizer']('x', 'y', return_tensors='pt')).logits.shape[-1])"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.split()[-1] == "3", done.stderr


def test_several_adapters_stay_beside(backbone: Backbone, tmp_path: Path) -> None:
    blocks = [Block(kind="adapter", adapters=(adapter(name, spec("seq_bn")),)) for name in ("below", TASK)]
    run = stored(new_model(backbone, spec("seq_bn"), {TASK: HEADS["span"]}, blocks), tmp_path / "run")
    assert not whole.becomes_one(run.description)


def test_a_head_without_equal_is_refused(backbone: Backbone, tmp_path: Path) -> None:
    head = HeadSpec("classification", 3, {"pooling": "mean"})
    run = stored(new_model(backbone, spec("seq_bn"), {TASK: head}), tmp_path / "run")
    model = run.restore(backbone, precision="fp32", to_change=True)
    with pytest.raises(CompatibilityError, match="pooling mean.*--format onnx"):
        whole.write_package(run, model, tmp_path / "out", task=TASK, labels=LABELS["classification"])


@pytest.mark.parametrize(("change", "message"), [(2e-3, "differ by 0.002"), (float("nan"), "differ by nan")])
def test_other_scores_are_refused_with_their_difference(change: float, message: str) -> None:
    ours = [torch.zeros(2, 3)]
    with pytest.raises(CompatibilityError, match=message):
        agreement.check_agreement(ours, [ours[0] + change], what="It", most=1e-5)
    with pytest.raises(CompatibilityError, match=r"\(2, 4\) scores instead of \(2, 3\)"):
        agreement.check_agreement(ours, [torch.zeros(2, 4)], what="It", most=1e-5)


@pytest.mark.parametrize(
    ("method", "form"),
    [*(("seq_bn", one) for one in HEADS), ("prefix_tuning", "span"), ("prompt_tuning", "span"), ("peft:lokr", "span")],
)
def test_a_graph_has_the_models_scores_for_batches_of_any_size(
    method: str, form: str, backbone: Backbone, tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    run, model = restored(method, form, backbone, tmp_path)
    together = batch(form)
    with torch.no_grad():
        expected = model(task=TASK, **together)["logits"]
    if whole.becomes_one(run.description):
        whole.merge(model)
    onnx_graph.write_graph(model, TASK, form, examples(form)[0], tmp_path / "model.onnx")
    found = torch.from_numpy(onnx_graph.OnnxModel(tmp_path / "model.onnx").run(together))
    real = together["attention_mask"].bool() if expected.ndim == 3 else slice(None)
    torch.testing.assert_close(found[real], expected[real], atol=1e-4, rtol=0)


def test_what_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(CompatibilityError, match=r"onnx is not installed.*adapterstilts\[onnx\]"):
        onnx_graph.check_installed(runtime=True)
    assert not onnx_graph.has_runtime()
