"""Parquet and Arrow, as the libraries write them."""

from __future__ import annotations

import datetime
import decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from datasets import ClassLabel, Dataset, Features, List, Value
from pyarrow import feather, parquet

from adapterstilts.data.bad_rows import BadRows
from adapterstilts.data.formats import FORMATS
from adapterstilts.data.formats.guessing import guess_format
from adapterstilts.errors import DataError

ROWS = [{"text": f"Grüße {number}", "tags": ["a", "b"], "label": number % 2} for number in range(2500)]


def read(name: str, *paths: Path, bad: BadRows | None = None) -> list[tuple[str, dict[str, Any]]]:
    return list(FORMATS.get(name)(paths, "en", bad or BadRows(skip=False)))


def test_parquet_of_pandas(tmp_path: Path) -> None:
    pd.DataFrame(ROWS).to_parquet(tmp_path / "x.parquet")
    found = read("parquet", tmp_path / "x.parquet")
    assert [record for _, record in found] == ROWS and found[-1][0] == "row 2499"


def test_the_index_of_pandas_is_left_out(tmp_path: Path) -> None:
    pd.DataFrame({"text": ["a", None]}, index=["x", "y"]).to_parquet(tmp_path / "x.parquet")
    assert read("parquet", tmp_path / "x.parquet") == [("row 0", {"text": "a"}), ("row 1", {"text": None})]


def test_dates_and_decimals_become_text(tmp_path: Path) -> None:
    values = {
        "day": [datetime.date(2020, 2, 29)], "price": [decimal.Decimal("1.50")], "at": [datetime.datetime(2020, 1, 2)],
        "label": pa.array(["x"]).dictionary_encode(),
    }  # fmt: skip
    parquet.write_table(pa.table(values), tmp_path / "x.parquet")
    ((_, record),) = read("parquet", tmp_path / "x.parquet")
    assert record == {"day": "2020-02-29", "price": "1.50", "at": "2020-01-02 00:00:00.000000", "label": "x"}


def test_parts_are_read_after_each_other(tmp_path: Path) -> None:
    for number in (0, 1):
        parquet.write_table(pa.table({"a": [number, number]}), tmp_path / f"{number}.parquet")
    found = read("parquet", tmp_path / "0.parquet", tmp_path / "1.parquet")
    assert [place for place, _ in found] == ["row 0 of 0.parquet", "row 1 of 0.parquet", "row 0 of 1.parquet",
                                             "row 1 of 1.parquet"]  # fmt: skip


def test_text_that_is_not_utf_8_spoils_its_row_only(tmp_path: Path) -> None:
    column = pa.array([b"a", b"\xff", b"c"]).view(pa.string())
    parquet.write_table(pa.table({"a": column}), tmp_path / "x.parquet")
    with pytest.raises(DataError, match="x.parquet: row 1: a text is not valid UTF-8"):
        read("parquet", tmp_path / "x.parquet")
    bad = BadRows(skip=True)
    assert [record["a"] for _, record in read("parquet", tmp_path / "x.parquet", bad=bad)] == ["a", "c"]
    assert bad.counts.total() == 1


def test_arrow_of_datasets(tmp_path: Path) -> None:
    labels = ClassLabel(names=["no", "yes"])
    features = Features({"text": Value("string"), "tags": List(Value("string")), "label": labels})
    Dataset.from_list(ROWS, features=features).save_to_disk(tmp_path / "x", num_shards=2)
    found = read("arrow", *sorted((tmp_path / "x").glob("*.arrow")))
    assert [record for _, record in found] == ROWS and found[-1][0] == "row 1249 of data-00001-of-00002.arrow"


@pytest.mark.parametrize("compression", ["uncompressed", "zstd"])
def test_arrow_as_a_file(tmp_path: Path, compression: str) -> None:
    feather.write_feather(pa.Table.from_pylist(ROWS), str(tmp_path / "x.feather"), compression=compression)
    assert [record for _, record in read("arrow", tmp_path / "x.feather")] == ROWS


@pytest.mark.parametrize("name", ["parquet", "arrow"])
def test_what_is_cut_off_is_an_error_that_names_the_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x"
    if name == "parquet":
        parquet.write_table(pa.Table.from_pylist(ROWS), path)
    else:
        Dataset.from_list(ROWS).save_to_disk(tmp_path / "saved")
        path.write_bytes((tmp_path / "saved/data-00000-of-00001.arrow").read_bytes())
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=rf"x is not {name.title()}, or damaged \(.*download or write it again"):
        read(name, path)
    path.write_bytes(b"")
    with pytest.raises(DataError, match="x is empty"):
        read(name, path)


@pytest.mark.parametrize(
    ("name", "format_"), [("x.parquet", "parquet"), ("x.pq", "parquet"), ("x.arrow", "arrow"), ("x.feather", "arrow")]
)
def test_they_are_told_by_their_names(tmp_path: Path, name: str, format_: str) -> None:
    assert guess_format(tmp_path / name, ["text_a", "label"]).name == format_
