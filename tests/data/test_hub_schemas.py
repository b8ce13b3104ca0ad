"""Data sets in the Hub's own schemas, through the real loading code and a server on this machine."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from datasets import ClassLabel, Dataset, Features, List, Value

from tests.data.release_examples import ARTICLE, ENTITY, PAIR, lines
from tests.data.test_hub import write_card
from tests.hub_server import hub_environment, serve
from tests.package_tasks import recipe

NLI = {"premise": "It rains.", "hypothesis": "It is wet."}


# Of paragraphs with two sentences each, in English and elsewhere; columns of rajpurkar/squad and google/xquad.
SPOKEN = {"en": ("Ann came. Bob left.", "Bob"), "de": ("Ann kam. Bob ging.", "Bob")}


def asked(language: str, **more: Any) -> list[dict[str, Any]]:
    context, answer = SPOKEN.get(language, SPOKEN["en"])
    answers = {"text": [answer], "answer_start": [context.index(answer)]}
    return [{"id": "q1", "context": context, "question": "Who left?", "answers": answers, **more}]


def nli(*labels: int, **more: Any) -> list[dict[str, Any]]:
    return [{**NLI, "label": label, **more} for label in labels]


# (repository, configuration) to rows by split.
TABLES: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = {
    ("facebook/anli", "plain_text"): {
        f"{split}_r{number}": nli(0, 1, uid=f"{split}{number}", reason="")
        for split in ("train", "dev")
        for number in (1, 2, 3)
    },
    ("nyu-mll/glue", "mnli"): {"train": nli(2, idx=0), "validation_matched": nli(1, idx=0)},
    ("stanfordnlp/snli", "plain_text"): {"train": nli(2, -1)},
    ("Rowan/hellaswag", "default"): {
        "train": [
            {"ind": 1, "activity_label": "a", "ctx_a": "He sits.", "ctx_b": "he", "ctx": "He sits. he",
             "endings": ["runs.", "sings.", "eats.", "falls."], "source_id": "x", "split": "train",
             "split_type": "indomain", "label": "2"}
        ]
    },
    ("cambridgeltl/xcopa", "sw"): {
        "test": [{"premise": "p", "choice1": "a", "choice2": "b", "question": "cause", "label": 1, "idx": 7,
                  "changed": False}]
    },
    ("google/xtreme", "tatoeba.deu"): {
        "validation": [
            {"source_sentence": "Ja.", "target_sentence": "Yes.", "source_lang": "deu", "target_lang": "eng"},
            {"source_sentence": "Nein.", "target_sentence": "No.", "source_lang": "deu", "target_lang": "eng"},
        ]
    },
    ("google/xtreme", "bucc18.de"): {
        split: [{"source_sentence": "Ja.", "target_sentence": "Yes.", "source_lang": "de-1", "target_lang": "en-7"}]
        for split in ("validation", "test")
    },
    ("rajpurkar/squad", "plain_text"): {"train": asked("en", title="t")},
    **{
        ("google/xquad", f"xquad.{code}"): {"validation": asked(code)}
        for code in ("en", "ar", "de", "el", "es", "hi", "ru", "th", "tr", "vi", "zh")
    },
}  # fmt: skip
# The files that izhx/mewsli-x has in raw.tar.gz.
MEWSLIX = {
    "wikipedia_pairs-train.jsonl": lines(PAIR),
    "wikipedia_pairs-dev.jsonl": lines(PAIR),
    "wikinews_mentions-test.jsonl": lines(ARTICLE, {**ARTICLE, "context": {**ARTICLE["context"], "language": "de"}}),
    "candidate_set_entities.jsonl": lines(ENTITY),
}
TAGS = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """`task/split/language` to rows, loaded in a process of its own whose Hub is the server."""
    root = tmp_path_factory.mktemp("hub")
    for (repository, config), splits in TABLES.items():
        folder = root / repository
        for split, records in splits.items():
            _save(Dataset.from_list(records), folder, config, split)
    features = Features({"tokens": List(Value("string")), "ner_tags": List(ClassLabel(names=TAGS))})
    _save(
        Dataset.from_dict({"tokens": [["Anna", "in", "Rom"]], "ner_tags": [[1, 0, 5]]}, features=features),
        root / "unimelb-nlp/wikiann",
        "de",
        "test",
    )
    wanted = ["anli_plus/train/en", "anli_plus/validation/en", "hellaswag/train/en", "xcopa/test/sw",
              "tatoeba/test/de", "panx/test/de", "bucc2018/validation/de", "bucc2018/test/de", "lareqa/train/en",
              "lareqa/test/de", "mewslix/train/en", "mewslix/validation/en", "mewslix/test/en"]  # fmt: skip
    (root / "izhx/mewsli-x").mkdir(parents=True)
    with tarfile.open(root / "izhx/mewsli-x/raw.tar.gz", "w:gz") as archive:
        for name, text in MEWSLIX.items():
            info = tarfile.TarInfo(f"raw/{name}")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    repositories = {}
    for part in [
        part for name in wanted for hub in [recipe(name.split("/")[0]).sources.hub] if hub for part in (hub, *hub.also)
    ]:
        repositories[f"datasets/{part.path}"] = (part.revision, root / part.path)
    for _, folder in repositories.values():
        configs: dict[str, list[str]] = {}
        for path in sorted(folder.rglob("*.parquet")):
            configs.setdefault(path.parent.name, []).append(path.name.split("-")[0])
        write_card(folder, configs)
    code = (
        "import json, sys\n"
        "from adapterstilts.data.bad_rows import BadRows\n"
        "from adapterstilts.data.sources.open import open_source\n"
        "from adapterstilts.tasks.catalogue import Catalogue\n"
        "found = {}\n"
        "for name in sys.argv[1:]:\n"
        "    task, split, language = name.split('/')\n"
        "    bad = BadRows(skip=False)\n"
        "    found[name] = open_source('hub', None).load(Catalogue().recipe(task), split, language, bad).to_list()\n"
        "print(json.dumps(found))\n"
    )
    with serve(repositories) as server:
        result = subprocess.run(
            [sys.executable, "-c", code, *wanted], capture_output=True, text=True, check=False,
            env=hub_environment(server.url, root),
        )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def _save(table: Dataset, folder: Path, config: str, split: str) -> None:
    path = folder / config / f"{split}-00000-of-00001.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(path)


@pytest.mark.slow
def test_data_sets_of_one_task_follow_each_other(rows: dict[str, list[dict[str, Any]]]) -> None:
    train = rows["anli_plus/train/en"]
    # Three rounds of ANLI, MultiNLI, and SNLI without the pair that has no gold label.
    assert [row["label"] for row in train] == ["entailment", "neutral"] * 3 + ["contradiction", "contradiction"]
    assert len({row["id"] for row in train}) == len(train) and train[0]["text_a"] == "It rains."
    assert len(rows["anli_plus/validation/en"]) == 7


def test_labels_and_ids_are_those_of_the_schema(rows: dict[str, list[dict[str, Any]]]) -> None:
    (hellaswag,), (xcopa,), (panx,) = rows["hellaswag/train/en"], rows["xcopa/test/sw"], rows["panx/test/de"]
    assert hellaswag["label"] == 2 and len(hellaswag["choices"]) == 4 and hellaswag["context"].startswith("He sits.")
    assert xcopa["label"] == 1 and xcopa["choices"] == ["a", "b"] and xcopa["question"] == "cause"
    assert panx["tags"] == ["B-PER", "O", "B-LOC"] and panx["language"] == "de"


def test_tatoeba_asks_in_english_for_lines_of_the_other_language(rows: dict[str, list[dict[str, Any]]]) -> None:
    found = rows["tatoeba/test/de"]
    queries = [row for row in found if row["side"] == "query"]
    assert [(row["id"], row["text"], row["gold"]) for row in queries] == [
        ("en-0", "No.", ["1"]),
        ("en-1", "Yes.", ["0"]),
    ]
    assert {row["language"] for row in queries} == {"en"}
    candidates = [row for row in found if row["side"] == "candidate"]
    assert [(row["id"], row["text"], row["language"]) for row in candidates] == [
        ("0", "Ja.", "de"),
        ("1", "Nein.", "de"),
    ]


def test_bucc_has_pairs_only(rows: dict[str, list[dict[str, Any]]]) -> None:
    for split in ("validation", "test"):
        query, candidate = rows[f"bucc2018/{split}/de"]
        assert (query["id"], query["side"], query["gold"], query["language"]) == ("de-1", "query", ["en-7"], "de")
        assert (candidate["id"], candidate["side"], candidate["language"]) == ("en-7", "candidate", "en")


def test_lareqa_asks_for_sentences_of_all_languages(rows: dict[str, list[dict[str, Any]]]) -> None:
    (train,) = rows["lareqa/train/en"]
    assert train["positive"] == "Bob left." and train["positive_context"] == "Ann came. Bob left."
    query, *candidates = rows["lareqa/test/de"]
    assert query["id"] == "q1_de" and query["gold"][0] == "de_1_1"
    assert sorted(query["gold"]) == sorted(f"{code}_1_1" for code in recipe("lareqa").languages)
    assert [row["id"] for row in candidates] == ["de_1_0", "de_1_1"]
    assert [row["text"] for row in candidates] == ["Ann kam.", "Bob ging."]
    assert all(row["context"] == "Ann kam. Bob ging." for row in candidates)


def test_mewslix_is_read_from_the_archive(rows: dict[str, list[dict[str, Any]]]) -> None:
    for split in ("train", "validation"):
        (pair,) = rows[f"mewslix/{split}/en"]
        assert pair["positive"] == "Stadt in Finnland." and pair["text"].startswith("Helsinki: In { Helsinki }")
    query, candidate = rows["mewslix/test/en"]
    assert query["id"] == "m1" and query["gold"] == ["Q1757"] and query["language"] == "en"
    assert candidate["id"] == "Q1757" and candidate["language"] == "de"
