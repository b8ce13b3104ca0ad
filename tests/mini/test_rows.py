"""Rows of the mini suite: deterministic, parallel across languages, disjoint across splits, with exact offsets."""

from __future__ import annotations

import subprocess
import sys

import pytest

from adapterstilts.mini import LANGUAGES, fingerprint
from adapterstilts.mini.rows import documents, parallel_sentences, span_qa
from adapterstilts.mini.world import SPLITS, domains, stories


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("domain", domains())
def test_answers_are_where_the_rows_say(language, domain):
    rows = span_qa(split="validation", language=language, size=120, domain=domain)
    assert len(rows) == 120
    for row in rows:
        (text,), (start,) = row["answers"]["text"], row["answers"]["answer_start"]
        assert text.strip() == text and text
        assert row["context"][start : start + len(text)] == text
        assert row["language"] == language


def test_rows_are_parallel_across_languages():
    by_language = {code: span_qa(split="test", language=code, size=60, domain="history") for code in LANGUAGES}
    ids = [row["id"] for row in by_language["en"]]
    assert len(set(ids)) == 60
    for rows in by_language.values():
        assert [row["id"] for row in rows] == ids
    years = {
        code: [row["answers"]["text"][0] for row in rows if row["answers"]["text"][0].isdigit()]
        for code, rows in by_language.items()
    }
    assert years["en"] and all(found == years["en"] for found in years.values())


def test_rows_are_the_same_in_another_process():
    code = "from adapterstilts.mini.rows import span_qa; print(span_qa(split='train', language='ru', size=9, seed=3))"
    runs = {
        subprocess.run([sys.executable, "-c", code], env={"PYTHONHASHSEED": salt, "PYTHONPATH": ":".join(sys.path)},
                       check=True, capture_output=True, encoding="utf-8").stdout
        for salt in ("0", "1")
    }  # fmt: skip
    assert runs == {f"{span_qa(split='train', language='ru', size=9, seed=3)}\n"}


def test_a_smaller_size_is_a_prefix():
    assert span_qa(split="train", language="de", size=7) == span_qa(split="train", language="de", size=30)[:7]


def test_no_story_is_in_two_splits_or_domains():
    told = {}
    for domain in domains():
        for split in SPLITS:
            for seed in (0, 1):
                source = stories(domain=domain, split=split, seed=seed)
                for story in (next(source) for _ in range(200)):
                    assert told.setdefault(story.facts, (domain, split)) == (domain, split)


def test_contexts_offer_several_candidates():
    """The type of the answer alone must not give it away: every question word has rivals in its context."""
    rows = span_qa(split="test", language="en", size=400)
    who = [row for row in rows if row["question"].startswith("Who ")]
    assert len(who) > 50
    assert all(row["context"].count(".") == 4 for row in who)


def test_documents_and_pairs():
    assert len(documents(language="sw", size=5, seed=1)) == 5
    pairs = parallel_sentences(source="zh", target="en", size=50)
    assert len(set(pairs)) == 50
    assert all(source.endswith("。") and target.endswith(".") for source, target in pairs)
    assert [en for en, _ in parallel_sentences(source="en", target="de", size=50)] == [en for _, en in pairs]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"domain": "sport"}, ["sport", "everyday"]),
        ({"split": "dev"}, ["dev", "validation"]),
        ({"language": "fr"}, ["fr", "sw"]),
        ({"facts": 40}, ["40", "8"]),
        ({"questions_per_story": 0}, ["0"]),
    ],
)
def test_errors_name_the_value_and_the_options(arguments, words):
    with pytest.raises(ValueError) as error:
        span_qa(**({"split": "test", "language": "en", "size": 2} | arguments))
    assert all(word in str(error.value) for word in words)


def test_fingerprint_is_a_sha256():
    assert len(fingerprint()) == 64 and fingerprint() == fingerprint()


def test_the_package_imports_without_heavy_libraries():
    code = "import adapterstilts.mini.rows, sys; print({'torch', 'transformers', 'pydantic'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, encoding="utf-8")
    assert done.stdout == "set()\n"
