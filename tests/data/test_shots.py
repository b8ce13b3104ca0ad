"""Which rows are drawn: nested, another order for each draw, and never one about a text that is scored."""

from __future__ import annotations

from typing import Any

import pytest

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.shots import digest, draw_shots, rows_to_draw_from, shot_rows
from adapterstilts.data.sources.mini import MiniRows
from adapterstilts.errors import DataError
from adapterstilts.runs.shots import Shots
from adapterstilts.runs.training_data import TrainingData
from tests.package_tasks import recipe


class Overlapping(MiniRows):
    """The suite's rows, of which the first of the validation split have the contexts of those of the test split."""

    def load(self, task: Any, split: str, language: str, bad: BadRows) -> Any:
        rows = super().load(task, split, language, bad)
        if split != "validation":
            return rows
        scored = super().load(task, "test", language, bad)["context"][:6]
        contexts = [*scored, *rows["context"][6:]]
        return rows.remove_columns("context").add_column("context", contexts).cast(rows.features)


@pytest.fixture(scope="module")
def pool() -> Any:
    rows, left_out = rows_to_draw_from(
        MiniRows(), recipe("mlqa"), "validation", "de", BadRows(skip=False), apart_from=("test",)
    )
    assert len(rows) == 100 and left_out == 0
    return rows


def test_of_one_draw_fewer_are_among_more(pool: Any) -> None:
    for draw in (1, 2, 3):
        sizes = [set(draw_shots(pool, count, draw)["id"]) for count in (1, 10, 50, 100)]
        assert [len(one) for one in sizes] == [1, 10, 50, 100]
        assert sizes[0] < sizes[1] < sizes[2] < sizes[3]


def test_each_draw_is_another_sample_and_always_the_same(pool: Any) -> None:
    drawn = [draw_shots(pool, 10, draw) for draw in (1, 2, 3, 1)]
    assert len({digest(rows) for rows in drawn}) == 3 and digest(drawn[0]) == digest(drawn[3])
    # The rows keep their order, so that all of them are the same ones whatever the draw.
    assert digest(draw_shots(pool, 100, 1)) == digest(draw_shots(pool, 100, 2)) == digest(pool)


def test_rows_that_share_a_text_with_scored_ones_are_not_there_to_be_drawn() -> None:
    task, source = recipe("mlqa"), Overlapping()
    rows, left_out = rows_to_draw_from(source, task, "validation", "de", BadRows(skip=False), apart_from=("test",))
    scored = set(source.load(task, "test", "de", BadRows(skip=False))["context"])
    everything = source.load(task, "validation", "de", BadRows(skip=False))
    shared = sum(context in scored for context in everything["context"])
    assert left_out == shared >= 6 and len(rows) == 100 - shared
    assert not scored.intersection(rows["context"])


def test_rows_that_changed_since_are_refused(pool: Any) -> None:
    shots = Shots(language="de", count=5, of=100, split="validation", apart_from={"test": ""}, digest="")
    data = TrainingData(task="mlqa", source="mini", fingerprints={"train": {"de": ""}}, shots=shots)
    with pytest.raises(DataError, match="The de rows of mlqa are not those that were drawn from"):
        shot_rows(MiniRows(), recipe("mlqa"), data, BadRows(skip=False))
    drawn = draw_shots(pool, 5, 1)
    same = data.model_copy(update={"shots": shots.model_copy(update={"digest": digest(drawn)})})
    assert shot_rows(MiniRows(), recipe("mlqa"), same, BadRows(skip=False))["id"] == drawn["id"]
