"""Rows in a file: the same as in memory."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import Dataset, concatenate_datasets
from hypothesis import given, settings
from hypothesis import strategies as st

from adapterstilts.data import spilled
from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.ranks import rank
from adapterstilts.data.sources.rows import canonical_rows
from adapterstilts.data.spilled import RowStore, each_row
from adapterstilts.data.splits import hold_out
from adapterstilts.errors import AstiltsError, DataError
from adapterstilts.tasks.catalogue import read_recipe
from adapterstilts.tasks.kind import draw
from adapterstilts.tasks.recipe import Recipe
from adapterstilts.tasks.span_qa import SpanQA

FEATURES = SpanQA.features()
FILES = {"format": "csv", "splits": {"train": "train.csv"}}


def task(kind: str, options: dict[str, Any], metric: str) -> Recipe:
    said = {"name": "mine", "title": "Mine", "kind": kind, "phases": ["intermediate"], "languages": ["en"]}
    return read_recipe({**said, "options": options, "metric": metric, "sources": {"files": FILES}}, where="here")


PAIR = task("pair_classification", {"labels": ["no", "yes"]}, "accuracy")


def asked(number: int) -> dict[str, Any]:
    context = f"Anna {number // 2} cäme."
    answers = {"text": ["Anna"] * (number % 3), "answer_start": [0] * (number % 3)}
    return {"id": str(number), "language": "en", "context": context, "question": "Who?", "answers": answers}


def pair(number: int, label: Any = "yes") -> dict[str, Any]:
    return {"id": str(number), "language": "en", "text_a": f"a {number}", "text_b": "b", "label": label, "more": 1}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """So few rows are many."""
    monkeypatch.setattr(spilled, "IN_MEMORY", 5)
    monkeypatch.setattr(spilled, "_AT_ONCE", 3)
    yield


def stored(count: int) -> RowStore:
    store = RowStore(FEATURES)
    for number in range(count):
        store.add(asked(number))
    return store


@pytest.mark.parametrize("count", [1, 4, 5, 6, 8, 9, 40])
def test_rows_come_back_as_they_were(few: None, count: int) -> None:
    store = stored(count)
    rows = [asked(number) for number in range(count)]
    assert len(store) == count and [*store.rows()] == rows and store.rows()[count - 1] == rows[-1]
    found = store.dataset()
    assert found.to_list() == rows and found.features == FEATURES and [*each_row(found)] == rows
    assert count == 1 or store.dataset(without=[0]).to_list() == rows[1:]


def test_many_rows_leave_no_file(few: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    found = stored(40).dataset()
    assert found.cache_files == [] and [*tmp_path.iterdir()] == [] and found[39]["id"] == "39"


def test_what_is_made_of_a_data_set_outlives_it(few: None) -> None:
    found = stored(40).dataset()
    chosen, both = found.select([30, 2]), concatenate_datasets([found, draw(found, 3)])
    copy = pickle.loads(pickle.dumps(found))
    mapped = found.map(lambda row: {"length": len(row["context"])})
    del found
    assert chosen["id"][:] == ["30", "2"] and len(both) == 43 and copy[7] == asked(7) and len(mapped) == 40


def test_a_full_disk_is_an_error_that_says_where(few: None, monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no disk that is always full")
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: open("/dev/full", "r+b", buffering=0))  # noqa: SIM115, PTH123
    with pytest.raises(DataError, match=r"The rows do not fit into .* \(No space left on device\).*TMPDIR"):
        stored(40)


ROWS: dict[str, list[dict[str, Any]]] = {
    "good": [pair(n, "yes" if n % 2 else "no") for n in range(20)],
    "bad_labels": [pair(n, ("yes", "no", "maybe", "")[n % 4]) for n in range(20)],
    "hidden": [pair(n, "") for n in range(20)],
    "all_the_same": [pair(n, "no") for n in range(250)],
    "numbers": [pair(n, n % 2) for n in range(20)],
    "no_label": [{key: value for key, value in pair(n).items() if key != "label" or n % 5} for n in range(20)],
    "none": [],
}


def outcome(rows: list[dict[str, Any]], split: str | None, skip: bool) -> tuple[Any, ...]:
    bad = BadRows(skip=skip)
    try:
        found = canonical_rows(PAIR, ((f"place {n}", row) for n, row in enumerate(rows)), "here", bad, split=split)
    except AstiltsError as error:
        return str(error), dict(bad.counts), bad.hidden
    return found.to_list(), found.features, dict(bad.counts), bad.hidden


@pytest.mark.parametrize("skip", [True, False])
@pytest.mark.parametrize("split", ["train", "validation", "test", None])
@pytest.mark.parametrize("rows", ROWS)
def test_checks_and_errors_are_those_of_rows_in_memory(
    rows: str, split: str | None, skip: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = outcome(ROWS[rows], split, skip)
    monkeypatch.setattr(spilled, "IN_MEMORY", 10)
    monkeypatch.setattr(spilled, "_AT_ONCE", 30)
    assert outcome(ROWS[rows], split, skip) == expected


def whole(groups: list[str], size: int) -> tuple[list[int], list[int]]:
    """Numbers of the rows that stay and that are held out, told with all groups at once."""
    names = list(dict.fromkeys(groups))
    wanted, held = min(size, max(1, len(groups) // 10)), []
    for name in sorted(names, key=rank)[: len(names) - 1]:
        if len(held) >= wanted and rank(name) >= 0.01:
            break
        held += [number for number, group in enumerate(groups) if group == name]
    return sorted(set(range(len(groups))) - set(held)), sorted(held)


GROUPS: Callable[[], Any] = lambda: st.lists(st.integers(0, 400).map(lambda n: f"c{n}" + " " * (n % 2)), min_size=2)  # noqa: E731


@settings(max_examples=100, deadline=None)
@given(GROUPS(), st.integers(1, 50))
def test_what_is_held_out_is_what_all_groups_together_say(groups: list[str], size: int) -> None:
    rows = Dataset.from_dict({"n": np.arange(len(groups)), "group": groups})
    if len(set(groups)) < 2:
        with pytest.raises(DataError, match="belong together"):
            hold_out(rows, size, group=lambda row: row["group"])
        return
    found = hold_out(rows, size, group=lambda row: row["group"])
    assert tuple(part["n"][:] for part in found) == whole(groups, size)
