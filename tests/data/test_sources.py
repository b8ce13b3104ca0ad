"""Sources of rows: languages that share files."""

from __future__ import annotations

import json
from pathlib import Path

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.sources.open import open_source
from adapterstilts.mini.generators import generator
from tests.catalogue import recipe


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
