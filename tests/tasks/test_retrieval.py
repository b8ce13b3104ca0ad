"""Retrieval: the three modes, thresholds, pools and layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapterstilts.errors import UsageError
from adapterstilts.metrics.resampling import united
from adapterstilts.mini.tokenizer import build_tokenizer
from adapterstilts.settings import Encoding
from adapterstilts.tasks.retrieval import Retrieval
from adapterstilts.tasks.retrieval_options import preset, resolve_layer

SHORT = Encoding(max_length=16, stride=2, max_query_length=4)


def row(id_: str, side: str, gold: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    empty = {"context": "", "positive": "", "positive_context": "", "language": "de"}
    return {"id": id_, "side": side, "text": f"text {id_}", "gold": list(gold), **empty, **more}


def features(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"row": index, "candidate": int(one["side"] == "candidate")} for index, one in enumerate(rows)]


def test_a_text_and_its_context_are_separated_where_they_are_a_pair() -> None:
    texts = {
        "text": ["Paris"],
        "side": ["query"],
        "context": ["Ali was there."],
        "positive": [""],
        "positive_context": [""],
    }
    pair, joined = (Retrieval({"mode": "rank", "joined": joined}) for joined in (False, True))
    assert "separator" in pair.encoding_fields and "separator" not in joined.encoding_fields
    encoding = Encoding(max_length=32, max_query_length=32, separator=" and ")
    shared = {"tokenizer": build_tokenizer(), "encoding": encoding, "labels": False}
    expected = build_tokenizer()("Paris", " and Ali was there.")["input_ids"]
    assert pair.encode(texts, [0], **shared)["input_ids"] == [expected]
    assert joined.encode(texts, [0], **shared)["input_ids"] == [build_tokenizer()("ParisAli was there.")["input_ids"]]


def two_sides(pairs: int, noise: int, seed: int = 0) -> tuple[list[dict[str, Any]], list[np.ndarray]]:
    """Queries and candidates of which the first `pairs` belong together, with vectors that nearly show it."""
    rng = np.random.default_rng(seed)
    source = rng.normal(size=(pairs + noise, 16))
    target = rng.normal(size=(pairs + noise, 16))
    target[:pairs] = source[:pairs] + 0.3 * rng.normal(size=(pairs, 16))
    rows = [
        row(f"de-{number}", "query", (f"en-{number}",) if number < pairs else ()) for number in range(pairs + noise)
    ]
    rows += [row(f"en-{number}", "candidate") for number in range(pairs + noise)]
    return rows, [*source, *target]


def test_nearest_writes_the_line_of_each_translation(tmp_path: Path) -> None:
    kind = Retrieval({"mode": "nearest"})
    rows = [row(str(n), "query", (str(n),)) for n in range(3)] + [row(str(n), "candidate") for n in range(3)]
    vectors = [np.eye(3)[n] for n in (0, 2, 1, 0, 1, 2)]
    found = kind.decode(rows, features(rows), vectors, {})
    assert found == {"0": "0", "1": "2", "2": "1"}
    scores = kind.score(found, rows, metric="accuracy", language="de")
    assert scores.metrics == {"accuracy": pytest.approx(100 / 3)} and set(scores.items) == {"0", "1", "2"}
    kind.write_predictions(found, tmp_path / "test-de.tsv")
    kind.write_labels(rows, tmp_path / "labels.tsv")
    assert (tmp_path / "test-de.tsv").read_text() == "0\n2\n1\n"
    assert (tmp_path / "labels.tsv").read_text() == "0\n1\n2\n"
    assert kind.read_predictions(tmp_path / "test-de.tsv", ["0", "1", "2"]) == found


def test_nearest_scores_one_right_candidate_of_each_query() -> None:
    """A second one would never be counted as right, and a query without any has no line in the file of labels."""
    nearest, rank = Retrieval({"mode": "nearest"}), Retrieval({"mode": "rank"})
    nearest.check(row("0", "query", ("0",)))
    nearest.check(row("0", "candidate"))
    for gold in ((), ("0", "1")):
        rank.check(row("0", "query", gold))
        with pytest.raises(
            ValueError, match=f"the query has {len(gold)} right candidates, and 'mode: nearest' is about"
        ):
            nearest.check(row("0", "query", gold))


@pytest.mark.parametrize("margin", ["ratio", "absolute", "distance"])
def test_mined_pairs_depend_on_the_threshold_of_the_validation_data(margin: str, tmp_path: Path) -> None:
    kind = Retrieval({"mode": "mine", "margin": margin})
    validation, test = two_sides(30, 30, seed=1), two_sides(30, 30, seed=2)
    chosen = kind.calibrate(validation[0], features(validation[0]), validation[1])
    found = kind.decode(test[0], features(test[0]), test[1], chosen)
    everything = kind.decode(test[0], features(test[0]), test[1], {})
    assert len(found) < len(everything)
    scored = [kind.score(one, test[0], metric="pairs", language="de").metrics["f1"] for one in (found, everything)]
    assert scored[0] > max(80, scored[1] + 5)
    kind.write_predictions(found, tmp_path / "test-de.tsv")
    assert kind.read_predictions(tmp_path / "test-de.tsv", []) == found


def test_items_of_mined_pairs_add_up_to_the_metrics() -> None:
    kind = Retrieval({"mode": "mine"})
    rows, vectors = two_sides(20, 20)
    scores = kind.score(kind.decode(rows, features(rows), vectors, {}), rows, metric="pairs", language="de")
    for name, value in scores.metrics.items():
        above, below = np.sum([item[name] for item in scores.items.values()], axis=0)
        assert above / below == pytest.approx(value)


def test_rankings_keep_twenty_and_find_all_right_answers(tmp_path: Path) -> None:
    kind = Retrieval({"mode": "rank"})
    rows = [row("q", "query", ("c1", "c2")), *(row(f"c{n}", "candidate") for n in range(30))]
    vectors = [np.eye(31)[0] + 0.5 * np.eye(31)[1], *(np.eye(31)[(n - 1) % 31] for n in range(30))]
    found = kind.decode(rows, features(rows), vectors, {})
    assert found["q"][:2] == ["c1", "c2"] and len(found["q"]) == 20
    assert kind.score(found, rows, metric="map@20", language="de").metrics == {"map@20": 100.0}
    kind.write_predictions(found, tmp_path / "test-de.json")
    assert kind.read_predictions(tmp_path / "test-de.json", []) == found


def test_questions_on_a_paragraph_are_one_group_in_all_languages() -> None:
    """As XQuAD-R has ids: those of queries end in the language, and those of sentences begin with it."""
    codes, kind = ("de", "ar"), Retrieval({"mode": "rank", "pool": "all"})
    sentences = [
        row(f"{code}_{number}_{place}", "candidate", context=f"{code} paragraph {number}")
        for code in codes
        for number in (1, 2)
        for place in (0, 1)
    ]
    # Two questions on the first paragraph, of different sentences, and one on the second; one without an answer.
    asked = {"a": (1, 0), "b": (1, 1), "c": (2, 0), "d": None}
    found = {}
    for code in codes:
        gold = {id_: tuple(f"{one}_{at[0]}_{at[1]}" for one in codes) if at else () for id_, at in asked.items()}
        rows = [*(row(f"{id_}_{code}", "query", right) for id_, right in gold.items()), *sentences]
        answers = {f"{id_}_{code}": ["de_1_0"] for id_ in asked}
        found[code] = kind.score(answers, rows, metric="map@20", language=code).groups
    groups = united(one for one in found.values() if one)
    assert len({groups[f"{id_}_{code}"] for id_ in "ab" for code in codes}) == 1
    assert groups["c_de"] == groups["c_ar"] != groups["a_de"]
    assert len({groups[f"{id_}_de"] for id_ in asked}) == 3 and groups["d_de"] != groups["d_ar"]


def test_training_rows_bring_their_answers_and_equal_answers_are_one() -> None:
    kind = Retrieval({"mode": "rank"})
    answer = {"positive": "Anna sold it .", "positive_context": "Anna sold it . Maria came ."}
    rows = [row("a", "query", **answer), row("b", "query", **answer), row("c", "query", positive="Maria came .")]
    columns = {name: [one[name] for one in rows] for name in rows[0]}
    shared = {"tokenizer": build_tokenizer(), "encoding": SHORT}
    trained = kind.encode(columns, range(3), labels=True, **shared)
    assert [len(pair) for pair in trained["input_ids"]] == [2, 2, 2]
    assert trained["positive_id"][0] == trained["positive_id"][1] != trained["positive_id"][2]
    held_out = kind.encode(columns, range(3), labels=False, **shared)
    found = [dict(zip(held_out, values, strict=True)) for values in zip(*held_out.values(), strict=True)]
    assert [one["candidate"] for one in found] == [0, 0, 0, 1, 1, 1]
    vectors = [np.eye(3)[n] for n in (0, 0, 1, 0, 0, 1)]
    predictions = kind.decode(rows, found, vectors, {})
    assert all(len(ranked) == 2 for ranked in predictions.values())
    assert kind.score(predictions, rows, metric="map@20", language="en").metrics == {"map@20": 100.0}


def test_layers_are_numbers_or_shares_of_the_depth() -> None:
    assert resolve_layer("14/24", 24) == 14 and resolve_layer("14/24", 12) == 7 and resolve_layer("14/24", 6) == 4
    assert resolve_layer("20/24", 24) == 20 and resolve_layer(0, 4) == 0
    with pytest.raises(ValueError, match="layer 5 is not one of the 4 layers"):
        resolve_layer(5, 4)
    for wrong in ("25/24", "half", "1/0"):
        with pytest.raises(UsageError, match="neither a number nor a share of the depth"):
            Retrieval({"mode": "mine", "layer": wrong})


@pytest.mark.parametrize(
    ("name", "mode", "layers", "pooling"),
    [
        # Depth to the hidden state that is read.
        ("jiant", "nearest", {24: 14, 12: 7, 4: 2}, "mean"),
        ("jiant", "mine", {24: 14, 12: 7, 4: 2}, "mean"),
        ("xtreme", "nearest", {24: 14, 12: 8, 6: 4, 16: 11, 18: 10, 36: 21}, "mean"),
        ("xtreme", "mine", {24: 20, 12: 8, 6: 4, 16: 11, 18: 15, 36: 30}, "first"),
    ],
)
def test_presets_read_the_layers_of_the_published_scripts(
    name: str, mode: str, layers: dict[int, int], pooling: str
) -> None:
    for depth, number in layers.items():
        kind = Retrieval({"mode": mode, **preset(name, mode, depth)})
        assert resolve_layer(kind.options.layer, depth) == number and kind.options.pooling == pooling
    assert Retrieval({"mode": mode}).options == Retrieval({"mode": mode, **preset("jiant", mode, 12)}).options


def test_repeated_sentences_are_paired_wherever_they_are_or_left_out(tmp_path: Path) -> None:
    rows, vectors = two_sides(10, 0)
    for side in (0, 10):  # the first two sentences of either side are equal, and so are their translations
        rows[side + 1], vectors[side + 1] = {**rows[side + 1], "text": rows[side]["text"]}, vectors[side]
    dropped = Retrieval({"mode": "mine", "repeated": "drop"}).decode(rows, features(rows), vectors, {})
    assert {"de-0", "de-1"} & set(dropped) == set() and len(dropped) == 8
    kind = Retrieval({"mode": "mine"})
    found = kind.decode(rows, features(rows), vectors, {})
    assert found["de-0"] == found["de-1"] == ["en-0", "en-1"]
    kind.write_predictions(found, tmp_path / "test-de.tsv")
    assert kind.read_predictions(tmp_path / "test-de.tsv", []) == found
    assert (tmp_path / "test-de.tsv").read_text().count("\n") == 12
    scores = kind.score(found, rows, metric="pairs", language="de")
    assert scores.metrics["precision"] == pytest.approx(100 * 10 / 12) and scores.metrics["recall"] == 100
    for name, value in scores.metrics.items():
        above, below = np.sum([item[name] for item in scores.items.values()], axis=0)
        assert above / below == pytest.approx(value)


def test_a_candidate_can_be_one_text_with_its_context() -> None:
    tokenizer = build_tokenizer()
    answer = {"positive": "Anna sold it .", "positive_context": "Anna sold it .\n Maria came ."}
    rows = [row("a", "query", text="Who sold it ?", **answer), row("b", "candidate", context="Anna sold it .")]
    columns = {name: [one[name] for one in rows] for name in rows[0]}
    shared = {"tokenizer": tokenizer, "encoding": Encoding(max_length=9, stride=2, max_query_length=4)}
    joined, paired = (
        Retrieval({"mode": "rank", "joined": joined}).encode(columns, range(2), labels=False, **shared)["input_ids"]
        for joined in (True, False)
    )
    whole = tokenizer("Anna sold it .Anna sold it . Maria came .")["input_ids"]
    # The question is cut to its own length, the answer to the whole one, at its end.
    assert joined[0] == tokenizer("Who sold it ?", truncation=True, max_length=4)["input_ids"] == paired[0]
    assert joined[1] == tokenizer("text bAnna sold it .", truncation=True, max_length=9)["input_ids"]
    assert joined[2] == [*whole[:8], tokenizer.sep_token_id] and paired[2] != joined[2]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [(row("a", "both"), "side 'both' is neither"), ({**row("a", "query"), "text": " "}, "the text is empty")],
)
def test_unusable_rows_are_refused(bad: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Retrieval({"mode": "rank"}).check(bad)
