"""XTREME's download has no labels in its test files: predictions are made, exported, and not scored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.commands.export import export_runs
from adapterstilts.errors import DataError
from adapterstilts.mini.generators import generator
from adapterstilts.reporting.transfer import transfer_tables
from adapterstilts.runs.store import Run
from tests.conftest import WINDOWS


def without_windows(options: dict[str, Any]) -> dict[str, Any]:
    """What other tasks than question answering are told."""
    return {name: value for name, value in options.items() if name not in WINDOWS}


@pytest.fixture
def download(tmp_path: Path) -> Path:
    """XNLI, PAN-X and XQuAD as XTREME leaves them, filled with the suite's rows."""
    root = tmp_path / "download"
    for folder in ("mnli", "xnli", "panx", "squad", "xquad"):
        (root / folder).mkdir(parents=True)
    pairs = generator("inference")(split="train", language="en", size=60)
    for name, rows in (("train", pairs), ("dev_matched", pairs[:20])):
        lines = (
            {"gold_label": row["label"], "sentence1": row["text_a"], "sentence2": row["text_b"], "pairID": row["id"]}
            for row in rows
        )
        _write(root / f"mnli/multinli_1.0_{name}.jsonl", (json.dumps(line) for line in lines))
    for language in ("en", "de"):
        rows = generator("inference")(split="test", language=language, size=12, domain="travel")
        _write(root / f"xnli/test-{language}.tsv", (f"{row['text_a']}\t{row['text_b']}" for row in rows))
        for split, size in (("train", 40), ("dev", 20), ("test", 12)):
            sentences = generator("entities")(split="train", language=language, size=size)
            _write(root / f"panx/{split}-{language}.tsv", _tagged(sentences, hidden=split == "test"))
        questions = generator("span_qa")(split="test", language=language, size=12)
        _squad(root / f"xquad/xquad.{language}.json", questions, hidden=True)
    _squad(root / "squad/train-v1.1.json", generator("span_qa")(split="train", language="en", size=60), hidden=False)
    return root


def _write(path: Path, lines: Any) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _tagged(rows: list[dict[str, Any]], *, hidden: bool) -> Any:
    for row in rows:
        for token, tag in zip(row["tokens"], row["tags"], strict=True):
            yield token if hidden else f"{token}\t{tag}"
        yield ""


def _squad(path: Path, rows: list[dict[str, Any]], *, hidden: bool) -> None:
    paragraphs = []
    for row in rows:
        (text,), (start,) = row["answers"]["text"], row["answers"]["answer_start"]
        answer = {"text": "" if hidden else text, "answer_start": 0 if hidden else start}
        qas = [{"id": row["id"], "question": row["question"], "answers": [answer]}]
        paragraphs.append({"context": row["context"], "qas": qas})
    path.write_text(json.dumps({"version": "1.1", "data": [{"paragraphs": paragraphs}]}), encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("task", ["xnli", "panx", "xquad"])
def test_predictions_without_scores(quick: dict[str, Any], download: Path, task: str, tmp_path: Path) -> None:
    options = {**quick, "data_dir": download, "languages": ("en", "de")}
    result = adapterstilts.transfer("none", task, seeds=1, **(options if task == "xquad" else without_windows(options)))
    (row,) = result.rows
    assert row.split == "test" and row.english is None and row.zero_shot is None and not row.difference
    assert row.counts == {"en": {"unlabelled": 12}, "de": {"unlabelled": 12}}
    assert len(row.predictions("de")) == 12 and "no labels" in transfer_tables(result)
    assert not list((row.folder / "labels" / task).iterdir())
    export_runs([Run(row.folder)], tmp_path / "out", benchmark="xtreme", partial=True)
    assert len(list((tmp_path / "out" / task).glob("test-de.*"))) == 1


@pytest.fixture
def choices(tmp_path: Path) -> Path:
    """XCOPA and the tasks that it is trained on, as XTREME leaves them: all labels of the test files are 0."""
    root = tmp_path / "download"
    for folder in ("siqa", "xcopa"):
        (root / folder).mkdir(parents=True)
    social = generator("social")(split="train", language="en", size=40)
    lines = (
        {"context": row["context"], "question": row["question"], "correct": "ABC"[row["label"]]}
        | {f"answer{letter}": choice for letter, choice in zip("ABC", row["choices"], strict=True)}
        for row in social
    )
    _write(root / "siqa/socialIQa_v1.4_trn.jsonl", map(json.dumps, lines))
    names = {"train-en": "train", "val-en": "validation", "test-sw": "test", "test-zh": "test"}
    for name, split in names.items():
        rows = generator("cause_effect")(split=split, language=name[-2:], size=30)
        lines = (
            {"premise": row["context"], "question": "cause", "label": 0 if split == "test" else row["label"]}
            | {f"choice{number + 1}": choice for number, choice in enumerate(row["choices"])}
            for row in rows
        )
        _write(root / f"xcopa/{name}.jsonl", map(json.dumps, lines))
    return root


@pytest.mark.slow
def test_labels_that_stand_in_for_hidden_ones_are_not_scored(
    quick: dict[str, Any], choices: Path, tmp_path: Path
) -> None:
    options = {**without_windows(quick), "data_dir": choices, "languages": ("sw", "zh")}
    result = adapterstilts.transfer("none", "xcopa", **options)
    (row,) = result.rows
    assert row.zero_shot is None and row.counts == {code: {"unlabelled": 30} for code in ("sw", "zh")}
    reason = "all 30 labels are the first choice, as where a benchmark hides its own"
    assert row.hidden == {"sw": reason, "zh": reason}
    assert f"not scored, but predicted: sw, zh, where {reason}." in transfer_tables(result)
    assert set(row.predictions("sw").values()) <= {0, 1} and len(row.predictions("sw")) == 30
    export_runs([Run(row.folder)], tmp_path / "out", benchmark="xtreme-r", partial=True)
    assert (tmp_path / "out/xcopa/test-sw.tsv").read_text().count("\n") == 30
    # One other label, and they are gold.
    path = choices / "xcopa/test-sw.jsonl"
    path.write_text(path.read_text().replace('"label": 0', '"label": 1', 1))
    (row,) = adapterstilts.transfer("none", "xcopa", **{**options, "languages": ("sw",)}).rows
    assert not row.hidden and row.zero_shot and 0 <= row.zero_shot["accuracy"] <= 100


def test_training_data_need_labels(quick: dict[str, Any], download: Path) -> None:
    sentences = generator("entities")(split="train", language="en", size=20)
    _write(download / "panx/dev-en.tsv", _tagged(sentences, hidden=True))
    with pytest.raises(
        DataError, match="The validation data of panx have no labels: they are not published .*dev-en.tsv"
    ):
        adapterstilts.transfer(
            "none", "panx", seeds=1, **{**without_windows(quick), "data_dir": download, "languages": ("de",)}
        )


def test_pairs_without_a_gold_label_are_dropped_and_counted(quick: dict[str, Any], download: Path) -> None:
    with (download / "mnli/multinli_1.0_train.jsonl").open("a", encoding="utf-8") as file:
        for number in range(3):
            pair = {"gold_label": "-", "sentence1": "a b", "sentence2": "c", "pairID": f"x{number}"}
            file.write(json.dumps(pair) + "\n")
    result = adapterstilts.train_intermediate("mnli", **{**without_windows(quick), "data_dir": download})
    run = Run(result.folder)
    assert list(run.provenance["rows_omitted_by_design"].values()) == [3] and not run.provenance["rows_left_out"]
    assert run.metrics["train_examples"] == 60
