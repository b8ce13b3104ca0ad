"""Labelled rows of another language in a spec: what they are called, and that no other spec is changed by them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from adapterstilts.runs.shots import Shots
from adapterstilts.runs.specs import canonical_json, key
from adapterstilts.runs.training_data import TrainingData

DATA = TrainingData(task="mlqa", source="mini", fingerprints={"train": {"de": "x"}})
SHOTS = Shots(language="de", count=10, of=200, draw=2, split="train", apart_from={"test": "y"}, digest="z")


def test_without_shots_a_spec_says_nothing_of_them() -> None:
    assert "shots" not in canonical_json(DATA)
    with_them = DATA.model_copy(update={"shots": SHOTS})
    assert '"shots":{"apart_from":{"test":"y"},"count":10,"digest":"z","draw":2,' in canonical_json(with_them)
    assert with_them.languages == ("de",) and not with_them.selects


@pytest.mark.parametrize("changed", [{"count": 9}, {"draw": 3}, {"digest": "w"}, {"apart_from": {"test": "v"}}])
def test_everything_about_them_is_part_of_the_key(changed: dict) -> None:
    keys = {key(DATA.model_copy(update={"shots": SHOTS.model_copy(update=one)})) for one in ({}, changed)}
    assert len(keys) == 2


def test_what_they_are_called() -> None:
    assert str(SHOTS) == "10 labelled German rows (draw 2, from 200)" and SHOTS.label == "de-10-draw2"
    every = SHOTS.model_copy(update={"count": 200, "draw": 1, "split": "file"})
    assert str(every) == "200 labelled German rows of a file" and every.label == "de-200"
    assert str(SHOTS.model_copy(update={"count": 1})).startswith("1 labelled German row (")
    with pytest.raises(ValidationError):
        Shots.model_validate({**SHOTS.model_dump(), "count": 0})
