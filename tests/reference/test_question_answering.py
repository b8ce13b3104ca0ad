"""Our scorers against what the benchmark's own scripts print on the same files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapterstilts.metrics import load_metric
from adapterstilts.tasks.catalogue import recipe

TASKS = {"xquad": ["de", "en", "ru", "zh"], "mlqa": ["de", "en", "zh"], "tydiqa": ["en"]}


@pytest.mark.parametrize(
    ("task", "language"), [(task, language) for task, languages in TASKS.items() for language in languages]
)
def test_scores_equal_the_official_scorer(shared: Path, task: str, language: str) -> None:
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
    result = load_metric(recipe(task).metric, language).compute(
        predictions=[{"id": qa["id"], "prediction_text": given[qa["id"]]} for qa in questions], references=references
    )
    for name, value in expected[language].items():
        assert result[name] == pytest.approx(value, abs=1e-9), name
