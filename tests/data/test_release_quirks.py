"""What releases and those who save them again do to files, and what of it is data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.sources.files import FileRows
from adapterstilts.errors import DataError
from tests.package_tasks import recipe


def load(
    root: Path, task: str, language: str, files: dict[str, str], split: str = "validation"
) -> list[dict[str, Any]]:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode())
    return FileRows(root).load(recipe(task), split, language, BadRows(skip=False)).to_list()


def test_pairs_of_which_one_text_is_missing_count(tmp_path: Path) -> None:
    text = "One sentence.\tNS\t0\nAnother one.\t\t1\nThird.\tThe third.\t1\n"
    rows = load(tmp_path, "pawsx", "de", {"pawsx/dev-de.tsv": text})
    assert [(row["text_b"], row["label"]) for row in rows] == [("NS", "0"), ("", "1"), ("The third.", "1")]
    with pytest.raises(DataError, match=r"pawsx/dev-de.tsv: line 2: both texts are empty"):
        load(tmp_path, "pawsx", "de", {"pawsx/dev-de.tsv": "A\tB\t0\n\t \t1\n"})


def test_the_first_pair_of_a_file_without_header_is_data_and_a_header_never(tmp_path: Path) -> None:
    rows = load(tmp_path, "pawsx", "de", {"pawsx/dev-de.tsv": "A\tB\t1\nC\tD\t0\n"})
    assert [row["text_a"] for row in rows] == ["A", "C"]
    with pytest.raises(DataError, match=r"line 1: the label 'label' is not one of 0, 1"):
        load(tmp_path, "pawsx", "de", {"pawsx/dev-de.tsv": "sentence1\tsentence2\tlabel\nA\tB\t1\n"})
    with pytest.raises(DataError, match=r"line 1: it has 4 columns instead of 3 \(text_a, text_b, label\)"):
        load(tmp_path, "pawsx", "de", {"pawsx/dev-de.tsv": "id\tsentence1\tsentence2\tlabel\n1\tA\tB\t1\n"})


def test_bucc_as_windows_saves_it_with_tabs_and_equal_sentences(tmp_path: Path) -> None:
    names = {end: f"bucc2018/de-en.dev.{end}" for end in ("de", "en", "gold")}
    files = {
        names["de"]: "de-1\tOne\twith a tab.\r\nde-2\tTwo.\r\nde-3\tTwo.\r\n",
        names["en"]: "en-1\tOne.\r\nen-2\tTwo.\r\n",
        names["gold"]: "de-1\ten-1\r\nde-2\ten-2\r\nde-3\ten-2\r\n",
    }
    rows = load(tmp_path, "bucc2018", "de", files)
    assert [row["gold"] for row in rows] == [["en-1"], ["en-2"], ["en-2"], [], []]
    assert rows[0]["text"] == "One\twith a tab." and rows[2]["text"] == "Two."
    with pytest.raises(DataError, match=r"line 1: the id 'en-1' is not in de-en.dev.de"):
        load(tmp_path, "bucc2018", "de", {**files, names["gold"]: "en-1\tde-1\r\n"})


def test_tags_of_another_scheme_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"sentence 1 .*'S-LOC' is not one of O, B-PER"):
        load(tmp_path, "panx", "de", {"panx/dev-de.tsv": "Anna\tI-PER\nSmith\tI-PER\n\nRom\tS-LOC\n"})
