"""Which intermediate task: the obvious ones win on the embedded suite, and what cannot be ranked is refused."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import adapterstilts
from adapterstilts.cli.main import astilts
from adapterstilts.errors import DataError, UsageError
from adapterstilts.reporting.recommend import recommendation_report
from adapterstilts.reporting.terminal import as_text


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return {"profile": "mini", "store": tmp_path_factory.mktemp("store"), "examples": 100}


def tasks(found: Any) -> list[str]:
    return [one.candidate.partition("@")[0] for one in found.candidates]


@pytest.mark.parametrize("by", ["logme", "knn"])
@pytest.mark.parametrize(
    ("target", "from_", "right"),
    [
        ("mlqa", "ccg,squad,mnli,copa", "squad"),
        ("xnli", "ccg,squad,mnli,copa", "mnli"),
        ("udpos", "squad,mnli,ccg,copa", "ccg"),
    ],
)
def test_the_task_that_teaches_the_same_wins(
    options: dict[str, Any], by: str, target: str, from_: str, right: str
) -> None:
    found = adapterstilts.recommend(target, from_=from_, by=by, **options)
    assert tasks(found)[0] == right and [one.rank for one in found.candidates] == [1, 2, 3, 4]
    assert found.candidates[0].score > found.candidates[1].score
    assert (found.by, found.ranked, found.examples) == (by, 4, 100)


def test_candidates_that_have_seen_the_examples_are_named(options: dict[str, Any]) -> None:
    """XCOPA is trained on COPA last, whose rows a run of COPA was trained on."""
    found = adapterstilts.recommend("xcopa", from_="copa,siqa", by="logme", **{**options, "examples": 20})
    assert {one.candidate.partition("@")[0]: one.shared_data for one in found.candidates} == {
        "copa": ["copa"],
        "siqa": [],
    }
    text = " ".join(as_text(recommendation_report(found)).split())
    assert text.count("trained on the data that the examples are from (copa)") == 1
    by_size = adapterstilts.recommend("xcopa", from_="copa", by="size", **options)
    assert by_size.candidates[0].shared_data == []


def test_a_repeated_call_is_answered_from_the_cache_without_torch(options: dict[str, Any]) -> None:
    asked = {"from_": "squad,mnli", "by": "logme", **options}
    first = adapterstilts.recommend("mlqa", **asked)
    code = (
        "import sys, adapterstilts\n"
        f"found = adapterstilts.recommend('mlqa', **{ {**asked, 'store': str(asked['store'])}!r})\n"
        "print([one.score for one in found.candidates], 'torch' in sys.modules)"
    )
    again = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert again.strip() == f"{[one.score for one in first.candidates]} False"


def test_the_next_command_is_one_that_works(options: dict[str, Any]) -> None:
    found = adapterstilts.recommend("mlqa", from_="squad,ccg", by="size", languages="en,de", **options)
    assert found.command.startswith("astilts transfer --from squad@")
    assert "--languages en,de" in found.command and "--by" not in found.command and found.examples == 0
    shown = CliRunner().invoke(astilts, [*shlex.split(found.command)[1:], "--plan"], catch_exceptions=False)
    assert shown.exit_code == 0 and "mlqa" in shown.output
    short = adapterstilts.recommend("mlqa", from_="squad", by="size", max_length=64, epochs=0.5, **options)
    assert " --max-length 64" in short.command and " --epochs 0.5" in short.command


def test_the_trivial_rules(options: dict[str, Any]) -> None:
    sizes = adapterstilts.recommend("mlqa", by="size", **options)
    scores = [one.score for one in sizes.candidates]
    assert scores == sorted(scores, reverse=True) and sizes.candidates[0].rank == sizes.candidates[1].rank == 1
    kinds = adapterstilts.recommend("panx", by="kind", top=2, **options)
    assert tasks(kinds) == ["ccg", "udpos"] and kinds.ranked == 13  # of those of its kind, the larger one first
    assert "runs of panx itself (--from panx ranks them)" in kinds.left_out


def test_the_table_fits_a_terminal_and_json_says_the_same(options: dict[str, Any]) -> None:
    flags = ["--to", "xnli", "--by", "logme", "--top", "3", "--profile", "mini", "--examples", "50"]
    words = ["recommend", *flags, "--store", str(options["store"])]
    shown = CliRunner(env={"COLUMNS": "80"}).invoke(astilts, words, catch_exceptions=False).stdout
    lines = shown.splitlines()
    *table, last = lines
    assert max(map(len, table)) <= 80 and last.startswith("Next: astilts transfer --from ")
    assert lines[0] == "XNLI: intermediate runs by LogME, from at most 50 English training examples"
    said = json.loads(CliRunner().invoke(astilts, [*words, "--json"], catch_exceptions=False).stdout)
    assert len(said["candidates"]) == 3 and said["ranked"] == 14
    assert all(one["candidate"] in shown and one["place"].startswith("the package") for one in said["candidates"])
    assert said["candidates"][0]["candidate"] in last and said["by"] == "logme"


def test_retrieval_has_pairs_and_no_labels(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"--by logme needs labels, and lareqa .* has pairs.*--by knn, taskemb"):
        adapterstilts.recommend("lareqa", by="logme", **options)
    found = adapterstilts.recommend("lareqa", from_="mnli,ccg", **options)
    assert found.by == "knn" and all(0 <= one.score <= 1 for one in found.candidates)


def test_a_target_that_is_not_trained_is_refused_where_examples_are_read(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"tatoeba has no English training examples.*transfer --from all --to tatoeba"):
        adapterstilts.recommend("tatoeba", **options)
    assert adapterstilts.recommend("tatoeba", by="size", top=1, **options).examples == 0


def test_wrong_use_is_said(options: dict[str, Any]) -> None:
    for wrong, message in (
        ({"by": "logm"}, "by: Input should be 'logme', 'knn'"),
        ({"method": "logme"}, r"--method logme is a way of ranking.*Give --by logme"),
        ({"languages": "en,ru"}, "Russian"),
        ({"method": "lora"}, "no intermediate run with method lora"),
    ):
        with pytest.raises(UsageError, match=message):
            adapterstilts.recommend("mlqa", **{**options, **wrong})
    with pytest.raises(UsageError, match="is not a task for the target phase"):
        adapterstilts.recommend("mnli", **options)


@pytest.mark.slow
def test_a_damaged_candidate_is_said_and_the_rest_is_ranked(mini: dict[str, Any], tmp_path: Path) -> None:
    options = {**mini, "store": tmp_path / "store"}
    for task in ("squad", "ccg"):
        adapterstilts.train_intermediate(task, **options)
    (weights,) = (tmp_path / "store").glob("train-intermediate-ccg-*/weights.safetensors")
    weights.unlink()
    found = adapterstilts.recommend("mlqa", **options)
    assert tasks(found) == ["squad"]
    (said,) = found.left_out
    assert (
        said.startswith("ccg@")
        and "is missing: the run is damaged" in said
        and said in " ".join(as_text(recommendation_report(found)).split())
    )


def test_files_of_ones_own_are_a_target(options: dict[str, Any], tmp_path: Path) -> None:
    for name, count in (("own", 60), ("own-de", 4)):
        rows = [f"the teacher bought milk {number},{'yes' if number % 2 else 'no'}" for number in range(count)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["text,label", *rows]) + "\n", encoding="utf-8")
    asked = {**options, "from_": "mnli,qqp", "test": f"de={tmp_path / 'own-de.csv'}", "examples": 40}
    found = adapterstilts.recommend(str(tmp_path / "own.csv"), **asked)
    assert found.by == "logme" and len(found.candidates) == 2
    assert f"--to {tmp_path / 'own.csv'}" in found.command and "--test de=" in found.command
    without = adapterstilts.recommend(str(tmp_path / "own.csv"), **{**asked, "test": None})
    assert [one.score for one in without.candidates] == [one.score for one in found.candidates]
    assert without.command.endswith(" --validation 0.2")
    with pytest.raises(DataError, match="all examples have the same label"):
        adapterstilts.recommend(str(tmp_path / "own.csv"), **{**asked, "max_train_examples": 1})
