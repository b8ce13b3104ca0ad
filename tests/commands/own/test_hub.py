"""Data sets on the Hub in the place of a task: the real loading code against a server on this machine."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from datasets import ClassLabel, Dataset, Features, List, Value

from adapterstilts.commands.own.hub import is_data_set
from tests.hub_server import HubServer, hub_environment, serve

COMMIT = "5" * 40
TEAMS = ["billing", "support", "sales"]
TAGS = ["O", "B-PER"]


def tickets(folder: Path, count: int, first: int, *, labelled: bool = True, teams: Any = TEAMS) -> None:
    rows = [{"subject": f"Subject {n}", "body": f"Body {n % 5}", "team": n % 3 if labelled else -1}
            for n in range(first, first + count)]  # fmt: skip
    features = Features({"subject": Value("string"), "body": Value("string"), "team": ClassLabel(names=teams)})
    folder.parent.mkdir(parents=True, exist_ok=True)
    Dataset.from_list(rows, features=features).to_parquet(folder)


def tagged(path: Path, count: int) -> None:
    rows = [{"tokens": ["Anna", "sang", str(n)], "ner_tags": [1, 0, 0]} for n in range(count)]
    features = Features({"tokens": List(Value("string")), "ner_tags": List(ClassLabel(names=TAGS))})
    path.parent.mkdir(parents=True, exist_ok=True)
    Dataset.from_list(rows, features=features).to_parquet(path)


def card(folder: Path, configs: dict[str, list[str]]) -> None:
    def files(config: str) -> list[dict[str, str]]:
        return [{"split": split, "path": f"{config}/{split}-*"} for split in configs[config]]

    said = {"configs": [{"config_name": config, "data_files": files(config)} for config in configs]}
    (folder / "README.md").write_text(f"---\n{yaml.safe_dump(said, sort_keys=False)}---\n")


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = tmp_path_factory.mktemp("hub")
    desk, names, whole, program = (root / name for name in ("desk", "names", "whole", "program"))
    shard = "{}-00000-of-00001.parquet"
    tickets(desk / "default" / shard.format("train"), 40, 0)
    tickets(desk / "default" / shard.format("dev"), 12, 40)
    tickets(desk / "default" / shard.format("test"), 10, 60)
    tickets(desk / "default" / shard.format("swahili"), 8, 90, labelled=False)
    tickets(desk / "ru" / shard.format("test"), 9, 38)
    tickets(desk / "de" / shard.format("test"), 9, 38, teams=["Rechnungen", "Verkauf", "Hilfe"])
    card(desk, {"default": ["train", "dev", "test", "swahili"], "ru": ["test"], "de": ["test"]})
    for language in ("en", "de"):
        tagged(names / language / shard.format("train"), 24)
        tagged(names / language / shard.format("validation"), 8)
    card(names, {"en": ["train", "validation"], "de": ["train", "validation"]})
    tickets(whole / "default" / shard.format("train"), 60, 0)
    card(whole, {"default": ["train"]})
    program.mkdir()
    (program / "program.py").write_text("raise SystemExit('it was run')\n")
    repositories = {f"datasets/owner/{one.name}": (COMMIT, one) for one in (desk, names, whole, program)}
    with serve(repositories) as server:
        yield server


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all commands work, with one cache."""
    return tmp_path_factory.mktemp("place")


def run(hub: HubServer, place: Path, *words: str, url: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "adapterstilts", *words, "--store", str(place / "store")],
        capture_output=True, text=True, check=False, env=hub_environment(url or hub.url, place), cwd=place,
    )  # fmt: skip


def test_a_data_set_is_told_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    for name in ("me/tickets", "me/tickets:ru", "me/tickets@v1", "hf-data://squad", "hf-data://data/x"):
        assert is_data_set(name), name
    for name in ("data/x", "./me/tickets", "/me/tickets", "me/tickets.csv", "squad", "a/b/c"):
        assert not is_data_set(name), name


@pytest.mark.slow
def test_it_is_a_target_at_the_commit_that_it_has(hub: HubServer, place: Path, tiny_backbone: Path) -> None:
    """Labels have the names that the data set gives them, and a split without labels is predicted."""
    quick = ["--backbone", str(tiny_backbone), "--profile", "mini", "--max-steps", "2", "--max-length", "32"]
    words = ["transfer", "--from", "none", "--to", "owner/desk", "--label", "team", "--text", "subject,body", *quick]
    done = run(hub, place, *words, "--test", "en=test,ru=ru,sw=swahili", "--save-task", "desk")
    assert done.returncode == 0, done.stderr
    assert f"owner/desk: pair_classification (by --text); configuration default at commit {COMMIT}" in done.stderr
    assert "3 labels, in this order: billing, sales, support" in done.stderr
    assert "checkpoints are selected on the split dev" in done.stderr and "test ru: ru:test" in done.stderr
    assert "test ru: 2 of 9 rows (22%) have texts that are trained on too" in done.stderr
    assert "owner/desk, test split" in done.stdout and " ru " in done.stdout
    (evaluation,) = (place / "store").glob("evaluate-desk-*")
    assert len((evaluation / "predictions/desk/test-sw.tsv").read_text().splitlines()) == 8
    said = yaml.safe_load((place / "tasks/desk/task.yaml").read_text())["sources"]["hub"]
    assert said["revision"] == COMMIT and said["splits"] == {"train": "train", "validation": "dev"}
    again = run(hub, place, "transfer", "--from", "none", "--to", "desk", "--tasks", "tasks", "--profile", "paper",
                *(word for word in quick if word not in ("--profile", "mini")), "--seeds", "1", "--plan")  # fmt: skip
    assert again.returncode == 0 and f"owner/desk@{COMMIT}" not in again.stderr


@pytest.mark.slow
def test_tags_have_names_and_a_commit_needs_no_hub_once_it_is_known(hub: HubServer, place: Path) -> None:
    words = ["transfer", "--from", "none", "--profile", "mini", "--plan", "--to", f"owner/names:en@{COMMIT}"]
    done = run(hub, place, *words, "--test", "de=de:validation")
    assert done.returncode == 0, done.stderr
    assert "tagging (by its columns); configuration en" in done.stderr and "B-PER" in done.stderr
    offline = run(hub, place, *words, "--test", "de=de:validation", url="http://127.0.0.1:9")
    assert offline.returncode == 0 and offline.stdout == done.stdout


@pytest.mark.slow
def test_a_share_of_a_data_set_that_is_not_split_is_held_out(hub: HubServer, place: Path, tiny_backbone: Path) -> None:
    """By a hash of what belongs together, as of a file; the rest trains, and what is held out is scored."""
    words = ["transfer", "--from", "none", "--to", "owner/whole", "--label", "team", "--text", "subject,body",
             "--validation", "0.4", "--group", "body", "--save-task", "whole", "--json"]  # fmt: skip
    quick = ["--backbone", str(tiny_backbone), "--profile", "mini", "--max-steps", "2", "--max-length", "32"]
    done = run(hub, place, *words, *quick)
    assert done.returncode == 0, done.stderr
    assert "checkpoints are selected on 40% of the split train" in done.stderr
    (row,) = json.loads(done.stdout)["rows"]
    ranks = [int.from_bytes(hashlib.sha256(f"Body {n % 5}".encode()).digest()[:8], "big") / 2**64 for n in range(60)]
    held = [number for number, rank in enumerate(ranks) if rank < 0.4]
    assert 0 < len(held) < 60 and row["languages"]["en"]["examples"] == len(held)
    trained = json.loads((Path(row["trained"]) / "metrics.json").read_text())
    assert trained["train_examples"] == 60 - len(held)
    said = yaml.safe_load((place / "tasks/whole/task.yaml").read_text())["sources"]["hub"]
    assert said["hold_out"] == {"share": 0.4, "by": ["body"]}


REFUSED: tuple[tuple[str, dict[str, str], str], ...] = (
    ("owner/names", {}, "owner/names has 2 configurations: "),
    ("owner/names:fr", {}, "Unknown configuration of owner/names 'fr'"),
    ("owner/none", {}, "Could not get the data set owner/none from the Hugging Face Hub"),
    ("owner/desk@v9", {}, "Could not get the data set owner/desk at v9"),
    ("owner/program", {}, "owner/program"),
    ("owner/desk", {"test": "ru=rus"}, "Unknown split or configuration of owner/desk in --test ru 'rus'"),
    ("owner/desk", {"test": "en=train"}, "the split train of owner/desk is trained on"),
    ("owner/desk", {"test": "de=de"}, "in de:test of owner/desk, the numbers in 'team' stand for Rechnungen, Verkauf"),
    ("owner/desk", {"validation": "1.5"}, "--validation 1.5 is no share between 0 and 1"),
    (
        "owner/desk",
        {"validation": "0.2", "group": "writer"},
        "--group writer is no column of the data; they have subject",
    ),
    ("owner/desk", {"group": "body"}, "--group has no meaning without --validation SHARE"),
    ("owner/desk", {"encoding": "cp1252"}, "--encoding has no meaning for a data set on the Hub"),
    (
        "owner/desk",
        {"label": "teem"},
        "owner/desk: Unknown column of the file 'teem'; it has subject, body, team. Did you mean 'team'",
    ),
    ("owner/desk", {"label": "team", "kind": "span_qa"}, "--label has no meaning for span_qa"),
)
CODE = """
import json, sys, adapterstilts
for name, given in json.loads(sys.argv[1]):
    try:
        adapterstilts.plan(adapterstilts.transfer, "none", name, profile="mini", **given)
    except adapterstilts.AstiltsError as error:
        print(json.dumps(str(error)))
"""


def test_what_does_not_fit_is_refused_with_what_there_is(hub: HubServer, place: Path) -> None:
    cases = json.dumps([(name, given) for name, given, _ in REFUSED])
    done = subprocess.run([sys.executable, "-c", CODE, cases], capture_output=True, text=True, check=False,
                          env=hub_environment(hub.url, place), cwd=place)  # fmt: skip
    assert done.returncode == 0 and "it was run" not in done.stderr + done.stdout, done.stderr
    for said, (_, _, message) in zip(map(json.loads, done.stdout.splitlines()), REFUSED, strict=True):
        assert message in said
