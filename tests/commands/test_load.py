from __future__ import annotations

import sys
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

import adapterstilts
from adapterstilts.errors import AstiltsError
from adapterstilts.runs.store import RunStore
from tests.commands.answered import questions, read_records, write_records


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> adapterstilts.Model:
    return adapterstilts.load("ccg", store=tmp_path_factory.mktemp("store"), calibrate=False)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> adapterstilts.Model:
    return adapterstilts.load("mnli", store=tmp_path_factory.mktemp("store"), calibrate=False)


def test_a_model_says_what_it_is(classifier: adapterstilts.Model) -> None:
    assert (classifier.task, classifier.kind) == ("mnli", "pair_classification")
    assert classifier.labels == ("entailment", "neutral", "contradiction") and classifier.languages == ("en",)
    assert classifier.temperature is None and classifier.calibration.startswith("uncalibrated")


def test_inputs_are_texts_pairs_or_mappings(classifier: adapterstilts.Model) -> None:
    expected = classifier.predict([{"premise": "Ann sleeps.", "hypothesis": "Ann is awake."}])
    assert expected[0]["label"] in classifier.labels
    for inputs in ([("Ann sleeps.", "Ann is awake.")], ("Ann sleeps.", "Ann is awake.")):
        assert classifier.predict(inputs) == expected
    assert classifier.predict([{"a": "Ann sleeps.", "b": "Ann is awake."}], text=("a", "b")) == expected
    assert len(classifier.predict("Ann sleeps.")) == 1 and classifier.predict([]) == []


def test_sentences_are_texts_or_lists_of_words(tagger: adapterstilts.Model) -> None:
    (text,), (words,) = tagger.predict("the garden ."), tagger.predict([["the", "garden", "."]])
    assert text["tags"] == words["tags"] and "offsets" in text and "offsets" not in words
    # One after the other or together, the tags are the same.
    both = tagger.predict(["the garden .", ["the", "garden", "."]])
    assert [one["tags"] for one in both] == [text["tags"]] * 2


def test_questions_are_answered_in_their_context(answering: dict[str, Any]) -> None:
    model = adapterstilts.load("squad", **answering)
    (record,) = questions(1)
    (found,) = model.predict([(record["query"], record["story"])])
    assert found["answer"] == record["story"][found["start"] : found["end"]]
    assert model.temperature and "fitted on" in model.calibration


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([("a", "b", "c")], "Input 0 is"),
        ([3], "Input 0 is 3"),
        (7, "7 is no input"),
        ([""], "input 0: its texts are empty"),
        ([{"text": "a"}, {1: "a"}], "Input 1 has a column called 1, which is no text"),
    ],
)
def test_what_is_no_input_is_said(inputs: Any, message: str, classifier: adapterstilts.Model) -> None:
    with pytest.raises(AstiltsError, match=message) as raised:
        classifier.predict(inputs)
    assert "file" not in str(raised.value)


def test_models_of_one_backbone_answer_in_threads_of_their_own(
    classifier: adapterstilts.Model, tagger: adapterstilts.Model
) -> None:
    """They have one tokenizer, which each sets to cut texts in its way."""
    text = "Ann sleeps in the garden and Bob reads a book . " * 30
    expected = {one: one.predict([text]) for one in (classifier, tagger)}
    found: list[tuple[adapterstilts.Model, Any]] = []

    def ask(model: adapterstilts.Model) -> None:
        for _ in range(20):
            try:
                found.append((model, model.predict([text])))
            except RuntimeError as error:
                found.append((model, error))

    threads = [Thread(target=ask, args=(one,)) for one in expected]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    finally:
        sys.setswitchinterval(interval)
    assert len(found) == 40 and [one for model, one in found if one != expected[model]] == []


@pytest.mark.parametrize("chunk", [0, -1, 1.5, "2"])
def test_no_answer_is_lost_to_a_chunk_that_is_no_number_of_inputs(chunk: Any, classifier: adapterstilts.Model) -> None:
    with pytest.raises(AstiltsError, match=f"chunk: {chunk!r} is no number of inputs"):
        classifier.predict(["a"], chunk=chunk)


def test_columns_are_those_of_training(tiny_backbone: Path, tmp_path: Path) -> None:
    """Where their order and names say something else, in all ways to ask."""
    rows = [f"n{number},no,Ann sleeps {number}.,Bob reads {number}.,{'yn'[number % 2]}" for number in range(24)]
    data = tmp_path / "own.csv"
    data.write_text("\n".join(["note,spare,claim,report,holds", *rows, ""]), encoding="utf-8")
    store: dict[str, Any] = {"store": tmp_path / "store"}
    options = {"profile": "mini", "backbone": str(tiny_backbone), "max_steps": 2, "learning_rate": 0.02, **store}
    adapterstilts.train_intermediate(str(data), text=("report", "claim"), label="holds", **options)
    (run,) = RunStore(store["store"]).runs()
    assert run.provenance["columns"] == {"own": {"text_a": "report", "text_b": "claim", "label": "holds"}}
    model = adapterstilts.load("own", calibrate=False, **store)
    record = {"note": "n", "spare": "s", "claim": "Ann sleeps.", "report": "Bob reads."}
    expected = model.predict([("Bob reads.", "Ann sleeps.")])
    assert model.predict([record]) == expected != model.predict([record], text=("note", "claim"))
    asked = write_records(tmp_path / "new.jsonl", [record])
    result = adapterstilts.predict("own", input=asked, out=tmp_path / "out.jsonl", calibrate=False, **store)
    assert result.columns == "text_a = report (as in the task's data); text_b = claim (as in the task's data)"
    (row,) = read_records(tmp_path / "out.jsonl")
    assert (row["prediction"], row["scores"]) == (expected[0]["label"], expected[0]["scores"])


def test_a_shared_folder_is_loaded_as_the_run_is(
    shared_folder: Path, trained: dict[str, Any], answering: dict[str, Any], tmp_path: Path
) -> None:
    records = questions(2)
    given: dict[str, Any] = {"backbone": trained["backbone"], "calibrate": False}
    shared = adapterstilts.load(str(shared_folder), store=tmp_path / "store", **given)
    own = adapterstilts.load("squad", calibrate=False, **answering)
    assert shared.predict(records) == own.predict(records)
