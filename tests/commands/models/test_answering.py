"""Which language a model reads its texts in, and with what."""

from __future__ import annotations

from typing import Any

import pytest

import adapterstilts
from adapterstilts.errors import AstiltsError, UsageError
from adapterstilts.runs.store import RunStore
from adapterstilts.stages.reporter import Silent
from tests.commands.answered import questions


@pytest.mark.slow
def test_texts_are_read_with_their_languages_adapter(over_languages: dict[str, Any]) -> None:
    records = questions(3)

    def scores(**options: Any) -> list[float]:
        model = adapterstilts.load("mlqa", **over_languages, **options)
        return [one["score"] for one in model.predict(records)]

    assert scores() == scores(language="en") != scores(language="de")
    with pytest.raises(AstiltsError, match="no language adapter of Swahili.*train-language sw"):
        scores(language="sw")


def test_a_language_adapter_alone_answers_nothing(over_languages: dict[str, Any]) -> None:
    run = next(run for run in RunStore(over_languages["store"]).runs() if run.spec.stage == "train-language")
    with pytest.raises(UsageError, match="guesses masked tokens"):
        adapterstilts.load(run.key, **over_languages)


def test_languages_are_checked_before_anything_is_read() -> None:
    with pytest.raises(UsageError, match="Unknown language 'xx'"):
        adapterstilts.load("nothing", language="xx")
    with pytest.raises(UsageError, match="--language de"):
        adapterstilts.load("nothing", language_adapter="de=0123")


def test_an_adapter_has_no_meaning_for_a_model_without_one(answering: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="trained over no language adapter"):
        adapterstilts.load("squad", language="de", language_adapter="de=0123", **answering)


def test_a_language_that_changes_no_answer_is_said_to(answering: dict[str, Any]) -> None:
    class Notes(Silent):
        def note(self, message: str) -> None:
            said.append(message)

    said: list[str] = []
    scores = []
    for language in (None, "en", "de"):
        assert not said
        model = adapterstilts.load("squad", language=language, reporter=Notes(), **answering)
        scores.append(model.predict(questions(1))[0]["score"])
    assert said == ["--language de changes no answer: the model has no adapters or modules of languages."]
    assert len(set(scores)) == 1
