"""Rules of the two scorers, each on an example worked out by hand."""

from __future__ import annotations

import pytest

from adapterstilts.errors import UsageError
from adapterstilts.metrics import METRICS
from adapterstilts.metrics.answer_text import SQUAD, mlqa


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        ("The  Eiffel-Tower, in a town!", "eiffeltower in town"),
        ("¿Qué?", "¿qué"),  # only ASCII punctuation is removed
        ("der Hund", "der hund"),  # only English articles are
        ("an", ""),
    ],
)
def test_squad_normalisation(text: str, normalized: str) -> None:
    assert SQUAD.normalize(text) == normalized


@pytest.mark.parametrize(
    ("language", "text", "normalized"),
    [
        ("en", "The “Tower”", "tower"),  # Unicode punctuation is removed
        ("de", "Dem Hund, einer Katze", "hund katze"),
        ("es", "¿Los gatos?", "gatos"),
        ("vi", "những con mèo", "con mèo"),
        ("ar", "الكتاب", "كتاب"),
        ("hi", "एक घर", "एक घर"),
        ("zh", "北京 Peking大学。", "北 京 peking 大 学"),
    ],
)
def test_mlqa_normalisation(language: str, text: str, normalized: str) -> None:
    assert mlqa(language).normalize(text) == normalized


def test_f1_counts_common_tokens() -> None:
    # 2 of 3 predicted tokens are right, 2 of 4 expected ones are found: P 2/3, R 1/2, F1 4/7.
    assert SQUAD.f1("red green blue", "red green white black") == pytest.approx(4 / 7)
    assert SQUAD.f1("x x", "x") == pytest.approx(2 / 3)  # repeated tokens count once
    assert SQUAD.f1("", "x") == 0.0


def test_chinese_f1_is_by_character_in_mlqa_and_by_word_in_squad() -> None:
    assert mlqa("zh").f1("北京大学", "北京") == pytest.approx(2 / 3)
    assert SQUAD.f1("北京大学", "北京") == 0.0


def test_best_of_several_gold_answers() -> None:
    assert SQUAD.best("red car", ["blue car", "red car"]) == {"exact_match": 100.0, "f1": 100.0}


def test_language_without_rules_is_refused() -> None:
    with pytest.raises(UsageError, match="Unknown language of MLQA's scorer 'ru'"):
        mlqa("ru")


@pytest.mark.parametrize("name", ["mlqa", "squad"])
def test_metric_scores_perfect_predictions(name: str) -> None:
    metric = METRICS.get(name).load("en")
    answer = {"text": ["red"], "answer_start": [0]}
    result = metric.compute(
        predictions=[{"id": "1", "prediction_text": "red"}], references=[{"id": "1", "answers": answer}]
    )
    assert result == {"exact_match": 100.0, "f1": 100.0, "items": [{"exact_match": 100.0, "f1": 100.0}]}
