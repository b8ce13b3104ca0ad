"""Labels that are none: rows that all have the same one, or something in its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.sources.files import FileRows
from adapterstilts.errors import DataError
from adapterstilts.tasks.catalogue import read_recipe
from adapterstilts.tasks.recipe import Recipe
from tests.package_tasks import recipe

MENTION = {"example_id": "m1", "mention_span": {"start": 0, "end": 3, "text": "Ann"}, "entity_id": ""}
ARTICLE = {
    "context": {"language": "de", "text": "Ann came.", "sentence_spans": [{"start": 0, "end": 9}]},
    "mentions": [MENTION],
}
ENTITY = {"entity_id": "Q1", "title": "Ann", "description": "A name.", "description_language": "en"}


def load(root: Path, task: str | Recipe, split: str, language: str, files: dict[str, str]) -> tuple[Any, BadRows]:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    bad = BadRows(skip=False)
    task = recipe(task) if isinstance(task, str) else task
    return FileRows(root).load(task, split, language, bad).to_list(), bad


def lines(count: int, **record: Any) -> str:
    return "".join(json.dumps({**record, "premise": f"{number}."}) + "\n" for number in range(count))


def questions(count: int) -> str:
    """SQuAD's JSON without any answer."""
    qas = [{"id": str(number), "question": "Who?", "answers": []} for number in range(count)]
    return json.dumps({"data": [{"paragraphs": [{"context": "Ann came.", "qas": qas}]}]})


COPA = {"choice1": "a", "choice2": "b", "question": "cause"}
# task, file, its text, and how it is said
SAME: dict[str, tuple[str, str, str, str]] = {
    "xnli": ("xnli", "xnli/test-de.tsv", "A\tB\tentailment\n" * 20, "all 20 labels are 'entailment'"),
    "pawsx": ("pawsx", "pawsx/test-de.tsv", "A\tB\t0\n" * 1200, "all 1,200 labels are '0'"),
    "xcopa": ("xcopa", "xcopa/zh/test.zh.jsonl", lines(20, **COPA, label=0), "all 20 labels are the first choice"),
    "panx": ("panx", "panx/test-de.tsv", "Anna\tO\nging\tO\n\n" * 20, "all 20 sentences have the tag 'O' at every"),
    "udpos": ("udpos", "udpos/test-de.tsv", "Anna\tX\n\n" * 20, "all 20 sentences have the tag 'X' at every word"),
    "squad_v2": (
        "squad_v2", "squad_v2/dev-v2.0.json", questions(200), "all 200 questions are without answer",
    ),
    "tatoeba": (
        "tatoeba", "tatoeba/de-en.en", "".join(f"Sentence {n:02}.\n" for n in range(20)),
        "the English sentences are in alphabetical order",
    ),
}  # fmt: skip
# task, file, its text: gold, although there is little of it or it is nearly always the same
GOLD: dict[str, tuple[str, str, str]] = {
    "few": ("xnli", "xnli/test-de.tsv", "A\tB\tentailment\n" * 19),
    "not_the_first": ("xnli", "xnli/test-de.tsv", "A\tB\tneutral\n" * 20),
    "all_but_one": ("pawsx", "pawsx/test-de.tsv", "A\tB\t0\n" * 30 + "A\tB\t1\n"),
    "no_answer": ("squad_v2", "squad_v2/dev-v2.0.json", questions(199)),
    "choices": ("xcopa", "xcopa/zh/test.zh.jsonl", lines(20, **COPA, label=1)),
    "tags": ("panx", "panx/test-de.tsv", "Anna\tO\n\n" * 20 + "Rom\tB-LOC\n"),
}
# task, file, its text: nothing in the place of labels, or what releases have for "hidden"
EMPTY: dict[str, tuple[str, str, str]] = {
    "xcopa": ("xcopa", "xcopa/test-zh.jsonl", lines(2, **COPA, label=-1)),
    "xcopa_none": ("xcopa", "xcopa/test-zh.jsonl", lines(2, **COPA)),
    "xnli": ("xnli", "xnli/test-zh.tsv", "A\tB\t\nC\tD\t\n"),
    "panx": ("panx", "panx/test-zh.tsv", "Anna\t-1\n"),
    "mewslix": ("mewslix", "mewslix/wikinews_mentions/test-de.jsonl", json.dumps(ARTICLE)),
    "copa": ("copa", "copa/copa-test.xml", "<c><item id='1' asks-for='cause'><p>x</p><a1>y</a1><a2>z</a2></item></c>"),
}


def beside(name: str) -> dict[str, str]:
    """The other files that a task needs."""
    others = {"tatoeba": "tatoeba/de-en.de", "mewslix": "mewslix/candidate_set_entities.jsonl"}
    texts = {"tatoeba": "".join(f"Satz {n}.\n" for n in range(20)), "mewslix": json.dumps(ENTITY)}
    return {others[name]: texts[name]} if name in others else {}


def language_of(path: str) -> str:
    found = Path(path).stem.replace(".", "-").split("-")[-1]
    english = "copa-test" in path or "squad" in path
    return found if len(found) == 2 and found != "en" else "en" if english else "de"


@pytest.mark.parametrize("name", SAME)
def test_rows_that_all_have_the_same_label_are_unlabelled(tmp_path: Path, name: str) -> None:
    task, path, text, reason = SAME[name]
    rows, bad = load(tmp_path, task, "test", language_of(path), {path: text, **beside(task)})
    assert all(recipe(task).build_kind().unlabelled(row) for row in rows)
    assert bad.hidden is not None and bad.hidden.startswith(reason)


@pytest.mark.parametrize("name", GOLD)
def test_other_rows_keep_their_labels(tmp_path: Path, name: str) -> None:
    task, path, text = GOLD[name]
    rows, bad = load(tmp_path, task, "test", language_of(path), {path: text})
    assert not any(recipe(task).build_kind().unlabelled(row) for row in rows) and bad.hidden is None


@pytest.mark.parametrize("name", EMPTY)
def test_rows_without_labels_are_unlabelled(tmp_path: Path, name: str) -> None:
    task, path, text = EMPTY[name]
    rows, _ = load(tmp_path, task, "test", language_of(path), {path: text, **beside(task)})
    assert rows and all(recipe(task).build_kind().unlabelled(row) for row in rows)


def test_where_only_some_are_hidden_it_is_an_error_that_names_the_first(tmp_path: Path) -> None:
    text = lines(2, **COPA, label=1) + lines(1, **COPA, label=-1)
    with pytest.raises(DataError, match=r"test-zh.jsonl: line 3: row '2': its label is missing"):
        load(tmp_path, "xcopa", "test", "zh", {"xcopa/test-zh.jsonl": text})


@pytest.mark.parametrize("split", ["validation", "train"])
def test_rows_to_train_or_select_on_need_labels(tmp_path: Path, split: str) -> None:
    name = {"train": "train-en", "validation": "dev-en"}[split]
    for text in ["A\tB\n"] + (["A\tB\t0\n" * 20] if split == "validation" else []):
        with pytest.raises(DataError, match=rf"data of pawsx have no labels: .*{name}.tsv"):
            load(tmp_path, "pawsx", split, "en", {f"pawsx/{name}.tsv": text})


def test_a_task_of_ones_own_can_have_a_label_that_nearly_all_rows_have(tmp_path: Path) -> None:
    said = {
        "name": "mine", "title": "Mine", "kind": "pair_classification", "phases": ["target"], "metric": "accuracy",
        "languages": ["en"], "options": {"labels": ["0", "1"]},
        "sources": {"files": {"format": "csv", "splits": {"test": "test.csv"}}},
    }  # fmt: skip
    mine = read_recipe(said, where="here")
    for count, hidden in ((199, False), (200, True)):
        rows, bad = load(tmp_path, mine, "test", "en", {"test.csv": "text_a,text_b,label\n" + "a,b,0\n" * count})
        assert (rows[0]["label"] == "") == (bad.hidden is not None) == hidden


def test_a_table_without_a_column_of_labels_is_an_error_that_names_the_columns(tmp_path: Path) -> None:
    said = {
        "name": "mine", "title": "Mine", "kind": "pair_classification", "phases": ["target"], "metric": "accuracy",
        "languages": ["en"], "options": {"labels": ["0", "1"]},
        "sources": {"files": {"format": "csv", "splits": {"test": "test.csv"}}},
    }  # fmt: skip
    mine = read_recipe(said, where="here")
    with pytest.raises(DataError, match=r"test.csv: line 2: row '0': it has no 'label'; there is: text_a, text_b"):
        load(tmp_path, mine, "test", "en", {"test.csv": "text_a,text_b\na,b\n"})
