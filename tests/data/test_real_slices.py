"""The readers and record functions on slices of the real releases: how many rows, and one of them in full."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats import FORMATS, read_json, read_lines
from adapterstilts.data.formats.sentences import sentence_breaks
from adapterstilts.data.records import RECORDS
from adapterstilts.errors import DataError

XTREME_PAIRS = {"columns": ["text_a", "text_b", "label"], "delimiter": "\t"}


def rows(
    shared: Path, format_: str, names: str, language: str = "en", record: str | None = None, **options: Any
) -> list[dict]:
    bad = BadRows(skip=False)
    paths = tuple(shared / "data" / name for name in names.split())
    found = [row for _, row in FORMATS.get(format_)(paths, language, bad, **options)]
    assert not bad.counts and not bad.omitted
    if record is None:
        return found
    converted = [RECORDS.get(record)(row, language) for row in found]
    return [row for row in converted if isinstance(row, dict)]


# (format, options, record function, files, language, rows, which of them, what it has)
SLICES: list[tuple[str, dict, str | None, str, str, int, int, dict]] = [
    (
        "jsonl", {}, "mnli", "mnli/multinli_1.0_train.jsonl", "en", 9000, 1,
        {"text_a": "for one twelve dollar check", "text_b": "Just a check for twelve bucks.  ", "label": "entailment"},
    ),
    (
        "jsonl", {}, "mnli", "mnli/multinli_1.0_dev_matched.jsonl", "en", 1000, 1,
        {"text_a": "One spoke very little English and one spoke excellent English.", "label": "entailment"},
    ),
    (
        "jsonl", {}, "snli", "snli/snli_1.0_train.jsonl", "en", 3000, -1,
        {
            "text_a": "A man in red and black about to strike a tennis ball.",
            "text_b": "A man is playing golf.",
            "label": "contradiction",
        },
    ),
    (
        "jsonl", {}, "anli", "anli/R1/train.jsonl", "en", 800, 0,
        {"text_b": "Form and meaning are the only aspects of language linguistics is concerned with.",
         "label": "contradiction"},
    ),
    ("jsonl", {}, "anli", "anli/R1/dev.jsonl", "en", 200, 0, {"label": "neutral"}),
    ("jsonl", {}, "anli", "anli/R2/train.jsonl", "en", 800, 0, {"label": "neutral"}),
    ("jsonl", {}, "anli", "anli/R2/dev.jsonl", "en", 200, 0, {"label": "neutral"}),
    ("jsonl", {}, "anli", "anli/R3/train.jsonl", "en", 800, 0, {"label": "entailment"}),
    (
        "jsonl", {}, "anli", "anli/R3/dev.jsonl", "en", 398, 0,
        {"text_b": "Jonathan Samuels was born in the 70's", "label": "entailment"},
    ),
    *(("csv", XTREME_PAIRS, "xnli", f"xnli/dev-{code}.tsv", code, 2490, 0, {"label": "neutral"})
      for code in ("en", "de", "ru", "zh", "sw")),
    *(("csv", XTREME_PAIRS, "xnli", f"xnli/test-{code}.tsv", code, 1500, 0, {"label": "contradiction"})
      for code in ("de", "ru", "zh", "sw")),
    (
        "csv", XTREME_PAIRS, "xnli", "xnli/test-en.tsv", "en", 1500, 0,
        {
            "text_a": "Well, I wasn't even thinking about that, but I was so frustrated, and, I ended up talking to "
                      "him again.",
            "text_b": "I havent spoken to him again.",
            "label": "contradiction",
        },
    ),
    ("csv", XTREME_PAIRS, "pawsx", "pawsx/train-en.tsv", "en", 1500, 0, {"label": "1"}),
    ("csv", XTREME_PAIRS, "pawsx", "pawsx/dev-en.tsv", "en", 500, 0, {"label": "0"}),
    ("csv", XTREME_PAIRS, "pawsx", "pawsx/dev-de.tsv", "de", 2000, 1, {
        "text_a": "Kathy und ihr Ehemann Pete Beale (Peter Dean) sind finanziell gut aufgestellt.", "label": "1"}),
    ("csv", XTREME_PAIRS, "pawsx", "pawsx/dev-zh.tsv", "zh", 2000, 0, {"label": "1"}),
    ("csv", XTREME_PAIRS, "pawsx", "pawsx/test-de.tsv", "de", 1000, 1, {
        "text_a": "Der Tabaci River ist ein Nebenfluss des Flusses Leurda in Rumänien.", "label": "0"}),
    ("csv", XTREME_PAIRS, "pawsx", "pawsx/test-zh.tsv", "zh", 1000, 0, {"label": "1"}),
    (
        "jsonl", {}, "hellaswag", "hellaswag/hellaswag_val.jsonl", "en", 600, 0,
        {
            "context": "Then he washes it off using the water from the bathroom faucet and he looks in the mirror to "
                       "know how much of it is gone. in the end",
            "question": "",
            "choices": [
                "he rinses it off.",
                "he puts it all back into the sink and his real shave is shown.",
                "there is a contact case and he wipes the back of his hand over it.",
                ", he looks again and it is all gone and he stops.",
            ],
            "label": 3,
        },
    ),
    ("jsonl", {}, "hellaswag", "hellaswag/hellaswag_train.jsonl", "en", 4000, 0, {"label": 2}),
    ("csv", {}, "cosmosqa", "cosmosqa/train.csv", "en", 2200, 0, {
        "question": "Why is this person asking about divorce ?", "label": 1}),
    ("csv", {}, "cosmosqa", "cosmosqa/valid.csv", "en", 785, 0, {
        "question": "What may have caused the Batches kid to yell down ?", "label": 0}),
    (
        "jsonl", {}, "commonsenseqa", "commonsenseqa/train_rand_split.jsonl", "en", 4000, 0,
        {
            "context": "",
            "question": "If a lantern is not for sale, where is it likely to be?",
            "choices": ["antique shop", "house", "dark place"],
            "label": 1,
        },
    ),
    ("jsonl", {}, "commonsenseqa", "commonsenseqa/dev_rand_split.jsonl", "en", 950, 2, {
        "choices": ["torn", "wet clothes", "wear out"], "label": 0}),
    (
        "jsonl", {}, "siqa", "siqa/socialIQa_v1.4_dev.jsonl", "en", 1954, 0,
        {
            "context": "Tracy didn't go home that evening and resisted Riley's attacks.",
            "question": "What does Tracy need to do before this?",
            "choices": ["make a new plan", "Go home and see Riley", "Find somewhere to go"],
            "label": 2,
        },
    ),
    ("jsonl", {}, "siqa", "siqa/socialIQa_v1.4_trn.jsonl", "en", 2224, 0, {"label": 2}),
    *(("jsonl", {}, "xcopa", f"xcopa/{code}/{split}.{code}.jsonl", code, count, 0, {"label": label})
      for code in ("zh", "sw", "tr") for split, count, label in (("val", 100, 1), ("test", 500, 0))),
    ("jsonl", {}, "xcopa", "xcopa/zh/test.zh.jsonl", "zh", 500, 0, {
        "context": "该物品用气泡包装纸包着。", "question": "cause", "choices": ["它很易碎。", "它很小。"], "label": 0}),
    *(("conll", {}, "udpos", f"udpos/{name}.tsv", name[-2:], count, 0, {})
      for name, count in (("train-en", 6000), ("dev-de", 800), ("dev-en", 800), ("dev-ru", 800), ("dev-zh", 800),
                          ("test-fi", 600), ("test-ru", 600), ("test-zh", 600))),
    ("conll", {}, "udpos", "udpos/dev-de.tsv", "de", 800, 0, {
        "tokens": ["Manasse", "ist", "ein", "einzigartiger", "Parfümeur", "."],
        "tags": ["PROPN", "AUX", "DET", "ADJ", "NOUN", "PUNCT"]}),
    *(("conll", {}, "panx", f"panx/{name}.tsv", name[-2:], count, 0, {})
      for name, count in (("train-en", 6000), ("dev-en", 1000), ("dev-ru", 1000), ("dev-sw", 1000), ("dev-zh", 1000),
                          ("test-de", 1000))),
    ("conll", {}, "panx", "panx/dev-de.tsv", "de", 1000, 0, {
        "tokens": ["Anton", "Wilhelm", "von", "Zuccalmaglio", "."], "tags": ["B-PER", "I-PER", "I-PER", "I-PER", "O"]}),
    ("conll", {}, "ccg", "ccg/train.tsv", "en", 800, 1, {}),
    ("conll", {}, "ccg", "ccg/dev.tsv", "en", 200, 1, {
        "tokens": ["A", "boy", "is", "running", "through", "the", "water", "at", "the", "beach"],
        "tags": ["NP[nb]/N", "N", r"(S[dcl]\NP)/(S[ng]\NP)", r"S[ng]\NP", r"((S\NP)\(S\NP))/NP", "NP[nb]/N", "N",
                 r"((S\NP)\(S\NP))/NP", "NP[nb]/N", "N"]}),
    ("squad_json", {}, "squad", "squad_v2/train-v2.0.json", "en", 8475, 0, {"id": "56ddde6b9a695914005b9628"}),
    ("lareqa_squad", {}, None, "squad/train-v1.1.json", "en", 10_003, 0, {"side": "query", "gold": []}),
    ("text", {}, None, "tatoeba/sw-en.sw", "sw", 390, 0, {"text": "Alinileta kahawa."}),
]  # fmt: skip


@pytest.mark.parametrize("case", SLICES, ids=lambda case: f"{case[3]}-{case[6]}")
def test_slices_are_read_whole(shared: Path, case: tuple) -> None:
    format_, options, record, names, language, count, index, expected = case
    found = rows(shared, format_, names, language, record, **options)
    assert len(found) == count
    assert {name: found[index][name] for name in expected} == expected


def test_quotation_marks_of_xtremes_own_files_are_undone(shared: Path) -> None:
    found = rows(shared, "csv", "pawsx/dev-de.tsv", "de", "pawsx", **XTREME_PAIRS)
    texts = [text for row in found for text in (row["text_a"], row["text_b"])]
    assert 'Die "IPA" besteht aus 500 ergänzenden, 300 Basis-Symbolen und 200 zusätzlichen Symbolen.' in texts
    assert not any('""' in text and text.startswith('"') for text in texts)


def test_bucc(shared: Path) -> None:
    names = "bucc2018/zh-en.dev.zh bucc2018/zh-en.dev.en bucc2018/zh-en.dev.gold"
    found = rows(shared, "bucc", names, "zh")
    queries = [row for row in found if row["side"] == "query"]
    assert (len(queries), len(found) - len(queries)) == (8624, 13589)
    assert sum(len(row["gold"]) for row in queries) == 257
    assert queries[56]["id"] == "zh-000000057" and queries[56]["gold"] == ["en-000008530"]
    assert found[8624]["text"] == (
        "Coalition strategy relied on establishing a number of patrol bases called Combat Operation Posts throughout "
        "the city."
    )


@pytest.mark.parametrize(("code", "count"), [("de", 1000), ("ru", 1000), ("sw", 390), ("zh", 1000)])
def test_tatoeba_as_xtreme_leaves_it_needs_line_numbers(shared: Path, tmp_path: Path, code: str, count: int) -> None:
    names = f"tatoeba/{code}-en.{code} tatoeba/{code}-en.en"
    with pytest.raises(DataError, match="in alphabetical order, as XTREME's download leaves it"):
        rows(shared, "tatoeba", names, code)
    hidden = rows(shared, "tatoeba", names, code, gold="hidden")
    assert len(hidden) == 2 * count and not any(row["gold"] for row in hidden)
    numbers = tmp_path / "numbers"
    numbers.write_text("".join(f"{count - 1 - number}\n" for number in range(count)))
    found = rows(shared, "tatoeba", f"{names} {numbers}", code)
    assert found[0]["id"] == "en-0" and found[0]["gold"] == [str(count - 1)]
    texts = [line.strip() for _, line in read_lines(shared / "data" / f"tatoeba/{code}-en.{code}")]
    assert [row["text"] for row in found[count:]] == texts


@pytest.mark.parametrize(("code", "laser"), [("de", "deu"), ("ru", "rus"), ("sw", "swh"), ("zh", "cmn")])
def test_tatoeba_as_laser_released_it_asks_what_xtreme_does_and_knows_the_answers(
    shared: Path, code: str, laser: str
) -> None:
    released = f"tatoeba/v1/tatoeba.{laser}-eng"
    found = rows(shared, "tatoeba", f"{released}.{laser} {released}.eng", code)
    hidden = rows(shared, "tatoeba", f"tatoeba/{code}-en.{code} tatoeba/{code}-en.en", code, gold="hidden")
    assert all(row["gold"] for row in found if row["side"] == "query")
    assert [{**row, "gold": []} for row in found] == hidden
    english = [line.strip() for _, line in read_lines(shared / "data" / f"{released}.eng")]
    assert all(english[int(row["gold"][0])] == row["text"] for row in found if row["side"] == "query")


def test_every_training_question_gets_the_sentence_with_its_answer(shared: Path) -> None:
    spans = {row["id"]: row for row in rows(shared, "squad_json", "squad/dev-v1.1.json")}
    found = rows(shared, "lareqa_squad", "squad/dev-v1.1.json")
    assert len(found) == len(spans) == 1008
    whole = sum(spans[row["id"]]["answers"]["text"][0] in row["positive"] for row in found)
    assert whole >= 1000  # a few answers go on after a full stop


def test_sentences_are_nearly_those_of_xquad_r(shared: Path) -> None:
    """Expected: xquad-r/en.json of google-research-datasets/lareqa, and the 1,180 sentences in its README."""
    document = read_json(shared / "data" / "xquad" / "xquad.en.json")
    contexts = [part["context"] for article in document["data"] for part in article["paragraphs"]]
    assert [sentence_breaks(context) for context in contexts[:4]] == [
        [(0, 165), (166, 288), (289, 333), (334, 544), (545, 679), (680, 853), (854, 1166)],
        [(0, 137), (138, 351), (352, 464)],
        [(0, 101), (102, 175), (176, 372)],
        [(0, 181)],
    ]
    assert sum(len(sentence_breaks(context)) for context in contexts) == pytest.approx(1180, abs=10)
