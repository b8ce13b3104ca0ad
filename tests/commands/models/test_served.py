"""Models by name, in the languages that are asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import adapterstilts
from adapterstilts.commands.models.served import Served
from adapterstilts.commands.models.trained import TrainedModel
from adapterstilts.commands.options import ServeOptions, read_options
from adapterstilts.errors import UsageError
from adapterstilts.serving.messages import Answer, Question
from adapterstilts.stages.answering.together import Together
from adapterstilts.tasks.catalogue import Catalogue
from tests.commands.answered import questions
from tests.conftest import QUICK


def served(store: Path, *, language_adapter: str | None = None, **models: str) -> Served:
    given = {"store": store, "calibrate": False, "language_adapter": language_adapter}
    options = read_options(ServeOptions, given)
    found = Served(Together(), Catalogue.load(()), options, lambda note: None)
    for name, reference in models.items():
        found.add(name, TrainedModel.of(reference, options, lambda note: None))
    return found


def test_a_full_fine_tune_and_another_backbone_answer_beside_others(tiny_backbone: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {**QUICK, "profile": "mini", "backbone": str(tiny_backbone), "max_train_examples": 16}
    adapterstilts.train_intermediate("squad", method="full", store=tmp_path, **options)
    found = served(tmp_path, mnli="mnli", whole="squad", qqp="qqp")
    first, whole, _ = found.described()
    assert found.names == ["mnli", "whole", "qqp"] and "shares batches with qqp" in first and "shares" not in whole
    inputs = [("Ann sleeps.", "Who sleeps?"), ("Bob reads a book.", "Who reads?")]
    answers = found.answer([Question(model=name, inputs=[[*one] for one in inputs]) for name in found.names])
    for name, given in zip(("mnli", "squad", "qqp"), answers, strict=True):
        assert isinstance(given, Answer)
        assert given.results == adapterstilts.load(name, store=tmp_path, calibrate=False).predict(inputs)


def test_each_language_has_its_adapter(over_languages: dict[str, Any]) -> None:
    found = served(over_languages["store"], mlqa="mlqa")
    inputs: Any = [[row["query"], row["story"]] for row in questions(3)]
    asked = [Question(model="mlqa", inputs=inputs, language=code) for code in ("de", None, "en", "de", "sw")]
    *answers, refused = found.answer(asked)
    assert [one.language for one in answers if isinstance(one, Answer)] == ["de", "en", "en", "de"]
    for code, given in zip(("de", None, "en", "de"), answers, strict=True):
        model = adapterstilts.load("mlqa", **over_languages, language=code)
        assert isinstance(given, Answer) and given.results == model.predict([tuple(one) for one in inputs])
    assert "no language adapter of Swahili" in str(refused)


def test_a_language_without_an_adapter_has_the_sum_that_was_given(over_languages: dict[str, Any]) -> None:
    text = "sw=0.6*de+0.4*en"
    found = served(over_languages["store"], language_adapter=text, mlqa="mlqa")
    inputs: Any = [[row["query"], row["story"]] for row in questions(3)]
    summed, german = found.answer([Question(model="mlqa", inputs=inputs, language=code) for code in ("sw", "de")])
    model = adapterstilts.load("mlqa", **over_languages, language="sw", language_adapter=text)
    assert isinstance(summed, Answer) and isinstance(german, Answer) and summed.results != german.results
    assert summed.results == model.predict([tuple(one) for one in inputs])


def test_models_that_say_nothing_of_one_text_are_refused(answering: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="guesses masked tokens"):
        served(answering["store"], words="mlm")


def test_errors_stand_in_the_place_of_their_answers(answering: dict[str, Any]) -> None:
    found = served(answering["store"], mnli="mnli")
    good, wrong = Question(model="mnli", inputs=["a"]), Question(model="mnli", inputs=[["a", "b", "c"]])
    answers = found.answer([wrong, good, wrong, Question(model="mnli", inputs=["a"], language="xx")])
    assert [type(one) is Answer for one in answers] == [False, True, False, False]
    assert "Unknown language" in str(answers[3])
