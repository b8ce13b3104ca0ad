"""Real sentences and a real encoder, from a table to answers elsewhere; where a variable names the encoder's folder.

`ASTILTS_TEST_ENCODER=DIR` is a folder that `tools/make_e5_small` beside the slices of real data makes.
"""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.cli.main import main
from tests.commands.test_export_model import elsewhere

# Read here, before the tests are rid of what the caller's environment says.
ENCODER = os.environ.get("ASTILTS_TEST_ENCODER")
pytestmark = pytest.mark.skipif(not ENCODER, reason="ASTILTS_TEST_ENCODER names no encoder")
TOPICS = 7


def topics(shared: Path, language: str, part: str, count: int) -> list[dict[str, str]]:
    """The first rows of SIB-200: sentences with one of seven topics."""
    path = shared / "data/sib200/data/annotated" / language / f"{part}.tsv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[:count]


def write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["sentence", "topic"])
        writer.writeheader()
        writer.writerows({"sentence": row["text"], "topic": row["category"]} for row in rows)


@pytest.fixture(scope="module")
def work(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table of English rows, one of Russian ones, and a store with the model of them."""
    root = tmp_path_factory.mktemp("real")
    write(root / "news.csv", topics(shared, "eng_Latn", "train", 240))
    write(root / "news_ru.csv", topics(shared, "rus_Cyrl", "test", 40))
    data = ["--text", "sentence", "--label", "topic", "--test", f"ru={root / 'news_ru.csv'}"]
    model = ["--backbone", str(ENCODER), "--method", "peft:lora", "--store", str(root / "store"), "--seeds", "1"]
    settings = ["--epochs", "3", "--learning-rate", "2e-3", "--batch-size", "16", "--max-length", "64"]
    words = ["transfer", "--from", "none", "--to", str(root / "news.csv"), *data, *model, *settings]
    main(words)
    return root


def test_a_table_in_english_teaches_topics_in_russian(work: Path) -> None:
    (evaluation,) = (work / "store").glob("evaluate-news-*")
    metrics = json.loads((evaluation / "metrics.json").read_text())
    assert metrics["languages"]["ru"]["examples"] == 40
    assert metrics["languages"]["ru"]["accuracy"] > 2 * 100 / TOPICS


def test_answers_are_those_of_the_evaluation_and_of_a_pipeline_elsewhere(work: Path) -> None:
    out = work / "answers.csv"
    store = ["--store", str(work / "store")]
    main(["predict", "news", "--input", str(work / "news_ru.csv"), "--text", "sentence", "--out", str(out), *store])
    with out.open(encoding="utf-8", newline="") as file:
        answers = list(csv.DictReader(file))
    (evaluation,) = (work / "store").glob("evaluate-news-*")
    said = (evaluation / "predictions/news/test-ru.tsv").read_text(encoding="utf-8").splitlines()
    assert [row["prediction"] for row in answers] == said
    main(["export-model", "news", "--to", str(work / "model"), *store])
    texts = [row["sentence"] for row in answers[:12]]
    theirs: list[list[dict[str, Any]]] = elsewhere(
        f"print(json.dumps(pipeline('text-classification', 'model', top_k=None, truncation=True)({texts!r})))", work
    )
    model = adapterstilts.load("news", calibrate=False, store=work / "store", precision="fp32")
    for one, other in zip(theirs, model.predict(texts), strict=True):
        assert one[0]["label"] == other["label"]
        assert {label["label"]: pytest.approx(label["score"], abs=1e-4) for label in one} == other["scores"]
    assert model.temperature is None and adapterstilts.load("news", store=work / "store").temperature
