"""Trained models for programs that do not have adapterstilts, and what these answer."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.cli.main import main
from adapterstilts.errors import AstiltsError, CompatibilityError
from tests.commands.answered import questions
from tests.commands.classified_tables import TABLES, texts, write

# What stands before the code of somebody who does not have the package.
ALONE = "import sys, json; sys.modules['adapterstilts'] = None\nfrom transformers import pipeline\n"


@pytest.fixture(scope="module")
def lora(tiny_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A store with models of squad and mnli whose adapters can be merged."""
    store = tmp_path_factory.mktemp("lora")
    options = {
        "profile": "mini", "backbone": str(tiny_backbone), "store": store, "max_train_examples": 24, "max_steps": 4,
        "learning_rate": 0.02, "batch_size": 8,
    }  # fmt: skip
    adapterstilts.train_intermediate("squad", method="lora", **options)
    adapterstilts.train_intermediate("mnli", method="peft:lora", **options)
    return {"store": store}


@pytest.fixture(scope="module")
def classified(tiny_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A store with models of several labels and of numbers, as an adapter that can be merged and as one that cannot."""
    root = tmp_path_factory.mktemp("classified")
    options = {"profile": "mini", "backbone": str(tiny_backbone), "store": root / "store", "batch_size": 8,
               "max_steps": 8, "learning_rate": 0.02, "max_length": 32}  # fmt: skip
    for name in ("several", "numbers"):
        for method, called in (("peft:lora", name), ("seq_bn[reduction_factor=4]", f"{name}_beside")):
            write(root / f"{called}.csv", *TABLES[name](1, 48))
            adapterstilts.train_intermediate(str(root / f"{called}.csv"), method=method, **options)
    return {"store": root / "store"}


def elsewhere(code: str, folder: Path) -> Any:
    """What a process prints that cannot import adapterstilts."""
    done = subprocess.run([sys.executable, "-I", "-c", ALONE + code], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_pipeline_gives_the_same_answers(lora: dict[str, Any], tmp_path: Path) -> None:
    records = questions(4, "en")
    squad = adapterstilts.export_model("squad", to=tmp_path / "squad", **lora)
    mnli = adapterstilts.export_model("mnli", to=tmp_path / "mnli", **lora)
    for one, name in ((squad, "QuestionAnswering"), (mnli, "SequenceClassification")):
        assert one.loading == f"AutoModelFor{name}" and one.difference is not None and one.difference <= 1e-5
        assert "validation rows" in one.tried_on and "model.safetensors" in one.files
    found = elsewhere(
        f"records = {records!r}\n"
        "asked = pipeline('question-answering', 'squad', max_answer_len=30, align_to_words=False)\n"
        "answers = [asked(question=one['query'], context=one['story']) for one in records]\n"
        "pairs = [{'text': one['story'].split('.')[0], 'text_pair': one['story'].split('.')[1]} for one in records]\n"
        "labels = pipeline('text-classification', 'mnli', top_k=None)(pairs)\n"
        "print(json.dumps([answers, labels]))",
        tmp_path,
    )
    ours = adapterstilts.load("squad", calibrate=False, **lora).predict(records)
    assert [{**one, "score": pytest.approx(one["score"], abs=1e-5)} for one in found[0]] == ours
    pairs = [tuple(one["story"].split(".")[:2]) for one in records]
    for theirs, mine in zip(found[1], adapterstilts.load("mnli", calibrate=False, **lora).predict(pairs), strict=True):
        assert {one["label"]: pytest.approx(one["score"], abs=1e-5) for one in theirs} == mine["scores"]
        assert theirs[0]["label"] == mine["label"]


@pytest.mark.slow
def test_several_labels_and_numbers_are_a_pipelines_too(classified: dict[str, Any], tmp_path: Path) -> None:
    for name, problem in (("several", "multi_label_classification"), ("numbers", "regression")):
        result = adapterstilts.export_model(name, to=tmp_path / name, **classified)
        assert result.loading == "AutoModelForSequenceClassification" and result.difference is not None
        config = json.loads((tmp_path / name / "config.json").read_text())
        assert config["problem_type"] == problem and result.difference <= 1e-5
        assert json.loads((tmp_path / name / "tokenizer_config.json").read_text())["model_max_length"] == 32
    alone, pairs = texts(9, 5, 40), list(zip(texts(9, 5, 30), texts(8, 5), strict=True))  # longer than is read
    asked = [{"text": first, "text_pair": second} for first, second in pairs]
    found = elsewhere(
        f"labels = pipeline('text-classification', 'several', top_k=None, truncation=True)({alone!r})\n"
        f"numbers = pipeline('text-classification', 'numbers', truncation=True)({asked!r})\n"
        "print(json.dumps([labels, numbers]))",
        tmp_path,
    )
    threshold = json.loads((tmp_path / "several" / "config.json").read_text())["threshold"]
    ours = adapterstilts.load("several", calibrate=False, **classified).predict(alone)
    for theirs, mine in zip(found[0], ours, strict=True):
        shares = {one["label"]: one["score"] for one in theirs}
        assert {name: pytest.approx(share, abs=1e-5) for name, share in shares.items()} == mine["scores"]
        assert {name for name, share in shares.items() if share > threshold} == set(mine["labels"])
    ours = adapterstilts.load("numbers", **classified).predict(pairs)
    assert [one["score"] for one in found[1]] == pytest.approx([one["value"] for one in ours], rel=1e-5)
    assert all(80 < one["value"] < 140 for one in ours)


@pytest.mark.parametrize("name", ["several", "numbers"])
def test_their_scores_are_the_same_beside_a_backbone_and_in_a_graph(
    name: str, classified: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime")
    beside = adapterstilts.export_model(f"{name}_beside", to=tmp_path / "beside", **classified)
    assert beside.loading == "load.py" and beside.difference is not None and beside.difference <= 1e-5
    about = json.loads((tmp_path / "beside" / "export.json").read_text())
    said = "threshold" if name == "several" else "unit of the data"
    assert said in about["scores"] and any(said in note or "exceeds" in note for note in beside.notes)
    words = ["export-model", name, "--store", str(classified["store"]), "--to", str(tmp_path / "graph")]
    data = ["--format", "onnx", "--int8", "--data-dir", str(classified["store"].parent)]
    main([*words, *data])
    assert "scores differ by at most" in capsys.readouterr().out


def test_pushed_heads_of_several_labels_and_of_numbers_are_the_librarys_own(
    classified: dict[str, Any], tiny_backbone: Path, tmp_path: Path
) -> None:
    """And the card says what unit a number is in."""
    pairs = list(zip(texts(9, 5, 12), texts(8, 5, 12), strict=True))
    code = f"""
import torch
from adapters import AutoAdapterModel
from transformers import AutoTokenizer
def scores(folder, *texts):
    model = AutoAdapterModel.from_pretrained({str(tiny_backbone)!r})
    model.load_adapter(folder, set_active=True, use_safetensors=True)
    asked = AutoTokenizer.from_pretrained({str(tiny_backbone)!r})(*texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        return model.eval()(**asked).logits.tolist()
print(json.dumps([scores("several", {[one for one, _ in pairs]!r}), scores("numbers", *map(list, zip(*{pairs!r})))]))
"""
    for name in ("several", "numbers"):
        adapterstilts.push(f"{name}_beside", to=tmp_path / f"to-{name}", **classified)
        (card,) = (tmp_path / f"to-{name}").rglob("README.md")
        card.parent.rename(tmp_path / name)
    several, numbers = elsewhere(code, tmp_path)
    ours = adapterstilts.load("several_beside", calibrate=False, **classified).predict([one for one, _ in pairs])
    for theirs, mine in zip(several, ours, strict=True):
        assert [1 / (1 + math.exp(-one)) for one in theirs] == pytest.approx(list(mine["scores"].values()), abs=1e-5)
    unit = re.search(r"times (\S+), plus (\S+), it is one", (tmp_path / "numbers" / "README.md").read_text())
    assert unit is not None
    found = [float(unit[1]) * theirs + float(unit[2]) for (theirs,) in numbers]
    values = [one["value"] for one in adapterstilts.load("numbers_beside", **classified).predict(pairs)]
    assert found == pytest.approx(values, rel=1e-5)


def test_what_cannot_be_merged_has_a_script(answering: dict[str, Any], tmp_path: Path) -> None:
    main(["export-model", "squad", "--store", str(answering["store"]), "--to", str(tmp_path / "out")])
    about = json.loads((tmp_path / "out" / "export.json").read_text())
    assert about["task"] == "squad" and about["loading"] == "load.py" and (tmp_path / "out" / "base").is_dir()
    assert not list(tmp_path.glob(".out-*"))


def test_a_graph_lies_with_what_its_texts_need(answering: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    result = adapterstilts.export_model("squad", to=tmp_path / "onnx", format="onnx", **answering)
    assert {"model.onnx", "tokenizer.json", "config.json", "export.json"} <= result.files.keys()
    assert result.difference is not None and result.difference <= 1e-4


def test_int8_says_what_it_costs(answering: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnxruntime")
    words = ["export-model", "squad", "--store", str(answering["store"]), "--to", str(tmp_path / "small")]
    main([*words, "--format", "onnx", "--int8"])
    assert "int8: validation score" in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "small").glob("*.onnx")] == ["model_int8.onnx"]


@pytest.mark.parametrize("beside", [False, True])
def test_a_smaller_graph_has_its_weights(
    beside: bool, answering: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of large models lie in a file beside it."""
    runtime = pytest.importorskip("onnxruntime")
    if beside:
        monkeypatch.setattr("adapterstilts.modeling.exchange.onnx_graph._MOST_BYTES", 0)
    result = adapterstilts.export_model("squad", to=tmp_path / "small", format="onnx", int8=True, **answering)
    assert ("model_int8.onnx.data" in result.files) == beside and "model.onnx" not in result.files
    graph = runtime.InferenceSession(tmp_path / "small" / "model_int8.onnx")
    assert [one.name for one in graph.get_outputs()] == ["start_logits", "end_logits"]


NO_ANSWER = """
import runpy, torch
made = runpy.run_path("squad_v2/load.py")
model, tokenizer = made["model"], made["tokenizer"]
threshold = json.load(open("squad_v2/export.json"))["no_answer_threshold"]
def answer(question, context):
    asked = tokenizer(question, context, return_tensors="pt", return_offsets_mapping=True)
    places, owners = asked.pop("offset_mapping")[0].tolist(), asked.sequence_ids()
    with torch.no_grad():
        scores = model(**asked)
    starts, ends = scores.start_logits[0].tolist(), scores.end_logits[0].tolist()
    own = [place for place, owner in enumerate(owners) if owner == 1]
    spans = [(one, other) for one in own for other in own if one <= other < one + 30]
    best, start, end = max((starts[one] + ends[other], one, other) for one, other in spans)
    return "" if starts[0] + ends[0] - best > threshold else context[places[start][0] : places[end][1]].strip()
"""


@pytest.mark.slow
def test_from_where_on_there_is_no_answer_is_said(tmp_path: Path) -> None:
    """Scores and that number give what predict gives."""
    options: dict[str, Any] = {"store": tmp_path / "store"}
    result = adapterstilts.export_model("squad_v2", to=tmp_path / "squad_v2", **options)
    about = json.loads((tmp_path / "squad_v2" / "export.json").read_text())
    assert "at the first token" in about["scores"]
    said = f"exceeds that of the best span by {about['no_answer_threshold']:g}, which export.json says."
    assert said in result.notes[-1]
    own = questions(12, "en")
    records = [*own, *({**one, "query": other["query"]} for one, other in zip(own, own[::-1], strict=True))]
    asked = [(one["query"], one["story"]) for one in records]
    answers = elsewhere(f"{NO_ANSWER}print(json.dumps([answer(*one) for one in {asked!r}]))", tmp_path)
    ours = adapterstilts.load("squad_v2", calibrate=False, **options).predict(asked)
    assert answers == [one["answer"] for one in ours] and {""} < set(answers)


def test_other_scores_leave_no_folder(
    answering: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapterstilts.commands.export_model._MOST", -1.0)
    with pytest.raises(CompatibilityError, match="differ by .*nothing was written"):
        adapterstilts.export_model("squad", to=tmp_path / "out", **answering)
    assert not list(tmp_path.iterdir())


def test_what_has_no_meaning_is_refused_first(answering: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    for options, message in (
        ({"to": tmp_path / "full"}, "not empty"),
        ({"to": tmp_path / "out", "int8": True}, "--format onnx"),
        ({"to": tmp_path / "out", "precision": "bf16"}, "weights are fp32"),
    ):
        with pytest.raises(AstiltsError, match=message):
            adapterstilts.export_model("no such model", **options, **answering)


def test_a_place_that_cannot_be_written_is_named(answering: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AstiltsError, match=r"--to .*file/model cannot be written"):
        adapterstilts.export_model("squad", to=tmp_path / "file" / "model", **answering)
