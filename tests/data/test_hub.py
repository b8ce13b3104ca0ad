"""The real loading code against a server on this machine: data sets and backbone at their pinned commits."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset

from adapterstilts.mini.generators.span_qa import span_qa
from adapterstilts.profiles import load_profile
from adapterstilts.reporting.cards import card
from tests.conftest import QUICK, WINDOWS, without_training
from tests.hub_server import HubServer, hub_environment, serve
from tests.package_tasks import recipe


def save_parquet(folder: Path, config: str, splits: dict[str, list[dict[str, Any]]]) -> None:
    for split, rows in splits.items():
        path = folder / config / f"{split}-00000-of-00001.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = [{name: value for name, value in row.items() if name != "language"} | {"title": "t"} for row in rows]
        Dataset.from_list(kept).to_parquet(path)


def write_card(folder: Path, configs: dict[str, list[str]]) -> None:
    lines = ["---", "configs:"]
    for config, splits in configs.items():
        lines += [f"- config_name: {config}", "  data_files:"]
        for split in splits:
            lines += [f"  - split: {split}", f"    path: {config}/{split}-*"]
    (folder / "README.md").write_text("\n".join([*lines, "---", ""]))


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, tiny_backbone: Path) -> Any:
    root = tmp_path_factory.mktemp("hub")
    squad, xquad, xtreme = root / "squad", root / "xquad", root / "xtreme"
    train = span_qa(split="train", language="en", size=80)
    test = {code: span_qa(split="test", language=code, size=8) for code in ("en", "ru", "sw")}
    save_parquet(squad, "plain_text", {"train": train, "validation": test["en"]})
    write_card(squad, {"plain_text": ["train", "validation"]})
    for code in ("en", "ru"):
        save_parquet(xquad, f"xquad.{code}", {"validation": test[code]})
    write_card(xquad, {"xquad.en": ["validation"], "xquad.ru": ["validation"]})
    # One split for all languages, told apart by the prefix of their ids.
    names = {"en": "english", "ru": "russian", "sw": "swahili"}
    mixed = [{**row, "id": f"{names[code]}-{row['id']}"} for code in names for row in test[code]]
    trained = [{**row, "id": f"english-{row['id']}"} for row in train]
    save_parquet(xtreme, "tydiqa", {"train": [*trained, *mixed], "validation": mixed})
    pairs = [
        {"source_sentence": row["question"], "target_sentence": row["context"], "source_lang": f"de-{number}",
         "target_lang": f"en-{number}"}
        for number, row in enumerate(test["en"])
    ]  # fmt: skip
    save_parquet(xtreme, "bucc18.de", {"validation": pairs, "test": pairs})
    write_card(xtreme, {"tydiqa": ["train", "validation"], "bucc18.de": ["validation", "test"]})
    revision = load_profile("paper").revision
    assert revision
    repositories = {
        "datasets/rajpurkar/squad": (recipe("squad").sources.hub.revision, squad),
        "datasets/google/xquad": (recipe("xquad").sources.hub.revision, xquad),
        "datasets/google/xtreme": (recipe("tydiqa").sources.hub.revision, xtreme),
        load_profile("paper").backbone: (revision, tiny_backbone),
    }
    with serve(repositories) as server:
        yield server


def printed(hub: HubServer, folder: Path, target: str, languages: str, *more: str) -> str:
    """What `astilts transfer` prints, in a process of its own whose Hub is the server."""
    settings = without_training(QUICK) if target == "bucc2018" else {**QUICK, **WINDOWS}
    flags = [part for name, value in settings.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    words = ["transfer", "--from", "none", "--to", target, "--languages", languages, "--seeds", "1", *flags, *more]
    result = subprocess.run(
        [sys.executable, "-m", "adapterstilts", *words, "--store", str(folder / "store")],
        capture_output=True, text=True, check=False, env=hub_environment(hub.url, folder),
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout


def transfer(hub: HubServer, folder: Path, target: str, languages: str) -> dict[str, Any]:
    return json.loads(printed(hub, folder, target, languages, "--json"))["rows"][0]


def test_backbone_and_data_come_from_the_hub_at_their_pinned_commits(hub: HubServer, tmp_path: Path) -> None:
    row = transfer(hub, tmp_path, "xquad", "en,ru")
    assert row["differs"] is None and row["split"] == "test" and list(row["languages"]) == ["en", "ru"]
    assert all(metrics["examples"] == 8 for metrics in row["languages"].values())
    revision = load_profile("paper").revision
    assert any(f"FacebookAI/xlm-roberta-large/resolve/{revision}/model.safetensors" in line for line in hub.requests)
    for task in ("squad", "xquad"):
        source = recipe(task).sources.hub
        asked = [line for line in hub.requests if source.path in line and "parquet" in line]
        assert asked and all(source.revision in line for line in asked)


OF_COMMIT = """
import sys
from adapterstilts.data.sources.hub import loaded
from adapterstilts.errors import HubError

for commit in sys.argv[1:]:
    try:
        print(loaded("owner/name", "plain_text", "train", commit)[0]["context"])
    except HubError as error:
        print(error.message)
"""


@pytest.mark.slow
def test_without_the_hub_a_pinned_commit_is_that_commit_or_none(tmp_path: Path) -> None:
    old, new, absent = "a" * 40, "b" * 40, "c" * 40

    def ask(*commits: str, url: str, offline: bool = False) -> list[str]:
        environment = hub_environment(url, tmp_path) | ({"HF_HUB_OFFLINE": "1"} if offline else {})
        words = [sys.executable, "-c", OF_COMMIT, *commits]
        result = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
        assert result.returncode == 0, result.stderr
        return result.stdout.splitlines()

    for commit, context in ((old, "Old."), (new, "New.")):
        folder = tmp_path / commit
        save_parquet(folder, "plain_text", {"train": [{"id": "1", "context": context}]})
        write_card(folder, {"plain_text": ["train"]})
        with serve({"datasets/owner/name": (commit, folder)}) as server:
            assert ask(commit, url=server.url) == [context]
    # Nobody listens there any more, or is asked.
    assert ask(old, new, url=server.url) == ["Old.", "New."]
    found = ask(old, new, absent, url=server.url, offline=True)
    assert found[:2] == ["Old.", "New."]
    assert f"the cache has commit {new[:12]} of it, not the pinned {absent[:12]}" in found[2]


@pytest.mark.slow
def test_languages_in_one_split_are_told_apart(hub: HubServer, tmp_path: Path) -> None:
    row = transfer(hub, tmp_path, "tydiqa", "en,ru,sw")
    assert {language: metrics["examples"] for language, metrics in row["languages"].items()} == {
        "en": 8, "ru": 8, "sw": 8,
    }  # fmt: skip
    answers = json.loads((Path(row["folder"]) / "predictions/tydiqa/test-sw.json").read_text(encoding="utf-8"))
    assert all(id_.startswith("swahili-") for id_ in answers)
    provenance = json.loads((Path(row["trained"]) / "metrics.json").read_text())
    assert provenance["train_examples"] + provenance["validation_examples"] <= 88  # English rows only


@pytest.mark.slow
def test_rows_that_differ_from_the_benchmarks_are_said_to(hub: HubServer, tmp_path: Path) -> None:
    row = transfer(hub, tmp_path, "bucc2018", "de")
    differs = recipe("bucc2018").sources.hub.differs
    assert row["differs"] == differs and "only the sentences that have a partner" in differs
    assert row["languages"]["de"]["examples"] == 8 and row["split"] == "test"
    # The second command takes the evaluation from the store.
    table = printed(hub, tmp_path, "bucc2018", "de")
    assert table.count(f"  Not comparable with the benchmark's scores: {differs}.\n") == 1
    assert f"**Not the benchmark's rows on the Hub**: {differs}." in card(recipe("bucc2018"), None)
