"""Tatoeba, from the files that XTREME's download or LASER leaves to a submission and its score."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import adapterstilts
from adapterstilts.cli.main import astilts
from adapterstilts.commands.export import export_runs
from adapterstilts.commands.results import TransferResult, TransferRow
from adapterstilts.commands.score import score_folders
from adapterstilts.mini.generators import generator
from adapterstilts.reporting.transfer import transfer_tables
from adapterstilts.runs.store import Run
from tests.conftest import WINDOWS, without_training

COUNT = 30


def english() -> list[str]:
    rows = generator("translations")(split="test", language="de", size=COUNT)
    found = [row["text"] for row in rows if row["side"] == "candidate"]
    assert len(set(found)) == COUNT and found != sorted(found)
    return found


def translated(number: int) -> int:
    """Where in the other file the translation of an English line is: no two of them have each other's number."""
    return (number + 7) % COUNT


@pytest.fixture
def download(tmp_path: Path) -> Path:
    """Tatoeba as XTREME's download leaves it; the labels that it takes away are in `labels`.

    The "other language" repeats the English sentences, so that embeddings alone find every one of them, and line
    numbers tell which file was searched.
    """
    sentences = english()
    other = [""] * COUNT
    for number, text in enumerate(sentences):
        other[translated(number)] = text
    order = sorted(range(COUNT), key=lambda number: sentences[number])
    _write(tmp_path / "download/tatoeba/de-en.de", other)
    _write(tmp_path / "download/tatoeba/de-en.en", [sentences[number] for number in order])
    _write(tmp_path / "labels/tatoeba/test-de.tsv", [str(translated(number)) for number in order])
    return tmp_path / "download"


@pytest.fixture
def laser(tmp_path: Path) -> Path:
    """The same sentences as LASER has them: equal lines translate each other."""
    sentences = english()
    other = {translated(number): text for number, text in enumerate(sentences)}
    aligned = [other[number] for number in range(COUNT)]
    _write(tmp_path / "laser/tatoeba/v1/tatoeba.deu-eng.deu", aligned)
    _write(tmp_path / "laser/tatoeba/v1/tatoeba.deu-eng.eng", aligned)
    return tmp_path / "laser"


def _write(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def search(quick: dict[str, Any], folder: Path) -> tuple[TransferResult, TransferRow]:
    given = {name: value for name, value in without_training(quick).items() if name not in WINDOWS}
    options = {**given, "data_dir": folder, "languages": ("de",), "layer": 0}
    result = adapterstilts.transfer("none", "tatoeba", **options)
    return result, result.rows[0]


def test_a_submission_made_from_xtremes_download_is_right(
    quick: dict[str, Any], download: Path, tmp_path: Path
) -> None:
    result, row = search(quick, download)
    assert row.counts == {"de": {"unlabelled": COUNT}} and "no labels" in transfer_tables(result)
    out = tmp_path / "submission"
    made = CliRunner().invoke(
        astilts, ["export", row.folder.name, "--out", str(out), "--partial", "--store", str(quick["store"])]
    )
    assert made.exit_code == 0, made.output
    assert (out / "tatoeba/test-de.tsv").read_text() == (tmp_path / "labels/tatoeba/test-de.tsv").read_text()
    scored = CliRunner().invoke(astilts, ["score", str(out), str(tmp_path / "labels")])
    assert scored.exit_code == 0 and "100.0" in scored.output, scored.output


def test_lasers_files_are_scored_and_give_the_same_submission(
    quick: dict[str, Any], download: Path, laser: Path, tmp_path: Path
) -> None:
    (_, row), (_, hidden) = search(quick, laser), search(quick, download)
    assert row.zero_shot and row.zero_shot["accuracy"] == 100.0
    export_runs([Run(row.folder)], tmp_path / "out", benchmark="xtreme", partial=True)
    (scored,) = score_folders(tmp_path / "out", row.folder / "labels").tasks
    assert scored.languages["de"]["accuracy"] == 100.0
    assert row.predictions("de") == hidden.predictions("de")


def test_labels_are_preferred_where_both_are_there(quick: dict[str, Any], download: Path, laser: Path) -> None:
    for path in (laser / "tatoeba/v1").iterdir():
        path.rename(download / "tatoeba" / path.name)
    row = search(quick, download)[1]
    assert row.zero_shot and row.zero_shot["accuracy"] == 100.0


def test_the_suite_asks_in_english_too() -> None:
    from adapterstilts.data.bad_rows import BadRows
    from adapterstilts.data.sources.mini import MiniRows
    from tests.package_tasks import recipe

    rows = MiniRows().load(recipe("tatoeba"), "test", "sw", BadRows(skip=False)).to_list()
    asked = {row["id"]: row for row in rows if row["side"] == "query"}
    pool = {row["id"]: row for row in rows if row["side"] == "candidate"}
    assert {row["language"] for row in asked.values()} == {"en"} and {row["language"] for row in pool.values()} == {
        "sw"
    }
    told = generator("translations")(split="test", language="sw", size=len(asked), near_misses=0.9)
    given = {row["id"]: row for row in told if row["side"] == "query"}
    assert all(given[row["gold"][0]]["gold"] == [id_] for id_, row in asked.items())
    assert all(pool[id_]["text"] == row["text"] for id_, row in given.items())
