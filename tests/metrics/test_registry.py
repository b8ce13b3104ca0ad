"""What an entry says of a metric, and a metric that is added from outside the package by one entry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import evaluate
import numpy as np
import pytest
from scipy.stats import spearmanr

from adapterstilts.errors import DataError
from adapterstilts.metrics import METRICS, Metric
from adapterstilts.metrics.intervals import paired_bootstrap
from adapterstilts.metrics.matching import match_lines
from adapterstilts.metrics.prediction_files import score_file
from adapterstilts.metrics.statistics import spearman
from adapterstilts.metrics.submission import write_lines
from adapterstilts.registry import Entries, Origin
from tests.package_tasks import recipe, task_names


class Likeness(evaluate.Metric):
    """Spearman's correlation of two lists of numbers, in percent."""

    def _info(self) -> evaluate.MetricInfo:
        number = datasets.Value("float64")
        features = datasets.Features({"predictions": number, "references": number})
        return evaluate.MetricInfo(description="Likeness.", citation="-", features=features)

    def _compute(self, predictions: Any, references: Any) -> dict[str, Any]:
        items = list(zip(predictions, references, strict=True))
        return {"spearman": 100 * spearmanr(predictions, references).statistic, "items": items}


@pytest.fixture
def likeness() -> Iterator[Metric]:
    entry = Metric("likeness", f"{__name__}:Likeness", ".tsv", match=match_lines, statistics={"spearman": spearman})
    entries = Entries()
    entries.adding(METRICS.what, Origin("folder", "./mine")).add("likeness", entry)
    with entries.in_use():
        yield entry


def test_a_metric_from_outside_the_package_is_one_entry(likeness: Metric, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    gold = rng.normal(size=40).round(1)
    better, worse = gold + rng.normal(size=40), gold + 3 * rng.normal(size=40)
    write_lines(map(str, gold), tmp_path / "gold.tsv")
    for name, values in (("better", better), ("worse", worse)):
        write_lines(map(str, values), tmp_path / f"{name}.tsv")
        found = score_file(tmp_path / f"{name}.tsv", tmp_path / "gold.tsv", metric="likeness", language="de")
        assert found == {"spearman": pytest.approx(100 * spearmanr(values, gold).statistic)}
    items = [
        {"de": {str(n): item for n, item in enumerate(likeness.score(values, gold, language="de")["items"])}}
        for values in (better, worse)
    ]
    interval = paired_bootstrap(*items, statistic=likeness.statistics["spearman"])
    assert interval.mean == pytest.approx(100 * (spearmanr(better, gold).statistic - spearmanr(worse, gold).statistic))
    assert interval.low < interval.mean < interval.high
    write_lines(["1"], tmp_path / "short.tsv")
    with pytest.raises(DataError, match="short.tsv has 1 lines"):
        score_file(tmp_path / "short.tsv", tmp_path / "gold.tsv", metric="likeness", language="de")


def test_every_task_has_a_metric_and_every_target_one_with_files() -> None:
    for name in task_names():
        metric = METRICS.get(recipe(name).metric)
        assert metric.match is not None or "target" not in recipe(name).phases, name
    assert {metric.name for metric in METRICS} == set(METRICS.names())


def test_questions_on_a_paragraph_and_hypotheses_for_a_premise_are_groups() -> None:
    asked = [{"id": id_, "context": context} for id_, context in (("b", "One."), ("a", "Two."), ("c", "One."))]
    groups = METRICS.get("squad").groups(asked, {"a", "b", "c"})
    # Named by their first example and not by the text, which is another in each language.
    assert groups == {"b": "b", "a": "a", "c": "b"}
    pairs = [{"id": str(n), "text_a": text, "text_b": str(n)} for n, text in enumerate(("x", "y", "x"))]
    assert METRICS.get("accuracy").groups(pairs, {"0", "1", "2"}) == {"0": "0", "1": "1", "2": "0"}
    sides = [{"id": id_, "side": side, "context": ""} for id_, side in (("q", "query"), ("c", "candidate"))]
    assert METRICS.get("accuracy").groups(sides, {"q"}) == {"q": "q"}
    own = replace(METRICS.get("tagging"), group=lambda row: row["document"])
    tagged = [{"id": "1", "document": "d"}, {"id": "2", "document": "d"}]
    assert METRICS.get("tagging").groups(tagged, {"1", "2"}) == {"1": "1", "2": "2"}
    assert not METRICS.get("tagging").grouped and own.grouped and METRICS.get("squad").unit == "paragraphs"
    assert own.groups(tagged, {"1", "2"}) == {"1": "1", "2": "1"}


@pytest.mark.parametrize("name", ["squad", "accuracy", "tagging", "pairs"])
def test_scorers_need_no_folder_of_their_own(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the home is read-only."""
    (tmp_path / "file").touch()
    monkeypatch.setattr(evaluate.config, "HF_METRICS_CACHE", tmp_path / "file" / "metrics")
    answers = {
        "squad": (["red"], [("q", ["the red"])]),
        "accuracy": (["a"], ["a"]),
        "tagging": ([["B-X"]], [["B-X"]]),
        "pairs": ([("a", "b")], [("a", "b")]),
    }
    assert 100.0 in METRICS.get(name).score(*answers[name], language="en").values()
