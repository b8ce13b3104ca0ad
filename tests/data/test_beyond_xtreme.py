"""The data sets beyond XTREME, on slices of their releases: how many rows each file gives, and some of them in full."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.sources.files import FileRows
from tests.package_tasks import recipe

SIB = ["en", "am", "ar", "de", "fi", "hi", "nqo", "quy", "ru", "sw", "ta", "th", "yo", "zh"]
# task: split: language to the number of its rows
COUNTS: dict[str, dict[str, dict[str, int]]] = {
    "sib200": {
        "train": dict.fromkeys(["en", "ar", "sw", "zh"], 701),
        "validation": dict.fromkeys(SIB, 99),
        "test": dict.fromkeys(SIB, 204),
    },
    "belebele": {"test": {"en": 200, "de": 200}},
    "xwinograd": {"test": {"en": 150, "fr": 83, "ja": 150, "pt": 150, "ru": 150, "zh": 16}},
    "masakhaner": {
        "validation": dict.fromkeys(["fon", "ha", "sw", "wo", "yo", "zu"], 100),
        "test": dict.fromkeys(["fon", "ha", "sw", "wo", "yo", "zu"], 150),
    },
    "masakhapos": {
        "validation": dict.fromkeys(["ha", "sw", "wo", "yo", "zu"], 100),
        "test": dict.fromkeys(["ha", "sw", "wo", "yo", "zu"], 150),
    },
    "americasnli": {
        "validation": dict.fromkeys(["ay", "gn", "nah", "oto", "quy"], 180),
        "test": dict.fromkeys(["ay", "gn", "nah", "oto", "quy"], 180),
    },
    "afrixnli": {
        "validation": dict.fromkeys(["fr", "ha", "sw", "wo", "yo", "zu"], 240),
        "test": dict.fromkeys(["fr", "ha", "sw", "wo", "yo", "zu"], 240),
    },
    "ocnli": {"train": {"zh": 1000}, "test": {"zh": 495}},  # 5 have no label
    "indonli": {"train": {"id": 800}, "validation": {"id": 300}, "test": {"id": 200}},
    "farstail": {"train": {"fa": 600}, "validation": {"fa": 250}, "test": {"fa": 250}},
    "kornli": {"validation": {"ko": 500}, "test": {"ko": 500}},
    "jnli": {"validation": {"ja": 400}, "test": {"ja": 300}},
    "jsquad": {"validation": {"ja": 303}, "test": {"ja": 206}},
    "cmrc2018": {"validation": {"zh": 151}, "test": {"zh": 152}},
    "ntrex": {"test": dict.fromkeys(["am", "ar", "de", "fi", "fr", "hi", "mi", "ru", "sw", "ta", "tr", "zh"], 400)},
}
FILES = [(task, split, code) for task, splits in COUNTS.items() for split, found in splits.items() for code in found]
# (task, split, language) to what the first row has
FIRST: dict[tuple[str, str, str], dict[str, Any]] = {
    ("sib200", "test", "en"): {
        "text_a": "Mutation adds new genetic variation, and selection removes it from the pool of expressed variation.",
        "label": "science/technology",
    },
    ("americasnli", "test", "quy"): {
        "text_b": "Manam paywanqa kaqllamantaqa rimarqanichu.", "label": "contradiction",
    },
    ("afrixnli", "test", "wo"): {"text_b": "waxaataguma ak moom", "label": "contradiction"},
    ("ocnli", "test", "zh"): {"text_b": "身上至少一件衣服", "label": "entailment"},
    ("indonli", "train", "id"): {"text_b": "Prediksi akhir wabah tidak disampaikan Jokowi.", "label": "contradiction"},
    ("farstail", "train", "fa"): {"label": "entailment"},
    ("kornli", "validation", "ko"): {"text_a": '그리고 그가 말했다, "엄마, 저 왔어요."', "label": "neutral"},
    ("jnli", "validation", "ja"): {"text_b": "屋根の上に看板があり時計もついています。", "label": "neutral"},
    ("xwinograd", "test", "ja"): {
        "context": "狙撃兵はテロリストを撃った。",
        "choices": ["狙撃兵は悪漢だったからだ。", "テロリストは悪漢だったからだ。"],
        "label": 1,
    },
    ("xwinograd", "test", "en"): {
        "context": "The city councilmen refused the demonstrators a permit because",
        "choices": ["The city councilmen feared violence.", "the demonstrators feared violence."],
        "label": 0,
    },
    ("jsquad", "validation", "ja"): {"question": "日本で梅雨がないのは北海道とどこか。"},
}  # fmt: skip


def rows(shared: Path, task: str, split: str, code: str) -> Any:
    return FileRows(shared / "data").load(recipe(task), split, code, BadRows(skip=False))


@pytest.mark.slow(but=3)
@pytest.mark.parametrize("task", COUNTS)
def test_files_are_read_whole(shared: Path, task: str) -> None:
    source = FileRows(shared / "data")
    for split, languages in COUNTS[task].items():
        there = {code for code in recipe(task).languages if source.missing(recipe(task), split, code) is None}
        assert there == set(languages), split
        for code, count in languages.items():
            found = rows(shared, task, split, code)
            ids = set(zip(found["id"][:], _side(found), strict=True))
            assert len(found) == len(ids) == count, (split, code)
            for name, value in FIRST.get((task, split, code), {}).items():
                assert found[0][name] == value, (split, code, name)


def _side(found: Any) -> list[str]:
    return found["side"][:] if "side" in found.column_names else [""] * len(found)


def test_dates_are_no_names_and_names_are_those_of_the_english_data(shared: Path) -> None:
    tags = {tag for row in rows(shared, "masakhaner", "test", "yo") for tag in row["tags"]}
    assert tags == set(recipe("masakhaner").options["labels"]) == set(recipe("panx").options["labels"])


def test_topics_have_the_order_of_the_release(shared: Path) -> None:
    named = (shared / "data/sib200/data/annotated/eng_Latn/labels.txt").read_text(encoding="utf-8").split()
    assert recipe("sib200").options["labels"] == named
    assert set(rows(shared, "sib200", "train", "en")["label"][:]) == set(named)


def test_right_answers_of_passages(shared: Path) -> None:
    found = [rows(shared, "belebele", "test", code) for code in ("en", "de")]
    assert found[0]["label"][:] == found[1]["label"][:] and set(found[0]["label"][:]) == {0, 1, 2, 3}
    assert all(len(choices) == 4 for choices in found[0]["choices"][:])


def test_answers_in_own_words_come_last_and_others_are_where_they_are_said_to_be(shared: Path) -> None:
    for split, own in (("validation", 0), ("test", 16)):
        found = rows(shared, "cmrc2018", split, "zh").to_list()
        starts = [row["answers"]["answer_start"] for row in found]
        assert sum(-1 in one for one in starts) == own and all(one[0] >= 0 for one in starts)
        for row in found:
            for text, start in zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True):
                assert start < 0 or row["context"][start:].startswith(text)


def test_each_english_sentence_has_its_translation(shared: Path) -> None:
    found = rows(shared, "ntrex", "test", "de").to_list()
    lines = (shared / "data/ntrex/NTREX-128/newstest2019-src.eng.txt").read_text(encoding="utf-8").splitlines()
    assert all(lines[int(row["gold"][0])].strip() == row["text"] for row in found if row["side"] == "query")
