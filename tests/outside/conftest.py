"""Data in the formats of the examples, and the command line in a process of its own."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from adapterstilts.cli.main import astilts
from adapterstilts.mini.generators import generator

EXAMPLES = Path(__file__).parent / "examples"


def pairs(split: str, language: str, size: int) -> list[dict[str, Any]]:
    """Pairs of questions in the small world, labelled 0 or 1."""
    return generator("question_pairs")(split=split, language=language, size=size)


def write_csv(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_cards(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cards = ["".join(f"{name} = {value}\n" for name, value in row.items()) for row in rows]
    path.write_text("\n".join(cards), encoding="utf-8")


def write_jsonl(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of all examples' tasks."""
    root = tmp_path_factory.mktemp("data")
    for name, split, language, size in (
        ("train", "train", "en", 120), ("test-en", "test", "en", 20), ("test-de", "test", "de", 20),
    ):  # fmt: skip
        rows = pairs(split, language, size)
        verdicts = [
            {"headline": row["text_a"], "summary": row["text_b"], "verdict": row["label"], "nr": n}
            for n, row in enumerate(rows)
        ]
        write_csv(root / f"headlines/{name}.csv", verdicts)
        write_csv(root / f"paraphrases/{name}.csv", verdicts)
        cards = [{"first": row["text_a"], "second": row["text_b"], "same": row["label"]} for row in rows]
        write_cards(root / f"notes/{name}.cards", cards)
        likeness = [
            {"sentence1": row["text_a"], "sentence2": row["text_b"], "score": int(row["label"]) * 4 + n % 2}
            for n, row in enumerate(rows)
        ]
        write_jsonl(root / f"likeness/{name}.jsonl", likeness)
    return root


def run(commands: Sequence[Sequence[str]], folder: Path, *, tasks: Sequence[Path]) -> list[str]:
    """What commands print that are run one after the other, in `folder` and with folders of tasks."""
    printed = []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for words in commands:
            result = CliRunner().invoke(astilts, words, env={"ASTILTS_TASKS": os.pathsep.join(map(str, tasks))})
            assert result.exit_code == 0, result.output
            printed.append(result.stdout)
    return printed
