"""Every task of the catalogue, trained and scored on the embedded suite with a tiny random backbone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.commands.options import TransferOptions
from adapterstilts.commands.score import score_folders
from adapterstilts.commands.setup import make_planner
from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.sources.open import open_source
from adapterstilts.errors import UsageError
from adapterstilts.mini.generators import generator
from adapterstilts.reporting.train_intermediate import training_summary
from adapterstilts.reporting.transfer import transfer_tables
from adapterstilts.runs.store import RunStore
from adapterstilts.stages.evaluate import Evaluation
from adapterstilts.stages.evaluation_spec import Scored, plan_evaluation
from adapterstilts.stages.reporter import Silent
from tests.conftest import QUICK, without_training
from tests.package_tasks import recipe, task_names, training_recipes

TARGETS = [name for name in task_names() if "target" in recipe(name).phases]
INTERMEDIATE = [name for name in task_names() if "intermediate" in recipe(name).phases]
FEW = {"max_train_examples": 24, "max_eval_examples": 16}


@pytest.fixture
def mini(tiny_backbone: Path, tmp_path: Path) -> dict[str, Any]:
    """Options for the suite's data on a random backbone."""
    settings = {name: value for name, value in QUICK.items() if name != "max_length"}
    return {
        "profile": "mini",
        "backbone": str(tiny_backbone),
        "store": tmp_path / "store",
        "max_train_examples": 24,
        **settings,
    }


@pytest.mark.parametrize("name", INTERMEDIATE)
def test_every_intermediate_task_is_trained(mini: dict[str, Any], name: str) -> None:
    result = adapterstilts.train_intermediate(name, **mini)
    assert result.steps == 3 and result.validation
    for label in recipe(name).build_kind().metrics.values():
        assert label in training_summary(result)
    (run,) = RunStore(mini["store"]).runs()
    assert run.metrics["train_examples"] == 24


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_is_trained_scored_and_scored_again(mini: dict[str, Any], name: str) -> None:
    """`astilts score` on the folders that `transfer` wrote gives the numbers that `transfer` printed."""
    options = mini if training_recipes(recipe(name), "mini") else without_training(mini)
    result = adapterstilts.transfer("none", name, max_eval_examples=16, **options)
    (row,) = result.rows
    assert row.task == name and recipe(name).title in transfer_tables(result)
    assert (row.trained is None) == (not training_recipes(recipe(name), "mini"))
    scores = score_folders(row.folder / "predictions", row.folder / "labels")
    (task,) = scores.tasks
    assert set(task.languages) == set(row.languages)
    for language, metrics in task.languages.items():
        assert len(row.predictions(language)) >= 1
        for metric, value in metrics.items():
            assert row.languages[language][metric] == pytest.approx(value, abs=1e-9), (language, metric)


def test_siqa_comes_before_copa(mini: dict[str, Any]) -> None:
    """XCOPA is trained on Social IQa and then on COPA, with the same head."""
    adapterstilts.train_intermediate("mnli", **mini)
    result = adapterstilts.transfer("mnli", "xcopa", max_eval_examples=16, **mini)
    runs = {run.spec.task: run for run in RunStore(mini["store"]).runs() if run.spec.stage == "train-target"
            and run.metrics and run.spec.composition.name in ("stack", "continue")}  # fmt: skip
    by_key = {run.key: run for run in RunStore(mini["store"]).runs()}
    assert result.rows[1].trained is not None
    last = next(run for run in by_key.values() if run.folder == result.rows[1].trained)
    assert last.spec.task == "copa" and last.spec.composition.name == "continue" and last.spec.head == "reuse"
    first = by_key[last.spec.inputs[0]]
    assert first.spec.task == "siqa" and first.spec.composition.name == "stack"
    assert by_key[first.spec.inputs[0]].spec.task == "mnli"
    assert result.rows[1].composition == "stack" and {"siqa", "copa"} <= set(runs)
    assert result.rows[1].seconds["target"] > first.provenance["train_seconds"]


def test_untrained_targets_read_the_intermediate_model(mini: dict[str, Any]) -> None:
    adapterstilts.train_intermediate("mnli", **{**mini, "learning_rate": 0.1})
    result = adapterstilts.transfer("mnli", ["tatoeba", "bucc2018"], **without_training(mini))
    for none, mnli in (result.rows[:2], result.rows[2:]):
        assert none.parameters["trained"] == mnli.parameters["trained"] == 0 and mnli.trained is None
        assert mnli.parameters["total"] > none.parameters["total"]
        assert mnli.seconds["target"] == 0 and mnli.difference and not none.difference
        metric = next(iter(recipe(mnli.task).build_kind().metrics))
        assert mnli.zero_shot and none.zero_shot
        gain = mnli.zero_shot[metric] - none.zero_shot[metric]
        assert mnli.difference[metric].mean == pytest.approx(gain)


def test_the_backbone_as_it_is_does_not_depend_on_the_method(mini: dict[str, Any], tmp_path: Path) -> None:
    """Its evaluation has one key, so that it has to have one number format, whatever the other rows are of."""
    found = set()
    for method in ("full", "seq_bn[reduction_factor=4]"):
        given = {name: mini[name] for name in ("profile", "backbone", "store")}
        planner = make_planner(TransferOptions(method=method, precision="bf16", **given))
        stage = plan_evaluation(planner, recipe("tatoeba"), None, Scored(languages=("de",)))
        evaluation = Evaluation(stage.spec, planner.setup, tmp_path, track=Silent().track)
        found.add((stage.key, evaluation.predictor.model.backbone.dtype))
    assert len(found) == 1


def test_layers_and_presets_are_part_of_the_result(mini: dict[str, Any]) -> None:
    options = {**without_training(mini), "languages": ("de",)}
    rows = {
        name: adapterstilts.transfer("none", "tatoeba", **{**options, **given}).rows[0]
        for name, given in {
            "default": {},
            "jiant": {"preset": "jiant"},
            "xtreme": {"preset": "xtreme"},
            "embeddings": {"layer": 0},
        }.items()
    }
    assert rows["default"].folder == rows["jiant"].folder
    assert len({row.folder for row in rows.values()}) == 3
    spec = json.loads((rows["xtreme"].folder / "spec.json").read_text())
    assert spec["options"]["layer"] == "20/24" and spec["options"]["pooling"] == "first"
    for given, message in (
        ({"preset": "jaint"}, "Unknown preset 'jaint'. Did you mean 'jiant'"),
        ({"layer": "half"}, "layer 'half' is neither a number nor a share"),
        ({"layer": 3}, "layer 3 is not one of the 2 layers"),
    ):
        with pytest.raises(UsageError, match=message):
            adapterstilts.transfer("none", "tatoeba", **{**options, **given})


def test_the_threshold_of_bucc_comes_from_validation_data(mini: dict[str, Any]) -> None:
    (row,) = adapterstilts.transfer("none", "bucc2018", languages=("de",), **without_training(mini)).rows
    spec = json.loads((row.folder / "spec.json").read_text())
    assert row.split == "test" and ":validation:" in spec["calibration"]["de"]
    assert row.calibration["de"]["threshold"] > 0
    (own,) = adapterstilts.transfer(
        "none", "bucc2018", languages=("de",), split="validation", **without_training(mini)
    ).rows
    assert "calibration" not in json.loads((own.folder / "spec.json").read_text())
    assert own.calibration["de"] == row.calibration["de"]


def test_the_no_answer_threshold_is_chosen_in_training_and_used_in_evaluation(mini: dict[str, Any]) -> None:
    (row,) = adapterstilts.transfer("none", "squad_v2", languages=("en", "de"), max_eval_examples=16, **mini).rows
    (trained,) = [run for run in RunStore(mini["store"]).runs() if run.spec.stage == "train-target"]
    assert row.calibration == trained.metrics["calibration"] and "no_answer_threshold" in row.calibration
    assert {"has_answer_f1", "no_answer_f1"} <= set(row.languages["de"])


def test_pairs_of_languages_are_scored_by_the_contexts_language(mini: dict[str, Any]) -> None:
    (row,) = adapterstilts.transfer(
        "none", "mlqa", languages=("en", "de", "zh"), cross_pairs=True, max_eval_examples=8, **mini
    ).rows
    assert list(row.languages) == ["en", "en-de", "en-zh", "de-en", "de", "de-zh", "zh-en", "zh-de", "zh"]
    assert row.cross_lingual is not None and row.zero_shot is not None
    pairs = [row.languages[name]["f1"] for name in row.languages if "-" in name]
    assert row.cross_lingual["f1"] == pytest.approx(sum(pairs) / 6)
    assert row.zero_shot["f1"] == pytest.approx((row.languages["de"]["f1"] + row.languages["zh"]["f1"]) / 2)
    table = transfer_tables(adapterstilts.TransferResult([row]))
    assert "F1 by language of the context (down) and of the question (across)" in table
    with pytest.raises(UsageError, match="xquad has no pairs of languages"):
        adapterstilts.transfer("none", "xquad", cross_pairs=True, **mini)
    with pytest.raises(UsageError, match="no German with Arabic .de-ar."):
        adapterstilts.transfer("none", "mlqa", languages=("de-ar",), **mini)


def test_benchmarks_have_languages_of_their_own(mini: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="xcopa is not a task of xtreme"):
        adapterstilts.transfer("none", "xcopa", benchmark="xtreme", **mini)
    (row,) = adapterstilts.transfer("none", "tydiqa", benchmark="xtreme-r", max_eval_examples=8, **mini).rows
    assert list(row.languages) == ["en", "ru", "sw"]


def test_right_answers_in_all_languages_count(mini: dict[str, Any]) -> None:
    """LAReQA: a question has a right answer in each language, and all are candidates for each question."""
    (row,) = adapterstilts.transfer("none", "lareqa", languages=("en", "de"), max_eval_examples=8, **mini).rows
    labels = json.loads((row.folder / "labels/lareqa/test-de.json").read_text())
    assert all({id_.split("-")[0] for id_ in gold} == {"en", "de"} for gold in labels.values())
    found = row.predictions("en")
    assert {id_.split("-")[0] for ranked in found.values() for id_ in ranked} == {"en", "de"}
    (alone,) = adapterstilts.transfer("none", "lareqa", languages=("de",), max_eval_examples=8, **mini).rows
    labels = json.loads((alone.folder / "labels/lareqa/test-de.json").read_text())
    assert all({id_.split("-")[0] for id_ in gold} == {"de"} for gold in labels.values())


def test_languages_in_one_file_are_told_apart(mini: dict[str, Any], tmp_path: Path) -> None:
    """Mewsli-X has the mentions of all languages in one file, and one set of candidates for them."""
    folder = tmp_path / "data/mewslix"
    folder.mkdir(parents=True)
    suite = {
        language: generator("entity_mentions")(split="test", language=language, size=12) for language in ("en", "de")
    }
    articles = [
        {
            "context": {
                "language": language,
                "text": row["context"],
                "sentence_spans": [{"start": 0, "end": len(row["context"])}],
            },
            "mentions": [
                {
                    "example_id": f"{language}-{row['id']}",
                    "entity_id": row["gold"][0],
                    "mention_span": {
                        "start": row["context"].index(row["text"]),
                        "end": row["context"].index(row["text"]) + len(row["text"]),
                        "text": row["text"],
                    },
                }
            ],
        }
        for language, rows in suite.items()
        for row in rows
        if row["side"] == "query" and row["text"] in row["context"]
    ]
    entities = [
        {
            "entity_id": row["id"],
            "title": row["text"],
            "description": row["context"],
            "description_language": row["language"],
        }
        for row in suite["en"]
        if row["side"] == "candidate"
    ]
    for name, records in (("wikinews_mentions-test", articles), ("candidate_set_entities", entities)):
        text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    source = open_source("files", tmp_path / "data")
    task = recipe("mewslix")
    prints = [source.fingerprint(task, "test", language) for language in ("en", "de")]
    assert prints[0] != prints[1]
    queries = [
        [row["id"] for row in source.load(task, "test", language, BadRows(skip=False)).to_list() if row["gold"]]
        for language in ("en", "de")
    ]
    assert queries[0] and queries[1] and not set(queries[0]) & set(queries[1])


def test_options_that_no_target_reads_are_refused(mini: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="--layer has no meaning for xnli, lareqa"):
        adapterstilts.transfer("none", ["xnli", "lareqa"], layer=1, **mini)
