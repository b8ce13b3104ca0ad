from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from adapterstilts.errors import UsageError
from adapterstilts.mini.tokenizer import build_tokenizer
from adapterstilts.settings import Encoding
from adapterstilts.tasks.span_qa import SpanQA

TOKENIZER = build_tokenizer()
WORDS = ["Anna", "bought", "the", "book", "in", "Rome", "Анна", "купила", "книгу", "zzz", "彼得", "1999"]


def encode(context: str, question: str, answer: str | None, start: int, *, encoding: Encoding, labels: bool):
    answers = {"text": [answer] if answer else [], "answer_start": [start] if answer else []}
    rows = {"context": [context], "question": [question], "answers": [answers]}
    features = SpanQA({}).encode(rows, [0], tokenizer=TOKENIZER, encoding=encoding, labels=labels)
    return [dict(zip(features, values, strict=True)) for values in zip(*features.values(), strict=True)]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_windows_cover_the_context_and_labels_decode_to_the_answer(data: st.DataObject) -> None:
    words = data.draw(st.lists(st.sampled_from(WORDS), min_size=3, max_size=80))
    first = data.draw(st.integers(0, len(words) - 1))
    last = min(len(words) - 1, first + data.draw(st.integers(0, 3)))
    context = " ".join(words)
    start = len(" ".join(words[:first])) + (first > 0)
    answer = " ".join(words[first : last + 1])
    encoding = Encoding(max_length=48, stride=data.draw(st.integers(16, 24)), max_query_length=8)
    labelled = encode(context, "Where ?", answer, start, encoding=encoding, labels=True)
    windows = encode(context, "Where ?", answer, start, encoding=encoding, labels=False)
    assert len(labelled) == len(windows)
    assert all(len(window["input_ids"]) <= 48 for window in windows)
    characters = {
        position
        for window in windows
        for left, right in zip(window["spans"][::2], window["spans"][1::2], strict=True)
        for position in range(left, right)
    }
    assert characters >= {position for position, character in enumerate(context) if character != " "}
    logits = []
    for window in labelled:
        scores = np.zeros((len(window["input_ids"]), 2))
        scores[window["start_positions"], 0] = scores[window["end_positions"], 1] = 9.0
        scores[0] = 0.0  # the label of windows without the answer
        logits.append(scores)
    held = [window["start_positions"] > 0 for window in labelled]
    assert any(held)
    row = {"id": "q", "context": context}
    assert SpanQA({}).decode([row], windows, logits, {}) == {"q": answer}


@pytest.mark.parametrize("causal", [False, True])
def test_a_window_without_the_answer_points_at_the_token_that_has_seen_all(causal: bool) -> None:
    context = " ".join(["Anna bought the book ."] * 20 + ["Peter sold a bag ."])
    start = context.index("bag")
    encoding = Encoding(max_length=40, stride=24, max_query_length=8, causal=causal)
    windows = encode(context, "What ?", "bag", start, encoding=encoding, labels=True)
    assert len(windows) > 3
    place = len(windows[0]["input_ids"]) - 1 if causal else 0
    assert {windows[0][name] for name in ("start_positions", "end_positions", "no_answer")} == {place}
    assert 0 < windows[-1]["start_positions"] < len(windows[-1]["input_ids"]) - 1
    scores = np.zeros((len(windows[0]["input_ids"]), 2))
    scores[place] = 5.0
    row = {"id": "q", "context": context}
    (window, *_) = encode(context, "What ?", None, 0, encoding=encoding, labels=False)
    assert SpanQA({"no_answer": True}).decode([row], [window], [scores], {}) == {"q": ""}


def test_best_span_is_found_over_windows_and_within_the_length_limit() -> None:
    context = "Anna bought the book . Peter sold a bag ."
    encoding = Encoding(max_length=40, stride=4, max_query_length=8)
    (window,) = encode(context, "What ?", None, 0, encoding=encoding, labels=False)
    spans = np.asarray(window["spans"]).reshape(-1, 2)
    tokens = {context[left:right]: window["context_start"] + index for index, (left, right) in enumerate(spans)}
    scores = np.zeros((len(window["input_ids"]), 2))
    scores[tokens["Anna"], 0] = 9.0
    scores[tokens["bag"], 1] = 9.0  # nine tokens apart
    scores[tokens["book"], 1] = 4.0
    row = {"id": "q", "context": context}
    assert SpanQA({}).decode([row], [window], [scores], {})["q"] == context[:-2]
    assert SpanQA({"max_answer_length": 5}).decode([row], [window], [scores], {})["q"] == "Anna bought the book"
    # An end before its start is no span, however well it scores.
    scores[tokens["sold"], 0] = 20.0
    assert SpanQA({"max_answer_length": 3}).decode([row], [window], [scores], {})["q"] == "sold a bag"
    # A second window with a better span wins.
    better = np.zeros_like(scores)
    better[tokens["Peter"]] = 50.0
    assert SpanQA({}).decode([row], [window, window], [scores, better], {})["q"] == "Peter"


@pytest.mark.parametrize(("threshold", "expected"), [(-20.0, ""), (0.0, "book"), (20.0, "book")])
def test_no_answer_is_chosen_by_its_margin(threshold: float, expected: str) -> None:
    context = "Anna bought the book ."
    encoding = Encoding(max_length=40, stride=4, max_query_length=8)
    (window,) = encode(context, "What ?", None, 0, encoding=encoding, labels=False)
    scores = np.zeros((len(window["input_ids"]), 2))
    book = window["context_start"] + 3
    scores[book] = 5.0  # the span scores 10, "no answer" 4: a margin of -6
    scores[0] = 2.0
    row = {"id": "q", "context": context}
    kind = SpanQA({"no_answer": True})
    assert kind.decode([row], [window], [scores], {"no_answer_threshold": threshold}) == {"q": expected}
    assert SpanQA({}).decode([row], [window], [scores], {}) == {"q": "book"}


def test_the_threshold_is_the_best_one_and_scores_tell_both_kinds_of_question() -> None:
    """Answerable questions have margins below those of most unanswerable ones; one of each is on the wrong side."""
    kind = SpanQA({"no_answer": True})
    context = "Anna bought the book ."
    encoding = Encoding(max_length=40, stride=4, max_query_length=8)
    (window,) = encode(context, "What ?", None, 0, encoding=encoding, labels=False)
    rows, features, logits = [], [], []
    for number, (margin, answer) in enumerate([(-9, 1), (-7, 0), (-5, 1), (-3, 1), (-1, 0), (1, 0), (3, 1), (5, 0)]):
        scores = np.full((len(window["input_ids"]), 2), -50.0)
        scores[window["context_start"] + 3] = 0.0
        scores[0] = margin / 2
        answers = {"text": ["book"] * answer, "answer_start": [16] * answer}
        rows.append({"id": str(number), "context": context, "answers": answers, "language": "en"})
        features.append({**window, "row": number})
        logits.append(scores)
    chosen = kind.calibrate(rows, features, logits)
    assert chosen == {"no_answer_threshold": pytest.approx(-2.0)}
    found = kind.decode(rows, features, logits, chosen)
    assert [found[str(number)] for number in range(8)] == ["book"] * 4 + [""] * 4
    scores = kind.score(found, rows, metric="squad_v2", language="en").metrics
    assert scores["f1"] == scores["exact_match"] == 75.0
    assert scores["has_answer_f1"] == 75.0 and scores["no_answer_f1"] == 75.0
    assert list(kind.metrics) == ["has_answer_f1", "no_answer_f1", "exact_match", "f1"]


@pytest.mark.parametrize("answerable", [True, False])
def test_a_threshold_is_found_where_all_or_no_question_has_an_answer(answerable: bool) -> None:
    kind = SpanQA({"no_answer": True})
    encoding = Encoding(max_length=40, stride=4, max_query_length=8)
    (window,) = encode("Anna bought the book .", "What ?", None, 0, encoding=encoding, labels=False)
    scores = np.full((len(window["input_ids"]), 2), -50.0)
    scores[window["context_start"] + 3] = scores[0] = 0.0
    answers = {"text": ["book"] * answerable, "answer_start": [16] * answerable}
    rows = [{"id": "q", "context": "Anna bought the book .", "answers": answers, "language": "en"}]
    found = kind.decode(rows, [window], [scores], kind.calibrate(rows, [window], [scores]))
    assert found == {"q": "book" if answerable else ""}


def test_long_questions_are_cut_and_short_ones_are_not() -> None:
    encoding = Encoding(max_length=40, stride=4, max_query_length=3)
    (window,) = encode("Anna bought the book .", " Where did Anna go ?", None, 0, encoding=encoding, labels=False)
    assert TOKENIZER.decode(window["input_ids"]).startswith("<s> Where did Anna</s></s>")
    (window,) = encode("Anna bought the book .", "Where ?", None, 0, encoding=encoding, labels=False)
    assert "Where ?" in TOKENIZER.decode(window["input_ids"]).replace(" ?", " ?")


def test_predictions_are_written_and_read_as_the_benchmark_does(tmp_path: Path) -> None:
    kind = SpanQA({})
    predictions = {"a": "Köln", "b": "", "c": "北京"}
    kind.write_predictions(predictions, tmp_path / "test-de.json")
    assert json.loads((tmp_path / "test-de.json").read_text(encoding="utf-8")) == predictions
    assert kind.read_predictions(tmp_path / "test-de.json", list(predictions)) == predictions


def test_unknown_option_is_refused() -> None:
    with pytest.raises(UsageError, match="Did you mean 'n_best'"):
        SpanQA({"nbest": 3})


NFC, STRIPPED = normalizers.NFKC(), normalizers.BertNormalizer(lowercase=True)
ACUTE, FATHA, VOWEL = "\u0301", "\u064e", "\u093f"


def word_pieces(normalizer: Any, pieces: list[str]) -> PreTrainedTokenizerFast:
    vocabulary = {name: number for number, name in enumerate(["[UNK]", "[CLS]", "[SEP]", "a", *pieces])}
    backend = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    backend.normalizer, backend.pre_tokenizer = normalizer, pre_tokenizers.WhitespaceSplit()
    backend.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    return PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]")


@pytest.mark.parametrize(
    ("normalizer", "pieces", "context", "tokens", "answer"),
    [
        (NFC, ["café", "noir"], f"cafe{ACUTE} noir", (0, 0), f"cafe{ACUTE}"),
        (NFC, ["café", "noir"], f"noir cafe{ACUTE}", (1, 1), f"cafe{ACUTE}"),
        (STRIPPED, ["cafe", "noir"], f"cafe{ACUTE} noir", (0, 1), f"cafe{ACUTE} noir"),
        (STRIPPED, ["ذهب"], f"ذهب{FATHA}", (0, 0), f"ذهب{FATHA}"),
        (NFC, ["क", f"##{VOWEL}"], f"क{VOWEL}", (0, 0), "क"),  # the vowel is a token of its own
        (NFC, ["क", f"##{VOWEL}"], f"क{VOWEL}", (0, 1), f"क{VOWEL}"),
    ],
)
def test_answers_keep_the_marks_on_their_last_letter(
    normalizer: Any, pieces: list[str], context: str, tokens: tuple[int, int], answer: str
) -> None:
    """XLM-R's tokenizer composes letters and then places them where the letter without its accent is."""
    tokenizer = word_pieces(normalizer, pieces)
    rows = {"context": [context], "question": ["a"], "answers": [{"text": [], "answer_start": []}]}
    encoding = Encoding(max_length=32, stride=8, max_query_length=8)
    features = SpanQA({}).encode(rows, [0], tokenizer=tokenizer, encoding=encoding, labels=False)
    feature = {name: values[0] for name, values in features.items()}
    scores = np.zeros((len(feature["input_ids"]), 2))
    for end, token in enumerate(tokens):
        scores[feature["context_start"] + token, end] = 9.0
    assert SpanQA({}).decode([{"id": "q", "context": context}], [feature], [scores], {}) == {"q": answer}


@pytest.mark.parametrize(
    ("context", "answer", "start"),
    [(f"noir cafe{ACUTE}", f"cafe{ACUTE}", 5), ("noir café ", "café ", 5), (" café noir", " café", 0)],
)
def test_an_answer_at_the_end_of_its_context_is_learnt_whatever_its_tokens_leave_out(
    context: str, answer: str, start: int
) -> None:
    tokenizer = word_pieces(NFC, ["café", "noir"])
    rows = {"context": [context], "question": ["a"], "answers": [{"text": [answer], "answer_start": [start]}]}
    encoding = Encoding(max_length=32, stride=8, max_query_length=8)
    features = SpanQA({}).encode(rows, [0], tokenizer=tokenizer, encoding=encoding, labels=True)
    place = features["input_ids"][0].index(tokenizer.convert_tokens_to_ids("café"))
    assert (features["start_positions"], features["end_positions"]) == ([place], [place])
