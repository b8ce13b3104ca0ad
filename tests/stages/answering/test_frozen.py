"""Classifiers at work in an evaluation: what they are asked, what they keep, and what is chosen by what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import adapterstilts
from adapterstilts.cli.main import main
from adapterstilts.runs.run import Run
from adapterstilts.stages.answering.classifiers import frozen_classifier
from adapterstilts.stages.evaluation_spec import Scored, plan_evaluation
from adapterstilts.stages.graph import Stage, made_by
from adapterstilts.stages.ranking.representations import FOLDER
from adapterstilts.stages.training_spec import plan_training
from tests.commands.classified_tables import THINGS, several, write
from tests.conftest import QUICK
from tests.stages.conftest import World


def evaluated(world: World, name: str) -> Run:
    task = world.recipe("xnli")
    (trained,) = world.planner.setup.catalogue.training_recipes(task, "mini")
    rival = frozen_classifier(name, [made_by(plan_training(world.planner, [trained], "train-target"))])
    scored = Scored(languages=("en", "zh"), max_examples=12)
    return world.run(plan_evaluation(world.planner, task, None, scored, rival=rival))  # type: ignore[arg-type]


@pytest.mark.slow
def test_vectors_are_computed_once_for_both(world: World) -> None:
    kept = world.planner.setup.store.cache / FOLDER
    first = evaluated(world, "knn")
    made = {path.name: path.stat().st_mtime_ns for path in kept.iterdir()}
    # Training rows, validation rows to choose by and all of them, two languages.
    assert len(made) == 5
    second = evaluated(world, "logreg")
    assert {path.name: path.stat().st_mtime_ns for path in kept.iterdir()} == made and first.key != second.key
    again = world.run(Stage(second.spec), force=True)
    assert again.metrics["languages"] == second.metrics["languages"] and again.metrics["rival"]["name"] == "logreg"


@pytest.fixture(scope="module")
def several_labels(tiny_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    root = tmp_path_factory.mktemp("several")
    for part, (seed, count) in {"train": (1, 60), "en": (2, 24), "de": (3, 24)}.items():
        write(root / f"{part}.csv", *several(seed, count))
    tests = (word for code in ("en", "de") for word in ("--test", f"{code}={root / code}.csv"))
    main(["tasks", "new", "things", "--kind", "pair_classification", "--train", str(root / "train.csv"), *tests,
          "--out", str(root / "mine")])  # fmt: skip
    given = {"backbone": str(tiny_backbone), "data_dir": root, "tasks": [root / "mine"], "store": root / "store"}
    return {**QUICK, **given, "seeds": 1}


@pytest.mark.slow
def test_several_labels_have_a_threshold_from_validation_rows(several_labels: dict[str, Any]) -> None:
    rows = adapterstilts.transfer(["none"], "things", compare=("knn", "logreg"), **several_labels).rows
    for row in rows[1:]:
        # The threshold is one for all languages: none is chosen on what is scored.
        assert row.calibration["en"] == row.calibration["de"] and set(row.calibration["en"]) == {"threshold"}
        assert not row.calibrated_on_scored_rows
        answers = row.predictions("de")
        assert {name for given in answers.values() for name in given} <= set(THINGS)
        assert row.zero_shot and np.isfinite(row.zero_shot["f1_micro"])
    # A linear model finds the words of which the labels are made, even in vectors of random weights.
    assert rows[2].english and rows[2].english["f1_micro"] > 50
