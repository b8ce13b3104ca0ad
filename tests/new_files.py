"""A task of one's own in files."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import QUICK


def csv_task(folder: Path, backbone: Path, **said: Any) -> dict[str, Any]:
    """Options with which the task `news`, of pairs of texts, can be trained from a file.

    Args:
        said: What its recipe says besides.
    """
    with (folder / "news.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text_a", "text_b", "label"])
        writer.writerows([f"a {number}", f"b {number % 3}", ("yes", "no")[number % 2]] for number in range(48))
    recipe = {
        "name": "news", "title": "News", "kind": "pair_classification", "phases": ["intermediate"],
        "languages": ["en"], "metric": "accuracy", "options": {"labels": ["no", "yes"]},
        "sources": {"files": {"format": "csv", "splits": {"train": "news.csv"}}}, **said,
    }  # fmt: skip
    (folder / "tasks/news").mkdir(parents=True)
    (folder / "tasks/news/task.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    return {
        **QUICK, "backbone": str(backbone), "data_dir": folder, "tasks": folder / "tasks", "store": folder / "store",
    }  # fmt: skip
