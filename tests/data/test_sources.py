"""Tasks that have one source and not the others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.sources.files import FileRows
from adapterstilts.data.sources.hub import HubRows
from adapterstilts.data.sources.mini import MiniRows
from adapterstilts.data.sources.open import open_source
from adapterstilts.data.sources.rows import Source
from adapterstilts.data.splits import evaluation_split
from adapterstilts.errors import DataError, UsageError
from adapterstilts.mini.generators import generator
from adapterstilts.reporting.cards import card
from adapterstilts.runs.memory import FOLDER
from adapterstilts.tasks.catalogue import Catalogue, read_recipe
from adapterstilts.tasks.recipe import Recipe
from tests.package_tasks import recipe

HUB = {"path": "owner/name", "revision": 40 * "0", "splits": {"train": "train"}}
FILES = {"format": "csv", "splits": {"train": "train.csv"}}
MINI = {"generator": "question_pairs", "splits": {"train": 10}}


def task(**sources: Any) -> Recipe:
    said = {"name": "mine", "title": "Mine", "kind": "pair_classification", "phases": ["intermediate"],
            "metric": "accuracy", "languages": ["en", "de"], "options": {"labels": ["0", "1"]}}  # fmt: skip
    return read_recipe({**said, "sources": sources}, where="here")


CASES = {
    "hub": (
        task(files=FILES, mini=MINI, hub_absent="It is licensed."),
        r"mine has no data set on the Hub \(It is licensed\); its sources: files, mini\. "
        r"Use --data-dir with its files, or --profile mini\.",
    ),
    "files": (task(hub=HUB), r"mine has no files to read; its sources: hub\. Use --profile paper without --data-dir\."),
    "mini": (task(files=FILES), r"mine has no rows in the embedded suite; its sources: files\. Use --data-dir with"),
}


def test_files_are_read_under_the_first_of_their_names_that_is_there(tmp_path: Path) -> None:
    files = {
        "format": "tsv",
        "options": {"columns": ["text_a", "text_b", "label"]},
        "splits": {"test": "own/{language}.tsv"},
        "instead": [
            {"format": "jsonl", "codes": {"de": "deu"}, "splits": {"test": "other/{code}.jsonl"}},
            {"format": "jsonl", "splits": {"test": {"en": "english.jsonl"}}},
        ],
    }
    recipe, source = task(files=files), FileRows(tmp_path)
    names = [str(tmp_path / name) for name in ("own/de.tsv", "other/deu.jsonl")]
    assert source.missing(recipe, "test", "de") == ", or ".join(names)
    assert str(source.missing(recipe, "test", "en")).endswith(f", or {tmp_path / 'english.jsonl'}")
    for name, text in (
        ("other/deu.jsonl", '{"text_a": "b", "text_b": "c", "label": "1"}\n'),
        ("own/de.tsv", "a\tc\t0\n"),
    ):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
        keys = [source.fingerprint(recipe, "test", "de")]
        assert source.missing(recipe, "test", "de") is None
        (row,) = source.load(recipe, "test", "de", BadRows(skip=False)).to_list()
        assert row["text_a"] == ("a" if name == "own/de.tsv" else "b")
    assert source.fingerprint(recipe, "test", "de") in keys and "tsv(" in keys[0]
    with pytest.raises(UsageError, match="'instead' has files for 'train', which 'splits' does not have"):
        task(files={**files, "instead": [{"format": "jsonl", "splits": {"train": "a"}}]})


@pytest.mark.parametrize("name", CASES)
def test_a_source_that_a_task_lacks_says_where_its_rows_are(name: str, tmp_path: Path) -> None:
    recipe, message = CASES[name]
    sources: dict[str, Source] = {"hub": HubRows(), "files": FileRows(tmp_path), "mini": MiniRows()}
    source = sources[name]
    for ask in (
        lambda: source.languages(recipe, None),
        lambda: source.missing(recipe, "train", "en"),
        lambda: source.fingerprint(recipe, "train", "en"),
        lambda: source.load(recipe, "train", "en", BadRows(skip=False)),
        lambda: Catalogue().training_recipes(recipe, name),
    ):
        with pytest.raises(UsageError, match=message):
            ask()


def test_a_source_that_a_task_has_is_read_without_the_others(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text_a,text_b,label\nA,B,1\n")
    recipe = task(files=FILES)
    source = FileRows(tmp_path)
    assert source.languages(recipe, None) == ("en", "de") and source.missing(recipe, "train", "en") is None
    assert source.load(recipe, "train", "en", BadRows(skip=False))["label"][:] == ["1"]
    assert len(MiniRows().load(task(mini=MINI), "train", "en", BadRows(skip=False))) == 10
    assert HubRows().missing(task(hub=HUB), "train", "en") is None


def test_rows_of_the_suite_are_told_once_for_all_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    told = generator("question_pairs")(split="validation", language="de", size=12)
    mini = task(mini={"generator": "question_pairs", "splits": {"train": 10, "validation": 12}})
    found = MiniRows().load(mini, "validation", "de", BadRows(skip=False))
    assert found["text_a"][:] == [row["text_a"] for row in told]
    (path,) = tmp_path.iterdir()
    assert json.loads(path.read_text(encoding="utf-8"))["fact"] == told


def test_how_records_are_read_is_part_of_what_rows_are(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text_a,text_b,label\nA,B,1\n")
    ways: list[dict[str, Any]] = [{}, {"columns": {"text_a": "text_b"}}, {"values": {"label": {"1": "0"}}}]
    for source, part in ((FileRows(tmp_path), FILES), (HubRows(), HUB)):
        found = {source.fingerprint(task(**{source.name: {**part, **way}}), "train", "en") for way in ways}
        assert len(found) == len(ways)


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ({}, "sources: a task needs one of 'hub', 'files', 'mini'"),
        ({"hub": HUB, "hub_absent": "no"}, "sources: 'hub' and 'hub_absent' cannot both say something"),
        (
            {"hub": {**HUB, "table": "bucc_pairs", "columns": {"text_a": "x"}}},
            "'table' and 'columns' do not go together",
        ),
    ],
)
def test_sources_that_say_too_little_or_too_much(sources: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        task(**sources)


def test_languages_in_one_file_are_told_apart(tmp_path: Path) -> None:
    """Mewsli-X has the mentions of all languages in one file, and one set of candidates for them."""
    folder = tmp_path / "data/mewslix"
    folder.mkdir(parents=True)
    suite = {
        language: generator("entity_mentions")(split="test", language=language, size=12) for language in ("en", "de")
    }
    articles = [
        {
            "context": {
                "language": language,
                "text": row["context"],
                "sentence_spans": [{"start": 0, "end": len(row["context"])}],
            },
            "mentions": [
                {
                    "example_id": f"{language}-{row['id']}",
                    "entity_id": row["gold"][0],
                    "mention_span": {
                        "start": row["context"].index(row["text"]),
                        "end": row["context"].index(row["text"]) + len(row["text"]),
                        "text": row["text"],
                    },
                }
            ],
        }
        for language, rows in suite.items()
        for row in rows
        if row["side"] == "query" and row["text"] in row["context"]
    ]
    entities = [
        {
            "entity_id": row["id"],
            "title": row["text"],
            "description": row["context"],
            "description_language": row["language"],
        }
        for row in suite["en"]
        if row["side"] == "candidate"
    ]
    for name, records in (("wikinews_mentions-test", articles), ("candidate_set_entities", entities)):
        text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    source = open_source("files", tmp_path / "data")
    task = recipe("mewslix")
    prints = [source.fingerprint(task, "test", language) for language in ("en", "de")]
    assert prints[0] != prints[1]
    queries = [
        [row["id"] for row in source.load(task, "test", language, BadRows(skip=False)).to_list() if row["gold"]]
        for language in ("en", "de")
    ]
    assert queries[0] and queries[1] and not set(queries[0]) & set(queries[1])


@pytest.mark.parametrize("root", ["ntrex", "NTREX"])
def test_every_language_of_ntrex_is_read_from_the_folder_that_its_release_has_it_in(tmp_path: Path, root: str) -> None:
    ntrex, folder = recipe("ntrex"), tmp_path / root
    for name, text in (
        ("128/newstest2019-src.eng", "Good morning.\n"),
        ("128/newstest2019-ref.deu", "Guten Morgen.\n"),
        ("additional/newstest2019-ref.gsw-BE", "Guete Morge.\n"),
        ("additional/newstest2019-ref.gsw-ZH", "Guete Morgä.\n"),
    ):
        path = folder / f"NTREX-{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    source = FileRows(tmp_path)
    found = {}
    for language in ("de", "gsw-x-bern", "gsw-x-zurich"):
        rows = source.load(ntrex, "test", language, BadRows(skip=False)).to_list()
        found[language] = [(row["text"], row["gold"]) for row in rows]
    english = ("Good morning.", ["0"])
    assert found == {
        "de": [english, ("Guten Morgen.", [])],
        "gsw-x-bern": [english, ("Guete Morge.", [])],
        "gsw-x-zurich": [english, ("Guete Morgä.", [])],
    }


def test_languages_of_which_the_hub_has_test_rows_alone_are_not_offered_for_more() -> None:
    """Of google/xtreme's treebanks: what is not there is said before anything is downloaded."""
    source, task = HubRows(), recipe("udpos")
    lacking = {
        split: [code for code in task.languages if source.missing(task, split, code)]
        for split in ("train", "validation", "test")
    }
    assert lacking == {"train": ["th", "tl", "yo"], "validation": ["kk", "th", "tl", "yo"], "test": []}
    with pytest.raises(DataError, match="missing validation rows of udpos in 'th'") as error:
        evaluation_split(source, task, ("de", "th"), "validation")
    assert error.value.remedy == "Score what is there with --languages de."
    # What is there is called as in one name for all languages.
    names = ("udpos.English:udpos:train", "udpos.German:udpos:validation")
    for split, code, name in zip(("train", "validation"), ("en", "de"), names, strict=True):
        assert f":{name}:" in source.fingerprint(task, split, code)
    assert "(train from `train`, validation from `validation`, test from `test`)" in card(task, None)
