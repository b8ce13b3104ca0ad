"""What can be added from outside the package, each used by training, transfer, scores and translation."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import spearmanr

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.sources.files import FileRows
from adapterstilts.tasks.catalogue import Catalogue
from tests.conftest import QUICK
from tests.outside.conftest import EXAMPLES
from tests.translation_models import save_marian, sentences

README = Path(__file__).parents[2] / "README.md"
# What is added to the task that shows it; a method has none of its own.
TASKS = {"task": "headlines", "format": "notes", "metric": "paraphrases", "kind": "likeness", "method": "headlines"}
METRIC = {"kind": "spearman"}
METHOD = {"method": ["--method", "peft:hra[r=2]"]}


@pytest.fixture(scope="module")
def marian(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A translation model of random weights."""
    return save_marian(tmp_path_factory.mktemp("models") / "marian", sentences("en", "de"), positions=48)


def flags(backbone: Path, data: Path) -> list[str]:
    words = ["--backbone", str(backbone), "--data-dir", str(data), "--store", "store", "--json"]
    return words + [word for name, value in QUICK.items() for word in (f"--{name.replace('_', '-')}", str(value))]


def test_the_readme_says_in_how_many_files_each_is_added() -> None:
    rows = re.findall(r"^\| an? (\w+) \| (\d+) \| .* \| `(\w+)` \|$", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert [what for what, _, _ in rows] == ["task", "format", "metric", "method", "kind"]
    for what, count, example in rows:
        own = [path for path in (EXAMPLES / example).rglob("*") if path.suffix in (".py", ".yaml")]
        # Beside what they add, examples have a task that uses it, as far as it is no other one's.
        extra = 0 if what in ("task", "method") else 1
        assert len(own) - extra == int(count), what


@pytest.mark.parametrize("what", TASKS)
def test_additions_are_trained_with_transferred_to_and_scored(
    what: str, tiny_backbone: Path, data: Path, astilts: Callable[..., list[str]]
) -> None:
    task, common = TASKS[what], [*flags(tiny_backbone, data), *METHOD.get(what, [])]
    folders = [EXAMPLES / name for name in dict.fromkeys([what, *(["task"] if what == "method" else [])])]
    trained, moved, listed = astilts(
        ["train-intermediate", task, *common],
        ["transfer", "--from", task, "--to", task, *common],
        ["tasks", "--json"],
        tasks=folders,
    )
    metric = METRIC.get(what, "accuracy")
    assert json.loads(trained)["tasks"][task]["validation"][metric] is not None
    rows = json.loads(moved)["rows"]
    assert [row["intermediate"].partition("@")[0] for row in rows] == ["none", task]
    assert all(set(row["languages"]) == {"en", "de"} and metric in row["languages"]["de"] for row in rows)
    assert set(rows[1]["difference"][metric]) == {"mean", "low", "high"}
    (entry,) = [one for one in json.loads(listed) if one["name"] == task]
    assert entry["origin"] == {"kind": "folder", "name": str(folders[-1])}
    assert all(row["method"] == "peft:hra[r=2]" for row in rows) or what != "method"
    check_scores(rows, metric, tasks=folders, astilts=astilts)


@pytest.mark.parametrize("what", ["task", "kind"])
def test_additions_are_translated_and_trained_with_in_another_language(
    what: str, tiny_backbone: Path, data: Path, astilts: Callable[..., list[str]], marian: Path
) -> None:
    few = ["--data-dir", str(data), "--max-train-examples", "12", "--json"]
    translated, trained = astilts(
        ["translate", TASKS[what], "--to", "de", "--model", str(marian), *few],
        ["train-intermediate", TASKS[what], "--languages", "en,de", "--translations", "translations",
         *flags(tiny_backbone, data), *few],
        tasks=[EXAMPLES / what],
    )  # fmt: skip
    (result,) = json.loads(translated)
    assert result["rows"] + sum(result["dropped"].values()) == 12 and result["rows"] > 0
    assert json.loads(trained)["languages"] == ["en", "de"]


def check_scores(
    rows: list[dict[str, Any]], metric: str, *, tasks: Sequence[Path], astilts: Callable[..., list[str]]
) -> None:
    """`astilts score` gives the numbers that `transfer` printed."""
    folders = [row["folder"] for row in rows]
    found = astilts(
        *(["score", f"{folder}/predictions", f"{folder}/labels", "--json"] for folder in folders), tasks=tasks
    )
    for row, scored in zip(rows, found, strict=True):
        (task,) = json.loads(scored)["tasks"]
        for language, metrics in task["languages"].items():
            assert metrics[metric] == pytest.approx(row["languages"][language][metric], abs=1e-4)


def test_the_number_of_the_example_kind_is_a_rank_correlation(
    tiny_backbone: Path, data: Path, tmp_path: Path, astilts: Callable[..., list[str]]
) -> None:
    """Expected: scipy's, of the files in the run's folder."""
    words = ["transfer", "--from", "none", "--to", "likeness", *flags(tiny_backbone, data)]
    (row,) = json.loads(astilts(words, tasks=[EXAMPLES / "kind"])[0])["rows"]
    for language in ("en", "de"):
        mine, gold = (
            [float(line) for line in (tmp_path / row["folder"] / name / "likeness" / f"test-{language}.tsv").open()]
            for name in ("predictions", "labels")
        )
        assert row["languages"][language]["spearman"] == pytest.approx(100 * spearmanr(mine, gold).statistic)


def test_the_recipe_in_the_readme_is_one(tmp_path: Path) -> None:
    (text,) = re.findall(r"^```yaml\n(.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    (tmp_path / "news").mkdir()
    (tmp_path / "news/task.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "train.csv").write_text("headline,topic\nA vote,politics\nA goal,sport\n", encoding="utf-8")
    task = Catalogue.load([tmp_path]).recipe("news")
    rows = FileRows(tmp_path).load(task, "train", "en", BadRows(skip=False))
    assert rows["text_a"][:] == ["A vote", "A goal"] and rows["label"][:] == ["politics", "sport"]
