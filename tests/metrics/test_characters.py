"""Answers by characters, each on an example worked out by hand from the official scripts."""

from __future__ import annotations

import pytest

from adapterstilts.metrics import METRICS
from adapterstilts.metrics.characters import CMRC, JSQUAD, KORQUAD
from tests.package_tasks import recipe


@pytest.mark.parametrize(
    ("prediction", "gold", "exact", "f1"),
    [
        ("《대한 민국》", "대한민국", 0.0, 1.0),  # a space counts for exact match only
        ("대한", "대한민국", 0.0, 2 / 3),
        ("Seoul.", "seoul", 1.0, 1.0),
        ("부산", "서울", 0.0, 0.0),
    ],
)
def test_korquad(prediction: str, gold: str, exact: float, f1: float) -> None:
    assert KORQUAD.exact_match(prediction, gold) == exact
    assert KORQUAD.f1(prediction, gold) == pytest.approx(f1)


@pytest.mark.parametrize(
    ("prediction", "gold", "exact", "f1"),
    [
        ("光荣和ω-force", "光荣和ω-force。", 1.0, 1.0),
        ("光荣", "光荣和ω-force", 0.0, 2 * 1.0 * 0.5 / 1.5),  # 光 荣 of 光 荣 和 ωforce
        ("和光荣", "光荣和", 0.0, 2 / 3),  # the longest run that both have, and not the same tokens
        ("a b", "c", 0.0, 0.0),
        ("364公里", "364.6公里", 0.0, 2 / 3),  # NLTK leaves 364.6 whole: 公 里 of three tokens each
        ("6,476名", "6,477名", 0.0, 1 / 2),
        ("维c 50％", "维c 50%", 0.0, 2 * 2 / 3 * 2 / 4 / (2 / 3 + 2 / 4)),  # 维 c 50％, and 维 c 50 %
        ("好…", "好", 0.0, 2 / 3),  # the script takes no single `…` out
        ("don't", "do", 0.0, 2 / 3),
    ],
)
def test_cmrc(prediction: str, gold: str, exact: float, f1: float) -> None:
    assert CMRC.exact_match(prediction, gold) == exact
    assert CMRC.f1(prediction, gold) == pytest.approx(f1)


@pytest.mark.parametrize(
    ("prediction", "gold", "exact", "f1"),
    [
        ("雨季。", "雨季", 1.0, 1.0),
        ("1000人", "1,000人", 0.0, 10 / 11),  # marks count, for exact match and F1
        ("「雨」", "雨", 0.0, 1 / 2),
        ("New York", "new  york", 1.0, 1.0),
        ("newyork", "new york", 0.0, 14 / 15),  # and so do spaces
        ("雪", "雨", 0.0, 0.0),
    ],
)
def test_jsquad(prediction: str, gold: str, exact: float, f1: float) -> None:
    assert JSQUAD.exact_match(prediction, gold) == exact
    assert JSQUAD.f1(prediction, gold) == pytest.approx(f1)


def test_jsquad_is_scored_as_jglue_does() -> None:
    assert recipe("jsquad").metric == "jsquad"


@pytest.mark.parametrize("name", ["squad_characters", "jsquad", "cmrc2018"])
def test_the_best_gold_answer_counts(name: str) -> None:
    scored = METRICS.get(name).score(["光荣"], [("a", ["和", "光荣"])], language="zh")
    assert (scored["exact_match"], scored["f1"]) == (100.0, 100.0)
