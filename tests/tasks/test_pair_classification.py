"""Classification of one text or two, with one label, several labels or a number: encoding, decoding, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import processors

from adapterstilts.errors import DataError, UsageError
from adapterstilts.metrics import METRICS
from adapterstilts.mini.tokenizer import build_tokenizer
from adapterstilts.runs.specs import canonical_json
from adapterstilts.settings import Encoding
from adapterstilts.tasks.catalogue import read_recipe
from adapterstilts.tasks.pair_classification import PairClassification
from tests.tasks.test_windows import decoder_tokenizer

ENCODING = Encoding(max_length=16)
ONE = PairClassification({"labels": ["a", "b"], "one_text": True})
MANY = PairClassification({"labels": ["a", "b", "c"], "one_text": True, "multi_label": True})
NUMBER = PairClassification({"regression": True, "mean": 10.0, "sd": 4.0})
TEXT = "Anna bought the bread in London on Monday . Maria sold the cake . It was good ."


def encode(kind: Any, tokenizer: Any, *, labels: bool = False, encoding: Encoding = ENCODING, **columns: Any) -> Any:
    count = len(columns["text_a"])
    return kind.encode(columns, range(count), tokenizer=tokenizer, encoding=encoding, labels=labels)


def with_token_types() -> Any:
    tokenizer = build_tokenizer()
    tokenizer.backend_tokenizer.post_processor = processors.BertProcessing(("</s>", 2), ("<s>", 0))
    return tokenizer


TOKENIZERS = {
    "encoder": build_tokenizer,
    "token types": with_token_types,
    "decoder": lambda: decoder_tokenizer(newline=False, bos=True),
    "decoder without a token in front": lambda: decoder_tokenizer(newline=True, bos=False),
}


@pytest.mark.parametrize("name", TOKENIZERS)
def test_one_text_has_the_ids_that_the_tokenizer_gives_one_text(name: str) -> None:
    tokenizer = TOKENIZERS[name]()
    texts = ["Anna bought bread .", TEXT]
    expected = tokenizer(texts, truncation=True, max_length=16)
    found = encode(ONE, tokenizer, encoding=Encoding(max_length=16, separator=" | "), text_a=texts)
    assert found["input_ids"] == expected["input_ids"]
    assert found.get("token_type_ids") == expected.get("token_type_ids")
    assert encode(ONE, tokenizer, text_a=["Anna"])["input_ids"] == [tokenizer("Anna")["input_ids"]]


def test_a_decoder_reads_no_separator_behind_one_text() -> None:
    tokenizer = decoder_tokenizer(newline=True, bos=True)
    separated = Encoding(max_length=16, separator="\n")
    found = encode(ONE, tokenizer, encoding=separated, text_a=["A man eats ."])
    assert tokenizer.convert_ids_to_tokens(found["input_ids"][0]) == ["<s>", "A", "man", "eats", "."]
    assert ONE.encoding_fields == ("max_length",)


def test_an_empty_second_text_of_a_task_with_two_stays_one_of_a_pair() -> None:
    tokenizer = build_tokenizer()
    two = PairClassification({"labels": ["a", "b"]})
    found = encode(two, tokenizer, text_a=["Anna"], text_b=[""])["input_ids"][0]
    assert [found] == tokenizer(["Anna"], [""])["input_ids"] != tokenizer(["Anna"])["input_ids"]
    assert two.decisive_options() == {"labels": ["a", "b"]} and canonical_json(two.options) == '{"labels":["a","b"]}'
    assert set(two.columns({})) - set(two.columns({"one_text": True})) == {"text_b"}


def test_a_row_has_any_number_of_labels() -> None:
    found = encode(MANY, build_tokenizer(), labels=True, text_a=["x", "y", "z"], label=[["c", "a"], [], ["b"]])
    assert found["label_set"] == [[2, 0], [-100], [1]]
    rows = [{"id": str(n), "text_a": "x", "label": label} for n, label in enumerate((["c", "a"], [], ["b"]))]
    features = [{"row": n} for n in range(3)]
    logits = [np.array(one) for one in ([-0.5, -2.0, 0.4], [-3.0, -1.2, -2.0], [-2.0, -0.7, -1.5])]
    assert MANY.decode(rows, features, logits, {}) == {"0": ["c"], "1": [], "2": []}
    chosen = MANY.calibrate(rows, features, logits)
    answers = MANY.decode(rows, features, logits, chosen)
    assert answers == {"0": ["a", "c"], "1": [], "2": ["b"]} and 0.24 < chosen["threshold"] < 0.34
    scores = MANY.score(answers, rows, metric="multi_label", language="en")
    assert scores.metrics == {"f1_micro": 100.0, "f1_macro": 100.0, "accuracy": 100.0}
    assert scores.by_class["classes"]["b"]["support"] == 1 and "confusion" not in scores.by_class


def test_lists_of_labels_and_numbers_come_back_from_their_files(tmp_path: Path) -> None:
    lists = {"3": ["a", "c"], "1": []}
    MANY.write_predictions(lists, tmp_path / "test-de.json")
    assert MANY.read_predictions(tmp_path / "test-de.json", ["3", "1"]) == lists
    numbers = {"3": 0.1 + 0.2, "1": -1e-9}
    NUMBER.write_predictions(numbers, tmp_path / "test-de.tsv")
    assert NUMBER.read_predictions(tmp_path / "test-de.tsv", ["3", "1"]) == numbers


def test_numbers_are_learnt_as_standard_deviations_from_the_mean_and_told_in_their_own_unit() -> None:
    rows = [{"id": str(n), "text_a": "x", "text_b": "y", "label": text} for n, text in enumerate(("6", "10.0", "18"))]
    columns = {name: [row[name] for row in rows] for name in ("text_a", "text_b", "label")}
    assert encode(NUMBER, build_tokenizer(), labels=True, **columns)["target"] == [-1.0, 0.0, 2.0]
    answers = NUMBER.decode(rows, [{"row": n} for n in range(3)], [np.array([v]) for v in (-1.0, 0.5, 2.0)], {})
    assert answers == {"0": 6.0, "1": 12.0, "2": 18.0}
    scores = NUMBER.score(answers, rows, metric="regression", language="en")
    assert scores.metrics["mse"] == pytest.approx(4 / 3) and scores.metrics["spearman"] == pytest.approx(100)
    open_ = PairClassification({"regression": True})
    assert open_.collects and not NUMBER.collects
    assert open_.collect(rows) == {
        "mean": pytest.approx(np.mean([6, 10, 18])),
        "sd": pytest.approx(np.std([6, 10, 18])),
    }
    by_error = PairClassification({"regression": True, "main": "mse"})
    assert by_error.main_score({"mse": 2.0}) == -2.0 and not by_error.averaged and list(by_error.metrics)[-1] == "mse"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": ["a"]}, "'a' is the only one, and telling rows apart takes two"),
        ({"labels": ["a", "b", "a"]}, "'a' is named twice"),
        (
            {"labels": ["a", "b\nc"]},
            r"'b.nc' cannot stand on a line of its own.* no line break.* Rename it in the data",
        ),
        ({"labels": ["a\tb", "c"]}, r"'a.tb' cannot stand on a line"),
        ({"labels": [" a", "c"]}, "' a' cannot stand on a line"),
        ({"labels": ["a", ""]}, "'' cannot stand on a line"),
        ({"labels": [str(n) for n in range(1001)]}, "there are 1,001, and more than 1,000 .* with most_labels=1001"),
        ({"labels": ["a", "b", "c"], "most_labels": 2}, "there are 3, and more than 2"),
        ({"labels": ["a", "b"], "regression": True}, "labels have no meaning with regression"),
        ({"multi_label": True, "regression": True}, "do not go together"),
        ({"labels": ["a", "b"], "sd": 2}, "mean and sd have no meaning without regression"),
        ({"labels": ["a", "b"], "main": "f1"}, "main: 'f1' is not one of accuracy, f1_macro, f1_micro"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        PairClassification(options)


def test_the_bound_on_labels_can_be_raised() -> None:
    names = [str(n) for n in range(1001)]
    kind = PairClassification({"labels": names, "most_labels": 1001})
    assert kind.head().outputs == 1001 and PairClassification(kind.decisive_options()).head() == kind.head()
    with pytest.raises(ValueError, match="the label 'x' is not one of 0, 1, .*, 19 and 981 more"):
        kind.check({"label": "x"})


@pytest.mark.parametrize(
    ("kind", "row", "message"),
    [
        (ONE, {"label": "a", "text_a": " "}, "its text is empty"),
        (ONE, {"label": "c", "text_a": "x"}, "the label 'c' is not one of a, b"),
        (MANY, {"label": ["a", "d"], "text_a": "x"}, "the label 'd' is not one of a, b, c"),
        (MANY, {"label": "a", "text_a": "x"}, "'a' is not a list"),
        (MANY, {"label": [""], "text_a": "x"}, "its label is missing"),
        (NUMBER, {"label": "high", "text_a": "x"}, "the label 'high' is not a number"),
        (NUMBER, {"label": "nan", "text_a": "x"}, "the label 'nan' is not a number"),
        (NUMBER, {"label": "-1e200", "text_a": "x"}, "the label '-1e200' is larger than 1e.100, which no score can be"),
    ],
)
def test_rows_that_cannot_be_used_are_named(kind: Any, row: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kind.check(row)


@pytest.mark.parametrize(
    ("kind", "labels", "message"),
    [
        (ONE, ["a", "a"], "all rows have the label 'a'"),
        (MANY, [["a", "b"], ["b", "a"]], "all rows have the labels 'a, b'"),
        (NUMBER, ["2", "2.0"], "all rows have the number 2.0"),
    ],
)
def test_rows_of_one_label_teach_nothing(kind: Any, labels: list[Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kind.check_training({"label": labels})


def recipe(metric: str, **options: Any) -> Any:
    values = {"name": "x", "title": "x", "kind": "pair_classification", "phases": ["target"], "languages": ["en"]}
    sources = {"files": {"format": "csv", "splits": {"train": "train.csv"}}}
    return read_recipe({**values, "metric": metric, "options": options, "sources": sources}, where="x")


def test_a_task_shows_what_its_metric_gives_the_main_value_last() -> None:
    names = {"labels": ["a", "b"]}
    assert list(recipe("accuracy", **names).metric_labels) == ["accuracy"]
    assert list(recipe("f1_macro", **names).metric_labels) == ["f1_macro"]
    assert list(recipe("classification", **names).metric_labels)[-1] == "accuracy"
    found = recipe("classification", main="f1_macro", **names)
    assert list(found.metric_labels) == ["f1_micro", "accuracy", "f1_macro"]
    assert found.build_kind().main_score({"accuracy": 90.0, "f1_macro": 40.0}) == 40.0
    with pytest.raises(
        UsageError, match="'f1_macro', which the metric 'accuracy' does not give; 'classification' does"
    ):
        recipe("accuracy", main="f1_macro", **names)
    with pytest.raises(UsageError, match="'accuracy' scores a label each, and these rows have a number each"):
        recipe("accuracy", regression=True)


def test_predictions_of_other_forms_are_refused(tmp_path: Path) -> None:
    (tmp_path / "test-en.json").write_text('{"1": "a"}')
    with pytest.raises(DataError, match="the entry of '1' is 'a', not a list of labels. Write a list of labels"):
        MANY.read_predictions(tmp_path / "test-en.json", ["1"])
    assert {one.name for one in METRICS if one.answers == "number"} == {"regression", "spearman", "pearson", "mse"}


def test_each_category_has_a_value_of_its_own() -> None:
    kind = PairClassification({"labels": ["a", "b"], "categories": ["negation", "causal", "spatial"]})
    told = [["negation"], ["negation", "causal"], [], ["causal"]]
    rows = [
        {"id": str(n), "text_a": "x", "text_b": "y", "label": label, "language": "de", "categories": one}
        for n, (label, one) in enumerate(zip("abab", told, strict=True))
    ]
    found = kind.score(dict(zip("0123", "aaab", strict=True)), rows, metric="accuracy", language="de")
    assert found.metrics == {"accuracy": 75.0, "accuracy:negation": 50.0, "accuracy:causal": 50.0}
    assert found.items["1"] == {"accuracy": 0.0, "accuracy:negation": (0.0, 1.0), "accuracy:causal": (0.0, 1.0)}
    assert found.items["2"] == {"accuracy": 100.0, "accuracy:negation": (0.0, 0.0), "accuracy:causal": (0.0, 0.0)}
    assert "categories" in kind.columns({"labels": ["a", "b"], "categories": ["negation"]})
    assert "categories" not in PairClassification.columns({"labels": ["a", "b"]})
    with pytest.raises(ValueError, match="'lexical' is not one of the categories negation, causal"):
        kind.check({**rows[0], "categories": ["lexical"]})
    with pytest.raises(UsageError, match="categories have no meaning with multi_label or regression"):
        PairClassification({"regression": True, "categories": ["negation"]})
