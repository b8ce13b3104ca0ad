"""The files that XTREME's download script leaves, under its names."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapterstilts.data.sources.files import FileRows
from tests.package_tasks import recipe, training_recipes

# Task to split and language to the files that are there for it.
LEFT: dict[str, dict[tuple[str, str], list[str]]] = {
    "xnli": {("validation", "sw"): ["xnli/dev-sw.tsv"], ("test", "sw"): ["xnli/test-sw.tsv"]},
    "mnli": {("train", "en"): ["xnli/train-en.tsv"], ("validation", "en"): ["xnli/dev-en.tsv"]},
    "pawsx": {
        ("train", "en"): ["pawsx/train-en.tsv"],
        ("validation", "ko"): ["pawsx/dev-ko.tsv"],
        ("test", "ko"): ["pawsx/test-ko.tsv"],
    },
    "udpos": {("train", "en"): ["udpos/train-en.tsv"], ("test", "wo"): ["udpos/test-wo.tsv"]},
    "panx": {("train", "en"): ["panx/train-en.tsv"], ("test", "qu"): ["panx/test-qu.tsv"]},
    "squad": {("train", "en"): ["squad/train-v1.1.json"]},
    "xquad": {("test", "el"): ["xquad/xquad.el.json"]},
    "mlqa": {
        ("validation", "hi"): ["mlqa/MLQA_V1/dev/dev-context-hi-question-hi.json"],
        ("test", "hi"): ["mlqa/MLQA_V1/test/test-context-hi-question-hi.json"],
    },
    "tydiqa": {
        ("train", "en"): ["tydiqa/tydiqa-goldp-v1.1-train/tydiqa.goldp.en.train.json"],
        ("test", "fi"): ["tydiqa/tydiqa-goldp-v1.1-dev/tydiqa.goldp.fi.dev.json"],
    },
    "tatoeba": {("test", "eu"): ["tatoeba/eu-en.eu", "tatoeba/eu-en.en"]},
    "bucc2018": {
        ("validation", "fr"): ["bucc2018/fr-en.dev.fr", "bucc2018/fr-en.dev.en", "bucc2018/fr-en.dev.gold"],
        ("test", "fr"): ["bucc2018/fr-en.test.fr", "bucc2018/fr-en.test.en"],
    },
    "siqa": {("train", "en"): ["siqa/socialIQa_v1.4_trn.jsonl"], ("test", "en"): ["siqa/socialIQa_v1.4_dev.jsonl"]},
    "copa": {("train", "en"): ["xcopa/train-en.jsonl"], ("validation", "en"): ["xcopa/val-en.jsonl"]},
    "xcopa": {("validation", "ht"): ["xcopa/val-ht.jsonl"], ("test", "ht"): ["xcopa/test-ht.jsonl"]},
    "lareqa": {
        ("train", "en"): ["squad/train-v1.1.json"],
        ("test", "th"): [f"lareqa/xquad-r/{code}.json" for code in recipe("lareqa").languages],
    },
    "mewslix": {
        ("train", "en"): ["mewslix/wikipedia_pairs-train.jsonl"],
        ("test", "ta"): ["mewslix/wikinews_mentions/test-ta.jsonl", "mewslix/candidate_set_entities.jsonl"],
    },
}


@pytest.mark.parametrize("name", LEFT)
def test_files_of_the_download_are_found(tmp_path: Path, name: str) -> None:
    source, task = FileRows(tmp_path), recipe(name)
    for (split, language), paths in LEFT[name].items():
        assert source.missing(task, split, language) is not None
        for path in paths:
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(f"{split}\n", encoding="utf-8")
        assert source.missing(task, split, language) is None
        assert source.fingerprint(task, split, language)


def test_all_targets_and_what_they_are_trained_on_are_among_them() -> None:
    targets = {name for name in LEFT if "target" in recipe(name).phases and recipe(name).benchmarks}
    assert len(targets) == 12
    for name in targets:
        for trained in training_recipes(recipe(name), "files"):
            assert ("train", "en") in LEFT[trained.name]
