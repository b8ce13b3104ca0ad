"""Delimiters and quotation marks of tables that nobody described."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats import FORMATS
from adapterstilts.data.formats.guessing import guess_format

PAIR = ["id", "text_a", "text_b", "label", "language"]

# name of the file: (content, format, options)
FILES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "prose.csv": ("id;text\n1;Hello, world\n2;Well, then, no\n", "csv", {"delimiter": ";"}),
    "all_prose.csv": ("x1;Hello, world\nx2;Well, no\n", "csv", {"delimiter": ";"}),
    "decimals.csv": (
        "1,5;2,5;x\n3,5;2,25;y\n", "csv", {"delimiter": ";", "columns": ["column_1", "column_2", "column_3"]},
    ),
    "bars.csv": ("a|b|c\n1, 2|x|y\n1|x; z|y\n", "csv", {"delimiter": "|"}),
    "tabs.csv": ("a\tb\nx, y\tz\n", "csv", {"delimiter": "\t"}),
    "first_line.csv": ("name, and more;label\nx;1\ny;2\nz;1\n", "csv", {"delimiter": ";"}),
    "commas.tsv": ("a,b\nx,y\n", "csv", {}),
    "bars.txt": ("a|b\nx|y\n", "csv", {"delimiter": "|"}),
    "one_column.csv": ("text\nHello there\nx\n", "csv", {}),
    "commas_in_one_column.csv": ("text\n" + '"Well, no"\n' * 20, "csv", {}),
    "inside.csv": ('a,b\n"x; y\n; z",1\n"; ; ;",2\n', "csv", {}),
    "escaped.csv": ('a,b\n"say \\"hi, you\\"",1\n"x",2\n', "csv", {"escape": "backslash"}),
    "single.csv": ("a,b\n'x, y',1\n'z',2\n", "csv", {"quote": "'"}),
    "apostrophe.csv": ("a,b\n'tis so,1\nisn't,2\n", "csv", {}),
    "unquoted.csv": ('a,b\n"No" he said,1\n"Yes" she did,2\n', "csv", {"quote": "none"}),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_dialects(tmp_path: Path, name: str) -> None:
    content, format_, options = FILES[name]
    (tmp_path / name).write_text(content, encoding="utf-8")
    found = guess_format(tmp_path / name, PAIR)
    assert (found.name, found.options) == (format_, options)


@pytest.mark.parametrize(
    "way", [{}, {"sep": ";", "decimal": ","}, {"sep": "|"}, {"doublequote": False, "escapechar": "\\"}]
)
def test_what_pandas_writes_is_read(tmp_path: Path, way: dict[str, Any]) -> None:
    table = pd.DataFrame({"text": ['He said "no", twice', "a; b", "c\nd | e"], "score": [1.5, 2.5, 3.0]})
    table.to_csv(tmp_path / "x.csv", index=False, **way)
    found = guess_format(tmp_path / "x.csv", PAIR)
    records = FORMATS.get(found.name)((tmp_path / "x.csv",), "en", BadRows(skip=False), **found.options)
    assert [record["text"] for _, record in records] == table["text"].tolist()


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst", ".zip"])
def test_the_suffix_of_what_is_packed_counts(tmp_path: Path, suffix: str) -> None:
    pd.DataFrame({"text": ["x", "y"], "label": [1, 2]}).to_json(
        path := tmp_path / f"x.jsonl{suffix}", orient="records", lines=True, compression=None
    )
    assert guess_format(path, PAIR).name == "jsonl"


def test_a_delimiter_can_be_said(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("a,b;c\n1,2;3\n")
    assert guess_format(tmp_path / "x.txt", PAIR, delimiter=";").options == {"delimiter": ";"}
    assert guess_format(tmp_path / "x.txt", PAIR, delimiter=",").options == {}
