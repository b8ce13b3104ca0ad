"""Scores of folders against what the benchmark's own script prints, and its averages worked out by hand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from adapterstilts.commands.score import GROUPS, score_folders
from adapterstilts.errors import AstiltsError, DataError, UsageError
from adapterstilts.metrics.submission import write_answers, write_gold_answers, write_lines
from adapterstilts.reporting.score import scores_report
from adapterstilts.reporting.terminal import as_text
from adapterstilts.tasks.catalogue import Catalogue
from tests.package_tasks import recipe, task_names
from tests.tasks.test_outside import write_task

# Tasks of the two benchmarks with the number of their test languages: `evaluate.py` of google-research/xtreme, and
# table 1 of Ruder et al. 2021 (arXiv 2104.07412).
BENCHMARKS = {
    "xtreme": {
        "pawsx": 7, "xnli": 15, "panx": 40, "udpos": 33, "bucc2018": 4, "tatoeba": 36, "xquad": 11, "mlqa": 7,
        "tydiqa": 9,
    },
    "xtreme-r": {
        "xnli": 15, "xcopa": 11, "panx": 48, "udpos": 38, "xquad": 12, "mlqa": 7, "tydiqa": 9, "tatoeba": 41,
        "mewslix": 11, "lareqa": 11,
    },
}  # fmt: skip

GROUP_OF = {
    "pawsx": "classification", "xnli": "classification", "xcopa": "classification", "panx": "structured_prediction",
    "udpos": "structured_prediction", "xquad": "question_answering", "mlqa": "question_answering",
    "tydiqa": "question_answering", "bucc2018": "retrieval", "tatoeba": "retrieval", "mewslix": "retrieval",
    "lareqa": "retrieval",
}  # fmt: skip


def answer(folder: Path, name: str, answers: dict[str, str]) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    write_answers(answers, folder / name)


def gold(folder: Path, name: str, answers: dict[str, list[str]]) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    write_gold_answers(answers, folder / name)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """XQuAD in two languages and MLQA in one: 100/100 and 0/50, and 50/50 (EM/F1)."""
    mine, labels = tmp_path / "predictions", tmp_path / "labels"
    gold(labels, "xquad/test-en.json", {"a": ["red car"]})
    answer(mine, "xquad/test-en.json", {"a": "the red car"})
    gold(labels, "xquad/test-de.json", {"a": ["rotes auto"]})
    answer(mine, "xquad/test-de.json", {"a": "rotes haus"})
    gold(labels, "mlqa/test-de.json", {"a": ["haus"], "b": ["auto"]})
    answer(mine, "mlqa/test-de.json", {"a": "das Haus", "b": "Baum"})
    return mine, labels


def test_golden_folder_equals_the_official_script(shared: Path) -> None:
    expected = json.loads((shared / "golden/scores.json").read_text())
    scores = score_folders(shared / "golden/predictions", shared / "golden/labels")
    assert len(expected) == 10 and {task.task for task in scores.tasks} == set(expected)
    for task in scores.tasks:
        assert set(task.languages) == set(expected[task.task])
        for language, values in expected[task.task].items():
            found = {name: task.languages[language][name] for name in values}
            assert found == pytest.approx(values, abs=1e-9), (task.task, language)
        added = set(next(iter(task.languages.values()))) - set(values)
        assert added == ({"accuracy"} if recipe(task.task).metric == "tagging" else set())
    assert scores.overall.complete and scores.missing == {} and list(scores.groups) == list(GROUPS)


@pytest.mark.parametrize("benchmark", sorted(BENCHMARKS))
def test_benchmarks_have_their_tasks_and_languages(benchmark: str) -> None:
    found = {
        name: len(recipe(name).languages_of(benchmark)) for name in task_names() if benchmark in recipe(name).benchmarks
    }
    assert found == BENCHMARKS[benchmark]
    assert {name: recipe(name).group for name in found} == {name: GROUP_OF[name] for name in found}


def test_means_of_tasks_and_overall(folders: tuple[Path, Path]) -> None:
    scores = score_folders(*folders)
    tasks = {task.task: task for task in scores.tasks}
    assert list(tasks["xquad"].languages) == ["en", "de"]
    assert tasks["xquad"].languages["de"] == {"exact_match": 0.0, "f1": 50.0}
    assert tasks["xquad"].means == {"exact_match": 50.0, "f1": 75.0} and tasks["xquad"].score == 62.5
    assert tasks["mlqa"].score == 50.0  # the German article does not count in MLQA
    assert scores.overall.score == pytest.approx((62.5 + 50) / 2) and scores.overall.complete
    assert scores.overall.tasks == scores.groups["question_answering"].tasks == ("mlqa", "xquad")
    assert "mean of 2 tasks" in as_text(scores_report(scores)) and "overall" not in as_text(scores_report(scores))
    assert scores.missing == {} and scores.outside == () and scores.benchmark is None


def test_groups_are_means_over_their_tasks(folders: tuple[Path, Path]) -> None:
    mine, labels = folders
    for folder, values in ((mine, ["0", "1"]), (labels, ["0", "0"])):
        (folder / "pawsx").mkdir()
        write_lines(values, folder / "pawsx/test-de.tsv")
    scores = score_folders(mine, labels)
    assert {group: average.score for group, average in scores.groups.items()} == {
        "classification": 50.0, "question_answering": 56.25,
    }  # fmt: skip
    assert [task.task for task in scores.tasks] == ["pawsx", "mlqa", "xquad"]
    assert scores.overall.score == pytest.approx((62.5 + 50 + 50) / 3)


def test_what_has_labels_and_no_predictions_is_listed(folders: tuple[Path, Path]) -> None:
    mine, labels = folders
    gold(labels, "xquad/test-zh.json", {"a": ["x"]})
    gold(labels, "tydiqa/test-sw.json", {"a": ["x"]})
    scores = score_folders(mine, labels)
    tasks = {task.task: task for task in scores.tasks}
    assert tasks["xquad"].missing == ("zh",) and tasks["mlqa"].missing == ()
    assert scores.missing == {"tydiqa": ("sw",)}
    assert scores.overall.score == pytest.approx(56.25) and not scores.overall.complete
    text = as_text(scores_report(scores))
    assert "2 of 3" in text and "62.5*" in text and "  xquad: zh\n" in text
    assert "tydiqa: sw (no predictions for this task)" in text


def test_benchmark_lists_what_a_submission_lacks(folders: tuple[Path, Path]) -> None:
    scores = score_folders(*folders, benchmark="xtreme")
    tasks = {task.task: task for task in scores.tasks}
    assert tasks["mlqa"].missing == ("en", "ar", "es", "hi", "vi", "zh")
    assert "tydiqa" in scores.missing and "mlqa" not in scores.missing
    assert not scores.overall.complete and scores.overall.score == pytest.approx(56.25)
    assert "Missing for a complete submission to xtreme" in as_text(scores_report(scores))


def test_benchmark_leaves_out_what_it_does_not_have(folders: tuple[Path, Path]) -> None:
    mine, labels = folders
    answer(mine, "xquad/test-sw.json", {"a": "wrong"})  # XQuAD has no Swahili: not even its labels are asked for
    answer(mine, "squad/test-en.json", {"a": "wrong"})
    scores = score_folders(mine, labels, benchmark="xtreme-r")
    tasks = {task.task: task for task in scores.tasks}
    assert tasks["xquad"].outside == ("sw",) and tasks["xquad"].score == 62.5
    assert scores.outside == ("squad",)
    assert "Not in xtreme-r, and left out: xquad sw; squad" in as_text(scores_report(scores))


def test_all_files_of_a_task_make_it_complete(tmp_path: Path) -> None:
    for language in recipe("mlqa").languages_of("xtreme"):
        gold(tmp_path / "labels", f"mlqa/test-{language}.json", {"a": ["7"]})
        answer(tmp_path / "mine", f"mlqa/test-{language}.json", {"a": "7"})
    (task,) = score_folders(tmp_path / "mine", tmp_path / "labels", benchmark="xtreme").tasks
    assert task.missing == () and task.score == 100.0


def test_validation_files_are_scored_and_no_submission(tmp_path: Path) -> None:
    gold(tmp_path / "labels", "mlqa/validation-de.json", {"a": ["7"]})
    gold(tmp_path / "labels", "mlqa/test-zh.json", {"a": ["7"]})
    answer(tmp_path / "mine", "mlqa/validation-de.json", {"a": "7"})
    (task,) = score_folders(tmp_path / "mine", tmp_path / "labels").tasks
    assert (task.split, task.score, task.missing) == ("validation", 100.0, ())
    (task,) = score_folders(tmp_path / "mine", tmp_path / "labels", benchmark="xtreme").tasks
    assert "de" in task.missing and len(task.missing) == 7


def test_pairs_of_languages_use_the_context_and_stay_out_of_the_mean(folders: tuple[Path, Path]) -> None:
    mine, labels = folders
    gold(labels, "mlqa/test-de-en.json", {"a": ["Haus"]})
    answer(mine, "mlqa/test-de-en.json", {"a": "ein Haus"})
    tasks = {task.task: task for task in score_folders(mine, labels).tasks}
    assert tasks["mlqa"].languages["de-en"] == {"exact_match": 100.0, "f1": 100.0}
    assert tasks["mlqa"].score == 50.0
    for folder in folders:
        (folder / "mlqa/test-de.json").unlink()
    tasks = {task.task: task for task in score_folders(mine, labels).tasks}
    assert tasks["mlqa"].score == 100.0


FAULTS = [
    ("xquad/test-ru.json", "{}", DataError, "test-ru.json has no labels: there is no .*labels/xquad/test-ru.json. Add"),
    ("xquad/test-qq.json", "{}", UsageError, "Unknown language in the name of .*test-qq.json: 'qq'"),
    ("xquad/test-de-en-zh.json", "{}", UsageError, "test-de-en-zh.json names 3 languages. Name one"),
    ("xquad/test-zh.tsv", "x\n", DataError, "test-zh.tsv ends in .tsv, and predictions for xquad in .json"),
    ("xquad/validation-de.json", "{}", DataError, "xquad has files of several splits: test, validation. Score one"),
    ("xquad/notes.txt", "x", DataError, "notes.txt is not a file of the submission layout"),
    ("xquat/test-de.json", "{}", UsageError, "Unknown task 'xquat'. Did you mean 'xquad'"),
    ("tydiqa/test-en.json", "{}", DataError, "tydiqa has predictions, but there is no folder .*labels/tydiqa. Add"),
    ("xquad/test-de.json", '{"b": ""}', DataError, "xquad/test-de.json has no entry for 1 ids"),
]


@pytest.mark.parametrize(("name", "content", "error", "message"), FAULTS, ids=[fault[0] for fault in FAULTS])
def test_faulty_folders_are_refused(
    folders: tuple[Path, Path], name: str, content: str, error: type[AstiltsError], message: str
) -> None:
    path = folders[0] / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    with pytest.raises(error, match=message):
        score_folders(*folders)


def test_language_that_the_scorer_does_not_know(folders: tuple[Path, Path]) -> None:
    for folder, write, value in ((folders[0], answer, {"a": "x"}), (folders[1], gold, {"a": ["x"]})):
        write(folder, "mlqa/test-ru.json", value)
    with pytest.raises(UsageError, match="Unknown language of MLQA's scorer 'ru'"):
        score_folders(*folders)


def test_wrong_folders(folders: tuple[Path, Path], tmp_path: Path) -> None:
    mine, labels = folders
    with pytest.raises(DataError, match="absent is not a folder. Give the folder that holds"):
        score_folders(tmp_path / "absent", labels)
    with pytest.raises(DataError, match="xquad has no folder of a task. Predictions are in <task>/<split>"):
        score_folders(mine / "xquad", labels)
    (tmp_path / "other/squad").mkdir(parents=True)
    with pytest.raises(DataError, match="other has no folder of a task of xtreme-r"):
        score_folders(tmp_path / "other", labels, benchmark="xtreme-r")
    with pytest.raises(UsageError, match="Unknown benchmark 'xtrem'. Did you mean 'xtreme'"):
        score_folders(mine, labels, benchmark="xtrem")


def test_task_without_a_language_of_the_benchmark(folders: tuple[Path, Path]) -> None:
    mine, labels = folders
    answer(mine, "tydiqa/test-de.json", {"a": "x"})
    gold(labels, "tydiqa/test-de.json", {"a": ["x"]})
    with pytest.raises(DataError, match="tydiqa has no language of xtreme. Take this folder away"):
        score_folders(mine, labels, benchmark="xtreme")


def test_an_error_that_is_no_share_is_in_no_mean_over_tasks(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """A squared error of 10,000 beside XQuAD and MLQA, whose scores are 62.5 and 50."""
    write_task(tmp_path / "own", "prices", metric="mse", options={"regression": True, "main": "mse"}, phases=["target"])
    for folder, value in zip(folders, ("300", "200"), strict=True):
        (folder / "prices").mkdir()
        write_lines([value], folder / "prices/test-en.tsv")
    scores = score_folders(*folders, catalogue=Catalogue.load([tmp_path / "own"]))
    prices = next(task for task in scores.tasks if task.task == "prices")
    assert prices.means == {"mse": 10_000} and set(scores.overall.tasks) == {"xquad", "mlqa"}
    assert scores.overall.score == pytest.approx((62.5 + 50) / 2)
    text = as_text(scores_report(scores))
    assert "mean of 2 tasks" in text and "since its score is not in percent: prices." in " ".join(text.split())
    for folder in folders:
        for name in ("xquad", "mlqa"):
            shutil.rmtree(folder / name)
    alone = score_folders(*folders, catalogue=Catalogue.load([tmp_path / "own"]))
    assert alone.overall.score == -10_000
