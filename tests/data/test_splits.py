from __future__ import annotations

from operator import itemgetter
from pathlib import Path

import pytest
from datasets import Dataset

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.sources.files import FileRows
from adapterstilts.data.sources.open import open_source
from adapterstilts.data.splits import evaluation_split, hold_out, training_rows
from adapterstilts.errors import DataError, UsageError
from adapterstilts.runs.training_data import TrainingData
from adapterstilts.tasks.kind import draw
from tests.conftest import write_squad
from tests.package_tasks import recipe


def numbered(count: int, *, per_group: int = 1) -> Dataset:
    return Dataset.from_list([{"id": n, "context": f"c{n // per_group}"} for n in range(count)])


def test_smaller_subsets_are_part_of_larger_ones() -> None:
    rows = numbered(100)
    small, large = (set(draw(rows, size)["id"][:]) for size in (10, 30))
    assert len(small) == 10 and small < large
    assert draw(rows, None) is rows and draw(rows, 100) is rows


@pytest.mark.parametrize(("size", "expected"), [(5, 6), (50, 12), (1, 3)])
def test_held_out_groups_are_whole(size: int, expected: int) -> None:
    """120 rows in groups of three: a tenth at most is held out, by whole groups."""
    rest, held = hold_out(numbered(120, per_group=3), size, group=itemgetter("context"))
    assert len(held) == expected and len(rest) == 120 - expected
    assert not set(rest["context"][:]) & set(held["context"][:])


def test_what_one_data_set_holds_out_another_does_not_train_on() -> None:
    """SQuAD 2.0 has the paragraphs of SQuAD 1.1, but other numbers of questions on them, in another order."""
    first = Dataset.from_list([{"context": f"c{n // 2}"} for n in range(40_000)])
    second = Dataset.from_list([{"context": f" c{n // 3} "} for n in reversed(range(60_000))])
    (_, held), (rest, other) = (hold_out(rows, 200, group=itemgetter("context")) for rows in (first, second))
    assert 300 < len(held) < 500 and 450 < len(other) < 750
    assert not set(held["context"][:]) & {context.strip() for context in rest["context"][:]}


def test_one_group_cannot_be_split() -> None:
    with pytest.raises(DataError, match="All 3 training rows belong together"):
        hold_out(numbered(3, per_group=3), 1, group=itemgetter("context"))


def test_validation_is_held_out_of_training_and_not_of_the_test_data(releases: Path) -> None:
    source = FileRows(releases)
    data = TrainingData(task="squad", source="files", fingerprints={"train": {"en": ""}}, holdout=500, max_examples=50)
    train, validation = training_rows(source, recipe("squad"), data, BadRows(skip=False))
    test = source.load(recipe("squad"), "test", "en", BadRows(skip=False))
    assert (len(train), len(validation)) == (50, 16)
    contexts = [set(rows["context"][:]) for rows in (train, validation, test)]
    assert not contexts[0] & contexts[1] and not contexts[1] & contexts[2]


def test_evaluation_prefers_the_test_split_and_says_what_is_missing(releases: Path, tmp_path: Path) -> None:
    source = FileRows(releases)
    assert evaluation_split(source, recipe("xquad"), ("en", "de"), None) == "test"
    assert evaluation_split(source, recipe("mlqa"), ("en", "de"), None) == "validation"
    rows = [{"id": "1", "context": "Anna.", "question": "Who?", "answers": {"text": ["Anna"], "answer_start": [0]}}]
    write_squad(tmp_path / "mlqa/MLQA_V1/test/test-context-en-question-en.json", rows)
    with pytest.raises(DataError, match=r"missing .*test-context-de-question-de.json. Score .*--languages en\."):
        evaluation_split(FileRows(tmp_path), recipe("mlqa"), ("en", "de"), None)


def test_sources_are_opened_by_name(tmp_path: Path) -> None:
    assert open_source("hub", None).name == "hub"
    with pytest.raises(UsageError, match="Did you mean 'mini'"):
        open_source("mimi", None)
    with pytest.raises(UsageError, match="--data-dir"):
        open_source("files", None)
    with pytest.raises(UsageError, match="is not a folder"):
        open_source("files", tmp_path / "absent")


def test_fingerprints_follow_the_content(tmp_path: Path) -> None:
    path = tmp_path / "xquad/xquad.en.json"
    rows = [{"id": "1", "context": "Anna.", "question": "Who?", "answers": {"text": ["Anna"], "answer_start": [0]}}]
    write_squad(path, rows)
    before = FileRows(tmp_path).fingerprint(recipe("xquad"), "test", "en")
    write_squad(path, [{**rows[0], "question": "Who ?"}])
    assert FileRows(tmp_path).fingerprint(recipe("xquad"), "test", "en") != before
    hub = open_source("hub", None)
    assert recipe("xquad").sources.hub.revision in hub.fingerprint(recipe("xquad"), "test", "de")


def test_split_without_usable_rows_is_an_error(tmp_path: Path) -> None:
    write_squad(tmp_path / "xquad/xquad.en.json", [])
    with pytest.raises(DataError, match="there is no usable row"):
        FileRows(tmp_path).load(recipe("xquad"), "test", "en", BadRows(skip=False))


def test_where_no_row_can_be_used_the_reasons_are_told(tmp_path: Path) -> None:
    good = {"id": "1", "context": "Anna.", "question": "Who?", "answers": {"text": ["Anna"], "answer_start": [0]}}
    write_squad(tmp_path / "xquad/xquad.en.json", [{**good, "context": " "}])
    bad = BadRows(skip=True)
    bad.counts["in another file"] = 9
    with pytest.raises(DataError, match=r"there is no usable row: the context is missing or empty \(1\)\. Check"):
        FileRows(tmp_path).load(recipe("xquad"), "test", "en", bad)
