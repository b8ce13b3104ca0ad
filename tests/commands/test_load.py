from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.errors import AstiltsError
from tests.commands.answered import questions


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
    ],
)
def test_what_is_no_input_is_said(inputs: Any, message: str, classifier: adapterstilts.Model) -> None:
    with pytest.raises(AstiltsError, match=message) as raised:
        classifier.predict(inputs)
    assert "file" not in str(raised.value)


@pytest.mark.parametrize("chunk", [0, -1, 1.5, "2"])
def test_no_answer_is_lost_to_a_chunk_that_is_no_number_of_inputs(chunk: Any, classifier: adapterstilts.Model) -> None:
    with pytest.raises(AstiltsError, match=f"chunk: {chunk!r} is no number of inputs"):
        classifier.predict(["a"], chunk=chunk)


def test_a_shared_folder_is_loaded_as_the_run_is(
    shared_folder: Path, trained: dict[str, Any], answering: dict[str, Any], tmp_path: Path
) -> None:
    records = questions(2)
    given: dict[str, Any] = {"backbone": trained["backbone"], "calibrate": False}
    shared = adapterstilts.load(str(shared_folder), store=tmp_path / "store", **given)
    own = adapterstilts.load("squad", calibrate=False, **answering)
    assert shared.predict(records) == own.predict(records)
