"""One text, several labels and numbers from a table to a table of results, through the real Trainer."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import adapterstilts
from adapterstilts.cli.main import main
from adapterstilts.commands.results import to_json
from adapterstilts.commands.score import score_folders
from adapterstilts.errors import CompatibilityError
from adapterstilts.reporting.by_class import class_tables
from adapterstilts.reporting.transfer import transfer_tables
from adapterstilts.runs.store import Run
from adapterstilts.tasks.catalogue import Catalogue
from tests.commands.classified_tables import TABLES, THINGS, numbers, write
from tests.conftest import QUICK


@dataclass(frozen=True)
class Made:
    """Tasks that were made of tables, and the rows of a transfer to each of them.

    Attributes:
        rows: Without an intermediate task, and from a run on the same data, by task.
    """

    options: dict[str, Any]
    rows: dict[str, list[Any]]


@pytest.fixture(scope="module")
def made(tiny_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    root = tmp_path_factory.mktemp("classified")
    data = root / "data"
    data.mkdir()
    rows = {}
    options = {
        **QUICK,
        "learning_rate": 0.01,
        "max_length": 32,
        "backbone": str(tiny_backbone),
        "data_dir": data,
        "tasks": [root / "mine"],
        "store": root / "store",
        "method": "full",
        "seeds": 1,
    }
    for name, make in TABLES.items():
        for part, (seed, count) in {"train": (1, 48), "en": (2, 24), "de": (3, 24)}.items():
            write(data / f"{name}-{part}.csv", *make(seed, count))
        more = ["--metric", "classification", "--option", "main=f1_macro"] if name == "one" else []
        main(["tasks", "new", name, "--kind", "pair_classification", "--train", str(data / f"{name}-train.csv"),
              *(word for code in ("en", "de") for word in ("--test", f"{code}={data / f'{name}-{code}.csv'}")),
              "--out", str(root / "mine"), *more])  # fmt: skip
        single = {key: value for key, value in options.items() if key != "seeds"}
        trained = adapterstilts.train_intermediate(name, **single)
        reached = adapterstilts.transfer(
            f"{name}@{trained.key[:12]}", name, composition="continue", head="reuse", **options
        )
        rows[name] = reached.rows
    return Made(options, rows)


def evaluation(made: Made, name: str) -> Run:
    return Run(made.rows[name][0].folder)


def test_one_text_is_trained_and_scored_by_the_value_that_counts(made: Made) -> None:
    none, reused = made.rows["one"]
    assert list(none.metric_labels) == ["f1_micro", "accuracy", "f1_macro"]
    assert none.zero_shot["score"] == none.zero_shot["f1_macro"] != none.zero_shot["accuracy"]
    assert reused.difference["f1_macro"].mean == pytest.approx(
        reused.zero_shot["f1_macro"] - none.zero_shot["f1_macro"]
    )
    assert reused.difference["f1_macro"].low is not None
    spec = evaluation(made, "one").evaluation
    assert spec.options == {"labels": ["food", "other"], "one_text": True, "main": "f1_macro"}
    assert "Δ macro F1" in transfer_tables(adapterstilts.TransferResult(made.rows["one"]))


def test_several_labels_have_a_threshold_from_validation_data(made: Made) -> None:
    none, _ = made.rows["several"]
    assert 0 < none.calibration["threshold"] < 1
    assert list(none.metric_labels)[-1] == "f1_micro" and none.languages["de"].keys() > {"f1_macro", "accuracy"}
    assert set(none.by_class["de"]["classes"]) == set(THINGS)
    answers = none.predictions("de")
    assert len(answers) == 24 and all(set(labels) <= set(THINGS) for labels in answers.values())


def test_numbers_are_learnt_and_told_in_their_own_unit(made: Made) -> None:
    none, reused = made.rows["numbers"]
    spec = evaluation(made, "numbers").evaluation
    gold = [float(row[2]) for row in numbers(1, 48)[1]]
    assert (spec.options["mean"], spec.options["sd"]) == (pytest.approx(np.mean(gold)), pytest.approx(np.std(gold)))
    answers = list(none.predictions("de").values())
    assert all(80 < answer < 140 for answer in answers)
    assert none.languages["de"]["mse"] < 1000 and none.zero_shot["score"] == none.zero_shot["spearman"]
    assert reused.difference["spearman"].low is not None and none.by_class == {}
    assert "MSE/Pearson/Spearman (correlations in percent)" in transfer_tables(
        adapterstilts.TransferResult(made.rows["numbers"])
    )


@pytest.mark.parametrize("name", TABLES)
def test_files_of_a_run_have_the_scores_of_the_run(made: Made, name: str) -> None:
    folder = evaluation(made, name).folder
    scores = score_folders(folder / "predictions", folder / "labels", catalogue=Catalogue.load(made.options["tasks"]))
    for language, own in scores.tasks[0].languages.items():
        expected = made.rows[name][0].languages[language]
        assert own == {value: pytest.approx(expected[value]) for value in own}


def test_what_became_of_classes_is_shown_and_told(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    run = evaluation(made, "one")
    main(["runs", "show", str(run.folder), "--store", str(made.options["store"])])
    shown = capsys.readouterr().out
    tables = shown[shown.index("English: precision") : shown.index("\nprovenance:")]
    assert max(map(len, tables.splitlines())) <= 80 and "German: examples of a class (down)" in tables
    found = run.metrics["by_class"]["de"]
    assert sum(one["support"] for one in found["classes"].values()) == 24
    assert sum(count for row in found["confusion"].values() for count in row.values()) == 24
    macro = np.mean([one["f1"] for one in found["classes"].values() if one["support"] or one["predicted"]])
    assert macro == pytest.approx(made.rows["one"][0].languages["de"]["f1_macro"])
    told = json.loads(to_json(adapterstilts.TransferResult(made.rows["one"])))
    assert told["rows"][0]["by_class"]["de"] == found == told["rows"][0]["seeds"][0]["by_class"]["de"]


def test_what_is_looked_for_comes_first_and_the_spec_last(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    row = made.rows["one"][0]
    for folder in (row.folder, row.trained):
        main(["runs", "show", str(folder), "--store", str(made.options["store"])])
        shown = capsys.readouterr().out.splitlines()
        assert shown[:2] == [f"run: {folder.name}", "task: one"]
        heads = [line.partition(":")[0] for line in shown if re.match(r"[A-Za-z_]+:", line)]
        tables = ["English", "English", "German", "German"] if folder == row.folder else []
        assert heads == ["run", "task", "key", "folder", "metrics", *tables, "provenance", "spec"]
        scores = shown[shown.index("metrics:") + 1 :]
        assert scores[0] == (
            "  english:" if folder == row.folder else f"  best_score: {Run(folder).metrics['best_score']}"
        )


def test_tables_of_many_classes_keep_to_the_width() -> None:
    names = [f"a class with quite a long name, number {n}" for n in range(30)]
    values = {"precision": 100.0, "recall": 100.0, "f1": 100.0, "support": 12345, "predicted": 12345}
    found = {
        "classes": dict.fromkeys(names, values),
        "confusion": {gold: dict.fromkeys(names, 1234) for gold in names},
    }
    shown = class_tables({"en": found, "de": {"classes": {}, "confused": [[names[0], names[1], 12]]}})
    assert max(map(len, shown.splitlines())) <= 80 and shown.count("30 a class with") == 1 + 4
    assert "German: taken for another class most often" in shown


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("one", "several", "has no 'multi_label' head with 3 outputs"),
        ("several", "one", "has no 'classification' head with 2 outputs"),
        ("one", "numbers", "has no 'regression' head with 1 outputs"),
    ],
)
def test_a_head_of_another_form_is_not_gone_on_with(made: Made, source: str, target: str, message: str) -> None:
    (key,) = made.rows[source][1].intermediate_runs.values()
    with pytest.raises(CompatibilityError, match=message):
        adapterstilts.transfer(f"{source}@{key[:12]}", target, composition="continue", head="reuse", **made.options)
