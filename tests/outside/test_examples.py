"""What can be added from outside the package, each used by training, transfer, scores and translation."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import spearmanr

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.sources.files import FileRows
from adapterstilts.tasks.catalogue import Catalogue
from tests.conftest import QUICK
from tests.outside.conftest import EXAMPLES, run
from tests.translation_models import save_marian, sentences

PAGE = Path(__file__).parents[2] / "docs" / "adding.md"
# What is added to the task that shows it; a method has none of its own.
TASKS = {"task": "headlines", "format": "notes", "metric": "paraphrases", "kind": "likeness", "method": "headlines"}
METRIC = {"kind": "spearman"}
METHOD = {"method": ["--method", "peft:hra[r=2]"]}


def flags(backbone: Path, data: Path) -> list[str]:
    words = ["--backbone", str(backbone), "--data-dir", str(data), "--store", "store", "--json"]
    return words + [word for name, value in QUICK.items() for word in (f"--{name.replace('_', '-')}", str(value))]


@dataclass(frozen=True)
class Used:
    """What the commands printed, by addition, and the folder they ran in."""

    folder: Path
    trained: dict[str, Any]
    rows: dict[str, list[dict[str, Any]]]
    listed: list[dict[str, Any]]
    translated: dict[str, Any]
    trained_on_translations: dict[str, Any]
    scored: dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def used(tiny_backbone: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Used:
    """Every addition trained with, transferred to and scored."""
    folder = tmp_path_factory.mktemp("used")
    marian = save_marian(folder / "marian", sentences("en", "de"), positions=48)
    few = ["--data-dir", str(data), "--max-train-examples", "12", "--json"]
    commands = [["tasks", "--json"]]
    for what, task in TASKS.items():
        common = [*flags(tiny_backbone, data), *METHOD.get(what, [])]
        commands += [
            ["train-intermediate", task, *common],
            ["transfer", "--from", task, "--to", task, "--seeds", "1", *common],
        ]
    for what, task in TASKS.items():
        commands += [
            ["translate", task, "--to", "de", "--model", str(marian), "--max-cut-short", "1", *few],
            ["train-intermediate", task, "--languages", "en,de", "--translations", "translations",
             *flags(tiny_backbone, data), *METHOD.get(what, []), *few],
        ]  # fmt: skip
    folders = [EXAMPLES / what for what in TASKS]
    listed, *outputs = (json.loads(text) for text in run(commands, folder, tasks=folders))
    rows = {what: outputs[2 * n + 1]["rows"] for n, what in enumerate(TASKS)}
    others = outputs[2 * len(TASKS) :]
    evaluations = [row["folder"] for what in TASKS for row in rows[what]]
    score = [["score", f"{one}/predictions", f"{one}/labels", "--json"] for one in evaluations]
    scored = dict(zip(evaluations, map(json.loads, run(score, folder, tasks=folders)), strict=True))
    return Used(
        folder=folder,
        trained={what: outputs[2 * n] for n, what in enumerate(TASKS)},
        rows=rows,
        listed=listed,
        translated={what: others[2 * n][0] for n, what in enumerate(TASKS)},
        trained_on_translations={what: others[2 * n + 1] for n, what in enumerate(TASKS)},
        scored={what: [scored[row["folder"]] for row in rows[what]] for what in TASKS},
    )


def test_the_page_says_in_how_many_files_each_is_added() -> None:
    rows = re.findall(r"^\| an? (\w+) \| (\d+) \| .* \| `(\w+)` \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [what for what, _, _ in rows] == ["task", "format", "metric", "method", "kind"]
    for what, count, example in rows:
        own = [path for path in (EXAMPLES / example).rglob("*") if path.suffix in (".py", ".yaml")]
        # Beside what they add, examples have a task that uses it, as far as it is no other one's.
        extra = 0 if what in ("task", "method") else 1
        assert len(own) - extra == int(count), what


@pytest.mark.parametrize("what", TASKS)
def test_additions_are_trained_with_transferred_to_and_scored(what: str, used: Used) -> None:
    task, metric, rows = TASKS[what], METRIC.get(what, "accuracy"), used.rows[what]
    assert used.trained[what]["tasks"][task]["validation"][metric] is not None
    assert [row["intermediate"].partition("@")[0] for row in rows] == ["none", task]
    assert all(set(row["languages"]) == {"en", "de"} and metric in row["languages"]["de"] for row in rows)
    assert {"mean", "low", "high", "p"} < set(rows[1]["difference"][metric])
    (entry,) = [one for one in used.listed if one["name"] == task]
    assert entry["origin"] == {"kind": "folder", "name": str(EXAMPLES / ("task" if what == "method" else what))}
    assert all(row["method"] == "peft:hra[r=2]" for row in rows) or what != "method"
    # `astilts score` gives the numbers that `transfer` printed.
    for row, scored in zip(rows, used.scored[what], strict=True):
        (one,) = scored["tasks"]
        for language, metrics in one["languages"].items():
            assert metrics[metric] == pytest.approx(row["languages"][language][metric], abs=1e-4)


@pytest.mark.parametrize("what", TASKS)
def test_additions_are_translated_and_trained_with_in_another_language(what: str, used: Used) -> None:
    result = used.translated[what]
    assert result["rows"] + sum(result["dropped"].values()) == 12 and result["rows"] > 0
    assert used.trained_on_translations[what]["languages"] == ["en", "de"]


def test_the_number_of_the_example_kind_is_a_rank_correlation(used: Used) -> None:
    """Expected: scipy's, of the files in the run's folder."""
    row = used.rows["kind"][0]
    for language in ("en", "de"):
        mine, gold = (
            [float(line) for line in (used.folder / row["folder"] / name / "likeness" / f"test-{language}.tsv").open()]
            for name in ("predictions", "labels")
        )
        assert row["languages"][language]["spearman"] == pytest.approx(100 * spearmanr(mine, gold).statistic)


def test_the_recipe_on_the_page_is_one(tmp_path: Path) -> None:
    (text,) = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    (tmp_path / "news").mkdir()
    (tmp_path / "news/task.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "train.csv").write_text("headline,topic\nA vote,politics\nA goal,sport\n", encoding="utf-8")
    task = Catalogue.load([tmp_path]).recipe("news")
    rows = FileRows(tmp_path).load(task, "train", "en", BadRows(skip=False))
    assert rows["text_a"][:] == ["A vote", "A goal"] and rows["label"][:] == ["politics", "sport"]


def test_the_reader_on_the_page_is_one(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    (recipe,) = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (reader,) = re.findall(r"^```python title=\"mine/extension.py\"\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    changed = recipe.replace("format: csv", "format: pipes").replace("text_a: headline, ", "text_a: body, ")
    (tmp_path / "mine/news").mkdir(parents=True)
    (tmp_path / "mine/news/task.yaml").write_text(changed, encoding="utf-8")
    (tmp_path / "mine/extension.py").write_text(reader, encoding="utf-8")
    (tmp_path / "train.csv").write_text("A vote|politics\nnothing\nA|goal|sport\n", encoding="utf-8")
    catalogue, bad = Catalogue.load([tmp_path / "mine"]), BadRows(skip=True)
    with catalogue.in_use():
        rows = FileRows(tmp_path).load(catalogue.recipe("news"), "train", "en", bad)
    assert rows["text_a"][:] == ["A vote", "A|goal"] and rows["label"][:] == ["politics", "sport"]
    assert bad.counts == {"it has no '|'": 1}
