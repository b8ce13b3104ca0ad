"""What a model is asked: each language for itself, or all candidates together."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest

import adapterstilts
from adapterstilts.files import write_json
from adapterstilts.registry import Entries, Origin, Registry
from adapterstilts.runs.content import entry_of
from adapterstilts.stages.answering.answers import _kept, each_ahead
from tests.runs.published import change


def test_the_next_one_is_made_while_one_is_used_and_no_more() -> None:
    begun: list[str] = []
    both = Barrier(2, timeout=60)

    def make(name: str) -> str:
        begun.append(name)
        if name == "b":
            both.wait()
        return name.upper()

    taken = []
    for name, made in each_ahead(make, "abcd"):
        taken.append((name, made))
        if name == "a":
            both.wait()  # nobody else could be here before "a" is done
            assert begun == ["a", "b"]
    assert taken == [("a", "A"), ("b", "B"), ("c", "C"), ("d", "D")]
    assert list(each_ahead(make, "")) == []


def test_what_is_made_knows_what_the_caller_does() -> None:
    mine, letters = Entries(), Registry[str]("letter")
    mine.adding("letter", Origin("folder", "./mine")).add("a", "alpha")
    with mine.in_use():
        assert list(each_ahead(letters.get, "aa")) == [("a", "alpha")] * 2


def test_what_cannot_be_made_fails_in_its_turn_and_nothing_goes_on_after_an_end() -> None:
    begun: list[str] = []

    def make(name: str) -> str:
        begun.append(name)
        if name == "b":
            raise ValueError(name)
        return name

    turns = each_ahead(make, "abc")
    assert next(turns) == ("a", "a")
    with pytest.raises(ValueError, match="b"):
        next(turns)
    assert begun in (["a", "b"], ["a", "b", "c"])
    begun.clear()
    turns = each_ahead(make, "acac")
    assert next(turns) == ("a", "a")
    turns.close()
    assert begun in (["a"], ["a", "c"])


@pytest.mark.slow
def test_right_answers_in_all_languages_count(suite: dict[str, Any]) -> None:
    """LAReQA: a question has a right answer in each language, and all are candidates for each question."""
    (row,) = adapterstilts.transfer("none", "lareqa", languages=("en", "de"), max_eval_examples=8, **suite).rows
    labels = json.loads((row.folder / "labels/lareqa/test-de.json").read_text())
    assert all({id_.split("-")[0] for id_ in gold} == {"en", "de"} for gold in labels.values())
    found = row.predictions("en")
    assert {id_.split("-")[0] for ranked in found.values() for id_ in ranked} == {"en", "de"}
    (alone,) = adapterstilts.transfer("none", "lareqa", languages=("de",), max_eval_examples=8, **suite).rows
    labels = json.loads((alone.folder / "labels/lareqa/test-de.json").read_text())
    assert all({id_.split("-")[0] for id_ in gold} == {"de"} for gold in labels.values())


def test_vectors_are_gone_on_with_as_they_were_written(tmp_path: Path) -> None:
    path, record = tmp_path / "vectors-en.npy", tmp_path / "vectors-en.attention.json"
    assert _kept(path, record) is None
    np.save(path, np.zeros((4, 3)))
    write_json(record, {"vectors": entry_of(path).model_dump(), "layers": {"3": {"a": 1.0}}})
    found = _kept(path, record)
    assert found is not None and found.layers == {"3": {"a": 1.0}}
    change(path)
    assert _kept(path, record) is None
    record.write_text("null")
    assert _kept(path, record) is None
