"""One test over every task of the catalogue, found by discovery."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats import FORMATS
from adapterstilts.data.records import RECORDS
from adapterstilts.data.records.tables import TABLES
from adapterstilts.data.sources.open import open_source
from adapterstilts.errors import DataError, UsageError
from adapterstilts.languages import LANGUAGES, origin_of
from adapterstilts.metrics import METRICS
from adapterstilts.mini.generators import generator_names
from adapterstilts.mini.tokenizer import build_tokenizer
from adapterstilts.modeling.heads import HEADS
from adapterstilts.settings import Encoding, Settings, validate
from adapterstilts.tasks.catalogue import Catalogue
from adapterstilts.tasks.kind import Kind
from tests.package_tasks import suite_names

CATALOGUE = Catalogue()
TASKS = CATALOGUE.names()
SUITE = suite_names()
recipe = CATALOGUE.recipe
ENCODING = Encoding(max_length=128, stride=32, max_query_length=32)
XTREME = {
    "xnli": 15, "pawsx": 7, "udpos": 33, "panx": 40, "xquad": 11, "mlqa": 7, "tydiqa": 9, "bucc2018": 4, "tatoeba": 36,
}  # fmt: skip
XTREME_R = {
    "xnli": 15, "xcopa": 11, "udpos": 38, "panx": 48, "xquad": 12, "mlqa": 7, "tydiqa": 9,
    "lareqa": 11, "mewslix": 11, "tatoeba": 41,
}  # fmt: skip
NATIVE = {
    "ocnli": "zh", "indonli": "id", "farstail": "fa", "klue_nli": "ko", "kornli": "ko", "jnli": "ja", "cmrc2018": "zh",
    "jsquad": "ja", "germanquad": "de", "korquad": "ko",
}  # fmt: skip
INTERMEDIATE = {
    "anli_plus", "mnli", "qqp", "squad_v2", "squad", "hellaswag", "ccg", "cosmosqa", "commonsenseqa",
    "udpos", "panx", "siqa", "copa", "mlm",
    "sib200", "race", "winogrande", *NATIVE,
}  # fmt: skip


def test_every_task_folder_is_found() -> None:
    folders = [path.parent.name for path in (Path(__file__).parents[2] / "task_adapters").glob("*/task.yaml")]
    assert sorted(folders) == list(TASKS)
    assert len(TASKS) == 47
    assert len(SUITE) == 26
    assert {name for name in TASKS if "intermediate" in recipe(name).phases} == INTERMEDIATE


@pytest.mark.parametrize(("benchmark", "tasks"), [("xtreme", XTREME), ("xtreme-r", XTREME_R)])
def test_languages_are_exactly_the_benchmarks(benchmark: str, tasks: dict[str, int]) -> None:
    found = {name: recipe(name) for name in TASKS if benchmark in recipe(name).benchmarks}
    assert {name: len(task.languages_of(benchmark)) for name, task in found.items()} == tasks
    assert all(task.group and "target" in task.phases for task in found.values())


@pytest.mark.parametrize("name", TASKS)
def test_recipe_is_complete(name: str) -> None:
    task = recipe(name)
    kind = task.build_kind()
    assert all(code in LANGUAGES and origin_of(code).family for code in task.all_languages)
    assert "en" not in task.languages[1:] and len(set(task.all_languages)) == len(task.all_languages)
    assert METRICS.get(task.metric) and HEADS.get(kind.head().name)
    assert task.license and task.homepage.startswith("https://") and task.citation.lstrip().startswith("@")
    assert task.title and task.description.endswith(".")
    for whose, found in task.settings.items():
        assert whose in ("jiant", "xtreme", "ours") and bool(found.source) == (whose != "ours")
        for family in ("full", "adapter"):
            validate(Settings, found.of(family), where=f"{name} {whose}")
    # Full fine-tuning never falls back on a default that nobody has chosen.
    if kind.trained and task.settings:
        assert {"learning_rate", "epochs", "batch_size", "max_length"} <= set(task.hyperparameters("full"))
    assert bool(task.sources.hub) != bool(task.sources.hub_absent)
    for source in task.sources.names():
        part = task.source(source)
        for trained in CATALOGUE.training_recipes(task, source):
            assert trained.kind == task.kind and trained.build_kind().head() == kind.head()
            assert trained.source(source).has("train") and (trained.training_language == "en" or trained == task)
        assert bool(CATALOGUE.training_recipes(task, source)) == kind.trained
        both = source != "mini" and task.training_language != "en"
        assert bool(part.train_on and part.has("train")) == both
        if "target" in task.phases:
            assert part.has("test") or part.has("validation")


def test_all_tasks_of_the_suite_but_two_are_on_the_hub_and_two_differ_there() -> None:
    absent = {name for name in TASKS if recipe(name).sources.hub is None}
    assert absent & set(SUITE) == {"ccg", "ocnli"} and len(absent) == 15
    differing = {name for name in TASKS if recipe(name).differs("hub", "test")}
    assert differing == {"bucc2018", "lareqa"}
    assert recipe("bucc2018").differs("hub", "validation") == recipe("bucc2018").differs("hub", "test")
    assert recipe("lareqa").differs("hub", "train") is None  # the same rows as from the files
    assert not any(recipe(name).differs(source, "test") for name in differing for source in ("files", "mini"))


@pytest.mark.parametrize("name", TASKS)
def test_sources_name_what_exists(name: str) -> None:
    sources = recipe(name).sources
    for part in (sources.files, *sources.files.also):
        assert part.format in FORMATS.names() and (part.record is None or part.record in RECORDS.names())
    for part in (sources.hub, *sources.hub.also) if sources.hub else ():
        assert re.fullmatch("[0-9a-f]{40}", part.revision) and (part.record is None or part.record in RECORDS.names())
        assert part.table is None or part.table in TABLES.names()
        assert part.format is None or part.format in FORMATS.names()
        # Right answers in all of the benchmark's languages count.
        assert not part.beside or set(part.beside) == set(recipe(name).all_languages)
    for part in (sources.mini, *sources.mini.also) if sources.mini else ():
        assert part.generator in generator_names()


@pytest.fixture(scope="module", params=SUITE)
def made(request: pytest.FixtureRequest) -> str:
    """A task whose rows are made: its tests follow each other, and the rows of the suite are kept for a while."""
    return str(request.param)


@pytest.mark.slow(but=6)
def test_mini_rows_are_encoded_and_decoded_back_to_their_gold(made: str) -> None:
    task = recipe(made)
    kind = task.build_kind()
    source = open_source("mini", None)
    split = "test" if task.sources.mini.has("test") else "validation"
    languages = source.languages(task, None)
    if kind.collects:
        found = kind.collect(source.load(task, "train", "en", BadRows(skip=False)))
        kind = task.model_copy(update={"options": {**task.options, **found}}).build_kind()
    assert languages and ("en" in languages or "en" not in task.all_languages)
    for language in languages:
        rows = source.load(task, split, language, BadRows(skip=False))
        # Queries and candidates belong together; of other rows a few will do.
        rows = rows if kind.name == "retrieval" else rows.select(range(12))
        assert language in rows["language"][:] and len(set(zip(rows["id"][:], sides(rows), strict=True))) == len(rows)
        gold = rows.to_list()
        features, logits = perfect_logits(kind, rows, build_tokenizer())
        calibration = kind.calibrate(gold, features, logits)
        predictions = kind.decode(gold, features, logits, calibration)
        scores = kind.score(predictions, gold, metric=task.metric, language=language)
        best = -1.0 if kind.name == "masked_lm" else 100.0
        assert kind.main_score(scores.metrics) == pytest.approx(best), language
        assert set(task.metric_labels) <= set(scores.metrics) and scores.items


def sides(rows: Any) -> list[str]:
    return rows["side"][:] if "side" in rows.column_names else [""] * len(rows)


def perfect_logits(kind: Kind, rows: Any, tokenizer: Any) -> tuple[list[dict[str, Any]], list[np.ndarray]]:
    """Features for decoding, and logits that say the gold labels of the same features."""
    batch = {name: rows[name][:] for name in rows.column_names}
    shared = {"tokenizer": tokenizer, "encoding": ENCODING}
    labelled = by_row(kind.encode(batch, list(range(len(rows))), labels=True, **shared))
    features = by_row(kind.encode(batch, list(range(len(rows))), labels=False, **shared))
    if kind.name == "retrieval":
        return features, perfect_vectors(rows.to_list(), features)
    assert len(labelled) == len(features) >= len(rows)
    outputs = {"pair_classification": kind.head().outputs, "multiple_choice": 8, "span_qa": 2}
    logits = []
    for feature, decoded in zip(labelled, features, strict=True):
        if kind.name == "tagging":
            scores = np.full((len(feature["input_ids"]), kind.head().outputs), -5.0)
            for token, label in enumerate(feature["labels"]):
                if label != -100:
                    scores[token, label] = 5.0
        elif kind.name == "masked_lm":
            known = sum(label != -100 for label in decoded["masked_labels"])
            scores = np.array([known, known, 0.0])
        elif kind.name == "span_qa":
            scores = np.full((len(feature["input_ids"]), 2), -5.0)
            scores[feature["start_positions"], 0] = scores[feature["end_positions"], 1] = 5.0
        else:
            scores = np.full(outputs[kind.name], -5.0)
            scores[feature["label"]] = 5.0
        logits.append(scores)
    return features, logits


def by_row(columns: dict[str, list]) -> list[dict[str, Any]]:
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def perfect_vectors(rows: list[dict[str, Any]], features: list[dict[str, Any]]) -> list[np.ndarray]:
    """A direction of its own for each candidate; queries point to theirs, those without one nowhere else."""
    rng = np.random.default_rng(0)
    directions: dict[str, np.ndarray] = {}

    def direction(name: str) -> np.ndarray:
        return directions.setdefault(name, rng.normal(size=256))

    vectors = []
    for feature in features:
        row = rows[feature["row"]]
        if feature["candidate"]:
            vectors.append(direction(row["id"]))
        else:
            vectors.append(sum((direction(id_) for id_ in row["gold"]), start=0 * direction(f"query {row['id']}"))
                           if row["gold"] else direction(f"query {row['id']}"))  # fmt: skip
    return vectors


@pytest.mark.slow(but=6)
def test_splits_of_the_mini_suite_are_disjoint(made: str) -> None:
    task = recipe(made)
    seen: dict[str, set[str]] = {}
    parts = (task.sources.mini, *task.sources.mini.also)
    for split in dict.fromkeys(split for part in parts for split in part.splits):
        language = "en" if task.build_kind().trained else open_source("mini", None).languages(task, None)[0]
        rows = open_source("mini", None).load(task, split, language, BadRows(skip=False)).to_list()
        if task.kind == "retrieval":
            # The same question can be asked of two stories; what answers it is what has to be another.
            rows = [row for row in rows if row["side"] == "candidate" or row["positive"]]
        else:
            assert len(rows) == sum(part.splits.get(split, 0) for part in parts)
        seen[split] = {content(task.kind, row) for row in rows}
    for one in seen:
        for other in seen:
            assert one == other or not seen[one] & seen[other], (one, other)


def content(kind: str, row: dict[str, Any]) -> str:
    """What makes a row the same as another, wherever it stands."""
    names = {
        "span_qa": ("context",),
        "pair_classification": ("text_a", "text_b"),
        "multiple_choice": ("context", "question", "choices"),
        "tagging": ("tokens",),
        "retrieval": (next((name for name in ("positive_context", "context") if row.get(name)), "text"),),
        "masked_lm": ("text",),
    }
    return repr([row[name] for name in names[kind]])


def test_target_and_intermediate_data_of_the_mini_suite_are_disjoint() -> None:
    source = open_source("mini", None)
    squad = set(source.load(recipe("squad"), "train", "en", BadRows(skip=False))["context"][:])
    for name in ("mlqa", "xquad", "tydiqa"):
        assert not squad & set(source.load(recipe(name), "test", "en", BadRows(skip=False))["context"][:])


def test_errors_name_the_offer() -> None:
    with pytest.raises(UsageError, match=r"Unknown task 'sqad'. Did you mean 'squad'.*[?]$"):
        recipe("sqad")
    with pytest.raises(UsageError, match="Unknown task 'claims'.*For a task of your own, name its folder with --tasks"):
        recipe("claims")
    with pytest.raises(UsageError, match="mlqa .MLQA. is not a task for the intermediate phase. These are: anli"):
        CATALOGUE.recipe_for_phase("mlqa", "intermediate")


def test_scoring_needs_the_same_ids() -> None:
    kind = recipe("squad").build_kind()
    row = {"id": "a", "answers": {"text": ["x"], "answer_start": [0]}}
    with pytest.raises(DataError, match="1 ids have no prediction, for instance 'a'"):
        kind.score({}, [row], metric="squad", language="en")
    with pytest.raises(DataError, match="1 ids have no question, for instance 'b'"):
        kind.score({"a": "x", "b": "y"}, [row], metric="squad", language="en")


def test_what_a_task_contains_is_training_data_too() -> None:
    """SQuAD's second version asks the questions of the first again; ANLI is trained on together with MultiNLI."""
    assert recipe("squad_v2").training_data("hub") == {"squad_v2", "squad"}
    assert recipe("anli_plus").training_data("files") == {"anli_plus", "mnli"}
    assert recipe("squad_v2").training_data("mini") == {"squad_v2"}
    names = Catalogue.load().names()
    assert all(part in names for name in names for part in recipe(name).contains)


def test_native_tasks_are_trained_on_in_their_language_and_as_targets_in_english() -> None:
    assert {name: recipe(name).training_language for name in TASKS if recipe(name).training_language != "en"} == NATIVE
    for name, language in NATIVE.items():
        assert recipe(name).languages == (language,)
        for source in set(recipe(name).sources.names()) - {"mini"}:
            (english,) = CATALOGUE.training_recipes(recipe(name), source)
            assert english.name in ("mnli", "squad")


def test_languages_beyond_xtreme() -> None:
    counts = {"sib200": 205, "flores200": 203, "belebele": 122, "ntrex": 129, "masakhaner": 20, "masakhapos": 20,
              "afrixnli": 18, "americasnli": 10, "xstorycloze": 11, "xwinograd": 6}  # fmt: skip
    assert {name: len(recipe(name).languages) for name in counts} == counts
    every = {code for name in TASKS for code in recipe(name).all_languages}
    assert {"zh-Hant", "arb-Latn", "quy", "pcm"} <= every
    page = (Path(__file__).parents[2] / "docs/tasks.md").read_text(encoding="utf-8")
    assert f"{len(TASKS)} tasks in {len(every)} languages and scripts" in page
