"""Our scorers against what the benchmark's own scripts print on the same files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapterstilts.metrics import METRICS
from tests.package_tasks import recipe

TASKS = {"xquad": ["de", "en", "ru", "zh"], "mlqa": ["de", "en", "zh"], "tydiqa": ["en"]}


@pytest.mark.parametrize(
    ("task", "language"), [(task, language) for task, languages in TASKS.items() for language in languages]
)
def test_answers_equal_the_official_scorer(shared: Path, task: str, language: str) -> None:
    expected = json.loads((shared / "golden/scores.json").read_text())[task]
    assert sorted(expected) == TASKS[task]
    labels = json.loads((shared / f"golden/labels/{task}/test-{language}.json").read_text(encoding="utf-8"))
    given = json.loads((shared / f"golden/predictions/{task}/test-{language}.json").read_text(encoding="utf-8"))
    questions = [qa for article in labels["data"] for paragraph in article["paragraphs"] for qa in paragraph["qas"]]
    references = [
        {
            "id": qa["id"],
            "answers": {
                "text": [answer["text"] for answer in qa["answers"]],
                "answer_start": [answer["answer_start"] for answer in qa["answers"]],
            },
        }
        for qa in questions
    ]
    result = (
        METRICS.get(recipe(task).metric)
        .load(language)
        .compute(
            predictions=[{"id": qa["id"], "prediction_text": given[qa["id"]]} for qa in questions],
            references=references,
        )
    )
    for name, value in expected[language].items():
        assert result[name] == pytest.approx(value, abs=1e-9), name


METRIC_OF = {
    "xnli": "accuracy", "pawsx": "accuracy", "tatoeba": "accuracy", "panx": "tagging", "udpos": "tagging",
    "bucc2018": "pairs", "mewslix": "map@20",
}  # fmt: skip


@pytest.mark.parametrize("task", sorted(METRIC_OF))
def test_labels_tags_pairs_and_ranks_equal_the_official_scorer(shared: Path, task: str) -> None:
    expected = json.loads((shared / "golden/scores.json").read_text())[task]
    for language, scores in expected.items():
        metric = METRICS.get(METRIC_OF[task]).load(language)
        name = f"{task}/test-{language}.{'json' if task == 'mewslix' else 'tsv'}"
        ours, gold = ((shared / "golden" / part / name).read_text("utf-8") for part in ("predictions", "labels"))
        if task == "bucc2018":
            result = metric.score(*([line.split("\t") for line in text.splitlines()] for text in (ours, gold)))
        elif task == "mewslix":
            ranked, right = json.loads(ours), json.loads(gold)
            result = metric.compute(predictions=[ranked[query] for query in right], references=list(right.values()))
        elif METRIC_OF[task] == "tagging":
            result = metric.compute(predictions=_sentences(ours), references=_sentences(gold))
        else:
            result = metric.compute(predictions=ours.split(), references=gold.split())
        for what, value in scores.items():
            assert result[what] == pytest.approx(value, abs=1e-9), (language, what)


def _sentences(text: str) -> list[list[str]]:
    return [block.split() for block in text.split("\n\n") if block.strip()]
