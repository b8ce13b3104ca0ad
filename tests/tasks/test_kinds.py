"""What a kind says about its form, for every task of the catalogue and for a kind that says nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.sources.open import open_source
from adapterstilts.data.translation.reading import from_english, into_english, open_translations
from adapterstilts.data.translation.texts import check_translatable, translate_row
from adapterstilts.errors import UsageError
from adapterstilts.mini.tokenizer import build_tokenizer
from adapterstilts.modeling.heads import HEADS
from adapterstilts.registry import Entries, Origin
from adapterstilts.settings import Encoding, Strict
from adapterstilts.tasks.defaults import KindDefaults
from adapterstilts.tasks.kind import KINDS, Kind
from adapterstilts.tasks.retrieval import Retrieval
from tests.package_tasks import recipe, suite_names

TASKS = suite_names()
SMALL = Encoding(max_length=24, stride=4, max_query_length=6)
OTHER = {"max_length": 22, "stride": 3, "max_query_length": 5, "separator": " and "}


class Silent(KindDefaults):
    """A kind from outside the package that says nothing about translations."""

    name = "silent"

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = Strict()


def rows_of(name: str) -> Any:
    """A few rows of a task's test data: the first ones and the last, which are the candidates of retrieval."""
    task, source = recipe(name), open_source("mini", None)
    split = "test" if task.sources.mini.has("test") else "validation"
    rows = source.load(task, split, source.languages(task, None)[0], BadRows(skip=False))
    return rows.select([*range(12), *range(len(rows) - 12, len(rows))])


def long_columns(rows: Any) -> dict[str, list]:
    """The rows with texts, words and tags that exceed every length."""
    repeated = {"text", "text_a", "text_b", "context", "question", "positive", "positive_context"}
    listed = {"tokens", "tags"}
    return {
        name: [" ".join([one] * 8) if name in repeated else one * 8 if name in listed else one for one in rows[name][:]]
        for name in rows.column_names
    }


def encoded(kind: Kind, columns: dict[str, list], encoding: Encoding) -> Mapping[str, list]:
    count = len(columns["id"])
    return kind.encode(columns, list(range(count)), tokenizer=build_tokenizer(), encoding=encoding, labels=False)


@pytest.mark.slow(but=6)
@pytest.mark.parametrize("name", TASKS)
def test_the_fields_that_decide_inputs_are_those_that_are_named(name: str) -> None:
    kind, rows = recipe(name).build_kind(), long_columns(rows_of(name))
    before = encoded(kind, rows, SMALL)
    for field, value in OTHER.items():
        changed = encoded(kind, rows, SMALL.model_copy(update={field: value})) != before
        assert changed == (field in kind.encoding_fields), field


@pytest.mark.parametrize("name", TASKS)
def test_a_kind_is_built_again_from_its_decisive_options(name: str) -> None:
    kind = recipe(name).build_kind()
    told = kind.decisive_options()
    assert KINDS.get(kind.name)(told).decisive_options() == told
    if kind.name != "retrieval":
        assert told == kind.options.model_dump(mode="json")


CHANGED = {
    "pool": "all", "layer": 3, "pooling": "first", "repeated": "drop", "margin": "distance", "neighbours": 2,
    "joined": True, "negatives": 7,
}  # fmt: skip


@pytest.mark.parametrize(
    ("mode", "read"),
    [
        ("nearest", {"pool", "layer", "pooling"}),
        ("mine", {"pool", "layer", "pooling", "repeated", "margin", "neighbours"}),
        ("rank", {"pool", "pooling", "joined", "negatives"}),
    ],
)
def test_options_that_a_mode_of_retrieval_does_not_read_are_not_told(mode: str, read: set[str]) -> None:
    usual = Retrieval({"mode": mode})
    assert set(usual.decisive_options()) == {"mode", *read} and set(CHANGED) < set(usual.options.model_dump())
    rng = np.random.default_rng(0)
    texts = [f"text {number % 11}" for number in range(24)]
    rows = [
        {
            "id": str(n),
            "side": "query" if n < 12 else "candidate",
            "text": text,
            "context": "",
            "gold": [str(n + 12)] if n < 12 else [],
        }
        for n, text in enumerate(texts)
    ]
    features = [{"row": n, "candidate": int(n >= 12)} for n in range(24)]
    vectors = list(rng.normal(size=(24, 6)))

    asked = {"text": ["Anna"], "context": ["Anna sold it ."], "side": ["candidate"], "positive": [""]}
    tokenizer = build_tokenizer()

    def behaviour(kind: Retrieval) -> tuple[Any, ...]:
        found = kind.decode(rows, features, vectors, {})
        read = kind.encode({**asked, "positive_context": [""]}, [0], tokenizer=tokenizer, encoding=SMALL, labels=False)
        return found, kind.calibrate(rows, features, vectors), kind.head(), kind.pools, kind.comparing, read

    for name, value in CHANGED.items():
        other = Retrieval({"mode": mode, name: value})
        again = Retrieval(other.decisive_options())
        assert behaviour(again) == behaviour(other), name
        assert (other.decisive_options() == usual.decisive_options()) == (name not in read), name
        assert (behaviour(other) == behaviour(usual)) == (name not in read), name


@pytest.mark.parametrize("name", TASKS)
def test_what_is_said_about_text_and_head_belongs_together(name: str) -> None:
    kind = recipe(name).build_kind()
    assert kind.pretrained_head == HEADS.get(kind.head().name).pretrained
    assert kind.own_text <= (kind.untranslatable is not None)
    assert bool(kind.translated_columns) == (kind.untranslatable is None)
    assert kind.untranslatable is None or kind.unscorable_in_translation


@pytest.mark.parametrize("name", [name for name in TASKS if recipe(name).build_kind().untranslatable is None])
def test_translated_columns_are_those_that_change(name: str) -> None:
    kind = recipe(name).build_kind()
    row = {**rows_of(name)[0], "context": "One. Two."} if "context" in kind.features() else rows_of(name)[0]
    row |= {"answers": {"text": ["Two"], "answer_start": [5]}} if "answers" in row else {}
    made = translate_row(kind, row, lambda text: text.swapcase() if text.isascii() else f"{text}!", language="de")
    kind.check(made)
    changed = {column for column in row if made[column] != row[column] and column not in ("language", "answers")}
    assert changed == {column for column in kind.translated_columns if row[column]}
    assert {"id", "label"} & set(row) <= {column for column in row if made[column] == row[column]}


@pytest.fixture
def silent() -> Iterator[None]:
    entries = Entries()
    entries.adding(KINDS.what, Origin("folder", "./mine")).add("silent", Silent)
    with entries.in_use():
        yield


@pytest.mark.usefixtures("silent")
def test_a_kind_that_says_nothing_about_translation_is_refused_in_plain_words() -> None:
    task = recipe("mnli").model_copy(update={"name": "headlines", "kind": "silent", "options": {}})
    suite = open_translations(None, open_source("mini", None), flag="--translations")
    reason = "its kind does not say what a translation makes of a row"
    with pytest.raises(UsageError, match=f"^headlines cannot be translated: {reason}. Translate a task with one label"):
        check_translatable(task)
    with pytest.raises(UsageError, match=f"--translate-test: headlines cannot be scored in translation: {reason}"):
        into_english(suite, task, "test", ["de"])
    with pytest.raises(UsageError, match=f"headlines has no translations to train on: {reason}. Train it in English"):
        from_english(None, task, "train", ["de"])


@pytest.mark.usefixtures("silent")
def test_a_kind_that_can_be_translated_has_to_say_whether_it_can_be_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Silent, "untranslatable", None)
    task = recipe("mnli").model_copy(update={"name": "headlines", "kind": "silent", "options": {}})
    check_translatable(task)
    suite = open_translations(None, open_source("mini", None), flag="--translations")
    with pytest.raises(UsageError, match="does not say that an answer to a translation is one to the original"):
        into_english(suite, task, "test", ["de"])
